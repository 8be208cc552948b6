//! Nodes of a graph as words: seeded random walks, and the matrix that infinitely many of them count.
//!
//! Walks of `DeepWalk` step to any neighbour; those of node2vec prefer to go back (`1/p`), to stay near
//! (1) or to go on (`1/q`). Their pairs in a window are counted as those of sentences
//! ([`PairCounts::add_window`](super::PairCounts::add_window)). In the limit the shifted PPMI of these
//! counts is a function of the adjacency matrix, which [`NetMf`] computes row by row.
//!
//! Source: Perozzi, Al-Rfou & Skiena, "`DeepWalk`", KDD (2014); Grover & Leskovec, "node2vec", KDD
//! (2016); Qiu et al., "Network embedding as matrix factorization", WSDM (2018).

use rand_core::Rng;

use super::vocab::place;
use super::{EmbedError, Table};
use crate::rng::{Generator, uniform};
use crate::{Scalar, simd};

/// A graph as lists of neighbours in compressed rows: those of node `i` are
/// `neighbours[row_ptr[i]..row_ptr[i + 1]]`, ascending. An undirected edge is in both lists.
#[derive(Clone, Copy, Debug)]
pub struct Graph<'a, T> {
    row_ptr: &'a [u32],
    neighbours: &'a [u32],
    /// Weights of the edges; if there are none, all weigh 1.
    weights: &'a [T],
}

impl<'a, T: Scalar> Graph<'a, T> {
    /// Checks the structure once. `weights` are positive, or none for edges alike.
    ///
    /// # Errors
    /// [`EmbedError::WrongLength`] for lists that do not fit together, [`EmbedError::UnknownId`] for
    /// neighbours that do not ascend or do not exist, [`EmbedError::Parameter`] for a weight that is
    /// not positive and finite.
    pub fn new(
        row_ptr: &'a [u32],
        neighbours: &'a [u32],
        weights: &'a [T],
    ) -> Result<Self, EmbedError> {
        let ascend = row_ptr.iter().zip(row_ptr.iter().skip(1)).all(|(a, b)| a <= b);
        let ends = row_ptr.first() == Some(&0)
            && row_ptr.last().is_some_and(|&n| n as usize == neighbours.len());
        if !(ends && ascend) || (!weights.is_empty() && weights.len() != neighbours.len()) {
            return Err(EmbedError::WrongLength);
        }
        if !weights.iter().all(|&w| w > T::ZERO && w.is_finite()) {
            return Err(EmbedError::Parameter);
        }
        let graph = Self { row_ptr, neighbours, weights };
        let nodes = graph.nodes();
        for i in 0..nodes {
            let list = graph.neighbours(i).0;
            let sorted = list.iter().zip(list.iter().skip(1)).all(|(a, b)| a < b);
            if !sorted || list.last().is_some_and(|&j| j as usize >= nodes) {
                return Err(EmbedError::UnknownId);
            }
        }
        Ok(graph)
    }

    /// Number of nodes.
    pub const fn nodes(&self) -> usize {
        self.row_ptr.len().saturating_sub(1)
    }

    /// Neighbours of a node and the weights of its edges, none if all weigh 1.
    pub fn neighbours(&self, node: usize) -> (&'a [u32], &'a [T]) {
        let end = |i| self.row_ptr.get(i).copied().unwrap_or_default() as usize;
        let range = end(node)..end(node.wrapping_add(1));
        let list = self.neighbours.get(range.clone()).unwrap_or(&[]);
        (list, self.weights.get(range).unwrap_or(&[]))
    }

    /// Sum of the weights of a node's edges.
    pub fn degree(&self, node: usize) -> T {
        let (list, weights) = self.neighbours(node);
        if self.weights.is_empty() {
            return T::from_usize(list.len());
        }
        weights.iter().fold(T::ZERO, |sum, &w| sum + w)
    }

    fn joined(&self, a: u32, b: u32) -> bool {
        self.neighbours(a as usize).0.binary_search(&b).is_ok()
    }

    /// `A[i][j]/√(dᵢ·dⱼ)`, the normalised adjacency matrix, in the places of the neighbours: values
    /// of a [`Csr`](crate::linalg::Csr) with the graph's lists.
    ///
    /// # Errors
    /// [`EmbedError::WrongLength`] unless there is a place per neighbour.
    pub fn normalized(&self, values: &mut [T]) -> Result<(), EmbedError> {
        if values.len() != self.neighbours.len() {
            return Err(EmbedError::WrongLength);
        }
        let mut values = values.iter_mut();
        for i in 0..self.nodes() {
            let (list, weights) = self.neighbours(i);
            let degree = self.degree(i);
            for (k, (&j, value)) in list.iter().zip(values.by_ref()).enumerate() {
                let weight = weights.get(k).copied().unwrap_or(T::ONE);
                let both = degree * self.degree(j as usize);
                *value = if both > T::ZERO { weight / both.sqrt() } else { T::ZERO };
            }
        }
        Ok(())
    }
}

