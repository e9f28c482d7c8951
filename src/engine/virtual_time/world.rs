//! The virtual world: two service cores called as functions, over links that take virtual time.
//!
//! A call travels up the link, is handled as of the moment of its arrival, waits until its answer is ready, and travels
//! down. Where calls cannot overtake each other on their way up, a call is handled when it is sent: the service sees the
//! same calls at the same moments in the same order, and the arrival needs no timer. Nor does the moment at which an
//! answer is ready: one timer stands at the soonest moment at which it can arrive, and only then is asked what else was on
//! the link. Bodies are lengths: the codecs say how long they would be.

use std::cell::{Cell, RefCell};
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use mock_server::journal::witness::{Called, Witness};
use mock_server::mailbox::content::Content;
use mock_server::service::config::Config;
use mock_server::service::core::{Held, Service};
use mock_server::service::cost::Work;
use mock_server::service::errand::{Errand, Performed};
use mock_server::service::reply::{Reply, Request, Spent};
use mock_server::service::script::Script;
use mock_server::time::{Moment, Span};
use mock_server::wire::answer::Answer;
use mock_server::wire::call::{Call, Protocol, RequestIdentity};
use mock_server::wire::codec;
use mock_server::wire::heard;
use mock_server::wire::id::MailboxKey;
use mock_server::wire::refusal::{Refusal, RefusalKind};

use super::executor::{Clock, Sleep};
use super::timers::{TaskNumber, Timers};
use crate::engine::network::{Crossing, Direction, Link, Message};
use crate::world::{Elapsed, Outcome, Route, Side, World};

/// Length of the body of a refusal, in bytes: the mean of the refusals that both protocols write. It only enters the
/// time that the link takes.
const REFUSAL_BYTES: u64 = 600;

/// The number of the only app of a virtual run.
pub(super) const APP: u32 = 1;

/// Tasks of which the length of the address that they called last is remembered; a power of two.
const ADDRESS_SLOTS: usize = 4096;

/// One of the two servers and the way to it.
#[derive(Debug)]
pub struct Server<C> {
    protocol: Protocol,
    /// Whether calls arrive in the order in which they are sent, so that a call can be handled as soon as it is sent.
    keeps_order: bool,
    service: RefCell<Service<C>>,
    link: RefCell<Link>,
    /// Flights whose answers have not been handed over to the link yet, by the moment at which they are ready.
    leaving: RefCell<Timers>,
    witness: Option<Witness>,
}

impl<C: Content> Server<C> {
    /// A server at the far end of a link.
    pub fn new(protocol: Protocol, config: Config, content: C, link: Link) -> Self {
        let keeps_order = link.keeps_order();
        let service = RefCell::new(Service::new(config, content));
        Self { protocol, keeps_order, service, link: RefCell::new(link), leaving: RefCell::default(), witness: None }
    }

    /// The server with what is to be kept of it and played on it.
    pub(super) fn keeping(self, witness: Option<Witness>, script: Option<Script>) -> Self {
        let mut service = self.service.into_inner();
        if let Some(script) = script {
            service = service.with_script(script);
        }
        if witness.is_some() {
            service = service.with_trace();
        }
        Self { service: RefCell::new(service), witness, ..self }
    }

    #[inline]
    fn handle(&self, arrives: Moment, route: &Route, body_bytes: u64, call: &Call) -> Reply {
        let request = Request {
            app: APP,
            mailbox: route.mailbox,
            protocol: codec::spoken(self.protocol, call.operation()),
            identity: RequestIdentity::new(route.request, route.attempt),
            body_bytes,
            call,
        };
        let mut service = self.service.borrow_mut();
        let reply = service.handle(arrives, &request);
        if let Some(witness) = &self.witness {
            let (steps, mailbox) = (service.take_trace(), service.content().address(route.mailbox));
            witness.note_call(Called { now: arrives, request: &request, reply: &reply, steps: &steps, mailbox });
        }
        reply
    }
}

/// An answer on its way out of a server. The task that waits for it is not polled before it is there.
#[derive(Debug)]
struct Flight {
    crossing: Crossing,
    side: Side,
    stage: Stage,
    /// Who waits for the answer, since when, and how long.
    task: TaskNumber,
    asked: Moment,
    gives_up: Moment,
    /// When whoever waits may find something new.
    wakes: Moment,
    /// What the answer will be. The time on the network is known once it has arrived.
    outcome: Outcome,
}

#[derive(Copy, Clone, PartialEq, Eq, Debug)]
enum Stage {
    /// In the server; the answer is ready at a known moment.
    Served,
    /// The answer is on its way.
    Down,
    /// Nobody will wait for the answer.
    Late,
}

