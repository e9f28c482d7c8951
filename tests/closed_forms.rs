//! One mailbox, or a wave, against one limit: virtual world and forecast agree with formulas that a reader can check by
//! hand.
//!
//! Every formula is computed here from the numbers of the plan, and every one is tried with other numbers as well, so
//! that agreement is no accident of one value.

use std::cell::Cell;
use std::path::Path;

use mock_server::draw::Distribution;
use mock_server::throttle::limit::Rule;
use mock_server::time::Moment;
use mock_server::wire::id::MailboxKey;
use mock_server::wire::operation::Operation;
use wavetank::engine::virtual_time;
use wavetank::event::{Cause, Event, Listener};
use wavetank::forecast::job::{Job, Rates};
use wavetank::forecast::result::WindowForecast;
use wavetank::metrics::summary::Summary;
use wavetank::population::{Population, wave};
use wavetank::scenario;
use wavetank::scenario::plan::{Plan, UniformMailbox};
use wavetank::world::Side;

/// The share by which a run may differ from its formula.
const TOLERANCE: f64 = 0.01;

/// Simulates an example with other numbers.
fn simulate(file: &str, overrides: &[&str]) -> (Plan, Summary) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("scenarios").join(file);
    let overrides: Vec<String> = overrides.iter().map(|&text| text.to_owned()).collect();
    let plan = scenario::load(&path, &overrides, None).expect("a scenario");
    let population = Population::new(&plan.population, plan.seed).expect("the population is one mailbox");
    let mailboxes = wave::draw(&population, plan.seed, 0, plan.wave.mailboxes);
    let finished = virtual_time::run::simulate(&plan, &population, &mailboxes, 0, plan.open());
    (plan, finished.summary)
}

/// Checks an example against a formula of its plan, and what its time went to.
fn check(file: &str, overrides: &[&str], form: fn(&Plan) -> f64, binds: &[(Cause, f64)]) {
    let (plan, summary) = simulate(file, overrides);
    let what = format!("{file} {overrides:?}");
    let items = mailbox(&plan).items;
    let found = summary.verification;
    assert_eq!(summary.mailboxes.completed, 1, "{what}: {:?}", summary.mailboxes);
    assert_eq!((found.expected, found.present, summary.items.copied), (items, items, items), "{what}");
    let (expected, actual) = (form(&plan), summary.makespan.as_seconds());
    let off = actual / expected - 1.0;
    assert!(
        off.abs() < TOLERANCE,
        "{what}: the formula says {expected} s, the run took {actual} s, {:.3}% off",
        off * 100.0
    );
    let shares = summary.shares();
    for cause in Cause::ALL {
        let share = shares[cause as usize];
        let wanted = binds.iter().find(|(bound, _)| *bound == cause).map_or(0.0, |(_, share)| *share);
        assert!((share - wanted).abs() < TOLERANCE, "{what}: {} has {share}, expected {wanted}", cause.name());
    }
}

fn mailbox(plan: &Plan) -> UniformMailbox {
    plan.population.uniform.expect("the example has one mailbox of equal items")
}

/// Length of an item as base64 text: four letters for three bytes.
fn encoded(plan: &Plan) -> u64 {
    u64::from(mailbox(plan).item_bytes).div_ceil(3) * 4
}

/// How long a call of an operation takes, without its items.
fn call_seconds(plan: &Plan, operation: Operation) -> f64 {
    let costs = &plan.target.server.costs;
    let cost = costs.by_operation.iter().find(|(own, _)| *own == operation).map(|(_, cost)| cost.call);
    match cost {
        Some(Distribution::Constant(span)) => span.as_seconds(),
        other => panic!("the example has a constant cost, not {other:?}"),
    }
}

/// A window takes as many whole requests as fit below its limit, each an item and a little frame. The first load goes
/// at once; each further one goes a window after the one before.
fn upload_form(plan: &Plan) -> f64 {
    let [limit] = plan.target.server.limits.as_slice() else { panic!("the example has one limit") };
    let Rule::UploadBytes { bytes, per, .. } = limit.rule else { panic!("the example limits uploads") };
    let fitting = bytes / (encoded(plan) + 1);
    (mailbox(plan).items.div_ceil(fitting) - 1) as f64 * per.as_seconds()
}

