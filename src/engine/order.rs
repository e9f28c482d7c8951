//! Which mailboxes a wave has, and in which order they are taken up.

use mock_server::wire::id::MailboxKey;

use crate::population::mailbox::Mailbox;
use crate::population::{Population, wave};
use crate::scenario::plan::{Order, Plan};

/// The wave of so many mailboxes that is drawn in a replication, in the order in which they are taken up.
#[must_use]
pub fn wave(plan: &Plan, population: &Population, replication: u64, mailboxes: u32) -> Vec<MailboxKey> {
    let mut wave = wave::draw(population, plan.seed, replication, mailboxes);
    arrange(plan, population, &mut wave);
    wave
}

/// Puts a wave into the order that the plan asks for. Equal mailboxes keep the order in which they were drawn.
fn arrange(plan: &Plan, population: &Population, mailboxes: &mut [MailboxKey]) {
    if plan.pipeline.order != Order::AsDrawn {
        mailboxes.sort_by_cached_key(|mailbox| rank(plan, &population.mailbox(*mailbox)));
    }
}

/// What a mailbox is taken up by, the lowest first.
#[must_use]
pub fn rank(plan: &Plan, mailbox: &Mailbox) -> u64 {
    match plan.pipeline.order {
        Order::AsDrawn => 0,
        Order::HeaviestFirst => u64::MAX - work(plan, mailbox),
        Order::LightestFirst => work(plan, mailbox),
    }
}

/// How much there is to do for a mailbox, in thousandths of an item of mean size.
fn work(plan: &Plan, mailbox: &Mailbox) -> u64 {
    let copied_ahead = plan.wave.prestage.map(|prestage| prestage.age);
    (wave::work(mailbox, copied_ahead) * 1_000.0) as u64
}
