//! Singular value decomposition in `f32`.

abi::library!(|table| {
    ours::svd::add::<f32>(table);
    ours::closed::add_svd::<f32>(table);
    ours::batch::add_svd::<f32>(table);
});
