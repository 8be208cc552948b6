//! Genotypes of individuals, two bits each, as a standardised matrix: ancestry as a latent space.
//!
//! The count of an allele at a place of the genome (0, 1 or 2) is standardised by its frequency `p`,
//! `z = (g − 2p)/√(2p(1 − p))`, and what was not measured counts as the mean, 0. The leading left
//! vectors of the matrix (individuals × markers) mirror where ancestors lived. It is never written
//! out: products read the packed bytes, so a matrix of a gigabyte takes thirty megabytes.
//!
//! | offset | size | meaning of a PLINK 1 `.bed` file |
//! |---|---|---|
//! | 0 | 2 | magic `6c 1b` |
//! | 2 | 1 | `01`: marker by marker |
//! | 3 | ⌈n/4⌉ each | a marker: four individuals per byte, the first in the lowest bits |
//!
//! Two bits are `00` two copies of the first allele, `01` not measured, `10` one copy, `11` none.
//!
//! Source: Patterson, Price & Reich, "Population structure and eigenanalysis", `PLoS` Genetics 2 (2006).

use core::fmt;

use crate::linalg::operator::LinearOperator;
use crate::linalg::rows::{Strip, strips};
use crate::linalg::{at, copy};
use crate::scalar::Scalar;
use crate::simd::{Kernel, Lanes, Simd};

/// Why bytes are no genotypes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub enum GenotypeError {
    /// The file does not begin with `6c 1b`.
    NotBed,
    /// The file is kept individual by individual, as PLINK has not written since 2009.
    IndividualMajor,
    /// The bytes are not `⌈individuals/4⌉` for each marker, or there are none.
    WrongLength,
    /// A factor or a mean is infinite or NaN.
    NotFinite,
}

impl fmt::Display for GenotypeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NotBed => "the bytes are not a PLINK .bed file",
            Self::IndividualMajor => "the .bed file is kept individual by individual",
            Self::WrongLength => "the number of bytes does not fit individuals and markers",
            Self::NotFinite => "a factor or a mean is infinite or NaN",
        })
    }
}
impl core::error::Error for GenotypeError {}

/// The markers of a `.bed` file, without its header.
///
/// # Errors
/// [`GenotypeError::NotBed`], [`GenotypeError::IndividualMajor`].
pub fn bed_markers(file: &[u8]) -> Result<&[u8], GenotypeError> {
    match file {
        [0x6c, 0x1b, 1, markers @ ..] => Ok(markers),
        [0x6c, 0x1b, 0, ..] => Err(GenotypeError::IndividualMajor),
        _ => Err(GenotypeError::NotBed),
    }
}

/// How counts `g` of a marker's first allele are standardised: `z = gain·g − shift`.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Marker<T> {
    /// `1/√(2p(1 − p))`; 0 for a marker that is the same in all.
    pub gain: T,
    /// `2p·gain`.
    pub shift: T,
}

impl<T: Scalar> Marker<T> {
    /// From the genotypes of one marker, `⌈individuals/4⌉` bytes.
    fn of(packed: &[u8], individuals: usize) -> Self {
        let [two, _, one, none] = counts(packed, individuals);
        let copies = T::from_u32(2 * two + one);
        let alleles = T::from_u32(2 * (two + one + none));
        let others = alleles - copies;
        if !(copies > T::ZERO && others > T::ZERO) {
            return Self::default();
        }
        let frequency = copies / alleles;
        let gain = T::ONE / (T::TWO * frequency * (others / alleles)).sqrt();
        Self { gain, shift: T::TWO * frequency * gain }
    }

    /// For data in which the other allele is counted: `g` is then `2 − g`.
    pub fn swapped(self) -> Self {
        Self { gain: -self.gain, shift: self.shift - T::TWO * self.gain }
    }

    /// `z` of the four values of two bits.
    fn levels(self) -> [T; 4] {
        let Self { gain, shift } = self;
        [T::TWO * gain - shift, T::ZERO, gain - shift, -shift]
    }
}

