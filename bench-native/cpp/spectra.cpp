// Spectra's partial SVD: Lanczos iteration on AAᵀ.

#include "shapes.h"
#include <Eigen/Core>
#include <Spectra/contrib/PartialSVDSolver.h>
#include <algorithm>
#include <cmath>
#include <limits>

namespace {

template <typename T, int N, int K> struct PartialSvd {
    using Scalar = T;
    using Input = T[N * N];
    using Output = Triplets<T, N, K>;
    using Matrix = Eigen::Matrix<T, Eigen::Dynamic, Eigen::Dynamic>;

    // As many basis vectors as ARPACK's users take.
    static constexpr int basis = std::min(N, std::max(2 * K + 1, 20));
    // What eigenmote's iterations stop at.
    const T tolerance = std::pow(std::numeric_limits<T>::epsilon(), T(2) / 3);
    Matrix matrix{N, N};

    explicit PartialSvd(const void *) {}

    bool solve(const Input &a, Output &out) {
        matrix = Eigen::Map<const Matrix>(a, N, N);
        Spectra::PartialSVDSolver<Matrix> solver(matrix, K, basis);
        if (solver.compute(1000, tolerance) < K) return false;
        Eigen::Map<Eigen::Matrix<T, N, K>>(out.u) = solver.matrix_U(K);
        Eigen::Map<Eigen::Matrix<T, K, 1>>(out.s) = solver.singular_values();
        Eigen::Map<Eigen::Matrix<T, N, K>>(out.v) = solver.matrix_V(K);
        return true;
    }
};

template <typename T, int N, int K> struct AddTopK {
    static void add(const Sink &sink) { ::add<PartialSvd<T, N, K>>(sink, "Spectra", Cell{"top-k", N, N, K}); }
};

} // namespace

void add_top_k(const Sink &sink) {
    for_top_k_shapes<AddTopK, float>(sink);
    for_top_k_shapes<AddTopK, double>(sink);
}
