//! Journals: what passed between clients and a server, kept in files, read again, played again and judged.
//!
//! A journal is a file of JSON Lines, compressed with Zstandard: a [header](record::Header), then one
//! [record](record::Record) for each request. Nothing in it proves who somebody is: secrets are taken out on the way in.
//! Knows neither the control desk nor migrations.

pub mod har;
pub mod judge;
pub mod kept;
mod pieces;
pub mod read;
pub mod record;
pub mod recorder;
mod redact;
pub mod rehearse;
pub mod steps;
pub mod subject;
pub mod told;
pub mod witness;
pub mod write;
