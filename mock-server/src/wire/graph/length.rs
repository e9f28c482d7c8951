//! The lengths of requests and answers, which virtual time and batches know without writing them.

/// The lengths of a request, for batches: the headers are those of the JSON object that holds them.
#[derive(Copy, Clone)]
pub(super) struct Asked {
    pub(super) method: u64,
    pub(super) url: u64,
    pub(super) headers: u64,
    pub(super) body: u64,
    pub(super) json: bool,
}

impl Asked {
    pub(super) fn get(url: u64) -> Self {
        Self { method: 3, url, headers: 0, body: 0, json: true }
    }

    pub(super) fn post(url: u64, body: u64) -> Self {
        let headers = r#"{"Content-Type":"application/json"}"#.len() as u64;
        Self { method: 4, url, headers, body, json: true }
    }
}

pub(super) const JSON: bool = false;
pub(super) const TEXT: bool = true;
pub(super) const EMPTY: Frame = Frame { body: 0, text: false, retry_digits: None };

/// The lengths of an answer.
#[derive(Copy, Clone)]
pub(super) struct Frame {
    pub(super) body: u64,
    pub(super) text: bool,
    pub(super) retry_digits: Option<u64>,
}

impl Frame {
    pub(super) const fn new(body: u64, text: bool) -> Self {
        Self { body, text, retry_digits: None }
    }
}
