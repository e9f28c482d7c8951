//! Samples in the shapes that clients send and the documentation shows, against which both directions are held.

use super::batch::MAX_BATCH;
use super::error::GraphError;
use super::*;
use crate::time::Span;
use crate::wire::call::FolderKind;
use crate::wire::call::FolderRef;
use crate::wire::id::ItemKey;

const MAILBOX: MailboxKey = MailboxKey(3);

fn body_of(answer: &HttpAnswer) -> serde_json::Value {
    serde_json::from_slice(&answer.body).expect("an answer is JSON")
}

fn check_refusal(kind: RefusalKind, status: u16, body: &str) {
    let refusal = Refusal { kind, status, retry_after: Some(Span::milliseconds(2_100)) };
    let answer = encode_refusal(&refusal);
    assert_eq!(answer.status, status);
    assert_eq!(String::from_utf8_lossy(&answer.body), body);
    assert_eq!(answer.header("retry-after"), Some("3"));
    assert_eq!(answer.header("content-type"), Some(JSON_TYPE));
}

#[test]
fn throttled_answers_are_those_seen_in_the_field() {
    check_refusal(
        RefusalKind::ConcurrencyLimit,
        429,
        r#"{"error":{"code":"ApplicationThrottled","message":"Application is over its MailboxConcurrency limit."}}"#,
    );
    check_refusal(
        RefusalKind::UploadLimit,
        429,
        r#"{"error":{"code":"ApplicationThrottled","message":"Application is over its IncomingBytes limit."}}"#,
    );
    check_refusal(
        RefusalKind::RequestLimit,
        429,
        r#"{"error":{"code":"ApplicationThrottled","message":"Application is over its Request limit."}}"#,
    );
    let answer = encode_refusal(&Refusal { kind: RefusalKind::AppLimit, status: 429, retry_after: None });
    let error = &body_of(&answer)["error"];
    assert_eq!(error["code"], "TooManyRequests");
    assert_eq!(error["message"], "Please retry again later.");
    assert_eq!(error["innerError"]["code"], "429");
}

fn read_refusal(status: u16, retry_after: &str, body: &str) -> Refusal {
    let headers = vec![("Retry-After", retry_after.to_owned())];
    let answer = HttpAnswer { status, headers, body: body.as_bytes().to_vec() };
    decode_answer(&Call::CreateImportSession, &answer).expect_err("a refusal")
}

#[test]
fn waits_are_read_as_whole_and_as_decimal_seconds() {
    let body = r#"{"error":{"code":"UnknownError","message":""}}"#;
    let refusal = read_refusal(429, "2.128", body);
    assert_eq!((refusal.kind, refusal.retry_after), (RefusalKind::AppLimit, Some(Span::milliseconds(2_128))));
    assert_eq!(read_refusal(503, "10", "").retry_after, Some(Span::seconds(10)));
    assert_eq!(read_refusal(503, "soon", "").retry_after, None);
}

fn batch(body: &str) -> Result<Decoded, GraphError> {
    decode_call("POST", "/v1.0/$batch", Headers::default(), body.as_bytes())
}

