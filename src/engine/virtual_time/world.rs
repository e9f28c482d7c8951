//! The virtual world: two service cores called as functions, over links that take virtual time.
//!
//! A call travels up the link, is handled at the moment of its arrival, waits until its answer is ready, and travels
//! down. Bodies are lengths: the codecs say how long they would be.

use std::cell::{Cell, RefCell};
use std::future::poll_fn;
use std::task::Poll;

use mock_server::journal::witness::{Called, Witness};
use mock_server::mailbox::content::Content;
use mock_server::service::config::Config;
use mock_server::service::core::{Held, Service};
use mock_server::service::reply::{Reply, Request, Spent};
use mock_server::service::script::Script;
use mock_server::time::{Moment, Span};
use mock_server::wire::answer::Answer;
use mock_server::wire::call::{Call, Protocol, RequestIdentity};
use mock_server::wire::codec;
use mock_server::wire::heard;
use mock_server::wire::id::MailboxKey;
use mock_server::wire::refusal::{Refusal, RefusalKind};

use super::executor::{Clock, Next};
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
    service: RefCell<Service<C>>,
    link: RefCell<Link>,
    witness: Option<Witness>,
}

impl<C: Content> Server<C> {
    /// A server at the far end of a link.
    pub fn new(protocol: Protocol, config: Config, content: C, link: Link) -> Self {
        let service = RefCell::new(Service::new(config, content));
        Self { protocol, service, link: RefCell::new(link), witness: None }
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

    fn handle(&self, arrives: Moment, route: &Route, body_bytes: u64, call: &Call) -> Reply {
        let request = Request {
            app: APP,
            mailbox: route.mailbox,
            protocol: self.protocol,
            identity: RequestIdentity { request: route.request, attempt: route.attempt },
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

/// A call on its way to a server and back. The task that made it is not polled before the answer is there.
#[derive(Debug)]
struct Flight {
    route: Route,
    /// Who waits for the answer, and how long.
    task: TaskNumber,
    gives_up: Moment,
    /// When whoever waits may find something new.
    wakes: Moment,
    sent_bytes: u64,
    stage: Stage,
}

#[derive(Debug)]
enum Stage {
    /// On its way to the server.
    Up(Call),
    /// In the server; the answer is ready at a known moment.
    Served(Answered),
    /// The answer is on its way, and arrives at this moment.
    Down(Answered, Moment),
    /// Nobody will wait for the answer.
    Late,
}

/// What the server said.
#[derive(Debug)]
struct Answered {
    result: Result<Answer, Refusal>,
    spent: Spent,
    bytes: u64,
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

    /// Takes a flight one stage further at the moment that was set for it; says what is to happen next, and when.
    pub(super) fn go_on(&self, now: Moment, place: u32) -> Next {
        let flight = &mut self.flights.borrow_mut()[place as usize];
        loop {
            let next = self.stage_after(now, flight);
            match next {
                Next::Errand(at) if at <= now => {}
                Next::Errand(at) | Next::Poll(at, _) => {
                    flight.wakes = at;
                    return next;
                }
            }
        }
    }

    fn stage_after(&self, now: Moment, flight: &mut Flight) -> Next {
        let server = &self.servers[flight.route.side as usize];
        let late = Next::Poll(flight.gives_up, flight.task);
        match std::mem::replace(&mut flight.stage, Stage::Late) {
            Stage::Up(call) => {
                let Reply { mut outcome, ready, spent, .. } =
                    server.handle(now, &flight.route, flight.sent_bytes, &call);
                heard::listen(server.protocol, &call, &mut outcome);
                if ready > flight.gives_up {
                    return late;
                }
                let bytes = match &outcome {
                    Ok(answer) => codec::answer_bytes(server.protocol, &call, answer),
                    Err(_) => REFUSAL_BYTES,
                };
                flight.stage = Stage::Served(Answered { result: outcome, spent, bytes });
                Next::Errand(ready)
            }
            Stage::Served(answered) => {
                let message = Message::from(&flight.route);
                let heard = server.link.borrow_mut().send(now, answered.bytes, Direction::Down, message);
                if heard > flight.gives_up {
                    return late;
                }
                flight.stage = Stage::Down(answered, heard);
                Next::Poll(heard, flight.task)
            }
            stage @ (Stage::Down(..) | Stage::Late) => {
                flight.stage = stage;
                Next::Poll(flight.wakes, flight.task)
            }
        }
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

    /// What became of a flight, once it is over.
    #[inline]
    fn land(&self, place: u32) -> Poll<Stage> {
        let flight = &mut self.flights.borrow_mut()[place as usize];
        if matches!(flight.stage, Stage::Down(..) | Stage::Late) && flight.wakes <= self.clock.now() {
            self.landed.borrow_mut().push(place);
            return Poll::Ready(std::mem::replace(&mut flight.stage, Stage::Late));
        }
        self.clock.note_wait(flight.wakes);
        Poll::Pending
    }
}

impl<C: Content> World for VirtualWorld<C> {
    #[inline]
    fn now(&self) -> Moment {
        self.clock.now()
    }

    #[inline]
    async fn sleep_until(&self, moment: Moment) {
        self.clock.sleep_until(moment).await;
    }

    #[inline]
    fn take_wait(&self) -> Moment {
        self.clock.take_wait()
    }

    async fn call(&self, route: Route, call: &Call) -> Outcome {
        let server = &self.servers[route.side as usize];
        let message = Message::from(&route);
        let asked = self.clock.now();
        let sent_bytes = codec::call_bytes(server.protocol, call, self.address_length(route.mailbox));
        let arrives = server.link.borrow_mut().send(asked, sent_bytes, Direction::Up, message);
        let gives_up = asked + route.patience;
        let (task, late) = (self.clock.current(), arrives > gives_up);
        let stage = if late { Stage::Late } else { Stage::Up(call.clone()) };
        let wakes = if late { gives_up } else { arrives };
        let place = self.take_off(Flight { route, task, gives_up, wakes, sent_bytes, stage });
        if late {
            self.clock.carry_on(Next::Poll(gives_up, task), place);
        } else if arrives <= asked {
            self.clock.carry_on(self.go_on(asked, place), place);
        } else {
            self.clock.carry_on(Next::Errand(arrives), place);
        }
        let over = poll_fn(|_| self.land(place)).await;
        let Stage::Down(Answered { result, spent, bytes }, heard) = over else {
            return Outcome {
                result: Err(Refusal { kind: RefusalKind::TimedOut, status: 0, retry_after: None }),
                elapsed: Elapsed { network: route.patience, ..Elapsed::default() },
                sent_bytes,
                received_bytes: 0,
            };
        };
        let inside: Span = spent.delayed + spent.queued + spent.served;
        let elapsed = Elapsed {
            network: heard.since(asked) - inside,
            delayed: spent.delayed,
            queued: spent.queued,
            served: spent.served,
        };
        Outcome { result, elapsed, sent_bytes, received_bytes: bytes }
    }
}
