//! Fields of all items that are more than one property.

use std::sync::Arc;

use bytes::Bytes;
use jiff::Timestamp;
use jiff::tz::TimeZone;

use super::codec::{base64, first_characters, read_bool};
use super::field::Slot;
use super::props::{flag, get, integer, put_slot, text, time};
use super::scene::Scene;
use super::sort::Sort;
use super::special::Special;
use super::{people, times};
use crate::mailbox::item::{Item, Role};
use crate::mailbox::property::Value;
use crate::protocol::ews::failure::Failure;
use crate::protocol::ews::item_ids;
use crate::wire::ews::xml::{Element, Writer};
use crate::wire::id::MailboxKey;

/// Tags of properties that are computed (\[MS-OXPROPS\]).
pub(in super::super) mod tags {
    /// `PidTagMessageSize`.
    pub(in super::super::super) const MESSAGE_SIZE: u16 = 0x0E08;
    /// `PidTagMessageSizeExtended` shares the number; this is `PidTagNormalMessageSize`.
    pub(in super::super::super) const MESSAGE_SIZE_EXTENDED: u16 = 0x66B3;
    /// `PidTagMessageClass`.
    pub(in super::super::super) const MESSAGE_CLASS: u16 = 0x001A;
    /// `PidTagHasAttachments`.
    pub(in super::super::super) const HAS_ATTACHMENTS: u16 = 0x0E1B;
    /// `PidTagRead`.
    pub(in super::super::super) const READ: u16 = 0x0E69;
    /// `PidTagMessageFlags`.
    pub(in super::super::super) const MESSAGE_FLAGS: u16 = 0x0E07;
    /// `PidTagRecordKey`.
    pub(in super::super::super) const RECORD_KEY: u16 = 0x0FF9;
    /// `PidTagEntryId`.
    pub(in super::super::super) const ENTRY_ID: u16 = 0x0FFF;
    /// `PidTagInstanceKey`.
    pub(in super::super::super) const INSTANCE_KEY: u16 = 0x0FF6;
    /// `PidTagInternetArticleNumber`, which IMAP servers use as UID.
    pub(in super::super::super) const ARTICLE_NUMBER: u16 = 0x0E23;
    /// `PidTagUrlCompName`.
    pub(in super::super::super) const URL_NAME: u16 = 0x10F3;
    /// `PidTagDisplayTo`.
    pub(in super::super::super) const DISPLAY_TO: u16 = 0x0E04;
    /// `PidTagDisplayCc`.
    pub(in super::super::super) const DISPLAY_CC: u16 = 0x0E03;
    /// `PidTagDisplayBcc`.
    pub(in super::super::super) const DISPLAY_BCC: u16 = 0x0E02;
}

