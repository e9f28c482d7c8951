//! `GetUserAvailability`: when others are free or busy.

use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};

use super::context::{Context, Refused};
use super::failure::Failure;
use super::fields::calendar::{END, START};
use super::fields::codec::{BUSY, word};
use super::fields::field::Slot;
use super::fields::props::{flag, integer, text, time};
use super::fields::times;
use super::item_ids;
use super::messages::{respond_plainly, write_message};
use super::occurrences;
use crate::mailbox::content::Content;
use crate::mailbox::item::Item;
use crate::mailbox::open::Open;
use crate::protocol::host::Host;
use crate::service::cost::Work;
use crate::wire::call::FolderKind;
use crate::wire::ews::xml::{Element, Writer};
use crate::wire::operation::Operation;

/// The most mailboxes of one request (Microsoft Learn, "`GetUserAvailability` operation": up to 100).
const MAILBOXES_MAX: usize = 100;

/// The longest time window in days (Microsoft Learn, "`TimeWindow`").
const WINDOW_MAX_DAYS: i64 = 62;

/// The shortest and the longest interval of merged times in minutes (Microsoft Learn,
/// "`MergedFreeBusyIntervalInMinutes`"), and the usual one.
const INTERVAL: (i64, i64, i64) = (5, 1_440, 30);

/// When people work whose calendars say nothing of it: from eight to five on weekdays (the hours that Outlook sets).
const WORKING_DAYS: &str = "Monday Tuesday Wednesday Thursday Friday";
const WORKING_MINUTES: (u32, u32) = (8 * 60, 17 * 60);

/// `PSETID_Appointment` and `PSETID_Common` (\[MS-OXPROPS\] 1.3.2), and properties of theirs: `PidLidBusyStatus`,
/// `PidLidLocation`, `PidLidAppointmentStateFlags`, `PidLidReminderSet`; and `PidTagSensitivity`.
const APPOINTMENT: u128 = 0x0006_2002_0000_0000_C000_0000_0000_0046;
const COMMON: u128 = 0x0006_2008_0000_0000_C000_0000_0000_0046;
const BUSY_STATUS: Slot = Slot::Id(APPOINTMENT, 0x8205);
const LOCATION: Slot = Slot::Id(APPOINTMENT, 0x8208);
const STATE_FLAGS: Slot = Slot::Id(APPOINTMENT, 0x8217);
const REMINDER_SET: Slot = Slot::Id(COMMON, 0x8503);
const SENSITIVITY: Slot = Slot::Tag(0x0036);

/// What is asked of every mailbox.
struct Asked {
    zone: TimeZone,
    /// The zone as the request describes it, as XML.
    described: Vec<u8>,
    from: Timestamp,
    to: Timestamp,
    interval: SignedDuration,
    view: &'static str,
}

/// Some time that is not free, or is said to be.
struct Engagement {
    from: Timestamp,
    to: Timestamp,
    busy: i32,
    item: std::sync::Arc<Item>,
    id: String,
    recurring: bool,
    changed: bool,
}

const VIEWS: [&str; 6] = ["None", "MergedOnly", "FreeBusy", "FreeBusyMerged", "Detailed", "DetailedMerged"];

/// Answers the operation. Times are told in the zone that the request describes.
pub(super) fn answer<H: Host>(request: &Element<'_>, context: &mut Context<'_, H>) -> Result<Vec<u8>, Refused> {
    let mailboxes = request.message("MailboxDataArray").map_or(&[][..], |mailboxes| &mailboxes.children);
    if mailboxes.is_empty() || mailboxes.len() > MAILBOXES_MAX {
        return Err(Refused::schema("there are no mailboxes, or too many"));
    }
    let asked = read(request)?;
    let mut views = Vec::with_capacity(mailboxes.len());
    for mailbox in mailboxes {
        let address = mailbox.typed("Email").and_then(|email| email.typed("Address")).map_or("", Element::text);
        let view = match (&asked, context.find(address)) {
            (Err(failure), _) => Err(*failure),
            (Ok(_), None) => Err(Failure::NO_RECIPIENT),
            (Ok(asked), Some(owner)) => Ok(context.perform(owner, Operation::Directory, |open| {
                let engagements = engagements(open, asked);
                let work = Work { items: engagements.len() as u64, ..Work::default() };
                (engagements, work)
            })?),
        };
        views.push(view);
    }
    Ok(respond_plainly("m:GetUserAvailabilityResponse", |writer| {
        writer.open("m:FreeBusyResponseArray", &[]);
        for view in &views {
            let outcome = view.as_ref().map(|_| ()).map_err(|failure| *failure);
            writer.open("m:FreeBusyResponse", &[]);
            write_message(writer, "m:ResponseMessage", outcome, |_| {});
            if let (Ok(engagements), Ok(asked)) = (view, &asked) {
                write_view(writer, asked, engagements);
            }
            writer.close("m:FreeBusyResponse");
        }
        writer.close("m:FreeBusyResponseArray");
    }))
}

