//! Microsoft Graph: calls and answers as JSON over HTTP, in both directions, one file per family of resources.
//!
//! Where our client must choose, it uses the mailbox import and export API (`/admin/exchange/mailboxes`). It names the
//! mailbox there by its SMTP address; the real service wants the id from `GET /users/{id}/settings/exchange`, which is
//! accepted as well ([`mailbox_id`]). Knows neither sockets nor who is calling.

pub mod batch;
pub mod error;
mod folders;
pub mod import_export;
mod items;
mod length;
mod messages;
pub mod route;
#[cfg(test)]
mod samples;
#[cfg(test)]
mod tests;
mod text;
mod tree;
pub mod users;

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

use self::batch::BatchEntry;
use self::error::GraphError;
use self::length::{Asked, EMPTY, Frame, JSON, TEXT};
use self::route::Route;
use self::text::References;
use super::answer::Answer;
use super::call::{Call, FolderKind};
use super::http::{HttpAnswer, HttpCall, Unsupported};
use super::id::{Id, MailboxKey};
use super::opaque::{self, Kind};
use super::operation::Operation;
use super::refusal::{Refusal, RefusalKind};
use crate::draw::mix;

/// Content type of every JSON answer.
pub const JSON_TYPE: &str =
    "application/json;odata.metadata=minimal;odata.streaming=true;IEEE754Compatible=false;charset=utf-8";

/// Content type of MIME messages, in both directions.
pub const TEXT_TYPE: &str = "text/plain";

/// Largest body that is read, in bytes: a 150 MB item (the limit of the Outlook service for large messages) in Base64,
/// with room for its envelope. Assumed; no size is documented for imports.
pub const MAX_BODY_BYTES: usize = 256 * 1024 * 1024;

/// Largest page that can be asked for (`$top` of messages, learn.microsoft.com/graph/api/user-list-messages).
pub const MAX_PAGE: u32 = 1000;

/// Length of the base URL that [`answer_bytes`] reckons with, that of `http://127.0.0.1:40000`.
pub const BASE_LENGTH: u64 = 22;
/// The tenant of every mailbox. Assumed: the mock has one.
pub const TENANT: &str = "cafe0000-0000-4000-8000-00000000cafe";

const MAILBOX_GUID_LENGTH: usize = 36;
const MAILBOX_ID_LENGTH: usize = "MBX:@".len() + 2 * MAILBOX_GUID_LENGTH;
/// The id of a mailbox's owner, a GUID.
#[must_use]
pub fn mailbox_guid(mailbox: MailboxKey) -> String {
    let check = mix(u64::from(mailbox.0) ^ 0x6d61_696c_626f_7821) >> 16;
    format!("{:08x}-0000-4000-8000-{check:012x}", mailbox.0)
}

/// The id of a mailbox in the import and export API: `MBX:<guid>@<tenant>`.
#[must_use]
pub fn mailbox_id(mailbox: MailboxKey) -> String {
    format!("MBX:{}@{TENANT}", mailbox_guid(mailbox))
}

/// The mailbox of such an id; nothing for other text.
#[must_use]
pub fn mailbox_of(text: &str) -> Option<MailboxKey> {
    let mailbox = MailboxKey(u32::from_str_radix(text.get(4..12)?, 16).ok()?);
    mailbox_id(mailbox).eq_ignore_ascii_case(text).then_some(mailbox)
}

/// The name under which every client knows a default folder; nothing for folders of users' own.
#[must_use]
pub fn well_known_name(kind: FolderKind) -> Option<&'static str> {
    folders::well_known_name(kind)
}

/// The folder of a well-known name in lower case; a user's own for other text.
#[must_use]
pub fn folder_kind_named(name: &str) -> FolderKind {
    folders::kind_named(name)
}

/// How a request names the mailbox that it concerns.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Named {
    /// By an SMTP address, still to be looked up.
    Address(String),
    /// By a mailbox id of ours.
    Key(MailboxKey),
    /// Not at all: a batch of which nothing can be read.
    Nobody,
}

impl Named {
    fn read(text: String) -> Self {
        mailbox_of(&text).map_or(Self::Address(text), Self::Key)
    }

    fn is_same(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Address(one), Self::Address(two)) => one.eq_ignore_ascii_case(two),
            (one, two) => one == two,
        }
    }
}

/// What the form of an answer depends on beyond the call.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Form {
    /// The form that our client asks for.
    Usual,
    /// Folders as `mailFolder`.
    MailFolders,
    /// A batch with ids of the client's choice.
    Batch(Vec<BatchEntry>),
}

