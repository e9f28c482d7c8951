//! A limit on a sum over a span that nobody told us: found out by being refused, then kept on our own account. Pure.
//!
//! As long as nothing is known, everything goes and is remembered. A refusal suggests a window (see
//! `evidence`); a second one that suggests the same window makes it known. From then on at most what was let in
//! goes in any span, so refusals cease. Now and then a call more goes on trial ([`super::trial`]), by which a limit that
//! has grown is found; one that has shrunk refuses what is known to pass, and then at most what was let in counts.

use std::collections::VecDeque;

use mock_server::time::{Moment, Span};

use super::evidence::{Booking, Hypothesis, margin};
use super::known::{Known, LONGEST_ROUNDING};
use super::trial::Trials;

/// Into how many parts a known span is divided: uses within one part are booked together and leave the window with the
/// last of them, which costs at most this share of throughput.
const PARTS: u64 = 256;

/// Most stretches of use that are remembered while nothing is known; beyond it, neighbors are booked together. Few, as
/// most mailboxes never meet a limit.
const FEW_BOOKINGS: usize = 128;

/// Most stretches of use that are remembered of a window that is known.
const MOST_BOOKINGS: usize = 512;

/// What was used in a window at the moment at which a call went.
#[derive(Copy, Clone, PartialEq, Eq, Default, Debug)]
pub struct Mark {
    at: Moment,
    /// What the call used.
    pub(super) units: u64,
    /// What the window held, the call included.
    pub(super) used: u64,
    /// Which window it was: it changes whenever another span is found.
    window: u32,
}

/// What is known of a refusal beside the wait that it announces.
#[derive(Copy, Clone, PartialEq, Eq, Debug)]
pub struct Refused {
    /// Whether refused calls use something up nevertheless; if not, what the call used is given back.
    pub counts: bool,
    /// Whether it is certain that it is this limit; if not, a second refusal has to say the same.
    pub sure: bool,
}

/// A limit on a sum over a span.
#[derive(Clone, Debug)]
pub struct Learned {
    /// Uses before this moment join the last booking, which need not be looked at to know that.
    closes: Moment,
    uses: VecDeque<Booking>,
    /// Whether all uses ever are still remembered.
    complete: bool,
    /// Whether a refusal ever asked for a longer wait than rounding can explain.
    waited: bool,
    grain: Span,
    window: u32,
    suspected: Option<Hypothesis>,
    known: Option<Box<Known>>,
}

impl Default for Learned {
    fn default() -> Self {
        Self {
            closes: Moment::START,
            uses: VecDeque::new(),
            complete: true,
            waited: false,
            grain: Span::milliseconds(1),
            window: 0,
            suspected: None,
            known: None,
        }
    }
}

impl Mark {
    /// When the call went.
    #[must_use]
    pub fn at(&self) -> Moment {
        self.at
    }
}

impl Learned {
    /// When `units` may be used: now, or the moment to ask again. More than the whole limit is let through once nothing
    /// else counts, as no waiting would help.
    #[inline]
    pub fn when(&mut self, now: Moment, units: u64) -> Moment {
        match &mut self.known {
            Some(known) => known.when(&self.uses, now, units),
            None => now,
        }
    }

    /// Books units as used.
    #[inline]
    pub fn spend(&mut self, now: Moment, units: u64) -> Mark {
        match self.uses.back_mut() {
            Some(booking) if now < self.closes => {
                booking.last = now;
                booking.units += units;
            }
            _ => self.book(now, units),
        }
        let mut used = 0;
        if let Some(known) = &mut self.known {
            known.used += units;
            used = known.used;
            if used > known.limit {
                known.trials.begin(units);
            }
        }
        Mark { at: now, units, used, window: self.window }
    }

    fn book(&mut self, now: Moment, units: u64) {
        let most = if self.known.is_some() { MOST_BOOKINGS } else { FEW_BOOKINGS };
        if self.uses.len() >= most {
            self.make_room(now);
        }
        self.uses.push_back(Booking { first: now, last: now, units, refused: 0 });
        self.closes = now + self.grain;
    }

