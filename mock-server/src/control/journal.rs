//! The journal: what passed, most recent last, in bounded memory.
//!
//! It holds no secrets: headers that prove who somebody is are left out, URLs are kept without what they prove, bodies are
//! kept only of error answers, and nothing but the bare path is kept of token requests.

use std::collections::VecDeque;

use hyper::Method;
use jiff::{SignedDuration, Timestamp};
use serde::Serialize;

use crate::front::exchange::{About, Decision, Received};
use crate::journal::kept::{self, HEADERS};
use crate::journal::witness::spoil_name;
use crate::service::reply::Spoil;
use crate::time::{Moment, Span};
use crate::wire::id::MailboxKey;
use crate::wire::operation::Operation;

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
    /// Only of this mailbox.
    pub mailbox: Option<MailboxKey>,
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
    fn takes(&self, line: &Line) -> bool {
        let refusal = line.about.and_then(|about| about.refusal);
        let operation = line.about.map(|about| about.operation.name());
        self.mailbox.is_none_or(|mailbox| line.about.is_some_and(|about| about.mailbox == mailbox))
            && self
                .operation
                .as_ref()
                .is_none_or(|wanted| operation.is_some_and(|own| own.eq_ignore_ascii_case(wanted)))
            && self.status.is_none_or(|status| status == line.status)
            && (!self.refused || refusal.is_some() || line.spoil.is_some() || line.status >= 400)
            && line.number > self.after
    }
}

/// Texts that are kept of a request and its answer: the URL, what the client calls itself, the beginning of an error, and
/// the headers.
const TEXTS: usize = 3 + HEADERS.len();

/// What is kept of a request: an entry before anybody asks for it. Most are never read, so as little as possible is done
/// for each; the texts of all are one after another in one piece of memory.
#[derive(Debug)]
struct Line {
    number: u64,
    at: Moment,
    lasted: Span,
    method: Method,
    about: Option<About>,
    status: u16,
    spoil: Option<Spoil>,
    request_bytes: usize,
    answer_bytes: usize,
    /// Where each of its texts ends, counted from the first; those that are missing are empty.
    ends: [u32; TEXTS],
}

impl Line {
    /// Length of its texts in bytes.
    fn length(&self) -> usize {
        self.ends[TEXTS - 1] as usize
    }

    /// The entry, for a server whose clock showed zero at `began`. `address` tells whose mailbox it is; `texts` are its
    /// texts.
    fn entry(&self, began: Timestamp, address: &impl Fn(MailboxKey) -> String, texts: &str) -> Entry {
        let text = |place: usize| {
            let begin = if place == 0 { 0 } else { self.ends[place - 1] as usize };
            let text = &texts[begin..self.ends[place] as usize];
            (!text.is_empty()).then(|| text.to_owned())
        };
        let header = |(place, name): (usize, &&str)| Some(((*name).to_owned(), text(3 + place)?));
        Entry {
            number: self.number,
            at: began + SignedDuration::from_nanos(i64::try_from(self.at.0).unwrap_or(i64::MAX)),
            method: self.method.to_string(),
            url: text(0).unwrap_or_default(),
            mailbox: self.about.map(|about| address(about.mailbox)),
            operation: self.about.map(|about| about.operation).map(Operation::name),
            app: self.about.map(|about| about.app),
            status: self.status,
            refusal: self.about.and_then(|about| about.refusal).map(|refusal| refusal.kind.name()),
            spoiled: self.spoil.map(spoil_name),
            milliseconds: self.lasted.as_seconds() * 1e3,
            request_bytes: self.request_bytes,
            answer_bytes: self.answer_bytes,
            user_agent: text(1),
            answer_headers: HEADERS.iter().enumerate().filter_map(header).collect(),
            error: text(2),
        }
    }
}

/// The journal of a server whose clock showed zero at `began`.
#[derive(Debug)]
pub(super) struct Journal {
    began: Timestamp,
    lines: VecDeque<Line>,
    written: u64,
    /// The texts of all lines, one after another.
    texts: VecDeque<u8>,
    /// Where the texts of a line are put together.
    draft: String,
}

impl Journal {
    /// A journal of nothing yet.
    pub(super) fn new(began: Timestamp) -> Self {
        Self { began, lines: VecDeque::new(), written: 0, texts: VecDeque::new(), draft: String::new() }
    }

    /// Adds a request and what became of it; the oldest makes room.
    pub(super) fn add(&mut self, now: Moment, request: &Received, decision: &Decision) {
        if self.lines.len() == ENTRIES
            && let Some(oldest) = self.lines.pop_front()
        {
            self.texts.drain(..oldest.length());
        }
        self.written += 1;
        let Decision { answer, about, spoil, ready, .. } = decision;
        let (texts, mut ends) = (&mut self.draft, [0; TEXTS]);
        texts.clear();
        kept::write_url(request, texts);
        ends[0] = texts.len() as u32;
        texts.push_str(kept::agent(request).unwrap_or_default());
        ends[1] = texts.len() as u32;
        texts.push_str(&kept::error(request, answer).unwrap_or_default());
        ends[2] = texts.len() as u32;
        for (place, name) in HEADERS.iter().enumerate() {
            texts.push_str(&kept::header(answer, name).unwrap_or_default());
            ends[3 + place] = texts.len() as u32;
        }
        self.texts.extend(texts.as_bytes());
        self.lines.push_back(Line {
            number: self.written,
            at: now,
            lasted: ready.since(now),
            method: request.method.clone(),
            about: *about,
            status: answer.status,
            spoil: *spoil,
            request_bytes: request.body.len(),
            answer_bytes: answer.body.len(),
            ends,
        });
    }

