//! nalgebra.

abi::library!(|table| {
    table.version("nalgebra", "0.35");
    peers::nalgebra::add::<f32>(table);
    peers::nalgebra::add::<f64>(table);
    peers::nalgebra_linear::add::<f32>(table);
    peers::nalgebra_linear::add::<f64>(table);
    peers::nalgebra_linear::add_decoder(table);
});
