//! What the limits of single mailboxes remember: one row for each mailbox that has called.

use std::hash::{BuildHasherDefault, Hasher};

use hashbrown::HashMap;

use super::limit::{Limit, Scope};
use super::machine::Machine;
use crate::draw::mix;
use crate::wire::id::MailboxKey;

/// The rows of all mailboxes that have called. Only ever asked by key, never gone through, so that nothing depends on
/// the order of the table.
#[derive(Default, Debug)]
pub(super) struct Rows {
    by_mailbox: HashMap<MailboxKey, u32, BuildHasherDefault<KeyHasher>>,
    /// The rows, also those that nobody has at present.
    rows: Vec<Row>,
    unused: Vec<u32>,
    /// The mailbox that was asked for last, and where its row is: a call asks at least twice.
    last: Option<(MailboxKey, u32)>,
    /// New machines of the limits that each mailbox has to itself.
    mailbox_new: Vec<Machine>,
    /// New machines of the limits that each pair of app and mailbox has to itself.
    pair_new: Vec<Machine>,
}

/// The machines of one mailbox: those of the mailbox, then those of each app in the order in which the apps appeared.
#[derive(Debug)]
struct Row {
    first_app: u32,
    other_apps: Vec<u32>,
    machines: Vec<Machine>,
}

/// The machines that concern one app and one mailbox.
pub(super) struct View<'a> {
    machines: &'a mut [Machine],
    pair_from: usize,
}

impl Rows {
    /// Rows for these limits; also where each limit's machine is found in a [`View`], none for shared limits.
    pub(super) fn new(limits: &[Limit]) -> (Self, Vec<Option<Place>>) {
        let mut rows = Self::default();
        let places = limits.iter().map(|limit| {
            let machine = Machine::new(&limit.rule);
            match limit.scope {
                Scope::Mailbox => {
                    rows.mailbox_new.push(machine);
                    Some(Place { of_pair: false, number: rows.mailbox_new.len() - 1 })
                }
                Scope::AppMailbox => {
                    rows.pair_new.push(machine);
                    Some(Place { of_pair: true, number: rows.pair_new.len() - 1 })
                }
                Scope::App | Scope::Tenant => None,
            }
        });
        let places = places.collect();
        (rows, places)
    }

    /// The machines that concern an app and a mailbox, made new if they have not called before.
    #[inline]
    pub(super) fn view(&mut self, app: u32, mailbox: MailboxKey) -> View<'_> {
        if self.mailbox_new.is_empty() && self.pair_new.is_empty() {
            return View { machines: &mut [], pair_from: 0 };
        }
        let place = match self.last {
            Some((last, place)) if last == mailbox => place,
            _ => self.place(app, mailbox),
        };
        let Self { rows, mailbox_new, pair_new, .. } = self;
        let row = &mut rows[place as usize];
        let number = if row.first_app == app { 0 } else { row.number_of(app, pair_new) };
        View { machines: &mut row.machines, pair_from: mailbox_new.len() + number * pair_new.len() }
    }

    /// Where the row of a mailbox is, made new if it has none.
    fn place(&mut self, app: u32, mailbox: MailboxKey) -> u32 {
        let Self { by_mailbox, rows, unused, mailbox_new, pair_new, .. } = self;
        let place = *by_mailbox.entry(mailbox).or_insert_with(|| {
            let place = unused.pop().unwrap_or_else(|| {
                rows.push(Row { first_app: app, other_apps: Vec::new(), machines: Vec::new() });
                rows.len() as u32 - 1
            });
            let row = &mut rows[place as usize];
            row.first_app = app;
            row.machines.extend(mailbox_new.iter().chain(pair_new.iter()).cloned());
            place
        });
        self.last = Some((mailbox, place));
        place
    }

    /// Drops the row of a mailbox.
    pub(super) fn forget(&mut self, mailbox: MailboxKey) {
        let Some(place) = self.by_mailbox.remove(&mailbox) else { return };
        let row = &mut self.rows[place as usize];
        row.other_apps.clear();
        row.machines.clear();
        self.unused.push(place);
        self.last = None;
    }

    /// Hands every machine of every mailbox to `each`, with the place that its limit gave it: mailboxes in the order of
    /// their keys, apps in the order in which they appeared. Takes time with every mailbox that has called.
    pub(super) fn each(&mut self, mut each: impl FnMut(MailboxKey, Option<u32>, Place, &mut Machine)) {
        let (of_mailbox, of_pair) = (self.mailbox_new.len(), self.pair_new.len());
        let mut keys: Vec<_> = self.by_mailbox.keys().copied().collect();
        keys.sort_unstable();
        for key in keys {
            let Some(&place) = self.by_mailbox.get(&key) else { continue };
            let Row { first_app, other_apps, machines } = &mut self.rows[place as usize];
            for (position, machine) in machines.iter_mut().enumerate() {
                if position < of_mailbox {
                    each(key, None, Place { of_pair: false, number: position }, machine);
                    continue;
                }
                let position = position - of_mailbox;
                let app = match position / of_pair {
                    0 => *first_app,
                    other => other_apps[other - 1],
                };
                each(key, Some(app), Place { of_pair: true, number: position % of_pair }, machine);
            }
        }
    }

    /// How many mailboxes have a row.
    pub(super) fn len(&self) -> usize {
        self.by_mailbox.len()
    }
}

impl Row {
    /// The number of an app that is not the first, added if it is new.
    #[cold]
    fn number_of(&mut self, app: u32, pair_new: &[Machine]) -> usize {
        if let Some(position) = self.other_apps.iter().position(|other| *other == app) {
            return position + 1;
        }
        self.other_apps.push(app);
        self.machines.extend_from_slice(pair_new);
        self.other_apps.len()
    }
}

/// Where the machine of a per-mailbox limit is found.
#[derive(Copy, Clone, PartialEq, Eq, Debug)]
pub(super) struct Place {
    /// Among those of the pair of app and mailbox, not those of the mailbox.
    of_pair: bool,
    number: usize,
}

impl View<'_> {
    /// The machine at a place.
    #[inline]
    pub(super) fn machine(&mut self, place: Place) -> &mut Machine {
        &mut self.machines[place.number + if place.of_pair { self.pair_from } else { 0 }]
    }
}

/// Hashes mailbox keys with the finalizer of `SplitMix64`: fast, the same on every machine, and good enough for keys
/// that nobody chooses to collide.
#[derive(Default)]
struct KeyHasher(u64);

impl Hasher for KeyHasher {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = mix(self.0 ^ u64::from(*byte) ^ 0x9e37_79b9_7f4a_7c15);
        }
    }

    #[inline]
    fn write_u32(&mut self, key: u32) {
        self.0 = mix(self.0 ^ u64::from(key) ^ 0x9e37_79b9_7f4a_7c15);
    }
}
