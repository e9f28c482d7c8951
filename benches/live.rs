//! What a call costs over real HTTP: the live world against the front of the mock, on loopback, one call at a time.
//!
//! The reference is the same client against a bare hyper server that answers two bytes to everything, on a runtime like
//! that of the front and a thread of its own like that of the front: what is above it is ours.

#[path = "support/short.rs"]
mod short;

use std::convert::Infallible;
use std::hint::black_box;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use mock_server::draw::Distribution;
use mock_server::front::clock::Clock;
use mock_server::mailbox::plain::Plain;
use mock_server::service::config::{Conditions, Config, Cost, Costs, Holding, SwitchConfig};
use mock_server::time::Span;
use mock_server::wire::answer::Answer;
use mock_server::wire::call::{Call, Content, FolderKind, FolderRef, Protocol};
use mock_server::wire::http::HttpCall;
use mock_server::wire::id::{Id, ItemKey, MailboxKey};
use mock_server::wire::stream;
use tokio::runtime::{LocalOptions, LocalRuntime};
use wavetank::engine::live::server::{self, ServerChoice};
use wavetank::engine::live::token::Tokens;
use wavetank::engine::live::world::{Endpoint, LiveWorld};
use wavetank::engine::wire::pool::Pool;
use wavetank::engine::wire::url::ServerUrl;
use wavetank::world::{Route, Side, World};

const MAILBOX: MailboxKey = MailboxKey(0);

/// Size of items in bytes: the Exchange planning default of 75 KB.
const ITEM: u32 = 75 << 10;

const PLAIN: Plain = Plain { mailboxes: 1, items: 100, item_bytes: ITEM, changes_per_day: 0.0 };

/// A server without limits, faults or costs.
fn free(holding: Holding) -> Config {
    Config {
        seed: 3,
        holding,
        clock_at_start: Span::ZERO,
        limits: Vec::new(),
        limit_changes: Vec::new(),
        faults: Vec::new(),
        costs: Costs {
            default: Cost { call: Distribution::Constant(Span::ZERO), per_item: Span::ZERO, per_mebibyte: Span::ZERO },
            by_operation: Vec::new(),
            servers: None,
        },
        switch: SwitchConfig { places: 1, duration: Distribution::Constant(Span::ZERO), failure_rate: 0.0 },
        largest_item_bytes: 150 << 20,
        conditions: Conditions::default(),
    }
}

fn runtime() -> LocalRuntime {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build_local(LocalOptions::default());
    runtime.expect("a runtime")
}

/// A server that answers two bytes to everything, on a thread that lives as long as the program.
fn hello() -> SocketAddr {
    let listener = std::net::TcpListener::bind(("127.0.0.1", 0)).expect("a free port");
    listener.set_nonblocking(true).expect("a socket");
    let address = listener.local_addr().expect("a bound socket");
    std::thread::spawn(move || {
        runtime().block_on(async move {
            let listener = tokio::net::TcpListener::from_std(listener).expect("a runtime");
            while let Ok((stream, _)) = listener.accept().await {
                stream.set_nodelay(true).expect("a socket");
                tokio::task::spawn_local(async move {
                    let answer = service_fn(async |request: Request<Incoming>| {
                        drop(request.into_body().collect().await);
                        Ok::<_, Infallible>(Response::new(Full::new(Bytes::from_static(b"ok"))))
                    });
                    drop(http1::Builder::new().serve_connection(TokioIo::new(stream), answer).await);
                });
            }
        });
    });
    address
}

/// Time that a number of exchanges takes, one after the other. Bodies are made ahead.
#[expect(clippy::disallowed_methods, reason = "real time is what is measured")]
async fn exchange(pool: &Pool, body: &[u8], times: u64) -> Duration {
    let call = HttpCall { method: "POST", path: "/".into(), headers: Vec::new(), body: body.to_vec() };
    let request = pool.request(call).expect("a valid request");
    let since = Instant::now();
    for _ in 0..times {
        black_box(pool.exchange(request.clone()).await.expect("an answer"));
    }
    since.elapsed()
}

