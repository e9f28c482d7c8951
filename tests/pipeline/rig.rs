//! A world for tests: two service cores, a clock that jumps, and an executor that is a page long.

use std::cell::{Cell, RefCell};
use std::cmp::Reverse;
use std::collections::{BinaryHeap, VecDeque};
use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::rc::Rc;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Wake, Waker};

use mock_server::draw::Distribution;
use mock_server::service::config::{Conditions, Config, Cost, Costs, Holding, SwitchConfig};
use mock_server::service::core::{Held, Service};
use mock_server::service::reply::Request;
use mock_server::time::{Moment, Span};
use mock_server::wire::answer::Answer;
use mock_server::wire::call::{Call, Protocol, RequestIdentity};
use mock_server::wire::codec;
use mock_server::wire::id::{Id, MailboxKey};
use mock_server::wire::refusal::{Refusal, RefusalKind};

use wavetank::checkpoint::Checkpoint;
use wavetank::event::{Event, Listener};
use wavetank::metrics::collect::Collector;
use wavetank::metrics::summary::Summary;
use wavetank::pipeline::run::{Run, RunOptions, lane};
use wavetank::scenario::plan::{BatchPlan, Order, PacePlan, PipelinePlan, RetryPlan, Verify};
use wavetank::world::{Elapsed, Outcome, Route, Side, World};

use crate::content::Small;

/// A server without limits and faults.
pub(crate) fn server(holding: Holding) -> Config {
    let cost = Cost {
        call: Distribution::Constant(Span::milliseconds(20)),
        per_item: Span::milliseconds(1),
        per_mebibyte: Span::milliseconds(50),
    };
    Config {
        seed: 3,
        holding,
        clock_at_start: Span::ZERO,
        limits: Vec::new(),
        limit_changes: Vec::new(),
        faults: Vec::new(),
        costs: Costs { default: cost, by_operation: Vec::new(), servers: None },
        switch: SwitchConfig { places: 4, duration: Distribution::Constant(Span::seconds(540)), failure_rate: 0.0 },
        largest_item_bytes: 150 << 20,
        conditions: Conditions::default(),
    }
}

/// A pipeline that is patient.
pub(crate) fn plan() -> PipelinePlan {
    PipelinePlan {
        lanes: 6,
        requests_per_mailbox: 4,
        open_switches: 3,
        poll_interval: Span::seconds(30),
        patience: Span::seconds(100),
        retry: RetryPlan {
            attempts: 12,
            first_back_off: Span::seconds(1),
            longest_back_off: Span::seconds(60),
            jitter: 0.3,
            budget: 10_000,
        },
        batch: BatchPlan {
            sync_changes: 20,
            export_items: 10,
            export_bytes: 200_000,
            upload_items: 7,
            upload_bytes: 150_000,
            batch_calls: 20,
        },
        pace: PacePlan::default(),
        bad_item_limit: 10,
        large_item_limit: 10,
        largest_item_bytes: 100 << 20,
        order: Order::AsDrawn,
        verify: Verify::Fingerprint,
    }
}

/// What somebody does beside the pipeline, told of each call before it is answered.
pub(crate) type Beside = Box<dyn FnMut(&mut [Service<Small>; 2], Route, &Call)>;

/// What comes of a call, changed on its way back.
pub(crate) type Tamper = Box<dyn FnMut(Route, &Call, &mut Result<Answer, Refusal>)>;

type Timers = BinaryHeap<Reverse<(Moment, u64)>>;

/// The clock, the timers and the two servers.
pub(crate) struct TestWorld {
    now: Cell<Moment>,
    sequence: Cell<u64>,
    timers: RefCell<Timers>,
    sleepers: RefCell<Vec<(u64, Waker)>>,
    protocols: [Protocol; 2],
    pub(crate) servers: RefCell<[Service<Small>; 2]>,
    /// Calls still allowed before the process "dies"; absent if it lives.
    pub(crate) life: Cell<Option<u64>>,
    /// Who else is at work.
    pub(crate) beside: RefCell<Option<Beside>>,
    /// Who changes answers.
    pub(crate) tamper: RefCell<Option<Tamper>>,
    /// What was called and when.
    pub(crate) calls: RefCell<Vec<(Moment, Route, &'static str)>>,
    /// Items that were asked for.
    exported: RefCell<Vec<Id>>,
}

impl TestWorld {
    pub(crate) fn new(content: Small, source: Config, target: Config, protocols: [Protocol; 2]) -> Rc<Self> {
        Rc::new(Self {
            now: Cell::new(Moment::START),
            sequence: Cell::new(0),
            timers: RefCell::default(),
            sleepers: RefCell::default(),
            protocols,
            servers: RefCell::new([Service::new(source, content), Service::new(target, content)]),
            life: Cell::new(None),
            beside: RefCell::default(),
            tamper: RefCell::default(),
            calls: RefCell::default(),
            exported: RefCell::default(),
        })
    }

