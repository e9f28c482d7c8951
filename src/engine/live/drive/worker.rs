//! One thread of a load: a pacer that releases what is due, and slots that each send one request at a time.
//!
//! A slot takes what waits longest, else what is due at this very moment, else it rests until the pacer has something for
//! it. So an open loop is never held back by the server, and a closed loop without thoughts never waits for the pacer.

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::future::poll_fn;
use std::pin::pin;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::task::{Context, Poll, Waker};

use mock_server::front::clock::Clock;
use mock_server::time::{Moment, Span};
use tokio::sync::{Notify, mpsc, watch};
use tokio::task::JoinSet;
use tokio::time::{Duration, MissedTickBehavior, interval};

use super::errand::{Errand, Script};
use super::line::{Line, Shared};
use super::{DriveError, DriveOptions, Gauge, Http, Phase, Told};
use crate::engine::live::event_queue;
use crate::load::arrival::Arrival;
use crate::load::demand::{Demand, Share};
use crate::load::tally::{Course, End, Failure, Tally};

/// How often requests that take too long are looked for, at most; at least so often that none is given up later than
/// by a twentieth of the patience.
const SWEEP: Duration = Duration::from_millis(100);
const SWEEPS_IN_PATIENCE: u32 = 20;

/// How long a slot rests after a connection could not be made or a token had, or failed several times in a row, at first
/// and at most (assumed).
const REST: Duration = Duration::from_millis(20);
const REST_MAX: Duration = Duration::from_secs(1);

/// How often a slot's connection may fail in a row before it rests (assumed: faults strike single requests, and are what is
/// to be measured).
const FAILURES_IN_A_ROW: u32 = 3;

/// A request that was released.
#[derive(Copy, Clone, Debug)]
struct Job {
    arrival: Arrival,
    /// How late the generator was, if that is known already: what waits for a free slot waits because of the server.
    lag: Option<Span>,
}

/// A request under way.
#[derive(Copy, Clone, Debug)]
struct Flight {
    arrival: Arrival,
    lag: Span,
    started: Moment,
}

impl Flight {
    fn course(&self, ended: Moment) -> Course {
        let due = self.arrival.due;
        Course { lag: self.lag, sent: self.started.since(due), ended: ended.since(due) }
    }
}

/// Where one request at a time is sent.
#[derive(Debug, Default)]
struct Slot {
    waker: RefCell<Option<Waker>>,
    job: Cell<Option<Job>>,
    flight: Cell<Option<Flight>>,
    /// The request under way took too long.
    expired: Cell<bool>,
}

impl Slot {
    fn is_busy(&self) -> bool {
        self.flight.get().is_some() || self.job.get().is_some()
    }

    fn wake(&self) {
        if let Some(waker) = &*self.waker.borrow() {
            waker.wake_by_ref();
        }
    }

    fn remember(&self, context: &Context<'_>) {
        let mut waker = self.waker.borrow_mut();
        match &mut *waker {
            Some(waker) => waker.clone_from(context.waker()),
            None => *waker = Some(context.waker().clone()),
        }
    }
}

struct Worker {
    options: Arc<DriveOptions>,
    clock: Clock,
    script: Script,
    demand: RefCell<Demand>,
    /// Released, and waiting for a slot.
    waiting: RefCell<VecDeque<Job>>,
    /// How many may wait. In a closed loop there are never more than users.
    room: usize,
    /// Slots at rest; the one that has rested longest is first.
    idle: RefCell<VecDeque<usize>>,
    slots: Box<[Slot]>,
    tally: RefCell<Tally>,
    /// What the pacer waits for, so that it is told of anything earlier.
    paced: Cell<Moment>,
    earlier: Notify,
    /// Told whenever a request ended after the last one was released.
    drained: Notify,
    draining: Cell<bool>,
    ended: Cell<u64>,
    gauge: Arc<Gauge>,
}

/// Runs one worker to the end of its load. Also tells when nothing more was due: the end of the run, or when it was
/// stopped.
#[expect(clippy::too_many_arguments, reason = "each is a different thing that only the caller has")]
pub(super) fn run(
    options: &Arc<DriveOptions>,
    share: Share,
    demand: Demand,
    errand: &Errand,
    clock: Clock,
    gauge: Arc<Gauge>,
    mut phases: watch::Receiver<Phase>,
    tell: &mpsc::UnboundedSender<Told>,
) -> Result<(Tally, Moment), DriveError> {
    event_queue().map_err(DriveError::Runtime)?.block_on(async {
        let lines = connect(options, share).await?;
        let script = Script::new(errand, options, &clock).await?;
        let slots = lines.iter().map(|_| Slot::default()).collect();
        let worker = Rc::new(Worker {
            options: Arc::clone(options),
            clock,
            script,
            room: if demand.is_open() { share.count(options.queue) as usize } else { usize::MAX },
            demand: RefCell::new(demand),
            waiting: RefCell::default(),
            idle: RefCell::default(),
            slots,
            tally: RefCell::default(),
            paced: Cell::new(Moment::NEVER),
            earlier: Notify::new(),
            drained: Notify::new(),
            draining: Cell::new(false),
            ended: Cell::new(0),
            gauge,
        });
        // If nobody listens, the phase never becomes another.
        let _ = tell.send(Told::Ready);
        let stopped = |phase: &Phase| *phase == Phase::Stop;
        if phases.wait_for(|phase| *phase != Phase::Prepare).await.is_ok_and(|phase| !stopped(&phase)) {
            let stop = async { drop(phases.wait_for(stopped).await) };
            return Ok(worker.work(lines, stop).await);
        }
        Ok((Tally::default(), Moment::START))
    })
}

