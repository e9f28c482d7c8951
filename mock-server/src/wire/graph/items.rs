//! Items of a folder: what changed since a state (`items/delta`), and which carry a search key (`items?$filter`).
//!
//! A `mailboxItem` does not say whether it is new or changed. Our server lets its dates tell: they are equal for a new
//! item. The dates themselves mean nothing, because computed content has none. A change of the read flag arrives as a
//! change. States travel as the token of a link; a client's state is that part of the link, `$skiptoken=..` or
//! `$deltatoken=..`, and goes back as it came.

use std::borrow::Cow;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};

use super::error::{GraphError, malformed};
use super::route::Place;
use super::text::{References, digits, id_length, id_segment_length, known, segment, segment_length, written};
use super::{Asked, Frame, JSON, MAILBOX_ID_LENGTH, MAX_PAGE, Property, mailbox_id};
use crate::wire::answer::{Answer, ChangeKind, ItemChange};
use crate::wire::call::Call;
use crate::wire::http::{HttpAnswer, HttpCall, Unsupported};
use crate::wire::id::{Id, ItemKey, MailboxKey};
use crate::wire::opaque::{self, Kind};
use crate::wire::operation::Operation;
use crate::wire::refusal::Refusal;
use crate::wire::stream;

/// `PidTagSearchKey`, as it is asked for and answered.
const KEY_PROPERTY: &str = "Binary 0x300B";
const EXPAND_KEY: &str = "$expand=singleValueExtendedProperties($filter=id%20eq%20'Binary%200x300B')";
const FILTER_BEFORE: &str =
    "$filter=singleValueExtendedProperties/any(ep:%20ep/id%20eq%20'Binary%200x300B'%20and%20ep/value%20eq%20'";
const FILTER_AFTER: &str = "')&";
const MAILBOXES: &str = "/admin/exchange/mailboxes/";
/// Assumed: the page size without a preference is not documented.
const DEFAULT_PAGE: u32 = 100;

const CREATED: &str = "2020-01-01T00:00:00Z";
const CHANGED: &str = "2020-01-02T00:00:00Z";

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Item<'a> {
    #[serde(borrow)]
    id: Cow<'a, str>,
    #[serde(rename = "@removed", skip_serializing_if = "Option::is_none")]
    removed: Option<Removed>,
    #[serde(rename = "type", borrow, skip_serializing_if = "Option::is_none")]
    class: Option<Cow<'a, str>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    size: Option<u32>,
    #[serde(borrow, skip_serializing_if = "Option::is_none")]
    created_date_time: Option<Cow<'a, str>>,
    #[serde(borrow, skip_serializing_if = "Option::is_none")]
    last_modified_date_time: Option<Cow<'a, str>>,
    #[serde(borrow, default, skip_serializing_if = "Vec::is_empty")]
    single_value_extended_properties: Vec<Property<'a>>,
}

#[derive(Serialize, Deserialize)]
struct Removed {
    #[serde(default)]
    reason: Cow<'static, str>,
}

#[derive(Serialize, Deserialize)]
struct Page<'a> {
    #[serde(borrow)]
    value: Vec<Item<'a>>,
    #[serde(rename = "@odata.nextLink", borrow, skip_serializing_if = "Option::is_none")]
    next: Option<Cow<'a, str>>,
    #[serde(rename = "@odata.deltaLink", borrow, skip_serializing_if = "Option::is_none")]
    delta: Option<Cow<'a, str>>,
}

/// A client's state as the query of its next request. Text that is no query is taken for a delta token.
pub(super) fn state_query(state: &str) -> Cow<'_, str> {
    if state.starts_with("$deltatoken=") || state.starts_with("$skiptoken=") {
        Cow::Borrowed(state)
    } else {
        Cow::Owned(format!("$deltatoken={}", segment(state)))
    }
}

