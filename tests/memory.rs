//! Drawing every mailbox of the largest population takes little memory: nothing is stored that can be computed.
//!
//! The peak of a process is that of all its tests, so this test has a program of its own.

use std::fs;
use std::path::Path;

use wavetank::population::Population;
use wavetank::scenario;

/// The most memory that may be resident, in kibibytes: 1 GiB.
const MOST_KIB: u64 = 1 << 20;

/// The most memory that was resident so far, in kibibytes, where the system tells.
fn peak_kib() -> Option<u64> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    line.trim().strip_suffix("kB")?.trim().parse().ok()
}

#[expect(clippy::print_stdout, reason = "a test that does not run must say so")]
#[test]
fn drawing_every_mailbox_of_the_nhs_once_stays_below_a_gibibyte() {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("scenarios/nhsmail.toml");
    let plan = scenario::load(&file, &[], None).expect("a scenario");
    let population = Population::new(&plan.population, plan.seed).expect("the preset is known");
    let (mut bytes, mut items) = (0, 0);
    for key in population.keys() {
        let mailbox = population.mailbox(key);
        bytes += mailbox.bytes;
        items += mailbox.items;
    }
    assert_eq!(population.len(), 2_100_000);
    let mean = bytes as f64 / f64::from(population.len());
    assert!((1.0e9..1.2e9).contains(&mean) && items > 20_000_000_000, "{mean} bytes a mailbox, {items} items");
    let Some(peak) = peak_kib() else {
        println!("skipped: the system does not tell the peak of resident memory (/proc/self/status is absent)");
        return;
    };
    println!("peak of resident memory: {} MiB", peak >> 10);
    assert!(peak < MOST_KIB, "{peak} KiB");
}
