//! What computing a population costs: a mailbox, its folders, and one item, anywhere among two million.

#[path = "support/short.rs"]
mod short;

use std::hint::black_box;
use std::path::Path;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use mock_server::mailbox::content::{Content, FolderShape};
use mock_server::time::Span;
use mock_server::wire::id::MailboxKey;
use wavetank::population::{Population, wave};
use wavetank::scenario;

/// Mailboxes asked for in turn, far apart.
const MAILBOXES: u32 = 1_024;

fn nhs() -> (Population, Vec<MailboxKey>) {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("scenarios/nhsmail.toml");
    let plan = scenario::load(&file, &[], None).expect("a scenario");
    let population = Population::new(&plan.population, plan.seed).expect("a population");
    let keys = wave::draw(&population, plan.seed, 0, MAILBOXES);
    (population, keys)
}

fn mailboxes(criterion: &mut Criterion) {
    let (population, keys) = nhs();
    let mut group = criterion.benchmark_group("population of 2.1 million mailboxes");
    group.throughput(Throughput::Elements(keys.len() as u64));
    group.bench_function("a mailbox", |bencher| {
        bencher.iter(|| keys.iter().map(|&key| black_box(population.mailbox(key)).folders).sum::<u32>());
    });
    group.bench_function("the folders of a mailbox", |bencher| {
        bencher.iter(|| keys.iter().for_each(|&key| drop(black_box(population.folders(key)))));
    });
    group.bench_function("the changes of a mailbox in half a day", |bencher| {
        let folders: Vec<(MailboxKey, Vec<FolderShape>)> =
            keys.iter().map(|&key| (key, population.folders(key))).collect();
        let half_a_day = Span::seconds(43_200);
        bencher.iter(|| {
            for (key, folders) in &folders {
                let changes = folders.iter().map(|folder| population.changes(*key, folder, half_a_day));
                black_box(changes.sum::<u64>());
            }
        });
    });
    group.finish();
}

fn items(criterion: &mut Criterion) {
    let (population, keys) = nhs();
    let fullest = |&key: &MailboxKey| {
        let folders = population.folders(key);
        folders.into_iter().max_by_key(|folder| folder.items).map(|folder| (key, folder))
    };
    let folders: Vec<(MailboxKey, FolderShape)> =
        keys.iter().filter_map(fullest).filter(|(_, folder)| folder.items > 0).collect();
    let mut group = criterion.benchmark_group("an item of a population");
    group.throughput(Throughput::Elements(folders.len() as u64));
    group.bench_function("held from the beginning", |bencher| {
        bencher.iter(|| {
            for (key, folder) in &folders {
                black_box(population.item(*key, folder, folder.items / 2, 0));
            }
        });
    });
    group.bench_function("arrived since", |bencher| {
        bencher.iter(|| {
            for (key, folder) in &folders {
                black_box(population.item(*key, folder, folder.items + 7, 0));
            }
        });
    });
    group.finish();
}

criterion_group! {
    name = benches;
    config = short::short();
    targets = mailboxes, items
}
criterion_main!(benches);
