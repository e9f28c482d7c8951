//! Dates as Graph writes and reads them: UTC moments to the second with a `Z`, and `dateTimeTimeZone` pairs.

use std::borrow::Cow;

use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde_json::{Value, json};

use crate::protocol::zones;

/// A moment in UTC, to the second.
pub(super) fn utc(moment: Timestamp) -> String {
    format!("{moment:.0}")
}

/// A zone with the name under which the client knows it.
#[derive(Clone, Debug)]
pub(super) struct Zone {
    /// The name, of Windows or of the IANA database.
    pub name: Cow<'static, str>,
    /// Its rules.
    pub rules: TimeZone,
}

/// The name of UTC in the service's answers.
pub(super) const UTC: &str = "UTC";

/// The zone of a name; nothing if nobody knows it.
pub(super) fn zone(name: &str) -> Option<Zone> {
    let name = name.trim().trim_matches('"');
    if name.is_empty() || name.len() > 128 {
        return None;
    }
    if ["utc", "gmt", "etc/utc", "tzone://microsoft/utc"].contains(&name.to_ascii_lowercase().as_str()) {
        return Some(Zone { name: UTC.into(), rules: TimeZone::UTC });
    }
    let rules = zones::find(name)?;
    Some(Zone { name: name.to_owned().into(), rules })
}

/// The zone in which the service answers unless it is told another.
pub(super) fn default_zone() -> Zone {
    Zone { name: UTC.into(), rules: TimeZone::UTC }
}

/// A moment as a `dateTimeTimeZone`.
pub(super) fn pair(moment: Timestamp, zone: &Zone) -> Value {
    let local = moment.to_zoned(zone.rules.clone()).datetime();
    json!({"dateTime": local.strftime("%Y-%m-%dT%H:%M:%S.0000000").to_string(), "timeZone": zone.name})
}

/// Reads a `dateTimeTimeZone`: the moment, and the zone that it names.
pub(super) fn read_pair(value: &Value) -> Option<(Timestamp, Zone)> {
    let text = value.get("dateTime")?.as_str()?;
    let zone = match value.get("timeZone").and_then(Value::as_str) {
        Some(name) => zone(name)?,
        None => default_zone(),
    };
    if let Ok(moment) = text.parse::<Timestamp>() {
        return Some((moment, zone));
    }
    let civil: jiff::civil::DateTime = match text.parse() {
        Ok(civil) => civil,
        Err(_) => text.parse::<jiff::civil::Date>().ok()?.at(0, 0, 0, 0),
    };
    let moment = civil.to_zoned(zone.rules.clone()).ok()?.timestamp();
    Some((moment, zone))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn zones_have_the_names_of_windows_or_of_the_tz_database() {
        for name in ["tokyo standard time", "West Bank Standard Time", "\"Europe/Copenhagen\""] {
            assert_eq!(zone(name).map(|zone| zone.name.into_owned()).as_deref(), Some(name.trim_matches('"')));
        }
        assert!(zone("Nowhere Standard Time").is_none());
    }

    #[test]
    fn pairs_are_read_in_their_zone_and_written_in_any() {
        let value = json!({"dateTime": "2024-07-01T09:30:00", "timeZone": "W. Europe Standard Time"});
        let (moment, _) = read_pair(&value).expect("readable");
        assert_eq!(utc(moment), "2024-07-01T07:30:00Z");
        assert_eq!(pair(moment, &default_zone())["dateTime"], "2024-07-01T07:30:00.0000000");
        let tokyo = zone("Tokyo Standard Time").expect("known");
        assert_eq!(pair(moment, &tokyo)["dateTime"], "2024-07-01T16:30:00.0000000");
    }
}
