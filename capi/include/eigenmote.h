/*
 * eigenmote: latent-space numerics for microcontrollers. Made from capi/src by capi/header; do not edit.
 *
 * Nothing is allocated and nothing is kept: every state is memory of the caller, declared as the types below
 * (their sizes are sizeof, their alignment is that of the type). Functions may be called from several
 * threads or interrupts at a time, as long as no two of them use the same state.
 *
 * What holds for all functions:
 * - Each gives a status, EIGENMOTE_STATUS_OK or why it did nothing; results are written only with OK, but for
 *   buffers of frames, samples and scratch, whose content is undefined after an error.
 * - NULL is refused unless the length beside it is 0, and so are misaligned pointers, and buffers that are
 *   written and overlap others of the call.
 * - States must have been initialised by their function; a state of zeros is refused. They may be copied.
 * - A pointer that is neither of these has to be good for its length; for what is lent beyond a call (the
 *   bytes of a model, a table or a scan) that holds as long as the state is used.
 * - No function blocks, recurses or takes time that depends on anything but lengths, models and tables.
 */

#ifndef EIGENMOTE_H
#define EIGENMOTE_H

#include <stddef.h>
#include <stdint.h>

/**
 * Major version: changes when programs have to be changed.
 */
#define EIGENMOTE_VERSION_MAJOR 0

/**
 * Minor version: changes when something is added.
 */
#define EIGENMOTE_VERSION_MINOR 1

/**
 * Patch version.
 */
#define EIGENMOTE_VERSION_PATCH 0

/**
 * The version of the header as one number: major*65536 + minor*256 + patch.
 */
#define EIGENMOTE_VERSION (((EIGENMOTE_VERSION_MAJOR << 16) | (EIGENMOTE_VERSION_MINOR << 8)) | EIGENMOTE_VERSION_PATCH)

/**
 * Words of a model's state, each of the size of a pointer.
 */
#define EIGENMOTE_MODEL_WORDS 20

/**
 * Words of the state of chained frames.
 */
#define EIGENMOTE_STREAM_WORDS 103

/**
 * Words of a scan's state, each of the size of a pointer.
 */
#define EIGENMOTE_SCAN_WORDS 9

/**
 * Double words of a receiver's state.
 */
#define EIGENMOTE_RECEIVER_WORDS 105

/**
 * Words of a slot of scratch memory.
 */
#define EIGENMOTE_SLOT_WORDS 11

/**
 * Most bytes of a frame beside its values: a buffer for a frame has room for it and the plain samples.
 */
#define EIGENMOTE_FRAME_OVERHEAD 17

/**
 * Samples are `int16_t`.
 */
#define EIGENMOTE_KIND_I16 1

/**
 * Samples are `int32_t`.
 */
#define EIGENMOTE_KIND_I32 2

/**
 * Samples are `float`.
 */
#define EIGENMOTE_KIND_F32 3

/**
 * Samples are `double`.
 */
#define EIGENMOTE_KIND_F64 4

/**
 * Every value is kept within the error of its channel.
 */
#define EIGENMOTE_MODE_BOUNDED 0

/**
 * A root mean square error per window is kept, or a number of components, by projection.
 */
#define EIGENMOTE_MODE_TRANSFORM 1

/**
 * A root mean square error per window is kept, by prediction.
 */
#define EIGENMOTE_MODE_PREDICTIVE 2

/**
 * Words of the state of a network, each of the size of a pointer.
 */
#define EIGENMOTE_INT8_WORDS 48

/**
 * For `eigenmote_int8_sample`: no class.
 */
#define EIGENMOTE_NO_CLASS 4294967295

/**
 * 1 as a number with 16 fraction bits.
 */
#define EIGENMOTE_ONE 65536

/**
 * `x`.
 */
#define EIGENMOTE_ACTIVATION_LINEAR 0

/**
 * `max(x, 0)`.
 */
#define EIGENMOTE_ACTIVATION_RELU 1

/**
 * `x` where positive, `slope * x` elsewhere.
 */
#define EIGENMOTE_ACTIVATION_LEAKY_RELU 2

/**
 * `tanh(x)`.
 */
#define EIGENMOTE_ACTIVATION_TANH 3

/**
 * `1 / (1 + exp(-x))`.
 */
#define EIGENMOTE_ACTIVATION_SIGMOID 4

/**
 * `x * sigmoid(x)`.
 */
#define EIGENMOTE_ACTIVATION_SILU 5

/**
 * `x` times the normal distribution function.
 */
#define EIGENMOTE_ACTIVATION_GELU 6

/**
 * The usual approximation of gelu by tanh.
 */
#define EIGENMOTE_ACTIVATION_GELU_TANH 7

/**
 * Words of the state of a table, each of the size of a pointer.
 */
#define EIGENMOTE_WORD_TABLE_WORDS 26

/**
 * Most prefixes, the whole vector being one of them.
 */
#define EIGENMOTE_WORD_TABLE_PREFIXES 8

/**
 * A cosine of 1.
 */
#define EIGENMOTE_COSINE_ONE 16777216

/**
 * A score of 1 by `EIGENMOTE_ANALOGY_MUL`.
 */
#define EIGENMOTE_ANALOGY_MUL_ONE 1048576

/**
 * `cos(x, b) - cos(x, a) + cos(x, c)`, in units of 1/`EIGENMOTE_COSINE_ONE`.
 */
#define EIGENMOTE_ANALOGY_ADD 0

/**
 * `cos(x, b) * cos(x, c) / (cos(x, a) + 0.001)` with cosines moved to 0 to 1: no term outweighs the
 * others. In units of 1/`EIGENMOTE_ANALOGY_MUL_ONE`, up to 1000 of these.
 */
#define EIGENMOTE_ANALOGY_MUL 1

/**
 * Why a function did nothing, or OK.
 */
enum eigenmote_status
#if defined(__cplusplus) || __STDC_VERSION__ >= 202311L
  : int32_t
