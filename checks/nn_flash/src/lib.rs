//! One network whose activation is a constant: `run` beside this crate writes it and links the
//! function below for a Cortex-M0, with everything it needs and nothing else.
#![no_std]

use eigenmote::nn::{Activation, Dense, Mlp, Network};

static W1: [[f32; 4]; 16] = [[0.5; 4]; 16];
static W2: [[f32; 16]; 8] = [[0.5; 16]; 8];
const F: Activation<f32> = include!(env!("ACTIVATION_FILE"));
type Net = Mlp<Dense<'static, f32, 4, 16>, Dense<'static, f32, 16, 8>>;
static NET: Net = Dense::new(&W1, &[0.5; 16], F).then(Dense::new(&W2, &[0.5; 8], F));

#[unsafe(no_mangle)]
extern "C" fn decode(x: &[f32; 4], out: &mut [f32; 8]) -> bool {
    NET.forward(x, &mut [0.0; Net::SCRATCH], out).is_ok()
}

#[panic_handler]
fn panic(_: &core::panic::PanicInfo) -> ! {
    loop {}
}
