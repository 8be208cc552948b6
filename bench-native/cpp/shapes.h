// Which shapes are compared; `abi/src/shapes.rs` says the same in Rust.
#pragma once

#include "abi.h"

// Each function calls `F<T, sizes…>::add(sink)` for all of them.
template <template <typename, int, int> class F, typename T>
void for_square_shapes(const Sink &sink) {
    F<T, 2, 2>::add(sink);
    F<T, 3, 3>::add(sink);
    F<T, 4, 4>::add(sink);
    F<T, 6, 6>::add(sink);
    F<T, 8, 8>::add(sink);
    F<T, 12, 12>::add(sink);
    F<T, 16, 16>::add(sink);
    F<T, 24, 24>::add(sink);
    F<T, 32, 32>::add(sink);
    F<T, 48, 48>::add(sink);
    F<T, 64, 64>::add(sink);
}

template <template <typename, int, int> class F, typename T>
void for_svd_shapes(const Sink &sink) {
    for_square_shapes<F, T>(sink);
    F<T, 32, 4>::add(sink);
    F<T, 64, 8>::add(sink);
    F<T, 64, 16>::add(sink);
    F<T, 128, 16>::add(sink);
    F<T, 256, 32>::add(sink);
}

template <template <typename, int, int> class F, typename T>
void for_values_shapes(const Sink &sink) {
    F<T, 8, 8>::add(sink);
    F<T, 16, 16>::add(sink);
    F<T, 32, 32>::add(sink);
    F<T, 64, 64>::add(sink);
}

template <template <typename, int, int> class F, typename T>
void for_top_k_shapes(const Sink &sink) {
    F<T, 32, 1>::add(sink);
    F<T, 32, 4>::add(sink);
    F<T, 32, 8>::add(sink);
    F<T, 64, 1>::add(sink);
    F<T, 64, 4>::add(sink);
    F<T, 64, 8>::add(sink);
}

template <template <typename, int, int> class F, typename T>
void for_projection_shapes(const Sink &sink) {
    F<T, 16, 4>::add(sink);
    F<T, 32, 8>::add(sink);
    F<T, 64, 8>::add(sink);
    F<T, 128, 16>::add(sink);
    F<T, 784, 32>::add(sink);
}

template <template <typename, int, int> class F, typename T>
void for_covariance_shapes(const Sink &sink) {
    F<T, 16, 16>::add(sink);
    F<T, 32, 32>::add(sink);
    F<T, 64, 64>::add(sink);
    F<T, 128, 128>::add(sink);
}
