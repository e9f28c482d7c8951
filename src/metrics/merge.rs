//! Putting summaries together. Merging is associative and commutative, so the order of shards does not matter.

use hdrhistogram::Histogram;
use mock_server::time::{Moment, Span};
use mock_server::wire::operation::Operation;
use mock_server::wire::refusal::RefusalKind;

use super::collect::add_spans;
use super::summary::{ItemCounts, MailboxCounts, OperationCounts, Summary};
use crate::event::{Cause, Verification};

/// The longest latency that is told apart, in microseconds: one hour.
const LONGEST_LATENCY: u64 = 3_600_000_000;

/// The latest completion that is told apart, in milliseconds: 100 days.
const LATEST_COMPLETION: u64 = 8_640_000_000;

fn histogram(longest: u64, digits: u8) -> Histogram<u32> {
    Histogram::new_with_bounds(1, longest, digits).expect("bounds and digits are within what the histogram takes")
}

impl Default for Summary {
    /// What a run without mailboxes comes to.
    fn default() -> Self {
        let counts = |operation| OperationCounts { operation, count: 0, latency: histogram(LONGEST_LATENCY, 2) };
        Self {
            makespan: Moment::START,
            mailboxes: MailboxCounts::default(),
            completions: histogram(LATEST_COMPLETION, 3),
            items: ItemCounts::default(),
            requests: Operation::ALL.into_iter().map(counts).collect(),
            refusals: [0; RefusalKind::ALL.len()],
            charged: [Span::ZERO; Cause::ALL.len()],
            verification: Verification::default(),
            skipped: Vec::new(),
            sent_bytes: 0,
            received_bytes: 0,
        }
    }
}

impl Summary {
    /// Adds what another run, or another part of this one, came to.
    ///
    /// # Panics
    ///
    /// If the other's histograms were not made by [`Summary::default`], so that their bounds differ.
    pub fn merge(&mut self, other: &Self) {
        self.makespan = self.makespan.max(other.makespan);
        let (mine, more) = (&mut self.mailboxes, &other.mailboxes);
        mine.total += more.total;
        mine.completed += more.completed;
        mine.in_time += more.in_time;
        mine.failed += more.failed;
        mine.half_switched += more.half_switched;
        mine.unfinished += more.unfinished;
        self.completions.add(&other.completions).expect("all summaries have the same bounds");
        self.items.copied += other.items.copied;
        self.items.copied_bytes += other.items.copied_bytes;
        self.items.skipped += other.items.skipped;
        self.items.skipped_bytes += other.items.skipped_bytes;
        for (mine, more) in self.requests.iter_mut().zip(&other.requests) {
            mine.count += more.count;
            mine.latency.add(&more.latency).expect("all summaries have the same bounds");
        }
        for (mine, more) in self.refusals.iter_mut().zip(&other.refusals) {
            *mine += more;
        }
        add_spans(&mut self.charged, &other.charged);
        self.verification += other.verification;
        for (reason, count) in &other.skipped {
            match self.skipped.binary_search_by(|(name, _)| name.cmp(reason)) {
                Ok(place) => self.skipped[place].1 += count,
                Err(place) => self.skipped.insert(place, (reason.clone(), *count)),
            }
        }
        self.sent_bytes += other.sent_bytes;
        self.received_bytes += other.received_bytes;
    }

    /// Calls of all operations.
    #[must_use]
    pub fn calls(&self) -> u64 {
        self.requests.iter().map(|counts| counts.count).sum()
    }

    /// Lane time by cause as shares that sum to one, in the order of [`Cause::ALL`]; all zero if no time passed.
    #[must_use]
    pub fn shares(&self) -> [f64; Cause::ALL.len()] {
        let total = self.lane_time().as_seconds();
        self.charged.map(|charged| if total > 0.0 { charged.as_seconds() / total } else { 0.0 })
    }

    /// Lane time of all causes.
    #[must_use]
    pub fn lane_time(&self) -> Span {
        self.charged.into_iter().sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn summary() -> impl Strategy<Value = Summary> {
        let calls = prop::collection::vec((0usize..Operation::ALL.len(), 1u64..10_000_000_000), 0..20);
        let skips = prop::collection::vec((prop::sample::select(vec!["a", "b", "c"]), 1u64..9), 0..4);
        (calls, skips, 0u64..1_000, 0u64..1_000_000_000_000).prop_map(|(calls, skips, number, at)| {
            let mut summary = Summary { makespan: Moment(at), ..Summary::default() };
            for (operation, latency) in calls {
                summary.requests[operation].count += 1;
                summary.requests[operation].latency.saturating_record(latency);
            }
            for (reason, count) in skips {
                let one = Summary { skipped: vec![(reason.to_owned(), count)], ..Summary::default() };
                summary.merge(&one);
            }
            summary.mailboxes.total = number;
            summary.charged[number as usize % Cause::ALL.len()] = Span(at);
            summary.refusals[number as usize % RefusalKind::ALL.len()] = at;
            summary.completions.saturating_record(at);
            summary.verification.expected = number;
            summary.sent_bytes = at;
            summary
        })
    }

    fn merged(one: &Summary, two: &Summary) -> Summary {
        let mut merged = one.clone();
        merged.merge(two);
        merged
    }

    fn check(one: &Summary, two: &Summary) {
        assert_eq!(format!("{:?}", key(one)), format!("{:?}", key(two)));
        for (one, two) in one.requests.iter().zip(&two.requests) {
            assert_eq!(one.latency, two.latency);
        }
        assert_eq!(one.completions, two.completions);
    }

    fn key(summary: &Summary) -> impl std::fmt::Debug + use<> {
        let counts: Vec<u64> = summary.requests.iter().map(|counts| counts.count).collect();
        let Summary { makespan, mailboxes, items, refusals, charged, verification, skipped, sent_bytes, .. } =
            summary.clone();
        ((makespan, mailboxes, items, refusals, charged), (verification, skipped, sent_bytes, counts))
    }

    proptest! {
        #[test]
        fn merging_is_associative_and_commutative_and_empty_summaries_add_nothing(
            a in summary(), b in summary(), c in summary(),
        ) {
            check(&merged(&a, &b), &merged(&b, &a));
            check(&merged(&merged(&a, &b), &c), &merged(&a, &merged(&b, &c)));
            check(&merged(&a, &Summary::default()), &a);
        }
    }
}
