//! NPY and Parquet inputs, and NPY outputs.
#![allow(
    missing_docs,
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::cast_possible_truncation,
    clippy::cast_possible_wrap,
    clippy::cast_sign_loss
)]

mod support;

use std::sync::Arc;

use parquet::data_type::{ByteArray, ByteArrayType, DoubleType, FloatType, Int32Type, Int64Type};
use parquet::file::properties::WriterProperties;
use parquet::file::writer::SerializedFileWriter;
use parquet::schema::parser::parse_message_type;
use support::{Bench, numbers};

/// An NPY file of version 1.0.
fn npy(descr: &str, fortran: bool, shape: &str, data: &[u8]) -> Vec<u8> {
    let order = if fortran { "True" } else { "False" };
    let mut header =
        format!("{{'descr': '{descr}', 'fortran_order': {order}, 'shape': ({shape}), }}");
    while (header.len() + 11) % 64 != 0 {
        header.push(' ');
    }
    header.push('\n');
    let mut bytes = b"\x93NUMPY\x01\x00".to_vec();
    bytes.extend((header.len() as u16).to_le_bytes());
    bytes.extend(header.as_bytes());
    bytes.extend(data);
    bytes
}

fn restored(file: &[u8], options: &str) -> Vec<Vec<f64>> {
    let bench = Bench::new();
    bench.file("in.npy", file);
    numbers(&bench.round_trip("in.npy", options))
}

macro_rules! bytes {
    ($to:ident, $t:ty, $values:expr) => {
        $values.iter().flat_map(|&x| (x as $t).$to()).collect::<Vec<u8>>()
    };
}

#[test]
fn every_width_and_byte_order_is_read() {
    let values = [1, 2, 3, 4, 5, 120];
    let wanted = [[1.0, 2.0], [3.0, 4.0], [5.0, 120.0]];
    let halves = [0x3c00_u16, 0x4000, 0x4200, 0x4400, 0x4500, 0x5780];
    for (descr, data) in [
        ("|i1", bytes!(to_le_bytes, i8, values)),
        ("|u1", bytes!(to_le_bytes, u8, values)),
        ("<i2", bytes!(to_le_bytes, i16, values)),
        (">i2", bytes!(to_be_bytes, i16, values)),
        ("<u2", bytes!(to_le_bytes, u16, values)),
        ("<i4", bytes!(to_le_bytes, i32, values)),
        (">i4", bytes!(to_be_bytes, i32, values)),
        (">u4", bytes!(to_be_bytes, u32, values)),
        ("<i8", bytes!(to_le_bytes, i64, values)),
        (">u8", bytes!(to_be_bytes, u64, values)),
        ("<f2", bytes!(to_le_bytes, u16, halves)),
        ("<f4", bytes!(to_le_bytes, f32, values)),
        (">f4", bytes!(to_be_bytes, f32, values)),
        ("<f8", bytes!(to_le_bytes, f64, values)),
        (">f8", bytes!(to_be_bytes, f64, values)),
    ] {
        let rows = restored(&npy(descr, false, "3, 2", &data), "--max-error 0.0001");
        assert!(
            rows.iter().flatten().zip(wanted.iter().flatten()).all(|(a, b)| (a - b).abs() <= 1e-4)
        );
        assert_eq!(rows.len(), 3, "{descr}");
    }
}

#[test]
fn fortran_order_and_leading_dimensions_are_read() {
    // Entry (i, j, k) of a 2×3×2 array is 100 i + 10 j + k; rows are (i, j), channels are k.
    let wanted: Vec<Vec<f64>> =
        [0, 10, 20, 100, 110, 120].map(|row| vec![f64::from(row), f64::from(row + 1)]).to_vec();
    let c: Vec<i16> = wanted.iter().flatten().map(|&x| x as i16).collect();
    let mut fortran = Vec::new();
    for k in 0..2 {
        for j in 0..3 {
            fortran.extend((0..2).map(|i| 100 * i + 10 * j + k));
        }
    }
    let file = npy("<i2", false, "2, 3, 2", &bytes!(to_le_bytes, i16, c));
    assert_eq!(restored(&file, "--max-error 0"), wanted);
    let file = npy("<i2", true, "2, 3, 2", &bytes!(to_le_bytes, i16, fortran));
    assert_eq!(restored(&file, "--max-error 0"), wanted);
    let file = npy("<i2", false, "3,", &bytes!(to_le_bytes, i16, [7, 8, 9]));
    assert_eq!(restored(&file, "--max-error 0"), [[7.0], [8.0], [9.0]]);
}

#[test]
fn arrays_come_back_in_their_own_type() {
    for (descr, data, wanted) in [
        ("<i2", bytes!(to_le_bytes, i16, [1, -2, 300]), "'<i2'"),
        ("|u1", bytes!(to_le_bytes, u8, [1, 2, 200]), "'<i2'"),
        ("<i8", bytes!(to_le_bytes, i64, [1, 2, 1_000_000]), "'<i4'"),
        ("<f4", bytes!(to_le_bytes, f32, [1.5, 2.0, 3.0]), "'<f4'"),
        ("<f8", bytes!(to_le_bytes, f64, [1.1, 2.0, 3.0]), "'<f8'"),
    ] {
        let bench = Bench::new();
        bench.file("in.npy", npy(descr, false, "3,", &data));
        bench.ok("fit in.npy --max-error 0.01 -o model");
        bench.ok("compress model in.npy -o packed");
        bench.ok("decompress model packed -o out.npy");
        let bytes = std::fs::read(bench.path("out.npy")).unwrap();
        assert!(String::from_utf8_lossy(&bytes[..80]).contains(wanted), "{descr}");
    }
}

