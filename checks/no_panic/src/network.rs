//! Network blobs, of floats and of integers.

use eigenmote::nn::quantized;
use eigenmote::nn::*;
use eigenmote::rng::{self, Generator};

type View = Blob<'static>;
type Floats = F32Network<'static>;
type FloatLayers = F32Layers<'static>;
type Integers = Int8Network<'static>;
type IntegerLayers = Int8Layers<'static>;

crate::export! { "int_":
    blob_parse(bytes: &'static [u8]) -> Result<View, BlobError> = Blob::parse(bytes);
    blob_bytes(b: &View) -> &'static [u8] = b.bytes();
    blob_kind(b: &View) -> Kind = b.kind();
    blob_numbers(b: &View) -> Numbers = b.numbers();
    blob_layer(b: &View, number: &usize) -> Option<LayerSpec<f32>> = b.layers().nth(*number);
    blob_front_layers(b: &View) -> usize = b.front_layers();
    blob_params(b: &View) -> usize = b.params();
    blob_latent(b: &View) -> usize = b.latent();
    blob_outputs(b: &View) -> usize = b.outputs();
    blob_prediction(b: &View) -> Prediction = b.prediction();
    blob_classes(b: &View) -> usize = b.classes();
    blob_vector_len(b: &View) -> usize = b.vector_len();
    blob_features(b: &View) -> usize = b.features();
    blob_steps(b: &View) -> usize = b.steps();
    blob_limit(b: &View) -> Option<i32> = b.limit();
    blob_checksum(b: &View) -> u32 = b.checksum();
    int8_parse(bytes: &'static [u8]) -> Result<Integers, BlobError> = Int8Network::parse(bytes);
    int8_blob(n: &Integers) -> View = *n.blob();
    int8_front(n: &Integers) -> Option<IntegerLayers> = n.front();
    int8_back(n: &Integers) -> Option<IntegerLayers> = n.back();
    int8_scratch_len(n: &Integers) -> usize = n.scratch_len();
    int8_sample(n: &Integers, r: &mut Generator, class: &Option<Class>, scratch: &mut [i16], out_: &mut [i32])
        -> Result<(), Int8Error> = n.sample(r, *class, scratch, out_);
    int8_sample_under(n: &Integers, r: &mut Generator, told: &(Condition<'static, i32>, i32), scratch: &mut [i16], out_: &mut [i32])
        -> Result<(), Int8Error> = n.sample_under(r, *told, scratch, out_);
    int8_layers_inputs(l: &IntegerLayers) -> usize = l.inputs();
    int8_layers_outputs(l: &IntegerLayers) -> usize = l.outputs();
    int8_layers_scratch_len(l: &IntegerLayers) -> usize = l.scratch_len();
    int8_layers_forward(l: &IntegerLayers, x: &[i32], scratch: &mut [i16], y: &mut [i32])
        -> Result<(), Int8Error> = l.forward(x, scratch, y);
    int8_layers_sample(l: &IntegerLayers, r: &mut Generator, scratch: &mut [i16], y: &mut [i32])
        -> Result<(), Int8Error> = l.sample(r, scratch, y);
    normal_fixed(r: &mut Generator) -> i32 = rng::normal_fixed(r);
}

crate::export! { "f32_":
    network_parse(bytes: &'static [u8]) -> Result<Floats, BlobError> = F32Network::parse(bytes);
    network_blob(n: &Floats) -> View = *n.blob();
    network_front(n: &Floats) -> Option<FloatLayers> = n.front();
    network_back(n: &Floats) -> Option<FloatLayers> = n.back();
    network_whole(n: &Floats) -> FloatLayers = n.whole();
    network_denoising(n: &Floats) -> Option<Denoising> = n.denoising();
    layers_inputs(l: &FloatLayers) -> usize = l.inputs();
    layers_outputs(l: &FloatLayers) -> usize = l.outputs();
    layers_layer(l: &FloatLayers, number: &usize) -> Option<LayerSpec<f32>> = l.layers().nth(*number);
    layers_param(l: &FloatLayers, number: &usize) -> Option<f32> = l.params().nth(*number);
    layers_scratch_len(l: &FloatLayers) -> usize = l.scratch_len();
    layers_forward(l: &FloatLayers, x: &[f32], scratch: &mut [f32], y: &mut [f32]) -> Result<(), NnError> =
        l.forward(x, scratch, y);
    network_spec_new(kind: &Kind, front: &Option<Part<'static>>, back: &Option<Part<'static>>)
        -> NetworkSpec<'static> = NetworkSpec::new(*kind, *front, *back);
    network_spec_encoded_len(spec: &NetworkSpec<'static>) -> usize = spec.encoded_len();
    network_spec_write(spec: &NetworkSpec<'static>, bytes: &mut [u8]) -> Result<usize, BlobError> = spec.write(bytes);
    calibration_new(n: &Floats, ranges: &'static mut [LayerRange]) -> Result<Calibration<'static>, NnError> =
        Calibration::new(*n, ranges);
    calibration_observe(c: &mut Calibration<'static>, front: &bool, x: &[f32], scratch: &mut [f32], y: &mut [f32])
        -> Result<(), NnError> = c.observe(*front, x, scratch, y);
    calibration_observe_sampling(c: &mut Calibration<'static>, m: &Diffusion<'static, f32>, s: &Sampler<f32>, told: &Condition<'static, f32>, r: &mut Generator, memory: &mut [f32])
        -> Result<(), TrainError> = c.observe_sampling(m, s, *told, r, memory);
    calibration_sampling_memory_len(c: &Calibration<'static>) -> usize = c.sampling_memory_len();
    step_at(schedule: &Schedule, k: &(u32, u32), features: &'static mut [f32]) -> Step<'static> =
        Step::at(*schedule, *k, features);
    denoising_condition_len(d: &Denoising) -> usize = d.condition_len();
    quantized_len_(n: &Floats, steps: &usize) -> Option<usize> = quantized_len(n, *steps);
    network_quantize(c: &Calibration<'static>, steps: &Option<Steps<'static>>, bytes: &mut [u8]) -> Result<usize, BlobError> =
        quantize(c, *steps, bytes);
    step_apply(s: &Step<'static>, p: &Prediction, limit: &f32, e: &[f32], x: &mut [f32]) -> () =
        s.apply(*p, *limit, e, x);
    fixed(x: &f32) -> i32 = quantized::fixed(*x);
    float(x: &i32) -> f32 = quantized::float(*x);
    deviation_add(d: &mut Deviation, floats: &[f32], integers: &[i32]) -> () = d.add(floats, integers);
    deviation_rms(d: &Deviation) -> f32 = d.rms();
    deviation_relative(d: &Deviation) -> f32 = d.relative();
}