fn read(request: &Element<'_>) -> Result<Result<Asked, Failure>, Refused> {
    let options = request.typed("FreeBusyViewOptions").ok_or_else(|| Refused::schema("the view is missing"))?;
    let (zone, described) = match request.typed("TimeZone") {
        Some(described) => {
            let zone = read_zone(described).ok_or_else(|| Refused::schema("the time zone is invalid"))?;
            let mut writer = Writer::cleaning_fragment();
            writer.copy(described);
            (zone, writer.finish())
        }
        None => (TimeZone::UTC, describe_utc()),
    };
    let window = options.typed("TimeWindow");
    let moment = |name| times::read(window?.typed(name)?.text(), &zone);
    let (Some(from), Some(to)) = (moment("StartTime"), moment("EndTime")) else {
        return Err(Refused::schema("the time window is missing or invalid"));
    };
    let view = options.typed("RequestedView").map_or("Detailed", Element::text);
    let view = VIEWS.iter().find(|known| **known == view);
    let view = view.ok_or_else(|| Refused::schema("there is no such view"))?;
    let (shortest, longest, usual) = INTERVAL;
    let minutes = options.typed("MergedFreeBusyIntervalInMinutes").map(|minutes| minutes.text().parse().ok());
    let minutes = minutes.unwrap_or(Some(usual)).ok_or_else(|| Refused::schema("the interval is invalid"))?;
    if !(shortest..=longest).contains(&minutes) {
        return Ok(Err(Failure::MERGED_INTERVAL));
    }
    if from >= to {
        return Ok(Err(Failure::TIME_INTERVAL));
    }
    if to.duration_since(from) > SignedDuration::from_hours(24 * WINDOW_MAX_DAYS) {
        return Ok(Err(Failure::TIME_INTERVAL_TOO_BIG));
    }
    Ok(Ok(Asked { zone, described, from, to, interval: SignedDuration::from_mins(minutes), view }))
}

/// The zone that a `TimeZone` describes, by way of the POSIX notation: the bias is what is added to local time for UTC,
/// and a month of zero says that clocks do not change.
fn read_zone(described: &Element<'_>) -> Option<TimeZone> {
    const DAYS: [&str; 7] = ["Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"];
    // Numbers that are larger mean nothing here.
    let number = |holder: &Element<'_>, name: &str| holder.typed(name)?.text().parse::<i16>().ok().map(i32::from);
    let bias = number(described, "Bias")?;
    let clock = |minutes: i32| {
        let sign = if minutes < 0 { "-" } else { "" };
        format!("{sign}{}:{:02}", minutes.abs() / 60, minutes.abs() % 60)
    };
    let change = |name: &str| {
        let change = described.typed(name)?;
        let (month, order) = (number(change, "Month")?, number(change, "DayOrder")?);
        let day = DAYS.iter().position(|day| *day == change.typed("DayOfWeek").map_or("", Element::text))?;
        let order = if order < 0 { 5 } else { order };
        let time = change.typed("Time").map_or("00:00:00", Element::text);
        Some((month > 0, number(change, "Bias")?, format!("M{month}.{order}.{day}/{time}")))
    };
    let posix = match (change("StandardTime"), change("DaylightTime")) {
        (Some((true, standard, winter)), Some((true, daylight, summer))) => {
            format!("<STD>{}<DST>{},{summer},{winter}", clock(bias + standard), clock(bias + daylight))
        }
        (standard, _) => format!("<STD>{}", clock(bias + standard.map_or(0, |(_, bias, _)| bias))),
    };
    TimeZone::posix(&posix).ok()
}

