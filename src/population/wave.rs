//! Which mailboxes move together: whole organisations, in a random order.

use mock_server::draw::{Purpose, hash};
use mock_server::time::Span;
use mock_server::wire::id::MailboxKey;

use crate::sample::permutation::Permutation;

use super::Population;
use super::mailbox::Mailbox;

/// Bytes that take about as long as one item: the mean item of eight published mailboxes, 68 KiB.
const BYTES_PER_ITEM: f64 = 69_632.0;
/// Mean size of a changed item in bytes (customer e-mail audits 2007).
pub const BYTES_PER_CHANGE: f64 = 60_000.0;
/// What the round trip that asks one folder for its changes weighs, in items. Assumed.
const ITEMS_PER_FOLDER: f64 = 2.0;

/// The mailboxes of a wave. Whole organisations are taken in a random order until there are enough; the last one is cut.
///
/// Each replication has an order of its own. A larger wave of the same replication begins with the smaller one, so that
/// candidate sizes are compared on the same mailboxes.
#[must_use]
pub fn draw(population: &Population, seed: u64, replication: u64, mailboxes: u32) -> Vec<MailboxKey> {
    let wanted = mailboxes.min(population.len()) as usize;
    let organisations = u64::from(population.organisations());
    let order = Permutation::new(organisations, hash(seed, Purpose::Wave, replication, 0, 0));
    let mut wave = Vec::with_capacity(wanted);
    for place in 0..organisations {
        if wave.len() == wanted {
            break;
        }
        let organisation = order.apply(place);
        let keys = population.organisation(organisation as u32);
        let missing = wanted - wave.len();
        // Members come in a random order too: if the last organisation is cut, chance decides who has to wait.
        let members = Permutation::new(keys.len() as u64, hash(seed, Purpose::Wave, replication, 1, organisation));
        let taken = keys.len().min(missing) as u64;
        wave.extend((0..taken).map(|member| MailboxKey(keys.start + members.apply(member) as u32)));
    }
    wave
}

/// How heavy the full copy of a mailbox is, in items of mean size: for putting a wave in order.
#[must_use]
pub fn copy_work(mailbox: &Mailbox) -> f64 {
    mailbox.items as f64 + mailbox.bytes as f64 / BYTES_PER_ITEM + ITEMS_PER_FOLDER * f64::from(mailbox.folders)
}

/// How heavy a delta is that carries the changes of some time, in items of mean size.
#[must_use]
pub fn delta_work(mailbox: &Mailbox, age: Span) -> f64 {
    let changes = mailbox.changes_per_day * age.as_seconds() / 86_400.0;
    changes * (1.0 + BYTES_PER_CHANGE / BYTES_PER_ITEM) + ITEMS_PER_FOLDER * f64::from(mailbox.folders)
}

/// How heavy moving a mailbox is, in items of mean size: a delta of some age if it was copied ahead, else a full copy.
#[must_use]
pub fn work(mailbox: &Mailbox, copied_ahead: Option<Span>) -> f64 {
    copied_ahead.map_or_else(|| copy_work(mailbox), |age| delta_work(mailbox, age))
}
