// Multiplications and additions as fast as the machine can: independent chains in registers.

#include "abi.h"

namespace {

#ifdef __AVX512F__
constexpr int BYTES = 64;
#else
constexpr int BYTES = 32;
#endif
// Two units with a latency of up to five cycles want ten chains; sixteen registers have room for them.
constexpr int CHAINS = 12;
constexpr int STEPS = 1000;

template <typename T> struct Peak {
    using Scalar = T;
    using Input = T[1];
    using Output = T[1];
    typedef T Lanes __attribute__((vector_size(BYTES)));
    static constexpr int LANES = BYTES / sizeof(T);

    explicit Peak(const void *) {}

    bool solve(const Input &x, Output &out) {
        Lanes sums[CHAINS];
        for (int i = 0; i < CHAINS; ++i) sums[i] = Lanes{} + x[0] + T(i);
        const Lanes factor = Lanes{} + T(0.5), term = Lanes{} + T(0.25);
        for (int step = 0; step < STEPS; ++step)
#pragma GCC unroll 12
            for (int i = 0; i < CHAINS; ++i) sums[i] = sums[i] * factor + term;
        T total = 0;
        for (const auto &sum : sums)
            for (int lane = 0; lane < LANES; ++lane) total += sum[lane];
        out[0] = total;
        return true;
    }

    // The shape of the cell: operations in all are rows times columns.
    static void add(const Sink &sink) {
        ::add<Peak>(sink, "machine", Cell{"fma peak", STEPS, 2 * CHAINS * LANES});
    }
};

} // namespace

void add_peak(const Sink &sink) {
    Peak<float>::add(sink);
    Peak<double>::add(sink);
}