#endif // defined(__cplusplus) || __STDC_VERSION__ >= 202311L
 {
  /**
   * Done.
   */
  EIGENMOTE_STATUS_OK = 0,
  /**
   * A pointer is NULL and its length is not 0.
   */
  EIGENMOTE_STATUS_NULL_POINTER = 1,
  /**
   * A pointer is not aligned for its type.
   */
  EIGENMOTE_STATUS_MISALIGNED = 2,
  /**
   * A buffer that is written overlaps another of the call.
   */
  EIGENMOTE_STATUS_OVERLAP = 3,
  /**
   * A length is beyond what memory can hold.
   */
  EIGENMOTE_STATUS_TOO_LONG = 4,
  /**
   * A state was not initialised.
   */
  EIGENMOTE_STATUS_NOT_INITIALIZED = 5,
  /**
   * An argument has a value without a meaning, or layers do not fit each other.
   */
  EIGENMOTE_STATUS_BAD_ARGUMENT = 6,
  /**
   * The scratch memory is too short.
   */
  EIGENMOTE_STATUS_SCRATCH_TOO_SMALL = 7,
  /**
   * The output is too short.
   */
  EIGENMOTE_STATUS_BUFFER_TOO_SMALL = 8,
  /**
   * An input value is infinite or NaN.
   */
  EIGENMOTE_STATUS_NOT_FINITE = 9,
  /**
   * There is nothing more.
   */
  EIGENMOTE_STATUS_END = 10,
  /**
   * The model is for another type of sample.
   */
  EIGENMOTE_STATUS_WRONG_KIND = 11,
  /**
   * Samples are not one to a window of whole rows, or a network or table takes another number of values.
   */
  EIGENMOTE_STATUS_WRONG_LENGTH = 12,
  /**
   * The bytes of a model, table or frame end early; of a frame more may come.
   */
  EIGENMOTE_STATUS_TRUNCATED = 13,
  /**
   * The bytes are no model.
   */
  EIGENMOTE_STATUS_NOT_A_MODEL = 14,
  /**
   * A model, table or frame of a version that this library does not know.
   */
  EIGENMOTE_STATUS_UNKNOWN_VERSION = 15,
  /**
   * A model, table or frame is damaged.
   */
  EIGENMOTE_STATUS_BAD_CHECKSUM = 16,
  /**
   * A header has a field without a meaning.
   */
  EIGENMOTE_STATUS_BAD_HEADER = 17,
  /**
   * Channels, rows or components of a model are out of range, or vectors, values or prefixes of a table.
   */
  EIGENMOTE_STATUS_BAD_SHAPE = 18,
  /**
   * A channel of a model is out of range.
   */
  EIGENMOTE_STATUS_BAD_CHANNEL = 19,
  /**
   * The transform of a model is out of range.
   */
  EIGENMOTE_STATUS_BAD_TRANSFORM = 20,
  /**
   * A frame goes on from one that was not the last one decoded.
   */
  EIGENMOTE_STATUS_UNLINKED = 21,
  /**
   * A frame was made with another model.
   */
  EIGENMOTE_STATUS_WRONG_MODEL = 22,
  /**
   * The payload of a frame is not what an encoder writes.
   */
  EIGENMOTE_STATUS_CORRUPT = 23,
  /**
   * A frame of this number was decoded before.
   */
  EIGENMOTE_STATUS_DUPLICATE = 24,
  /**
   * A result is beyond the range of its type.
   */
  EIGENMOTE_STATUS_OVERFLOW = 25,
  /**
   * More samples than a counter holds.
   */
  EIGENMOTE_STATUS_COUNT_OVERFLOW = 26,
  /**
   * Fewer samples than the result needs.
   */
  EIGENMOTE_STATUS_TOO_FEW_SAMPLES = 27,
  /**
   * A decomposition did not converge.
   */
  EIGENMOTE_STATUS_NOT_CONVERGED = 28,
  /**
   * A variance is negative.
   */
  EIGENMOTE_STATUS_NOT_POSITIVE = 29,
  /**
   * A reason that this version has no number for.
   */
  EIGENMOTE_STATUS_OTHER = 30,
  /**
   * The bytes are no table of vectors.
   */
  EIGENMOTE_STATUS_NOT_A_TABLE = 31,
  /**
   * The scale of a vector is negative or not finite.
   */
  EIGENMOTE_STATUS_BAD_SCALE = 32,
  /**
   * The words of a table are damaged.
   */
  EIGENMOTE_STATUS_BAD_WORDS = 33,
  /**
   * The table does not have the word, or has no words.
   */
  EIGENMOTE_STATUS_UNKNOWN_WORD = 34,
  /**
   * The table does not have a vector of this number.
   */
  EIGENMOTE_STATUS_UNKNOWN_ID = 35,
};
#ifndef __cplusplus
#if __STDC_VERSION__ >= 202311L
typedef enum eigenmote_status eigenmote_status;
#else
typedef int32_t eigenmote_status;
#endif // __STDC_VERSION__ >= 202311L
#endif // __cplusplus

/**
 * A checked model. Its bytes stay where they are, such as in flash, and are used as long as it is.
 */
typedef struct eigenmote_model {
  /**
   * Not to be used.
   */
  size_t words[EIGENMOTE_MODEL_WORDS];
} eigenmote_model;

/**
 * What a model says of itself.
 */
typedef struct eigenmote_model_info {
  /**
   * Values in a row.
   */
  size_t channels;
  /**
   * Rows of a full window.
   */
  size_t window;
  /**
   * Components; 0 but in transform mode.
   */
  size_t components;
  /**
   * Slots of scratch memory for encoding and decoding; twice as many for packets and receivers.
   */
  size_t slots;
  /**
   * Most bytes of a frame.
   */
  size_t max_frame_bytes;
  /**
   * Bytes of the model itself.
   */
  size_t bytes;
  /**
   * The number by which frames name it.
   */
  uint16_t id;
  /**
   * Type of the samples: `EIGENMOTE_KIND_I16` and so on.
   */
  uint8_t kind;
  /**
   * What it promises: `EIGENMOTE_MODE_BOUNDED` and so on.
   */
  uint8_t mode;
} eigenmote_model_info;

/**
 * What goes on from one chained frame to the next, on either side. It belongs to one model and one
 * scratch array; use them together, and nothing else with that array.
 */
typedef struct eigenmote_stream {
  /**
   * Not to be used.
   */
  uint32_t words[EIGENMOTE_STREAM_WORDS];
} eigenmote_stream;

/**
 * What a frame says of itself.
 */
typedef struct eigenmote_frame {
  /**
   * Its bytes.
   */
  size_t length;
  /**
   * The number the encoder was given.
   */
  uint32_t sequence;
  /**
   * Its rows; 0 for a full window.
   */
  uint16_t rows;
  /**
   * The model it was made with.
   */
  uint16_t model_id;
  /**
   * 1 if it can be decoded only after the frame before it, else 0.
   */
  uint8_t chained;
  /**
   * 1 if its values are plain because coding would have made them longer, else 0.
   */
  uint8_t plain;
} eigenmote_frame;

/**
 * A search for frames among bytes, which stay where they are as long as it is used.
 */
typedef struct eigenmote_scan {
  /**
   * Not to be used.
   */
  size_t words[EIGENMOTE_SCAN_WORDS];
} eigenmote_scan;

/**
 * A frame found by a scan.
 */
typedef struct eigenmote_found {
  /**
   * Offset of its first byte.
   */
  size_t start;
  /**
   * Offset of the byte behind it.
   */
  size_t end;
  /**
   * So many bytes before it belong to no intact frame.
   */
  size_t skipped;
  /**
   * What it says of itself.
   */
  struct eigenmote_frame frame;
} eigenmote_found;

/**
 * Decodes the frames of one sender as they come. It belongs to one model and one scratch array.
 */
typedef struct eigenmote_receiver {
  /**
   * Not to be used.
   */
  uint64_t words[EIGENMOTE_RECEIVER_WORDS];
} eigenmote_receiver;

/**
 * One unit of scratch memory; any content will do.
 */
typedef struct eigenmote_slot {
  /**
   * Not to be used.
   */
  uint32_t words[EIGENMOTE_SLOT_WORDS];
} eigenmote_slot;

/**
 * A frame decoded by a receiver.
 */
typedef struct eigenmote_received {
  /**
   * Its rows, at the start of the samples.
   */
  size_t rows;
  /**
   * Its number.
   */
  uint32_t sequence;
  /**
   * So many numbers before it, back to the newest one decoded until now, were not decoded.
   */
  uint32_t missing;
  /**
   * How much older it is than the newest one decoded; 0 for a new one.
   */
  uint32_t late;
} eigenmote_received;

/**
 * A checked network of integers. Its bytes stay where they are, such as in flash, and are used as long as
 * it is.
 */
typedef struct eigenmote_int8 {
  /**
   * Not to be used.
   */
  size_t words[EIGENMOTE_INT8_WORDS];
} eigenmote_int8;

/**
 * Sizes of a network.
 */
typedef struct eigenmote_network_info {
  /**
   * Values of an input; of a decoder, generator or diffusion model latent values.
   */
  size_t inputs;
  /**
   * Values of an output or sample.
   */
  size_t outputs;
  /**
   * Values of scratch memory.
   */
  size_t scratch;
  /**
   * Classes of a diffusion model.
   */
  size_t classes;
} eigenmote_network_info;

/**
 * A seeded generator of random numbers.
 */
typedef struct eigenmote_rng {
  /**
   * Not to be used.
   */
  uint32_t words[5];
} eigenmote_rng;

/**
 * A fully connected layer, `y = f(W*x + b)`. Weights and biases may stay in flash.
 */
typedef struct eigenmote_layer {
  /**
   * One row of `inputs` weights after the other, `outputs` of them.
   */
  const float *weights;
  /**
   * `outputs` values.
   */
  const float *bias;
  /**
   * Length of `x`.
   */
  size_t inputs;
  /**
   * Length of `y`.
   */
  size_t outputs;
  /**
   * `f`: `EIGENMOTE_ACTIVATION_LINEAR` and so on.
   */
  uint32_t activation;
  /**
   * Factor for negative values of the leaky function.
   */
  float slope;
} eigenmote_layer;

