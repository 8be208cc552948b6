//! What is compared, and what contenders are entered for.

/// What a contender does with one problem. Several routines of the page may use it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Job {
    /// Thin SVD with both sides.
    Svd,
    /// The same by formula.
    ClosedSvd,
    /// The same of many matrices in one call.
    SvdBatch,
    /// Singular values alone.
    SingularValues,
    /// Eigenvalues and vectors of a symmetric matrix.
    Eigh,
    /// The same by formula.
    ClosedEigh,
    /// The same of many matrices in one call.
    EighBatch,
    /// The leading triplets.
    TopK,
    /// Projection of one vector.
    Project,
    /// Projection of many vectors in one call.
    ProjectBatch,
    /// A sample added to a covariance.
    Covariance,
    /// Many samples added in one call.
    CovarianceBlock,
    /// A small network.
    Decoder,
    /// Multiplications and additions as fast as the machine can.
    Peak,
}

impl Job {
    const NAMES: [(&'static str, Self); 14] = [
        ("svd", Self::Svd),
        ("closed svd", Self::ClosedSvd),
        ("svd batch", Self::SvdBatch),
        ("singular values", Self::SingularValues),
        ("eigh", Self::Eigh),
        ("closed eigh", Self::ClosedEigh),
        ("eigh batch", Self::EighBatch),
        ("top-k", Self::TopK),
        ("project", Self::Project),
        ("project batch", Self::ProjectBatch),
        ("covariance", Self::Covariance),
        ("covariance block", Self::CovarianceBlock),
        ("decoder", Self::Decoder),
        ("fma peak", Self::Peak),
    ];

    /// The job that the libraries call so.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::NAMES.into_iter().find(|&(known, _)| known == name).map(|(_, job)| job)
    }

    /// Numbers in a problem.
    pub const fn input_len(self, rows: usize, cols: usize) -> usize {
        match self {
            Self::Project | Self::ProjectBatch | Self::Decoder => rows,
            Self::Covariance | Self::CovarianceBlock => cols,
            Self::Peak => 1,
            _ => rows * cols,
        }
    }

    /// Numbers in a result.
    pub const fn output_len(self, rows: usize, cols: usize, rank: usize) -> usize {
        match self {
            Self::Svd | Self::ClosedSvd | Self::SvdBatch => rows * cols + cols + cols * cols,
            Self::SingularValues | Self::Project | Self::ProjectBatch | Self::Decoder => cols,
            Self::Eigh | Self::ClosedEigh | Self::EighBatch => cols + cols * cols,
            Self::TopK => rows * rank + rank + cols * rank,
            Self::Covariance | Self::CovarianceBlock => 0,
            Self::Peak => 1,
        }
    }

    /// Problems that are solved in one go.
    pub const fn batch(self, rank: usize) -> usize {
        match self {
            Self::SvdBatch | Self::EighBatch | Self::ProjectBatch | Self::CovarianceBlock => rank,
            _ => 1,
        }
    }
}

/// A kind of cells, in the order of the page.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Routine {
    /// See [`Job::Peak`].
    Peak,
    /// See [`Job::Svd`].
    Svd,
    /// See [`Job::SingularValues`].
    SingularValues,
    /// See [`Job::Eigh`].
    Eigh,
    /// See [`Job::ClosedSvd`].
    ClosedSvd,
    /// See [`Job::ClosedEigh`].
    ClosedEigh,
    /// See [`Job::SvdBatch`].
    SvdBatch,
    /// See [`Job::EighBatch`].
    EighBatch,
    /// The leading triplets of values that fall by a fifth each.
    TopKDecaying,
    /// The leading triplets of values that fall slowly to a half.
    TopKFlat,
    /// See [`Job::Project`].
    Project,
    /// See [`Job::ProjectBatch`].
    ProjectBatch,
    /// See [`Job::Covariance`].
    Covariance,
    /// See [`Job::CovarianceBlock`].
    CovarianceBlock,
    /// See [`Job::Decoder`].
    Decoder,
}

impl Routine {
    /// All of them, in the order of the page.
    pub const ALL: [Self; 15] = [
        Self::Peak,
        Self::Svd,
        Self::SingularValues,
        Self::Eigh,
        Self::ClosedSvd,
        Self::ClosedEigh,
        Self::SvdBatch,
        Self::EighBatch,
        Self::TopKDecaying,
        Self::TopKFlat,
        Self::Project,
        Self::ProjectBatch,
        Self::Covariance,
        Self::CovarianceBlock,
        Self::Decoder,
    ];

    /// The words by which a filter finds it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Peak => "fma peak",
            Self::Svd => "svd",
            Self::SingularValues => "singular values",
            Self::Eigh => "eigh",
            Self::ClosedSvd => "closed svd",
            Self::ClosedEigh => "closed eigh",
            Self::SvdBatch => "svd batch",
            Self::EighBatch => "eigh batch",
            Self::TopKDecaying => "top-k decaying",
            Self::TopKFlat => "top-k flat",
            Self::Project => "project",
            Self::ProjectBatch => "project batch",
            Self::Covariance => "covariance",
            Self::CovarianceBlock => "covariance block",
            Self::Decoder => "decoder",
        }
    }

    /// The heading on the page.
    pub const fn title(self) -> &'static str {
        match self {
            Self::Peak => "Peak of the machine",
            Self::Svd => "Thin SVD",
            Self::SingularValues => "Singular values alone",
            Self::Eigh => "Symmetric eigendecomposition",
            Self::ClosedSvd => "SVD by formula",
            Self::ClosedEigh => "Symmetric eigendecomposition by formula",
            Self::SvdBatch => "SVD of 4096 matrices",
            Self::EighBatch => "Symmetric eigendecomposition of 4096 matrices",
            Self::TopKDecaying => "Leading triplets, decaying values",
            Self::TopKFlat => "Leading triplets, flat values",
            Self::Project => "Projection of one vector",
            Self::ProjectBatch => "Projection of 1024 vectors",
            Self::Covariance => "Covariance, one sample at a time",
            Self::CovarianceBlock => "Covariance, 64 samples at a time",
            Self::Decoder => "Decoder 8→32→64→784",
        }
    }

    /// What contenders in it are entered for. Where eigenmote is entered for the first, there is a
    /// cell; those who do the others take part.
    pub const fn jobs(self) -> &'static [Job] {
        match self {
            Self::Peak => &[Job::Peak],
            Self::Svd => &[Job::Svd],
            Self::SingularValues => &[Job::SingularValues],
            Self::Eigh => &[Job::Eigh],
            Self::ClosedSvd => &[Job::ClosedSvd, Job::Svd],
            Self::ClosedEigh => &[Job::ClosedEigh, Job::Eigh],
            Self::SvdBatch => &[Job::SvdBatch, Job::Svd],
            Self::EighBatch => &[Job::EighBatch, Job::Eigh],
            Self::TopKDecaying | Self::TopKFlat => &[Job::TopK, Job::Svd],
            Self::Project => &[Job::Project],
            Self::ProjectBatch => &[Job::ProjectBatch],
            Self::Covariance => &[Job::Covariance],
            Self::CovarianceBlock => &[Job::CovarianceBlock],
            Self::Decoder => &[Job::Decoder],
        }
    }

    /// Whether a contender may run out of iterations: it is then shown without a time.
    pub const fn may_give_up(self) -> bool {
        matches!(self, Self::TopKDecaying | Self::TopKFlat)
    }
}
