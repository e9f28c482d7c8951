//! Scenario files: good ones are read, bad ones say all that is wrong with them, where, and what to write instead.

use std::fs;
use std::path::{Path, PathBuf};

use mock_server::draw::Distribution;
use mock_server::fault::rule::Act;
use mock_server::fault::trick::{Door, Trick};
use mock_server::journal::judge::goal::Bound;
use mock_server::service::config::Holding;
use mock_server::throttle::health::episode::{Effect, Reach, When};
use mock_server::throttle::health::preset;
use mock_server::throttle::health::resource::Resource;
use mock_server::throttle::limit::Rule;
use mock_server::time::{Moment, Span};
use mock_server::wire::refusal::ItemErrorKind;
use proptest::prelude::*;
use wavetank::scenario;
use wavetank::scenario::plan::{Origin, Plan};
use wavetank::scenario::problem::Problems;

const MINIMAL: &str = "title = \"Minimal\"\n\n[wave]\nmailboxes = 10\n";

fn parse(content: &str, overrides: &[&str]) -> Result<Plan, Problems> {
    let overrides: Vec<String> = overrides.iter().map(|text| (*text).to_owned()).collect();
    scenario::parse(Path::new("scenarios/trial.toml"), content, &overrides, None)
}

fn good(content: &str, overrides: &[&str]) -> Plan {
    parse(content, overrides).expect("a scenario")
}

fn bad(content: &str, overrides: &[&str]) -> Problems {
    parse(content, overrides).err().unwrap_or_else(|| panic!("accepted:\n{content}"))
}

/// The minimal scenario with something added behind it: the first added line is line 5.
fn with(added: &str) -> String {
    format!("{MINIMAL}{added}\n")
}

/// Checks that an addition to the minimal scenario is refused with exactly one problem at a line and column.
fn check(added: &str, place: (usize, usize), message: &str, help: &str) {
    let problems = bad(&with(added), &[]);
    let rendered = problems.render(false, 120);
    let [problem] = problems.list.as_slice() else { panic!("not one problem:\n{rendered}") };
    assert_eq!(problem.message, message, "{added}");
    assert_eq!(problem.line_and_column(), Some(place), "{added}\n{rendered}");
    assert!(problem.help.as_deref().is_some_and(|text| text.contains(help)), "{added}\n{rendered}");
    let pointer = format!("scenarios/trial.toml:{}:{}", place.0, place.1);
    assert!(rendered.contains(&pointer) && rendered.contains("1 problem"), "{rendered}");
}

#[test]
fn unknown_names_are_refused_with_a_suggestion() {
    check("[pipelin]", (5, 2), "a scenario has no key `pipelin`", "did you mean `pipeline`?");
    check("[pipeline]\nlane = 4", (6, 1), "`pipeline` has no key `lane`", "did you mean `lanes`?");
    check("[target]\nlimits = [\"outlok\"]", (6, 11), "there is no limit preset `outlok`", "did you mean `outlook`?");
    check("[target]\ncosts = \"fre\"", (6, 9), "there is no cost preset `fre`", "did you mean `free`?");
    check(
        "[target.costs.import_items]",
        (5, 15),
        "there is no operation `import_items`",
        "did you mean `import_item`?",
    );
    check("[network.target]\npreset = \"idael\"", (6, 10), "there is no link preset `idael`", "did you mean `ideal`?");
    check("[population]\npreset = \"nsh\"", (6, 10), "there is no population preset `nsh`", "did you mean `nhs`?");
    check("[target]\nprotocol = \"grpah\"", (6, 12), "there is no protocol `grpah`", "did you mean `graph`?");
    check("[pipeline]\norder = 3", (6, 9), "expected a name, found a whole number", "`heaviest-first`");
}

