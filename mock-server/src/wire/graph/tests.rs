//! Laws of the codec as a whole: what one side writes the other reads, and lengths are those of what is written.

use std::sync::Arc;

use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;

use super::*;
use crate::time::Span;
use crate::wire::answer::{ChangeKind, FolderEntry, ItemChange};
use crate::wire::call::{Content, FolderKind, FolderRef};
use crate::wire::codec::written;
use crate::wire::id::ItemKey;
use crate::wire::refusal::{ItemError, ItemErrorKind};
use crate::wire::stream;

const ADDRESS: &str = "a.b-1234567@mail.example";
const BASE: &str = "http://127.0.0.1:40000";
const MAILBOX: MailboxKey = MailboxKey(1_234_567);

fn id() -> impl Strategy<Value = Id> {
    any::<u64>().prop_map(Id::Number)
}

fn content() -> impl Strategy<Value = Content> {
    (any::<u64>(), 16u32..600).prop_map(|(key, size)| stream::content(stream::computed(ItemKey(key), size)))
}

fn folder_ref() -> impl Strategy<Value = FolderRef> {
    let kind = prop_oneof![
        Just(FolderKind::Root),
        Just(FolderKind::Inbox),
        Just(FolderKind::Junk),
        (0u8..26).prop_map(FolderKind::Default),
    ];
    prop_oneof![id().prop_map(FolderRef::Id), kind.prop_map(FolderRef::Kind)]
}

/// Calls that may stand in a batch.
fn single() -> impl Strategy<Value = Call> {
    let name = || "[a-zA-Z \"\\\\\u{1}é/'%]{1,20}".prop_map(|name| Arc::from(name.as_str()));
    let (name, renamed) = (name(), name());
    prop_oneof![
        (any::<u32>(), 1u32..=MAX_PAGE).prop_map(|(from, limit)| Call::FindFolders { from, limit }),
        option::of(id()).prop_map(|state| Call::SyncFolders { state }),
        (id(), option::of(id()), 1u32..=MAX_PAGE).prop_map(|(folder, state, limit)| Call::SyncItems {
            folder,
            state,
            limit
        }),
        (id(), any::<u64>()).prop_map(|(folder, key)| Call::FindItems { folder, key: ItemKey(key) }),
        vec(id(), 1).prop_map(|items| Call::GetItems { items }),
        vec(id(), 1).prop_map(|items| Call::DeleteItems { items }),
        vec(id(), 1..=20).prop_map(|items| Call::ExportItems { items }),
        (prop_oneof![id(), Just(Id::Number(0))], name).prop_map(|(parent, name)| Call::CreateFolder { parent, name }),
        (id(), renamed).prop_map(|(folder, name)| Call::RenameFolder { folder, name }),
        (id(), prop_oneof![id(), Just(Id::Number(0))]).prop_map(|(folder, parent)| Call::MoveFolder { folder, parent }),
        folder_ref().prop_map(|folder| Call::GetFolders { folders: vec![folder] }),
        Just(Call::CreateImportSession),
        (id(), content()).prop_map(|(folder, content)| Call::CreateMessage { folder, content }),
        Just(Call::ProvisionUser),
        Just(Call::AssignLicense),
        Just(Call::RemoveLicense),
    ]
}

fn call() -> impl Strategy<Value = Call> {
    let import = (id(), id(), option::of(id()), content())
        .prop_map(|(session, folder, replace, content)| Call::ImportItem { session, folder, replace, content });
    prop_oneof![6 => single(), 1 => import, 2 => vec(single(), 1..=20).prop_map(|calls| Call::Batch { calls })]
}

fn wait() -> impl Strategy<Value = Option<Span>> {
    option::of((0u64..4_000).prop_map(Span::milliseconds))
}

fn item_error() -> impl Strategy<Value = ItemError> {
    let kind = prop_oneof![
        Just(ItemErrorKind::Corrupt),
        Just(ItemErrorKind::TooLarge),
        Just(ItemErrorKind::NotFound),
        Just(ItemErrorKind::Busy),
        Just(ItemErrorKind::Stopped),
        Just(ItemErrorKind::QuotaExceeded),
        Just(ItemErrorKind::Invalid),
        Just(ItemErrorKind::Omitted),
    ];
    (kind, wait()).prop_map(|(kind, retry_after)| ItemError { kind, retry_after })
}

