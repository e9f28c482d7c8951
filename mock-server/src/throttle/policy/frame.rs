//! A fixed window: how much was used since the last boundary.

use crate::time::{Moment, Span};

/// What was used in the present frame.
#[derive(Clone, Default, Debug)]
pub(super) struct Frame {
    number: u64,
    used: u64,
}

impl Frame {
    /// The amount used in the frame of `now`.
    pub(super) fn used(&mut self, now: Moment, per: Span) -> u64 {
        let number = now.0 / per.0.max(1);
        if self.number < number {
            *self = Self { number, used: 0 };
        }
        self.used
    }

    /// Uses an amount in the frame of the last question.
    pub(super) fn record(&mut self, amount: u64) {
        self.used = self.used.saturating_add(amount);
    }

    /// The time from `now` to the next boundary.
    pub(super) fn wait(now: Moment, per: Span) -> Span {
        Span(per.0.max(1) - now.0 % per.0.max(1))
    }
}
