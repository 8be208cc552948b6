// What the runner and the contenders' libraries agree on; `abi/src` says the same in Rust.
#pragma once

#include <cstddef>
#include <cstdint>

// Name of a scalar type in the tables.
template <typename T> inline const char *scalar_name();
template <> inline const char *scalar_name<float>() { return "f32"; }
template <> inline const char *scalar_name<double>() { return "f64"; }

constexpr uint32_t V_TRANSPOSED = 2;

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

struct Nothing {};

// Enters `Solver`, a type with
//     Input, Output           arrays or the structures above,
//     Solver(const Model &)   or Solver() where problems share nothing,
//     bool solve(const Input &, Output &).
template <typename Solver> struct Contender {
    using Input = typename Solver::Input;
    using Output = typename Solver::Output;

    static void *prepare(const void *) { return new Solver(); }

    static size_t run(void *state, const void *inputs, void *outputs, size_t count) {
        auto *solver = static_cast<Solver *>(state);
        auto *input = static_cast<const Input *>(inputs);
        auto *output = static_cast<Output *>(outputs);
        size_t failed = 0;
        for (size_t i = 0; i < count; ++i) failed += !solver->solve(input[i], output[i]);
        return failed;
    }
};

template <typename Solver, typename T>
void add(const Sink &sink, const char *contender, const char *routine, size_t rows, size_t cols,
         uint32_t flags = 0) {
    using C = Contender<Solver>;
    Entry entry{contender, routine, scalar_name<T>(), rows, cols, 0, flags, C::prepare, C::run, nullptr};
    sink.register_entry(sink.table, &entry);
}
