//! `[[windows]]`: when waves may run.

use std::str::FromStr;

use jiff::civil::{Date, Time, Weekday};
use jiff::tz::TimeZone;

use crate::calendar::{Freeze, Window};
use crate::scenario::file::{Node, Value};
use crate::scenario::kind::{Kind, Words, Wrong, suggestion};
use crate::scenario::list::{List, joined};
use crate::scenario::section::{Otherwise, Section};

/// The days of a week by their short names.
pub(super) const DAYS: [(&str, Weekday); 7] = [
    ("Mon", Weekday::Monday),
    ("Tue", Weekday::Tuesday),
    ("Wed", Weekday::Wednesday),
    ("Thu", Weekday::Thursday),
    ("Fri", Weekday::Friday),
    ("Sat", Weekday::Saturday),
    ("Sun", Weekday::Sunday),
];

/// The windows of a scenario.
pub(crate) struct Windows {
    /// Those that are right.
    pub(crate) right: Vec<Window>,
    /// The names of all, so that whoever names one that is wrong is not told that there is none.
    pub(crate) names: Vec<String>,
}

pub(crate) fn read(root: &Section<'_>) -> Windows {
    let mut windows = Windows { right: Vec::new(), names: Vec::new() };
    for section in root.sections("windows") {
        let place = section.place_of("name");
        let name = section.need("name", &Words, "name the window: name = \"evening\"");
        if let Some(name) = &name {
            if windows.names.contains(name) {
                let message = format!("two windows are named `{name}`");
                root.book.report(&place, "again", Wrong::new(message, "give each window a name of its own"));
            }
            windows.names.push(name.clone());
        }
        windows.right.extend(window(section, name));
    }
    windows
}

fn window(section: Section<'_>, name: Option<String>) -> Option<Window> {
    let days = section.need("days", &Days, "say on which days it opens: days = [\"Mon\", \"Tue\"]");
    let opens = section.need("opens", &Clock, "say when it opens in local time: opens = \"20:00\"");
    let closes = section.need("closes", &Closing, "say when it closes: closes = \"07:00\" or \"Mon 07:00\"");
    let zone = section.need("zone", &Zone, "name the time zone of both times: zone = \"Europe/London\"");
    let help = "say from which date on: from = 2020-10-05";
    let from = section.need("from", &Day, help);
    let freezes = section.sections("freezes").into_iter().filter_map(freeze).collect();
    let later = match (opens, closes) {
        (Some(opens), Some(closes)) => closing_day(&section, days.as_deref(), opens, closes),
        _ => None,
    };
    section.finish();
    Some(Window {
        name: name?,
        days: days?,
        opens: opens?,
        closes_days_later: later?,
        closes: closes?.1,
        zone: zone?,
        freezes,
        from: from?,
    })
}

/// How many days after the opening day a window closes. Nothing is said of opening days that could not be read.
fn closing_day(
    section: &Section<'_>,
    days: Option<&[Weekday]>,
    opens: Time,
    closes: (Option<Weekday>, Time),
) -> Option<u8> {
    let help = "name the closing day if it is not within a day: closes = \"Mon 07:00\"";
    match closes {
        (None, time) if time == opens => {
            section.report("closes", "when it opens", "the window is empty: it closes when it opens", help);
            None
        }
        (None, time) => Some(u8::from(time < opens)),
        (Some(_), _) if days?.len() != 1 => {
            let help = "leave the closing day out, or write a window of its own for each opening day";
            section.report(
                "closes",
                "one day for several",
                "a window with several opening days has no one closing day",
                help,
            );
            None
        }
        (Some(day), time) => {
            let later = days?.first()?.until(day).unsigned_abs();
            if later == 0 && time <= opens {
                section.report("closes", "before it opens", "the window closes before it opens", help);
                return None;
            }
            Some(later)
        }
    }
}

fn freeze(section: Section<'_>) -> Option<Freeze> {
    let help = "write { from = 2020-12-21, until = 2021-01-03, reason = \"Christmas\" }, or { on = 2020-08-31 }";
    let one_day = section.has("on");
    let on = section.maybe("on", &Day, "", "");
    let (from, until) = if one_day {
        if section.has("from") || section.has("until") {
            // A range that has no meaning here is no unknown key.
            let _ = (section.node("from"), section.node("until"));
            section.report("on", "beside a range", "a freeze is one day or a range, not both", help);
        }
        (on, on)
    } else {
        (section.need("from", &Day, help), section.need("until", &Day, help))
    };
    let reason = section.or("reason", &Words, Otherwise::default("freeze".to_owned(), "no reason was given"));
    if let (Some(from), Some(until)) = (from, until)
        && until < from
    {
        section.report(
            "until",
            "before `from`",
            format!("the freeze ends on {until}, before it begins on {from}"),
            help,
        );
    }
    section.finish();
    Some(Freeze { from: from?, until: until?, reason })
}

