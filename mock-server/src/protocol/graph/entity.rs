//! Items as entities: loaded, chosen by a query, and written with what the query selects and expands.

use std::sync::Arc;

use serde_json::value::{RawValue, to_raw_value};
use serde_json::{Map, Value, json};

use super::extended::Wanted;
use super::failure::Failure;
use super::fields::{self, Look, Subject, Table};
use super::page::{self, Access, Chosen};
use super::query::Query;
use super::reply::Reply;
use super::task::Task;
use super::{attachments, reference, written};
use crate::mailbox::content::Content;
use crate::mailbox::open::{Head, Open};

/// What items look like to a request.
pub(super) fn look<C: Content>(open: &mut Open<'_, C>, task: &Task<'_>) -> Result<Look, Failure> {
    Ok(Look {
        mailbox: task.mailbox,
        text_body: task.prefer.text_body,
        zone: task.prefer.zone.clone(),
        wanted: Wanted::of(&task.place.query)?,
        address: open.address(),
    })
}

/// An item with what is known of it.
pub(super) fn load<C: Content>(open: &mut Open<'_, C>, number: u64) -> Result<Subject, Failure> {
    let head = open.head(number).ok_or_else(Failure::item_not_found)?;
    if head.corrupt {
        return Err(Failure::item_corrupt());
    }
    let item = open.item(number)?;
    Ok(Subject {
        item,
        number,
        folder: head.folder,
        version: head.version,
        size: head.size,
        read: head.read,
        occurrence: None,
    })
}

/// The id and etag that every entity begins with.
pub(super) fn begin(subject: &Subject, look: &Look) -> Map<String, Value> {
    let mut entity = Map::new();
    entity.insert("@odata.etag".to_owned(), fields::etag(look, subject.version));
    entity
}

/// Writes an entity with what a query selects and expands.
pub(super) fn write(table: &Table, subject: &Subject, look: &Look, query: &Query) -> Value {
    let mut entity = begin(subject, look);
    let everything = query.select.as_ref().is_none_or(|names| names.iter().any(|name| name == "*"));
    for field in table.fields {
        let wanted = if everything { field.usual } else { field.name == "id" || query.selects(field.name) };
        if wanted {
            entity.insert(field.name.to_owned(), fields::read(field, subject, look));
        }
    }
    if let Some(inner) = query.expansion("attachments") {
        let list = attachments::entities(subject, look, inner, false);
        entity.insert("attachments".to_owned(), Value::Array(list));
    }
    if query.expansion("extensions").is_some() {
        entity.insert("extensions".to_owned(), json!([]));
    }
    fields::extended(subject, look, &mut entity);
    Value::Object(entity)
}

/// One item as the whole answer.
pub(super) fn reply<C: Content>(
    open: &mut Open<'_, C>,
    task: &Task<'_>,
    table: &Table,
    number: u64,
    status: u16,
) -> Result<Reply, Failure> {
    let subject = load(open, number)?;
    check_select(table, &task.place.query)?;
    let look = look(open, task)?;
    Ok(reply_with(task, table, &subject, &look, status))
}

/// An item that is loaded as the whole answer.
pub(super) fn reply_with(task: &Task<'_>, table: &Table, subject: &Subject, look: &Look, status: u16) -> Reply {
    let entity = write(table, subject, look, &task.place.query);
    let mut body = Map::new();
    body.insert("@odata.context".to_owned(), Value::String(task.context_of_one(table.collection)));
    if let Value::Object(entity) = entity {
        body.extend(entity);
    }
    let etag = body.get("@odata.etag").and_then(Value::as_str).unwrap_or_default().to_owned();
    let reply = Reply::json(status, Value::Object(body)).with("ETag", etag);
    if status != 201 {
        return reply;
    }
    let collection = table.collection;
    reply.with(
        "Location",
        format!("{}/{collection}('{}')", task.user_url(), reference::item(look.mailbox, subject.number)),
    )
}

/// Refuses a selection of properties that the type does not have.
fn check_select(table: &Table, query: &Query) -> Result<(), Failure> {
    let unknown =
        query.select.iter().flatten().find(|name| {
            !table.knows(name) && !name.starts_with(['@', '$', '*']) && !name.starts_with("microsoft.graph")
        });
    match unknown {
        Some(name) => Err(Failure::query(format!(
            "Could not find a property named '{name}' on type 'Microsoft.OutlookServices.{}'.",
            table.kind
        ))),
        None => Ok(()),
    }
}

/// Chooses the page of items that the request asks for.
pub(super) fn choose<C: Content>(
    open: &mut Open<'_, C>,
    task: &Task<'_>,
    table: &Table,
    members: &[u64],
    look: &Look,
) -> Result<Chosen<u64>, Failure> {
    let mut access = Access {
        load: &mut |number: &u64| load(open, *number).ok(),
        property: &|subject: &Subject, name: &str| table.value(subject, look, name),
        knows: &|name: &str| knows(table, name),
        kind: table.kind,
    };
    page::choose(&task.place.query, task.prefer.page, members, &mut access)
}

