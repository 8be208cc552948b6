//! Everything but the full decompositions in `f32`.

abi::library!(|table| {
    ours::top_k::add::<f32>(table);
    ours::projection::add::<f32>(table);
    ours::covariance::add::<f32>(table);
    ours::decoder::add(table);
});
