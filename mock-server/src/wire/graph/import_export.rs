//! Full-fidelity copies: `exportItems`, `createImportSession`, and the import itself, which goes to a URL of its own and
//! without a token (learn.microsoft.com/graph/import-exchange-mailbox-item).
//!
//! Mode `update` needs the change key of the item in the real service. Our references have none, so our client leaves
//! it out and our server does not ask for it.

use std::borrow::Cow;

use base64::Engine;
use base64::display::Base64Display;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize, Serializer};

use super::error::{GraphError, item_kind, item_shape, malformed};
use super::route::Place;
use super::text::{References, base64_length, id_length, known, segment, written};
use super::{Asked, Frame, JSON, MAILBOX_ID_LENGTH, mailbox_id};
use crate::wire::answer::Answer;
use crate::wire::call::{Call, Content};
use crate::wire::http::{HttpAnswer, HttpCall, Unsupported};
use crate::wire::id::{Id, MailboxKey};
use crate::wire::opaque::Kind;
use crate::wire::operation::Operation;
use crate::wire::refusal::{ItemError, ItemErrorKind, Refusal};
use crate::wire::stream;

/// Most items in one `exportItems` (learn.microsoft.com/graph/api/mailbox-exportitems).
pub const MAX_EXPORT_ITEMS: usize = 20;

/// When an import session ends, as far as the codec can tell without a clock. Assumed; no lifetime is documented.
const EXPIRES: &str = "2100-01-01T00:00:00Z";

const MAILBOXES: &str = "/admin/exchange/mailboxes/";

/// Bytes that are written as Base64 without a copy of the text.
struct Base64<'a>(Cow<'a, [u8]>);

impl Serialize for Base64<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&Base64Display::new(&self.0, &STANDARD))
    }
}

#[derive(Serialize, Deserialize)]
struct Export<'a> {
    #[serde(rename = "itemIds", alias = "ItemIds", borrow)]
    items: Vec<Cow<'a, str>>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Exported<'a> {
    item_id: Cow<'a, str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    change_key: Option<Cow<'a, str>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    data: Option<Base64<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<ExportError<'a>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ReadExported<'a> {
    #[serde(borrow)]
    item_id: Cow<'a, str>,
    #[serde(borrow)]
    data: Option<Cow<'a, str>>,
    #[serde(borrow)]
    error: Option<ExportError<'a>>,
}

#[derive(Serialize, Deserialize)]
struct ExportError<'a> {
    #[serde(borrow, default)]
    code: Cow<'a, str>,
    #[serde(borrow, default)]
    message: Cow<'a, str>,
}

#[derive(Serialize)]
struct Values<T> {
    value: Vec<T>,
}

