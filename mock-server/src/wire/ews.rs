//! Exchange Web Services: calls and answers as SOAP, in both directions.
//!
//! A client encodes calls and decodes answers; the server does the reverse. Every operation family is one file that
//! holds all four directions of its operations, so that both sides share one description of the bytes. Nothing here
//! does I/O, keeps state, or knows what a folder or an item holds.
//!
//! What a request asks is read exactly, and answered exactly: a request whose shape, order or filter this server does
//! not serve is refused with a proper error.
//!
//! The lengths of requests and answers are also known without writing them ([`call_bytes`], [`answer_bytes`]), which is
//! what virtual time needs.

mod content;
pub(crate) mod envelope;
mod fault;
mod folders;
mod items;
mod kinds;
mod reference;
mod shape;
mod size;
mod sync;
#[cfg(test)]
mod tests;
mod transfer;
mod tree;
mod understood;
pub mod xml;

use self::envelope::Names;
use self::reference::{Lens, Pen};
use self::understood::Understood;
use self::xml::{Element, MAX_ANSWER_BYTES, MAX_REQUEST_BYTES, Space, Writer, XmlError, parse};
use super::answer::Answer;
use super::call::{Call, FolderKind, FolderRef};
use super::http::{HttpAnswer, HttpCall};
use super::id::{Id, MailboxKey};
use super::operation::Operation;
use super::refusal::{ItemError, ItemErrorKind, Refusal, RefusalKind};
use crate::time::Span;

/// Where EWS lives on a server.
pub const PATH: &str = "/EWS/Exchange.asmx";

const CONTENT_TYPE: &str = "text/xml; charset=utf-8";
const OMITTED: ItemError = ItemError { kind: ItemErrorKind::Omitted, retry_after: None };

/// Why a call cannot be asked in EWS.
#[derive(Copy, Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum Unsupported {
    /// EWS has no such operation.
    #[error("EWS has no operation for {0}")]
    Operation(Operation),
    /// The call holds a reference that was never read from the wire, and the mailbox it belongs to is not known.
    #[error("a number is not a reference outside of the server")]
    Reference,
    /// A folder is asked for by a kind that has no distinguished name.
    #[error("there is no distinguished folder for {0:?}")]
    Folder(FolderKind),
}

/// Why a request was not understood. [`encode_error`] tells the client.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum EwsError {
    /// It is not an XML document that the server reads.
    #[error(transparent)]
    Xml(#[from] XmlError),
    /// It is not what the schema demands.
    #[error("{0}")]
    Schema(String),
    /// It is written for a version that the schema does not know.
    #[error("The specified server version is invalid.")]
    Version,
    /// It asks for what this server does not serve.
    #[error("{0} is not supported")]
    Unsupported(String),
    /// The operation is known, and fails as a whole.
    #[error("{operation} is refused with {code}")]
    Refused {
        /// The operation.
        operation: Operation,
        /// The response code.
        code: &'static str,
    },
}

impl EwsError {
    pub(crate) fn schema(problem: &str) -> Self {
        Self::Schema(problem.to_owned())
    }

    pub(crate) fn unsupported(what: &str) -> Self {
        Self::Unsupported(what.to_owned())
    }

    fn refused(names: &'static Names, code: &'static str) -> Self {
        let operation = Operation::ALL.into_iter().find(|&operation| envelope::names(operation) == Some(names));
        operation.map_or_else(|| Self::schema(code), |operation| Self::Refused { operation, code })
    }
}

/// A request as the server understands it.
///
/// References that this server did not give out, or gave out for another mailbox, stay [`Id::Text`]. In lists such an
/// item is an item that does not exist; [`encode_answer`] then says `ErrorInvalidIdMalformed` in its place. A single
/// folder that is named by what it is for is [`Id::Text`] as well, with its distinguished name (`inbox`), for the
/// caller to look up.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Decoded {
    /// The mailbox that the caller speaks for, as SMTP address: who is impersonated, else the mailbox that a
    /// distinguished folder is qualified with, else the anchor.
    pub address: Option<String>,
    /// The mailbox of the first reference that this server gave out.
    pub mailbox: Option<MailboxKey>,
    /// The call.
    pub call: Call,
}

/// What the folder of a distinguished name, such as `inbox`, is for; nothing for other text.
#[must_use]
pub fn folder_kind(name: &str) -> Option<FolderKind> {
    kinds::distinguished(name)
}

