#include "eigen_eigh.h"

void add_eighs_f32(const Sink &sink) { add_eighs<float>(sink); }
