//! Folders: listing them with counts and sizes, what changed among them, and making one.
//!
//! Two shapes: `mailboxFolder` of the import and export API (`admin/exchange/mailboxes/{id}/folders`, which our client
//! uses) and `mailFolder` (`users/{id}/mailFolders`). Neither has the kind of a default folder in v1.0; both say it here
//! with `wellKnownName`, which beta has on `mailFolder`. The size is `PidTagMessageSizeExtended` (`Long 0xE08`).

use std::borrow::Cow;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::error::{GraphError, encode_item, item_frame, malformed, read_item};
use super::route::{Place, Route};
use super::text::{References, digits, id_length, id_segment_length, json_length, known, segment, written};
use super::{Asked, EMPTY, Form, Frame, JSON, MAILBOX_ID_LENGTH, MAX_PAGE, Property, mailbox_id};
use crate::wire::answer::{Answer, FolderEntry};
use crate::wire::call::{Call, FolderKind, FolderRef};
use crate::wire::http::{HttpAnswer, HttpCall, Unsupported};
use crate::wire::id::{Id, MailboxKey};
use crate::wire::opaque::Kind;
use crate::wire::operation::Operation;
use crate::wire::refusal::{ItemError, Refusal};

/// The number of the root of the visible folder tree.
pub(super) const ROOT: u64 = 0;
/// The well-known name of the root.
pub(super) const ROOT_NAME: &str = "msgfolderroot";
/// The property that holds a folder's size, as it is asked for and answered.
const SIZE_PROPERTY: &str = "Long 0xE08";
const EXPAND_SIZE: &str = "$expand=singleValueExtendedProperties($filter=id%20eq%20'Long%200xE08')";

/// Well-known names of default folders that have no kind of their own, by position, in the order that EWS gives them. A
/// default folder beyond the last has no name on the wire and looks like a user's own.
const OTHER_NAMES: [&str; 26] = [
    "journal",
    "notes",
    "conversationhistory",
    "outbox",
    "syncissues",
    "conflicts",
    "localfailures",
    "serverfailures",
    "recipientcache",
    "quickcontacts",
    "imcontactlist",
    "voicemail",
    "searchfolders",
    "todosearch",
    "mycontacts",
    "peopleconnect",
    "favorites",
    "mecontact",
    "personmetadata",
    "directory",
    "adminauditlogs",
    "teamchat",
    "externalcontacts",
    "orionnotes",
    "scheduled",
    "yammerroot",
];

pub(super) fn well_known_name(kind: FolderKind) -> Option<&'static str> {
    Some(match kind {
        FolderKind::Root => ROOT_NAME,
        FolderKind::Inbox => "inbox",
        FolderKind::Sent => "sentitems",
        FolderKind::Deleted => "deleteditems",
        FolderKind::Drafts => "drafts",
        FolderKind::Junk => "junkemail",
        FolderKind::Archive => "archive",
        FolderKind::Calendar => "calendar",
        FolderKind::Contacts => "contacts",
        FolderKind::Tasks => "tasks",
        FolderKind::Default(number) => return OTHER_NAMES.get(usize::from(number)).copied(),
        FolderKind::User => return None,
    })
}

pub(super) fn kind_named(name: &str) -> FolderKind {
    match name {
        ROOT_NAME => FolderKind::Root,
        "inbox" => FolderKind::Inbox,
        "sentitems" => FolderKind::Sent,
        "deleteditems" => FolderKind::Deleted,
        "drafts" => FolderKind::Drafts,
        "junkemail" => FolderKind::Junk,
        "archive" => FolderKind::Archive,
        "calendar" => FolderKind::Calendar,
        "contacts" => FolderKind::Contacts,
        "tasks" => FolderKind::Tasks,
        _ => OTHER_NAMES
            .iter()
            .position(|other| *other == name)
            .and_then(|number| u8::try_from(number).ok())
            .map_or(FolderKind::User, FolderKind::Default),
    }
}

/// The class of a folder's items.
fn class(kind: FolderKind) -> &'static str {
    match kind {
        FolderKind::Calendar => "IPF.Appointment",
        FolderKind::Contacts => "IPF.Contact",
        FolderKind::Tasks => "IPF.Task",
        _ => "IPF.Note",
    }
}

/// Both shapes: a field is present where its shape has it.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Folder<'a> {
    #[serde(borrow)]
    id: Cow<'a, str>,
    #[serde(borrow)]
    display_name: Cow<'a, str>,
    #[serde(borrow, skip_serializing_if = "Option::is_none")]
    parent_folder_id: Option<Cow<'a, str>>,
    #[serde(default)]
    total_item_count: u64,
    #[serde(rename = "type", borrow, skip_serializing_if = "Option::is_none")]
    class: Option<Cow<'a, str>>,
    #[serde(borrow, skip_serializing_if = "Option::is_none")]
    well_known_name: Option<Cow<'a, str>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    size_in_bytes: Option<u64>,
    #[serde(borrow, default, skip_serializing_if = "Vec::is_empty")]
    single_value_extended_properties: Vec<Property<'a>>,
}