/// `PidTagMessageFlags` (\[MS-OXCMSG\] 2.2.1.6).
pub(in super::super) const FLAGS_SLOT: Slot = Slot::Tag(tags::MESSAGE_FLAGS);
/// `PidTagSubject` (\[MS-OXPROPS\] 2.1033).
pub(in super::super) const SUBJECT: Slot = Slot::Tag(0x0037);
/// `PidTagCreationTime` (\[MS-OXPROPS\] 2.643).
const CREATED: Slot = Slot::Tag(0x3007);
/// `PidTagLastModificationTime` (\[MS-OXPROPS\] 2.764).
const MODIFIED: Slot = Slot::Tag(0x3008);
/// `PidTagLastModifierName` (\[MS-OXPROPS\] 2.765).
const MODIFIED_BY: Slot = Slot::Tag(0x3FFA);
/// `PidTagMessageDeliveryTime` (\[MS-OXOMSG\] 2.2.3.9).
pub(in super::super) const RECEIVED: Slot = Slot::Tag(0x0E06);
/// `PidTagClientSubmitTime` (\[MS-OXOMSG\] 2.2.3.11).
pub(in super::super) const SENT: Slot = Slot::Tag(0x0039);
/// `PidTagConversationTopic` (\[MS-OXOMSG\] 2.2.1.5).
const TOPIC: Slot = Slot::Tag(0x0070);
/// `PidTagFlagStatus` (\[MS-OXOFLAG\] 2.2.1.1).
const FLAG_STATUS: Slot = Slot::Tag(0x1090);
/// `PidTagFlagCompleteTime` (\[MS-OXOFLAG\] 2.2.1.3).
const FLAG_COMPLETE: Slot = Slot::Tag(0x1091);
/// `PSETID_Task`, where the dates of a flag are kept (\[MS-OXOFLAG\] 2.2.1.10).
const TASK: u128 = 0x0006_2003_0000_0000_C000_0000_0000_0046;
const FLAG_START: Slot = Slot::Id(TASK, 0x8104);
const FLAG_DUE: Slot = Slot::Id(TASK, 0x8105);
/// The culture of an item. MAPI keeps a number (`PidTagMessageLocaleId`); the name that clients write is kept here.
const CULTURE: Slot = Slot::Name(0x0002_0386_0000_0000_C000_0000_0000_0046, "Content-Language");
/// `PidLidReminderDelta` (\[MS-OXORMDR\] 2.2.1.3).
const REMINDER_DELTA: Slot = Slot::Id(0x0006_2008_0000_0000_C000_0000_0000_0046, 0x8501);
/// `PidTagTransportMessageHeaders` (\[MS-OXOMSG\] 2.2.1.61).
const HEADERS: Slot = Slot::Tag(0x007D);

/// The most characters of a subject (Exchange cuts there; seen by exchangelib's tests).
const SUBJECT_CHARACTERS: usize = 255;

/// Whether a field was written.
pub(super) enum Written {
    /// As far as there is something to write.
    Yes,
    /// No: it is its value as text.
    AsValue,
}

/// The flags of a message.
pub(in super::super) fn flags(item: &Item) -> i32 {
    let kept = integer(item, FLAGS_SLOT).unwrap_or(0);
    if has_attachments(item) { kept | 0x10 } else { kept & !0x10 }
}

/// Sets or clears flags of a message.
pub(in super::super) fn set_flags(item: &mut Item, bits: i32, on: bool) {
    let old = integer(item, FLAGS_SLOT).unwrap_or(0);
    put_slot(item, FLAGS_SLOT, Some(Value::Integer(if on { old | bits } else { old & !bits })));
}

/// Whether it has attachments that are not part of its body.
pub(in super::super) fn has_attachments(item: &Item) -> bool {
    item.attachments.iter().any(|attachment| !attachment.inline)
}

/// A binary identifier of an item that stays the same.
pub(in super::super) fn entry_id(mailbox: MailboxKey, number: u64) -> Bytes {
    let mut bytes = Vec::with_capacity(12);
    bytes.extend(mailbox.0.to_be_bytes());
    bytes.extend(number.to_be_bytes());
    Bytes::from(bytes)
}

/// What the item is called in a URL.
pub(in super::super) fn url_name(item: &Item) -> String {
    let subject = text(item, SUBJECT).map_or("", |subject| subject);
    let safe: String =
        subject.chars().map(|c| if c.is_alphanumeric() || " -_.".contains(c) { c } else { '_' }).collect();
    format!("{safe}.EML")
}

/// The names of the recipients of a role, by the tag of the property that shows them.
pub(in super::super) fn display(item: &Item, tag: u16) -> String {
    people::display(
        item,
        match tag {
            tags::DISPLAY_TO => Role::To,
            tags::DISPLAY_CC => Role::Cc,
            _ => Role::Bcc,
        },
    )
}

/// A value as text.
pub(super) fn show(value: &Value) -> Option<String> {
    Some(match value {
        Value::Bool(value) => value.to_string(),
        Value::Integer(value) => value.to_string(),
        Value::Long(value) => value.to_string(),
        Value::Double(value) => value.to_string(),
        Value::Text(value) => value.to_string(),
        Value::Time(value) => times::write(*value),
        Value::Binary(value) => base64(value),
        _ => return None,
    })
}

