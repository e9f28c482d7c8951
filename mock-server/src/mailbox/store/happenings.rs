//! What computed content does by itself between two readings of the staging clock.

use super::{Store, View};
use crate::mailbox::churn::Change;
use crate::mailbox::content::Content;
use crate::mailbox::overlay::Touch;
use crate::mailbox::reference;
use crate::time::Span;
use crate::wire::answer::ChangeKind;

/// Something that happened to an item of computed content.
#[derive(Copy, Clone, PartialEq, Eq, Debug)]
pub struct Happening {
    /// The folder of the item.
    pub folder: u32,
    /// The item's number.
    pub number: u64,
    /// What happened.
    pub kind: ChangeKind,
}

impl Store {
    /// Whether computed content changes by itself.
    #[must_use]
    pub fn churns(&self) -> bool {
        self.folders.iter().any(|folder| folder.computed && !folder.gone && folder.shape.changes_per_day > 0.0)
    }

    /// What computed content did since a reading of the clock, folder by folder. None if it was more than `limit`, or
    /// the clock never showed that.
    pub fn happenings<C: Content>(&mut self, view: View<'_, C>, since: Span, limit: u64) -> Option<Vec<Happening>> {
        if since > view.clock {
            return None;
        }
        let mut all = Vec::new();
        let ordinals: Vec<u32> = self.ordinals().collect();
        for ordinal in ordinals {
            let Some(folder) = self.folder(ordinal) else { continue };
            if !folder.computed || folder.shape.changes_per_day <= 0.0 {
                continue;
            }
            let before = view.content.changes(view.mailbox, &folder.shape, since);
            let now = folder.changes(view);
            let churn = *folder.churn(view);
            if now.saturating_sub(before) + all.len() as u64 > limit {
                return None;
            }
            for change in before..now {
                let (item, kind) = match churn.change(change) {
                    Change::Create(item) => (item, ChangeKind::Create),
                    Change::Update(item) => (item, ChangeKind::Update),
                    Change::Delete(item) => (item, ChangeKind::Delete),
                };
                let number = reference::item_number(ordinal, item);
                // What clients deleted is gone, and what they replaced changes no more.
                let told = match (self.overlay.touch(number), kind) {
                    (None, _) => true,
                    (Some(Touch::Deleted), _) => false,
                    (Some(Touch::Replaced { .. }), kind) => kind != ChangeKind::Update,
                };
                all.extend(told.then_some(Happening { folder: ordinal, number, kind }));
            }
        }
        Some(all)
    }
}
