//! The occurrences of a series: what a calendar shows of it, one by one.

use std::sync::Arc;

use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp, ToSpan};

use super::fields::calendar::{self, END, START};
use super::fields::props::{put_slot, time};
use crate::mailbox::item::Item;
use crate::mailbox::item::recurrence::{Exception, Recurrence};
use crate::mailbox::property::Value;

/// The most occurrences of one series that are looked at (a Count range holds at most 999; a view of two years at most
/// 732 days).
const OCCURRENCES_MAX: usize = 2_000;

/// One occurrence.
#[derive(Clone, Debug)]
pub(super) struct Occurrence {
    /// When the pattern has it begin.
    pub(super) original_start: Timestamp,
    /// What it is: the series with moments of its own, or what it was changed to.
    pub(super) item: Arc<Item>,
    /// Whether it was changed.
    pub(super) changed: bool,
}

/// What does not change from one occurrence to the next.
struct Frame<'i> {
    item: &'i Item,
    recurrence: &'i Recurrence,
    zone: TimeZone,
    start: Timestamp,
    length: SignedDuration,
}

impl<'i> Frame<'i> {
    fn of(item: &'i Item) -> Option<Self> {
        let recurrence = item.recurrence.as_ref()?;
        let start = time(item, START)?;
        let end = time(item, END).unwrap_or(start);
        Some(Self { item, recurrence, zone: calendar::zone(item, false), start, length: end.duration_since(start) })
    }

    /// When the occurrence of a day begins: at the same time of the day as the series.
    fn start_on(&self, day: Date) -> Option<Timestamp> {
        let local = day.to_datetime(self.zone.to_datetime(self.start).time());
        Some(self.zone.to_zoned(local).ok()?.timestamp())
    }

    fn exception(&self, day: Date) -> Option<&'i Exception> {
        self.recurrence.exceptions.iter().find(|exception| exception.original == day)
    }

    /// The occurrence of a day; nothing if it was deleted.
    fn on(&self, day: Date) -> Option<Occurrence> {
        let original_start = self.start_on(day)?;
        if let Some(exception) = self.exception(day) {
            let item = Arc::new((**exception.changed.as_ref()?).clone());
            return Some(Occurrence { original_start: exception.original_start, item, changed: true });
        }
        let mut item = self.item.clone();
        item.recurrence = None;
        item.mime = None;
        put_slot(&mut item, START, Some(Value::Time(original_start)));
        let end = original_start.checked_add(self.length).unwrap_or(original_start);
        put_slot(&mut item, END, Some(Value::Time(end)));
        Some(Occurrence { original_start, item: Arc::new(item), changed: false })
    }

    fn days(&self, from: Date, to: Date) -> Vec<Date> {
        self.recurrence.days(from, to, OCCURRENCES_MAX).into_iter().map(|(_, day)| day).collect()
    }
}

/// The first occurrence that was not deleted.
pub(super) fn first(item: &Item) -> Option<Occurrence> {
    let frame = Frame::of(item)?;
    frame.days(frame.recurrence.start, Date::MAX).into_iter().find_map(|day| frame.on(day))
}

/// The last occurrence that was not deleted; nothing for a series without end.
pub(super) fn last(item: &Item) -> Option<Occurrence> {
    let frame = Frame::of(item)?;
    let last = frame.recurrence.last_day()?;
    frame.days(frame.recurrence.start, last).into_iter().rev().find_map(|day| frame.on(day))
}

/// The occurrences that were changed.
pub(super) fn changed(item: &Item) -> Vec<Occurrence> {
    let Some(frame) = Frame::of(item) else { return Vec::new() };
    let mut days: Vec<Date> = frame.recurrence.exceptions.iter().map(|exception| exception.original).collect();
    days.sort_unstable();
    days.into_iter().filter_map(|day| frame.on(day)).collect()
}

/// The day of the occurrence that a number names, counted from one, deleted ones included.
pub(super) fn day_of_index(item: &Item, index: u32) -> Option<Date> {
    let frame = Frame::of(item)?;
    frame.days(frame.recurrence.start, Date::MAX).get(usize::try_from(index).ok()?.checked_sub(1)?).copied()
}

/// The day of the occurrence that the pattern has begin at a moment.
pub(super) fn day_of_start(item: &Item, start: Timestamp) -> Option<Date> {
    let frame = Frame::of(item)?;
    if let Some(exception) = frame.recurrence.exceptions.iter().find(|one| one.original_start == start) {
        return Some(exception.original);
    }
    let day = frame.zone.to_datetime(start).date();
    let known = frame.days(day, day).contains(&day);
    (known && frame.start_on(day) == Some(start)).then_some(day)
}

/// The occurrence of a day; nothing if it was deleted.
pub(super) fn on(item: &Item, day: Date) -> Option<Occurrence> {
    Frame::of(item)?.on(day)
}

/// Lays a change over the occurrence of a day, or deletes it.
pub(super) fn set(item: &mut Item, day: Date, changed: Option<Item>) -> Option<()> {
    let frame = Frame::of(item)?;
    let original_start = match frame.exception(day) {
        Some(exception) => exception.original_start,
        None => frame.start_on(day)?,
    };
    let recurrence = item.recurrence.as_mut()?;
    recurrence.exceptions.retain(|exception| exception.original != day);
    let changed = changed.map(|mut changed| {
        changed.recurrence = None;
        Box::new(changed)
    });
    recurrence.exceptions.push(Exception { original: day, original_start, changed });
    recurrence.exceptions.sort_by_key(|exception| exception.original);
    Some(())
}

/// The occurrences that a view from one moment to another shows: those that overlap it, or end just when it begins.
pub(super) fn within(item: &Item, from: Timestamp, to: Timestamp) -> Vec<Occurrence> {
    let Some(frame) = Frame::of(item) else { return Vec::new() };
    // Two days more on both sides, for zones and for occurrences that last, and as long as one lasts.
    let lasting = 2 + frame.length.as_hours() / 24;
    let first = frame.zone.to_datetime(from).date().checked_sub(lasting.days()).unwrap_or(Date::MIN);
    let last = frame.zone.to_datetime(to).date().checked_add(2.days()).unwrap_or(Date::MAX);
    let mut days = frame.days(first, last);
    days.extend(frame.recurrence.exceptions.iter().map(|exception| exception.original));
    days.sort_unstable();
    days.dedup();
    days.into_iter().filter_map(|day| frame.on(day)).filter(|one| overlaps(&one.item, from, to)).collect()
}

/// Whether a view from one moment to another shows an item.
pub(super) fn overlaps(item: &Item, from: Timestamp, to: Timestamp) -> bool {
    match (time(item, START), time(item, END)) {
        (Some(start), Some(end)) => start < to && end >= from,
        _ => false,
    }
}
