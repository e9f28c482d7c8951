//! A token bucket of whole amounts, exact to the nanosecond.

use crate::time::{Moment, Span};

/// The numbers of a bucket.
#[derive(Copy, Clone, Debug)]
pub(super) struct Terms {
    /// Most that it holds.
    pub(super) burst: u64,
    /// What comes back in every `per`.
    pub(super) refill: u64,
    /// The span that the refill refers to.
    pub(super) per: Span,
}

/// What one bucket holds.
#[derive(Clone, Debug)]
pub(super) struct Bucket {
    /// The amount times the nanoseconds of `per`, so that refilling is exact. Below zero where refused calls count.
    level: i128,
    at: Moment,
}

impl Terms {
    fn exact(self, amount: u64) -> i128 {
        i128::from(amount).saturating_mul(i128::from(self.per.0.max(1)))
    }
}

impl Bucket {
    /// A full bucket.
    pub(super) fn new(terms: Terms) -> Self {
        Self { level: terms.exact(terms.burst), at: Moment::START }
    }

    /// Whether it holds an amount at `now`.
    pub(super) fn holds(&mut self, now: Moment, terms: Terms, amount: u64) -> bool {
        let gained = i128::from(now.since(self.at).0).saturating_mul(i128::from(terms.refill));
        self.level = self.level.saturating_add(gained).min(terms.exact(terms.burst));
        self.at = self.at.max(now);
        terms.exact(amount) <= self.level
    }

    /// Takes an amount as of the last question. The debt is at most one burst, so that a client that hammers is let in
    /// again after the time in which two bursts come back (the bound is assumed).
    pub(super) fn take(&mut self, terms: Terms, amount: u64) {
        self.level = self.level.saturating_sub(terms.exact(amount)).max(-terms.exact(terms.burst));
    }

    /// What is missing from a full bucket, rounded up.
    pub(super) fn used(&self, terms: Terms) -> u64 {
        let missing = (terms.exact(terms.burst) - self.level).max(0);
        let per = i128::from(terms.per.0.max(1));
        u64::try_from(missing / per + i128::from(missing % per != 0)).unwrap_or(u64::MAX)
    }

    /// The time from the last question until it holds an amount; none if it never does.
    pub(super) fn wait(&self, terms: Terms, amount: u64) -> Option<Span> {
        let missing = (terms.exact(amount) - self.level).max(0);
        if terms.burst < amount || (terms.refill == 0 && missing > 0) {
            return None;
        }
        let rate = i128::from(terms.refill.max(1));
        u64::try_from(missing / rate + i128::from(missing % rate != 0)).ok().map(Span)
    }
}
