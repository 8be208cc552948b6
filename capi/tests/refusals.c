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

/* dog, puppy and park in two dimensions: the example of src/embed/table.rs. */
static const unsigned char three_words[88] = {
    0x45, 0x49, 0x47, 0x57, 1, 1, 1, 0, 88, 0, 0, 0, 3, 0, 0, 0, 2, 0, 0, 0, 12, 0, 0, 0, 2, 0, 0x7f, 0x0e, 0x7f, 0x30,
    0xdc, 0x7f, 0xd4, 0x36, 0xe8, 0x3b, 0xa0, 0x69, 0xce, 0x3b, 0x6c, 0x9c, 0xb4, 0x3b, 0x07, 0x70, 0x2b, 0x8e, 0x08, 0x8f,
    3, 0, 0, 0, 8, 0, 0, 0, 12, 0, 0, 0, 1, 0, 1, 0, 2, 0, 0, 0, 0xff, 0xff, 'd', 'o', 'g', 'p', 'u', 'p', 'p', 'y', 'p',
    'a', 'r', 'k', 0x81, 0xc0, 0x84, 0x67};

/* So many bytes of `memory`, whose last four become the checksum of those before. */
static const uint8_t *sealed(size_t length) {
    uint32_t crc = 0xffffffff;
    for (size_t i = 0; i < length - 4; i++) {
        crc ^= OUT[i];
        for (int bit = 0; bit < 8; bit++)
            crc = crc >> 1 ^ (crc & 1 ? 0xedb88320 : 0);
    }
    for (size_t i = 0; i < 4; i++)
        OUT[length - 4 + i] = (uint8_t)(~crc >> 8 * i);
    return OUT;
}

/* That table with another byte. */
static const uint8_t *with(size_t at, uint8_t value) {
    memcpy(OUT, three_words, sizeof three_words);
    OUT[at] = value;
    return sealed(sizeof three_words);
}

