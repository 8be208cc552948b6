// Eigen's decomposition of symmetric matrices: by iteration, with sizes in the type up to 16, and by
// formula for 2×2 and 3×3.

#pragma once

#include "shapes.h"
#include <Eigen/Eigenvalues>

constexpr int LARGEST_FIXED = 16;

template <typename T, int N> struct EigenEigh {
    using Scalar = T;
    using Input = T[N * N];
    using Output = Eigh<T, N>;
    static constexpr int size = N <= LARGEST_FIXED ? N : Eigen::Dynamic;
    using Matrix = Eigen::Matrix<T, size, size>;

    Eigen::SelfAdjointEigenSolver<Matrix> decomposition{N};

    explicit EigenEigh(const void *) {}

    void store(Output &out) const {
        Eigen::Map<Eigen::Matrix<T, N, 1>>(out.values) = decomposition.eigenvalues();
        Eigen::Map<Eigen::Matrix<T, N, N>>(out.vectors) = decomposition.eigenvectors();
    }

    bool solve(const Input &a, Output &out) {
        decomposition.compute(Eigen::Map<const Matrix>(a, N, N));
        store(out);
        return decomposition.info() == Eigen::Success;
    }
};

template <typename T, int N> struct EigenDirect : EigenEigh<T, N> {
    using EigenEigh<T, N>::EigenEigh;

    bool solve(const typename EigenEigh<T, N>::Input &a, Eigh<T, N> &out) {
        this->decomposition.computeDirect(Eigen::Map<const typename EigenEigh<T, N>::Matrix>(a));
        this->store(out);
        return this->decomposition.info() == Eigen::Success;
    }
};

template <typename T, int N, int> struct AddEigh {
    static void add(const Sink &sink) {
        ::add<EigenEigh<T, N>>(sink, "Eigen SelfAdjoint", Cell{"eigh", N, N});
        if constexpr (N <= 3) {
            Cell cell{"eigh", N, N};
            cell.flags = HALF_DIGITS;
            ::add<EigenDirect<T, N>>(sink, "Eigen direct", cell);
        }
    }
};

template <typename T> void add_eighs(const Sink &sink) { for_square_shapes<AddEigh, T>(sink); }
