//! How items recur: the pattern and range as EWS writes them, and the occurrences that a series tells of.

use std::sync::Arc;

use jiff::civil::Date;
use jiff::tz::TimeZone;

use super::calendar::{self, END, START};
use super::props::time;
use super::scene::{Scene, Series};
use super::sort::Sort;
use super::special::Special;
use super::times;
use crate::mailbox::item::Item;
use crate::mailbox::item::recurrence::{Days, Pattern, Range, Recurrence, Unit, Week};
use crate::protocol::ews::failure::Failure;
use crate::protocol::ews::{item_ids, occurrences};
use crate::wire::ews::xml::{Element, Space, Writer};

/// The days of the week as EWS calls them, with their bits; the groups first.
const DAYS: [(&str, u8); 10] = [
    ("Day", 0b111_1111),
    ("Weekday", 0b001_1111),
    ("WeekendDay", 0b110_0000),
    ("Monday", 1),
    ("Tuesday", 2),
    ("Wednesday", 4),
    ("Thursday", 8),
    ("Friday", 16),
    ("Saturday", 32),
    ("Sunday", 64),
];
const WEEKS: [(&str, Week); 5] = [
    ("First", Week::First),
    ("Second", Week::Second),
    ("Third", Week::Third),
    ("Fourth", Week::Fourth),
    ("Last", Week::Last),
];
const MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];
const UNITS: [(&str, Unit); 4] = [
    ("DailyRegeneration", Unit::Day),
    ("WeeklyRegeneration", Unit::Week),
    ("MonthlyRegeneration", Unit::Month),
    ("YearlyRegeneration", Unit::Year),
];
/// The most steps between two occurrences (`xs:int` in the schema; Outlook allows 999 days and 99 of the others).
const INTERVAL_MAX: u32 = 9_999;

fn single_days(days: Days) -> String {
    let names: Vec<&str> = DAYS[3..].iter().filter(|(_, bit)| days.0 & bit != 0).map(|(name, _)| *name).collect();
    names.join(" ")
}

/// A set of days as one word where there is one.
fn relative_day(days: Days) -> &'static str {
    DAYS.iter().find(|(_, bits)| *bits == days.0).map_or("Day", |(name, _)| name)
}

fn read_days(text: &str) -> Result<Days, Failure> {
    let mut all = 0;
    for word in text.split_whitespace() {
        all |= DAYS.iter().find(|(name, _)| *name == word).ok_or(Failure::RECURRENCE)?.1;
    }
    if all == 0 { Err(Failure::RECURRENCE) } else { Ok(Days(all)) }
}

fn month_name(month: u8) -> &'static str {
    MONTHS[usize::from(month.clamp(1, 12)) - 1]
}

fn week_name(week: Week) -> &'static str {
    WEEKS.iter().find(|(_, known)| *known == week).map_or("First", |(name, _)| name)
}

/// Writes the pattern.
fn write_pattern(writer: &mut Writer, pattern: Pattern) {
    let number = |writer: &mut Writer, name: &str, value: u32| writer.leaf(name, &value.to_string());
    match pattern {
        Pattern::Daily { interval } => {
            writer.open("t:DailyRecurrence", &[]);
            number(writer, "t:Interval", interval);
            writer.close("t:DailyRecurrence");
        }
        Pattern::Weekly { interval, days, first_day } => {
            writer.open("t:WeeklyRecurrence", &[]);
            number(writer, "t:Interval", interval);
            writer.leaf("t:DaysOfWeek", &single_days(days));
            writer.leaf("t:FirstDayOfWeek", DAYS[3 + usize::from(first_day.min(6))].0);
            writer.close("t:WeeklyRecurrence");
        }
        Pattern::Monthly { interval, day } => {
            writer.open("t:AbsoluteMonthlyRecurrence", &[]);
            number(writer, "t:Interval", interval);
            number(writer, "t:DayOfMonth", day.into());
            writer.close("t:AbsoluteMonthlyRecurrence");
        }
        Pattern::RelativeMonthly { interval, days, week } => {
            writer.open("t:RelativeMonthlyRecurrence", &[]);
            number(writer, "t:Interval", interval);
            writer.leaf("t:DaysOfWeek", relative_day(days));
            writer.leaf("t:DayOfWeekIndex", week_name(week));
            writer.close("t:RelativeMonthlyRecurrence");
        }
        Pattern::Yearly { month, day } => {
            writer.open("t:AbsoluteYearlyRecurrence", &[]);
            number(writer, "t:DayOfMonth", day.into());
            writer.leaf("t:Month", month_name(month));
            writer.close("t:AbsoluteYearlyRecurrence");
        }
        Pattern::RelativeYearly { month, days, week } => {
            writer.open("t:RelativeYearlyRecurrence", &[]);
            writer.leaf("t:DaysOfWeek", relative_day(days));
            writer.leaf("t:DayOfWeekIndex", week_name(week));
            writer.leaf("t:Month", month_name(month));
            writer.close("t:RelativeYearlyRecurrence");
        }
        Pattern::Regenerating { unit, interval } => {
            let name = UNITS.iter().find(|(_, known)| *known == unit).map_or("DailyRegeneration", |(name, _)| name);
            let name = format!("t:{name}");
            writer.open(&name, &[]);
            number(writer, "t:Interval", interval);
            writer.close(&name);
        }
    }
}

