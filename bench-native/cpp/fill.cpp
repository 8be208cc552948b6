// The library's exported function.

#include "abi.h"
#include <Eigen/Core>
#include <string>

void add_svds_f32(const Sink &);
void add_svds_f64(const Sink &);

extern "C" __attribute__((visibility("default"))) void eigenmote_bench_fill(const Sink *sink) {
    const auto version = std::to_string(EIGEN_WORLD_VERSION) + "." + std::to_string(EIGEN_MAJOR_VERSION) +
                         "." + std::to_string(EIGEN_MINOR_VERSION);
    sink->version(sink->table, "Eigen", version.c_str());
    add_svds_f32(*sink);
    add_svds_f64(*sink);
}
