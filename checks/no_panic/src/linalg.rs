//! Decompositions.

use eigenmote::linalg::closed::*;
use eigenmote::linalg::*;
use eigenmote::linalg::{jacobi, svd as svd_module};
use eigenmote::{Mat, MatMut};

crate::export_both! {
    rotation(alpha: &T, beta: &T, gamma: &T) -> jacobi::Rotation<T> = jacobi::rotation(eigenmote::simd::Single, *alpha, *beta, *gamma);
    rotation_scaled(alpha: &T, beta: &T, gamma: &T, shift: &i32) -> jacobi::Rotation<T> =
        jacobi::rotation_scaled(*alpha, *beta, *gamma, *shift);

    svd_1x1(a: &Mat<T, 1, 1>) -> Result<Svd<T, 1, 1>, SvdError> = svd(a);
    svd_8x8(a: &Mat<T, 8, 8>) -> Result<Svd<T, 8, 8>, SvdError> = svd(a);
    svd_12x5(a: &Mat<T, 12, 5>) -> Result<Svd<T, 12, 5>, SvdError> = svd(a);
    svd_with_5x5(a: &Mat<T, 5, 5>, options: &svd_module::Options) -> Result<Svd<T, 5, 5>, SvdError> =
        svd_with(a, options);
    svd_in_place_7x3(a: &mut Mat<T, 7, 3>, s: &mut [T; 3], v: &mut Mat<T, 3, 3>, options: &svd_module::Options)
        -> Result<svd_module::Info, SvdError> = svd_in_place(a, s, v, options);
    singular_values_6x4(a: &Mat<T, 6, 4>) -> Result<[T; 4], SvdError> = singular_values(a);
    svd_state_new(a: &Mat<T, 9, 6>) -> SvdState<T, 9, 6> = SvdState::new(a);
    svd_state_with(a: &Mat<T, 9, 6>, options: &svd_module::Options) -> SvdState<T, 9, 6> =
        SvdState::with_options(a, *options);
    svd_state_step(state: &mut SvdState<T, 9, 6>, budget: &usize) -> bool = state.step(*budget);
    svd_state_finish(state: &SvdState<T, 9, 6>) -> Result<Svd<T, 9, 6>, SvdError> = state.finish();

    eigh_6x6(a: &Mat<T, 6, 6>) -> Result<Eigh<T, 6>, EighError> = eigh(a);
    eigh_in_place_5x5(a: &mut Mat<T, 5, 5>, values: &mut [T; 5]) -> Result<(), EighError> = eigh_in_place(a, values);
    eigenvalues_5x5(a: &Mat<T, 5, 5>) -> Result<[T; 5], EighError> = eigenvalues(a);
    eigh_view_(a: &mut MatMut<'static, T>, values: &mut [T], work: &mut [T]) -> Result<(), EighError> =
        eigh_view(a, values, work);

    closed_eigh_2x2(a: &Mat<T, 2, 2>) -> Result<Eigh<T, 2>, EighError> = eigh_2x2(a);
    closed_eigh_3x3(a: &Mat<T, 3, 3>) -> Result<Eigh<T, 3>, EighError> = eigh_3x3(a);
    batch_svd(a: &[[[T; 4]; 3]; 5], all: &mut [PackedSvd<T, 4, 3>; 5]) -> Result<(), BatchError<SvdError>> = svd_batch(a, all);
    batch_eigh(a: &[[[T; 3]; 3]; 5], all: &mut [PackedEigh<T, 3>; 5]) -> Result<(), BatchError<EighError>> = eigh_batch(a, all);
    closed_svd_2x2(a: &Mat<T, 2, 2>) -> Result<Svd<T, 2, 2>, SvdError> = svd_2x2(a);
    closed_svd_3x3(a: &Mat<T, 3, 3>) -> Result<Svd<T, 3, 3>, SvdError> = svd_3x3(a);

    qr_8x5(a: &Mat<T, 8, 5>) -> Result<Qr<T, 8, 5>, QrError> = qr(a);
    qr_3x5(a: &Mat<T, 3, 5>) -> Result<Qr<T, 3, 5>, QrError> = qr(a);
    qr_r(f: &Qr<T, 8, 5>) -> Mat<T, 5, 5> = f.r();
    qr_q(f: &Qr<T, 8, 5>) -> Mat<T, 8, 5> = f.q();
    qr_permutation(f: &'static Qr<T, 8, 5>) -> &'static [u32; 5] = f.permutation();
    qr_apply(f: &Qr<T, 8, 5>, x: &mut [T; 8]) -> () = f.apply_q(x);
    qr_apply_transposed(f: &Qr<T, 8, 5>, x: &mut [T; 8]) -> () = f.apply_q_transposed(x);
    qr_solve(f: &Qr<T, 8, 5>, b: &[T; 8]) -> Result<[T; 5], QrError> = f.solve(b);
    qr_rank(f: &Qr<T, 8, 5>) -> usize = f.rank();
}
