//! More memory than an M0 has of its own: every routine at every size is a lot of code.

#[path = "../board/link.rs"]
mod board;

fn main() {
    board::link("mps2");
}