/// Makes all connections of a worker: the lines on which its slots send.
async fn connect(options: &DriveOptions, share: Share) -> Result<Vec<Line>, DriveError> {
    let origin = Rc::new(super::origin(options));
    let streams = match options.http {
        Http::One => 1,
        Http::Two => options.streams.max(1),
    };
    let mut lines = Vec::new();
    for _ in 0..share.count(options.connections) {
        let shared = Rc::new(Shared::default());
        for _ in 0..streams {
            let mut line = Line::new(Rc::clone(&origin), Rc::clone(&shared));
            let unreachable = |source| DriveError::Unreachable { url: options.url.to_string(), source };
            line.connect().await.map_err(unreachable)?;
            lines.push(line);
        }
    }
    Ok(lines)
}

impl Worker {
    /// Works until nothing is due any more and all requests have ended, or until stopped.
    async fn work(self: Rc<Self>, lines: Vec<Line>, stop: impl Future<Output = ()>) -> (Tally, Moment) {
        let mut tasks = JoinSet::new();
        for (slot, line) in lines.into_iter().enumerate() {
            tasks.spawn_local(Rc::clone(&self).serve(slot, line));
        }
        tasks.spawn_local(Rc::clone(&self).sweep());
        let mut stop = pin!(stop);
        let paced = tokio::select! {
            biased;
            () = stop.as_mut() => false,
            () = self.pace() => true,
        };
        let over = if paced { self.options.end } else { self.clock.now() };
        if paced {
            let last = self.clock.now() + self.options.patience;
            tokio::select! {
                biased;
                () = stop => {}
                () = self.drain() => {}
                () = self.clock.sleep_until(last) => {}
            }
        }
        tasks.shutdown().await;
        self.leave(over);
        (self.tally.take(), over)
    }

    /// Releases requests as they become due, until none will be.
    async fn pace(&self) {
        loop {
            let (due, open) = {
                let mut demand = self.demand.borrow_mut();
                (demand.next_due(), demand.is_open())
            };
            let until = match due {
                Some(due) => due,
                None if open => return,
                None => self.options.end,
            };
            self.paced.set(until);
            tokio::select! {
                biased;
                () = self.clock.sleep_until(until) => {}
                () = self.earlier.notified() => continue,
            }
            let now = self.clock.now();
            if now >= self.options.end && due.is_none() {
                return;
            }
            while self.release(now) {}
        }
    }

    /// Releases the next request if it is due: to a slot at rest, or into the queue.
    fn release(&self, now: Moment) -> bool {
        let Some(arrival) = self.demand.borrow_mut().take(now) else { return false };
        if let Some(slot) = self.idle.borrow_mut().pop_front() {
            self.slots[slot].job.set(Some(Job { arrival, lag: None }));
            self.slots[slot].wake();
            return true;
        }
        let mut waiting = self.waiting.borrow_mut();
        if waiting.len() < self.room {
            waiting.push_back(Job { arrival, lag: Some(now.since(arrival.due)) });
        } else {
            if self.counts(arrival) {
                self.tally.borrow_mut().dropped();
            }
            self.demand.borrow_mut().ended(arrival.number, now);
        }
        true
    }

    /// Waits until nothing waits and nothing is under way.
    async fn drain(&self) {
        self.draining.set(true);
        while !self.waiting.borrow().is_empty() || self.slots.iter().any(Slot::is_busy) {
            self.drained.notified().await;
        }
    }

    /// The next request for a slot, which is told the time.
    async fn next(&self, slot: usize, now: Moment) -> (Job, Moment) {
        if let Some(job) = self.at_once(now) {
            return (job, now);
        }
        self.idle.borrow_mut().push_back(slot);
        let slot = &self.slots[slot];
        let job = poll_fn(|context| {
            slot.remember(context);
            slot.job.take().map_or(Poll::Pending, Poll::Ready)
        });
        (job.await, self.clock.now())
    }

    /// What waits longest, or is due now.
    fn at_once(&self, now: Moment) -> Option<Job> {
        let waiting = self.waiting.borrow_mut().pop_front();
        waiting.or_else(|| self.demand.borrow_mut().take(now).map(|arrival| Job { arrival, lag: None }))
    }

