//! A look at what both servers hold when a mailbox's move is over, for checks that do not trust the pipeline's own
//! verification.

use mock_server::service::core::Held;
use mock_server::time::Span;
use mock_server::wire::id::MailboxKey;

use super::run::{Finished, Inside, Keep, look_at};
use super::watch::{Rekey, Watch};
use super::world::VirtualWorld;
use crate::event::Listener;
use crate::pipeline::planted::Planted;
use crate::population::Population;
use crate::scenario::plan::Plan;
use crate::world::Side;

/// A mailbox whose move is over, as both servers know it.
#[derive(Clone, Debug)]
pub struct Found {
    /// The mailbox.
    pub mailbox: MailboxKey,
    /// What the source holds, in order.
    pub source: Vec<Held>,
    /// What the target holds, in order.
    pub target: Vec<Held>,
    /// Whether the source is open to its users.
    pub source_is_open: bool,
}

/// Runs a wave like [`observe`](super::run::observe), and shows every mailbox whose move has ended, well or not, before
/// both servers forget it. Takes time with every item.
#[must_use]
pub fn audited(
    plan: &Plan,
    population: &Population,
    wave: &[MailboxKey],
    replication: u64,
    close: Option<Span>,
    listener: &dyn Listener,
    show: &dyn Fn(Found),
) -> Finished {
    let probe = Probe { listener, show, watch: None, rekey: None, planted: Planted::NONE };
    audit(plan, population, wave, replication, close, &probe)
}

/// What an audited run is looked at with.
pub struct Probe<'r> {
    /// Hears everything that happens.
    pub listener: &'r dyn Listener,
    /// Is shown every mailbox whose move has ended, well or not, before both servers forget it.
    pub show: &'r dyn Fn(Found),
    /// Sees every call.
    pub watch: Option<&'r dyn Watch>,
    /// From when on randomness is another; only under watch.
    pub rekey: Option<Rekey>,
    /// A mistake of the pipeline.
    pub planted: Planted,
}

/// Runs a wave like [`audited`], and lets every call be watched and a mistake be planted.
#[must_use]
pub fn audit(
    plan: &Plan,
    population: &Population,
    wave: &[MailboxKey],
    replication: u64,
    close: Option<Span>,
    probe: &Probe<'_>,
) -> Finished {
    let Probe { listener, show, watch, rekey, planted } = *probe;
    let look = &|world: &VirtualWorld<_>, mailbox| {
        show(Found {
            mailbox,
            source: world.holdings(Side::Source, mailbox),
            target: world.holdings(Side::Target, mailbox),
            source_is_open: world.service(Side::Source).borrow().is_open(mailbox),
        });
    };
    look_at(
        plan,
        population,
        wave,
        replication,
        close,
        &Inside { listener, look, watch, rekey, planted, keep: &Keep::default() },
    )
}