/// The distinguished name of a kind; nothing for folders that users make.
#[must_use]
pub fn distinguished_name(kind: FolderKind) -> Option<&'static str> {
    kinds::distinguished_name(kind)
}

/// An answer that says something in SOAP.
pub(crate) fn answer_of(status: u16, body: Vec<u8>) -> HttpAnswer {
    HttpAnswer { status, headers: vec![("Content-Type", CONTENT_TYPE.to_owned())], body }
}

fn malformed() -> Refusal {
    Refusal { kind: RefusalKind::Malformed, status: 200, retry_after: None }
}

fn http_answer(status: u16, writer: Writer) -> HttpAnswer {
    HttpAnswer { status, headers: vec![("Content-Type", CONTENT_TYPE.to_owned())], body: writer.finish() }
}

/// Writes a call as a request that speaks for the mailbox of an SMTP address.
///
/// Content without bytes is written as its identity followed by zeros, in its full length.
///
/// # Errors
/// If EWS has no such operation, or the call holds references that were never read from the wire.
pub fn encode_call(call: &Call, address: &str) -> Result<HttpCall, Unsupported> {
    if holds_numbers(call) {
        return Err(Unsupported::Reference);
    }
    encode_call_to_mock(call, address, MailboxKey(0))
}

/// Writes a call as a request, with numbers as the references that this mock would have given out for the mailbox: for
/// folders and items that are known without having been listed.
///
/// # Errors
/// If EWS has no such operation.
pub fn encode_call_to_mock(call: &Call, address: &str, mailbox: MailboxKey) -> Result<HttpCall, Unsupported> {
    envelope::names_of(call).ok_or(Unsupported::Operation(call.operation()))?;
    if let Call::GetFolders { folders } = call {
        let nameless = folders.iter().find_map(|folder| match folder {
            FolderRef::Kind(kind) if kinds::distinguished_name(*kind).is_none() => Some(*kind),
            _ => None,
        });
        nameless.map_or(Ok(()), |kind| Err(Unsupported::Folder(kind)))?;
    }
    let mut writer = Writer::document((call.content_bytes() as usize).div_ceil(3) * 4);
    write_call(&mut writer, Pen { mailbox }, call, address);
    let headers = vec![("Content-Type", CONTENT_TYPE.to_owned()), ("X-AnchorMailbox", address.to_owned())];
    Ok(HttpCall { method: "POST", path: PATH.to_owned(), headers, body: writer.finish() })
}

fn write_call(writer: &mut Writer, pen: Pen, call: &Call, address: &str) {
    envelope::write_request(writer, address, |writer| match call {
        Call::FindFolders { from, limit } => folders::write_find(writer, *from, *limit),
        Call::SyncFolders { state } => folders::write_sync(writer, pen, state.as_ref()),
        Call::GetFolders { folders } => folders::write_get(writer, pen, folders),
        Call::CreateFolder { parent, name } => folders::write_create(writer, pen, parent, name),
        Call::RenameFolder { folder, name } => tree::write_rename(writer, pen, folder, name),
        Call::MoveFolder { folder, parent } => tree::write_move(writer, pen, folder, parent),
        Call::SyncItems { folder, state, limit } => sync::write_sync(writer, pen, folder, state.as_ref(), *limit),
        Call::FindItems { folder, key } => sync::write_find(writer, pen, folder, *key),
        Call::GetItems { items } => items::write_get(writer, pen, items),
        Call::CreateMessage { folder, content } => items::write_create(writer, pen, folder, content),
        Call::DeleteItems { items } => items::write_delete(writer, pen, items),
        Call::ExportItems { items } => transfer::write_export(writer, pen, items),
        Call::UploadItems { uploads } => transfer::write_upload(writer, pen, uploads),
        _ => {}
    });
}

fn holds_numbers(call: &Call) -> bool {
    let number = |id: &Id| matches!(id, Id::Number(_));
    match call {
        Call::SyncFolders { state } => state.as_ref().is_some_and(number),
        Call::GetFolders { folders } => folders.iter().any(|folder| matches!(folder, FolderRef::Id(id) if number(id))),
        Call::SyncItems { folder, state, .. } => number(folder) || state.as_ref().is_some_and(number),
        Call::MoveFolder { folder, parent } => number(folder) || number(parent),
        Call::CreateFolder { parent: folder, .. }
        | Call::RenameFolder { folder, .. }
        | Call::FindItems { folder, .. }
        | Call::CreateMessage { folder, .. } => number(folder),
        Call::GetItems { items } | Call::DeleteItems { items } | Call::ExportItems { items } => {
            items.iter().any(number)
        }
        Call::UploadItems { uploads } => {
            uploads.iter().any(|upload| number(&upload.folder) || upload.replace.as_ref().is_some_and(number))
        }
        _ => false,
    }
}

