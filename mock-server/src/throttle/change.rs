//! Limits that change while a server runs: from a moment on, a limit has other numbers.
//!
//! What was used stays used: a window that shrinks refuses until enough has left it, one that grows has room at once.

use super::limit::Limit;
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

/// The changes that are still to come.
#[derive(Clone, Debug)]
pub struct Changes {
    /// The last one first.
    pending: Vec<LimitChange>,
    next: Moment,
}

impl Default for Changes {
    fn default() -> Self {
        Self::new(Vec::new())
    }
}

impl Changes {
    /// Changes in any order; of several at the same moment the last one given counts.
    #[must_use]
    pub fn new(mut changes: Vec<LimitChange>) -> Self {
        changes.sort_by_key(|change| change.at);
        changes.reverse();
        let next = changes.last().map_or(Moment::NEVER, |change| change.at);
        Self { pending: changes, next }
    }

    /// Changes the limits as they are to be at `now`. A change to a limit that the stack does not have does nothing.
    #[inline]
    pub fn apply(&mut self, now: Moment, limits: &mut Stack) {
        if self.next <= now {
            self.apply_due(now, limits);
        }
    }

    #[cold]
    fn apply_due(&mut self, now: Moment, limits: &mut Stack) {
        while let Some(change) = self.pending.pop_if(|change| change.at <= now) {
            limits.change(&change.limit.name, change.limit.rule);
        }
        self.next = self.pending.last().map_or(Moment::NEVER, |change| change.at);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::throttle::limit::{Rule, Scope};
    use crate::throttle::stack::{Asked, Verdict};
    use crate::time::Span;
    use crate::wire::call::Operation;
    use crate::wire::id::MailboxKey;
    use crate::wire::refusal::RefusalKind;

    fn limit(count: u64) -> Limit {
        let rule = Rule::Requests { count, per: Span(100), refused_count: false };
        let (name, refusal) = ("requests".to_owned(), RefusalKind::RequestLimit);
        Limit { name, rule, scope: Scope::Tenant, operations: Vec::new(), refusal }
    }

    /// How many of ten calls at a moment pass.
    fn passed(stack: &mut Stack, now: u64) -> usize {
        let asked = Asked { app: 0, mailbox: MailboxKey(0), operation: Operation::SyncItems, body_bytes: 0 };
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
}
