//! One wave in the virtual world, from the first mailbox to the last.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use mock_server::journal::recorder::Recorder;
use mock_server::journal::witness::Witness;
use mock_server::service::script::{self, Played, Script};
use mock_server::throttle::health::stall::ByResource;
use mock_server::time::{Moment, Span};
use mock_server::wire::id::MailboxKey;

use super::crowd::Crowd;
use super::executor::{self, Clock, Finish};
use super::lives::{Lives, Register};
use super::remembered::Remembered;
use super::watch::{Blind, Rekey, Watch, Watched};
use super::world::{APP, Server, VirtualWorld};
use crate::checkpoint::Checkpoint;
use crate::checkpoint::memory::Memory;
use crate::checkpoint::prestaged::Prestaged;
use crate::engine::network::Link;
use crate::engine::seed;
use crate::event::{Deaf, End, Event, Listener};
use crate::load::tally::Tally;
use crate::metrics::beside::{Beside, People};
use crate::metrics::collect::Collector;
use crate::metrics::summary::Summary;
use crate::pipeline::planted::Planted;
use crate::pipeline::run::{Run, RunOptions, lane};
use crate::population::Population;
use crate::scenario::plan::Plan;
use crate::world::Side;

/// What a virtual run comes to.
#[derive(Clone, Debug)]
pub struct Finished {
    /// The sums.
    pub summary: Summary,
    /// Time until each completed mailbox was done, ascending.
    pub done: Vec<Span>,
    /// Timers that fired: the length of the run in events.
    pub events: u64,
    /// Lanes that waited for something that cannot happen. Not zero only if the program is wrong.
    pub stuck: usize,
    /// What came of the load of people beside the wave, for each side where there was one.
    pub background: Vec<(Side, Tally)>,
    /// What the health of the source and of the target did to the moves; absent where health is not modelled.
    pub stalled: [Option<ByResource>; 2],
    /// When the last thing happened: up to then people were at work beside the wave.
    pub until: Moment,
}

impl Finished {
    /// What the run came to beside the wave. For people, `alone` is what the same requests meet without one; see
    /// [`people_alone`].
    #[must_use]
    pub fn beside(&self, alone: Option<Vec<(Side, Tally)>>) -> Beside {
        let mut alone = alone.unwrap_or_default();
        let mut people = |(side, with): &(Side, Tally)| {
            let place = alone.iter().position(|(other, _)| other == side);
            People { side: *side, with: with.clone(), alone: place.map(|place| alone.swap_remove(place).1) }
        };
        Beside { stalled: self.stalled, people: self.background.iter().map(&mut people).collect() }
    }

    /// Requests that the pipeline made.
    #[must_use]
    pub fn requests(&self) -> u64 {
        self.summary.calls()
    }
}

/// Listens for a run: collects the sums, notes completions, and lists mailboxes whose state can be forgotten.
struct Ear<'a> {
    collector: Collector,
    done: RefCell<Vec<Span>>,
    ended: Cell<Option<MailboxKey>>,
    world: Rc<dyn Fn(MailboxKey) + 'a>,
    also: &'a dyn Listener,
}

impl Listener for Ear<'_> {
    #[inline]
    fn note(&self, at: Moment, event: &Event) {
        self.collector.note(at, event);
        self.also.note(at, event);
        match *event {
            // A mailbox's state is forgotten when the next one begins: the lane may still be at work on the one that
            // has just ended.
            Event::MailboxStarted { .. } => {
                if let Some(mailbox) = self.ended.take() {
                    (self.world)(mailbox);
                }
            }
            Event::MailboxEnded { mailbox, end, .. } => {
                if end == End::Completed {
                    self.done.borrow_mut().push(at.since(Moment::START));
                }
                if let Some(before) = self.ended.replace(Some(mailbox)) {
                    (self.world)(before);
                }
            }
            _ => {}
        }
    }
}

/// The mailboxes of a run.
type Tenant<'a> = Rc<Remembered<&'a Population>>;

/// Looks at a mailbox whose move is over before its state is forgotten.
pub(super) type Look<'r, 'a> = &'r dyn Fn(&VirtualWorld<Tenant<'a>>, MailboxKey);

