//! Goals of a scenario, as users of the command see them: met or missed, with the value, in text and JSON, and with exit
//! code 1 if one is missed; in virtual time, live, from a journal, and for a program that is not ours.

use std::fs;
use std::path::Path;
use std::process::Command;

use serde_json::Value;
use tempfile::TempDir;

/// A wave of a moment behind a limit that refuses some requests, with people and health beside it.
const TRIAL: &str = r#"title = "Trial"
seed = 3
[population.uniform]
items = 12
item_size = "2 kB"
changes_per_day = 0
[population]
preset = "small-business"
mailboxes = 3
[source]
protocol = "ews"
limits = []
costs = { preset = "free" }
[target]
protocol = "graph"
limits = [{ name = "requests", requests = "8/1 s", refused_count = false, scope = "app-mailbox" }]
costs = { preset = "free" }
[target.switch]
places = 3
duration = "constant 50 ms"
[network.source]
preset = "ideal"
[network.target]
preset = "ideal"
[pipeline]
lanes = 3
open_switches = 3
poll_interval = "30 ms"
[wave]
mailboxes = 3
"#;

const MET: &str = "[[goals]]\nname = \"waits as told\"\nmeasure = \"calls_too_early\"\nat_most = 0\n\
                   [[goals]]\nserver = \"target\"\nmeasure = \"lost\"\nat_most = 0\n\
                   [[goals]]\nclient = \"wavetank\"\nmeasure = \"moved\"\nat_least = 36\n";

const MISSED: &str =
    "[[goals]]\nname = \"thrifty\"\nserver = \"target\"\nmeasure = \"requests_per_item\"\nat_most = 0.01\n";

fn trial(goals: &str) -> TempDir {
    let directory = tempfile::tempdir().expect("a directory");
    fs::write(directory.path().join("trial.toml"), format!("{TRIAL}{goals}")).expect("writable");
    directory
}

/// Runs the command in a directory: its exit code, what it printed, and what it said.
fn wavetank(directory: &Path, arguments: &[&str]) -> (Option<i32>, String, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_wavetank"));
    let output = command.args(arguments).current_dir(directory).output().expect("the command starts");
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("UTF-8");
    (output.status.code(), text(output.stdout), text(output.stderr))
}

/// Checks that a command ends with a code and prints all of this.
fn check(directory: &Path, arguments: &[&str], code: i32, parts: &[&str]) -> String {
    let (found, stdout, stderr) = wavetank(directory, arguments);
    assert_eq!(found, Some(code), "{arguments:?}\n{stdout}\n{stderr}");
    for part in parts {
        assert!(stdout.contains(part), "{part} in\n{stdout}\n{stderr}");
    }
    stdout
}

/// The goals of a result in JSON: what each is called, and whether it was met.
fn goals(text: &str) -> Vec<(String, bool)> {
    let result: Value = serde_json::from_str(text).expect("JSON");
    let goal =
        |goal: &Value| (goal["goal"].as_str().expect("a name").to_owned(), goal["met"].as_bool().expect("a flag"));
    result["goals"].as_array().into_iter().flatten().map(goal).collect()
}

#[test]
fn goals_are_told_in_text_and_json_and_decide_the_exit_code() {
    let met = trial(MET);
    let parts = ["goals             3 of 3 met", "  met", "(waits as told)", "shall be at least 36"];
    check(met.path(), &["simulate", "trial.toml"], 0, &parts);
    let json = check(met.path(), &["simulate", "trial.toml", "--format", "json"], 0, &[]);
    let names = ["waits as told", "lost", "moved"].map(|name| (name.to_owned(), true));
    assert_eq!(goals(&json), names);
    let missed = trial(&format!("{MET}{MISSED}"));
    let parts = ["goals             3 of 4 met", "  MISSED          requests per item by wavetank at the target: "];
    check(missed.path(), &["simulate", "trial.toml"], 1, &parts);
    let out = ["simulate", "trial.toml", "--out", "kept", "--format", "json"];
    let json = check(missed.path(), &out, 1, &[]);
    assert_eq!(goals(&json)[3], ("thrifty".to_owned(), false));
    let page = fs::read_to_string(missed.path().join("kept/report.html")).expect("a page");
    assert!(page.contains("class=\"missed\"") && page.contains("3 of 4"), "{page}");
}

