//! `UpdateItem`.

use jiff::tz::TimeZone;

use super::create::Disposition;
use super::{Found, Target, each, send, series, stored, write_reference};
use crate::mailbox::content::Content;
use crate::mailbox::item::Item;
use crate::mailbox::open::Open;
use crate::protocol::ews::context::{Context, FolderTarget, Refused};
use crate::protocol::ews::failure::Failure;
use crate::protocol::ews::fields::codec;
use crate::protocol::ews::fields::field::{DRAFT, Field, KEEP, SET};
use crate::protocol::ews::fields::path::Path;
use crate::protocol::ews::fields::props::put;
use crate::protocol::ews::fields::scene::Viewer;
use crate::protocol::ews::fields::sort::Sort;
use crate::protocol::ews::fields::{basics, calendar, tables};
use crate::protocol::ews::item_ids::ChangeKey;
use crate::protocol::ews::making;
use crate::protocol::ews::messages::Messages;
use crate::protocol::ews::names::UPDATE_ITEM;
use crate::protocol::host::Host;
use crate::wire::ews::xml::{Element, Space};
use crate::wire::operation::Operation;

/// What one change does.
#[derive(Copy, Clone, PartialEq, Eq, Debug)]
enum Action {
    Set,
    Append,
    Delete,
}

/// What else a request says of its changes.
struct Manner<'r> {
    overwrites: bool,
    gives_way: bool,
    disposition: Option<Disposition>,
    invitations: Option<&'r str>,
    save_to: Option<FolderTarget>,
    zone: TimeZone,
}

/// Answers the operation.
pub(in super::super) fn answer<H: Host>(
    request: &Element<'_>,
    context: &mut Context<'_, H>,
) -> Result<Vec<u8>, Refused> {
    let resolution = request.attribute("ConflictResolution").unwrap_or("AutoResolve");
    if !["NeverOverwrite", "AutoResolve", "AlwaysOverwrite"].contains(&resolution) {
        return Err(Refused::schema("the attribute 'ConflictResolution' is invalid"));
    }
    let changes = request.message("ItemChanges").ok_or_else(|| Refused::schema("the changes are missing"))?;
    let changes: Vec<&Element<'_>> =
        changes.children.iter().filter(|child| child.is(Space::Types, "ItemChange")).collect();
    if changes.is_empty() {
        return Err(Refused::schema("there must be at least one change"));
    }
    let targets: Vec<Result<Target, Failure>> =
        changes.iter().map(|change| change.children.first().map_or(Err(Failure::REQUEST), Target::read)).collect();
    let mut messages = Messages::new(&UPDATE_ITEM, Some("m:Items"));
    let save_to = match request.message("SavedItemFolderId") {
        Some(folder) => match context.single_folder(Some(folder))? {
            Ok(folder) => Some(folder),
            Err(failure) => {
                messages.fail_all(targets.len(), failure);
                return Ok(messages.finish());
            }
        },
        None => None,
    };
    let manner = Manner {
        overwrites: resolution == "AlwaysOverwrite",
        gives_way: resolution == "NeverOverwrite",
        disposition: Disposition::read(request)?,
        invitations: request.attribute("SendMeetingInvitationsOrCancellations"),
        save_to,
        zone: context.zone().clone(),
    };
    each(context, Operation::UpdateItems, &targets, &mut messages, |open, place, target, messages| {
        let updates = changes[place].typed("Updates").ok_or(Failure::INCORRECT_UPDATE)?;
        let shown = change(open, target, updates, &manner)?;
        let address = open.address();
        let viewer = Viewer { mailbox: open.mailbox(), address: &address };
        let bytes = shown.as_ref().map_or(0, |shown| u64::from(shown.head.size));
        messages.succeed(|writer| {
            match &shown {
                Some(shown) => write_reference(writer, shown, viewer),
                None => writer.empty("m:Items", &[]),
            }
            writer.open("m:ConflictResults", &[]);
            writer.leaf("t:Count", "0");
            writer.close("m:ConflictResults");
        });
        Ok(bytes)
    })?;
    Ok(messages.finish())
}

