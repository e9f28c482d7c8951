//! Items as requests describe them.

use jiff::Timestamp;
use jiff::tz::TimeZone;

use super::failure::Failure;
use super::fields::extended::Extended;
use super::fields::field::{Field, SET};
use super::fields::props::put;
use super::fields::sort::Sort;
use super::fields::{basics, calendar, codec, files, tables, task};
use crate::mailbox::item::Item;
use crate::wire::ews::xml::{Element, Space};

/// Fields that clients send with new items though only the server sets them: they are passed over.
fn is_passed_over(field: &Field) -> bool {
    matches!(field.uri, "item:ItemId" | "item:ParentFolderId")
}

/// Reads an item of a request: everything that can be set, over the defaults of its sort.
pub(super) fn read_item(element: &Element<'_>, wall: Timestamp, zone: &TimeZone) -> Result<Item, Failure> {
    let (sort, class) =
        Sort::of_element(&element.name).filter(|_| element.space == Space::Types).ok_or(Failure::ITEM_TYPE)?;
    let mut item = Item::default();
    // MIME content first: what stands beside it goes over it.
    if let Some(mime) = element.typed("MimeContent")
        && sort.is_message()
        && let Some(field) = tables::of_element(sort, "MimeContent")
    {
        codec::set(&mut item, field.codec, mime, zone)?;
    }
    item.class = class.into();
    for child in &element.children {
        if child.space != Space::Types || matches!(&*child.name, "MimeContent" | "Attachments" | "ExtendedProperty") {
            continue;
        }
        let field = tables::of_element(sort, &child.name).ok_or(Failure::PROPERTY_REQUEST)?;
        if field.is(SET) {
            codec::set(&mut item, field.codec, child, zone)?;
        } else if !is_passed_over(field) {
            return Err(Failure::PROPERTY_SET);
        }
    }
    for child in element.children.iter().filter(|child| child.is(Space::Types, "ExtendedProperty")) {
        set_extended(&mut item, child, zone)?;
    }
    if let Some(attachments) = element.typed("Attachments") {
        for child in &attachments.children {
            let attachment = files::read(child, &item, wall, zone)?;
            item.attachments.push(attachment);
        }
    }
    calendar::settle(&mut item, wall, true)?;
    task::settle_new(&mut item);
    basics::complete(&mut item, wall);
    Ok(item)
}

/// Sets the extended property that an `ExtendedProperty` holds.
pub(super) fn set_extended(item: &mut Item, holder: &Element<'_>, zone: &TimeZone) -> Result<(), Failure> {
    let uri = holder.typed("ExtendedFieldURI").ok_or(Failure::EXTENDED_PROPERTY)?;
    let extended = Extended::read(uri).ok_or(Failure::EXTENDED_PROPERTY)?;
    let value = extended.value(holder, zone).ok_or(Failure::EXTENDED_VALUE)?;
    put(item, extended.property, Some(value));
    Ok(())
}

#[cfg(test)]
mod tests;
