//! `GetServerTimeZones`: definitions of time zones with the rules of one year.

use jiff::civil::date;
use jiff::tz::{Offset, TimeZone};
use jiff::{Timestamp, ToSpan, Zoned};

use super::messages::Messages;
use super::names::GET_SERVER_TIME_ZONES;
use crate::protocol::zones::{self, ZONES};
use crate::wire::ews::xml::{Element, Writer};

/// The year whose rules are told. Rules of other years are not: a client asks for the zone, not for its history.
const YEAR: i16 = 2026;

/// Answers the operation.
pub(super) fn answer(request: &Element<'_>) -> Vec<u8> {
    let full = !matches!(request.attribute("ReturnFullTimeZoneData"), Some("false" | "0"));
    let wanted: Option<Vec<&str>> = request.message("Ids").map(|ids| ids.children.iter().map(Element::text).collect());
    let mut messages = Messages::new(&GET_SERVER_TIME_ZONES, None);
    messages.succeed(|writer| {
        writer.open("m:TimeZoneDefinitions", &[]);
        for (name, _) in ZONES {
            if wanted.as_ref().is_none_or(|wanted| wanted.contains(&name)) {
                write(writer, name, full);
            }
        }
        writer.close("m:TimeZoneDefinitions");
    });
    messages.finish()
}

/// A change of the clock.
struct Change {
    at: Zoned,
    /// The offset before it.
    before: Offset,
    /// Whether it begins summer time.
    summer: bool,
}

fn changes(zone: &TimeZone) -> Vec<Change> {
    let start = date(YEAR, 1, 1).to_zoned(zone.clone()).map(|start| start.timestamp());
    let Ok(start) = start else { return Vec::new() };
    let end = date(YEAR + 1, 1, 1).to_zoned(zone.clone()).map_or(Timestamp::MAX, |end| end.timestamp());
    let all = zone.following(start).take_while(|change| change.timestamp() < end);
    all.filter_map(|change| {
        let before = zone.to_offset(change.timestamp().checked_sub(1.second()).ok()?);
        // Some zones have changes that do not change the offset.
        (before != change.offset()).then(|| Change {
            at: change.timestamp().to_zoned(zone.clone()),
            before,
            summer: change.dst().is_dst(),
        })
    })
    .collect()
}

fn write(writer: &mut Writer, name: &str, full: bool) {
    let Some(zone) = zones::find(name) else { return };
    let start = date(YEAR, 1, 1).to_zoned(zone.clone()).map_or(Timestamp::UNIX_EPOCH, |start| start.timestamp());
    let changes = changes(&zone);
    let standard = match changes.iter().find(|change| change.summer) {
        Some(change) => change.before,
        None => zone.to_offset(start),
    };
    let shown = format!("(UTC{}) {name}", sign(standard));
    if !full {
        writer.empty("t:TimeZoneDefinition", &[("Name", &shown), ("Id", name)]);
        return;
    }
    writer.open("t:TimeZoneDefinition", &[("Name", &shown), ("Id", name)]);
    writer.open("t:Periods", &[]);
    write_period(writer, standard, "Standard");
    let pair = match &*changes {
        [one, other] if one.summer != other.summer => Some(if one.summer { (one, other) } else { (other, one) }),
        _ => None,
    };
    if let Some((summer, _)) = pair {
        write_period(writer, summer.at.offset(), "Daylight");
    }
    writer.close("t:Periods");
    writer.open("t:TransitionsGroups", &[]);
    writer.open("t:TransitionsGroup", &[("Id", "0")]);
    match pair {
        None => write_transition(writer, "Period", "Standard"),
        Some((summer, winter)) => {
            write_change(writer, summer, "Daylight");
            write_change(writer, winter, "Standard");
        }
    }
    writer.close("t:TransitionsGroup");
    writer.close("t:TransitionsGroups");
    writer.open("t:Transitions", &[]);
    write_transition(writer, "Group", "0");
    writer.close("t:Transitions");
    writer.close("t:TimeZoneDefinition");
}

fn write_transition(writer: &mut Writer, kind: &str, to: &str) {
    writer.open("t:Transition", &[]);
    writer.leaf_with("t:To", &[("Kind", kind)], to);
    writer.close("t:Transition");
}

/// A period; its bias is what is added to local time for UTC.
fn write_period(writer: &mut Writer, offset: Offset, name: &str) {
    writer.empty("t:Period", &[("Bias", &duration(-offset.seconds())), ("Name", name), ("Id", name)]);
}

/// A change on a weekday by its position in a month. The last one in a month is position -1.
fn write_change(writer: &mut Writer, change: &Change, to: &str) {
    // The clock shows the offset before the change when it happens.
    let local = change.before.to_datetime(change.at.timestamp());
    let days = local.date().days_in_month();
    let occurrence = if local.day() + 7 > days { -1 } else { (local.day() - 1) / 7 + 1 };
    let second = i32::from(local.hour()) * 3_600 + i32::from(local.minute()) * 60;
    writer.open("t:RecurringDayTransition", &[]);
    writer.leaf_with("t:To", &[("Kind", "Period")], to);
    writer.leaf("t:TimeOffset", &duration(second));
    writer.leaf("t:Month", &local.month().to_string());
    writer.leaf("t:DayOfWeek", &format!("{:?}", local.weekday()));
    writer.leaf("t:Occurrence", &occurrence.to_string());
    writer.close("t:RecurringDayTransition");
}

/// Seconds as a duration of XML Schema.
fn duration(seconds: i32) -> String {
    let (sign, minutes) = (if seconds < 0 { "-" } else { "" }, seconds.abs() / 60);
    match (minutes / 60, minutes % 60) {
        (hours, 0) => format!("{sign}PT{hours}H"),
        (0, minutes) => format!("{sign}PT{minutes}M"),
        (hours, minutes) => format!("{sign}PT{hours}H{minutes}M"),
    }
}

/// An offset as names of zones show it.
fn sign(offset: Offset) -> String {
    let minutes = offset.seconds() / 60;
    if minutes == 0 {
        return String::new();
    }
    format!("{}{:02}:{:02}", if minutes < 0 { '-' } else { '+' }, minutes.abs() / 60, minutes.abs() % 60)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(name: &str, parts: &[&str]) {
        let mut writer = Writer::fragment();
        write(&mut writer, name, true);
        let text = String::from_utf8(writer.finish()).expect("text");
        for part in parts {
            assert!(text.contains(part), "{part} in {text}");
        }
    }

    #[test]
    fn rules_are_those_of_the_zone() {
        check(
            "GMT Standard Time",
            &[
                r#"Bias="PT0H" Name="Standard""#,
                r#"Bias="-PT1H" Name="Daylight""#,
                "<t:TimeOffset>PT1H</t:TimeOffset><t:Month>3</t:Month><t:DayOfWeek>Sunday</t:DayOfWeek><t:Occurrence>-1<",
                "<t:TimeOffset>PT2H</t:TimeOffset><t:Month>10</t:Month>",
            ],
        );
        check("Eastern Standard Time", &[r#"Bias="PT5H" Name="Standard""#, "<t:Month>3</t:Month>", "<t:Occurrence>2<"]);
        check("India Standard Time", &[r#"Bias="-PT5H30M""#, r#"<t:To Kind="Period">Standard<"#]);
        check("UTC", &["PT0H"]);
    }
}