/// A date with the zone that EWS writes behind it.
fn date(day: Date, zone: &TimeZone) -> String {
    let offset = zone.to_zoned(day.to_datetime(jiff::civil::Time::midnight())).map_or(0, |at| at.offset().seconds());
    if offset == 0 {
        return format!("{day}Z");
    }
    let sign = if offset < 0 { '-' } else { '+' };
    format!("{day}{sign}{:02}:{:02}", offset.abs() / 3_600, offset.abs() / 60 % 60)
}

fn write_range(writer: &mut Writer, recurrence: &Recurrence, zone: &TimeZone) {
    let start = date(recurrence.start, zone);
    let name = match recurrence.range {
        Range::NoEnd => "t:NoEndRecurrence",
        Range::Until(_) => "t:EndDateRecurrence",
        Range::Count(_) => "t:NumberedRecurrence",
    };
    writer.open(name, &[]);
    writer.leaf("t:StartDate", &start);
    match recurrence.range {
        Range::NoEnd => {}
        Range::Until(last) => writer.leaf("t:EndDate", &date(last, zone)),
        Range::Count(count) => writer.leaf("t:NumberOfOccurrences", &count.to_string()),
    }
    writer.close(name);
}

/// Writes the field if the item is a series.
pub(super) fn write(special: Special, writer: &mut Writer, name: &str, scene: &Scene<'_>) {
    let Some(recurrence) = &scene.item.recurrence else { return };
    if special == Special::Recurrence {
        let zone = calendar::zone(scene.item, false);
        writer.open(name, &[]);
        write_pattern(writer, recurrence.pattern);
        write_range(writer, recurrence, &zone);
        writer.close(name);
        return;
    }
    if scene.series != Series::Master || Sort::of_class(&scene.item.class) == Sort::Task {
        return;
    }
    match special {
        Special::Occurrence(last) => {
            let found = if last { occurrences::last(scene.item) } else { occurrences::first(scene.item) };
            if let Some(occurrence) = found {
                write_occurrence(writer, name, scene, &occurrence);
            }
        }
        Special::ModifiedOccurrences => {
            let changed = occurrences::changed(scene.item);
            if !changed.is_empty() {
                writer.open(name, &[]);
                for occurrence in &changed {
                    write_occurrence(writer, "t:Occurrence", scene, occurrence);
                }
                writer.close(name);
            }
        }
        _ => {
            let mut deleted = recurrence.exceptions.iter().filter(|exception| exception.changed.is_none()).peekable();
            if deleted.peek().is_some() {
                writer.open(name, &[]);
                for exception in deleted {
                    writer.open("t:DeletedOccurrence", &[]);
                    writer.leaf("t:Start", &times::write(exception.original_start));
                    writer.close("t:DeletedOccurrence");
                }
                writer.close(name);
            }
        }
    }
}

