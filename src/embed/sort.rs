//! Sorting in place that cannot panic, whatever the order it is given.

/// Heapsort of places `0..n` of `data`: `n·log₂ n` steps at most, no memory, not stable.
///
/// Source: Williams, "Algorithm 232: Heapsort", Comm. ACM 7 (1964).
pub(super) fn heap_sort<D: ?Sized>(
    data: &mut D,
    n: usize,
    less: impl Fn(&D, usize, usize) -> bool,
    swap: impl Fn(&mut D, usize, usize),
) {
    let sift = |data: &mut D, mut parent: usize, end: usize| {
        loop {
            let mut child = parent.saturating_mul(2).saturating_add(1);
            if child >= end {
                break;
            }
            if child + 1 < end && less(data, child, child + 1) {
                child += 1;
            }
            if !less(data, parent, child) {
                break;
            }
            swap(data, parent, child);
            parent = child;
        }
    };
    for parent in (0..n / 2).rev() {
        sift(data, parent, n);
    }
    for end in (1..n).rev() {
        swap(data, 0, end);
        sift(data, 0, end);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_short_sequences_are_sorted() {
        for code in 0..5_u32.pow(5) {
            let mut x: [u32; 5] = [1, 5, 25, 125, 625].map(|place| code / place % 5);
            let mut right = x;
            right.sort_unstable();
            heap_sort(&mut x[..], 5, |x, i, j| x[i] < x[j], <[u32]>::swap);
            assert_eq!(x, right);
        }
        heap_sort(&mut [0; 0][..], 0, |x, i, j| x[i] < x[j], <[u32]>::swap);
    }
}
