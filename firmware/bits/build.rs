//! More memory than an M0 has of its own.

#[path = "../board/link.rs"]
mod board;

fn main() {
    board::link("mps2");
}
