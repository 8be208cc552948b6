/*
 * The main job: a recording that is compiled in becomes frames, and frames become samples again.
 *
 * telemetry.c is the model, as `eigenmote export` writes it; recording.h holds rows of that model's
 * channels. Prints every frame, and a checksum of what comes back.
 */
#include "eigenmote.h"
#include "print.h"
#define TELEMETRY_DECLARATIONS_ONLY
#include "telemetry.c"
#include "recording.h"

#define CHANNELS TELEMETRY_CHANNELS
#define MTU 64 /* bytes of a radio packet */

static eigenmote_slot sender_scratch[2 * TELEMETRY_SLOTS], receiver_scratch[2 * TELEMETRY_SLOTS];
static eigenmote_stream stream;
static eigenmote_receiver receiver;
static uint8_t frame[TELEMETRY_MAX_FRAME_BYTES];
static telemetry_sample decoded[TELEMETRY_WINDOW * CHANNELS];

static uint32_t hash = 2166136261u;

static void add_to_hash(const void *bytes, size_t length) {
    for (size_t i = 0; i < length; i++)
        hash = (hash ^ ((const uint8_t *)bytes)[i]) * 16777619u;
}

static int failed(const char *what, eigenmote_status status) {
    say(what);
    say(": ");
    say(eigenmote_status_text(status));
    say("\n");
    return 1;
}

int main(void) {
    eigenmote_model model;
    eigenmote_status status = eigenmote_model_parse(&model, telemetry_model, sizeof telemetry_model);
    if (status != EIGENMOTE_STATUS_OK)
        return failed("model", status);

    /* Whole windows; every fourth frame stands alone. */
    uint32_t number = 0;
    eigenmote_stream_init(&stream);
    eigenmote_receiver_init(&receiver);
    for (size_t row = 0; row < RECORDING_ROWS; number++) {
        size_t rows = RECORDING_ROWS - row < TELEMETRY_WINDOW ? RECORDING_ROWS - row : TELEMETRY_WINDOW;
        size_t length = 0;
        if (number % 4 == 0)
            eigenmote_stream_restart(&stream);
        status = telemetry_encode_next(&model, &stream, number, recording + row * CHANNELS, rows * CHANNELS,
                                       sender_scratch, 2 * TELEMETRY_SLOTS, frame, sizeof frame, &length);
        if (status != EIGENMOTE_STATUS_OK)
            return failed("encode", status);
        say("frame ");
        say_bytes(frame, length);
        say("\n");

        eigenmote_received received;
        status = telemetry_receive(&model, &receiver, frame, length, receiver_scratch, 2 * TELEMETRY_SLOTS, decoded,
                                   sizeof decoded / sizeof *decoded, &received);
        if (status != EIGENMOTE_STATUS_OK || received.rows != rows || received.missing != 0)
            return failed("receive", status);
        add_to_hash(decoded, rows * CHANNELS * sizeof *decoded);
        row += rows;
    }
    say("decoded ");
    say_hex(hash, 8);
    say("\n");

    /* Packets of a size, as many rows in each as fit; the third is lost on the way. */
    eigenmote_receiver_init(&receiver);
    size_t row = 0;
    for (number = 0; number < 8 && row < RECORDING_ROWS; number++) {
        uint8_t packet[MTU];
        size_t rows = 0, length = 0;
        eigenmote_stream_init(&stream);
        status = telemetry_encode_fitting(&model, &stream, number, recording + row * CHANNELS,
                                          (RECORDING_ROWS - row) * CHANNELS, sender_scratch, 2 * TELEMETRY_SLOTS,
                                          packet, sizeof packet, &rows, &length);
        if (status != EIGENMOTE_STATUS_OK)
            return failed("encode_fitting", status);
        row += rows;
        if (number == 2)
            continue;
        /* The receiver finds it among what else came in. */
        uint8_t air[MTU + 5] = {0x31, 0x07};
        memcpy(air + 2, packet, length);
        eigenmote_scan scan;
        eigenmote_found found;
        eigenmote_received received;
        eigenmote_scan_init(&scan, &model, air, length + 5);
        while (eigenmote_scan_next(&scan, &found) == EIGENMOTE_STATUS_OK) {
            status = telemetry_receive(&model, &receiver, air + found.start, found.frame.length, receiver_scratch,
                                       2 * TELEMETRY_SLOTS, decoded, sizeof decoded / sizeof *decoded, &received);
            if (status != EIGENMOTE_STATUS_OK)
                return failed("receive", status);
            say("packet ");
            say_number(received.sequence);
            say(", ");
            say_number((uint32_t)received.rows);
            say(" rows, ");
            say_number((uint32_t)length);
            say(" bytes, ");
            say_number(received.missing);
            say(" missing before, ");
            say_number((uint32_t)found.skipped);
            say(" other bytes\n");
        }
    }
    return 0;
}