    /// What both sides hold, sorted.
    pub(crate) fn holdings(&self, mailbox: MailboxKey) -> [Vec<Held>; 2] {
        let now = self.now.get();
        self.servers.borrow_mut().each_mut().map(|server| {
            let mut held = server.holdings(now, mailbox);
            held.sort_unstable();
            held
        })
    }

    /// Somebody deletes in the source what was asked for so far.
    fn delete_exported(&self) {
        let call = Call::DeleteItems { items: self.exported.take() };
        let request = Request {
            app: 1,
            mailbox: MailboxKey(0),
            protocol: self.protocols[0],
            identity: RequestIdentity::new(u64::MAX, 0),
            body_bytes: 100,
            call: &call,
        };
        assert!(self.servers.borrow_mut()[0].handle(self.now.get(), &request).outcome.is_ok());
    }

    fn wake_next(&self) -> bool {
        let Some(Reverse((at, sequence))) = self.timers.borrow_mut().pop() else { return false };
        self.now.set(self.now.get().max(at));
        let mut sleepers = self.sleepers.borrow_mut();
        if let Some(place) = sleepers.iter().position(|(number, _)| *number == sequence) {
            let (_, waker) = sleepers.swap_remove(place);
            waker.wake();
        }
        true
    }
}

impl World for TestWorld {
    fn now(&self) -> Moment {
        self.now.get()
    }

    async fn sleep_until(&self, moment: Moment) {
        let mut registered = None;
        poll_fn(|context| {
            if self.now.get() >= moment {
                return Poll::Ready(());
            }
            if registered.is_none() {
                let sequence = self.sequence.get();
                self.sequence.set(sequence + 1);
                registered = Some(sequence);
                self.timers.borrow_mut().push(Reverse((moment, sequence)));
                self.sleepers.borrow_mut().push((sequence, context.waker().clone()));
            }
            Poll::Pending
        })
        .await;
    }

