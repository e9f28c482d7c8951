//! What a journal holds: a header, and a record for each request.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::service::reply::Spent;
use crate::service::trace::{self, Step, Undone};
use crate::time::{Moment, Span};
use crate::wire::call::RequestIdentity;
use crate::wire::id::MailboxKey;
use crate::wire::refusal::{ItemError, Refusal, RefusalKind};

/// The version of this format.
pub const FORMAT: &str = "wavetank.journal/1";

/// The first line of a journal.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Header {
    /// The version of the format: [`FORMAT`].
    pub format: String,
    /// The program that wrote it.
    pub made_by: String,
    /// What the wall clock showed when the run began.
    pub began: Timestamp,
    /// How many times faster than the wall clock the time of the records ran.
    #[serde(default = "one")]
    pub time_scale: f64,
    /// What was run, if it was a scenario.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scenario: Option<Scenario>,
}

fn one() -> f64 {
    1.0
}

/// A scenario as it was run, so that a journal can be played again without the file.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct Scenario {
    /// The name of the file.
    pub file: String,
    /// The text of the file.
    pub text: String,
    /// What was changed in it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub overrides: Vec<String>,
    /// The seed, where it is not that of the file.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seed: Option<u64>,
    /// One mailbox in so many, if it was a scale model.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scale: Option<u32>,
}

/// One request and its answer, as the server saw them.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize)]
pub struct Record {
    /// Counted from 1 since the server began, in the order of arrival.
    pub number: u64,
    /// When the request had arrived whole: nanoseconds since the beginning.
    pub at_ns: u64,
    /// Nanoseconds until the answer left.
    pub lasted_ns: u64,
    /// Which server, where there were several: `source` or `target`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub server: Option<String>,
    /// The method.
    pub method: String,
    /// The URL as the client meant it, without what it proves.
    pub url: String,
    /// What the request is about, as far as that can be told of any client: see [`super::subject`].
    pub subject: String,
    /// The type of the request body.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub content_type: Option<String>,
    /// The request body, where bodies are kept.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub body: Option<String>,
    /// The mailbox concerned, by address, if it is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mailbox: Option<String>,
    /// The kind of call.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub operation: Option<String>,
    /// The number of the app that called; zero for clients with a password.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub app: Option<u32>,
    /// What the client calls itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user_agent: Option<String>,
    /// The HTTP status; zero where the connection failed.
    pub status: u16,
    /// Why it was refused: a name of [`RefusalKind`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refusal: Option<String>,
    /// The wait that was announced, in nanoseconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub wait_ns: Option<u64>,
    /// How the answer was spoiled on its way.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub spoiled: Option<String>,
    /// Whether the work was done, whatever the client heard of it.
    pub done: bool,
    /// Items that the work moved or removed.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub items: u64,
    /// Length of the request body in bytes.
    pub request_bytes: u64,
    /// Length of the answer's body in bytes.
    pub answer_bytes: u64,
    /// A fingerprint of the request: the same request, sent again, has the same.
    pub key: Key,
    /// What the request would make: a fingerprint of each piece, and whether it was made.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub makes: Vec<Piece>,
    /// The pieces of work, where the server tells.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub steps: Vec<StepRecord>,
    /// The answer's headers that concern throttling and identity.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub answer_headers: Vec<(String, String)>,
    /// The beginning of an error answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks for a reference")]
fn is_zero(number: &u64) -> bool {
    *number == 0
}

/// A fingerprint, written as sixteen hexadecimal digits, because many readers of JSON round large numbers.
#[derive(Copy, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub struct Key(pub u64);

impl From<Key> for String {
    fn from(key: Key) -> Self {
        format!("{:016x}", key.0)
    }
}

impl TryFrom<String> for Key {
    type Error = std::num::ParseIntError;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        u64::from_str_radix(&text, 16).map(Self)
    }
}

/// Something that a request would make.
#[derive(Copy, Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Piece {
    /// Its fingerprint.
    pub key: Key,
    /// Whether it was made.
    pub done: bool,
}

/// One piece of work.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct StepRecord {
    /// The number of the mailbox.
    pub mailbox: u32,
    /// The kind of work.
    pub operation: String,
    /// The number of the request, and how often it was tried before.
    pub request: (u64, u32),
    /// Whether faults and limits let it pass.
    pub admitted: bool,
    /// Why it has no outcome: the kind, the HTTP status and the announced wait in nanoseconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refusal: Option<(String, u16, Option<u64>)>,
    /// How a fault struck it beyond refusing it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub strike: Option<String>,
    /// Items that it moved or removed.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub items: u64,
    /// Items that were left undone: the place, the kind of error, and the announced wait in nanoseconds.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub undone: Vec<(u32, String, Option<u64>)>,
    /// Where the time went, in nanoseconds: delayed, queued, served.
    pub spent_ns: [u64; 3],
}

/// A word in a record that nobody knows.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("there is no {what} `{word}`")]
pub struct UnknownWord {
    what: &'static str,
    word: String,
}

