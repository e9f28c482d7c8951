//! Who watches a mailbox, and what the logs do not tell of its changes.
//!
//! Events are made from the logs when somebody asks ([`Open::events`](super::open::Open::events)); here is only what
//! makes a move or an arrival out of what the logs know as a creation or a deletion.

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

/// How far somebody has looked into what happens in a mailbox.
#[derive(Copy, Clone, PartialEq, Eq, Default, Debug, Serialize, Deserialize)]
pub struct Position {
    /// Changes of items by clients.
    pub items: u32,
    /// Changes of folders.
    pub folders: u32,
    /// The reading of the staging clock in nanoseconds, for what computed content does by itself.
    pub clock: u64,
}

impl Position {
    /// The position as two numbers.
    #[must_use]
    pub fn numbers(self) -> [u64; 2] {
        [u64::from(self.items) << 32 | u64::from(self.folders), self.clock]
    }

    /// The position of two numbers.
    #[must_use]
    pub fn read([logs, clock]: [u64; 2]) -> Self {
        Self { items: (logs >> 32) as u32, folders: logs as u32, clock }
    }
}

/// What kind of event.
#[derive(Copy, Clone, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
pub enum EventKind {
    /// Something was copied.
    Copied,
    /// Something is new.
    Created,
    /// Something is gone.
    Deleted,
    /// Something changed.
    Modified,
    /// Something was moved.
    Moved,
    /// A message arrived.
    NewMail,
    /// The owner's free or busy time changed.
    FreeBusyChanged,
}

/// What an event is about.
#[derive(Copy, Clone, PartialEq, Eq, Debug)]
pub enum Object {
    /// An item, by its number.
    Item(u64),
    /// A folder, by its ordinal.
    Folder(u32),
}

/// An event.
#[derive(Copy, Clone, PartialEq, Eq, Debug)]
pub struct Event {
    /// Of what kind.
    pub kind: EventKind,
    /// When it happened.
    pub at: Timestamp,
    /// What it is about.
    pub object: Object,
    /// The folder that it is in, or was in if it is gone.
    pub parent: u32,
    /// Where it was before, or what it is a copy of, with the folder of that.
    pub old: Option<(Object, u32)>,
    /// The position behind it.
    pub position: Position,
}

/// After how long a subscription ends whose events nobody takes: no connection streams them, or its receiver does not
/// answer. Assumed, the same for both: a client that comes back after an interruption finds its subscription, and one
/// that does not leaves none for ever. Push subscriptions live that long at all, since nothing is pushed.
const UNHEARD: SignedDuration = SignedDuration::from_mins(30);

/// How events reach whoever watches.
#[derive(Copy, Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub enum Delivery {
    /// They are asked for, within so many minutes from one time to the next.
    Pull {
        /// Minutes.
        timeout: u32,
    },
    /// They are sent to a URL.
    Push,
    /// They are written into an answer that goes on.
    Streaming,
}

/// Somebody who watches.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Subscription {
    /// How events are delivered.
    pub delivery: Delivery,
    /// The folders that are watched; absent if all are.
    pub folders: Option<BTreeSet<u32>>,
    /// The kinds of events that are wanted.
    pub kinds: BTreeSet<EventKind>,
    /// How far events were delivered.
    pub position: Position,
    /// When events were asked for, or streamed, last.
    pub asked: Timestamp,
}

impl Subscription {
    /// Whether an event is wanted.
    #[must_use]
    pub fn wants(&self, event: &Event) -> bool {
        let watched = |folder: u32| self.folders.as_ref().is_none_or(|folders| folders.contains(&folder));
        let itself = |object: Object| matches!(object, Object::Folder(ordinal) if watched(ordinal));
        let old = event.old.is_some_and(|(_, parent)| watched(parent));
        self.kinds.contains(&event.kind) && (watched(event.parent) || itself(event.object) || old)
    }

    /// Whether nobody has asked for so long that it has ended.
    #[must_use]
    pub fn has_expired(&self, now: Timestamp) -> bool {
        match self.delivery {
            Delivery::Pull { timeout } => now.duration_since(self.asked).as_secs() > i64::from(timeout) * 60,
            Delivery::Push | Delivery::Streaming => now.duration_since(self.asked) > UNHEARD,
        }
    }
}

/// What stands behind a creation in the log of items.
#[derive(Copy, Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub(super) enum Origin {
    /// It was moved here, and had another number in another folder.
    Moved { number: u64, folder: u32 },
    /// It is a copy.
    Copied { number: u64, folder: u32 },
    /// It arrived by mail.
    Arrived,
}