/// Reads the answer to a call. Items that the answer leaves out are [`ItemErrorKind::Omitted`].
///
/// # Errors
/// What the server refused, or [`RefusalKind::Malformed`] if the answer is not one to this call.
pub fn decode_answer(call: &Call, answer: &HttpAnswer) -> Result<Answer, Refusal> {
    let names = envelope::names_of(call).ok_or(malformed())?;
    if answer.status != 200 {
        return Err(fault::refusal_of_status(answer));
    }
    let document = parse(&answer.body, MAX_ANSWER_BYTES).map_err(|_| malformed())?;
    let messages = Understood::new(&document, names, answer)?;
    match call {
        Call::FindFolders { .. } => folders::read_found(&messages),
        Call::SyncFolders { .. } => folders::read_synced(&messages),
        Call::GetFolders { folders } => folders::read_got(&messages, folders),
        Call::CreateFolder { .. } | Call::RenameFolder { .. } | Call::MoveFolder { .. } => {
            folders::read_created(&messages)
        }
        Call::SyncItems { .. } => sync::read_synced(&messages),
        Call::FindItems { .. } => sync::read_found(&messages),
        Call::GetItems { items } => items::read_got(&messages, items),
        Call::CreateMessage { .. } => items::read_created(&messages),
        Call::DeleteItems { items } => items::read_deleted(&messages, items),
        Call::ExportItems { items } => transfer::read_exported(&messages, items),
        Call::UploadItems { uploads } => transfer::read_uploaded(&messages, uploads),
        _ => Err(malformed()),
    }
}

/// Reads a request; `anchor` is the value of its header `X-AnchorMailbox`.
///
/// # Errors
/// If the request is not understood, or asks for what this server does not serve; see [`encode_error`].
pub fn decode_call(body: &[u8], anchor: Option<&str>) -> Result<Decoded, EwsError> {
    let document = parse(body, MAX_REQUEST_BYTES)?;
    let envelope = envelope::read_request(&document)?;
    let mut lens = Lens::default();
    let call = read_call(envelope.operation, &mut lens)?;
    let impersonated = envelope.impersonated.map(str::to_owned);
    let address = impersonated.or(lens.address).or_else(|| anchor.map(|anchor| anchor.trim().to_owned()));
    Ok(Decoded { address, mailbox: lens.mailbox, call })
}

fn read_call(operation: &Element<'_>, lens: &mut Lens) -> Result<Call, EwsError> {
    if operation.space != Space::Messages {
        return Err(EwsError::schema("the body holds no EWS operation"));
    }
    match &*operation.name {
        "FindFolder" => folders::read_find(operation, lens),
        "SyncFolderHierarchy" => folders::read_sync(operation, lens),
        "GetFolder" => folders::read_get(operation, lens),
        "CreateFolder" => folders::read_create(operation, lens),
        "UpdateFolder" => tree::read_rename(operation, lens),
        "MoveFolder" => tree::read_move(operation, lens),
        "SyncFolderItems" => sync::read_sync(operation, lens),
        "FindItem" => sync::read_find(operation, lens),
        "GetItem" => items::read_get(operation, lens),
        "CreateItem" => items::read_create(operation, lens),
        "DeleteItem" => items::read_delete(operation, lens),
        "ExportItems" => transfer::read_export(operation, lens),
        "UploadItems" => transfer::read_upload(operation, lens),
        name => Err(EwsError::unsupported(name)),
    }
}

/// Writes the answer to a call about a mailbox. The answer must be one to this call; an internal error is written
/// otherwise. Entries beyond those asked for are left out.
///
/// Content without bytes is written as its identity followed by zeros, in its full length.
#[must_use]
pub fn encode_answer(call: &Call, answer: &Answer, mailbox: MailboxKey) -> HttpAnswer {
    let mut writer = Writer::document((answer.content_bytes() as usize).div_ceil(3) * 4);
    if write_answer(&mut writer, Pen { mailbox }, call, answer) {
        return http_answer(200, writer);
    }
    fault::encode(Some(call), &Refusal { kind: RefusalKind::ServerError, status: 500, retry_after: None })
}

