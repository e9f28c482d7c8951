//! Moments as EWS writes them: without fractions and with a `Z`.

use jiff::civil::{Date, DateTime, Time};
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};

/// Writes a moment.
pub(in super::super) fn write(moment: Timestamp) -> String {
    format!("{moment:.0}")
}

/// Reads a moment. Text without a zone is of the given zone; a bare date is its midnight.
pub(in super::super) fn read(text: &str, zone: &TimeZone) -> Option<Timestamp> {
    let text = text.trim();
    let moment = match text.parse::<Timestamp>() {
        Ok(moment) => moment,
        Err(_) => match text.parse::<DateTime>() {
            Ok(local) => zone.to_zoned(local).ok()?.timestamp(),
            Err(_) => date_with_zone(text, zone)?,
        },
    };
    Some(whole(moment))
}

/// A moment without its fraction of a second, as EWS shows it.
pub(in super::super) fn whole(moment: Timestamp) -> Timestamp {
    Timestamp::from_second(moment.as_second()).unwrap_or(moment)
}

/// Reads a date, and the moment of its midnight where it names a zone.
fn date_with_zone(text: &str, zone: &TimeZone) -> Option<Timestamp> {
    let (day, rest) = text.split_at_checked(10)?;
    let local = day.parse::<Date>().ok()?.to_datetime(Time::midnight());
    if rest.is_empty() {
        return Some(zone.to_zoned(local).ok()?.timestamp());
    }
    format!("{day}T00:00:00{rest}").parse().ok()
}

/// Reads a date of a recurrence; a zone behind it says nothing there.
pub(in super::super) fn read_date(text: &str) -> Option<Date> {
    text.trim().get(..10)?.parse().ok()
}

/// Writes a length of time as `xs:duration`, in days, hours and minutes.
pub(in super::super) fn write_duration(length: SignedDuration) -> String {
    let minutes = length.as_secs().max(0) / 60;
    let (days, hours, minutes) = (minutes / 1_440, minutes / 60 % 24, minutes % 60);
    let days = if days > 0 { format!("{days}D") } else { String::new() };
    let clock = match (hours, minutes) {
        (0, 0) if !days.is_empty() => String::new(),
        (0, minutes) => format!("T{minutes}M"),
        (hours, 0) => format!("T{hours}H"),
        (hours, minutes) => format!("T{hours}H{minutes}M"),
    };
    format!("P{days}{clock}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expected: &str) {
        assert_eq!(read(text, &TimeZone::UTC).map(write).as_deref(), Some(expected), "{text}");
    }

    #[test]
    fn every_spelling_of_a_moment_is_read_and_written_without_fractions_in_utc() {
        check("2016-01-01T08:00:00Z", "2016-01-01T08:00:00Z");
        check("2016-01-01T08:00:00.123Z", "2016-01-01T08:00:00Z");
        check("2016-01-01T08:00:00+01:00", "2016-01-01T07:00:00Z");
        check("2016-01-01T08:00:00", "2016-01-01T08:00:00Z");
        check("2016-01-01", "2016-01-01T00:00:00Z");
        check("2016-01-01Z", "2016-01-01T00:00:00Z");
        check("2016-01-01+02:00", "2015-12-31T22:00:00Z");
        let copenhagen = TimeZone::get("Europe/Copenhagen").expect("the zone is bundled");
        assert_eq!(read("2016-01-01T08:00:00", &copenhagen).map(write).as_deref(), Some("2016-01-01T07:00:00Z"));
        assert_eq!(read("tomorrow", &TimeZone::UTC), None);
        assert_eq!(read("ä016-01-01", &TimeZone::UTC), None);
    }

    #[test]
    fn durations_are_written_in_days_hours_and_minutes() {
        assert_eq!(write_duration(SignedDuration::from_mins(0)), "PT0M");
        assert_eq!(write_duration(SignedDuration::from_mins(30)), "PT30M");
        assert_eq!(write_duration(SignedDuration::from_hours(2)), "PT2H");
        assert_eq!(write_duration(SignedDuration::from_hours(25)), "P1DT1H");
        assert_eq!(write_duration(SignedDuration::from_hours(48)), "P2D");
    }
}
