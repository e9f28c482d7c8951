//! What the command says of exports, and what scenarios that use them are told.

use std::io::Write as _;
use std::process::{Command, Stdio};

use super::*;

/// Runs a command in a folder with some standard input: its exit code, what it printed, and what it said.
fn wavetank(arguments: &[&str], folder: &Path, input: &str) -> (Option<i32>, String, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_wavetank"));
    command.args(arguments).current_dir(folder);
    let pipes = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = pipes.spawn().expect("the command starts");
    child.stdin.take().expect("a pipe").write_all(input.as_bytes()).expect("the command reads");
    let output = child.wait_with_output().expect("the command ends");
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("UTF-8");
    (output.status.code(), text(output.stdout), text(output.stderr))
}

const TWO: &str = "UPN,Size (Byte),Items\na@x.test,1000000,10\nb@x.test,2000000,20\n";

#[test]
fn piped_input_is_read_once() {
    let folder = TempDir::new().expect("a folder can be made");
    let long = format!("{TWO}{}", "c@x.test,x,1\n".repeat(20_000));
    for (name, input) in [("-", TWO), ("/dev/stdin", TWO), ("-", &long), ("/dev/stdin", &long)] {
        if name != "-" && !Path::new(name).exists() {
            continue;
        }
        let (code, stdout, stderr) = wavetank(&["inventory", name, "--format", "json"], folder.path(), input);
        assert_eq!(code, Some(0), "{stderr}");
        assert!(stdout.contains("\"mailboxes\": 2") && stdout.contains("\"bytes\": 3000000"), "{name}: {stdout}");
    }
}

#[test]
fn an_export_without_a_usable_mailbox_is_refused() {
    for (text, parts) in [
        ("UPN,Size (Byte)\na@x.test,big\nb@x.test,\n", ["2 rows were skipped", "(first line 2: `big` is not a size)"]),
        ("UPN,Is Deleted,Size (Byte)\na@x.test,True,5\n", ["0 rows were skipped", "1 row was left out as deleted"]),
    ] {
        let folder = TempDir::new().expect("a folder can be made");
        fs::write(folder.path().join("export.csv"), text).expect("the file can be written");
        let (code, stdout, stderr) = wavetank(&["inventory", "export.csv"], folder.path(), "");
        assert_eq!(code, Some(2), "{stderr}");
        assert!(stdout.contains("export.csv"), "what was found is printed all the same: {stdout}");
        for part in parts {
            assert!(stderr.contains("export.csv has no mailbox that can be used") && stderr.contains(part), "{stderr}");
        }
    }
}

#[test]
fn what_an_export_does_not_tell_is_the_preset_of_a_scenario_that_names_none() {
    let folder = TempDir::new().expect("a folder can be made");
    let (_, stdout, stderr) = wavetank(&["inventory", "-"], folder.path(), TWO);
    assert!(stdout.contains("(the others are those of enterprise)"), "{stdout}{stderr}");
    fs::write(folder.path().join("trial.toml"), SCENARIO).expect("the file can be written");
    fs::write(folder.path().join("export.csv"), TWO).expect("the file can be written");
    let (_, stdout, stderr) = wavetank(&["explain", "trial.toml"], folder.path(), "");
    assert!(stdout.contains("preset = enterprise"), "{stdout}{stderr}");
}

/// A scenario whose inventory is on line 4, and its wave on line 7.
const SCENARIO: &str = "title = \"Trial\"\nseed = 1\n[population]\ninventory = \"export.csv\"\n\
                        [wave]\n\nmailboxes = 2\n";

#[test]
fn scenarios_ask_no_more_of_an_inventory_than_it_has() {
    let bad = "UPN,Size (Byte)\na@x.test,big\n";
    let fit = |more: &str| SCENARIO.replace("[wave]\n", &format!("{more}\n[wave]"));
    for (scenario, export, place, message, help) in [
        (SCENARIO.to_owned(), bad, "4:13", "1 row was skipped (first line 2: `big`", "wavetank inventory"),
        (SCENARIO.to_owned(), "", "4:13", "is empty", "wavetank inventory"),
        (SCENARIO.replace("= 2", "= 3"), TWO, "7:13", "a wave of 3 mailboxes is more than the 2", "fit = true"),
        (fit("mailboxes = 5"), TWO, "5:13", "has 2 mailboxes, and 5 are wanted", "fit = true"),
        (fit("mailboxes = 5\nfit = true"), TWO, "6:7", "a fit needs at least 8", "leave `fit` out"),
    ] {
        let folder = TempDir::new().expect("a folder can be made");
        fs::write(folder.path().join("trial.toml"), &scenario).expect("the file can be written");
        fs::write(folder.path().join("export.csv"), export).expect("the file can be written");
        for command in ["check", "explain", "simulate", "forecast"] {
            let (code, stdout, stderr) = wavetank(&[command, "trial.toml"], folder.path(), "");
            assert_eq!((code, stdout.as_str()), (Some(2), ""), "{command}\n{scenario}\n{stderr}");
            let flat = stderr.replace('│', " ").split_whitespace().collect::<Vec<_>>().join(" ");
            assert!(flat.contains(&format!("trial.toml:{place}")), "{command}: not {place} in\n{stderr}");
            assert!(flat.contains(message) && flat.contains(help), "{command}\n{stderr}");
        }
    }
}

#[test]
fn what_a_scenario_skips_of_an_inventory_is_told() {
    let folder = TempDir::new().expect("a folder can be made");
    fs::write(folder.path().join("trial.toml"), SCENARIO).expect("the file can be written");
    fs::write(folder.path().join("export.csv"), format!("{TWO}c@x.test,x,1\n")).expect("the file can be written");
    for command in ["check", "simulate"] {
        let (code, _, stderr) = wavetank(&[command, "trial.toml"], folder.path(), "");
        assert_eq!(code, Some(0), "{stderr}");
        let told = "warning: export.csv: 1 of 3 rows skipped; `wavetank inventory export.csv` tells which";
        assert_eq!(stderr.matches(told).count(), 1, "{command}: {stderr}");
    }
}
