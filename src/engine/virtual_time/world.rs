//! The virtual world: two service cores called as functions, over links that take virtual time.
//!
//! A call travels up the link, is handled as of the moment of its arrival, waits until its answer is ready, and travels
//! down. Where calls cannot overtake each other on their way up, a call is handled when it is sent: the service sees the
//! same calls at the same moments in the same order, and the arrival needs no timer. Bodies are lengths: the codecs say
//! how long they would be.

use std::cell::{Cell, RefCell};
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use mock_server::mailbox::content::Content;
use mock_server::service::config::Config;
use mock_server::service::core::{Held, Service};
use mock_server::service::reply::{Reply, Request};
use mock_server::time::Moment;
use mock_server::wire::call::{Call, Protocol, RequestIdentity};
use mock_server::wire::codec;
use mock_server::wire::heard;
use mock_server::wire::id::MailboxKey;
use mock_server::wire::refusal::{Refusal, RefusalKind};

use super::executor::{Clock, Next, Sleep};
use super::timers::TaskNumber;
use crate::engine::network::{Direction, Link, Message};
use crate::world::{Elapsed, Outcome, Route, Side, World};

/// Length of the body of a refusal, in bytes: the mean of the refusals that both protocols write. It only enters the
/// time that the link takes.
const REFUSAL_BYTES: u64 = 600;

/// The number of the only app of a virtual run.
const APP: u32 = 1;

/// Slots of the table of address lengths; a power of two.
const ADDRESS_SLOTS: usize = 4096;

/// One of the two servers and the way to it.
#[derive(Debug)]
pub struct Server<C> {
    protocol: Protocol,
    /// Whether calls arrive in the order in which they are sent, so that a call can be handled as soon as it is sent.
    keeps_order: bool,
    service: RefCell<Service<C>>,
    link: RefCell<Link>,
}

impl<C: Content> Server<C> {
    /// A server at the far end of a link.
    pub fn new(protocol: Protocol, config: Config, content: C, link: Link) -> Self {
        let keeps_order = link.keeps_order();
        Self { protocol, keeps_order, service: RefCell::new(Service::new(config, content)), link: RefCell::new(link) }
    }

    #[inline]
    fn handle(&self, arrives: Moment, route: &Route, body_bytes: u64, call: &Call) -> Reply {
        let request = Request {
            app: APP,
            mailbox: route.mailbox,
            protocol: self.protocol,
            identity: RequestIdentity { request: route.request, attempt: route.attempt },
            body_bytes,
            call,
        };
        self.service.borrow_mut().handle(arrives, &request)
    }
}