/// How a walk chooses its way.
#[derive(Clone, Copy, Debug, PartialEq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Steps<T> {
    /// A step back to the node before has `1/p` times its weight.
    pub p: T,
    /// A step to a node that is no neighbour of the one before has `1/q` times its weight.
    pub q: T,
}

impl<T: Scalar> Default for Steps<T> {
    /// `p = q = 1`: `DeepWalk`.
    fn default() -> Self {
        Self { p: T::ONE, q: T::ONE }
    }
}

/// Candidates that are drawn for a step; after so many the last one is taken, which for `p` and `q`
/// between 1/10 and 10 happens less often than once in 10⁴ steps.
const MAX_TRIES: usize = 100;

/// Walks from a node until `out` is full or a node has no neighbours; returns how many nodes are in
/// `out`, the first one counted.
///
/// # Errors
/// [`EmbedError::UnknownId`] for a start that the graph does not have, [`EmbedError::Parameter`] for
/// `p` or `q` that is not positive and finite.
pub fn walk<T: Scalar>(
    graph: &Graph<'_, T>,
    start: u32,
    steps: &Steps<T>,
    rng: &mut Generator,
    out: &mut [u32],
) -> Result<usize, EmbedError> {
    if start as usize >= graph.nodes() {
        return Err(EmbedError::UnknownId);
    }
    let valid = |x: T| x > T::ZERO && x.is_finite() && (T::ONE / x).is_finite();
    if !(valid(steps.p) && valid(steps.q)) {
        return Err(EmbedError::Parameter);
    }
    let (back, on) = (T::ONE / steps.p, T::ONE / steps.q);
    let most = back.max(on).max(T::ONE);
    let plain = back == T::ONE && on == T::ONE;
    let (mut before, mut at, mut len) = (None, start, 0);
    for out in out.iter_mut() {
        *out = at;
        len += 1;
        let (list, weights) = graph.neighbours(at as usize);
        let heaviest = simd::max_abs(weights);
        let mut next = None;
        for _ in 0..MAX_TRIES {
            let k = place(rng.next_u32(), list.len());
            let Some(&candidate) = list.get(k) else { break };
            next = Some(candidate);
            let mut share = weights.get(k).map_or(T::ONE, |&w| w / heaviest);
            if let (Some(before), false) = (before, plain) {
                let bias = if candidate == before {
                    back
                } else if graph.joined(before, candidate) {
                    T::ONE
                } else {
                    on
                };
                share *= bias / most;
            }
            if !(share < T::ONE) || uniform::<T>(rng) < share {
                break;
            }
        }
        let Some(next) = next else { break };
        (before, at) = (Some(at), next);
    }
    Ok(len)
}

/// The matrix that `DeepWalk` factorises in the limit of many walks, from the leading eigenpairs of
/// the normalised adjacency matrix: `ln max(1, vol/b·D^−½·U·f(Λ)·Uᵀ·D^−½)` with
/// `f(λ) = (λ + λ² + … + λᵀ)/T` for a window of `T`.
#[derive(Clone, Copy, Debug)]
pub struct NetMf<'a, T> {
    rows: Table<'a, T>,
    factor: T,
}

impl<'a, T: Scalar> NetMf<'a, T> {
    /// Prepares rows `√f(λ)·u/√d` in `memory`, `nodes·rank` values.
    ///
    /// `u` holds the eigenvectors one after the other, as [`truncated_svd`] gives them, `eigenvalues`
    /// their values with sign: `s` times the sign of the product of left and right vector. Terms with a
    /// negative `f` are left out. `negatives` is `b`, the number of negative samples.
    ///
    /// # Errors
    /// [`EmbedError::WrongLength`] for slices that do not fit, [`EmbedError::Parameter`] for a window
    /// of 0 or `negatives` that is not positive, [`EmbedError::NotFinite`].
    ///
    /// [`truncated_svd`]: crate::linalg::truncated_svd
    pub fn new(
        graph: &Graph<'_, T>,
        u: &[T],
        eigenvalues: &[T],
        window: u32,
        negatives: T,
        memory: &'a mut [T],
    ) -> Result<Self, EmbedError> {
        let (n, rank) = (graph.nodes(), eigenvalues.len());
        if n.checked_mul(rank) != Some(u.len()) || memory.len() != u.len() {
            return Err(EmbedError::WrongLength);
        }
        if window == 0 || !(negatives > T::ZERO) {
            return Err(EmbedError::Parameter);
        }
        let mut volume = T::ZERO;
        for (i, row) in memory.chunks_mut(rank.max(1)).enumerate() {
            let degree = graph.degree(i);
            volume += degree;
            let root = if degree > T::ZERO { T::ONE / degree.sqrt() } else { T::ZERO };
            for (k, (out, &value)) in row.iter_mut().zip(eigenvalues).enumerate() {
                let share = window_mean(value, window).max(T::ZERO).sqrt();
                *out = share * root * crate::linalg::at(u, k.wrapping_mul(n).wrapping_add(i));
            }
        }
        let factor = volume / negatives;
        if !factor.is_finite() {
            return Err(EmbedError::NotFinite);
        }
        Ok(Self { rows: Table::new(memory, rank)?, factor })
    }