#[derive(Deserialize)]
struct ReadValues<'a> {
    #[serde(borrow)]
    value: Vec<ReadExported<'a>>,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Session<'a> {
    #[serde(borrow)]
    import_url: Cow<'a, str>,
    #[serde(borrow, default)]
    expiration_date_time: Cow<'a, str>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Import<'a> {
    folder_id: &'a str,
    mode: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    item_id: Option<&'a str>,
    data: Base64<'a>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct ReadImport<'a> {
    #[serde(borrow)]
    folder_id: Cow<'a, str>,
    #[serde(borrow)]
    mode: Cow<'a, str>,
    #[serde(borrow)]
    item_id: Option<Cow<'a, str>>,
    #[serde(borrow)]
    data: Cow<'a, str>,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Imported<'a> {
    #[serde(borrow)]
    item_id: Cow<'a, str>,
    #[serde(borrow, default)]
    change_key: Cow<'a, str>,
}

/// Writes `ExportItems`.
pub(super) fn encode_export(items: &[Id], address: &str) -> Result<HttpCall, Unsupported> {
    let operation = Operation::ExportItems;
    if items.is_empty() || MAX_EXPORT_ITEMS < items.len() {
        return Err(Unsupported { operation, reason: "Graph exports between 1 and 20 items at once" });
    }
    let items = items.iter().map(|id| known(id, operation).map(Cow::Borrowed)).collect::<Result<_, _>>()?;
    Ok(super::post(format!("/v1.0{MAILBOXES}{}/exportItems", segment(address)), &Export { items }))
}

/// The lengths of `ExportItems`.
pub(super) fn asked_export(items: &[Id], address: u64) -> Asked {
    let ids: u64 = items.iter().map(|id| id_length(id) + 2).sum::<u64>() + items.len().saturating_sub(1) as u64;
    Asked::post((MAILBOXES.len() + "/exportItems".len()) as u64 + address, r#"{"itemIds":[]}"#.len() as u64 + ids)
}

/// Writes `CreateImportSession`.
pub(super) fn encode_create_session(address: &str) -> HttpCall {
    let path = format!("/v1.0{MAILBOXES}{}/createImportSession", segment(address));
    HttpCall { method: "POST", path, headers: Vec::new(), body: Vec::new() }
}

/// The lengths of `CreateImportSession`.
pub(super) fn asked_create_session(address: u64) -> Asked {
    Asked { headers: 0, ..Asked::post((MAILBOXES.len() + "/createImportSession".len()) as u64 + address, 0) }
}

/// Writes `ImportItem`. The session is the import URL; where it leads to another host than `base`, the path of the call
/// is the whole URL. A session that is no URL is taken for its token.
pub(super) fn encode_import(
    (session, folder, replace, content): (&Id, &Id, Option<&Id>, &Content),
    address: &str,
    base: &str,
) -> Result<HttpCall, Unsupported> {
    let operation = Operation::ImportItem;
    let url = known(session, operation)?;
    let path = if url.contains("://") {
        url.strip_prefix(base).filter(|path| path.starts_with('/')).unwrap_or(url).to_owned()
    } else {
        import_path(&segment(address), &segment(url))
    };
    let import = Import {
        folder_id: known(folder, operation)?,
        mode: if replace.is_some() { "update" } else { "create" },
        item_id: replace.map(|id| known(id, operation)).transpose()?,
        data: Base64(stream::of(content)),
    };
    Ok(super::post(path, &import))
}

/// The length of the body of `ImportItem`.
pub(super) fn import_length(folder: &Id, replace: Option<&Id>, content: &Content) -> u64 {
    let replaced = replace.map_or(0, |id| r#","ItemId":"""#.len() as u64 + id_length(id));
    let fixed = r#"{"FolderId":"","Mode":"create","Data":""}"#.len() as u64;
    fixed + id_length(folder) + replaced + base64_length(u64::from(content.size))
}

/// Reads a request for an export.
pub(super) fn decode_export(body: &[u8], references: &mut References) -> Result<Call, GraphError> {
    let export: Export<'_> = serde_json::from_slice(body).map_err(|_| GraphError::BadBody)?;
    if export.items.is_empty() || MAX_EXPORT_ITEMS < export.items.len() {
        return Err(GraphError::BadValue("between 1 and 20 items can be exported at once"));
    }
    Ok(Call::ExportItems { items: export.items.iter().map(|id| references.read(Kind::Item, id)).collect() })
}

/// Reads an import.
pub(super) fn decode_import(place: &Place, body: &[u8], references: &mut References) -> Result<Call, GraphError> {
    let import: ReadImport<'_> = serde_json::from_slice(body).map_err(|_| GraphError::BadBody)?;
    let token = place.query.get("authtoken").unwrap_or_default();
    let session = references.read(Kind::Session, token);
    let replace = import.item_id.as_deref().map(|id| references.read(Kind::Item, id));
    match (&*import.mode.to_ascii_lowercase(), &replace) {
        ("create", None) | ("update", Some(_)) => {}
        ("create", Some(_)) => return Err(GraphError::BadValue("mode create takes no ItemId")),
        ("update", None) => return Err(GraphError::BadValue("mode update needs an ItemId")),
        _ => return Err(GraphError::BadValue("the mode is neither create nor update")),
    }
    let data = STANDARD.decode(import.data.as_bytes()).map_err(|_| GraphError::BadValue("Data is not Base64"))?;
    let folder = super::folders::folder(references, &import.folder_id);
    Ok(Call::ImportItem { session, folder, replace, content: stream::content(data) })
}

/// The change key of an item. It does not change, because references have no version.
fn change_key(mailbox: MailboxKey, item: &Id) -> Cow<'_, str> {
    written(Kind::ChangeKey, mailbox, item)
}

/// Writes exported items. What the server omits is left out, as the real service has been seen to do.
pub(super) fn encode_exported(call: &Call, contents: &[Result<Content, ItemError>], mailbox: MailboxKey) -> HttpAnswer {
    let items: &[Id] = if let Call::ExportItems { items } = call { items } else { &[] };
    let value = items.iter().zip(contents).filter_map(|(id, content)| {
        let item_id = written(Kind::Item, mailbox, id);
        Some(match content {
            Ok(content) => Exported {
                item_id,
                change_key: Some(change_key(mailbox, id)),
                data: Some(Base64(stream::of(content))),
                error: None,
            },
            Err(ItemError { kind: ItemErrorKind::Omitted, .. }) => return None,
            Err(error) => {
                let (_, code, message) = item_shape(error.kind);
                let error = Some(ExportError { code: code.into(), message: message.into() });
                Exported { item_id, change_key: None, data: None, error }
            }
        })
    });
    super::answer(200, &Values { value: value.collect() })
}

/// The lengths of [`encode_exported`].
pub(super) fn exported_frame(items: &[Id], contents: &[Result<Content, ItemError>]) -> Frame {
    let entry = |(id, content): (&Id, &Result<Content, ItemError>)| match content {
        Ok(content) => {
            let fixed = r#"{"itemId":"","changeKey":"","data":""}"#.len() as u64;
            Some(fixed + 2 * id_length(id) + base64_length(u64::from(content.size)))
        }
        Err(ItemError { kind: ItemErrorKind::Omitted, .. }) => None,
        Err(error) => {
            let (_, code, message) = item_shape(error.kind);
            let fixed = r#"{"itemId":"","error":{"code":"","message":""}}"#.len() + code.len() + message.len();
            Some(fixed as u64 + id_length(id))
        }
    };
    let (count, total) = items
        .iter()
        .zip(contents)
        .filter_map(entry)
        .fold((0_u64, 0_u64), |(count, total), length| (count + 1, total + length));
    Frame::new(r#"{"value":[]}"#.len() as u64 + total + count.saturating_sub(1), JSON)
}

/// Reads exported items, in the order in which they were asked for.
pub(super) fn decode_exported(items: &[Id], answer: &HttpAnswer) -> Result<Answer, Refusal> {
    let mut values: ReadValues<'_> = serde_json::from_slice(&answer.body).map_err(|_| malformed(answer))?;
    let failed = |kind| Err(ItemError { kind, retry_after: None });
    let mut contents = Vec::with_capacity(items.len());
    for item in items {
        let Id::Text(id) = item else { return Err(malformed(answer)) };
        let Some(position) = values.value.iter().position(|entry| entry.item_id == **id) else {
            contents.push(failed(ItemErrorKind::Omitted));
            continue;
        };
        let entry = values.value.swap_remove(position);
        contents.push(match (entry.error, entry.data) {
            (Some(error), _) => failed(item_kind(&error.code).unwrap_or(ItemErrorKind::Invalid)),
            (None, Some(data)) => Ok(stream::content(STANDARD.decode(data.as_bytes()).map_err(|_| malformed(answer))?)),
            (None, None) => failed(ItemErrorKind::Omitted),
        });
    }
    Ok(Answer::Contents(contents))
}

fn import_path(mailbox: &str, session: &str) -> String {
    format!("/api/gbeta/Mailboxes('{mailbox}')/importItem?authtoken={session}")
}

/// Writes an import session.
pub(super) fn encode_session(session: &Id, mailbox: MailboxKey, base: &str) -> HttpAnswer {
    let token = written(Kind::Session, mailbox, session);
    let import_url = format!("{base}{}", import_path(&mailbox_id(mailbox), &segment(&token))).into();
    super::answer(200, &Session { import_url, expiration_date_time: EXPIRES.into() })
}

/// The lengths of [`encode_session`].
pub(super) fn session_frame(session: &Id) -> Frame {
    let fixed = r#"{"importUrl":"","expirationDateTime":""}"#.len() + EXPIRES.len() + MAILBOX_ID_LENGTH;
    let path = fixed + "/api/gbeta/Mailboxes('')/importItem?authtoken=".len();
    Frame::new(super::BASE_LENGTH + path as u64 + super::text::id_segment_length(session), JSON)
}

/// Reads an import session.
pub(super) fn decode_session(answer: &HttpAnswer) -> Result<Answer, Refusal> {
    let session: Session<'_> = serde_json::from_slice(&answer.body).map_err(|_| malformed(answer))?;
    Ok(Answer::Session(Id::text(&session.import_url)))
}

/// Writes what an import made.
pub(super) fn encode_imported(id: &Id, mailbox: MailboxKey) -> HttpAnswer {
    let item_id = written(Kind::Item, mailbox, id);
    super::answer(200, &Imported { item_id, change_key: change_key(mailbox, id) })
}

/// The lengths of [`encode_imported`].
pub(super) fn imported_frame(id: &Id) -> Frame {
    Frame::new(r#"{"itemId":"","changeKey":""}"#.len() as u64 + 2 * id_length(id), JSON)
}

/// Reads what an import made.
pub(super) fn decode_imported(answer: &HttpAnswer) -> Result<Answer, Refusal> {
    let imported: Imported<'_> = serde_json::from_slice(&answer.body).map_err(|_| malformed(answer))?;
    Ok(Answer::Created(Id::text(&imported.item_id)))
}