/**
 * Streaming mean and covariance of samples of D values, the number at the end of the name. Samples
 * are passed as D `float`s, several of them one after the other.
 */
typedef struct eigenmote_moments_f32_3 {
  /**
   * Not to be used.
   */
  uint32_t words[20];
} eigenmote_moments_f32_3;

/**
 * Streaming mean and covariance of samples of D values, the number at the end of the name. Samples
 * are passed as D `float`s, several of them one after the other.
 */
typedef struct eigenmote_moments_f32_6 {
  /**
   * Not to be used.
   */
  uint32_t words[56];
} eigenmote_moments_f32_6;

/**
 * Streaming mean and covariance of samples of D values, the number at the end of the name. Samples
 * are passed as D `float`s, several of them one after the other.
 */
typedef struct eigenmote_moments_f32_8 {
  /**
   * Not to be used.
   */
  uint32_t words[90];
} eigenmote_moments_f32_8;

/**
 * Streaming mean and covariance of samples of D values, the number at the end of the name. Samples
 * are passed as D `float`s, several of them one after the other.
 */
typedef struct eigenmote_moments_f32_9 {
  /**
   * Not to be used.
   */
  uint32_t words[110];
} eigenmote_moments_f32_9;

/**
 * Streaming mean and covariance of samples of D values, the number at the end of the name. Samples
 * are passed as D `float`s, several of them one after the other.
 */
typedef struct eigenmote_moments_f32_16 {
  /**
   * Not to be used.
   */
  uint32_t words[306];
} eigenmote_moments_f32_16;

/**
 * The K leading principal components of samples of D values, the name ending in `DxK`. Plain numbers,
 * so that a model may be a constant in flash, too. Samples are passed as D `float`s, latent
 * vectors as K.
 */
typedef struct eigenmote_pca_f32_3x1 {
  /**
   * Mean of each value.
   */
  float mean[3];
  /**
   * One orthonormal direction per row, by descending variance.
   */
  float components[1][3];
  /**
   * Variance along each component, divisor n - 1.
   */
  float explained_variance[1];
  /**
   * The same as a fraction of the variance of all values.
   */
  float explained_variance_ratio[1];
  /**
   * Length of the centred samples along each component.
   */
  float singular_values[1];
  /**
   * Mean variance along the dropped directions.
   */
  float noise_variance;
  /**
   * Number of samples of the fit.
   */
  uint32_t count;
} eigenmote_pca_f32_3x1;

/**
 * How well a sample agrees with a model of principal components.
 */
typedef struct eigenmote_scores {
  /**
   * Distance from the kept components, in the unit of the samples; its square is known as Q or SPE.
   */
  float distance;
  /**
   * Hotelling's T²: the squared distance from the mean along the components, each in units of its
   * deviation.
   */
  float t2;
} eigenmote_scores;

/**
 * The K leading principal components of samples of D values, the name ending in `DxK`. Plain numbers,
 * so that a model may be a constant in flash, too. Samples are passed as D `float`s, latent
 * vectors as K.
 */
typedef struct eigenmote_pca_f32_3x2 {
  /**
   * Mean of each value.
   */
  float mean[3];
  /**
   * One orthonormal direction per row, by descending variance.
   */
  float components[2][3];
  /**
   * Variance along each component, divisor n - 1.
   */
  float explained_variance[2];
  /**
   * The same as a fraction of the variance of all values.
   */
  float explained_variance_ratio[2];
  /**
   * Length of the centred samples along each component.
   */
  float singular_values[2];
  /**
   * Mean variance along the dropped directions.
   */
  float noise_variance;
  /**
   * Number of samples of the fit.
   */
  uint32_t count;
} eigenmote_pca_f32_3x2;

/**
 * The K leading principal components of samples of D values, the name ending in `DxK`. Plain numbers,
 * so that a model may be a constant in flash, too. Samples are passed as D `float`s, latent
 * vectors as K.
 */
typedef struct eigenmote_pca_f32_6x2 {
  /**
   * Mean of each value.
   */
  float mean[6];
  /**
   * One orthonormal direction per row, by descending variance.
   */
  float components[2][6];
  /**
   * Variance along each component, divisor n - 1.
   */
  float explained_variance[2];
  /**
   * The same as a fraction of the variance of all values.
   */
  float explained_variance_ratio[2];
  /**
   * Length of the centred samples along each component.
   */
  float singular_values[2];
  /**
   * Mean variance along the dropped directions.
   */
  float noise_variance;
  /**
   * Number of samples of the fit.
   */
  uint32_t count;
} eigenmote_pca_f32_6x2;

/**
 * The K leading principal components of samples of D values, the name ending in `DxK`. Plain numbers,
 * so that a model may be a constant in flash, too. Samples are passed as D `float`s, latent
 * vectors as K.
 */
typedef struct eigenmote_pca_f32_8x3 {
  /**
   * Mean of each value.
   */
  float mean[8];
  /**
   * One orthonormal direction per row, by descending variance.
   */
  float components[3][8];
  /**
   * Variance along each component, divisor n - 1.
   */
  float explained_variance[3];
  /**
   * The same as a fraction of the variance of all values.
   */
  float explained_variance_ratio[3];
  /**
   * Length of the centred samples along each component.
   */
  float singular_values[3];
  /**
   * Mean variance along the dropped directions.
   */
  float noise_variance;
  /**
   * Number of samples of the fit.
   */
  uint32_t count;
} eigenmote_pca_f32_8x3;

/**
 * The K leading principal components of samples of D values, the name ending in `DxK`. Plain numbers,
 * so that a model may be a constant in flash, too. Samples are passed as D `float`s, latent
 * vectors as K.
 */
typedef struct eigenmote_pca_f32_9x3 {
  /**
   * Mean of each value.
   */
  float mean[9];
  /**
   * One orthonormal direction per row, by descending variance.
   */
  float components[3][9];
  /**
   * Variance along each component, divisor n - 1.
   */
  float explained_variance[3];
  /**
   * The same as a fraction of the variance of all values.
   */
  float explained_variance_ratio[3];
  /**
   * Length of the centred samples along each component.
   */
  float singular_values[3];
  /**
   * Mean variance along the dropped directions.
   */
  float noise_variance;
  /**
   * Number of samples of the fit.
   */
  uint32_t count;
} eigenmote_pca_f32_9x3;

/**
 * The K leading principal components of samples of D values, the name ending in `DxK`. Plain numbers,
 * so that a model may be a constant in flash, too. Samples are passed as D `float`s, latent
 * vectors as K.
 */
typedef struct eigenmote_pca_f32_16x4 {
  /**
   * Mean of each value.
   */
  float mean[16];
  /**
   * One orthonormal direction per row, by descending variance.
   */
  float components[4][16];
  /**
   * Variance along each component, divisor n - 1.
   */
  float explained_variance[4];
  /**
   * The same as a fraction of the variance of all values.
   */
  float explained_variance_ratio[4];
  /**
   * Length of the centred samples along each component.
   */
  float singular_values[4];
  /**
   * Mean variance along the dropped directions.
   */
  float noise_variance;
  /**
   * Number of samples of the fit.
   */
  uint32_t count;
} eigenmote_pca_f32_16x4;

/**
 * A checked table of vectors, with or without words. Its bytes stay where they are, such as in flash, and
 * are used as long as it is.
 */
typedef struct eigenmote_word_table {
  /**
   * Not to be used.
   */
  size_t words[EIGENMOTE_WORD_TABLE_WORDS];
} eigenmote_word_table;

/**
 * What a table says of itself.
 */