    /// How many entries were ever written; those that made room included.
    pub(super) fn written(&self) -> u64 {
        self.written
    }

    /// The entries that a filter takes, oldest first. `address` tells whose a mailbox is. Whoever looks asks again and
    /// again, and mostly for the last ones: nothing is made of the others.
    pub(super) fn select(&self, filter: &Filter, address: impl Fn(MailboxKey) -> String) -> Vec<Entry> {
        let (mut found, mut end) = (Vec::new(), self.texts.len());
        for line in self.lines.iter().rev() {
            if line.number <= filter.after || filter.last.is_some_and(|last| found.len() >= last) {
                break;
            }
            let begin = end - line.length();
            if filter.takes(line) {
                let bytes = self.texts.range(begin..end).copied().collect();
                let texts = String::from_utf8(bytes).expect("texts were put in whole");
                found.push(line.entry(self.began, &address, &texts));
            }
            end = begin;
        }
        found.reverse();
        found
    }

    /// Forgets all entries; numbers go on.
    pub(super) fn clear(&mut self) {
        self.lines.clear();
        self.texts.clear();
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use hyper::{HeaderMap, Uri};

    use super::*;
    use crate::wire::http::HttpAnswer;

    /// A list of folders of the mailbox of a number, which takes a second.
    fn add(journal: &mut Journal, mailbox: u32, status: u16) {
        let mut headers = HeaderMap::new();
        headers.insert("user-agent", "Client/1".parse().expect("a header"));
        let uri = Uri::from_static("/api/x?authtoken=s&a=b");
        let request = Received { method: Method::GET, uri, headers, peer: None, secure: true, body: Bytes::new() };
        let headers = vec![("retry-after", "7".to_owned()), ("X-Other", "x".to_owned())];
        let about = About { app: 3, mailbox: MailboxKey(mailbox), operation: Operation::FindFolders, refusal: None };
        let answer = HttpAnswer { status, headers, body: b"text".to_vec() };
        let ready = Moment::START + Span::seconds(1);
        let decision = Decision { answer, ready, spoil: None, about: Some(about), ongoing: None };
        journal.add(Moment::START, &request, &decision);
    }

    fn all(journal: &Journal, filter: &Filter) -> Vec<Entry> {
        journal.select(filter, |mailbox| format!("{}@b", mailbox.0))
    }

    fn check(filter: &Filter, expected: &[u64]) {
        let mut journal = Journal::new(Timestamp::UNIX_EPOCH);
        for (mailbox, status) in [(1, 200), (2, 429), (1, 503)] {
            add(&mut journal, mailbox, status);
        }
        let found: Vec<_> = all(&journal, filter).iter().map(|entry| entry.number).collect();
        assert_eq!(found, expected, "{filter:?}");
    }

    #[test]
    fn filters_take_what_they_say() {
        check(&Filter::default(), &[1, 2, 3]);
        check(&Filter { mailbox: Some(MailboxKey(1)), ..Filter::default() }, &[1, 3]);
        check(&Filter { refused: true, ..Filter::default() }, &[2, 3]);
        check(&Filter { status: Some(429), ..Filter::default() }, &[2]);
        check(&Filter { after: 1, last: Some(1), ..Filter::default() }, &[3]);
        check(&Filter { operation: Some("no_such".into()), ..Filter::default() }, &[]);
    }

    #[test]
    fn the_oldest_entries_make_room_and_numbers_go_on() {
        let mut journal = Journal::new(Timestamp::UNIX_EPOCH);
        (0..ENTRIES + 5).for_each(|_| add(&mut journal, 1, 200));
        let all = all(&journal, &Filter::default());
        assert_eq!((all.len(), all[0].number), (ENTRIES, 6));
    }

    #[test]
    fn an_entry_says_all_that_is_kept() {
        let mut journal = Journal::new(Timestamp::UNIX_EPOCH);
        add(&mut journal, 1, 200);
        add(&mut journal, 2, 429);
        let entries = all(&journal, &Filter::default());
        let refused = Entry {
            number: 2,
            at: Timestamp::UNIX_EPOCH,
            method: "GET".into(),
            url: "https://localhost/api/x?authtoken=REDACTED&a=b".into(),
            mailbox: Some("2@b".into()),
            operation: Some("find_folders"),
            app: Some(3),
            status: 429,
            refusal: None,
            spoiled: None,
            milliseconds: 1_000.0,
            request_bytes: 0,
            answer_bytes: 4,
            user_agent: Some("Client/1".into()),
            answer_headers: vec![("Retry-After".into(), "7".into())],
            error: Some("text".into()),
        };
        assert_eq!(entries[1], refused);
        assert_eq!(entries[0].error, None);
    }
}