#[test]
fn uploads_against_the_upload_limit_take_a_window_a_load() {
    let binds = [(Cause::TargetThrottle, 1.0)];
    check("closed-upload.toml", &[], upload_form, &binds);
    check(
        "closed-upload.toml",
        &[
            "population.uniform.items=4_000",
            "population.uniform.item_size=300 kB",
            "target.limits.outlook-upload.upload=60 MB/200 s",
        ],
        upload_form,
        &binds,
    );
    check(
        "closed-upload.toml",
        &["pipeline.requests_per_mailbox=1", "population.uniform.items=2_000"],
        upload_form,
        &binds,
    );
}

/// Imports share the places; each takes its cost.
fn concurrency_form(plan: &Plan) -> f64 {
    let [limit] = plan.target.server.limits.as_slice() else { panic!("the example has one limit") };
    let Rule::Concurrency { lanes, .. } = limit.rule else { panic!("the example limits requests at once") };
    mailbox(plan).items as f64 * call_seconds(plan, Operation::ImportItem) / f64::from(lanes)
}

#[test]
fn imports_against_the_limit_on_requests_at_once_share_its_places() {
    let binds = [(Cause::TargetService, 1.0)];
    check("closed-concurrency.toml", &[], concurrency_form, &binds);
    for (places, items, call) in [(1, 1_500, "70 ms"), (2, 3_000, "250 ms"), (16, 9_000, "40 ms")] {
        check(
            "closed-concurrency.toml",
            &[
                &format!("target.limits.outlook-concurrency.concurrency={places}"),
                &format!("pipeline.requests_per_mailbox={places}"),
                &format!("population.uniform.items={items}"),
                &format!("target.costs.import_item.call=constant {call}"),
            ],
            concurrency_form,
            &binds,
        );
    }
}

#[test]
fn more_requests_at_once_than_the_limit_takes_do_not_beat_it() {
    let (plan, summary) = simulate("closed-concurrency.toml", &["pipeline.requests_per_mailbox=16"]);
    let (form, actual) = (concurrency_form(&plan), summary.makespan.as_seconds());
    assert!(actual >= form && actual < form * 1.25, "the formula says {form} s, the run took {actual} s");
    let refused: u64 = summary.refusals.iter().sum();
    assert!(refused > 0 && refused * 20 < summary.calls(), "{refused} of {}", summary.calls());
}

/// Every byte of every item crosses the link as base64 text.
fn link_form(plan: &Plan) -> f64 {
    let rate = plan.network.target.bytes_per_second.expect("the example has a slow line");
    (mailbox(plan).items * encoded(plan)) as f64 / rate
}

#[test]
fn imports_over_a_slow_line_take_their_bytes_over_its_rate() {
    let binds = [(Cause::Network, 1.0)];
    check("closed-link.toml", &[], link_form, &binds);
    check(
        "closed-link.toml",
        &["population.uniform.items=300", "population.uniform.item_size=2 MB", "network.target.bandwidth=35 Mbit/s"],
        link_form,
        &binds,
    );
    check(
        "closed-link.toml",
        &["pipeline.requests_per_mailbox=8", "network.target.bandwidth=1 Gbit/s"],
        link_form,
        &binds,
    );
}

fn export_seconds(plan: &Plan) -> f64 {
    let costs = &plan.source.server.costs;
    let cost = costs.by_operation.iter().find(|(operation, _)| *operation == Operation::ExportItems);
    mailbox(plan).items as f64 * cost.expect("the example prices exports").1.per_item.as_seconds()
}

/// One request at a time: every item is exported and imported.
fn service_form(plan: &Plan) -> f64 {
    export_seconds(plan) + mailbox(plan).items as f64 * call_seconds(plan, Operation::ImportItem)
}

#[test]
fn one_request_at_a_time_takes_the_sum_of_all_service_times() {
    let shares = |plan: &Plan| {
        let source = export_seconds(plan) / service_form(plan);
        [(Cause::SourceService, source), (Cause::TargetService, 1.0 - source)]
    };
    for overrides in [
        &[][..],
        &[
            "population.uniform.items=700",
            "source.costs.export_items.per_item=35 ms",
            "target.costs.import_item.call=constant 20 ms",
            "pipeline.batch.export_items=7",
        ],
        &["source.costs.export_items.per_item=1 ms", "target.costs.import_item.call=constant 300 ms"],
    ] {
        let (plan, _) = simulate("closed-service.toml", overrides);
        check("closed-service.toml", overrides, service_form, &shares(&plan));
    }
}

