//! Numbers of either type in memory that a contender can be pointed at.

use core::ffi::c_void;

/// `f32` or `f64`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Scalar {
    /// Single precision.
    F32,
    /// Double precision.
    F64,
}

impl Scalar {
    /// As it is called in the tables.
    pub const fn name(self) -> &'static str {
        match self {
            Self::F32 => "f32",
            Self::F64 => "f64",
        }
    }
    /// The distance from 1 to the next number.
    pub const fn epsilon(self) -> f64 {
        match self {
            Self::F32 => f32::EPSILON as f64,
            Self::F64 => f64::EPSILON,
        }
    }
    const fn bytes(self) -> usize {
        match self {
            Self::F32 => 4,
            Self::F64 => 8,
        }
    }
}

/// A cache line, so that vectors of numbers are aligned for every instruction set.
#[repr(C, align(64))]
#[derive(Clone, Copy)]
struct Line([u8; 64]);

/// An array of numbers of one type.
pub struct Numbers {
    lines: Vec<Line>,
    scalar: Scalar,
    len: usize,
}

impl Numbers {
    /// Zeros.
    pub fn zeros(scalar: Scalar, len: usize) -> Self {
        let lines = vec![Line([0; 64]); (len * scalar.bytes()).div_ceil(64).max(1)];
        Self { lines, scalar, len }
    }

    /// Rounded values.
    pub fn from_values(scalar: Scalar, values: impl ExactSizeIterator<Item = f64>) -> Self {
        let mut numbers = Self::zeros(scalar, values.len());
        for (i, x) in values.enumerate() {
            // SAFETY: `i` is below the length, and a line is aligned for both types.
            unsafe {
                match scalar {
                    Scalar::F32 => numbers.lines.as_mut_ptr().cast::<f32>().add(i).write(x as f32),
                    Scalar::F64 => numbers.lines.as_mut_ptr().cast::<f64>().add(i).write(x),
                }
            }
        }
        numbers
    }

    /// How many there are.
    pub const fn len(&self) -> usize {
        self.len
    }

    /// All numbers, exactly.
    pub fn values(&self) -> Vec<f64> {
        let start = self.lines.as_ptr();
        // SAFETY: the lines hold `len` initialised numbers of this type, aligned.
        unsafe {
            match self.scalar {
                Scalar::F32 => core::slice::from_raw_parts(start.cast::<f32>(), self.len)
                    .iter()
                    .map(|&x| f64::from(x))
                    .collect(),
                Scalar::F64 => core::slice::from_raw_parts(start.cast::<f64>(), self.len).to_vec(),
            }
        }
    }

    /// Address of number `i`.
    pub fn at(&self, i: usize) -> *const c_void {
        assert!(i <= self.len);
        self.lines.as_ptr().cast::<u8>().wrapping_add(i * self.scalar.bytes()).cast()
    }

    /// Address of number `i`.
    pub fn at_mut(&mut self, i: usize) -> *mut c_void {
        assert!(i <= self.len);
        self.lines.as_mut_ptr().cast::<u8>().wrapping_add(i * self.scalar.bytes()).cast()
    }
}
