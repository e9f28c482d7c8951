//! Fields of items: what EWS calls them, how they are written and read, and where they are kept.
//!
//! Everything scalar is a MAPI property of the item; a field is a view of one or several. [`tables`] lists them.

pub(super) mod basics;
pub(super) mod body;
pub(super) mod calendar;
pub(super) mod codec;
pub(super) mod contact;
pub(super) mod extended;
pub(super) mod field;
pub(super) mod files;
pub(super) mod indexed;
pub(super) mod path;
pub(super) mod people;
pub(super) mod props;
pub(super) mod recurring;
pub(super) mod scene;
pub(super) mod shape;
pub(super) mod sort;
pub(super) mod special;
pub(super) mod tables;
pub(super) mod task;
pub(super) mod times;