    /// Sends one request after another.
    async fn serve(self: Rc<Self>, slot: usize, mut line: Line) {
        let (mut rest, mut failures) = (REST, 0);
        let mut now = self.clock.now();
        loop {
            let (job, started) = self.next(slot, now).await;
            let place = &self.slots[slot];
            let lag = job.lag.unwrap_or_else(|| started.since(job.arrival.due));
            let flight = Flight { arrival: job.arrival, lag, started };
            place.expired.set(false);
            place.flight.set(Some(flight));
            let (kind, end) = self.exchange(place, &mut line, job.arrival).await;
            now = self.clock.now();
            place.flight.set(None);
            self.ended(flight, kind, end, now);
            let tired = match end {
                End::Failed(Failure::Unreachable | Failure::Denied) => true,
                End::Failed(Failure::TimedOut) => {
                    line.give_up();
                    false
                }
                End::Failed(Failure::Reset | Failure::Malformed) => {
                    failures += 1;
                    failures >= FAILURES_IN_A_ROW
                }
                End::Answered { .. } => {
                    (rest, failures) = (REST, 0);
                    false
                }
            };
            if tired {
                tokio::time::sleep(rest).await;
                rest = (rest * 2).min(REST_MAX);
                now = self.clock.now();
            }
        }
    }

    /// Sends a request and reads its answer, unless it takes too long.
    async fn exchange(&self, slot: &Slot, line: &mut Line, arrival: Arrival) -> (Option<usize>, End) {
        let mut kind = None;
        let end = {
            let mut exchange = pin!(async {
                let prepared = self.script.prepare(arrival).await;
                kind = prepared.kind;
                let Some(request) = prepared.request else { return End::Failed(Failure::Denied) };
                let heard = match line.exchange(request, prepared.learns.is_some()).await {
                    Ok(heard) => heard,
                    Err(failure) => return End::Failed(failure),
                };
                if let Some(learns) = prepared.learns {
                    self.script.learn(learns, &heard);
                }
                End::Answered { status: heard.status, bytes: heard.bytes }
            });
            poll_fn(|context| {
                if slot.expired.get() {
                    return Poll::Ready(End::Failed(Failure::TimedOut));
                }
                slot.remember(context);
                exchange.as_mut().poll(context)
            })
            .await
        };
        (kind, end)
    }

    fn ended(&self, flight: Flight, kind: Option<usize>, end: End, now: Moment) {
        if self.counts(flight.arrival) {
            self.tally.borrow_mut().ended(kind, flight.course(now), end, self.options.tolerance);
        }
        self.ended.set(self.ended.get() + 1);
        {
            let mut demand = self.demand.borrow_mut();
            demand.ended(flight.arrival.number, now);
            // What is due at this moment is taken by this slot next, unless others have waited longer.
            let later = |due| due > now || !self.waiting.borrow().is_empty();
            if !demand.is_open() && demand.next_due().is_some_and(|due| due < self.paced.get() && later(due)) {
                self.earlier.notify_one();
            }
        }
        if self.draining.get() {
            self.drained.notify_one();
        }
    }

    /// Whether a request counts, or belongs to the warm-up.
    fn counts(&self, arrival: Arrival) -> bool {
        arrival.due >= Moment::START + self.options.warm_up
    }

    /// Lets requests that take too long end, and tells how far we are.
    async fn sweep(self: Rc<Self>) {
        let patience = self.options.patience;
        let often = Duration::from_nanos(patience.0 / u64::from(SWEEPS_IN_PATIENCE));
        let mut ticks = interval(often.clamp(Duration::from_millis(1), SWEEP));
        ticks.set_missed_tick_behavior(MissedTickBehavior::Skip);
        loop {
            ticks.tick().await;
            let now = self.clock.now();
            for slot in &self.slots {
                if slot.flight.get().is_some_and(|flight| now.since(flight.started) > patience) {
                    slot.expired.set(true);
                    slot.wake();
                }
            }
            self.gauge.ended.store(self.ended.get(), Ordering::Relaxed);
            self.gauge.waiting.store(self.waiting.borrow().len() as u64, Ordering::Relaxed);
        }
    }

    /// Counts what is left when the run is over.
    fn leave(&self, over: Moment) {
        let now = self.clock.now().max(over);
        let mut tally = self.tally.borrow_mut();
        let waiting = self.waiting.borrow_mut().drain(..).collect::<Vec<_>>();
        let given = self.slots.iter().filter_map(|slot| slot.job.take());
        let never_sent = waiting.into_iter().chain(given).map(|job| {
            let lag = job.lag.unwrap_or_else(|| now.since(job.arrival.due));
            Flight { arrival: job.arrival, lag, started: now }
        });
        for flight in never_sent.chain(self.slots.iter().filter_map(|slot| slot.flight.take())) {
            if self.counts(flight.arrival) {
                tally.unanswered(flight.course(now), self.options.tolerance);
            }
        }
    }
}
