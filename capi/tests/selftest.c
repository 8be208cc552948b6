/* The tests in the files of `eigenmote export --c`, and on chips also those in the Rust files. */
#include "eigenmote.h"
#include "../examples/print.h"
#define TELEMETRY_DECLARATIONS_ONLY
#include "telemetry.c"
#define DIGITS_DECLARATIONS_ONLY
#include "digits.c"
#define VOCABULARY_DECLARATIONS_ONLY
#include "vocabulary.c"

#ifdef WITH_RUST
int exported_self_tests(void);
#endif

/* Whatever byte of a model or frame is another, it is refused; so is output into the model itself. */
static int damage_is_refused(void) {
    static const telemetry_sample samples[TELEMETRY_CHANNELS] = {1, 2, 3};
    static unsigned char copy[TELEMETRY_MODEL_BYTES], frame[64 + 8 * TELEMETRY_CHANNELS];
    static telemetry_sample decoded[TELEMETRY_WINDOW * TELEMETRY_CHANNELS];
    eigenmote_model model, damaged;
    eigenmote_slot scratch[TELEMETRY_SLOTS];
    size_t length = 0, rows = 0, i;
    for (i = 0; i < sizeof copy; i++)
        copy[i] = telemetry_model[i];
    for (i = 0; i < sizeof copy; i++) {
        copy[i] ^= (unsigned char)(1u << (i % 8));
        if (eigenmote_model_parse(&damaged, copy, sizeof copy) == EIGENMOTE_STATUS_OK ||
            eigenmote_model_parse(&damaged, telemetry_model, i) == EIGENMOTE_STATUS_OK)
            return 0;
        copy[i] ^= (unsigned char)(1u << (i % 8));
    }
    if (eigenmote_model_parse(&model, copy, sizeof copy) != EIGENMOTE_STATUS_OK ||
        telemetry_encode(&model, 9, samples, TELEMETRY_CHANNELS, scratch, TELEMETRY_SLOTS, copy, sizeof copy, &length) !=
            EIGENMOTE_STATUS_OVERLAP ||
        telemetry_encode(&model, 9, samples, TELEMETRY_CHANNELS, scratch, TELEMETRY_SLOTS, frame, sizeof frame, &length) !=
            EIGENMOTE_STATUS_OK)
        return 0;
    for (i = 0; i < length; i++) {
        frame[i] ^= (unsigned char)(1u << (i % 8));
        if (telemetry_decode(&model, frame, length, scratch, TELEMETRY_SLOTS, decoded, sizeof decoded / sizeof *decoded,
                             &rows) == EIGENMOTE_STATUS_OK)
            return 0;
        frame[i] ^= (unsigned char)(1u << (i % 8));
    }
    return telemetry_decode(&model, frame, length, scratch, TELEMETRY_SLOTS, decoded, sizeof decoded / sizeof *decoded,
                            &rows) == EIGENMOTE_STATUS_OK && rows == 1;
}

int main(void) {
    eigenmote_status telemetry = telemetry_self_test(), digits = digits_self_test(), vocabulary = vocabulary_self_test();
    say("telemetry ");
    say(eigenmote_status_text(telemetry));
    say("\ndigits ");
    say(eigenmote_status_text(digits));
    say("\nvocabulary ");
    say(eigenmote_status_text(vocabulary));
    say("\n");
    if (!damage_is_refused()) {
        say("FAILED: damage is not refused\n");
        return 1;
    }
#ifdef WITH_RUST
    if (exported_self_tests() != 0) {
        say("FAILED in Rust\n");
        return 1;
    }
#endif
    return telemetry != EIGENMOTE_STATUS_OK || digits != EIGENMOTE_STATUS_OK || vocabulary != EIGENMOTE_STATUS_OK;
}