    async fn call(&self, route: Route, call: &Call) -> Outcome {
        if let Some(left) = self.life.get() {
            if left == 0 {
                return std::future::pending().await;
            }
            self.life.set(Some(left - 1));
        }
        self.calls.borrow_mut().push((self.now.get(), route, call.operation().name()));
        if let Call::ExportItems { items } = call {
            self.exported.borrow_mut().extend_from_slice(items);
        }
        if let Some(beside) = &mut *self.beside.borrow_mut() {
            beside(&mut self.servers.borrow_mut(), route, call);
        }
        let request = Request {
            app: 0,
            mailbox: route.mailbox,
            protocol: codec::spoken(self.protocols[route.side as usize], call.operation()),
            identity: RequestIdentity::new(route.request, route.attempt),
            body_bytes: call.content_bytes() + 100,
            call,
        };
        let reply = self.servers.borrow_mut()[route.side as usize].handle(self.now.get(), &request);
        let network = Span::milliseconds(10);
        let given_up = self.now.get() + route.patience;
        if reply.ready + network > given_up {
            self.sleep_until(given_up).await;
            let refusal = Refusal { kind: RefusalKind::TimedOut, status: 0, retry_after: None };
            let elapsed = Elapsed::default();
            return Outcome { result: Err(refusal), elapsed, sent_bytes: request.body_bytes, received_bytes: 0 };
        }
        self.sleep_until(reply.ready + network).await;
        let elapsed =
            Elapsed { network, delayed: reply.spent.delayed, queued: reply.spent.queued, served: reply.spent.served };
        let mut result = reply.outcome;
        if let Some(tamper) = &mut *self.tamper.borrow_mut() {
            tamper(route, call, &mut result);
        }
        Outcome { result, elapsed, sent_bytes: request.body_bytes, received_bytes: 100 }
    }
}

struct Flag {
    task: usize,
    ready: Arc<Mutex<VecDeque<usize>>>,
}

impl Wake for Flag {
    fn wake(self: Arc<Self>) {
        self.ready.lock().expect("no test panics while waking").push_back(self.task);
    }
}

/// Runs tasks until all have ended. False if they wait for something that never comes.
pub(crate) fn execute(world: &Rc<TestWorld>, tasks: Vec<Pin<Box<dyn Future<Output = ()>>>>) -> bool {
    let ready = Arc::new(Mutex::new((0..tasks.len()).collect::<VecDeque<_>>()));
    let mut tasks: Vec<Option<_>> = tasks.into_iter().map(Some).collect();
    loop {
        let next = ready.lock().expect("no test panics while waking").pop_front();
        if let Some(place) = next {
            let Some(task) = &mut tasks[place] else { continue };
            let waker = Waker::from(Arc::new(Flag { task: place, ready: ready.clone() }));
            if task.as_mut().poll(&mut Context::from_waker(&waker)).is_ready() {
                tasks[place] = None;
            }
        } else if tasks.iter().all(Option::is_none) {
            return true;
        } else if !world.wake_next() {
            return false;
        }
    }
}

/// Checks that every event is plausible, and passes it on.
pub(crate) struct Checker {
    pub(crate) collector: Collector,
    pub(crate) events: RefCell<Vec<(Moment, Event)>>,
}

impl Listener for Checker {
    fn note(&self, at: Moment, event: &Event) {
        self.collector.note(at, event);
        if let Event::MailboxEnded { started, charged, .. } = event {
            assert_eq!(charged.iter().copied().sum::<Span>(), at.since(*started), "charges sum to lane time");
        }
        self.events.borrow_mut().push((at, *event));
    }
}

/// How a test run is set up.
pub(crate) struct Setup {
    pub(crate) plan: PipelinePlan,
    pub(crate) protocols: [Protocol; 2],
    pub(crate) cutover: bool,
    pub(crate) deadline: Moment,
    pub(crate) mailboxes: u32,
    /// When somebody stops the run, counted from its beginning.
    pub(crate) stop_after: Option<Span>,
    /// When somebody deletes in the source what was asked for so far, counted alike.
    pub(crate) delete_after: Option<Span>,
}

impl Setup {
    pub(crate) fn new(target: Protocol, cutover: bool, mailboxes: u32) -> Self {
        let protocols = [Protocol::Ews, target];
        Self {
            plan: plan(),
            protocols,
            cutover,
            deadline: Moment::NEVER,
            mailboxes,
            stop_after: None,
            delete_after: None,
        }
    }
}

/// What a test run came to.
pub(crate) struct Played {
    pub(crate) summary: Summary,
    pub(crate) events: Vec<(Moment, Event)>,
    pub(crate) finished: bool,
}

/// Runs the pipeline to its end, or to its death.
pub(crate) fn play<C: Checkpoint + 'static>(world: &Rc<TestWorld>, setup: &Setup, checkpoint: C) -> Played {
    let options = RunOptions {
        plan: setup.plan.clone(),
        protocols: setup.protocols,
        cutover: setup.cutover,
        deadline: setup.deadline,
        seed: 5,
        busy_is_shared: [false; 2],
    };
    let listener = Rc::new(Checker {
        collector: Collector::new(u64::from(setup.mailboxes), setup.deadline),
        events: RefCell::default(),
    });
    let wave = (0..setup.mailboxes).map(MailboxKey).collect();
    let run = Rc::new(Run::new(world.clone(), options, wave, checkpoint, listener.clone()));
    let mut tasks: Vec<Pin<Box<dyn Future<Output = ()>>>> = Vec::new();
    for _ in 0..run.lanes() {
        tasks.push(Box::pin(lane(run.clone())));
    }
    if let Some(span) = setup.stop_after {
        let run = run.clone();
        tasks.push(Box::pin(async move {
            run.world().sleep_until(run.world().now() + span).await;
            run.stop();
        }));
    }
    if let Some(span) = setup.delete_after {
        let world = world.clone();
        tasks.push(Box::pin(async move {
            world.sleep_until(world.now() + span).await;
            world.delete_exported();
        }));
    }
    let finished = execute(world, tasks);
    assert!(run.take_error().is_none());
    Played { summary: listener.collector.summary(), events: listener.events.take(), finished }
}

/// Which side's calls of an operation were made.
pub(crate) fn calls_of(world: &TestWorld, side: Side, operation: &str) -> usize {
    world.calls.borrow().iter().filter(|(_, route, name)| route.side == side && *name == operation).count()
}
