//! One machine for one limit and one of those who share it.

use super::budget::{Budget, Terms};
use super::lane::Lanes;
use super::limit::Rule;
use super::window::Window;
use crate::time::{Moment, Span};

/// What one limit remembers about one of those who share it. The numbers stay in the limit's [`Rule`], which is handed
/// in with every question, so that millions of machines share them.
#[derive(Clone, Debug)]
pub(super) enum Machine {
    Window(Window),
    Lanes(Lanes),
    Budget(Budget),
}

impl Machine {
    /// A machine that has seen no call.
    pub(super) fn new(rule: &Rule) -> Self {
        match *rule {
            Rule::Requests { .. } | Rule::UploadBytes { .. } => Self::Window(Window::default()),
            Rule::Concurrency { .. } => Self::Lanes(Lanes::default()),
            Rule::Budget { burst, recharge_per_hour, cutoff } => {
                Self::Budget(Budget::new(Terms { burst, recharge_per_hour, cutoff }))
            }
        }
    }

    /// Makes this a machine that has seen no call, like `new`; memory that it has stays for whoever is next.
    pub(super) fn reset(&mut self, new: &Self) {
        match self {
            Self::Window(window) => window.clear(),
            Self::Lanes(_) | Self::Budget(_) => self.clone_from(new),
        }
    }

    /// Whether a call at `now` may pass, and after which delay; none if not. Uses nothing up.
    #[inline]
    pub(super) fn ask(&mut self, rule: &Rule, now: Moment, bytes: u64) -> Option<Span> {
        let passes = match (self, rule) {
            (Self::Window(window), &Rule::Requests { count, per, .. }) => window.has_room(now, per, count, 1),
            (Self::Window(window), &Rule::UploadBytes { bytes: most, per }) => {
                bytes == 0 || window.has_room(now, per, most, bytes)
            }
            (Self::Lanes(lanes), &Rule::Concurrency { lanes: most, .. }) => lanes.busy(now) < most as usize,
            (Self::Budget(budget), &Rule::Budget { burst, recharge_per_hour, cutoff }) => {
                return budget.ask(now, Terms { burst, recharge_per_hour, cutoff });
            }
            _ => unreachable!("a machine is made from its limit's rule"),
        };
        passes.then_some(Span::ZERO)
    }

    /// Uses up what an admitted call uses as it begins.
    #[inline]
    pub(super) fn admit(&mut self, rule: &Rule, now: Moment, bytes: u64) {
        match (self, rule) {
            (Self::Window(window), &Rule::Requests { per, .. }) => window.record(now, per, 1),
            (Self::Window(window), &Rule::UploadBytes { per, .. }) => window.record(now, per, bytes),
            _ => {}
        }
    }

    /// Uses up what a call uses that this limit or a later one refused.
    #[inline]
    pub(super) fn refuse(&mut self, rule: &Rule, now: Moment) {
        if let (Self::Window(window), &Rule::Requests { per, refused_count: true, .. }) = (self, rule) {
            window.record(now, per, 1);
        }
    }

    /// How long after `now` the call just refused would pass, if nobody else calls until then; none if it never would.
    pub(super) fn wait(&self, rule: &Rule, now: Moment, bytes: u64) -> Option<Span> {
        match (self, rule) {
            (Self::Window(window), &Rule::Requests { count, per, .. }) => {
                window.fits_at(per, count, 1).map(|at| at.since(now))
            }
            (Self::Window(window), &Rule::UploadBytes { bytes: most, per }) => {
                window.fits_at(per, most, bytes).map(|at| at.since(now))
            }
            (_, &Rule::Concurrency { retry_after, .. }) => Some(retry_after),
            (Self::Budget(budget), &Rule::Budget { burst, recharge_per_hour, cutoff }) => {
                budget.wait(Terms { burst, recharge_per_hour, cutoff })
            }
            _ => unreachable!("a machine is made from its limit's rule"),
        }
    }

    /// How much of the allowance is used at `now`, in the unit of the rule: requests, bytes, lanes, or nanoseconds of
    /// service time.
    pub(super) fn used(&mut self, rule: &Rule, now: Moment) -> u64 {
        match (self, rule) {
            (Self::Window(window), Rule::Requests { per, .. } | Rule::UploadBytes { per, .. }) => {
                window.used(now, *per)
            }
            (Self::Lanes(lanes), Rule::Concurrency { .. }) => lanes.busy(now) as u64,
            (Self::Budget(budget), &Rule::Budget { burst, recharge_per_hour, cutoff }) => {
                budget.used(now, Terms { burst, recharge_per_hour, cutoff }).0
            }
            _ => unreachable!("a machine is made from its limit's rule"),
        }
    }

    /// How long after `now` the smallest call would be let in again, if it would be refused now; nothing if it would
    /// pass. A wait without end is the longest span.
    pub(super) fn closed_for(&mut self, rule: &Rule, now: Moment) -> Option<Span> {
        let smallest = 1;
        match self.ask(rule, now, smallest) {
            Some(_) => None,
            None => Some(self.wait(rule, now, smallest).unwrap_or(Span(u64::MAX))),
        }
    }

    /// Uses up what an admitted call uses once its answer's moment and its service time are known.
    #[inline]
    pub(super) fn settle(&mut self, rule: &Rule, ready: Moment, served: Span) {
        match (self, rule) {
            (Self::Lanes(lanes), Rule::Concurrency { .. }) => lanes.take(ready),
            (Self::Budget(budget), &Rule::Budget { burst, recharge_per_hour, cutoff }) => {
                budget.charge(served, Terms { burst, recharge_per_hour, cutoff });
            }
            _ => {}
        }
    }
}
