//! Many seeds, spread over threads by number.

use std::any::Any;
use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::thread;

use super::law::{Broken, Law};
use super::scenario;
use super::trial::{self, Observed};
use crate::event::Mark;
use crate::pipeline::planted::Planted;
use crate::scenario::{parse, plan::Plan, problem::Problems};

/// A seed whose run broke a law.
#[derive(Clone, Debug)]
pub struct Failure {
    /// The seed.
    pub seed: u64,
    /// What was broken.
    pub broken: Vec<Broken>,
}

/// What came of many seeds.
#[derive(Clone, Default, Debug)]
pub struct Campaign {
    /// Runs made.
    pub runs: u64,
    /// Mailboxes in them.
    pub mailboxes: u64,
    /// Of these, mailboxes that completed.
    pub completed: u64,
    /// Items that the sources held at the end.
    pub items: u64,
    /// Items left behind for a reason.
    pub skipped: u64,
    /// Calls made.
    pub calls: u64,
    /// Calls, entries and items refused.
    pub refusals: u64,
    /// How often the process died.
    pub crashes: u64,
    /// Virtual time of all runs, in seconds.
    pub virtual_seconds: f64,
    /// How often each mark of the pipeline was reached.
    pub marks: BTreeMap<Mark, u64>,
    /// Seeds that broke a law, ascending.
    pub failures: Vec<Failure>,
}

impl Campaign {
    /// A campaign of one run.
    fn of(seed: u64, plan: &Plan, observed: Observed) -> Self {
        let (mailboxes, makespan) = (u64::from(plan.wave.mailboxes), observed.makespan());
        let failure = Failure { seed, broken: observed.broken };
        Self {
            runs: 1,
            mailboxes,
            completed: mailboxes - observed.unfinished,
            items: observed.items,
            skipped: observed.skipped,
            calls: observed.manners.calls,
            refusals: observed.manners.refusals,
            crashes: plan.crashes.iter().filter(|crash| crash.at < makespan).count() as u64,
            virtual_seconds: makespan.as_seconds(),
            marks: observed.marks,
            failures: if failure.broken.is_empty() { Vec::new() } else { vec![failure] },
        }
    }

    /// A campaign of one run that broke down.
    fn broke_down(seed: u64, plan: &Plan, panic: &(dyn Any + Send)) -> Self {
        let text = panic.downcast_ref::<String>().map(String::as_str).or_else(|| panic.downcast_ref().copied());
        let what = text.unwrap_or("no reason was given").to_owned();
        let failures = vec![Failure { seed, broken: vec![Broken { law: Law::NoPanic, mailbox: None, what }] }];
        Self { runs: 1, mailboxes: u64::from(plan.wave.mailboxes), failures, ..Self::default() }
    }

    fn merge(&mut self, other: Self) {
        self.runs += other.runs;
        self.mailboxes += other.mailboxes;
        self.completed += other.completed;
        self.items += other.items;
        self.skipped += other.skipped;
        self.calls += other.calls;
        self.refusals += other.refusals;
        self.crashes += other.crashes;
        self.virtual_seconds += other.virtual_seconds;
        for (mark, times) in other.marks {
            *self.marks.entry(mark).or_default() += times;
        }
        self.failures.extend(other.failures);
    }

    /// The marks that no run reached: the campaign proves nothing about what follows there.
    #[must_use]
    pub fn never_reached(&self) -> Vec<Mark> {
        Mark::ALL.into_iter().filter(|mark| !self.marks.contains_key(mark)).collect()
    }

    /// How many runs broke each law.
    #[must_use]
    pub fn by_law(&self) -> BTreeMap<Law, u64> {
        let mut counts = BTreeMap::new();
        for failure in &self.failures {
            let mut laws: Vec<Law> = failure.broken.iter().map(|broken| broken.law).collect();
            laws.sort_unstable();
            laws.dedup();
            for law in laws {
                *counts.entry(law).or_default() += 1;
            }
        }
        counts
    }
}

/// The plan of a seed.
///
/// # Errors
///
/// Never, unless the generator writes something that is no scenario.
pub fn plan(seed: u64) -> Result<Plan, Problems> {
    parse(Path::new(&format!("swarm-{seed}.toml")), &scenario::of_seed(seed), &[], None)
}

/// Runs the scenarios of seeds `from` to `until`, the last not included, on so many threads.
///
/// A run that panics breaks a law, as any other that does what it must not.
///
/// # Panics
///
/// If the generator writes something that is no scenario.
#[must_use]
pub fn run(from: u64, until: u64, threads: usize, planted: Planted, told: &(dyn Fn(u64) + Sync)) -> Campaign {
    let threads = threads.max(1);
    thread::scope(|scope| {
        let shares = (0..threads as u64).map(|share| {
            scope.spawn(move || {
                let mut campaign = Campaign::default();
                for seed in (from + share..until).step_by(threads) {
                    let plan = plan(seed).expect("the generator writes scenarios");
                    let observe = || trial::observe(&plan, planted).expect("the swarm's mailboxes are uniform");
                    // Nothing of a run that broke down is used again.
                    campaign.merge(match catch_unwind(AssertUnwindSafe(observe)) {
                        Ok(observed) => Campaign::of(seed, &plan, observed),
                        Err(panic) => Campaign::broke_down(seed, &plan, panic.as_ref()),
                    });
                    told(seed);
                }
                campaign
            })
        });
        let shares: Vec<_> = shares.collect();
        let mut whole = Campaign::default();
        for share in shares {
            whole.merge(share.join().expect("what panics in a run is caught"));
        }
        whole.failures.sort_by_key(|failure| failure.seed);
        whole
    })
}
