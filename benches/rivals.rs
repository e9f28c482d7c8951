//! The load generator beside `wrk` and `h2load`, and before a server that stalls. One command measures everything and
//! ends with an error where a goal is missed:
//!
//! ```text
//! cargo bench --bench rivals
//! ```
//!
//! `-- --pairs NUMBER` and `-- --seconds NUMBER` say how many paired runs there are and how long each takes. A rival
//! that is not installed is skipped, and so is pinning where there is no `taskset`.
//!
//! **Rivals.** A run of ours and one of the rival follow each other, in changing order, and what counts is the median of
//! the ratios of such pairs, because a busy machine disturbs both alike. A generator has one core to itself, and the
//! server another one; then everything has to do with one core, which shows the cost of the generator even where the
//! server is the slower of the two. The server is the same in both. Memory is allocated as by the program that is shipped,
//! by the server too: a rival uses what it was built with.
//!
//! **Stalls.** A server that does nothing for 200 ms every 2 s is asked 5,000 times a second on 64 connections. A tenth
//! of the requests is due during a stall and waits for what is left of it, so one in a hundred waits for 180 ms or
//! longer. Of the time from sending to answer, which is what most tools print, the same percentile shows nothing.

#![expect(clippy::print_stdout, reason = "a bench prints what it measured")]

#[path = "support/bare.rs"]
mod bare;

use std::future::pending;
use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::process::{Child, Command, ExitCode, Stdio};
use std::sync::Arc;
use std::time::Duration;

use bare::Stall;
use mock_server::draw::Distribution;
use mock_server::time::{Moment, Span};
use wavetank::engine::live::drive::errand::Errand;
use wavetank::engine::live::drive::{DriveOptions, Driven, Http, drive};
use wavetank::engine::wire::url::ServerUrl;
use wavetank::load::arrival::{Arrivals, Law};
use wavetank::load::demand::{Demand, Share};
use wavetank::load::shape::Shape;
use wavetank::load::users::Users;
use wavetank::load::verdict;

#[cfg(feature = "mimalloc")]
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const TOLERANCE: Span = Span::milliseconds(1);

/// What a stalling server is asked per second.
const STALLED_RATE: f64 = 5_000.0;
const STALL: Stall = Stall { every: Duration::from_secs(2), lasts: Duration::from_millis(200) };
/// Whole periods of the stall, and enough of them that one late wake-up does not decide.
const STALLED_LENGTH: Span = Span::seconds(20);
/// Where the 99th percentile of response times must lie, in milliseconds.
const STALLED_P99: [f64; 2] = [170.0, 190.0];

/// A protocol, the tool to be measured against, and the share of its rate that must be reached.
struct Rival {
    name: &'static str,
    http: Http,
    tool: &'static str,
    connections: u32,
    streams: u32,
    goal: f64,
}

const RIVALS: [Rival; 2] = [
    Rival { name: "HTTP/1.1, 64 connections", http: Http::One, tool: "wrk", connections: 64, streams: 1, goal: 0.85 },
    Rival {
        name: "HTTP/2, 4 connections of 16 streams",
        http: Http::Two,
        tool: "h2load",
        connections: 4,
        streams: 16,
        goal: 0.80,
    },
];

/// Where generator and server run.
struct Place {
    name: &'static str,
    generator: usize,
    server: usize,
}

fn options(address: SocketAddr, http: Http, connections: u32, streams: u32, length: Span) -> DriveOptions {
    DriveOptions {
        url: ServerUrl::of(address),
        http,
        connections,
        streams,
        workers: 1,
        patience: Span::seconds(30),
        queue: 1_000_000,
        warm_up: Span::ZERO,
        end: Moment::START + length,
        tolerance: TOLERANCE,
    }
}

fn send(options: DriveOptions, demand: impl Fn(Share) -> Demand) -> Driven {
    drive(&Arc::new(options), demand, &Errand::Get("/".into()), |_| {}, pending()).expect("a run")
}