#[test]
fn wrong_units_are_named_for_what_they_are() {
    let patience = |text: &str| format!("[pipeline]\npatience = {text}");
    check(&patience("\"5 kB\""), (6, 12), "`5 kB` is an amount of data, expected a duration", "\"9 min\"");
    check(&patience("60"), (6, 12), "`60` has no unit, expected a duration", "in quotes with its unit");
    check(&patience("\"PT60S\""), (6, 12), "`PT60S` does not begin with a number, expected a duration", "\"45 ms\"");
    let link = "[network.target]\nbandwidth = \"10 GB\"";
    check(link, (6, 13), "`10 GB` is an amount of data, expected a rate", "10 Gbit/s");
    let switch = "[target.switch]\nduration = \"normal 5 min\"";
    check(switch, (6, 12), "`normal` is not a distribution", "log-normal median 8 min sigma 0.5");
    let limit = "[target]\nlimits = [{ name = \"a\", upload = \"150 MB\" }]";
    check(limit, (6, 34), "`150 MB` is an amount of data, expected an amount of data in a span", "150 MB/5 min");
    check("[target]\nlargest_item = \"9 KB\"", (6, 16), "`KB` is not a unit of data", "did you mean `kB`?");
}

#[test]
fn negative_and_excessive_numbers_are_refused() {
    check("[pipeline]\nlanes = -4", (6, 9), "`-4` is negative", "from 1 to 1000000");
    check("[pipeline]\nlanes = 0", (6, 9), "`0` is outside 1 to 1000000", "from 1 to 1000000");
    check("[pipeline]\npatience = \"-5 s\"", (6, 12), "`-5 s` is negative, expected a duration", "leave the sign out");
    check("[population]\nchange_factor = -1.5", (6, 17), "`-1.5` is negative", "not negative");
    let few = "a forecast needs at least two virtual runs, to see how much they differ";
    check("[forecast]\nvirtual_runs = [1, 8]", (6, 16), few, "write, for example, [2, 40]");
    check("[forecast]\nconfidence = 1.5", (6, 14), "`1.5` is outside 0 to 1", "\"70%\"");
    check("[forecast]\nconfidence = \"150%\"", (6, 14), "`150%` is outside 0 to 1", "\"70%\"");
    let budget = |cutoff: &str| {
        let keys = format!("burst = \"1 s\", recharge_per_hour = \"9 min\", cutoff = {cutoff}");
        format!("[source]\nlimits = [{{ name = \"budget\", {keys} }}]")
    };
    check(&budget("\"-1 s\""), (6, 83), "`-1 s` is negative, expected a duration", "leave the sign out");
    check(&budget("-1"), (6, 83), "`-1` is negative, expected a duration", "in quotes with its unit");
}

#[test]
fn limits_that_change_are_named_once_for_each_time() {
    let changes = |entries: &str| format!("[target]\nlimits = [\"outlook\"]\nlimit_changes = [{entries}]");
    let right = "{ at = \"10 min\", limit = \"outlook-requests\", factor = 0.5 }";
    let plan = good(&with(&changes(right)), &[]);
    let [change] = plan.target.server.limit_changes.as_slice() else { panic!("not one change") };
    assert_eq!(change.at, Moment::START + Span::seconds(600));
    let halved = Rule::Requests { count: 5_000, per: Span::seconds(600), refused_count: true };
    assert_eq!((change.limit.name.as_str(), change.limit.rule), ("outlook-requests", halved));
    let wrong = [
        (
            "{ at = \"1 s\", limit = \"outlook-request\", factor = 2 }",
            40,
            "this side has no limit or policy `outlook-request`",
            "did you mean `outlook-requests`?",
        ),
        ("{ at = \"1 s\", limit = \"outlook-upload\", factor = -1 }", 67, "`-1` is negative", "1.5"),
        ("{ limit = \"outlook-upload\", factor = 1 }", 20, "target.limit_changes.0 has no `at`", "30 min"),
        ("{ at = \"1 s\", limit = \"outlook-upload\" }", 20, "target.limit_changes.0 has no `factor`", "halves"),
        (
            "{ at = \"1 s\", limit = \"outlook-upload\", factor = 2 }, { at = \"1000 ms\", limit = \"outlook-upload\", \
             factor = 1 }",
            79,
            "the limit `outlook-upload` changes twice at the same time",
            "another time",
        ),
    ];
    for (entries, column, message, help) in wrong {
        check(&changes(entries), (7, column), message, help);
    }
    let none = "[source]\nlimit_changes = [{ at = \"1 s\", limit = \"a\", factor = 2 }]";
    check(none, (6, 40), "this side has no limit or policy `a`", "in `limits` or `policies` first");
}