/// How many characters [`state_query`] has; a number counts as a delta token.
pub(super) fn state_query_length(state: &Id) -> u64 {
    let token = "$deltatoken=".len() as u64;
    match state {
        Id::Number(_) => token + opaque::LENGTH as u64,
        Id::Text(text) if text.starts_with("$deltatoken=") || text.starts_with("$skiptoken=") => text.len() as u64,
        Id::Text(text) => token + segment_length(text),
    }
}

/// The state that a link holds, as the client keeps it. A link without a token is kept whole.
pub(super) fn state_in_link(link: &str) -> Id {
    let query = link.split_once('?').map_or("", |(_, query)| query);
    for part in query.split('&') {
        let Some((name, token)) = part.split_once('=') else { continue };
        let name = name.replace("%24", "$").to_ascii_lowercase();
        if name == "$deltatoken" || name == "$skiptoken" {
            return Id::text(&format!("{name}={token}"));
        }
    }
    Id::text(link)
}

/// The state that a request holds. An empty token means to start over.
pub(super) fn state_of(place: &Place, references: &mut References) -> Option<Id> {
    let token = place.query.get("deltatoken").or_else(|| place.query.get("skiptoken"));
    token.filter(|token| !token.is_empty()).map(|token| references.read(Kind::SyncState, token))
}

/// The value of the `Prefer` header for a page size.
pub(super) fn preference(limit: u32) -> String {
    format!("odata.maxpagesize={limit}")
}

/// Writes `SyncItems`.
pub(super) fn encode_sync(folder: &Id, state: Option<&Id>, limit: u32, address: &str) -> Result<HttpCall, Unsupported> {
    if MAX_PAGE < limit {
        return Err(Unsupported { operation: Operation::SyncItems, reason: "the page is larger than Graph allows" });
    }
    let query = match state {
        Some(state) => state_query(known(state, Operation::SyncItems)?),
        None => Cow::Borrowed(EXPAND_KEY),
    };
    let folder = segment(known(folder, Operation::SyncItems)?);
    let address = segment(address);
    let mut call = super::get(format!("/v1.0{MAILBOXES}{address}/folders/{folder}/items/delta?{query}"));
    call.headers.push(("Prefer", preference(limit)));
    Ok(call)
}

/// The lengths of `SyncItems`.
pub(super) fn asked_sync(folder: &Id, state: Option<&Id>, limit: u32, address: u64) -> Asked {
    let query = state.map_or(EXPAND_KEY.len() as u64, state_query_length);
    let fixed = (MAILBOXES.len() + "/folders//items/delta?".len()) as u64;
    let prefer = r#"{"Prefer":"odata.maxpagesize="}"#.len() as u64 + digits(u64::from(limit));
    Asked { headers: prefer, ..Asked::get(fixed + address + id_segment_length(folder) + query) }
}

/// The search key as the value of a filter: Base64 with what has a meaning in queries percent-encoded.
fn filter_value(key: ItemKey) -> String {
    stream::search_key_text(key).replace('+', "%2B").replace('/', "%2F").replace('=', "%3D")
}

fn filter_value_length(key: ItemKey) -> u64 {
    let mut text = [0; stream::SEARCH_KEY_TEXT];
    let length = STANDARD.encode_slice(stream::search_key(key), &mut text).unwrap_or(0);
    let escaped = text[..length].iter().filter(|byte| matches!(byte, b'+' | b'/' | b'=')).count();
    (length + 2 * escaped) as u64
}

/// Writes `FindItems`.
pub(super) fn encode_find(folder: &Id, key: ItemKey, address: &str) -> Result<HttpCall, Unsupported> {
    let folder = segment(known(folder, Operation::FindItems)?);
    let value = filter_value(key);
    let query = format!("{FILTER_BEFORE}{value}{FILTER_AFTER}{EXPAND_KEY}");
    Ok(super::get(format!("/v1.0{MAILBOXES}{}/folders/{folder}/items?{query}", segment(address))))
}

