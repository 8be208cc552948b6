//! NPY arrays: the last dimension is the channels, all before it are time.

use anyhow::{Context, Result, bail};
use npyz::{DType, NpyFile, Order, TypeChar};

use super::{Column, Table};

/// Reads a one- to many-dimensional array of integers or floats, either byte order, C or Fortran.
pub(super) fn table(bytes: &[u8]) -> Result<Table> {
    let file = NpyFile::new(bytes).context("damaged NPY header")?;
    let (shape, order) = (file.shape().to_vec(), file.order());
    let DType::Plain(kind) = file.dtype() else {
        bail!("a structured NPY array; only plain integers and floats can be read");
    };
    let bits = kind.size_field() as u32 * 8;
    let float32 = kind.type_char() == TypeChar::Float && bits <= 32;
    let (type_char, size) = (kind.type_char(), kind.size_field());
    let cut = "the NPY file ends before its data does";
    macro_rules! read {
        ($t:ty, $to:expr) => {
            file.into_vec::<$t>().context(cut)?.into_iter().map($to).collect::<Vec<f64>>()
        };
    }
    let flat: Vec<f64> = match (type_char, size) {
        (TypeChar::Bool, 1) => read!(bool, |x| f64::from(u8::from(x))),
        (TypeChar::Int, 1) => read!(i8, f64::from),
        (TypeChar::Int, 2) => read!(i16, f64::from),
        (TypeChar::Int, 4) => read!(i32, f64::from),
        (TypeChar::Int, 8) => read!(i64, |x| x as f64),
        (TypeChar::Uint, 1) => read!(u8, f64::from),
        (TypeChar::Uint, 2) => read!(u16, f64::from),
        (TypeChar::Uint, 4) => read!(u32, f64::from),
        (TypeChar::Uint, 8) => read!(u64, |x| x as f64),
        (TypeChar::Float, 2) => read!(npyz::half::f16, f64::from),
        (TypeChar::Float, 4) => read!(f32, f64::from),
        (TypeChar::Float, 8) => read!(f64, |x| x),
        _ => bail!("NPY type {kind} is neither integer nor float"),
    };
    let wide = size == 8 && type_char != TypeChar::Float;
    let channels = match shape[..] {
        [] | [_] => 1,
        [.., last] => last as usize,
    };
    if channels == 0 || flat.is_empty() {
        bail!("the NPY array is empty (shape {shape:?})");
    }
    let rows = flat.len() / channels;
    let mut columns: Vec<_> = (1..=channels)
        .map(|n| Column { bits: Some(bits), float32, ..Column::new(n.to_string()) })
        .collect();
    // In Fortran order the first index runs fastest; rows are counted in C order either way.
    let leading: Vec<usize> = shape.iter().rev().skip(1).rev().map(|&n| n as usize).collect();
    for row in 0..rows {
        let at = match order {
            Order::C => row * channels,
            Order::Fortran => fortran_offset(row, &leading),
        };
        let stride = if order == Order::C { 1 } else { rows };
        for (channel, column) in columns.iter_mut().enumerate() {
            let x = flat[at + channel * stride];
            if wide { column.push_integer(x) } else { column.push_float(x) }
        }
    }
    Ok(Table { columns, rows, named: false, lines: Vec::new(), notes: Vec::new() })
}

/// Offset of the row that is `row`-th in C order over the leading dimensions.
fn fortran_offset(mut row: usize, leading: &[usize]) -> usize {
    let mut stride: usize = leading.iter().product();
    let mut offset = 0;
    for &n in leading.iter().rev() {
        stride /= n;
        offset += row % n * stride;
        row /= n;
    }
    offset
}

#[cfg(test)]
mod tests {
    use super::fortran_offset;

    #[test]
    fn rows_of_a_fortran_array_are_found_in_c_order() {
        // Leading shape 2×3: C order (0,0) (0,1) (0,2) (1,0)…, stored at i + 2·j.
        let offsets: Vec<_> = (0..6).map(|row| fortran_offset(row, &[2, 3])).collect();
        assert_eq!(offsets, [0, 2, 4, 1, 3, 5]);
    }
}
