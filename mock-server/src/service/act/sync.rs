//! What changed in a folder, and what is in it.

use super::Bench;
use crate::mailbox::content::Content;
use crate::mailbox::reference::SyncPosition;
use crate::service::refusals;
use crate::wire::answer::{Answer, ChangeKind, ItemChange};
use crate::wire::id::{Id, ItemKey};
use crate::wire::opaque::Kind;
use crate::wire::refusal::Refusal;

impl<C: Content> Bench<'_, C> {
    /// Lists what changed in a folder since a state.
    pub(super) fn sync_items(&mut self, folder: &Id, state: Option<&Id>, limit: u32) -> Result<Answer, Refusal> {
        let folder = self.folder(folder).ok_or(refusals::NOT_FOUND)?;
        let since = match state {
            None => None,
            Some(state) => {
                let number = self.resolve(Kind::SyncState, state).ok_or(refusals::SYNC_STATE_LOST)?;
                let position = SyncPosition::read(number);
                if self.store.is_up_to_date(self.view, folder, position) {
                    return Ok(Answer::Items { changes: Vec::new(), state: Id::Number(number), complete: true });
                }
                if !self.store.knows(self.view, folder, position) {
                    return Err(refusals::SYNC_STATE_LOST);
                }
                Some(position)
            }
        };
        let page = self.store.sync(self.view, folder, since, limit).ok_or(refusals::NOT_FOUND)?;
        Ok(Answer::Items { changes: page.changes, state: page.position.id(), complete: page.complete })
    }

    /// Finds the items of a folder that carry an identity. The state that comes with them is the one from before
    /// anything was listed.
    pub(super) fn find_items(&mut self, folder: &Id, key: ItemKey) -> Result<Answer, Refusal> {
        let folder = self.folder(folder).ok_or(refusals::NOT_FOUND)?;
        let found = self.store.with_key(self.view, folder, key).ok_or(refusals::NOT_FOUND)?;
        let change = |(item, size)| ItemChange { kind: ChangeKind::Create, item, key: Some(key), size };
        let changes = found.into_iter().map(change).collect();
        Ok(Answer::Items { changes, state: SyncPosition::default().id(), complete: true })
    }
}
