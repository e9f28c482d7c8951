//! What a client hears of an outcome that travels in a protocol: kinds that the protocol has no words for become others,
//! and waits are announced in its units.
//!
//! For worlds in which nothing is written: the laws below hold this against what the codecs write and read.

use super::admin;
use super::answer::Answer;
use super::call::{Call, Protocol};
use super::refusal::{ItemError, Refusal, RefusalKind};
use super::{codec, ews, graph};
use crate::time::Span;

/// A wait as a header counts it: whole seconds, rounded up.
#[must_use]
pub(super) fn in_seconds(wait: Span) -> Span {
    Span::seconds(wait.as_seconds_up())
}

/// A wait as EWS counts it: whole milliseconds, rounded up.
#[must_use]
pub(super) fn in_milliseconds(wait: Span) -> Span {
    Span::milliseconds(wait.as_milliseconds_up())
}

/// The refusal of a call as its client hears it.
///
/// What the connection says (`ConnectionReset`, `Truncated`) needs no protocol. Errors that a protocol cannot tell from
/// those of the call's only item, and reads as an item's, stay the call's here; a service gives no such refusals.
#[must_use]
pub fn refusal(protocol: Protocol, call: &Call, refusal: &Refusal) -> Refusal {
    match (refusal.kind, codec::spoken(protocol, call.operation())) {
        (kind @ (RefusalKind::ConnectionReset | RefusalKind::Truncated), _) => {
            Refusal { kind, status: 0, retry_after: None }
        }
        (_, Protocol::Ews) if !admin::is_admin(call) => ews::heard_refusal(call, refusal),
        _ => graph::heard_refusal(refusal),
    }
}

/// Turns an outcome into the one that its client hears: refusals as [`refusal`] says, also those of the entries of a
/// batch, and the waits of single items.
#[inline]
pub fn listen(protocol: Protocol, call: &Call, outcome: &mut Result<Answer, Refusal>) {
    match outcome {
        Err(said) => *said = refusal(protocol, call, said),
        Ok(answer) => listen_to(protocol, call, answer),
    }
}

fn listen_to(protocol: Protocol, call: &Call, answer: &mut Answer) {
    let wait = |error: &mut ItemError| {
        error.retry_after = match (protocol, call) {
            (Protocol::Ews, _) => error.retry_after.map(in_milliseconds),
            // The errors of `exportItems` have no place for a wait.
            (Protocol::Graph, Call::ExportItems { .. }) => None,
            (Protocol::Graph, _) => error.retry_after.map(in_seconds),
        };
    };
    match answer {
        Answer::Contents(items) => items.iter_mut().filter_map(|item| item.as_mut().err()).for_each(wait),
        Answer::Uploaded(items) => items.iter_mut().filter_map(|item| item.as_mut().err()).for_each(wait),
        Answer::Deleted(items) => items.iter_mut().filter_map(|item| item.as_mut().err()).for_each(wait),
        Answer::FolderList(items) => items.iter_mut().filter_map(|item| item.as_mut().err()).for_each(wait),
        Answer::Batch(answers) => {
            let Call::Batch { calls } = call else { return };
            for (call, answer) in calls.iter().zip(answers) {
                match answer {
                    Ok(answer) => listen_to(protocol, call, answer),
                    // A gateway stands before the entries: there is no connection of their own.
                    Err(said) => *said = graph::heard_refusal(said),
                }
            }
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::wire::id::{Id, ItemKey, MailboxKey};
    use crate::wire::refusal::ItemErrorKind;

    fn refusals() -> impl Strategy<Value = Refusal> {
        let wait = proptest::option::of((0u64..400_000_000_000).prop_map(Span));
        let kind = (0..RefusalKind::ALL.len()).prop_map(|at| RefusalKind::ALL[at]);
        (kind, 400u16..600, wait).prop_map(|(kind, status, retry_after)| Refusal { kind, status, retry_after })
    }

    fn calls() -> [Call; 10] {
        let folder = Id::text("folder");
        [
            Call::SyncFolders { state: None },
            Call::FindItems { folder: folder.clone(), key: ItemKey(7) },
            Call::SyncItems { folder: folder.clone(), state: None, limit: 10 },
            Call::CreateFolder { parent: folder.clone(), name: "name".into() },
            Call::RenameFolder { folder: folder.clone(), name: "name".into() },
            Call::MoveFolder { folder: folder.clone(), parent: folder },
            Call::StartSwitch,
            Call::PollSwitch,
            Call::StopMailbox,
            Call::AssignLicense,
        ]
    }

    /// What the client reads of what the server writes.
    fn written(protocol: Protocol, call: &Call, outcome: &Result<Answer, Refusal>) -> Result<Answer, Refusal> {
        let answer = match outcome {
            Ok(answer) => codec::encode_answer(protocol, call, answer, MailboxKey(0), "http://127.0.0.1:1"),
            Err(refusal) => codec::encode_refusal(protocol, Some(call), refusal),
        };
        codec::decode_answer(protocol, call, &answer)
    }

    proptest! {
        #[test]
        fn what_is_heard_is_what_the_codecs_write_and_read(refused in refusals(), at in 0..calls().len()) {
            let call = &calls()[at];
            for protocol in [Protocol::Ews, Protocol::Graph] {
                if matches!(refused.kind, RefusalKind::ConnectionReset | RefusalKind::Truncated) {
                    prop_assert_eq!(refusal(protocol, call, &refused).status, 0);
                } else {
                    let expected = written(protocol, call, &Err(refused));
                    prop_assert_eq!(Err(refusal(protocol, call, &refused)), expected, "{:?}", call);
                }
            }
        }

        #[test]
        fn what_is_heard_of_a_batch_is_what_the_codec_writes_and_reads(refused in refusals()) {
            let call = Call::Batch { calls: vec![Call::SyncFolders { state: None }] };
            let mut outcome = Ok(Answer::Batch(vec![Err(refused)]));
            let expected = written(Protocol::Graph, &call, &outcome);
            listen(Protocol::Graph, &call, &mut outcome);
            prop_assert_eq!(outcome, expected);
        }

        #[test]
        fn what_is_heard_of_items_is_what_the_codecs_write_and_read(wait in proptest::option::of(0u64..90_000_000_000)) {
            let busy = ItemError { kind: ItemErrorKind::Busy, retry_after: wait.map(Span) };
            let items = vec![Id::text("item")];
            let cases = [
                (Call::ExportItems { items: items.clone() }, Answer::Contents(vec![Err(busy)])),
                (Call::GetItems { items: items.clone() }, Answer::Contents(vec![Err(busy)])),
                (Call::DeleteItems { items }, Answer::Deleted(vec![Err(busy)])),
            ];
            for (call, answer) in cases {
                for protocol in [Protocol::Ews, Protocol::Graph] {
                    let mut outcome = Ok(answer.clone());
                    let expected = written(protocol, &call, &outcome);
                    listen(protocol, &call, &mut outcome);
                    prop_assert_eq!(&outcome, &expected, "{:?} in {:?}", call, protocol);
                }
            }
        }
    }
}