/// How often each value of two bits occurs.
fn counts(packed: &[u8], individuals: usize) -> [u32; 4] {
    let mut counts = [0_u32; 4];
    let mut left = u32::try_from(individuals).unwrap_or(u32::MAX);
    let [two, missing, one, none] = &mut counts;
    for &byte in packed {
        let here = left.min(4);
        left -= here;
        // What is behind the last individual does not count.
        let (low, high) = (byte & 0x55, (byte >> 1) & 0x55);
        let used = 0x55 & !0x55_u8.checked_shl(2 * here).unwrap_or(0);
        let number = |bits: u8| (bits & used).count_ones();
        *two += number(!low & !high);
        *missing += number(low & !high);
        *one += number(high & !low);
        *none += number(low & high);
    }
    counts
}

/// The standardised matrix, a row per individual and a column per marker.
///
/// # Cost
/// A product with a block of `b` vectors takes about `2·b + 1` operations per genotype; 10 KB of stack
/// for `f64`.
///
/// # Examples
/// ```
/// use eigenmote::embed::genotypes::{Genotypes, Marker, bed_markers};
/// use eigenmote::linalg::LinearOperator;
/// // Three individuals, two markers: counts 2, 1, 0 and 0, not measured, 2.
/// let file = [0x6c, 0x1b, 1, 0b11_10_00, 0b00_01_11];
/// let packed = bed_markers(&file)?;
/// let mut markers = [Marker::<f64>::default(); 2];
/// Genotypes::standardize(packed, 3, &mut markers)?;
/// let matrix = Genotypes::new(packed, 3, &markers)?;
/// let mut z = [0.0; 3];
/// matrix.apply(&[1.0, 0.0], &mut z); // p = 1/2: (g - 1)/√½
/// assert!((z[0] - 2.0_f64.sqrt()).abs() < 1e-15 && z[1] == 0.0 && z[2] == -z[0]);
/// matrix.apply(&[0.0, 1.0], &mut z);
/// assert!((z[2] - 2.0_f64.sqrt()).abs() < 1e-15 && z[1] == 0.0);
/// # Ok::<(), eigenmote::embed::genotypes::GenotypeError>(())
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Genotypes<'a, T> {
    packed: &'a [u8],
    individuals: usize,
    markers: &'a [Marker<T>],
}

impl<'a, T: Scalar> Genotypes<'a, T> {
    /// Learns the frequencies of markers from `⌈individuals/4⌉` packed bytes each.
    ///
    /// # Errors
    /// [`GenotypeError::WrongLength`]
    pub fn standardize(
        packed: &[u8],
        individuals: usize,
        markers: &mut [Marker<T>],
    ) -> Result<(), GenotypeError> {
        let stride = checked(packed, individuals, markers.len())?;
        let mut rest = packed;
        for marker in markers {
            let (own, after) = rest.split_at_checked(stride).unwrap_or((rest, &[]));
            *marker = Marker::of(own, individuals);
            rest = after;
        }
        Ok(())
    }

    /// Genotypes with the scale of these markers: their own, or that of other individuals onto whose
    /// components they are to be projected.
    ///
    /// # Errors
    /// [`GenotypeError::WrongLength`], [`GenotypeError::NotFinite`].
    pub fn new(
        packed: &'a [u8],
        individuals: usize,
        markers: &'a [Marker<T>],
    ) -> Result<Self, GenotypeError> {
        checked(packed, individuals, markers.len())?;
        if markers.iter().any(|m| !(m.gain.is_finite() && m.shift.is_finite())) {
            return Err(GenotypeError::NotFinite);
        }
        Ok(Self { packed, individuals, markers })
    }

    fn stride(&self) -> usize {
        self.individuals.div_ceil(4)
    }
}