    /// Forgets what no longer helps to explain anything, or remembers more coarsely.
    #[cold]
    fn make_room(&mut self, now: Moment) {
        if let Some(known) = &mut self.known {
            let old = self
                .uses
                .partition_point(|booking| booking.last + known.per + Span(known.per.0 / 2) <= now)
                .min(known.oldest);
            if old > 0 {
                self.uses.drain(..old);
                self.complete = false;
                known.oldest -= old;
                return;
            }
        }
        self.grain = self.grain * 2;
        let mut coarse: VecDeque<Booking> = VecDeque::with_capacity(self.uses.len());
        let oldest = self.known.as_ref().map_or(0, |known| known.oldest);
        let mut counted_from = 0;
        for (place, booking) in self.uses.iter().enumerate() {
            match coarse.back_mut() {
                // What counts is never booked together with what no longer does.
                Some(last) if place != oldest && booking.last.since(last.first) < self.grain => {
                    last.last = booking.last;
                    last.units += booking.units;
                    last.refused += booking.refused;
                }
                _ => coarse.push_back(*booking),
            }
            if place == oldest {
                counted_from = coarse.len() - 1;
            }
        }
        if let Some(known) = &mut self.known
            && known.oldest < self.uses.len()
        {
            known.oldest = counted_from;
        } else if let Some(known) = &mut self.known {
            known.oldest = coarse.len();
        }
        self.uses = coarse;
    }

    /// A call passed. Whether more may go than before.
    #[inline]
    pub fn passed(&mut self, mark: Mark) -> bool {
        let Some(known) = &mut self.known else { return false };
        known.trials.passed();
        if mark.window == self.window {
            if mark.used >= known.limit && self.suspected.is_some_and(|other| other.longest < known.per) {
                self.suspected = None;
            }
            if mark.used > known.limit / 2 {
                known.misfit = None;
            }
            if mark.used > known.limit && known.trials.succeeded(mark.used) {
                known.limit = mark.used;
                return true;
            }
        }
        false
    }

    /// Whether the window was full when a call went, so that this limit explains its refusal.
    #[must_use]
    pub fn explains(&self, mark: Mark) -> bool {
        mark.window == self.window && self.known.as_ref().is_some_and(|known| known.was_full(mark))
    }

    /// The window that is known, if it was full when a call went.
    fn full_at(&mut self, mark: Mark) -> Option<&mut Known> {
        let window = self.window;
        self.known.as_deref_mut().filter(|known| mark.window == window && known.was_full(mark))
    }

    /// Whether a call went within what is known to pass, not on trial.
    #[cfg(test)]
    pub(super) fn fits(&self, mark: Mark) -> bool {
        self.known.as_ref().is_none_or(|known| mark.used <= known.limit)
    }

    /// A call came to an end that says nothing about this limit.
    pub fn dropped(&mut self, mark: Mark) {
        if let Some(known) = &mut self.known
            && mark.used > known.limit
        {
            known.trials.dropped();
        }
    }

    /// A call was refused by a limit of this kind that announces a wait.
    pub fn refused(&mut self, mark: Mark, now: Moment, wait: Option<Span>, how: Refused) {
        let wait = wait.unwrap_or_default();
        if wait > LONGEST_ROUNDING {
            self.waited = true;
            // A window of a second never asks for more.
            self.known = self.known.take().filter(|known| known.why.longest > LONGEST_ROUNDING);
        }
        let hypothesis = if self.known.is_none() && !self.waited && wait == LONGEST_ROUNDING {
            Hypothesis::of_a_second(&self.uses, mark.at, mark.units)
        } else {
            Hypothesis::of(&self.uses, self.complete, mark.at, wait, mark.units)
        };
        self.mark_refused(mark, how.counts);
        if let Some(known) = &mut self.known
            && mark.window == self.window
        {
            known.refused(&self.uses, mark, now, wait);
        }
        let Some(hypothesis) = hypothesis else { return };
        if let Some(shorter) = self.full_at(mark).and_then(|known| known.shortened(mark, hypothesis)) {
            self.know(shorter);
            return;
        }
        if let Some(known) = &self.known {
            let fits = known.why.shortest <= hypothesis.longest && hypothesis.shortest <= known.why.longest;
            // A window that is longer than the one that is known asks for longer waits, at least now and then.
            let longer = hypothesis.shortest > known.why.longest;
            if fits {
                self.suspected = None;
            }
            if fits || (longer && wait <= known.per) {
                return;
            }
        }
        self.suspect(hypothesis, how.sure && self.known.is_none());
    }

