//! faer.

abi::library!(|table| {
    table.version("faer", "0.24");
    peers::faer::add::<f32>(table);
    peers::faer::add::<f64>(table);
});
