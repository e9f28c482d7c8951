//! Operations on folders.

use super::context::{Context, FolderTarget, ROOT, Refused};
use super::failure::Failure;
use super::fields::extended::Extended;
use super::folder_shape::{self, FolderShape, comparable, constant};
use super::messages::Messages;
use super::names::{
    COPY_FOLDER, CREATE_FOLDER, DELETE_FOLDER, EMPTY_FOLDER, FIND_FOLDER, GET_FOLDER, MOVE_FOLDER, UPDATE_FOLDER,
};
use super::permissions;
use super::restriction::compare;
use super::runs;
use crate::mailbox::content::Content;
use crate::mailbox::hidden;
use crate::mailbox::open::{Deletion, FolderInfo, Open};
use crate::mailbox::property::Value;
use crate::mailbox::store::StoreError;
use crate::protocol::host::Host;
use crate::service::cost::Work;
use crate::wire::ews::envelope::Names;
use crate::wire::ews::folder_kind;
use crate::wire::ews::xml::{Element, Writer};
use crate::wire::id::MailboxKey;
use crate::wire::operation::Operation;

/// The most folders that one request may name (assumed).
const FOLDERS_MAX: usize = 1_000;

/// How deep a restriction may be nested (assumed).
const DEPTH_MAX: u32 = 32;

fn named<'d, 'a>(request: &'d Element<'a>, list: &str) -> Result<&'d [Element<'a>], Refused> {
    let list = request.message(list).ok_or_else(|| Refused::schema("the folders are missing"))?;
    if list.children.is_empty() || list.children.len() > FOLDERS_MAX {
        return Err(Refused::schema("there are no folders, or too many"));
    }
    Ok(&list.children)
}

fn folder_failure(error: StoreError) -> Failure {
    match error {
        StoreError::NotFound => Failure::FOLDER_NOT_FOUND,
        StoreError::Distinguished => Failure::DISTINGUISHED,
        StoreError::Cycle => Failure::FOLDER_CYCLE,
        other => other.into(),
    }
}

fn write_one(writer: &mut Writer, shape: &FolderShape, mailbox: MailboxKey, folder: &FolderInfo) {
    writer.open("m:Folders", &[]);
    shape.write(writer, mailbox, folder);
    writer.close("m:Folders");
}

