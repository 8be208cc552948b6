/*
 * Learning on the chip: moments of six sensors that follow two hidden ones, their principal components,
 * and how well later samples agree with them. Prints the bits of every result.
 */
#include "eigenmote.h"
#include "print.h"

/* Pseudo-random steps of 1/256 in -0.5 to 0.5: the same numbers in every language. */
static uint32_t state = 1;
static float next(void) {
    state = state * 1664525u + 1013904223u;
    return (float)((int32_t)(state >> 24) - 128) / 256.0f;
}

static void sensors(float x[6]) {
    float a = 8.0f * next(), b = 2.0f * next();
    float mixed[6] = {a, b, a + b, a - b, 0.5f * a, 2.0f * b};
    for (int i = 0; i < 6; i++)
        x[i] = mixed[i] + 0.125f * next() + (float)i;
}

int main(void) {
    static eigenmote_moments_f32_6 moments, other;
    static eigenmote_pca_f32_6x2 pca;
    float x[6], z[2], back[6], mean[6];
    eigenmote_scores scores;
    eigenmote_rng rng;
    int bad = eigenmote_moments_f32_6_init(&moments) | eigenmote_moments_f32_6_init(&other);

    for (int t = 0; t < 300; t++) {
        sensors(x);
        bad |= eigenmote_moments_f32_6_update(t < 200 ? &moments : &other, x, 1);
    }
    bad |= eigenmote_moments_f32_6_merge(&moments, &other);
    bad |= eigenmote_moments_f32_6_mean(&moments, mean);
    bad |= eigenmote_pca_f32_6x2_fit_from_moments(&pca, &moments);
    say_floats("mean", mean, 6);
    say_floats("components", pca.components[0], 12);
    say_floats("variance", pca.explained_variance, 2);
    say_floats("noise", &pca.noise_variance, 1);

    for (int t = 0; t < 4; t++) {
        sensors(x);
        if (t == 3)
            x[4] += 1.0f; /* a sensor fails */
        bad |= eigenmote_pca_f32_6x2_transform(&pca, x, z);
        bad |= eigenmote_pca_f32_6x2_inverse_transform(&pca, z, back);
        bad |= eigenmote_pca_f32_6x2_get_scores(&pca, x, &scores);
        say_floats("latent", z, 2);
        say_floats("back", back, 6);
        say_floats("distance", &scores.distance, 1);
        say_floats("t2", &scores.t2, 1);
    }
    bad |= eigenmote_rng_seed(&rng, 7);
    bad |= eigenmote_pca_f32_6x2_sample(&pca, &rng, x);
    say_floats("sample", x, 6);
    return bad;
}
