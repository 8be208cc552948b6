//! What all register types have in common.

/// A register type: its operations by the names of the instructions.
macro_rules! registers {
    ($(#[$doc:meta])* $name:ident($inner:ty), $proof:ty, $t:ty, $n:literal, $set1:ident, $load:ident, $store:ident,
     $add:ident, $sub:ident, $mul:ident, $div:ident, $fmadd:ident, $sqrt:ident, $max:ident,
     $and:ident, $andnot:ident, $or:ident,
     $to_bits:ident, $shift:expr, $from_bits:ident, $biased:literal) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug)]
        pub struct $name(pub(crate) $inner);

        // SAFETY of every block below: a value of this type, or the proof among the arguments,
        // exists only where the processor has what the proof says; memory is touched through references
        // to whole arrays alone, by instructions that take any alignment.
        #[allow(clippy::undocumented_unsafe_blocks, reason = "said once, above")]
        impl $name {
            /// The same value in every place.
            #[inline(always)]
            pub fn splat(_: $proof, x: $t) -> Self {
                Self(unsafe { x86::$set1(x) })
            }
            /// The values of an array.
            #[inline(always)]
            pub fn load(_: $proof, x: &[$t; $n]) -> Self {
                Self(unsafe { x86::$load(x.as_ptr()) })
            }
            /// The values as an array.
            #[inline(always)]
            pub fn to_array(self) -> [$t; $n] {
                let mut out = [0.0; $n];
                unsafe { x86::$store(out.as_mut_ptr(), self.0) };
                out
            }
            /// `self·b + c`, rounded once.
            #[inline(always)]
            pub fn mul_add(self, b: Self, c: Self) -> Self {
                Self(unsafe { x86::$fmadd(self.0, b.0, c.0) })
            }
            /// √, correctly rounded.
            #[inline(always)]
            pub fn sqrt(self) -> Self {
                Self(unsafe { x86::$sqrt(self.0) })
            }
            /// The absolute value in every place.
            #[inline(always)]
            pub fn abs(self) -> Self {
                Self(unsafe { x86::$andnot(x86::$set1(-0.0), self.0) })
            }
            /// The size of `self` with the sign of `sign`.
            #[inline(always)]
            pub fn copysign(self, sign: Self) -> Self {
                Self(unsafe { x86::$or(self.abs().0, x86::$and(x86::$set1(-0.0), sign.0)) })
            }
            /// The larger of two numbers; `other` if one is NaN.
            #[inline(always)]
            pub fn fast_max(self, other: Self) -> Self {
                Self(unsafe { x86::$max(self.0, other.0) })
            }
            /// `2^self` for whole numbers in the range of exponents of normal numbers.
            #[inline(always)]
            pub fn exp2_whole(self) -> Self {
                // 1.5·2^(digits − 1) and the bias of exponents: beside it the last digits of a sum are
                // those of a whole number, the exponent, ready to be moved to its place.
                const BIASED: $t = $biased;
                let shift = $shift;
                Self(unsafe {
                    let biased = x86::$to_bits(x86::$add(self.0, x86::$set1(BIASED)));
                    x86::$from_bits(shift(biased))
                })
            }
        }

        registers!(@op $name, Add, add, $add);
        registers!(@op $name, Sub, sub, $sub);
        registers!(@op $name, Mul, mul, $mul);
        registers!(@op $name, Div, div, $div);
    };
    (@op $name:ident, $trait:ident, $method:ident, $intrinsic:ident) => {
        impl $trait for $name {
            type Output = Self;
            #[inline(always)]
            fn $method(self, other: Self) -> Self {
                // SAFETY: a value of this type exists only where the processor has the instruction.
                Self(unsafe { x86::$intrinsic(self.0, other.0) })
            }
        }
    };
}
