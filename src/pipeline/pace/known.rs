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

/// A trial goes where rounding adds about this part of a second to the wait of its refusal (assumed: more than lines and
/// clocks are uneven by).
const CLOSE: u64 = 16;

/// Where more than this part of a window has left it by the server's account, though not by ours, which is more careful,
/// more would pass and prove nothing (assumed).
const EMPTY: u64 = 16;

/// What a refusal costs at least, so that trials that cost next to nothing are rare nevertheless (assumed).
const LEAST_COST: Span = Span::milliseconds(500);

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
        if used + units <= self.limit || used == 0 {
            return now;
        }
        let trial = self.when_on_trial(uses, now, units);
        if trial <= now {
            return now;
        }
        for booking in uses.range(self.oldest..) {
            used -= booking.units;
            if used + units <= self.limit || used == 0 {
                return trial.min(booking.last + self.per);
            }
        }
        now
    }

    /// When `units` may go on trial. A refusal rounds the wait up; where uses came in a burst, the moment can be chosen at
    /// which hardly anything is added, so that a trial that fails costs next to nothing.
    fn when_on_trial(&self, uses: &VecDeque<Booking>, now: Moment, units: u64) -> Moment {
        let next = self.trials.next().max(now);
        let at = if self.trials.room(now, units) > 0 { now } else { next };
        if self.used + units > self.limit.saturating_add(self.trials.room(at, units)) {
            return Moment::NEVER;
        }
        let span = self.why.span();
        let gone = uses.range(self.oldest..).take_while(|booking| booking.first + span <= at);
        if gone.map(|booking| booking.units).sum::<u64>() > self.limit / EMPTY {
            return Moment::NEVER;
        }
        let Some(oldest) = uses.get(self.oldest).filter(|_| !self.trials.under_way()) else { return at };
        let left = (oldest.first + span).since(at);
        let (whole, rest) = (left.0 / LONGEST_ROUNDING.0, left.0 % LONGEST_ROUNDING.0);
        let nearly = LONGEST_ROUNDING.0 - LONGEST_ROUNDING.0 / CLOSE;
        if whole == 0 || rest >= nearly { at } else { at + Span(rest + LONGEST_ROUNDING.0 / CLOSE) }
    }

    /// What a wait costs that was announced for a call that went at a moment: what rounding added to the time after which
    /// there was room, if that explains it.
    fn cost(&self, uses: &VecDeque<Booking>, at: Moment, wait: Span) -> Span {
        let most = wait.min(LONGEST_ROUNDING);
        let span = self.why.span();
        let oldest = uses.partition_point(|booking| booking.first + span <= at);
        let Some(oldest) = uses.get(oldest) else { return most };
        let added = wait.0.checked_sub((oldest.first + span).since(at).0).map(Span);
        added.map_or(most, |added| added.max(LEAST_COST).min(most))
    }

    /// A call was refused that went in this window.
    pub(super) fn refused(&mut self, uses: &VecDeque<Booking>, mark: Mark, now: Moment, wait: Span) {
        let fits = (mark.used - mark.units).max(1);
        if (fits as f64) < self.limit as f64 * MISFIT && self.misfit.is_none_or(|reopens| mark.at() < reopens) {
            self.misfit.get_or_insert(mark.at() + wait);
            return;
        }
        self.misfit = None;
        self.limit = self.limit.min(fits);
        // The window goes on moving during a wait; what is lost is what rounding adds to it.
        let cost = self.cost(uses, mark.at(), wait);
        self.trials.refused(mark.used, now, cost, wait.min(LONGEST_ROUNDING));
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
