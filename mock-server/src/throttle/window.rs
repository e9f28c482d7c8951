//! A sliding window: how much was used in the last span of `per`.

use std::collections::VecDeque;

use crate::time::{Moment, Span};

/// Uses within the same stretch of time are kept as one. A stretch is the largest power of two of nanoseconds that is at
/// most this fraction of the window: it bounds the memory of a window to twice as many entries, and delays what a busy
/// client regains by at most `per` divided by this.
const STRETCHES: u64 = 1024;

/// Amounts used at moments of the past, those that still count.
///
/// What is used at a moment `t` counts in `[t, t + per)`. Uses that are kept as one count from the first of them until
/// `per` after the last, so that merging never makes room too early.
///
/// What is needed to see whether the oldest entry still counts, and to add to the youngest, lies side by side, so that
/// most calls touch nothing else. Entries hold running sums, so that a wait is found by bisection.
#[derive(Clone, Debug, Default)]
pub(super) struct Window {
    /// The running sum of all that was ever used, modulo 2^64.
    spent: u64,
    /// The running sum of what no longer counts; the same as `spent` if there are no entries.
    expired: u64,
    /// The latest use in the oldest entry; the same as `latest` if the youngest is the only one.
    oldest: Moment,
    /// The latest use in the youngest entry.
    latest: Moment,
    /// Latest use of the other entries, oldest first, with the running sum up to it.
    #[expect(clippy::box_collection, reason = "keeps the machines of millions of mailboxes small")]
    older: Option<Box<VecDeque<(Moment, u64)>>>,
}

impl Window {
    /// Forgets all uses.
    pub(super) fn clear(&mut self) {
        let mut older = self.older.take();
        if let Some(older) = &mut older {
            older.clear();
        }
        *self = Self { older, ..Self::default() };
    }

    /// The amount that counts at `now`; forgets what no longer does.
    #[inline]
    pub(super) fn used(&mut self, now: Moment, per: Span) -> u64 {
        if self.oldest + per <= now && self.spent != self.expired {
            self.expire(now, per);
        }
        self.total()
    }

    /// Whether an amount more stays within a limit at `now`. As long as it does with all that was not forgotten yet,
    /// nothing needs to be forgotten.
    #[inline]
    pub(super) fn has_room(&mut self, now: Moment, per: Span, limit: u64, amount: u64) -> bool {
        amount <= limit.saturating_sub(self.total()) || amount <= limit.saturating_sub(self.used(now, per))
    }

    /// Uses an amount at `now`, which must not be earlier than the last use.
    #[inline]
    pub(super) fn record(&mut self, now: Moment, per: Span, amount: u64) {
        let stretch = (per.0 / STRETCHES).max(1).ilog2();
        let is_new = (self.latest.0 ^ now.0) >> stretch != 0;
        let is_full = |older: &VecDeque<_>| older.len() == older.capacity();
        let grows = is_new && self.older.as_deref().is_some_and(is_full);
        let must_forget = grows || u64::MAX - self.total() < amount;
        let total = if must_forget { self.used(now, per) } else { self.total() };
        // Totals beyond 2^64 cannot be told apart: what does not fit is not counted.
        let amount = amount.min(u64::MAX - total);
        if amount == 0 {
            return;
        }
        if total == 0 {
            self.oldest = now;
        } else if is_new {
            self.older.get_or_insert_default().push_back((self.latest, self.spent));
        } else if self.oldest == self.latest {
            self.oldest = now;
        }
        self.latest = now;
        self.spent = self.spent.wrapping_add(amount);
    }

    /// The first moment at which `amount` more stays within `limit`, if nothing else is used until then; none if it
    /// never does.
    pub(super) fn fits_at(&self, per: Span, limit: u64, amount: u64) -> Option<Moment> {
        let room = limit.checked_sub(amount)?;
        let Some(excess) = self.total().checked_sub(room).filter(|excess| *excess != 0) else {
            return Some(Moment::START);
        };
        let freeing = self.older.as_ref().and_then(|older| {
            let position = older.partition_point(|(_, spent)| spent.wrapping_sub(self.expired) < excess);
            older.get(position)
        });
        Some(freeing.map_or(self.latest, |(latest, _)| *latest) + per)
    }

    fn total(&self) -> u64 {
        self.spent.wrapping_sub(self.expired)
    }

    /// Forgets the entries that no longer count at `now`; there is at least one.
    #[cold]
    fn expire(&mut self, now: Moment, per: Span) {
        if let Some(older) = &mut self.older {
            while let Some(&(latest, spent)) = older.front() {
                if now < latest + per {
                    self.oldest = latest;
                    return;
                }
                older.pop_front();
                self.expired = spent;
            }
        }
        self.oldest = self.latest;
        if self.latest + per <= now {
            self.expired = self.spent;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PER: Span = Span::seconds(10);

    fn entries(window: &Window) -> usize {
        window.older.as_ref().map_or(0, |older| older.len()) + usize::from(window.total() != 0)
    }

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
        assert_eq!(entries(&window), 1);
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
            assert!(entries(&window) as u64 <= 2 * STRETCHES + 2);
        }
    }

    #[test]
    fn a_window_far_below_its_limit_keeps_few_entries_and_forgets_when_asked() {
        let mut window = Window::default();
        for step in 0..200_000_u64 {
            let now = Moment(step * 1_000_000);
            assert!(window.has_room(now, PER, u64::MAX, 1));
            window.record(now, PER, 1);
            assert!(entries(&window) as u64 <= 4 * STRETCHES + 4);
        }
        let now = Moment(199_999_000_000);
        assert!(window.has_room(now, PER, 10_020, 1) && !window.has_room(now, PER, 9_999, 1));
        assert_eq!(window.used(now + PER, PER), 0);
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
