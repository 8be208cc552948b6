//! What errors say.

use core::fmt::{Display, Formatter, Result};

use eigenmote::codec::{
    DecodeError, EncodeError, FrameError, ModelError, ReceiveError, ReorderError,
};
use eigenmote::embed::EmbedError;
use eigenmote::linalg::lowrank::SolveError;
use eigenmote::linalg::operator::CsrError;
use eigenmote::linalg::power::PowerError;
use eigenmote::linalg::procrustes::ProcrustesError;
use eigenmote::linalg::truncated::TruncatedError;
use eigenmote::linalg::{EighError, QrError, SvdError};
use eigenmote::nn::{BlobError, Int8Error, NnError, SampleError, SpecError, TrainError};
use eigenmote::stats::{MomentsError, PcaError};

crate::export! { "int_":
    display_decode_error(e: &DecodeError, f: &mut Formatter<'static>) -> Result = e.fmt(f);
    display_encode_error(e: &EncodeError, f: &mut Formatter<'static>) -> Result = e.fmt(f);
    display_frame_error(e: &FrameError, f: &mut Formatter<'static>) -> Result = e.fmt(f);
    display_model_error(e: &ModelError, f: &mut Formatter<'static>) -> Result = e.fmt(f);
    display_receive_error(e: &ReceiveError, f: &mut Formatter<'static>) -> Result = e.fmt(f);
    display_reorder_error(e: &ReorderError, f: &mut Formatter<'static>) -> Result = e.fmt(f);
    display_embed_error(e: &EmbedError, f: &mut Formatter<'static>) -> Result = e.fmt(f);
    display_procrustes_error(e: &ProcrustesError, f: &mut Formatter<'static>) -> Result = e.fmt(f);
    display_solve_error(e: &SolveError, f: &mut Formatter<'static>) -> Result = e.fmt(f);
    display_csr_error(e: &CsrError, f: &mut Formatter<'static>) -> Result = e.fmt(f);
    display_power_error(e: &PowerError, f: &mut Formatter<'static>) -> Result = e.fmt(f);
    display_truncated_error(e: &TruncatedError, f: &mut Formatter<'static>) -> Result = e.fmt(f);
    display_eigh_error(e: &EighError, f: &mut Formatter<'static>) -> Result = e.fmt(f);
    display_qr_error(e: &QrError, f: &mut Formatter<'static>) -> Result = e.fmt(f);
    display_svd_error(e: &SvdError, f: &mut Formatter<'static>) -> Result = e.fmt(f);
    display_nn_error(e: &NnError, f: &mut Formatter<'static>) -> Result = e.fmt(f);
    display_blob_error(e: &BlobError, f: &mut Formatter<'static>) -> Result = e.fmt(f);
    display_int8_error(e: &Int8Error, f: &mut Formatter<'static>) -> Result = e.fmt(f);
    display_spec_error(e: &SpecError, f: &mut Formatter<'static>) -> Result = e.fmt(f);
    display_train_error(e: &TrainError, f: &mut Formatter<'static>) -> Result = e.fmt(f);
    display_sample_error(e: &SampleError, f: &mut Formatter<'static>) -> Result = e.fmt(f);
    display_moments_error(e: &MomentsError, f: &mut Formatter<'static>) -> Result = e.fmt(f);
    display_pca_error(e: &PcaError, f: &mut Formatter<'static>) -> Result = e.fmt(f);
}
