//! The command as its users see it: help, exit codes, results on stdout and everything else on stderr.

use std::io::Read;
use std::process::{Command, Output, Stdio};

use mock_server::journal::record::{FORMAT, Header, Scenario};
use mock_server::journal::write::Writer;

fn wavetank(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_wavetank"));
    command.args(arguments).current_dir(env!("CARGO_MANIFEST_DIR")).env_remove("RUST_BACKTRACE");
    command
}

/// Runs the command and checks its exit code.
fn check(arguments: &[&str], code: i32) -> (String, String) {
    let Output { status, stdout, stderr } = wavetank(arguments).output().expect("the command starts");
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("UTF-8");
    let (stdout, stderr) = (text(stdout), text(stderr));
    assert_eq!(status.code(), Some(code), "{arguments:?}\n{stdout}\n{stderr}");
    (stdout, stderr)
}

/// A scenario with a mistake, in a directory that disappears with it.
fn bad_scenario() -> (tempfile::TempDir, String) {
    let directory = tempfile::tempdir().expect("a directory");
    let file = directory.path().join("bad.toml");
    let content = "title = \"Bad\"\n[wave]\nmailboxes = -1\n[pipeline]\npatience = \"5 kB\"\nlane = 3\n";
    std::fs::write(&file, content).expect("writable");
    let name = file.to_str().expect("UTF-8").to_owned();
    (directory, name)
}

#[test]
fn help_and_version_are_results() {
    let (help, stderr) = check(&["--help"], 0);
    assert!(help.contains("explain") && help.contains("Exit codes: 0 done") && stderr.is_empty(), "{help}{stderr}");
    let (version, _) = check(&["--version"], 0);
    assert_eq!(version, format!("wavetank {}\n", env!("CARGO_PKG_VERSION")));
    let (help, _) = check(&["explain", "--help"], 0);
    assert!(help.contains("--set <PATH=VALUE>") && help.contains("For people"), "{help}");
}

#[test]
fn wrong_usage_exits_with_2_and_says_so_on_stderr() {
    for arguments in [&["no-such"][..], &[], &["explain"], &["explain", "x.toml", "--sed", "-1"]] {
        let (stdout, stderr) = check(arguments, 2);
        assert!(stdout.is_empty() && stderr.contains("Usage"), "{arguments:?} {stdout} {stderr}");
    }
    // A number that is out of range is not taken for an option that there is not.
    for (arguments, value) in [
        (
            &["explain", "x.toml", "--seed", "-1"][..],
            "invalid value '-1' for '--seed <NUMBER>': a seed is a whole number from 0 to",
        ),
        (&["load", "--url", "http://127.0.0.1:9", "--rate", "-5"], "invalid value '-5' for '--rate"),
    ] {
        let (stdout, stderr) = check(arguments, 2);
        assert!(stdout.is_empty() && stderr.contains(value) && !stderr.contains("tip:"), "{stderr}");
    }
    // No scenario can have such a seed.
    check(&["swarm", "--from", "9223372036854775808", "--seeds", "1"], 2);
    check(&["replay", "x.journal", "--timeout", "0 s"], 2);
}

#[test]
fn a_bad_scenario_exits_with_2_and_every_problem_has_file_line_and_help() {
    let (_directory, file) = bad_scenario();
    let (stdout, stderr) = check(&["explain", &file], 2);
    assert_eq!(stdout, "");
    for part in
        ["bad.toml:3:13", "bad.toml:5:12", "bad.toml:6:1", "`-1` is negative", "did you mean `lanes`?", "3 problems"]
    {
        assert!(stderr.contains(part), "{part} in {stderr}");
    }
    assert!(!stderr.contains('\u{1b}'), "no colors where nobody watches: {stderr}");
}

#[test]
fn check_reads_all_files_and_fails_if_one_is_bad() {
    let (stdout, stderr) = check(&["check", "scenarios/nhsmail.toml", "scenarios/closed-link.toml"], 0);
    assert_eq!((stdout.lines().count(), stderr.as_str()), (2, ""));
    let (_directory, file) = bad_scenario();
    let (stdout, stderr) = check(&["check", &file, "no-such.toml", "scenarios/nhsmail.toml"], 2);
    assert!(
        stdout.contains("scenarios/nhsmail.toml") && stderr.contains("cannot read no-such.toml"),
        "{stdout}{stderr}"
    );
}

