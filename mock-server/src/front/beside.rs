//! What goes on beside whoever decides: something that sees the service before each decision, after it and at the end, and
//! leaves the deciding alone.

use super::body::Unread;
use super::desk::Desk;
use super::exchange::{Decide, Decision, Received};
use super::pending::Pending;
use crate::fault::trick::Door;
use crate::mailbox::named::Directory;
use crate::protocol::ews::streaming::{Ongoing, Said};
use crate::service::core::Service;
use crate::time::Moment;
use crate::wire::http::HttpAnswer;

/// Whoever decides about requests and has a service behind it.
pub trait Serving: Decide {
    /// What the mailboxes hold.
    type Content: Directory;

    /// The service.
    fn service(&mut self) -> &mut Service<Self::Content>;
}

impl<C: Directory> Serving for Desk<C> {
    type Content = C;

    fn service(&mut self) -> &mut Service<C> {
        Desk::service(self)
    }
}

/// Something that goes on beside whoever decides. What it does not concern itself with stays as it is.
pub trait Companion {
    /// Does what is to be done before a request is decided.
    fn before<C: Directory>(&mut self, _now: Moment, _service: &mut Service<C>) {}

    /// Says what an answer has to wait for, as [`Decide::keep`] does.
    fn keep<C: Directory>(&mut self, _now: Moment, _service: &mut Service<C>) -> Option<Pending> {
        None
    }

    /// Does what is to be done at the end.
    fn end<C: Directory>(&mut self, _now: Moment, _service: &mut Service<C>) {}
}

/// Whoever decides, with a companion.
#[derive(Debug)]
pub struct Beside<D, A> {
    inner: D,
    companion: A,
}

impl<D: Serving, A: Companion> Beside<D, A> {
    /// Puts a companion beside whoever decides.
    pub fn new(inner: D, companion: A) -> Self {
        Self { inner, companion }
    }
}

impl<D: Serving, A: Companion> Serving for Beside<D, A> {
    type Content = D::Content;

    fn service(&mut self) -> &mut Service<D::Content> {
        self.inner.service()
    }
}

impl<D: Serving, A: Companion> Decide for Beside<D, A> {
    fn door(&mut self, now: Moment, connection: u64) -> Option<Door> {
        self.inner.door(now, connection)
    }

    fn decide(&mut self, now: Moment, request: &Received) -> Decision {
        self.companion.before(now, self.inner.service());
        self.inner.decide(now, request)
    }

    fn knows(&mut self, now: Moment, request: &Received) -> bool {
        self.inner.knows(now, request)
    }

    fn refuse(&mut self, now: Moment, request: &Received, why: Unread) -> HttpAnswer {
        self.inner.refuse(now, request, why)
    }

    fn proceed(&mut self, now: Moment, ongoing: &mut Ongoing) -> Said {
        self.inner.proceed(now, ongoing)
    }

    fn keep(&mut self, now: Moment) -> Option<Pending> {
        match (self.inner.keep(now), self.companion.keep(now, self.inner.service())) {
            (Some(inner), Some(own)) => Some(inner.and(own)),
            (inner, own) => inner.or(own),
        }
    }

    fn end(&mut self, now: Moment) {
        self.inner.end(now);
        self.companion.end(now, self.inner.service());
    }
}
