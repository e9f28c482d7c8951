//! The import and export API: mailboxes, their folders and items whatever they hold
//! (learn.microsoft.com/graph/mailbox-import-export-concept-overview).

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::entity;
use super::extended::Wanted;
use super::failure::Failure;
use super::fields::message::MESSAGE;
use super::fields::{self, Look, Subject};
use super::folders::{self, Shape};
use super::page::{self, Access};
use super::query::Query;
use super::reply::Reply;
use super::route::{Place, Route as R};
use super::task::Task;
use super::{contacts, messages, reference, times, token};
use crate::mailbox::content::Content;
use crate::mailbox::item::Item;
use crate::mailbox::open::{FolderInfo, Open};
use crate::wire::call::FolderKind;
use crate::wire::ews::item_words;
use crate::wire::graph::mailbox_id;
use crate::wire::opaque;
use crate::wire::refusal::ItemErrorKind;

/// Most items of one export (learn.microsoft.com/graph/api/mailbox-exportitems).
const MAX_EXPORT: usize = 20;

/// How long an import session lasts, in seconds. Assumed; not documented.
const SESSION_SECONDS: i64 = 24 * 3600;

/// learn.microsoft.com/graph/api/resources/mailboxfolder
pub(super) const FOLDER: Shape = Shape {
    kind: "MailboxFolder",
    collection: "folders",
    names: &["id", "displayName", "parentFolderId", "type", "childFolderCount", "totalItemCount"],
    class: "IPF.Note",
};

/// learn.microsoft.com/graph/api/resources/mailboxitem
const ITEM_NAMES: [&str; 7] =
    ["id", "createdDateTime", "lastModifiedDateTime", "changeKey", "categories", "type", "size"];

/// Whether a folder is of a shape.
pub(super) fn belongs(shape: &Shape, folder: &FolderInfo) -> bool {
    match shape.collection {
        "mailFolders" => messages::holds_mail(folder),
        "contactFolders" => contacts::holds_contacts(folder),
        _ => true,
    }
}

/// An import session.
#[derive(Serialize, Deserialize)]
struct Session {
    #[serde(rename = "i")]
    mailbox: u32,
    #[serde(rename = "e")]
    expires: i64,
}

fn property(subject: &Subject, look: &Look, name: &str) -> Value {
    match name {
        "type" => json!(&*subject.item.class),
        "size" => json!(subject.size),
        name => MESSAGE.value(subject, look, name),
    }
}

/// Writes an item with what a query selects.
pub(super) fn item(subject: &Subject, look: &Look, query: &Query) -> Value {
    let mut entity = entity::begin(subject, look);
    for name in ITEM_NAMES {
        if name == "id" || query.selects(name) {
            entity.insert(name.to_owned(), property(subject, look, name));
        }
    }
    fields::extended(subject, look, &mut entity);
    Value::Object(entity)
}

/// Carries out a request of the API.
pub(super) fn carry_out<C: Content>(open: &mut Open<'_, C>, task: &mut Task<'_>) -> Result<Reply, Failure> {
    match task.place.route {
        R::Mailbox => Ok(Reply::json(
            200,
            json!({
                "@odata.context": format!("{}/$metadata#admin/exchange/mailboxes/$entity", task.root()),
                "id": mailbox_id(task.mailbox),
            }),
        )),
        R::MailboxFolders | R::MailboxChildFolders => {
            let parent = match task.place.folder.as_str() {
                "" => open.known_folder(FolderKind::Root),
                named => Some(task.folder(open, named)?),
            };
            let mut below = open.folders();
            below.retain(|folder| folder.parent.is_some() && folder.parent == parent);
            folders::page(task, &FOLDER, &below)
        }
        R::MailboxFolder => {
            let ordinal = task.folder(open, &task.place.folder)?;
            folders::reply(open, task, &FOLDER, ordinal, 200)
        }
        R::MailboxItems => items(open, task),
        R::MailboxItem => {
            let look = entity::look(open, task)?;
            let subject = entity::load(open, task.item()?)?;
            Ok(Reply::json(200, item(&subject, &look, &task.place.query)))
        }
        R::ExportItems => export(open, task),
        R::CreateImportSession => Ok(begin(open, task)),
        _ => import(open, task),
    }
}

fn items<C: Content>(open: &mut Open<'_, C>, task: &mut Task<'_>) -> Result<Reply, Failure> {
    let folder = task.folder(open, &task.place.folder)?;
    let members = open.list(folder);
    let look = Look { wanted: Wanted::of(&task.place.query)?, ..entity::look(open, task)? };
    let chosen = page::choose(
        &task.place.query,
        task.prefer.page,
        &members,
        &mut Access {
            load: &mut |number: &u64| entity::load(open, *number).ok(),
            property: &|subject: &Subject, name: &str| property(subject, &look, name),
            knows: &|name| ITEM_NAMES.contains(&name) || name.ends_with("ExtendedProperties"),
            kind: "MailboxItem",
        },
    )?;
    let mut value = Vec::with_capacity(chosen.members.len());
    for number in &chosen.members {
        if let Ok(subject) = entity::load(open, *number) {
            value.push(item(&subject, &look, &task.place.query));
        }
    }
    let context = format!("{}/$metadata#Collection(mailboxItem)", task.root());
    Ok(page::body(&context, &task.url(), &task.place.query, &chosen, &value))
}

