//! Both ends of every protocol behind one door: calls and answers by [`Protocol`], administration apart from it.

use super::answer::Answer;
use super::call::{Call, FolderRef, Protocol, Upload};
use super::http::{HttpAnswer, HttpCall, Unsupported};
use super::operation::Operation;

use super::id::{Id, MailboxKey};
use super::opaque::{self, Kind};
use super::refusal::Refusal;
use super::{admin, ews, graph};

/// The protocol in which a call is made to a server that speaks `protocol`: users and their licenses are a matter of the
/// directory, which speaks Graph whatever the mailboxes speak.
#[must_use]
pub const fn spoken(protocol: Protocol, operation: Operation) -> Protocol {
    match operation {
        Operation::ProvisionUser | Operation::AssignLicense | Operation::RemoveLicense => Protocol::Graph,
        _ => protocol,
    }
}

/// Writes a call. Administration goes its own way, whatever the protocol. References must be text; see [`written`].
///
/// `address` is the SMTP address of the mailbox concerned; `base` is the server's scheme, host and port without a final
/// slash.
///
/// # Errors
/// If the protocol has no such call, or a reference did not come from a wire.
pub fn encode_call(protocol: Protocol, call: &Call, address: &str, base: &str) -> Result<HttpCall, Unsupported> {
    if admin::is_admin(call) {
        return admin::encode_call(call, address);
    }
    match spoken(protocol, call.operation()) {
        Protocol::Ews => ews::encode_call(call, address).map_err(|problem| {
            let reason = match problem {
                ews::Unsupported::Operation(_) => "EWS has no such operation",
                ews::Unsupported::Reference => "a reference did not come from a wire",
                ews::Unsupported::Folder(_) => "the folder has no distinguished name",
            };
            Unsupported { operation: call.operation(), reason }
        }),
        Protocol::Graph => graph::encode_call(call, address, base),
    }
}

/// Reads the answer to a call.
///
/// # Errors
/// The refusal, which is of kind `Malformed` if the answer cannot be understood.
pub fn decode_answer(protocol: Protocol, call: &Call, answer: &HttpAnswer) -> Result<Answer, Refusal> {
    if admin::is_admin(call) {
        return admin::decode_answer(call, answer);
    }
    match spoken(protocol, call.operation()) {
        Protocol::Ews => ews::decode_answer(call, answer),
        Protocol::Graph => graph::decode_answer(call, answer),
    }
}

/// Writes the answer to a call of our own client. `base` is the scheme, host and port that the request was sent to.
#[must_use]
pub fn encode_answer(protocol: Protocol, call: &Call, answer: &Answer, mailbox: MailboxKey, base: &str) -> HttpAnswer {
    if admin::is_admin(call) {
        return admin::encode_answer(answer);
    }
    match spoken(protocol, call.operation()) {
        Protocol::Ews => ews::encode_answer(call, answer, mailbox),
        Protocol::Graph => graph::encode_answer(call, answer, mailbox, base),
    }
}

/// Writes the refusal of a call; absent if it could not even be read. Administration refuses as Graph does.
#[must_use]
pub fn encode_refusal(protocol: Protocol, call: Option<&Call>, refusal: &Refusal) -> HttpAnswer {
    match call.map_or(protocol, |call| spoken(protocol, call.operation())) {
        Protocol::Ews if !call.is_some_and(admin::is_admin) => ews::encode_refusal(call, refusal),
        _ => graph::encode_refusal(refusal),
    }
}

/// Length in bytes of the body of a call, without writing it. Zero for calls that the protocol does not have.
#[must_use]
pub fn call_bytes(protocol: Protocol, call: &Call, address_length: usize) -> u64 {
    if admin::is_admin(call) {
        return admin::call_bytes(call, address_length);
    }
    match spoken(protocol, call.operation()) {
        Protocol::Ews => ews::call_bytes(call, address_length),
        Protocol::Graph => graph::call_bytes(call, address_length),
    }
}

/// Length in bytes of the body of an answer, without writing it, with a base of [`graph::BASE_LENGTH`] characters.
#[must_use]
pub fn answer_bytes(protocol: Protocol, call: &Call, answer: &Answer) -> u64 {
    if admin::is_admin(call) {
        return admin::answer_bytes(answer);
    }
    match spoken(protocol, call.operation()) {
        Protocol::Ews => ews::answer_bytes(call, answer),
        Protocol::Graph => graph::answer_bytes(call, answer),
    }
}