    /// Compares a suspicion with the one before.
    fn suspect(&mut self, hypothesis: Hypothesis, sure: bool) {
        // Calls that went together are refused together and say the same, the first of them best.
        let together = self.suspected.filter(|before| hypothesis.at < before.reopens);
        let agreed = match (together, self.suspected) {
            (Some(before), _) => sure.then_some(before),
            (None, _) if sure => Some(hypothesis),
            (None, before) => before
                .and_then(|before| before.agree(&hypothesis))
                .filter(|_| self.known.is_none() || self.is_fresh(&hypothesis)),
        };
        if together.is_none() {
            self.suspected = Some(hypothesis);
        }
        if let Some(why) = agreed {
            self.suspected = None;
            self.know(why);
        }
    }

    /// Whether the suspicion before is not much older than the window that it suggests.
    fn is_fresh(&self, newer: &Hypothesis) -> bool {
        self.suspected.is_some_and(|before| newer.at.since(before.reopens) <= before.longest * 2)
    }

    fn know(&mut self, why: Hypothesis) {
        let span = why.span();
        let per = span + margin(span);
        let oldest = self.uses.partition_point(|booking| booking.last + per <= why.at);
        let used = self.uses.range(oldest..).map(|booking| booking.units).sum();
        self.window += 1;
        self.grain = Span((span.0 / PARTS).max(1));
        self.closes = self.uses.back().map_or(Moment::START, |booking| booking.first + self.grain);
        let trials = Trials::default();
        self.known =
            Some(Box::new(Known { limit: why.limit, why, per, used, oldest, trials, misfit: None, shorter: None }));
    }

    /// Remembers that a use was refused, and gives it back unless it counts nevertheless.
    fn mark_refused(&mut self, mark: Mark, counts: bool) {
        let place = self.uses.partition_point(|booking| booking.last < mark.at);
        let Some(booking) = self.uses.get_mut(place).filter(|booking| booking.first <= mark.at) else { return };
        let units = mark.units.min(booking.units - booking.refused);
        if counts {
            booking.refused += units;
            return;
        }
        booking.units -= units;
        if let Some(known) = &mut self.known
            && place >= known.oldest
        {
            known.used -= units;
        }
    }