/// Bytes of a marker.
fn checked(packed: &[u8], individuals: usize, markers: usize) -> Result<usize, GenotypeError> {
    let stride = individuals.div_ceil(4);
    let fits = stride.checked_mul(markers) == Some(packed.len()) && !packed.is_empty();
    // Counts of alleles are 32-bit numbers.
    let countable = individuals <= (u32::MAX / 2) as usize;
    if fits && countable { Ok(stride) } else { Err(GenotypeError::WrongLength) }
}

impl<T: Scalar> LinearOperator<T> for Genotypes<'_, T> {
    fn rows(&self) -> usize {
        self.individuals
    }
    fn cols(&self) -> usize {
        self.markers.len()
    }
    fn apply(&self, x: &[T], y: &mut [T]) {
        self.apply_block(x, y);
    }
    fn apply_transposed(&self, x: &[T], y: &mut [T]) {
        self.apply_transposed_block(x, y);
    }
    fn apply_block(&self, x: &[T], y: &mut [T]) {
        y.fill(T::ZERO);
        T::dispatch(Product { genotypes: self, x, y });
    }
    fn apply_transposed_block(&self, x: &[T], y: &mut [T]) {
        y.fill(T::ZERO);
        T::dispatch(Transposed { genotypes: self, x, y });
    }
    fn frobenius_squared(&self, k: i32) -> Option<T> {
        let (mut sum, mut carry) = (T::ZERO, T::ZERO);
        let mut rest = self.packed;
        for marker in self.markers {
            let (own, after) = rest.split_at_checked(self.stride()).unwrap_or((rest, &[]));
            rest = after;
            let squares = counts(own, self.individuals).into_iter().zip(marker.levels());
            let term = squares.fold(carry, |sum, (count, level)| {
                let level = level.scale_exp2(k);
                sum + T::from_u32(count) * level * level
            });
            let next = sum + term;
            carry = term - (next - sum);
            sum = next;
        }
        Some(sum)
    }
}

/// Individuals whose genotypes are unpacked at a time; the vectors' parts for them stay in the nearest
/// cache.
const TILE: usize = 256;
/// Markers that are unpacked together.
const TOGETHER: usize = 4;

/// Unpacks the genotypes of the markers from `first` on; where there are none, tiles stay as they are.
#[inline(always)]
fn unpack_all<T: Scalar>(
    genotypes: &Genotypes<'_, T>,
    pairs: &[Pair<T>; 16],
    first: usize,
    from: usize,
    tiles: &mut [[T; TILE]; TOGETHER],
) {
    for (tile, marker) in tiles.iter_mut().zip(first..genotypes.cols()) {
        unpack(genotypes, pairs, marker, from, tile);
    }
}

/// Unpacks the genotypes of a marker for the individuals from `from` on.
#[inline(always)]
fn unpack<T: Scalar>(
    genotypes: &Genotypes<'_, T>,
    pairs: &[Pair<T>; 16],
    marker: usize,
    from: usize,
    tile: &mut [T; TILE],
) {
    let stride = genotypes.stride();
    let Marker { gain, shift } = genotypes.markers.get(marker).copied().unwrap_or_default();
    let start = marker * stride + from / 4;
    let bytes = genotypes.packed.get(start..(marker + 1) * stride).unwrap_or(&[]);
    let standard = pairs.map(|Pair { copies: [a, b], called: [c, d] }| {
        [a * gain - c * shift, b * gain - d * shift]
    });
    let (places, _) = tile.as_chunks_mut::<4>();
    for (place, &byte) in places.iter_mut().zip(bytes) {
        let two = |bits: u8| standard.get(usize::from(bits & 15)).copied().unwrap_or_default();
        let ([a, b], [c, d]) = (two(byte), two(byte >> 4));
        *place = [a, b, c, d];
    }
}

/// Two individuals: copies of the first allele, and 1 where they were measured.
#[derive(Clone, Copy)]
struct Pair<T> {
    copies: [T; 2],
    called: [T; 2],
}