/// A request as it was read.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Decoded {
    /// The mailbox concerned.
    pub mailbox: Named,
    /// The call. References in it are numbers where the mock wrote them, and text otherwise.
    pub call: Call,
    /// How the answer is to be written.
    pub form: Form,
    /// The mailbox that the references in the call belong to, if there are any.
    pub owner: Option<MailboxKey>,
}

impl Decoded {
    /// Whether the references in the call are those of a mailbox. If not, answer as if nothing had been found.
    #[must_use]
    pub fn belongs_to(&self, mailbox: MailboxKey) -> bool {
        self.owner.is_none_or(|owner| owner == mailbox)
    }
}

/// The headers of a request that change its meaning.
#[derive(Copy, Clone, Default, Debug)]
pub struct Headers<'a> {
    /// `Content-Type`.
    pub content_type: Option<&'a str>,
    /// `Prefer`; several headers joined by commas.
    pub prefer: Option<&'a str>,
}

/// A single-value extended property.
#[derive(Serialize, Deserialize)]
struct Property<'a> {
    #[serde(borrow)]
    id: Cow<'a, str>,
    #[serde(borrow)]
    value: Cow<'a, str>,
}

impl Property<'_> {
    /// Whether this is the property of an id such as `Long 0xE08`; clients and servers differ in case and leading zeros.
    fn is(&self, id: &str) -> bool {
        let parts = |text: &str| {
            let (kind, tag) = text.split_once(' ')?;
            let tag = tag.get(..2).filter(|start| start.eq_ignore_ascii_case("0x")).and_then(|_| tag.get(2..))?;
            Some((kind.to_ascii_lowercase(), u32::from_str_radix(tag, 16).ok()?))
        };
        parts(&self.id).is_some_and(|own| Some(own) == parts(id))
    }
}

fn json(value: &impl Serialize) -> Vec<u8> {
    serde_json::to_vec(value).expect("texts, numbers and lists always have a JSON form")
}

fn get(path: String) -> HttpCall {
    HttpCall { method: "GET", path, headers: Vec::new(), body: Vec::new() }
}

fn post(path: String, body: &impl Serialize) -> HttpCall {
    let headers = vec![("Content-Type", "application/json".to_owned())];
    HttpCall { method: "POST", path, headers, body: json(body) }
}

fn answer(status: u16, body: &impl Serialize) -> HttpAnswer {
    HttpAnswer { status, headers: vec![("Content-Type", JSON_TYPE.to_owned())], body: json(body) }
}

fn empty(status: u16) -> HttpAnswer {
    HttpAnswer { status, headers: Vec::new(), body: Vec::new() }
}

/// Writes a call. References must be text, as they came from a wire; only the root folder may be a number.
///
/// `base` is the server's scheme, host and port without a final slash.
///
/// # Errors
/// If Graph has no such call, or not of this size.
pub fn encode_call(call: &Call, address: &str, base: &str) -> Result<HttpCall, Unsupported> {
    match call {
        Call::FindFolders { from, limit } => folders::encode_find(*from, *limit, address),
        Call::SyncFolders { state } => folders::encode_sync(state.as_ref(), address),
        Call::GetFolders { folders } => folders::encode_get(folders, address),
        Call::SyncItems { folder, state, limit } => items::encode_sync(folder, state.as_ref(), *limit, address),
        Call::FindItems { folder, key } => items::encode_find(folder, *key, address),
        Call::GetItems { items } => messages::encode_get(items, address),
        Call::ExportItems { items } => import_export::encode_export(items, address),
        Call::CreateFolder { parent, name } => folders::encode_create(parent, name, address),
        Call::RenameFolder { folder, name } => tree::encode_rename(folder, name, address),
        Call::MoveFolder { folder, parent } => tree::encode_move(folder, parent, address),
        Call::CreateImportSession => Ok(import_export::encode_create_session(address)),
        Call::ImportItem { session, folder, replace, content } => {
            import_export::encode_import((session, folder, replace.as_ref(), content), address, base)
        }
        Call::CreateMessage { folder, content } => messages::encode_create(folder, content, address),
        Call::DeleteItems { items } => messages::encode_delete(items, address),
        Call::Batch { calls } => batch::encode(calls, address, base),
        Call::ProvisionUser => Ok(users::encode_provision(address)),
        Call::AssignLicense => Ok(users::encode_license(true, address)),
        Call::RemoveLicense => Ok(users::encode_license(false, address)),
        Call::UploadItems { .. } => unsupported(call.operation(), "Graph imports items one by one"),
        Call::StopMailbox
        | Call::StartMailbox
        | Call::StartSwitch
        | Call::PollSwitch
        | Call::CancelSwitch
        | Call::ReleaseMailbox => unsupported(call.operation(), "it belongs to Exchange administration"),
    }
}

