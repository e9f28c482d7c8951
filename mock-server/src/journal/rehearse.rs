//! A rehearsal: recorded refusals and delays are given to whoever asks now.
//!
//! A request is matched with a recorded one by its [`subject`] and, where both say whose it is, by its
//! mailbox, in the order of the recording. Other subjects and other mailboxes do not matter for that order, so requests
//! may come in another order than they did. A mailbox that the recording does not know follows whatever comes next.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;

use super::record::{Record, StepRecord};
use super::{subject, witness};
use crate::front::exchange::{Decision, Received};
use crate::service::remark;
use crate::service::reply::Spoil;
use crate::throttle::policy::announce::Form;
use crate::time::{Moment, Span};
use crate::wire::http::HttpAnswer;

/// What happened to a recorded request.
#[derive(Clone, PartialEq, Debug)]
pub struct Line {
    /// The mailbox, by address.
    pub mailbox: Option<String>,
    /// How long it took until the answer left.
    pub lasted: Span,
    /// The words in which it was refused; absent if the server is to answer by itself.
    pub refused: Option<HttpAnswer>,
    /// The wait that it names by a date, which is another one now.
    pub until: Option<Span>,
    /// How the answer was spoiled.
    pub spoil: Option<Spoil>,
}

impl Line {
    /// Turns what a server decides by itself into what was recorded. `decide` is asked unless the request was refused;
    /// `wall` is the wall clock at `now`.
    pub fn play(self, now: Moment, wall: Timestamp, decide: impl FnOnce() -> Decision) -> Decision {
        let decision = match self.refused {
            Some(mut answer) => {
                let header = answer.headers.iter_mut().find(|(name, _)| name.eq_ignore_ascii_case("retry-after"));
                if let (Some((_, date)), Some(wait)) = (header, self.until) {
                    *date = remark::write(Form::Date, self.lasted + wait, wall);
                }
                Decision::at_once(now, answer)
            }
            None => decide(),
        };
        Decision { ready: now + self.lasted, spoil: self.spoil.or(decision.spoil), ..decision }
    }
}

/// How far a rehearsal is.
#[derive(Copy, Clone, PartialEq, Eq, Debug, Default)]
pub struct Progress {
    /// Requests that were recorded.
    pub recorded: u64,
    /// Requests that found one of them.
    pub played: u64,
    /// Requests that found none, and were answered as if nothing were wrong.
    pub beyond: u64,
}

/// Recorded requests that have not been asked again.
#[derive(Clone, Debug, Default)]
pub struct Rehearsal {
    lines: BTreeMap<usize, Line>,
    by_subject: BTreeMap<String, BTreeSet<usize>>,
    by_owner: BTreeMap<(String, String), BTreeSet<usize>>,
    owners: BTreeSet<String>,
    progress: Progress,
}

impl Rehearsal {
    /// The rehearsal of some records. What concerns no mailbox, such as asking for tokens, is left to the server.
    #[must_use]
    pub fn new<'a>(records: impl IntoIterator<Item = &'a Record>) -> Self {
        let mut rehearsal = Self::default();
        let asked = |record: &&Record| {
            let (path, _) = subject::path_of(&record.url);
            record.status != 401 && !subject::proves(path)
        };
        for (number, record) in records.into_iter().filter(asked).enumerate() {
            let name = record.subject.clone();
            if let Some(owner) = record.mailbox.as_deref().map(str::to_lowercase) {
                rehearsal.by_owner.entry((owner.clone(), name.clone())).or_default().insert(number);
                rehearsal.owners.insert(owner);
            }
            rehearsal.by_subject.entry(name).or_default().insert(number);
            rehearsal.lines.insert(number, line(record));
        }
        rehearsal.progress.recorded = rehearsal.lines.len() as u64;
        rehearsal
    }

    /// How far it is.
    #[must_use]
    pub fn progress(&self) -> Progress {
        self.progress
    }

    /// What is to happen to a request; nothing if it proves nothing yet, so that it will be asked to, or if the recording
    /// has nothing more of its kind.
    pub fn next(&mut self, request: &Received) -> Option<Line> {
        let url = request.uri.path_and_query().map_or("/", hyper::http::uri::PathAndQuery::as_str);
        let proven = request.header("authorization").is_some() || request.has_session();
        if !proven || subject::proves(request.uri.path()) {
            return None;
        }
        let name = subject::subject(request.method.as_str(), url, &request.body);
        let anchor = || request.header("x-anchormailbox").map(str::to_lowercase);
        let owner = subject::mailbox(url).or_else(anchor).filter(|owner| self.owners.contains(owner));
        let number = match owner {
            Some(owner) => self.by_owner.get(&(owner, name.clone())).and_then(BTreeSet::first),
            None => self.by_subject.get(&name).and_then(BTreeSet::first),
        };
        let Some(number) = number.copied() else {
            self.progress.beyond += 1;
            return None;
        };
        let line = self.lines.remove(&number)?;
        self.progress.played += 1;
        if let Some(numbers) = self.by_subject.get_mut(&name) {
            numbers.remove(&number);
        }
        if let Some(owner) = line.mailbox.as_deref().map(str::to_lowercase)
            && let Some(numbers) = self.by_owner.get_mut(&(owner, name))
        {
            numbers.remove(&number);
        }
        Some(line)
    }
}