/// Those of all values of four bits.
#[inline(always)]
fn pairs<T: Scalar>() -> [Pair<T>; 16] {
    core::array::from_fn(|bits| {
        let of = |table: [T; 4]| {
            let at = |bits: usize| table.get(bits & 3).copied().unwrap_or(T::ZERO);
            [at(bits), at(bits >> 2)]
        };
        Pair {
            copies: of([T::TWO, T::ZERO, T::ONE, T::ZERO]),
            called: of([T::ONE, T::ZERO, T::ONE, T::ONE]),
        }
    })
}

/// `Y ← Y + Z·X` for one or more vectors.
struct Product<'a, T> {
    genotypes: &'a Genotypes<'a, T>,
    x: &'a [T],
    y: &'a mut [T],
}

impl<T: Scalar> Kernel<T> for Product<'_, T> {
    type Output = ();
    #[inline(always)]
    fn run<S: Simd<T>>(self, simd: S) {
        let Self { genotypes, x, y } = self;
        let (rows, cols) = (genotypes.rows(), genotypes.cols());
        let pairs = pairs();
        let mut tiles = [[T::ZERO; TILE]; TOGETHER];
        for from in (0..rows).step_by(TILE) {
            let count = TILE.min(rows - from);
            for first in (0..cols).step_by(TOGETHER) {
                unpack_all(genotypes, &pairs, first, from, &mut tiles);
                let factors = |x: &[T]| {
                    // Those of markers that are not there are zero, even if the next vector is there.
                    let x = x.get(..cols).unwrap_or(&[]);
                    core::array::from_fn(|k| at(x, first + k))
                };
                let vectors = y.len().checked_div(rows).unwrap_or(0);
                let mut v = 0;
                while v < vectors {
                    let xs = [0, 1].map(|k| factors(x.get((v + k) * cols..).unwrap_or(&[])));
                    let place = y.get_mut(v * rows..).unwrap_or(&mut []);
                    // Two vectors at a time share the loads of the tiles.
                    if vectors - v >= 2
                        && let Some((one, two)) = place.split_at_mut_checked(rows)
                    {
                        let y = [one, two].map(|y| y.get_mut(from..).unwrap_or(&mut []));
                        strips(simd, (0, count), &mut AddTiles { tiles: &tiles, x: xs, y });
                    } else {
                        let y = [place.get_mut(from..).unwrap_or(&mut [])];
                        let [x, _] = xs;
                        strips(simd, (0, count), &mut AddTiles { tiles: &tiles, x: [x], y });
                    }
                    v += 2;
                }
            }
        }
    }
}

/// `y ← y + Σ xₖ·tileₖ` for `V` vectors, which share the loads of the tiles.
struct AddTiles<'a, T, const V: usize> {
    tiles: &'a [[T; TILE]; TOGETHER],
    x: [[T; TOGETHER]; V],
    y: [&'a mut [T]; V],
}

impl<T: Scalar, const V: usize> Strip<T> for AddTiles<'_, T, V> {
    #[inline(always)]
    fn run<S: Simd<T>>(&mut self, simd: S, i: usize) {
        let [a, b, c, d] = self.tiles.each_ref().map(|tile| simd.load_at(tile, i));
        for (y, x) in self.y.iter_mut().zip(&self.x) {
            let [p, q, r, s] = x.map(|x| simd.splat(x));
            let sum = b.mul_add(q, a * p) + d.mul_add(s, c * r);
            (simd.load_at(y, i) + sum).store_at(y, i);
        }
    }
}

/// `Y ← Y + Zᵀ·X` for one or more vectors.
struct Transposed<'a, T> {
    genotypes: &'a Genotypes<'a, T>,
    x: &'a [T],
    y: &'a mut [T],
}

