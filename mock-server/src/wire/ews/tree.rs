//! `UpdateFolder` and `MoveFolder`: another name or place for one folder.

use std::sync::Arc;

use super::EwsError;
use super::envelope::{MOVE_FOLDER, Names, UPDATE_FOLDER, write_single};
use super::folders::write_folder_id;
use super::reference::{Lens, Pen};
use super::xml::{Element, Space, Writer};
use crate::wire::call::{Call, FolderRef};
use crate::wire::id::Id;
use crate::wire::opaque::Kind;

const NAME: &str = "folder:DisplayName";

/// Writes a request to give a folder another name.
pub(super) fn write_rename(writer: &mut Writer, pen: Pen, folder: &Id, name: &str) {
    writer.open(UPDATE_FOLDER.request, &[]);
    writer.open("m:FolderChanges", &[]);
    writer.open("t:FolderChange", &[]);
    pen.ask(writer, "t:FolderId", Kind::Folder, folder);
    writer.open("t:Updates", &[]);
    writer.open("t:SetFolderField", &[]);
    writer.empty("t:FieldURI", &[("FieldURI", NAME)]);
    writer.open("t:Folder", &[]);
    writer.leaf("t:DisplayName", name);
    writer.close("t:Folder");
    writer.close("t:SetFolderField");
    writer.close("t:Updates");
    writer.close("t:FolderChange");
    writer.close("m:FolderChanges");
    writer.close(UPDATE_FOLDER.request);
}

/// Reads a request to give a folder another name.
pub(super) fn read_rename(operation: &Element<'_>, lens: &mut Lens) -> Result<Call, EwsError> {
    let other = || EwsError::unsupported("UpdateFolder of more or less than one name");
    let change = only(operation.message("FolderChanges")).ok_or_else(other)?;
    let [folder, updates] = &*change.children else { return Err(other()) };
    let update = only(Some(updates)).filter(|update| update.is(Space::Types, "SetFolderField")).ok_or_else(other)?;
    let named = update.typed("FieldURI").and_then(|field| field.attribute("FieldURI")) == Some(NAME);
    let name = only(update.typed("Folder")).filter(|name| named && name.is(Space::Types, "DisplayName"));
    Ok(Call::RenameFolder { folder: own(lens, folder)?, name: Arc::from(name.ok_or_else(other)?.whole_text()) })
}

/// Writes a request to put a folder into another one.
pub(super) fn write_move(writer: &mut Writer, pen: Pen, folder: &Id, parent: &Id) {
    writer.open(MOVE_FOLDER.request, &[]);
    writer.open("m:ToFolderId", &[]);
    pen.ask(writer, "t:FolderId", Kind::Folder, parent);
    writer.close("m:ToFolderId");
    writer.open("m:FolderIds", &[]);
    pen.ask(writer, "t:FolderId", Kind::Folder, folder);
    writer.close("m:FolderIds");
    writer.close(MOVE_FOLDER.request);
}

/// Reads a request to put a folder into another one.
pub(super) fn read_move(operation: &Element<'_>, lens: &mut Lens) -> Result<Call, EwsError> {
    let one = || EwsError::unsupported("MoveFolder of more or less than one folder");
    let folder = only(operation.message("FolderIds")).ok_or_else(one)?;
    let parent = only(operation.message("ToFolderId")).ok_or_else(one)?;
    Ok(Call::MoveFolder { folder: own(lens, folder)?, parent: own(lens, parent)? })
}

/// The only child of an element.
fn only<'d, 'a>(holder: Option<&'d Element<'a>>) -> Option<&'d Element<'a>> {
    match holder.map(|holder| &*holder.children) {
        Some([child]) => Some(child),
        _ => None,
    }
}

/// A folder that is named by a reference of this server.
fn own(lens: &mut Lens, folder: &Element<'_>) -> Result<Id, EwsError> {
    match lens.folder_ref(folder)? {
        FolderRef::Id(id @ Id::Number(_)) => Ok(id),
        _ => Err(EwsError::unsupported("a folder that is named by what it is for")),
    }
}

/// Writes the answer to [`write_rename`] and [`write_move`].
pub(super) fn write_changed(writer: &mut Writer, names: &'static Names, pen: Pen, folder: &Id) {
    write_single(writer, names, |writer| write_folder_id(writer, pen, folder));
}
