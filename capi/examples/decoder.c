/*
 * A decoder whose weights are in flash: a latent vector becomes a curve, and random latent vectors become
 * random curves, the same ones on every machine.
 */
#include "eigenmote.h"
#include "print.h"

static const float w1[4][2] = {{0.5f, -1.0f}, {1.5f, 0.25f}, {-0.75f, 1.0f}, {0.125f, 0.5f}};
static const float b1[4] = {0.0f, 0.25f, -0.5f, 1.0f};
static const float w2[3][4] = {{1.0f, -0.5f, 0.25f, 2.0f}, {-1.0f, 0.5f, 1.0f, 0.0f}, {0.5f, 0.5f, -2.0f, 1.0f}};
static const float b2[3] = {0.1f, 0.2f, 0.3f};
static const float w3[5][3] = {{1.0f, 0.0f, 0.5f}, {0.5f, 1.0f, 0.0f}, {0.0f, 0.5f, 1.0f}, {-1.0f, 1.0f, -1.0f}, {0.25f, 0.25f, 0.25f}};
static const float b3[5] = {0.0f, 0.0f, 0.5f, 0.0f, -0.5f};

static const eigenmote_layer layers[3] = {
    {&w1[0][0], b1, 2, 4, EIGENMOTE_ACTIVATION_TANH, 0.0f},
    {&w2[0][0], b2, 4, 3, EIGENMOTE_ACTIVATION_SILU, 0.0f},
    {&w3[0][0], b3, 3, 5, EIGENMOTE_ACTIVATION_LEAKY_RELU, 0.1f},
};

int main(void) {
    static const float latent[2] = {0.75f, -0.5f};
    float scratch[2 + 7], curve[5];
    size_t needed = 0;
    eigenmote_rng rng;
    int bad = eigenmote_forward_scratch(layers, 3, &needed);
    bad |= needed != 7;
    bad |= eigenmote_forward_f32(layers, 3, latent, 2, scratch, needed, curve, 5);
    say_floats("forward", curve, 5);
    bad |= eigenmote_rng_seed(&rng, 42);
    for (int i = 0; i < 3; i++) {
        bad |= eigenmote_sample_f32(layers, 3, &rng, scratch, 2 + needed, curve, 5);
        say_floats("sample", curve, 5);
    }
    bad |= eigenmote_rng_uniform_f32(&rng, curve, 5);
    say_floats("uniform", curve, 5);
    bad |= eigenmote_rng_normal_f32(&rng, curve, 5);
    say_floats("normal", curve, 5);
    return bad;
}
