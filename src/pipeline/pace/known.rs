//! A limit that was found out: how much may be used in which span, kept on our own account. Pure.

use std::collections::VecDeque;

use mock_server::time::{Moment, Span};

use super::evidence::{Booking, Hypothesis};
use super::learned::Mark;
use super::trial::Trials;

/// A refusal at less than this share of what was known to pass is no limit of this kind, unless the next one is alike.
const MISFIT: f64 = 0.4;

/// A window is full where less than this part of it is free, and clearly shorter where it is by this part (assumed).
const FULL: u64 = 8;

/// What rounding adds to an announced wait at most: `Retry-After` counts whole seconds.
pub(super) const LONGEST_ROUNDING: Span = Span::seconds(1);

/// A window that is known.
#[derive(Clone, Debug)]
pub(super) struct Known {
    /// What fits into it.
    pub(super) limit: u64,
    /// What made it known.
    pub(super) why: Hypothesis,
    /// How long uses count: the span and a little for unevenness on the way.
    pub(super) per: Span,
    /// What counts at present.
    pub(super) used: u64,
    /// The first booking of it.
    pub(super) oldest: usize,
    /// When there is to be more.
    pub(super) trials: Trials,
    /// When a refusal that is not of this kind, it seems, expected calls again.
    pub(super) misfit: Option<Moment>,
    /// The shorter window that the last refusal while this one was full suggests.
    pub(super) shorter: Option<Hypothesis>,
}

impl Known {
    /// When `units` may be used.
    pub(super) fn when(&mut self, uses: &VecDeque<Booking>, now: Moment, units: u64) -> Moment {
        while let Some(booking) = uses.get(self.oldest)
            && booking.last + self.per <= now
        {
            self.used -= booking.units;
            self.oldest += 1;
        }
        let mut used = self.used;
        if used + units <= self.limit
            || used == 0
            || used + units <= self.limit.saturating_add(self.trials.room(now, units))
        {
            return now;
        }
        for booking in uses.range(self.oldest..) {
            used -= booking.units;
            if used + units <= self.limit || used == 0 {
                return booking.last + self.per;
            }
        }
        now
    }

    /// A call was refused that went in this window.
    pub(super) fn refused(&mut self, mark: Mark, now: Moment, wait: Span) {
        let fits = (mark.used - mark.units).max(1);
        if (fits as f64) < self.limit as f64 * MISFIT && self.misfit.is_none_or(|reopens| mark.at() < reopens) {
            self.misfit.get_or_insert(mark.at() + wait);
            return;
        }
        self.misfit = None;
        self.limit = self.limit.min(fits);
        // The window goes on moving during a wait; what is lost is what rounding adds to it.
        self.trials.refused(mark.used, now, wait.min(LONGEST_ROUNDING));
    }

    /// Whether it was full when a call went.
    pub(super) fn was_full(&self, mark: Mark) -> bool {
        mark.used > self.limit - self.limit / FULL
    }

    /// A shorter window than the one that is known, if the refusals of two calls that went while it was full suggest the
    /// same one, however long ago the first: these are rare once a limit is known, and a window that is too long never
    /// shows itself in any other way.
    pub(super) fn shortened(&mut self, mark: Mark, hypothesis: Hypothesis) -> Option<Hypothesis> {
        let clearly = Span(self.why.shortest.0 / FULL * (FULL - 1));
        if hypothesis.longest >= clearly {
            self.shorter = None;
            return None;
        }
        // All that the known window held must lie in the shorter one: then it was not the known one that reopens so soon.
        if hypothesis.limit < mark.used - mark.units {
            return None;
        }
        let before = self.shorter.replace(hypothesis)?;
        // Calls that went together are refused together.
        if hypothesis.at < before.reopens { None } else { before.agree(&hypothesis) }
    }
}
