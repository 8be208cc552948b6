//! Names pictures of digits on a chip by descriptions in words, first with a table of eight digits, then with
//! two rows more: digits that the tower never saw. Everything has to be as the desktop finds it.
#![cfg_attr(target_os = "none", no_std)]
#![cfg_attr(target_os = "none", no_main)]

use pairs::{NEARER, PICTURES, SEEN, TABLES, TOWER, judge};

fn run() -> bool {
    let mut all = true;
    for (name, table, expected) in TABLES {
        let found = judge(TOWER, (table, SEEN, NEARER), PICTURES.as_chunks().0);
        let right = found.map_or([0; 2], |found| found.right);
        board::print(name);
        board::print(" descriptions:");
        for ((right, of), what) in
            right.into_iter().zip(expected.of).zip([" of digits that were seen", " of others\n"])
        {
            board::print(" ");
            board::print_number(right);
            board::print(" of ");
            board::print_number(of);
            board::print(what);
        }
        all &= board::verdict("named as on the desktop", found == Some(expected));
    }
    all
}

board::program!(run);
