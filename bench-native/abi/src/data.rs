//! How problems and their results lie in memory: numbers of one type without gaps.

/// `f32` or `f64`.
pub trait Real: Copy + 'static {
    /// `f32` or `f64`.
    const NAME: &'static str;
}
impl Real for f32 {
    const NAME: &'static str = "f32";
}
impl Real for f64 {
    const NAME: &'static str = "f64";
}

/// A matrix of `M` rows and `N` columns, column by column.
pub type Cols<T, const M: usize, const N: usize> = [[T; M]; N];

/// Result of `svd`; that of `singular values` is `[T; N]`.
#[repr(C)]
#[derive(Debug)]
pub struct Svd<T, const M: usize, const N: usize> {
    /// `U`, thin.
    pub u: Cols<T, M, N>,
    /// Singular values, descending.
    pub s: [T; N],
    /// `V`.
    pub v: Cols<T, N, N>,
}

/// Result of `eigh`.
#[repr(C)]
#[derive(Debug)]
pub struct Eigh<T, const N: usize> {
    /// Eigenvalues in any order.
    pub values: [T; N],
    /// Their vectors as columns.
    pub vectors: Cols<T, N, N>,
}

/// Result of the partial decompositions.
#[repr(C)]
#[derive(Debug)]
pub struct Triplets<T, const N: usize, const K: usize> {
    /// Left vectors.
    pub u: Cols<T, N, K>,
    /// Singular values, descending.
    pub s: [T; K],
    /// Right vectors.
    pub v: Cols<T, N, K>,
}

/// Model of the projections: `z = W·(x − mean)`.
#[repr(C)]
#[derive(Clone, Debug)]
pub struct Projection<T, const D: usize, const K: usize> {
    /// Mean of the training data.
    pub mean: [T; D],
    /// `W`, row by row.
    pub components: [[T; D]; K],
}

/// What a covariance shows of its state.
#[repr(C)]
#[derive(Debug)]
pub struct Covariance<T, const D: usize> {
    /// Mean of all samples.
    pub mean: [T; D],
    /// Covariance with the divisor `n − 1`; what is above the diagonal does not matter.
    pub covariance: Cols<T, D, D>,
}

/// Model of the decoder 8→32→64→784: weights row by row, as in `torch.nn.Linear`.
#[repr(C)]
#[derive(Clone, Debug)]
pub struct Decoder<T> {
    /// 8→32.
    pub w1: [[T; 8]; 32],
    /// Bias of the first layer.
    pub b1: [T; 32],
    /// 32→64.
    pub w2: [[T; 32]; 64],
    /// Bias of the second layer.
    pub b2: [T; 64],
    /// 64→784.
    pub w3: [[T; 64]; 784],
    /// Bias of the third layer.
    pub b3: [T; 784],
}
