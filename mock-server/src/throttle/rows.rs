//! What the limits of single mailboxes remember: one row for each mailbox that has called.

use std::collections::BTreeMap;
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
    by_mailbox: HashMap<MailboxKey, Row, BuildHasherDefault<KeyHasher>>,
    /// The machines of all rows, one row after the other, also of those that nobody has at present: those of the mailbox,
    /// then those of the first app that called. Side by side, because every call needs them and mailboxes are many.
    machines: Vec<Machine>,
    /// The machines of other apps, by mailbox.
    others: BTreeMap<MailboxKey, Vec<Other>>,
    unused: Vec<u32>,
    /// The rows of mailboxes that called lately, by the end of their keys: nearly every call finds its row here, with one
    /// look at a place that is near.
    recent: Vec<Option<(MailboxKey, Row)>>,
    /// New machines of the limits that each mailbox has to itself.
    mailbox_new: Vec<Machine>,
    /// New machines of the limits that each pair of app and mailbox has to itself.
    pair_new: Vec<Machine>,
}

/// How many mailboxes that called lately are remembered; a power of two, more than most runs have in progress.
const RECENT: usize = 1_024;

/// Where a mailbox is among those that called lately.
fn place_of(mailbox: MailboxKey) -> usize {
    mailbox.0 as usize % RECENT
}

/// The row of one mailbox.
#[derive(Copy, Clone, Debug)]
struct Row {
    number: u32,
    first_app: u32,
}

/// The machines of an app that was not the first to call a mailbox. In the order in which the apps appeared.
#[derive(Debug)]
struct Other {
    app: u32,
    machines: Vec<Machine>,
}

/// The machines that concern one app and one mailbox.
pub(super) struct View<'a> {
    /// Those of the mailbox and of the first app that called it.
    row: &'a mut [Machine],
    /// Those of the app, if it is another.
    other: Option<&'a mut [Machine]>,
}

impl Rows {
    /// Rows for these limits; also where each limit's machine is found in a [`View`], none for shared limits.
    pub(super) fn new(limits: &[Limit]) -> (Self, Vec<Option<Place>>) {
        let mut rows = Self { recent: vec![None; RECENT], ..Self::default() };
        let of_mailboxes = limits.iter().filter(|limit| limit.scope == Scope::Mailbox).count();
        let places = limits.iter().map(|limit| {
            let machine = Machine::new(&limit.rule);
            match limit.scope {
                Scope::Mailbox => {
                    rows.mailbox_new.push(machine);
                    let number = rows.mailbox_new.len() - 1;
                    Some(Place { of_pair: false, number, in_row: number })
                }
                Scope::AppMailbox => {
                    rows.pair_new.push(machine);
                    let number = rows.pair_new.len() - 1;
                    Some(Place { of_pair: true, number, in_row: of_mailboxes + number })
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
        let width = self.width();
        if width == 0 {
            return View { row: &mut [], other: None };
        }
        let row = match self.recent[place_of(mailbox)] {
            Some((known, row)) if known == mailbox => row,
            _ => self.row(app, mailbox),
        };
        let begin = row.number as usize * width;
        let is_first = row.first_app == app;
        let other = (!is_first).then(|| of_another_app(&mut self.others, &self.pair_new, app, mailbox));
        View { row: &mut self.machines[begin..begin + width], other }
    }

    /// How many machines a row has.
    fn width(&self) -> usize {
        self.mailbox_new.len() + self.pair_new.len()
    }

    /// The row of a mailbox, made new if it has none.
    fn row(&mut self, app: u32, mailbox: MailboxKey) -> Row {
        let width = self.width();
        let Self { by_mailbox, machines, unused, mailbox_new, pair_new, .. } = self;
        let row = *by_mailbox.entry(mailbox).or_insert_with(|| {
            let number = unused.pop().unwrap_or_else(|| {
                machines.extend(mailbox_new.iter().chain(pair_new.iter()).cloned());
                (machines.len() / width) as u32 - 1
            });
            Row { number, first_app: app }
        });
        self.recent[place_of(mailbox)] = Some((mailbox, row));
        row
    }

    /// Drops the row of a mailbox.
    pub(super) fn forget(&mut self, mailbox: MailboxKey) {
        let Some(row) = self.by_mailbox.remove(&mailbox) else { return };
        let begin = row.number as usize * self.width();
        let new = self.mailbox_new.iter().chain(&self.pair_new);
        for (machine, new) in self.machines[begin..].iter_mut().zip(new) {
            machine.reset(new);
        }
        self.others.remove(&mailbox);
        self.unused.push(row.number);
        self.recent[place_of(mailbox)] = None;
    }

    /// Hands every machine of every mailbox to `each`, with the place that its limit gave it: mailboxes in the order of
    /// their keys, apps in the order in which they appeared. Takes time with every mailbox that has called.
    pub(super) fn each(&mut self, mut each: impl FnMut(MailboxKey, Option<u32>, Place, &mut Machine)) {
        let (of_mailbox, width) = (self.mailbox_new.len(), self.width());
        let mut keys: Vec<_> = self.by_mailbox.iter().map(|(key, row)| (*key, *row)).collect();
        keys.sort_unstable_by_key(|(key, _)| *key);
        for (key, Row { number, first_app }) in keys {
            let begin = number as usize * width;
            let (own, pair) = self.machines[begin..begin + width].split_at_mut(of_mailbox);
            for (number, machine) in own.iter_mut().enumerate() {
                each(key, None, Place { of_pair: false, number, in_row: number }, machine);
            }
            let others = self.others.get_mut(&key).into_iter().flatten();
            let others = others.map(|other| (other.app, &mut other.machines[..]));
            for (app, machines) in std::iter::once((first_app, pair)).chain(others) {
                for (number, machine) in machines.iter_mut().enumerate() {
                    each(key, Some(app), Place { of_pair: true, number, in_row: of_mailbox + number }, machine);
                }
            }
        }
    }

    /// How many mailboxes have a row.
    pub(super) fn len(&self) -> usize {
        self.by_mailbox.len()
    }
}

/// The machines of an app that is not the first to call a mailbox, made new if it has not called before.
#[cold]
fn of_another_app<'a>(
    others: &'a mut BTreeMap<MailboxKey, Vec<Other>>,
    pair_new: &[Machine],
    app: u32,
    mailbox: MailboxKey,
) -> &'a mut [Machine] {
    let others = others.entry(mailbox).or_default();
    let position = others.iter().position(|other| other.app == app).unwrap_or_else(|| {
        others.push(Other { app, machines: pair_new.to_vec() });
        others.len() - 1
    });
    &mut others[position].machines
}

/// Where the machine of a per-mailbox limit is found.
#[derive(Copy, Clone, PartialEq, Eq, Debug)]
pub(super) struct Place {
    /// Among those of the pair of app and mailbox, not those of the mailbox.
    of_pair: bool,
    number: usize,
    /// Where it is in the row of a mailbox, if it is there.
    in_row: usize,
}

impl View<'_> {
    /// The machine at a place.
    #[inline]
    pub(super) fn machine(&mut self, place: Place) -> &mut Machine {
        match &mut self.other {
            Some(other) if place.of_pair => &mut other[place.number],
            _ => &mut self.row[place.in_row],
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
