//! The fluid model: a wave as mailboxes that share lanes and open-switch places.
//!
//! Each mailbox takes the next free lane, works, waits for a place among the open switches in the order of arrival,
//! holds it, finishes and frees the lane. What all mailboxes share besides (links, server capacity, limits of the whole
//! app) enters as a lower bound on the time in which the wave's total demand can be met.

pub mod rate;

use std::cmp::Reverse;
use std::collections::{BinaryHeap, VecDeque};

use mock_server::service::config::Conditions;
use mock_server::throttle::limit::{Rule, Scope};
use mock_server::throttle::policy::sharing::Sharing;
use mock_server::throttle::policy::unit::Unit;
use mock_server::throttle::policy::{Concerns, Meter};
use mock_server::time::{Moment, Span};
use mock_server::wire::operation::Operation;

use self::rate::Rate;
use super::calls::Calls;
use super::job::Job;
use crate::engine::crowd::demand::Demand;
use crate::scenario::plan::{Plan, SidePlan};
use crate::world::Side;

/// What the mailboxes of a wave share.
#[derive(Clone, Debug)]
pub struct Shared {
    /// Mailboxes in progress at once.
    pub lanes: u32,
    /// Open switches at once: the smaller of our own cap and the service's.
    pub places: u32,
    /// Bytes per second over the links to the source and to the target; infinite if unlimited.
    pub bytes_per_second: (f64, f64),
    /// Calls that the source and the target serve at once; infinite if unlimited.
    pub servers: (f64, f64),
    /// What each of the limits and policies of the whole app or tenant admits, at the source and at the target.
    pub granted: Vec<Granted>,
}

/// The share of something that is left to a wave however much others ask for (assumed: refused requests of others do not
/// keep all of ours out).
const LEFT: f64 = 0.01;

/// What others leave of something.
fn left(all: f64, taken: f64) -> f64 {
    (all - taken).max(all * LEFT)
}

/// What a rule admits: at once when nothing was used, and per second.
type Admits = (f64, f64);

/// The rate that some numbers admit from the beginning, and those that they have later. What a rule that changed admits at
/// once was used up before.
fn rate<T: Copy>(first: T, later: impl Iterator<Item = (Moment, T)>, of: impl Fn(T) -> Admits) -> Rate {
    let mut later: Vec<_> = later.collect();
    later.sort_by_key(|(at, _)| *at);
    let add = |rate: Rate, (at, numbers): (Moment, T)| rate.then(at.since(Moment::START).as_seconds(), of(numbers).1);
    let (at_once, per_second) = of(first);
    later.into_iter().fold(Rate::constant(per_second), add).beginning_with(at_once)
}

/// What one limit or policy admits.
#[derive(Clone, Debug)]
pub struct Granted {
    /// Requests per second.
    pub rate: Rate,
    /// Which calls count.
    pub counts: Calls,
}

impl Granted {
    /// The seconds in which it lets so many calls pass.
    #[must_use]
    pub fn time_for(&self, calls: Calls) -> f64 {
        self.rate.time_for(calls.counted(self.counts))
    }
}

/// Requests per second that limits and policies of the whole app or tenant admit, each for itself, as they change. People
/// beside the wave use other apps, so they share only what apps share. What a mailbox, a user or a database has to itself
/// bounds no wave; what it does to mailboxes is left to the correction by virtual runs.
fn shared_request_rates(side: &SidePlan, which: Side, people: &Demand) -> Vec<Granted> {
    const NO_BOUND: Admits = (0.0, Rate::UNLIMITED);
    let (limits, changes) = (&side.server.limits, &side.server.limit_changes);
    let of_limit = limits.iter().filter_map(|limit| {
        let concerned = |operation, protocol| limit.concerns(operation, protocol);
        let taken = match limit.scope {
            Scope::App => 0.0,
            Scope::Tenant => people.requests_of(concerned),
            Scope::AppMailbox | Scope::Mailbox => return None,
        };
        let admits = |rule: Rule| match rule {
            Rule::Requests { count, per, .. } => (count as f64, left(count as f64 / per.as_seconds(), taken)),
            _ => NO_BOUND,
        };
        let later = changes.iter().filter(|change| change.limit.name == limit.name);
        let rate = rate(limit.rule, later.map(|change| (change.at, change.limit.rule)), admits);
        Some(Granted { rate, counts: Calls::that_count(side, which, concerned) })
    });
    let Conditions { policies, policy_changes, topology, .. } = &side.server.conditions;
    let of_policy = policies.iter().filter_map(|policy| {
        let Sharing { app, mailbox, user, tenant, database, server, .. } = policy.sharing;
        let several = (tenant && topology.mailboxes_per_tenant.is_some())
            || (database && topology.databases > 1)
            || (server && topology.servers > 1);
        let Concerns { operations, protocols, apps } = &policy.concerns;
        if mailbox || user || several || !apps.is_empty() {
            return None;
        }
        let concerned = |operation: Operation, protocol| {
            (operations.is_empty() || operations.contains(&operation)) && operation.is_in(protocols, protocol)
        };
        let taken = if app { 0.0 } else { people.requests_of(concerned) };
        let admits = |meter: Meter| match meter {
            Meter::Sliding { unit: Unit::Requests, most: burst, per }
            | Meter::Fixed { unit: Unit::Requests, most: burst, per } => {
                (burst as f64, left(burst as f64 / per.as_seconds(), taken))
            }
            Meter::Bucket { unit: Unit::Requests, burst, refill, per } => {
                (burst as f64, left(refill as f64 / per.as_seconds(), taken))
            }
            _ => NO_BOUND,
        };
        let later = policy_changes.iter().filter(|change| change.policy.name == policy.name);
        let rate = rate(policy.meter, later.map(|change| (change.at, change.policy.meter)), admits);
        Some(Granted { rate, counts: Calls::that_count(side, which, concerned) })
    });
    of_limit.chain(of_policy).collect()
}

