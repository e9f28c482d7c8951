//! `FindItem`: listings, page by page.

mod view;

use std::cmp::Ordering;

use jiff::tz::TimeZone;

use self::view::{Page, View};
use super::query::Query;
use super::{Found, series, stored};
use crate::mailbox::content::Content;
use crate::mailbox::open::Open;
use crate::mailbox::property::Value;
use crate::mailbox::reference::{ItemNumber, read_item};
use crate::protocol::ews::context::{Context, FolderTarget, Refused};
use crate::protocol::ews::failure::Failure;
use crate::protocol::ews::fields::basics;
use crate::protocol::ews::fields::field::BLIND;
use crate::protocol::ews::fields::path::Path;
use crate::protocol::ews::fields::scene::Viewer;
use crate::protocol::ews::fields::shape::{Plans, Shape};
use crate::protocol::ews::folder_shape::is_calendar;
use crate::protocol::ews::messages::Messages;
use crate::protocol::ews::names::FIND_ITEM;
use crate::protocol::ews::occurrences;
use crate::protocol::ews::restriction::{Restriction, compare};
use crate::protocol::ews::runs;
use crate::protocol::host::Host;
use crate::service::cost::Work;
use crate::wire::ews::xml::{Element, Space, Writer};
use crate::wire::operation::Operation;

/// The flag of items that are not shown to people (\[MS-OXCMSG\] 2.2.1.6).
const ASSOCIATED: i32 = 0x40;

/// Which of a folder's items are looked at.
#[derive(Copy, Clone, PartialEq, Eq, Debug)]
enum Traversal {
    Shallow,
    SoftDeleted,
    Associated,
}

/// What a request asks for.
struct Search {
    shape: Shape,
    traversal: Traversal,
    view: View,
    restriction: Option<Restriction>,
    order: Vec<(Path, bool)>,
    query: Option<Query>,
}

/// Answers the operation.
pub(in super::super) fn answer<H: Host>(
    request: &Element<'_>,
    context: &mut Context<'_, H>,
) -> Result<Vec<u8>, Refused> {
    let parents = request.message("ParentFolderIds").ok_or_else(|| Refused::schema("the folders are missing"))?;
    if parents.children.is_empty() {
        return Err(Refused::schema("there must be at least one folder"));
    }
    let mut messages = Messages::new(&FIND_ITEM, None);
    let search = match Search::read(request, context.zone())? {
        Ok(search) => search,
        Err(failure) => {
            messages.fail_all(parents.children.len(), failure);
            return Ok(messages.finish());
        }
    };
    let mut plans = Plans::default();
    let folders: Vec<_> = parents.children.iter().map(|parent| context.folder(parent)).collect();
    let list = |open: &mut Open<'_, H::Content>, folder: FolderTarget, messages: &mut Messages| {
        let folder = folder.ordinal(open)?;
        let mut holds_events = |folder| open.folder(folder).is_some_and(|folder| is_calendar(&folder));
        if matches!(search.view, View::Calendar { .. }) && !holds_events(folder) {
            return Err(Failure::VIEW_FOLDER);
        }
        let (page, found) = search.run(open, folder);
        let address = open.address();
        let viewer = Viewer { mailbox: open.mailbox(), address: &address };
        messages.succeed(|writer| write_page(writer, &page, &found, viewer, &search.shape, &mut plans));
        Ok(Work::default())
    };
    runs::each_folder(context, Operation::FindMessages, &folders, &mut messages, list)?;
    Ok(messages.finish())
}

fn write_page<'p>(
    writer: &mut Writer,
    page: &Page,
    found: &[Found],
    viewer: Viewer<'_>,
    shape: &'p Shape,
    plans: &mut Plans<'p>,
) {
    let attributes = page.attributes();
    let attributes: Vec<(&str, &str)> = attributes.iter().map(|(name, value)| (*name, &**value)).collect();
    writer.open("m:RootFolder", &attributes);
    writer.open("t:Items", &[]);
    for item in found {
        plans.write(writer, shape, &item.scene(viewer, shape, true));
    }
    writer.close("t:Items");
    writer.close("m:RootFolder");
}

impl Search {
    fn read(request: &Element<'_>, zone: &TimeZone) -> Result<Result<Self, Failure>, Refused> {
        let shape = request.message("ItemShape").ok_or_else(|| Refused::schema("the shape is missing"))?;
        let traversal = match request.attribute("Traversal") {
            Some("Shallow") => Traversal::Shallow,
            Some("SoftDeleted") => Traversal::SoftDeleted,
            Some("Associated") => Traversal::Associated,
            _ => return Err(Refused::schema("the required attribute 'Traversal' is missing or invalid")),
        };
        Ok(Self::read_rest(request, shape, traversal, zone))
    }

    fn read_rest(
        request: &Element<'_>,
        shape: &Element<'_>,
        traversal: Traversal,
        zone: &TimeZone,
    ) -> Result<Self, Failure> {
        if request.message("GroupBy").or_else(|| request.message("DistinguishedGroupBy")).is_some() {
            return Err(Failure::GROUPING);
        }
        let shape = Shape::read(shape)?;
        let restriction = request.message("Restriction").map(|holder| Restriction::read(holder, zone)).transpose()?;
        let order = request.message("SortOrder").map(read_order).transpose()?.unwrap_or_default();
        let query = request.message("QueryString").map(|query| Query::read(query.text()));
        let view = View::read(request, zone)?;
        if matches!(view, View::Calendar { .. }) && (restriction.is_some() || !order.is_empty() || query.is_some()) {
            return Err(Failure::VIEW_RESTRICTED);
        }
        Ok(Self { shape, traversal, view, restriction, order, query })
    }

