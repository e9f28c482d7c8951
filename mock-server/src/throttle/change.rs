//! Limits and policies that change while a server runs: from a moment on, one has other numbers.
//!
//! What was used stays used: a window that shrinks refuses until enough has left it, one that grows has room at once.

use super::limit::Limit;
use super::policy::Policy;
use super::stack::Stack;
use crate::time::Moment;

/// A limit that has other numbers from a moment on.
#[derive(Clone, PartialEq, Debug)]
pub struct LimitChange {
    /// From when on.
    pub at: Moment,
    /// What the limit of this name is from then on. Only its rule counts, and only if it is of the same kind.
    pub limit: Limit,
}

/// A policy that has other numbers from a moment on.
#[derive(Clone, PartialEq, Debug)]
pub struct PolicyChange {
    /// From when on.
    pub at: Moment,
    /// What the policy of this name is from then on. Only its meter counts, and only if it is of the same kind.
    pub policy: Policy,
}

/// What happens at a moment.
pub trait Dated {
    /// The moment.
    fn at(&self) -> Moment;
}

impl Dated for LimitChange {
    fn at(&self) -> Moment {
        self.at
    }
}

impl Dated for PolicyChange {
    fn at(&self) -> Moment {
        self.at
    }
}

/// The changes that are still to come.
#[derive(Clone, Debug)]
pub struct Changes<C = LimitChange> {
    /// The last one first.
    pending: Vec<C>,
    next: Moment,
}

impl<C: Dated> Default for Changes<C> {
    fn default() -> Self {
        Self::new(Vec::new())
    }
}

impl<C: Dated> Changes<C> {
    /// Changes in any order; of several at the same moment the last one given counts.
    #[must_use]
    pub fn new(mut changes: Vec<C>) -> Self {
        changes.sort_by_key(Dated::at);
        changes.reverse();
        let next = changes.last().map_or(Moment::NEVER, Dated::at);
        Self { pending: changes, next }
    }

    /// Whether a change is to be made at `now`.
    #[inline]
    #[must_use]
    pub fn is_due(&self, now: Moment) -> bool {
        self.next <= now
    }

    /// The next change that is to be made at `now`, if there is one left.
    pub fn pop(&mut self, now: Moment) -> Option<C> {
        let due = self.pending.pop_if(|change| change.at() <= now);
        self.next = self.pending.last().map_or(Moment::NEVER, Dated::at);
        due
    }
}

impl Changes {
    /// Changes the limits as they are to be at `now`. A change to a limit that the stack does not have does nothing.
    #[inline]
    pub fn apply(&mut self, now: Moment, limits: &mut Stack) {
        if self.is_due(now) {
            self.apply_due(now, limits);
        }
    }

    #[cold]
    fn apply_due(&mut self, now: Moment, limits: &mut Stack) {
        while let Some(change) = self.pop(now) {
            limits.change(&change.limit.name, change.limit.rule, change.at);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::throttle::limit::{Rule, Scope};
    use crate::throttle::stack::{Asked, Verdict};
    use crate::time::Span;
    use crate::wire::call::Protocol;
    use crate::wire::id::MailboxKey;
    use crate::wire::operation::Operation;
    use crate::wire::refusal::RefusalKind;

    fn limit(count: u64) -> Limit {
        let rule = Rule::Requests { count, per: Span(100), refused_count: false };
        let (name, refusal) = ("requests".to_owned(), RefusalKind::RequestLimit);
        Limit { name, rule, scope: Scope::Tenant, operations: Vec::new(), protocols: Vec::new(), refusal }
    }

    /// How many of ten calls at a moment pass.
    fn passed(stack: &mut Stack, now: u64) -> usize {
        let (operation, protocol) = (Operation::SyncItems, Protocol::Ews);
        let asked = Asked { app: 0, mailbox: MailboxKey(0), operation, protocol, body_bytes: 0 };
        (0..10).filter(|_| matches!(stack.judge(Moment(now), &asked), Verdict::Admit { .. })).count()
    }

    #[test]
    fn a_limit_has_its_new_numbers_from_the_moment_of_the_change_on() {
        let mut stack = Stack::new(vec![limit(4)]);
        let change = |at, count| LimitChange { at: Moment(at), limit: limit(count) };
        let mut changes = Changes::new(vec![change(60, 8), change(30, 2)]);
        let mut at = |now| {
            changes.apply(Moment(now), &mut stack);
            passed(&mut stack, now)
        };
        assert_eq!([at(0), at(30), at(59), at(60), at(159), at(160)], [4, 0, 0, 4, 4, 4]);
    }

    #[test]
    fn a_change_keeps_the_kind_of_a_limit() {
        let mut stack = Stack::new(vec![limit(4)]);
        let other = Limit { rule: Rule::Concurrency { lanes: 1, retry_after: Span::ZERO }, ..limit(0) };
        Changes::new(vec![LimitChange { at: Moment(0), limit: other }]).apply(Moment(0), &mut stack);
        assert_eq!(passed(&mut stack, 0), 4);
    }

    #[test]
    fn what_came_back_until_a_change_did_so_at_the_old_rate() {
        let budget = |an_hour| {
            let rule = Rule::Budget {
                burst: Span::seconds(100),
                recharge_per_hour: Span::seconds(an_hour),
                cutoff: Span::seconds(100),
            };
            Limit { rule, ..limit(0) }
        };
        let mut stack = Stack::new(vec![budget(3_600)]);
        let (operation, protocol) = (Operation::SyncItems, Protocol::Ews);
        let asked = Asked { app: 0, mailbox: MailboxKey(0), operation, protocol, body_bytes: 0 };
        assert!(matches!(stack.judge(Moment::START, &asked), Verdict::Admit { .. }));
        stack.settle(&asked, Moment::START, Span::seconds(80));
        let second = |seconds| Moment::START + Span::seconds(seconds);
        let mut changes = Changes::new(vec![LimitChange { at: second(50), limit: budget(360) }]);
        changes.apply(second(60), &mut stack);
        let used: Vec<u64> =
            [60, 70].into_iter().flat_map(|at| stack.usage(second(at))).map(|usage| usage.used).collect();
        // Fifty seconds at one second a second, and then a tenth of it.
        assert_eq!(used, [29, 28].map(|seconds| Span::seconds(seconds).0));
    }
}
