//! What every example scenario comes to in virtual time, kept as a short report beside this file, and the names that
//! scenarios, reports, journals and the control interface have for things.
//!
//! What differs fails with its difference. If the change is meant, run the tests with `WAVETANK_ACCEPT=1` and commit what
//! is kept now with the reason.

use std::collections::BTreeSet;
use std::fmt::Debug;
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::{env, fs};

use mock_server::journal::judge::measure::Unit as Measured;
use mock_server::journal::recorder::Recorder;
use mock_server::throttle::health::resource::Resource;
use mock_server::throttle::policy::unit::Unit;
use mock_server::wire::call::Protocol;
use mock_server::wire::operation::Operation;
use mock_server::wire::refusal::{ItemErrorKind, RefusalKind};
use serde_json::Value;
use snapbox::{Assert, Data};
use wavetank::checkpoint::cutover::Step;
use wavetank::engine::virtual_time::run::{Keep, people_alone};
use wavetank::engine::{order, virtual_time};
use wavetank::event::{Cause, Deaf};
use wavetank::load::act::Action;
use wavetank::load::tally::Failure;
use wavetank::population::Population;
use wavetank::population::preset::Cohort;
use wavetank::report::json;
use wavetank::report::told::Told;
use wavetank::scenario;
use wavetank::scenario::plan::Origin;
use wavetank::scenario::program::Program;
use wavetank::world::Side;

/// Every example with what is changed so that it takes a moment in a test build.
const EXAMPLES: [(&str, &[&str]); 12] = [
    ("closed-concurrency", &[]),
    ("closed-link", &[]),
    ("closed-service", &[]),
    ("closed-upload", &[]),
    ("enterprise-weekend", &["wave.mailboxes=300"]),
    ("fault-heavy", &[]),
    ("network-bound", &[]),
    ("nhsmail", &["wave.mailboxes=3_000"]),
    ("odd-answers", &[]),
    ("small-business", &[]),
    ("stalled-evening", &[]),
    ("throttle-bound", &[]),
];

fn folder(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(name)
}

/// The names of the files in a folder that end in a certain way, without that ending.
fn names(in_folder: &str, ending: &str) -> BTreeSet<String> {
    let entries = fs::read_dir(folder(in_folder)).expect("the folder is there");
    let names = entries.map(|entry| entry.expect("readable").file_name().to_string_lossy().into_owned());
    names.filter_map(|name| name.strip_suffix(ending).map(str::to_owned)).collect()
}

/// Simulates an example and renders what it comes to, without what differs from one run or release to the next.
fn simulate(name: &str, overrides: &[&str]) -> String {
    let path = folder("scenarios").join(format!("{name}.toml"));
    let changes: Vec<String> = overrides.iter().map(|&text| text.to_owned()).collect();
    let plan = scenario::load(&path, &changes, None).expect("a scenario");
    let population = Population::of(&plan).expect("examples have a population");
    let mailboxes = order::wave(&plan, &population, 0, plan.wave.mailboxes);
    let recorder = Recorder::new(1.0).with_goals(plan.goals.clone());
    let keep = Keep { recorder: (!plan.goals.is_empty()).then_some(recorder), scripts: None };
    let (finished, _) = virtual_time::run::rehearse(&plan, &population, &mailboxes, plan.open(), &Deaf, &keep);
    assert_eq!(finished.stuck, 0, "{name}: a lane waits for ever");
    let alone = plan.background.as_ref().map(|_| people_alone(&plan, &population, 0, finished.until));
    let goals = keep.recorder.map(|recorder| recorder.card().goals).unwrap_or_default();
    assert!(goals.iter().all(|goal| goal.met), "{name}: {goals:?}");
    let told = Told { world: "virtual", summary: &finished.summary, beside: &finished.beside(alone), goals: &goals };
    let report = json::run::whole(&plan, &told, 0.0);
    let mut report = serde_json::to_value(&report).expect("reports are JSON");
    let fields = report.as_object_mut().expect("a report is an object");
    fields.shift_remove("wall_seconds");
    fields.shift_remove("version");
    let mut golden = serde_json::Map::new();
    golden.insert("overrides".to_owned(), overrides.to_vec().into());
    golden.append(fields);
    json::render(&golden)
}