/// Writes those fields that are not their value as text.
pub(super) fn write(special: Special, writer: &mut Writer, name: &str, scene: &Scene<'_>) -> Written {
    match special {
        Special::ItemId => write_item_id(writer, name, scene),
        Special::ParentFolder => {
            if scene.within.is_empty() {
                let (id, key) = item_ids::folder(scene.viewer.mailbox, scene.place.folder);
                writer.empty(name, &[("Id", &id), ("ChangeKey", &key)]);
            }
        }
        Special::Headers => write_headers(writer, name, scene),
        Special::ResponseObjects => write_responses(writer, name, scene),
        Special::EffectiveRights => {
            writer.open(name, &[]);
            for (right, granted) in [
                ("t:CreateAssociated", "false"),
                ("t:CreateContents", "false"),
                ("t:CreateHierarchy", "false"),
                ("t:Delete", "true"),
                ("t:Modify", "true"),
                ("t:Read", "true"),
                ("t:ViewPrivateItems", "true"),
            ] {
                writer.leaf(right, granted);
            }
            writer.close(name);
        }
        Special::ConversationId => {
            if Sort::of_class(&scene.item.class).is_message() {
                writer.empty(name, &[("Id", &item_ids::conversation(scene.viewer.mailbox, &topic(scene.item)))]);
            }
        }
        Special::Flag => write_flag(writer, name, scene.item),
        _ => return Written::AsValue,
    }
    Written::Yes
}

/// Writes the reference of an item.
pub(in super::super) fn write_item_id(writer: &mut Writer, name: &str, scene: &Scene<'_>) {
    // An attached item has no identifier of its own.
    if scene.within.is_empty() {
        let id = item_ids::item(scene.viewer.mailbox, scene.place.number, scene.series.original_start());
        let key = item_ids::change_key(scene.viewer.mailbox, scene.place.version);
        writer.empty(name, &[("Id", &id), ("ChangeKey", &key)]);
    }
}

/// What a conversation is told apart by: the subject without its prefixes.
fn topic(item: &Item) -> String {
    let subject = text(item, TOPIC).or_else(|| text(item, SUBJECT)).map_or("", |subject| subject);
    normalized(subject).to_lowercase()
}

/// A subject without the marks of answers and forwards (\[MS-OXCMSG\] 3.2.1.4: up to three letters and a colon).
pub(in super::super) fn normalized(subject: &str) -> &str {
    let mut rest = subject.trim();
    while let Some((mark, more)) = rest.split_once(':') {
        if (1..=3).contains(&mark.chars().count()) && mark.chars().all(char::is_alphabetic) && more.starts_with(' ') {
            rest = more.trim_start();
        } else {
            break;
        }
    }
    rest
}

fn write_headers(writer: &mut Writer, name: &str, scene: &Scene<'_>) {
    let headers = match text(scene.item, HEADERS) {
        Some(headers) => headers.to_string(),
        None if scene.item.mime.is_some() => {
            let mime = scene.item.to_mime();
            let text = String::from_utf8_lossy(&mime);
            let end = text.find("\r\n\r\n").or_else(|| text.find("\n\n")).unwrap_or(text.len());
            text[..end].to_owned()
        }
        None => return,
    };
    let mut unfolded: Vec<(String, String)> = Vec::new();
    for line in headers.lines() {
        match (line.starts_with([' ', '\t']), unfolded.last_mut(), line.split_once(':')) {
            (true, Some((_, value)), _) => {
                value.push(' ');
                value.push_str(line.trim());
            }
            (false, _, Some((header, value))) => unfolded.push((header.trim().to_owned(), value.trim().to_owned())),
            _ => {}
        }
    }
    if unfolded.is_empty() {
        return;
    }
    writer.open(name, &[]);
    for (header, value) in &unfolded {
        writer.leaf_with("t:InternetMessageHeader", &[("HeaderName", header)], value);
    }
    writer.close(name);
}

