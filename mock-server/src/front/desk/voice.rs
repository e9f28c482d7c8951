//! How calls of our own pipeline are answered: in the protocol in which they came.

use crate::service::reply::{Reply, Spoil};
use crate::wire::answer::Answer;
use crate::wire::call::{Call, Protocol};
use crate::wire::http::HttpAnswer;
use crate::wire::id::MailboxKey;
use crate::wire::refusal::{Refusal, RefusalKind};
use crate::wire::{admin, ews, graph};

/// Writes answers and refusals of one request in the protocol in which it came.
pub(super) trait Voice {
    /// Which it is.
    fn protocol(&self) -> Protocol;
    /// An answer in its words.
    fn answer(&self, answer: &Answer) -> HttpAnswer;
    /// A refusal in its words.
    fn refusal(&self, refusal: &Refusal) -> HttpAnswer;
}

/// The answer as it would arrive unspoiled, and how it is spoiled.
pub(super) fn write(reply: &Reply, voice: &impl Voice) -> (HttpAnswer, Option<Spoil>) {
    match (&reply.outcome, &reply.spoiled) {
        (_, Some((spoil, answer))) => (voice.answer(answer), Some(*spoil)),
        (Ok(answer), None) => (voice.answer(answer), None),
        (Err(refusal), None) => {
            // There is no answer that could have been sent: the connection itself fails.
            let spoil = match refusal.kind {
                RefusalKind::ConnectionReset => Some(Spoil::Reset),
                RefusalKind::Truncated => Some(Spoil::Truncate),
                _ => None,
            };
            (voice.refusal(refusal), spoil)
        }
    }
}

/// EWS.
pub(super) struct EwsVoice<'a> {
    pub(super) call: &'a Call,
    pub(super) mailbox: MailboxKey,
}

impl Voice for EwsVoice<'_> {
    fn protocol(&self) -> Protocol {
        Protocol::Ews
    }

    fn answer(&self, answer: &Answer) -> HttpAnswer {
        ews::encode_answer(self.call, answer, self.mailbox)
    }

    fn refusal(&self, refusal: &Refusal) -> HttpAnswer {
        ews::encode_refusal(Some(self.call), refusal)
    }
}

/// Graph.
pub(super) struct GraphVoice<'a> {
    pub(super) decoded: &'a graph::Decoded,
    pub(super) mailbox: MailboxKey,
    pub(super) base: &'a str,
}

impl Voice for GraphVoice<'_> {
    fn protocol(&self) -> Protocol {
        Protocol::Graph
    }

    fn answer(&self, answer: &Answer) -> HttpAnswer {
        graph::answer_to(self.decoded, answer, self.mailbox, self.base)
    }

    fn refusal(&self, refusal: &Refusal) -> HttpAnswer {
        graph::refuse(self.decoded, refusal, self.mailbox, self.base)
    }
}

/// The directory's own calls, which no protocol has.
pub(super) struct AdminVoice;

impl Voice for AdminVoice {
    fn protocol(&self) -> Protocol {
        Protocol::Graph
    }

    fn answer(&self, answer: &Answer) -> HttpAnswer {
        admin::encode_answer(answer)
    }

    fn refusal(&self, refusal: &Refusal) -> HttpAnswer {
        graph::encode_refusal(refusal)
    }
}
