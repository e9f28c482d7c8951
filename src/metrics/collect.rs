//! The fold of events into a summary.

use std::cell::RefCell;
use std::collections::BTreeMap;

use mock_server::time::{Moment, Span};
use mock_server::wire::refusal::RefusalKind;

use super::summary::Summary;
use crate::event::{End, Event, Listener, SkipReason};

/// A listener that counts.
pub struct Collector {
    deadline: Moment,
    fold: RefCell<Fold>,
}

struct Fold {
    summary: Summary,
    skipped: BTreeMap<SkipReason, u64>,
}

impl Collector {
    /// A collector for a run of so many mailboxes whose window closes at `deadline` ([`Moment::NEVER`] without one).
    #[must_use]
    pub fn new(mailboxes: u64, deadline: Moment) -> Self {
        let mut summary = Summary::default();
        summary.mailboxes.total = mailboxes;
        Self { deadline, fold: RefCell::new(Fold { summary, skipped: BTreeMap::new() }) }
    }

    /// What the run came to. Mailboxes of which no end was heard count as unfinished.
    #[must_use]
    pub fn into_summary(self) -> Summary {
        let Fold { summary, skipped } = self.fold.into_inner();
        settle(summary, &skipped)
    }

    /// What the run has come to so far.
    #[must_use]
    pub fn summary(&self) -> Summary {
        let fold = self.fold.borrow();
        settle(fold.summary.clone(), &fold.skipped)
    }
}

fn settle(mut summary: Summary, skipped: &BTreeMap<SkipReason, u64>) -> Summary {
    let counts = &mut summary.mailboxes;
    counts.unfinished = counts.total.saturating_sub(counts.completed + counts.failed + counts.half_switched);
    summary.skipped = skipped.iter().map(|(reason, count)| (name_of(*reason), *count)).collect();
    summary.skipped.sort_unstable();
    summary
}

/// The name of a reason in reports.
#[must_use]
pub fn name_of(reason: SkipReason) -> String {
    match reason {
        SkipReason::TooLarge => "too_large".to_owned(),
        SkipReason::Item(kind) => kind.name().to_owned(),
        SkipReason::GaveUp(kind) => format!("gave_up_{kind}"),
    }
}

impl Listener for Collector {
    #[inline]
    fn note(&self, at: Moment, event: &Event) {
        let Fold { summary, skipped } = &mut *self.fold.borrow_mut();
        match *event {
            Event::CallEnded { operation, took, refusal, sent_bytes, received_bytes, .. } => {
                let counts = &mut summary.requests[operation as usize];
                counts.count += 1;
                counts.latency.saturating_record(took.0 / 1_000);
                if let Some(kind) = refusal {
                    summary.refusals[kind as usize] += 1;
                }
                summary.sent_bytes += sent_bytes;
                summary.received_bytes += received_bytes;
            }
            Event::ItemsCopied { items, bytes, .. } => {
                summary.items.copied += u64::from(items);
                summary.items.copied_bytes += bytes;
            }
            Event::ItemSkipped { reason, bytes, .. } => {
                summary.items.skipped += 1;
                summary.items.skipped_bytes += bytes;
                *skipped.entry(reason).or_default() += 1;
            }
            Event::MailboxEnded { end, charged, verification, .. } => {
                summary.makespan = summary.makespan.max(at);
                match end {
                    End::Completed => {
                        summary.mailboxes.completed += 1;
                        summary.mailboxes.in_time += u64::from(at <= self.deadline);
                        summary.completions.saturating_record(at.0 / 1_000_000);
                    }
                    End::Failed => summary.mailboxes.failed += 1,
                    End::HalfSwitched => summary.mailboxes.half_switched += 1,
                    End::Unfinished => {}
                }
                add_spans(&mut summary.charged, &charged);
                summary.verification += verification;
            }
            Event::MailboxStarted { .. }
            | Event::StageEntered { .. }
            | Event::ItemRefused { .. }
            | Event::Reached { .. } => {}
        }
    }
}

pub(super) fn add_spans(total: &mut [Span], more: &[Span]) {
    for (total, more) in total.iter_mut().zip(more) {
        *total += *more;
    }
}

/// How many refusals there were of a kind.
#[must_use]
pub fn refusals_of(summary: &Summary, kind: RefusalKind) -> u64 {
    summary.refusals[kind as usize]
}

#[cfg(test)]
mod tests {
    use super::*;
    use mock_server::wire::id::MailboxKey;
    use mock_server::wire::operation::Operation;
    use mock_server::wire::refusal::ItemErrorKind;

    use crate::event::{Cause, Verification};
    use crate::world::Side;

    #[test]
    fn completions_after_the_window_are_no_completions_in_time() {
        let collector = Collector::new(3, Moment(100));
        for at in [100, 101] {
            collector.note(
                Moment(at),
                &Event::MailboxEnded {
                    mailbox: MailboxKey(0),
                    end: End::Completed,
                    started: Moment(0),
                    charged: [Span(1); Cause::ALL.len()],
                    verification: Verification { expected: 2, present: 2, ..Verification::default() },
                },
            );
        }
        let summary = collector.into_summary();
        assert_eq!((summary.mailboxes.completed, summary.mailboxes.in_time, summary.mailboxes.unfinished), (2, 1, 1));
        assert_eq!(summary.mailboxes.late(), 1);
        assert_eq!(summary.makespan, Moment(101));
        assert_eq!(summary.verification.present, 4);
    }

    #[test]
    fn calls_and_skips_are_counted_by_kind() {
        let collector = Collector::new(1, Moment::NEVER);
        let mailbox = MailboxKey(0);
        let reason = SkipReason::Item(ItemErrorKind::Corrupt);
        collector.note(Moment(1), &Event::ItemSkipped { mailbox, reason, bytes: 7 });
        collector.note(
            Moment(2),
            &Event::CallEnded {
                mailbox,
                side: Side::Target,
                operation: Operation::ImportItem,
                attempt: 0,
                took: Span::milliseconds(5),
                refusal: Some(RefusalKind::UploadLimit),
                sent_bytes: 10,
                received_bytes: 1,
            },
        );
        let summary = collector.summary();
        assert_eq!(summary.skipped, [("corrupt".to_owned(), 1)]);
        assert_eq!(summary.requests[Operation::ImportItem as usize].count, 1);
        assert_eq!(refusals_of(&summary, RefusalKind::UploadLimit), 1);
        assert_eq!((summary.sent_bytes, summary.received_bytes), (10, 1));
    }
}
