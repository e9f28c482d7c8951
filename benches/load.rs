//! What a load costs to send: requests per second of one worker against a bare hyper server on another thread.
//!
//! The reference is the leanest client that could be written with the same library: one task for each connection that
//! sends and reads and nothing else. What is above it is ours: schedule, clock, three histograms, and giving up.

#[path = "support/bare.rs"]
mod bare;

use std::future::pending;
use std::hint::black_box;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use http_body_util::{BodyExt, Empty};
use hyper::Request;
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use mock_server::draw::Distribution;
use mock_server::time::{Moment, Span};
use tokio::task::JoinSet;
use wavetank::engine::live::drive::errand::Errand;
use wavetank::engine::live::drive::{DriveOptions, Http, drive};
use wavetank::engine::wire::url::ServerUrl;
use wavetank::load::arrival::{Arrivals, Law};
use wavetank::load::demand::{Demand, Share};
use wavetank::load::shape::Shape;
use wavetank::load::users::Users;

const CONNECTIONS: u32 = 64;

/// A bare server on a thread that lives as long as the program.
fn hello() -> SocketAddr {
    let (listener, address) = bare::port();
    std::thread::spawn(move || bare::serve(listener, None));
    address
}

/// Time that a closed loop without thoughts needs for so many requests, from its rate within a fixed span.
fn loaded(address: SocketAddr, http: Http, connections: u32, requests: u64) -> Duration {
    let length = Span::milliseconds(400);
    let options = Arc::new(DriveOptions {
        url: ServerUrl::of(address),
        http,
        connections,
        streams: 16,
        workers: 1,
        patience: Span::seconds(30),
        queue: 0,
        warm_up: Span::ZERO,
        end: Moment::START + length,
        tolerance: Span::milliseconds(1),
    });
    let users = connections * if http == Http::Two { 16 } else { 1 };
    let demand = |_: Share| {
        let users = Users::new(1, 0..users, Distribution::Constant(Span::ZERO), Span::ZERO);
        Demand::closed(users, options.end)
    };
    let driven = drive(&options, demand, &Errand::Get("/".into()), |_| {}, pending()).expect("a run");
    let each = length.as_seconds() / driven.tally.answered as f64;
    Duration::from_secs_f64(each * requests as f64)
}

/// The leanest client: one request after another on each connection, until all have been answered.
async fn lean(address: SocketAddr, requests: u64) {
    let mut tasks = JoinSet::new();
    for connection in 0..u64::from(CONNECTIONS) {
        let share = requests / u64::from(CONNECTIONS) + u64::from(connection < requests % u64::from(CONNECTIONS));
        tasks.spawn_local(async move {
            let stream = tokio::net::TcpStream::connect(address).await.expect("a connection");
            stream.set_nodelay(true).expect("a socket");
            let (mut sender, driver) = http1::handshake(TokioIo::new(stream)).await.expect("a connection");
            tokio::task::spawn_local(driver);
            for _ in 0..share {
                let request = Request::get("/").header("host", "a").body(Empty::<Bytes>::new()).expect("a request");
                sender.ready().await.expect("a connection");
                let answer = sender.send_request(request).await.expect("an answer");
                black_box(answer.into_body().collect().await.expect("a body"));
            }
        });
    }
    tasks.join_all().await;
}

#[expect(clippy::disallowed_methods, reason = "a benchmark measures time")]
fn sending(criterion: &mut Criterion) {
    let address = hello();
    let mut group = criterion.benchmark_group("load");
    group.throughput(Throughput::Elements(1)).sample_size(10);
    group.bench_function("reference: lean client, 64 connections", |bencher| {
        bencher.iter_custom(|requests| {
            let started = Instant::now();
            bare::runtime().block_on(lean(address, requests));
            started.elapsed()
        });
    });
    group.bench_function("HTTP/1.1, 64 connections", |bencher| {
        bencher.iter_custom(|requests| loaded(address, Http::One, CONNECTIONS, requests));
    });
    group.bench_function("HTTP/2, 4 connections of 16 streams", |bencher| {
        bencher.iter_custom(|requests| loaded(address, Http::Two, 4, requests));
    });
    group.finish();
}

/// What the schedule costs of itself.
fn schedules(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("schedule");
    group.throughput(Throughput::Elements(1));
    let hours = std::array::from_fn(|hour| 1_000.0 + hour as f64);
    for (name, shape) in [("constant", Shape::constant(1e5)), ("weekly", Shape::weekly(&hours, 33.0))] {
        let mut arrivals = Arrivals::new(1, Law::Poisson, shape);
        group.bench_function(format!("Poisson arrivals, {name}"), |bencher| bencher.iter(|| arrivals.next()));
    }
    group.finish();
}

criterion_group!(benches, sending, schedules);
criterion_main!(benches);