/// Requests per second of users without thoughts, one for each request that can be under way.
fn flood(rival: &Rival, address: SocketAddr, seconds: u64) -> f64 {
    let length = Span::seconds(seconds);
    let users = rival.connections * rival.streams;
    let driven = send(options(address, rival.http, rival.connections, rival.streams, length), |_| {
        let all = Users::new(1, 0..users, Distribution::Constant(Span::ZERO), Span::ZERO);
        Demand::closed(all, Moment::START + length)
    });
    driven.tally.answered as f64 / length.as_seconds()
}

/// Whether a program can be started.
fn installed(program: &str) -> bool {
    Command::new(program).arg("--version").stdout(Stdio::null()).stderr(Stdio::null()).status().is_ok()
}

/// A command that runs on one core, or anywhere if it cannot be held there.
fn pinned(core: Option<usize>, program: &str) -> Command {
    let Some(core) = core else { return Command::new(program) };
    let mut command = Command::new("taskset");
    command.args(["-c", &core.to_string(), program]);
    command
}

/// This program, in another role.
fn itself(core: Option<usize>, role: &[&str]) -> Command {
    let own = std::env::current_exe().expect("a program knows where it is");
    let mut command = pinned(core, own.to_str().expect("the build's folders have plain names"));
    command.args(role);
    command
}

/// A bare server in a process of its own, which ends with this value.
struct Server {
    process: Child,
    address: SocketAddr,
}