fn unsupported<T>(operation: Operation, reason: &'static str) -> Result<T, Unsupported> {
    Err(Unsupported { operation, reason })
}

fn asked(call: &Call, address: u64) -> Option<Asked> {
    Some(match call {
        Call::FindFolders { from, limit } => folders::asked_find(*from, *limit, address),
        Call::SyncFolders { state } => folders::asked_sync(state.as_ref(), address),
        Call::GetFolders { folders } => folders::asked_get(folders, address),
        Call::SyncItems { folder, state, limit } => items::asked_sync(folder, state.as_ref(), *limit, address),
        Call::FindItems { folder, key } => items::asked_find(folder, *key, address),
        Call::GetItems { items } => messages::asked_get(items, address),
        Call::ExportItems { items } => import_export::asked_export(items, address),
        Call::CreateFolder { parent, name } => folders::asked_create(parent, name, address),
        Call::RenameFolder { folder, name } => tree::asked_rename(folder, name, address),
        Call::MoveFolder { folder, parent } => tree::asked_move(folder, parent, address),
        Call::CreateImportSession => import_export::asked_create_session(address),
        Call::CreateMessage { folder, content } => messages::asked_create(folder, content, address),
        Call::DeleteItems { items } => messages::asked_delete(items, address),
        Call::ProvisionUser => users::asked_provision(address),
        Call::AssignLicense => users::asked_license(true, address),
        Call::RemoveLicense => users::asked_license(false, address),
        _ => return None,
    })
}

/// Length in bytes of the body that [`encode_call`] writes, reckoned without writing it. Zero for calls that Graph does
/// not have. References that are numbers count as the text that they become. Exact for addresses of which no character
/// needs escaping.
#[must_use]
pub fn call_bytes(call: &Call, address_length: usize) -> u64 {
    let address = address_length as u64;
    match call {
        Call::Batch { calls } => batch::length(calls, address),
        Call::ImportItem { folder, replace, content, .. } => {
            import_export::import_length(folder, replace.as_ref(), content)
        }
        call => asked(call, address).map_or(0, |asked| asked.body),
    }
}

/// Reads a request whose headers, method, path and query, and body are given.
///
/// # Errors
/// If it is not one that this server knows. The error can be sent as it is ([`GraphError::answer`]).
pub fn decode_call(
    method: &str,
    path_and_query: &str,
    headers: Headers<'_>,
    body: &[u8],
) -> Result<Decoded, GraphError> {
    let mut references = References::default();
    let (mailbox, call, form) = read(method, path_and_query, headers, body, &mut references)?;
    Ok(Decoded { mailbox, call, form, owner: references.owner })
}

fn read(
    method: &str,
    url: &str,
    headers: Headers<'_>,
    body: &[u8],
    references: &mut References,
) -> Result<(Named, Call, Form), GraphError> {
    if MAX_BODY_BYTES < body.len() {
        return Err(GraphError::BodyTooLarge);
    }
    let mut place = route::find(url)?;
    let mailbox = Named::read(std::mem::take(&mut place.mailbox));
    let item = |references: &mut References| vec![references.read(Kind::Item, &place.item)];
    let usual = |call| (call, Form::Usual);
    let method = method.to_ascii_uppercase();
    let (call, form) = match (method.as_str(), place.route) {
        ("POST", Route::Batch) => return batch::decode(body, references),
        ("POST", Route::Users) => {
            return Ok((Named::Address(users::decode_provision(body)?), Call::ProvisionUser, Form::Usual));
        }
        ("POST", Route::AssignLicense) => usual(users::decode_license(body)?),
        ("GET", Route::Folders | Route::MailFolders) => folders::decode_find(&place)?,
        ("GET", Route::MailFolder) => usual(folders::decode_get(&place, references)),
        ("GET", Route::FoldersDelta | Route::MailFoldersDelta) => folders::decode_sync(&place, references),
        ("POST", Route::MailFolders | Route::ChildFolders) => usual(folders::decode_create(&place, body, references)?),
        ("PATCH", Route::MailFolder) => usual(tree::decode_rename(&place, body, references)?),
        ("POST", Route::MoveFolder) => usual(tree::decode_move(&place, body, references)?),
        ("GET", Route::ItemsDelta) => usual(items::decode_sync(&place, headers.prefer, references)?),
        ("GET", Route::Items) => usual(items::decode_find(&place, references)?),
        ("POST", Route::ExportItems) => usual(import_export::decode_export(body, references)?),
        ("POST", Route::CreateImportSession) => usual(Call::CreateImportSession),
        ("POST", Route::ImportItem) => usual(import_export::decode_import(&place, body, references)?),
        ("POST", Route::FolderMessages) => {
            usual(messages::decode_create(&place, headers.content_type, body, references)?)
        }
        ("GET", Route::MessageValue) => usual(Call::GetItems { items: item(references) }),
        ("DELETE", Route::Message) | ("POST", Route::PermanentDelete) => {
            usual(Call::DeleteItems { items: item(references) })
        }
        _ => return Err(GraphError::MethodNotAllowed),
    };
    Ok((mailbox, call, form))
}