/// The call with every number turned into the text that stands for it on the wire.
///
/// A client that was told of references before the run began, for example of a copy made earlier, holds numbers; only
/// text can be written. The root as a parent stays a number, because protocols have a name for it.
#[must_use]
pub fn written(call: &Call, mailbox: MailboxKey) -> Call {
    let text = |kind, id: &Id| match id {
        Id::Number(number) => Id::text(&opaque::encode(kind, mailbox, *number)),
        Id::Text(_) => id.clone(),
    };
    let folder = |id: &Id| text(Kind::Folder, id);
    let item = |id: &Id| text(Kind::Item, id);
    let state = |state: &Option<Id>| state.as_ref().map(|id| text(Kind::SyncState, id));
    let items = |items: &[Id]| items.iter().map(item).collect();
    match call {
        Call::SyncFolders { state: since } => Call::SyncFolders { state: state(since) },
        Call::GetFolders { folders } => {
            let name = |folder: &FolderRef| match folder {
                FolderRef::Id(id) => FolderRef::Id(text(Kind::Folder, id)),
                kind @ FolderRef::Kind(_) => kind.clone(),
            };
            Call::GetFolders { folders: folders.iter().map(name).collect() }
        }
        Call::SyncItems { folder: id, state: since, limit } => {
            Call::SyncItems { folder: folder(id), state: state(since), limit: *limit }
        }
        Call::FindItems { folder: id, key } => Call::FindItems { folder: folder(id), key: *key },
        Call::GetItems { items: ids } => Call::GetItems { items: items(ids) },
        Call::ExportItems { items: ids } => Call::ExportItems { items: items(ids) },
        Call::DeleteItems { items: ids } => Call::DeleteItems { items: items(ids) },
        Call::CreateFolder { parent, name } => {
            let parent = if *parent == Id::Number(0) { parent.clone() } else { folder(parent) };
            Call::CreateFolder { parent, name: name.clone() }
        }
        Call::RenameFolder { folder: id, name } => Call::RenameFolder { folder: folder(id), name: name.clone() },
        Call::MoveFolder { folder: id, parent } => {
            let parent = if *parent == Id::Number(0) { parent.clone() } else { folder(parent) };
            Call::MoveFolder { folder: folder(id), parent }
        }
        Call::ImportItem { session, folder: id, replace, content } => Call::ImportItem {
            session: text(Kind::Session, session),
            folder: folder(id),
            replace: replace.as_ref().map(item),
            content: content.clone(),
        },
        Call::CreateMessage { folder: id, content } => {
            Call::CreateMessage { folder: folder(id), content: content.clone() }
        }
        Call::UploadItems { uploads } => {
            let upload = |upload: &Upload| Upload {
                folder: folder(&upload.folder),
                replace: upload.replace.as_ref().map(item),
                content: upload.content.clone(),
            };
            Call::UploadItems { uploads: uploads.iter().map(upload).collect() }
        }
        Call::Batch { calls } => Call::Batch { calls: calls.iter().map(|call| written(call, mailbox)).collect() },
        other => other.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::call::FolderKind;

    #[test]
    fn both_protocols_have_the_same_names_for_default_folders() {
        for number in 0..=u8::MAX {
            let call = Call::GetFolders { folders: vec![FolderRef::Kind(FolderKind::Default(number))] };
            let graph = encode_call(Protocol::Graph, &call, "a@b.example", "");
            let ews = encode_call(Protocol::Ews, &call, "a@b.example", "");
            match (graph, ews) {
                (Ok(graph), Ok(ews)) => {
                    let name = graph.path.rsplit('/').next().unwrap_or_default();
                    let body = String::from_utf8_lossy(&ews.body);
                    assert!(body.contains(&format!("\"{name}\"")), "{name} in {body}");
                }
                (graph, ews) => assert!(graph.is_err() && ews.is_err(), "{number}: {graph:?} and {ews:?}"),
            }
        }
    }

    #[test]
    fn administration_is_the_same_in_both_protocols() {
        for call in [Call::StopMailbox, Call::StartSwitch, Call::PollSwitch] {
            let [graph, ews] = [Protocol::Graph, Protocol::Ews].map(|protocol| {
                let sent = encode_call(protocol, &call, "a@b.example", "http://127.0.0.1:40000");
                let length = sent.as_ref().map_or(0, |sent| sent.body.len() as u64);
                assert_eq!(call_bytes(protocol, &call, "a@b.example".len()), length);
                sent
            });
            assert_eq!(graph, ews);
        }
    }

    #[test]
    fn the_directory_is_the_same_in_both_protocols() {
        for call in [Call::ProvisionUser, Call::AssignLicense, Call::RemoveLicense] {
            let [graph, ews] = [Protocol::Graph, Protocol::Ews].map(|protocol| {
                let sent = encode_call(protocol, &call, "a@b.example", "http://127.0.0.1:40000").expect("readable");
                assert_eq!(call_bytes(protocol, &call, "a@b.example".len()), sent.body.len() as u64);
                let answer = encode_answer(protocol, &call, &Answer::Done, MailboxKey(1), "http://127.0.0.1:40000");
                assert_eq!(decode_answer(protocol, &call, &answer), Ok(Answer::Done));
                sent
            });
            assert_eq!(graph, ews);
        }
    }

    #[test]
    fn written_calls_hold_no_numbers() {
        let call = Call::Batch {
            calls: vec![
                Call::SyncItems { folder: Id::Number(1), state: Some(Id::Number(2)), limit: 3 },
                Call::DeleteItems { items: vec![Id::Number(4)] },
            ],
        };
        assert!(encode_call(Protocol::Graph, &call, "a@b.example", "").is_err());
        assert!(encode_call(Protocol::Graph, &written(&call, MailboxKey(5)), "a@b.example", "").is_ok());
    }
}
