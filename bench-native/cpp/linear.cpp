// Projections, covariances and a small network by Eigen.

#include "shapes.h"
#include <Eigen/Core>

namespace {

template <typename T, int R, int C> using Matrix = Eigen::Matrix<T, R, C>;
template <typename T, int R, int C> using MapConst = Eigen::Map<const Matrix<T, R, C>>;
template <typename T, int R, int C> using Map = Eigen::Map<Matrix<T, R, C>>;
constexpr int ANY = Eigen::Dynamic;

// z = W·x − W·mean, with the second term known beforehand. Matrices beyond Eigen's limit for the
// stack have dynamic sizes.
template <typename T, int D, int K> struct Project {
    using Scalar = T;
    using Input = T[D];
    using Output = T[K];

    Matrix<T, ANY, ANY> components;
    Matrix<T, K, 1> offset;

    explicit Project(const void *model) {
        const auto &m = *static_cast<const Projection<T, D, K> *>(model);
        components = MapConst<T, D, K>(m.components).transpose();
        offset = -(components * MapConst<T, D, 1>(m.mean));
    }

    bool solve(const Input &x, Output &z) {
        const Map<T, K, D> w(components.data());
        Map<T, K, 1>(z).noalias() = offset + w * MapConst<T, D, 1>(x);
        return true;
    }
};

template <typename T, int D, int K> struct ProjectBatch : Project<T, D, K> {
    using Input = T[D * BATCH];
    using Output = T[K * BATCH];
    using Project<T, D, K>::Project;

    bool solve(const Input &x, Output &z) {
        Eigen::Map<Matrix<T, ANY, ANY>> out(z, K, BATCH);
        out.noalias() = this->components * Eigen::Map<const Matrix<T, ANY, ANY>>(x, D, BATCH);
        out.colwise() += this->offset;
        return true;
    }
};

template <typename T, int D, int K> struct AddProject {
    static void add(const Sink &sink) {
        ::add<Project<T, D, K>>(sink, "Eigen", Cell{"project", D, K});
        ::add<ProjectBatch<T, D, K>>(sink, "Eigen", Cell{"project batch", D, K, BATCH});
    }
};

// Welford's update of mean and scatter; the lower triangle only.
template <typename T, int D> struct Update {
    using Scalar = T;
    using Input = T[D];
    using Output = Covariance<T, D>;

    T count = 0;
    Matrix<T, ANY, 1> mean = Matrix<T, ANY, 1>::Zero(D), delta{D};
    Matrix<T, ANY, ANY> scatter = Matrix<T, ANY, ANY>::Zero(D, D);

    explicit Update(const void *) {}

    void update(const Input &x) {
        count += 1;
        delta.noalias() = MapConst<T, D, 1>(x) - mean;
        mean += delta / count;
        scatter.template selfadjointView<Eigen::Lower>().rankUpdate(delta, (count - 1) / count);
    }

    void finish(Output &out) {
        Map<T, D, 1>(out.mean) = mean;
        Eigen::Map<Matrix<T, ANY, ANY>>(out.covariance, D, D) = scatter / (count - 1);
    }
};

// A block is centred on its own mean and joined as by Chan, Golub and LeVeque.
template <typename T, int D> struct UpdateBlock : Update<T, D> {
    using Input = T[D * BLOCK];
    using Update<T, D>::Update;

    Matrix<T, ANY, ANY> centred{D, BLOCK};
    Matrix<T, ANY, 1> block_mean{D};

    void update(const Input &x) {
        const Eigen::Map<const Matrix<T, ANY, ANY>> block(x, D, BLOCK);
        block_mean = block.rowwise().mean();
        centred = block.colwise() - block_mean;
        this->delta = block_mean - this->mean;
        const T total = this->count + BLOCK;
        this->mean += this->delta * (BLOCK / total);
        auto lower = this->scatter.template selfadjointView<Eigen::Lower>();
        lower.rankUpdate(centred);
        lower.rankUpdate(this->delta, this->count * BLOCK / total);
        this->count = total;
    }
};

template <typename T, int D, int> struct AddCovariance {
    static void add(const Sink &sink) {
        add_accumulator<Update<T, D>>(sink, "Eigen", Cell{"covariance", D, D});
        add_accumulator<UpdateBlock<T, D>>(sink, "Eigen", Cell{"covariance block", D, D, BLOCK});
    }
};

struct Network {
    using Scalar = float;
    using Input = float[8];
    using Output = float[784];

    // Column by column, as Eigen prefers.
    Matrix<float, ANY, ANY> w1, w2, w3;
    Matrix<float, ANY, 1> b1, b2, b3, h1, h2;

    explicit Network(const void *model) {
        const auto &m = *static_cast<const Decoder<float> *>(model);
        w1 = MapConst<float, 8, 32>(m.w1).transpose();
        w2 = MapConst<float, 32, 64>(m.w2).transpose();
        w3 = MapConst<float, 64, 784>(m.w3).transpose();
        b1 = MapConst<float, 32, 1>(m.b1);
        b2 = MapConst<float, 64, 1>(m.b2);
        b3 = MapConst<float, 784, 1>(m.b3);
    }

    bool solve(const Input &z, Output &out) {
        h1.noalias() = b1 + w1 * MapConst<float, 8, 1>(z);
        h1 = h1.cwiseMax(0.0F);
        h2.noalias() = b2 + w2 * h1;
        h2 = h2.cwiseMax(0.0F);
        Map<float, 784, 1>(out).noalias() = b3 + w3 * h2;
        return true;
    }
};

} // namespace

void add_linear(const Sink &sink) {
    for_projection_shapes<AddProject, float>(sink);
    for_projection_shapes<AddProject, double>(sink);
    for_covariance_shapes<AddCovariance, float>(sink);
    for_covariance_shapes<AddCovariance, double>(sink);
    add<Network>(sink, "Eigen", Cell{"decoder", 8, 784});
}
