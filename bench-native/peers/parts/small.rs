//! numeris, multicalc and glam.

abi::library!(|table| {
    table.absent(
        "onnxruntime, decoder",
        "its wheel comes without the header for its table of functions, and wants the network as protobuf",
    );
    table.version("numeris", "0.6");
    table.absent("numeris above 16×16", "its fixed sizes take the compiler more than two minutes");
    peers::numeris::add::<f32>(table);
    peers::numeris::add::<f64>(table);
    table.version("multicalc", "0.10");
    table.absent("multicalc, singular values", "it has none without the vectors");
    peers::multicalc::add::<f32>(table);
    peers::multicalc::add::<f64>(table);
    table.version("glam_matrix_extras", "0.4");
    peers::glam::add(table);
});
