//! Networks, samplers and the random generator.

use eigenmote::Mat;
use eigenmote::nn::*;
use eigenmote::rng::{self, Generator};

type Layer<T, const I: usize, const O: usize> = Dense<'static, T, I, O>;
type Three<T> = Mlp<Mlp<Layer<T, 4, 16>, Layer<T, 16, 9>>, Layer<T, 9, 8>>;

crate::export_both! {
    activate(f: &Activation<T>, values: &mut &mut [T]) -> () = f.apply(values);
    dense_forward(layer: &Layer<T, 4, 8>, x: &[T; 4], scratch: &mut &mut [T], y: &mut [T; 8])
        -> Result<(), NnError> = layer.forward(x, scratch, y);
    mlp_forward(net: &Three<T>, x: &[T; 4], scratch: &mut &mut [T], y: &mut [T; 8])
        -> Result<(), NnError> = net.forward(x, scratch, y);
    mlp_between(net: &Three<T>, x: &[T; 4], near: &mut &mut [T], far: &mut &mut [T])
        -> Result<(), NnError> = net.run_between(x, near, far);
    nn_sample(net: &Three<T>, latent: &Gaussian<T, 4>, r: &mut Generator, scratch: &mut &mut [T], y: &mut [T; 8])
        -> Result<(), NnError> = sample(net, latent, r, scratch, y);
    nn_sample_standard(net: &Three<T>, r: &mut Generator, scratch: &mut &mut [T], y: &mut [T; 8])
        -> Result<(), NnError> = sample(net, &StandardNormal, r, scratch, y);
    gaussian_from_covariance(mean: &[T; 5], covariance: &Mat<T, 5, 5>)
        -> Result<Gaussian<T, 5>, SampleError> = Gaussian::from_covariance(*mean, covariance);
    pca_gaussian(mean: &'static [T; 7], components: &'static [[T; 7]; 3], variance: &[T; 3], noise: &T)
        -> Result<PcaGaussian<'static, T, 7, 3>, SampleError> =
        PcaGaussian::probabilistic(mean, components, variance, *noise);
    pca_gaussian_draw(source: &PcaGaussian<'static, T, 7, 3>, r: &mut Generator, x: &mut [T; 7]) -> () =
        source.draw(r, x);
    nn_fill_normal(r: &mut Generator, x: &mut &mut [T]) -> () = rng::fill_normal(r, x);
    nn_uniform(r: &mut Generator) -> T = rng::uniform(r);
}
