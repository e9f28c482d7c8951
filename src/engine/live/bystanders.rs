//! People at work beside a live wave, at a mock server of the run's own: what they ask is asked of its service before
//! whatever comes over the wire later, so they weigh there as they do in virtual time, and change nothing.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use mock_server::fault::trick::Door;
use mock_server::front::body::Unread;
use mock_server::front::exchange::{Decide, Decision, Received};
use mock_server::protocol::ews::streaming::{Ongoing, Said};
use mock_server::service::core::Service;
use mock_server::state::Serving;
use mock_server::time::Moment;
use mock_server::wire::http::HttpAnswer;

use crate::engine::crowd::People;
use crate::load::tally::Tally;

/// When people are at work, and what came of it: what a run knows of those at one of its servers. Clones are the same.
#[derive(Clone, Debug, Default)]
pub(super) struct Bystanders {
    /// Up to when they are at work, in nanoseconds of the run.
    until: Arc<AtomicU64>,
    came: Arc<Mutex<Option<Tally>>>,
}

impl Bystanders {
    /// Has them work from the beginning of the run up to a moment, or until its end is told.
    pub(super) fn work_until(&self, until: Moment) {
        self.until.store(until.0, Ordering::Release);
    }

    /// What came of it, once the server has ended.
    pub(super) fn take(&self) -> Option<Tally> {
        self.came.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    fn until(&self) -> Moment {
        Moment(self.until.load(Ordering::Acquire))
    }
}

/// Whoever decides, with people who ask as well.
#[derive(Debug)]
pub(super) struct Crowded<D> {
    inner: D,
    crowd: Option<(People, Bystanders)>,
}

impl<D: Serving> Crowded<D> {
    /// With people, if there are any.
    pub(super) fn new(inner: D, crowd: Option<(People, Bystanders)>) -> Self {
        Self { inner, crowd }
    }

    /// Has everything happen that people ask up to a moment.
    fn advance(&mut self, now: Moment) {
        let Some((people, bystanders)) = &mut self.crowd else { return };
        let service = self.inner.service();
        let mut asked = false;
        people.advance(now.min(bystanders.until()), |due, errand, work| {
            asked = true;
            service.bear(due, errand, work)
        });
        if asked {
            // What people do is not written down, and must not be taken for a part of the next call that is.
            service.take_trace();
        }
    }
}

impl<D: Serving> Serving for Crowded<D> {
    type Content = D::Content;

    fn service(&mut self) -> &mut Service<D::Content> {
        self.inner.service()
    }
}

impl<D: Serving> Decide for Crowded<D> {
    fn door(&mut self, now: Moment, connection: u64) -> Option<Door> {
        self.inner.door(now, connection)
    }

    fn decide(&mut self, now: Moment, request: &Received) -> Decision {
        self.advance(now);
        self.inner.decide(now, request)
    }

    fn refuse(&mut self, now: Moment, request: &Received, why: Unread) -> HttpAnswer {
        self.inner.refuse(now, request, why)
    }

    fn proceed(&mut self, now: Moment, ongoing: &mut Ongoing) -> Said {
        self.inner.proceed(now, ongoing)
    }

    fn end(&mut self, now: Moment) {
        self.advance(now);
        self.inner.end(now);
        if let Some((people, bystanders)) = self.crowd.take() {
            *bystanders.came.lock().unwrap_or_else(PoisonError::into_inner) = Some(people.into_tally());
        }
    }
}