fn refusal() -> impl Strategy<Value = Refusal> {
    let pair = prop_oneof![
        Just((RefusalKind::RequestLimit, 429)),
        Just((RefusalKind::ConcurrencyLimit, 429)),
        Just((RefusalKind::UploadLimit, 429)),
        Just((RefusalKind::AppLimit, 429)),
        Just((RefusalKind::ConnectionCount, 429)),
        Just((RefusalKind::Unavailable, 503)),
        Just((RefusalKind::ServerError, 500)),
        Just((RefusalKind::GatewayError, 502)),
        Just((RefusalKind::GatewayError, 504)),
        Just((RefusalKind::OtherStatus, 451)),
        Just((RefusalKind::Unauthorized, 401)),
        Just((RefusalKind::Forbidden, 403)),
        Just((RefusalKind::Invalid, 400)),
        Just((RefusalKind::SyncStateLost, 410)),
    ];
    (pair, wait()).prop_map(|((kind, status), retry_after)| Refusal { kind, status, retry_after })
}

fn folder_entry() -> impl Strategy<Value = FolderEntry> {
    let kind = prop_oneof![
        Just(FolderKind::Root),
        Just(FolderKind::Inbox),
        Just(FolderKind::Junk),
        Just(FolderKind::Calendar),
        Just(FolderKind::Contacts),
        Just(FolderKind::Tasks),
        (0u8..40).prop_map(FolderKind::Default),
        Just(FolderKind::User),
    ];
    (id(), option::of(id()), "[a-z\"é]{0,12}", kind, any::<u64>(), any::<u64>()).prop_map(
        |(id, parent, name, kind, items, bytes)| FolderEntry {
            id,
            parent,
            name: Arc::from(name.as_str()),
            kind,
            items,
            bytes,
        },
    )
}

fn change() -> impl Strategy<Value = ItemChange> {
    let kind = prop_oneof![
        Just(ChangeKind::Create),
        Just(ChangeKind::Update),
        Just(ChangeKind::ReadFlag),
        Just(ChangeKind::Delete)
    ];
    (kind, id(), option::of(any::<u64>().prop_map(ItemKey)), any::<u32>())
        .prop_map(|(kind, item, key, size)| ItemChange { kind, item, key, size })
}

/// An answer that fits a call.
fn answer_for(call: &Call) -> BoxedStrategy<Answer> {
    let results = |count: usize| vec(prop_oneof![content().prop_map(Ok), item_error().prop_map(Err)], count);
    match call {
        Call::FindFolders { .. } => (vec(folder_entry(), 0..5), option::of(any::<u32>()))
            .prop_map(|(folders, next)| Answer::Folders { folders, state: None, next })
            .boxed(),
        Call::SyncFolders { .. } => (vec(folder_entry(), 0..5), id())
            .prop_map(|(folders, state)| Answer::Folders { folders, state: Some(state), next: None })
            .boxed(),
        Call::SyncItems { .. } | Call::FindItems { .. } => (vec(change(), 0..5), id(), any::<bool>())
            .prop_map(|(changes, state, complete)| Answer::Items { changes, state, complete })
            .boxed(),
        Call::GetItems { items } | Call::ExportItems { items } => {
            results(items.len()).prop_map(Answer::Contents).boxed()
        }
        Call::GetFolders { .. } => vec(prop_oneof![folder_entry().prop_map(Ok), item_error().prop_map(Err)], 1)
            .prop_map(Answer::FolderList)
            .boxed(),
        Call::DeleteItems { .. } => {
            vec(prop_oneof![Just(Ok(())), item_error().prop_map(Err)], 1).prop_map(Answer::Deleted).boxed()
        }
        Call::CreateFolder { .. }
        | Call::RenameFolder { .. }
        | Call::MoveFolder { .. }
        | Call::ImportItem { .. }
        | Call::CreateMessage { .. } => id().prop_map(Answer::Created).boxed(),
        Call::CreateImportSession => id().prop_map(Answer::Session).boxed(),
        Call::Batch { calls } => {
            let one = |call| prop_oneof![answer_for(call).prop_map(Ok), refusal().prop_map(Err)].boxed();
            calls.iter().map(one).collect::<Vec<_>>().prop_map(Answer::Batch).boxed()
        }
        _ => Just(Answer::Done).boxed(),
    }
}

