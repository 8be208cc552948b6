//! Networks and samplers.

use eigenmote::Mat;
use eigenmote::nn::*;
use eigenmote::rng::Generator;

type Layer<T, const I: usize, const O: usize> = Dense<'static, T, I, O>;
type Two<T> = Mlp<Layer<T, 4, 16>, Layer<T, 16, 9>>;
type Three<T> = Mlp<Two<T>, Layer<T, 9, 8>>;

crate::export_both! {
    activate(f: &Activation<T>, values: &mut [T]) -> () = f.apply(values);
    array_as_slice(x: &'static [T; 4]) -> &'static [T] = Array::as_slice(x);
    array_prefix(x: &'static [T]) -> Option<&'static [T; 4]> = Array::prefix(x);
    array_prefix_mut(x: &'static mut [T]) -> Option<&'static mut [T; 4]> = Array::prefix_mut(x);
    dense_new(weights: &'static [[T; 4]; 8], bias: &'static [T; 8], f: &Activation<T>) -> Layer<T, 4, 8> =
        Dense::new(weights, bias, *f);
    dense_layer_apply(layer: &Layer<T, 4, 8>, x: &[T; 4], y: &mut [T; 8]) -> Result<(), NnError> =
        eigenmote::nn::Layer::apply(layer, x, y);
    dense_forward(layer: &Layer<T, 4, 8>, x: &[T; 4], scratch: &mut [T], y: &mut [T; 8]) -> Result<(), NnError> =
        layer.forward(x, scratch, y);
    dense_run(layer: &Layer<T, 4, 8>, x: &[T; 4], scratch: &mut [T], y: &mut [T; 8]) -> Result<(), NnError> =
        layer.run(x, scratch, y);
    dense_run_between(layer: &Layer<T, 4, 8>, x: &[T; 4], near: &mut [T], far: &mut [T]) -> Result<(), NnError> =
        layer.run_between(x, near, far);
    dense_then(first: &Layer<T, 4, 16>, second: &Layer<T, 16, 9>) -> Two<T> = first.then(*second);
    mlp_then(front: &Two<T>, last: &Layer<T, 9, 8>) -> Three<T> = front.then(*last);
    mlp_forward(net: &Three<T>, x: &[T; 4], scratch: &mut [T], y: &mut [T; 8]) -> Result<(), NnError> =
        net.forward(x, scratch, y);
    mlp_run(net: &Three<T>, x: &[T; 4], scratch: &mut [T], y: &mut [T; 8]) -> Result<(), NnError> =
        net.run(x, scratch, y);
    mlp_run_between(net: &Three<T>, x: &[T; 4], near: &mut [T], far: &mut [T]) -> Result<(), NnError> =
        net.run_between(x, near, far);
    sample_gaussian(net: &Three<T>, latent: &Gaussian<T, 4>, r: &mut Generator, scratch: &mut [T], y: &mut [T; 8])
        -> Result<(), NnError> = sample(net, latent, r, scratch, y);
    sample_standard(net: &Three<T>, r: &mut Generator, scratch: &mut [T], y: &mut [T; 8]) -> Result<(), NnError> =
        sample(net, &StandardNormal, r, scratch, y);
    standard_normal_draw(r: &mut Generator, z: &mut [T; 4]) -> () = StandardNormal.draw(r, z);
    gaussian_from_covariance(mean: &[T; 5], covariance: &Mat<T, 5, 5>) -> Result<Gaussian<T, 5>, SampleError> =
        Gaussian::from_covariance(*mean, covariance);
    gaussian_draw(source: &Gaussian<T, 5>, r: &mut Generator, z: &mut [T; 5]) -> () = source.draw(r, z);
    pca_gaussian_new(mean: &'static [T; 7], components: &'static [[T; 7]; 3], variance: &[T; 3])
        -> Result<PcaGaussian<'static, T, 7, 3>, SampleError> = PcaGaussian::new(mean, components, variance);
    pca_gaussian_probabilistic(mean: &'static [T; 7], components: &'static [[T; 7]; 3], variance: &[T; 3], noise: &T)
        -> Result<PcaGaussian<'static, T, 7, 3>, SampleError> =
        PcaGaussian::probabilistic(mean, components, variance, *noise);
    pca_gaussian_draw(source: &PcaGaussian<'static, T, 7, 3>, r: &mut Generator, x: &mut [T; 7]) -> () =
        source.draw(r, x);
}
