//! A scenario that is wrong is refused by every command that reads one, with all its problems at once: each with file,
//! line and help, and with exit code 2. What each problem says is tried in `tests/scenario.rs`.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use tempfile::TempDir;

/// A right scenario; lines added to it begin with line 13.
const RIGHT: &str = r#"title = "Trial"
seed = 1
[wave]
mailboxes = 10
window = "evening"
[[windows]]
name = "evening"
days = ["Mon"]
opens = "20:00"
closes = "07:00"
zone = "Europe/London"
from = 2020-10-05
"#;

/// Commands that read a scenario.
const COMMANDS: [&str; 5] = ["check", "explain", "simulate", "run", "forecast"];

/// Runs a command: its exit code, what it printed, and what it said.
fn wavetank(arguments: &[&str], directory: &Path) -> (Option<i32>, String, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_wavetank"));
    let output = command.args(arguments).current_dir(directory).output().expect("the command starts");
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("UTF-8");
    (output.status.code(), text(output.stdout), text(output.stderr))
}

fn written(content: &str) -> (TempDir, PathBuf) {
    let directory = TempDir::new().expect("a directory can be made");
    let file = directory.path().join("trial.toml");
    fs::write(&file, content).expect("the file can be written");
    (directory, file)
}

/// Checks that every command refuses a scenario, with each of these problems: place, message, help.
fn check(content: &str, problems: &[(&str, &str, &str)]) {
    let (directory, _file) = written(content);
    for command in COMMANDS {
        let (code, stdout, stderr) = wavetank(&[command, "trial.toml"], directory.path());
        assert_eq!((code, stdout.as_str()), (Some(2), ""), "{command}\n{content}\n{stderr}");
        let flat = stderr.split_whitespace().collect::<Vec<_>>().join(" ");
        for (place, message, help) in problems {
            assert!(stderr.contains(&format!("trial.toml:{place}")), "{command}: no {place} in\n{stderr}");
            for part in [message, help] {
                assert!(flat.contains(part), "{command}: no `{part}` in\n{stderr}");
            }
        }
        let count = problems.len();
        let total = format!("{count} problem{} in trial.toml", if count == 1 { "" } else { "s" });
        assert!(stderr.contains(&total), "{command}: not `{total}` in\n{stderr}");
        assert_eq!(stderr.matches("help: ").count(), count, "{command}: a help for each problem in\n{stderr}");
    }
}

/// The right scenario with something added behind it.
fn with(added: &str) -> String {
    format!("{RIGHT}{added}\n")
}

const UNKNOWN: (&str, &str, &str) = ("14:1", "`pipeline` has no key `lane`", "did you mean `lanes`?");
const UNIT: (&str, &str, &str) = ("15:12", "`5 kB` is an amount of data, expected a duration", "\"9 min\"");
const NEGATIVE: (&str, &str, &str) = ("4:13", "`-10` is negative", "from 1 to");
const EMPTY: (&str, &str, &str) = ("10:10", "the window is empty: it closes when it opens", "closing day");
const MISSING: (&str, &str, &str) = ("18:13", "cannot read the inventory no-such.csv", "inventory");
const CONTRADICTION: (&str, &str, &str) =
    ("16:17", "9 open switches need as many lanes, but there are 4", "raise `lanes` or lower `open_switches`");

#[test]
fn the_scenario_that_all_others_are_made_from_is_right() {
    let (directory, _file) = written(RIGHT);
    let (code, _, stderr) = wavetank(&["check", "trial.toml"], directory.path());
    assert_eq!((code, stderr.as_str()), (Some(0), ""));
}

#[test]
fn an_unknown_key_is_refused() {
    check(&with("[pipeline]\nlane = 4"), &[UNKNOWN]);
}

#[test]
fn a_list_of_keys_names_each_once() {
    let (directory, _file) = written(&with("[target]\nzzz = 1"));
    let (_, _, stderr) = wavetank(&["check", "trial.toml"], directory.path());
    let flat = stderr.split_whitespace().collect::<Vec<_>>().join(" ");
    let list = flat.split_once("write one of ").expect("nothing is like it").1;
    let names: Vec<_> = list.split('`').skip(1).step_by(2).collect();
    let once: BTreeSet<_> = names.iter().collect();
    assert!(once.contains(&"costs") && once.len() == names.len(), "{names:?}");
}

#[test]
fn a_wrong_unit_is_refused() {
    check(&with("[pipeline]\n\npatience = \"5 kB\""), &[UNIT]);
}

#[test]
fn contradictory_limits_are_refused() {
    check(&with("[pipeline]\nlanes = 4\n\nopen_switches = 9"), &[CONTRADICTION]);
    let pace = "[target]\nlimits = [\"outlook\"]\n[pipeline.pace]\ntarget_upload = \"160 MB/5 min\"";
    let message = "a pace of 160 MB/5 min is above the target's limit `outlook-upload` of 150 MB/5 min";
    check(&with(pace), &[("16:17", message, "keeps below a limit")]);
}

