//! The two protocols: what a client asks ([`call`], [`operation`]), what it hears ([`answer`], [`refusal`]), and how each is written
//! as bytes (`ews`, `graph`). No I/O, no clock, no state.
//!
//! A [`call::Call`] is neutral: it says what is wanted, not in which protocol. Each protocol reads and writes the calls
//! that it has. Both directions live here, so that client and server share one description of the bytes.

pub mod admin;
pub mod answer;
pub mod call;
pub mod codec;
pub mod entra;
pub mod ews;
pub mod graph;
pub mod heard;
pub mod http;
pub mod id;
pub mod identity;
pub mod opaque;
pub mod operation;
pub mod permission;
pub mod refusal;
pub mod stream;
