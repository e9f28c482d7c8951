//! One machine for one policy and one of those who share it.

use super::Meter;
use super::asked::Asked;
use super::bucket::{Bucket, Terms};
use super::frame::Frame;
use crate::throttle::budget::{self, Budget};
use crate::throttle::lane::Lanes;
use crate::throttle::window::Window;
use crate::time::{Moment, Span};

/// What one policy remembers about one of those who share it. The numbers stay in the [`Meter`].
#[derive(Clone, Debug)]
pub(super) enum Machine {
    Sliding(Window),
    Fixed(Frame),
    Bucket(Bucket),
    Budget(Budget),
    Lanes(Lanes),
}

impl Machine {
    /// A machine that has seen no call.
    pub(super) fn new(meter: &Meter) -> Self {
        match *meter {
            Meter::Sliding { .. } => Self::Sliding(Window::default()),
            Meter::Fixed { .. } => Self::Fixed(Frame::default()),
            Meter::Bucket { burst, refill, per, .. } => Self::Bucket(Bucket::new(Terms { burst, refill, per })),
            Meter::Budget { .. } => Self::Budget(Budget::new(terms(meter))),
            Meter::Lanes { .. } => Self::Lanes(Lanes::default()),
        }
    }

    /// Whether a call at `now` may pass, and after which delay; none if not. Uses nothing up. A call that asks for none
    /// of what is counted always passes.
    pub(super) fn ask(&mut self, meter: &Meter, now: Moment, asked: &Asked) -> Option<Span> {
        let amount = meter.unit().map_or(1, |unit| unit.of(asked));
        if amount == 0 {
            return Some(Span::ZERO);
        }
        let passes = match (self, meter) {
            (Self::Sliding(window), &Meter::Sliding { most, per, .. }) => {
                amount <= most.saturating_sub(window.used(now, per))
            }
            (Self::Fixed(frame), &Meter::Fixed { most, per, .. }) => {
                amount <= most.saturating_sub(frame.used(now, per))
            }
            (Self::Bucket(bucket), &Meter::Bucket { burst, refill, per, .. }) => {
                bucket.holds(now, Terms { burst, refill, per }, amount)
            }
            (Self::Budget(budget), Meter::Budget { .. }) => return budget.ask(now, terms(meter)),
            (Self::Lanes(lanes), &Meter::Lanes { most }) => lanes.busy(now) < most as usize,
            _ => unreachable!("a machine is made from its policy's meter"),
        };
        passes.then_some(Span::ZERO)
    }

    /// Uses up what a call uses as it begins, or as it is refused where refused calls count. Follows a question at the
    /// same moment.
    pub(super) fn count(&mut self, meter: &Meter, now: Moment, asked: &Asked) {
        let amount = meter.unit().map_or(0, |unit| unit.of(asked));
        match (self, meter) {
            (Self::Sliding(window), &Meter::Sliding { per, .. }) => window.record(now, per, amount),
            (Self::Fixed(frame), Meter::Fixed { .. }) => frame.record(amount),
            (Self::Bucket(bucket), &Meter::Bucket { burst, refill, per, .. }) => {
                bucket.take(Terms { burst, refill, per }, amount);
            }
            _ => {}
        }
    }

    /// How long after `now` the call just refused would pass, if nobody else calls until then; none if it never would.
    pub(super) fn wait(&self, meter: &Meter, now: Moment, asked: &Asked) -> Option<Span> {
        let amount = meter.unit().map_or(1, |unit| unit.of(asked));
        match (self, meter) {
            (Self::Sliding(window), &Meter::Sliding { most, per, .. }) => {
                window.fits_at(per, most, amount).map(|at| at.since(now))
            }
            (Self::Fixed(_), &Meter::Fixed { most, per, .. }) => (amount <= most).then(|| Frame::wait(now, per)),
            (Self::Bucket(bucket), &Meter::Bucket { burst, refill, per, .. }) => {
                bucket.wait(Terms { burst, refill, per }, amount)
            }
            (Self::Budget(budget), Meter::Budget { .. }) => budget.wait(terms(meter)),
            (Self::Lanes(lanes), &Meter::Lanes { most }) => {
                lanes.first_free().filter(|_| most > 0).map(|free| free.since(now))
            }
            _ => unreachable!("a machine is made from its policy's meter"),
        }
    }

    /// Uses up what an admitted call uses once its answer's moment and its service time are known.
    pub(super) fn settle(&mut self, meter: &Meter, ready: Moment, served: Span) {
        match (self, meter) {
            (Self::Lanes(lanes), Meter::Lanes { .. }) => lanes.take(ready),
            (Self::Budget(budget), Meter::Budget { .. }) => budget.charge(served, terms(meter)),
            _ => {}
        }
    }

    /// How much of the allowance is used at `now`, in the unit of the meter: calls in progress for lanes, nanoseconds of
    /// service time for budgets.
    pub(super) fn used(&mut self, meter: &Meter, now: Moment) -> u64 {
        match (self, meter) {
            (Self::Sliding(window), &Meter::Sliding { per, .. }) => window.used(now, per),
            (Self::Fixed(frame), &Meter::Fixed { per, .. }) => frame.used(now, per),
            (Self::Bucket(bucket), &Meter::Bucket { burst, refill, per, .. }) => {
                let terms = Terms { burst, refill, per };
                bucket.holds(now, terms, 0);
                bucket.used(terms)
            }
            (Self::Budget(budget), Meter::Budget { .. }) => budget.used(now, terms(meter)).0,
            (Self::Lanes(lanes), Meter::Lanes { .. }) => lanes.busy(now) as u64,
            _ => unreachable!("a machine is made from its policy's meter"),
        }
    }
}

/// The numbers of a budget; those of an empty one for other meters.
pub(super) fn terms(meter: &Meter) -> budget::Terms {
    match *meter {
        Meter::Budget { burst, recharge_per_hour, cutoff, .. } => budget::Terms { burst, recharge_per_hour, cutoff },
        _ => budget::Terms { burst: Span::ZERO, recharge_per_hour: Span::ZERO, cutoff: Span::ZERO },
    }
}
