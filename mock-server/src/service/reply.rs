//! What goes into the service core and what comes out.

use std::ops::AddAssign;

use crate::time::{Moment, Span};
use crate::wire::answer::Answer;
use crate::wire::call::{Call, Protocol, RequestIdentity};
use crate::wire::id::MailboxKey;
use crate::wire::refusal::Refusal;

/// A call together with who makes it.
#[derive(Clone, Debug)]
pub struct Request<'a> {
    /// The app that calls; limits are shared by app.
    pub app: u32,
    /// The mailbox concerned.
    pub mailbox: MailboxKey,
    /// The protocol.
    pub protocol: Protocol,
    /// Which request it is.
    pub identity: RequestIdentity,
    /// Length of the request body in bytes, as limits on upload volume count it.
    pub body_bytes: u64,
    /// The call.
    pub call: &'a Call,
}

/// Where the time between a request's arrival and its answer went.
#[derive(Copy, Clone, PartialEq, Eq, Default, Debug)]
pub struct Spent {
    /// Held back by a limit or an injected delay.
    pub delayed: Span,
    /// Waiting for a free server.
    pub queued: Span,
    /// Being served.
    pub served: Span,
}

impl Spent {
    /// The whole time.
    #[must_use]
    pub fn total(self) -> Span {
        self.delayed + self.queued + self.served
    }
}

impl AddAssign for Spent {
    fn add_assign(&mut self, other: Self) {
        self.delayed += other.delayed;
        self.queued += other.queued;
        self.served += other.served;
    }
}

/// How the answer to a call is spoiled on its way.
#[derive(Copy, Clone, PartialEq, Eq, Debug)]
pub enum Spoil {
    /// The connection is reset and nothing of the answer arrives.
    Reset,
    /// The answer is cut off half-way, then the connection ends.
    Truncate,
    /// The second half of the body is garbage.
    Malformed,
    /// There is no body.
    Empty,
    /// More is announced than there is; the connection ends after what there is.
    WrongLength,
    /// The body comes in drops over so long, the last of them when the answer is ready.
    Drip(Span),
}

/// What becomes of a call.
#[derive(Clone, Debug)]
pub struct Reply {
    /// What the client sees in the end. Where the transport is spoiled, this is already the refusal that the client
    /// perceives (`ConnectionReset`, `Truncated`).
    pub outcome: Result<Answer, Refusal>,
    /// When the answer leaves the server.
    pub ready: Moment,
    /// Where the time until then goes.
    pub spent: Spent,
    /// How the transport must be spoiled, and the answer that would have been sent.
    pub spoiled: Option<(Spoil, Box<Answer>)>,
}