fn write_occurrence(writer: &mut Writer, name: &str, scene: &Scene<'_>, one: &occurrences::Occurrence) {
    let id = item_ids::item(scene.viewer.mailbox, scene.place.number, Some(one.original_start));
    let key = item_ids::change_key(scene.viewer.mailbox, scene.place.version);
    writer.open(name, &[]);
    writer.empty("t:ItemId", &[("Id", &id), ("ChangeKey", &key)]);
    for (element, moment) in [
        ("t:Start", time(&one.item, START)),
        ("t:End", time(&one.item, END)),
        ("t:OriginalStart", Some(one.original_start)),
    ] {
        writer.leaf(element, &moment.map(times::write).unwrap_or_default());
    }
    writer.close(name);
}

/// Sets how an item recurs. Exceptions of the pattern before are forgotten, as Exchange does.
pub(super) fn set(item: &mut Item, element: &Element<'_>, _zone: &TimeZone) -> Result<(), Failure> {
    let [pattern, range] = &*element.children else { return Err(Failure::RECURRENCE) };
    if pattern.space != Space::Types || range.space != Space::Types {
        return Err(Failure::RECURRENCE);
    }
    let start = range.typed("StartDate").and_then(|day| times::read_date(day.text())).ok_or(Failure::RECURRENCE)?;
    let range = match &*range.name {
        "NoEndRecurrence" => Range::NoEnd,
        "EndDateRecurrence" => {
            let last = range.typed("EndDate").and_then(|day| times::read_date(day.text()));
            Range::Until(last.filter(|last| *last >= start).ok_or(Failure::RECURRENCE)?)
        }
        "NumberedRecurrence" => {
            let count = range.typed("NumberOfOccurrences").and_then(|count| count.text().parse().ok());
            Range::Count(count.filter(|count| (1..=999).contains(count)).ok_or(Failure::RECURRENCE)?)
        }
        _ => return Err(Failure::RECURRENCE),
    };
    let zone = item.recurrence.take().map_or_else(|| Arc::from("UTC"), |old| old.zone);
    let pattern = read_pattern(pattern)?;
    item.recurrence = Some(Recurrence { pattern, start, range, zone, exceptions: Vec::new() });
    Ok(())
}

fn read_pattern(element: &Element<'_>) -> Result<Pattern, Failure> {
    let text = |name: &str| element.typed(name).map(Element::text).ok_or(Failure::RECURRENCE);
    let interval = || -> Result<u32, Failure> {
        text("Interval")?.parse().ok().filter(|n| (1..=INTERVAL_MAX).contains(n)).ok_or(Failure::RECURRENCE)
    };
    let day = || -> Result<u8, Failure> {
        text("DayOfMonth")?.parse().ok().filter(|day| (1..=31).contains(day)).ok_or(Failure::RECURRENCE)
    };
    let days = || read_days(text("DaysOfWeek")?);
    let month = || -> Result<u8, Failure> {
        let name = text("Month")?;
        let place = MONTHS.iter().position(|month| *month == name).ok_or(Failure::RECURRENCE)?;
        Ok(place as u8 + 1)
    };
    let week = || -> Result<Week, Failure> {
        let name = text("DayOfWeekIndex")?;
        WEEKS.iter().find(|(known, _)| *known == name).map(|(_, week)| *week).ok_or(Failure::RECURRENCE)
    };
    Ok(match &*element.name {
        "DailyRecurrence" => Pattern::Daily { interval: interval()? },
        "WeeklyRecurrence" => {
            let first = element.typed("FirstDayOfWeek").map_or("Sunday", Element::text);
            let first = DAYS[3..].iter().position(|(name, _)| *name == first).ok_or(Failure::RECURRENCE)?;
            Pattern::Weekly { interval: interval()?, days: days()?, first_day: first as u8 }
        }
        "AbsoluteMonthlyRecurrence" => Pattern::Monthly { interval: interval()?, day: day()? },
        "RelativeMonthlyRecurrence" => Pattern::RelativeMonthly { interval: interval()?, days: days()?, week: week()? },
        "AbsoluteYearlyRecurrence" => Pattern::Yearly { month: month()?, day: day()? },
        "RelativeYearlyRecurrence" => Pattern::RelativeYearly { month: month()?, days: days()?, week: week()? },
        name => {
            let unit = UNITS.iter().find(|(known, _)| *known == name).ok_or(Failure::RECURRENCE)?.1;
            Pattern::Regenerating { unit, interval: interval()? }
        }
    })
}
