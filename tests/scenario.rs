//! Scenario files: good ones are read, bad ones say all that is wrong with them, where, and what to write instead.

use std::path::Path;

use wavetank::scenario;
use wavetank::scenario::plan::Plan;
use wavetank::scenario::problem::Problems;

const MINIMAL: &str = "title = \"Minimal\"\n\n[wave]\nmailboxes = 10\n";

fn parse(content: &str, overrides: &[&str]) -> Result<Plan, Problems> {
    let overrides: Vec<String> = overrides.iter().map(|text| (*text).to_owned()).collect();
    scenario::parse(Path::new("scenarios/trial.toml"), content, &overrides, None)
}

fn good(content: &str, overrides: &[&str]) -> Plan {
    parse(content, overrides).unwrap_or_else(|problems| panic!("{}", problems.render(false, 120)))
}

#[test]
fn a_minimal_scenario_is_filled_in() {
    let plan = good(MINIMAL, &[]);
    assert_eq!((plan.wave.mailboxes, plan.seed, plan.hash.len()), (10, 1, 16));
    for value in &plan.assumptions {
        println!("{} = {} ({:?}) {}", value.key, value.value, value.origin, value.note);
    }
    println!("{}", parse("titel = \"x\"\nseed=-3\n[wave]\nmailboxes=\"5 kB\"\ncut = 1\n[pipeline]\nlanes = 4\nopen_switches=9\npatience=7", &["forecast.confidence=1.5"]).unwrap_err().render(false, 120));
    println!("{}", parse("titel = \"x\nseed=3\n[wave\nmailboxes=5\n", &["x"]).unwrap_err().render(false, 120));
}
