//! The laws of a population.

use mock_server::draw::{Purpose, hash};
use mock_server::mailbox::content::{Content, FolderShape, read_item_key};
use mock_server::time::Span;
use mock_server::wire::call::FolderKind;
use proptest::prelude::*;

use super::*;

const DAY: Span = Span::seconds(86_400);

fn plan(preset: &str, mailboxes: Option<u32>) -> PopulationPlan {
    PopulationPlan {
        preset: preset.to_owned(),
        mailboxes,
        inventory: None,
        fit: false,
        change_factor: 1.0,
        corrupt_factor: 1.0,
        uniform: None,
    }
}

fn population(preset: &str, mailboxes: u32) -> Population {
    Population::new(&plan(preset, Some(mailboxes)), 11).expect("the plan is sound")
}

fn check_folders(population: &Population, key: MailboxKey) {
    let mailbox = population.mailbox(key);
    let folders = population.folders(key);
    assert_eq!(folders.len() as u32, mailbox.folders);
    assert_eq!(folders.iter().map(|folder| folder.items).sum::<u64>(), mailbox.items);
    assert_eq!(folders.iter().map(|folder| folder.bytes).sum::<u64>(), mailbox.bytes);
    let changes: f64 = folders.iter().map(|folder| folder.changes_per_day).sum();
    assert!((changes - mailbox.changes_per_day).abs() < 1e-9 * (1.0 + changes));
    assert!(folders[0].kind == FolderKind::Root && folders[0].items == 0 && folders[0].parent.is_none());
    for (ordinal, folder) in folders.iter().enumerate() {
        assert_eq!(folder.ordinal as usize, ordinal);
        assert!(folder.parent.is_none_or(|parent| parent < folder.ordinal));
        assert!(folder.bytes >= 64 * folder.items || mailbox.bytes < 64 * mailbox.items);
    }
    let mut names: Vec<_> = folders.iter().map(|folder| population.folder_name(key, folder)).collect();
    names.sort();
    names.dedup();
    assert_eq!(names.len(), folders.len());
}

fn check_items(population: &Population, key: MailboxKey, folder: &FolderShape) {
    let items = (0..folder.items).map(|ordinal| population.item(key, folder, ordinal, 0));
    let mut sum = 0;
    for (ordinal, item) in (0..).zip(items) {
        sum += u64::from(item.size);
        let place = read_item_key(population.key_seed(), key, item.key);
        assert_eq!(place, Some((folder.ordinal, ordinal)));
    }
    assert_eq!(sum, folder.bytes);
}

#[test]
fn every_level_sums_exactly_to_the_one_above() {
    for preset in preset::NAMES {
        let population = population(preset, 3_000);
        for key in population.keys() {
            check_folders(&population, key);
        }
        for key in population.keys().take(30) {
            for folder in population.folders(key) {
                check_items(&population, key, &folder);
            }
        }
    }
}

/// All items of an estate, relative to the mean of their mailbox, against the law. Folders differ in mean size, so the
/// middle spreads a little more than the law alone.
#[test]
fn items_of_an_estate_follow_the_law_of_sizes() {
    let population = population("nhs", 400);
    let mut sizes = Vec::new();
    for key in population.keys() {
        let mailbox = population.mailbox(key);
        let mean = mailbox.bytes as f64 / mailbox.items as f64;
        for folder in population.folders(key).iter().filter(|folder| folder.kind == FolderKind::User) {
            let items = (0..folder.items).map(|ordinal| population.item(key, folder, ordinal, 0));
            sizes.extend(items.map(|item| f64::from(item.size) / mean));
        }
    }
    sizes.sort_by(f64::total_cmp);
    let law = item::SizeLaw::new(population.preset().largest_item);
    for (above, tolerance) in [(0.5, 0.25), (0.1, 0.25), (0.01, 0.25)] {
        let found = describe::quantile(&sizes, 1.0 - above);
        let wanted = law.exceeded_by(above) / law.mean();
        assert!((found / wanted - 1.0).abs() < tolerance, "{above}: {found}, not {wanted}");
    }
}

#[test]
fn corrupt_items_are_as_many_as_the_mailbox_says() {
    let mut plan = plan("nhs", Some(2_000));
    plan.corrupt_factor = 50.0;
    let population = Population::new(&plan, 5).expect("the plan is sound");
    let mut seen = 0;
    for key in population.keys() {
        let mailbox = population.mailbox(key);
        if mailbox.corrupt_items == 0 || mailbox.items > 3_000 {
            continue;
        }
        let folders = population.folders(key);
        let corrupt = folders
            .iter()
            .flat_map(|folder| (0..folder.items).map(move |ordinal| (folder, ordinal)))
            .filter(|&(folder, ordinal)| population.item(key, folder, ordinal, 0).corrupt)
            .count();
        assert_eq!(corrupt, mailbox.corrupt_items as usize);
        seen += 1;
    }
    assert!(seen > 20, "{seen}");
}