/// Two servers and a clock that jumps.
#[derive(Debug)]
pub struct VirtualWorld<C> {
    clock: Clock,
    servers: [Server<C>; 2],
    /// Lengths of the addresses that tasks called last.
    addresses: Vec<Cell<(u32, u32)>>,
    flights: RefCell<Vec<Flight>>,
    /// Flights that are over, whose places can be used again.
    landed: RefCell<Vec<u32>>,
}

impl<C: Content> VirtualWorld<C> {
    /// A world with a source and a target.
    pub fn new(clock: Clock, source: Server<C>, target: Server<C>) -> Self {
        let addresses = vec![Cell::new((u32::MAX, 0)); ADDRESS_SLOTS];
        Self { clock, servers: [source, target], addresses, flights: RefCell::default(), landed: RefCell::default() }
    }

    /// The service of one side, for independent checks of what it holds.
    pub fn service(&self, side: Side) -> &RefCell<Service<C>> {
        &self.servers[side as usize].service
    }

    /// Has work on one side judged and priced that is not the pipeline's.
    pub(super) fn bear(&self, side: Side, now: Moment, errand: &Errand, work: Work) -> Performed {
        let server = &self.servers[side as usize];
        let mut service = server.service.borrow_mut();
        let performed = service.bear(now, errand, work);
        if server.witness.is_some() {
            // What people do is not written down, and must not be taken for a part of the next call that is.
            service.take_trace();
        }
        performed
    }

    /// Everything that a mailbox holds on one side at this moment, in order.
    pub fn holdings(&self, side: Side, mailbox: MailboxKey) -> Vec<Held> {
        let mut held = self.service(side).borrow_mut().holdings(self.clock.now(), mailbox);
        held.sort_unstable();
        held
    }

    /// Forgets what both servers keep for a mailbox whose move is over, so that memory follows the mailboxes in
    /// progress and not those done.
    pub fn forget(&self, mailbox: MailboxKey) {
        for server in &self.servers {
            server.service.borrow_mut().forget(mailbox);
        }
    }

    fn address_length(&self, mailbox: MailboxKey) -> usize {
        // A task is busy with one mailbox at a time.
        let slot = &self.addresses[self.clock.current() as usize % ADDRESS_SLOTS];
        let (known, length) = slot.get();
        if known == mailbox.0 {
            return length as usize;
        }
        let length = self.servers[0].service.borrow().content().address(mailbox).len();
        slot.set((mailbox.0, length as u32));
        length
    }

    /// Finds a place for a flight.
    #[inline]
    fn take_off(&self, flight: Flight) -> u32 {
        let mut flights = self.flights.borrow_mut();
        if let Some(place) = self.landed.borrow_mut().pop() {
            flights[place as usize] = flight;
            return place;
        }
        flights.push(flight);
        flights.len() as u32 - 1
    }

    /// What came of a flight, once it is over.
    #[inline]
    fn land(&self, place: u32) -> Poll<Outcome> {
        let mut flights = self.flights.borrow_mut();
        let now = self.clock.now();
        let Flight { wakes, stage, side, .. } = flights[place as usize];
        if wakes <= now && stage == Stage::Served {
            self.send_answers(&mut flights, side, now);
        }
        let flight = &mut flights[place as usize];
        if flight.wakes > now {
            self.clock.note_wait(flight.wakes);
            return Poll::Pending;
        }
        self.landed.borrow_mut().push(place);
        let Outcome { result, elapsed: Elapsed { delayed, queued, served, .. }, sent_bytes, received_bytes } =
            &mut flight.outcome;
        if flight.stage == Stage::Late {
            return Poll::Ready(timed_out(flight.gives_up.since(flight.asked), *sent_bytes));
        }
        let network = now.since(flight.asked) - (*delayed + *queued + *served);
        Poll::Ready(Outcome {
            result: std::mem::replace(result, Ok(Answer::Done)),
            elapsed: Elapsed { network, delayed: *delayed, queued: *queued, served: *served },
            sent_bytes: *sent_bytes,
            received_bytes: *received_bytes,
        })
    }

    /// Hands all answers of a server that are ready by now over to the link, in the order in which they are ready, and
    /// notes when they arrive. No other can come before them: a call that is made later is answered later.
    fn send_answers(&self, flights: &mut [Flight], side: Side, now: Moment) {
        let server = &self.servers[side as usize];
        let (mut leaving, mut link) = (server.leaving.borrow_mut(), server.link.borrow_mut());
        while let Some((ready, place)) = leaving.pop_by(now) {
            let flight = &mut flights[place as usize];
            let heard = link.send_known(ready, flight.outcome.received_bytes, Direction::Down, flight.crossing);
            let (stage, wakes) =
                if heard > flight.gives_up { (Stage::Late, flight.gives_up) } else { (Stage::Down, heard) };
            if wakes > flight.wakes {
                // Others were in its way.
                self.clock.wake(flight.task, wakes);
            }
            (flight.stage, flight.wakes) = (stage, wakes);
        }
    }

