//! Where the time of one mailbox went.
//!
//! Workers charge what they wait for. As several of them work at once, a phase's charges add up to more than the time
//! that passed; when the phase ends they are scaled to it, so that all charges of a mailbox sum exactly to the time its
//! lane spent on it. Time that nobody charged is the pipeline's own.

use mock_server::time::{Moment, Span};

use crate::event::Cause;

const CAUSES: usize = Cause::ALL.len();

/// The charges of one mailbox.
pub(super) struct Ledger {
    settled: [Span; CAUSES],
    open: [Span; CAUSES],
    since: Moment,
}

impl Ledger {
    /// An empty ledger that begins at a moment.
    pub(super) fn new(now: Moment) -> Self {
        Self { settled: [Span::ZERO; CAUSES], open: [Span::ZERO; CAUSES], since: now }
    }

    /// Charges worker time to a cause.
    pub(super) fn charge(&mut self, cause: Cause, span: Span) {
        self.open[cause as usize] += span;
    }

    /// Charges the whole phase up to now to one cause, whatever its workers charged.
    pub(super) fn settle_all(&mut self, cause: Cause, now: Moment) {
        self.open = [Span::ZERO; CAUSES];
        self.settled[cause as usize] += now.since(self.since);
        self.since = now;
    }

    /// Ends a phase: its charges are scaled to the time that passed since the last phase ended.
    pub(super) fn settle(&mut self, now: Moment) {
        let wall = now.since(self.since);
        if wall == Span::ZERO && self.open == [Span::ZERO; CAUSES] {
            return;
        }
        let charged: Span = self.open.iter().copied().sum();
        if charged <= wall {
            self.open[Cause::Pipeline as usize] += wall - charged;
        } else {
            scale(&mut self.open, charged, wall);
        }
        for (total, open) in self.settled.iter_mut().zip(&mut self.open) {
            *total += std::mem::take(open);
        }
        self.since = now;
    }

    /// The charges of all settled phases.
    pub(super) fn charged(&self) -> [Span; CAUSES] {
        self.settled
    }
}

/// Scales shares that sum to `charged` so that they sum exactly to `wall` (largest remainder; of equal remainders the
/// first cause's counts as larger).
fn scale(shares: &mut [Span; CAUSES], charged: Span, wall: Span) {
    let mut remainders = [(0u128, 0usize); CAUSES];
    let mut given = 0;
    for (place, share) in shares.iter_mut().enumerate() {
        let product = u128::from(share.0) * u128::from(wall.0);
        let whole = (product / u128::from(charged.0)) as u64;
        remainders[place] = (product % u128::from(charged.0), place);
        given += whole;
        *share = Span(whole);
    }
    remainders.sort_unstable_by(|one, two| two.0.cmp(&one.0).then(one.1.cmp(&two.1)));
    for &(_, place) in remainders.iter().take((wall.0 - given) as usize) {
        shares[place] += Span(1);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn charges_sum_exactly_to_the_time_that_passed(
            phases in prop::collection::vec((prop::collection::vec((0usize..CAUSES, 0u64..1_000_000), 0..30), 0u64..3_000_000), 1..8),
        ) {
            let mut ledger = Ledger::new(Moment(5));
            let mut now = Moment(5);
            for (charges, wall) in phases {
                for (cause, span) in charges {
                    ledger.charge(Cause::ALL[cause], Span(span));
                }
                now += Span(wall);
                ledger.settle(now);
            }
            let total: Span = ledger.charged().into_iter().sum();
            prop_assert_eq!(total, now.since(Moment(5)));
        }
    }

    #[test]
    fn a_phase_of_several_workers_keeps_the_proportions_of_their_time() {
        let mut ledger = Ledger::new(Moment(0));
        ledger.charge(Cause::Network, Span(30));
        ledger.charge(Cause::TargetService, Span(10));
        ledger.settle(Moment(10));
        assert_eq!(ledger.charged()[Cause::Network as usize], Span(8));
        assert_eq!(ledger.charged()[Cause::TargetService as usize], Span(2));
    }
}
