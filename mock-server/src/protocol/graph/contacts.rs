//! Contacts and their folders.

use serde_json::Value;

use super::create::{from_json, stamp};
use super::entity;
use super::failure::Failure;
use super::fields::contact::CONTACT;
use super::folders::{self, Shape};
use super::messages;
use super::reply::Reply;
use super::route::Route as R;
use super::task::Task;
use crate::mailbox::content::Content;
use crate::mailbox::open::{Deletion, FolderInfo, Open};
use crate::wire::call::FolderKind;

/// learn.microsoft.com/graph/api/resources/contactfolder
pub(super) const FOLDER: Shape = Shape {
    kind: "ContactFolder",
    collection: "contactFolders",
    names: &["id", "parentFolderId", "displayName"],
    class: "IPF.Contact",
};

/// Whether a folder holds contacts.
pub(super) fn holds_contacts(folder: &FolderInfo) -> bool {
    folder.class.to_ascii_lowercase().starts_with("ipf.contact")
}

/// The folder of the path, or the default one.
fn folder<C: Content>(open: &mut Open<'_, C>, task: &Task<'_>) -> Result<u32, Failure> {
    match task.place.folder.as_str() {
        "" => open.known_folder(FolderKind::Contacts).ok_or_else(Failure::item_not_found),
        named => task.folder(open, named),
    }
}

/// Carries out a request on contacts or their folders.
pub(super) fn carry_out<C: Content>(open: &mut Open<'_, C>, task: &mut Task<'_>) -> Result<Reply, Failure> {
    match task.place.route {
        R::Contact => one(open, task),
        R::ContactFolder => one_folder(open, task),
        R::ContactFolders | R::ContactChildFolders => list_folders(open, task),
        route => {
            let folder = folder(open, task)?;
            if task.asked.method == "POST" {
                return create(open, task, folder);
            }
            let members = open.list(folder);
            match route {
                R::ContactsCount => entity::count(open, task, &CONTACT, &members),
                _ => entity::list(open, task, &CONTACT, &members),
            }
        }
    }
}

fn create<C: Content>(open: &mut Open<'_, C>, task: &mut Task<'_>, folder: u32) -> Result<Reply, Failure> {
    let mut item = from_json(&CONTACT, "IPM.Contact", &task.object()?)?;
    stamp(open, &mut item);
    let number = open.create(folder, item)?;
    task.count(1, 0);
    entity::reply(open, task, &CONTACT, number, 201)
}

fn one<C: Content>(open: &mut Open<'_, C>, task: &mut Task<'_>) -> Result<Reply, Failure> {
    let number = task.item()?;
    match task.asked.method {
        "GET" => entity::reply(open, task, &CONTACT, number, 200),
        "PATCH" => entity::update(open, task, &CONTACT, number, |_| Ok(())),
        _ => messages::delete(open, task, number, Deletion::ToDeletedItems),
    }
}

fn list_folders<C: Content>(open: &mut Open<'_, C>, task: &mut Task<'_>) -> Result<Reply, Failure> {
    let is_root = task.place.folder.is_empty();
    let parent = match task.place.folder.as_str() {
        "" => open.known_folder(FolderKind::Root).ok_or_else(Failure::item_not_found)?,
        named => task.folder(open, named)?,
    };
    if task.asked.method == "POST" {
        return folders::make(open, task, &FOLDER, parent, "displayName");
    }
    // The default folder itself is not listed among the contact folders (learn.microsoft.com/graph/api/user-list
    // -contactfolders: "in the default Contacts folder").
    let default = open.known_folder(FolderKind::Contacts);
    let mut below = open.folders();
    below.retain(|folder| {
        let is_below = folder.parent == Some(parent) || is_root && folder.parent.is_some() && folder.parent == default;
        is_below && holds_contacts(folder) && (!is_root || Some(folder.ordinal) != default)
    });
    folders::page(task, &FOLDER, &below)
}

fn one_folder<C: Content>(open: &mut Open<'_, C>, task: &mut Task<'_>) -> Result<Reply, Failure> {
    let ordinal = folder(open, task)?;
    match task.asked.method {
        "GET" => folders::reply(open, task, &FOLDER, ordinal, 200),
        "PATCH" => {
            let sent = task.object()?;
            if let Some(name) = sent.get("displayName").and_then(Value::as_str) {
                open.rename_folder(ordinal, name)?;
            }
            folders::set_extended(open, ordinal, &sent)?;
            folders::reply(open, task, &FOLDER, ordinal, 200)
        }
        _ => folders::delete(open, ordinal),
    }
}