fn call_and_answer() -> impl Strategy<Value = (Call, Answer)> {
    call().prop_flat_map(|call| {
        let answer = answer_for(&call);
        (Just(call), answer)
    })
}

fn rounded(wait: Option<Span>) -> Option<Span> {
    wait.map(|wait| Span::seconds(wait.as_seconds_up()))
}

/// What a client reads of an answer: references are text, and what Graph cannot say is lost.
fn seen(call: &Call, answer: &Answer) -> Answer {
    let text = |kind, id: &Id| Id::text(&text::written(kind, MAILBOX, id));
    let token = |name: &str, id: &Id| Id::text(&format!("{name}={}", text::written(Kind::SyncState, MAILBOX, id)));
    match answer {
        Answer::Folders { folders, state, next } => Answer::Folders {
            folders: folders.iter().map(seen_folder).collect(),
            state: state.as_ref().map(|state| token("$deltatoken", state)),
            next: *next,
        },
        Answer::Items { changes, state, complete } => Answer::Items {
            changes: changes.iter().map(|change| seen_change(change, text(Kind::Item, &change.item))).collect(),
            state: match (call, complete) {
                (Call::FindItems { .. }, true) => Id::text(""),
                (_, true) => token("$deltatoken", state),
                (_, false) => token("$skiptoken", state),
            },
            complete: *complete,
        },
        Answer::Contents(contents) => Answer::Contents(
            contents
                .iter()
                .cloned()
                .map(|content| {
                    content.map_err(|error| match call {
                        Call::ExportItems { .. } => ItemError { retry_after: None, ..error },
                        _ => seen_error(error),
                    })
                })
                .collect(),
        ),
        Answer::FolderList(found) => {
            let one =
                |entry: &Result<FolderEntry, ItemError>| entry.as_ref().map(seen_folder).map_err(|e| seen_error(*e));
            Answer::FolderList(found.iter().map(one).collect())
        }
        Answer::Deleted(deleted) => Answer::Deleted(deleted.iter().map(|one| one.map_err(seen_error)).collect()),
        Answer::Created(id) if matches!(call, Call::ImportItem { .. } | Call::CreateMessage { .. }) => {
            Answer::Created(text(Kind::Item, id))
        }
        Answer::Created(id) => Answer::Created(text(Kind::Folder, id)),
        Answer::Session(id) => {
            let session = text::written(Kind::Session, MAILBOX, id);
            let place = format!("Mailboxes('{}')/importItem?authtoken={session}", mailbox_id(MAILBOX));
            Answer::Session(Id::text(&format!("{BASE}/api/gbeta/{place}")))
        }
        Answer::Batch(answers) => {
            let Call::Batch { calls } = call else { unreachable!("answers of a batch belong to a batch") };
            let one = |(call, answer): (&Call, &Result<Answer, Refusal>)| match answer {
                Ok(answer) => Ok(seen(call, answer)),
                Err(refusal) => Err(Refusal { retry_after: rounded(refusal.retry_after), ..*refusal }),
            };
            Answer::Batch(calls.iter().zip(answers).map(one).collect())
        }
        other => other.clone(),
    }
}

fn seen_folder(entry: &FolderEntry) -> FolderEntry {
    let text = |id: &Id| Id::text(&text::written(Kind::Folder, MAILBOX, id));
    let kind = match entry.kind {
        // Beyond the last default folder that has a name.
        FolderKind::Default(26..) => FolderKind::User,
        kind => kind,
    };
    FolderEntry { id: text(&entry.id), parent: entry.parent.as_ref().map(text), kind, ..entry.clone() }
}

fn seen_change(change: &ItemChange, item: Id) -> ItemChange {
    match change.kind {
        ChangeKind::Delete => ItemChange { kind: ChangeKind::Delete, item, key: None, size: 0 },
        ChangeKind::ReadFlag => ItemChange { kind: ChangeKind::Update, item, ..change.clone() },
        _ => ItemChange { item, ..change.clone() },
    }
}

fn seen_error(error: ItemError) -> ItemError {
    let kind = if error.kind == ItemErrorKind::Omitted { ItemErrorKind::NotFound } else { error.kind };
    ItemError { kind, retry_after: rounded(error.retry_after) }
}

fn header<'a>(call: &'a HttpCall, name: &str) -> Option<&'a str> {
    call.headers.iter().find(|(key, _)| *key == name).map(|(_, value)| value.as_str())
}

