//! The `wavetank` command.

use std::process::ExitCode;

// Runs allocate many small futures and buffers of equal size; mimalloc keeps that cheap on every platform.
#[cfg(feature = "mimalloc")]
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    wavetank::cli::main()
}