/// What stands behind a line in the log of folders.
#[derive(Copy, Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub(super) enum FolderNote {
    /// The folder was moved out of another one.
    Moved { parent: u32 },
    /// The folder is a copy.
    Copied { ordinal: u32, parent: u32 },
    /// The folder is gone from this one.
    Deleted { parent: u32 },
}

/// Who watches a mailbox, and what its logs do not tell.
#[derive(Clone, Default, Debug, Serialize, Deserialize)]
pub struct Watch {
    pub(super) origins: BTreeMap<u64, Origin>,
    /// Numbers that items had before they were moved.
    pub(super) left: BTreeSet<u64>,
    /// By positions in the log.
    pub(super) folder_notes: BTreeMap<u32, FolderNote>,
    subscriptions: BTreeMap<u64, Subscription>,
    /// How many names were given to those who watch.
    pub(super) given: u64,
}

impl Watch {
    /// Notes what stands behind the creation of an item.
    pub(super) fn note(&mut self, number: u64, origin: Origin) {
        if let Origin::Moved { number, .. } = origin {
            self.left.insert(number);
        }
        self.origins.insert(number, origin);
    }

    /// Adds somebody who watches; returns what names them from now on.
    pub fn subscribe(&mut self, subscription: Subscription) -> u64 {
        self.given += 1;
        self.subscriptions.insert(self.given, subscription);
        self.given
    }

    /// How many watch at a moment. Those who stopped asking are forgotten.
    pub fn subscriptions_at(&mut self, now: Timestamp) -> usize {
        self.subscriptions.retain(|_, subscription| !subscription.has_expired(now));
        self.subscriptions.len()
    }

    /// Somebody who watches, to be changed.
    pub fn subscription(&mut self, number: u64) -> Option<&mut Subscription> {
        self.subscriptions.get_mut(&number)
    }

    /// Forgets somebody who watches.
    pub fn unsubscribe(&mut self, number: u64) -> Option<Subscription> {
        self.subscriptions.remove(&number)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn subscription(folders: Option<&[u32]>) -> Subscription {
        Subscription {
            delivery: Delivery::Pull { timeout: 2 },
            folders: folders.map(|folders| folders.iter().copied().collect()),
            kinds: BTreeSet::from([EventKind::Moved]),
            position: Position::default(),
            asked: Timestamp::UNIX_EPOCH,
        }
    }

    #[test]
    fn events_are_wanted_from_either_end_of_a_move_and_of_no_other_kind() {
        let at = Timestamp::UNIX_EPOCH;
        let old = Some((Object::Item(1), 7));
        let event = Event {
            kind: EventKind::Moved,
            at,
            object: Object::Item(2),
            parent: 5,
            old,
            position: Position::default(),
        };
        assert!(subscription(None).wants(&event));
        assert_eq!([4, 5, 7].map(|folder| subscription(Some(&[folder])).wants(&event)), [false, true, true]);
        assert!(!subscription(None).wants(&Event { kind: EventKind::Created, ..event }));
    }

    #[test]
    fn a_subscription_ends_when_nobody_asks() {
        let at = |second| Timestamp::from_second(second).expect("in range");
        assert_eq!([120, 121].map(|second| subscription(None).has_expired(at(second))), [false, true]);
        let streaming = Subscription { delivery: Delivery::Streaming, ..subscription(None) };
        assert_eq!([1_800, 1_801].map(|second| streaming.has_expired(at(second))), [false, true]);
    }

    #[test]
    fn positions_come_back() {
        let position = Position { items: 7, folders: u32::MAX, clock: 5 };
        assert_eq!(Position::read(position.numbers()), position);
    }

    #[test]
    fn those_who_stopped_asking_no_longer_watch() {
        let mut watch = Watch::default();
        let at = |minutes| Timestamp::UNIX_EPOCH + SignedDuration::from_mins(minutes);
        for delivery in [Delivery::Pull { timeout: 10 }, Delivery::Pull { timeout: 30 }, Delivery::Streaming] {
            let (folders, kinds, position) = (None, BTreeSet::new(), Position::default());
            watch.subscribe(Subscription { delivery, folders, kinds, position, asked: at(0) });
        }
        assert_eq!([10, 20, 31].map(|minutes| watch.subscriptions_at(at(minutes))), [3, 2, 0]);
    }
}