#[test]
fn a_batch_takes_all_forms_of_urls_and_answers_with_the_ids_of_its_client() {
    let decoded = batch(
        r#"{"requests":[
            {"id":"8f1e-A","method":"GET","url":"/users/a@b.c/mailFolders/inbox","depends_on":[]},
            {"id":"two","method":"get","url":"/v1.0/users/a@b.c/messages/m/$value"},
            {"id":"3","method":"DELETE","url":"https://h/v1.0//users/A%40B.c/messages/m%3D","dependsOn":["TWO"],
             "headers":null,"body":null}
        ]}"#,
    )
    .expect("a batch");
    assert_eq!(decoded.mailbox, Named::Address("A@B.c".to_owned()));
    let calls = vec![
        Call::GetFolders { folders: vec![FolderRef::Kind(FolderKind::Inbox)] },
        Call::GetItems { items: vec![Id::text("m")] },
        Call::DeleteItems { items: vec![Id::text("m=")] },
    ];
    assert_eq!(decoded.call, Call::Batch { calls });
    let throttled = Refusal { kind: RefusalKind::ConcurrencyLimit, status: 429, retry_after: Some(Span::seconds(10)) };
    let content = crate::wire::stream::content(b"Subject: x\r\n\r\n".to_vec());
    let answer = Answer::Batch(vec![Err(throttled), Ok(Answer::Contents(vec![Ok(content)])), Err(throttled)]);
    let body = body_of(&answer_to(&decoded, &answer, MAILBOX, ""));
    let [first, second, third] = [0, 1, 2].map(|at| &body["responses"][at]);
    assert_eq!((&first["id"], &first["status"]), (&"8f1e-A".into(), &429.into()));
    assert_eq!(first["headers"]["Retry-After"], "10");
    assert_eq!(first["body"]["error"]["code"], "ApplicationThrottled");
    assert_eq!((&second["id"], &second["status"]), (&"two".into(), &200.into()));
    assert_eq!(second["body"], "U3ViamVjdDogeA0KDQo=");
    assert_eq!(third["id"], "3");
}

#[test]
fn what_cannot_be_read_in_a_batch_is_answered_in_its_place_and_blocks_what_depends_on_it() {
    let decoded = batch(
        r#"{"requests":[
            {"id":"1","method":"GET","url":"/nowhere"},
            {"id":"2","method":"DELETE","url":"/users/a@b.c/messages/m"},
            {"id":"3","method":"DELETE","url":"/users/a@b.c/messages/n","dependsOn":["1"]}
        ]}"#,
    )
    .expect("a batch");
    assert_eq!(decoded.call, Call::Batch { calls: vec![Call::DeleteItems { items: vec![Id::text("m")] }] });
    let answer = Answer::Batch(vec![Ok(Answer::Deleted(vec![Ok(())]))]);
    let body = body_of(&answer_to(&decoded, &answer, MAILBOX, ""));
    let statuses = [0, 1, 2].map(|at| body["responses"][at]["status"].as_u64());
    assert_eq!(statuses, [Some(404), Some(204), Some(424)]);
}

