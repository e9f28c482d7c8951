//! Series and their occurrences, as operations name and change them.

use jiff::Timestamp;
use jiff::tz::TimeZone;
use jiff::{Span, ToSpan};

use super::Found;
use crate::mailbox::content::Content;
use crate::mailbox::item::Item;
use crate::mailbox::item::recurrence::{Pattern, Range, Unit};
use crate::mailbox::open::Open;
use crate::mailbox::property::Value;
use crate::protocol::ews::failure::Failure;
use crate::protocol::ews::fields::props::{integer, put_slot, time};
use crate::protocol::ews::fields::scene::Series;
use crate::protocol::ews::fields::{task, times};
use crate::protocol::ews::occurrences::{self, Occurrence};

/// What an item that lies in a folder stands for.
pub(super) fn of(item: &Item) -> Series {
    if item.recurrence.is_some() { Series::Master } else { Series::Single }
}

/// An occurrence as something that was found.
pub(super) fn shown(master: &Found, occurrence: &Occurrence) -> Found {
    let start = occurrence.original_start;
    Found {
        head: master.head,
        number: master.number,
        item: std::sync::Arc::clone(&occurrence.item),
        series: if occurrence.changed { Series::Exception(start) } else { Series::Occurrence(start) },
    }
}

/// The occurrence that the pattern has begin at a moment.
pub(super) fn occurrence(master: &Found, start: Timestamp) -> Result<Found, Failure> {
    let day = occurrences::day_of_start(&master.item, start).ok_or(Failure::ITEM_NOT_FOUND)?;
    let found = occurrences::on(&master.item, day).ok_or(Failure::ITEM_NOT_FOUND)?;
    Ok(shown(master, &found))
}

/// The occurrence of a number, counted from one.
pub(super) fn by_index(master: &Found, index: u32) -> Result<Found, Failure> {
    if master.series != Series::Master {
        return Err(Failure::MASTER_ID);
    }
    let day = occurrences::day_of_index(&master.item, index).ok_or(Failure::OCCURRENCE_INDEX)?;
    let found = occurrences::on(&master.item, day).ok_or(Failure::OCCURRENCE_DELETED)?;
    Ok(shown(master, &found))
}

/// Deletes an occurrence of a series.
pub(super) fn delete_occurrence(master: &mut Item, start: Timestamp) -> Result<(), Failure> {
    let day = occurrences::day_of_start(master, start).ok_or(Failure::ITEM_NOT_FOUND)?;
    occurrences::set(master, day, None).ok_or(Failure::ITEM_NOT_FOUND)
}

/// Changes an occurrence of a series.
pub(super) fn change_occurrence(master: &mut Item, start: Timestamp, changed: &Item) -> Result<(), Failure> {
    let day = occurrences::day_of_start(master, start).ok_or(Failure::ITEM_NOT_FOUND)?;
    occurrences::set(master, day, Some(changed.clone())).ok_or(Failure::ITEM_NOT_FOUND)
}

fn step(unit: Unit, interval: u32) -> Span {
    let interval = i64::from(interval);
    match unit {
        Unit::Day => interval.days(),
        Unit::Week => interval.weeks(),
        Unit::Month => interval.months(),
        Unit::Year => interval.years(),
    }
}

/// Moves a task that recurs on to its next occurrence when the present one is done, or, if it does not regenerate, was
/// moved in time: the present one becomes a task of its own (\[MS-OXOTASK\] 3.1.4.6). Returns the number of that; nothing
/// if the change is an ordinary one. The series is stored in any case where something is returned.
pub(super) fn advance_task<C: Content>(
    open: &mut Open<'_, C>,
    found: &Found,
    item: &mut Item,
) -> Result<Option<u64>, Failure> {
    let version = integer(&found.item, task::VERSION).unwrap_or(1);
    put_slot(item, task::VERSION, Some(Value::Integer(version + 1)));
    if found.item.recurrence.is_none() {
        put_slot(item, task::RECURRING, Some(Value::Bool(item.recurrence.is_some())));
        if task::is_complete(item) && time(item, task::COMPLETED_ON).is_none() {
            put_slot(item, task::COMPLETED_ON, Some(Value::Time(times::whole(open.wall()))));
        }
        return Ok(None);
    }
    let Some(recurrence) = item.recurrence.clone() else {
        put_slot(item, task::RECURRING, Some(Value::Bool(false)));
        return Ok(None);
    };
    let done = task::is_complete(item) && !task::is_complete(&found.item);
    let regenerates = matches!(recurrence.pattern, Pattern::Regenerating { .. });
    let moved = !regenerates
        && (found.item.recurrence.as_ref().is_some_and(|old| old.start != recurrence.start)
            || time(item, task::START) != time(&found.item, task::START));
    let left = match recurrence.range {
        Range::Count(count) => count.saturating_sub(1),
        Range::NoEnd | Range::Until(_) => u32::MAX,
    };
    if !(done || moved) || left == 0 {
        if !done {
            put_slot(item, task::VERSION, Some(Value::Integer(version)));
        }
        return Ok(None);
    }
    let mut present = item.clone();
    present.recurrence = None;
    put_slot(&mut present, task::RECURRING, Some(Value::Bool(false)));
    if done {
        put_slot(&mut present, task::COMPLETED_ON, Some(Value::Time(times::whole(open.wall()))));
    }
    let due = time(&found.item, task::DUE).map_or(recurrence.start, |due| TimeZone::UTC.to_datetime(due).date());
    let next = if let Pattern::Regenerating { unit, interval } = recurrence.pattern {
        TimeZone::UTC.to_datetime(open.wall()).date().checked_add(step(unit, interval)).ok()
    } else {
        let after = due.tomorrow().unwrap_or(due);
        // A series that was moved goes on from where it was.
        let series = if done { Some(&recurrence) } else { found.item.recurrence.as_ref() };
        series.unwrap_or(&recurrence).days(after, jiff::civil::Date::MAX, 1).first().map(|(_, day)| *day)
    };
    task::reopen(item);
    if let Some(next) = next {
        put_slot(item, task::DUE, task::midnight(next));
        if time(item, task::START).is_some() {
            put_slot(item, task::START, task::midnight(next));
        }
    }
    if let (Some(series), Range::Count(_)) = (&mut item.recurrence, recurrence.range) {
        series.range = Range::Count(left);
    }
    let folder = found.head.folder;
    open.update(found.number, item.clone())?;
    Ok(Some(open.create(folder, present)?))
}
