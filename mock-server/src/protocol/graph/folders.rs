//! Mail folders: lists, one folder, creation, renaming, moving, copying and deletion.

use serde_json::{Map, Value, json};

use super::extended::{Extended, Wanted};
use super::failure::Failure;
use super::page::{self, Access};
use super::query::Query;
use super::reply::Reply;
use super::route::Route as R;
use super::task::Task;
use super::{messages, reference};
use crate::mailbox::content::Content;
use crate::mailbox::open::{Deletion, FolderInfo, Open};
use crate::mailbox::property::{Property, Value as Stored};
use crate::wire::call::FolderKind;
use crate::wire::graph::well_known_name;
use crate::wire::id::MailboxKey;

/// The properties of a type of folder.
pub(super) struct Shape {
    /// The type's name, as errors write it.
    pub kind: &'static str,
    /// The collection's name below a user.
    pub collection: &'static str,
    /// Their names, in the service's order.
    pub names: &'static [&'static str],
    /// The class of folders of this type that clients make.
    pub class: &'static str,
}

/// learn.microsoft.com/graph/api/resources/mailfolder
pub(super) const MAIL: Shape = Shape {
    kind: "MailFolder",
    collection: "mailFolders",
    names: &[
        "id",
        "displayName",
        "parentFolderId",
        "childFolderCount",
        "unreadItemCount",
        "totalItemCount",
        "sizeInBytes",
        "isHidden",
        "wellKnownName",
    ],
    class: "IPF.Note",
};

/// A property of a folder.
pub(super) fn property(folder: &FolderInfo, mailbox: MailboxKey, name: &str) -> Value {
    match name {
        "id" => json!(reference::folder(mailbox, folder.ordinal)),
        "displayName" | "name" => json!(&*folder.name),
        "parentFolderId" => {
            json!(reference::folder(mailbox, folder.parent.unwrap_or(folder.ordinal)))
        }
        "childFolderCount" => json!(folder.children),
        "unreadItemCount" => json!(folder.unread),
        "totalItemCount" => json!(folder.items),
        "sizeInBytes" => json!(folder.bytes),
        "isHidden" => json!(is_hidden(folder)),
        "wellKnownName" => json!(well_known_name(folder.kind)),
        "type" => json!(&*folder.class),
        _ => Value::Null,
    }
}

/// `PidTagAttributeHidden` (\[MS-OXPROPS\] 2.611).
const HIDDEN: Property = Property::Tag(0x10f4);

fn is_hidden(folder: &FolderInfo) -> bool {
    folder.properties.get(&HIDDEN) == Some(&Stored::Bool(true))
}

/// Properties that beta has and v1.0 has not.
const BETA: [&str; 2] = ["sizeInBytes", "wellKnownName"];

/// Writes a folder with what a query selects.
pub(super) fn write(shape: &Shape, folder: &FolderInfo, task: &Task<'_>, query: &Query, wanted: &Wanted) -> Value {
    let mut entity = Map::new();
    for name in shape.names {
        let is_told = !BETA.contains(name) || task.place.version == "beta" || query.select.is_some();
        if *name == "id" || (query.selects(name) && is_told) {
            entity.insert((*name).to_owned(), property(folder, task.mailbox, name));
        }
    }
    for (name, list) in
        [("singleValueExtendedProperties", &wanted.single), ("multiValueExtendedProperties", &wanted.multiple)]
    {
        let entries: Vec<Value> = list.iter().filter_map(|extended| extended_entry(folder, extended)).collect();
        if !entries.is_empty() {
            entity.insert(name.to_owned(), Value::Array(entries));
        }
    }
    Value::Object(entity)
}

fn extended_entry(folder: &FolderInfo, extended: &Extended) -> Option<Value> {
    Some(extended.entry(&stored(folder, &extended.property)?))
}

/// A MAPI property of a folder, as \[MS-OXPROPS\] names them.
fn stored(folder: &FolderInfo, property: &Property) -> Option<Stored> {
    let number = |count: u64| Stored::Integer(i32::try_from(count).unwrap_or(i32::MAX));
    Some(match property {
        // PidTagDisplayName, PidTagContentCount, PidTagContentUnreadCount, PidTagSubfolders, PidTagContainerClass and
        // PidTagMessageSizeExtended.
        Property::Tag(0x3001) => Stored::Text(folder.name.clone()),
        Property::Tag(0x3602) => number(folder.items),
        Property::Tag(0x3603) => number(folder.unread),
        Property::Tag(0x360a) => Stored::Bool(0 < folder.children),
        Property::Tag(0x3613) => Stored::Text(folder.class.clone()),
        Property::Tag(0x0e08) => Stored::Long(i64::try_from(folder.bytes).unwrap_or(i64::MAX)),
        other => folder.properties.get(other)?.clone(),
    })
}