/// Writes an answer; says whether it was one to the call.
fn write_answer(w: &mut Writer, pen: Pen, call: &Call, answer: &Answer) -> bool {
    match (call, answer) {
        (Call::FindFolders { from, .. }, Answer::Folders { folders, next, .. }) => {
            folders::write_found(w, pen, *from, folders, *next);
        }
        (Call::SyncFolders { .. }, Answer::Folders { folders, state: Some(state), .. }) => {
            folders::write_synced(w, pen, folders, state);
        }
        (Call::GetFolders { folders: asked }, Answer::FolderList(found)) => folders::write_got(w, pen, asked, found),
        (Call::CreateFolder { .. }, Answer::Created(id)) => folders::write_created(w, pen, id),
        (Call::RenameFolder { .. }, Answer::Created(id)) => tree::write_changed(w, &envelope::UPDATE_FOLDER, pen, id),
        (Call::MoveFolder { .. }, Answer::Created(id)) => tree::write_changed(w, &envelope::MOVE_FOLDER, pen, id),
        (Call::SyncItems { .. }, Answer::Items { changes, state, complete }) => {
            sync::write_synced(w, pen, changes, state, *complete);
        }
        (Call::FindItems { .. }, Answer::Items { changes, complete, .. }) => {
            sync::write_found(w, pen, changes, *complete);
        }
        (Call::GetItems { items }, Answer::Contents(contents)) => items::write_got(w, pen, items, contents),
        (Call::CreateMessage { .. }, Answer::Created(id)) => items::write_created(w, pen, id),
        (Call::DeleteItems { items }, Answer::Deleted(deleted)) => items::write_deleted(w, items, deleted),
        (Call::ExportItems { items }, Answer::Contents(contents)) => transfer::write_exported(w, pen, items, contents),
        (Call::UploadItems { uploads }, Answer::Uploaded(stored)) => transfer::write_uploaded(w, pen, uploads, stored),
        _ => return false,
    }
    true
}

/// Writes a refusal in the shape that the service gives it.
///
/// Limits are SOAP faults with HTTP status 500: a spent budget is `ErrorServerBusy` with `BackOffMilliseconds`; too many
/// requests at once is `ErrorServerBusy` with the policy `MaxConcurrency` and the wait in its text if there is a wait
/// (zero included), and `ErrorExceededConnectionCount` if there is none. The kinds of limit that only Graph has appear
/// as `ErrorServerBusy`. Overload is a bare 503. A missing folder or item, a lost sync state and the like are errors in
/// the call's response message with status 200, or faults if the call is not known.
///
/// Spoiled transport is not written here: `ConnectionReset` and `Truncated` become an internal error.
#[must_use]
pub fn encode_refusal(call: Option<&Call>, refusal: &Refusal) -> HttpAnswer {
    fault::encode(call, refusal)
}

/// Names the limit that refused a request, where [`encode_refusal`] wrote of too many at once.
pub fn name_concurrency(answer: &mut HttpAnswer, most: u32) {
    fault::name_concurrency(answer, most);
}

/// The code and the text with which the server says what is wrong with one item.
#[must_use]
pub fn item_words(kind: ItemErrorKind) -> (&'static str, &'static str) {
    fault::item_words(kind, false)
}

/// Writes a SOAP fault with a code of the service's list and any message.
#[must_use]
pub fn encode_fault(code: &str, message: &str, wait: Option<Span>) -> HttpAnswer {
    fault::encode_any(code, message, wait)
}

/// What a client makes of a refusal of its call that [`encode_refusal`] writes.
#[must_use]
pub fn heard_refusal(call: &Call, refusal: &Refusal) -> Refusal {
    fault::heard(call, refusal)
}

/// Writes the answer to a request that was not understood.
#[must_use]
pub fn encode_error(error: &EwsError) -> HttpAnswer {
    fault::encode_error(error)
}

/// Length of the request body that [`encode_call`] writes, in bytes, without writing it. `address_length` is the length
/// of the address as it stands in XML. Zero if EWS has no such operation.
#[must_use]
pub fn call_bytes(call: &Call, address_length: usize) -> u64 {
    size::call_bytes(call, address_length)
}

/// Length of the answer body that [`encode_answer`] writes, in bytes, without writing it.
#[must_use]
pub fn answer_bytes(call: &Call, answer: &Answer) -> u64 {
    size::answer_bytes(call, answer)
}