#[test]
fn nothing_contradicts_what_could_not_be_read() {
    let negative = ("14:9", "`-4` is negative", "from 1 to");
    check(&with("[pipeline]\nlanes = -4\nopen_switches = 300"), &[negative]);
    let unit = ("14:20", "`1 kB` is an amount of data, expected a duration", "\"9 min\"");
    check(&with("[pipeline.retry]\nlongest_back_off = \"1 kB\"\nfirst_back_off = \"1 h\""), &[unit]);
    let unit = ("14:8", "`1 kB` is an amount of data, expected a duration", "\"9 min\"");
    check(&with("[wave.prestage]\nlead = \"1 kB\"\ninterval = \"20 d\"\nage = \"9 d\""), &[unit]);
    let negative = ("14:14", "`-4` is negative", "from 1 to");
    check(&with("[forecast]\nfluid_runs = -4\nconfidence = \"99.99%\""), &[negative]);
}

#[test]
fn every_wrong_entry_of_a_list_is_told_where_it_is() {
    let limit =
        "[target]\nlimits = [{ name = \"a\", concurrency = 1, operations = [\"find_foldrs\", \"import_item\", 4] }]";
    let named = ("14:56", "there is no operation `find_foldrs`", "did you mean `find_folders`?");
    let number = ("14:86", "expected the name of an operation, found a whole number", "`import_item`");
    check(&with(limit), &[named, number]);
    let policy =
        "[target]\npolicies = [{ name = \"a\", concurrency = 1, scope = [\"planet\", \"ap\"], apps = [1, -2] }]";
    let planet = ("14:53", "nothing is shared by `planet`", "`tenant`");
    let app = ("14:63", "nothing is shared by `ap`", "did you mean `app`?");
    check(&with(policy), &[planet, app, ("14:81", "`-2` is negative", "from 0 to")]);
    let days = RIGHT.replace("[\"Mon\"]", "[\"Mon\", \"Fry\", \"Mon\"]");
    let fry = ("8:16", "`Fry` is not a day", "did you mean `Fri`?");
    check(&days, &[fry, ("8:23", "`Mon` is listed twice", "\"Tue\"")]);
    let programs = "[background]\nprograms = [\"web\", \"oulook\"]";
    check(&with(programs), &[("14:20", "there is no program `oulook`", "did you mean `outlook`?")]);
}

#[test]
fn a_refusal_that_nobody_can_say_is_refused() {
    let fault = |name: &str, keys: &str| format!("[[target.faults]]\nname = \"{name}\"\nact = \"refuse\"\n{keys}\n");
    let faults = [
        fault("a", "kind = \"timed_out\"\nstatus = 418"),
        fault("b", "kind = \"gateway_error\"\nstatus = 500"),
        fault("c", "kind = \"truncated\""),
        fault("d", "kind = \"unavailabel\"\nstatus = 418"),
    ];
    let timed_out = ("17:10", "the refusal `timed_out` has no status 418", "leave the status out");
    let gateway = ("22:10", "the refusal `gateway_error` has no status 500", "give 502 or 504");
    let truncated = ("26:8", "nobody can be refused with `truncated`", "act = \"truncate\"");
    let unknown = ("30:8", "there is no refusal `unavailabel`", "did you mean `unavailable`?");
    check(&with(&faults.concat()), &[timed_out, gateway, truncated, unknown]);
}

#[test]
fn an_empty_window_is_refused() {
    check(&RIGHT.replace("07:00", "20:00"), &[EMPTY]);
    let fry = ("8:9", "`Fry` is not a day", "did you mean `Fri`?");
    check(&RIGHT.replace("07:00", "20:00").replace("[\"Mon\"]", "[\"Fry\"]"), &[fry, EMPTY]);
    // Nobody knows whether the closing day follows a day that could not be read.
    check(&RIGHT.replace("07:00", "Mon 07:00").replace("[\"Mon\"]", "[\"Fry\"]"), &[fry]);
    check(&RIGHT.replace("[\"Mon\"]", "[]"), &[("8:8", "the window is empty: it opens on no day", "\"Mon\"")]);
}

#[test]
fn a_freeze_of_a_wrong_day_is_one_problem() {
    let freeze = "freezes = [{ on = \"Christmas\" }]";
    check(&with(freeze), &[("13:19", "`Christmas` is not a date", "2020-10-05")]);
    let both = "freezes = [{ on = 2026-11-02, until = 2026-11-09 }]";
    check(&with(both), &[("13:19", "a freeze is one day or a range, not both", "until = 2021-01-03")]);
}

#[test]
fn a_part_of_a_whole_number_is_refused() {
    let decimal = ("14:9", "expected a whole number, found a decimal number", "from 1 to");
    check(&with("[pipeline]\nlanes = 4.5"), &[decimal]);
}

#[test]
fn a_negative_number_is_refused() {
    check(&RIGHT.replace("mailboxes = 10", "mailboxes = -10"), &[NEGATIVE]);
}

