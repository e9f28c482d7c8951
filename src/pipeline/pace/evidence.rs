//! What a refusal tells about a limit on a sum over a span. Pure.
//!
//! The server of a sliding window announces how long it takes until the oldest use leaves the window. Whoever remembers
//! what was used when can tell how long the window is: before the use that is to leave there must be a gap of at least
//! the announced wait, else something older would leave sooner; and no earlier stretch of that length can have held more
//! than the one that was refused, else that would have been refused before.

use std::collections::VecDeque;
use std::collections::vec_deque::Iter;

use mock_server::time::{Moment, Span};

/// What was used in a short stretch of time.
#[derive(Copy, Clone, PartialEq, Eq, Debug)]
pub(super) struct Booking {
    /// Its first use.
    pub(super) first: Moment,
    /// Its last use.
    pub(super) last: Moment,
    /// How much.
    pub(super) units: u64,
    /// How much of it was refused.
    pub(super) refused: u64,
}

/// A window that would explain a refusal.
#[derive(Copy, Clone, PartialEq, Eq, Debug)]
pub(super) struct Hypothesis {
    /// When the refused call went.
    pub(super) at: Moment,
    /// When the refusal expects calls again.
    pub(super) reopens: Moment,
    /// What fits into the window.
    pub(super) limit: u64,
    /// The shortest span that explains the refusal.
    pub(super) shortest: Span,
    /// The longest one.
    pub(super) longest: Span,
}

/// Unevenness that two worlds of clocks and lines bring into what was announced, as a share (assumed).
const TOLERANCE: u64 = 16;

impl Hypothesis {
    /// The most plausible explanation of a refusal with an announced wait, by what was used until then; none if none is
    /// plausible. `units` is what the refused call itself would have used; `complete` says whether nothing was used
    /// before the first booking.
    pub(super) fn of(uses: &VecDeque<Booking>, complete: bool, at: Moment, wait: Span, units: u64) -> Option<Self> {
        let grain = grain(wait);
        if wait <= grain {
            // The wait is anything up to its grain: that tells nothing about gaps.
            return None;
        }
        let gap = Span(wait.saturating_sub(grain).0 / TOLERANCE * (TOLERANCE - 1));
        let end = uses.partition_point(|booking| booking.first <= at);
        let starts = (0..end)
            .rev()
            .filter(|&place| if place == 0 { complete } else { uses[place].first.since(uses[place - 1].last) >= gap });
        starts.take(MOST_TRIED).find_map(|place| {
            let longest = at.since(uses[place].first) + wait;
            let used: u64 = uses.range(place..end).map(|booking| booking.units).sum();
            let limit = used.saturating_sub(units);
            let most = limit + limit / TOLERANCE + units;
            let shortest = longest.saturating_sub(grain) + Span(1);
            let reopens = at + wait.saturating_sub(grain);
            let found = Self { at, reopens, limit, shortest, longest };
            (limit > 0 && never_held_more(uses.range(..end), found.span(), most)).then_some(found)
        })
    }

    /// A window of a second that would explain a refusal whose wait was rounded up to a second, which tells nothing about
    /// longer windows.
    pub(super) fn of_a_second(uses: &VecDeque<Booking>, at: Moment, units: u64) -> Option<Self> {
        let second = Span::seconds(1);
        let begin = uses.partition_point(|booking| booking.last + second <= at);
        let end = uses.partition_point(|booking| booking.first <= at);
        let used: u64 = uses.range(begin..end).map(|booking| booking.units).sum();
        let limit = used.saturating_sub(units);
        let most = limit + limit / TOLERANCE + units;
        let found = Self { at, reopens: at + second, limit, shortest: second, longest: second };
        (limit > 0 && never_held_more(uses.range(..end), second, most)).then_some(found)
    }

    /// Both, if they can be the same window; what is newer counts for the limit.
    pub(super) fn agree(&self, newer: &Self) -> Option<Self> {
        let slack = Span(newer.longest.0 / TOLERANCE / TOLERANCE);
        let shortest = self.shortest.max(newer.shortest);
        let longest = self.longest.min(newer.longest);
        let alike = self.limit.abs_diff(newer.limit) <= self.limit.max(newer.limit) / 4;
        let together = shortest <= longest + slack && alike;
        together.then_some(Self { shortest: shortest.min(longest), longest, ..*newer })
    }

