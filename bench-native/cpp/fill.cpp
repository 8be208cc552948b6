// The library's exported function.

#include "abi.h"
#include <Eigen/Core>
#include <Spectra/Util/Version.h>
#include <string>

void add_peak(const Sink &);
void add_svds_f32(const Sink &);
void add_svds_f64(const Sink &);
void add_eighs_f32(const Sink &);
void add_eighs_f64(const Sink &);
void add_top_k(const Sink &);
void add_linear(const Sink &);

namespace {

std::string dotted(int a, int b, int c) {
    return std::to_string(a) + "." + std::to_string(b) + "." + std::to_string(c);
}

} // namespace

extern "C" __attribute__((visibility("default"))) void eigenmote_bench_fill(const Sink *sink) {
    const auto eigen = dotted(EIGEN_WORLD_VERSION, EIGEN_MAJOR_VERSION, EIGEN_MINOR_VERSION);
    const auto spectra = dotted(SPECTRA_MAJOR_VERSION, SPECTRA_MINOR_VERSION, SPECTRA_PATCH_VERSION);
    sink->version(sink->table, "Eigen", eigen.c_str());
    sink->version(sink->table, "Spectra", spectra.c_str());
    sink->version(sink->table, "g++", __VERSION__);
    add_peak(*sink);
    add_svds_f32(*sink);
    add_svds_f64(*sink);
    add_eighs_f32(*sink);
    add_eighs_f64(*sink);
    add_top_k(*sink);
    add_linear(*sink);
}
