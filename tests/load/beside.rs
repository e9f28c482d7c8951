//! People at work beside a wave: they take what they share with it, and nothing else, live as well, and are refused as
//! often as when the same load is sent for real.

use std::collections::BTreeMap;
use std::future::pending;
use std::path::Path;
use std::rc::Rc;
use std::sync::Arc;

use mock_server::front::clock::Clock;
use mock_server::time::{Moment, Span};
use mock_server::wire::refusal::RefusalKind;
use wavetank::checkpoint::memory::Memory;
use wavetank::engine::crowd;
use wavetank::engine::crowd::demand::Demand as Mean;
use wavetank::engine::live::drive::{DriveOptions, Http, drive};
use wavetank::engine::live::run::migrate;
use wavetank::engine::live::server::{self, ServerChoice};
use wavetank::engine::virtual_time::run::{Finished, simulate};
use wavetank::forecast::calls::Calls;
use wavetank::forecast::fluid::Shared;
use wavetank::load::demand::Demand;
use wavetank::load::tally::Tally;
use wavetank::metrics::collect::{Collector, refusals_of};
use wavetank::population::{Population, wave};
use wavetank::scenario;
use wavetank::scenario::plan::Plan;
use wavetank::world::Side;

/// A wave out of 200 mailboxes whose source admits so many requests per second, shared by somebody.
const SCENARIO: &str = r#"
title = "People beside a wave"
seed = 11
[population]
preset = "small-business"
mailboxes = 200
[population.uniform]
items = 40
item_size = "20 kB"
[source]
limits = [{ name = "shared", requests = "60/1 s", scope = "tenant" }]
costs = { call = "2 ms" }
[target]
limits = []
costs = { call = "2 ms" }
[network.source]
latency = "20 ms"
[network.target]
latency = "20 ms"
[wave]
mailboxes = 60
cutover = false
"#;

/// How often a live run is made at most: on a machine that is busy with something else everything is asked more slowly, and
/// less is refused.
const LIVE_RUNS: usize = 5;

fn plan(overrides: &[String]) -> Plan {
    let plan = scenario::parse(Path::new("beside.toml"), SCENARIO, overrides, None);
    plan.expect("a scenario")
}

/// The plan with people who ask the source so many times a second.
fn with_people(per_second: f64, overrides: &[&str]) -> Plan {
    let mut all: Vec<String> = overrides.iter().map(|&text| text.to_owned()).collect();
    all.push("background.starts=\"Tue 10:00\"".to_owned());
    let usual = Mean::of(&plan(&all), 200, Side::Source).requests;
    all.push(format!("background.source={}", per_second / usual));
    plan(&all)
}

fn run(plan: &Plan) -> Finished {
    let population = Population::of(plan).expect("a population");
    let mailboxes = wave::draw(&population, plan.seed, 0, plan.wave.mailboxes);
    let finished = simulate(plan, &population, &mailboxes, 0, plan.open());
    assert_eq!((finished.stuck, finished.summary.mailboxes.completed), (0, u64::from(plan.wave.mailboxes)));
    finished
}

/// Requests that were answered and not refused, and those that were refused.
fn served_and_refused(tally: &Tally) -> (u64, u64) {
    let refused = tally.kinds().map(|(_, kind)| kind.refused).sum();
    (tally.answered - refused, refused)
}

#[test]
fn a_wave_takes_longer_beside_people_who_share_its_limit() {
    let (alone, beside) = (run(&plan(&[])), run(&with_people(30.0, &[])));
    assert!(alone.background.is_empty());
    let (side, tally) = &beside.background[0];
    let (served, refused) = served_and_refused(tally);
    assert_eq!((*side, beside.background.len(), tally.offered), (Side::Source, 1, served + refused));
    assert!(refused > 0 && served > refused, "{served} {refused}");
    let [alone, beside] = [alone, beside].map(|finished| finished.summary.makespan.as_seconds());
    assert!(beside > 1.1 * alone, "{alone} s, {beside} s with people");
    // Neither keeps the other out.
    let people = served as f64 / beside;
    assert!((10.0..=31.0).contains(&people), "{people} requests/s were people's");
}