/// Compares with what is kept in a file beside this one, or keeps it; `title` is what it is called in a difference.
fn compare(file: &str, title: &str, actual: String) -> Result<(), String> {
    let file = folder("tests/golden").join(file);
    if env::var_os("WAVETANK_ACCEPT").is_some_and(|value| value == "1") {
        fs::write(&file, actual).expect("the file can be written");
        return Ok(());
    }
    let kept = fs::read_to_string(&file).unwrap_or_default();
    Assert::new()
        .try_eq(Some(&title), Data::text(actual), Data::text(kept))
        .map_err(|difference| format!("{difference}"))
}

fn check(name: &str, overrides: &[&str]) -> Result<(), String> {
    compare(&format!("{name}.json"), &format!("scenarios/{name}.toml"), simulate(name, overrides))
}

/// A line with the names of some things, in the order of their numbers.
fn line(things: &str, names: &[&str]) -> String {
    format!("{things}: {}\n", names.join(" "))
}

/// A line with the names of things that are found by name, of which each is.
fn found<T: FromStr + Copy + Debug + PartialEq>(things: &str, all: &[T], name: fn(T) -> &'static str) -> String {
    for one in all {
        assert_eq!(name(*one).parse().ok(), Some(*one));
        assert!(T::from_str(&name(*one).to_uppercase()).is_err(), "{one:?}");
    }
    line(things, &all.iter().map(|one| name(*one)).collect::<Vec<_>>())
}

#[test]
fn every_example_comes_to_what_is_on_record() {
    let differences: Vec<String> =
        EXAMPLES.iter().filter_map(|(name, overrides)| check(name, overrides).err()).collect();
    assert!(
        differences.is_empty(),
        "{}\n{} of {} reports differ. If that is meant, run `WAVETANK_ACCEPT=1 cargo test --test golden` and commit \
         tests/golden with the reason.",
        differences.join("\n"),
        differences.len(),
        EXAMPLES.len()
    );
}

#[test]
fn every_name_is_on_record() {
    let names = [
        found("operations", &Operation::ALL, Operation::name),
        found("refusals", &RefusalKind::ALL, RefusalKind::name),
        found("errors of items", &ItemErrorKind::ALL, ItemErrorKind::name),
        found("protocols", &Protocol::ALL, Protocol::name),
        found("units of policies", &Unit::ALL, Unit::name),
        found("resources", &Resource::ALL, Resource::name),
        found("programs", &Program::ALL, Program::name),
        found("actions", &Action::ALL, Action::name),
        line("causes", &Cause::ALL.map(Cause::name)),
        line("failures", &Failure::ALL.map(Failure::name)),
        line("cohorts", &Cohort::ALL.map(Cohort::name)),
        line("sides", &[Side::Source, Side::Target].map(Side::name)),
        line("origins", &[Origin::File, Origin::Override, Origin::Preset, Origin::Default].map(Origin::name)),
        line(
            "units of measures",
            &[Measured::Count, Measured::Share, Measured::Index, Measured::Ratio, Measured::Seconds, Measured::Bytes]
                .map(Measured::name),
        ),
        // State files keep their numbers.
        line("steps of a cutover", &Step::ALL.map(|step| format!("{step:?}")).each_ref().map(String::as_str)),
    ];
    if let Err(difference) = compare("names.txt", "names", names.concat()) {
        panic!("{difference}\nScenarios, journals and state files that exist use these, and so do readers of reports.");
    }
}

#[test]
fn every_example_is_on_record_and_nothing_else_is() {
    let listed: BTreeSet<String> = EXAMPLES.iter().map(|(name, _)| (*name).to_owned()).collect();
    assert_eq!(listed, names("scenarios", ".toml"));
    assert_eq!(listed, names("tests/golden", ".json"));
}

#[test]
fn what_is_on_record_is_plausible() {
    for (name, _) in EXAMPLES {
        let text = fs::read_to_string(folder("tests/golden").join(format!("{name}.json"))).expect("it is on record");
        let report: Value = serde_json::from_str(&text).expect("JSON");
        let found = &report["verification"];
        assert_eq!((found["missing"].as_u64(), found["duplicate"].as_u64()), (Some(0), Some(0)), "{name}");
        let shares = report["time_by_cause"].as_object().expect("shares").values();
        let sum: f64 = shares.filter_map(Value::as_f64).sum();
        assert!((sum - 1.0).abs() < 1e-9, "{name}: shares sum to {sum}");
    }
}