/// Builds the two servers of a plan for one replication.
fn world<'a>(
    plan: &Plan,
    content: &Tenant<'a>,
    replication: u64,
    clock: &Clock,
    keep: &Keep,
) -> VirtualWorld<Tenant<'a>> {
    let server = |side: Side| {
        let (protocol, mut config, path) = match side {
            Side::Source => (plan.source.protocol, plan.source_config(), plan.network.source),
            Side::Target => (plan.target.protocol, plan.target_config(), plan.network.target),
        };
        config.seed = seed::service(plan.seed, replication, side);
        let link = Link::new(path, seed::network(plan.seed, replication, side), side);
        let script = keep.scripts.as_ref().map(|scripts| scripts[side as usize].clone());
        if script.is_some() {
            config = script::stage(config);
        }
        let witness = keep.recorder.clone().map(|recorder| Witness::new(recorder, Some(side.name())));
        Server::new(protocol, config, Rc::clone(content), link).keeping(witness, script)
    };
    VirtualWorld::new(clock.clone(), server(Side::Source), server(Side::Target))
}

/// Runs a wave, in the order given. `close` is when the window closes, counted from its opening; without it the run goes
/// on until every mailbox has ended.
#[must_use]
pub fn simulate(
    plan: &Plan,
    population: &Population,
    wave: &[MailboxKey],
    replication: u64,
    close: Option<Span>,
) -> Finished {
    observe(plan, population, wave, replication, close, &Deaf)
}

/// Runs a wave like [`simulate`], and tells a listener of everything that happens.
#[must_use]
pub fn observe(
    plan: &Plan,
    population: &Population,
    wave: &[MailboxKey],
    replication: u64,
    close: Option<Span>,
    listener: &dyn Listener,
) -> Finished {
    let keep = &Keep::default();
    let probe = Inside { listener, look: &|_, _| {}, watch: None, rekey: None, planted: Planted::NONE, keep };
    look_at(plan, population, wave, replication, close, &probe)
}

/// What a run is looked at with.
pub(super) struct Inside<'r, 'a> {
    /// Hears everything that happens.
    pub(super) listener: &'r dyn Listener,
    /// Has every mailbox looked at when its move is over.
    pub(super) look: Look<'r, 'a>,
    /// Sees every call.
    pub(super) watch: Option<&'r dyn Watch>,
    /// From when on randomness is another; only under watch.
    pub(super) rekey: Option<Rekey>,
    /// A mistake of the pipeline.
    pub(super) planted: Planted,
    /// What is kept of it, and what is played again in it.
    pub(super) keep: &'r Keep,
}

/// What is kept of a run, and what is played again in it.
#[derive(Clone, Debug, Default)]
pub struct Keep {
    /// Who keeps and judges.
    pub recorder: Option<Recorder>,
    /// Recorded fates instead of faults and limits, of the source and of the target.
    pub scripts: Option<[Script; 2]>,
}

/// How far the scripts of a run were followed.
#[derive(Copy, Clone, PartialEq, Eq, Debug, Default)]
pub struct Followed {
    /// At the source and at the target.
    pub sides: [Played; 2],
}

/// Runs a wave like [`observe`], keeps what passes, and plays what was recorded.
#[must_use]
pub fn rehearse(
    plan: &Plan,
    population: &Population,
    wave: &[MailboxKey],
    close: Option<Span>,
    listener: &dyn Listener,
    keep: &Keep,
) -> (Finished, Followed) {
    let followed = Cell::new(Followed::default());
    let look = |world: &VirtualWorld<Tenant<'_>>, _| {
        let played = |side| world.service(side).borrow().played().unwrap_or_default();
        followed.set(Followed { sides: [played(Side::Source), played(Side::Target)] });
    };
    let inside = Inside { listener, look: &look, watch: None, rekey: None, planted: Planted::NONE, keep };
    let finished = look_at(plan, population, wave, 0, close, &inside);
    (finished, followed.get())
}

/// What the people of a plan meet up to a moment if nothing is moved: the same requests at the same moments.
#[must_use]
pub fn people_alone(plan: &Plan, population: &Population, replication: u64, until: Moment) -> Vec<(Side, Tally)> {
    let content = Rc::new(Remembered::new(population, None));
    let crowd = Crowd::new(plan, population, replication);
    crowd.advance(until, &world(plan, &content, replication, &Clock::default(), &Keep::default()));
    crowd.into_tallies()
}

/// Runs a wave like [`observe`], and looks at it from the inside.
pub(super) fn look_at<'a>(
    plan: &Plan,
    population: &'a Population,
    wave: &[MailboxKey],
    replication: u64,
    close: Option<Span>,
    inside: &Inside<'_, 'a>,
) -> Finished {
    let taken = plan.wave.prestage.map(|prestage| prestage.lead - prestage.age);
    let content = Rc::new(Remembered::new(population, taken));
    let crowd = Crowd::new(plan, population, replication);
    let course = Course { plan, crowd, content: &content, wave, replication, close, inside };
    match taken {
        Some(taken) => course.run(Prestaged::new(Rc::clone(&content), taken, false, Memory::default())),
        None => course.run(Memory::default()),
    }
}

