//! What came of a load: counts and latencies, which add up over workers.
//!
//! Latency is kept twice. *Service time* runs from the sending of a request to the end of its answer, and is what most
//! tools print. *Response time* runs from the intended start. When a server stalls, requests wait for a free connection
//! and service times do not see that (coordinated omission; Tene, "How NOT to Measure Latency", 2013). A third histogram,
//! *lag*, holds how late the generator itself was, which is nobody's fault but ours.

use hdrhistogram::Histogram;
use mock_server::time::Span;
use strum::{EnumCount, IntoStaticStr, VariantArray};

use super::act::{KINDS, kind_name};

/// Shortest time that is told from none, in nanoseconds.
const SHORTEST: u64 = 100;

/// Longest time that is told from longer ones, in nanoseconds: an hour.
const LONGEST: u64 = 3_600_000_000_000;

/// Significant decimal digits of the sums over all requests.
const DIGITS: u8 = 3;

/// Significant decimal digits by kind of request.
const DIGITS_BY_KIND: u8 = 2;

/// Statuses of answers, from 100 to 999.
const STATUSES: usize = 1_000;

/// A histogram of times in nanoseconds.
pub type Times = Histogram<u64>;

/// Makes an empty histogram.
///
/// # Panics
/// Never: bounds and digits are within what the histogram takes.
fn times(digits: u8) -> Times {
    Times::new_with_bounds(SHORTEST, LONGEST, digits).expect("bounds and digits are within what the histogram takes")
}

/// How a request ended.
#[derive(Copy, Clone, PartialEq, Eq, Debug)]
pub enum End {
    /// It was answered, with a status and so many bytes of body.
    Answered {
        /// The status.
        status: u16,
        /// Bytes of the body.
        bytes: u64,
    },
    /// There was no answer.
    Failed(Failure),
}

/// Why there was no answer.
#[derive(Copy, Clone, PartialEq, Eq, PartialOrd, Ord, Debug, EnumCount, VariantArray, IntoStaticStr)]
#[repr(u8)]
#[strum(serialize_all = "snake_case")]
pub enum Failure {
    /// No connection could be made.
    Unreachable,
    /// The connection ended before the answer did.
    Reset,
    /// What came back is no HTTP.
    Malformed,
    /// It took too long and was given up.
    TimedOut,
    /// The request could not be written, because no token could be had.
    Denied,
}

impl Failure {
    /// All of them, in the order of their numbers.
    pub const ALL: [Self; Self::COUNT] = *Self::VARIANTS.first_chunk().unwrap();

    /// The name used in reports.
    #[must_use]
    pub fn name(self) -> &'static str {
        self.into()
    }
}

/// What came of the requests of one kind.
#[derive(Clone, PartialEq, Debug)]
pub struct KindTally {
    /// Requests that were answered.
    pub answered: u64,
    /// Of these, those with a status of 400 or above.
    pub refused: u64,
    /// Their service times.
    pub service: Times,
}

impl KindTally {
    fn new() -> Self {
        Self { answered: 0, refused: 0, service: times(DIGITS_BY_KIND) }
    }
}

/// What came of a load.
#[derive(Clone, PartialEq, Debug)]
pub struct Tally {
    /// Requests that were due. Each was answered, failed, dropped, or is unanswered.
    pub offered: u64,
    /// Requests that were answered, whatever the answer.
    pub answered: u64,
    /// Requests whose sending began later than intended by more than the tolerance, whoever was to blame.
    pub late: u64,
    /// Requests that were never sent, because too many others waited already.
    pub dropped: u64,
    /// Requests that waited, or waited for an answer, when the run was over.
    pub unanswered: u64,
    /// Bytes of the answers' bodies.
    pub bytes: u64,
    /// From sending to the end of the answer, of those answered.
    pub service: Times,
    /// From the intended start to the end of the answer. Requests that were given up, or unanswered at the end, are in
    /// it with the time that they had waited until then, which is less than an answer would have taken.
    pub response: Times,
    /// From the intended start to the moment when the generator got round to it, of those not dropped.
    pub lag: Times,
    failed: [u64; Failure::ALL.len()],
    statuses: Vec<u64>,
    kinds: Vec<Option<Box<KindTally>>>,
}

/// When the parts of a request took place, as spans since its intended start.
#[derive(Copy, Clone, PartialEq, Eq, Debug)]
pub struct Course {
    /// The generator got round to it.
    pub lag: Span,
    /// Its sending began.
    pub sent: Span,
    /// It ended.
    pub ended: Span,
}

impl Default for Tally {
    fn default() -> Self {
        Self {
            offered: 0,
            answered: 0,
            late: 0,
            dropped: 0,
            unanswered: 0,
            bytes: 0,
            service: times(DIGITS),
            response: times(DIGITS),
            lag: times(DIGITS),
            failed: [0; Failure::ALL.len()],
            statuses: vec![0; STATUSES],
            kinds: vec![None; KINDS],
        }
    }
}

impl Tally {
    /// Counts a request that ended, of a kind if kinds are told apart.
    pub fn ended(&mut self, kind: Option<usize>, course: Course, end: End, tolerance: Span) {
        self.started(course, tolerance);
        match end {
            End::Answered { status, bytes } => {
                let service = course.ended.saturating_sub(course.sent).0;
                self.answered += 1;
                self.bytes += bytes;
                self.service.saturating_record(service);
                self.response.saturating_record(course.ended.0);
                if let Some(count) = self.statuses.get_mut(usize::from(status)) {
                    *count += 1;
                }
                if let Some(kind) = kind.and_then(|kind| self.kinds.get_mut(kind)) {
                    let kind = kind.get_or_insert_with(|| Box::new(KindTally::new()));
                    kind.answered += 1;
                    kind.refused += u64::from(status >= 400);
                    kind.service.saturating_record(service);
                }
            }
            End::Failed(failure) => {
                self.failed[failure as usize] += 1;
                if failure == Failure::TimedOut {
                    self.response.saturating_record(course.ended.0);
                }
            }
        }
    }

