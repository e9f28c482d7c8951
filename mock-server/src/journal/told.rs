//! What a judge is told of one request: the same whether it passes right now or was read from a file.

use std::borrow::Cow;

use super::record::{Key, Piece, Record};
use super::subject;
use crate::time::{Moment, Span};
use crate::wire::refusal::RefusalKind;

/// What a judge is told of one request. Everything is borrowed: it is told of every request that is answered, and of most
/// there is nothing to remember.
#[derive(Clone, Debug)]
pub struct Told<'a> {
    /// Its number in the journal.
    pub number: u64,
    /// When the request had arrived whole.
    pub at: Moment,
    /// When the answer left.
    pub answered: Moment,
    /// Which server, where there are several.
    pub server: Option<&'a str>,
    /// The mailbox concerned, by address.
    pub mailbox: Option<&'a str>,
    /// What the client calls itself.
    pub agent: Option<&'a str>,
    /// The number of the app that called.
    pub app: Option<u32>,
    /// Why it was refused.
    pub refusal: Option<RefusalKind>,
    /// The wait that was announced.
    pub wait: Option<Span>,
    /// Whether the answer was spoiled on its way.
    pub is_spoiled: bool,
    /// The HTTP status; zero where the connection failed.
    pub status: u16,
    /// Whether the service worked on it.
    pub is_work: bool,
    /// Whether the work was done, whatever the client heard of it.
    pub done: bool,
    /// Items that the work moved or removed.
    pub items: u64,
    /// Length of the request body in bytes.
    pub request_bytes: u64,
    /// A fingerprint of the request.
    pub key: Key,
    /// What the request would make.
    pub makes: &'a [Piece],
    /// What it is about.
    pub subject: Subject<'a>,
}

/// What a request is about, worked out only where it is shown.
#[derive(Copy, Clone, Debug)]
pub enum Subject<'a> {
    /// It is known.
    Known(&'a str),
    /// It is read from the request.
    Of {
        /// The method.
        method: &'a str,
        /// The path and query.
        url: &'a str,
        /// The body.
        body: &'a [u8],
    },
}

impl<'a> Subject<'a> {
    /// What it is about, in the words of [`subject`].
    #[must_use]
    pub fn name(&self) -> Cow<'a, str> {
        match *self {
            Self::Known(name) => Cow::Borrowed(name),
            Self::Of { method, url, body } => Cow::Owned(subject::subject(method, url, body)),
        }
    }
}

impl Told<'_> {
    /// Whether the client got a whole answer that is no error.
    #[must_use]
    pub fn is_answered(&self) -> bool {
        self.refusal.is_none() && !self.is_spoiled && (200..400).contains(&self.status)
    }
}

impl Record {
    /// What a judge is told of it.
    #[must_use]
    pub fn told(&self) -> Told<'_> {
        Told {
            number: self.number,
            at: self.at(),
            answered: self.answered(),
            server: self.server.as_deref(),
            mailbox: self.mailbox.as_deref(),
            agent: self.user_agent.as_deref(),
            app: self.app,
            refusal: self.kind(),
            wait: self.wait(),
            is_spoiled: self.spoiled.is_some(),
            status: self.status,
            is_work: !self.steps.is_empty(),
            done: self.done,
            items: self.items,
            request_bytes: self.request_bytes,
            key: self.key,
            makes: &self.makes,
            subject: Subject::Known(&self.subject),
        }
    }
}