/// Whether the server itself refused a request, and not because of what it asked.
fn is_refused(record: &Record) -> bool {
    if !record.steps.is_empty() {
        return record.steps.iter().all(|step: &StepRecord| !step.admitted);
    }
    record.is_turned_away()
}

fn line(record: &Record) -> Line {
    let spoil = match record.spoiled.as_deref() {
        Some("reset") => Some(Spoil::Reset),
        Some("truncate") => Some(Spoil::Truncate),
        Some("malformed") => Some(Spoil::Malformed),
        Some("empty") => Some(Spoil::Empty),
        Some("wrong-length") => Some(Spoil::WrongLength),
        Some("drip") => Some(Spoil::Drip(Span(record.lasted_ns))),
        _ => None,
    };
    let refused = is_refused(record).then(|| witness::recorded(record));
    let says = refused.as_ref().and_then(|answer| answer.header("retry-after"));
    let by_date = says.is_some_and(|says| says.trim().parse::<f64>().is_err());
    Line {
        mailbox: record.mailbox.clone(),
        lasted: Span(record.lasted_ns),
        until: record.wait_ns.filter(|_| by_date).map(Span),
        refused,
        spoil,
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use hyper::header::{AUTHORIZATION, HeaderMap, HeaderValue};
    use hyper::{Method, Uri};

    use super::*;

    fn record(mailbox: &str, path: &str, status: u16) -> Record {
        let url = format!("http://localhost/v1.0/users/{mailbox}{path}");
        let refusal = (status == 429).then(|| "request_limit".to_owned());
        Record {
            subject: subject::subject("GET", &url, &[]),
            url,
            mailbox: Some(mailbox.into()),
            status,
            refusal,
            done: status < 400,
            lasted_ns: u64::from(status),
            ..Record::default()
        }
    }

    fn request(mailbox: &str, path: &str, proven: bool) -> Received {
        let mut headers = HeaderMap::new();
        if proven {
            headers.insert(AUTHORIZATION, HeaderValue::from_static("Bearer x"));
        }
        let uri: Uri = format!("/v1.0/users/{mailbox}{path}").parse().expect("a path");
        Received { method: Method::GET, uri, headers, peer: None, secure: false, body: Bytes::new() }
    }

    fn check(rehearsal: &mut Rehearsal, mailbox: &str, path: &str, expected: Option<(u64, bool)>) {
        let line = rehearsal.next(&request(mailbox, path, true));
        assert_eq!(line.map(|line| (line.lasted.0, line.refused.is_some())), expected, "{mailbox} {path}");
    }

    #[test]
    fn requests_find_their_likes_in_any_order() {
        let records = [
            record("a@x", "/messages", 429),
            record("b@x", "/messages", 200),
            record("a@x", "/mailFolders", 201),
            record("a@x", "/messages", 202),
        ];
        let mut rehearsal = Rehearsal::new(&records);
        assert_eq!(rehearsal.next(&request("a@x", "/messages", false)), None);
        check(&mut rehearsal, "a@x", "/mailFolders", Some((201, false)));
        check(&mut rehearsal, "b@x", "/messages", Some((200, false)));
        check(&mut rehearsal, "A@x", "/messages", Some((429, true)));
        check(&mut rehearsal, "b@x", "/messages", None);
        check(&mut rehearsal, "stranger@x", "/messages", Some((202, false)));
        assert_eq!(rehearsal.progress(), Progress { recorded: 4, played: 4, beyond: 1 });
    }

    #[test]
    fn a_wait_until_a_date_is_as_long_as_it_was() {
        let answer_headers = vec![("Retry-After".to_owned(), "Sat, 21 Nov 2026 07:00:09 GMT".to_owned())];
        let refused = Record { answer_headers, wait_ns: Some(9_000_000_000), ..record("a@x", "/messages", 429) };
        let line = Rehearsal::new([&refused]).next(&request("a@x", "/messages", true)).expect("it is known");
        let wall: Timestamp = "2031-01-02T03:04:05Z".parse().expect("a moment");
        let played = line.play(Moment::START, wall, || unreachable!("it was refused"));
        assert_eq!(played.answer.header("retry-after"), Some("Thu, 02 Jan 2031 03:04:15 GMT"));
    }

    #[test]
    fn what_the_work_itself_was_refused_for_is_left_to_the_server() {
        let missing = Record { refusal: Some("not_found".into()), done: false, ..record("a@x", "/messages", 404) };
        let mut rehearsal = Rehearsal::new([&missing]);
        check(&mut rehearsal, "a@x", "/messages", Some((404, false)));
    }
}