#[test]
fn contradictions_are_refused() {
    let message = "9 open switches need as many lanes, but there are 4";
    check("[pipeline]\nlanes = 4\nopen_switches = 9", (7, 17), message, "raise `lanes` or lower `open_switches`");
    let pace = "[target]\nlimits = [\"outlook\"]\n[pipeline.pace]\ntarget_upload = \"160 MB/5 min\"";
    let message = "a pace of 160 MB/5 min is above the target's limit `outlook-upload` of 150 MB/5 min";
    check(pace, (8, 17), message, "keeps below a limit");
    let pace = "[target]\nlimits = [\"outlook\"]\n[pipeline.pace]\ntarget_requests = \"17/1 s\"";
    let message = "a pace of 17/1 s is above the target's limit `outlook-requests` of 10000/10 min";
    check(pace, (8, 19), message, "keeps below a limit");
    let retry = "[pipeline.retry]\nfirst_back_off = \"9 min\"";
    check(retry, (6, 18), "the first back-off of 9 min is above the longest of 5 min", "lower the first");
    let message = "a wave of 10 mailboxes is more than the 5 there are";
    let plan = bad(&with("[population]\nmailboxes = 5"), &[]);
    assert_eq!((plan.list[0].message.as_str(), plan.list[0].line_and_column()), (message, Some((4, 13))));
    let twice = "[target]\nlimits = [\"outlook\", \"graph\"]";
    let problems = bad(&with(twice), &[]);
    assert_eq!(problems.list[0].message, "the limit `outlook-requests` is given twice");
    let fault = "[[target.faults]]\nname = \"a\"\nact = \"reset\"\nfrom = \"9 min\"\nuntil = \"1 min\"";
    check(fault, (9, 9), "the fault ends before it begins", "later than `from`");
    let message = "items are corrupt in the source, not in the target";
    check("[[target.faults]]\nname = \"a\"\nact = \"corrupt-item\"", (7, 7), message, "[[source.faults]]");
    let two = "[target]\nlimits = [{ name = \"a\", requests = \"1/1 s\", concurrency = 4 }]";
    check(two, (6, 59), "a limit with more than one rule", "`concurrency = 4`");
    check("[target]\nlimits = [{ name = \"a\" }]", (6, 20), "a limit without a rule", "`concurrency = 4`");
    check("[source.switch]\nplaces = 3", (5, 1), "the source has no switch", "[target.switch]");
    check(
        "[wave.prestage]\nage = \"2 d\"",
        (6, 7),
        "the last delta is 2 d old, but there is one every 1 d",
        "lower `age`",
    );
}

#[test]
fn windows_that_never_open_or_close_too_early_are_refused() {
    let window = |days: &str, closes: &str, rest: &str| {
        format!(
            "[[windows]]\nname = \"evening\"\nopens = \"20:00\"\nzone = \"Europe/London\"\nfrom = 2020-10-05\n\
             days = {days}\ncloses = \"{closes}\"\n{rest}"
        )
    };
    let fri = "[\"Fri\"]";
    check(&window("[]", "07:00", ""), (10, 8), "the window is empty: it opens on no day", "\"Mon\"");
    check(&window(fri, "20:00", ""), (11, 10), "the window is empty: it closes when it opens", "closing day");
    check(&window(fri, "Fri 19:00", ""), (11, 10), "the window closes before it opens", "Mon 07:00");
    let several = "a window with several opening days has no one closing day";
    check(&window("[\"Mon\", \"Tue\"]", "Wed 07:00", ""), (11, 10), several, "a window of its own");
    check(&window("[\"Fry\"]", "07:00", ""), (10, 9), "`Fry` is not a day", "did you mean `Fri`?");
    check(&window(fri, "27:00", ""), (11, 10), "`27:00` is not a time of day", "07:00");
    let freeze = "freezes = [{ from = 2021-01-03, until = 2020-12-21 }]";
    let message = "the freeze ends on 2020-12-21, before it begins on 2021-01-03";
    check(&window(fri, "07:00", freeze), (12, 41), message, "Christmas");
    let zone = window(fri, "07:00", "").replace("London", "Londn");
    check(&zone, (8, 8), "there is no time zone `Europe/Londn`", "did you mean `Europe/London`?");
    let offset = window(fri, "07:00", "").replace("Europe/London", "GMT+1");
    check(&offset, (8, 8), "there is no time zone `GMT+1`", "\"Europe/Paris\"");
    let published = "[[forecast.published]]\nwindow = \"evning\"\nmailboxes = 5\nsource = \"x\"";
    check(&window(fri, "07:00", published), (13, 10), "there is no window `evning`", "did you mean `evening`?");
}

