//! What limits cost: one call judged and settled by the stack of limits of a mailbox server.

#[path = "support/short.rs"]
mod short;

use std::hint::black_box;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use mock_server::throttle::preset;
use mock_server::throttle::stack::{Asked, Stack, Verdict};
use mock_server::time::{Moment, Span};
use mock_server::wire::call::Protocol;
use mock_server::wire::id::MailboxKey;
use mock_server::wire::operation::Operation;

/// Mailboxes that call in turn: those in progress in a wave of the NHS.
const MAILBOXES: u32 = 400;

/// Calls of one measurement.
const CALLS: u32 = 100_000;

/// Time between two calls, and the time that each takes: a mailbox calls twice a second and has one call in progress.
const GAP: Span = Span::microseconds(1_250);
const SERVED: Span = Span::milliseconds(50);

/// Plays calls against the limits of a preset; returns how many were admitted.
fn play(limits: &str, body_bytes: u64) -> u32 {
    let mut stack = Stack::new(preset::named(limits).expect("a preset of this name"));
    let protocol = if limits.starts_with("ews") { Protocol::Ews } else { Protocol::Graph };
    let mut now = Moment::START;
    let mut admitted = 0;
    for call in 0..CALLS {
        now += GAP;
        let (mailbox, operation) = (MailboxKey(call % MAILBOXES), Operation::ImportItem);
        let asked = Asked { app: 1, mailbox, operation, protocol, body_bytes };
        if let Verdict::Admit { delay } = stack.judge(now, &asked) {
            stack.settle(&asked, now + delay + SERVED, SERVED);
            admitted += 1;
        }
    }
    admitted
}

fn judge_and_settle(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("judge and settle, calls of 400 mailboxes");
    group.throughput(Throughput::Elements(u64::from(CALLS)));
    for limits in ["outlook", "graph", "ews-online"] {
        assert_eq!(play(limits, 100_000), CALLS, "{limits} refuses nothing");
        group.bench_function(limits, |bencher| bencher.iter(|| black_box(play(limits, 100_000))));
    }
    assert!(play("outlook", 10_000_000) < CALLS / 2, "uploads of 10 MB are refused");
    group.bench_function("outlook, most refused", |bencher| bencher.iter(|| black_box(play("outlook", 10_000_000))));
    group.finish();
}

criterion_group! {
    name = benches;
    config = short::short();
    targets = judge_and_settle
}
criterion_main!(benches);