#[test]
fn the_forms_are_those_that_the_examples_state() {
    for (file, form, stated) in [
        ("closed-upload.toml", upload_form as fn(&Plan) -> f64, 40_200.0),
        ("closed-concurrency.toml", concurrency_form, 250.0),
        ("closed-link.toml", link_form, 133.33),
        ("closed-service.toml", service_form, 120.0),
    ] {
        let computed = form(&simulate(file, &[]).0);
        assert!((computed - stated).abs() < 0.01, "{file}: {computed} s instead of {stated} s");
    }
}

/// A tenant whose window holds hundreds of mailboxes as long as nothing limits the requests of the app.
const ALLOWANCE: &str = r#"
title = "An allowance that gives out"
seed = 3

[population]
preset = "small-business"
mailboxes = 2_000

[population.uniform]
items = 40
item_size = "10 kB"
changes_per_day = 12

[source]
protocol = "ews"
costs = "free"

[target]
protocol = "graph"
costs = "free"

[target.switch]
places = 10
duration = "constant 2 min"

[network.source]
preset = "ideal"

[network.target]
preset = "ideal"

[pipeline]
lanes = 10
open_switches = 10
verify = "counts"

[wave]
mailboxes = 60
window = "noon"

[wave.prestage]
lead = "7 d"
interval = "24 h"
age = "12 h"

[[windows]]
name = "noon"
days = ["Tue"]
opens = "12:00"
closes = "14:00"
zone = "Europe/London"
from = 2026-03-02

[forecast]
virtual_runs = [2, 2]
fluid_runs = 20
"#;

/// Counts requests to the target.
#[derive(Default)]
struct ToTarget(Cell<u64>);

impl Listener for ToTarget {
    fn note(&self, _: Moment, event: &Event) {
        if matches!(event, Event::CallEnded { side: Side::Target, .. }) {
            self.0.set(self.0.get() + 1);
        }
    }
}

/// The tenant with limits at its target.
fn tenant(overrides: &[String]) -> (Plan, Population) {
    let plan = scenario::parse(Path::new("allowance.toml"), ALLOWANCE, overrides, None).expect("a scenario");
    let population = Population::new(&plan.population, plan.seed).expect("the preset is known");
    (plan, population)
}

/// The forecast for its window.
fn forecast(overrides: &[String]) -> WindowForecast {
    let (plan, population) = tenant(overrides);
    let described = population.describe(population.len());
    let answer = wavetank::forecast::forecast(&plan, &population, &described, 2, &|_, _| {});
    answer.expect("the window opens").windows.remove(0)
}

/// How many requests a mailbox of such a wave makes of a target without limits: the later it is its turn, the more has
/// changed.
fn requests_to_target(mailboxes: u32) -> f64 {
    let (plan, population) = tenant(&[]);
    // Mailboxes change as they do before the opening that the forecast is for.
    let (window, prestage) = (&plan.windows[0], plan.wave.prestage.expect("copied ahead"));
    let opening = window.next_opening(window.from).expect("the window opens");
    let population = population.staged_for(window, &opening, prestage.lead);
    let mailboxes = wave::draw(&population, plan.seed, 0, mailboxes);
    let ear = ToTarget::default();
    let finished = virtual_time::run::observe(&plan, &population, &mailboxes, 0, plan.open(), &ear);
    assert_eq!(finished.summary.mailboxes.completed, mailboxes.len() as u64);
    ear.0.get() as f64 / mailboxes.len() as f64
}

/// What a wave comes to with one way of verification, in the virtual world and in the fluid model: items listed page by
/// page, bytes of answers, lane time after the switch.
struct Verified {
    syncs: f64,
    received: f64,
    lane_time: f64,
    jobs: Vec<Job>,
}

fn verified(verify: &str) -> Verified {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("scenarios/enterprise-weekend.toml");
    let plan = scenario::load(&path, &[format!("pipeline.verify={verify}")], None).expect("a scenario");
    let population = Population::new(&plan.population, plan.seed).expect("the preset is known");
    let mailboxes = wave::draw(&population, plan.seed, 0, 30);
    let finished = virtual_time::run::simulate(&plan, &population, &mailboxes, 0, None);
    let Summary { requests, received_bytes, charged, verification, .. } = finished.summary;
    assert_eq!((verification.missing, verification.duplicate), (0, 0));
    let rates = Rates::new(&plan);
    let job = |mailbox: &MailboxKey| rates.job(&plan, *mailbox, &population.mailbox(*mailbox), 0);
    Verified {
        syncs: requests[Operation::SyncItems as usize].count as f64,
        received: received_bytes as f64,
        lane_time: charged.iter().map(|span| span.as_seconds()).sum(),
        jobs: mailboxes.iter().map(job).collect(),
    }
}

