//! From a scenario file to a checked [`plan::Plan`].
//!
//! The file is read leniently, with the place of every value; all problems are reported at once with file, line and
//! help. A plan that exists is right: checking is its only way into the world.

pub mod plan;
