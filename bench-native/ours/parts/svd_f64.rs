//! Singular value decomposition in `f64`.

abi::library!(|table| {
    ours::svd::add::<f64>(table);
    ours::closed::add_svd::<f64>(table);
    ours::batch::add_svd::<f64>(table);
});