#[test]
fn comparing_every_item_takes_what_the_fluid_model_counts() {
    let (counts, items) = (verified("counts"), verified("fingerprint"));
    let more = |of: fn(&Job) -> f64| {
        let sum = |jobs: &[Job]| jobs.iter().map(of).sum::<f64>();
        sum(&items.jobs) - sum(&counts.jobs)
    };
    let pages = (items.syncs - counts.syncs) / more(|job| job.calls.item_pages * 2.0);
    let bytes = (items.received - counts.received) / more(|job| job.bytes.0 + job.bytes.1);
    let time = (items.lane_time - counts.lane_time) / more(|job| job.after.as_seconds());
    // It counts pages as if every folder had one that is not full, and the lane time as if all folders were alike.
    assert!((0.85..=1.0).contains(&pages), "{pages} of the pages");
    assert!((0.95..=1.05).contains(&bytes), "{bytes} of the bytes");
    assert!((1.0..=1.6).contains(&time), "{time} of the lane time");
}

#[test]
fn copying_everything_takes_what_the_fluid_model_counts() {
    let jobs = |plan: &Plan| -> Vec<Job> {
        let population = Population::new(&plan.population, plan.seed).expect("the preset is known");
        let (rates, wave) = (Rates::new(plan), wave::draw(&population, plan.seed, 0, plan.wave.mailboxes));
        wave.iter().map(|mailbox| rates.job(plan, *mailbox, &population.mailbox(*mailbox), 0)).collect()
    };
    for file in ["closed-upload.toml", "closed-concurrency.toml", "closed-service.toml"] {
        let (plan, summary) = simulate(file, &[]);
        let share = jobs(&plan)[0].before.as_seconds() / summary.makespan.as_seconds();
        assert!((0.97..=1.03).contains(&share), "{file}: {share} of the time");
    }
    let (plan, summary) = simulate("closed-link.toml", &[]);
    let carried = jobs(&plan)[0].bytes.1 / summary.sent_bytes as f64;
    assert!((0.97..=1.03).contains(&carried), "{carried} of the bytes");
    // A wave of ordinary mailboxes, from the first request to the last.
    let (plan, summary) = simulate("small-business.toml", &["pipeline.verify=counts"]);
    let counted: f64 = jobs(&plan).iter().map(|job| (job.before + job.held + job.after).as_seconds()).sum();
    let share = counted / summary.charged.iter().map(|span| span.as_seconds()).sum::<f64>();
    assert!((0.8..=1.2).contains(&share), "{share} of the lane time");
}

#[test]
fn a_wave_ends_where_an_allowance_for_a_day_gives_out() {
    let open = forecast(&[]).size;
    // Ten places of two minutes, in two hours.
    assert!(!open.bracketed && (570..=610).contains(&open.recommended), "{open:?}");
    for allowance in [1_000, 2_000, 4_000] {
        let limit = format!(
            r#"target.limits=[{{ name = "allowance", requests = "{allowance}/24 h", refused_count = false, scope = "app" }}]"#
        );
        let size = forecast(&[limit]).size;
        let fits = f64::from(allowance) / requests_to_target(size.recommended);
        let share = f64::from(size.recommended) / fits;
        assert!(size.bracketed && (0.93..=1.01).contains(&share), "{allowance}: {size:?}, {fits} have enough");
        assert!(f64::from(size.interval.1) >= fits * 0.99, "{allowance}: {size:?}, {fits} have enough");
    }
}