#[test]
fn all_problems_are_reported_at_once_in_the_order_of_the_file() {
    let content = "titel = \"x\"\nseed = -3\n[wave]\nmailboxes = \"5 kB\"\n[pipeline]\nlanes = 4\nopen_switches = 9\n";
    let problems = bad(content, &["forecast.confidence=1.5"]);
    let messages: Vec<&str> = problems.list.iter().map(|problem| problem.message.as_str()).collect();
    assert_eq!(
        messages,
        [
            "the scenario has no `title`",
            "a scenario has no key `titel`",
            "`-3` is negative",
            "`5 kB` is not a count",
            "9 open switches need as many lanes, but there are 4",
            "`1.5` is outside 0 to 1",
        ]
    );
    let rendered = problems.render(false, 120);
    assert!(
        rendered.contains("--set:1:21") && rendered.ends_with("6 problems in scenarios/trial.toml\n"),
        "{rendered}"
    );
}

#[test]
fn what_is_not_toml_says_where() {
    let problems = bad("title = \"x\nseed = 3\n[wave\nmailboxes = 5\n", &[]);
    let lines: Vec<usize> = problems.list.iter().filter_map(|problem| Some(problem.line_and_column()?.0)).collect();
    assert!(lines.contains(&1) && lines.contains(&3), "{}", problems.render(false, 120));
    assert!(problems.list.iter().all(|problem| problem.message.starts_with("not TOML: ")));
}

#[test]
fn missing_files_are_named() {
    let problems = scenario::load(Path::new("scenarios/no-such.toml"), &[], None).expect_err("there is no such file");
    assert!(problems.list[0].message.starts_with("cannot read scenarios/no-such.toml: "));
    let problems = bad(&with("[population]\ninventory = \"no-such.csv\""), &[]);
    assert_eq!(problems.list[0].line_and_column(), Some((6, 13)));
    assert!(problems.list[0].message.starts_with("cannot read the inventory scenarios/no-such.csv: "));
}

#[test]
fn overrides_replace_values_and_say_so() {
    let content = with("[[source.faults]]\nname = \"slow\"\nact = \"delay\"\ndelay = \"1 s\"");
    let overrides = ["pipeline.lanes=400", "target.switch.duration=9 min", "source.faults.slow.rate=5%", "title=Other"];
    let plan = good(&content, &overrides);
    assert_eq!((plan.pipeline.lanes, plan.source.server.faults[0].matches.rate), (400, 0.05));
    assert_eq!(plan.target.server.switch.duration.mean(), Span::seconds(540));
    assert_eq!(plan.title, "Other");
    let lanes = plan.assumptions.iter().find(|value| value.key == "pipeline.lanes").expect("it is written down");
    assert_eq!((lanes.value.as_str(), lanes.origin), ("400", Origin::Override));
    for (text, message) in [
        ("pipeline.lanes", "an override without `=`"),
        ("pipeline..lanes=4", "an override with an empty key"),
        ("title.x=4", "`title` is not a table, so it has no `x`"),
        ("source.faults.fast.rate=1", "`faults` has no entry `fast`"),
    ] {
        assert_eq!(bad(&content, &[text]).list[0].message, message);
    }
    assert_eq!(bad(&content, &["pipeline.lane=4"]).list[0].message, "`pipeline` has no key `lane`");
}

