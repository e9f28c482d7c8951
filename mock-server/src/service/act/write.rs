//! Storing and deleting items.
//!
//! Nothing here protects a client from storing an item twice: a call that is repeated is carried out again, as it is by
//! the real service.

use super::Bench;
use crate::mailbox::content::Content as Computed;
use crate::mailbox::overlay::{Foreign, Incoming};
use crate::mailbox::{mime, stream};
use crate::service::refusals;
use crate::wire;
use crate::wire::answer::Answer;
use crate::wire::call::{Content, Upload};
use crate::wire::id::{Id, ItemKey};
use crate::wire::opaque::Kind;
use crate::wire::refusal::{ItemErrorKind, Refusal};

impl<C: Computed> Bench<'_, C> {
    /// Opens an import session. Sessions do not expire while the mailbox is remembered.
    pub(super) fn create_import_session(&mut self) -> Answer {
        self.store.overlay.sessions += 1;
        Answer::Session(Id::Number(self.store.overlay.sessions))
    }

    /// Stores one exported stream through a session.
    #[inline]
    pub(super) fn import_item(
        &mut self,
        session: &Id,
        folder: &Id,
        replace: Option<&Id>,
        content: &Content,
    ) -> Result<Answer, Refusal> {
        let session = self.resolve(Kind::Session, session).ok_or(refusals::NOT_FOUND)?;
        if session == 0 || session > self.store.overlay.sessions {
            return Err(refusals::NOT_FOUND);
        }
        self.store_stream(folder, replace, content).map(Answer::Created).map_err(refusals::of_item)
    }

    /// Stores exported streams.
    pub(super) fn upload_items(&mut self, uploads: &[Upload]) -> Answer {
        let store = |upload: &Upload| self.store_stream(&upload.folder, upload.replace.as_ref(), &upload.content);
        Answer::Uploaded(uploads.iter().map(store).map(|result| result.map_err(refusals::item_error)).collect())
    }

    /// Stores one message from MIME.
    pub(super) fn create_message(&mut self, folder: &Id, content: &Content) -> Result<Answer, Refusal> {
        let folder = self.folder(folder).ok_or(refusals::NOT_FOUND)?;
        let incoming = self.incoming(content, true).map_err(refusals::of_item)?;
        Ok(Answer::Created(self.store.create(folder, incoming)?))
    }

    /// Deletes items for good.
    pub(super) fn delete_items(&mut self, items: &[Id]) -> Answer {
        let results = items.iter().map(|item| {
            let number = self.resolve(Kind::Item, item);
            let deleted = number.and_then(|number| self.store.delete(self.view, number).ok());
            deleted.ok_or(refusals::item_error(ItemErrorKind::NotFound))
        });
        Answer::Deleted(results.collect())
    }

    /// Stores an exported stream as a new item of a folder, or in place of an existing one. One that is replaced stays
    /// in the folder that it is in.
    #[inline]
    fn store_stream(&mut self, folder: &Id, replace: Option<&Id>, content: &Content) -> Result<Id, ItemErrorKind> {
        let folder = self.folder(folder).ok_or(ItemErrorKind::NotFound)?;
        let incoming = self.incoming(content, false)?;
        let stored = match replace {
            None => self.store.create(folder, incoming),
            Some(item) => {
                let number = self.resolve(Kind::Item, item).ok_or(ItemErrorKind::NotFound)?;
                self.store.replace(self.view, number, incoming)
            }
        };
        stored.map_err(|_| ItemErrorKind::NotFound)
    }

    /// What is to be kept of content that arrives.
    #[inline]
    fn incoming(&self, content: &Content, mime: bool) -> Result<Incoming, ItemErrorKind> {
        let Some(bytes) = &content.bytes else {
            if content.size > self.largest_item_bytes {
                return Err(ItemErrorKind::TooLarge);
            }
            return Ok(Incoming { key: content.key, size: content.size, foreign: None });
        };
        if bytes.len() > self.largest_item_bytes as usize {
            return Err(ItemErrorKind::TooLarge);
        }
        let (key, computed) = if mime { message(bytes)? } else { exported(bytes)? };
        let foreign = (!computed).then(|| Foreign { bytes: bytes.clone(), mime });
        Ok(Incoming { key, size: bytes.len() as u32, foreign })
    }
}

/// The identity of an exported stream, and whether its bytes can be computed.
fn exported(bytes: &[u8]) -> Result<(ItemKey, bool), ItemErrorKind> {
    match stream::read(bytes) {
        Ok((key, size)) => Ok((key, stream::export(key, size) == bytes)),
        Err(stream::StreamError::Foreign) if bytes.is_empty() => Err(ItemErrorKind::Invalid),
        Err(stream::StreamError::Foreign) => {
            let key = wire::stream::key(bytes);
            Ok((key, wire::stream::computed(key, bytes.len() as u32) == bytes))
        }
        Err(_) => Err(ItemErrorKind::Invalid),
    }
}

/// The identity of a MIME message, and whether its bytes can be computed.
fn message(bytes: &[u8]) -> Result<(ItemKey, bool), ItemErrorKind> {
    if bytes.is_empty() {
        return Err(ItemErrorKind::Invalid);
    }
    let key = mime::read_mime(bytes);
    Ok((key, mime::mime(key, bytes.len() as u32) == bytes))
}