fn knows(table: &Table, name: &str) -> bool {
    table.knows(name) || name.starts_with("microsoft.graph")
}

/// Answers with a page of the items of one folder, newest first, without looking at items of other pages if possible.
pub(super) fn list_folder<C: Content>(
    open: &mut Open<'_, C>,
    task: &mut Task<'_>,
    table: &Table,
    folder: u32,
) -> Result<Reply, Failure> {
    if !page::is_piece(&task.place.query) {
        let mut members = open.list(folder);
        members.reverse();
        return list(open, task, table, &members);
    }
    let total = open.folder(folder).map_or(0, |folder| folder.items) as usize;
    let look = look(open, task)?;
    page::check(&task.place.query, &|name: &str| knows(table, name), table.kind)?;
    let newest = |skip, most| open.newest(folder, skip, most);
    let chosen = page::piece(&task.place.query, task.prefer.page, total, newest)?;
    Ok(page_of(open, task, table, &chosen, &look))
}

/// Answers with a page of items.
pub(super) fn list<C: Content>(
    open: &mut Open<'_, C>,
    task: &mut Task<'_>,
    table: &Table,
    members: &[u64],
) -> Result<Reply, Failure> {
    let look = look(open, task)?;
    let chosen = choose(open, task, table, members, &look)?;
    Ok(page_of(open, task, table, &chosen, &look))
}

/// The chosen items, written.
fn page_of<C: Content>(
    open: &mut Open<'_, C>,
    task: &mut Task<'_>,
    table: &Table,
    chosen: &Chosen<u64>,
    look: &Look,
) -> Reply {
    let look_mark = written::look_at(table.kind, look, &task.place.query);
    let mut value = Vec::with_capacity(chosen.members.len());
    for &number in &chosen.members {
        let Some(head) = open.head(number) else { continue };
        let key = written::Key::new(task.mailbox, number, &head, look_mark);
        let known = if head.corrupt { None } else { task.state.written.get(&key) };
        value.push(known.unwrap_or_else(|| {
            let (entity, is_readable) = match load(open, number) {
                Ok(subject) => (write(table, &subject, look, &task.place.query), true),
                Err(_) => (unreadable(&head, number, look), false),
            };
            let entity = to_raw_value(&entity).expect("texts and numbers are valid JSON").into();
            if is_readable {
                task.state.written.keep(key, Arc::clone(&entity));
            }
            entity
        }));
    }
    let context = task.context(table.collection);
    let value: Vec<&RawValue> = value.iter().map(|entity| &**entity).collect();
    page::body(&context, &task.url(), &task.place.query, chosen, &value)
}

/// An item that cannot be read, by what is known without reading it.
fn unreadable(head: &Head, number: u64, look: &Look) -> Value {
    let subject = Subject {
        item: Arc::default(),
        number,
        folder: head.folder,
        version: head.version,
        size: head.size,
        read: head.read,
        occurrence: None,
    };
    let mut entity = begin(&subject, look);
    entity.insert("id".to_owned(), Value::String(reference::item(look.mailbox, number)));
    Value::Object(entity)
}

/// How many items of a list fit, as `$count` answers.
pub(super) fn count<C: Content>(
    open: &mut Open<'_, C>,
    task: &Task<'_>,
    table: &Table,
    members: &[u64],
) -> Result<Reply, Failure> {
    let look = look(open, task)?;
    Ok(Reply::count(choose(open, task, table, members, &look)?.total))
}

/// Refuses a change of an item that is no longer as the client knows it (`If-Match`).
pub(super) fn check_match(task: &Task<'_>, subject: &Subject, look: &Look) -> Result<(), Failure> {
    let Some(wanted) = task.asked.header("if-match") else { return Ok(()) };
    let own = fields::etag(look, subject.version);
    let own = own.as_str().unwrap_or_default();
    if wanted.trim() == "*" || wanted.trim_start_matches("W/") == own.trim_start_matches("W/") {
        return Ok(());
    }
    Err(Failure::new(
        412,
        "ErrorIrresolvableConflict",
        "The send or update operation could not be performed because the change key passed in the request does not \
         match the current change key for the item.",
    ))
}

/// Sets what the body of a `PATCH` says, and answers with the item.
pub(super) fn update<C: Content>(
    open: &mut Open<'_, C>,
    task: &mut Task<'_>,
    table: &Table,
    number: u64,
    finish: impl FnOnce(&mut crate::mailbox::item::Item) -> Result<(), Failure>,
) -> Result<Reply, Failure> {
    let sent = task.object()?;
    let subject = load(open, number)?;
    check_match(task, &subject, &look(open, task)?)?;
    let mut item = (*subject.item).clone();
    table.write(&mut item, &sent)?;
    finish(&mut item)?;
    open.update(number, item)?;
    task.count(1, 0);
    reply(open, task, table, number, 200)
}
