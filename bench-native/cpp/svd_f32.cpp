#include "eigen_svd.h"

void add_svds_f32(const Sink &sink) { add_svds<float>(sink); }