/// Time that a number of calls takes, one after the other.
#[expect(clippy::disallowed_methods, reason = "real time is what is measured")]
async fn calls(world: &LiveWorld, side: Side, call: &Call, times: u64) -> Duration {
    let since = Instant::now();
    for request in 0..times {
        black_box(ask(world, side, request, call).await);
    }
    since.elapsed()
}

async fn ask(world: &LiveWorld, side: Side, request: u64, call: &Call) -> Answer {
    let route = Route { side, mailbox: MAILBOX, request, attempt: 0, patience: Span::seconds(60) };
    world.call(route, call).await.result.expect("a server without faults or limits")
}

/// The inbox of a side.
async fn inbox(world: &LiveWorld, side: Side) -> Id {
    let call = Call::GetFolders { folders: vec![FolderRef::Kind(FolderKind::Inbox)] };
    match ask(world, side, 0, &call).await {
        Answer::FolderList(folders) => folders.into_iter().flatten().next().expect("every mailbox has an inbox").id,
        other => panic!("not an answer about folders: {other:?}"),
    }
}

/// An item of the source.
async fn item(world: &LiveWorld) -> Id {
    let call = Call::SyncItems { folder: inbox(world, Side::Source).await, state: None, limit: 1 };
    match ask(world, Side::Source, 0, &call).await {
        Answer::Items { changes, .. } => changes.into_iter().next().expect("the inbox holds items").item,
        other => panic!("not a page of changes: {other:?}"),
    }
}

/// A call that stores an item in the target.
async fn import(world: &LiveWorld) -> Call {
    let Answer::Session(session) = ask(world, Side::Target, 0, &Call::CreateImportSession).await else {
        panic!("no session")
    };
    let key = ItemKey(0x0123_4567_89ab_cdef);
    let content = Content { key, size: ITEM, bytes: Some(stream::computed(key, ITEM).into()) };
    Call::ImportItem { session, folder: inbox(world, Side::Target).await, replace: None, content }
}

fn round_trips(criterion: &mut Criterion) {
    let clock = Clock::start();
    let mut handles = Vec::new();
    let mut endpoint = |protocol, holding| {
        let handle = server::start(free(holding), Arc::new(PLAIN), clock.clone()).expect("a free port");
        let url = ServerUrl::of(handle.address());
        handles.push(handle);
        let tokens = Tokens::new(Pool::new(url.clone()), clock.clone(), ServerChoice::mock().credentials, protocol);
        Endpoint { protocol, pool: Pool::new(url), tokens, link: None }
    };
    let source = endpoint(Protocol::Ews, Holding::Live);
    let target = endpoint(Protocol::Graph, Holding::Empty);
    let world = LiveWorld::new(clock.clone(), [source, target], |_| "user0@contoso.test".into());
    let bare = Pool::new(ServerUrl::of(hello()));
    let runtime = runtime();
    let (get, import) = runtime.block_on(async {
        let get = Call::GetItems { items: vec![item(&world).await] };
        (get, import(&world).await)
    });
    let mut group = criterion.benchmark_group("round trips on loopback, one at a time");
    group.throughput(Throughput::Elements(1));
    group.bench_function("bare hyper, empty request (reference)", |bencher| {
        bencher.iter_custom(|times| runtime.block_on(exchange(&bare, &[], times)));
    });
    let body = stream::computed(ItemKey(1), ITEM / 3 * 4);
    group.bench_function("bare hyper, request of 100 KB (reference)", |bencher| {
        bencher.iter_custom(|times| runtime.block_on(exchange(&bare, &body, times)));
    });
    group.bench_function("provisioning a user", |bencher| {
        bencher.iter_custom(|times| runtime.block_on(calls(&world, Side::Target, &Call::ProvisionUser, times)));
    });
    group.bench_function("EWS GetItem of 75 KB", |bencher| {
        bencher.iter_custom(|times| runtime.block_on(calls(&world, Side::Source, &get, times)));
    });
    group.bench_function("Graph import of 75 KB", |bencher| {
        bencher.iter_custom(|times| runtime.block_on(calls(&world, Side::Target, &import, times)));
    });
    group.finish();
}

criterion_group! {
    name = benches;
    config = short::short();
    targets = round_trips
}
criterion_main!(benches);