    /// What is known to fit, and into which span.
    #[must_use]
    pub fn known(&self) -> Option<(u64, Span)> {
        self.known.as_ref().map(|known| (known.limit, known.why.span()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const PERHAPS: Refused = Refused { counts: true, sure: false };

    /// A server that lets `limit` calls in within any span of `per`, counts refused ones as well, and announces whole
    /// seconds.
    struct Server {
        limit: usize,
        per: Span,
        uses: VecDeque<Moment>,
    }

    impl Server {
        fn ask(&mut self, now: Moment) -> Result<(), Span> {
            while self.uses.front().is_some_and(|at| *at + self.per <= now) {
                self.uses.pop_front();
            }
            self.uses.push_back(now);
            let over = self.uses.len().saturating_sub(self.limit);
            if over == 0 {
                return Ok(());
            }
            Err(Span::seconds((self.uses[over - 1] + self.per).since(now).as_seconds_up()))
        }
    }

    /// A client that asks as often as every 10 ms, for some time. Returns how many calls passed and how many did not.
    fn play(learned: &mut Learned, server: &mut Server, now: &mut Moment, time: Span) -> (u64, u64) {
        let (mut passed, mut refused) = (0, 0);
        let end = *now + time;
        while *now < end {
            let at = learned.when(*now, 1);
            if at > *now {
                *now = at;
                continue;
            }
            let mark = learned.spend(*now, 1);
            *now += Span::milliseconds(10);
            match server.ask(mark.at) {
                Ok(()) => {
                    learned.passed(mark);
                    passed += 1;
                }
                Err(wait) => {
                    learned.refused(mark, *now, Some(wait), PERHAPS);
                    *now = (mark.at + wait).max(*now);
                    refused += 1;
                }
            }
        }
        (passed, refused)
    }

    fn server(limit: usize, per: u64) -> Server {
        Server { limit, per: Span::seconds(per), uses: VecDeque::new() }
    }

    #[test]
    fn a_window_is_found_by_two_refusals_and_then_kept() {
        for (limit, per) in [(50, 1), (20, 2), (200, 10), (300, 30), (1_000, 60), (10_000, 600)] {
            let (mut learned, mut server, mut now) = (Learned::default(), server(limit, per), Moment::START);
            let windows = 40_000 / limit as u64;
            let (passed, refused) = play(&mut learned, &mut server, &mut now, Span::seconds(windows * per));
            assert!(passed >= 38_800, "{limit}/{per} s: {passed} of 40000 passed, {refused} refused");
            assert!(refused * 200 <= passed, "{limit}/{per} s: {refused} of {passed} refused");
            assert_eq!(learned.known().map(|(_, span)| span), Some(Span::seconds(per)), "{limit}/{per} s");
        }
    }

    #[test]
    fn a_window_that_is_taken_for_a_longer_one_is_found_out() {
        let (mut learned, mut server, mut now) = (Learned::default(), server(20, 5), Moment::START);
        play(&mut learned, &mut server, &mut now, Span::seconds(4));
        let longest = Span::seconds(25);
        learned.know(Hypothesis { at: now, reopens: now, limit: 20, shortest: longest, longest });
        play(&mut learned, &mut server, &mut now, Span::seconds(1_500));
        assert_eq!(learned.known().map(|(_, span)| span), Some(Span::seconds(5)));
        let (passed, _) = play(&mut learned, &mut server, &mut now, Span::seconds(500));
        assert!(passed >= 1_900, "{passed} of 2000 passed");
    }

    #[test]
    fn a_window_that_changes_is_followed_within_a_minute() {
        let (mut learned, mut server, mut now) = (Learned::default(), server(200, 10), Moment::START);
        play(&mut learned, &mut server, &mut now, Span::seconds(600));
        for limit in [100, 200, 400, 50] {
            server.limit = limit;
            play(&mut learned, &mut server, &mut now, Span::seconds(60));
            let (passed, _) = play(&mut learned, &mut server, &mut now, Span::seconds(200));
            assert!(passed as usize >= limit * 19, "{limit}/10 s: {passed}");
        }
    }

    #[test]
    fn more_is_tried_when_rounding_adds_least_to_the_wait() {
        let (mut learned, per) = (Learned::default(), Span::seconds(10));
        let begin = Moment::START;
        learned.know(Hypothesis { at: begin, reopens: begin, limit: 20, shortest: per, longest: per });
        for place in 0..20 {
            let mark = learned.spend(begin + Span::milliseconds(10) * place, 1);
            learned.passed(mark);
        }
        let at = learned.when(begin + Span::milliseconds(200), 1);
        assert!(at < begin + Span::milliseconds(1_200), "{} s", at.as_seconds());
        let wait = (begin + per).since(at);
        let added = Span::seconds(wait.as_seconds_up()).saturating_sub(wait);
        assert!(added < Span::milliseconds(100), "{} s", added.as_seconds());
    }

    proptest! {
        #[test]
        fn refusals_by_chance_do_not_stop_anybody(chance in prop::collection::vec(0u32..100, 2_000), wait in 1u64..30) {
            let (mut learned, mut now) = (Learned::default(), Moment::START);
            for luck in chance {
                let at = learned.when(now, 1);
                prop_assert!(at <= now + Span::seconds(3_600));
                now = at;
                let mark = learned.spend(now, 1);
                now += Span::milliseconds(20);
                if luck < 3 {
                    learned.refused(mark, now, Some(Span::seconds(wait)), PERHAPS);
                    now += Span::seconds(wait);
                } else {
                    learned.passed(mark);
                }
            }
            let busy = now.since(Moment::START).as_seconds();
            // 40 s of calls and 60 waits, give or take.
            prop_assert!(busy < 2.0 * (40.0 + 100.0 * wait as f64), "{busy} s");
        }
    }
}