/// Carries out the changes of one item; what was sent and not kept is not shown.
fn change<C: Content>(
    open: &mut Open<'_, C>,
    target: &Target,
    updates: &Element<'_>,
    manner: &Manner<'_>,
) -> Result<Option<Found>, Failure> {
    let found = target.find(open)?;
    let sort = Sort::of_class(&found.item.class);
    if !manner.overwrites && target.key == ChangeKey::Absent {
        return Err(Failure::CHANGE_KEY_REQUIRED_FOR_WRITING);
    }
    if manner.gives_way && target.key.is_stale(found.number, found.head.version) {
        return Err(Failure::CONFLICT);
    }
    if sort == Sort::CalendarItem && manner.invitations.is_none() {
        return Err(Failure::UPDATE_INVITATIONS);
    }
    if sort.is_message() && manner.disposition.is_none() {
        return Err(Failure::DISPOSITION);
    }
    let mut item = (*found.item).clone();
    apply(&mut item, sort, updates, &manner.zone)?;
    let (wall, address) = (open.wall(), open.address());
    calendar::settle(&mut item, wall, false)?;
    basics::touch(&mut item, wall, &address);
    if let Some(start) = found.series.original_start() {
        let mut whole = (*open.item(found.number)?).clone();
        series::change_occurrence(&mut whole, start, &item)?;
        basics::touch(&mut whole, wall, &address);
        open.update(found.number, whole)?;
        return target.find(open).map(Some);
    }
    if sort == Sort::Task
        && let Some(number) = series::advance_task(open, &found, &mut item)?
    {
        return stored(open, number).map(Some);
    }
    let number = found.number;
    if sort.is_message() && manner.disposition != Some(Disposition::Save) {
        open.update(number, item)?;
        let keeps = manner.disposition == Some(Disposition::SendAndSave);
        send::send_stored(open, number, keeps, manner.save_to.as_ref())?;
        return Ok(None);
    }
    if sort == Sort::CalendarItem && manner.invitations.is_some_and(|send| send != "SendToNone") {
        send::invite(open, &mut item, number);
    }
    open.update(number, item)?;
    stored(open, number).map(Some)
}

fn apply(item: &mut Item, sort: Sort, updates: &Element<'_>, zone: &TimeZone) -> Result<(), Failure> {
    // MIME content goes first wherever it stands: it replaces what other changes set.
    let is_mime = |update: &&Element<'_>| {
        update.children.first().and_then(|path| path.attribute("FieldURI")) == Some("item:MimeContent")
    };
    let ordered = updates.children.iter().filter(is_mime).chain(updates.children.iter().filter(|u| !is_mime(u)));
    for update in ordered {
        let action = match &*update.name {
            "SetItemField" => Action::Set,
            "AppendToItemField" => Action::Append,
            "DeleteItemField" => Action::Delete,
            _ => return Err(Failure::INCORRECT_UPDATE),
        };
        let (path, holder) = match (&*update.children, action) {
            ([path], Action::Delete) => (path, None),
            ([path, holder], Action::Set | Action::Append) => (path, Some(holder)),
            _ => return Err(Failure::INCORRECT_UPDATE),
        };
        match Path::read(path)? {
            Path::Field(field) => apply_field(item, sort, field, action, holder, zone)?,
            Path::Indexed(part) => match holder {
                Some(holder) => part.set(item, holder)?,
                None => part.clear(item),
            },
            Path::Extended(extended) => match holder {
                Some(holder) => {
                    let value = holder.typed("ExtendedProperty").ok_or(Failure::UPDATE_MISMATCH)?;
                    making::set_extended(item, value, zone)?;
                }
                None => put(item, extended.property, None),
            },
            Path::Foreign => return Err(Failure::PROPERTY_SET),
        }
    }
    Ok(())
}

fn apply_field(
    item: &mut Item,
    sort: Sort,
    named: &'static Field,
    action: Action,
    holder: Option<&Element<'_>>,
    zone: &TimeZone,
) -> Result<(), Failure> {
    // The name may be one that several sorts of item have: that of this sort counts.
    let field = tables::of_sort(sort).find(|field| field.uri == named.uri).ok_or(Failure::PROPERTY_REQUEST)?;
    let draft = !sort.is_message() || basics::flags(item) & 0x08 != 0;
    if !field.is(SET) || (field.is(DRAFT) && !draft) {
        return Err(if action == Action::Delete { Failure::PROPERTY_DELETE } else { Failure::PROPERTY_SET });
    }
    let Some(holder) = holder else {
        if field.is(KEEP) {
            return Err(Failure::PROPERTY_DELETE);
        }
        return codec::clear(item, field.codec);
    };
    let [element] = &*holder.children else { return Err(Failure::INCORRECT_UPDATE) };
    if &*element.name != field.element() {
        return Err(Failure::UPDATE_MISMATCH);
    }
    if field.uri == "item:MimeContent" && !sort.is_message() {
        // Only messages are made of MIME here; other items keep what they are.
        return Ok(());
    }
    if action == Action::Append {
        codec::append(item, field.codec, element, zone)
    } else {
        codec::set(item, field.codec, element, zone)
    }
}