impl Shared {
    /// What a plan grants a wave out of a population of so many mailboxes.
    #[must_use]
    pub fn new(plan: &Plan, mailboxes: u32) -> Self {
        let people = [Side::Source, Side::Target].map(|side| Demand::of(plan, mailboxes, side));
        let capacity = |side: &SidePlan, people: &Demand| {
            side.server.costs.servers.map_or(f64::INFINITY, |servers| left(f64::from(servers), people.busy))
        };
        let link = |rate: Option<f64>| rate.unwrap_or(f64::INFINITY);
        Self {
            lanes: plan.pipeline.lanes,
            places: plan.pipeline.open_switches.min(plan.target.server.switch.places),
            bytes_per_second: (link(plan.network.source.bytes_per_second), link(plan.network.target.bytes_per_second)),
            servers: (capacity(&plan.source, &people[0]), capacity(&plan.target, &people[1])),
            granted: [(&plan.source, Side::Source), (&plan.target, Side::Target)]
                .into_iter()
                .zip(&people)
                .flat_map(|((side, which), people)| shared_request_rates(side, which, people))
                .collect(),
        }
    }

    /// The least time in which jobs can be done, whatever their order.
    fn bound(&self, jobs: &[Job]) -> Span {
        let mut bytes = (0.0, 0.0);
        let mut calls = Calls::default();
        let mut served = (0.0, 0.0);
        for job in jobs {
            bytes = (bytes.0 + job.bytes.0, bytes.1 + job.bytes.1);
            calls = calls + job.calls;
            served = (served.0 + job.served.0.as_seconds(), served.1 + job.served.1.as_seconds());
        }
        let longest = |least: f64, granted: &Granted| least.max(granted.time_for(calls));
        let least = (bytes.0 / self.bytes_per_second.0)
            .max(bytes.1 / self.bytes_per_second.1)
            .max(self.granted.iter().fold(0.0, longest))
            .max(served.0 / self.servers.0)
            .max(served.1 / self.servers.1);
        Span::from_seconds(least)
    }
}

/// When the mailboxes of a wave are done.
#[derive(Clone, PartialEq, Debug)]
pub struct Flow {
    /// Time until each mailbox is done, ascending.
    pub done: Vec<Span>,
}

impl Flow {
    /// Time until a share of the mailboxes, from 0 to 1, is done. Zero for an empty wave.
    #[must_use]
    pub fn time_of_share(&self, share: f64) -> Span {
        let rank = (share * self.done.len() as f64).ceil() as usize;
        rank.checked_sub(1).and_then(|index| self.done.get(index)).copied().unwrap_or(Span::ZERO)
    }

    /// Time until the last mailbox is done.
    #[must_use]
    pub fn last(&self) -> Span {
        self.done.last().copied().unwrap_or(Span::ZERO)
    }

    /// Mailboxes that are not done after a span.
    #[must_use]
    pub fn late(&self, open: Span) -> usize {
        self.done.len() - self.done.partition_point(|done| *done <= open)
    }
}

#[derive(Copy, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Step {
    Leaves,
    Done,
    Arrives,
}

