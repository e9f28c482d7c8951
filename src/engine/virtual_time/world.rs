//! The virtual world: two service cores called as functions, over links that take virtual time.
//!
//! A call travels up the link, is handled at the moment of its arrival, waits until its answer is ready, and travels
//! down. Bodies are lengths: the codecs say how long they would be.

use std::cell::{Cell, RefCell};

use mock_server::mailbox::content::Content;
use mock_server::service::config::Config;
use mock_server::service::core::{Held, Service};
use mock_server::service::reply::{Reply, Request};
use mock_server::time::{Moment, Span};
use mock_server::wire::call::{Call, Protocol, RequestIdentity};
use mock_server::wire::codec;
use mock_server::wire::heard;
use mock_server::wire::id::MailboxKey;
use mock_server::wire::refusal::{Refusal, RefusalKind};

use super::executor::Clock;
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
}

impl<C: Content> Server<C> {
    /// A server at the far end of a link.
    pub fn new(protocol: Protocol, config: Config, content: C, link: Link) -> Self {
        Self { protocol, service: RefCell::new(Service::new(config, content)), link: RefCell::new(link) }
    }
}

/// Two servers and a clock that jumps.
#[derive(Debug)]
pub struct VirtualWorld<C> {
    clock: Clock,
    servers: [Server<C>; 2],
    /// Lengths of the addresses of mailboxes that were called lately.
    addresses: Vec<Cell<(u32, u32)>>,
}

impl<C: Content> VirtualWorld<C> {
    /// A world with a source and a target.
    pub fn new(clock: Clock, source: Server<C>, target: Server<C>) -> Self {
        let addresses = vec![Cell::new((u32::MAX, 0)); ADDRESS_SLOTS];
        Self { clock, servers: [source, target], addresses }
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

    async fn time_out(&self, asked: Moment, route: Route, sent_bytes: u64) -> Outcome {
        self.clock.sleep_until(asked + route.patience).await;
        Outcome {
            result: Err(Refusal { kind: RefusalKind::TimedOut, status: 0, retry_after: None }),
            elapsed: Elapsed { network: route.patience, ..Elapsed::default() },
            sent_bytes,
            received_bytes: 0,
        }
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

    async fn call(&self, route: Route, call: &Call) -> Outcome {
        let server = &self.servers[route.side as usize];
        let message = Message::from(&route);
        let asked = self.clock.now();
        let sent_bytes = codec::call_bytes(server.protocol, call, self.address_length(route.mailbox));
        let arrives = server.link.borrow_mut().send(asked, sent_bytes, Direction::Up, message);
        let gives_up = asked + route.patience;
        if arrives > gives_up {
            return self.time_out(asked, route, sent_bytes).await;
        }
        self.clock.sleep_until(arrives).await;
        let request = Request {
            app: APP,
            mailbox: route.mailbox,
            protocol: server.protocol,
            identity: RequestIdentity { request: route.request, attempt: route.attempt },
            body_bytes: sent_bytes,
            call,
        };
        let Reply { mut outcome, ready, spent, .. } = server.service.borrow_mut().handle(arrives, &request);
        heard::listen(server.protocol, call, &mut outcome);
        if ready > gives_up {
            return self.time_out(asked, route, sent_bytes).await;
        }
        self.clock.sleep_until(ready).await;
        let received_bytes = match &outcome {
            Ok(answer) => codec::answer_bytes(server.protocol, call, answer),
            Err(_) => REFUSAL_BYTES,
        };
        let arrived = server.link.borrow_mut().send(ready, received_bytes, Direction::Down, message);
        if arrived > gives_up {
            return self.time_out(asked, route, sent_bytes).await;
        }
        self.clock.sleep_until(arrived).await;
        let inside: Span = spent.delayed + spent.queued + spent.served;
        let elapsed = Elapsed {
            network: arrived.since(asked) - inside,
            delayed: spent.delayed,
            queued: spent.queued,
            served: spent.served,
        };
        Outcome { result: outcome, elapsed, sent_bytes, received_bytes }
    }
}