#[test]
fn the_hash_is_that_of_the_meaning() {
    let hash = |content: &str, overrides: &[&str]| good(content, overrides).hash;
    let plain = hash(MINIMAL, &[]);
    assert_eq!(plain, hash(MINIMAL, &["seed=99"]));
    assert_eq!(plain, hash(&MINIMAL.replace("Minimal", "Renamed"), &[]));
    assert_eq!(plain, hash(&with("# a comment\n[pipeline]\npatience = \"100 s\""), &[]), "the default written out");
    assert_ne!(plain, hash(MINIMAL, &["wave.mailboxes=11"]));
    assert_ne!(plain, hash(MINIMAL, &["target.limits=[\"outlook\"]"]));
}

#[test]
fn a_pre_staged_wave_finds_a_copy_as_old_as_its_last_delta() {
    let plan = good(&with("[wave.prestage]\nlead = \"7 d\"\nage = \"12 h\""), &[]);
    let day = Span::seconds(86_400);
    assert_eq!((plan.source_config().holding, plan.source_config().clock_at_start), (Holding::Live, day * 7));
    let taken = Span::seconds(6 * 86_400 + 43_200);
    assert_eq!((plan.target_config().holding, plan.target_config().clock_at_start), (Holding::Copy { taken }, day * 7));
    let plan = good(MINIMAL, &[]);
    assert_eq!((plan.source_config().holding, plan.source_config().clock_at_start), (Holding::Live, Span::ZERO));
    assert_eq!((plan.target_config().holding, plan.target_config().clock_at_start), (Holding::Empty, Span::ZERO));
}

#[test]
fn a_scale_model_divides_what_is_shared_and_nothing_else() {
    let added = "[source]\nservers = 40\n[target]\nlimits = [\"graph\"]\n[pipeline]\nlanes = 400\nopen_switches = 300";
    let plan = good(&with(added).replace("mailboxes = 10", "mailboxes = 2000"), &[]);
    let model = plan.scaled(10);
    assert_eq!((model.wave.mailboxes, model.pipeline.lanes, model.pipeline.open_switches), (200, 40, 30));
    assert_eq!((model.source.server.costs.servers, model.target.server.switch.places), (Some(4), 30));
    assert_eq!(model.network.target.bytes_per_second, Some(1.25e8));
    let requests = |plan: &Plan, limit: usize| match plan.target.server.limits[limit].rule {
        Rule::Requests { count, .. } => count,
        _ => 0,
    };
    assert_eq!((requests(&model, 0), requests(&model, 1)), (13_000, 10_000));
    assert_eq!(model.hash, format!("{}/10", plan.hash));
    assert_eq!(model.title, format!("{}, at scale 1/10", plan.title));
    assert_eq!(plan.scaled(1).title, plan.title);
}

#[test]
fn goals_are_read_in_the_unit_of_their_measure() {
    let goal = |measure: &str, bound: &str| format!("[[goals]]\nmeasure = \"{measure}\"\n{bound}\n");
    let read = |measure: &str, bound: &str| good(&with(&goal(measure, bound)), &[]).goals[0].bound;
    assert_eq!(read("lost", "at_most = 0"), Bound::AtMost(0.0));
    assert_eq!(read("refused_share", "at_most = \"5%\""), Bound::AtMost(0.05));
    assert_eq!(read("worst_early", "at_most = \"1500 ms\""), Bound::AtMost(1.5));
    assert_eq!(read("wasted_bytes", "at_most = \"2 kB\""), Bound::AtMost(2_000.0));
    assert_eq!(read("fairness", "at_least = 0.95"), Bound::AtLeast(0.95));
    let plan = good(&with(&goal("lost", "at_most = 0\nclient = \"exchangelib\"\nserver = \"target\"")), &[]);
    let of = (plan.goals[0].client.as_deref(), plan.goals[0].server.as_deref());
    assert_eq!(of, (Some("exchangelib"), Some("target")));
    assert_eq!(plan.hash, good(MINIMAL, &[]).hash, "results do not depend on goals");
}