    /// The roundest span that explains the refusal: people who set limits choose round numbers.
    pub(super) fn span(&self) -> Span {
        let (shortest, longest) = (self.shortest, self.longest);
        let fitting = ROUND.iter().map(|grain| Span(longest.0 / grain.0 * grain.0));
        fitting.into_iter().find(|span| *span + guard(*span) >= shortest && *span > Span::ZERO).unwrap_or(longest)
    }
}

/// What uses may count longer than a span as far as refusals tell: servers book together what comes close together
/// (assumed).
const fn guard(span: Span) -> Span {
    Span(span.0 / 512)
}

/// How much sooner after it was sent a call may reach the server than the one did whose place it takes: lines are uneven,
/// and programs on either side of them wait for their turn (assumed).
const UNEVENNESS: Span = Span::milliseconds(50);

/// The part of a span that is given away for unevenness at most (assumed: a refusal costs half a second on average, which
/// is what is given away in ten spans or more).
const GIVEN_AWAY: u64 = 128;

/// How much longer than its span a use is kept on our own account.
pub(super) fn margin(span: Span) -> Span {
    guard(span).max(UNEVENNESS.min(Span(span.0 / GIVEN_AWAY)))
}

/// Gaps that are tried as the beginning of a window, the latest first; bounds the time that a refusal takes.
const MOST_TRIED: usize = 16;

/// Round spans, the roundest first.
const ROUND: [Span; 8] = [
    Span::seconds(3_600),
    Span::seconds(600),
    Span::seconds(300),
    Span::seconds(60),
    Span::seconds(30),
    Span::seconds(10),
    Span::seconds(5),
    Span::seconds(1),
];

/// How finely a wait is announced: `Retry-After` counts whole seconds, rounded up, EWS whole milliseconds.
fn grain(wait: Span) -> Span {
    if wait.0.is_multiple_of(Span::seconds(1).0) { Span::seconds(1) } else { Span::milliseconds(1) }
}

/// Whether no stretch of `per` let more than `most` in.
fn never_held_more(uses: Iter<'_, Booking>, per: Span, most: u64) -> bool {
    let (mut held, mut oldest) = (0, uses.clone());
    let let_in = |booking: &Booking| booking.units - booking.refused;
    for booking in uses {
        held += let_in(booking);
        let mut next = oldest.clone();
        while let Some(old) = next.next().filter(|old| old.first + per <= booking.last) {
            held -= let_in(old);
            oldest = next.clone();
        }
        if held > most {
            return false;
        }
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    fn uses(at: &[(u64, u64)]) -> VecDeque<Booking> {
        let booking = |&(milliseconds, units): &(u64, u64)| {
            let at = Moment::START + Span::milliseconds(milliseconds);
            Booking { first: at, last: at, units, refused: 0 }
        };
        at.iter().map(booking).collect()
    }

    fn check(at: &[(u64, u64)], wait: u64, expect: Option<(u64, u64)>) {
        let uses = uses(at);
        let last = uses.back().expect("there are uses").last;
        let found = Hypothesis::of(&uses, true, last, Span::seconds(wait), 1);
        assert_eq!(found.map(|found| (found.limit, found.span())), expect.map(|(limit, s)| (limit, Span::seconds(s))));
    }

    #[test]
    fn a_first_burst_shows_what_fits_and_how_long_it_counts() {
        check(&[(0, 10), (400, 11)], 10, Some((20, 10)));
        check(&[(0, 500), (8_000, 501)], 592, Some((1_000, 600)));
    }

    #[test]
    fn a_wait_that_is_a_little_too_long_still_tells_of_a_round_span() {
        check(&[(0, 100), (1_004, 101)], 10, Some((200, 10)));
    }

    #[test]
    fn what_came_long_before_a_burst_is_not_in_its_window() {
        check(&[(0, 1), (700_000, 50), (701_000, 51)], 9, Some((100, 10)));
    }

    #[test]
    fn a_refusal_amid_less_than_passed_before_is_explained_by_the_whole_past_only() {
        check(&[(0, 100), (60_000, 3)], 10, Some((102, 70)));
        check(&[(0, 100), (80_000, 50), (140_000, 3)], 10, Some((152, 150)));
    }
}