#[test]
fn malformed_batches_are_refused_as_a_whole() {
    let one = r#"{"id":"a","method":"GET","url":"/users/x/mailFolders"}"#;
    let other = r#"{"id":"b","method":"GET","url":"/users/y/mailFolders"}"#;
    let twins = format!(r#"{{"requests":[{one},{}]}}"#, one.replace("\"a\"", "\"A\""));
    assert!(matches!(batch(&twins), Err(GraphError::BadValue(_))));
    let many: Vec<_> = (0..=MAX_BATCH).map(|n| one.replace("\"a\"", &format!("\"{n}\""))).collect();
    assert!(batch(&format!(r#"{{"requests":[{}]}}"#, many.join(","))).is_err());
    assert_eq!(batch(&format!(r#"{{"requests":[{one},{other}]}}"#)), Err(GraphError::MixedMailboxes));
    assert_eq!(batch("{").map_err(|error| error.answer().status), Err(400));
    assert!(batch(&"[".repeat(100_000)).is_err());
}

#[test]
fn imports_follow_the_documented_rules_of_their_mode() {
    let import = |body: &str| {
        let path = "/api/gbeta/Mailboxes('a@b.c')/importItem?authtoken=t";
        decode_call("POST", path, Headers::default(), body.as_bytes()).map(|decoded| decoded.call)
    };
    assert!(import(r#"{"FolderId":"f","Mode":"create","Data":"QUJD"}"#).is_ok());
    assert!(import(r#"{"FolderId":"f","Mode":"update","Data":"QUJD","ItemId":"i","ChangeKey":"c"}"#).is_ok());
    assert!(import(r#"{"FolderId":"f","Mode":"create","Data":"QUJD","ItemId":"i"}"#).is_err());
    assert!(import(r#"{"FolderId":"f","Mode":"update","Data":"QUJD"}"#).is_err());
    assert!(import(r#"{"FolderId":"f","Mode":"create","Data":"not base64"}"#).is_err());
}

#[test]
fn folders_are_listed_in_the_shape_of_the_resource_that_was_asked() {
    let path = "/v1.0/users/a%40b.c/mailFolders?$top=2&includeHiddenFolders=true";
    let decoded = decode_call("GET", path, Headers::default(), b"").expect("a list");
    assert_eq!((&decoded.call, &decoded.form), (&Call::FindFolders { from: 0, limit: 2 }, &Form::MailFolders));
    let folder = super::super::answer::FolderEntry {
        id: Id::Number(1),
        parent: Some(Id::Number(0)),
        name: "Inbox".into(),
        kind: FolderKind::Inbox,
        items: 5,
        bytes: 600,
    };
    let answer = Answer::Folders { folders: vec![folder], state: None, next: Some(2) };
    let sent = answer_to(&decoded, &answer, MAILBOX, "https://graph.microsoft.com");
    let body = body_of(&sent);
    assert_eq!(body["value"][0]["sizeInBytes"], 600);
    let link = body["@odata.nextLink"].as_str().expect("a link");
    assert!(link.starts_with("https://graph.microsoft.com/v1.0/users/MBX:"), "{link}");
    let next = decode_call("GET", link, Headers::default(), b"").expect("the next page");
    assert_eq!(next.mailbox, Named::Key(MAILBOX));
    assert_eq!(next.call, Call::FindFolders { from: 2, limit: 2 });
}

#[test]
fn a_user_who_exists_is_as_good_as_a_new_one() {
    let taken = r#"{"error":{"code":"Request_BadRequest",
        "message":"Another object with the same value for property userPrincipalName already exists."}}"#;
    for (status, body) in [(409, ""), (400, taken)] {
        let answer = HttpAnswer { status, headers: Vec::new(), body: body.as_bytes().to_vec() };
        assert_eq!(decode_answer(&Call::ProvisionUser, &answer), Ok(Answer::Done));
    }
}

#[test]
fn an_import_url_on_another_host_is_called_whole() {
    let import = |session: &str| Call::ImportItem {
        session: Id::text(session),
        folder: Id::text("f"),
        replace: None,
        content: super::super::call::Content { key: ItemKey(1), size: 20, bytes: None },
    };
    let path = |session| encode_call(&import(session), "a@b.c", "https://h:1").map(|call| call.path);
    assert_eq!(path("https://h:1/api/x?authtoken=t"), Ok("/api/x?authtoken=t".to_owned()));
    assert_eq!(path("https://other/api/x"), Ok("https://other/api/x".to_owned()));
    assert_eq!(path("https://h:10/api/x"), Ok("https://h:10/api/x".to_owned()));
}

#[test]
fn a_lost_sync_state_comes_with_the_place_to_start_over() {
    let state = opaque::encode(Kind::SyncState, MAILBOX, 9);
    let path = format!("/v1.0/admin/exchange/mailboxes/a@b.c/folders/delta?$deltatoken={state}");
    let decoded = decode_call("GET", &path, Headers::default(), b"").expect("a sync");
    let lost = Refusal { kind: RefusalKind::SyncStateLost, status: 410, retry_after: None };
    let answer = refuse(&decoded, &lost, MAILBOX, "https://h");
    assert_eq!(answer.status, 410);
    assert_eq!(body_of(&answer)["error"]["code"], "syncStateNotFound");
    let location = answer.header("Location").expect("a location");
    let again = decode_call("GET", location, Headers::default(), b"").expect("a sync");
    assert_eq!(again.call, Call::SyncFolders { state: None });
}
