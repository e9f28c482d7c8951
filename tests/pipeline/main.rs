//! Laws of the pipeline as a whole, against the service core, in a world that is made for tests.

mod laws;
mod odd;
mod others;
mod rig;
mod rounds;
mod strange;
mod tree;
