//! The square root of the floating-point unit of a Cortex-M4F, M7, M33 and larger ARM processors.

/// `√x`, correctly rounded as IEEE 754 asks of it, so the same bits as any other.
///
/// A function of two instructions, because stable Rust has no other way to the instruction without `std`:
/// operands in floating-point registers are refused in inline assembly, but the calling convention of a
/// hard-float target has argument and result in `s0`.
#[unsafe(naked)]
pub extern "C" fn sqrt(x: f32) -> f32 {
    // The assembler is not told of the unit that the target has.
    core::arch::naked_asm!(".fpu vfpv2", "vsqrt.f32 s0, s0", "bx lr")
}
