//! The messages of a response: one for each thing that was asked for.

use super::failure::Failure;
use crate::wire::ews::envelope::{self, Names};
use crate::wire::ews::item_words;
use crate::wire::ews::xml::{MESSAGES_URI, TYPES_URI, Writer};
use crate::wire::refusal::{ItemError, ItemErrorKind, Refusal, RefusalKind};

/// The messages of a response, as they are written.
pub(super) struct Messages {
    writer: Writer,
    names: &'static Names,
    /// The empty element that messages of this operation hold when they tell of an error, because the schema demands it.
    container: Option<&'static str>,
}

impl Messages {
    /// A response without messages.
    pub(super) fn new(names: &'static Names, container: Option<&'static str>) -> Self {
        // What strangers wrote may hold what XML cannot.
        let mut writer = Writer::cleaning_document();
        envelope::open_response(&mut writer, names);
        Self { writer, names, container }
    }

    /// Adds a message that tells of success.
    pub(super) fn succeed(&mut self, write: impl FnOnce(&mut Writer)) {
        envelope::write_success(&mut self.writer, self.names, write);
    }

    /// Adds a message that tells of an error.
    pub(super) fn fail(&mut self, failure: Failure) {
        self.fail_saying(failure.code, failure.text);
    }

    /// Adds a message of a class other than success.
    fn add(&mut self, class: &str, (code, text): (&str, &str), write: impl FnOnce(&mut Writer)) {
        let writer = &mut self.writer;
        writer.open(self.names.message, &[("ResponseClass", class)]);
        write_failure(writer, code, text);
        write(writer);
        writer.close(self.names.message);
    }

    /// Adds a message that tells why an item was left undone; none if it was left out without a word.
    pub(super) fn leave(&mut self, error: ItemError) {
        if error.kind == ItemErrorKind::Omitted {
            return;
        }
        let (code, text) = item_words(error.kind);
        let container = self.container;
        self.fail_with(Failure { code, text }, |writer| {
            if let Some(wait) = error.retry_after {
                writer.open("m:MessageXml", &[]);
                let wait = wait.as_milliseconds_up().to_string();
                writer.leaf_with("t:Value", &[("Name", "BackOffMilliseconds")], &wait);
                writer.close("m:MessageXml");
            }
            if let Some(container) = container {
                writer.empty(container, &[]);
            }
        });
    }

    /// Adds a message that tells that a limit or a fault refused what was asked, although other things were done.
    pub(super) fn refuse(&mut self, refusal: &Refusal) {
        match refusal.kind {
            kind if kind.is_throttle() || kind == RefusalKind::Unavailable => {
                self.leave(ItemError { kind: ItemErrorKind::Busy, retry_after: refusal.retry_after });
            }
            RefusalKind::NotFound => self.fail(Failure::NO_MAILBOX),
            RefusalKind::Forbidden | RefusalKind::Unauthorized => self.fail(Failure::ACCESS_DENIED),
            RefusalKind::TimedOut => self.fail(Failure::TIMEOUT),
            _ => self.fail(Failure::INTERNAL),
        }
    }

    /// Adds as many messages that tell of the same error.
    pub(super) fn fail_all(&mut self, count: usize, failure: Failure) {
        for _ in 0..count {
            self.fail(failure);
        }
    }

    /// Adds a message that tells of an error, with elements that clients look into before they look at the code.
    pub(super) fn fail_with(&mut self, failure: Failure, write: impl FnOnce(&mut Writer)) {
        self.add("Error", (failure.code, failure.text), write);
    }

    /// Adds a message that tells of a success with reservations.
    pub(super) fn warn(&mut self, failure: Failure, write: impl FnOnce(&mut Writer)) {
        self.add("Warning", (failure.code, failure.text), write);
    }

    /// Adds a message that tells of an error in words of its own.
    pub(super) fn fail_saying(&mut self, code: &str, text: &str) {
        let container = self.container;
        self.add("Error", (code, text), |writer| {
            if let Some(container) = container {
                writer.empty(container, &[]);
            }
        });
    }

    /// The whole response.
    pub(super) fn finish(mut self) -> Vec<u8> {
        envelope::close_response(&mut self.writer, self.names);
        self.writer.finish()
    }
}

/// Writes a response that holds no messages, but is one: `write` writes what it holds.
pub(super) fn respond(response: &str, outcome: Result<(), Failure>, write: impl FnOnce(&mut Writer)) -> Vec<u8> {
    respond_as(response, Some(class(outcome)), |writer| {
        write_outcome(writer, outcome);
        write(writer);
    })
}

fn respond_as(response: &str, class: Option<&str>, write: impl FnOnce(&mut Writer)) -> Vec<u8> {
    let mut writer = Writer::document(0);
    envelope::write_envelope(&mut writer, |writer| {
        let class = class.map(|class| ("ResponseClass", class));
        let attributes: Vec<_> = class.into_iter().chain([("xmlns:m", MESSAGES_URI), ("xmlns:t", TYPES_URI)]).collect();
        writer.open(response, &attributes);
        // What strangers wrote may hold what XML cannot.
        let mut content = Writer::cleaning_fragment();
        write(&mut content);
        writer.raw(&content.finish());
        writer.close(response);
    });
    writer.finish()
}

/// The class of a response or a message.
fn class(outcome: Result<(), Failure>) -> &'static str {
    if outcome.is_ok() { "Success" } else { "Error" }
}

/// Writes what a message begins with.
fn write_outcome(writer: &mut Writer, outcome: Result<(), Failure>) {
    match outcome {
        Ok(()) => writer.leaf("m:ResponseCode", "NoError"),
        Err(failure) => write_failure(writer, failure.code, failure.text),
    }
}

fn write_failure(writer: &mut Writer, code: &str, text: &str) {
    writer.leaf("m:MessageText", text);
    writer.leaf("m:ResponseCode", code);
    writer.leaf("m:DescriptiveLinkKey", "0");
}

/// Writes a message within a response of another shape; `write` writes what follows a code of success.
pub(super) fn write_message(
    writer: &mut Writer,
    name: &str,
    outcome: Result<(), Failure>,
    write: impl FnOnce(&mut Writer),
) {
    writer.open(name, &[("ResponseClass", class(outcome))]);
    write_outcome(writer, outcome);
    if outcome.is_ok() {
        write(writer);
    }
    writer.close(name);
}

/// Writes a response that has no class of its own; `write` writes what it holds.
pub(super) fn respond_plainly(response: &str, write: impl FnOnce(&mut Writer)) -> Vec<u8> {
    respond_as(response, None, write)
}
