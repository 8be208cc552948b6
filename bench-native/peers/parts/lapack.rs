//! OpenBLAS and MKL.

abi::library!(peers::lapack::add);
