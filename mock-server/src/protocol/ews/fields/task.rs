//! Fields of tasks that depend on one another.

use jiff::civil::{Date, Time};
use jiff::tz::TimeZone;

use super::codec::{TASK_STATUS, word};
use super::field::Slot;
use super::props::{get, integer, put_slot, time};
use super::scene::Scene;
use super::sort::Sort;
use super::special::Special;
use crate::mailbox::item::Item;
use crate::mailbox::property::Value;
use crate::protocol::ews::failure::Failure;
use crate::wire::ews::xml::Element;

const TASK: u128 = 0x0006_2003_0000_0000_C000_0000_0000_0046;
/// `PidLidTaskStatus` (\[MS-OXOTASK\] 2.2.2.2.2).
const STATUS: Slot = Slot::Id(TASK, 0x8101);
/// `PidLidPercentComplete` (\[MS-OXOTASK\] 2.2.2.2.3), from 0 to 1.
const PERCENT: Slot = Slot::Id(TASK, 0x8102);
/// `PidLidTaskComplete` (\[MS-OXOTASK\] 2.2.2.2.20).
const COMPLETE: Slot = Slot::Id(TASK, 0x811C);
/// `PidLidTaskDateCompleted` (\[MS-OXOTASK\] 2.2.2.2.9).
pub(in super::super) const COMPLETED_ON: Slot = Slot::Id(TASK, 0x810F);
/// `PidLidTaskVersion` (\[MS-OXOTASK\] 2.2.2.2.12).
pub(in super::super) const VERSION: Slot = Slot::Id(TASK, 0x8112);
/// `PidLidTaskStartDate` (\[MS-OXOTASK\] 2.2.2.2.4).
pub(in super::super) const START: Slot = Slot::Id(TASK, 0x8104);
/// `PidLidTaskDueDate` (\[MS-OXOTASK\] 2.2.2.2.5).
pub(in super::super) const DUE: Slot = Slot::Id(TASK, 0x8105);
/// `PidLidTaskFRecurring` (\[MS-OXOTASK\] 2.2.2.2.27).
pub(in super::super) const RECURRING: Slot = Slot::Id(TASK, 0x8126);

/// The number of a completed task.
const COMPLETED: i32 = 2;

/// Whether a task is done.
pub(in super::super) fn is_complete(item: &Item) -> bool {
    integer(item, STATUS) == Some(COMPLETED)
}

/// Says of a task that it is to be done again.
pub(in super::super) fn reopen(item: &mut Item) {
    put_slot(item, STATUS, Some(Value::Integer(0)));
    put_slot(item, PERCENT, Some(Value::Double(0.0)));
    put_slot(item, COMPLETE, Some(Value::Bool(false)));
    put_slot(item, COMPLETED_ON, None);
}

/// What a task has in the field.
pub(super) fn value(special: Special, scene: &Scene<'_>) -> Value {
    let item = scene.item;
    let status = integer(item, STATUS).unwrap_or(0);
    match special {
        Special::PercentComplete => match get(item, &PERCENT.property()) {
            // One decimal place more than clients send takes out what binary fractions add.
            Some(Value::Double(part)) => Value::Double(libm::round(part * 100_000.0) / 1_000.0),
            _ => Value::Double(0.0),
        },
        Special::TaskStatus => Value::Text(word(&TASK_STATUS, status).into()),
        Special::StatusDescription => Value::Text(
            match status {
                1 => "In Progress",
                2 => "Completed",
                3 => "Waiting on someone else",
                4 => "Deferred",
                _ => "Not Started",
            }
            .into(),
        ),
        _ => Value::Text("NoMatch".into()),
    }
}

/// Sets the field and what depends on it (\[MS-OXOTASK\] 3.1.4).
pub(super) fn set(special: Special, item: &mut Item, element: &Element<'_>) -> Result<(), Failure> {
    if special == Special::PercentComplete {
        let percent: f64 = element.text().parse().map_err(|_| Failure::PROPERTY_VALUE)?;
        if !(0.0..=100.0).contains(&percent) {
            return Err(Failure::PROPERTY_VALUE);
        }
        put_slot(item, PERCENT, Some(Value::Double(percent / 100.0)));
        if percent >= 100.0 {
            complete(item, COMPLETED);
        } else if is_complete(item) {
            complete(item, i32::from(percent > 0.0));
        }
        return Ok(());
    }
    let status = TASK_STATUS.iter().find(|(_, word)| *word == element.text()).ok_or(Failure::PROPERTY_VALUE)?.0;
    let was = is_complete(item);
    complete(item, status);
    if status == COMPLETED {
        put_slot(item, PERCENT, Some(Value::Double(1.0)));
    } else if status == 0 || was {
        put_slot(item, PERCENT, Some(Value::Double(0.0)));
    }
    Ok(())
}

fn complete(item: &mut Item, status: i32) {
    put_slot(item, STATUS, Some(Value::Integer(status)));
    put_slot(item, COMPLETE, Some(Value::Bool(status == COMPLETED)));
    if status != COMPLETED {
        put_slot(item, COMPLETED_ON, None);
    }
}

/// Gives a new task what follows from what was set.
pub(in super::super) fn settle_new(item: &mut Item) {
    if Sort::of_class(&item.class) != Sort::Task {
        return;
    }
    put_slot(item, RECURRING, Some(Value::Bool(item.recurrence.is_some())));
    put_slot(item, VERSION, Some(Value::Integer(1)));
    if let Some(first) = item.recurrence.as_ref().map(|recurrence| recurrence.start)
        && time(item, DUE).is_none()
    {
        put_slot(item, DUE, midnight(first));
    }
}

/// The midnight of a day in UTC, which is how days of tasks are kept.
pub(in super::super) fn midnight(day: Date) -> Option<Value> {
    let at = TimeZone::UTC.to_zoned(day.to_datetime(Time::midnight())).ok()?;
    Some(Value::Time(at.timestamp()))
}
