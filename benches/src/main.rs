//! This library beside its peers.
fn main() {}
