//! A bare chip under an emulator that does semihosting.

use core::arch::{asm, global_asm};
use core::fmt;
use core::hint::black_box;

// Vectors, then: floats on, data copied, the rest cleared, and on to the program.
#[cfg(target_arch = "arm")]
global_asm!(
    ".section .vectors, \"a\"",
    ".word board_stack_top",
    ".word board_start",
    ".rept 14",
    ".word board_fault",
    ".endr",
    ".section .text.board_start, \"ax\"",
    ".thumb",
    ".syntax unified",
    ".global board_start",
    ".type board_start, %function",
    ".thumb_func",
    "board_start:",
    ".if {floats}",
    "ldr r0, =0xE000ED88", // CPACR
    "ldr r1, =0x00F00000",
    "str r1, [r0]",
    "dsb",
    "isb",
    ".endif",
    "ldr r0, =board_data_start",
    "ldr r1, =board_data_end",
    "ldr r2, =board_data_load",
    "1: cmp r0, r1",
    "bhs 2f",
    "ldr r3, [r2]",
    "str r3, [r0]",
    "adds r0, #4",
    "adds r2, #4",
    "b 1b",
    "2: ldr r0, =board_bss_start",
    "ldr r1, =board_bss_end",
    "movs r3, #0",
    "3: cmp r0, r1",
    "bhs 4f",
    "str r3, [r0]",
    "adds r0, #4",
    "b 3b",
    "4: bl board_main",
    ".pool",
    floats = const cfg!(target_abi = "eabihf") as u32,
);

#[cfg(target_arch = "riscv32")]
global_asm!(
    ".section .text.board_start, \"ax\"",
    ".global board_start",
    "board_start:",
    "la sp, board_stack_top",
    "la t0, board_fault",
    "csrw mtvec, t0",
    "la a0, board_data_start",
    "la a1, board_data_end",
    "la a2, board_data_load",
    "1: bgeu a0, a1, 2f",
    "lw a3, 0(a2)",
    "sw a3, 0(a0)",
    "addi a0, a0, 4",
    "addi a2, a2, 4",
    "j 1b",
    "2: la a0, board_bss_start",
    "la a1, board_bss_end",
    "3: bgeu a0, a1, 4f",
    "sw zero, 0(a0)",
    "addi a0, a0, 4",
    "j 3b",
    "4: call board_main",
);

#[cfg(target_arch = "arm")]
#[unsafe(no_mangle)]
extern "C" fn board_fault() -> ! {
    exit(false)
}
#[cfg(target_arch = "riscv32")]
global_asm!(
    ".section .text.board_fault, \"ax\"",
    ".balign 4",
    ".global board_fault",
    "board_fault:",
    "li a0, 0",
    "tail {exit}",
    exit = sym exit,
);

#[panic_handler]
fn panic(info: &core::panic::PanicInfo<'_>) -> ! {
    #[cfg(feature = "says-where")]
    {
        use fmt::Write as _;
        // Nobody could be told that it failed.
        let _ = writeln!(Console, "{info}");
    }
    #[cfg(not(feature = "says-where"))]
    let _ = info;
    exit(false)
}

const OPEN: usize = 0x01;
const WRITE: usize = 0x05;
const EXIT: usize = 0x18;
/// For [`EXIT`]: all went well, and it did not.
const DONE: usize = 0x2_0026;
const FAILED: usize = 0x2_0023;
/// For [`OPEN`].
const WRITE_BINARY: usize = 5;

/// Asks the emulator for something.
fn ask(operation: usize, argument: usize) -> usize {
    let answer;
    // SAFETY: the emulator reads what the operation's arguments point to, and changes one register.
    #[cfg(target_arch = "arm")]
    unsafe {
        asm!("bkpt 0xab", inlateout("r0") operation => answer, in("r1") argument, options(nostack));
    }
    // SAFETY: as above.
    #[cfg(target_arch = "riscv32")]
    unsafe {
        asm!(
            ".option push",
            ".option norvc",
            ".balign 16",
            "slli x0, x0, 0x1f",
            "ebreak",
            "srai x0, x0, 7",
            ".option pop",
            inlateout("a0") operation => answer, in("a1") argument, options(nostack)
        );
    }
    answer
}

fn open(name: &core::ffi::CStr) -> usize {
    let block = [name.as_ptr() as usize, WRITE_BINARY, name.count_bytes()];
    ask(OPEN, block.as_ptr() as usize)
}