/// Answers with a page of folders.
pub(super) fn page(task: &Task<'_>, shape: &Shape, folders: &[FolderInfo]) -> Result<Reply, Failure> {
    let query = &task.place.query;
    let wanted = Wanted::of(query)?;
    let mailbox = task.mailbox;
    let filtered = |folder: &FolderInfo, name: &str| {
        let entry = |extended: &Extended| Some(extended.asked_entry(&stored(folder, &extended.property)?));
        match name {
            "singleValueExtendedProperties" => wanted.filtered.iter().filter_map(entry).collect(),
            name => property(folder, mailbox, name),
        }
    };
    let related = ["childFolders", "messages", "singleValueExtendedProperties", "multiValueExtendedProperties"];
    let chosen = page::choose(
        query,
        task.prefer.page,
        folders,
        &mut Access {
            load: &mut |folder: &FolderInfo| Some(folder.clone()),
            property: &filtered,
            knows: &|name| shape.names.contains(&name) || related.contains(&name),
            kind: shape.kind,
        },
    )?;
    if task.place.last == "$count" {
        return Ok(Reply::count(chosen.total));
    }
    let value: Vec<Value> = chosen.members.iter().map(|folder| write(shape, folder, task, query, &wanted)).collect();
    Ok(page::body(&task.context(shape.collection), &task.url(), query, &chosen, &value))
}

/// The mail folders below a folder.
fn below<C: Content>(open: &mut Open<'_, C>, task: &Task<'_>, parent: u32) -> Vec<FolderInfo> {
    let with_hidden = task.place.query.get("includeHiddenFolders") == Some("true");
    let mut found = open.folders();
    found.retain(|folder| {
        folder.parent == Some(parent) && messages::holds_mail(folder) && (with_hidden || !is_hidden(folder))
    });
    found
}

/// The folder whose children are meant: that of the path, or the root.
fn parent<C: Content>(open: &mut Open<'_, C>, task: &Task<'_>) -> Result<u32, Failure> {
    match task.place.folder.as_str() {
        "" => open.known_folder(FolderKind::Root).ok_or_else(Failure::item_not_found),
        named => task.folder(open, named),
    }
}

/// A list of folders, or how many there are.
pub(super) fn list<C: Content>(open: &mut Open<'_, C>, task: &mut Task<'_>) -> Result<Reply, Failure> {
    let parent = parent(open, task)?;
    let mut folders = below(open, task, parent);
    if let Some(inner) = task.place.query.expansion("childFolders") {
        let wanted = Wanted::of(inner)?;
        let mut reply = page(task, &MAIL, &folders)?;
        let super::reply::Body::Written(written) = &reply.body else { return Ok(reply) };
        let mut body: Value = serde_json::from_slice(written).expect("what was written is JSON");
        if let Some(list) = body["value"].as_array_mut() {
            folders.retain(|folder| 0 < folder.children);
            for folder in &folders {
                let id = json!(reference::folder(task.mailbox, folder.ordinal));
                let children: Vec<Value> = below(open, task, folder.ordinal)
                    .iter()
                    .map(|child| write(&MAIL, child, task, inner, &wanted))
                    .collect();
                if let Some(entry) = list.iter_mut().find(|entry| entry["id"] == id) {
                    entry["childFolders"] = Value::Array(children);
                }
            }
        }
        reply.body = super::reply::Body::Json(body);
        return Ok(reply);
    }
    page(task, &MAIL, &folders)
}

/// One folder as the whole answer.
pub(super) fn reply<C: Content>(
    open: &mut Open<'_, C>,
    task: &Task<'_>,
    shape: &Shape,
    ordinal: u32,
    status: u16,
) -> Result<Reply, Failure> {
    let folder = open.folder(ordinal).ok_or_else(Failure::item_not_found)?;
    let query = &task.place.query;
    let mut body = Map::new();
    body.insert("@odata.context".to_owned(), Value::String(task.context_of_one(shape.collection)));
    if let Value::Object(entity) = write(shape, &folder, task, query, &Wanted::of(query)?) {
        body.extend(entity);
    }
    let reply = Reply::json(status, Value::Object(body));
    if status != 201 {
        return Ok(reply);
    }
    let id = reference::folder(task.mailbox, ordinal);
    Ok(reply.with("Location", format!("{}/{}('{id}')", task.user_url(), shape.collection)))
}

