//! One scenario that every test changes, and what is measured of its run.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::path::Path;

use mock_server::time::Moment;
use mock_server::wire::id::MailboxKey;
use mock_server::wire::refusal::RefusalKind;
use wavetank::engine::virtual_time;
use wavetank::event::{Cause, Event, Listener};
use wavetank::population::{Population, wave};
use wavetank::scenario;
use wavetank::world::Side;

/// Mailboxes whose items are alike, a source that is free, and a target that takes a while for each call, over a line
/// with some latency. `@` marks what a test fills in.
const SCENARIO: &str = r#"
title = "Pacing"
seed = 7
[population]
preset = "small-business"
mailboxes = @mailboxes
[population.uniform]
items = @items
item_size = "@size"
changes_per_day = 0
[source]
protocol = "ews"
costs = "free"
[target]
protocol = "@protocol"
limits = [{ name = "limit", @limit }]
costs = { preset = "free", call = "@cost" }
@more
[network.source]
preset = "ideal"
[network.target]
latency = "constant @latency"
[pipeline]
lanes = @mailboxes
requests_per_mailbox = @width
verify = "counts"
[wave]
mailboxes = @mailboxes
cutover = false
"#;

/// What a test fills in.
#[derive(Clone, Copy)]
pub(crate) struct Tank<'t> {
    pub(crate) mailboxes: u32,
    pub(crate) items: u64,
    pub(crate) size: &'t str,
    pub(crate) protocol: &'t str,
    pub(crate) limit: &'t str,
    pub(crate) cost: &'t str,
    /// From the client to the target, and back.
    pub(crate) latency: &'t str,
    pub(crate) width: u32,
    /// More lines about the target.
    pub(crate) more: &'t str,
}

impl Default for Tank<'_> {
    fn default() -> Self {
        Self {
            mailboxes: 1,
            items: 10_000,
            size: "10 kB",
            protocol: "graph",
            limit: "",
            cost: "exponential mean 30 ms",
            latency: "10 ms",
            width: 4,
            more: "",
        }
    }
}

/// One call to the target that has ended.
#[derive(Clone, Copy)]
pub(crate) struct Ended {
    /// When it went.
    pub(crate) asked: Moment,
    /// When its answer or refusal was heard.
    pub(crate) heard: Moment,
    pub(crate) mailbox: MailboxKey,
    pub(crate) refused: bool,
    /// Whether the server said that it is not well.
    pub(crate) unwell: bool,
    /// Bytes of its body.
    pub(crate) bytes: u64,
}

/// What was seen of a run.
pub(crate) struct Seen {
    pub(crate) calls: Vec<Ended>,
    /// The share of lane time that each cause took.
    pub(crate) shares: [f64; Cause::ALL.len()],
}

#[derive(Default)]
struct Ear(RefCell<Vec<Ended>>);

impl Listener for Ear {
    fn note(&self, at: Moment, event: &Event) {
        if let Event::CallEnded { mailbox, side: Side::Target, took, refusal, sent_bytes, .. } = *event {
            let asked = Moment(at.0 - took.0);
            let refused = refusal.is_some_and(RefusalKind::is_throttle);
            let unwell = refusal == Some(RefusalKind::Unavailable);
            self.0.borrow_mut().push(Ended { asked, heard: at, mailbox, refused, unwell, bytes: sent_bytes });
        }
    }
}

impl Tank<'_> {
    /// Runs the scenario to its end.
    pub(crate) fn run(&self) -> Seen {
        let text = SCENARIO
            .replace("@mailboxes", &self.mailboxes.to_string())
            .replace("@items", &self.items.to_string())
            .replace("@size", self.size)
            .replace("@protocol", self.protocol)
            .replace("@limit", self.limit)
            .replace("@cost", self.cost)
            .replace("@latency", self.latency)
            .replace("@width", &self.width.to_string())
            .replace("@more", self.more);
        let plan = scenario::parse(Path::new("pacing.toml"), &text, &[], None).expect("a scenario");
        let population = Population::new(&plan.population, plan.seed).expect("mailboxes are alike");
        let mailboxes = wave::draw(&population, plan.seed, 0, plan.wave.mailboxes);
        let ear = Ear::default();
        let finished = virtual_time::run::observe(&plan, &population, &mailboxes, 0, plan.open(), &ear);
        assert_eq!(finished.stuck, 0, "a lane waits for ever");
        let summary = finished.summary;
        let whole = u64::from(self.mailboxes);
        assert_eq!((summary.mailboxes.completed, summary.items.copied), (whole, whole * self.items));
        Seen { calls: ear.0.into_inner(), shares: summary.shares() }
    }
}

impl Seen {
    /// Seconds from the first call to the last answer.
    pub(crate) fn seconds(&self) -> f64 {
        let first = self.calls.iter().map(|call| call.asked).min().expect("there are calls");
        let last = self.calls.iter().map(|call| call.heard).max().expect("there are calls");
        last.since(first).as_seconds()
    }

