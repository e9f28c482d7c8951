//! People at work beside a live wave, at a mock server of the run's own: what they ask is asked of its service before
//! whatever comes over the wire later, so they weigh there as they do in virtual time, and change nothing.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use mock_server::front::beside::Companion;
use mock_server::mailbox::named::Directory;
use mock_server::service::core::Service;
use mock_server::time::Moment;

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

/// People beside whoever decides, if there are any.
#[derive(Debug)]
pub(super) struct Crowd(pub(super) Option<(People, Bystanders)>);

impl Companion for Crowd {
    /// Has everything happen that people ask up to a moment.
    fn before<C: Directory>(&mut self, now: Moment, service: &mut Service<C>) {
        let Some((people, bystanders)) = &mut self.0 else { return };
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

    fn end<C: Directory>(&mut self, now: Moment, service: &mut Service<C>) {
        self.before(now, service);
        if let Some((people, bystanders)) = self.0.take() {
            *bystanders.came.lock().unwrap_or_else(PoisonError::into_inner) = Some(people.into_tally());
        }
    }
}
