//! Recorded schedules: when each request was sent, and what it was.
//!
//! JSON Lines, one object a line, or CSV with a header; the same names in both: `at` (seconds since the beginning, as a
//! number), and if known `program`, `action` and `mailbox` (a number). What is not said is drawn as for a schedule that
//! is not recorded.

use std::io;
use std::sync::Arc;

use mock_server::time::{Moment, Span};
use serde::Deserialize;

use super::act::Action;
use super::arrival::Arrival;
use crate::scenario::program::Program;

/// One request of a recording.
#[derive(Copy, Clone, PartialEq, Eq, Debug)]
pub struct Entry {
    /// When it was sent, since the beginning.
    pub at: Span,
    /// Which program sent it.
    pub program: Option<Program>,
    /// What it asked for.
    pub action: Option<Action>,
    /// The mailbox that it was about.
    pub mailbox: Option<u32>,
}

/// A recorded schedule, in order of time.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Recording {
    entries: Vec<Entry>,
}

/// Why a recording cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum RecordingError {
    /// A line of JSON is wrong.
    #[error("line {line}")]
    Json {
        /// Which line, from one.
        line: usize,
        /// What is wrong with it.
        source: serde_json::Error,
    },
    /// A row of CSV is wrong.
    #[error("the table cannot be read")]
    Csv(#[from] csv::Error),
    /// The time of a request is no time.
    #[error("request {number}: `at` must be a number of seconds from 0 to 1,000,000,000")]
    At {
        /// Which request, from one.
        number: usize,
    },
    /// Nobody is called that.
    #[error("request {number}: there is no program `{name}`; there are {}", Program::ALL.map(Program::name).join(", "))]
    Program {
        /// Which request, from one.
        number: usize,
        /// What was written.
        name: String,
    },
    /// Nothing is called that.
    #[error("request {number}: there is no action `{name}`; there are {}", Action::ALL.map(Action::name).join(", "))]
    Action {
        /// Which request, from one.
        number: usize,
        /// What was written.
        name: String,
    },
    /// It holds no request.
    #[error("there is no request in it")]
    Empty,
    /// It cannot be read from where it is.
    #[error("the recording cannot be read")]
    Io(#[from] io::Error),
}

/// Longest recording, in seconds: 31 years.
const LONGEST: f64 = 1e9;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Row {
    at: f64,
    program: Option<String>,
    action: Option<String>,
    mailbox: Option<u32>,
}

impl Row {
    fn entry(self, number: usize) -> Result<Entry, RecordingError> {
        if !(0.0..=LONGEST).contains(&self.at) {
            return Err(RecordingError::At { number });
        }
        let program = |name: String| name.parse().map_err(|_| RecordingError::Program { number, name });
        let action = |name: String| name.parse().map_err(|_| RecordingError::Action { number, name });
        Ok(Entry {
            at: Span::from_seconds(self.at),
            program: self.program.map(program).transpose()?,
            action: self.action.map(action).transpose()?,
            mailbox: self.mailbox,
        })
    }
}

impl Recording {
    /// Reads a recording; JSON Lines if it begins with a brace, else CSV. Requests are put into order of time; of those
    /// of one moment, the one written first comes first.
    ///
    /// # Errors
    /// If it is neither, or something in it is wrong.
    pub fn read(text: &str) -> Result<Self, RecordingError> {
        let text = text.trim_start_matches('\u{feff}');
        let rows = if text.trim_start().starts_with('{') { json(text)? } else { table(text)? };
        let entries = rows.into_iter().enumerate().map(|(index, row)| row.entry(index + 1));
        let mut entries = entries.collect::<Result<Vec<_>, _>>()?;
        entries.sort_by_key(|entry| entry.at);
        if entries.is_empty() { Err(RecordingError::Empty) } else { Ok(Self { entries }) }
    }

    /// A recording of some requests, which must be in order of time.
    #[must_use]
    pub fn of(entries: Vec<Entry>) -> Self {
        debug_assert!(entries.is_sorted_by_key(|entry| entry.at), "requests are in order of time");
        Self { entries }
    }

    /// The requests.
    #[must_use]
    pub fn entries(&self) -> &[Entry] {
        &self.entries
    }

    /// When the last request was sent.
    #[must_use]
    pub fn length(&self) -> Span {
        self.entries.last().map_or(Span::ZERO, |entry| entry.at)
    }
}

fn json(text: &str) -> Result<Vec<Row>, RecordingError> {
    let lines = text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty());
    let row =
        |(index, line)| serde_json::from_str(line).map_err(|source| RecordingError::Json { line: index + 1, source });
    lines.map(row).collect()
}

fn table(text: &str) -> Result<Vec<Row>, RecordingError> {
    let mut reader = csv::ReaderBuilder::new().trim(csv::Trim::All).from_reader(text.as_bytes());
    Ok(reader.deserialize().collect::<Result<_, _>>()?)
}

/// The arrivals of a recording, numbered in its order.
#[derive(Clone, Debug)]
pub struct Arrivals {
    recording: Arc<Recording>,
    next: usize,
}

impl Arrivals {
    /// All of them.
    #[must_use]
    pub fn of(recording: Arc<Recording>) -> Self {
        Self { recording, next: 0 }
    }
}

impl Iterator for Arrivals {
    type Item = Arrival;

    fn next(&mut self) -> Option<Arrival> {
        let entry = self.recording.entries.get(self.next)?;
        let arrival = Arrival { number: self.next as u64, due: Moment::START + entry.at };
        self.next += 1;
        Some(arrival)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// When, what, and of which mailbox.
    type Asked = (f64, Option<Action>, Option<u32>);

    fn check(text: &str) -> Result<Vec<Asked>, String> {
        let recording = Recording::read(text).map_err(|error| error.to_string())?;
        Ok(recording.entries().iter().map(|entry| (entry.at.as_seconds(), entry.action, entry.mailbox)).collect())
    }

    #[test]
    fn both_forms_say_the_same() {
        let json = "{\"at\": 1.5, \"action\": \"send\", \"program\": \"web\"}\n\n{\"at\": 0, \"mailbox\": 7}\n";
        let table = "at,program,action,mailbox\n1.5, web, send,\n0,,,7\n";
        let expected = Ok(vec![(0.0, None, Some(7)), (1.5, Some(Action::Send), None)]);
        assert_eq!(check(json), expected);
        assert_eq!(check(table), expected);
    }

    #[test]
    fn what_is_wrong_is_said_with_its_place() {
        for (text, part) in [
            ("{\"at\": 0}\n{\"at\": \"x\"}", "line 2"),
            ("{\"at\": 0}\n{\"at\": -1}", "request 2"),
            ("{\"at\": 0, \"action\": \"dance\"}", "no action `dance`; there are sync, "),
            ("{\"at\": 0, \"program\": \"pine\"}", "no program `pine`; there are outlook, "),
            ("{\"at\": 0, \"verb\": 1}", "line 1"),
            ("at,action\n", "no request"),
            ("", "no request"),
            ("action\nsend\n", "cannot be read"),
        ] {
            let said = check(text).expect_err("it is wrong");
            assert!(said.contains(part), "{text}: {said}");
        }
    }

    #[test]
    fn arrivals_of_a_recording_are_its_requests() {
        let recording = Arc::new(Recording::read("at\n3\n1\n2\n").expect("a recording"));
        assert_eq!(recording.length(), Span::seconds(3));
        let due: Vec<_> = Arrivals::of(recording).map(|arrival| (arrival.number, arrival.due.as_seconds())).collect();
        assert_eq!(due, [(0, 1.0), (1, 2.0), (2, 3.0)]);
    }
}
