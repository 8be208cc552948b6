//! Numbers and matrices from a fixed seed.

/// `SplitMix64` (Steele, Lea & Flood 2014): the runner must not depend on what it measures.
pub struct Random(pub u64);

impl Random {
    fn uniform(&mut self) -> f64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^= z >> 31;
        ((z >> 11) as f64 + 0.5) / (1_u64 << 53) as f64
    }

    /// Standard normal, by Box and Muller.
    pub fn normal(&mut self) -> f64 {
        let (radius, angle) = (self.uniform(), self.uniform());
        (-2.0 * radius.ln()).sqrt() * (core::f64::consts::TAU * angle).cos()
    }

    /// That many standard normal values.
    pub fn normals(&mut self, len: usize) -> Vec<f64> {
        (0..len).map(|_| self.normal()).collect()
    }

    /// The symmetric part of a matrix of normal values.
    pub fn symmetric(&mut self, n: usize) -> Vec<f64> {
        let mut a = self.normals(n * n);
        for j in 0..n {
            for i in 0..j {
                let mean = 0.5 * (a[i + j * n] + a[j + i * n]);
                a[i + j * n] = mean;
                a[j + i * n] = mean;
            }
        }
        a
    }

    /// An orthogonal matrix, by Gram and Schmidt, twice.
    fn orthogonal(&mut self, n: usize) -> Vec<f64> {
        let mut q: Vec<f64> = Vec::with_capacity(n * n);
        for _ in 0..n {
            let mut x = self.normals(n);
            for _ in 0..2 {
                for y in q.chunks_exact(n) {
                    let dot: f64 = x.iter().zip(y).map(|(x, y)| x * y).sum();
                    x.iter_mut().zip(y).for_each(|(x, y)| *x -= dot * y);
                }
                let norm = x.iter().map(|x| x * x).sum::<f64>().sqrt();
                x.iter_mut().for_each(|x| *x /= norm);
            }
            q.extend(x);
        }
        q
    }

    /// A square matrix with these singular values.
    pub fn with_singular_values(&mut self, s: &[f64]) -> Vec<f64> {
        let n = s.len();
        let (u, v) = (self.orthogonal(n), self.orthogonal(n));
        let mut a = vec![0.0; n * n];
        for ((u, v), s) in u.chunks_exact(n).zip(v.chunks_exact(n)).zip(s) {
            for (column, v) in a.chunks_exact_mut(n).zip(v) {
                column.iter_mut().zip(u).for_each(|(a, u)| *a += s * u * v);
            }
        }
        a
    }
}
