#include "eigen_svd.h"

void add_svds_f64(const Sink &sink) { add_svds<double>(sink); }
