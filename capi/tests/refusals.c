/* Every function, with NULL, zero lengths, misaligned and overlapping pointers, and states that were never
   initialised: each has to give a status and leave memory alone. */
#include "eigenmote.h"
#include "../examples/print.h"

static int failures, checks;

static void expect(int ok, int line) {
    checks++;
    if (!ok) {
        failures++;
        say("line ");
        say_number((uint32_t)line);
        say("\n");
    }
}
#define IS(status, call) expect((call) == EIGENMOTE_STATUS_##status, __LINE__)
/* Refused, for whatever reason. */
#define NOT(call) expect((call) != EIGENMOTE_STATUS_OK, __LINE__)

static eigenmote_model model, empty_model;
static eigenmote_stream stream, empty_stream;
static eigenmote_receiver receiver, empty_receiver;
static eigenmote_scan scan, empty_scan;
static eigenmote_rng rng, empty_rng;
static eigenmote_slot slots[4];
static eigenmote_received received;
static size_t rows, length;
static double memory[64];

#define OUT ((uint8_t *)memory)
#define ODD(type) ((type *)(OUT + 1))

#define CODING(kind, type)                                                                                        \
    do {                                                                                                          \
        type *samples = (type *)memory;                                                                           \
        IS(NULL_POINTER, eigenmote_encode_##kind(NULL, 0, NULL, 0, NULL, 0, NULL, 0, NULL));                      \
        IS(NULL_POINTER, eigenmote_encode_##kind(&model, 0, NULL, 1, NULL, 0, NULL, 0, &length));                 \
        IS(NULL_POINTER, eigenmote_encode_##kind(&model, 0, samples, 1, NULL, 4, NULL, 0, &length));              \
        IS(NULL_POINTER, eigenmote_encode_##kind(&model, 0, samples, 1, slots, 4, NULL, 9, &length));             \
        IS(MISALIGNED, eigenmote_encode_##kind(&model, 0, ODD(type), 1, slots, 4, OUT, 9, &length));              \
        IS(OVERLAP, eigenmote_encode_##kind(&model, 0, samples, 2, slots, 4, OUT + 1, 9, &length));               \
        IS(OVERLAP, eigenmote_encode_##kind(&model, 0, samples, 2, slots, 4, (uint8_t *)&model, 9, &length));     \
        IS(TOO_LONG, eigenmote_encode_##kind(&model, 0, samples, SIZE_MAX, slots, 4, NULL, 0, &length));          \
        IS(TOO_LONG, eigenmote_encode_##kind(&model, 0, samples, SIZE_MAX / 2 + 1, slots, 4, NULL, 0, &length));  \
        IS(NOT_INITIALIZED, eigenmote_encode_##kind(&empty_model, 0, NULL, 0, NULL, 0, NULL, 0, &length));        \
        IS(NULL_POINTER, eigenmote_encode_next_##kind(NULL, NULL, 0, NULL, 0, NULL, 0, NULL, 0, NULL));           \
        IS(NULL_POINTER, eigenmote_encode_next_##kind(&model, NULL, 0, NULL, 0, NULL, 0, NULL, 0, &length));      \
        NOT(eigenmote_encode_next_##kind(&empty_model, &stream, 0, NULL, 0, NULL, 0, NULL, 0, &length));          \
        NOT(eigenmote_encode_next_##kind(&model, &empty_stream, 0, NULL, 0, NULL, 0, NULL, 0, &length));          \
        IS(OVERLAP, eigenmote_encode_next_##kind(&model, &stream, 0, samples, 1, slots, 4, (uint8_t *)&stream, 4, &length)); \
        IS(NULL_POINTER, eigenmote_encode_fitting_##kind(NULL, NULL, 0, NULL, 0, NULL, 0, NULL, 0, NULL, NULL));  \
        IS(NULL_POINTER, eigenmote_encode_fitting_##kind(&model, &stream, 0, NULL, 0, NULL, 0, NULL, 0, NULL, &length)); \
        NOT(eigenmote_encode_fitting_##kind(&model, &empty_stream, 0, NULL, 0, NULL, 0, NULL, 0, &rows, &length)); \
        IS(NULL_POINTER, eigenmote_decode_##kind(NULL, NULL, 0, NULL, 0, NULL, 0, NULL));                         \
        NOT(eigenmote_decode_##kind(&model, NULL, 0, NULL, 0, NULL, 0, &rows));                                   \
        NOT(eigenmote_decode_##kind(&empty_model, OUT, 9, slots, 4, NULL, 0, &rows));                             \
        IS(OVERLAP, eigenmote_decode_##kind(&model, OUT, 9, slots, 4, samples, 2, &rows));                        \
        IS(NULL_POINTER, eigenmote_decode_next_##kind(NULL, NULL, NULL, 0, NULL, 0, NULL, 0, NULL));              \
        NOT(eigenmote_decode_next_##kind(&model, &stream, NULL, 0, NULL, 0, NULL, 0, &rows));                     \
        NOT(eigenmote_decode_next_##kind(&model, &empty_stream, OUT, 9, slots, 4, NULL, 0, &rows));               \
        IS(NULL_POINTER, eigenmote_receive_##kind(NULL, NULL, NULL, 0, NULL, 0, NULL, 0, NULL));                  \
        NOT(eigenmote_receive_##kind(&model, &receiver, NULL, 0, NULL, 0, NULL, 0, &received));                   \
        NOT(eigenmote_receive_##kind(&model, &empty_receiver, OUT, 9, slots, 4, NULL, 0, &received));             \
    } while (0)

#define MOMENTS(d)                                                                                                \
    do {                                                                                                          \
        static eigenmote_moments_f32_##d moments, other, empty;                                                   \
        static float x[d], matrix[d * d];                                                                         \
        uint32_t count;                                                                                           \
        IS(NULL_POINTER, eigenmote_moments_f32_##d##_init(NULL));                                                 \
        IS(OK, eigenmote_moments_f32_##d##_init(&moments) | eigenmote_moments_f32_##d##_init(&other));            \
        IS(NULL_POINTER, eigenmote_moments_f32_##d##_update(NULL, NULL, 0));                                      \
        IS(NULL_POINTER, eigenmote_moments_f32_##d##_update(&moments, NULL, 1));                                  \
        IS(NOT_INITIALIZED, eigenmote_moments_f32_##d##_update(&empty, x, 1));                                    \
        IS(MISALIGNED, eigenmote_moments_f32_##d##_update(&moments, ODD(float), 1));                              \
        IS(OVERLAP, eigenmote_moments_f32_##d##_update(&moments, (const float *)&moments, 1));                    \
        IS(OK, eigenmote_moments_f32_##d##_update(&moments, NULL, 0));                                            \
        IS(NULL_POINTER, eigenmote_moments_f32_##d##_merge(NULL, NULL));                                          \
        IS(OVERLAP, eigenmote_moments_f32_##d##_merge(&moments, &moments));                                       \
        IS(NOT_INITIALIZED, eigenmote_moments_f32_##d##_merge(&moments, &empty));                                 \
        IS(NULL_POINTER, eigenmote_moments_f32_##d##_count(NULL, NULL));                                          \
        IS(NOT_INITIALIZED, eigenmote_moments_f32_##d##_count(&empty, &count));                                   \
        IS(NULL_POINTER, eigenmote_moments_f32_##d##_mean(NULL, NULL));                                           \
        IS(OK, eigenmote_moments_f32_##d##_mean(&moments, x));                                                    \
        IS(NULL_POINTER, eigenmote_moments_f32_##d##_covariance(NULL, NULL));                                     \
        IS(TOO_FEW_SAMPLES, eigenmote_moments_f32_##d##_covariance(&moments, matrix));                            \
    } while (0)

#define PCA(d, k)                                                                                                 \
    do {                                                                                                          \
        static eigenmote_pca_f32_##d##x##k pca;                                                                   \
        static eigenmote_moments_f32_##d moments, empty;                                                          \
        static float x[d], z[k];                                                                                  \
        eigenmote_scores scores;                                                                                  \
        IS(OK, eigenmote_moments_f32_##d##_init(&moments));                                                       \
        IS(NULL_POINTER, eigenmote_pca_f32_##d##x##k##_fit(NULL, NULL, 0));                                       \
        IS(TOO_FEW_SAMPLES, eigenmote_pca_f32_##d##x##k##_fit(&pca, NULL, 0));                                    \
        IS(NULL_POINTER, eigenmote_pca_f32_##d##x##k##_fit_from_moments(NULL, NULL));                             \
        IS(TOO_FEW_SAMPLES, eigenmote_pca_f32_##d##x##k##_fit_from_moments(&pca, &moments));                      \
        IS(NOT_INITIALIZED, eigenmote_pca_f32_##d##x##k##_fit_from_moments(&pca, &empty));                        \
        IS(NULL_POINTER, eigenmote_pca_f32_##d##x##k##_transform(NULL, NULL, NULL));                              \
        IS(NULL_POINTER, eigenmote_pca_f32_##d##x##k##_transform(&pca, x, NULL));                                 \
        IS(MISALIGNED, eigenmote_pca_f32_##d##x##k##_transform(&pca, ODD(float), z));                             \
        IS(OK, eigenmote_pca_f32_##d##x##k##_transform(&pca, x, z));                                              \
        IS(NULL_POINTER, eigenmote_pca_f32_##d##x##k##_inverse_transform(NULL, NULL, NULL));                      \
        IS(NULL_POINTER, eigenmote_pca_f32_##d##x##k##_get_scores(NULL, NULL, NULL));                             \
        IS(OK, eigenmote_pca_f32_##d##x##k##_get_scores(&pca, x, &scores));                                       \
        IS(NULL_POINTER, eigenmote_pca_f32_##d##x##k##_sample(NULL, NULL, NULL));                                 \
        IS(NOT_INITIALIZED, eigenmote_pca_f32_##d##x##k##_sample(&pca, &empty_rng, x));                           \
        IS(OVERLAP, eigenmote_pca_f32_##d##x##k##_sample(&pca, (eigenmote_rng *)&pca, x));                        \
    } while (0)

static void models_and_frames(void) {
    eigenmote_model_info info;
    eigenmote_frame frame;
    eigenmote_found found;
    IS(NULL_POINTER, eigenmote_model_parse(NULL, NULL, 0));
    IS(TRUNCATED, eigenmote_model_parse(&model, NULL, 0));
    IS(NULL_POINTER, eigenmote_model_parse(&model, NULL, 1));
    IS(TOO_LONG, eigenmote_model_parse(&model, OUT, SIZE_MAX));
    IS(OVERLAP, eigenmote_model_parse(&model, (uint8_t *)&model, 8));
    IS(MISALIGNED, eigenmote_model_parse(ODD(eigenmote_model), OUT + 256, 8));
    IS(NOT_A_MODEL, eigenmote_model_parse(&model, OUT, sizeof memory));
    IS(NULL_POINTER, eigenmote_model_get_info(NULL, NULL));
    IS(NOT_INITIALIZED, eigenmote_model_get_info(&model, &info));
    IS(NULL_POINTER, eigenmote_stream_init(NULL));
    IS(NULL_POINTER, eigenmote_stream_restart(NULL));
    IS(NOT_INITIALIZED, eigenmote_stream_restart(&empty_stream));
    IS(OK, eigenmote_stream_init(&stream));
    IS(MISALIGNED, eigenmote_stream_init(ODD(eigenmote_stream)));
    IS(NULL_POINTER, eigenmote_frame_parse(NULL, 0, NULL));
    IS(TRUNCATED, eigenmote_frame_parse(NULL, 0, &frame));
    IS(UNKNOWN_VERSION, eigenmote_frame_parse(OUT, 9, &frame));
    IS(NULL_POINTER, eigenmote_scan_init(NULL, NULL, NULL, 0));
    IS(NULL_POINTER, eigenmote_scan_init(&scan, NULL, NULL, 1));
    IS(NOT_INITIALIZED, eigenmote_scan_init(&scan, &empty_model, OUT, 9));
    IS(OVERLAP, eigenmote_scan_init(&scan, NULL, (uint8_t *)&scan, 9));
    IS(NULL_POINTER, eigenmote_scan_next(NULL, NULL));
    IS(NOT_INITIALIZED, eigenmote_scan_next(&empty_scan, &found));
    IS(NULL_POINTER, eigenmote_scan_done(NULL, NULL));
    IS(NOT_INITIALIZED, eigenmote_scan_done(&empty_scan, &length));
    IS(OK, eigenmote_scan_init(&scan, NULL, OUT, 9));
    IS(END, eigenmote_scan_next(&scan, &found));
    IS(END, eigenmote_scan_next(&scan, &found));
    IS(OK, eigenmote_scan_done(&scan, &length));
    expect(length == 9, __LINE__);
    IS(NULL_POINTER, eigenmote_receiver_init(NULL));
    IS(OK, eigenmote_receiver_init(&receiver));
}

static void networks(void) {
    static const float ones[4] = {1.0f, 1.0f, 1.0f, 1.0f};
    float x[2] = {0.5f, 0.5f}, y[2], scratch[8];
    eigenmote_layer layer[2] = {{ones, ones, 2, 2, EIGENMOTE_ACTIVATION_RELU, 0.0f},
                                {ones, ones, 2, 1, EIGENMOTE_ACTIVATION_LINEAR, 0.0f}};
    eigenmote_layer strange = {ones, ones, 2, 2, 99, 0.0f}, none = {NULL, NULL, 2, 2, 0, 0.0f};
    eigenmote_layer huge = {ones, ones, SIZE_MAX / 2, SIZE_MAX / 2, 0, 0.0f}, zero = {ones, ones, 0, 2, 0, 0.0f};
    IS(NULL_POINTER, eigenmote_rng_seed(NULL, 1));
    IS(OK, eigenmote_rng_seed(&rng, 1));
    IS(NULL_POINTER, eigenmote_rng_uniform_f32(NULL, NULL, 0));
    IS(NULL_POINTER, eigenmote_rng_uniform_f32(&rng, NULL, 1));
    IS(OK, eigenmote_rng_uniform_f32(&rng, NULL, 0));
    IS(NOT_INITIALIZED, eigenmote_rng_uniform_f32(&empty_rng, y, 1));
    IS(NULL_POINTER, eigenmote_rng_normal_f32(NULL, NULL, 0));
    IS(OVERLAP, eigenmote_rng_normal_f32(&rng, (float *)&rng, 1));
    IS(NULL_POINTER, eigenmote_forward_scratch(NULL, 0, NULL));
    IS(BAD_ARGUMENT, eigenmote_forward_scratch(NULL, 0, &length));
    IS(BAD_ARGUMENT, eigenmote_forward_scratch(&strange, 1, &length));
    IS(BAD_ARGUMENT, eigenmote_forward_scratch(&huge, 1, &length));
    IS(BAD_ARGUMENT, eigenmote_forward_scratch(&zero, 1, &length));
    IS(OK, eigenmote_forward_scratch(layer, 2, &length));
    expect(length == 2, __LINE__);
    IS(BAD_ARGUMENT, eigenmote_forward_f32(NULL, 0, NULL, 0, NULL, 0, NULL, 0));
    IS(NULL_POINTER, eigenmote_forward_f32(NULL, 1, NULL, 0, NULL, 0, NULL, 0));
    IS(NULL_POINTER, eigenmote_forward_f32(&none, 1, x, 2, NULL, 0, y, 2));
    IS(WRONG_LENGTH, eigenmote_forward_f32(layer, 2, x, 1, scratch, 2, y, 1));
    IS(BUFFER_TOO_SMALL, eigenmote_forward_f32(layer, 2, x, 2, scratch, 2, NULL, 0));
    IS(SCRATCH_TOO_SMALL, eigenmote_forward_f32(layer, 2, x, 2, scratch, 1, y, 1));
    IS(OVERLAP, eigenmote_forward_f32(layer, 2, x, 2, scratch, 8, scratch + 7, 1));
    IS(OVERLAP, eigenmote_forward_f32(layer, 2, x, 2, x, 2, y, 1));
    IS(OVERLAP, eigenmote_forward_f32(layer, 2, x, 2, scratch, 2, (float *)(uintptr_t)ones, 1));
    IS(OK, eigenmote_forward_f32(layer, 2, x, 2, scratch, 2, y, 1));
    expect(y[0] == 5.0f, __LINE__);
    x[0] = 1.0f / (y[0] - 5.0f);
    IS(NOT_FINITE, eigenmote_forward_f32(layer, 2, x, 2, scratch, 2, y, 1));
    IS(NULL_POINTER, eigenmote_sample_f32(NULL, 0, NULL, NULL, 0, NULL, 0));
    IS(NULL_POINTER, eigenmote_sample_f32(layer, 2, &rng, NULL, 4, NULL, 0));
    IS(SCRATCH_TOO_SMALL, eigenmote_sample_f32(layer, 2, &rng, scratch, 3, y, 1));
    IS(NOT_INITIALIZED, eigenmote_sample_f32(layer, 2, &empty_rng, scratch, 4, y, 1));
    IS(OK, eigenmote_sample_f32(layer, 2, &rng, scratch, 4, y, 1));
}

/* y = relu(x1 - 2*x2 + 0.5) as floats: the example of src/nn/model.rs. */
static const unsigned char floats[] = {
    0x45, 0x49, 0x47, 0x4e, 1, 0, 0, 1, 0x34, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2, 0, 1, 0, 1, 0, 0, 0, 0, 0, 0, 0,
    0, 0, 0x80, 0x3f, 0, 0, 0, 0xc0, 0, 0, 0, 0x3f, 0xc7, 0xc1, 0x7f, 0x7a};

static const unsigned char broken_floats[] = {
    0x45, 0x49, 0x47, 0x4e, 1, 0, 0, 1, 0x34, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2, 0, 1, 0, 1, 0, 0, 0, 0, 0, 0, 0,
    0, 0, 0x80, 0x3f, 0, 0, 0, 0xc0, 0, 0, 0, 0x3f, 0, 0, 0, 0};

static void blobs(void) {
    eigenmote_int8 network, empty = {{0}};
    eigenmote_network_info info;
    eigenmote_rng rng;
    int16_t scratch[4];
    int32_t x[2] = {0, 0}, y[1];
    float in[2] = {3.0f, 1.0f}, work[2], out[1];
    size_t length = 0;
    IS(NULL_POINTER, eigenmote_network_scratch(NULL, 0, NULL));
    IS(TRUNCATED, eigenmote_network_scratch(NULL, 0, &length));
    IS(OK, eigenmote_network_scratch(floats, sizeof floats, &length));
    expect(length == 2, __LINE__);
    IS(TRUNCATED, eigenmote_network_forward_f32(NULL, 0, NULL, 0, NULL, 0, NULL, 0));
    IS(BAD_CHECKSUM, eigenmote_network_forward_f32(broken_floats, sizeof broken_floats, in, 2, work, 2, out, 1));
    IS(WRONG_LENGTH, eigenmote_network_forward_f32(floats, sizeof floats, in, 1, work, 2, out, 1));
    IS(BUFFER_TOO_SMALL, eigenmote_network_forward_f32(floats, sizeof floats, in, 2, work, 2, NULL, 0));
    IS(SCRATCH_TOO_SMALL, eigenmote_network_forward_f32(floats, sizeof floats, in, 2, work, 1, out, 1));
    IS(OVERLAP, eigenmote_network_forward_f32(floats, sizeof floats, in, 2, in, 2, out, 1));
    IS(OK, eigenmote_network_forward_f32(floats, sizeof floats, in, 2, work, 2, out, 1));
    expect(out[0] == 1.5f, __LINE__);
    IS(NULL_POINTER, eigenmote_int8_open(NULL, NULL, 0));
    IS(TRUNCATED, eigenmote_int8_open(&network, NULL, 0));
    IS(WRONG_KIND, eigenmote_int8_open(&network, floats, sizeof floats));
    IS(NULL_POINTER, eigenmote_int8_get_info(NULL, NULL));
    IS(NOT_INITIALIZED, eigenmote_int8_get_info(&empty, &info));
    IS(NULL_POINTER, eigenmote_int8_forward(NULL, NULL, 0, NULL, 0, NULL, 0));
    IS(NOT_INITIALIZED, eigenmote_int8_forward(&empty, x, 2, scratch, 4, y, 1));
    IS(OK, eigenmote_rng_seed(&rng, 1));
    IS(NULL_POINTER, eigenmote_int8_sample(NULL, NULL, 0, 0, NULL, 0, NULL, 0));
    IS(BAD_ARGUMENT, eigenmote_int8_sample(&empty, &rng, 70000, 0, scratch, 4, y, 1));
    IS(NOT_INITIALIZED, eigenmote_int8_sample(&empty, &rng, EIGENMOTE_NO_CLASS, 0, scratch, 4, y, 1));
}

int main(void) {
    models_and_frames();
    CODING(i16, int16_t);
    CODING(i32, int32_t);
    CODING(f32, float);
    CODING(f64, double);
    networks();
    blobs();
    MOMENTS(3);
    MOMENTS(6);
    MOMENTS(8);
    MOMENTS(9);
    MOMENTS(16);
    PCA(3, 1);
    PCA(3, 2);
    PCA(6, 2);
    PCA(8, 3);
    PCA(9, 3);
    PCA(16, 4);
    expect(eigenmote_version() == EIGENMOTE_VERSION, __LINE__);
    for (int32_t status = -2; status < 40; status++)
        expect(eigenmote_status_text(status)[0] != 0, __LINE__);
    say(failures == 0 ? "refused what has to be, " : "FAILED, ");
    say_number((uint32_t)checks);
    say(" checks\n");
    return failures != 0;
}
