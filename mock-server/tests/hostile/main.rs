//! Whatever arrives is answered: mutated requests of real clients, random bytes, and clients that mean harm.
//!
//! `WAVETANK_HOSTILE` says how many mutated requests are tried; a million takes some minutes:
//!
//! ```sh
//! WAVETANK_HOSTILE=1000000 cargo test --release -p mock-server --test hostile -- --nocapture
//! ```

mod corpus;
mod decision;
mod harm;
mod mutate;
#[path = "../support/server.rs"]
mod server;
mod sockets;
mod target;