#[test]
fn a_journal_is_judged_by_the_goals_of_its_scenario_or_of_another() {
    let directory = trial(&format!("{MET}{MISSED}"));
    check(directory.path(), &["simulate", "trial.toml", "--journal", "night.journal"], 1, &[]);
    let judge = ["judge", "night.journal"];
    check(directory.path(), &judge, 1, &["client            wavetank", "goals             3 of 4 met", "MISSED"]);
    let json = check(directory.path(), &["judge", "night.journal", "--format", "json"], 1, &[]);
    assert_eq!(goals(&json).iter().filter(|(_, met)| *met).count(), 3);
    // What the source alone saw says nothing of the target.
    check(directory.path(), &["judge", "night.journal", "--server", "source"], 0, &["goals             2 of 2 met"]);
    fs::write(directory.path().join("mild.toml"), format!("{TRIAL}{MET}")).expect("writable");
    let other = ["judge", "night.journal", "--scenario", "mild.toml"];
    check(directory.path(), &other, 0, &["goals             3 of 3 met"]);
    fs::write(directory.path().join("bad.toml"), TRIAL.to_owned() + "[[goals]]\nmeasure = \"lots\"\nat_most = 0\n")
        .expect("writable");
    let (code, stdout, stderr) = wavetank(directory.path(), &["judge", "night.journal", "--scenario", "bad.toml"]);
    assert_eq!((code, stdout.as_str()), (Some(2), ""));
    assert!(stderr.contains("bad.toml:32:11") && stderr.contains("there is no measure `lots`"), "{stderr}");
}

#[test]
fn a_live_run_is_judged_by_what_its_servers_saw() {
    let directory = trial(&format!("{MET}{MISSED}"));
    let parts = ["3 of 3 completed", "goals             3 of 4 met", "MISSED"];
    check(directory.path(), &["run", "trial.toml"], 1, &parts);
}

#[test]
fn any_program_is_judged_by_the_goals_of_the_scenario() {
    let sh = Command::new("sh").arg("-c").arg("exit 0").status();
    assert!(sh.is_ok_and(|status| status.success()), "tests run where there is a shell");
    let program = env!("CARGO_BIN_EXE_wavetank");
    // The program knows nothing of goals: a scenario without them is its own.
    let move_all = format!(
        "echo \"$WAVETANK_MAILBOXES\" | tr , '\\n' | diff - \"$WAVETANK_MAILBOXES_FILE\" && '{program}' run own.toml \
         --source-url \"$WAVETANK_SOURCE_HTTP_URL\" --target-url \"$WAVETANK_TARGET_HTTP_URL\""
    );
    for (goals, code, told) in [(MET, 0, "goals             3 of 3 met"), (MISSED, 1, "goals             0 of 1 met")] {
        let directory = trial(goals);
        fs::write(directory.path().join("own.toml"), TRIAL).expect("writable");
        check(directory.path(), &["run", "trial.toml", "--", "sh", "-c", &move_all], code, &[told]);
    }
    let directory = trial(MET);
    let nobody = ["no client of that name asked for anything", "goals             0 of 3 met"];
    check(directory.path(), &["run", "trial.toml", "--", "sh", "-c", "exit 0"], 1, &nobody);
}

#[test]
fn a_scenario_with_a_wrong_goal_leaves_no_journal() {
    let directory = trial("[[goals]]\nmeasure = \"lost\"\n");
    let arguments = ["run", "trial.toml", "--journal", "night.journal", "--", "sh", "-c", "exit 0"];
    let (code, stdout, stderr) = wavetank(directory.path(), &arguments);
    assert_eq!((code, stdout.as_str()), (Some(2), ""));
    assert!(stderr.contains("trial.toml:32:11") && stderr.contains("a goal without a bound"), "{stderr}");
    assert!(!directory.path().join("night.journal").exists());
}