#[test]
fn mailboxes_that_fail_for_good_are_not_done() {
    let without = forecast(&[]);
    assert_eq!(without.failed_share.to_bits(), 0.0_f64.to_bits());
    let failing = |cohort: &str| {
        let fault = format!(
            r#"{{ name = "no", operations = ["start_switch"], cohort = "{cohort}", act = "refuse", kind = "forbidden" }}"#
        );
        forecast(&[format!("target.faults=[{fault}]")])
    };
    // One in five is never done, and one in a hundred may be.
    let many = failing("20%");
    assert!((0.17..0.23).contains(&many.failed_share), "{}", many.failed_share);
    assert_eq!((many.size.recommended, many.size.interval), (0, (0, 0)));
    assert!(many.curve.iter().all(|point| point.probability < 0.01), "{:?}", many.curve);
    // Times are those of the wave that would be done in time.
    assert!(many.size.in_time >= without.size.recommended, "{:?}", many.size);
    assert!((1.5..=2.0).contains(&many.makespan_hours.p50), "{:?}", many.makespan_hours);
    assert!(many.sensitivity.iter().all(|effect| effect.recommended == 0 && effect.relative.is_none()));
    // Fewer than may fail do: the wave is about as large as without, and they are among its stragglers.
    let few = failing("0.2%");
    let (open, size) = (f64::from(without.size.recommended), f64::from(few.size.recommended));
    assert!(few.failed_share < 0.005 && (0.95..1.05).contains(&(size / open)), "{} {size} {open}", few.failed_share);
    assert!(few.stragglers >= few.failed_share * size, "{}", few.stragglers);
    // Nobody is ever done.
    let all = failing("100%");
    assert_eq!((all.size.recommended, all.failed_share.to_bits()), (0, 1.0_f64.to_bits()));
}

#[test]
fn a_window_in_which_not_even_one_mailbox_is_done_has_no_wave() {
    // A switch of two minutes in a window of one.
    let set = [
        r#"windows=[{ name = "noon", days = ["Tue"], opens = "12:00", closes = "12:01", zone = "Europe/London", from = 2026-03-02 }]"#,
    ];
    let window = forecast(&set.map(str::to_owned));
    assert_eq!((window.size.recommended, window.size.interval), (0, (0, 0)), "{:?}", window.size);
    assert!(window.curve.iter().all(|point| point.probability == 0.0), "{:?}", window.curve);
    // What is shown is one mailbox by itself: the switch, and little else.
    assert!((1.0..=2.0).contains(&window.stragglers) && (0.033..0.05).contains(&window.makespan_hours.p50));
    let (least, most) = window.leading().expect("there are knobs");
    assert_eq!((least.recommended, least.relative), (0, None));
    // An hour more carries thirty on each of ten places.
    assert!((270..=310).contains(&most.recommended), "{most:?}");
}

#[test]
fn mailboxes_that_all_take_the_same_time_go_in_rounds_of_the_places() {
    // Ten places of two minutes: a window in which the last round is not quite done holds the rounds before it.
    for rounds in 1..=9 {
        let closes = format!("12:{:02}:40", rounds * 2 + 1);
        let window = forecast(&[format!(
            r#"windows=[{{ name = "noon", days = ["Tue"], opens = "12:00", closes = "{closes}", zone = "Europe/London", from = 2026-03-02 }}]"#
        )]);
        let expected = 10 * rounds;
        assert_eq!(
            (window.size.recommended, window.size.interval),
            (expected, (expected, expected)),
            "{rounds} rounds"
        );
        let minutes = window.makespan_hours.p50 * 60.0;
        assert!((0.0..0.5).contains(&(minutes - f64::from(rounds) * 2.0)), "{rounds} rounds: {minutes} min");
        // Switches of one minute: as many rounds again, and one more in the rest of the window. From a hundred on, one in
        // a hundred may be late.
        let shorter = window.sensitivity.iter().find(|effect| effect.to == "mean 1.0 min").expect("a knob");
        let (carried, share) = (10 * (2 * rounds + 1), 0.99);
        assert_eq!(shorter.recommended, (f64::from(carried) / share) as u32, "{rounds} rounds");
        for point in window.curve {
            assert_eq!(point.probability.to_bits(), f64::from(u8::from(point.mailboxes <= expected)).to_bits());
        }
    }
}

#[test]
fn the_knob_that_is_told_is_the_one_that_binds() {
    // Ten places, of which the pipeline takes five.
    let window = forecast(&["pipeline.open_switches=5".to_owned()]);
    let all = forecast(&[]).size.recommended;
    let doubled = window.sensitivity.iter().find(|effect| effect.from == "5" && effect.to == "10").expect("a knob");
    assert_eq!(doubled.knob, "pipeline.open_switches (with lanes to match)");
    let share = f64::from(doubled.recommended) / f64::from(all);
    assert!((0.95..=1.05).contains(&share), "{} told, {all} found", doubled.recommended);
    assert!(window.sensitivity.iter().all(|effect| effect.from != effect.to), "{:?}", window.sensitivity);
}
