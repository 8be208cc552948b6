//! Everything but the full decompositions in `f64`.

abi::library!(|table| {
    ours::top_k::add::<f64>(table);
    ours::projection::add::<f64>(table);
    ours::covariance::add::<f64>(table);
});