    /// Has a call handled by its server as of the moment at which it arrives there, and sees its answer off.
    #[inline]
    fn handle<'c>(&self, asking: &Asking<'c>) -> Leg<'_, 'c> {
        let Asking { route, call, asked, gives_up, sent_bytes, arrives } = *asking;
        let server = &self.servers[route.side as usize];
        let Reply { outcome: mut result, ready, spent, .. } = server.handle(arrives, &route, sent_bytes, call);
        heard::listen(server.protocol, call, &mut result);
        if ready > gives_up {
            return self.lose(&route, gives_up, sent_bytes);
        }
        let received_bytes = match &result {
            Ok(answer) => codec::answer_bytes(server.protocol, call, answer),
            Err(_) => REFUSAL_BYTES,
        };
        let crossing = server.link.borrow().crossing(received_bytes, Direction::Down, Message::from(&route));
        let soonest = (ready + crossing.whole()).min(gives_up);
        let Spent { delayed, queued, served } = spent;
        let elapsed = Elapsed { network: Span::ZERO, delayed, queued, served };
        let task = self.clock.current();
        let place = self.take_off(Flight {
            crossing,
            side: route.side,
            stage: Stage::Served,
            task,
            asked,
            gives_up,
            wakes: soonest,
            outcome: Outcome { result, elapsed, sent_bytes, received_bytes },
        });
        server.leaving.borrow_mut().set(ready, place);
        if soonest > self.clock.now() {
            self.clock.wake(task, soonest);
        }
        Leg::Flying { place }
    }

    /// No answer will come in time.
    #[cold]
    fn lose<'c>(&self, route: &Route, gives_up: Moment, sent_bytes: u64) -> Leg<'_, 'c> {
        let outcome = timed_out(route.patience, sent_bytes);
        Leg::Lost(Box::new((self.clock.sleep_until(gives_up), outcome)))
    }
}

/// What comes of a call whose answer did not come in time.
fn timed_out(patience: Span, sent_bytes: u64) -> Outcome {
    Outcome {
        result: Err(Refusal { kind: RefusalKind::TimedOut, status: 0, retry_after: None }),
        elapsed: Elapsed { network: patience, ..Elapsed::default() },
        sent_bytes,
        received_bytes: 0,
    }
}

/// A call that was made; see [`World::call`]. Written by hand and small, as every call of a run goes through it.
struct Calling<'w, 'c, C> {
    world: &'w VirtualWorld<C>,
    leg: Leg<'w, 'c>,
}

/// How far a call is.
enum Leg<'w, 'c> {
    /// On its way to the server.
    Asked(Box<(Sleep<'w>, Asking<'c>)>),
    /// Its answer is in a flight.
    Flying { place: u32 },
    /// No answer will come in time.
    Lost(Box<(Sleep<'w>, Outcome)>),
}

/// A call on its way to a server.
#[derive(Copy, Clone)]
struct Asking<'c> {
    route: Route,
    call: &'c Call,
    asked: Moment,
    gives_up: Moment,
    sent_bytes: u64,
    arrives: Moment,
}

impl<C: Content> Future for Calling<'_, '_, C> {
    type Output = Outcome;

    #[inline]
    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Outcome> {
        let Self { world, leg } = &mut *self;
        if let Leg::Asked(asked) = leg {
            ready!(Pin::new(&mut asked.0).poll(context));
            *leg = world.handle(&asked.1);
        }
        match leg {
            Leg::Flying { place } => world.land(*place),
            Leg::Lost(lost) => {
                ready!(Pin::new(&mut lost.0).poll(context));
                Poll::Ready(lost.1.clone())
            }
            Leg::Asked(_) => unreachable!("a call that has arrived is handled"),
        }
    }
}

impl<C: Content> World for VirtualWorld<C> {
    #[inline]
    fn now(&self) -> Moment {
        self.clock.now()
    }

    #[inline]
    fn sleep_until(&self, moment: Moment) -> impl Future<Output = ()> {
        self.clock.sleep_until(moment)
    }

    #[inline]
    fn take_wait(&self) -> Moment {
        self.clock.take_wait()
    }

    #[inline]
    fn call(&self, route: Route, call: &Call) -> impl Future<Output = Outcome> {
        let server = &self.servers[route.side as usize];
        let asked = self.clock.now();
        let gives_up = asked + route.patience;
        let sent_bytes = codec::call_bytes(server.protocol, call, self.address_length(route.mailbox));
        let arrives = server.link.borrow_mut().send(asked, sent_bytes, Direction::Up, Message::from(&route));
        let asking = Asking { route, call, asked, gives_up, sent_bytes, arrives };
        let leg = if arrives > gives_up {
            self.lose(&route, gives_up, sent_bytes)
        } else if server.keeps_order {
            self.handle(&asking)
        } else {
            Leg::Asked(Box::new((self.clock.sleep_until(arrives), asking)))
        };
        Calling { world: self, leg }
    }
}