#[test]
fn a_wave_takes_as_long_beside_people_as_alone_where_nothing_is_shared() {
    let own = "source.limits=[{ name = \"own\", requests = \"60/1 s\", scope = \"app\" }]";
    let (alone, beside) = (run(&plan(&[own.to_owned()])), run(&with_people(30.0, &[own])));
    assert!(beside.background[0].1.answered > 0);
    assert_eq!((alone.done, alone.events), (beside.done, beside.events));
}

#[test]
fn people_beside_a_wave_do_the_same_again() {
    let plan = with_people(30.0, &["background.target=1"]);
    let (first, again) = (run(&plan), run(&plan));
    assert_eq!(first.background.len(), 2);
    assert_eq!((first.done, first.events, first.background), (again.done, again.events, again.background));
}

#[test]
fn forecasts_grant_a_wave_what_people_leave() {
    // The limit of 60 requests a second lets as many through at once.
    let seconds_for = |plan: &Plan, requests: f64| {
        let calls = Calls { syncs: 60.0 + requests, ..Calls::default() };
        Shared::new(plan, 200).granted.iter().map(|granted| granted.time_for(calls)).fold(0.0, f64::max)
    };
    assert!((seconds_for(&plan(&[]), 60_000.0) - 1_000.0).abs() < 1e-6);
    let beside = seconds_for(&with_people(30.0, &[]), 30_000.0);
    assert!((beside / 1_000.0 - 1.0).abs() < 0.004, "{beside}");
    let own = "source.limits=[{ name = \"own\", requests = \"60/1 s\", scope = \"app\" }]";
    assert!((seconds_for(&with_people(30.0, &[own]), 60_000.0) - 1_000.0).abs() < 1e-6);
    // The pipeline speaks EWS with this source. Of the people's programs, some do.
    let limit = |protocol: &str| {
        format!(
            "source.limits=[{{ name = \"shared\", requests = \"60/1 s\", scope = \"tenant\", protocols = [\"{protocol}\"] }}]"
        )
    };
    assert!(seconds_for(&with_people(30.0, &[&limit("graph")]), 60_000.0) < 1e-6);
    let beside_some = seconds_for(&with_people(30.0, &[&limit("ews")]), 60_000.0);
    assert!(beside_some > 1_100.0 && beside_some < 1_900.0, "{beside_some}");
}

#[test]
fn limits_on_some_operations_bound_only_those_in_a_forecast() {
    let calls = Calls { syncs: 60.0, exports: 600.0, ..Calls::default() };
    for (operations, seconds) in [("export_items", 54.0), ("sync_items", 0.0), ("find_folders", 0.0)] {
        let rule = format!("name = \"some\", requests = \"60/6 s\", operations = [\"{operations}\"]");
        for stack in ["limits=[{ scope = \"tenant\", ", "policies=[{ scope = [], "] {
            let overrides = ["source.limits=[]".to_owned(), format!("source.{stack}{rule} }}]")];
            let granted = Shared::new(&plan(&overrides), 200).granted;
            let found = granted.iter().map(|granted| granted.time_for(calls)).fold(0.0, f64::max);
            assert!((found - seconds).abs() < 1e-6, "{stack}{rule}: {found} s");
        }
    }
}

/// Sends the load of a plan's people to a mock of its source, up to a moment.
fn send(plan: &Plan, end: Moment) -> Tally {
    let population = Arc::new(Population::of(plan).expect("a population"));
    let mock = server::start(server::config(plan, Side::Source), Arc::clone(&population), Clock::start());
    let mock = mock.expect("a free port");
    let (background, arrivals) =
        crowd::load(plan, population.len(), 0, Side::Source).expect("there are people at the source");
    let options = DriveOptions { end, connections: 32, ..crate::options(mock.address(), Http::One, Span::ZERO) };
    let demand = |share| Demand::open(arrivals.clone(), share, end);
    let errand = crate::people(background, population, mock.address());
    drive(&Arc::new(options), demand, &errand, |_| {}, pending()).expect("a run").tally
}