/// An answer on its way out of a server. The task that waits for it is not polled before it is there.
#[derive(Copy, Clone, Debug)]
struct Flight {
    message: Message,
    side: Side,
    stage: Stage,
    /// Who waits for the answer, and how long.
    task: TaskNumber,
    gives_up: Moment,
    /// Length of the answer.
    bytes: u64,
    /// When whoever waits may find something new.
    wakes: Moment,
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
    /// Lengths of the addresses of mailboxes that were called lately.
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
        let slot = &self.addresses[mailbox.0 as usize % ADDRESS_SLOTS];
        let (known, length) = slot.get();
        if known == mailbox.0 {
            return length as usize;
        }
        let length = self.servers[0].service.borrow().content().address(mailbox).len();
        slot.set((mailbox.0, length as u32));
        length
    }

    /// Sends the answer of a flight off at the moment at which it is ready; says when whoever waits for it hears of it.
    pub(super) fn go_on(&self, now: Moment, place: u32) -> Next {
        let flight = &mut self.flights.borrow_mut()[place as usize];
        if flight.stage == Stage::Served {
            let mut link = self.servers[flight.side as usize].link.borrow_mut();
            let heard = link.send(now, flight.bytes, Direction::Down, flight.message);
            (flight.stage, flight.wakes) =
                if heard > flight.gives_up { (Stage::Late, flight.gives_up) } else { (Stage::Down, heard) };
        }
        Next::Poll(flight.wakes, flight.task)
    }

    /// Finds a place for a flight.
    fn take_off(&self, flight: Flight) -> u32 {
        let mut flights = self.flights.borrow_mut();
        if let Some(place) = self.landed.borrow_mut().pop() {
            flights[place as usize] = flight;
            return place;
        }
        flights.push(flight);
        flights.len() as u32 - 1
    }

    /// Whether a flight has brought its answer or is late, once it is over.
    #[inline]
    fn land(&self, place: u32) -> Poll<Stage> {
        let Flight { stage, wakes, .. } = self.flights.borrow()[place as usize];
        if stage != Stage::Served && wakes <= self.clock.now() {
            self.landed.borrow_mut().push(place);
            return Poll::Ready(stage);
        }
        self.clock.note_wait(wakes);
        Poll::Pending
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
        let bytes = match &result {
            Ok(answer) => codec::answer_bytes(server.protocol, call, answer),
            Err(_) => REFUSAL_BYTES,
        };
        let (side, message, task) = (route.side, Message::from(&route), self.clock.current());
        let flight = Flight { message, side, stage: Stage::Served, task, gives_up, bytes, wakes: ready };
        let place = self.take_off(flight);
        let now = self.clock.now();
        let next = if ready <= now { self.go_on(now, place) } else { Next::Errand(ready) };
        self.clock.carry_on(next, place);
        // The time on the network is known once the answer has arrived.
        let network = route.patience;
        let elapsed = Elapsed { network, delayed: spent.delayed, queued: spent.queued, served: spent.served };
        Leg::Flying { place, asked, outcome: Outcome { result, elapsed, sent_bytes, received_bytes: bytes } }
    }

    /// No answer will come in time.
    #[cold]
    fn lose<'c>(&self, route: &Route, gives_up: Moment, sent_bytes: u64) -> Leg<'_, 'c> {
        let elapsed = Elapsed { network: route.patience, ..Elapsed::default() };
        Leg::Lost { gives_up: self.clock.sleep_until(gives_up), elapsed, sent_bytes }
    }
}

/// A call that was made; see [`World::call`]. Written by hand, as every call of a run goes through it.
struct Calling<'w, 'c, C> {
    world: &'w VirtualWorld<C>,
    leg: Leg<'w, 'c>,
}

/// How far a call is.
enum Leg<'w, 'c> {
    /// On its way to the server.
    Asked { arrives: Sleep<'w>, asking: Asking<'c> },
    /// Its answer is in a flight; what is known of it already.
    Flying { place: u32, asked: Moment, outcome: Outcome },
    /// No answer will come in time.
    Lost { gives_up: Sleep<'w>, elapsed: Elapsed, sent_bytes: u64 },
    /// Over.
    Over,
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
        if let Leg::Asked { arrives, asking } = leg {
            ready!(Pin::new(arrives).poll(context));
            *leg = world.handle(asking);
        }
        if let Leg::Flying { place, .. } = leg {
            let stage = ready!(world.land(*place));
            if let Leg::Flying { asked, mut outcome, .. } = std::mem::replace(leg, Leg::Over) {
                let Elapsed { network: patience, delayed, queued, served } = outcome.elapsed;
                if stage != Stage::Late {
                    outcome.elapsed.network = world.clock.now().since(asked) - (delayed + queued + served);
                    return Poll::Ready(outcome);
                }
                let elapsed = Elapsed { network: patience, ..Elapsed::default() };
                let gives_up = world.clock.sleep_until(asked + patience);
                *leg = Leg::Lost { gives_up, elapsed, sent_bytes: outcome.sent_bytes };
            }
        }
        let Leg::Lost { gives_up, elapsed, sent_bytes } = leg else { unreachable!("nobody polls a call that is over") };
        ready!(Pin::new(gives_up).poll(context));
        Poll::Ready(Outcome {
            result: Err(Refusal { kind: RefusalKind::TimedOut, status: 0, retry_after: None }),
            elapsed: *elapsed,
            sent_bytes: *sent_bytes,
            received_bytes: 0,
        })
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
            Leg::Asked { arrives: self.clock.sleep_until(arrives), asking }
        };
        Calling { world: self, leg }
    }
}
