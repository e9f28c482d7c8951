//! What one side writes, the other reads.

use proptest::prelude::*;

use super::strategies::{ADDRESS, MAILBOX, call, exchange, stream};
use crate::wire::answer::{Answer, FolderEntry};
use crate::wire::call::{Call, Content, Upload};
use crate::wire::ews::{
    Decoded, EwsError, PATH, Unsupported, decode_answer, decode_call, encode_answer, encode_call, encode_call_to_mock,
};
use crate::wire::id::{Id, ItemKey, MailboxKey};
use crate::wire::opaque::{self, Kind};
use crate::wire::refusal::{ItemError, ItemErrorKind};

fn text(kind: Kind, id: &mut Id) {
    if let Id::Number(number) = *id {
        *id = Id::text(&opaque::encode(kind, MAILBOX, number));
    }
}

fn folder_text(folder: &mut FolderEntry) {
    text(Kind::Folder, &mut folder.id);
    folder.parent.iter_mut().for_each(|parent| text(Kind::Folder, parent));
}

/// The answer as a client sees it: with text for references.
fn seen(call: &Call, mut answer: Answer) -> Answer {
    match &mut answer {
        Answer::Folders { folders, state, .. } => {
            folders.iter_mut().for_each(folder_text);
            if let Some(state) = state {
                text(Kind::SyncState, state);
            }
        }
        Answer::FolderList(folders) => folders.iter_mut().flatten().for_each(folder_text),
        Answer::Items { changes, state, .. } => {
            for change in changes {
                text(Kind::Item, &mut change.item);
            }
            text(Kind::SyncState, state);
        }
        Answer::Created(id) if matches!(call, Call::CreateMessage { .. }) => text(Kind::Item, id),
        Answer::Created(id) => text(Kind::Folder, id),
        Answer::Uploaded(stored) => stored.iter_mut().flatten().for_each(|id| text(Kind::Item, id)),
        _ => {}
    }
    answer
}

fn received(call: &Call) -> Decoded {
    let request = encode_call_to_mock(call, ADDRESS, MAILBOX).expect("every operation here is one of EWS");
    assert_eq!((request.method, &*request.path), ("POST", PATH));
    decode_call(&request.body, Some("somebody@else.example")).expect("it was written here")
}

proptest! {
    #[test]
    fn calls_arrive_as_they_were_sent(call in call()) {
        let decoded = received(&call);
        prop_assert_eq!(decoded.address.as_deref(), Some(ADDRESS));
        if let Some(mailbox) = decoded.mailbox {
            prop_assert_eq!(mailbox, MAILBOX);
        }
        prop_assert_eq!(decoded.call, call);
    }

    #[test]
    fn answers_arrive_as_they_were_sent((call, answer) in exchange()) {
        let http = encode_answer(&call, &answer, MAILBOX);
        prop_assert_eq!(http.status, 200);
        prop_assert_eq!(http.header("content-type"), Some("text/xml; charset=utf-8"));
        prop_assert_eq!(decode_answer(&call, &http), Ok(seen(&call, answer)));
    }

    #[test]
    fn streams_without_bytes_still_tell_their_identity(content in stream()) {
        let hollow = Content { bytes: None, ..content.clone() };
        let uploads = vec![Upload { folder: Id::Number(1), replace: None, content: hollow }];
        let Call::UploadItems { uploads } = received(&Call::UploadItems { uploads }).call else { unreachable!() };
        prop_assert_eq!((uploads[0].content.key, uploads[0].content.size), (content.key, content.size));
    }
}

#[test]
fn numbers_are_not_sent_to_strangers() {
    let call = Call::GetItems { items: vec![Id::Number(1)] };
    assert_eq!(encode_call(&call, ADDRESS), Err(Unsupported::Reference));
    assert!(encode_call(&Call::GetItems { items: vec![Id::text("AAMk")] }, ADDRESS).is_ok());
    let switch = Call::StartSwitch;
    assert_eq!(encode_call(&switch, ADDRESS), Err(Unsupported::Operation(switch.operation())));
}

#[test]
fn items_left_out_in_the_middle_do_not_shift_the_others() {
    let content = |key| Content { key: ItemKey(key), size: 3, bytes: Some("abc".into()) };
    let omitted = Err(ItemError { kind: ItemErrorKind::Omitted, retry_after: None });
    let corrupt = Err(ItemError { kind: ItemErrorKind::Corrupt, retry_after: None });
    let call = Call::GetItems { items: (0..5).map(Id::Number).collect() };
    let answer = Answer::Contents(vec![corrupt, omitted.clone(), Ok(content(7)), omitted, Ok(content(9))]);
    let http = encode_answer(&call, &answer, MAILBOX);
    assert_eq!(decode_answer(&call, &http), Ok(answer));
}

#[test]
fn references_that_were_never_given_out_fail_in_their_place() {
    let good = opaque::encode(Kind::Item, MAILBOX, 5);
    let foreign = opaque::encode(Kind::Item, MailboxKey(1), 5);
    let items = [&*good, "AAMkAD", &*foreign].map(Id::text);
    let request = encode_call(&Call::DeleteItems { items: items.to_vec() }, ADDRESS).expect("these are texts");
    let call = decode_call(&request.body, None).expect("it was written here").call;
    assert_eq!(call, Call::DeleteItems { items: vec![Id::Number(5), items[1].clone(), items[2].clone()] });
    let missing = Err(ItemError { kind: ItemErrorKind::NotFound, retry_after: None });
    let http = encode_answer(&call, &Answer::Deleted(vec![Ok(()), missing, missing]), MAILBOX);
    let body = String::from_utf8(http.body.clone()).expect("it is UTF-8");
    assert_eq!(body.matches("<m:ResponseCode>ErrorInvalidIdMalformed</m:ResponseCode>").count(), 2);
    let malformed = Err(ItemError { kind: ItemErrorKind::Invalid, retry_after: None });
    assert_eq!(decode_answer(&call, &http), Ok(Answer::Deleted(vec![Ok(()), malformed, malformed])));
}

#[test]
fn single_references_that_were_never_given_out_fail_the_call() {
    let folder = Id::text("AAMkAD");
    let call = Call::SyncItems { folder: folder.clone(), state: None, limit: 10 };
    let request = encode_call(&call, ADDRESS).expect("these are texts");
    let error = decode_call(&request.body, None).expect_err("the folder is nonsense");
    assert_eq!(error, EwsError::Refused { operation: call.operation(), code: "ErrorInvalidIdMalformed" });
}

#[test]
fn the_address_is_found_wherever_clients_put_it() {
    let request = encode_call(&Call::SyncFolders { state: None }, ADDRESS).expect("it holds no numbers");
    let body = String::from_utf8(request.body).expect("it is UTF-8");
    let header = body.find("<t:ExchangeImpersonation>").zip(body.find("</s:Header>")).expect("both are there");
    let anonymous = format!("{}{}", &body[..header.0], &body[header.1..]);
    let address = |body: &str, anchor| decode_call(body.as_bytes(), anchor).expect(body).address;
    assert_eq!(address(&anonymous, None), None);
    assert_eq!(address(&anonymous, Some("anchor@a.example")).as_deref(), Some("anchor@a.example"));
    let mailbox = "<t:DistinguishedFolderId Id=\"root\"><t:Mailbox><t:EmailAddress>folder@a.example</t:EmailAddress>\
                   </t:Mailbox></t:DistinguishedFolderId>";
    let qualified = anonymous.replace("<t:DistinguishedFolderId Id=\"root\"/>", mailbox);
    assert_eq!(address(&qualified, Some("anchor@a.example")).as_deref(), Some("folder@a.example"));
}
