//! Sends a load over real sockets, by the wall clock, and measures what comes of it.
//!
//! Each worker is a thread of its own that runs all its connections, so that a worker keeps one core busy at most. What
//! is due is decided by `load`; here it is sent, and never held back: what finds no free connection waits in a queue, and
//! that time is part of its response time.

pub mod errand;
mod line;
mod origin;
mod people;
mod read;
pub mod recorded;
mod worker;
mod write;

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;

use mock_server::front::clock::Clock;
use mock_server::time::{Moment, Span};
use tokio::sync::{mpsc, watch};
use tokio::time::{Duration, MissedTickBehavior, interval};

use self::errand::Errand;
use self::origin::Origin;
use super::event_queue;
use super::token::TokenError;
use crate::engine::wire::pool::Lost;
use crate::engine::wire::url::ServerUrl;
use crate::load::demand::{Demand, Share};
use crate::load::tally::Tally;

/// How often whoever watches is told how far a run is.
const TOLD_EVERY: Duration = Duration::from_millis(200);

/// The version of HTTP that is spoken.
#[derive(Copy, Clone, PartialEq, Eq, Debug, Default)]
pub enum Http {
    /// HTTP/1.1: one request at a time on a connection.
    #[default]
    One,
    /// HTTP/2 without TLS, known beforehand to be spoken: many requests at a time on a connection.
    Two,
}

impl Http {
    /// The name used in reports.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::One => "HTTP/1.1",
            Self::Two => "HTTP/2",
        }
    }
}

/// How a load is sent.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct DriveOptions {
    /// The server.
    pub url: ServerUrl,
    /// What is spoken with it.
    pub http: Http,
    /// Connections, of all workers together; at least one for each.
    pub connections: u32,
    /// Requests at a time on each connection of HTTP/2.
    pub streams: u32,
    /// Threads, at least one.
    pub workers: u32,
    /// After how long a request is given up.
    pub patience: Span,
    /// How many requests may wait for a free connection, of all workers together; more are dropped.
    pub queue: u32,
    /// Requests due before this are sent but not counted.
    pub warm_up: Span,
    /// Requests due from then on are not sent.
    pub end: Moment,
    /// How much later than intended a request may be sent without being called late.
    pub tolerance: Span,
}

/// What came of a run.
#[derive(Clone, PartialEq, Debug)]
pub struct Driven {
    /// Counts and latencies of what was due after the warm-up.
    pub tally: Tally,
    /// For how long requests that count were due.
    pub measured: Span,
    /// Whether the run was ended before its time.
    pub interrupted: bool,
}

/// How far a run is.
#[derive(Copy, Clone, PartialEq, Eq, Debug)]
pub struct Progress {
    /// Time since it began.
    pub elapsed: Span,
    /// Requests that ended.
    pub ended: u64,
    /// Requests that wait for a connection.
    pub waiting: u64,
}

