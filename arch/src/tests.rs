//! Registers against scalars.
#![allow(clippy::float_cmp, clippy::cast_precision_loss, reason = "whole numbers below 2^24")]

use super::*;

/// Every operation against the scalar one, bit for bit.
macro_rules! agree {
    ($name:ident, $proof:ty, $t:ty, $n:literal, $sums:expr) => {{
        struct Work;
        impl Kernel<$proof> for Work {
            type Output = ();
            fn run(self, proof: $proof) {
                let values: [$t; 8] = [0.0, -0.0, 1.5, -2.25, 3e30, -1e-30, 7.0, -0.3];
                for shift in 0..8 {
                    let x: [$t; $n] = core::array::from_fn(|i| values[i % 8]);
                    let y: [$t; $n] = core::array::from_fn(|i| values[(i + shift) % 8]);
                    let (a, b) = ($name::load(proof, &x), $name::load(proof, &y));
                    let check = |got: $name, want: fn($t, $t) -> $t| {
                        for ((&got, &x), &y) in got.to_array().iter().zip(&x).zip(&y) {
                            let want = want(x, y);
                            assert!(
                                got.to_bits() == want.to_bits() || got.is_nan() && want.is_nan()
                            );
                        }
                    };
                    check(a + b, |x, y| x + y);
                    check(a - b, |x, y| x - y);
                    check(a * b, |x, y| x * y);
                    check(a / b, |x, y| x / y);
                    check(a.abs().sqrt(), |x, _| x.abs().sqrt());
                    check(a.abs(), |x, _| x.abs());
                    check(a.copysign(b), |x, y| x.copysign(y));
                    check(a.mul_add(b, $name::splat(proof, 0.1)), |x, y| x.mul_add(y, 0.1));
                    check(a.simd_gt(b).bitselect(a, b), |x, y| if x > y { x } else { y });
                    check(a.fast_max(b), |x, y| if x > y { x } else { y });
                    assert_eq!(a.simd_gt(b).any(), x.iter().zip(&y).any(|(x, y)| x > y));
                    let k = [-100.0, -63.0, -1.0, 0.0, 1.0, 2.0, 77.0, 127.0];
                    let k: [$t; $n] = core::array::from_fn(|i| k[(i + shift) % 8]);
                    let powers = $name::load(proof, &k).exp2_whole().to_array();
                    assert_eq!(powers, k.map(|k| k.exp2()));
                    // Small whole numbers: no order of additions rounds them.
                    let rows: [[$t; $n]; $n] = core::array::from_fn(|r| {
                        core::array::from_fn(|i| ((r * 7 + i * 3 + shift) % 11) as $t)
                    });
                    let sums: fn([$name; $n]) -> [$t; $n] = $sums;
                    let sums = sums(rows.map(|row| $name::load(proof, &row)));
                    assert_eq!(sums, rows.map(|row| row.iter().sum::<$t>()));
                }
            }
        }
        match <$proof>::detect() {
            Some(proof) => proof.run(Work),
            None => std::eprintln!("skipped: the processor has no {}", stringify!($proof)),
        }
    }};
}

extern crate std;

#[test]
fn registers_agree_with_scalars() {
    agree!(F32x8, Avx2, f32, 8, |x| F32x8::sums(x).to_array());
    agree!(F32x4, Avx2, f32, 4, |x| F32x4::sums(x).to_array());
    agree!(F64x4, Avx2, f64, 4, |x| F64x4::sums(x).to_array());
    agree!(F64x2, Avx2, f64, 2, |x| F64x2::sums(x).to_array());
    agree!(F32x16, Avx512, f32, 16, |x| x.map(|x| F32x8::sums([x.halved(); 8]).to_array()[0]));
    agree!(F64x8, Avx512, f64, 8, |x| x.map(|x| F64x4::sums([x.halved(); 4]).to_array()[0]));
}
