//! What the limits of single mailboxes remember: one row for each mailbox that has called.

use std::hash::{BuildHasherDefault, Hasher};

use hashbrown::HashMap;

use super::limit::{Limit, Scope};
use super::machine::Machine;
use crate::draw::mix;
use crate::wire::id::MailboxKey;

/// The rows of all mailboxes that have called. Only ever asked by key, never gone through, so that nothing depends on
/// the order of the table.
#[derive(Debug)]
pub(super) struct Rows {
    of_key: HashMap<MailboxKey, Row, BuildHasherDefault<KeyHasher>>,
    /// New machines of the limits that each mailbox has to itself.
    of_mailbox: Vec<Machine>,
    /// New machines of the limits that each pair of app and mailbox has to itself.
    of_pair: Vec<Machine>,
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
        let mut rows = Self { of_key: HashMap::default(), of_mailbox: Vec::new(), of_pair: Vec::new() };
        let places = limits.iter().map(|limit| {
            let machine = Machine::new(&limit.rule);
            match limit.scope {
                Scope::Mailbox => {
                    rows.of_mailbox.push(machine);
                    Some(Place::Mailbox(rows.of_mailbox.len() - 1))
                }
                Scope::AppMailbox => {
                    rows.of_pair.push(machine);
                    Some(Place::Pair(rows.of_pair.len() - 1))
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
        let Self { of_key, of_mailbox, of_pair } = self;
        if of_mailbox.is_empty() && of_pair.is_empty() {
            return View { machines: &mut [], pair_from: 0 };
        }
        let row = of_key.entry(mailbox).or_insert_with(|| Row {
            first_app: app,
            other_apps: Vec::new(),
            machines: of_mailbox.iter().chain(of_pair.iter()).cloned().collect(),
        });
        let number = if row.first_app == app { 0 } else { row.number_of(app, of_pair) };
        View { machines: &mut row.machines, pair_from: of_mailbox.len() + number * of_pair.len() }
    }

    /// Drops the row of a mailbox.
    pub(super) fn forget(&mut self, mailbox: MailboxKey) {
        self.of_key.remove(&mailbox);
    }

    /// How many mailboxes have a row.
    pub(super) fn len(&self) -> usize {
        self.of_key.len()
    }
}

impl Row {
    /// The number of an app that is not the first, added if it is new.
    #[cold]
    fn number_of(&mut self, app: u32, of_pair: &[Machine]) -> usize {
        if let Some(position) = self.other_apps.iter().position(|other| *other == app) {
            return position + 1;
        }
        self.other_apps.push(app);
        self.machines.extend_from_slice(of_pair);
        self.other_apps.len()
    }
}

/// Where the machine of a per-mailbox limit is found.
#[derive(Copy, Clone, Debug)]
pub(super) enum Place {
    /// Among those of the mailbox.
    Mailbox(usize),
    /// Among those of the pair of app and mailbox.
    Pair(usize),
}

impl View<'_> {
    /// The machine at a place.
    #[inline]
    pub(super) fn machine(&mut self, place: Place) -> &mut Machine {
        match place {
            Place::Mailbox(number) => &mut self.machines[number],
            Place::Pair(number) => &mut self.machines[self.pair_from + number],
        }
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
