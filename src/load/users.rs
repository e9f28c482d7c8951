//! A closed loop: users who ask, wait for the answer, think, and ask again.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use mock_server::draw::{Distribution, Purpose, hash, unit};
use mock_server::time::{Moment, Span};

use super::arrival::Arrival;

/// The draws of this module, apart from others for the same purpose.
const THINK: u64 = 1;
const BEGIN: u64 = 2;

/// Bits of a request's number that count its user's turns; the user is above them.
const TURN_BITS: u32 = 32;

/// Users of a closed loop.
#[derive(Clone, Debug)]
pub struct Users {
    seed: u64,
    think: Distribution,
    /// Who asks next, and when. Those who wait for an answer are not in it.
    waiting: BinaryHeap<Reverse<(Moment, u64)>>,
}

impl Users {
    /// Users by their numbers, who begin at moments spread over a span.
    #[must_use]
    pub fn new(seed: u64, users: impl IntoIterator<Item = u32>, think: Distribution, begin_within: Span) -> Self {
        let begin = |user: u32| {
            let share = unit(hash(seed, Purpose::Arrival, u64::from(user), 0, BEGIN));
            Reverse((Moment::START + begin_within.scale(share), u64::from(user) << TURN_BITS))
        };
        Self { seed, think, waiting: users.into_iter().map(begin).collect() }
    }

    /// When the next user asks; nothing if all wait for answers.
    #[must_use]
    pub fn next_due(&self) -> Option<Moment> {
        self.waiting.peek().map(|Reverse((due, _))| *due)
    }

    /// The next request that is due.
    pub fn take(&mut self, now: Moment) -> Option<Arrival> {
        let Reverse((due, number)) = *self.waiting.peek().filter(|Reverse((due, _))| *due <= now)?;
        self.waiting.pop();
        Some(Arrival { number, due })
    }

    /// A user has the answer to a request, or gave up on it, and begins to think.
    pub fn ended(&mut self, number: u64, now: Moment) {
        let think = self.think.draw(hash(self.seed, Purpose::Arrival, number >> TURN_BITS, turn(number), THINK));
        self.waiting.push(Reverse((now + think, number + 1)));
    }
}

/// Which user's a request of a closed loop is.
#[must_use]
pub const fn user(number: u64) -> u32 {
    (number >> TURN_BITS) as u32
}

const fn turn(number: u64) -> u64 {
    number & ((1 << TURN_BITS) - 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Requests within a span, if each answer takes `service`.
    fn check(users: u32, think: Distribution, service: Span, until: Span) -> u64 {
        let mut all = Users::new(3, 0..users, think, Span::ZERO);
        let mut answers: BinaryHeap<Reverse<(Moment, u64)>> = BinaryHeap::new();
        let mut requests = 0;
        loop {
            let answer = answers.peek().map(|Reverse((at, _))| *at);
            let now = all.next_due().into_iter().chain(answer).min().expect("somebody does something");
            if now.since(Moment::START) >= until {
                return requests;
            }
            if answer == Some(now)
                && let Some(Reverse((_, number))) = answers.pop()
            {
                all.ended(number, now);
            }
            while let Some(arrival) = all.take(now) {
                requests += 1;
                answers.push(Reverse((now + service, arrival.number)));
            }
        }
    }

    #[test]
    fn throughput_follows_littles_law() {
        let think = Distribution::Exponential { mean: Span::milliseconds(900) };
        let requests = check(100, think, Span::milliseconds(100), Span::seconds(200)) as f64;
        // 100 users, one second per turn: 100 requests per second.
        assert!((requests / 20_000.0 - 1.0).abs() < 0.03, "{requests}");
    }

    #[test]
    fn users_without_thoughts_ask_as_soon_as_they_are_answered() {
        let none = Distribution::Constant(Span::ZERO);
        assert_eq!(check(4, none, Span::milliseconds(10), Span::seconds(1)), 400);
    }

    #[test]
    fn a_user_waits_for_the_answer_before_thinking() {
        let mut users = Users::new(1, [5], Distribution::Constant(Span::seconds(2)), Span::ZERO);
        let first = users.take(Moment::START).expect("due at once");
        assert_eq!((user(first.number), first.due), (5, Moment::START));
        assert_eq!(users.next_due(), None);
        users.ended(first.number, Moment(7));
        assert_eq!(users.take(Moment(7)), None);
        assert_eq!(users.next_due(), Some(Moment(7) + Span::seconds(2)));
        assert_ne!(users.take(Moment::NEVER).map(|second| second.number), Some(first.number));
    }

    #[test]
    fn thoughts_do_not_depend_on_who_else_is_there() {
        let think = Distribution::Exponential { mean: Span::seconds(1) };
        let second = |others: u32| {
            let mut users = Users::new(1, 0..=others, think, Span::ZERO);
            if let Some(first) = users.take(Moment::START) {
                users.ended(first.number, Moment(9));
            }
            users.waiting.into_iter().find(|Reverse((_, number))| *number == 1).map(|Reverse((due, _))| due)
        };
        assert_eq!(second(0), second(20));
    }
}
