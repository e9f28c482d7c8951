//! Many small random scenarios, each a storm and then calm, and what must hold of every one of them.
//!
//! [`scenario`] writes a scenario for a seed, [`trial`] runs a scenario and holds what came of it against the laws in
//! [`law`], [`campaign`] does so for many seeds, and [`shrink`] makes a scenario that fails as small as it can be while
//! it still fails, and [`when`] finds the moment after which a failure was sealed. Looks at what both servers hold and not at what the pipeline says of itself; knows nothing of how a
//! mailbox is moved.

pub mod bound;
pub mod campaign;
pub mod condition;
pub mod law;
pub mod manners;
pub mod scenario;
pub mod shrink;
pub mod trial;
pub mod when;
