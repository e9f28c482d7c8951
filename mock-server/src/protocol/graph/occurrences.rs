//! The occurrences of a series, one by one.

use std::sync::Arc;

use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp, ToSpan};

use super::fields::{Occurrence, Subject, event, value};
use crate::mailbox::item::Item;
use crate::mailbox::item::recurrence::{Exception, Recurrence};
use crate::mailbox::property::{self as p, Value};

/// Most occurrences of one series in one view. Assumed; a daily series has 1,825 in the longest view.
const MAX_OCCURRENCES: usize = 2_000;

/// A series with what does not change from one occurrence to the next.
struct Series<'a> {
    recurrence: &'a Recurrence,
    zone: TimeZone,
    start: Timestamp,
    length: SignedDuration,
}

impl<'a> Series<'a> {
    fn of(item: &'a Item) -> Option<Self> {
        let start = value::moment(item, &p::START)?;
        let end = value::moment(item, &p::END).unwrap_or(start);
        let recurrence = item.recurrence.as_ref()?;
        Some(Self { recurrence, zone: event::zone(item).rules, start, length: end.duration_since(start) })
    }

    /// The occurrence of a day, as an event of its own; nothing if it was deleted.
    fn on(&self, subject: &Subject, day: jiff::civil::Date) -> Option<Subject> {
        let local = day.to_datetime(self.zone.to_datetime(self.start).time());
        let original = self.zone.to_zoned(local).ok()?.timestamp();
        let own = self.recurrence.exceptions.iter().find(|exception| exception.original == day);
        if let Some(exception) = own {
            let item = exception.changed.as_ref()?;
            let start = value::moment(item, &p::START).unwrap_or(original);
            let end = value::moment(item, &p::END).unwrap_or(start);
            let occurrence = Occurrence { original: exception.original_start, start, end, exception: true };
            return Some(Subject { item: Arc::new((**item).clone()), occurrence: Some(occurrence), ..subject.clone() });
        }
        let end = original.checked_add(self.length).unwrap_or(original);
        let mut item = (*subject.item).clone();
        item.recurrence = None;
        item.mime = None;
        value::put(&mut item, p::START, Some(Value::Time(original)));
        value::put(&mut item, p::END, Some(Value::Time(end)));
        let occurrence = Occurrence { original, start: original, end, exception: false };
        Some(Subject { item: Arc::new(item), occurrence: Some(occurrence), ..subject.clone() })
    }
}

/// The occurrences that overlap a span.
pub(super) fn within(subject: &Subject, from: Timestamp, to: Timestamp) -> Vec<Subject> {
    let Some(series) = Series::of(&subject.item) else { return Vec::new() };
    // As long as one lasts, and two days for zones and occurrences that were moved.
    let lasting = 2 + series.length.as_hours() / 24;
    let first = series.zone.to_datetime(from).date();
    let first = first.checked_sub(lasting.days()).unwrap_or(first);
    let last = series.zone.to_datetime(to).date();
    let last = last.checked_add(2.days()).unwrap_or(last);
    let mut days: Vec<_> =
        series.recurrence.days(first, last, MAX_OCCURRENCES).into_iter().map(|(_, day)| day).collect();
    let moved = series.recurrence.exceptions.iter().map(|exception| exception.original);
    days.extend(moved.filter(|day| *day < first || last < *day));
    days.into_iter()
        .filter_map(|day| series.on(subject, day))
        .filter(|own| own.occurrence.is_some_and(|at| at.start < to && (from < at.end || from <= at.start)))
        .collect()
}

/// The occurrence that would start at a moment by its pattern, given in seconds.
pub(super) fn one(subject: &Subject, original: i64) -> Option<Subject> {
    let series = Series::of(&subject.item)?;
    let start = Timestamp::from_second(original).ok()?;
    let exception = series.recurrence.exceptions.iter().find(|exception| exception.original_start == start);
    let day = exception.map_or_else(|| series.zone.to_datetime(start).date(), |exception| exception.original);
    let known = exception.is_some() || !series.recurrence.days(day, day, 1).is_empty();
    series.on(subject, day).filter(|own| known && own.occurrence.is_some_and(|at| at.original == start))
}

/// Replaces an occurrence by another item, or by nothing.
pub(super) fn replace(master: &mut Item, original: Timestamp, changed: Option<Item>) {
    let zone = event::zone(master).rules;
    let Some(recurrence) = master.recurrence.as_mut() else { return };
    let known = recurrence.exceptions.iter().find(|exception| exception.original_start == original);
    let day = known.map_or_else(|| zone.to_datetime(original).date(), |exception| exception.original);
    recurrence.exceptions.retain(|exception| exception.original_start != original);
    recurrence.exceptions.push(Exception { original: day, original_start: original, changed: changed.map(Box::new) });
    recurrence.exceptions.sort_by_key(|exception| exception.original);
}
