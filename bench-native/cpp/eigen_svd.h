// Eigen's singular value decompositions: sizes in the type up to 16, dynamic above, where the
// templates of fixed sizes would take gigabytes to compile.
#pragma once

#include "shapes.h"
#include <Eigen/SVD>
#include <type_traits>

constexpr int LARGEST_FIXED = 16;
// Below this many columns BDCSVD hands over to JacobiSVD.
constexpr int LEAST_DIVIDED = 16;

template <typename T, int M, int N> struct EigenShape {
    static constexpr bool fixed = M <= LARGEST_FIXED;
    using Dynamic = Eigen::Matrix<T, Eigen::Dynamic, Eigen::Dynamic>;
    using Matrix = std::conditional_t<fixed, Eigen::Matrix<T, M, N>, Dynamic>;
    // Eigen has thin factors of dynamic matrices only; of a square one they are the full ones.
    static constexpr unsigned vectors =
        M == N ? Eigen::ComputeFullU | Eigen::ComputeFullV : Eigen::ComputeThinU | Eigen::ComputeThinV;
};

template <typename T, int M, int N, typename Decomposition> struct EigenSvd {
    using Scalar = T;
    using Input = T[M * N];
    using Output = Svd<T, M, N>;

    Decomposition decomposition{M, N, EigenShape<T, M, N>::vectors};

    explicit EigenSvd(const void *) {}

    bool solve(const Input &a, Output &out) {
        decomposition.compute(Eigen::Map<const typename Decomposition::MatrixType>(a, M, N));
        Eigen::Map<Eigen::Matrix<T, M, N>>(out.u) = decomposition.matrixU();
        Eigen::Map<Eigen::Matrix<T, N, 1>>(out.s) = decomposition.singularValues();
        Eigen::Map<Eigen::Matrix<T, N, N>>(out.v) = decomposition.matrixV();
        return decomposition.info() == Eigen::Success;
    }
};

template <typename T, int N, typename Decomposition> struct EigenValues {
    using Scalar = T;
    using Input = T[N * N];
    using Output = T[N];

    Decomposition decomposition{N, N, 0};

    explicit EigenValues(const void *) {}

    bool solve(const Input &a, Output &out) {
        decomposition.compute(Eigen::Map<const typename Decomposition::MatrixType>(a, N, N));
        Eigen::Map<Eigen::Matrix<T, N, 1>>(out, N) = decomposition.singularValues();
        return decomposition.info() == Eigen::Success;
    }
};

template <typename T, int M, int N> struct AddSvd {
    static void add(const Sink &sink) {
        using Shape = EigenShape<T, M, N>;
        const Cell cell{"svd", M, N};
        ::add<EigenSvd<T, M, N, Eigen::JacobiSVD<typename Shape::Matrix>>>(sink, "Eigen JacobiSVD", cell);
        if constexpr (N >= LEAST_DIVIDED)
            ::add<EigenSvd<T, M, N, Eigen::BDCSVD<typename Shape::Dynamic>>>(sink, "Eigen BDCSVD", cell);
    }
};

template <typename T, int N, int> struct AddValues {
    static void add(const Sink &sink) {
        using Shape = EigenShape<T, N, N>;
        const Cell cell{"singular values", N, N};
        ::add<EigenValues<T, N, Eigen::JacobiSVD<typename Shape::Matrix>>>(sink, "Eigen JacobiSVD", cell);
        if constexpr (N >= LEAST_DIVIDED)
            ::add<EigenValues<T, N, Eigen::BDCSVD<typename Shape::Dynamic>>>(sink, "Eigen BDCSVD", cell);
    }
};

template <typename T> void add_svds(const Sink &sink) {
    for_svd_shapes<AddSvd, T>(sink);
    for_values_shapes<AddValues, T>(sink);
}
