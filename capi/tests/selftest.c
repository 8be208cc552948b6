/* The tests in two files of `eigenmote export --c`, and on chips also those in the Rust files. */
#include "eigenmote.h"
#include "../examples/print.h"
#define TELEMETRY_DECLARATIONS_ONLY
#include "telemetry.c"
#define DIGITS_DECLARATIONS_ONLY
#include "digits.c"

#ifdef WITH_RUST
int exported_self_tests(void);
#endif

int main(void) {
    eigenmote_status telemetry = telemetry_self_test(), digits = digits_self_test();
    say("telemetry ");
    say(eigenmote_status_text(telemetry));
    say("\ndigits ");
    say(eigenmote_status_text(digits));
    say("\n");
#ifdef WITH_RUST
    if (exported_self_tests() != 0) {
        say("FAILED in Rust\n");
        return 1;
    }
#endif
    return telemetry != EIGENMOTE_STATUS_OK || digits != EIGENMOTE_STATUS_OK;
}