/// The text of a date or a time, with or without quotes.
fn text<'n>(node: &'n Node, what: &str, help: &str) -> Result<&'n str, Wrong> {
    match &node.value {
        Value::Text(text) | Value::Date(text) => Ok(text.trim()),
        _ => Err(Wrong::expected(what, node, help)),
    }
}

/// A date.
struct Day;

impl Kind for Day {
    type Value = Date;

    fn read(&self, node: &Node) -> Result<Date, Wrong> {
        let help = "write year, month and day: 2020-10-05";
        let text = text(node, "a date", help)?;
        Date::from_str(text).map_err(|_| Wrong::new(format!("`{text}` is not a date"), help))
    }

    fn print(&self, value: &Date) -> String {
        value.to_string()
    }
}

/// A local time.
struct Clock;

impl Kind for Clock {
    type Value = Time;

    fn read(&self, node: &Node) -> Result<Time, Wrong> {
        let help = "write hours and minutes from \"00:00\" to \"23:59\"";
        let text = text(node, "a local time", help)?;
        Time::from_str(text).map_err(|_| Wrong::new(format!("`{text}` is not a time of day"), help))
    }

    fn print(&self, value: &Time) -> String {
        value.to_string()
    }
}

/// A local time with the day of the week or without.
struct Closing;

impl Kind for Closing {
    type Value = (Option<Weekday>, Time);

    fn read(&self, node: &Node) -> Result<(Option<Weekday>, Time), Wrong> {
        let help = "write \"07:00\", or \"Mon 07:00\" with a day";
        let text = text(node, "a local time", help)?;
        let (day, time) = match text.split_once(' ') {
            Some((day, time)) => (Some(weekday(day)?), time.trim()),
            None => (None, text),
        };
        let time = Time::from_str(time).map_err(|_| Wrong::new(format!("`{time}` is not a time of day"), help))?;
        Ok((day, time))
    }

    fn print(&self, (day, time): &(Option<Weekday>, Time)) -> String {
        day.map_or_else(|| time.to_string(), |day| format!("{} {time}", day_name(day)))
    }
}

pub(super) fn weekday(name: &str) -> Result<Weekday, Wrong> {
    let names = DAYS.map(|(name, _)| name);
    DAYS.iter()
        .find(|(known, _)| *known == name)
        .map(|(_, day)| *day)
        .ok_or_else(|| Wrong::new(format!("`{name}` is not a day"), suggestion(name, &names)))
}

fn day_name(day: Weekday) -> &'static str {
    DAYS[usize::from(day.to_monday_zero_offset().unsigned_abs())].0
}

/// A day of the week.
struct DayOfWeek;

impl Kind for DayOfWeek {
    type Value = Weekday;

    fn read(&self, node: &Node) -> Result<Weekday, Wrong> {
        match &node.value {
            Value::Text(name) => weekday(name),
            _ => Err(Wrong::expected("a day", node, Days::HELP)),
        }
    }

    fn print(&self, value: &Weekday) -> String {
        day_name(*value).to_owned()
    }
}

/// Days of the week, at least one, none twice.
struct Days;

impl List for Days {
    type Entry = DayOfWeek;
    const ENTRY: DayOfWeek = DayOfWeek;
    const OF: &'static str = "days";
    const HELP: &'static str = "write, for example, [\"Mon\", \"Tue\", \"Wed\", \"Thu\"]";
    const REPEATS: bool = false;

    fn settle(entries: &mut Vec<Weekday>) -> Result<(), Wrong> {
        if entries.is_empty() {
            return Err(Wrong::new("the window is empty: it opens on no day", Self::HELP));
        }
        entries.sort_by_key(|day| day.to_monday_zero_offset());
        Ok(())
    }

    fn print(&self, value: &Vec<Weekday>) -> String {
        joined(value.iter().map(|day| day_name(*day)))
    }
}

/// A time zone by its name.
struct Zone;

impl Kind for Zone {
    type Value = TimeZone;

    fn read(&self, node: &Node) -> Result<TimeZone, Wrong> {
        let name = text(node, "the name of a time zone", "write, for example, \"Europe/London\"")?;
        TimeZone::get(name).map_err(|_| {
            let known: Vec<String> = jiff::tz::db().available().map(|name| name.as_str().to_owned()).collect();
            let likeness = |known: &str| strsim::jaro_winkler(name, known);
            let nearest = known.iter().max_by(|one, two| likeness(one).total_cmp(&likeness(two)));
            let is_offset = name.contains(|letter: char| letter.is_ascii_digit());
            let help = match nearest {
                _ if is_offset => {
                    "name a place, for example \"Europe/Paris\": its clock changes with the season".to_owned()
                }
                Some(nearest) => format!("did you mean `{nearest}`?"),
                None => String::new(),
            };
            Wrong::new(format!("there is no time zone `{name}`"), help)
        })
    }

    fn print(&self, value: &TimeZone) -> String {
        value.iana_name().unwrap_or("UTC").to_owned()
    }
}
