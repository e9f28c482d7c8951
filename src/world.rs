//! The world that the pipeline lives in: a clock, and servers to call.
//!
//! There are two. In the live world the clock is the wall's and a call is an HTTP request; in the virtual world the
//! clock jumps and a call is a function. The pipeline does not know which of them it is in, nor that HTTP exists.

use std::future::Future;

use mock_server::time::{Moment, Span};
use mock_server::wire::answer::Answer;
use mock_server::wire::call::Call;
pub use mock_server::wire::call::Side;
use mock_server::wire::id::MailboxKey;
use mock_server::wire::refusal::Refusal;

/// The envelope of a call.
#[derive(Copy, Clone, PartialEq, Eq, Debug)]
pub struct Route {
    /// The server.
    pub side: Side,
    /// The mailbox concerned.
    pub mailbox: MailboxKey,
    /// Which request of this mailbox it is: a number that does not depend on the order in which answers arrive, so that
    /// the same faults hit the same requests in every world.
    pub request: u64,
    /// How often it was tried before.
    pub attempt: u32,
    /// How long to wait for the answer before the call counts as timed out.
    pub patience: Span,
}

/// Where the time of one call went. The parts sum to the time between asking and hearing.
#[derive(Copy, Clone, PartialEq, Eq, Default, Debug)]
pub struct Elapsed {
    /// On the network: latency, transfer, and waiting for the link.
    pub network: Span,
    /// Held back by a limit of the server.
    pub delayed: Span,
    /// Waiting in the server for a free place.
    pub queued: Span,
    /// Being served.
    pub served: Span,
}

/// What came of a call.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// The answer or the refusal.
    pub result: Result<Answer, Refusal>,
    /// Where the time went.
    pub elapsed: Elapsed,
    /// Bytes of the request body.
    pub sent_bytes: u64,
    /// Bytes of the answer's body.
    pub received_bytes: u64,
}

/// A clock and two servers.
pub trait World {
    /// The present moment.
    fn now(&self) -> Moment;

    /// Waits until a moment; returns at once if it has passed.
    fn sleep_until(&self, moment: Moment) -> impl Future<Output = ()>;

    /// Makes one call and waits for what comes of it. Never retries.
    fn call(&self, route: Route, call: &Call) -> impl Future<Output = Outcome>;

    /// The moment before which polling the future that was polled last is of no use, unless its task was woken by
    /// somebody else; forgotten once told. [`Moment::START`] where the world cannot know.
    fn take_wait(&self) -> Moment {
        Moment::START
    }
}

impl<W: World> World for std::rc::Rc<W> {
    fn now(&self) -> Moment {
        (**self).now()
    }

    fn sleep_until(&self, moment: Moment) -> impl Future<Output = ()> {
        (**self).sleep_until(moment)
    }

    fn call(&self, route: Route, call: &Call) -> impl Future<Output = Outcome> {
        (**self).call(route, call)
    }

    fn take_wait(&self) -> Moment {
        (**self).take_wait()
    }
}
