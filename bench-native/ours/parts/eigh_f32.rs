//! Eigendecomposition in `f32`.

abi::library!(|table| {
    ours::eigh::add::<f32>(table);
    ours::closed::add_eigh::<f32>(table);
    ours::batch::add_eigh::<f32>(table);
});
