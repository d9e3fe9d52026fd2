//! Prints what C compilers must agree with, for tests/consume/layout.py.
fn main() {
    for (what, value) in autoenc::sys::layout() {
        println!("{} {}", what, value);
    }
}