fn write_responses(writer: &mut Writer, name: &str, scene: &Scene<'_>) {
    let draft = flags(scene.item) & 0x08 != 0;
    let possible: &[&str] = match Sort::of_class(&scene.item.class) {
        Sort::CalendarItem if super::calendar::is_organizer(scene) => {
            if super::calendar::is_meeting(scene.item) {
                &["t:CancelCalendarItem", "t:ForwardItem"]
            } else {
                &["t:ForwardItem"]
            }
        }
        // A meeting that somebody else organizes is answered like its invitation.
        Sort::MeetingRequest | Sort::CalendarItem => &[
            "t:AcceptItem",
            "t:TentativelyAcceptItem",
            "t:DeclineItem",
            "t:ReplyToItem",
            "t:ReplyAllToItem",
            "t:ForwardItem",
        ],
        Sort::MeetingCancellation => &["t:RemoveItem", "t:ReplyToItem", "t:ReplyAllToItem", "t:ForwardItem"],
        Sort::PostItem => &["t:ReplyToItem", "t:ReplyAllToItem", "t:ForwardItem", "t:PostReplyItem"],
        sort if sort.is_message() && !draft => &["t:ReplyToItem", "t:ReplyAllToItem", "t:ForwardItem"],
        _ => &["t:ForwardItem"],
    };
    writer.open(name, &[]);
    for response in possible {
        writer.empty(response, &[]);
    }
    writer.close(name);
}

fn write_flag(writer: &mut Writer, name: &str, item: &Item) {
    writer.open(name, &[]);
    let status = match integer(item, FLAG_STATUS) {
        Some(1) => "Complete",
        Some(2) => "Flagged",
        _ => "NotFlagged",
    };
    writer.leaf("t:FlagStatus", status);
    if status != "NotFlagged" {
        for (element, slot) in [("t:StartDate", FLAG_START), ("t:DueDate", FLAG_DUE), ("t:CompleteDate", FLAG_COMPLETE)]
        {
            if let Some(moment) = time(item, slot) {
                writer.leaf(element, &times::write(moment));
            }
        }
    }
    writer.close(name);
}

/// What an item has in the field.
pub(super) fn value(special: Special, scene: &Scene<'_>) -> Option<Value> {
    let item = scene.item;
    Some(match special {
        Special::Class => Value::Text(Arc::clone(&item.class)),
        Special::Subject => Value::Text(Arc::clone(text(item, SUBJECT)?)),
        Special::Size => Value::Integer(i32::try_from(scene.place.size).unwrap_or(i32::MAX)),
        Special::Bit(bits) => Value::Bool(flags(item) & bits != 0),
        Special::ReminderMinutes => Value::Integer(integer(item, REMINDER_DELTA).unwrap_or(0)),
        Special::Display(role) => Value::Text(people::display(item, role).into()),
        Special::HasAttachments => Value::Bool(has_attachments(item)),
        Special::Culture => Value::Text(text(item, CULTURE).cloned().unwrap_or_else(|| Arc::from("en-US"))),
        Special::WebForm(edit) => {
            let id = item_ids::item(scene.viewer.mailbox, scene.place.number, scene.series.original_start());
            let view = if edit {
                "&exvsurl=1&viewmodel=ReadMessageItem&edit=1"
            } else {
                "&exvsurl=1&viewmodel=ReadMessageItem"
            };
            Value::Text(format!("?ItemID={}{view}", id.replace('=', "%3D")).into())
        }
        Special::EntryId | Special::InstanceKey => Value::Binary(entry_id(scene.viewer.mailbox, scene.place.number)),
        Special::IconIndex => Value::Text("Default".into()),
        _ => return None,
    })
}

