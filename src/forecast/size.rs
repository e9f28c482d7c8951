//! The largest wave of one replication that fits into a window, in the fluid model.

use mock_server::time::Span;
use mock_server::wire::id::MailboxKey;

use super::fluid::{self, Flow, Shared};
use super::job::{Job, Rates};
use crate::engine::{order, seed};
use crate::population::{Population, wave};
use crate::scenario::plan::{Order, Plan};
use crate::world::Side;

/// The share of a wave size to which the search for the largest one is carried.
const RESOLUTION: f64 = 5e-4;

/// The cutovers of one replication, in the order in which its wave was drawn, with what their order goes by.
#[derive(Debug)]
pub struct Replication {
    drawn: Vec<(u64, Job)>,
    order: Order,
}

impl Replication {
    /// Draws a replication of up to `most` mailboxes.
    #[must_use]
    pub fn draw(plan: &Plan, population: &Population, rates: &Rates, number: u64, most: u32) -> Self {
        let service_seed = seed::service(plan.seed, number, Side::Target);
        let job = |mailbox: MailboxKey| {
            (order::work(plan, population, mailbox), rates.job(plan, population, mailbox, service_seed))
        };
        let drawn = wave::draw(population, plan.seed, number, most).into_iter().map(job).collect();
        Self { drawn, order: plan.pipeline.order }
    }

    /// How many mailboxes were drawn.
    #[must_use]
    pub fn len(&self) -> u32 {
        self.drawn.len() as u32
    }

    /// Whether nothing was drawn.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.drawn.is_empty()
    }

    /// Walks the first `size` mailboxes.
    #[must_use]
    pub fn flow(&self, size: u32, shared: &Shared) -> Flow {
        let mut wave: Vec<(u64, Job)> = self.drawn[..size as usize].to_vec();
        match self.order {
            Order::AsDrawn => {}
            Order::HeaviestFirst => wave.sort_by_key(|(work, _)| std::cmp::Reverse(*work)),
            Order::LightestFirst => wave.sort_by_key(|(work, _)| *work),
        }
        let jobs: Vec<Job> = wave.into_iter().map(|(_, job)| job).collect();
        fluid::flow(&jobs, shared)
    }

    /// The largest wave of which a share is done within a span: searched to a two-thousandth of itself.
    #[must_use]
    pub fn largest(&self, shared: &Shared, share: f64, open: Span) -> u32 {
        let time = |size: u32| self.flow(size, shared).time_of_share(share).as_seconds();
        let open = open.as_seconds();
        let (mut fits, mut fails) = (0, self.len());
        let (mut fits_at, mut fails_at) = (0.0, time(fails));
        if fails_at <= open {
            return fails;
        }
        while f64::from(fails - fits) > (f64::from(fails) * RESOLUTION).max(1.0) {
            // Time grows almost in proportion to size: interpolate, but always cut the bracket by a tenth or more.
            let part = ((open - fits_at) / (fails_at - fits_at)).clamp(0.1, 0.9);
            let size = (fits + (f64::from(fails - fits) * part) as u32).clamp(fits + 1, fails - 1);
            let at = time(size);
            if at <= open {
                (fits, fits_at) = (size, at);
            } else {
                (fails, fails_at) = (size, at);
            }
        }
        fits
    }
}
