//! Operations on items.
//!
//! Each names its items in a list, and answers with one message for each, in order. Items of several mailboxes may
//! stand in one list: neighbors of one mailbox are worked on together.

pub(super) mod archive;
pub(super) mod attachments;
pub(super) mod create;
pub(super) mod delete;
pub(super) mod find;
pub(super) mod get;
pub(super) mod mark;
pub(super) mod move_copy;
pub(super) mod people;
mod query;
pub(super) mod resolve;
mod respond;
pub(super) mod send;
mod series;
pub(super) mod sync;
pub(super) mod transfer;
pub(super) mod update;

use std::sync::Arc;

use super::context::{Context, Refused};
use super::failure::Failure;
use super::fields::scene::{Place, Scene, Series, Viewer};
use super::fields::shape::{Plans, Shape};
use super::item_ids::{self, ChangeKey};
use super::messages::Messages;
use super::runs;
use crate::mailbox::content::Content;
use crate::mailbox::item::Item;
use crate::mailbox::open::{Head, Open};
use crate::protocol::host::Host;
use crate::wire::ews::xml::{Element, Space, Writer};
use crate::wire::operation::Operation;

/// The most items that one request may name (assumed: EWS documents 1,000 for most operations).
const ITEMS_MAX: usize = 10_000;

/// Which of a series is meant.
#[derive(Copy, Clone, PartialEq, Eq, Debug)]
enum Which {
    /// What the identifier names.
    Named,
    /// The occurrence of a number, counted from one.
    Index(u32),
    /// The series of an occurrence.
    Master,
}

/// One item that a request names.
#[derive(Copy, Clone, PartialEq, Eq, Debug)]
struct Target {
    name: item_ids::ItemName,
    key: ChangeKey,
    which: Which,
}

/// An item that was found, with what it stands for.
#[derive(Clone, Debug)]
struct Found {
    head: Head,
    number: u64,
    item: Arc<Item>,
    series: Series,
}

impl Found {
    fn place(&self) -> Place {
        Place { number: self.number, folder: self.head.folder, version: self.head.version, size: self.head.size }
    }

    /// The item as it is shown in a shape.
    fn scene<'s>(&'s self, viewer: Viewer<'s>, shape: &'s Shape, find: bool) -> Scene<'s> {
        Scene { item: &self.item, place: self.place(), within: &[], viewer, series: self.series, shape, find }
    }
}

impl Target {
    /// Reads one of the elements that name an item.
    fn read(element: &Element<'_>) -> Result<Self, Failure> {
        if element.space != Space::Types {
            return Err(Failure::REQUEST);
        }
        let (attribute, which) = match &*element.name {
            "ItemId" => ("Id", Which::Named),
            "OccurrenceItemId" => {
                let index = element.attribute("InstanceIndex").and_then(|index| index.parse().ok());
                ("RecurringMasterId", Which::Index(index.filter(|i| *i > 0).ok_or(Failure::OCCURRENCE_INDEX)?))
            }
            "RecurringMasterItemId" => ("OccurrenceId", Which::Master),
            _ => return Err(Failure::REQUEST),
        };
        let id = match element.attribute(attribute) {
            None | Some("") => return Err(Failure::EMPTY_ID),
            Some(id) => id,
        };
        let name = item_ids::read_item(id).ok_or(Failure::MALFORMED_ID)?;
        Ok(Self { name, key: ChangeKey::read(element)?, which })
    }

    /// Reads a list of items. A malformed one fails for itself; a list that is empty or too long fails the request.
    fn read_all(list: Option<&Element<'_>>) -> Result<Vec<Result<Self, Failure>>, Refused> {
        let list = list.ok_or_else(|| Refused::schema("the items are missing"))?;
        if list.children.is_empty() {
            return Err(Refused::schema("there must be at least one item"));
        }
        if list.children.len() > ITEMS_MAX {
            return Err(Refused::schema("there are too many items"));
        }
        Ok(list.children.iter().map(Self::read).collect())
    }

    /// Looks the item up.
    fn find<C: Content>(&self, open: &mut Open<'_, C>) -> Result<Found, Failure> {
        let number = self.name.number;
        let head = open.head(number).ok_or(Failure::ITEM_NOT_FOUND)?;
        if head.corrupt {
            return Err(Failure::ITEM_CORRUPT);
        }
        let item = open.item(number)?;
        let found = Found { series: series::of(&item), head, number, item };
        match (self.which, self.name.occurrence) {
            (Which::Named, None) | (Which::Master, Some(_)) => Ok(found),
            (Which::Named, Some(start)) => series::occurrence(&found, start),
            (Which::Index(index), _) => series::by_index(&found, index),
            (Which::Master, None) => Err(Failure::MASTER_ID),
        }
    }
}

/// Works on every item of a list and writes its message. `work` says how many bytes of content it moved.
fn each<H: Host>(
    context: &mut Context<'_, H>,
    operation: Operation,
    targets: &[Result<Target, Failure>],
    messages: &mut Messages,
    mut work: impl FnMut(&mut Open<'_, H::Content>, usize, &Target, &mut Messages) -> Result<u64, Failure>,
) -> Result<(), Refused> {
    runs::each(
        context,
        operation,
        targets,
        |target| target.name.mailbox,
        messages,
        |open, place, target, messages, done| {
            if let Err(error) = open.begin_item() {
                return messages.leave(error);
            }
            done.items += 1;
            match work(open, place, target, messages) {
                Ok(bytes) => done.content_bytes += bytes,
                Err(failure) => messages.fail(failure),
            }
        },
    )
}

/// Writes `m:Items` with the reference of one item.
fn write_reference(writer: &mut Writer, found: &Found, viewer: Viewer<'_>) {
    let shape = Shape::id_only();
    writer.open("m:Items", &[]);
    Plans::default().write(writer, &shape, &found.scene(viewer, &shape, false));
    writer.close("m:Items");
}

/// An item that was just stored.
fn stored<C: Content>(open: &mut Open<'_, C>, number: u64) -> Result<Found, Failure> {
    let head = open.head(number).ok_or(Failure::INTERNAL)?;
    let item = open.item(number)?;
    Ok(Found { series: series::of(&item), head, number, item })
}

/// Whether an attribute says yes.
fn says_yes(element: &Element<'_>, attribute: &str) -> bool {
    matches!(element.attribute(attribute), Some("true" | "1"))
}
