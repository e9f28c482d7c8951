//! What a drawn population must look like: published numbers, and fingerprints that hold on every machine.

use mock_server::mailbox::content::Content;
use wavetank::population::Population;
use wavetank::population::describe::{Description, quantile};
use wavetank::population::preset::{Cohort, NAMES};
use wavetank::scenario::plan::PopulationPlan;
use xxhash_rust::xxh3::Xxh3;

const SEED: u64 = 20_210_201;

fn population(preset: &str, mailboxes: Option<u32>) -> Population {
    let plan = PopulationPlan {
        preset: preset.to_owned(),
        mailboxes,
        inventory: None,
        fit: false,
        change_factor: 1.0,
        corrupt_factor: 1.0,
        uniform: None,
    };
    Population::new(&plan, SEED).expect("the plan is sound")
}

fn check(what: &str, found: f64, wanted: f64, tolerance: f64) {
    assert!((found / wanted - 1.0).abs() <= tolerance, "{what}: {found}, not {wanted} within {tolerance}");
}

fn share(description: &Description, cohort: Cohort) -> f64 {
    let count = description.cohorts.iter().find(|(kind, _)| *kind == cohort).map_or(0, |(_, count)| *count);
    count as f64 / f64::from(description.mailboxes)
}

/// All 2.1 million mailboxes against the published 2.3 PB and a published simulation of the same model.
#[test]
fn the_nhs_estate_has_its_published_totals_and_quantiles() {
    let nhs = population("nhs", None);
    let found = nhs.describe(nhs.len());
    assert_eq!((found.mailboxes, found.drawn, found.organisations), (2_100_000, 2_100_000, 22_000));
    check("bytes", found.bytes as f64, 2.3e15, 0.01);
    check("items", found.items as f64, 30.7e9, 0.02);
    for (n, (size, items)) in [(0, (0.465e9, 6_223.0)), (1, (3.31e9, 37_903.0)), (3, (8.02e9, 111_283.0))] {
        check("size quantile", found.size_bytes.quantiles[n], size, 0.03);
        check("items quantile", found.item_count.quantiles[n], items, 0.04);
    }
    check("size p99.9", found.size_bytes.quantiles[4], 20.3e9, 0.05);
    assert!(found.size_bytes.greatest <= 50.0 * 1_073_741_824.0);
    check("user folders", found.folders as f64 - 23.0 * 2.1e6, 31e6, 0.03);
    check("active", share(&found, Cohort::Active), 0.71, 0.005);
    check("dormant", share(&found, Cohort::Dormant), 0.19, 0.01);
    check("corrupt items", found.corrupt_items as f64, 2.1e6 * (0.0048 * 4.0 + 0.0002 * 200.0), 0.1);
    assert_eq!(found.archives, 0);
}

/// A delta after seven days: median 52 items, mean 113, 99th percentile 935.
#[test]
fn a_week_of_changes_is_as_large_as_published() {
    let nhs = population("nhs", Some(400_000));
    let mut deltas: Vec<_> = nhs.keys().map(|key| nhs.mailbox(key).changes_per_day * 7.0).collect();
    deltas.sort_by(f64::total_cmp);
    check("median", quantile(&deltas, 0.5), 52.0, 0.03);
    check("mean", deltas.iter().sum::<f64>() / deltas.len() as f64, 113.0, 0.03);
    check("99th percentile", quantile(&deltas, 0.99), 935.0, 0.04);
}

/// A wave by organisation spreads far more than one of random mailboxes: 18% was published for 22,000.
#[test]
fn waves_spread_as_organisations_do() {
    let nhs = population("nhs", None);
    let totals: Vec<f64> = (0..200)
        .map(|replication| {
            let wave = wavetank::population::wave::draw(&nhs, SEED, replication, 22_000);
            wave.iter().step_by(20).map(|&key| nhs.mailbox(key).bytes as f64).sum()
        })
        .collect();
    let mean = totals.iter().sum::<f64>() / totals.len() as f64;
    let variance = totals.iter().map(|total| (total - mean) * (total - mean)).sum::<f64>() / totals.len() as f64;
    let spread = variance.sqrt() / mean;
    assert!((0.14..0.24).contains(&spread), "{spread}");
}

#[test]
fn the_other_presets_have_their_stated_sizes() {
    for (preset, mean, quantiles, tolerance) in [
        ("enterprise", 4.6e9, [2.0e9, 11e9, 42e9], 0.06),
        ("university", 1.7e9, [0.30e9, 3.9e9, 24e9], 0.06),
        ("small_business", 5.4e9, [2.7e9, 13e9, 45e9], 0.06),
    ] {
        let found = population(preset, Some(300_000)).describe(300_000);
        check(preset, found.size_bytes.mean, mean, tolerance);
        for (n, wanted) in [0, 1, 3].into_iter().zip(quantiles) {
            check(preset, found.size_bytes.quantiles[n], wanted, tolerance);
        }
    }
    let archives = population("enterprise", Some(100_000)).describe(100_000).archives;
    check("archives", archives as f64, 0.98 * 30_000.0, 0.03);
}

#[test]
fn an_evenly_spaced_sample_describes_the_whole() {
    let nhs = population("nhs", Some(300_000));
    let (all, some) = (nhs.describe(300_000), nhs.describe(100_000));
    check("bytes", some.bytes as f64, all.bytes as f64, 0.03);
    check("items", some.items as f64, all.items as f64, 0.03);
    assert_eq!(some.mailboxes, all.mailboxes);
}

fn fingerprint(preset: &str) -> u64 {
    let population = population(preset, Some(10_000));
    let mut hasher = Xxh3::new();
    for key in population.keys() {
        let mailbox = population.mailbox(key);
        for number in [mailbox.bytes, mailbox.items, u64::from(mailbox.organisation), mailbox.changes_per_day.to_bits()]
        {
            hasher.update(&number.to_le_bytes());
        }
        for folder in population.folders(key) {
            hasher.update(&folder.items.to_le_bytes());
            hasher.update(&folder.bytes.to_le_bytes());
            hasher.update(&folder.parent.unwrap_or(u32::MAX).to_le_bytes());
            let item = population.item(key, &folder, folder.items / 2, 0);
            hasher.update(&item.key.0.to_le_bytes());
            hasher.update(&item.size.to_le_bytes());
        }
    }
    hasher.digest()
}

/// A changed fingerprint means that every forecast changes: commit the new one only with the reason.
#[test]
fn generated_populations_have_their_recorded_fingerprints() {
    let found: Vec<_> = NAMES.iter().map(|name| format!("{name} {:016x}", fingerprint(name))).collect();
    let recorded = [
        "nhs 8a60b63b4c3492eb",
        "enterprise 67b443edad8ae55b",
        "university 9df7f8061229e464",
        "small_business 6a08b82357253a8f",
    ];
    assert_eq!(found, recorded);
}
