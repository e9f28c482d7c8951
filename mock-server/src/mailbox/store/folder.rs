//! A folder of the table of a mailbox.
//!
//! Most folders of a mailbox hold what was computed and nothing else: their place in the table is one line of the
//! processor's caches. What is beyond that lies apart.

use std::sync::Arc;

use super::View;
use crate::mailbox::churn::{Change, Churn, counts};
use crate::mailbox::content::{Content, FolderShape, ItemShape, Totals};
use crate::mailbox::overlay::{Overlay, Touch};
use crate::mailbox::reference;
use crate::wire::answer::FolderEntry;

/// A folder of a mailbox.
#[derive(Clone, Debug)]
#[repr(align(64))]
pub(in crate::mailbox) struct Folder {
    /// Its shape; for a folder that holds no computed items, one without items and changes.
    pub(in crate::mailbox) shape: FolderShape,
    /// Whether computed items are in it.
    pub(super) computed: bool,
    /// Whether a client gave it another name or place.
    pub(in crate::mailbox) edited: bool,
    /// Whether a client removed it.
    pub(in crate::mailbox) gone: bool,
    beyond: Option<Box<Beyond>>,
}

/// What a folder has beyond its shape.
#[derive(Clone, Debug)]
struct Beyond {
    /// The name that a client gave it.
    name: Option<Arc<str>>,
    /// How it changes.
    churn: Option<Churn>,
    totals: Totals,
}

impl Folder {
    /// A folder as nobody has touched it yet; with a name if it is not a computed one.
    pub(in crate::mailbox) fn new(shape: FolderShape, name: Option<Arc<str>>, computed: bool) -> Self {
        let mut folder = Self { shape, computed, edited: false, gone: false, beyond: None };
        if name.is_some() {
            folder.beyond().0.name = name;
        }
        folder
    }

    fn beyond(&mut self) -> (&mut Beyond, &FolderShape) {
        let Self { shape, beyond, .. } = self;
        let fresh = || Box::new(Beyond { name: None, churn: None, totals: Totals::of(shape) });
        (beyond.get_or_insert_with(fresh), shape)
    }

    /// What it holds, as far as it was counted.
    #[inline]
    pub(in crate::mailbox) fn totals(&self) -> Totals {
        self.beyond.as_ref().map_or_else(|| Totals::of(&self.shape), |beyond| beyond.totals)
    }

    /// What it holds, to be changed.
    #[inline]
    pub(in crate::mailbox) fn totals_mut(&mut self) -> &mut Totals {
        &mut self.beyond().0.totals
    }

    /// The folder as a listing shows it.
    pub(super) fn entry<C: Content>(&mut self, view: View<'_, C>, overlay: &Overlay) -> FolderEntry {
        self.advance(view, overlay);
        let Totals { items, bytes, .. } = self.totals();
        FolderEntry {
            id: reference::folder(self.shape.ordinal),
            parent: self.shape.parent.map(reference::folder),
            name: self.name(view),
            kind: self.shape.kind,
            items,
            bytes,
        }
    }

    /// Its display name.
    pub(super) fn name<C: Content>(&self, view: View<'_, C>) -> Arc<str> {
        self.given_name().cloned().unwrap_or_else(|| view.content.folder_name(view.mailbox, &self.shape))
    }

    /// The name that a client gave it.
    pub(in crate::mailbox) fn given_name(&self) -> Option<&Arc<str>> {
        self.beyond.as_ref()?.name.as_ref()
    }

    /// Gives it a name.
    pub(in crate::mailbox) fn give_name(&mut self, name: Arc<str>) {
        self.beyond().0.name = Some(name);
    }

    /// How many computed changes have happened.
    #[inline]
    pub(in crate::mailbox) fn changes<C: Content>(&self, view: View<'_, C>) -> u64 {
        if self.computed { view.content.changes(view.mailbox, &self.shape, view.clock) } else { 0 }
    }

    /// How it changes.
    pub(in crate::mailbox) fn churn<C: Content>(&mut self, view: View<'_, C>) -> &Churn {
        let (beyond, shape) = self.beyond();
        beyond.churn.get_or_insert_with(|| view.content.churn(view.mailbox, shape))
    }

    /// One more than the highest ordinal after a number of changes.
    pub(in crate::mailbox) fn last_ordinal(&self, changes: u64) -> u64 {
        self.shape.items + counts(self.shape.items, changes).creates
    }

    /// Whether a computed item exists after a number of changes, clients' changes left aside.
    pub(in crate::mailbox) fn holds<C: Content>(&mut self, view: View<'_, C>, item: u64, changes: u64) -> bool {
        item < self.last_ordinal(changes) && (changes == 0 || !self.churn(view).is_deleted(item, changes))
    }

    /// A computed item after a number of changes, clients' changes left aside.
    pub(in crate::mailbox) fn item<C: Content>(&mut self, view: View<'_, C>, item: u64, changes: u64) -> ItemShape {
        let version = if changes == 0 { 0 } else { self.churn(view).version_of(item, changes) };
        view.content.item(view.mailbox, &self.shape, item, version)
    }

    /// Brings the totals up to the present.
    pub(super) fn advance<C: Content>(&mut self, view: View<'_, C>, overlay: &Overlay) {
        let changes = self.changes(view);
        let counted = self.beyond.as_ref().map_or(0, |beyond| beyond.totals.changes);
        if counted >= changes {
            return;
        }
        if counted == 0 && !overlay.touches_computed() {
            // Nothing but items that clients stored is counted beside the computed ones yet.
            let computed = view.content.totals(view.mailbox, &self.shape, changes);
            let FolderShape { items, bytes, .. } = self.shape;
            let totals = self.totals_mut();
            totals.items = totals.items + computed.items - items;
            totals.bytes = totals.bytes + computed.bytes - bytes;
            totals.changes = changes;
            return;
        }
        let churn = *self.churn(view);
        let mut totals = self.totals();
        let sizes = view.content.sizes(view.mailbox, &self.shape);
        let size = |item, version| u64::from(sizes(item, version));
        let touch = |item| overlay.touch(reference::item_number(self.shape.ordinal, item));
        for change in totals.changes..changes {
            match churn.change(change) {
                Change::Create(item) => {
                    totals.items += 1;
                    totals.bytes += size(item, 0);
                }
                Change::Update(item) if touch(item).is_none() => {
                    totals.bytes = totals.bytes - size(item, 0) + size(item, 1);
                }
                Change::Delete(item) if touch(item) != Some(Touch::Deleted) => {
                    totals.items -= 1;
                    totals.bytes -= match touch(item) {
                        Some(Touch::Replaced { size, .. }) => u64::from(size),
                        _ => size(item, 0),
                    };
                }
                Change::Update(_) | Change::Delete(_) => {}
            }
        }
        drop(sizes);
        totals.changes = changes;
        *self.totals_mut() = totals;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_takes_one_line_of_the_caches() {
        assert_eq!(size_of::<Folder>(), 64);
    }
}
