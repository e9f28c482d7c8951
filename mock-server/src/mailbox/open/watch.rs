//! Events of an open mailbox, and who watches it.

use super::Open;
use crate::mailbox::content::Content;
use crate::mailbox::overlay::Logged;
use crate::mailbox::property;
use crate::mailbox::settings::Settings;
use crate::mailbox::store::happenings::Happening;
use crate::mailbox::watch::{Event, EventKind, FolderNote, Object, Origin, Position, Watch};
use crate::time::Span;
use crate::wire::answer::ChangeKind;
use crate::wire::call::FolderKind;

/// How much of what computed content does by itself is remembered for whoever watches (assumed; Exchange forgets events
/// after some time).
const REMEMBERED: u64 = 10_000;

/// What a mailbox has that nobody has set anything in.
static NONE: Settings = Settings::NONE;

impl<C: Content> Open<'_, C> {
    /// What the mailbox keeps beside folders and items.
    #[must_use]
    pub fn settings(&self) -> &Settings {
        self.store.overlay.records().map_or(&NONE, |records| &records.settings)
    }

    /// What the mailbox keeps beside folders and items, to be changed.
    pub fn settings_mut(&mut self) -> &mut Settings {
        let records = self.records();
        records.settled += 1;
        &mut records.settings
    }

    /// Who watches the mailbox.
    pub fn watch(&mut self) -> &mut Watch {
        &mut self.records().watch
    }

    /// How far things have happened at present.
    #[must_use]
    pub fn position(&self) -> Position {
        let folders = self.store.overlay.records().map_or(0, |records| records.folder_log().len());
        Position { items: self.store.overlay.log().len() as u32, folders: folders as u32, clock: self.view.clock.0 }
    }

    /// Whether something happens in the mailbox though nobody does anything.
    #[must_use]
    pub fn churns(&self) -> bool {
        self.store.churns()
    }

    /// What happened since a position, from at most `limit` changes by clients, and how far that leads; what computed
    /// content did by itself comes first. None if there never was such a position, or so much has happened since that
    /// nobody remembers it.
    pub fn events(&mut self, since: Position, limit: usize) -> Option<(Vec<Event>, Position)> {
        let end = self.position();
        if since.items > end.items || since.folders > end.folders {
            return None;
        }
        let happenings = self.store.happenings(self.view, Span(since.clock), REMEMBERED)?;
        let (mut position, mut events, mut left) = (Position { clock: end.clock, ..since }, Vec::new(), limit);
        for happening in happenings {
            self.happened(happening, position, &mut events);
        }
        while position.folders < end.folders && left > 0 {
            position.folders += 1;
            left -= 1;
            self.folder_event(position, &mut events);
        }
        while position.items < end.items && left > 0 {
            position.items += 1;
            left -= 1;
            self.item_events(position, &mut events);
        }
        Some((events, position))
    }

    fn happened(&self, Happening { folder, number, kind }: Happening, position: Position, events: &mut Vec<Event>) {
        let is_inbox = self.store.place(folder).is_some_and(|(kind, _)| kind == FolderKind::Inbox);
        let kinds: &[EventKind] = match kind {
            ChangeKind::Create if is_inbox => &[EventKind::Created, EventKind::NewMail],
            ChangeKind::Create => &[EventKind::Created],
            ChangeKind::Update | ChangeKind::ReadFlag => &[EventKind::Modified],
            ChangeKind::Delete => &[EventKind::Deleted],
        };
        let (at, object) = (self.wall(), Object::Item(number));
        events.extend(kinds.iter().map(|&kind| Event { kind, at, object, parent: folder, old: None, position }));
    }

    fn folder_event(&mut self, position: Position, events: &mut Vec<Event>) {
        let place = position.folders - 1;
        let Some(records) = self.store.overlay.records() else { return };
        let Some(&(kind, ordinal)) = records.folder_log().get(place as usize) else { return };
        let note = records.watch.folder_notes.get(&place).copied();
        let parent = self.parent_of(ordinal);
        let (kind, parent, old) = match (kind, note) {
            (_, Some(FolderNote::Moved { parent: old })) => {
                (EventKind::Moved, parent, Some((Object::Folder(ordinal), old)))
            }
            (_, Some(FolderNote::Copied { ordinal, parent: old })) => {
                (EventKind::Copied, parent, Some((Object::Folder(ordinal), old)))
            }
            (_, Some(FolderNote::Deleted { parent })) => (EventKind::Deleted, Some(parent), None),
            (ChangeKind::Create, None) => (EventKind::Created, parent, None),
            (ChangeKind::Delete, None) => (EventKind::Deleted, parent, None),
            (ChangeKind::Update | ChangeKind::ReadFlag, None) => (EventKind::Modified, parent, None),
        };
        // What is gone since is told of where it was deleted, or as far as it is still known.
        let Some(parent) = parent else { return };
        events.push(Event { kind, at: self.wall(), object: Object::Folder(ordinal), parent, old, position });
    }

    fn item_events(&mut self, position: Position, events: &mut Vec<Event>) {
        let Some(&Logged { number, folder, kind }) = self.store.overlay.log().get(position.items as usize - 1) else {
            return;
        };
        let records = self.store.overlay.records();
        let origin = records.and_then(|records| records.watch.origins.get(&number)).copied();
        let has_left = records.is_some_and(|records| records.watch.left.contains(&number));
        let modified = records.and_then(|records| records.item(number)?.time(&property::LAST_MODIFIED));
        let at = modified.unwrap_or_else(|| self.wall());
        let mut add = |kind, old: Option<(u64, u32)>| {
            let old = old.map(|(number, folder)| (Object::Item(number), folder));
            events.push(Event { kind, at, object: Object::Item(number), parent: folder, old, position });
        };
        match (kind, origin) {
            (ChangeKind::Create, Some(Origin::Moved { number, folder })) => {
                add(EventKind::Moved, Some((number, folder)));
            }
            (ChangeKind::Create, Some(Origin::Copied { number, folder })) => {
                add(EventKind::Copied, Some((number, folder)));
            }
            (ChangeKind::Create, Some(Origin::Arrived)) => {
                add(EventKind::Created, None);
                add(EventKind::NewMail, None);
            }
            (ChangeKind::Create, None) => add(EventKind::Created, None),
            (ChangeKind::Update | ChangeKind::ReadFlag, _) => add(EventKind::Modified, None),
            // The move is told where the item has gone.
            (ChangeKind::Delete, _) if has_left => {}
            (ChangeKind::Delete, _) => add(EventKind::Deleted, None),
        }
        if self.store.place(folder).is_some_and(|(kind, _)| kind == FolderKind::Calendar) {
            add(EventKind::FreeBusyChanged, None);
        }
    }
}