static void words(void) {
    static eigenmote_word_table table, other, empty;
    eigenmote_word_table_info info;
    eigenmote_hit hits[3];
    const char *word = NULL;
    const float one_and_half[2] = {1.0f, 0.5f}, not_finite[1] = {1e30f * 1e30f};
    const int32_t fixed[2] = {-65536, 32768};
    uint32_t id = 9;
    int32_t cosine, whole[2];
    int8_t values[2];
    float x[2];
    IS(NULL_POINTER, eigenmote_word_table_parse(NULL, NULL, 0));
    IS(TRUNCATED, eigenmote_word_table_parse(&table, NULL, 0));
    IS(NULL_POINTER, eigenmote_word_table_parse(&table, NULL, 1));
    IS(OVERLAP, eigenmote_word_table_parse(&table, (uint8_t *)&table, 8));
    IS(MISALIGNED, eigenmote_word_table_parse(ODD(eigenmote_word_table), three_words, sizeof three_words));
    IS(NOT_A_TABLE, eigenmote_word_table_parse(&table, floats, sizeof floats));
    IS(TRUNCATED, eigenmote_word_table_parse(&table, three_words, sizeof three_words - 1));
    IS(UNKNOWN_VERSION, eigenmote_word_table_parse(&table, with(4, 9), sizeof three_words));
    IS(BAD_HEADER, eigenmote_word_table_parse(&table, with(7, 1), sizeof three_words));
    IS(BAD_SHAPE, eigenmote_word_table_parse(&table, with(12, 0), sizeof three_words));
    IS(BAD_SCALE, eigenmote_word_table_parse(&table, with(35, 0xbb), sizeof three_words));
    IS(BAD_WORDS, eigenmote_word_table_parse(&table, with(50, 9), sizeof three_words));
    OUT[80] ^= 1;
    IS(BAD_CHECKSUM, eigenmote_word_table_parse(&table, OUT, sizeof three_words));
    IS(NOT_INITIALIZED, eigenmote_word_table_get_info(&table, &info));
    IS(OK, eigenmote_word_table_parse(&table, three_words, sizeof three_words));
    IS(NULL_POINTER, eigenmote_word_table_get_info(NULL, NULL));
    IS(NOT_INITIALIZED, eigenmote_word_table_get_info(&empty, &info));
    IS(OVERLAP, eigenmote_word_table_get_info(&table, (eigenmote_word_table_info *)&table));
    IS(OK, eigenmote_word_table_get_info(&table, &info));
    expect(info.len == 3 && info.dim == 2 && info.bytes == 88 && info.has_words == 1, __LINE__);
    expect(info.prefix_count == 1 && info.prefixes[0] == 2 && info.prefixes[1] == 0, __LINE__);
    IS(NULL_POINTER, eigenmote_word_table_prefix(NULL, 0, NULL));
    IS(NOT_INITIALIZED, eigenmote_word_table_prefix(&empty, 2, &other));
    IS(OVERLAP, eigenmote_word_table_prefix(&table, 2, &table));
    IS(BAD_ARGUMENT, eigenmote_word_table_prefix(&table, 1, &other));
    IS(OK, eigenmote_word_table_prefix(&table, 2, &other));
    IS(NULL_POINTER, eigenmote_word_table_id(NULL, NULL, 0, NULL));
    IS(NULL_POINTER, eigenmote_word_table_id(&table, NULL, 1, &id));
    IS(NULL_POINTER, eigenmote_word_table_id(&table, "dog", 3, NULL));
    IS(TOO_LONG, eigenmote_word_table_id(&table, "dog", SIZE_MAX, &id));
    IS(NOT_INITIALIZED, eigenmote_word_table_id(&empty, "dog", 3, &id));
    IS(OVERLAP, eigenmote_word_table_id(&table, (const char *)&id, 3, &id));
    IS(UNKNOWN_WORD, eigenmote_word_table_id(&table, NULL, 0, &id));
    IS(UNKNOWN_WORD, eigenmote_word_table_id(&table, "dogs", 4, &id));
    IS(UNKNOWN_WORD, eigenmote_word_table_id(&table, "\xff", 1, &id));
    expect(id == 9, __LINE__);
    IS(OK, eigenmote_word_table_id(&table, "parks", 4, &id));
    expect(id == 2, __LINE__);
    IS(NULL_POINTER, eigenmote_word_table_word(NULL, 0, NULL, NULL));
    IS(NULL_POINTER, eigenmote_word_table_word(&table, 0, &word, NULL));
    IS(NOT_INITIALIZED, eigenmote_word_table_word(&empty, 0, &word, &length));
    IS(UNKNOWN_ID, eigenmote_word_table_word(&table, 3, &word, &length));
    expect(word == NULL, __LINE__);
    IS(OK, eigenmote_word_table_word(&table, 1, &word, &length));
    expect(length == 5 && memcmp(word, "puppy", 5) == 0, __LINE__);
    IS(NULL_POINTER, eigenmote_word_table_values(NULL, 0, NULL, 0));
    IS(BUFFER_TOO_SMALL, eigenmote_word_table_values(&table, 0, NULL, 0));
    IS(NOT_INITIALIZED, eigenmote_word_table_values(&empty, 0, values, 2));
    IS(OVERLAP, eigenmote_word_table_values(&table, 0, (int8_t *)&table, 2));
    IS(UNKNOWN_ID, eigenmote_word_table_values(&table, 3, values, 2));
    IS(OK, eigenmote_word_table_values(&table, 2, values, 2));
    expect(values[0] == -36 && values[1] == 127, __LINE__);
    IS(NULL_POINTER, eigenmote_word_table_vector_f32(NULL, 0, NULL, 0));
    IS(BUFFER_TOO_SMALL, eigenmote_word_table_vector_f32(&table, 0, x, 1));
    IS(MISALIGNED, eigenmote_word_table_vector_f32(&table, 0, ODD(float), 2));
    IS(UNKNOWN_ID, eigenmote_word_table_vector_f32(&table, 3, x, 2));
    IS(OK, eigenmote_word_table_vector_f32(&table, 0, x, 2));
    expect(x[0] == 0.9f, __LINE__);
    IS(NULL_POINTER, eigenmote_word_table_vector_fixed(NULL, 0, NULL, 0));
    IS(BUFFER_TOO_SMALL, eigenmote_word_table_vector_fixed(&table, 0, whole, 1));
    IS(UNKNOWN_ID, eigenmote_word_table_vector_fixed(&table, UINT32_MAX, whole, 2));
    IS(OK, eigenmote_word_table_vector_fixed(&table, 0, whole, 2));
    expect(whole[0] == 58982, __LINE__);
    IS(NULL_POINTER, eigenmote_word_table_cosine(NULL, 0, 0, NULL));
    IS(NOT_INITIALIZED, eigenmote_word_table_cosine(&empty, 0, 1, &cosine));
    IS(UNKNOWN_ID, eigenmote_word_table_cosine(&table, 0, 3, &cosine));
    IS(OVERLAP, eigenmote_word_table_cosine(&table, 0, 1, (int32_t *)&table));
    IS(OK, eigenmote_word_table_cosine(&table, 0, 1, &cosine));
    expect(cosine > EIGENMOTE_COSINE_ONE / 10 * 9 && cosine <= EIGENMOTE_COSINE_ONE, __LINE__);
    IS(NULL_POINTER, eigenmote_word_table_nearest(NULL, 0, NULL, 0, NULL));
    IS(NULL_POINTER, eigenmote_word_table_nearest(&table, 0, NULL, 1, &length));
    IS(NULL_POINTER, eigenmote_word_table_nearest(&table, 0, hits, 3, NULL));
    IS(NOT_INITIALIZED, eigenmote_word_table_nearest(&empty, 0, hits, 3, &length));
    IS(OVERLAP, eigenmote_word_table_nearest(&table, 0, (eigenmote_hit *)&table, 1, &length));
    IS(OVERLAP, eigenmote_word_table_nearest(&table, 0, hits, 3, (size_t *)hits));
    IS(UNKNOWN_ID, eigenmote_word_table_nearest(&table, 3, hits, 3, &length));
    IS(OK, eigenmote_word_table_nearest(&table, 0, NULL, 0, &length));
    expect(length == 0, __LINE__);
    IS(OK, eigenmote_word_table_nearest(&table, 0, hits, 3, &length));
    expect(length == 2 && hits[0].id == 1 && hits[0].score == cosine && hits[1].id == 2, __LINE__);
    IS(NULL_POINTER, eigenmote_word_table_nearest_to(NULL, NULL, 0, NULL, 0, NULL, 0, NULL));
    IS(NULL_POINTER, eigenmote_word_table_nearest_to(&table, NULL, 2, NULL, 0, hits, 3, &length));
    IS(NULL_POINTER, eigenmote_word_table_nearest_to(&table, values, 2, NULL, 1, hits, 3, &length));
    IS(WRONG_LENGTH, eigenmote_word_table_nearest_to(&table, values, 1, NULL, 0, hits, 3, &length));
    IS(OVERLAP, eigenmote_word_table_nearest_to(&table, values, 2, &hits[0].id, 1, hits, 3, &length));
    IS(OVERLAP, eigenmote_word_table_nearest_to(&table, (int8_t *)hits, 2, NULL, 0, hits, 3, &length));
    IS(OK, eigenmote_word_table_nearest_to(&table, values, 2, &id, 1, hits, 3, &length));
    expect(length == 2 && hits[0].id == 1, __LINE__);
    IS(NULL_POINTER, eigenmote_word_table_analogy(NULL, 0, 0, 0, 0, NULL, 0, NULL));
    IS(NOT_INITIALIZED, eigenmote_word_table_analogy(&empty, 0, 1, 2, EIGENMOTE_ANALOGY_ADD, hits, 3, &length));
    IS(BAD_ARGUMENT, eigenmote_word_table_analogy(&table, 0, 1, 2, 2, hits, 3, &length));
    IS(UNKNOWN_ID, eigenmote_word_table_analogy(&table, 0, 1, 3, EIGENMOTE_ANALOGY_MUL, hits, 3, &length));
    IS(OVERLAP, eigenmote_word_table_analogy(&table, 0, 1, 2, 0, (eigenmote_hit *)&table, 1, &length));
    IS(OK, eigenmote_word_table_analogy(&table, 0, 1, 2, EIGENMOTE_ANALOGY_ADD, hits, 3, &length));
    expect(length == 0, __LINE__);
    IS(OK, eigenmote_word_table_analogy(&table, 0, 1, 1, EIGENMOTE_ANALOGY_MUL, hits, 3, &length));
    expect(length == 1 && hits[0].id == 2 && hits[0].score > 0, __LINE__);
    IS(NULL_POINTER, eigenmote_word_query_f32(NULL, 1, NULL, 1));
    IS(OK, eigenmote_word_query_f32(NULL, 0, NULL, 0));
    IS(BUFFER_TOO_SMALL, eigenmote_word_query_f32(one_and_half, 2, values, 1));
    IS(NOT_FINITE, eigenmote_word_query_f32(not_finite, 1, values, 2));
    IS(OVERLAP, eigenmote_word_query_f32(x, 2, (int8_t *)x, 2));
    IS(OK, eigenmote_word_query_f32(one_and_half, 2, values, 2));
    expect(values[0] == 127 && values[1] == 64, __LINE__);
    IS(NULL_POINTER, eigenmote_word_query_fixed(NULL, 1, NULL, 1));
    IS(OK, eigenmote_word_query_fixed(NULL, 0, NULL, 0));
    IS(BUFFER_TOO_SMALL, eigenmote_word_query_fixed(fixed, 2, NULL, 0));
    IS(OVERLAP, eigenmote_word_query_fixed(whole, 2, (int8_t *)whole, 2));
    IS(OK, eigenmote_word_query_fixed(fixed, 2, values, 2));
    expect(values[0] == -127 && values[1] == 64, __LINE__);
    /* Without words, which are behind the 50 bytes of head, values, scales and lengths. */
    memcpy(OUT, three_words, 50);
    OUT[5] = OUT[20] = 0;
    OUT[8] = 54;
    IS(OK, eigenmote_word_table_parse(&other, sealed(54), 54));
    IS(OK, eigenmote_word_table_get_info(&other, &info));
    expect(info.len == 3 && info.bytes == 54 && info.has_words == 0, __LINE__);
    IS(UNKNOWN_WORD, eigenmote_word_table_id(&other, "dog", 3, &id));
    IS(UNKNOWN_WORD, eigenmote_word_table_word(&other, 0, &word, &length));
    IS(OK, eigenmote_word_table_nearest(&other, 0, hits, 3, &length));
    expect(length == 2 && hits[0].id == 1 && hits[0].score == cosine, __LINE__);
}

int main(void) {
    models_and_frames();
    CODING(i16, int16_t);
    CODING(i32, int32_t);
    CODING(f32, float);
    CODING(f64, double);
    networks();
    blobs();
    words();
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
