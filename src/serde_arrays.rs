//! Serde for arrays whose length is a const parameter, which serde itself stops at 32.
//!
//! An array becomes a tuple of its length, `[[T; M]; N]` a tuple of tuples. In a struct write
//! `#[cfg_attr(feature = "serde", serde(with = "crate::serde_arrays"))]` over a `[T; N]`, with
//! `crate::serde_arrays::nested` over a `[[T; M]; N]`, and give the struct the bounds
//! `serde(bound(serialize = "T: serde::Serialize", deserialize = "T: serde::Deserialize<'de>"))`.

use core::fmt;
use core::marker::PhantomData;

use heapless::Vec;
use serde::de::{Deserialize, Deserializer, Error, SeqAccess, Visitor};
use serde::ser::{Serialize, SerializeTuple, Serializer};

/// Writes the array as a tuple.
pub(crate) fn serialize<T, S, const N: usize>(array: &[T; N], to: S) -> Result<S::Ok, S::Error>
where
    T: Serialize,
    S: Serializer,
{
    let mut tuple = to.serialize_tuple(N)?;
    for value in array {
        tuple.serialize_element(value)?;
    }
    tuple.end()
}

/// Reads a tuple of exactly `N` values.
pub(crate) fn deserialize<'de, T, D, const N: usize>(from: D) -> Result<[T; N], D::Error>
where
    T: Deserialize<'de>,
    D: Deserializer<'de>,
{
    from.deserialize_tuple(N, ArrayVisitor(PhantomData))
}

struct ArrayVisitor<T, const N: usize>(PhantomData<T>);

impl<'de, T: Deserialize<'de>, const N: usize> Visitor<'de> for ArrayVisitor<T, N> {
    type Value = [T; N];

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{N} values")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<[T; N], A::Error> {
        let mut values = Vec::<T, N>::new();
        while let Some(value) = seq.next_element()? {
            values.push(value).map_err(|_| A::Error::invalid_length(N + 1, &self))?;
        }
        let found = values.len();
        values.into_array().map_err(|_| A::Error::invalid_length(found, &self))
    }
}

/// The same for arrays of arrays.
pub(crate) mod nested {
    use super::{Deserialize, Deserializer, Serialize, Serializer};

    /// One inner array, so that it can be an element of the outer one.
    struct Inner<A>(A);

    impl<T: Serialize, const M: usize> Serialize for Inner<&[T; M]> {
        fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
            super::serialize(self.0, to)
        }
    }

    impl<'de, T: Deserialize<'de>, const M: usize> Deserialize<'de> for Inner<[T; M]> {
        fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
            super::deserialize(from).map(Self)
        }
    }

    /// Writes the array as a tuple of tuples.
    pub(crate) fn serialize<T, S, const M: usize, const N: usize>(
        array: &[[T; M]; N],
        to: S,
    ) -> Result<S::Ok, S::Error>
    where
        T: Serialize,
        S: Serializer,
    {
        super::serialize(&array.each_ref().map(Inner), to)
    }

    /// Reads a tuple of `N` tuples of `M` values.
    pub(crate) fn deserialize<'de, T, D, const M: usize, const N: usize>(
        from: D,
    ) -> Result<[[T; M]; N], D::Error>
    where
        T: Deserialize<'de>,
        D: Deserializer<'de>,
    {
        super::deserialize::<Inner<[T; M]>, D, N>(from).map(|rows| rows.map(|Inner(row)| row))
    }
}
