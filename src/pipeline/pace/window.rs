//! A limit on a sum over any span of time, kept on our own account. Pure.

use std::collections::VecDeque;

use mock_server::time::{Moment, Span};

/// Into how many parts the span is divided: what happens within one part is booked at its last use, so that memory is
/// bounded and the limit is kept strictly, at the price of at most this share of throughput.
const PARTS: u64 = 1_024;

/// At most `limit` units in any span of `per`.
#[derive(Clone, Debug)]
pub struct Window {
    limit: u64,
    per: Span,
    used: u64,
    spent: VecDeque<Booking>,
}

/// What was spent within one part of the span.
#[derive(Copy, Clone, Debug)]
struct Booking {
    first: Moment,
    last: Moment,
    units: u64,
}

impl Window {
    /// An unused window.
    #[must_use]
    pub fn new(limit: u64, per: Span) -> Self {
        Self { limit: limit.max(1), per, used: 0, spent: VecDeque::new() }
    }

    fn forget(&mut self, now: Moment) {
        while let Some(booking) = self.spent.front()
            && booking.last + self.per <= now
        {
            self.used -= booking.units;
            self.spent.pop_front();
        }
    }

    /// When `units` may be spent: now, or the moment at which enough has been forgotten. More than the whole limit is
    /// let through alone once nothing else is in the window, as no waiting would help.
    pub fn when(&mut self, now: Moment, units: u64) -> Moment {
        if self.used + units <= self.limit {
            return now;
        }
        self.forget(now);
        let mut used = self.used;
        if used + units <= self.limit || used == 0 {
            return now;
        }
        for booking in &self.spent {
            used -= booking.units;
            if used + units <= self.limit || used == 0 {
                return booking.last + self.per;
            }
        }
        now
    }

    /// Books `units` as spent.
    pub fn spend(&mut self, now: Moment, units: u64) {
        self.used += units;
        if let Some(booking) = self.spent.back_mut()
            && now.since(booking.first).0 * PARTS < self.per.0
        {
            booking.last = now;
            booking.units += units;
            return;
        }
        self.forget(now);
        self.spent.push_back(Booking { first: now, last: now, units });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn what_fits_goes_at_once_and_the_rest_when_the_span_has_passed() {
        let mut window = Window::new(10, Span(100));
        assert_eq!(window.when(Moment(0), 10), Moment(0));
        window.spend(Moment(0), 10);
        assert_eq!(window.when(Moment(40), 1), Moment(100));
        assert_eq!(window.when(Moment(100), 1), Moment(100));
    }

    #[test]
    fn more_than_the_whole_limit_goes_alone() {
        let mut window = Window::new(10, Span(100));
        window.spend(Moment(0), 3);
        assert_eq!(window.when(Moment(1), 50), Moment(100));
        assert_eq!(window.when(Moment(100), 50), Moment(100));
    }

    proptest! {
        #[test]
        fn no_span_ever_holds_more_than_the_limit(
            asks in prop::collection::vec((0u64..5_000, 1u64..=100), 1..300), limit in 100u64..500,
        ) {
            let per = Span(20_000);
            let mut window = Window::new(limit, per);
            let mut now = Moment(0);
            let mut spent: Vec<(Moment, u64)> = Vec::new();
            for (gap, units) in asks {
                now += Span(gap);
                now = now.max(window.when(now, units));
                window.spend(now, units);
                spent.push((now, units));
                let in_span: u64 =
                    spent.iter().filter(|(at, _)| *at + per > now).map(|(_, units)| units).sum();
                prop_assert!(in_span <= limit);
            }
        }
    }
}