    /// The page of a folder, and what is on it.
    fn run<C: Content>(&self, open: &mut Open<'_, C>, folder: u32) -> (Page, Vec<Found>) {
        if let View::Calendar { from, to, most } = self.view {
            return calendar(open, folder, from, to, most);
        }
        let numbers = self.candidates(open, folder);
        let picks = self.restriction.is_some() || self.query.is_some() || self.view.picks();
        if !picks && self.order.is_empty() {
            let page = self.view.page(numbers.len());
            let found = numbers[page.range.clone()].iter().filter_map(|number| open_item(open, *number)).collect();
            return (page, found);
        }
        let address = open.address();
        let viewer = Viewer { mailbox: open.mailbox(), address: &address };
        let mut found: Vec<Found> = numbers.iter().filter_map(|number| open_item(open, *number)).collect();
        found.retain(|item| {
            let scene = item.scene(viewer, &self.shape, true);
            self.restriction.as_ref().is_none_or(|restriction| restriction.holds(&scene))
                && self.query.as_ref().is_none_or(|query| query.holds(&scene))
                && self.view.shows(&scene)
        });
        self.sort(&mut found, viewer);
        let page = match self.view.condition() {
            Some(condition) => {
                let place = found.iter().position(|item| condition.holds(&item.scene(viewer, &self.shape, true)));
                self.view.page_from(found.len(), place)
            }
            None => self.view.page(found.len()),
        };
        let shown = found.drain(page.range.clone()).collect();
        (page, shown)
    }

    /// The numbers of the items that the traversal reaches.
    fn candidates<C: Content>(&self, open: &mut Open<'_, C>, folder: u32) -> Vec<u64> {
        let wanted = self.traversal == Traversal::Associated;
        if self.traversal == Traversal::SoftDeleted {
            let buried = open.recoverable().into_iter().filter(|(_, item)| item.folder == folder);
            return buried.map(|(number, _)| number).collect();
        }
        let mut numbers = open.list(folder);
        numbers.retain(|number| {
            // Only what clients store can be hidden.
            let hidden = matches!(read_item(*number), ItemNumber::Made { .. })
                && open.item(*number).is_ok_and(|item| item.flags() & ASSOCIATED != 0);
            hidden == wanted
        });
        numbers
    }

    fn sort(&self, found: &mut Vec<Found>, viewer: Viewer<'_>) {
        if self.order.is_empty() {
            return;
        }
        let key = |item: &Found| -> Vec<Option<Value>> {
            let scene = item.scene(viewer, &self.shape, true);
            self.order.iter().map(|(path, _)| path.value(&scene)).collect()
        };
        let mut keyed: Vec<(Vec<Option<Value>>, Found)> = found.drain(..).map(|item| (key(&item), item)).collect();
        keyed.sort_by(|(left, _), (right, _)| {
            let orders = self.order.iter().zip(left.iter().zip(right)).map(|((_, descends), (left, right))| {
                let order = match (left, right) {
                    (Some(left), Some(right)) => compare(left, right).unwrap_or(Ordering::Equal),
                    (left, right) => left.is_some().cmp(&right.is_some()),
                };
                if *descends { order.reverse() } else { order }
            });
            orders.fold(Ordering::Equal, Ordering::then)
        });
        found.extend(keyed.into_iter().map(|(_, item)| item));
    }
}

/// An item of a listing. What was deleted meanwhile or cannot be read is left out.
fn open_item<C: Content>(open: &mut Open<'_, C>, number: u64) -> Option<Found> {
    if let Ok(found) = stored(open, number) {
        return Some(found);
    }
    let (_, buried) = open.recoverable().into_iter().find(|(known, _)| *known == number)?;
    let head = crate::mailbox::open::Head {
        folder: buried.folder,
        key: buried.item.key()?,
        size: buried.item.size(),
        version: 0,
        read: buried.item.is_read(),
        corrupt: false,
    };
    Some(Found { head, number, series: series::of(&buried.item), item: buried.item })
}

fn read_order(order: &Element<'_>) -> Result<Vec<(Path, bool)>, Failure> {
    let fields = order.children.iter().filter(|child| child.is(Space::Types, "FieldOrder"));
    fields
        .map(|field| {
            let path = Path::read(field.children.first().ok_or(Failure::UNSUPPORTED_SORT)?)?;
            if matches!(&path, Path::Foreign) || matches!(&path, Path::Field(field) if field.is(BLIND)) {
                return Err(Failure::UNSUPPORTED_SORT);
            }
            Ok((path, field.attribute("Order") == Some("Descending")))
        })
        .collect()
}

/// What a calendar shows from one moment to another, by start: appointments, and the occurrences of series.
fn calendar<C: Content>(
    open: &mut Open<'_, C>,
    folder: u32,
    from: jiff::Timestamp,
    to: jiff::Timestamp,
    most: Option<usize>,
) -> (Page, Vec<Found>) {
    let mut found = Vec::new();
    for number in open.list(folder) {
        let Some(item) = open_item(open, number) else { continue };
        if item.item.recurrence.is_some() {
            found.extend(occurrences::within(&item.item, from, to).iter().map(|one| series::shown(&item, one)));
        } else if occurrences::overlaps(&item.item, from, to) {
            found.push(item);
        }
    }
    found.sort_by_key(|item| basics::start(&item.item));
    let total = found.len();
    let shown = most.map_or(total, |most| most.min(total));
    found.truncate(shown);
    (Page::calendar(total, shown), found)
}