fn reread(call: &HttpCall) -> Result<Decoded, GraphError> {
    let headers = Headers { content_type: header(call, "Content-Type"), prefer: header(call, "Prefer") };
    decode_call(call.method, &call.path, headers, &call.body)
}

proptest! {
    #[test]
    fn the_server_reads_what_the_client_asks(call in call()) {
        let sent = encode_call(&written(&call, MAILBOX), ADDRESS, BASE).expect("readable");
        let decoded = reread(&sent).expect("readable");
        prop_assert!(decoded.mailbox.is_same(&Named::Address(ADDRESS.to_owned())));
        prop_assert!(decoded.belongs_to(MAILBOX));
        prop_assert_eq!(&decoded.call, &call);
        prop_assert_eq!(call_bytes(&call, ADDRESS.len()), sent.body.len() as u64);
        prop_assert_eq!(call_bytes(&written(&call, MAILBOX), ADDRESS.len()), sent.body.len() as u64);
    }

    #[test]
    fn the_client_reads_what_the_server_answers((call, answer) in call_and_answer()) {
        let sent = encode_answer(&call, &answer, MAILBOX, BASE);
        prop_assert_eq!(answer_bytes(&call, &answer), sent.body.len() as u64);
        prop_assert_eq!(decode_answer(&written(&call, MAILBOX), &sent), Ok(seen(&call, &answer)));
    }

    #[test]
    fn content_without_bytes_weighs_what_content_with_bytes_weighs(folder in id(), content in content()) {
        let bare = Content { bytes: None, ..content.clone() };
        let call = |content| Call::CreateMessage { folder: folder.clone(), content };
        prop_assert_eq!(
            encode_call(&written(&call(bare), MAILBOX), ADDRESS, BASE),
            encode_call(&written(&call(content), MAILBOX), ADDRESS, BASE)
        );
    }

    #[test]
    fn refusals_arrive_as_they_were_meant(refusal in refusal()) {
        let sent = encode_refusal(&refusal);
        prop_assert_eq!(refusal_bytes(&refusal), sent.body.len() as u64);
        let expected = Refusal { retry_after: rounded(refusal.retry_after), ..refusal };
        prop_assert_eq!(decode_answer(&Call::CreateImportSession, &sent), Err(expected));
    }

    #[test]
    fn any_request_is_read_or_refused(
        method in "(GET|POST|DELETE|PATCH|[a-z]{0,4})",
        path in "(/v1.0)?(/(users|\\$batch|mailFolders|messages|items|delta|a@b|[^/]{0,6})){0,6}(\\?[^#]{0,30})?",
        body: Vec<u8>,
    ) {
        let headers = Headers { content_type: Some(TEXT_TYPE), prefer: Some("odata.maxpagesize=x, y") };
        if let Err(error) = decode_call(&method, &path, headers, &body) {
            prop_assert!((400..600).contains(&error.answer().status));
        }
    }

    #[test]
    fn any_answer_is_read_or_refused(call in call(), status in 0u16..700, body: Vec<u8>) {
        let call = written(&call, MAILBOX);
        let _ = decode_answer(&call, &HttpAnswer { status, headers: Vec::new(), body });
    }

    #[test]
    fn altered_requests_are_read_or_refused(call in call(), at: prop::sample::Index, byte: u8) {
        let mut sent = encode_call(&written(&call, MAILBOX), ADDRESS, BASE).expect("readable");
        if !sent.body.is_empty() {
            let at = at.index(sent.body.len());
            sent.body[at] = byte;
        }
        let _ = reread(&sent);
    }

    #[test]
    fn altered_answers_are_read_or_refused((call, answer) in call_and_answer(), at: prop::sample::Index, byte: u8) {
        let mut sent = encode_answer(&call, &answer, MAILBOX, BASE);
        if !sent.body.is_empty() {
            let at = at.index(sent.body.len());
            sent.body[at] = byte;
        }
        let _ = decode_answer(&written(&call, MAILBOX), &sent);
    }

    #[test]
    fn a_mailbox_id_leads_back_to_the_mailbox(number: u32) {
        let text = mailbox_id(MailboxKey(number));
        prop_assert_eq!(text.len(), MAILBOX_ID_LENGTH);
        prop_assert_eq!(mailbox_of(&text), Some(MailboxKey(number)));
    }
}
