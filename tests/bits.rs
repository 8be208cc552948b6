//! Results have the same bits on every target.
//!
//! The same groups run on an emulated Cortex-M4F and on `AArch64`: `firmware/bits`. With the feature
//! `fast` the bits belong to the machine, and are only seen to be the same again.
#![allow(missing_docs, unreachable_pub, clippy::expect_used, clippy::indexing_slicing)]

#[path = "support/bits.rs"]
mod bits;

#[test]
fn every_group_has_its_pinned_bits() {
    let mut differing = 0;
    for group in bits::GROUPS {
        let hash = (group.hash)();
        let expected = if cfg!(feature = "fast") { (group.hash)() } else { group.pinned };
        if hash != expected {
            eprintln!("{}: {hash:#018x}, expected {expected:#018x}", group.name);
            differing += 1;
        }
    }
    assert_eq!(differing, 0, "groups with other bits than the pinned ones");
}