impl From<&Step> for StepRecord {
    fn from(step: &Step) -> Self {
        let Step { mailbox, operation, identity, admitted, refusal, strike, items, ref undone, spent } = *step;
        let left = |&Undone { place, error }: &Undone| {
            (place, error.kind.name().to_owned(), error.retry_after.map(|wait| wait.0))
        };
        let refusal = refusal
            .map(|Refusal { kind, status, retry_after }| (kind.name().to_owned(), status, retry_after.map(|it| it.0)));
        Self {
            mailbox: mailbox.0,
            operation: operation.name().to_owned(),
            request: (identity.request, identity.attempt),
            admitted,
            refusal,
            strike: strike.and_then(trace::strike_name),
            items,
            undone: undone.iter().map(left).collect(),
            spent_ns: [spent.delayed.0, spent.queued.0, spent.served.0],
        }
    }
}

impl TryFrom<&StepRecord> for Step {
    type Error = UnknownWord;

    fn try_from(step: &StepRecord) -> Result<Self, UnknownWord> {
        let unknown = |what, word: &str| UnknownWord { what, word: word.to_owned() };
        let refusal = |(name, status, wait): &(String, u16, Option<u64>)| {
            let kind = name.parse().map_err(|_| unknown("kind of refusal", name))?;
            Ok(Refusal { kind, status: *status, retry_after: wait.map(Span) })
        };
        let left = |(place, name, wait): &(u32, String, Option<u64>)| {
            let kind = name.parse().map_err(|_| unknown("kind of an item's error", name))?;
            Ok(Undone { place: *place, error: ItemError { kind, retry_after: wait.map(Span) } })
        };
        let strike = |name: &String| trace::strike_named(name).ok_or_else(|| unknown("strike", name));
        let [delayed, queued, served] = step.spent_ns.map(Span);
        let (request, attempt) = step.request;
        Ok(Self {
            mailbox: MailboxKey(step.mailbox),
            operation: step.operation.parse().map_err(|_| unknown("operation", &step.operation))?,
            identity: RequestIdentity::new(request, attempt),
            admitted: step.admitted,
            refusal: step.refusal.as_ref().map(refusal).transpose()?,
            strike: step.strike.as_ref().map(strike).transpose()?,
            items: step.items,
            undone: step.undone.iter().map(left).collect::<Result<_, _>>()?,
            spent: Spent { delayed, queued, served },
        })
    }
}

impl Record {
    /// When the request had arrived.
    #[must_use]
    pub const fn at(&self) -> Moment {
        Moment(self.at_ns)
    }

    /// When the answer left.
    #[must_use]
    pub const fn answered(&self) -> Moment {
        Moment(self.at_ns.saturating_add(self.lasted_ns))
    }

    /// The wait that was announced.
    #[must_use]
    pub fn wait(&self) -> Option<Span> {
        self.wait_ns.map(Span)
    }

    /// Why it was refused.
    #[must_use]
    pub fn kind(&self) -> Option<RefusalKind> {
        self.refusal.as_deref().and_then(|name| name.parse().ok())
    }

    /// Whether the server itself refused it, and not because of what was asked.
    #[must_use]
    pub fn is_turned_away(&self) -> bool {
        let passes = |kind: RefusalKind| kind.is_transient() || kind == RefusalKind::SyncStateLost;
        !self.done && self.kind().is_some_and(passes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fault::plan::Strike;
    use crate::wire::operation::Operation;
    use crate::wire::refusal::ItemErrorKind;

    #[test]
    fn steps_survive_being_written_and_read() {
        let refusal = Refusal { kind: RefusalKind::ServerBusy, status: 500, retry_after: Some(Span(3)) };
        let step = Step {
            mailbox: MailboxKey(7),
            operation: Operation::UploadItems,
            identity: RequestIdentity::new(u64::MAX, 2),
            admitted: false,
            refusal: Some(refusal),
            strike: Some(Strike::LoseAnswer),
            items: 4,
            undone: vec![
                Undone { place: 1, error: ItemError { kind: ItemErrorKind::Busy, retry_after: Some(Span(9)) } },
                Undone { place: 3, error: ItemError { kind: ItemErrorKind::Stopped, retry_after: None } },
            ],
            spent: Spent { delayed: Span(1), queued: Span(2), served: Span(3) },
        };
        let text = serde_json::to_string(&StepRecord::from(&step)).expect("it can be written");
        let read: StepRecord = serde_json::from_str(&text).expect("it can be read");
        assert_eq!(Step::try_from(&read), Ok(step));
    }

    #[test]
    fn unknown_words_are_named() {
        let step = StepRecord {
            mailbox: 0,
            operation: "dance".into(),
            request: (0, 0),
            admitted: true,
            refusal: None,
            strike: None,
            items: 0,
            undone: Vec::new(),
            spent_ns: [0; 3],
        };
        let error = Step::try_from(&step).expect_err("nobody dances");
        assert_eq!(error.to_string(), "there is no operation `dance`");
    }
}