#[derive(Serialize, Deserialize)]
struct Page<'a> {
    #[serde(borrow)]
    value: Vec<Folder<'a>>,
    #[serde(rename = "@odata.nextLink", borrow, skip_serializing_if = "Option::is_none")]
    next: Option<Cow<'a, str>>,
    #[serde(rename = "@odata.deltaLink", borrow, skip_serializing_if = "Option::is_none")]
    delta: Option<Cow<'a, str>>,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Named<'a> {
    #[serde(borrow)]
    pub(super) display_name: Cow<'a, str>,
}

const MAILBOXES: &str = "/admin/exchange/mailboxes/";

/// Writes `FindFolders`.
pub(super) fn encode_find(from: u32, limit: u32, address: &str) -> Result<HttpCall, Unsupported> {
    if MAX_PAGE < limit {
        return Err(Unsupported { operation: Operation::FindFolders, reason: "the page is larger than Graph allows" });
    }
    let address = segment(address);
    Ok(super::get(format!("/v1.0{MAILBOXES}{address}/folders?$top={limit}&$skip={from}&{EXPAND_SIZE}")))
}

/// Writes `SyncFolders`.
pub(super) fn encode_sync(state: Option<&Id>, address: &str) -> Result<HttpCall, Unsupported> {
    let query = match state {
        Some(state) => super::items::state_query(known(state, Operation::SyncFolders)?),
        None => Cow::Borrowed(EXPAND_SIZE),
    };
    Ok(super::get(format!("/v1.0{MAILBOXES}{}/folders/delta?{query}", segment(address))))
}

/// Writes `CreateFolder`.
pub(super) fn encode_create(parent: &Id, name: &str, address: &str) -> Result<HttpCall, Unsupported> {
    let address = segment(address);
    let path = match parent {
        Id::Number(ROOT) => format!("/v1.0/users/{address}/mailFolders"),
        Id::Text(text) if &**text == ROOT_NAME => format!("/v1.0/users/{address}/mailFolders"),
        parent => {
            let parent = segment(known(parent, Operation::CreateFolder)?);
            format!("/v1.0/users/{address}/mailFolders/{parent}/childFolders")
        }
    };
    Ok(super::post(path, &Named { display_name: name.into() }))
}

/// The lengths of `FindFolders`.
pub(super) fn asked_find(from: u32, limit: u32, address: u64) -> Asked {
    let fixed = MAILBOXES.len() + "/folders?$top=&$skip=&".len() + EXPAND_SIZE.len();
    Asked::get(fixed as u64 + address + digits(u64::from(from)) + digits(u64::from(limit)))
}

/// The lengths of `SyncFolders`.
pub(super) fn asked_sync(state: Option<&Id>, address: u64) -> Asked {
    let query = state.map_or(EXPAND_SIZE.len() as u64, super::items::state_query_length);
    Asked::get((MAILBOXES.len() + "/folders/delta?".len()) as u64 + address + query)
}