#[test]
fn changes_begin_at_zero_and_add_up_to_the_daily_rate() {
    let population = population("nhs", 5_000);
    let mut expected = 0.0;
    let mut counted = 0;
    for key in population.keys() {
        for folder in population.folders(key) {
            assert_eq!(population.changes(key, &folder, Span::ZERO), 0);
            expected += folder.changes_per_day * 28.0;
            counted += population.changes(key, &folder, DAY * 28);
        }
    }
    assert!((counted as f64 / expected - 1.0).abs() < 0.001, "{counted} of {expected}");
}

#[test]
fn updates_change_the_size_but_never_the_identity() {
    let population = population("nhs", 10);
    let key = MailboxKey(3);
    let folders = population.folders(key);
    let inbox = &folders[1];
    let versions: Vec<_> = (0..4).map(|version| population.item(key, inbox, 0, version)).collect();
    assert!(versions.windows(2).all(|pair| pair[0].key == pair[1].key));
    assert!(versions[1..].windows(2).any(|pair| pair[0].size != pair[1].size));
}

#[test]
fn addresses_lead_back_to_their_mailboxes() {
    let population = population("nhs", 5_000);
    for key in population.keys() {
        assert_eq!(population.find(&population.address(key).to_uppercase()), Some(key));
    }
    for stranger in ["", "@", "é@example.org", "m0005000@o00000.example.org", "m0000001@o99999.example.org"] {
        assert_eq!(population.find(stranger), None, "{stranger}");
    }
}

#[test]
fn uniform_mailboxes_are_exactly_alike() {
    let uniform = UniformMailbox { items: 200, item_bytes: 50_000, folders: 1, changes_per_day: 24.0 };
    let population = Population::new(&PopulationPlan { uniform: Some(uniform), ..plan("nhs", Some(7)) }, 3);
    let population = population.expect("the plan is sound");
    assert_eq!((population.len(), population.organisations()), (7, 7));
    for key in population.keys() {
        check_folders(&population, key);
        let folders = population.folders(key);
        assert_eq!((folders.len(), folders[1].items), (2, 200));
        check_items(&population, key, &folders[1]);
        assert_eq!(population.item(key, &folders[1], 500, 3).size, 50_000);
        assert!(population.changes(key, &folders[1], DAY * 7).abs_diff(168) <= 1);
    }
}

#[test]
fn bad_plans_are_refused() {
    assert!(matches!(Population::new(&plan("nhsmail", None), 1), Err(PopulationError::UnknownPreset { .. })));
    assert!(matches!(Population::new(&plan("nhs", Some(0)), 1), Err(PopulationError::Empty)));
}

proptest! {
    #[test]
    fn smaller_waves_begin_larger_ones(small in 0_u32..2_000, more in 0_u32..2_000, replication: u64) {
        let population = population("nhs", 3_000);
        let one = wave::draw(&population, 5, replication, small);
        let two = wave::draw(&population, 5, replication, small + more);
        prop_assert_eq!(&two[..one.len()], &one[..]);
        prop_assert_eq!(two.len() as u32, (small + more).min(3_000));
        let mut keys = two.clone();
        keys.sort_unstable();
        keys.dedup();
        prop_assert_eq!(keys.len(), two.len());
    }
}

#[test]
fn waves_take_whole_organisations_but_for_the_last() {
    let population = population("nhs", 20_000);
    let wave = wave::draw(&population, 5, 1, 6_000);
    let mut organisations: Vec<_> = wave.iter().map(|&key| population.organisation_of(key)).collect();
    let last = organisations[organisations.len() - 1];
    organisations.retain(|&organisation| organisation != last);
    for chunk in organisations.chunk_by(|a, b| a == b) {
        assert_eq!(chunk.len(), population.organisation(chunk[0]).len());
    }
    assert_ne!(wave, wave::draw(&population, 5, 2, 6_000));
    assert_ne!(wave, wave::draw(&population, hash(5, Purpose::Test, 0, 0, 0), 1, 6_000));
}

#[test]
fn default_folders_have_the_names_that_protocols_know_them_by() {
    let population = population("enterprise", 1);
    let mut named = 0;
    for folder in population.folders(MailboxKey(0)) {
        let FolderKind::Default(_) = folder.kind else { continue };
        if let Some(known) = mock_server::wire::graph::well_known_name(folder.kind) {
            let shown = population.folder_name(MailboxKey(0), &folder);
            assert_eq!(shown.replace(' ', "").to_lowercase(), known);
            named += 1;
        }
    }
    assert_eq!(named, 9);
}
