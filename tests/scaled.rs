//! Foreign programs whose clock is scaled with the server's: the same happens, only sooner.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;

use serde_json::Value;

/// Items that the program writes: with twenty requests in each window of a minute it has to wait five times.
const ITEMS: u32 = 100;

/// The limit, in fixed windows, so that a few milliseconds more or less decide nothing.
const LIMIT: &str = "target.policies=[{ name = \"window\", requests = \"20/60 s\", meter = \"fixed\", scope = [\"app\", \"mailbox\"] }]";

#[expect(clippy::print_stderr, reason = "whoever reads the test's output must see what was not tried")]
fn skip(why: &str) {
    eprintln!("skipped: {why}");
}

/// The interpreter with the Python clients' packages, if it was set up, and libfaketime.
fn python() -> Option<PathBuf> {
    if Command::new("faketime").arg("--version").output().is_err() {
        skip("there is no libfaketime; .ci/clients installs it");
        return None;
    }
    let target = Path::new(env!("CARGO_TARGET_TMPDIR")).parent().expect("a build directory");
    let python = target.join("clients/venv/bin/python");
    if !python.exists() {
        skip("there is no Python environment at target/clients/venv; .ci/clients makes it");
        return None;
    }
    Some(python)
}

/// Runs exchangelib, unmodified, at a scale of time. Returns the scorecard and how many seconds it took.
#[expect(clippy::disallowed_methods, reason = "how long a real program takes is what this is about")]
fn run(python: &Path, scale: &str) -> (Value, f64) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_wavetank"));
    command.current_dir(env!("CARGO_MANIFEST_DIR")).args(["run", "tests/clients/throttled.toml"]);
    command.args(["--set", "target.limits=[]", "--set", LIMIT]);
    command.args([
        "--side",
        "target",
        "--mailbox",
        "alice@contoso.test",
        "--format",
        "json",
        "--time-scale",
        scale,
        "--",
    ]);
    command.arg(python).args(["tests/clients/workload.py", "ews", "--at-once", "1", "--items", &ITEMS.to_string()]);
    command.env("PYTHONDONTWRITEBYTECODE", "1");
    let began = Instant::now();
    let output = command.output().expect("the command starts");
    let seconds = began.elapsed().as_secs_f64();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && said.contains("100 of 100 items"), "{said}");
    (serde_json::from_slice(&output.stdout).expect("a scorecard"), seconds)
}

#[test]
fn a_program_that_waits_as_told_is_done_sooner_and_has_asked_the_same() {
    let Some(python) = python() else { return };
    let (slow, long) = run(&python, "20");
    let (fast, short) = run(&python, "60");
    assert!(short < long, "{short} s at scale 60, {long} s at scale 20");
    // A window more or less is refused once more or less; what was asked and answered in all is the same.
    let counts = |card: &Value| {
        let client = &card["clients"][0];
        ["requests", "answered"].map(|key| client["volume"][key].as_f64().expect("a count"))
    };
    for (slow, fast) in counts(&slow).into_iter().zip(counts(&fast)) {
        assert!((slow - fast).abs() <= 0.02 * slow.max(1.0), "{slow} at scale 20, {fast} at scale 60");
    }
    for card in [&slow, &fast] {
        let client = &card["clients"][0];
        assert_eq!(client["items"]["lost"], 0, "{card}");
        assert_eq!(client["items"]["made"], ITEMS, "{card}");
    }
}
