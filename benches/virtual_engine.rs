//! How fast the virtual world runs: requests of the real pipeline, and bare timers of its executor.
//!
//! The reference for the timers is tokio's paused clock, which many take for virtual time. Both run the same closed
//! loop: clients think, wait for one of a limited number of places, are served, and begin again.
//!
//! Measured on one core of a virtual machine with two (AMD EPYC, 32 KB and 1 MB of nearest caches, 3.4 GHz):
//! `simulate scenarios/nhsmail.toml` makes the 2.82 million requests of the evening of 22,000 mailboxes in 2.7 s of user
//! time (medians of five runs: 2.67 to 2.86), which is 1.0 million a second. A request takes some 6,700 instructions
//! (callgrind, 4,500 mailboxes) and 3,300 cycles: more than half of them it waits, for code and for memory.
//!
//! Code: the first instruction cache, simulated, misses 147 times for each request; 86 times if every line could lie
//! anywhere in it, 20 times if it were twice as large. So a change that adds code loses what it saves. Lines of 64 bytes
//! that are run at least once in twenty requests make 83 KB, those in every second request 38 KB, those in nearly every one
//! 21 KB; a third of what is in them is not run. The misses are spread over the whole path: no function has a tenth.
//! Memory: the second cache misses 15 times for reading, a third of that in the folder tables of mailboxes that come back
//! from their switch. With 40 lanes instead of 400 the wave makes 1.3 million requests a second.
//!
//! What gained nothing: folder tables of half the size, a ring of short stretches of time instead of the sorted list of
//! timers (80 instructions less), numbered seats for mailboxes instead of hashing their keys, windows that count as they
//! are asked and other savings of 54 instructions, references of two words instead of three, the allocators of glibc,
//! jemalloc and tcmalloc, less inlining, cold parts of functions split off (11% fewer misses of the instruction cache, and
//! 11% slower). A program that ends at its first panic is 4% faster, one that is compiled for its profile 15%.

#[path = "support/short.rs"]
mod short;

use std::hint::black_box;
use std::path::Path;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use mock_server::draw::{Distribution, Purpose, hash};
use mock_server::time::{Moment, Span};
use tokio::sync::Semaphore;
use wavetank::engine::order;
use wavetank::engine::virtual_time::executor::{self, Clock};
use wavetank::engine::virtual_time::run::{Finished, simulate};
use wavetank::population::Population;
use wavetank::scenario;
use wavetank::scenario::plan::Plan;

/// Mailboxes of the wave: an eleventh of the published evening.
const MAILBOXES: u32 = 2_000;

/// Clients of the closed loop, times each of them is served, and places.
const CLIENTS: u64 = 2_000;
const ROUNDS: u64 = 100;
const PLACES: usize = 160;

/// Timers that each round sets: one for thinking, one for being served.
const TIMERS: u64 = 2;

const THINKING: Distribution = Distribution::Exponential { mean: Span::seconds(10) };
const SERVICE: Distribution = Distribution::Exponential { mean: Span::seconds(1) };

fn nhs_evening() -> Plan {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("scenarios/nhsmail.toml");
    let overrides = [format!("wave.mailboxes={MAILBOXES}")];
    scenario::load(&file, &overrides, None).expect("a scenario")
}

fn evening(plan: &Plan, population: &Population) -> Finished {
    let mailboxes = order::wave(plan, population, 0, plan.wave.mailboxes);
    simulate(plan, population, &mailboxes, 0, plan.open())
}

fn pipeline(criterion: &mut Criterion) {
    let plan = nhs_evening();
    let population = Population::new(&plan.population, plan.seed).expect("a population");
    let finished = evening(&plan, &population);
    assert_eq!(finished.stuck, 0);
    let mut group = criterion.benchmark_group("virtual pipeline");
    group.throughput(Throughput::Elements(finished.requests()));
    group.bench_function("requests, NHS evening of 2,000 mailboxes", |bencher| {
        bencher.iter(|| black_box(evening(&plan, &population)));
    });
    group.finish();
}

/// How long a client thinks, or is served, in one round.
fn span(distribution: Distribution, client: u64, round: u64) -> Span {
    distribution.draw(hash(1, Purpose::Test, client, round, 0))
}

fn on_our_clock() -> Moment {
    let clock = Clock::default();
    let places = Rc::new(Semaphore::new(PLACES));
    let client = |client| {
        let (clock, places) = (clock.clone(), Rc::clone(&places));
        async move {
            for round in 0..ROUNDS {
                clock.sleep_until(clock.now() + span(THINKING, client, 2 * round)).await;
                let _place = places.acquire().await.expect("the semaphore is never closed");
                clock.sleep_until(clock.now() + span(SERVICE, client, 2 * round + 1)).await;
            }
        }
    };
    executor::run(&clock, (0..CLIENTS).map(client)).at
}

fn on_tokio() -> tokio::time::Instant {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build();
    runtime.expect("a runtime").block_on(async {
        let places = Arc::new(Semaphore::new(PLACES));
        let mut clients = tokio::task::JoinSet::new();
        for client in 0..CLIENTS {
            let places = Arc::clone(&places);
            clients.spawn(async move {
                for round in 0..ROUNDS {
                    tokio::time::sleep(Duration::from_nanos(span(THINKING, client, 2 * round).0)).await;
                    let _place = places.acquire().await.expect("the semaphore is never closed");
                    tokio::time::sleep(Duration::from_nanos(span(SERVICE, client, 2 * round + 1).0)).await;
                }
            });
        }
        while clients.join_next().await.is_some() {}
        tokio::time::Instant::now()
    })
}

fn timers(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("closed loop of 2,000 clients and 160 places, timers");
    group.throughput(Throughput::Elements(CLIENTS * ROUNDS * TIMERS));
    group.bench_function("virtual clock", |bencher| bencher.iter(|| black_box(on_our_clock())));
    group.bench_function("tokio 1.54 paused clock (reference)", |bencher| bencher.iter(|| black_box(on_tokio())));
    group.bench_function("drawing the spans alone", |bencher| {
        bencher.iter(|| {
            let drawn = (0..CLIENTS).flat_map(|client| (0..2 * ROUNDS).map(move |round| span(SERVICE, client, round)));
            black_box(drawn.sum::<Span>())
        });
    });
    group.finish();
}

criterion_group! {
    name = benches;
    config = short::short();
    targets = pipeline, timers
}
criterion_main!(benches);
