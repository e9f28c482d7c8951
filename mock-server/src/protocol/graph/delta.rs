//! `delta`: what changed in a folder or among the folders since a token.
//!
//! A token holds the position and the query of the first request, because clients send nothing else with it.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::entity;
use super::extended::Wanted;
use super::failure::Failure;
use super::fields::contact::CONTACT;
use super::fields::event::EVENT;
use super::fields::message::MESSAGE;
use super::fields::{Look, Table};
use super::filter::evaluate;
use super::folders::{self, Shape};
use super::page::MAX_TOP;
use super::query::Query;
use super::reply::Reply;
use super::route::Route as R;
use super::task::Task;
use super::{contacts, mailboxes, reference, token};
use crate::mailbox::content::Content;
use crate::mailbox::open::Open;
use crate::mailbox::reference::SyncPosition;
use crate::wire::answer::{ChangeKind, ItemChange};
use crate::wire::call::FolderKind;
use crate::wire::id::Id;

/// Changes on a page without a preference. Assumed; the default is not documented.
const DEFAULT_PAGE: u32 = 100;

/// A place in the changes of one folder, or of the folders.
#[derive(Serialize, Deserialize)]
struct State {
    /// The mailbox.
    #[serde(rename = "m")]
    mailbox: u32,
    /// The folder; the folders themselves if absent.
    #[serde(rename = "f")]
    folder: Option<u32>,
    /// The position; the beginning if absent.
    #[serde(rename = "p")]
    position: Option<u64>,
    /// Whether the first round is still being told: what is there, and nothing of what is gone.
    #[serde(rename = "i", default)]
    first: bool,
    /// The query of the first request.
    #[serde(rename = "q", default)]
    query: String,
}

/// Where a request stands, and its query.
fn state(task: &Task<'_>, folder: Option<u32>) -> Result<(State, Query), Failure> {
    let asked = &task.place.query;
    let text = asked.delta_token.as_deref().or(asked.skip_token.as_deref()).unwrap_or_default();
    if text.is_empty() {
        let mut writer = form_urlencoded::Serializer::new(String::new());
        for (name, value) in &asked.pairs {
            writer.append_pair(name, value);
        }
        let query = writer.finish();
        return Ok((State { mailbox: task.mailbox.0, folder, position: None, first: true, query }, asked.clone()));
    }
    let lost = || Failure::sync_state_lost(format!("{}?$deltatoken=", task.url()));
    // `latest` asks for a token without the changes so far.
    let state: State = token::open(text).ok_or_else(lost)?;
    if state.mailbox != task.mailbox.0 || state.folder != folder {
        return Err(lost());
    }
    let query = Query::parse(&state.query)?;
    Ok((state, query))
}

/// The link to go on from a position.
fn link(task: &Task<'_>, state: &State, position: u64, complete: bool) -> (String, Value) {
    let first = state.first && !complete;
    let next = State { position: Some(position), first, query: state.query.clone(), ..*state };
    let (name, key) = if complete { ("@odata.deltaLink", "$deltatoken") } else { ("@odata.nextLink", "$skiptoken") };
    let path = task.place.path.trim_end_matches("()");
    let link = format!("{}{path}?{key}={}", task.root(), token::seal(&next));
    (name.to_owned(), Value::String(link))
}

fn answer(task: &Task<'_>, context: &str, value: Vec<Value>, link: (String, Value)) -> Reply {
    let mut body = Map::new();
    let context = format!("{}/$metadata#{context}", task.root());
    body.insert("@odata.context".to_owned(), Value::String(context));
    body.insert("value".to_owned(), Value::Array(value));
    body.insert(link.0, link.1);
    Reply::json(200, Value::Object(body))
}

fn removed(id: &str) -> Value {
    json!({"@removed": {"reason": "deleted"}, "id": id})
}

/// What items a delta tells of.
fn table(route: R) -> &'static Table {
    match route {
        R::CalendarViewDelta => &EVENT,
        R::ContactsDelta | R::FolderContactsDelta => &CONTACT,
        _ => &MESSAGE,
    }
}

