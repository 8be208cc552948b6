//! Networks in flash: blobs of floats and of integers, as `eigenmote train`, `import` and `quantize` make
//! them.

use core_library::nn::{Class, F32Network, Int8Network};

use crate::lend::{Read, State, Write, apart};
use crate::nn::eigenmote_rng;
use crate::status::{eigenmote_status, eigenmote_status as Status, of};

/// Words of the state of a network, each of the size of a pointer.
pub const EIGENMOTE_INT8_WORDS: usize = 48;
/// For `eigenmote_int8_sample`: no class.
pub const EIGENMOTE_NO_CLASS: u32 = 4_294_967_295;
/// 1 as a number with 16 fraction bits.
pub const EIGENMOTE_ONE: i32 = 65_536;

/// A checked network of integers. Its bytes stay where they are, such as in flash, and are used as long as
/// it is.
#[repr(C)]
pub struct eigenmote_int8 {
    /// Not to be used.
    pub words: [usize; EIGENMOTE_INT8_WORDS],
}

// SAFETY: the one tag of networks of integers.
unsafe impl State for eigenmote_int8 {
    type Inner = Int8Network<'static>;
    const TAG: u32 = 0x4547_4931;
}

/// Sizes of a network.
#[repr(C)]
pub struct eigenmote_network_info {
    /// Values of an input; of a decoder, generator or diffusion model latent values.
    pub inputs: usize,
    /// Values of an output or sample.
    pub outputs: usize,
    /// Values of scratch memory.
    pub scratch: usize,
    /// Classes of a diffusion model.
    pub classes: usize,
}

/// Checks a network of integers and borrows its bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn eigenmote_int8_open(
    network: *mut eigenmote_int8,
    bytes: *const u8,
    length: usize,
) -> eigenmote_status {
    of(|| {
        let (network, bytes) = (Write::new(network, 1)?, Read::new(bytes, length)?);
        apart(&[network.range()], &[bytes.range()])?;
        // SAFETY: checked as far as can be; the rest is promised by the caller, and so below.
        let parsed = Int8Network::parse(unsafe { bytes.borrow() })?;
        // SAFETY: as above.
        unsafe { network.init(parsed) };
        Ok(())
    })
}

/// Sizes of a network of integers.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn eigenmote_int8_get_info(
    network: *const eigenmote_int8,
    info: *mut eigenmote_network_info,
) -> eigenmote_status {
    of(|| {
        let (network, info) = (Read::new(network, 1)?, Write::new(info, 1)?);
        // SAFETY: checked as far as can be; the rest is promised by the caller.
        let network = *unsafe { network.open() }?;
        let blob = network.blob();
        let about = eigenmote_network_info {
            inputs: blob.latent(),
            outputs: blob.outputs(),
            scratch: network.scratch_len(),
            classes: blob.classes(),
        };
        // SAFETY: as above; nothing is borrowed any more.
        unsafe { info.put(about) };
        Ok(())
    })
}

/// Passes an input through a plain network, a decoder or a generator. Numbers have 16 fraction bits.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn eigenmote_int8_forward(
    network: *const eigenmote_int8,
    input: *const i32,
    inputs: usize,
    scratch: *mut i16,
    scratch_values: usize,
    output: *mut i32,
    outputs: usize,
) -> eigenmote_status {
    of(|| {
        let (network, input) = (Read::new(network, 1)?, Read::new(input, inputs)?);
        let (scratch, output) =
            (Write::new(scratch, scratch_values)?, Write::new(output, outputs)?);
        apart(&[scratch.range(), output.range()], &[network.range(), input.range()])?;
        // SAFETY: checked as far as can be; the rest is promised by the caller, and so below.
        let network = unsafe { network.open() }?;
        let layers = network.back().ok_or(Status::WrongKind)?;
        // SAFETY: as above.
        let (input, scratch, output) =
            unsafe { (input.borrow(), scratch.borrow(), output.borrow()) };
        let output = output.get_mut(..layers.outputs()).ok_or(Status::BufferTooSmall)?;
        Ok(layers.forward(input, scratch, output)?)
    })
}

/// Draws a sample: the same bytes for the same seed as on every other machine. Numbers have 16 fraction bits.
/// `class_number` is that of a diffusion model with classes or `EIGENMOTE_NO_CLASS`, `guidance` how much
/// more to keep to it, 0 for none.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn eigenmote_int8_sample(
    network: *const eigenmote_int8,
    rng: *mut eigenmote_rng,
    class_number: u32,
    guidance: i32,
    scratch: *mut i16,
    scratch_values: usize,
    output: *mut i32,
    outputs: usize,
) -> eigenmote_status {
    of(|| {
        let (network, rng) = (Read::new(network, 1)?, Write::new(rng, 1)?);
        let (scratch, output) =
            (Write::new(scratch, scratch_values)?, Write::new(output, outputs)?);
        apart(&[scratch.range(), output.range(), rng.range()], &[network.range()])?;
        let class = match class_number {
            EIGENMOTE_NO_CLASS => None,
            number => {
                let number = u16::try_from(number).map_err(|_| Status::BadArgument)?;
                Some(Class { number, guidance })
            }
        };
        // SAFETY: checked as far as can be; the rest is promised by the caller, and so below.
        let network = unsafe { network.open() }?;
        // SAFETY: as above.
        let (rng, scratch, output) = unsafe { (rng.open()?, scratch.borrow(), output.borrow()) };
        let output = output.get_mut(..network.blob().outputs()).ok_or(Status::BufferTooSmall)?;
        Ok(network.sample(rng, class, scratch, output)?)
    })
}

/// Values of scratch memory that `eigenmote_network_forward_f32` needs.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn eigenmote_network_scratch(
    bytes: *const u8,
    length: usize,
    values: *mut usize,
) -> eigenmote_status {
    of(|| {
        let (bytes, values) = (Read::new(bytes, length)?, Write::new(values, 1)?);
        apart(&[values.range()], &[bytes.range()])?;
        // SAFETY: checked as far as can be; the rest is promised by the caller.
        let scratch = F32Network::parse(unsafe { bytes.borrow() })?.whole().scratch_len();
        // SAFETY: as above; nothing is borrowed any more.
        unsafe { values.put(scratch) };
        Ok(())
    })
}

/// Passes an input through a network of floats, of which every call checks the bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn eigenmote_network_forward_f32(
    bytes: *const u8,
    length: usize,
    input: *const f32,
    inputs: usize,
    scratch: *mut f32,
    scratch_values: usize,
    output: *mut f32,
    outputs: usize,
) -> eigenmote_status {
    of(|| {
        let (bytes, input) = (Read::new(bytes, length)?, Read::new(input, inputs)?);
        let (scratch, output) =
            (Write::new(scratch, scratch_values)?, Write::new(output, outputs)?);
        apart(&[scratch.range(), output.range()], &[bytes.range(), input.range()])?;
        // SAFETY: checked as far as can be; the rest is promised by the caller, and so below.
        let whole = F32Network::parse(unsafe { bytes.borrow() })?.whole();
        // SAFETY: as above.
        let (input, scratch, output) =
            unsafe { (input.borrow(), scratch.borrow(), output.borrow()) };
        let output = output.get_mut(..whole.outputs()).ok_or(Status::BufferTooSmall)?;
        Ok(whole.forward(input, scratch, output)?)
    })
}
