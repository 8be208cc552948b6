// What the runner and the contenders' libraries agree on; `abi/src` says the same in Rust.
#pragma once

#include <cstddef>
#include <cstdint>

// Name of a scalar type in the tables.
template <typename T> inline const char *scalar_name();
template <> inline const char *scalar_name<float>() { return "f32"; }
template <> inline const char *scalar_name<double>() { return "f64"; }

// The method is good to half the digits only.
constexpr uint32_t HALF_DIGITS = 4;

extern "C" {
struct Entry {
    const char *contender, *routine, *scalar;
    size_t rows, cols, rank;
    uint32_t flags;
    void *(*prepare)(const void *model);
    size_t (*run)(void *state, const void *inputs, void *outputs, size_t count);
    void (*finish)(void *state, void *output);
};

struct Sink {
    void *table;
    void (*register_entry)(void *table, const Entry *entry);
    void (*absent)(void *table, const char *who, const char *why);
    void (*version)(void *table, const char *who, const char *what);
};
}

// Results: numbers of one type without gaps, matrices column by column.
template <typename T, int M, int N> struct Svd {
    T u[M * N], s[N], v[N * N];
};
template <typename T, int N> struct Eigh {
    T values[N], vectors[N * N];
};

template <typename T, int N, int K> struct Triplets {
    T u[N * K], s[K], v[N * K];
};
template <typename T, int D, int K> struct Projection {
    T mean[D], components[K * D];
};
template <typename T, int D> struct Covariance {
    T mean[D], covariance[D * D];
};
template <typename T> struct Decoder {
    T w1[32 * 8], b1[32], w2[64 * 32], b2[64], w3[784 * 64], b3[784];
};

// Vectors in a batch of projections, samples in a block that a covariance takes in.
constexpr int BATCH = 1024;
constexpr int BLOCK = 64;

// A place in the tables.
struct Cell {
    const char *routine;
    size_t rows, cols, rank = 0;
    uint32_t flags = 0;
};

// What the runner calls of `Solver`, a type with
//     using Scalar, Input                 float or double; an array or a structure from above,
//     explicit Solver(const void *model)  nothing of interest for decompositions,
//     bool solve(const Input &, Output &) or, for those that only take in, void update(const Input &)
//                                         and void finish(Output &).
template <typename Solver> void *prepare(const void *model) { return new Solver(model); }

template <typename Solver> size_t run(void *state, const void *inputs, void *outputs, size_t count) {
    auto *solver = static_cast<Solver *>(state);
    auto *input = static_cast<const typename Solver::Input *>(inputs);
    auto *output = static_cast<typename Solver::Output *>(outputs);
    size_t failed = 0;
    for (size_t i = 0; i < count; ++i) failed += !solver->solve(input[i], output[i]);
    return failed;
}

template <typename Solver> size_t take_in(void *state, const void *inputs, void *, size_t count) {
    auto *solver = static_cast<Solver *>(state);
    auto *input = static_cast<const typename Solver::Input *>(inputs);
    for (size_t i = 0; i < count; ++i) solver->update(input[i]);
    return 0;
}

template <typename Solver> void finish(void *state, void *output) {
    static_cast<Solver *>(state)->finish(*static_cast<typename Solver::Output *>(output));
}

template <typename Solver> void add(const Sink &sink, const char *contender, const Cell &cell) {
    const Entry entry{contender, cell.routine, scalar_name<typename Solver::Scalar>(), cell.rows, cell.cols,
                      cell.rank, cell.flags, prepare<Solver>, run<Solver>, nullptr};
    sink.register_entry(sink.table, &entry);
}

template <typename Solver> void add_accumulator(const Sink &sink, const char *contender, const Cell &cell) {
    const Entry entry{contender, cell.routine, scalar_name<typename Solver::Scalar>(), cell.rows, cell.cols,
                      cell.rank, cell.flags, prepare<Solver>, take_in<Solver>, finish<Solver>};
    sink.register_entry(sink.table, &entry);
}
