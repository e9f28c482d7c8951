//! The journal: what passed, most recent last, in bounded memory.
//!
//! It holds no secrets: headers that prove who somebody is are left out, URLs are kept without what they prove, bodies are
//! kept only of error answers, and nothing but the bare path is kept of token requests.

use std::collections::VecDeque;

use jiff::Timestamp;
use serde::Serialize;

use crate::time::Span;

/// Most entries that are kept (assumed: an hour of a busy client).
pub const ENTRIES: usize = 20_000;

/// One request and its answer.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub struct Entry {
    /// Counted from 1 since the server began.
    pub number: u64,
    /// When the request had arrived whole.
    pub at: Timestamp,
    /// The method.
    pub method: String,
    /// The URL as the client meant it: host, path and query, without what it proves.
    pub url: String,
    /// The mailbox concerned, by address, if the request came that far.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mailbox: Option<String>,
    /// The kind of call.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub operation: Option<&'static str>,
    /// The number of the app that called; zero for clients with a password.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub app: Option<u32>,
    /// The HTTP status.
    pub status: u16,
    /// Why it was refused.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub refusal: Option<&'static str>,
    /// How the answer was spoiled on its way, `reset` for example.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub spoiled: Option<&'static str>,
    /// Milliseconds from the request's arrival until the answer left.
    pub milliseconds: f64,
    /// Length of the request body in bytes.
    pub request_bytes: usize,
    /// Length of the answer's body in bytes.
    pub answer_bytes: usize,
    /// What the client calls itself.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub user_agent: Option<String>,
    /// The answer's headers that concern throttling and identity.
    pub answer_headers: Vec<(String, String)>,
    /// The beginning of an error answer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
}

/// Which entries are wanted. Every condition must hold.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub struct Filter {
    /// Only of this mailbox, by address.
    pub mailbox: Option<String>,
    /// Only of this operation.
    pub operation: Option<String>,
    /// Only of this status.
    pub status: Option<u16>,
    /// Only refused or spoiled ones.
    pub refused: bool,
    /// Only after this number.
    pub after: u64,
    /// Only the last so many.
    pub last: Option<usize>,
}

impl Filter {
    fn takes(&self, entry: &Entry) -> bool {
        let same = |wanted: &Option<String>, found: Option<&str>| {
            wanted.as_ref().is_none_or(|wanted| found.is_some_and(|found| found.eq_ignore_ascii_case(wanted)))
        };
        same(&self.mailbox, entry.mailbox.as_deref())
            && same(&self.operation, entry.operation)
            && self.status.is_none_or(|status| status == entry.status)
            && (!self.refused || entry.refusal.is_some() || entry.spoiled.is_some() || entry.status >= 400)
            && entry.number > self.after
    }
}

/// The journal.
#[derive(Debug, Default)]
pub struct Journal {
    entries: VecDeque<Entry>,
    written: u64,
}

impl Journal {
    /// Adds an entry and numbers it; the oldest makes room.
    pub fn add(&mut self, entry: Entry) {
        if self.entries.len() == ENTRIES {
            self.entries.pop_front();
        }
        self.written += 1;
        self.entries.push_back(Entry { number: self.written, ..entry });
    }

    /// How many entries were ever written; those that made room included.
    #[must_use]
    pub fn written(&self) -> u64 {
        self.written
    }

    /// The entries that a filter takes, oldest first.
    #[must_use]
    pub fn select(&self, filter: &Filter) -> Vec<&Entry> {
        let mut found: Vec<_> = self.entries.iter().filter(|entry| filter.takes(entry)).collect();
        if let Some(last) = filter.last {
            found.drain(..found.len().saturating_sub(last));
        }
        found
    }

    /// Forgets all entries; numbers go on.
    pub fn clear(&mut self) {
        self.entries.clear();
    }
}

/// Milliseconds of a span.
#[must_use]
pub fn milliseconds(span: Span) -> f64 {
    span.as_seconds() * 1e3
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(mailbox: &str, status: u16) -> Entry {
        Entry {
            number: 0,
            at: Timestamp::UNIX_EPOCH,
            method: "GET".into(),
            url: "http://localhost/".into(),
            mailbox: Some(mailbox.into()),
            operation: Some("find_folders"),
            app: None,
            status,
            refusal: None,
            spoiled: None,
            milliseconds: 0.0,
            request_bytes: 0,
            answer_bytes: 0,
            user_agent: None,
            answer_headers: Vec::new(),
            error: None,
        }
    }

    fn check(filter: &Filter, expected: &[u64]) {
        let mut journal = Journal::default();
        for (mailbox, status) in [("a@b", 200), ("c@d", 429), ("a@b", 503)] {
            journal.add(entry(mailbox, status));
        }
        let found: Vec<_> = journal.select(filter).iter().map(|entry| entry.number).collect();
        assert_eq!(found, expected, "{filter:?}");
    }

    #[test]
    fn filters_take_what_they_say() {
        check(&Filter::default(), &[1, 2, 3]);
        check(&Filter { mailbox: Some("A@B".into()), ..Filter::default() }, &[1, 3]);
        check(&Filter { refused: true, ..Filter::default() }, &[2, 3]);
        check(&Filter { status: Some(429), ..Filter::default() }, &[2]);
        check(&Filter { after: 1, last: Some(1), ..Filter::default() }, &[3]);
        check(&Filter { operation: Some("no_such".into()), ..Filter::default() }, &[]);
    }

    #[test]
    fn the_oldest_entries_make_room_and_numbers_go_on() {
        let mut journal = Journal::default();
        (0..ENTRIES + 5).for_each(|_| journal.add(entry("a@b", 200)));
        let all = journal.select(&Filter::default());
        assert_eq!((all.len(), all[0].number), (ENTRIES, 6));
    }
}