#[test]
fn goals_that_say_nothing_are_refused() {
    let goal = |measure: &str, bound: &str| format!("[[goals]]\nmeasure = \"{measure}\"\n{bound}");
    let early = goal("calls_to_early", "at_most = 0");
    check(&early, (6, 11), "there is no measure `calls_to_early`", "did you mean `calls_too_early`?");
    check(&goal("lost", ""), (6, 11), "a goal without a bound", "at_most = 0");
    check(&goal("refused_share", ""), (6, 11), "a goal without a bound", "at_most = \"5%\"");
    check(&goal("lost", "at_most = \"5%\""), (7, 11), "`5%` is not a count", "a whole number from 0");
    check(&goal("lost", "at_most = -1"), (7, 11), "`-1` is negative", "a whole number from 0");
    let seconds = goal("worst_early", "at_most = 5");
    check(&seconds, (7, 11), "`5` has no unit, expected a duration", "in quotes with its unit");
    check(&goal("fairness", "at_least = 1.2"), (7, 12), "`1.2` is outside 0 to 1", "0.7");
    let two = goal("lost", "at_most = 0\nat_least = 1");
    check(&two, (8, 12), "a goal with two bounds", "write two goals");
    check("[[goals]]\nat_most = 0", (6, 1), "goals.0 has no `measure`", "calls_too_early");
    let server = goal("lost", "at_most = 0\nserver = \"targt\"");
    check(&server, (8, 10), "`targt` is not known here", "did you mean `target`?");
    let key = goal("lost", "at_most = 0\nclints = \"x\"");
    check(&key, (8, 1), "`goals.0` has no key `clints`", "did you mean `client`?");
    check("[[goal]]\nmeasure = \"lost\"", (5, 3), "a scenario has no key `goal`", "did you mean `goals`?");
}

#[test]
fn health_is_a_preset_with_more_episodes_and_another_load() {
    let health = "[source.health]\npreset = \"exchange-server\"\npeak_load = \"60%\"\nweek_at_start = \"1 d\"\n\
                  discretionary = [\"export_items\"]\ninteractive_apps = [7]\n\
                  [[source.health.episodes]]\nresource = \"processor\"\nevery = \"1 h\"\nlength = \"2 min\"\n\
                  reach = \"server\"\npatience = \"10 s\"\n\
                  [[source.health.episodes]]\nfrom = \"2 h\"\nlength = \"5 min\"\ndown = true\nback_off = \"1 min\"\n";
    let plan = good(&with(health), &[]);
    let terms = &plan.source.server.conditions.health;
    let load = terms.load.as_ref().expect("users at work");
    assert_eq!((load.peak, load.week_at_start), (0.6, Some(Span::seconds(86_400))));
    assert_eq!(terms.discretionary.interactive_apps, [7]);
    let [.., stall, down] = terms.episodes.as_slice() else { panic!("{terms:?}") };
    assert_eq!((stall.resource, stall.reach), (Resource::Processor, Reach::Server));
    assert_eq!(stall.effect, Effect::Stall { patience: Span::seconds(10), back_off: preset::BACK_OFF });
    assert_eq!(down.effect, Effect::Down { back_off: Some(Span::seconds(60)) });
    assert_eq!(down.when, When::Window { from: Span::seconds(7_200), length: Span::seconds(300), every: None });
    assert_eq!(terms.episodes.len(), preset::named("exchange-server").expect("a preset").episodes.len() + 2);
    assert!(plan.target.server.conditions.health.is_empty());
}

