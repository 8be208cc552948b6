//! Any bytes as a network, as they are and with magic, version, length and checksum repaired; a network
//! that parses must run and sample.
#![no_main]

use eigenmote::nn::{Blob, Condition, F32Network, Int8Error, Int8Network, Kind, Numbers};
use eigenmote::rng;
use libfuzzer_sys::fuzz_target;

#[path = "../support/checksum.rs"]
mod checksum;

/// Networks wider than this would only take time.
const WIDEST: usize = 1 << 12;

fn floats(bytes: &[u8], x: f32) {
    let Ok(network) = F32Network::parse(bytes) else { return };
    for part in [network.front(), network.back(), Some(network.whole())].into_iter().flatten() {
        let (mut scratch, mut out) = (vec![0.0; part.scratch_len()], vec![0.0; part.outputs()]);
        let given = vec![x; part.inputs()];
        if part.forward(&given, &mut scratch, &mut out).is_ok() {
            assert!(out.iter().all(|y| y.is_finite()));
        }
    }
}

fn integers(bytes: &[u8], x: i32) {
    let Ok(network) = Int8Network::parse(bytes) else { return };
    for part in [network.front(), network.back()].into_iter().flatten() {
        let (mut scratch, mut out) = (vec![0; part.scratch_len()], vec![0; part.outputs()]);
        part.forward(&vec![x; part.inputs()], &mut scratch, &mut out).unwrap();
    }
    let blob = network.blob();
    let (mut scratch, mut out) = (vec![0; network.scratch_len()], vec![0; blob.outputs()]);
    let samples = matches!(blob.kind(), Kind::Vae | Kind::Gan | Kind::Diffusion);
    let (classes, width) = (blob.classes(), blob.classes().max(blob.vector_len()));
    assert!(classes == 0 || blob.vector_len() == 0);
    let (vector, longer) = (vec![x; width], vec![x; width + 1]);
    let mut sample = |condition, guidance| {
        network.sample_under(&mut rng::seeded(1), (condition, guidance), &mut scratch, &mut out)
    };
    for guidance in [0, x] {
        assert_eq!(sample(Condition::None, guidance).is_ok(), samples);
        let class = sample(Condition::Class(0), guidance);
        assert_eq!(class.is_ok(), samples && classes > 0);
        assert_eq!(sample(Condition::Vector(&vector), guidance).is_ok(), samples);
        let refused = Err(Int8Error::WrongVector { expected: width });
        assert_eq!(sample(Condition::Vector(&longer), guidance), refused);
    }
}

fn exercise(bytes: &[u8], x: u32) {
    let Ok(blob) = Blob::parse(bytes) else { return };
    if blob.layers().any(|layer| layer.inputs.max(layer.outputs) > WIDEST) || blob.steps() > 8 {
        return;
    }
    match blob.numbers() {
        Numbers::F32 => floats(bytes, f32::from_bits(x)),
        Numbers::Int8 => integers(bytes, x as i32),
    }
}

fuzz_target!(|data: &[u8]| {
    exercise(data, 0);
    let [numbers, kind, front, steps, sizes @ ..] = data else { return };
    let Some((sizes, rest)) = sizes.split_first_chunk::<12>() else { return };
    let Some((x, rest)) = rest.split_first_chunk::<4>() else { return };
    if rest.is_empty() {
        return;
    }
    // What a fuzzer would not find: layers that fit each other and lengths that fit the layers.
    let (numbers, kind) = (numbers % 2, kind % 5);
    let layers = 1 + sizes[0] % 3;
    let front = match kind {
        0 | 3 => 0,
        2 if front % 2 == 0 || layers == 1 => 0,
        4 => 1 + front % layers,
        1 if layers == 1 => return,
        1 | 2 => 1 + front % (layers - 1),
        _ => return,
    };
    let (classes, features) = if kind == 4 { (sizes[1] % 3, sizes[2] % 4) } else { (0, 0) };
    let steps = if kind == 4 { 1 + steps % 4 } else { 0 };
    let latent = 1 + sizes[3] % 4;
    let width = |layer: u8| 1 + usize::from(sizes[4 + usize::from(layer)] % 9);
    let mut body = Vec::new();
    let mut bytes = 0;
    for layer in 0..layers {
        let before = if layer == 0 { width(layer) } else { width(layer - 1) };
        let (mut inputs, mut outputs) = (before, width(layer));
        let latent = usize::from(latent);
        if layer == 0 && front > 0 && kind == 4 {
            inputs = latent + usize::from(classes) + usize::from(features);
        }
        if layer + 1 == front {
            outputs = if kind == 2 { 2 * latent } else { latent };
        }
        if layer == front && front > 0 {
            inputs = latent;
        }
        if kind == 4 && layer + 1 == layers && front < layers {
            outputs += latent;
        }
        let activation = sizes[8 + usize::from(layer)] % 8;
        body.extend([inputs as u8, 0, outputs as u8, 0, activation, 0, 0, 0, 0, 0]);
        body.extend(if activation == 2 { [0x80, 0x3e] } else { [0, 0] });
        bytes += match numbers {
            0 => 4 * (inputs + 1) * outputs,
            _ => 4 + outputs * (7 + inputs) + if activation > 1 { 514 } else { 0 },
        };
    }
    if numbers == 1 {
        let parts = usize::from(front > 0) + usize::from(front < layers);
        bytes += 8 * parts + usize::from(steps) * (16 + 2 * usize::from(features));
    }
    let length = 24 + body.len() + bytes + 4;
    let mut blob = vec![b'E', b'I', b'G', b'N', 1, kind, numbers, layers];
    blob.extend((length as u32).to_le_bytes());
    let told = if classes > 0 && sizes[11] & 0x80 != 0 { 16 } else { 0 };
    blob.extend([front, if kind == 4 { told + sizes[11] % 3 } else { 0 }]);
    let steps = if numbers == 0 { steps % 2 } else { steps };
    blob.extend([classes, 0, features, 0, steps, 0, 0, 0, 0, 0]);
    blob.extend(body);
    let at = blob.len();
    blob.extend(rest.iter().copied().cycle().take(bytes));
    if numbers == 0 {
        // Exponents of ordinary size.
        blob[at..].chunks_exact_mut(4).for_each(|word| word[3] &= 0xbf);
    }
    let crc = checksum::crc32(&blob);
    blob.extend(crc.to_le_bytes());
    exercise(&blob, u32::from_le_bytes(*x));
});
