//! The messages of a response: one for each thing that was asked for.

use super::failure::Failure;
use crate::wire::ews::envelope::{self, Names};
use crate::wire::ews::xml::Writer;

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
        Self { writer: Writer::cleaning_fragment(), names, container }
    }

    /// Adds a message that tells of success.
    pub(super) fn succeed(&mut self, write: impl FnOnce(&mut Writer)) {
        envelope::write_success(&mut self.writer, self.names, write);
    }

    /// Adds a message that tells of an error.
    pub(super) fn fail(&mut self, failure: Failure) {
        let writer = &mut self.writer;
        writer.open(self.names.message, &[("ResponseClass", "Error")]);
        writer.leaf("m:MessageText", failure.text);
        writer.leaf("m:ResponseCode", failure.code);
        writer.leaf("m:DescriptiveLinkKey", "0");
        if let Some(container) = self.container {
            writer.empty(container, &[]);
        }
        writer.close(self.names.message);
    }

    /// Adds as many messages that tell of the same error.
    pub(super) fn fail_all(&mut self, count: usize, failure: Failure) {
        for _ in 0..count {
            self.fail(failure);
        }
    }

    /// Adds a message that tells of an error, with elements that clients look into before they look at the code.
    pub(super) fn fail_with(&mut self, failure: Failure, write: impl FnOnce(&mut Writer)) {
        let writer = &mut self.writer;
        writer.open(self.names.message, &[("ResponseClass", "Error")]);
        writer.leaf("m:MessageText", failure.text);
        writer.leaf("m:ResponseCode", failure.code);
        writer.leaf("m:DescriptiveLinkKey", "0");
        write(writer);
        writer.close(self.names.message);
    }

    /// The whole response.
    pub(super) fn finish(self) -> Vec<u8> {
        let messages = self.writer.finish();
        let mut writer = Writer::document(messages.len());
        envelope::write_response(&mut writer, self.names, |writer| writer.raw(&messages));
        writer.finish()
    }
}
