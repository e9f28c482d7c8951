//! What is due next, whether requests come by themselves or from users who wait for answers.

use std::iter::Peekable;
use std::sync::Arc;

use mock_server::time::Moment;

use super::arrival::{Arrival, Arrivals};
use super::recorded::{self, Recording};
use super::users::Users;

/// A part of all arrivals, for one of several workers: every so-many-th, so that together they are the same whatever
/// the number of workers.
#[derive(Copy, Clone, PartialEq, Eq, Debug)]
pub struct Share {
    /// Which worker, from zero.
    pub worker: u32,
    /// How many there are, at least one.
    pub of: u32,
}

impl Share {
    /// Everything, for the only worker.
    pub const ALL: Self = Self { worker: 0, of: 1 };

    /// Whether a number is in this share.
    #[must_use]
    pub fn has(self, number: u64) -> bool {
        number % u64::from(self.of) == u64::from(self.worker)
    }

    /// How many of so many things are in this share.
    #[must_use]
    pub fn count(self, all: u32) -> u32 {
        all / self.of + u32::from(self.worker < all % self.of)
    }
}

#[derive(Clone, Debug)]
enum Source {
    Drawn(Peekable<Arrivals>),
    Recorded(Peekable<recorded::Arrivals>),
    Users(Users),
}

/// What is due next.
#[derive(Clone, Debug)]
pub struct Demand {
    source: Source,
    share: Share,
    /// Nothing is due from then on.
    end: Moment,
}

impl Demand {
    /// An open loop with drawn arrivals.
    #[must_use]
    pub fn open(arrivals: Arrivals, share: Share, end: Moment) -> Self {
        Self { source: Source::Drawn(arrivals.peekable()), share, end }
    }

    /// An open loop with recorded arrivals.
    #[must_use]
    pub fn recorded(recording: Arc<Recording>, share: Share, end: Moment) -> Self {
        Self { source: Source::Recorded(recorded::Arrivals::of(recording).peekable()), share, end }
    }

    /// A closed loop. The users are those of one worker.
    #[must_use]
    pub fn closed(users: Users, end: Moment) -> Self {
        Self { source: Source::Users(users), share: Share::ALL, end }
    }

    /// Whether requests come whatever the answers do.
    #[must_use]
    pub fn is_open(&self) -> bool {
        !matches!(self.source, Source::Users(_))
    }

    /// When the next request is due; nothing if none is until somebody is answered, or ever.
    pub fn next_due(&mut self) -> Option<Moment> {
        let share = self.share;
        let due = match &mut self.source {
            Source::Drawn(arrivals) => next_of(arrivals, share),
            Source::Recorded(arrivals) => next_of(arrivals, share),
            Source::Users(users) => users.next_due(),
        };
        due.filter(|&due| due < self.end)
    }

    /// The next request if it is due.
    pub fn take(&mut self, now: Moment) -> Option<Arrival> {
        self.next_due().filter(|&due| due <= now)?;
        match &mut self.source {
            Source::Drawn(arrivals) => arrivals.next(),
            Source::Recorded(arrivals) => arrivals.next(),
            Source::Users(users) => users.take(now),
        }
    }

    /// A request was answered, or given up.
    pub fn ended(&mut self, number: u64, now: Moment) {
        if let Source::Users(users) = &mut self.source {
            users.ended(number, now);
        }
    }
}

fn next_of(arrivals: &mut Peekable<impl Iterator<Item = Arrival>>, share: Share) -> Option<Moment> {
    while arrivals.next_if(|arrival| !share.has(arrival.number)).is_some() {}
    arrivals.peek().map(|arrival| arrival.due)
}

#[cfg(test)]
mod tests {
    use mock_server::draw::Distribution;
    use mock_server::time::Span;
    use proptest::prelude::*;

    use super::*;
    use crate::load::arrival::Law;
    use crate::load::shape::Shape;

    fn all(demand: &mut Demand) -> Vec<Arrival> {
        std::iter::from_fn(|| demand.take(Moment::NEVER)).collect()
    }

    proptest! {
        #[test]
        fn workers_together_send_what_one_would(of in 1_u32..9, seed: u64) {
            let end = Moment::START + Span::seconds(2);
            let arrivals = || Arrivals::new(seed, Law::Poisson, Shape::constant(100.0));
            let demand = |worker| Demand::open(arrivals(), Share { worker, of }, end);
            let mut parts: Vec<_> = (0..of).flat_map(|worker| all(&mut demand(worker))).collect();
            parts.sort_by_key(|arrival| arrival.number);
            prop_assert_eq!(parts, all(&mut Demand::open(arrivals(), Share::ALL, end)));
        }

        #[test]
        fn shares_sum_to_the_whole(of in 1_u32..20, count in 0_u32..1_000) {
            let share = |worker| Share { worker, of };
            prop_assert_eq!((0..of).map(|worker| share(worker).count(count)).sum::<u32>(), count);
            for worker in 0..of {
                let has = (0..count).filter(|&number| share(worker).has(u64::from(number))).count();
                prop_assert_eq!(has as u32, share(worker).count(count));
            }
        }
    }

    #[test]
    fn nothing_is_due_after_the_end() {
        let users = Users::new(1, 0..3, Distribution::Constant(Span::seconds(1)), Span::ZERO);
        let mut demand = Demand::closed(users, Moment::START + Span::seconds(1));
        assert!(!demand.is_open());
        for arrival in all(&mut demand) {
            demand.ended(arrival.number, Moment::START);
        }
        assert_eq!(demand.next_due(), None);
    }
}