fn describe_utc() -> Vec<u8> {
    let mut writer = Writer::fragment();
    writer.open("t:TimeZone", &[]);
    writer.leaf("t:Bias", "0");
    for name in ["t:StandardTime", "t:DaylightTime"] {
        writer.open(name, &[]);
        let parts = [("t:Bias", "0"), ("t:Time", "00:00:00"), ("t:DayOrder", "0"), ("t:Month", "0")];
        for (part, value) in parts {
            writer.leaf(part, value);
        }
        writer.leaf("t:DayOfWeek", "Sunday");
        writer.close(name);
    }
    writer.close("t:TimeZone");
    writer.finish()
}

/// What the calendar holds within the time asked for, by start.
fn engagements<C: Content>(open: &mut Open<'_, C>, asked: &Asked) -> Vec<Engagement> {
    let Some(calendar) = open.default_folder(FolderKind::Calendar) else { return Vec::new() };
    let mut found = Vec::new();
    for number in open.list(calendar) {
        let Ok(item) = open.item(number) else { continue };
        let mailbox = open.mailbox();
        let mut add = |item: std::sync::Arc<Item>, original, changed| {
            let (Some(from), Some(to)) = (time(&item, START), time(&item, END)) else { return };
            if from < asked.to && to > asked.from {
                let busy = integer(&item, BUSY_STATUS).unwrap_or(2);
                let id = item_ids::item(mailbox, number, original);
                found.push(Engagement { from, to, busy, item, id, recurring: original.is_some(), changed });
            }
        };
        if item.recurrence.is_none() {
            add(item, None, false);
        } else {
            let shown = occurrences::within(&item, asked.from, asked.to);
            for one in shown {
                add(one.item, Some(one.original_start), one.changed);
            }
        }
    }
    found.sort_by_key(|engagement| (engagement.from, engagement.to));
    found
}

/// One digit for each interval: the most engaged state within it, where tentative comes before busy and busy before
/// away; working elsewhere counts for least but free.
fn merged(asked: &Asked, engagements: &[Engagement]) -> String {
    let rank = |busy: i32| if busy == 4 { 1 } else { busy * 2 };
    let mut digits = String::new();
    let mut from = asked.from;
    while from < asked.to {
        let to = from.checked_add(asked.interval).unwrap_or(asked.to);
        let within = engagements.iter().filter(|one| one.from < to && one.to > from);
        let busy = within.map(|one| one.busy.clamp(0, 4)).max_by_key(|busy| rank(*busy)).unwrap_or(0);
        digits.extend(char::from_digit(busy.cast_unsigned(), 10));
        from = to;
    }
    digits
}

fn write_view(writer: &mut Writer, asked: &Asked, engagements: &[Engagement]) {
    let local = |moment: Timestamp| asked.zone.to_datetime(moment).strftime("%Y-%m-%dT%H:%M:%S").to_string();
    writer.open("m:FreeBusyView", &[]);
    writer.leaf("t:FreeBusyViewType", asked.view);
    if asked.view.contains("Merged") {
        writer.leaf("t:MergedFreeBusy", &merged(asked, engagements));
    }
    if !engagements.is_empty() && !matches!(asked.view, "None" | "MergedOnly") {
        writer.open("t:CalendarEventArray", &[]);
        for engagement in engagements {
            writer.open("t:CalendarEvent", &[]);
            writer.leaf("t:StartTime", &local(engagement.from));
            writer.leaf("t:EndTime", &local(engagement.to));
            writer.leaf("t:BusyType", word(&BUSY, engagement.busy));
            if asked.view.starts_with("Detailed") {
                write_details(writer, engagement);
            }
            writer.close("t:CalendarEvent");
        }
        writer.close("t:CalendarEventArray");
    }
    let (start, end) = WORKING_MINUTES;
    writer.open("t:WorkingHours", &[]);
    writer.raw(&asked.described);
    writer.open("t:WorkingPeriodArray", &[]);
    writer.open("t:WorkingPeriod", &[]);
    writer.leaf("t:DayOfWeek", WORKING_DAYS);
    writer.leaf("t:StartTimeInMinutes", &start.to_string());
    writer.leaf("t:EndTimeInMinutes", &end.to_string());
    writer.close("t:WorkingPeriod");
    writer.close("t:WorkingPeriodArray");
    writer.close("t:WorkingHours");
    writer.close("m:FreeBusyView");
}