/// The lengths of `FindItems`.
pub(super) fn asked_find(folder: &Id, key: ItemKey, address: u64) -> Asked {
    let query = FILTER_BEFORE.len() + FILTER_AFTER.len() + EXPAND_KEY.len();
    let fixed = (MAILBOXES.len() + "/folders//items?".len() + query) as u64;
    Asked::get(fixed + address + id_segment_length(folder) + filter_value_length(key))
}

/// Reads a request for changed items.
pub(super) fn decode_sync(
    place: &Place,
    prefer: Option<&str>,
    references: &mut References,
) -> Result<Call, GraphError> {
    let wanted = prefer.into_iter().flat_map(|text| text.split([',', ';'])).find_map(|part| {
        let (name, value) = part.split_once('=')?;
        let is_size = name.trim().eq_ignore_ascii_case("odata.maxpagesize");
        is_size.then(|| value.trim().trim_matches('"').parse::<u32>().ok()).flatten()
    });
    let limit = match wanted {
        Some(limit) => limit,
        None => place.query.count("top", DEFAULT_PAGE)?,
    };
    Ok(Call::SyncItems {
        folder: super::folders::folder(references, &place.folder),
        state: state_of(place, references),
        // A preference is a wish: a server may return fewer.
        limit: limit.clamp(1, MAX_PAGE),
    })
}

/// Reads a request for the items with a search key.
pub(super) fn decode_find(place: &Place, references: &mut References) -> Result<Call, GraphError> {
    let filter = place.query.get("filter").unwrap_or_default();
    let sought = filter
        .contains(KEY_PROPERTY)
        .then(|| filter.split_once("ep/value eq '").and_then(|(_, rest)| rest.split_once('\'')))
        .flatten()
        .and_then(|(value, _)| stream::read_search_key_text(value))
        .ok_or(GraphError::BadValue("items are found by a filter on the extended property Binary 0x300B"))?;
    Ok(Call::FindItems { folder: super::folders::folder(references, &place.folder), key: sought })
}

fn write_item(change: &ItemChange, mailbox: MailboxKey) -> Item<'_> {
    let id = written(Kind::Item, mailbox, &change.item);
    if change.kind == ChangeKind::Delete {
        return Item {
            id,
            removed: Some(Removed { reason: "deleted".into() }),
            class: None,
            size: None,
            created_date_time: None,
            last_modified_date_time: None,
            single_value_extended_properties: Vec::new(),
        };
    }
    let changed = if change.kind == ChangeKind::Create { CREATED } else { CHANGED };
    let key = change.key.map(|key| Property { id: KEY_PROPERTY.into(), value: stream::search_key_text(key).into() });
    Item {
        id,
        removed: None,
        class: Some("IPM.Note".into()),
        size: Some(change.size),
        created_date_time: Some(CREATED.into()),
        last_modified_date_time: Some(changed.into()),
        single_value_extended_properties: key.into_iter().collect(),
    }
}

const REMOVED_LENGTH: usize = r#"{"id":"","@removed":{"reason":"deleted"}}"#.len();
const ITEM_LENGTH: usize = concat!(
    r#"{"id":"","type":"IPM.Note","size":,"#,
    r#""createdDateTime":"2020-01-01T00:00:00Z","lastModifiedDateTime":"2020-01-01T00:00:00Z"}"#
)
.len();
const KEY_LENGTH: usize =
    r#","singleValueExtendedProperties":[{"id":"Binary 0x300B","value":""}]"#.len() + stream::SEARCH_KEY_TEXT;

fn item_length(change: &ItemChange) -> u64 {
    if change.kind == ChangeKind::Delete {
        return REMOVED_LENGTH as u64 + id_length(&change.item);
    }
    let key = if change.key.is_some() { KEY_LENGTH } else { 0 };
    (ITEM_LENGTH + key) as u64 + id_length(&change.item) + digits(u64::from(change.size))
}

