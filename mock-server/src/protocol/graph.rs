//! Microsoft Graph as real clients speak it.

mod failure;
mod filter;
mod page;
mod prefer;
mod query;
mod route;
mod search;
mod times;
mod token;
