//! What the programs of this folder need of a chip: start, output, exit, and measuring.
//!
//! The memory maps are in `ld/`, handed to the linker by `link.rs`. Elsewhere than on a chip the same
//! calls use the standard library, so that every program runs on the desktop, too.
//!
//! Nothing here formats by `core::fmt`, unless a program does: that has panics of its own.
#![cfg_attr(target_os = "none", no_std)]

#[cfg(target_os = "none")]
mod chip;
#[cfg(not(target_os = "none"))]
mod desktop;
#[cfg(target_os = "none")]
use chip as machine;
#[cfg(not(target_os = "none"))]
use desktop as machine;

#[doc(hidden)]
pub use machine::exit;
pub use machine::{Console, File, region, stack_of};

/// Makes a function that tells whether all went well the program: `board::program!(run);`
#[macro_export]
macro_rules! program {
    ($run:path) => {
        #[cfg(target_os = "none")]
        #[unsafe(no_mangle)]
        extern "C" fn board_main() -> ! {
            let run: fn() -> bool = $run;
            $crate::exit(run())
        }
        #[cfg(not(target_os = "none"))]
        fn main() {
            let run: fn() -> bool = $run;
            $crate::exit(run())
        }
    };
}

/// Prints text.
pub fn print(text: &str) {
    Console.write(text.as_bytes());
}

/// Prints a number.
pub fn print_number(number: u32) {
    let (mut digits, mut rest) = ([0; 10], number);
    let mut used = 0;
    for digit in digits.iter_mut().rev() {
        *digit = b'0' + (rest % 10) as u8;
        rest /= 10;
        used += 1;
        if rest == 0 {
            break;
        }
    }
    Console.write(digits.get(10 - used..).unwrap_or_default());
}

/// Prints a number as 16 hexadecimal digits.
pub fn print_hex(number: u64) {
    let mut digits = [0; 16];
    let mut rest = number;
    for digit in digits.iter_mut().rev() {
        let nibble = (rest & 15) as u8;
        *digit = if nibble < 10 { b'0' + nibble } else { b'a' - 10 + nibble };
        rest >>= 4;
    }
    Console.write(&digits);
}

/// Prints whether a check held, and returns that.
pub fn verdict(name: &str, held: bool) -> bool {
    print(if held { "ok      " } else { "FAILED  " });
    print(name);
    print("\n");
    held
}

/// Folds bits into 64, as FNV-1a does with bytes.
#[derive(Clone, Copy, Debug)]
pub struct Hash(pub u64);

impl Default for Hash {
    fn default() -> Self {
        Self(0xcbf2_9ce4_8422_2325)
    }
}

impl Hash {
    /// Takes bytes.
    pub fn bytes(&mut self, bytes: &[u8]) {
        for &byte in bytes {
            self.0 = (self.0 ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
        }
    }

    /// Takes a word.
    pub fn word(&mut self, word: u32) {
        self.bytes(&word.to_le_bytes());
    }

    /// Takes the bits of floats.
    pub fn floats(&mut self, values: &[f32]) {
        for value in values {
            self.word(value.to_bits());
        }
    }
}