/// Why a load could not be sent.
#[derive(Debug, thiserror::Error)]
pub enum DriveError {
    /// The server cannot be reached.
    #[error("the server at {url} cannot be reached")]
    Unreachable {
        /// Where it should be.
        url: String,
        /// Why.
        source: Lost,
    },
    /// The server gives no token.
    #[error("the server at {url} lets nobody in")]
    Denied {
        /// Where it is.
        url: String,
        /// Why.
        source: TokenError,
    },
    /// What is asked for is no path.
    #[error("`{path}` is not a path")]
    Path {
        /// What was written.
        path: String,
    },
    /// The system gave no thread or no event queue.
    #[error("cannot start the run")]
    Runtime(#[source] io::Error),
    /// A worker ended before its time, which is a bug.
    #[error("a worker broke down")]
    Worker,
}

impl DriveError {
    /// Why there is no token from a server.
    fn of_token(url: &ServerUrl, error: TokenError) -> Self {
        let url = url.to_string();
        match error {
            TokenError::Lost(source) => Self::Unreachable { url, source },
            source => Self::Denied { url, source },
        }
    }
}

/// What workers tell.
enum Told {
    Ready,
    Failed(DriveError),
    Done { tally: Box<Tally>, at: Moment },
}

/// What workers are told.
#[derive(Copy, Clone, PartialEq, Eq, Debug)]
enum Phase {
    Prepare,
    Run,
    Stop,
}

/// What a worker counts for those who watch.
#[derive(Debug, Default)]
struct Gauge {
    ended: AtomicU64,
    waiting: AtomicU64,
}

/// Sends a load until its end, and then waits for what is under way.
///
/// `demand` makes a worker's share of what is due. `watch` is told now and then how far the run is. When `interrupt` is
/// ready, the run ends at once.
///
/// # Errors
///
/// If the run could not begin: the server cannot be reached or lets nobody in, or the system gives no threads.
pub fn drive(
    options: &Arc<DriveOptions>,
    demand: impl Fn(Share) -> Demand,
    errand: &Errand,
    watch: impl FnMut(Progress),
    interrupt: impl Future<Output = ()>,
) -> Result<Driven, DriveError> {
    let clock = Clock::start();
    let workers = options.workers.clamp(1, options.connections.max(1));
    let gauges: Vec<_> = (0..workers).map(|_| Arc::new(Gauge::default())).collect();
    let (phase, phases) = watch::channel(Phase::Prepare);
    let (tell, mut told) = mpsc::unbounded_channel();
    let mut threads = Vec::new();
    for (worker, gauge) in (0..workers).zip(&gauges) {
        let share = Share { worker, of: workers };
        let (options, demand, errand) = (Arc::clone(options), demand(share), errand.clone());
        let (clock, gauge, phases, tell) = (clock.clone(), Arc::clone(gauge), phases.clone(), tell.clone());
        let name = format!("load {worker}");
        let thread = thread::Builder::new().name(name).spawn(move || {
            let outcome = worker::run(&options, share, demand, &errand, clock, gauge, phases, &tell);
            // The run has failed elsewhere if nobody listens.
            let _ = tell.send(outcome.map_or_else(Told::Failed, |(tally, at)| Told::Done { tally: tally.into(), at }));
        });
        threads.push(thread.map_err(DriveError::Runtime)?);
    }
    drop((tell, phases));
    let runtime = event_queue().map_err(DriveError::Runtime)?;
    let outcome = runtime.block_on(conduct(options, &clock, &gauges, &phase, &mut told, watch, interrupt));
    // Whoever still runs, because another worker failed, ends now.
    phase.send_replace(Phase::Stop);
    for thread in threads {
        thread.join().map_err(|_| DriveError::Worker)?;
    }
    outcome
}

/// Lets all workers begin at once when all are ready, and collects what they tell.
async fn conduct(
    options: &DriveOptions,
    clock: &Clock,
    gauges: &[Arc<Gauge>],
    phase: &watch::Sender<Phase>,
    told: &mut mpsc::UnboundedReceiver<Told>,
    mut watch: impl FnMut(Progress),
    interrupt: impl Future<Output = ()>,
) -> Result<Driven, DriveError> {
    for _ in gauges {
        match told.recv().await {
            Some(Told::Ready) => {}
            Some(Told::Failed(error)) => return Err(error),
            Some(Told::Done { .. }) | None => return Err(DriveError::Worker),
        }
    }
    clock.restart();
    phase.send_replace(Phase::Run);
    let mut interrupt = std::pin::pin!(interrupt);
    let mut ticks = interval(TOLD_EVERY);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Skip);
    let (mut tally, mut last, mut done, mut interrupted) = (Tally::default(), Moment::START, 0, false);
    while done < gauges.len() {
        tokio::select! {
            biased;
            heard = told.recv() => match heard {
                Some(Told::Done { tally: part, at }) => {
                    tally.add(&part);
                    last = last.max(at);
                    done += 1;
                }
                Some(Told::Failed(error)) => return Err(error),
                Some(Told::Ready) | None => return Err(DriveError::Worker),
            },
            () = interrupt.as_mut(), if !interrupted => {
                interrupted = true;
                phase.send_replace(Phase::Stop);
            }
            _ = ticks.tick() => {
                let sum = |of: fn(&Gauge) -> &AtomicU64| gauges.iter().map(|gauge| of(gauge).load(Ordering::Relaxed)).sum();
                let (ended, waiting) = (sum(|gauge| &gauge.ended), sum(|gauge| &gauge.waiting));
                watch(Progress { elapsed: clock.now().since(Moment::START), ended, waiting });
            }
        }
    }
    let measured = last.min(options.end).since(Moment::START + options.warm_up);
    Ok(Driven { tally, measured, interrupted })
}

/// Where the load goes.
fn origin(options: &DriveOptions) -> Origin {
    Origin { url: options.url.clone(), http: options.http }
}