/// Walks jobs, in their order, through lanes and places.
#[must_use]
pub fn flow(jobs: &[Job], shared: &Shared) -> Flow {
    let mut due: BinaryHeap<Reverse<(Moment, u64, Step, usize)>> = BinaryHeap::new();
    let mut sequence = 0;
    let mut push = |due: &mut BinaryHeap<_>, at: Moment, step: Step, job: usize| {
        sequence += 1;
        due.push(Reverse((at, sequence, step, job)));
    };
    let mut places = shared.places;
    let mut waiting: VecDeque<usize> = VecDeque::new();
    let mut next = jobs.len().min(shared.lanes as usize);
    let mut done = Vec::with_capacity(jobs.len());
    for (job, work) in jobs.iter().enumerate().take(next) {
        push(&mut due, Moment::START + work.before, Step::Arrives, job);
    }
    while let Some(Reverse((now, _, step, job))) = due.pop() {
        match step {
            Step::Arrives if places > 0 => {
                places -= 1;
                push(&mut due, now + jobs[job].held, Step::Leaves, job);
            }
            Step::Arrives => waiting.push_back(job),
            Step::Leaves => {
                push(&mut due, now + jobs[job].after, Step::Done, job);
                match waiting.pop_front() {
                    Some(first) => push(&mut due, now + jobs[first].held, Step::Leaves, first),
                    None => places += 1,
                }
            }
            Step::Done => {
                done.push(now.since(Moment::START));
                if let Some(work) = jobs.get(next) {
                    push(&mut due, now + work.before, Step::Arrives, next);
                    next += 1;
                }
            }
        }
    }
    let least = shared.bound(jobs);
    if let Some(last) = done.last().copied()
        && last < least
    {
        let stretch = least.as_seconds() / last.as_seconds().max(1e-9);
        for span in &mut done {
            *span = span.scale(stretch);
        }
    }
    Flow { done }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn job(before: u64, held: u64, after: u64) -> Job {
        let second = Span::seconds;
        Job {
            before: second(before),
            held: second(held),
            after: second(after),
            bytes: (0.0, 0.0),
            calls: Calls::default(),
            served: (Span::ZERO, Span::ZERO),
        }
    }

    fn of_imports(rate: Rate) -> Granted {
        Granted { rate, counts: Calls { imports: 1.0, ..Calls::default() } }
    }

    fn shared(lanes: u32, places: u32) -> Shared {
        let unlimited = f64::INFINITY;
        let servers = (unlimited, unlimited);
        Shared { lanes, places, bytes_per_second: (unlimited, unlimited), servers, granted: vec![] }
    }

    #[test]
    fn equal_jobs_leave_in_rounds_of_the_places() {
        let jobs = vec![job(1, 10, 1); 12];
        let flow = flow(&jobs, &shared(12, 4));
        assert_eq!(flow.last(), Span::seconds(1 + 3 * 10 + 1));
        assert_eq!(flow.time_of_share(0.5), Span::seconds(22));
        assert_eq!(flow.late(Span::seconds(12)), 8);
    }

    #[test]
    fn lanes_bind_when_there_are_fewer_than_places() {
        let flow = flow(&vec![job(1, 10, 1); 12], &shared(3, 100));
        assert_eq!(flow.last(), Span::seconds(4 * 12));
    }

    #[test]
    fn a_saturated_link_bounds_the_wave() {
        let jobs = vec![Job { bytes: (1_000.0, 1_500.0), ..job(1, 1, 1) }; 10];
        for (links, expected) in [((100.0, 1e9), 100.0), ((1e9, 100.0), 150.0), ((100.0, 500.0), 100.0)] {
            let shared = Shared { bytes_per_second: links, ..shared(100, 100) };
            assert!((flow(&jobs, &shared).last().as_seconds() - expected).abs() < 1e-6, "{links:?}");
        }
    }

    #[test]
    fn a_limit_that_shrinks_bounds_what_comes_after_it() {
        let mut jobs = vec![job(1, 1, 1); 10];
        for job in &mut jobs {
            job.calls.imports = 100.0;
        }
        let shrinking = Rate::constant(10.0).then(60.0, 5.0);
        let shared = Shared { granted: vec![of_imports(shrinking)], ..shared(100, 100) };
        assert!((flow(&jobs, &shared).last().as_seconds() - 140.0).abs() < 1e-6);
    }

    #[test]
    fn of_several_limits_the_one_that_takes_longest_bounds_the_wave() {
        let mut jobs = vec![job(1, 1, 1); 10];
        for job in &mut jobs {
            job.calls.imports = 100.0;
        }
        for (daily, expected) in [(1_000.0, 100.0), (990.0, 100.0), (900.0, 200.0)] {
            // A day's allowance is there in the morning; what is beyond it comes slowly.
            let rates = vec![of_imports(Rate::constant(0.5).beginning_with(daily)), of_imports(Rate::constant(10.0))];
            let shared = Shared { granted: rates, ..shared(100, 100) };
            assert!((flow(&jobs, &shared).last().as_seconds() - expected).abs() < 1e-6, "{daily}");
        }
    }

    #[test]
    fn only_calls_that_count_bound_the_wave() {
        let calls = Calls { imports: 40.0, polls: 60.0, ..Calls::default() };
        let jobs = vec![Job { calls, ..job(1, 1, 1) }; 10];
        for (polls, expected) in [(1.0, 100.0), (0.0, 40.0)] {
            let counts = Calls { imports: 1.0, polls, ..Calls::default() };
            let granted = Granted { rate: Rate::constant(10.0), counts };
            let shared = Shared { granted: vec![granted], ..shared(100, 100) };
            assert!((flow(&jobs, &shared).last().as_seconds() - expected).abs() < 1e-6, "{polls}");
        }
    }

    #[test]
    fn an_empty_wave_is_done_at_once() {
        let flow = flow(&[], &shared(1, 1));
        assert_eq!((flow.last(), flow.time_of_share(0.99), flow.late(Span::ZERO)), (Span::ZERO, Span::ZERO, 0));
    }
}