/// Writes the answer to a call of our own client. `base` is the scheme, host and port that the request was sent to.
#[must_use]
pub fn encode_answer(call: &Call, answer: &Answer, mailbox: MailboxKey, base: &str) -> HttpAnswer {
    encode_in_form(call, answer, mailbox, base, &Form::Usual)
}

/// Writes the answer to a request, in the form that the request asks for.
#[must_use]
pub fn answer_to(decoded: &Decoded, answer: &Answer, mailbox: MailboxKey, base: &str) -> HttpAnswer {
    encode_in_form(&decoded.call, answer, mailbox, base, &decoded.form)
}

fn encode_in_form(call: &Call, answer: &Answer, mailbox: MailboxKey, base: &str, form: &Form) -> HttpAnswer {
    match (call, answer) {
        (Call::FindFolders { .. } | Call::SyncFolders { .. }, Answer::Folders { folders, state, next }) => {
            folders::encode_answer(call, (folders, state.as_ref(), *next), mailbox, base, form)
        }
        (Call::SyncItems { .. } | Call::FindItems { .. }, Answer::Items { changes, state, complete }) => {
            items::encode_answer(call, (changes, state, *complete), mailbox, base)
        }
        (Call::GetFolders { .. }, Answer::FolderList(found)) => folders::encode_got(found, mailbox),
        (Call::ExportItems { .. }, Answer::Contents(contents)) => {
            import_export::encode_exported(call, contents, mailbox)
        }
        (Call::GetItems { .. }, Answer::Contents(contents)) => messages::encode_got(contents),
        (Call::CreateFolder { name, .. }, Answer::Created(id)) => folders::encode_created(201, name, id, mailbox),
        (Call::RenameFolder { name, .. }, Answer::Created(id)) => folders::encode_created(200, name, id, mailbox),
        (Call::MoveFolder { .. }, Answer::Created(id)) => tree::encode_moved(id, mailbox),
        (Call::ImportItem { .. }, Answer::Created(id)) => import_export::encode_imported(id, mailbox),
        (Call::CreateMessage { .. }, Answer::Created(id)) => messages::encode_created(id, mailbox),
        (Call::CreateImportSession, Answer::Session(session)) => import_export::encode_session(session, mailbox, base),
        (Call::DeleteItems { .. }, Answer::Deleted(deleted)) => messages::encode_deleted(deleted),
        (Call::Batch { calls }, Answer::Batch(answers)) => batch::encode_answer((calls, answers), mailbox, base, form),
        (Call::ProvisionUser, Answer::Done) => users::encode_answer(201, mailbox),
        (Call::AssignLicense | Call::RemoveLicense, Answer::Done) => users::encode_answer(200, mailbox),
        _ => encode_refusal(&MISMATCH),
    }
}

/// What a client hears if the service answers a call with something that cannot be its answer.
const MISMATCH: Refusal = Refusal { kind: RefusalKind::ServerError, status: 500, retry_after: None };