/// The lengths of `CreateFolder`.
pub(super) fn asked_create(parent: &Id, name: &str, address: u64) -> Asked {
    let below = match parent {
        Id::Number(ROOT) => 0,
        Id::Text(text) if &**text == ROOT_NAME => 0,
        parent => "//childFolders".len() as u64 + id_segment_length(parent),
    };
    let url = "/users//mailFolders".len() as u64 + address + below;
    Asked::post(url, r#"{"displayName":""}"#.len() as u64 + json_length(name))
}

/// Writes `GetFolders` of one folder.
pub(super) fn encode_get(folders: &[FolderRef], address: &str) -> Result<HttpCall, Unsupported> {
    let unsupported = |reason| Unsupported { operation: Operation::GetFolders, reason };
    let name = match folders {
        [FolderRef::Id(id)] => known(id, Operation::GetFolders)?,
        [FolderRef::Kind(kind)] => well_known_name(*kind).ok_or(unsupported("the folder has no well-known name"))?,
        _ => return Err(unsupported("Graph takes one folder at a time; use a batch")),
    };
    Ok(super::get(format!("/v1.0/users/{}/mailFolders/{}", segment(address), segment(name))))
}

/// The lengths of `GetFolders`.
pub(super) fn asked_get(folders: &[FolderRef], address: u64) -> Asked {
    let name = folders.first().map_or(0, |folder| match folder {
        FolderRef::Id(id) => id_segment_length(id),
        FolderRef::Kind(kind) => well_known_name(*kind).map_or(0, |name| name.len() as u64),
    });
    Asked::get("/users//mailFolders/".len() as u64 + address + name)
}

/// Reads a request for one folder.
pub(super) fn decode_get(place: &Place, references: &mut References) -> Call {
    let folder = match kind_named(&place.folder.to_ascii_lowercase()) {
        FolderKind::User => FolderRef::Id(references.read(Kind::Folder, &place.folder)),
        kind => FolderRef::Kind(kind),
    };
    Call::GetFolders { folders: vec![folder] }
}

/// Writes one folder, or why there is none.
pub(super) fn encode_got(found: &[Result<FolderEntry, ItemError>], mailbox: MailboxKey) -> HttpAnswer {
    match found.first() {
        Some(Ok(entry)) => super::answer(200, &write_folder(entry, mailbox, &Form::MailFolders)),
        Some(Err(error)) => encode_item(error),
        None => super::empty(204),
    }
}

/// The lengths of [`encode_got`].
pub(super) fn got_frame(found: &[Result<FolderEntry, ItemError>]) -> Frame {
    match found.first() {
        Some(Ok(entry)) => {
            let fixed = r#"{"id":"","displayName":"","totalItemCount":,"sizeInBytes":}"#.len() as u64;
            Frame::new(fixed + values_length(entry), JSON)
        }
        Some(Err(error)) => item_frame(error),
        None => EMPTY,
    }
}

/// Reads one folder, or why there is none.
pub(super) fn decode_got(answer: &HttpAnswer) -> Result<Answer, Refusal> {
    if answer.status != 200 {
        return read_item(answer).map(|error| Answer::FolderList(vec![Err(error)]));
    }
    let folder: Folder<'_> = serde_json::from_slice(&answer.body).map_err(|_| malformed(answer))?;
    Ok(Answer::FolderList(vec![Ok(read_folder(&folder))]))
}

/// The folder that a path names.
pub(super) fn folder(references: &mut References, text: &str) -> Id {
    if text.eq_ignore_ascii_case(ROOT_NAME) { Id::Number(ROOT) } else { references.read(Kind::Folder, text) }
}

/// Reads a request for a list of folders.
pub(super) fn decode_find(place: &Place) -> Result<(Call, Form), GraphError> {
    // Ten is the documented page size of mailFolders without $top.
    let limit = place.query.count("top", 10)?;
    if limit == 0 || MAX_PAGE < limit {
        return Err(GraphError::BadValue("$top must be between 1 and 1000"));
    }
    let form = if place.route == Route::MailFolders { Form::MailFolders } else { Form::Usual };
    Ok((Call::FindFolders { from: place.query.count("skip", 0)?, limit }, form))
}

/// Reads a request for changed folders.
pub(super) fn decode_sync(place: &Place, references: &mut References) -> (Call, Form) {
    let form = if place.route == Route::MailFoldersDelta { Form::MailFolders } else { Form::Usual };
    (Call::SyncFolders { state: super::items::state_of(place, references) }, form)
}

/// Reads a request for a new folder.
pub(super) fn decode_create(place: &Place, body: &[u8], references: &mut References) -> Result<Call, GraphError> {
    let named: Named<'_> = serde_json::from_slice(body).map_err(|_| GraphError::BadBody)?;
    let parent = match place.route {
        Route::MailFolders => Id::Number(ROOT),
        _ => folder(references, &place.folder),
    };
    Ok(Call::CreateFolder { parent, name: Arc::from(&*named.display_name) })
}

fn size_property(bytes: u64) -> Property<'static> {
    Property { id: SIZE_PROPERTY.into(), value: bytes.to_string().into() }
}

fn write_folder(entry: &FolderEntry, mailbox: MailboxKey, form: &Form) -> Folder<'static> {
    let text = |id: &Id| Cow::Owned(written(Kind::Folder, mailbox, id).into_owned());
    let mail = *form == Form::MailFolders;
    Folder {
        id: text(&entry.id),
        display_name: Cow::Owned(entry.name.to_string()),
        parent_folder_id: entry.parent.as_ref().map(text),
        total_item_count: entry.items,
        class: (!mail).then(|| Cow::Borrowed(class(entry.kind))),
        well_known_name: well_known_name(entry.kind).map(Cow::Borrowed),
        size_in_bytes: mail.then_some(entry.bytes),
        single_value_extended_properties: if mail { Vec::new() } else { vec![size_property(entry.bytes)] },
    }
}