    /// Counts a request that was sent and is unanswered when the run is over.
    pub fn unanswered(&mut self, course: Course, tolerance: Span) {
        self.started(course, tolerance);
        self.unanswered += 1;
        self.response.saturating_record(course.ended.0);
    }

    /// Counts a request that was dropped.
    pub fn dropped(&mut self) {
        self.offered += 1;
        self.dropped += 1;
    }

    fn started(&mut self, course: Course, tolerance: Span) {
        self.offered += 1;
        self.late += u64::from(course.sent > tolerance);
        self.lag.saturating_record(course.lag.0);
    }

    /// Adds what another worker counted.
    pub fn add(&mut self, other: &Self) {
        self.offered += other.offered;
        self.answered += other.answered;
        self.late += other.late;
        self.dropped += other.dropped;
        self.unanswered += other.unanswered;
        self.bytes += other.bytes;
        let pairs =
            [(&mut self.service, &other.service), (&mut self.response, &other.response), (&mut self.lag, &other.lag)];
        for (mine, other) in pairs {
            sum(mine, other);
        }
        for (mine, other) in self.failed.iter_mut().zip(&other.failed) {
            *mine += other;
        }
        for (mine, other) in self.statuses.iter_mut().zip(&other.statuses) {
            *mine += other;
        }
        for (mine, other) in self.kinds.iter_mut().zip(&other.kinds) {
            let Some(other) = other else { continue };
            let mine = mine.get_or_insert_with(|| Box::new(KindTally::new()));
            mine.answered += other.answered;
            mine.refused += other.refused;
            sum(&mut mine.service, &other.service);
        }
    }

    /// Requests without an answer, all together.
    #[must_use]
    pub fn failures(&self) -> u64 {
        self.failed.iter().sum()
    }

    /// Requests without an answer by reason, those that occurred.
    pub fn failed(&self) -> impl Iterator<Item = (Failure, u64)> + use<'_> {
        Failure::ALL.into_iter().zip(self.failed).filter(|&(_, count)| count > 0)
    }

    /// Answers by status, those that occurred.
    pub fn statuses(&self) -> impl Iterator<Item = (u16, u64)> + use<'_> {
        (0..).zip(self.statuses.iter().copied()).filter(|&(_, count)| count > 0)
    }

    /// What came of each kind of request that was answered, with its name.
    pub fn kinds(&self) -> impl Iterator<Item = (String, &KindTally)> + use<'_> {
        self.kinds.iter().enumerate().filter_map(|(kind, tally)| Some((kind_name(kind), tally.as_deref()?)))
    }
}

/// # Panics
/// Never: all histograms have the same bounds.
fn sum(mine: &mut Times, other: &Times) {
    mine.add(other).expect("all histograms have the same bounds");
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const TOLERANCE: Span = Span::milliseconds(1);

    fn ends() -> impl Strategy<Value = (u8, u64, u64, u64, usize)> {
        (0_u8..9, 0_u64..10_000_000, 0_u64..10_000_000, 0_u64..10_000_000, 0..KINDS)
    }

    fn tally(list: &[(u8, u64, u64, u64, usize)]) -> Tally {
        let mut tally = Tally::default();
        for &(what, lag, wait, service, kind) in list {
            let course = Course { lag: Span(lag), sent: Span(lag + wait), ended: Span(lag + wait + service) };
            match what {
                0..=2 => tally.ended(Some(kind), course, End::Answered { status: 200, bytes: 7 }, TOLERANCE),
                3 => tally.ended(Some(kind), course, End::Answered { status: 429, bytes: 0 }, TOLERANCE),
                4..=6 => tally.ended(None, course, End::Failed(Failure::ALL[usize::from(what) - 3]), TOLERANCE),
                7 => tally.dropped(),
                _ => tally.unanswered(course, TOLERANCE),
            }
        }
        tally
    }

    proptest! {
        #[test]
        fn every_request_is_counted_exactly_once(list in prop::collection::vec(ends(), 0..100)) {
            let tally = tally(&list);
            prop_assert_eq!(tally.offered, list.len() as u64);
            prop_assert_eq!(tally.offered, tally.answered + tally.failures() + tally.dropped + tally.unanswered);
            prop_assert_eq!(tally.answered, tally.statuses().map(|(_, count)| count).sum::<u64>());
            prop_assert_eq!(tally.answered, tally.kinds().map(|(_, kind)| kind.answered).sum::<u64>());
            prop_assert_eq!(tally.service.len(), tally.answered);
            prop_assert_eq!(tally.lag.len(), tally.offered - tally.dropped);
            prop_assert!(tally.response.len() >= tally.answered);
        }

        #[test]
        fn parts_add_up_to_the_whole(list in prop::collection::vec(ends(), 0..60), at in 0_usize..60) {
            let (one, two) = list.split_at(at.min(list.len()));
            let mut sum = tally(one);
            sum.add(&tally(two));
            prop_assert_eq!(sum, tally(&list));
        }
    }

    #[test]
    fn a_request_that_waited_for_a_connection_shows_in_response_times_only() {
        let mut tally = Tally::default();
        let course = Course { lag: Span::ZERO, sent: Span::milliseconds(100), ended: Span::milliseconds(101) };
        tally.ended(None, course, End::Answered { status: 200, bytes: 0 }, TOLERANCE);
        assert_eq!((tally.late, tally.service.max() / 1_000_000, tally.response.max() / 1_000_000), (1, 1, 101));
        assert_eq!(tally.lag.max(), 0);
    }
}