#[test]
fn explain_shows_value_origin_and_source() {
    let change = "target.switch.duration=9 min";
    let (text, _) = check(&["explain", "scenarios/nhsmail.toml", "--set", change], 0);
    assert!(
        text.contains("[target]\n") && text.contains("  switch.duration = constant 9 min\n      override: "),
        "{text}"
    );
    assert!(text.contains("  switch.places = 300\n      file: KB 2797784"), "{text}");
    let (json, _) = check(&["explain", "scenarios/nhsmail.toml", "--format", "json", "--seed", "7"], 0);
    let json: serde_json::Value = serde_json::from_str(&json).expect("JSON");
    assert_eq!((json["schema"].as_str(), json["scenario"]["seed"].as_u64()), (Some("wavetank.explain/1"), Some(7)));
    let values = json["values"].as_array().expect("a list");
    let seed = values.iter().find(|row| row["key"] == "seed").expect("it is written down");
    assert_eq!((seed["value"].as_str(), seed["origin"].as_str()), (Some("7"), Some("override")));
    assert!(values.iter().all(|row| row["note"].as_str().is_some_and(|note| !note.is_empty())));
}

#[test]
fn the_schema_the_completions_and_the_manual_are_results() {
    let (schema, _) = check(&["schema"], 0);
    let committed = std::fs::read_to_string("scenarios/schema.json").expect("it is committed");
    assert!(schema == committed, "run `wavetank schema > scenarios/schema.json`");
    for shell in ["bash", "zsh", "fish", "powershell", "elvish"] {
        let (script, _) = check(&["completions", shell], 0);
        assert!(script.contains("wavetank") && script.contains("explain"), "{shell}");
    }
    let (page, _) = check(&["man"], 0);
    assert!(page.contains(".TH") && page.contains("wavetank"), "{page}");
    let directory = tempfile::tempdir().expect("a directory");
    check(&["man", "--out", directory.path().to_str().expect("UTF-8")], 0);
    assert!(directory.path().join("wavetank-explain.1").exists());
}

#[test]
fn results_that_cannot_be_kept_are_refused_before_anything_takes_long() {
    let directory = tempfile::tempdir().expect("a directory");
    let file = directory.path().join("a file");
    std::fs::write(&file, "a").expect("writable");
    let out = file.to_str().expect("UTF-8");
    for arguments in [
        &["simulate", "scenarios/network-bound.toml"][..],
        &["forecast", "scenarios/small-business.toml"],
        &["run", "scenarios/network-bound.toml"],
        &["run", "--", "true"],
        &["load", "scenarios/small-business.toml"],
    ] {
        let (command, rest) = arguments.split_at(1);
        let (stdout, stderr) = check(&[command, &["--out", out], rest].concat(), 2);
        assert!(stdout.is_empty() && stderr.contains(&format!("error: cannot write to {out}: ")), "{stderr}");
        assert!(stderr.contains("help: name a directory"), "{stderr}");
    }
    assert_eq!(std::fs::read_to_string(&file).ok().as_deref(), Some("a"));
    // A directory where a file goes, and a file where a directory is needed.
    let below = file.join("small.toml");
    for out in [directory.path(), &below] {
        let (stdout, stderr) =
            check(&["shrink", "scenarios/network-bound.toml", "--out", out.to_str().expect("UTF-8")], 2);
        assert!(
            stdout.is_empty() && stderr.starts_with(&format!("error: cannot write {}: ", out.display())),
            "{stderr}"
        );
    }
}

#[test]
fn a_scorecard_is_kept_like_any_other_result() {
    let directory = tempfile::tempdir().expect("a directory");
    let out = directory.path().join("out");
    let (stdout, stderr) =
        check(&["run", "--mailbox", "alice@contoso.test", "--out", out.to_str().expect("UTF-8"), "--", "true"], 0);
    assert!(stderr.contains("report.txt"), "{stderr}");
    assert_eq!(std::fs::read_to_string(out.join("report.txt")).expect("it is kept"), stdout);
    let summary = std::fs::read(out.join("summary.json")).expect("it is kept");
    let summary: serde_json::Value = serde_json::from_slice(&summary).expect("JSON");
    assert!(summary["schema"].is_string(), "{summary}");
}

