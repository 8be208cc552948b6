//! Results have the same bits on every target.
//!
//! The same groups run on an emulated Cortex-M4F and on `AArch64`: `firmware/bits`. With the feature
//! `fast` sums have the bits of the machine: they are only seen to come again. Integers, random
//! values, and what is coded with a given model keep theirs.
#![allow(missing_docs, unreachable_pub, clippy::expect_used, clippy::indexing_slicing)]

#[path = "support/bits.rs"]
mod bits;

#[test]
fn every_group_has_its_pinned_bits() {
    let mut differing = 0;
    for group in bits::GROUPS {
        let hash = (group.hash)();
        let integers = ["scalar", "rng", "network int8", "bounded", "transform", "tables"];
        let pinned = !cfg!(feature = "fast") || integers.iter().any(|i| group.name.starts_with(i));
        let expected = if pinned { group.pinned } else { (group.hash)() };
        if hash != expected {
            eprintln!("{}: {hash:#018x}, expected {expected:#018x}", group.name);
            differing += 1;
        }
    }
    assert_eq!(differing, 0, "groups with other bits than the pinned ones");
}
