//! Reading items, as exported streams and as MIME.

use super::Bench;
use crate::mailbox::content::Content as Computed;
use crate::mailbox::{mime, stream};
use crate::service::refusals;
use crate::wire::answer::Answer;
use crate::wire::call::Content;
use crate::wire::id::Id;
use crate::wire::opaque::Kind;
use crate::wire::operation::Operation;
use crate::wire::refusal::{ItemError, ItemErrorKind};

impl<C: Computed> Bench<'_, C> {
    /// Reads items as exported streams. An item that was stored from a MIME message with bytes of its own is exported as
    /// that message, one that clients see whole with everything about it.
    pub(super) fn export_items(&mut self, items: &[Id]) -> Answer {
        Answer::Contents(items.iter().map(|item| self.read(item, Operation::ExportItems)).collect())
    }

    /// Reads items as MIME. An exported stream from elsewhere cannot be turned into a message and counts as corrupt.
    pub(super) fn get_items(&mut self, items: &[Id]) -> Answer {
        Answer::Contents(items.iter().map(|item| self.read(item, Operation::GetItems)).collect())
    }

    fn read(&mut self, item: &Id, operation: Operation) -> Result<Content, ItemError> {
        let as_mime = operation == Operation::GetItems;
        let number = self.resolve(Kind::Item, item).ok_or(refusals::item_error(ItemErrorKind::NotFound))?;
        let found = self.store.find(self.view, number).ok_or(refusals::item_error(ItemErrorKind::NotFound))?;
        let key = found.key;
        if found.corrupt || self.faults.corrupts(self.now, self.view.mailbox, operation, key) {
            return Err(refusals::item_error(ItemErrorKind::Corrupt));
        }
        if let Some(item) = self.store.overlay.records().and_then(|records| records.item(number)) {
            let bytes = if as_mime { item.to_mime() } else { item.export(key) };
            return Ok(Content { key, size: bytes.len() as u32, bytes: self.bytes.then_some(bytes) });
        }
        if let Some(foreign) = self.store.foreign(number) {
            if as_mime && !foreign.mime {
                return Err(refusals::item_error(ItemErrorKind::Corrupt));
            }
            return Ok(Content { key, size: foreign.bytes.len() as u32, bytes: Some(foreign.bytes.clone()) });
        }
        let size = found.size.max(if as_mime { mime::SHORTEST } else { stream::SHORTEST });
        let write = if as_mime { mime::mime } else { stream::export };
        Ok(Content { key, size, bytes: self.bytes.then(|| write(key, size)) })
    }
}
