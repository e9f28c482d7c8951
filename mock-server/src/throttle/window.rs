//! A sliding window: how much was used in the last span of `per`.

use std::collections::VecDeque;

use crate::time::{Moment, Span};

/// Entries closer together than this fraction of the window are kept as one. It bounds the memory of a window to about
/// as many entries, and delays what a busy client regains by at most `per` divided by this.
const GRAINS: u64 = 1024;

/// Amounts used at moments of the past, those that still count.
///
/// What is used at a moment `t` counts in `[t, t + per)`. Uses that are kept as one count from the first of them until
/// `per` after the last, so that merging never makes room too early.
#[derive(Clone, Debug, Default)]
pub(super) struct Window {
    /// The moment of the first use in the youngest entry.
    youngest_since: Moment,
    /// The sum of all entries.
    total: u64,
    /// Latest moment and amount of each entry, oldest first.
    entries: VecDeque<(Moment, u64)>,
}

impl Window {
    /// The amount that counts at `now`; forgets what no longer does.
    #[inline]
    pub(super) fn used(&mut self, now: Moment, per: Span) -> u64 {
        while let Some(&(latest, amount)) = self.entries.front() {
            if now < latest + per {
                break;
            }
            self.entries.pop_front();
            self.total -= amount;
        }
        self.total
    }

    /// Uses an amount at `now`, which must not be earlier than the last use.
    #[inline]
    pub(super) fn record(&mut self, now: Moment, per: Span, amount: u64) {
        // Totals beyond 2^64 cannot be told apart: what does not fit is not counted.
        let amount = amount.min(u64::MAX - self.total);
        if amount == 0 {
            return;
        }
        self.total += amount;
        let grain = per.0.div_ceil(GRAINS);
        match self.entries.back_mut() {
            Some((latest, sum)) if now.since(self.youngest_since).0 < grain => {
                *latest = now;
                *sum += amount;
            }
            _ => {
                self.youngest_since = now;
                self.entries.push_back((now, amount));
            }
        }
    }

    /// The first moment at which `amount` more stays within `limit`, if nothing else is used until then; none if it
    /// never does.
    pub(super) fn fits_at(&self, per: Span, limit: u64, amount: u64) -> Option<Moment> {
        let room = limit.checked_sub(amount)?;
        let mut total = self.total;
        let mut at = Moment::START;
        for &(latest, used) in &self.entries {
            if total <= room {
                break;
            }
            total -= used;
            at = latest + per;
        }
        Some(at)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PER: Span = Span::seconds(10);

    #[test]
    fn a_use_counts_until_exactly_one_span_later() {
        let mut window = Window::default();
        window.record(Moment(7), PER, 3);
        assert_eq!(window.used(Moment(7) + Span(PER.0 - 1), PER), 3);
        assert_eq!(window.used(Moment(7) + PER, PER), 0);
    }

    #[test]
    fn merged_uses_count_until_one_span_after_the_last_of_them() {
        let mut window = Window::default();
        window.record(Moment(0), PER, 1);
        window.record(Moment(5_000_000), PER, 1);
        assert_eq!(window.entries.len(), 1);
        assert_eq!(window.used(Moment(0) + PER, PER), 2);
        assert_eq!(window.used(Moment(5_000_000) + PER, PER), 0);
    }

    #[test]
    fn a_busy_window_keeps_few_entries() {
        let mut window = Window::default();
        for step in 0..200_000_u64 {
            let now = Moment(step * 1_000_000);
            window.used(now, PER);
            window.record(now, PER, 1);
            assert!(window.entries.len() as u64 <= GRAINS + 2);
        }
    }

    #[test]
    fn room_for_an_amount_is_found_at_the_entry_that_frees_enough() {
        let mut window = Window::default();
        for second in 0..3 {
            window.record(Moment(0) + Span::seconds(second), PER, 10);
        }
        assert_eq!(window.fits_at(PER, 35, 5), Some(Moment::START));
        assert_eq!(window.fits_at(PER, 35, 6), Some(Moment(0) + PER));
        assert_eq!(window.fits_at(PER, 35, 16), Some(Moment(0) + PER + Span::seconds(1)));
        assert_eq!(window.fits_at(PER, 35, 35), Some(Moment(0) + PER + Span::seconds(2)));
        assert_eq!(window.fits_at(PER, 35, 36), None);
    }
}