#[test]
fn people_are_refused_as_often_live_as_in_virtual_time() {
    let overrides = [
        "wave.mailboxes=1",
        "network.source.latency=\"300 ms\"",
        // What a wave does not do, so that it ends whatever people are refused.
        "source.limits=[{ name = \"shared\", requests = \"24/1 s\", scope = \"tenant\", operations = [\"find_messages\", \
         \"read_items\", \"update_items\", \"send_items\"] }]",
    ];
    let plan = with_people(60.0, &overrides);
    let finished = run(&plan);
    let dreamt = &finished.background[0].1;
    // The last one that was due is due in both.
    let (_, arrivals) = crowd::load(&plan, 200, 0, Side::Source).expect("there are people at the source");
    let last = arrivals.take(dreamt.offered as usize).last().expect("somebody asked");
    // Where answers keep people waiting, the load is spread over more time, in which the limit lets more through.
    let mut runs = (0..LIVE_RUNS).map(|_| send(&plan, last.due + Span(1)));
    let real = runs.find(|real| real.response.max() < Span::seconds(1).0).expect("a machine with time for it");
    assert_eq!(real.offered, dreamt.offered);
    assert!(real.offered > 500, "{}", real.offered);
    let near = |real: u64, dreamt: u64, what: &str| {
        let off = (real as f64 - dreamt as f64).abs();
        assert!(off <= 0.05 * dreamt as f64 + 8.0, "{what}: {real} live, {dreamt} in virtual time");
    };
    let ((served, refused), (dreamt_served, dreamt_refused)) = (served_and_refused(&real), served_and_refused(dreamt));
    near(served, dreamt_served, "served");
    near(refused, dreamt_refused, "refused");
    let kinds: BTreeMap<_, _> = dreamt.kinds().map(|(name, kind)| (name, kind.answered)).collect();
    for (name, kind) in real.kinds() {
        near(kind.answered, kinds.get(&name).copied().unwrap_or(0), &name);
    }
}

/// A live wave beside people. Tells when it was over, what became of what people asked, and how often it was refused.
fn live(plan: &Plan) -> (f64, (u64, u64), u64) {
    let population = Arc::new(Population::of(plan).expect("a population"));
    let mailboxes = wave::draw(&population, plan.seed, 0, plan.wave.mailboxes);
    let collector = Rc::new(Collector::new(mailboxes.len() as u64, Moment::NEVER));
    let listener = Rc::clone(&collector);
    let source = ServerChoice { people: Some(Arc::clone(&population)), ..ServerChoice::mock() };
    let (servers, memory) = ([source, ServerChoice::mock()], Rc::new(Memory::default()));
    let never = async || pending::<()>().await;
    let finished = migrate(plan, &population, &mailboxes, plan.open(), &servers, memory, listener, never);
    let finished = finished.expect("a live run");
    let [people] = &finished.beside.people[..] else { panic!("people at the source") };
    let summary = collector.summary();
    assert_eq!((people.side, summary.mailboxes.completed), (Side::Source, 20));
    // Everything that was due by the end was asked, and nothing that was due later.
    let (_, arrivals) = crowd::load(plan, 200, 0, Side::Source).expect("there are people at the source");
    let due = arrivals.take_while(|arrival| arrival.due <= finished.at).count() as u64;
    let (served, refused) = served_and_refused(&people.with);
    assert_eq!((people.with.offered, served + refused), (due, due));
    (summary.makespan.as_seconds(), (served, refused), refusals_of(&summary, RefusalKind::ServerBusy))
}

#[test]
fn people_are_at_work_beside_a_live_wave() {
    let plan = with_people(30.0, &["wave.mailboxes=20"]);
    let dreamt = run(&plan);
    let usual = dreamt.summary.makespan.as_seconds();
    let in_time = (0..LIVE_RUNS).map(|_| live(&plan)).find(|(seconds, ..)| *seconds < 1.1 * usual);
    let (_, (served, refused), of_wave) = in_time.expect("a machine with time for it");
    // Each side is refused because of the other: alone, both would stay below the limit most of the time.
    assert!(refused > 0 && served > refused, "{served} {refused}");
    assert!(of_wave > 0);
    // What people meet live is what they meet in virtual time.
    let share = |(served, refused): (u64, u64)| refused as f64 / (served + refused) as f64;
    let (live, dreamt) = (share((served, refused)), share(served_and_refused(&dreamt.background[0].1)));
    assert!((live - dreamt).abs() < 0.1, "{live} live, {dreamt} in virtual time");
}