/// Sets the field.
pub(super) fn set(special: Special, item: &mut Item, element: &Element<'_>, zone: &TimeZone) -> Result<(), Failure> {
    match special {
        Special::Class if element.text().is_empty() => return Err(Failure::PROPERTY_VALUE),
        Special::Class => item.class = Arc::from(element.text()),
        Special::Subject => set_subject(item, element.whole_text()),
        Special::Bit(bits) => set_flags(item, bits, read_bool(element.text()).ok_or(Failure::PROPERTY_VALUE)?),
        Special::ReminderMinutes => {
            let minutes: i32 = element.text().parse().map_err(|_| Failure::PROPERTY_VALUE)?;
            put_slot(item, REMINDER_DELTA, Some(Value::Integer(minutes)));
        }
        Special::Culture => put_slot(item, CULTURE, Some(Value::Text(Arc::from(element.text())))),
        Special::Flag => {
            let status = match element.typed("FlagStatus").map(Element::text) {
                Some("NotFlagged") => None,
                Some("Flagged") => Some(2),
                Some("Complete") => Some(1),
                _ => return Err(Failure::PROPERTY_VALUE),
            };
            put_slot(item, FLAG_STATUS, status.map(Value::Integer));
            for (name, slot) in [("StartDate", FLAG_START), ("DueDate", FLAG_DUE), ("CompleteDate", FLAG_COMPLETE)] {
                let moment = element.typed(name).and_then(|moment| times::read(moment.text(), zone));
                put_slot(item, slot, moment.map(Value::Time));
            }
        }
        _ => return Err(Failure::PROPERTY_SET),
    }
    Ok(())
}

/// Gives an item a subject. The topic of its conversation follows it.
pub(in super::super) fn set_subject(item: &mut Item, subject: &str) {
    let subject = first_characters(subject, SUBJECT_CHARACTERS);
    put_slot(item, TOPIC, Some(Value::Text(Arc::from(normalized(subject)))));
    put_slot(item, SUBJECT, Some(Value::Text(Arc::from(subject))));
}

/// Takes the field away.
pub(super) fn clear(special: Special, item: &mut Item) -> Result<(), Failure> {
    match special {
        Special::Subject => put_slot(item, SUBJECT, None),
        Special::ReminderMinutes => put_slot(item, REMINDER_DELTA, None),
        Special::Culture => put_slot(item, CULTURE, None),
        Special::Flag => [FLAG_STATUS, FLAG_COMPLETE].into_iter().for_each(|slot| put_slot(item, slot, None)),
        _ => return Err(Failure::PROPERTY_DELETE),
    }
    Ok(())
}

/// Gives a new item what every item has: when it was made and changed, and when it arrived and was sent.
pub(in super::super) fn complete(item: &mut Item, wall: Timestamp) {
    let now = Some(Value::Time(times::whole(wall)));
    for slot in [CREATED, MODIFIED] {
        put_slot(item, slot, now.clone());
    }
    let sent = time(item, SENT);
    let received = time(item, RECEIVED);
    let moment = |known: Option<Timestamp>| Some(Value::Time(known.unwrap_or(times::whole(wall))));
    put_slot(item, SENT, moment(sent.or(received)));
    put_slot(item, RECEIVED, moment(received.or(sent)));
}

/// Says that an item was changed.
pub(in super::super) fn touch(item: &mut Item, wall: Timestamp, by: &str) {
    put_slot(item, MODIFIED, Some(Value::Time(times::whole(wall))));
    put_slot(item, MODIFIED_BY, Some(Value::Text(Arc::from(by))));
}

/// When a meeting begins, for ordering.
pub(in super::super) fn start(item: &Item) -> Option<Timestamp> {
    time(item, super::calendar::START)
}

/// Whether a reminder is set.
pub(in super::super) fn reminds(item: &Item) -> bool {
    flag(item, Slot::Id(0x0006_2008_0000_0000_C000_0000_0000_0046, 0x8503))
}

/// Whether an item has a property.
pub(in super::super) fn has(item: &Item, slot: Slot) -> bool {
    get(item, &slot.property()).is_some()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_subject_loses_the_marks_of_answers_and_forwards() {
        for (subject, topic) in [
            ("Re: FW: hello", "hello"),
            ("hello", "hello"),
            ("Note: hello", "Note: hello"),
            ("AW: Re:hello", "Re:hello"),
            ("", ""),
        ] {
            assert_eq!(normalized(subject), topic);
        }
    }
}
