//! Eigendecomposition in `f64`.

abi::library!(|table| {
    ours::eigh::add::<f64>(table);
    ours::closed::add_eigh::<f64>(table);
    ours::batch::add_eigh::<f64>(table);
});