#[test]
fn nan_is_missing_and_infinity_refused() {
    let bench = Bench::new();
    let data = bytes!(to_le_bytes, f32, [1.0, f32::NAN, 3.0, 4.0]);
    bench.file("in.npy", npy("<f4", false, "2, 2", &data));
    let notes = bench.notes("fit in.npy --max-error 0.5 -o model");
    assert!(notes.contains("1 missing cell in 1 column (first: row 1, column 2 \"2\")"), "{notes}");
    let data = bytes!(to_le_bytes, f32, [1.0, 2.0, 3.0, f32::INFINITY]);
    bench.file("in.npy", npy("<f4", false, "2, 2", &data));
    let error = bench.fails("fit in.npy --max-error 0.5 -o model", 1);
    assert!(
        error.contains("in.npy: row 2, column 2 \"2\": \"inf\" is not a finite number"),
        "{error}"
    );
}

#[test]
fn what_cannot_be_read_is_said() {
    let bench = Bench::new();
    for (file, wanted) in [
        (npy("<c8", false, "1, 1", &[0; 8]), "neither integer nor float"),
        (npy("<i2", false, "3, 2", &[0; 8]), "the NPY file ends before its data does"),
        (npy("<i2", false, "0, 2", &[]), "the NPY array is empty"),
        (npy("<i8", false, "1, 1", &i64::MAX.to_le_bytes()), "beyond 2^53"),
    ] {
        bench.file("in.npy", file);
        let error = bench.fails("fit in.npy --max-error 1 -o model", 1);
        assert!(error.contains("in.npy") && error.contains(wanted), "{error}");
    }
}

fn parquet(last_tick: i64) -> Vec<u8> {
    let schema = "message recording {
        required int32 count;
        optional double level;
        required float gain;
        optional binary label (UTF8);
        required int64 ticks;
    }";
    let schema = Arc::new(parse_message_type(schema).unwrap());
    let mut bytes = Vec::new();
    let properties = Arc::new(WriterProperties::builder().build());
    let mut writer = SerializedFileWriter::new(&mut bytes, schema, properties).unwrap();
    let mut group = writer.next_row_group().unwrap();
    let mut index = 0;
    while let Some(mut column) = group.next_column().unwrap() {
        match index {
            0 => column.typed::<Int32Type>().write_batch(&[10, 20, 30], None, None),
            1 => column.typed::<DoubleType>().write_batch(&[0.5, 1.5], Some(&[1, 0, 1]), None),
            2 => column.typed::<FloatType>().write_batch(&[1.25, 2.5, 5.0], None, None),
            3 => {
                let words = ["x", "y", "z"].map(ByteArray::from);
                column.typed::<ByteArrayType>().write_batch(&words, Some(&[1, 1, 1]), None)
            }
            _ => column.typed::<Int64Type>().write_batch(&[-7, 0, last_tick], None, None),
        }
        .unwrap();
        column.close().unwrap();
        index += 1;
    }
    group.close().unwrap();
    writer.close().unwrap();
    bytes
}

#[test]
fn parquet_columns_of_numbers_are_read() {
    let bench = Bench::new();
    bench.file("in.parquet", parquet(1 << 40));
    let notes = bench.notes("fit in.parquet --max-error 0.001 -o model");
    assert!(notes.contains("columns left out: \"label\" (text)"), "{notes}");
    assert!(
        notes.contains("1 missing cell in 1 column (first: row 2, column 2 \"level\")"),
        "{notes}"
    );
    let rows = bench.round_trip("in.parquet", "--max-error 0.001");
    assert_eq!(rows[0], ["count", "level", "gain", "ticks"]);
    assert_eq!(rows[2][1], "");
    let rows = numbers(&rows);
    for (found, wanted) in rows[2].iter().zip([30.0, 1.5, 5.0, (1_u64 << 40) as f64]) {
        assert!((found - wanted).abs() <= 0.001, "{found} for {wanted}");
    }
    let rows = bench.round_trip("in.parquet", "--columns gain --max-error 0.001");
    assert_eq!(rows[0], ["gain"]);
}

#[test]
fn integers_that_no_float_holds_block_only_their_own_column() {
    let bench = Bench::new();
    let wide = bytes!(to_le_bytes, i64, [1_i64, 2, 3, 4, 1 << 53, 6]);
    bench.file("in.npy", npy("<i8", false, "2, 3", &wide));
    bench.file("in.parquet", parquet(i64::MAX));
    for (input, column, row) in [("in.npy", "2", 2), ("in.parquet", "ticks", 3)] {
        let notes = bench.notes(&format!("fit {input} --max-error 0.5 -o model"));
        assert!(notes.contains(&format!("\"{column}\" (integers beyond 2^53)")), "{notes}");
        bench.ok(&format!("evaluate model {input}"));
        let error = bench.fails(&format!("fit {input} --columns {column} --max-error 1 -o m"), 1);
        let wanted = format!("{input}: row {row}, column");
        assert!(error.contains(&wanted) && error.contains("beyond 2^53"), "{error}");
    }
    bench.ok("fit in.npy --columns 3,1 --max-error 0 -o model");
}
