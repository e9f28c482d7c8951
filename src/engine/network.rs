//! The path between the pipeline and one of the servers: bandwidth shared by all lanes, and latency.
//!
//! One machine serves both worlds: live traffic is held back until the moment it says, virtual traffic jumps there.
//! Knows nothing of protocols, sockets or clocks.

use mock_server::draw::{Distribution, Purpose, hash};
use mock_server::time::{Moment, Span};
use mock_server::wire::id::MailboxKey;

use crate::scenario::plan::LinkPlan;
use crate::world::{Route, Side};

/// Which way a message goes. The two ways do not share bandwidth.
#[derive(Copy, Clone, PartialEq, Eq, Debug)]
pub enum Direction {
    /// A request, towards the server.
    Up,
    /// An answer, towards the pipeline.
    Down,
}

/// Which message it is: its latency is drawn by this, so that it is the same in every world.
#[derive(Copy, Clone, PartialEq, Eq, Debug)]
pub struct Message {
    /// The mailbox concerned.
    pub mailbox: MailboxKey,
    /// Which request of this mailbox.
    pub request: u64,
    /// How often it was tried before.
    pub attempt: u32,
}

impl From<&Route> for Message {
    fn from(route: &Route) -> Self {
        Self { mailbox: route.mailbox, request: route.request, attempt: route.attempt }
    }
}

/// How long a message takes on a link that it has for itself.
#[derive(Copy, Clone, PartialEq, Eq, Debug)]
pub struct Crossing {
    transfer: Span,
    latency: Span,
}

impl Crossing {
    /// Both parts together.
    #[must_use]
    #[inline]
    pub fn whole(self) -> Span {
        self.transfer + self.latency
    }
}

/// A shared link: in each direction, messages are sent one after the other in the order in which they were handed over,
/// and each then takes its latency to arrive.
#[derive(Clone, Debug)]
pub struct Link {
    plan: LinkPlan,
    seed: u64,
    side: Side,
    /// When the last message handed over will have been sent, by direction.
    free_at: [Moment; 2],
    /// Bytes handed over, by direction.
    bytes: [u64; 2],
}

impl Link {
    /// An idle link to one side.
    #[must_use]
    pub fn new(plan: LinkPlan, seed: u64, side: Side) -> Self {
        Self { plan, seed, side, free_at: [Moment::START; 2], bytes: [0; 2] }
    }

    /// Hands a message of so many bytes over to the link and says when its last byte arrives.
    ///
    /// Messages of one direction must be handed over in the order of `now`: an answer when it leaves the server, not
    /// when it was asked for.
    #[inline]
    pub fn send(&mut self, now: Moment, bytes: u64, direction: Direction, message: Message) -> Moment {
        self.send_known(now, bytes, direction, self.crossing(bytes, direction, message))
    }

    /// Like [`Link::send`], for a message of which is known how long it takes.
    #[inline]
    pub fn send_known(&mut self, now: Moment, bytes: u64, direction: Direction, crossing: Crossing) -> Moment {
        let way = direction as usize;
        self.bytes[way] += bytes;
        let sent = self.free_at[way].max(now) + crossing.transfer;
        if self.plan.bytes_per_second.is_some() {
            self.free_at[way] = sent;
        }
        sent + crossing.latency
    }

    /// How long a message takes if no other is in its way: never longer than it does.
    #[must_use]
    #[inline]
    pub fn crossing(&self, bytes: u64, direction: Direction, message: Message) -> Crossing {
        Crossing { transfer: self.transfer(bytes), latency: self.latency(direction, message) }
    }

    /// Whether messages of one direction arrive in the order in which they are handed over.
    #[must_use]
    pub fn keeps_order(&self) -> bool {
        matches!(self.plan.latency, Distribution::Constant(_))
    }

    /// Time for so many bytes to be sent on an idle link, latency not included.
    #[must_use]
    #[inline]
    pub fn transfer(&self, bytes: u64) -> Span {
        self.plan.bytes_per_second.map_or(Span::ZERO, |rate| Span::from_seconds(bytes as f64 / rate))
    }