fn frame(call: &Call, answer: &Answer) -> Frame {
    match (call, answer) {
        (Call::FindFolders { .. } | Call::SyncFolders { .. }, Answer::Folders { folders, state, next }) => {
            folders::frame(call, folders, state.as_ref(), *next)
        }
        (Call::SyncItems { .. } | Call::FindItems { .. }, Answer::Items { changes, state, complete }) => {
            items::frame(call, changes, state, *complete)
        }
        (Call::GetFolders { .. }, Answer::FolderList(found)) => folders::got_frame(found),
        (Call::ExportItems { items }, Answer::Contents(contents)) => import_export::exported_frame(items, contents),
        (Call::GetItems { .. }, Answer::Contents(contents)) => messages::got_frame(contents),
        (Call::CreateFolder { name, .. } | Call::RenameFolder { name, .. }, Answer::Created(id)) => {
            folders::created_frame(name, id)
        }
        (Call::MoveFolder { .. }, Answer::Created(id)) => tree::moved_frame(id),
        (Call::ImportItem { .. }, Answer::Created(id)) => import_export::imported_frame(id),
        (Call::CreateMessage { .. }, Answer::Created(id)) => messages::created_frame(id),
        (Call::CreateImportSession, Answer::Session(session)) => import_export::session_frame(session),
        (Call::DeleteItems { .. }, Answer::Deleted(deleted)) => messages::deleted_frame(deleted),
        (Call::Batch { calls }, Answer::Batch(answers)) => batch::frame(calls, answers),
        (Call::ProvisionUser | Call::AssignLicense | Call::RemoveLicense, Answer::Done) => users::frame(),
        _ => error::frame(&MISMATCH),
    }
}

/// Length in bytes of the body that [`encode_answer`] writes with a base of [`BASE_LENGTH`] characters, reckoned without
/// writing it.
#[must_use]
pub fn answer_bytes(call: &Call, answer: &Answer) -> u64 {
    frame(call, answer).body
}

/// Length in bytes of the body that [`encode_refusal`] writes.
#[must_use]
pub fn refusal_bytes(refusal: &Refusal) -> u64 {
    error::frame(refusal).body
}

/// Writes a refusal.
#[must_use]
pub fn encode_refusal(refusal: &Refusal) -> HttpAnswer {
    error::encode(refusal)
}

/// What a client makes of a refusal that [`encode_refusal`] writes.
#[must_use]
pub fn heard_refusal(refusal: &Refusal) -> Refusal {
    error::heard(refusal)
}

/// Writes the refusal of a request. A lost sync state comes with the place to start over, as the real service gives it.
#[must_use]
pub fn refuse(decoded: &Decoded, refusal: &Refusal, mailbox: MailboxKey, base: &str) -> HttpAnswer {
    let mut answer = encode_refusal(refusal);
    if refusal.kind == RefusalKind::SyncStateLost {
        let root = format!("{base}/v1.0/admin/exchange/mailboxes/{}/folders", mailbox_id(mailbox));
        let path = match &decoded.call {
            Call::SyncItems { folder: Id::Number(number), .. } => {
                format!("/{}/items", opaque::encode(Kind::Folder, mailbox, *number))
            }
            _ => String::new(),
        };
        answer.headers.push(("Location", format!("{root}{path}/delta?$deltatoken=")));
    }
    answer
}

/// Reads the answer to a call.
///
/// A user that exists already answers `ProvisionUser` as well as a new one.
///
/// # Errors
/// The refusal, or [`RefusalKind::Malformed`] if the answer cannot be understood. An answer about the only item of
/// `GetItems` or `DeleteItems`, or the only folder of `GetFolders`, is an answer even if it says there is none.
pub fn decode_answer(call: &Call, answer: &HttpAnswer) -> Result<Answer, Refusal> {
    match call {
        Call::GetFolders { .. } => return folders::decode_got(answer),
        Call::GetItems { .. } => return messages::decode_got(answer),
        Call::DeleteItems { .. } => return messages::decode_deleted(answer),
        Call::ProvisionUser if users::exists(answer) => return Ok(Answer::Done),
        _ if 400 <= answer.status => return Err(error::read(answer)),
        _ if !(200..300).contains(&answer.status) => return Err(error::malformed(answer)),
        _ => {}
    }
    match call {
        Call::FindFolders { .. } | Call::SyncFolders { .. } => folders::decode_answer(answer),
        Call::SyncItems { .. } | Call::FindItems { .. } => items::decode_answer(call, answer),
        Call::ExportItems { items } => import_export::decode_exported(items, answer),
        Call::CreateFolder { .. }
        | Call::RenameFolder { .. }
        | Call::MoveFolder { .. }
        | Call::CreateMessage { .. } => messages::decode_created(answer),
        Call::ImportItem { .. } => import_export::decode_imported(answer),
        Call::CreateImportSession => import_export::decode_session(answer),
        Call::Batch { calls } => batch::decode_answer(calls, answer),
        Call::ProvisionUser | Call::AssignLicense | Call::RemoveLicense => Ok(Answer::Done),
        _ => Err(error::malformed(answer)),
    }
}