/// Writes a page of changes. A search has no state: its link, if there is one, repeats the filter.
pub(super) fn encode_answer(
    call: &Call,
    (changes, state, complete): (&[ItemChange], &Id, bool),
    mailbox: MailboxKey,
    base: &str,
) -> HttpAnswer {
    let token = written(Kind::SyncState, mailbox, state);
    let token = segment(&token);
    let link = |folder: &Id, rest: &str| {
        let folder = written(Kind::Folder, mailbox, folder);
        let root = format!("{base}/v1.0{MAILBOXES}{}/folders/{}/items", mailbox_id(mailbox), segment(&folder));
        Some(Cow::Owned(format!("{root}{rest}={token}")))
    };
    let (next, delta) = match call {
        Call::SyncItems { folder, .. } if complete => (None, link(folder, "/delta?$deltatoken")),
        Call::SyncItems { folder, .. } => (link(folder, "/delta?$skiptoken"), None),
        Call::FindItems { folder, key } if !complete => {
            let filter = format!("?{FILTER_BEFORE}{}{FILTER_AFTER}$skiptoken", filter_value(*key));
            (link(folder, &filter), None)
        }
        _ => (None, None),
    };
    let value = changes.iter().map(|change| write_item(change, mailbox)).collect();
    super::answer(200, &Page { value, next, delta })
}

/// The lengths of [`encode_answer`].
pub(super) fn frame(call: &Call, changes: &[ItemChange], state: &Id, complete: bool) -> Frame {
    let path = "/v1.0".len() + MAILBOXES.len() + MAILBOX_ID_LENGTH + "/folders//items".len();
    let root = super::BASE_LENGTH + path as u64 + id_segment_length(state);
    let link = match call {
        Call::SyncItems { folder, .. } if complete => {
            root + id_segment_length(folder) + r#","@odata.deltaLink":"/delta?$deltatoken=""#.len() as u64
        }
        Call::SyncItems { folder, .. } => {
            root + id_segment_length(folder) + r#","@odata.nextLink":"/delta?$skiptoken=""#.len() as u64
        }
        Call::FindItems { folder, key } if !complete => {
            let fixed = r#","@odata.nextLink":"?$skiptoken=""#.len() + FILTER_BEFORE.len() + FILTER_AFTER.len();
            root + id_segment_length(folder) + fixed as u64 + filter_value_length(*key)
        }
        _ => 0,
    };
    let items: u64 = changes.iter().map(item_length).sum();
    let commas = changes.len().saturating_sub(1) as u64;
    Frame::new(r#"{"value":[]}"#.len() as u64 + items + commas + link, JSON)
}

fn read_item(item: &Item<'_>) -> ItemChange {
    if item.removed.is_some() {
        return ItemChange { kind: ChangeKind::Delete, item: Id::text(&item.id), key: None, size: 0 };
    }
    let new = item.created_date_time == item.last_modified_date_time;
    let key = item.single_value_extended_properties.iter().find(|property| property.is(KEY_PROPERTY));
    ItemChange {
        kind: if new { ChangeKind::Create } else { ChangeKind::Update },
        item: Id::text(&item.id),
        key: key.and_then(|property| stream::read_search_key_text(&property.value)),
        size: item.size.unwrap_or(0),
    }
}

/// Reads a page of changes. The state of a complete search is empty.
pub(super) fn decode_answer(call: &Call, answer: &HttpAnswer) -> Result<Answer, Refusal> {
    let page: Page<'_> = serde_json::from_slice(&answer.body).map_err(|_| malformed(answer))?;
    let (state, complete) = match (&page.next, &page.delta) {
        (Some(link), _) => (state_in_link(link), false),
        (None, Some(link)) => (state_in_link(link), true),
        (None, None) if matches!(call, Call::FindItems { .. }) => (Id::text(""), true),
        (None, None) => return Err(malformed(answer)),
    };
    Ok(Answer::Items { changes: page.value.iter().map(read_item).collect(), state, complete })
}