#[test]
fn health_that_says_nothing_is_refused() {
    let episode = |keys: &str| format!("[[target.health.episodes]]\n{keys}");
    let preset = "[target.health]\npreset = \"exchange-onlin\"";
    check(preset, (6, 10), "there is no health preset `exchange-onlin`", "did you mean `exchange-online`?");
    let load = "[source.health]\npeak_load = \"150%\"";
    check(load, (6, 13), "`150%` is outside 0 to 1", "\"70%\"");
    let disk = episode("resource = \"disk-latncy\"\nevery = \"1 h\"\nlength = \"1 min\"\nslow = 2.0");
    check(&disk, (6, 12), "there is no resource `disk-latncy`", "did you mean `disk-latency`?");
    let never = episode("length = \"1 min\"\nslow = 2.0");
    check(&never, (6, 10), "an episode without a time", "every = \"3 h\"");
    let harmless = episode("length = \"1 min\"\nevery = \"1 h\"");
    check(&harmless, (6, 10), "an episode with no effect, or with several", "down = true");
    let both = episode("length = \"1 min\"\nevery = \"1 h\"\ndown = true\nslow = 2.0");
    check(&both, (6, 10), "an episode with no effect, or with several", "down = true");
    let reach = episode("length = \"1 min\"\nevery = \"1 h\"\nslow = 2.0\nreach = \"databse\"");
    check(&reach, (9, 9), "`databse` is not known here", "did you mean `database`?");
    let endless = episode("every = \"1 h\"\nslow = 2.0");
    check(&endless, (6, 1), "target.health.episodes.0 has no `length`", "exponential mean 5 min");
}

/// The act of a fault with these keys.
fn act(keys: &str) -> Act {
    let fault = with(&format!("[[target.faults]]\nname = \"a\"\n{keys}"));
    good(&fault, &[]).target.server.faults[0].act.clone()
}

#[test]
fn every_newer_act_is_read() {
    assert_eq!(act("act = \"malformed\""), Act::Trick(Trick::Malformed));
    assert_eq!(act("act = \"empty\""), Act::Trick(Trick::Empty));
    assert_eq!(act("act = \"wrong-length\""), Act::Trick(Trick::WrongLength));
    assert_eq!(act("act = \"twice\""), Act::Trick(Trick::Twice));
    assert_eq!(act("act = \"shuffled\""), Act::Trick(Trick::Shuffled));
    assert_eq!(act("act = \"expired\""), Act::Trick(Trick::Expired));
    assert_eq!(act("act = \"expire-token\""), Act::ExpireToken);
    assert_eq!(act("act = \"revoke-token\""), Act::RevokeToken);
    assert_eq!(act("act = \"short-token\"\nlife = \"30 s\""), Act::ShortenToken(Span::seconds(30)));
    assert_eq!(act("act = \"unreachable\"\ndoor = \"tls\""), Act::Unreachable(Door::Tls));
    let over = Distribution::Constant(Span::seconds(20));
    assert_eq!(act("act = \"drip\"\nover = \"20 s\""), Act::Trick(Trick::Drip(over)));
    let skew = Trick::Skew { by: Span::seconds(420), ahead: false };
    assert_eq!(act("act = \"skew\"\nskew = \"7 min\"\nahead = false"), Act::Trick(skew));
    let Act::Say(saying) = act("act = \"say\"\nstatus = 429\nbody = \"later\"\nretry_after = \"5 s\"") else {
        panic!("nothing is said")
    };
    assert_eq!((saying.status, saying.retry_after), (429, Some(Span::seconds(5))));
    let Act::FailItem(error) = act("act = \"fail-item\"\nerror = \"busy\"") else { panic!("no item fails") };
    assert_eq!(error.kind, ItemErrorKind::Busy);
    let rule = "[[target.faults]]\nname = \"a\"\nact = \"empty\"\ncohort = \"20%\"\nprotocols = [\"graph\"]\n\
                burst_length = \"2 min\"\nburst_share = \"5%\"\nburst_by_mailbox = true\nwhole_request = true";
    let also = good(&with(rule), &[]).target.server.faults[0].matches.also.clone();
    assert_eq!((also.cohort, also.protocols.len(), also.whole_request), (Some(0.2), 1, true));
    assert!(also.bursts.is_some_and(|bursts| bursts.by_mailbox && bursts.length == Span::seconds(120)));
}

