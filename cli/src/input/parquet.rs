//! Parquet files: every top-level column of numbers.

use anyhow::{Context, Result, bail};
use bytes::Bytes;
use parquet::basic::Type as Physical;
use parquet::file::reader::{FileReader, SerializedFileReader};
use parquet::record::Field;

use super::{Cell, Column, Table, named_columns};

pub(super) fn table(bytes: Vec<u8>) -> Result<Table> {
    let reader = SerializedFileReader::new(Bytes::from(bytes)).context("damaged Parquet file")?;
    let fields =
        reader.metadata().file_metadata().schema_descr().root_schema().get_fields().to_vec();
    let names: Vec<String> = fields.iter().map(|field| field.name().to_string()).collect();
    let mut columns: Vec<Column> = named_columns(&names);
    for (column, field) in columns.iter_mut().zip(&fields) {
        column.float32 = field.is_primitive() && field.get_physical_type() == Physical::FLOAT;
    }
    let mut rows = 0;
    for row in reader.get_row_iter(None).context("damaged Parquet file")? {
        let row = row.with_context(|| format!("damaged Parquet file after row {rows}"))?;
        for (column, (_, field)) in columns.iter_mut().zip(row.get_column_iter()) {
            let (number, bits) = match field {
                Field::Null => {
                    column.push(&Cell::Missing, String::new);
                    continue;
                }
                Field::Bool(x) => (f64::from(u8::from(*x)), 8),
                Field::Byte(x) => (f64::from(*x), 8),
                Field::UByte(x) => (f64::from(*x), 8),
                Field::Short(x) => (f64::from(*x), 16),
                Field::UShort(x) => (f64::from(*x), 16),
                Field::Int(x) => (f64::from(*x), 32),
                Field::UInt(x) => (f64::from(*x), 32),
                Field::Long(_) | Field::ULong(_) => {
                    column.bits = Some(64);
                    column.push_integer(match field {
                        Field::Long(x) => *x as f64,
                        Field::ULong(x) => *x as f64,
                        _ => f64::NAN,
                    });
                    continue;
                }
                Field::Float16(x) => (f64::from(*x), 16),
                Field::Float(x) => (f64::from(*x), 32),
                Field::Double(x) => (*x, 64),
                other => {
                    column.push(&Cell::Text, || other.to_string());
                    continue;
                }
            };
            column.bits = Some(bits);
            column.push_float(number);
        }
        rows += 1;
    }
    if columns.is_empty() {
        bail!("the Parquet file has no columns");
    }
    Ok(Table { columns, rows, named: true, lines: Vec::new(), notes: Vec::new() })
}