/// Whether all bytes were written.
fn write(handle: usize, bytes: &[u8]) -> bool {
    let block = [handle, bytes.as_ptr() as usize, bytes.len()];
    ask(WRITE, block.as_ptr() as usize) == 0
}

/// The emulator's standard output.
#[derive(Clone, Copy, Debug)]
pub struct Console;

impl Console {
    /// Writes bytes.
    pub fn write(self, bytes: &[u8]) {
        use core::sync::atomic::{AtomicUsize, Ordering};
        static HANDLE: AtomicUsize = AtomicUsize::new(0);
        let mut handle = HANDLE.load(Ordering::Relaxed);
        if handle == 0 {
            handle = open(c":tt");
            HANDLE.store(handle, Ordering::Relaxed);
        }
        // Nobody could be told that it failed.
        let _ = write(handle, bytes);
    }
}

impl fmt::Write for Console {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.write(text.as_bytes());
        Ok(())
    }
}

/// A file to write on the machine that emulates.
#[derive(Debug)]
pub struct File(usize);

impl File {
    /// Makes a file of a name that ends in a zero, in the folder where the emulator was started.
    pub fn create(name: &core::ffi::CStr) -> Option<Self> {
        Some(open(name)).filter(|&handle| handle != usize::MAX).map(Self)
    }

    /// Writes bytes; whether that worked.
    pub fn write(&mut self, bytes: &[u8]) -> bool {
        write(self.0, bytes)
    }
}

/// Ends the emulator.
pub extern "C" fn exit(success: bool) -> ! {
    ask(EXIT, if success { DONE } else { FAILED });
    loop {
        core::hint::spin_loop();
    }
}

/// A mark that an emulator's plugin looks for. It stands in a block of its own that cannot reach over the end
/// of a page: QEMU does not show a plugin every instruction of a block that does.
macro_rules! mark {
    ($arm:literal, $riscv:literal) => {
        // SAFETY: jumps to the next instruction and does nothing.
        #[cfg(target_arch = "arm")]
        unsafe {
            asm!("b 2f", ".balign 16", "2:", $arm, "b 3f", "3:", options(nostack, preserves_flags));
        }
        // SAFETY: as above.
        #[cfg(target_arch = "riscv32")]
        unsafe {
            asm!(
                "j 2f",
                ".balign 16",
                "2:",
                $riscv,
                "j 3f",
                "3:",
                options(nostack, preserves_flags)
            );
        }
    };
}

/// Lets an emulator that watches for it count the instructions of `f`.
#[inline(always)]
pub fn region<R>(f: impl FnOnce() -> R) -> R {
    mark!("mov r10, r10", "slti x0, x0, 0x7a1");
    // Keeps the work between the two.
    let result = black_box(f());
    mark!("mov r11, r11", "slti x0, x0, 0x7a2");
    result
}

/// Most that [`stack_of`] sees.
const PAINTED: usize = 32 << 10;
const PAINT: u32 = 0xa5c3_96e1;

/// Calls `f` and tells how many bytes of stack that took, with the call.
#[inline(never)]
pub fn stack_of<R>(f: impl FnOnce() -> R) -> (R, usize) {
    #[inline(never)]
    fn call<R>(f: impl FnOnce() -> R) -> R {
        black_box(f())
    }
    unsafe extern "C" {
        static board_bss_end: u8;
    }
    let lowest = (&raw const board_bss_end) as usize;
    let (top, end): (usize, usize);
    // SAFETY: reads a register.
    #[cfg(target_arch = "arm")]
    unsafe {
        asm!("mov {}, sp", out(reg) top, options(nomem, nostack, preserves_flags));
    }
    // SAFETY: as above.
    #[cfg(target_arch = "riscv32")]
    unsafe {
        asm!("mv {}, sp", out(reg) top, options(nomem, nostack, preserves_flags));
    }
    end = top.saturating_sub(PAINTED).max(lowest);
    let mut at = top & !3;
    while at > end {
        at -= 4;
        // SAFETY: below the stack pointer and above all data; no interrupt uses the stack.
        unsafe {
            (at as *mut u32).write_volatile(PAINT);
        }
    }
    let result = call(f);
    // SAFETY: as above.
    while at < top && unsafe { (at as *const u32).read_volatile() } == PAINT {
        at += 4;
    }
    (result, top.saturating_sub(at))
}
