//! Recurrences as `patternedRecurrence` (learn.microsoft.com/graph/api/resources/patternedrecurrence).

use jiff::civil::Date;
use serde_json::{Value as Json, json};

use crate::mailbox::item::recurrence::{Days, Pattern, Range, Recurrence, Week};

/// Days of the week, Monday first, as the item model counts them.
const DAYS: [&str; 7] = ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"];

const WEEKS: [(&str, Week); 5] = [
    ("first", Week::First),
    ("second", Week::Second),
    ("third", Week::Third),
    ("fourth", Week::Fourth),
    ("last", Week::Last),
];

/// The day before which the service's ranges without an end say that they end.
const NEVER: &str = "0001-01-01";

fn days(days: Days) -> Json {
    let set = DAYS.iter().enumerate().filter(|(position, _)| days.0 & 1 << position != 0);
    set.map(|(_, name)| Json::from(*name)).collect()
}

fn week(week: Week) -> &'static str {
    WEEKS.iter().find(|(_, own)| *own == week).map_or("first", |(name, _)| name)
}

/// Writes a recurrence; null for the kinds that only tasks have.
pub(in crate::protocol::graph) fn write(recurrence: &Recurrence) -> Json {
    let none = Days(0);
    let (kind, interval, month, day, of_week, index, first) = match recurrence.pattern {
        Pattern::Daily { interval } => ("daily", interval, 0, 0, none, Week::First, 6),
        Pattern::Weekly { interval, days, first_day } => ("weekly", interval, 0, 0, days, Week::First, first_day),
        Pattern::Monthly { interval, day } => ("absoluteMonthly", interval, 0, day, none, Week::First, 6),
        Pattern::RelativeMonthly { interval, days, week } => ("relativeMonthly", interval, 0, 0, days, week, 6),
        Pattern::Yearly { month, day } => ("absoluteYearly", 1, month, day, none, Week::First, 6),
        Pattern::RelativeYearly { month, days, week } => ("relativeYearly", 1, month, 0, days, week, 6),
        Pattern::Regenerating { .. } => return Json::Null,
    };
    let (range, end, count) = match recurrence.range {
        Range::NoEnd => ("noEnd", NEVER.to_owned(), 0),
        Range::Until(day) => ("endDate", day.to_string(), 0),
        Range::Count(count) => ("numbered", NEVER.to_owned(), count),
    };
    json!({
        "pattern": {
            "type": kind,
            "interval": interval,
            "month": month,
            "dayOfMonth": day,
            "daysOfWeek": days(of_week),
            "firstDayOfWeek": DAYS[usize::from(first.min(6))],
            "index": week(index),
        },
        "range": {
            "type": range,
            "startDate": recurrence.start.to_string(),
            "endDate": end,
            "recurrenceTimeZone": &*recurrence.zone,
            "numberOfOccurrences": count,
        },
    })
}

fn number(json: &Json, key: &str) -> Option<u32> {
    json.get(key).and_then(Json::as_u64).and_then(|number| u32::try_from(number).ok())
}

fn small(json: &Json, key: &str, most: u8) -> Option<u8> {
    number(json, key).and_then(|number| u8::try_from(number).ok()).filter(|number| (1..=most).contains(number))
}

fn position(word: &str) -> Option<usize> {
    DAYS.iter().position(|day| day.eq_ignore_ascii_case(word))
}

fn read_days(json: &Json) -> Option<Days> {
    let mut bits = 0;
    for day in json.get("daysOfWeek")?.as_array()? {
        bits |= 1 << position(day.as_str()?)?;
    }
    (bits != 0).then_some(Days(bits))
}

fn read_week(json: &Json) -> Option<Week> {
    let word = json.get("index").and_then(Json::as_str).unwrap_or("first");
    WEEKS.iter().find(|(name, _)| name.eq_ignore_ascii_case(word)).map(|(_, week)| *week)
}

fn read_pattern(json: &Json) -> Option<Pattern> {
    let interval = number(json, "interval").unwrap_or(1).max(1);
    let first = json.get("firstDayOfWeek").and_then(Json::as_str).and_then(position).unwrap_or(6);
    Some(match json.get("type")?.as_str()?.to_ascii_lowercase().as_str() {
        "daily" => Pattern::Daily { interval },
        "weekly" => Pattern::Weekly { interval, days: read_days(json)?, first_day: u8::try_from(first).ok()? },
        "absolutemonthly" => Pattern::Monthly { interval, day: small(json, "dayOfMonth", 31)? },
        "relativemonthly" => Pattern::RelativeMonthly { interval, days: read_days(json)?, week: read_week(json)? },
        "absoluteyearly" => Pattern::Yearly { month: small(json, "month", 12)?, day: small(json, "dayOfMonth", 31)? },
        "relativeyearly" => {
            Pattern::RelativeYearly { month: small(json, "month", 12)?, days: read_days(json)?, week: read_week(json)? }
        }
        _ => return None,
    })
}

/// Reads a recurrence. `start` is the day of the event, and `zone` its zone, where the range does not say them.
pub(in crate::protocol::graph) fn read(json: &Json, start: Date, zone: &str) -> Option<Recurrence> {
    let range = json.get("range")?;
    let date = |key: &str| range.get(key).and_then(Json::as_str).and_then(|text| text.parse::<Date>().ok());
    let text = range.get("recurrenceTimeZone").and_then(Json::as_str).filter(|text| !text.is_empty());
    let length = match range.get("type")?.as_str()?.to_ascii_lowercase().as_str() {
        "noend" => Range::NoEnd,
        "enddate" => Range::Until(date("endDate")?),
        "numbered" => Range::Count(number(range, "numberOfOccurrences").filter(|count| 0 < *count)?),
        _ => return None,
    };
    Some(Recurrence {
        pattern: read_pattern(json.get("pattern")?)?,
        start: date("startDate").unwrap_or(start),
        range: length,
        zone: text.unwrap_or(zone).into(),
        exceptions: Vec::new(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn recurrences_come_back_as_they_were_written() {
        let zone = "W. Europe Standard Time";
        let start = Date::constant(2024, 3, 4);
        let patterns = [
            Pattern::Daily { interval: 2 },
            Pattern::Weekly { interval: 1, days: Days(0b101), first_day: 0 },
            Pattern::Monthly { interval: 1, day: 31 },
            Pattern::RelativeMonthly { interval: 3, days: Days(1), week: Week::Last },
            Pattern::Yearly { month: 2, day: 29 },
            Pattern::RelativeYearly { month: 11, days: Days(0b1000), week: Week::Fourth },
        ];
        for pattern in patterns {
            for range in [Range::NoEnd, Range::Count(7), Range::Until(Date::constant(2025, 1, 1))] {
                let recurrence = Recurrence { pattern, start, range, zone: zone.into(), exceptions: Vec::new() };
                assert_eq!(read(&write(&recurrence), start, "UTC"), Some(recurrence));
            }
        }
        assert_eq!(read(&json!({"pattern": {"type": "weekly"}, "range": {"type": "noEnd"}}), start, zone), None);
    }
}
