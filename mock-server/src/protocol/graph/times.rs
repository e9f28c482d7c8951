//! Dates as Graph writes and reads them: UTC moments to the second with a `Z`, and `dateTimeTimeZone` pairs.

use std::borrow::Cow;

use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde_json::{Value, json};

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

/// Windows names of zones and the IANA zones that stand for them (Unicode CLDR, windowsZones, territory 001).
const WINDOWS: [(&str, &str); 62] = [
    ("Afghanistan Standard Time", "Asia/Kabul"),
    ("Alaskan Standard Time", "America/Anchorage"),
    ("Arab Standard Time", "Asia/Riyadh"),
    ("Arabian Standard Time", "Asia/Dubai"),
    ("Arabic Standard Time", "Asia/Baghdad"),
    ("Argentina Standard Time", "America/Buenos_Aires"),
    ("Atlantic Standard Time", "America/Halifax"),
    ("AUS Central Standard Time", "Australia/Darwin"),
    ("AUS Eastern Standard Time", "Australia/Sydney"),
    ("Azores Standard Time", "Atlantic/Azores"),
    ("Bangladesh Standard Time", "Asia/Dhaka"),
    ("Canada Central Standard Time", "America/Regina"),
    ("Cape Verde Standard Time", "Atlantic/Cape_Verde"),
    ("Cen. Australia Standard Time", "Australia/Adelaide"),
    ("Central America Standard Time", "America/Guatemala"),
    ("Central Asia Standard Time", "Asia/Bishkek"),
    ("Central Brazilian Standard Time", "America/Cuiaba"),
    ("Central Europe Standard Time", "Europe/Budapest"),
    ("Central European Standard Time", "Europe/Warsaw"),
    ("Central Pacific Standard Time", "Pacific/Guadalcanal"),
    ("Central Standard Time", "America/Chicago"),
    ("Central Standard Time (Mexico)", "America/Mexico_City"),
    ("China Standard Time", "Asia/Shanghai"),
    ("E. Africa Standard Time", "Africa/Nairobi"),
    ("E. Australia Standard Time", "Australia/Brisbane"),
    ("E. Europe Standard Time", "Europe/Chisinau"),
    ("E. South America Standard Time", "America/Sao_Paulo"),
    ("Eastern Standard Time", "America/New_York"),
    ("Egypt Standard Time", "Africa/Cairo"),
    ("FLE Standard Time", "Europe/Kiev"),
    ("Georgian Standard Time", "Asia/Tbilisi"),
    ("GMT Standard Time", "Europe/London"),
    ("Greenwich Standard Time", "Atlantic/Reykjavik"),
    ("GTB Standard Time", "Europe/Bucharest"),
    ("Hawaiian Standard Time", "Pacific/Honolulu"),
    ("India Standard Time", "Asia/Calcutta"),
    ("Iran Standard Time", "Asia/Tehran"),
    ("Israel Standard Time", "Asia/Jerusalem"),
    ("Jordan Standard Time", "Asia/Amman"),
    ("Korea Standard Time", "Asia/Seoul"),
    ("Middle East Standard Time", "Asia/Beirut"),
    ("Morocco Standard Time", "Africa/Casablanca"),
    ("Mountain Standard Time", "America/Denver"),
    ("Myanmar Standard Time", "Asia/Rangoon"),
    ("Nepal Standard Time", "Asia/Katmandu"),
    ("New Zealand Standard Time", "Pacific/Auckland"),
    ("Newfoundland Standard Time", "America/St_Johns"),
    ("Pacific SA Standard Time", "America/Santiago"),
    ("Pacific Standard Time", "America/Los_Angeles"),
    ("Pakistan Standard Time", "Asia/Karachi"),
    ("Romance Standard Time", "Europe/Paris"),
    ("Russian Standard Time", "Europe/Moscow"),
    ("SA Pacific Standard Time", "America/Bogota"),
    ("SE Asia Standard Time", "Asia/Bangkok"),
    ("Singapore Standard Time", "Asia/Singapore"),
    ("South Africa Standard Time", "Africa/Johannesburg"),
    ("Tokyo Standard Time", "Asia/Tokyo"),
    ("Turkey Standard Time", "Europe/Istanbul"),
    ("US Mountain Standard Time", "America/Phoenix"),
    ("W. Australia Standard Time", "Australia/Perth"),
    ("W. Europe Standard Time", "Europe/Berlin"),
    ("West Asia Standard Time", "Asia/Tashkent"),
];

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
    let known = WINDOWS.iter().find(|(windows, _)| windows.eq_ignore_ascii_case(name));
    let rules = TimeZone::get(known.map_or(name, |(_, iana)| iana)).ok()?;
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
    fn every_windows_zone_has_rules() {
        for (windows, _) in WINDOWS {
            assert!(zone(windows).is_some(), "{windows}");
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