typedef struct eigenmote_word_table_info {
  /**
   * Number of vectors, at least 1. They are numbered from 0.
   */
  size_t len;
  /**
   * Values of a vector that count: all of them, or those of `eigenmote_word_table_prefix`.
   */
  size_t dim;
  /**
   * Bytes of the table itself.
   */
  size_t bytes;
  /**
   * Number of `prefixes`, at least 1.
   */
  size_t prefix_count;
  /**
   * Lengths that can be searched by, ascending; the last is that of the whole vectors.
   */
  size_t prefixes[EIGENMOTE_WORD_TABLE_PREFIXES];
  /**
   * 1 if the vectors have words, else 0.
   */
  uint8_t has_words;
} eigenmote_word_table_info;

/**
 * A vector that was found.
 */
typedef struct eigenmote_hit {
  /**
   * Its number in the table.
   */
  uint32_t id;
  /**
   * Its score, larger for nearer.
   */
  int32_t score;
} eigenmote_hit;

#ifdef __cplusplus
extern "C" {
#endif // __cplusplus

/**
 * The version of the library that was linked, to be compared with `EIGENMOTE_VERSION`.
 */
uint32_t eigenmote_version(void);

/**
 * Checks the bytes of a model, once. They have to stay where they are as long as the model is used;
 * bytes behind the length in their header are ignored.
 */
eigenmote_status eigenmote_model_parse(struct eigenmote_model *model,
                                       const uint8_t *bytes,
                                       size_t length);

/**
 * What a model says of itself.
 */
eigenmote_status eigenmote_model_get_info(const struct eigenmote_model *model,
                                          struct eigenmote_model_info *info);

/**
 * Starts a stream: its next frame stands alone.
 */
eigenmote_status eigenmote_stream_init(struct eigenmote_stream *stream);

/**
 * Lets the next frame of a stream stand alone, so that it can be decoded whatever was lost.
 */
eigenmote_status eigenmote_stream_restart(struct eigenmote_stream *stream);

/**
 * Checks the frame at the start of some bytes and tells what it says of itself.
 */
eigenmote_status eigenmote_frame_parse(const uint8_t *bytes,
                                       size_t length,
                                       struct eigenmote_frame *frame);

/**
 * Starts a search for the frames of a model among bytes, or of any model if that is NULL. Model and
 * bytes have to stay where and as they are as long as the scan is used.
 */
eigenmote_status eigenmote_scan_init(struct eigenmote_scan *scan,
                                     const struct eigenmote_model *model,
                                     const uint8_t *bytes,
                                     size_t length);

/**
 * The next intact frame, or `EIGENMOTE_STATUS_END`. Behind a damaged one it looks for the next byte
 * at which a frame checks out.
 */
eigenmote_status eigenmote_scan_next(struct eigenmote_scan *scan, struct eigenmote_found *found);

/**
 * When there is no further frame: the offset of the first byte that may begin a frame whose end is
 * not there yet. Of a stream, the bytes before it are done with; the others go to the start of the
 * buffer, and what comes next behind them, and a new scan is started.
 */
eigenmote_status eigenmote_scan_done(const struct eigenmote_scan *scan, size_t *offset);

/**
 * Starts a receiver: nothing has been received.
 */
eigenmote_status eigenmote_receiver_init(struct eigenmote_receiver *receiver);

/**
 * Encodes samples, one to a window of rows one after the other, as a frame that can be
 * decoded alone. The frame's buffer has room for them as plain samples and
 * `EIGENMOTE_FRAME_OVERHEAD` bytes.
 */
eigenmote_status eigenmote_encode_i16(const struct eigenmote_model *model,
                                      uint32_t sequence,
                                      const int16_t *samples,
                                      size_t values,
                                      struct eigenmote_slot *scratch,
                                      size_t slots,
                                      uint8_t *frame,
                                      size_t capacity,
                                      size_t *length);

/**
 * Encodes samples as the successor of the last frame of the stream if its number follows on
 * that one's: it takes fewer bytes, and can be decoded after that one only.
 */
eigenmote_status eigenmote_encode_next_i16(const struct eigenmote_model *model,
                                           struct eigenmote_stream *stream,
                                           uint32_t sequence,
                                           const int16_t *samples,
                                           size_t values,
                                           struct eigenmote_slot *scratch,
                                           size_t slots,
                                           uint8_t *frame,
                                           size_t capacity,
                                           size_t *length);

/**
 * Encodes the first of the given rows, as many as fit in the capacity, such as that of a radio
 * packet; tells how many, at least 1. The scratch memory is twice as long as for one frame, and
 * the capacity is `EIGENMOTE_FRAME_OVERHEAD` and one row of plain samples at least.
 */
eigenmote_status eigenmote_encode_fitting_i16(const struct eigenmote_model *model,
                                              struct eigenmote_stream *stream,
                                              uint32_t sequence,
                                              const int16_t *samples,
                                              size_t values,
                                              struct eigenmote_slot *scratch,
                                              size_t slots,
                                              uint8_t *frame,
                                              size_t capacity,
                                              size_t *rows,
                                              size_t *length);

/**
 * Decodes a frame that stands alone and tells its rows. The capacity is in values.
 */
eigenmote_status eigenmote_decode_i16(const struct eigenmote_model *model,
                                      const uint8_t *frame,
                                      size_t length,
                                      struct eigenmote_slot *scratch,
                                      size_t slots,
                                      int16_t *samples,
                                      size_t capacity,
                                      size_t *rows);

/**
 * Decodes a frame that stands alone, or one that goes on from the last one of the stream.
 */
eigenmote_status eigenmote_decode_next_i16(const struct eigenmote_model *model,
                                           struct eigenmote_stream *stream,
                                           const uint8_t *frame,
                                           size_t length,
                                           struct eigenmote_slot *scratch,
                                           size_t slots,
                                           int16_t *samples,
                                           size_t capacity,
                                           size_t *rows);

/**
 * Decodes a frame as it came over a link that loses, repeats or delays some, and tells its place
 * among the others. The scratch memory is twice as long as for one frame.
 */
eigenmote_status eigenmote_receive_i16(const struct eigenmote_model *model,
                                       struct eigenmote_receiver *receiver,
                                       const uint8_t *frame,
                                       size_t length,
                                       struct eigenmote_slot *scratch,
                                       size_t slots,
                                       int16_t *samples,
                                       size_t capacity,
                                       struct eigenmote_received *received);

/**
 * Encodes samples, one to a window of rows one after the other, as a frame that can be
 * decoded alone. The frame's buffer has room for them as plain samples and
 * `EIGENMOTE_FRAME_OVERHEAD` bytes.
 */
eigenmote_status eigenmote_encode_i32(const struct eigenmote_model *model,
                                      uint32_t sequence,
                                      const int32_t *samples,
                                      size_t values,
                                      struct eigenmote_slot *scratch,
                                      size_t slots,
                                      uint8_t *frame,
                                      size_t capacity,
                                      size_t *length);

/**
 * Encodes samples as the successor of the last frame of the stream if its number follows on
 * that one's: it takes fewer bytes, and can be decoded after that one only.
 */
eigenmote_status eigenmote_encode_next_i32(const struct eigenmote_model *model,
                                           struct eigenmote_stream *stream,
                                           uint32_t sequence,
                                           const int32_t *samples,
                                           size_t values,
                                           struct eigenmote_slot *scratch,
                                           size_t slots,
                                           uint8_t *frame,
                                           size_t capacity,
                                           size_t *length);

/**
 * Encodes the first of the given rows, as many as fit in the capacity, such as that of a radio
 * packet; tells how many, at least 1. The scratch memory is twice as long as for one frame, and
 * the capacity is `EIGENMOTE_FRAME_OVERHEAD` and one row of plain samples at least.
 */
eigenmote_status eigenmote_encode_fitting_i32(const struct eigenmote_model *model,
                                              struct eigenmote_stream *stream,
                                              uint32_t sequence,
                                              const int32_t *samples,
                                              size_t values,
                                              struct eigenmote_slot *scratch,
                                              size_t slots,
                                              uint8_t *frame,
                                              size_t capacity,
                                              size_t *rows,
                                              size_t *length);

/**
 * Decodes a frame that stands alone and tells its rows. The capacity is in values.
 */
eigenmote_status eigenmote_decode_i32(const struct eigenmote_model *model,
                                      const uint8_t *frame,
                                      size_t length,
                                      struct eigenmote_slot *scratch,
                                      size_t slots,
                                      int32_t *samples,
                                      size_t capacity,
                                      size_t *rows);

/**
 * Decodes a frame that stands alone, or one that goes on from the last one of the stream.
 */
eigenmote_status eigenmote_decode_next_i32(const struct eigenmote_model *model,
                                           struct eigenmote_stream *stream,
                                           const uint8_t *frame,
                                           size_t length,
                                           struct eigenmote_slot *scratch,
                                           size_t slots,
                                           int32_t *samples,
                                           size_t capacity,
                                           size_t *rows);

/**
 * Decodes a frame as it came over a link that loses, repeats or delays some, and tells its place
 * among the others. The scratch memory is twice as long as for one frame.
 */
eigenmote_status eigenmote_receive_i32(const struct eigenmote_model *model,
                                       struct eigenmote_receiver *receiver,
                                       const uint8_t *frame,
                                       size_t length,
                                       struct eigenmote_slot *scratch,
                                       size_t slots,
                                       int32_t *samples,
                                       size_t capacity,
                                       struct eigenmote_received *received);

/**
 * Encodes samples, one to a window of rows one after the other, as a frame that can be
 * decoded alone. The frame's buffer has room for them as plain samples and
 * `EIGENMOTE_FRAME_OVERHEAD` bytes.
 */
eigenmote_status eigenmote_encode_f32(const struct eigenmote_model *model,
                                      uint32_t sequence,
                                      const float *samples,
                                      size_t values,
                                      struct eigenmote_slot *scratch,
                                      size_t slots,
                                      uint8_t *frame,
                                      size_t capacity,
                                      size_t *length);

/**
 * Encodes samples as the successor of the last frame of the stream if its number follows on
 * that one's: it takes fewer bytes, and can be decoded after that one only.
 */
eigenmote_status eigenmote_encode_next_f32(const struct eigenmote_model *model,
                                           struct eigenmote_stream *stream,
                                           uint32_t sequence,
                                           const float *samples,
                                           size_t values,
                                           struct eigenmote_slot *scratch,
                                           size_t slots,
                                           uint8_t *frame,
                                           size_t capacity,
                                           size_t *length);

/**
 * Encodes the first of the given rows, as many as fit in the capacity, such as that of a radio
 * packet; tells how many, at least 1. The scratch memory is twice as long as for one frame, and
 * the capacity is `EIGENMOTE_FRAME_OVERHEAD` and one row of plain samples at least.
 */
eigenmote_status eigenmote_encode_fitting_f32(const struct eigenmote_model *model,
                                              struct eigenmote_stream *stream,
                                              uint32_t sequence,
                                              const float *samples,
                                              size_t values,
                                              struct eigenmote_slot *scratch,
                                              size_t slots,
                                              uint8_t *frame,
                                              size_t capacity,
                                              size_t *rows,
                                              size_t *length);

/**
 * Decodes a frame that stands alone and tells its rows. The capacity is in values.
 */
eigenmote_status eigenmote_decode_f32(const struct eigenmote_model *model,
                                      const uint8_t *frame,
                                      size_t length,
                                      struct eigenmote_slot *scratch,
                                      size_t slots,
                                      float *samples,
                                      size_t capacity,
                                      size_t *rows);

/**
 * Decodes a frame that stands alone, or one that goes on from the last one of the stream.
 */
eigenmote_status eigenmote_decode_next_f32(const struct eigenmote_model *model,
                                           struct eigenmote_stream *stream,
                                           const uint8_t *frame,
                                           size_t length,
                                           struct eigenmote_slot *scratch,
                                           size_t slots,
                                           float *samples,
                                           size_t capacity,
                                           size_t *rows);

/**
 * Decodes a frame as it came over a link that loses, repeats or delays some, and tells its place
 * among the others. The scratch memory is twice as long as for one frame.
 */
eigenmote_status eigenmote_receive_f32(const struct eigenmote_model *model,
                                       struct eigenmote_receiver *receiver,
                                       const uint8_t *frame,
                                       size_t length,
                                       struct eigenmote_slot *scratch,
                                       size_t slots,
                                       float *samples,
                                       size_t capacity,
                                       struct eigenmote_received *received);

/**
 * Encodes samples, one to a window of rows one after the other, as a frame that can be
 * decoded alone. The frame's buffer has room for them as plain samples and
 * `EIGENMOTE_FRAME_OVERHEAD` bytes.
 */
eigenmote_status eigenmote_encode_f64(const struct eigenmote_model *model,
                                      uint32_t sequence,
                                      const double *samples,
                                      size_t values,
                                      struct eigenmote_slot *scratch,
                                      size_t slots,
                                      uint8_t *frame,
                                      size_t capacity,
                                      size_t *length);

/**
 * Encodes samples as the successor of the last frame of the stream if its number follows on
 * that one's: it takes fewer bytes, and can be decoded after that one only.
 */
eigenmote_status eigenmote_encode_next_f64(const struct eigenmote_model *model,
                                           struct eigenmote_stream *stream,
                                           uint32_t sequence,
                                           const double *samples,
                                           size_t values,
                                           struct eigenmote_slot *scratch,
                                           size_t slots,
                                           uint8_t *frame,
                                           size_t capacity,
                                           size_t *length);

/**
 * Encodes the first of the given rows, as many as fit in the capacity, such as that of a radio
 * packet; tells how many, at least 1. The scratch memory is twice as long as for one frame, and
 * the capacity is `EIGENMOTE_FRAME_OVERHEAD` and one row of plain samples at least.
 */
eigenmote_status eigenmote_encode_fitting_f64(const struct eigenmote_model *model,
                                              struct eigenmote_stream *stream,
                                              uint32_t sequence,
                                              const double *samples,
                                              size_t values,
                                              struct eigenmote_slot *scratch,
                                              size_t slots,
                                              uint8_t *frame,
                                              size_t capacity,
                                              size_t *rows,
                                              size_t *length);

/**
 * Decodes a frame that stands alone and tells its rows. The capacity is in values.
 */
eigenmote_status eigenmote_decode_f64(const struct eigenmote_model *model,
                                      const uint8_t *frame,
                                      size_t length,
                                      struct eigenmote_slot *scratch,
                                      size_t slots,
                                      double *samples,
                                      size_t capacity,
                                      size_t *rows);

/**
 * Decodes a frame that stands alone, or one that goes on from the last one of the stream.
 */
eigenmote_status eigenmote_decode_next_f64(const struct eigenmote_model *model,
                                           struct eigenmote_stream *stream,
                                           const uint8_t *frame,
                                           size_t length,
                                           struct eigenmote_slot *scratch,
                                           size_t slots,
                                           double *samples,
                                           size_t capacity,
                                           size_t *rows);

/**
 * Decodes a frame as it came over a link that loses, repeats or delays some, and tells its place
 * among the others. The scratch memory is twice as long as for one frame.
 */
eigenmote_status eigenmote_receive_f64(const struct eigenmote_model *model,
                                       struct eigenmote_receiver *receiver,
                                       const uint8_t *frame,
                                       size_t length,
                                       struct eigenmote_slot *scratch,
                                       size_t slots,
                                       double *samples,
                                       size_t capacity,
                                       struct eigenmote_received *received);

/**
 * Checks a network of integers and borrows its bytes.
 */
eigenmote_status eigenmote_int8_open(struct eigenmote_int8 *network,
                                     const uint8_t *bytes,
                                     size_t length);

/**
 * Sizes of a network of integers.
 */
eigenmote_status eigenmote_int8_get_info(const struct eigenmote_int8 *network,
                                         struct eigenmote_network_info *info);

/**
 * Passes an input through a plain network, a decoder or a generator. Numbers have 16 fraction bits.
 */
eigenmote_status eigenmote_int8_forward(const struct eigenmote_int8 *network,
                                        const int32_t *input,
                                        size_t inputs,
                                        int16_t *scratch,
                                        size_t scratch_values,
                                        int32_t *output,
                                        size_t outputs);

/**
 * Draws a sample: the same bytes for the same seed as on every other machine. Numbers have 16 fraction bits.
 * `class_number` is that of a diffusion model with classes or `EIGENMOTE_NO_CLASS`, `guidance` how much
 * more to keep to it, 0 for none.
 */
eigenmote_status eigenmote_int8_sample(const struct eigenmote_int8 *network,
                                       struct eigenmote_rng *rng,
                                       uint32_t class_number,
                                       int32_t guidance,
                                       int16_t *scratch,
                                       size_t scratch_values,
                                       int32_t *output,
                                       size_t outputs);

/**
 * Values of scratch memory that `eigenmote_network_forward_f32` needs.
 */
eigenmote_status eigenmote_network_scratch(const uint8_t *bytes, size_t length, size_t *values);

/**
 * Passes an input through a network of floats, of which every call checks the bytes.
 */
eigenmote_status eigenmote_network_forward_f32(const uint8_t *bytes,
                                               size_t length,
                                               const float *input,
                                               size_t inputs,
                                               float *scratch,
                                               size_t scratch_values,
                                               float *output,
                                               size_t outputs);

/**
 * Starts a generator: the seed decides all that it gives, on every machine.
 */
eigenmote_status eigenmote_rng_seed(struct eigenmote_rng *rng, uint64_t seed);

/**
 * Fills an array with values that are uniform on [0, 1).
 */
eigenmote_status eigenmote_rng_uniform_f32(struct eigenmote_rng *rng, float *values, size_t count);

/**
 * Fills an array with standard normal values.
 */
eigenmote_status eigenmote_rng_normal_f32(struct eigenmote_rng *rng, float *values, size_t count);

/**
 * Values of scratch memory that `eigenmote_forward_f32` needs for these layers;
 * `eigenmote_sample_f32` needs the inputs of the first layer beside them.
 */
eigenmote_status eigenmote_forward_scratch(const struct eigenmote_layer *layers,
                                           size_t count,
                                           size_t *values);

/**
 * Passes an input through the layers of a network, such as the decoder of an autoencoder.
 */
eigenmote_status eigenmote_forward_f32(const struct eigenmote_layer *layers,
                                       size_t count,
                                       const float *input,
                                       size_t inputs,
                                       float *scratch,
                                       size_t scratch_values,
                                       float *output,
                                       size_t outputs);

/**
 * Draws a standard normal latent vector and decodes it. The scratch memory holds the inputs of the first
 * layer and what `eigenmote_forward_scratch` says.
 */
eigenmote_status eigenmote_sample_f32(const struct eigenmote_layer *layers,
                                      size_t count,
                                      struct eigenmote_rng *rng,
                                      float *scratch,
                                      size_t scratch_values,
                                      float *output,
                                      size_t outputs);

/**
 * No samples yet.
 */
eigenmote_status eigenmote_moments_f32_3_init(struct eigenmote_moments_f32_3 *moments);

/**
 * Takes in `rows` samples, one after the other, up to the first that is refused.
 */
eigenmote_status eigenmote_moments_f32_3_update(struct eigenmote_moments_f32_3 *moments,
                                                const float *samples,
                                                size_t rows);

/**
 * Takes in what others have seen.
 */
eigenmote_status eigenmote_moments_f32_3_merge(struct eigenmote_moments_f32_3 *moments,
                                               const struct eigenmote_moments_f32_3 *other);

/**
 * Number of samples.
 */
eigenmote_status eigenmote_moments_f32_3_count(const struct eigenmote_moments_f32_3 *moments,
                                               uint32_t *count);

/**
 * Mean of each value.
 */
eigenmote_status eigenmote_moments_f32_3_mean(const struct eigenmote_moments_f32_3 *moments,
                                              float *mean);

/**
 * Covariance matrix (divisor n - 1, D*D values) of two samples or more.
 */
eigenmote_status eigenmote_moments_f32_3_covariance(const struct eigenmote_moments_f32_3 *moments,
                                                    float *covariance);

/**
 * No samples yet.
 */
eigenmote_status eigenmote_moments_f32_6_init(struct eigenmote_moments_f32_6 *moments);

/**
 * Takes in `rows` samples, one after the other, up to the first that is refused.
 */
eigenmote_status eigenmote_moments_f32_6_update(struct eigenmote_moments_f32_6 *moments,
                                                const float *samples,
                                                size_t rows);

/**
 * Takes in what others have seen.
 */
eigenmote_status eigenmote_moments_f32_6_merge(struct eigenmote_moments_f32_6 *moments,
                                               const struct eigenmote_moments_f32_6 *other);

/**
 * Number of samples.
 */
eigenmote_status eigenmote_moments_f32_6_count(const struct eigenmote_moments_f32_6 *moments,
                                               uint32_t *count);

/**
 * Mean of each value.
 */
eigenmote_status eigenmote_moments_f32_6_mean(const struct eigenmote_moments_f32_6 *moments,
                                              float *mean);

/**
 * Covariance matrix (divisor n - 1, D*D values) of two samples or more.
 */
eigenmote_status eigenmote_moments_f32_6_covariance(const struct eigenmote_moments_f32_6 *moments,
                                                    float *covariance);

/**
 * No samples yet.
 */
eigenmote_status eigenmote_moments_f32_8_init(struct eigenmote_moments_f32_8 *moments);

/**
 * Takes in `rows` samples, one after the other, up to the first that is refused.
 */
eigenmote_status eigenmote_moments_f32_8_update(struct eigenmote_moments_f32_8 *moments,
                                                const float *samples,
                                                size_t rows);

/**
 * Takes in what others have seen.
 */
eigenmote_status eigenmote_moments_f32_8_merge(struct eigenmote_moments_f32_8 *moments,
                                               const struct eigenmote_moments_f32_8 *other);

/**
 * Number of samples.
 */
eigenmote_status eigenmote_moments_f32_8_count(const struct eigenmote_moments_f32_8 *moments,
                                               uint32_t *count);

/**
 * Mean of each value.
 */
eigenmote_status eigenmote_moments_f32_8_mean(const struct eigenmote_moments_f32_8 *moments,
                                              float *mean);

/**
 * Covariance matrix (divisor n - 1, D*D values) of two samples or more.
 */
eigenmote_status eigenmote_moments_f32_8_covariance(const struct eigenmote_moments_f32_8 *moments,
                                                    float *covariance);

/**
 * No samples yet.
 */
eigenmote_status eigenmote_moments_f32_9_init(struct eigenmote_moments_f32_9 *moments);

/**
 * Takes in `rows` samples, one after the other, up to the first that is refused.
 */
eigenmote_status eigenmote_moments_f32_9_update(struct eigenmote_moments_f32_9 *moments,
                                                const float *samples,
                                                size_t rows);

/**
 * Takes in what others have seen.
 */
eigenmote_status eigenmote_moments_f32_9_merge(struct eigenmote_moments_f32_9 *moments,
                                               const struct eigenmote_moments_f32_9 *other);

/**
 * Number of samples.
 */
eigenmote_status eigenmote_moments_f32_9_count(const struct eigenmote_moments_f32_9 *moments,
                                               uint32_t *count);

/**
 * Mean of each value.
 */
eigenmote_status eigenmote_moments_f32_9_mean(const struct eigenmote_moments_f32_9 *moments,
                                              float *mean);

/**
 * Covariance matrix (divisor n - 1, D*D values) of two samples or more.
 */
eigenmote_status eigenmote_moments_f32_9_covariance(const struct eigenmote_moments_f32_9 *moments,
                                                    float *covariance);

/**
 * No samples yet.
 */
eigenmote_status eigenmote_moments_f32_16_init(struct eigenmote_moments_f32_16 *moments);

/**
 * Takes in `rows` samples, one after the other, up to the first that is refused.
 */
eigenmote_status eigenmote_moments_f32_16_update(struct eigenmote_moments_f32_16 *moments,
                                                 const float *samples,
                                                 size_t rows);

/**
 * Takes in what others have seen.
 */
eigenmote_status eigenmote_moments_f32_16_merge(struct eigenmote_moments_f32_16 *moments,
                                                const struct eigenmote_moments_f32_16 *other);

/**
 * Number of samples.
 */
eigenmote_status eigenmote_moments_f32_16_count(const struct eigenmote_moments_f32_16 *moments,
                                                uint32_t *count);

/**
 * Mean of each value.
 */
eigenmote_status eigenmote_moments_f32_16_mean(const struct eigenmote_moments_f32_16 *moments,
                                               float *mean);

/**
 * Covariance matrix (divisor n - 1, D*D values) of two samples or more.
 */
eigenmote_status eigenmote_moments_f32_16_covariance(const struct eigenmote_moments_f32_16 *moments,
                                                     float *covariance);

/**
 * Principal components of samples, two at least.
 */
eigenmote_status eigenmote_pca_f32_3x1_fit(struct eigenmote_pca_f32_3x1 *pca,
                                           const float *samples,
                                           size_t rows);

/**
 * Principal components of what was seen; variances far below the largest one are noise.
 */
eigenmote_status eigenmote_pca_f32_3x1_fit_from_moments(struct eigenmote_pca_f32_3x1 *pca,
                                                        const struct eigenmote_moments_f32_3 *moments);

/**
 * Coordinates of a sample along the components. NaN in, NaN out.
 */
eigenmote_status eigenmote_pca_f32_3x1_transform(const struct eigenmote_pca_f32_3x1 *pca,
                                                 const float *sample,
                                                 float *latent);

/**
 * The point with these coordinates along the components.
 */
eigenmote_status eigenmote_pca_f32_3x1_inverse_transform(const struct eigenmote_pca_f32_3x1 *pca,
                                                         const float *latent,
                                                         float *sample);

/**
 * How well a sample agrees with the model. NaN in, NaN out.
 */
eigenmote_status eigenmote_pca_f32_3x1_get_scores(const struct eigenmote_pca_f32_3x1 *pca,
                                                  const float *sample,
                                                  struct eigenmote_scores *scores);

/**
 * Draws a sample from the normal distribution that the model stands for, noise across the
 * components included.
 */
eigenmote_status eigenmote_pca_f32_3x1_sample(const struct eigenmote_pca_f32_3x1 *pca,
                                              struct eigenmote_rng *rng,
                                              float *sample);

/**
 * Principal components of samples, two at least.
 */
eigenmote_status eigenmote_pca_f32_3x2_fit(struct eigenmote_pca_f32_3x2 *pca,
                                           const float *samples,
                                           size_t rows);

/**
 * Principal components of what was seen; variances far below the largest one are noise.
 */
eigenmote_status eigenmote_pca_f32_3x2_fit_from_moments(struct eigenmote_pca_f32_3x2 *pca,
                                                        const struct eigenmote_moments_f32_3 *moments);

/**
 * Coordinates of a sample along the components. NaN in, NaN out.
 */
eigenmote_status eigenmote_pca_f32_3x2_transform(const struct eigenmote_pca_f32_3x2 *pca,
                                                 const float *sample,
                                                 float *latent);

/**
 * The point with these coordinates along the components.
 */
eigenmote_status eigenmote_pca_f32_3x2_inverse_transform(const struct eigenmote_pca_f32_3x2 *pca,
                                                         const float *latent,
                                                         float *sample);

/**
 * How well a sample agrees with the model. NaN in, NaN out.
 */
eigenmote_status eigenmote_pca_f32_3x2_get_scores(const struct eigenmote_pca_f32_3x2 *pca,
                                                  const float *sample,
                                                  struct eigenmote_scores *scores);

/**
 * Draws a sample from the normal distribution that the model stands for, noise across the
 * components included.
 */
eigenmote_status eigenmote_pca_f32_3x2_sample(const struct eigenmote_pca_f32_3x2 *pca,
                                              struct eigenmote_rng *rng,
                                              float *sample);

/**
 * Principal components of samples, two at least.
 */
eigenmote_status eigenmote_pca_f32_6x2_fit(struct eigenmote_pca_f32_6x2 *pca,
                                           const float *samples,
                                           size_t rows);

/**
 * Principal components of what was seen; variances far below the largest one are noise.
 */
eigenmote_status eigenmote_pca_f32_6x2_fit_from_moments(struct eigenmote_pca_f32_6x2 *pca,
                                                        const struct eigenmote_moments_f32_6 *moments);

/**
 * Coordinates of a sample along the components. NaN in, NaN out.
 */
eigenmote_status eigenmote_pca_f32_6x2_transform(const struct eigenmote_pca_f32_6x2 *pca,
                                                 const float *sample,
                                                 float *latent);

/**
 * The point with these coordinates along the components.
 */
eigenmote_status eigenmote_pca_f32_6x2_inverse_transform(const struct eigenmote_pca_f32_6x2 *pca,
                                                         const float *latent,
                                                         float *sample);

/**
 * How well a sample agrees with the model. NaN in, NaN out.
 */
eigenmote_status eigenmote_pca_f32_6x2_get_scores(const struct eigenmote_pca_f32_6x2 *pca,
                                                  const float *sample,
                                                  struct eigenmote_scores *scores);

/**
 * Draws a sample from the normal distribution that the model stands for, noise across the
 * components included.
 */
eigenmote_status eigenmote_pca_f32_6x2_sample(const struct eigenmote_pca_f32_6x2 *pca,
                                              struct eigenmote_rng *rng,
                                              float *sample);

/**
 * Principal components of samples, two at least.
 */
eigenmote_status eigenmote_pca_f32_8x3_fit(struct eigenmote_pca_f32_8x3 *pca,
                                           const float *samples,
                                           size_t rows);

/**
 * Principal components of what was seen; variances far below the largest one are noise.
 */
eigenmote_status eigenmote_pca_f32_8x3_fit_from_moments(struct eigenmote_pca_f32_8x3 *pca,
                                                        const struct eigenmote_moments_f32_8 *moments);

/**
 * Coordinates of a sample along the components. NaN in, NaN out.
 */
eigenmote_status eigenmote_pca_f32_8x3_transform(const struct eigenmote_pca_f32_8x3 *pca,
                                                 const float *sample,
                                                 float *latent);

/**
 * The point with these coordinates along the components.
 */
eigenmote_status eigenmote_pca_f32_8x3_inverse_transform(const struct eigenmote_pca_f32_8x3 *pca,
                                                         const float *latent,
                                                         float *sample);

/**
 * How well a sample agrees with the model. NaN in, NaN out.
 */
eigenmote_status eigenmote_pca_f32_8x3_get_scores(const struct eigenmote_pca_f32_8x3 *pca,
                                                  const float *sample,
                                                  struct eigenmote_scores *scores);

/**
 * Draws a sample from the normal distribution that the model stands for, noise across the
 * components included.
 */
eigenmote_status eigenmote_pca_f32_8x3_sample(const struct eigenmote_pca_f32_8x3 *pca,
                                              struct eigenmote_rng *rng,
                                              float *sample);

/**
 * Principal components of samples, two at least.
 */
eigenmote_status eigenmote_pca_f32_9x3_fit(struct eigenmote_pca_f32_9x3 *pca,
                                           const float *samples,
                                           size_t rows);

/**
 * Principal components of what was seen; variances far below the largest one are noise.
 */
eigenmote_status eigenmote_pca_f32_9x3_fit_from_moments(struct eigenmote_pca_f32_9x3 *pca,
                                                        const struct eigenmote_moments_f32_9 *moments);

/**
 * Coordinates of a sample along the components. NaN in, NaN out.
 */
eigenmote_status eigenmote_pca_f32_9x3_transform(const struct eigenmote_pca_f32_9x3 *pca,
                                                 const float *sample,
                                                 float *latent);

/**
 * The point with these coordinates along the components.
 */
eigenmote_status eigenmote_pca_f32_9x3_inverse_transform(const struct eigenmote_pca_f32_9x3 *pca,
                                                         const float *latent,
                                                         float *sample);

/**
 * How well a sample agrees with the model. NaN in, NaN out.
 */
eigenmote_status eigenmote_pca_f32_9x3_get_scores(const struct eigenmote_pca_f32_9x3 *pca,
                                                  const float *sample,
                                                  struct eigenmote_scores *scores);

/**
 * Draws a sample from the normal distribution that the model stands for, noise across the
 * components included.
 */
eigenmote_status eigenmote_pca_f32_9x3_sample(const struct eigenmote_pca_f32_9x3 *pca,
                                              struct eigenmote_rng *rng,
                                              float *sample);

/**
 * Principal components of samples, two at least.
 */
eigenmote_status eigenmote_pca_f32_16x4_fit(struct eigenmote_pca_f32_16x4 *pca,
                                            const float *samples,
                                            size_t rows);

/**
 * Principal components of what was seen; variances far below the largest one are noise.
 */
eigenmote_status eigenmote_pca_f32_16x4_fit_from_moments(struct eigenmote_pca_f32_16x4 *pca,
                                                         const struct eigenmote_moments_f32_16 *moments);

/**
 * Coordinates of a sample along the components. NaN in, NaN out.
 */
eigenmote_status eigenmote_pca_f32_16x4_transform(const struct eigenmote_pca_f32_16x4 *pca,
                                                  const float *sample,
                                                  float *latent);

/**
 * The point with these coordinates along the components.
 */
eigenmote_status eigenmote_pca_f32_16x4_inverse_transform(const struct eigenmote_pca_f32_16x4 *pca,
                                                          const float *latent,
                                                          float *sample);

/**
 * How well a sample agrees with the model. NaN in, NaN out.
 */
eigenmote_status eigenmote_pca_f32_16x4_get_scores(const struct eigenmote_pca_f32_16x4 *pca,
                                                   const float *sample,
                                                   struct eigenmote_scores *scores);

/**
 * Draws a sample from the normal distribution that the model stands for, noise across the
 * components included.
 */
eigenmote_status eigenmote_pca_f32_16x4_sample(const struct eigenmote_pca_f32_16x4 *pca,
                                               struct eigenmote_rng *rng,
                                               float *sample);

/**
 * What a status means, in English; never NULL.
 */
const char *eigenmote_status_text(int32_t status);

/**
 * Checks the bytes of a table, once: a pass over them for the checksum, one over scales, words and slots.
 * They have to stay where they are as long as the table is used; bytes behind the length in their header
 * are ignored.
 */
eigenmote_status eigenmote_word_table_parse(struct eigenmote_word_table *table,
                                            const uint8_t *bytes,
                                            size_t length);

/**
 * What a table says of itself.
 */
eigenmote_status eigenmote_word_table_get_info(const struct eigenmote_word_table *table,
                                               struct eigenmote_word_table_info *info);

/**
 * The table of the first `dim` values of each vector, over the same bytes; whole vectors again if `dim` is
 * the length of those. `EIGENMOTE_STATUS_BAD_ARGUMENT` if it was not made with this prefix.
 */
eigenmote_status eigenmote_word_table_prefix(const struct eigenmote_word_table *table,
                                             size_t dim,
                                             struct eigenmote_word_table *prefix);

/**
 * The number of the vector of a word of so many bytes of UTF-8, or `EIGENMOTE_STATUS_UNKNOWN_WORD`. Takes
 * as long as the word is, whatever the table.
 */
eigenmote_status eigenmote_word_table_id(const struct eigenmote_word_table *table,
                                         const char *word,
                                         size_t length,
                                         uint32_t *id);

/**
 * Where the word of a vector is in the table, and how many bytes it has; there is no zero behind it.
 * `EIGENMOTE_STATUS_UNKNOWN_WORD` if the table has no words.
 */
eigenmote_status eigenmote_word_table_word(const struct eigenmote_word_table *table,
                                           uint32_t id,
                                           const char **word,
                                           size_t *length);

/**
 * The values that count of a vector, as they are stored: the bytes `q` of `x = scale * q`.
 */
eigenmote_status eigenmote_word_table_values(const struct eigenmote_word_table *table,
                                             uint32_t id,
                                             int8_t *values,
                                             size_t count);

/**
 * The values that count of a vector: `scale * q`.
 */
eigenmote_status eigenmote_word_table_vector_f32(const struct eigenmote_word_table *table,
                                                 uint32_t id,
                                                 float *values,
                                                 size_t count);

/**
 * `scale * q` of a vector by integers alone: with 16 fraction bits, rounded to nearest, halves
 * up; what does not fit becomes the nearest value that does.
 */
eigenmote_status eigenmote_word_table_vector_fixed(const struct eigenmote_word_table *table,
                                                   uint32_t id,
                                                   int32_t *values,
                                                   size_t count);

/**
 * The cosine of two vectors of a table, in units of 1/`EIGENMOTE_COSINE_ONE`: the same on every machine.
 */
eigenmote_status eigenmote_word_table_cosine(const struct eigenmote_word_table *table,
                                             uint32_t a,
                                             uint32_t b,
                                             int32_t *cosine);

/**
 * The vectors with the largest cosine to vector `id`, best first, itself left out; what scores alike comes
 * in the order of the table. `found` is how many of `hits` are written. Scores are in units of
 * 1/`EIGENMOTE_COSINE_ONE`. Takes `dim` products of bytes per vector of the table, and no memory.
 */
eigenmote_status eigenmote_word_table_nearest(const struct eigenmote_word_table *table,
                                              uint32_t id,
                                              struct eigenmote_hit *hits,
                                              size_t capacity,
                                              size_t *found);

/**
 * The same for a vector that need not be in the table, of as many values as count
 * (`eigenmote_word_query_f32` and `eigenmote_word_query_fixed` make one), without the vectors whose
 * numbers are in `exclude`.
 */
eigenmote_status eigenmote_word_table_nearest_to(const struct eigenmote_word_table *table,
                                                 const int8_t *query,
                                                 size_t query_values,
                                                 const uint32_t *exclude,
                                                 size_t exclude_count,
                                                 struct eigenmote_hit *hits,
                                                 size_t capacity,
                                                 size_t *found);

/**
 * Answers "`a` is to `b` as `c` is to" with the vectors that score best by a rule, such as
 * `EIGENMOTE_ANALOGY_ADD`; `a`, `b` and `c` are left out. Takes three times what
 * `eigenmote_word_table_nearest` does; by `EIGENMOTE_ANALOGY_MUL` also a division of 64 bits per vector.
 */
eigenmote_status eigenmote_word_table_analogy(const struct eigenmote_word_table *table,
                                              uint32_t a,
                                              uint32_t b,
                                              uint32_t c,
                                              uint32_t rule,
                                              struct eigenmote_hit *hits,
                                              size_t capacity,
                                              size_t *found);

/**
 * Floats as a query for `eigenmote_word_table_nearest_to`: in steps of the largest magnitude over 127,
 * halves rounded away from zero.
 */
eigenmote_status eigenmote_word_query_f32(const float *values,
                                          size_t count,
                                          int8_t *query,
                                          size_t query_values);

/**
 * The same of integers, by integers alone: with any number of fraction bits, such as
 * `eigenmote_int8_forward` gives them. Takes a division of 64 bits per value.
 */
eigenmote_status eigenmote_word_query_fixed(const int32_t *values,
                                            size_t count,
                                            int8_t *query,
                                            size_t query_values);

#ifdef __cplusplus
}  // extern "C"
#endif  // __cplusplus

#endif  /* EIGENMOTE_H */
