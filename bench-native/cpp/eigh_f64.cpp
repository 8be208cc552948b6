#include "eigen_eigh.h"

void add_eighs_f64(const Sink &sink) { add_eighs<double>(sink); }