/// Writes a list of folders.
pub(super) fn encode_answer(
    call: &Call,
    (folders, state, next): (&[FolderEntry], Option<&Id>, Option<u32>),
    mailbox: MailboxKey,
    base: &str,
    form: &Form,
) -> HttpAnswer {
    let root = match form {
        Form::MailFolders => format!("{base}/v1.0/users/{}/mailFolders", mailbox_id(mailbox)),
        _ => format!("{base}/v1.0{MAILBOXES}{}/folders", mailbox_id(mailbox)),
    };
    let link = match call {
        Call::FindFolders { limit, .. } => next.map(|next| format!("{root}?$top={limit}&$skip={next}").into()),
        _ => None,
    };
    let delta = state.map(|state| {
        let token = written(Kind::SyncState, mailbox, state);
        format!("{root}/delta?$deltatoken={}", segment(&token)).into()
    });
    let value = folders.iter().map(|entry| write_folder(entry, mailbox, form)).collect();
    super::answer(200, &Page { value, next: link, delta })
}

const FOLDER_LENGTH: usize = concat!(
    r#"{"id":"","displayName":"","totalItemCount":,"type":"","#,
    r#""singleValueExtendedProperties":[{"id":"Long 0xE08","value":""}]}"#
)
.len();

/// How much the values of a folder and the fields that may be missing add to either shape.
fn values_length(entry: &FolderEntry) -> u64 {
    let parent = entry.parent.as_ref().map_or(0, |id| r#","parentFolderId":"""#.len() as u64 + id_length(id));
    let known = well_known_name(entry.kind).map_or(0, |name| r#","wellKnownName":"""#.len() + name.len()) as u64;
    id_length(&entry.id) + json_length(&entry.name) + digits(entry.items) + digits(entry.bytes) + parent + known
}

fn folder_length(entry: &FolderEntry) -> u64 {
    FOLDER_LENGTH as u64 + values_length(entry) + class(entry.kind).len() as u64
}

/// The lengths of [`encode_answer`] in its usual form.
pub(super) fn frame(call: &Call, folders: &[FolderEntry], state: Option<&Id>, next: Option<u32>) -> Frame {
    let root = super::BASE_LENGTH + ("/v1.0".len() + MAILBOXES.len() + MAILBOX_ID_LENGTH + "/folders".len()) as u64;
    let link = match (call, next) {
        (Call::FindFolders { limit, .. }, Some(next)) => {
            let fixed = r#","@odata.nextLink":"?$top=&$skip=""#.len() as u64;
            root + fixed + digits(u64::from(*limit)) + digits(u64::from(next))
        }
        _ => 0,
    };
    let delta = state.map_or(0, |state| {
        root + r#","@odata.deltaLink":"/delta?$deltatoken=""#.len() as u64 + id_segment_length(state)
    });
    let entries: u64 = folders.iter().map(folder_length).sum();
    let commas = folders.len().saturating_sub(1) as u64;
    Frame::new(r#"{"value":[]}"#.len() as u64 + entries + commas + link + delta, JSON)
}

fn read_folder(folder: &Folder<'_>) -> FolderEntry {
    let sizes = &folder.single_value_extended_properties;
    let size = sizes.iter().find(|property| property.is(SIZE_PROPERTY)).and_then(|size| size.value.parse().ok());
    FolderEntry {
        id: Id::text(&folder.id),
        parent: folder.parent_folder_id.as_deref().map(Id::text),
        name: Arc::from(&*folder.display_name),
        kind: folder.well_known_name.as_deref().map_or(FolderKind::User, kind_named),
        items: folder.total_item_count,
        bytes: size.or(folder.size_in_bytes).unwrap_or(0),
    }
}

/// Reads a list of folders.
pub(super) fn decode_answer(answer: &HttpAnswer) -> Result<Answer, Refusal> {
    let page: Page<'_> = serde_json::from_slice(&answer.body).map_err(|_| malformed(answer))?;
    let skip = |link: &str| super::route::find(link).ok().and_then(|place| place.query.count("skip", 0).ok());
    let next = match &page.next {
        Some(link) => Some(skip(link).ok_or_else(|| malformed(answer))?),
        None => None,
    };
    Ok(Answer::Folders {
        folders: page.value.iter().map(read_folder).collect(),
        state: page.delta.as_deref().map(super::items::state_in_link),
        next,
    })
}

/// Writes the folder that was made or renamed.
pub(super) fn encode_created(status: u16, name: &str, id: &Id, mailbox: MailboxKey) -> HttpAnswer {
    super::answer(status, &Created { id: written(Kind::Folder, mailbox, id), display_name: name.into() })
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Created<'a> {
    id: Cow<'a, str>,
    display_name: Cow<'a, str>,
}

/// The lengths of [`encode_created`].
pub(super) fn created_frame(name: &str, id: &Id) -> Frame {
    Frame::new(r#"{"id":"","displayName":""}"#.len() as u64 + id_length(id) + json_length(name), JSON)
}