    /// Entry `(i, j)`; the matrix is symmetric, and most entries are zero.
    pub fn get(&self, i: usize, j: usize) -> T {
        let x = self.factor * simd::dot(self.rows.row(i), self.rows.row(j));
        if x > T::ONE { x.ln() } else { T::ZERO }
    }
}

/// `(λ + λ² + … + λᵀ)/T`.
fn window_mean<T: Scalar>(value: T, window: u32) -> T {
    let (mut sum, mut power) = (T::ZERO, T::ONE);
    for _ in 0..window {
        power *= value;
        sum += power;
    }
    sum / T::from_u32(window)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rng::seeded;

    /// A path 0 – 1 – 2 and a node alone.
    const PATH: ([u32; 5], [u32; 4]) = ([0, 1, 3, 4, 4], [1, 0, 2, 1]);

    #[test]
    fn walks_follow_edges_and_end_where_there_is_none() {
        let graph = Graph::<f32>::new(&PATH.0, &PATH.1, &[]).unwrap();
        let mut out = [9; 6];
        let mut rng = seeded(1);
        assert_eq!(walk(&graph, 0, &Steps::default(), &mut rng, &mut out), Ok(6));
        assert!(out.iter().zip(&out[1..]).all(|(a, b)| a.abs_diff(*b) == 1), "{out:?}");
        assert_eq!((walk(&graph, 3, &Steps::default(), &mut rng, &mut out), out[0]), (Ok(1), 3));
        let unknown = walk(&graph, 4, &Steps::default(), &mut rng, &mut out);
        assert_eq!(unknown, Err(EmbedError::UnknownId));
        let steps = Steps { p: 0.0, q: 1.0 };
        assert_eq!(walk(&graph, 0, &steps, &mut rng, &mut out), Err(EmbedError::Parameter));
    }

    #[test]
    fn a_large_p_does_not_go_back() {
        // From 1, having come from 0, the way back has a thousandth of the weight.
        let graph = Graph::<f32>::new(&PATH.0, &PATH.1, &[]).unwrap();
        let (mut out, mut rng) = ([0; 3], seeded(2));
        let steps = Steps { p: 1000.0, q: 1.0 };
        let back = (0..1000)
            .filter(|_| walk(&graph, 0, &steps, &mut rng, &mut out) == Ok(3) && out[2] == 0)
            .count();
        assert!(back < 10, "{back}");
    }

    #[test]
    fn heavy_edges_are_taken_in_proportion() {
        let graph = Graph::new(&PATH.0, &PATH.1, &[1.0_f64, 1.0, 3.0, 3.0]).unwrap();
        assert_eq!((graph.degree(1), graph.degree(3)), (4.0, 0.0));
        let (mut out, mut rng) = ([0; 2], seeded(3));
        let heavy = (0..4000)
            .filter(|_| {
                walk(&graph, 1, &Steps::default(), &mut rng, &mut out) == Ok(2) && out[1] == 2
            })
            .count();
        assert!((2900..3100).contains(&heavy), "{heavy}");
    }

    #[test]
    fn two_nodes_and_their_matrix_by_hand() {
        // One edge: eigenvalues ±1 with (1, ±1)/√2; f(1) = 1, f(−1) = 0 for a window of 2. vol = 2,
        // so every entry is 2·½ = 1 before and 0 after the logarithm, ln 2 for b = ½.
        let graph = Graph::new(&[0, 1, 2], &[1, 0], &[]).unwrap();
        let h = 0.5_f64.sqrt();
        let (mut memory, u) = ([0.0; 4], [h, h, h, -h]);
        let m = NetMf::new(&graph, &u, &[1.0, -1.0], 2, 0.5, &mut memory).unwrap();
        assert!(
            (m.get(0, 1) - 2.0_f64.ln()).abs() < 1e-15 && (m.get(0, 0) - m.get(0, 1)).abs() < 1e-15
        );
        let mut values = [0.0; 2];
        graph.normalized(&mut values).unwrap();
        assert_eq!(values, [1.0; 2]);
    }

    #[test]
    fn graphs_that_are_none_are_refused() {
        let new = |p: &'static [u32], n: &'static [u32], w| Graph::<f32>::new(p, n, w).err();
        assert_eq!(new(&[0, 1], &[0, 0], &[]), Some(EmbedError::WrongLength));
        assert_eq!(new(&[0, 2], &[0, 0], &[]), Some(EmbedError::UnknownId));
        assert_eq!(new(&[0, 1], &[1], &[]), Some(EmbedError::UnknownId));
        assert_eq!(new(&[0, 1], &[0], &[-1.0]), Some(EmbedError::Parameter));
        assert_eq!(new(&[], &[], &[]), Some(EmbedError::WrongLength));
    }
}
