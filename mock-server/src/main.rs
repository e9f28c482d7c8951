//! The mock server's program; see [`mock_server::program`].

use std::process::ExitCode;

// Answers are many small buffers; mimalloc keeps them cheap on every platform.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    mock_server::program::main()
}
