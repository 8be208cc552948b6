// Eigen's singular value decompositions: sizes in the type up to 16, dynamic above, where the
// templates of fixed sizes would take gigabytes to compile.
#pragma once

#include "abi.h"
#include <Eigen/Dense>

constexpr int LARGEST_FIXED = 16;

template <typename T, int M, int N> struct EigenShape {
    static constexpr bool fixed = M <= LARGEST_FIXED;
    using Matrix = Eigen::Matrix<T, fixed ? M : Eigen::Dynamic, fixed ? N : Eigen::Dynamic>;
    // Eigen has thin factors of dynamic matrices only; of a square one they are the full ones.
    static constexpr unsigned vectors =
        M == N ? Eigen::ComputeFullU | Eigen::ComputeFullV : Eigen::ComputeThinU | Eigen::ComputeThinV;
};

template <typename T, int M, int N, typename Decomposition> struct EigenSvd {
    using Input = T[M * N];
    using Output = Svd<T, M, N>;
    using Matrix = typename EigenShape<T, M, N>::Matrix;

    Decomposition decomposition{M, N, EigenShape<T, M, N>::vectors};

    bool solve(const Input &a, Output &out) {
        using Left = Eigen::Matrix<T, M, N>;
        using Right = Eigen::Matrix<T, N, N>;
        decomposition.compute(Eigen::Map<const Matrix>(a, M, N));
        Eigen::Map<Left>(out.u) = decomposition.matrixU();
        Eigen::Map<Eigen::Matrix<T, N, 1>>(out.s) = decomposition.singularValues();
        Eigen::Map<Right>(out.v) = decomposition.matrixV();
        return decomposition.info() == Eigen::Success;
    }
};

template <typename T, int M, int N> void add_svd(const Sink &sink) {
    using Matrix = typename EigenShape<T, M, N>::Matrix;
    add<EigenSvd<T, M, N, Eigen::JacobiSVD<Matrix>>, T>(sink, "Eigen JacobiSVD", "svd", M, N);
    add<EigenSvd<T, M, N, Eigen::BDCSVD<Matrix>>, T>(sink, "Eigen BDCSVD", "svd", M, N);
}

template <typename T> void add_svds(const Sink &sink) {
    add_svd<T, 2, 2>(sink);
    add_svd<T, 3, 3>(sink);
    add_svd<T, 4, 4>(sink);
    add_svd<T, 6, 6>(sink);
    add_svd<T, 8, 8>(sink);
    add_svd<T, 12, 12>(sink);
    add_svd<T, 16, 16>(sink);
    add_svd<T, 24, 24>(sink);
    add_svd<T, 32, 32>(sink);
    add_svd<T, 48, 48>(sink);
    add_svd<T, 64, 64>(sink);
    add_svd<T, 32, 4>(sink);
    add_svd<T, 64, 8>(sink);
    add_svd<T, 64, 16>(sink);
    add_svd<T, 128, 16>(sink);
    add_svd<T, 256, 32>(sink);
}