#[test]
fn newer_acts_that_say_nothing_are_refused() {
    let fault = |keys: &str| format!("[[target.faults]]\nname = \"a\"\n{keys}");
    check(&fault("act = \"drop\""), (7, 7), "`drop` is not known here", "did you mean `drip`?");
    check(&fault("act = \"drip\""), (6, 1), "target.faults.a has no `over`", "over = \"20 s\"");
    check(&fault("act = \"skew\""), (6, 1), "target.faults.a has no `skew`", "skew = \"7 min\"");
    check(&fault("act = \"short-token\""), (6, 1), "target.faults.a has no `life`", "life = \"30 s\"");
    check(&fault("act = \"fail-item\""), (6, 1), "target.faults.a has no `error`", "error = \"busy\"");
    let error = fault("act = \"fail-item\"\nerror = \"bussy\"");
    check(&error, (8, 9), "there is no error `bussy`", "did you mean `busy`?");
    let door = fault("act = \"unreachable\"\ndoor = \"tsl\"");
    check(&door, (8, 8), "`tsl` is not known here", "did you mean `tls`?");
    check(&fault("act = \"say\"\nstatus = 99"), (8, 10), "`99` is outside 200 to 599", "from 200 to 599");
    let key = fault("act = \"empty\"\nover = \"20 s\"");
    check(&key, (8, 1), "`target.faults.a` has no key `over`", "write one of");
    let share = fault("act = \"empty\"\nburst_share = \"5%\"");
    check(&share, (8, 15), "bursts without a length", "burst_length = \"5 min\"");
    let length = fault("act = \"empty\"\nburst_length = \"5 min\"");
    check(&length, (8, 16), "bursts without a share", "burst_share = \"5%\"");
    let preset = "[source]\nfaults = [\"delta-expird\"]";
    check(preset, (6, 11), "there is no fault preset `delta-expird`", "did you mean `delta-expired`?");
}

fn examples() -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("scenarios");
    let mut files: Vec<PathBuf> =
        fs::read_dir(folder).expect("the folder is there").map(|entry| entry.expect("readable").path()).collect();
    files.retain(|file| file.extension().is_some_and(|ending| ending == "toml"));
    files.sort();
    files
}

#[test]
fn every_example_is_right_and_says_where_each_value_comes_from() {
    assert!(examples().len() >= 10);
    for file in examples() {
        let plan = scenario::load(&file, &[], None).expect("a scenario");
        assert!(
            fs::read_to_string(&file).expect("readable").starts_with('#'),
            "{} says what it is for",
            file.display()
        );
        let unsourced = |note: &str| note.is_empty() || note.contains("names no source");
        let values = plan.assumptions.iter().filter(|value| !matches!(value.key.as_str(), "title" | "seed"));
        for value in values {
            assert!(!unsourced(&value.note), "{}: {} has no note", file.display(), value.key);
        }
    }
}

/// A small change to a text: some of its characters replaced by others that matter to the grammar.
fn damaged(text: &str, damage: &[(usize, usize)]) -> String {
    let spare: Vec<char> = "\"'[]{}=#.,-_\n0 %/é\u{0}".chars().collect();
    let mut letters: Vec<char> = text.chars().collect();
    for (place, letter) in damage {
        let place = place % letters.len();
        letters[place] = spare[letter % spare.len()];
    }
    letters.into_iter().collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn a_damaged_scenario_is_read_or_refused_with_places_but_never_breaks_the_reader(
        example in 0usize..10,
        damage in proptest::collection::vec((0usize..100_000, 0usize..100), 0..8),
        change in "[a-z.]{0,12}=?[ -~]{0,8}",
    ) {
        let file = &examples()[example];
        let content = damaged(&fs::read_to_string(file).expect("readable"), &damage);
        for overrides in [vec![], vec![change]] {
            if let Err(problems) = scenario::parse(file, &content, &overrides, None) {
                let rendered = problems.render(false, 100);
                prop_assert!(!problems.list.is_empty() && rendered.contains("problem"));
                for problem in &problems.list {
                    prop_assert!(problem.line_and_column().is_some(), "{}", problem.message);
                    prop_assert!(rendered.contains(problem.message.lines().next().unwrap_or_default().get(..10).unwrap_or_default()));
                }
            }
        }
    }
}