#[test]
fn credentials_of_nobody_are_refused() {
    let neither = "the credentials name neither a user nor an app";
    check(&with("[[credentials]]\npassword = \"x\""), &[("14:1", neither, "one of them")]);
    let both = "[[credentials]]\nuser = \"a@b.c\"\nclient_id = \"x\"";
    check(&with(both), &[("15:13", "the credentials name both a user and an app", "one of them")]);
    let odd = "[[credentials]]\nuser = \"alice\"\n[[credentials]]\nclient_id = \"x\"\npermissions = [\"Mail.Raed\"]";
    let permission = ("17:16", "there is no permission `Mail.Raed`", "did you mean `Mail.Read`?");
    check(&with(odd), &[("14:8", "`alice` is no address", "alice@contoso.test"), permission]);
    let secret = "[[credentials]]\nuser = \"a@b.c\"\nsecret = \"x\"";
    check(&with(secret), &[("15:1", "`credentials.0` has no key `secret`", "`password`")]);
}

#[test]
fn a_short_token_needs_its_life() {
    let fault = "[[source.faults]]\nname = \"short\"\nact = \"short-token\"";
    check(&with(fault), &[("14:1", "source.faults.short has no `life`", "life = \"30 s\"")]);
}

#[test]
fn a_goal_without_a_measure_a_bound_or_a_unit_is_refused() {
    let goals = "[[goals]]\nmeasure = \"calls_to_early\"\nat_most = 0\n[[goals]]\nmeasure = \"lost\"\n\
                 [[goals]]\nmeasure = \"worst_early\"\nat_most = 5";
    let measure = ("14:11", "there is no measure `calls_to_early`", "did you mean `calls_too_early`?");
    let bound = ("17:11", "a goal without a bound", "at_most = 0");
    let unit = ("20:11", "`5` has no unit, expected a duration", "in quotes with its unit");
    check(&with(goals), &[measure, bound, unit]);
}

#[test]
fn health_without_a_time_an_effect_or_a_known_resource_is_refused() {
    let health = "[source.health]\npreset = \"exchange-onlin\"\n[[source.health.episodes]]\nlength = \"1 min\"\n\
                  slow = 2\n[[target.health.episodes]]\nresource = \"procesor\"\nlength = \"1 min\"\nevery = \"1 h\"";
    let preset = ("14:10", "there is no health preset `exchange-onlin`", "did you mean `exchange-online`?");
    let time = ("16:10", "an episode without a time", "every = \"3 h\"");
    let resource = ("19:12", "there is no resource `procesor`", "did you mean `processor`?");
    let effect = ("20:10", "an episode with no effect, or with several", "down = true");
    check(&with(health), &[preset, time, resource, effect]);
}

#[test]
fn a_fault_that_lacks_what_its_act_needs_is_refused() {
    let faults = "[[source.faults]]\nname = \"drops\"\nact = \"drip\"\n[[target.faults]]\nname = \"items\"\n\
                  act = \"fail-item\"\nerror = \"bussy\"\n[[target.faults]]\nname = \"who\"\nact = \"revoke-tokn\"";
    let over = ("14:1", "source.faults.drops has no `over`", "over = \"20 s\"");
    let error = ("19:9", "there is no error `bussy`", "did you mean `busy`?");
    let act = ("22:7", "`revoke-tokn` is not known here", "did you mean `revoke-token`?");
    check(&with(faults), &[over, error, act]);
    let faults =
        "[[source.faults]]\nname = \"words\"\nact = \"say\"\nbody = \"no\"\ncontent_type = \"text/plain\\r\\nX: 1\"";
    check(&with(faults), &[("17:16", "no header can hold this text", "text/html; charset=utf-8")]);
}

#[test]
fn a_missing_file_is_refused() {
    check(&with("\n\n\n\n[population]\ninventory = \"no-such.csv\""), &[MISSING]);
    let directory = TempDir::new().expect("a directory can be made");
    for command in COMMANDS {
        let (code, stdout, stderr) = wavetank(&[command, "no-such.toml"], directory.path());
        assert_eq!((code, stdout.as_str()), (Some(2), ""), "{command}\n{stderr}");
        assert!(stderr.contains("cannot read no-such.toml") && stderr.contains("help: "), "{command}\n{stderr}");
    }
}

#[test]
fn all_problems_are_told_at_once() {
    let added = "[pipeline]\nlane = 4\npatience = \"5 kB\"\nopen_switches = 9\nlanes = 4\n[population]\n\
                 inventory = \"no-such.csv\"\n[pipeline.retry]\nattempts = 0";
    let content = with(added).replace("mailboxes = 10", "mailboxes = -10").replace("07:00", "20:00");
    check(
        &content,
        &[
            NEGATIVE,
            EMPTY,
            UNKNOWN,
            UNIT,
            CONTRADICTION,
            ("19:13", MISSING.1, MISSING.2),
            ("21:12", "`0` is outside 1 to 1000", "from 1 to 1000"),
        ],
    );
}
