//! In which order the mailboxes of a wave are taken up.

use mock_server::wire::id::MailboxKey;

use crate::population::Population;
use crate::scenario::plan::{Order, Plan};

/// Puts a wave into the order that the plan asks for. Equal mailboxes keep the order in which they were drawn.
pub fn arrange(plan: &Plan, population: &Population, wave: &mut [MailboxKey]) {
    match plan.pipeline.order {
        Order::AsDrawn => {}
        Order::HeaviestFirst => wave.sort_by_cached_key(|mailbox| std::cmp::Reverse(work(plan, population, *mailbox))),
        Order::LightestFirst => wave.sort_by_cached_key(|mailbox| work(plan, population, *mailbox)),
    }
}

/// How much there is to do for a mailbox, in arbitrary whole units: the changes since the last delta if it was copied
/// ahead, otherwise its items, each counted as much as the 75 KB of a mean item (Exchange sizing default).
#[must_use]
pub fn work(plan: &Plan, population: &Population, mailbox: MailboxKey) -> u64 {
    let shape = population.mailbox(mailbox);
    match plan.wave.prestage {
        Some(prestage) => (shape.changes_per_day * prestage.age.as_seconds() / 86.4) as u64,
        None => shape.items + shape.bytes / 75_000,
    }
}
