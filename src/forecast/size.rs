//! Waves of one replication in the fluid model: when they are done, and the largest that fits into a window.

use mock_server::time::Span;
use mock_server::wire::id::MailboxKey;

use super::fluid::{self, Flow, Shared};
use super::job::{Job, Rates};
use crate::engine::{order, seed};
use crate::population::mailbox::Mailbox;
use crate::population::{Population, wave};
use crate::scenario::plan::Plan;
use crate::world::Side;

/// The share of a wave size to which the search for the largest one is carried.
const RESOLUTION: f64 = 1e-3;

/// The mailboxes of one replication in the order in which its wave was drawn. Drawn once, used under many plans.
#[derive(Debug)]
pub struct Sample {
    number: u64,
    mailboxes: Vec<(MailboxKey, Mailbox)>,
    /// How many mailboxes the population has.
    all: u32,
}

impl Sample {
    /// Draws a replication of up to `most` mailboxes.
    #[must_use]
    pub fn draw(plan: &Plan, population: &Population, number: u64, most: u32) -> Self {
        let keys = wave::draw(population, plan.seed, number, most);
        let mailboxes = keys.into_iter().map(|key| (key, population.mailbox(key))).collect();
        Self { number, mailboxes, all: population.len() }
    }

    /// How many mailboxes were drawn.
    #[must_use]
    pub fn len(&self) -> u32 {
        self.mailboxes.len() as u32
    }

    /// Whether nothing was drawn.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.mailboxes.is_empty()
    }

    /// The cutovers of the sample under a plan.
    #[must_use]
    pub fn cutovers(&self, plan: &Plan) -> Cutovers {
        let rates = Rates::new(plan);
        let service_seed = seed::service(plan.seed, self.number, Side::Target);
        let cutover = |place: u32| {
            let (key, mailbox) = &self.mailboxes[place as usize];
            (place, rates.job(plan, *key, mailbox, service_seed))
        };
        Cutovers {
            arranged: self.arranged(plan).into_iter().map(cutover).collect(),
            shared: Shared::new(plan, self.all),
        }
    }

    /// The places of the mailboxes in the sample, in the order in which they are taken up. Equal mailboxes keep the order
    /// in which they were drawn.
    fn arranged(&self, plan: &Plan) -> Vec<u32> {
        let ranked = (0..).zip(&self.mailboxes).map(|(place, (_, mailbox))| (order::rank(plan, mailbox), place));
        let mut places: Vec<(u64, u32)> = ranked.collect();
        places.sort_unstable();
        places.into_iter().map(|(_, place)| place).collect()
    }
}

/// A window to be filled.
#[derive(Copy, Clone, Debug)]
pub struct Fill<'a> {
    /// How the wave is moved, and the share of it that must be done.
    pub plan: &'a Plan,
    /// The population that it is drawn from.
    pub population: &'a Population,
    /// How long the window is open.
    pub open: Span,
}

impl Fill<'_> {
    /// The largest wave of one replication that fits. The search begins with a sample and a `guess`; where all of it fits,
    /// ever more mailboxes are drawn until some do not, or there are no others.
    #[must_use]
    pub fn largest(&self, sample: &Sample, guess: u32) -> u32 {
        let Self { plan, population, open } = *self;
        let share = plan.forecast.completed_share;
        let mut largest = sample.cutovers(plan).largest(share, open, guess);
        let mut drawn = sample.len();
        while largest == drawn && drawn < population.len() {
            drawn = drawn.saturating_mul(4).clamp(1, population.len());
            let more = Sample::draw(plan, population, sample.number, drawn);
            largest = more.cutovers(plan).largest(share, open, drawn / 2);
        }
        largest
    }
}

/// The cutovers of one replication, in the order in which they are taken up, each with its place among those drawn: a
/// smaller wave is those that were drawn first, in the same order.
#[derive(Debug)]
pub struct Cutovers {
    arranged: Vec<(u32, Job)>,
    shared: Shared,
}

impl Cutovers {
    /// How many mailboxes were drawn.
    #[must_use]
    pub fn len(&self) -> u32 {
        self.arranged.len() as u32
    }

    /// Whether nothing was drawn.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.arranged.is_empty()
    }

    /// Walks the first `size` mailboxes that were drawn.
    #[must_use]
    pub fn flow(&self, size: u32) -> Flow {
        let jobs: Vec<Job> = self.arranged.iter().filter(|(place, _)| *place < size).map(|(_, job)| *job).collect();
        fluid::flow(&jobs, &self.shared)
    }

    /// The largest wave of which a share is done within a span, searched to a thousandth of itself. `guess` is where
    /// the search begins.
    #[must_use]
    pub fn largest(&self, share: f64, open: Span, guess: u32) -> u32 {
        let time = |size: u32| self.flow(size).time_of_share(share).as_seconds();
        let open = open.as_seconds();
        let (mut fits, mut fits_at) = (0, 0.0);
        let mut tried = guess.clamp(1, self.len().max(1)).min(self.len());
        let (mut fails, mut fails_at) = loop {
            let at = time(tried);
            if at > open {
                break (tried, at);
            }
            if tried == self.len() {
                return tried;
            }
            (fits, fits_at) = (tried, at);
            tried =
                (f64::from(tried) * (open / at.max(1e-9)).clamp(1.01, 4.0)).ceil().min(f64::from(self.len())) as u32;
        };
        while f64::from(fails - fits) > (f64::from(fails) * RESOLUTION).max(1.0) {
            // Time grows almost in proportion to size: interpolate a little below, which mostly fits, then a little
            // above, which mostly does not.
            let part = (open - fits_at) / (fails_at - fits_at);
            let width = f64::from(fails - fits);
            let step = (part * width) as u32;
            let nudge = (width * 0.02).ceil() as u32;
            let below = (fits + step.saturating_sub(nudge)).clamp(fits + 1, fails - 1);
            let at = time(below);
            if at > open {
                (fails, fails_at) = (below, at);
                continue;
            }
            (fits, fits_at) = (below, at);
            if fails - fits > 1 {
                let above = (below + 2 * nudge).clamp(fits + 1, fails - 1);
                let at = time(above);
                if at > open {
                    (fails, fails_at) = (above, at);
                } else {
                    (fits, fits_at) = (above, at);
                }
            }
        }
        fits
    }
}