impl Server {
    fn start(core: Option<usize>, stalls: bool) -> Self {
        let role = if stalls { "serve-stalling" } else { "serve" };
        let mut process = itself(core, &[role]).stdout(Stdio::piped()).spawn().expect("a server");
        let mut line = String::new();
        let stdout = process.stdout.take().expect("its output is piped");
        BufReader::new(stdout).read_line(&mut line).expect("the server says where it is");
        Self { process, address: line.trim().parse().expect("an address") }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may have ended already, which is what is wanted.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn output(command: &mut Command) -> String {
    let output = command.stderr(Stdio::inherit()).output().expect("a program that is installed");
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// The rate that a tool prints before or after a word.
fn rate_in(text: &str) -> Option<f64> {
    let line = text.lines().find(|line| line.starts_with("Requests/sec:") || line.contains(" req/s,"))?;
    let number = match line.strip_prefix("Requests/sec:") {
        Some(rest) => rest,
        None => line.split(',').find(|part| part.ends_with(" req/s"))?.trim_end_matches(" req/s"),
    };
    number.trim().parse().ok()
}

fn rival_rate(rival: &Rival, core: Option<usize>, address: SocketAddr, seconds: u64) -> f64 {
    let mut command = pinned(core, rival.tool);
    let (connections, streams) = (rival.connections.to_string(), rival.streams.to_string());
    match rival.http {
        Http::One => command.args(["-t1", "-c", &connections, "-d", &format!("{seconds}s")]),
        Http::Two => command.args(["-t1", "-c", &connections, "-m", &streams, "-D", &seconds.to_string()]),
    };
    let said = output(command.arg(format!("http://{address}/")));
    rate_in(&said).unwrap_or_else(|| panic!("{} says no rate:\n{said}", rival.tool))
}

fn own_rate(number: usize, core: Option<usize>, address: SocketAddr, seconds: u64) -> f64 {
    let role = ["flood", &number.to_string(), &address.to_string(), &seconds.to_string()];
    output(&mut itself(core, &role)).trim().parse().expect("a rate")
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    let middle = values.len() / 2;
    if values.len() % 2 == 1 { values[middle] } else { f64::midpoint(values[middle - 1], values[middle]) }
}

/// Measures one rival in one place; says whether the goal is met.
fn compare(number: usize, place: &Place, pin: bool, pairs: u32, seconds: u64) -> bool {
    let rival = &RIVALS[number];
    let core = |core| pin.then_some(core);
    let server = Server::start(core(place.server), false);
    // Caches and branch predictors learn during a first run that does not count.
    own_rate(number, core(place.generator), server.address, 1);
    let (mut ours, mut theirs, mut ratios) = (Vec::new(), Vec::new(), Vec::new());
    for pair in 0..pairs {
        let own = || own_rate(number, core(place.generator), server.address, seconds);
        let other = || rival_rate(rival, core(place.generator), server.address, seconds);
        let (own, other) = if pair % 2 == 0 {
            let own = own();
            (own, other())
        } else {
            let other = other();
            (own(), other)
        };
        ours.push(own);
        theirs.push(other);
        ratios.push(own / other);
    }
    let listed: Vec<_> = ratios.iter().map(|ratio| format!("{ratio:.2}")).collect();
    let ratio = median(ratios);
    let met = ratio >= rival.goal;
    println!(
        "{}, {}: {:.0} requests/s, {} {:.0} requests/s; median of {pairs} pairs {:.1}%, goal {:.0}%: {} ({})",
        rival.name,
        place.name,
        median(ours),
        rival.tool,
        median(theirs),
        ratio * 100.0,
        rival.goal * 100.0,
        if met { "met" } else { "missed" },
        listed.join(" "),
    );
    met
}

/// Measures a server that stalls; says whether the stall was seen.
fn stalled(pin: bool) -> bool {
    let server = Server::start(pin.then_some(0), true);
    let length = STALLED_LENGTH.as_seconds().to_string();
    let said = output(&mut itself(pin.then_some(1), &["stalled", &server.address.to_string(), &length]));
    print!("{said}");
    said.contains(": met")
}

fn stalled_here(address: SocketAddr) {
    let end = Moment::START + STALLED_LENGTH;
    let driven = send(options(address, Http::One, 64, 1, STALLED_LENGTH), |share| {
        Demand::open(Arrivals::new(5, Law::Poisson, Shape::constant(STALLED_RATE)), share, end)
    });
    let tally = &driven.tally;
    let [p99, raw] = [&tally.response, &tally.service].map(|times| times.value_at_quantile(0.99) as f64 / 1e6);
    let spoiled = verdict::spoiled(tally, TOLERANCE);
    let met = (STALLED_P99[0]..=STALLED_P99[1]).contains(&p99) && spoiled.is_none();
    println!(
        "stalls of 200 ms every 2 s, {STALLED_RATE} requests/s on 64 connections: p99 {p99:.1} ms since due, raw {raw:.1} \
         ms; {} answered, {}, goal {} to {} ms: {}",
        tally.answered,
        if spoiled.is_none() { "valid" } else { "invalid, the generator itself was late" },
        STALLED_P99[0],
        STALLED_P99[1],
        if met { "met" } else { "missed" },
    );
}

/// The number after an option, or another one.
fn number(arguments: &[String], option: &str, otherwise: u64) -> u64 {
    let at = arguments.iter().position(|argument| argument == option);
    at.and_then(|at| arguments.get(at + 1)).and_then(|text| text.parse().ok()).unwrap_or(otherwise)
}

fn measure(arguments: &[String]) -> ExitCode {
    let pairs = number(arguments, "--pairs", 7) as u32;
    let seconds = number(arguments, "--seconds", 3);
    let pin = installed("taskset");
    if !pin {
        println!("not pinned to cores: taskset is not installed");
    }
    let places = [
        Place { name: "a core for the generator", generator: 1, server: 0 },
        Place { name: "one core for both", generator: 1, server: 1 },
    ];
    let mut met = true;
    if !arguments.iter().any(|argument| argument == "--no-stalls") {
        met &= stalled(pin);
    }
    for (number, rival) in RIVALS.iter().enumerate() {
        if !installed(rival.tool) {
            println!("skipped: {}, because {} is not installed", rival.name, rival.tool);
            continue;
        }
        for place in &places {
            met &= compare(number, place, pin, pairs.max(1), seconds.max(1));
        }
    }
    if met { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let address = |text: &str| text.parse::<SocketAddr>().expect("an address");
    match words[..] {
        [role @ ("serve" | "serve-stalling")] => {
            let (listener, address) = bare::port();
            println!("{address}");
            bare::serve(listener, (role == "serve-stalling").then_some(STALL));
        }
        ["flood", number, server, seconds] => {
            let rival = &RIVALS[number.parse::<usize>().expect("a number")];
            println!("{}", flood(rival, address(server), seconds.parse().expect("a number")));
        }
        ["stalled", server, _] => stalled_here(address(server)),
        _ => return measure(&arguments),
    }
    ExitCode::SUCCESS
}
