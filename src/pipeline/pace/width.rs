//! How many calls may be in progress at once where nobody says how many: found by being refused, tried again now and
//! then. Pure.
//!
//! | what happened | what follows |
//! | --- | --- |
//! | a call was refused for the crowd | one place less than it would have had, or as many as are still in progress |
//! | many calls passed since | one call more than known to pass goes on trial |
//! | a call on trial passed | its place is usable, and twice as many go on trial |
//! | a call on trial was refused | nothing is lost but that call; the next trial comes later, and not while that call waits |
//!
//! A call that was refused waits for as long as its refusal announces, and often the call on trial takes the place of
//! another, which then waits as well. The others go on meanwhile, in further rounds of copying if need be, so a refusal
//! costs next to nothing but the call. What is left is that callers are missing where there are hardly more of them than
//! places, and that the last round of a mailbox ends when the wait does. So trials come once a minute however long the
//! waits, as long as the rounds that may be under way last longer; and a limit that has grown is found within a minute.

use mock_server::time::{Moment, Span};

use super::trial::Trials;

/// How long others go on while a call waits (assumed: five rounds of a page of 512 changes at 80 a second).
const COVERED: Span = Span::seconds(30);

/// The most that such a wait costs (assumed: half a second is more than was measured with one caller more than places).
const AT_MOST: Span = Span::seconds(1);

/// What a refusal for the crowd costs that asks for a wait.
fn cost(wait: Span) -> Span {
    wait.min(AT_MOST) + Span(wait.0.saturating_sub(COVERED.0))
}

/// How many calls may be in progress at once.
#[expect(clippy::struct_field_names, reason = "the width is what it is about")]
#[derive(Clone, Debug)]
pub struct Width {
    in_progress: u32,
    width: u32,
    widest: u32,
    trials: Trials,
}

impl Width {
    /// A width that begins at its widest.
    #[must_use]
    pub fn new(widest: u32) -> Self {
        Self { in_progress: 0, width: widest, widest, trials: Trials::default() }
    }

    /// Whether one more call may go.
    #[must_use]
    #[inline]
    pub fn has_room(&self, now: Moment) -> bool {
        self.in_progress < self.width || (self.in_progress < self.widest && self.tries(now))
    }

    fn tries(&self, now: Moment) -> bool {
        self.trials.room(now, 1) > 0
    }

    /// A call goes. Returns its place: how many are in progress then.
    #[inline]
    pub fn start(&mut self) -> u32 {
        self.in_progress += 1;
        if self.in_progress > self.width {
            self.trials.begin(1);
        }
        self.in_progress
    }

    /// A call that went with a place has ended, other than by this limit.
    #[inline]
    pub fn passed(&mut self, place: u32) {
        self.in_progress -= 1;
        if self.width < self.widest {
            self.trials.passed();
            if place > self.width && self.trials.succeeded(u64::from(place)) {
                self.width = place;
            }
        }
    }

    /// A call that went with a place was refused for the crowd and waits until a moment.
    pub fn refused(&mut self, place: u32, now: Moment, until: Moment) {
        self.in_progress -= 1;
        let cost = cost(until.since(now));
        self.trials.refused(u64::from(place), now, cost, cost);
        self.trials.rest(until);
        if place > self.width {
            return;
        }
        // Calls overtake each other: of a crowd that goes together, not the first ones need have been let in.
        self.width = (place - 1).max(self.in_progress).clamp(1, self.width);
    }

    /// A call that went with a place was refused for another reason.
    pub fn dropped(&mut self, place: u32) {
        self.in_progress -= 1;
        if place > self.width {
            self.trials.dropped();
        }
    }

    /// Calls in progress.
    #[must_use]
    pub fn in_progress(&self) -> u32 {
        self.in_progress
    }

    /// Calls that may be in progress at once, those on trial aside.
    #[must_use]
    pub fn width(&self) -> u32 {
        self.width
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Plays a server that lets `limit` calls in at once, of each crowd those that come first, and returns the width and
    /// the refusals after `calls` calls.
    fn play(width: &mut Width, now: &mut Moment, limit: u32, calls: u32) -> u32 {
        let (mut done, mut refused) = (0, 0);
        while done < calls {
            *now += Span::milliseconds(100);
            let mut going = Vec::new();
            while width.has_room(*now) {
                going.push(width.start());
            }
            let let_in = going.len().min(limit as usize);
            for &place in &going[let_in..] {
                width.refused(place, *now, *now + Span::seconds(1));
                refused += 1;
            }
            for &place in &going[..let_in] {
                width.passed(place);
                done += 1;
            }
        }
        refused
    }

    #[test]
    fn the_width_settles_at_what_is_let_in_and_is_seldom_refused() {
        let (mut width, mut now) = (Width::new(16), Moment::START);
        let refused = play(&mut width, &mut now, 4, 10_000);
        assert_eq!(width.width(), 4);
        assert!(refused < 60, "{refused}");
        let mut width = Width::new(4);
        assert_eq!(play(&mut width, &mut now, 4, 1_000), 0);
    }

    #[test]
    fn a_limit_that_halves_or_doubles_is_found_within_a_minute() {
        let (mut width, mut now) = (Width::new(64), Moment::START);
        play(&mut width, &mut now, 8, 10_000);
        let mut change = |limit: u32, calls: u32| {
            let since = now;
            play(&mut width, &mut now, limit, calls);
            assert_eq!(width.width(), limit);
            assert!(now.since(since) < Span::seconds(60), "{} s", now.since(since).as_seconds());
        };
        change(4, 400);
        change(8, 2_400);
        change(16, 4_800);
        change(5, 400);
    }

    proptest! {
        #[test]
        fn there_is_always_room_for_one_and_never_for_more_than_the_widest(
            widest in 1u32..16, script in prop::collection::vec(0u8..3, 0..300),
        ) {
            let mut width = Width::new(widest);
            let mut going = Vec::new();
            for step in script {
                match step {
                    0 if width.has_room(Moment::NEVER) => going.push(width.start()),
                    1 if !going.is_empty() => width.passed(going.remove(0)),
                    2 if !going.is_empty() => width.refused(going.remove(0), Moment(0), Moment(1)),
                    _ => {}
                }
                prop_assert_eq!(width.in_progress() as usize, going.len());
                prop_assert!(width.in_progress() <= widest);
                prop_assert!(!going.is_empty() || width.has_room(Moment::NEVER));
            }
        }
    }
}