impl<T: Scalar> Kernel<T> for Transposed<'_, T> {
    type Output = ();
    #[inline(always)]
    fn run<S: Simd<T>>(self, simd: S) {
        let Self { genotypes, x, y } = self;
        let (rows, cols) = (genotypes.rows(), genotypes.cols());
        let pairs = pairs();
        let mut tiles = [[T::ZERO; TILE]; TOGETHER];
        for from in (0..rows).step_by(TILE) {
            for first in (0..cols).step_by(TOGETHER) {
                unpack_all(genotypes, &pairs, first, from, &mut tiles);
                let (mut xs, mut ys) = (x, &mut *y);
                while let (Some((x, after)), Some((y, rest))) =
                    (xs.split_at_checked(rows), ys.split_at_mut_checked(cols))
                {
                    let x = x.get(from..).unwrap_or(&[]);
                    let mut last = [T::ZERO; TILE];
                    let part = x.first_chunk().unwrap_or_else(|| {
                        copy(x, &mut last);
                        &last
                    });
                    let mut sums = [T::ZERO; TOGETHER];
                    simd.products(&tiles, part, &mut sums);
                    for (y, sum) in y.iter_mut().skip(first).zip(sums) {
                        *y += sum;
                    }
                    (xs, ys) = (after, rest);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers_and_lengths_are_checked() {
        assert_eq!(bed_markers(&[0x6c, 0x1b, 1, 7]), Ok(&[7_u8][..]));
        assert_eq!(bed_markers(&[0x6c, 0x1b, 0, 7]), Err(GenotypeError::IndividualMajor));
        for wrong in [&[][..], &[0x6c], &[0x6c, 0x1b], &[0x6c, 0x1b, 2, 7], &[1, 2, 3]] {
            assert_eq!(bed_markers(wrong), Err(GenotypeError::NotBed));
        }
        let markers = [Marker::<f32>::default(); 2];
        for (bytes, individuals) in [(0, 0), (2, 0), (2, 5), (3, 4), (2, usize::MAX)] {
            let made = Genotypes::new(&[0; 4][..bytes], individuals, &markers);
            assert_eq!(made.err(), Some(GenotypeError::WrongLength));
        }
        let wild = [Marker { gain: f32::NAN, shift: 0.0 }; 2];
        assert_eq!(Genotypes::new(&[0; 2], 3, &wild).err(), Some(GenotypeError::NotFinite));
    }

    #[test]
    fn bits_behind_the_last_individual_do_not_count() {
        // Five individuals: 2, -, 1, 0 copies, then 1; three places of the second byte are free.
        for free in [0b00_00_00, 0b11_11_11, 0b10_01_00_u8] {
            let packed = [0b11_10_01_00, (free << 2) | 0b10];
            assert_eq!(counts(&packed, 5), [1, 1, 2, 1]);
            // Four copies among eight alleles.
            let marker = Marker::<f64>::of(&packed, 5);
            assert!((marker.gain - 2.0_f64.sqrt()).abs() < 1e-15);
            let markers = [marker];
            let matrix = Genotypes::new(&packed, 5, &markers).expect("the lengths fit");
            let mut z = [7.0; 5];
            matrix.apply(&[1.0], &mut z);
            let (two, none) = (2.0_f64.sqrt(), -(2.0_f64.sqrt()));
            for (z, right) in z.iter().zip([two, 0.0, 0.0, none, 0.0]) {
                assert!((z - right).abs() < 1e-15);
            }
            let mut sum = [0.0];
            matrix.apply_transposed(&[1.0, 5.0, 0.0, 0.0, 0.0], &mut sum);
            assert!((sum[0] - two).abs() < 1e-15);
            let norm = matrix.frobenius_squared(1).expect("it is known");
            assert!((norm - 16.0).abs() < 1e-13);
        }
    }

    #[test]
    fn markers_of_one_kind_are_zero() {
        assert_eq!(Marker::<f32>::of(&[0b1111_1111], 4), Marker::default());
        assert_eq!(Marker::<f32>::of(&[0b0101_0101], 4), Marker::default());
        assert_eq!(Marker::<f32>::of(&[0], 3), Marker::default());
    }
}