/// Sets the extended properties that a client sent.
pub(super) fn set_extended<C: Content>(
    open: &mut Open<'_, C>,
    ordinal: u32,
    sent: &Map<String, Value>,
) -> Result<(), Failure> {
    for name in ["singleValueExtendedProperties", "multiValueExtendedProperties"] {
        for entry in sent.get(name).and_then(Value::as_array).into_iter().flatten() {
            let malformed = || Failure::property(name);
            let extended = entry.get("id").and_then(Value::as_str).and_then(Extended::read).ok_or_else(malformed)?;
            let value = extended.value(entry.get("value").ok_or_else(malformed)?).ok_or_else(malformed)?;
            open.set_folder(ordinal, extended.property, Some(value))?;
        }
    }
    Ok(())
}

/// The name of a new or renamed folder.
pub(super) fn name<'a>(sent: &'a Map<String, Value>, key: &str) -> Result<Option<&'a str>, Failure> {
    match sent.get(key) {
        None => Ok(None),
        Some(Value::String(name)) if !name.trim().is_empty() => Ok(Some(name)),
        Some(_) => Err(Failure::new(400, "ErrorInvalidRequest", format!("The property '{key}' is required."))),
    }
}

/// Makes a folder of a shape.
pub(super) fn make<C: Content>(
    open: &mut Open<'_, C>,
    task: &mut Task<'_>,
    shape: &Shape,
    parent: u32,
    key: &str,
) -> Result<Reply, Failure> {
    let sent = task.object()?;
    let Some(name) = name(&sent, key)? else {
        return Err(Failure::new(400, "ErrorInvalidRequest", format!("The property '{key}' is required.")));
    };
    let ordinal = open.make_folder(parent, name, Some(shape.class))?;
    if sent.get("isHidden") == Some(&Value::Bool(true)) {
        open.set_folder(ordinal, HIDDEN, Some(Stored::Bool(true)))?;
    }
    set_extended(open, ordinal, &sent)?;
    reply(open, task, shape, ordinal, 201)
}

/// A new folder.
pub(super) fn create<C: Content>(open: &mut Open<'_, C>, task: &mut Task<'_>) -> Result<Reply, Failure> {
    let parent = parent(open, task)?;
    make(open, task, &MAIL, parent, "displayName")
}

/// Deletes a folder as users do: into the deleted items, from there for good.
pub(super) fn delete<C: Content>(open: &mut Open<'_, C>, ordinal: u32) -> Result<Reply, Failure> {
    let deleted = open.default_folder(FolderKind::Deleted);
    let mut above = open.folder(ordinal).and_then(|folder| folder.parent);
    let mut lies_in_deleted = false;
    while let Some(parent) = above {
        lies_in_deleted |= deleted == Some(parent);
        above = open.folder(parent).and_then(|folder| folder.parent).filter(|next| *next != parent);
    }
    let how = if lies_in_deleted { Deletion::Soft } else { Deletion::ToDeletedItems };
    open.delete_folder(ordinal, how)?;
    Ok(Reply::empty(204))
}

/// One folder: what the method and the action say.
pub(super) fn one<C: Content>(open: &mut Open<'_, C>, task: &mut Task<'_>) -> Result<Reply, Failure> {
    let ordinal = task.folder(open, &task.place.folder)?;
    match (task.asked.method, task.place.route) {
        ("GET", _) => reply(open, task, &MAIL, ordinal, 200),
        ("PATCH", _) => {
            let sent = task.object()?;
            if let Some(name) = name(&sent, "displayName")? {
                open.rename_folder(ordinal, name)?;
            }
            set_extended(open, ordinal, &sent)?;
            reply(open, task, &MAIL, ordinal, 200)
        }
        ("DELETE", _) => delete(open, ordinal),
        (_, R::FolderPermanentDelete) => {
            open.delete_folder(ordinal, Deletion::Hard)?;
            Ok(Reply::empty(204))
        }
        (_, route) => {
            let sent = task.object()?;
            let Some(destination) = messages::text(&sent, "destinationId") else {
                return Err(Failure::new(400, "ErrorInvalidRequest", "The parameter 'DestinationId' is missing."));
            };
            let destination = task.folder(open, destination)?;
            let moved = if route == R::FolderCopy {
                open.copy_folder(ordinal, destination)?
            } else {
                open.move_folder(ordinal, destination)?;
                ordinal
            };
            reply(open, task, &MAIL, moved, 201)
        }
    }
}