#[test]
fn a_reader_that_goes_away_is_no_failure() {
    let mut child = wavetank(&["explain", "scenarios/nhsmail.toml", "--format", "json"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the command starts");
    drop(child.stdout.take());
    let status = child.wait().expect("it ends");
    let mut stderr = String::new();
    child.stderr.take().expect("piped").read_to_string(&mut stderr).expect("UTF-8");
    assert_eq!((status.code(), stderr.as_str()), (Some(0), ""));
}

#[test]
fn a_server_that_is_told_to_keep_its_state_in_something_else_ends_at_once() {
    let directory = tempfile::tempdir().expect("a directory");
    let file = directory.path().join("letter");
    std::fs::write(&file, "a letter to somebody").expect("writable");
    let name = file.to_str().expect("UTF-8");
    for what in [["--mailbox", "alice@contoso.test"], ["scenarios/small-business.toml", "--side=target"]] {
        let (stdout, stderr) = check(&["serve", what[0], what[1], "--state", name], 2);
        assert!(stdout.is_empty() && stderr.contains("letter is no state file: name another file"), "{stderr}");
    }
    assert_eq!(std::fs::read_to_string(&file).expect("it is there"), "a letter to somebody");
}

#[test]
fn people_are_not_left_out_without_a_word() {
    let change = ["--set", "background.source=0", "--set", "background.target=1"];
    let url = ["--source-url", "http://127.0.0.1:9", "--target-url", "http://127.0.0.1:9"];
    let (stdout, stderr) = check(&[&["run", "scenarios/small-business.toml"], &change[..], &url].concat(), 2);
    assert!(stdout.is_empty() && stderr.contains("--set background.target=0"), "{stderr}");
    let (_, stderr) = check(&["run", "scenarios/small-business.toml", "--state", "x"], 2);
    assert!(stderr.contains("there is none") && stderr.contains("--checkpoint"), "{stderr}");
}

#[test]
fn a_journal_that_holds_nothing_is_played_to_nobody() {
    let directory = tempfile::tempdir().expect("a directory");
    let file = directory.path().join("empty.journal");
    let scenario = Scenario {
        file: "small.toml".to_owned(),
        text: "title = \"Small\"\n[population]\npreset = \"small-business\"\n[wave]\nmailboxes = 1\n".to_owned(),
        ..Scenario::default()
    };
    let header = Header {
        format: FORMAT.to_owned(),
        made_by: "a test".to_owned(),
        began: jiff::Timestamp::UNIX_EPOCH,
        time_scale: 1.0,
        scenario: Some(scenario),
    };
    Writer::begin(&file, &header).and_then(Writer::end).expect("writable");
    let name = file.to_str().expect("UTF-8");
    for way in [&["--as", "server", "--format", "json"][..], &["--as", "load", "--url", "http://127.0.0.1:9"]] {
        let (stdout, stderr) = check(&[&["replay", name], way].concat(), 2);
        assert!(stdout.is_empty() && stderr.contains("the journal holds no request"), "{stderr}");
    }
}

#[test]
fn what_a_server_recorded_is_not_replaced() {
    let directory = tempfile::tempdir().expect("a directory");
    let file = directory.path().join("night.zst");
    std::fs::write(&file, "what happened").expect("writable");
    let journal = file.to_str().expect("UTF-8");
    for arguments in [
        &["serve", "--mailbox", "alice@contoso.test"][..],
        &["run", "scenarios/network-bound.toml"],
        &["run", "--mailbox", "alice@contoso.test", "--", "true"],
    ] {
        let (command, rest) = arguments.split_at(1);
        let (stdout, stderr) = check(&[command, &["--journal", journal], rest].concat(), 2);
        assert!(
            stdout.is_empty() && stderr.contains("night.zst is there, and what it tells of would be lost"),
            "{stderr}"
        );
    }
    assert_eq!(std::fs::read_to_string(&file).expect("it is there"), "what happened");
}

#[test]
fn what_has_no_meaning_for_a_journal_is_refused() {
    for (arguments, part) in [
        (&["judge", "x.zst", "--server", "nope"][..], "[possible values: source, target]"),
        (&["replay", "x.zst", "--url", "http://127.0.0.1:9"], "add --as load"),
        (&["replay", "x.zst", "--as", "server", "--speed", "9"], "add --as load"),
    ] {
        let (stdout, stderr) = check(arguments, 2);
        assert!(stdout.is_empty() && stderr.contains(part), "{stderr}");
    }
}
