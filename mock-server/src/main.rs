//! The mock server as a program of its own.

fn main() {}
