//! What bytes cost: writing and reading a page of changes and an import in both protocols, and their lengths alone.

#[path = "support/short.rs"]
mod short;

use std::hint::black_box;

use criterion::measurement::WallTime;
use criterion::{BenchmarkGroup, Criterion, Throughput, criterion_group, criterion_main};
use mock_server::wire::answer::{Answer, ChangeKind, ItemChange};
use mock_server::wire::call::{Call, Content, Protocol, Upload};
use mock_server::wire::http::{HttpAnswer, HttpCall};
use mock_server::wire::id::{Id, ItemKey, MailboxKey};
use mock_server::wire::{codec, ews, graph, stream};

const MAILBOX: MailboxKey = MailboxKey(1_234_567);
const ADDRESS: &str = "m1234567@o01234.example.org";
const BASE: &str = "http://127.0.0.1:40000";

/// Changes of a page.
const CHANGES: u64 = 100;

/// Size of an imported item in bytes: the Exchange planning default of 75 KB.
const ITEM: u32 = 75 << 10;

fn page() -> Answer {
    let changes = (0..CHANGES).map(|number| ItemChange {
        kind: ChangeKind::Create,
        item: Id::Number(number),
        key: Some(ItemKey(number.wrapping_mul(0x9e37_79b9_7f4a_7c15))),
        size: 10_000 + number as u32,
    });
    Answer::Items { changes: changes.collect(), state: Id::Number(99), complete: true }
}

fn sync() -> Call {
    codec::written(&Call::SyncItems { folder: Id::Number(1), state: Some(Id::Number(7)), limit: 512 }, MAILBOX)
}

/// A call that stores one item, as each protocol has it.
fn import(protocol: Protocol) -> Call {
    let key = ItemKey(0x0123_4567_89ab_cdef);
    let content = Content { key, size: ITEM, bytes: Some(stream::computed(key, ITEM).into()) };
    let call = match protocol {
        Protocol::Ews => Call::UploadItems { uploads: vec![Upload { folder: Id::Number(1), replace: None, content }] },
        Protocol::Graph => Call::ImportItem { session: Id::Number(1), folder: Id::Number(1), replace: None, content },
    };
    codec::written(&call, MAILBOX)
}

fn read(protocol: Protocol, call: &HttpCall) {
    match protocol {
        Protocol::Ews => drop(black_box(ews::decode_call(&call.body, Some(ADDRESS)).expect("our own call"))),
        Protocol::Graph => {
            let header = |name| call.headers.iter().find(|(own, _)| *own == name).map(|(_, value)| value.as_str());
            let headers = graph::Headers { content_type: header("Content-Type"), prefer: header("Prefer") };
            let decoded = graph::decode_call(call.method, &call.path, headers, &call.body);
            drop(black_box(decoded.expect("our own call")));
        }
    }
}

fn calls(group: &mut BenchmarkGroup<'_, WallTime>, protocol: Protocol, name: &str, call: &Call) {
    let write = || codec::encode_call(protocol, call, ADDRESS, BASE).expect("the protocol has it");
    let written = write();
    assert_eq!(codec::call_bytes(protocol, call, ADDRESS.len()), written.body.len() as u64);
    group.throughput(Throughput::Bytes(written.body.len().max(1) as u64));
    group.bench_function(format!("write {name}"), |bencher| bencher.iter(|| black_box(write())));
    group.bench_function(format!("read {name}"), |bencher| {
        bencher.iter(|| read(protocol, black_box(&written)));
    });
    group.throughput(Throughput::Elements(1));
    group.bench_function(format!("length of {name}"), |bencher| {
        bencher.iter(|| black_box(codec::call_bytes(protocol, black_box(call), ADDRESS.len())));
    });
}

fn answers(group: &mut BenchmarkGroup<'_, WallTime>, protocol: Protocol) {
    let (call, answer) = (sync(), page());
    let write = || codec::encode_answer(protocol, &call, &answer, MAILBOX, BASE);
    let written: HttpAnswer = write();
    group.throughput(Throughput::Elements(CHANGES));
    group.bench_function("write a page of 100 changes", |bencher| bencher.iter(|| black_box(write())));
    group.bench_function("read a page of 100 changes", |bencher| {
        bencher.iter(|| black_box(codec::decode_answer(protocol, &call, &written).expect("our own answer")));
    });
    group.bench_function("length of a page of 100 changes", |bencher| {
        bencher.iter(|| black_box(codec::answer_bytes(protocol, &call, black_box(&answer))));
    });
}

fn codecs(criterion: &mut Criterion) {
    for (protocol, name) in [(Protocol::Ews, "EWS"), (Protocol::Graph, "Graph")] {
        let mut group = criterion.benchmark_group(name);
        answers(&mut group, protocol);
        calls(&mut group, protocol, "the question for changes", &sync());
        calls(&mut group, protocol, "an import of 75 KB", &import(protocol));
        group.finish();
    }
}

criterion_group! {
    name = benches;
    config = short::short();
    targets = codecs
}
criterion_main!(benches);