    /// Calls that no limit refused.
    pub(crate) fn passed(&self) -> u64 {
        self.calls.iter().filter(|call| !call.refused).count() as u64
    }

    /// The share of calls that a limit refused.
    pub(crate) fn refused(&self) -> f64 {
        self.calls.iter().filter(|call| call.refused).count() as f64 / self.calls.len() as f64
    }

    /// Calls that passed, heard within a stretch of seconds, per second.
    pub(crate) fn rate(&self, from: f64, until: f64) -> f64 {
        let within = |call: &&Ended| (from..until).contains(&call.heard.as_seconds());
        let passed = self.calls.iter().filter(|call| !call.refused).filter(within).count();
        passed as f64 / (until - from)
    }

    /// The mean rate of stretches of a minute that begin within `per` seconds after some second. Under a limit of a window
    /// calls come in bursts, and whether a burst lies just within a single stretch or just outside says nothing.
    pub(crate) fn rate_about(&self, from: f64, per: f64) -> f64 {
        const STARTS: u32 = 16;
        let starts = (0..STARTS).map(|start| from + per * f64::from(start) / f64::from(STARTS));
        starts.map(|start| self.rate(start, start + 60.0)).sum::<f64>() / f64::from(STARTS)
    }

    /// Jain's index of fairness of what mailboxes got until some second: 1 if all got the same, 1/n if one got all (Jain,
    /// Chiu and Hawe 1984).
    pub(crate) fn fairness(&self, mailboxes: u32, until: f64) -> f64 {
        let mut got: BTreeMap<MailboxKey, f64> = BTreeMap::new();
        for call in self.calls.iter().filter(|call| !call.refused && call.heard.as_seconds() < until) {
            *got.entry(call.mailbox).or_default() += 1.0;
        }
        let sum: f64 = got.values().sum();
        let squares: f64 = got.values().map(|one| one * one).sum();
        sum * sum / (f64::from(mailboxes) * squares)
    }
}

/// How a mailbox is moved, as far as it matters for how much is asked for: calls at once, how long the target takes for
/// one, how long both ways take, and what all of that lets through at most in a second if nothing limits it.
#[derive(Clone, Copy)]
pub(crate) struct Client {
    pub(crate) width: u32,
    pub(crate) cost: &'static str,
    pub(crate) latency: &'static str,
    pub(crate) most_per_second: f64,
}

/// Few calls at once and many, near and far, even and uneven.
pub(crate) const CLIENTS: [Client; 4] = [
    Client { width: 4, cost: "exponential mean 30 ms", latency: "10 ms", most_per_second: 4.0 / 0.05 },
    Client { width: 8, cost: "exponential mean 50 ms", latency: "20 ms", most_per_second: 8.0 / 0.09 },
    Client { width: 16, cost: "constant 20 ms", latency: "5 ms", most_per_second: 16.0 / 0.03 },
    Client { width: 2, cost: "exponential mean 5 ms", latency: "2 ms", most_per_second: 2.0 / 0.009 },
];

/// Clients for the n-th limit of a sweep that could pass it by a fifth: whoever is slower than the limit, or hardly faster,
/// is not bound by it.
pub(crate) fn clients(place: usize, rate: f64, count: usize) -> impl Iterator<Item = Client> {
    let from_there = CLIENTS.into_iter().cycle().skip(place % CLIENTS.len()).take(CLIENTS.len());
    from_there.filter(move |client| client.most_per_second >= rate * 1.2).take(count)
}

/// The least time in seconds for calls under a limit of `count` in any span of `per` seconds: the first `count` at once,
/// and as many again after each span.
pub(crate) fn window_form(calls: u64, count: u64, per: f64) -> f64 {
    (calls.div_ceil(count) - 1) as f64 * per
}

/// What was measured, and whether it is as good as it has to be.
pub(crate) struct Case {
    text: String,
    holds: bool,
}

impl Case {
    /// A share of the theoretical maximum that was reached.
    pub(crate) fn new(what: &str, seen: &Seen, share: f64, holds: bool) -> Self {
        let (calls, refused, share) = (seen.calls.len(), seen.refused() * 100.0, share * 100.0);
        Self { text: format!("{what}: {share:.2}% of the maximum, {refused:.3}% of {calls} calls refused"), holds }
    }
}

/// Prints what was measured, for whoever runs the tests with `--nocapture`, and fails if any of it is not good enough.
#[expect(clippy::print_stdout, reason = "measured figures are what these tests are for")]
pub(crate) fn all_hold(cases: &[Case]) {
    for case in cases {
        println!("{}{}", if case.holds { "" } else { "NOT ENOUGH " }, case.text);
    }
    assert!(cases.iter().all(|case| case.holds), "see what was measured");
}
