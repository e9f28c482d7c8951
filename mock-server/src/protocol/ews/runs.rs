//! Lists whose entries may lie in several mailboxes: neighbors of one mailbox are worked on together, because limits and
//! faults count requests and not what these name.

use std::ops::Range;

use super::context::{Context, FolderTarget, Refused};
use super::failure::Failure;
use super::messages::Messages;
use crate::mailbox::open::Open;
use crate::protocol::host::Host;
use crate::service::cost::Work;
use crate::wire::id::MailboxKey;
use crate::wire::operation::Operation;

/// Neighbors of one mailbox by their places in a list. Entries that could not be read belong to their neighbors; a list
/// of nothing else belongs to nobody.
fn runs<T>(
    targets: &[Result<T, Failure>],
    owner: impl Fn(&T) -> MailboxKey,
) -> Vec<(Option<MailboxKey>, Range<usize>)> {
    let mut runs: Vec<(Option<MailboxKey>, Range<usize>)> = Vec::new();
    for (place, target) in targets.iter().enumerate() {
        let mailbox = target.as_ref().ok().map(&owner);
        match runs.last_mut() {
            Some((last, run)) if mailbox.is_none() || last.is_none() || *last == mailbox => {
                *last = last.or(mailbox);
                run.end = place + 1;
            }
            _ => runs.push((mailbox, place..place + 1)),
        }
    }
    runs
}

/// Works on every entry of a list, which writes its message, and adds to the work done. Where a mailbox is refused after
/// another one was worked on, its entries say so: what was done must be told.
pub(super) fn each<H: Host, T>(
    context: &mut Context<'_, H>,
    operation: Operation,
    targets: &[Result<T, Failure>],
    owner: impl Fn(&T) -> MailboxKey,
    messages: &mut Messages,
    mut work: impl FnMut(&mut Open<'_, H::Content>, usize, &T, &mut Messages, &mut Work),
) -> Result<(), Refused> {
    let mut told = false;
    for (mailbox, run) in runs(targets, owner) {
        let Some(mailbox) = mailbox else {
            targets.iter().filter_map(|target| target.as_ref().err()).for_each(|failure| messages.fail(*failure));
            continue;
        };
        let outcome = context.perform(mailbox, operation, |open| {
            let mut done = Work::default();
            for place in run.clone() {
                match &targets[place] {
                    Ok(target) => work(open, place, target, messages, &mut done),
                    Err(failure) => messages.fail(*failure),
                }
            }
            ((), done)
        });
        match outcome {
            Ok(()) => told = true,
            Err(Refused::Refusal(refusal)) if told => {
                context.take_back();
                for target in &targets[run] {
                    match target {
                        Ok(_) => messages.refuse(&refusal),
                        Err(failure) => messages.fail(*failure),
                    }
                }
            }
            Err(refused) => return Err(refused),
        }
    }
    Ok(())
}

/// Works on every folder of a list; what goes wrong with one is its message.
pub(super) fn each_folder<H: Host>(
    context: &mut Context<'_, H>,
    operation: Operation,
    folders: &[Result<FolderTarget, Failure>],
    messages: &mut Messages,
    mut work: impl FnMut(&mut Open<'_, H::Content>, FolderTarget, &mut Messages) -> Result<Work, Failure>,
) -> Result<(), Refused> {
    each(context, operation, folders, FolderTarget::mailbox, messages, |open, _, folder, messages, done| {
        match work(open, *folder, messages) {
            Ok(Work { items, content_bytes }) => {
                done.items += items;
                done.content_bytes += content_bytes;
            }
            Err(failure) => messages.fail(failure),
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(mailboxes: &[Option<u32>], expected: &[(Option<u32>, Range<usize>)]) {
        let targets: Vec<_> = mailboxes.iter().map(|mailbox| mailbox.ok_or(Failure::MALFORMED_ID)).collect();
        let found = runs(&targets, |mailbox| MailboxKey(*mailbox));
        let found: Vec<_> = found.into_iter().map(|(mailbox, run)| (mailbox.map(|mailbox| mailbox.0), run)).collect();
        assert_eq!(found, expected, "{mailboxes:?}");
    }

    #[test]
    fn neighbors_of_one_mailbox_are_one_run_whatever_stands_between_them() {
        check(&[], &[]);
        check(&[None, None], &[(None, 0..2)]);
        check(&[Some(1), Some(1), Some(2)], &[(Some(1), 0..2), (Some(2), 2..3)]);
        check(&[None, Some(1), None, Some(1), None], &[(Some(1), 0..5)]);
        check(&[Some(1), None, Some(2), Some(1)], &[(Some(1), 0..2), (Some(2), 2..3), (Some(1), 3..4)]);
    }
}