/// A run to be made.
struct Course<'r, 'a> {
    plan: &'r Plan,
    crowd: Crowd,
    content: &'r Tenant<'a>,
    wave: &'r [MailboxKey],
    replication: u64,
    close: Option<Span>,
    inside: &'r Inside<'r, 'a>,
}

/// The world of a run.
type TheWorld<'a> = Rc<VirtualWorld<Tenant<'a>>>;

impl<'a> Course<'_, 'a> {
    fn run<C: Checkpoint>(self, checkpoint: C) -> Finished {
        let clock = Clock::default();
        let deadline = self.close.map_or(Moment::NEVER, |open| Moment::START + open);
        let world = Rc::new(world(self.plan, self.content, self.replication, &clock, self.inside.keep));
        let servers = Rc::clone(&world);
        let Inside { listener, look, watch, .. } = *self.inside;
        let ear = Ear {
            collector: Collector::new(self.wave.len() as u64, deadline),
            done: RefCell::default(),
            ended: Cell::new(None),
            world: {
                let (world, content) = (Rc::clone(&world), Rc::clone(self.content));
                Rc::new(move |mailbox| {
                    look(&world, mailbox);
                    world.forget(mailbox);
                    content.forget(mailbox);
                })
            },
            also: listener,
        };
        let options = RunOptions::from_plan(self.plan, seed::pipeline(self.plan.seed, self.replication), deadline);
        let (finish, ear) = if watch.is_none() && self.plan.crashes.is_empty() {
            self.one_life(&clock, world, options, checkpoint, ear)
        } else {
            self.many_lives(&clock, &world, &options, &checkpoint, ear)
        };
        if let Some(mailbox) = ear.ended.take() {
            (ear.world)(mailbox);
        }
        let mut done = ear.done.into_inner();
        done.sort_unstable();
        Finished {
            summary: ear.collector.into_summary(),
            done,
            events: clock.fired(),
            stuck: finish.stuck,
            stalled: [Side::Source, Side::Target].map(|side| Self::stalled(&servers, side)),
            until: clock.now(),
            background: self.crowd.into_tallies(),
        }
    }

    /// What the health of a server did to the moves.
    fn stalled(world: &VirtualWorld<Tenant<'a>>, side: Side) -> Option<ByResource> {
        let service = world.service(side).borrow();
        service.stalled().map(|account| account.of(APP))
    }

    /// Runs a pipeline that never dies.
    fn one_life<'e, C: Checkpoint>(
        &self,
        clock: &Clock,
        world: TheWorld<'a>,
        options: RunOptions,
        checkpoint: C,
        ear: Ear<'e>,
    ) -> (Finish, Ear<'e>) {
        let run = Run::new(world, options, self.wave.to_vec(), checkpoint, ear).with(self.inside.planted);
        let run = Rc::new(run);
        let finish = {
            let (lanes, world) = ((0..run.lanes()).map(|_| lane(Rc::clone(&run))), Rc::clone(run.world()));
            executor::run_beside(clock, lanes, |at| self.crowd.advance(at, &world))
        };
        if let Some(error) = run.take_error() {
            unreachable!("progress kept in memory cannot fail: {error}");
        }
        (finish, Rc::into_inner(run).expect("all lanes have ended").into_listener())
    }

    /// Runs a pipeline that is watched and may die. Whatever keeps its progress, it is one and the same code: such runs
    /// are many and small, and a pipeline takes long to compile.
    fn many_lives<'e>(
        &self,
        clock: &Clock,
        world: &TheWorld<'a>,
        options: &RunOptions,
        checkpoint: &dyn Checkpoint,
        ear: Ear<'e>,
    ) -> (Finish, Ear<'e>) {
        let register = Rc::new(Register::new(ear));
        let watch = self.inside.watch.unwrap_or(&Blind);
        let start = |left: Vec<MailboxKey>| {
            watch.begins();
            let world = Watched::new(Rc::clone(world), watch, self.inside.rekey);
            Run::new(world, options.clone(), left, checkpoint, Rc::clone(&register)).with(self.inside.planted)
        };
        let lives = Lives {
            clock,
            crashes: &self.plan.crashes,
            wave: self.wave,
            register: Rc::clone(&register),
            start: &start,
            present: RefCell::default(),
        };
        let lanes = (self.plan.pipeline.lanes.max(1) as usize).min(self.wave.len());
        let futures = (0..lanes).map(|_| lives.lane());
        let finish = executor::run_beside(clock, futures, |at| self.crowd.advance(at, world));
        drop(lives);
        (finish, Rc::into_inner(register).expect("all lives are over").into_ear())
    }
}