fn write_details(writer: &mut Writer, engagement: &Engagement) {
    let item = &*engagement.item;
    let yes = |yes: bool| if yes { "true" } else { "false" };
    writer.open("t:CalendarEventDetails", &[]);
    writer.leaf("t:ID", &engagement.id);
    writer.leaf("t:Subject", text(item, Slot::Tag(0x0037)).map_or("", |subject| subject));
    writer.leaf("t:Location", text(item, LOCATION).map_or("", |location| location));
    writer.leaf("t:IsMeeting", yes(integer(item, STATE_FLAGS).unwrap_or(0) & 1 != 0));
    writer.leaf("t:IsRecurring", yes(engagement.recurring));
    writer.leaf("t:IsException", yes(engagement.changed));
    writer.leaf("t:IsReminderSet", yes(flag(item, REMINDER_SET)));
    writer.leaf("t:IsPrivate", yes(integer(item, SENSITIVITY).unwrap_or(0) == 2));
    writer.close("t:CalendarEventDetails");
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::ews::xml::{TYPES_URI, parse};

    #[test]
    fn a_described_zone_is_the_zone_that_it_describes() {
        let text = format!(
            "<TimeZone xmlns=\"{TYPES_URI}\"><Bias>-60</Bias><StandardTime><Bias>0</Bias><Time>03:00:00</Time>\
             <DayOrder>5</DayOrder><Month>10</Month><DayOfWeek>Sunday</DayOfWeek></StandardTime><DaylightTime>\
             <Bias>-60</Bias><Time>02:00:00</Time><DayOrder>5</DayOrder><Month>3</Month><DayOfWeek>Sunday</DayOfWeek>\
             </DaylightTime></TimeZone>"
        );
        let zone = read_zone(&parse(text.as_bytes(), 10_000).expect("it is XML")).expect("it is a zone");
        let copenhagen = TimeZone::get("Europe/Copenhagen").expect("the zone is bundled");
        for moment in ["2026-01-15T12:00:00Z", "2026-03-29T00:59:59Z", "2026-03-29T01:00:00Z", "2026-10-25T01:00:00Z"] {
            let moment: Timestamp = moment.parse().expect("it is a moment");
            assert_eq!(zone.to_offset(moment), copenhagen.to_offset(moment), "{moment}");
        }
        let utc = describe_utc();
        let utc = format!("<a xmlns:t=\"{TYPES_URI}\">{}</a>", String::from_utf8_lossy(&utc));
        let utc = parse(utc.as_bytes(), 10_000).expect("it is XML");
        assert_eq!(read_zone(&utc.children[0]).map(|zone| zone.to_offset(Timestamp::UNIX_EPOCH).seconds()), Some(0));
    }

    #[test]
    fn a_zone_far_from_everywhere_is_refused() {
        for bias in [i32::MIN, i32::MAX, 100_000] {
            let text = format!("<TimeZone xmlns=\"{TYPES_URI}\"><Bias>{bias}</Bias></TimeZone>");
            assert_eq!(read_zone(&parse(text.as_bytes(), 10_000).expect("it is XML")), None, "{bias}");
        }
    }

    #[test]
    fn merged_times_show_the_most_engaged_state_of_each_interval() {
        let at = |minute: i64| Timestamp::from_second(minute * 60).expect("in range");
        let engagement = |from, to, busy| Engagement {
            from: at(from),
            to: at(to),
            busy,
            item: Item::default().into(),
            id: String::new(),
            recurring: false,
            changed: false,
        };
        let asked = Asked {
            zone: TimeZone::UTC,
            described: Vec::new(),
            from: at(0),
            to: at(120),
            interval: SignedDuration::from_mins(30),
            view: "MergedOnly",
        };
        let engagements = [engagement(0, 30, 1), engagement(20, 40, 2), engagement(90, 130, 3), engagement(90, 95, 4)];
        assert_eq!(merged(&asked, &engagements), "2203");
    }
}