fn export<C: Content>(open: &mut Open<'_, C>, task: &mut Task<'_>) -> Result<Reply, Failure> {
    let sent = task.object()?;
    let ids = sent.iter().find(|(name, _)| name.eq_ignore_ascii_case("itemIds")).and_then(|(_, ids)| ids.as_array());
    let ids = ids.ok_or_else(|| Failure::new(400, "ErrorInvalidRequest", "The parameter 'ItemIds' is missing."))?;
    if ids.is_empty() || MAX_EXPORT < ids.len() {
        return Err(Failure::new(400, "ErrorInvalidRequest", "An export holds between 1 and 20 items."));
    }
    let mut value = Vec::with_capacity(ids.len());
    for id in ids {
        let id = id.as_str().unwrap_or_default();
        if let Err(error) = open.begin_item() {
            if error.kind != ItemErrorKind::Omitted {
                let (code, message) = item_words(error.kind);
                value.push(json!({"itemId": id, "error": {"code": code, "message": message}}));
            }
            continue;
        }
        let found = reference::read_item(task.mailbox, id).and_then(|number| {
            let key = open.head(number).ok_or_else(Failure::item_not_found)?.key;
            Ok((key, entity::load(open, number)?))
        });
        value.push(match found {
            Ok((key, subject)) => {
                let data = subject.item.export(key);
                task.count(1, data.len() as u64);
                let key = reference::change_key(task.mailbox, subject.version);
                json!({"itemId": id, "changeKey": key, "data": STANDARD.encode(&data)})
            }
            Err(Failure::Wrong { code, message, .. }) => {
                json!({"itemId": id, "error": {"code": code, "message": message}})
            }
            Err(refused) => return Err(refused),
        });
    }
    Ok(Reply::json(
        200,
        json!({"@odata.context": format!("{}/$metadata#Collection(exportItemResponse)", task.root()), "value": value}),
    ))
}

fn begin<C: Content>(open: &mut Open<'_, C>, task: &Task<'_>) -> Reply {
    let expires = open.wall().as_second() + SESSION_SECONDS;
    let session = token::seal(&Session { mailbox: task.mailbox.0, expires });
    let at = jiff::Timestamp::from_second(expires).map_or(Value::Null, |at| json!(times::utc(at)));
    let url = format!(
        "{}/api/gbeta/Mailboxes('{}')/importItem?authtoken={session}",
        task.asked.base,
        mailbox_id(task.mailbox)
    );
    Reply::json(
        200,
        json!({
            "@odata.context": format!("{}/$metadata#microsoft.graph.mailboxItemImportSession", task.root()),
            "importUrl": url,
            "expirationDateTime": at,
        }),
    )
}

/// Whether a URL names a session that was opened here, for any client or for our own pipeline.
pub(super) fn names_session(place: &Place) -> bool {
    let own = |text: &str| opaque::decode(opaque::Kind::Session, text).is_some();
    place.query.get("authtoken").is_some_and(|text| own(text) || token::open::<Session>(text).is_some())
}

fn import<C: Content>(open: &mut Open<'_, C>, task: &mut Task<'_>) -> Result<Reply, Failure> {
    let session: Option<Session> = task.place.query.get("authtoken").and_then(token::open);
    let lives = |session: &Session| session.mailbox == task.mailbox.0 && open.wall().as_second() < session.expires;
    if !session.as_ref().is_some_and(lives) {
        return Err(Failure::new(401, "InvalidAuthenticationToken", "The import session is unknown or has expired."));
    }
    let sent: Map<String, Value> = task.object()?;
    let invalid = |message: &str| Failure::new(400, "ErrorInvalidRequest", message);
    let data = messages::text(&sent, "Data").ok_or_else(|| invalid("The parameter 'Data' is missing."))?;
    let data = STANDARD.decode(data).map_err(|_| invalid("The parameter 'Data' is not Base64."))?;
    let item = Item::import(&data).map_err(|_| Failure::new(400, "ErrorCorruptData", "The stream cannot be read."))?;
    let replaced = messages::text(&sent, "ItemId");
    let number = match (messages::text(&sent, "Mode").unwrap_or("create").to_ascii_lowercase().as_str(), replaced) {
        ("create", None) if !sent.keys().any(|name| name.eq_ignore_ascii_case("changeKey")) => {
            let folder =
                messages::text(&sent, "FolderId").ok_or_else(|| invalid("The parameter 'FolderId' is missing."))?;
            let folder = task.folder(open, folder)?;
            open.create(folder, item)?
        }
        ("update", Some(id)) => {
            let number = reference::read_item(task.mailbox, id)?;
            let head = open.head(number).ok_or_else(Failure::item_not_found)?;
            let own = reference::change_key(task.mailbox, head.version);
            if messages::text(&sent, "ChangeKey").is_none_or(|key| key != own) {
                return Err(Failure::new(409, "ErrorStaleObject", "The change key does not match the item's."));
            }
            open.update(number, item)?;
            number
        }
        _ => return Err(invalid("The parameter 'Mode' does not go with the others.")),
    };
    task.count(1, data.len() as u64);
    let version = open.head(number).map_or(0, |head| head.version);
    let key = reference::change_key(task.mailbox, version);
    Ok(Reply::json(200, json!({"itemId": reference::item(task.mailbox, number), "changeKey": key})))
}