/// The changes of one folder.
pub(super) fn items<C: Content>(open: &mut Open<'_, C>, task: &mut Task<'_>) -> Result<Reply, Failure> {
    let route = task.place.route;
    let folder = match (route, task.place.folder.as_str()) {
        (R::CalendarViewDelta, "") => open.known_folder(FolderKind::Calendar),
        (R::ContactsDelta, "") => open.known_folder(FolderKind::Contacts),
        (R::MessagesDelta, "") => {
            return Err(Failure::new(
                400,
                "ErrorInvalidRequest",
                "Change tracking is not supported against 'microsoft.graph.message' across folders.",
            ));
        }
        (_, named) => Some(task.folder(open, named)?),
    };
    let folder = folder.ok_or_else(Failure::item_not_found)?;
    let (state, query) = state(task, Some(folder))?;
    let limit = query.top.or(task.prefer.page).unwrap_or(DEFAULT_PAGE).clamp(1, MAX_TOP);
    let lost = || Failure::sync_state_lost(format!("{}?$deltatoken=", task.url()));
    let page = open.changes(folder, state.position.map(SyncPosition::read), limit).ok_or_else(lost)?;
    let look = Look { wanted: Wanted::of(&query)?, ..entity::look(open, task)? };
    let mut value = Vec::with_capacity(page.changes.len());
    for change in &page.changes {
        let told = write(open, task, (&query, &look), change, state.first);
        value.extend(told.filter(|entity| !state.first || entity.get("@removed").is_none()));
    }
    let Id::Number(position) = page.position.id() else { return Err(lost()) };
    let link = link(task, &state, position, page.complete);
    let context = match route {
        R::MailboxItemsDelta => "Collection(mailboxItem)",
        R::CalendarViewDelta => "Collection(event)",
        R::ContactsDelta | R::FolderContactsDelta => "Collection(contact)",
        _ => "Collection(message)",
    };
    Ok(answer(task, context, value, link))
}

/// One change, unless the query does not want it.
fn write<C: Content>(
    open: &mut Open<'_, C>,
    task: &Task<'_>,
    (query, look): (&Query, &Look),
    change: &ItemChange,
    first: bool,
) -> Option<Value> {
    let Id::Number(number) = change.item else { return None };
    let id = reference::item(task.mailbox, number);
    // `changeType=created` and the like want only some of the changes.
    let kind = match change.kind {
        ChangeKind::Create => "created",
        ChangeKind::Delete => "deleted",
        _ => "updated",
    };
    if query.get("changeType").is_some_and(|wanted| wanted != kind && !first) {
        return None;
    }
    if change.kind == ChangeKind::Delete {
        return Some(removed(&id));
    }
    let Ok(subject) = entity::load(open, number) else {
        return Some(if open.head(number).is_some() { json!({"id": id}) } else { removed(&id) });
    };
    if task.place.route == R::MailboxItemsDelta {
        return Some(mailboxes::item(&subject, look, query));
    }
    let table = table(task.place.route);
    let fits =
        query.filter.as_ref().is_none_or(|filter| evaluate::fits(filter, &|name| table.value(&subject, look, name)));
    if !fits {
        return None;
    }
    // A changed read flag alone is told with nothing but the flag, as the service does.
    if change.kind == ChangeKind::ReadFlag && query.select.is_none() && !first {
        return Some(json!({
            "@odata.type": "#microsoft.graph.message",
            "@odata.etag": super::fields::etag(look, subject.version),
            "id": id,
            "isRead": subject.read,
        }));
    }
    let mut entity = entity::write(table, &subject, look, query);
    if let Value::Object(object) = &mut entity {
        let kind = format!("#microsoft.graph.{}", lower_first(table.kind));
        object.shift_insert(0, "@odata.type".to_owned(), Value::String(kind));
    }
    Some(entity)
}

/// A type's name as the schema spells it.
pub(super) fn lower_first(kind: &str) -> String {
    let mut chars = kind.chars();
    chars.next().map_or_else(String::new, |first| first.to_lowercase().chain(chars).collect())
}

/// The changes among the folders.
pub(super) fn folders<C: Content>(open: &mut Open<'_, C>, task: &mut Task<'_>) -> Result<Reply, Failure> {
    let route = task.place.route;
    let (shape, context): (&Shape, &str) = match route {
        R::MailboxFoldersDelta => (&mailboxes::FOLDER, "Collection(mailboxFolder)"),
        R::ContactFoldersDelta => (&contacts::FOLDER, "Collection(contactFolder)"),
        _ => (&folders::MAIL, "Collection(mailFolder)"),
    };
    let (state, query) = state(task, None)?;
    let lost = || Failure::sync_state_lost(format!("{}?$deltatoken=", task.url()));
    let (changes, position) = open.sync_folders(state.position).ok_or_else(lost)?;
    let wanted = Wanted::of(&query)?;
    let mut value = Vec::with_capacity(changes.len());
    for (kind, ordinal) in changes {
        match open.folder(ordinal).filter(|_| kind != ChangeKind::Delete) {
            None if state.first => {}
            None => value.push(removed(&reference::folder(task.mailbox, ordinal))),
            Some(folder) if folder.parent.is_some() && mailboxes::belongs(shape, &folder) => {
                let mut entity = folders::write(shape, &folder, task, &query, &wanted);
                if let Value::Object(object) = &mut entity {
                    let kind = format!("#microsoft.graph.{}", lower_first(shape.kind));
                    object.shift_insert(0, "@odata.type".to_owned(), Value::String(kind));
                }
                value.push(entity);
            }
            Some(_) => {}
        }
    }
    let link = link(task, &state, position, true);
    Ok(answer(task, context, value, link))
}
