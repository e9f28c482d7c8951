//! Lengths are known without writing.

use proptest::prelude::*;

use super::strategies::{ADDRESS, MAILBOX, call, exchange};
use crate::wire::answer::Answer;
use crate::wire::call::{Call, Content, FolderRef};
use crate::wire::ews::{answer_bytes, call_bytes, encode_answer, encode_call_to_mock};
use crate::wire::id::Id;

/// The same call without the bytes of its content, as in virtual time.
fn hollow(mut call: Call) -> Call {
    match &mut call {
        Call::CreateMessage { content, .. } => content.bytes = None,
        Call::UploadItems { uploads } => uploads.iter_mut().for_each(|upload| upload.content.bytes = None),
        _ => {}
    }
    call
}

fn hollow_answer(mut answer: Answer) -> Answer {
    if let Answer::Contents(contents) = &mut answer {
        contents.iter_mut().flatten().for_each(|content: &mut Content| content.bytes = None);
    }
    answer
}

/// The same call with references that the server did not give out.
fn foreign(mut call: Call, text: &str) -> Call {
    let id = Id::text(text);
    match &mut call {
        Call::SyncFolders { state } => *state = Some(id),
        Call::SyncItems { folder, state, .. } => (*folder, *state) = (id.clone(), Some(id)),
        Call::GetItems { items } | Call::ExportItems { items } | Call::DeleteItems { items } => items[0] = id,
        Call::UploadItems { uploads } => uploads[0].folder = id,
        Call::GetFolders { folders } => folders[0] = FolderRef::Id(id),
        Call::RenameFolder { folder, .. } => *folder = id,
        Call::MoveFolder { folder, parent } => (*folder, *parent) = (id.clone(), id),
        _ => {}
    }
    call
}

fn check_call(call: &Call) {
    let request = encode_call_to_mock(call, ADDRESS, MAILBOX).expect("every operation here is one of EWS");
    assert_eq!(call_bytes(call, ADDRESS.len()), request.body.len() as u64, "{call:?}");
}

fn check_answer(call: &Call, answer: &Answer) {
    let http = encode_answer(call, answer, MAILBOX);
    assert_eq!(answer_bytes(call, answer), http.body.len() as u64, "{call:?} {answer:?}");
}

proptest! {
    #[test]
    fn requests_are_as_long_as_foretold(call in call(), text in "[a-z<>&'\"\n\r\t]{0,9}") {
        check_call(&call);
        check_call(&hollow(call.clone()));
        check_call(&foreign(call, &text));
    }

    #[test]
    fn answers_are_as_long_as_foretold((call, answer) in exchange(), text in "[a-z<>&'\"\n\r\t]{0,9}") {
        check_answer(&call, &answer);
        check_answer(&call, &hollow_answer(answer.clone()));
        check_answer(&foreign(call, &text), &answer);
    }
}

#[test]
fn empty_lists_and_answers_that_do_not_fit_are_as_long_as_foretold() {
    check_call(&Call::GetItems { items: vec![] });
    check_call(&Call::UploadItems { uploads: vec![] });
    check_answer(&Call::GetItems { items: vec![] }, &Answer::Contents(vec![]));
    check_answer(&Call::GetItems { items: vec![] }, &Answer::Done);
    assert_eq!(call_bytes(&Call::StartSwitch, 10), 0);
}