/// Works on every folder of a list and writes its message.
fn each<H: Host>(
    context: &mut Context<'_, H>,
    operation: Operation,
    folders: &[Element<'_>],
    messages: &mut Messages,
    mut work: impl FnMut(&mut Open<'_, H::Content>, FolderTarget, &mut Messages) -> Result<(), Failure>,
) -> Result<(), Refused> {
    let folders: Vec<_> = folders.iter().map(|folder| context.folder(folder)).collect();
    runs::each_folder(context, operation, &folders, messages, |open, target, messages| {
        work(open, target, messages).map(|()| Work::default())
    })
}

/// `GetFolder`: folders of one mailbox are looked up together.
pub(super) fn get<H: Host>(request: &Element<'_>, context: &mut Context<'_, H>) -> Result<Vec<u8>, Refused> {
    let shape = request.message("FolderShape").ok_or_else(|| Refused::schema("the shape is missing"))?;
    let folders = named(request, "FolderIds")?;
    let mut messages = Messages::new(&GET_FOLDER, Some("m:Folders"));
    let shape = FolderShape::read(shape);
    let targets: Vec<_> = folders.iter().map(|folder| context.folder(folder)).collect();
    let first = targets.iter().flatten().next().map_or(context.mailbox(), FolderTarget::mailbox);
    context.perform(first, Operation::GetFolders, |open| {
        for target in &targets {
            let found = shape.as_ref().map_err(|failure| *failure).and_then(|shape| {
                let target = (*target)?;
                if target.mailbox() != open.mailbox() {
                    return Err(Failure::FOLDER_NOT_FOUND);
                }
                if target.is_root() {
                    return Ok((shape, folder_shape::root()));
                }
                let ordinal = target.ordinal(open)?;
                Ok((shape, open.folder(ordinal).ok_or(Failure::FOLDER_NOT_FOUND)?))
            });
            match found {
                Ok((shape, folder)) => messages.succeed(|writer| write_one(writer, shape, open.mailbox(), &folder)),
                Err(failure) => messages.fail(failure),
            }
        }
        ((), Work::default())
    })?;
    Ok(messages.finish())
}

/// `FindFolder`.
pub(super) fn find<H: Host>(request: &Element<'_>, context: &mut Context<'_, H>) -> Result<Vec<u8>, Refused> {
    let shape = request.message("FolderShape").ok_or_else(|| Refused::schema("the shape is missing"))?;
    let parents = named(request, "ParentFolderIds")?;
    let deep = match request.attribute("Traversal") {
        Some("Shallow") => Some(false),
        Some("Deep") => Some(true),
        Some("SoftDeleted") => None,
        _ => return Err(Refused::schema("the required attribute 'Traversal' is missing or invalid")),
    };
    let mut messages = Messages::new(&FIND_FOLDER, None);
    let shape = match FolderShape::read(shape) {
        Ok(shape) => shape,
        Err(failure) => {
            messages.fail_all(parents.len(), failure);
            return Ok(messages.finish());
        }
    };
    each(context, Operation::FindFolders, parents, &mut messages, |open, target, messages| {
        let mut found = match deep {
            Some(deep) => below(open, target, deep)?,
            None => Vec::new(),
        };
        if let Some([holder]) = request.message("Restriction").map(|restriction| &*restriction.children) {
            let mut kept = Vec::with_capacity(found.len());
            for folder in found {
                if holds(&folder, holder, DEPTH_MAX)? {
                    kept.push(folder);
                }
            }
            found = kept;
        }
        let page = Page::read(request, found.len())?;
        messages.succeed(|writer| {
            let total = found.len().to_string();
            let (next, last) = (page.end.to_string(), page.end >= found.len());
            let attributes = [
                ("IndexedPagingOffset", next.as_str()),
                ("TotalItemsInView", total.as_str()),
                ("IncludesLastItemInRange", if last { "true" } else { "false" }),
            ];
            writer.open("m:RootFolder", &attributes);
            writer.open("t:Folders", &[]);
            for folder in &found[page.start..page.end] {
                shape.write(writer, open.mailbox(), folder);
            }
            writer.close("t:Folders");
            writer.close("m:RootFolder");
        });
        Ok(())
    })?;
    Ok(messages.finish())
}

/// The folders directly in a folder, or all below it.
fn below<C: Content>(open: &mut Open<'_, C>, target: FolderTarget, deep: bool) -> Result<Vec<FolderInfo>, Failure> {
    let top = if target.is_root() { ROOT } else { target.ordinal(open)? };
    let mut inside = vec![top];
    let mut found = Vec::new();
    let mut all = open.folders();
    let mut beside = open.hidden();
    // What a mailbox shows in its tree is not beside it.
    beside.retain(|folder| {
        let name = hidden::get(folder.ordinal).and_then(|hidden| hidden.distinguished);
        name.and_then(folder_kind).and_then(|kind| open.default_folder(kind)).is_none()
    });
    all.extend(beside);
    for folder in all {
        if inside.contains(&folder.parent.unwrap_or(ROOT)) {
            if deep {
                inside.push(folder.ordinal);
            }
            found.push(folder);
        }
    }
    Ok(found)
}

/// A page of a listing.
struct Page {
    start: usize,
    end: usize,
}

impl Page {
    fn read(request: &Element<'_>, total: usize) -> Result<Self, Failure> {
        let Some(view) = request.message("IndexedPageFolderView") else {
            return Ok(Self { start: 0, end: total });
        };
        let number = |name: &str| view.attribute(name).and_then(|text| text.parse::<usize>().ok());
        let offset = number("Offset").ok_or(Failure::PAGING)?;
        let most = number("MaxEntriesReturned").unwrap_or(total);
        let start = match view.attribute("BasePoint") {
            Some("Beginning") => offset,
            Some("End") => total.saturating_sub(offset),
            _ => return Err(Failure::PAGING),
        };
        let start = start.min(total);
        Ok(Self { start, end: start.saturating_add(most).min(total) })
    }
}

/// Whether a restriction holds for a folder.
fn holds(folder: &FolderInfo, holder: &Element<'_>, depth: u32) -> Result<bool, Failure> {
    let depth = depth.checked_sub(1).ok_or(Failure::RESTRICTION_TOO_COMPLEX)?;
    let parts = &holder.children;
    match &*holder.name {
        "And" => parts.iter().try_fold(true, |all, part| Ok(all & holds(folder, part, depth)?)),
        "Or" => parts.iter().try_fold(false, |any, part| Ok(any | holds(folder, part, depth)?)),
        "Not" => match &**parts {
            [part] => holds(folder, part, depth).map(|held| !held),
            _ => Err(Failure::INVALID_RESTRICTION),
        },
        "Exists" => {
            let path = parts.first().ok_or(Failure::INVALID_RESTRICTION)?;
            Ok(comparable(folder, path)?.is_some())
        }
        "Contains" => contains(folder, holder),
        name => {
            let [path, other] = &**parts else { return Err(Failure::INVALID_RESTRICTION) };
            let text = other.typed("Constant").and_then(|constant| constant.attribute("Value"));
            let text = text.ok_or(Failure::INVALID_RESTRICTION)?;
            let Some(own) = comparable(folder, path)? else { return Ok(name == "IsNotEqualTo") };
            let order = constant(text, &own, path).and_then(|constant| compare(&own, &constant));
            Ok(match (name, order) {
                ("IsEqualTo", order) => order.is_some_and(std::cmp::Ordering::is_eq),
                ("IsNotEqualTo", order) => !order.is_some_and(std::cmp::Ordering::is_eq),
                ("IsGreaterThan", order) => order.is_some_and(std::cmp::Ordering::is_gt),
                ("IsGreaterThanOrEqualTo", order) => order.is_some_and(std::cmp::Ordering::is_ge),
                ("IsLessThan", order) => order.is_some_and(std::cmp::Ordering::is_lt),
                ("IsLessThanOrEqualTo", order) => order.is_some_and(std::cmp::Ordering::is_le),
                _ => return Err(Failure::INVALID_RESTRICTION),
            })
        }
    }
}

fn contains(folder: &FolderInfo, holder: &Element<'_>) -> Result<bool, Failure> {
    let path = holder.children.first().ok_or(Failure::INVALID_RESTRICTION)?;
    let sought = holder.typed("Constant").and_then(|constant| constant.attribute("Value"));
    let sought = sought.ok_or(Failure::INVALID_RESTRICTION)?;
    let Some(Value::Text(own)) = comparable(folder, path)? else { return Ok(false) };
    let exact = matches!(holder.attribute("ContainmentComparison"), None | Some("Exact"));
    let (own, sought) =
        if exact { (own.to_string(), sought.to_owned()) } else { (own.to_lowercase(), sought.to_lowercase()) };
    Ok(match holder.attribute("ContainmentMode") {
        Some("FullString") => own == sought,
        Some("Prefixed") => own.starts_with(&sought),
        Some("PrefixOnWords" | "ExactPhrase") => {
            own.split_whitespace().any(|word| word.starts_with(&sought)) || own.contains(&sought)
        }
        _ => own.contains(&sought),
    })
}

/// `CreateFolder`.
pub(super) fn create<H: Host>(request: &Element<'_>, context: &mut Context<'_, H>) -> Result<Vec<u8>, Refused> {
    let folders = named(request, "Folders")?;
    let mut messages = Messages::new(&CREATE_FOLDER, Some("m:Folders"));
    let target = match context.single_folder(request.message("ParentFolderId"))? {
        Ok(target) => target,
        Err(failure) => {
            messages.fail_all(folders.len(), failure);
            return Ok(messages.finish());
        }
    };
    let zone = context.zone().clone();
    context.perform(target.mailbox(), Operation::CreateFolder, |open| {
        for folder in folders {
            let made = target.ordinal(open).and_then(|parent| make(open, parent, folder, &zone));
            match made {
                Ok(made) => {
                    messages.succeed(|writer| write_one(writer, &FolderShape::id_only(), open.mailbox(), &made));
                }
                Err(Failure::ALREADY_EXISTS) => {
                    let name = folder.typed("DisplayName").map_or("", Element::text);
                    let Failure { code, text } = Failure::ALREADY_EXISTS;
                    messages.fail_saying(code, &format!("{text}, Could not create folder '{name}'."));
                }
                Err(failure) => messages.fail(failure),
            }
        }
        ((), Work::default())
    })?;
    Ok(messages.finish())
}

fn make<C: Content>(
    open: &mut Open<'_, C>,
    parent: u32,
    folder: &Element<'_>,
    zone: &jiff::tz::TimeZone,
) -> Result<FolderInfo, Failure> {
    let name = folder.typed("DisplayName").map(Element::text).filter(|name| !name.is_empty());
    let name = name.ok_or(Failure::FOLDER_NAME)?;
    let usual = match &*folder.name {
        "CalendarFolder" => "IPF.Appointment",
        "ContactsFolder" => "IPF.Contact",
        "TasksFolder" => "IPF.Task",
        "SearchFolder" => "IPF.Note",
        // Whoever does not say what a folder is for gets one that is for nothing in particular.
        "Folder" => "",
        _ => return Err(Failure::REQUEST),
    };
    let class = folder.typed("FolderClass").map_or(usual, Element::text);
    let ordinal = open.make_folder(parent, name, Some(class)).map_err(folder_failure)?;
    for holder in folder.children.iter().filter(|child| &*child.name == "ExtendedProperty") {
        set_extended(open, ordinal, holder, zone)?;
    }
    open.folder(ordinal).ok_or(Failure::INTERNAL)
}

fn set_extended<C: Content>(
    open: &mut Open<'_, C>,
    ordinal: u32,
    holder: &Element<'_>,
    zone: &jiff::tz::TimeZone,
) -> Result<(), Failure> {
    let extended = holder.typed("ExtendedFieldURI").and_then(Extended::read).ok_or(Failure::EXTENDED_PROPERTY)?;
    let value = extended.value(holder, zone).ok_or(Failure::EXTENDED_VALUE)?;
    open.set_folder(ordinal, extended.property, Some(value)).map_err(folder_failure)
}

/// `UpdateFolder`.
pub(super) fn update<H: Host>(request: &Element<'_>, context: &mut Context<'_, H>) -> Result<Vec<u8>, Refused> {
    let changes = named(request, "FolderChanges")?;
    let mut messages = Messages::new(&UPDATE_FOLDER, Some("m:Folders"));
    let zone = context.zone().clone();
    let mut targets = Vec::with_capacity(changes.len());
    for change in changes {
        let target = change.children.first().ok_or_else(|| Refused::schema("a change without a folder"))?;
        let updates = change.typed("Updates").ok_or_else(|| Refused::schema("a change without updates"))?;
        targets.push(context.folder(target).map(|target| (target, &updates.children)));
    }
    let update = |open: &mut Open<'_, H::Content>, target: FolderTarget, updates: &[Element<'_>]| {
        // This operation has a code of its own for folders that are gone.
        let ordinal = target.ordinal(open).map_err(|failure| match failure {
            Failure::FOLDER_NOT_FOUND => Failure::ITEM_NOT_FOUND,
            other => other,
        })?;
        for update in updates {
            change_folder(open, ordinal, update, &zone)?;
        }
        open.folder(ordinal).ok_or(Failure::INTERNAL)
    };
    let owner = |(target, _): &(FolderTarget, _)| target.mailbox();
    runs::each(context, Operation::UpdateFolders, &targets, owner, &mut messages, |open, _, target, messages, _| {
        match update(open, target.0, target.1) {
            Ok(folder) => {
                messages.succeed(|writer| write_one(writer, &FolderShape::id_only(), open.mailbox(), &folder));
            }
            Err(failure) => messages.fail(failure),
        }
    })?;
    Ok(messages.finish())
}

fn change_folder<C: Content>(
    open: &mut Open<'_, C>,
    ordinal: u32,
    update: &Element<'_>,
    zone: &jiff::tz::TimeZone,
) -> Result<(), Failure> {
    let path = update.children.first().ok_or(Failure::INCORRECT_UPDATE)?;
    let is_permissions = matches!(path.attribute("FieldURI"), Some("folder:PermissionSet" | "calendar:PermissionSet"));
    if &*update.name == "DeleteFolderField" {
        if is_permissions {
            return open.set_folder(ordinal, permissions::property(), None).map_err(folder_failure);
        }
        let extended = Extended::read(path).ok_or(Failure::PROPERTY_DELETE)?;
        return open.set_folder(ordinal, extended.property, None).map_err(folder_failure);
    }
    let [_, folder] = &*update.children else { return Err(Failure::INCORRECT_UPDATE) };
    let [value] = &*folder.children else { return Err(Failure::INCORRECT_UPDATE) };
    match &*path.name {
        "ExtendedFieldURI" => set_extended(open, ordinal, value, zone),
        "FieldURI" => match path.attribute("FieldURI") {
            Some("folder:DisplayName") if value.text().is_empty() => Err(Failure::FOLDER_NAME),
            Some("folder:DisplayName") => open.rename_folder(ordinal, value.text()).map_err(folder_failure),
            // What a folder is for is said once.
            Some("folder:FolderClass") => match open.folder(ordinal) {
                Some(folder) if *folder.class == *value.text() => Ok(()),
                Some(_) => Err(Failure::OBJECT_TYPE),
                None => Err(Failure::ITEM_NOT_FOUND),
            },
            _ if is_permissions => open
                .set_folder(ordinal, permissions::property(), Some(permissions::read(value)?))
                .map_err(folder_failure),
            _ => Err(Failure::PROPERTY_SET),
        },
        _ => Err(Failure::PROPERTY_SET),
    }
}

/// `MoveFolder` and `CopyFolder`.
pub(super) fn relocate<H: Host>(
    request: &Element<'_>,
    context: &mut Context<'_, H>,
    copies: bool,
) -> Result<Vec<u8>, Refused> {
    let folders = named(request, "FolderIds")?;
    let mut messages = Messages::new(if copies { &COPY_FOLDER } else { &MOVE_FOLDER }, Some("m:Folders"));
    let to = context.single_folder(request.message("ToFolderId"))?;
    each(context, Operation::UpdateFolders, folders, &mut messages, |open, target, messages| {
        let to = to?;
        if to.mailbox() != target.mailbox() {
            return Err(Failure::CROSS_MAILBOX);
        }
        let (ordinal, to) = (target.ordinal(open)?, to.ordinal(open)?);
        let moved = if copies {
            open.copy_folder(ordinal, to).map_err(folder_failure)?
        } else {
            open.move_folder(ordinal, to).map_err(folder_failure)?;
            ordinal
        };
        let folder = open.folder(moved).ok_or(Failure::INTERNAL)?;
        messages.succeed(|writer| write_one(writer, &FolderShape::id_only(), open.mailbox(), &folder));
        Ok(())
    })?;
    Ok(messages.finish())
}

fn deletion(request: &Element<'_>) -> Result<Deletion, Refused> {
    match request.attribute("DeleteType") {
        Some("HardDelete") => Ok(Deletion::Hard),
        Some("SoftDelete") => Ok(Deletion::Soft),
        Some("MoveToDeletedItems") => Ok(Deletion::ToDeletedItems),
        _ => Err(Refused::schema("the required attribute 'DeleteType' is missing or invalid")),
    }
}

/// Does something that leaves nothing to tell to every folder of a request.
fn without_answer<H: Host>(
    request: &Element<'_>,
    context: &mut Context<'_, H>,
    names: &'static Names,
    operation: Operation,
    mut work: impl FnMut(&mut Open<'_, H::Content>, u32) -> Result<(), StoreError>,
) -> Result<Vec<u8>, Refused> {
    let folders = named(request, "FolderIds")?;
    let mut messages = Messages::new(names, None);
    each(context, operation, folders, &mut messages, |open, target, messages| {
        if target.is_root() {
            return Err(Failure::DISTINGUISHED);
        }
        let ordinal = target.ordinal(open)?;
        work(open, ordinal).map_err(folder_failure)?;
        messages.succeed(|_| {});
        Ok(())
    })?;
    Ok(messages.finish())
}

/// `DeleteFolder`.
pub(super) fn delete<H: Host>(request: &Element<'_>, context: &mut Context<'_, H>) -> Result<Vec<u8>, Refused> {
    let deletion = deletion(request)?;
    without_answer(request, context, &DELETE_FOLDER, Operation::DeleteFolders, |open, ordinal| {
        open.delete_folder(ordinal, deletion)
    })
}

/// `EmptyFolder`.
pub(super) fn empty<H: Host>(request: &Element<'_>, context: &mut Context<'_, H>) -> Result<Vec<u8>, Refused> {
    let deletion = deletion(request)?;
    let with_folders = matches!(request.attribute("DeleteSubFolders"), Some("true" | "1"));
    without_answer(request, context, &EMPTY_FOLDER, Operation::UpdateFolders, |open, ordinal| {
        open.empty_folder(ordinal, deletion, with_folders)
    })
}