    /// Time for a message to cross once it was sent. A function of the seed and of which message it is.
    #[must_use]
    pub fn latency(&self, direction: Direction, message: Message) -> Span {
        if let Distribution::Constant(span) = self.plan.latency {
            return span;
        }
        let place = u64::from(message.mailbox.0) | (self.side as u64) << 32 | (direction as u64) << 33;
        let word = hash(self.seed, Purpose::Latency, place, message.request, u64::from(message.attempt));
        self.plan.latency.draw(word)
    }

    /// Bytes handed over so far in one direction.
    #[must_use]
    pub fn bytes(&self, direction: Direction) -> u64 {
        self.bytes[direction as usize]
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn link(bytes_per_second: Option<f64>, latency: Distribution) -> Link {
        Link::new(LinkPlan { bytes_per_second, latency }, 7, Side::Target)
    }

    fn message(request: u64) -> Message {
        Message { mailbox: MailboxKey(3), request, attempt: 0 }
    }

    const NO_LATENCY: Distribution = Distribution::Constant(Span::ZERO);

    #[test]
    fn a_saturated_link_moves_bandwidth_times_time() {
        let mut link = link(Some(12_500_000.0), NO_LATENCY);
        let arrivals = (0..10_000).map(|n| link.send(Moment::START, 1_000 + n % 777, Direction::Down, message(n)));
        let last = arrivals.max().expect("ten thousand messages");
        let moved = link.bytes(Direction::Down) as f64;
        assert!((moved / last.as_seconds() / 12_500_000.0 - 1.0).abs() < 1e-6, "{moved} bytes by {last:?}");
    }

    #[test]
    fn an_unlimited_link_only_delays() {
        let mut link = link(None, Distribution::Constant(Span::milliseconds(40)));
        for n in 0..3 {
            let arrives = link.send(Moment(n), u64::MAX >> 8, Direction::Up, message(n));
            assert_eq!(arrives, Moment(n) + Span::milliseconds(40));
        }
    }

    #[test]
    fn the_two_directions_do_not_share_bandwidth() {
        let mut link = link(Some(1_000.0), NO_LATENCY);
        let up = link.send(Moment::START, 500, Direction::Up, message(1));
        let down = link.send(Moment::START, 1_000, Direction::Down, message(1));
        assert_eq!((up, down), (Moment(500_000_000), Moment(1_000_000_000)));
    }

    #[test]
    fn an_idle_time_is_not_saved_up() {
        let mut link = link(Some(1_000.0), NO_LATENCY);
        link.send(Moment::START, 1_000, Direction::Up, message(1));
        let later = Moment::START + Span::seconds(60);
        assert_eq!(link.send(later, 1_000, Direction::Up, message(2)), later + Span::seconds(1));
    }

    #[test]
    fn mean_latency_is_the_stated_one() {
        let mean = Span::milliseconds(20);
        let link = link(None, Distribution::Exponential { mean });
        let draws = 50_000;
        let total: Span = (0..draws).map(|n| link.latency(Direction::Up, message(n))).sum();
        assert!((total.as_seconds() / draws as f64 / mean.as_seconds() - 1.0).abs() < 0.02);
    }

    proptest! {
        #[test]
        fn latency_depends_on_the_message_and_not_on_the_order(requests in prop::collection::vec(0u64..50, 2..20)) {
            let latency = Distribution::Exponential { mean: Span::milliseconds(20) };
            let mut link = link(None, latency);
            for request in requests {
                let arrives = link.send(Moment(9), 100, Direction::Down, message(request));
                prop_assert_eq!(arrives, Moment(9) + link.latency(Direction::Down, message(request)));
                prop_assert_ne!(
                    link.latency(Direction::Down, message(request)),
                    link.latency(Direction::Up, message(request))
                );
            }
        }

        #[test]
        fn messages_arrive_in_order_and_never_faster_than_the_link(
            steps in prop::collection::vec((0u64..5_000_000, 1u64..200_000), 1..60)
        ) {
            let mut link = link(Some(1_000_000.0), NO_LATENCY);
            let (mut now, mut last, mut total) = (Moment::START, Moment::START, 0);
            for (n, (wait, bytes)) in steps.into_iter().enumerate() {
                now += Span(wait);
                total += bytes;
                let arrives = link.send(now, bytes, Direction::Up, message(n as u64));
                prop_assert!(arrives >= last && arrives >= now + link.transfer(bytes));
                prop_assert!(arrives.as_seconds() >= total as f64 / 1_000_000.0 - 1e-6);
                last = arrives;
            }
        }
    }
}
