//! The table of fields: for every sort of item, its fields in the order of the schema (`types.xsd`, `V2016_10_10`).
//!
//! Which fields the shape `Default` holds is that of "Property sets and response shapes in EWS" (Microsoft Learn).

use super::codec::{BUSY, FILE_AS, IMPORTANCE, POSTAL, RESPONSE_TYPES, SENSITIVITY};
use super::field::Codec::{Absent, Attendees, Binary, Bool, Choice, Flag, Integer, Mailbox, People, Text, Texts};
use super::field::Slot::{Id, Name, Tag};
use super::field::{BLIND, Codec, DEFAULT, DRAFT, EXTRA, Field, GET, KEEP, SET};
use super::sort::Sort;
use super::special::Special as S;
use crate::mailbox::item::Role;

mod calendar;
mod contact;
mod task;
#[cfg(test)]
mod tests;

use Codec::{Special, Time};

/// `PSETID_Appointment` (\[MS-OXPROPS\] 1.3.2).
const APPOINTMENT: u128 = 0x0006_2002_0000_0000_C000_0000_0000_0046;
/// `PSETID_Common` (\[MS-OXPROPS\] 1.3.2).
const COMMON: u128 = 0x0006_2008_0000_0000_C000_0000_0000_0046;
/// `PSETID_Address` (\[MS-OXPROPS\] 1.3.2).
const ADDRESS: u128 = 0x0006_2004_0000_0000_C000_0000_0000_0046;
/// `PSETID_Task` (\[MS-OXPROPS\] 1.3.2).
const TASK: u128 = 0x0006_2003_0000_0000_C000_0000_0000_0046;
/// `PS_PUBLIC_STRINGS` (\[MS-OXPROPS\] 1.3.2).
const PUBLIC_STRINGS: u128 = 0x0002_0329_0000_0000_C000_0000_0000_0046;

const fn f(uri: &'static str, codec: Codec, flags: u8) -> Field {
    Field::new(uri, codec, flags)
}

/// Fields of all items that stand before the extended properties.
static HEAD: [Field; 31] = [
    f("item:MimeContent", Special(S::Mime), SET | GET | BLIND | EXTRA | DRAFT),
    f("item:ItemId", Special(S::ItemId), DEFAULT | BLIND),
    f("item:ParentFolderId", Special(S::ParentFolder), BLIND),
    f("item:ItemClass", Special(S::Class), SET | KEEP),
    f("item:Subject", Special(S::Subject), DEFAULT | SET),
    f("item:Sensitivity", Choice(Tag(0x0036), &SENSITIVITY), DEFAULT | SET),
    f("item:Body", Special(S::Body), DEFAULT | SET | GET),
    f("item:Attachments", Special(S::Attachments), DEFAULT | GET | BLIND),
    f("item:DateTimeReceived", Time(Tag(0x0E06)), 0),
    f("item:Size", Special(S::Size), DEFAULT),
    f("item:Categories", Texts(Name(PUBLIC_STRINGS, "Keywords")), SET),
    f("item:Importance", Choice(Tag(0x0017), &IMPORTANCE), SET),
    f("item:InReplyTo", Text(Tag(0x1042)), SET),
    f("item:IsSubmitted", Special(S::Bit(0x04)), 0),
    f("item:IsDraft", Special(S::Bit(0x08)), 0),
    f("item:IsFromMe", Special(S::Bit(0x20)), 0),
    f("item:IsResend", Special(S::Bit(0x80)), 0),
    f("item:IsUnmodified", Special(S::Bit(0x02)), 0),
    f("item:InternetMessageHeaders", Special(S::Headers), GET | BLIND),
    f("item:DateTimeSent", Time(Tag(0x0039)), DEFAULT),
    f("item:DateTimeCreated", Time(Tag(0x3007)), DEFAULT),
    f("item:ResponseObjects", Special(S::ResponseObjects), DEFAULT | GET | BLIND),
    f("item:ReminderDueBy", Time(Id(COMMON, 0x8502)), SET),
    f("item:ReminderIsSet", Flag(Id(COMMON, 0x8503)), SET | KEEP),
    f("item:ReminderNextTime", Time(Id(COMMON, 0x8560)), 0),
    f("item:ReminderMinutesBeforeStart", Special(S::ReminderMinutes), SET),
    f("item:DisplayCc", Special(S::Display(Role::Cc)), 0),
    f("item:DisplayTo", Special(S::Display(Role::To)), 0),
    f("item:DisplayBcc", Special(S::Display(Role::Bcc)), EXTRA),
    f("item:HasAttachments", Special(S::HasAttachments), DEFAULT),
    // The schema has no place for it in answers: what it asks for is written as MimeContent.
    f("item:MimeContentUTF8", Absent, GET | BLIND | EXTRA),
];

/// Fields of all items that stand behind the extended properties.
static TAIL: [Field; 41] = [
    f("item:Culture", Special(S::Culture), SET | BLIND | KEEP),
    f("item:EffectiveRights", Special(S::EffectiveRights), BLIND),
    f("item:LastModifiedName", Text(Tag(0x3FFA)), 0),
    f("item:LastModifiedTime", Time(Tag(0x3008)), 0),
    f("item:IsAssociated", Special(S::Bit(0x40)), 0),
    f("item:WebClientReadFormQueryString", Special(S::WebForm(false)), BLIND),
    f("item:WebClientEditFormQueryString", Special(S::WebForm(true)), BLIND),
    f("item:ConversationId", Special(S::ConversationId), BLIND),
    f("item:UniqueBody", Special(S::UniqueBody), GET | BLIND | EXTRA),
    f("item:Flag", Special(S::Flag), SET | BLIND),
    f("item:StoreEntryId", Special(S::EntryId), BLIND | EXTRA),
    f("item:InstanceKey", Special(S::InstanceKey), BLIND),
    f("item:NormalizedBody", Special(S::NormalizedBody), GET | BLIND | EXTRA),
    f("item:EntityExtractionResult", Absent, GET | BLIND),
    f("item:PolicyTag", Absent, BLIND),
    f("item:ArchiveTag", Absent, BLIND),
    f("item:RetentionDate", Absent, BLIND),
    f("item:Preview", Special(S::Preview), BLIND),
    f("item:RightsManagementLicenseData", Absent, BLIND),
    f("item:PredictedActionReasons", Absent, BLIND),
    f("item:IsClutter", Flag(Name(PUBLIC_STRINGS, "IsClutter")), EXTRA),
    f("item:BlockStatus", Flag(Name(PUBLIC_STRINGS, "BlockStatus")), EXTRA),
    f("item:HasBlockedImages", Flag(Name(PUBLIC_STRINGS, "HasBlockedImages")), EXTRA),
    f("item:TextBody", Special(S::TextBody), GET | BLIND | EXTRA),
    f("item:IconIndex", Special(S::IconIndex), BLIND | EXTRA),
    f("item:Hashtags", Absent, BLIND),
    f("item:Mentions", Absent, BLIND),
    f("item:MentionedMe", Absent, BLIND),
    f("item:MentionsPreview", Absent, BLIND),
    f("item:MentionsEx", Absent, BLIND),
    f("item:AppliedHashtags", Absent, BLIND),
    f("item:AppliedHashtagsPreview", Absent, BLIND),
    f("item:Likes", Absent, BLIND),
    f("item:LikesPreview", Absent, BLIND),
    f("item:PendingSocialActivityTagIds", Absent, BLIND),
    f("item:AtAllMention", Absent, BLIND),
    f("item:CanDelete", Absent, BLIND),
    f("item:InferenceClassification", Absent, BLIND),
    f("item:FirstBody", Absent, GET | BLIND),
    f("item:PropertyExistence", Absent, BLIND),
    f("item:ReferenceItemId", Absent, BLIND),
];

/// The four properties of a message's sender: name, address type, address, SMTP address (\[MS-OXOMSG\] 2.2.1.48 on).
pub(in super::super) const SENDER: [u16; 4] = [0x0C1A, 0x0C1E, 0x0C1F, 0x5D01];
/// Those of the one it is from (\[MS-OXOMSG\] 2.2.1.54 on).
pub(in super::super) const FROM: [u16; 4] = [0x0042, 0x0064, 0x0065, 0x5D02];
/// Those of the one who received it (\[MS-OXOMSG\] 2.2.1.37 on).
pub(in super::super) const RECEIVED_BY: [u16; 4] = [0x0040, 0x0075, 0x0076, 0x5D07];
/// Those of the one it was received for (\[MS-OXOMSG\] 2.2.1.24 on).
pub(in super::super) const RECEIVED_FOR: [u16; 4] = [0x0044, 0x0077, 0x0078, 0x5D08];

/// Fields of messages.
static MESSAGE: [Field; 19] = [
    f("message:Sender", Mailbox(SENDER), DEFAULT | SET | DRAFT),
    f("message:ToRecipients", People(Role::To), DEFAULT | SET | GET | BLIND | DRAFT),
    f("message:CcRecipients", People(Role::Cc), DEFAULT | SET | GET | BLIND | DRAFT),
    f("message:BccRecipients", People(Role::Bcc), DEFAULT | SET | GET | BLIND | DRAFT),
    f("message:IsReadReceiptRequested", Flag(Tag(0x0029)), DEFAULT | SET | DRAFT),
    f("message:IsDeliveryReceiptRequested", Flag(Tag(0x0023)), DEFAULT | SET | DRAFT),
    f("message:ConversationIndex", Binary(Tag(0x0071)), 0),
    f("message:ConversationTopic", Text(Tag(0x0070)), 0),
    f("message:From", Mailbox(FROM), DEFAULT | SET | DRAFT),
    f("message:InternetMessageId", Text(Tag(0x1035)), SET | DRAFT),
    f("message:IsRead", Special(S::Bit(0x01)), DEFAULT | SET | KEEP),
    f("message:IsResponseRequested", Flag(Tag(0x0063)), SET),
    f("message:References", Text(Tag(0x1039)), SET),
    f("message:ReplyTo", People(Role::ReplyTo), SET | GET | BLIND | DRAFT),
    f("message:ReceivedBy", Mailbox(RECEIVED_BY), 0),
    f("message:ReceivedRepresenting", Mailbox(RECEIVED_FOR), 0),
    f("message:ApprovalRequestData", Absent, BLIND),
    f("message:VotingInformation", Absent, BLIND),
    f("message:ReminderMessageData", Absent, BLIND),
];

/// Fields of postings.
static POST: [Field; 8] = [
    f("message:ConversationIndex", Binary(Tag(0x0071)), 0),
    f("message:ConversationTopic", Text(Tag(0x0070)), 0),
    f("message:From", Mailbox(FROM), DEFAULT | SET),
    f("message:InternetMessageId", Text(Tag(0x1035)), SET),
    f("message:IsRead", Special(S::Bit(0x01)), DEFAULT | SET | KEEP),
    f("postitem:PostedTime", Time(Tag(0x0039)), DEFAULT),
    f("message:References", Text(Tag(0x1039)), SET),
    f("message:Sender", Mailbox(SENDER), DEFAULT | SET),
];

/// The fields of a sort of item that stand before the extended properties, and those behind them.
pub(in super::super) fn tables(sort: Sort) -> (&'static [Field], &'static [&'static [Field]]) {
    let behind: &[&[Field]] = match sort {
        Sort::Message => const { &[&TAIL as &[Field], &MESSAGE] },
        Sort::PostItem => const { &[&TAIL as &[Field], &POST] },
        Sort::CalendarItem => {
            const { &[&TAIL as &[Field], &calendar::IDENTITY, &calendar::TIMES, &calendar::ITEM, &calendar::REST] }
        }
        Sort::MeetingMessage => {
            const { &[&TAIL as &[Field], &MESSAGE, &calendar::MEETING, &calendar::IDENTITY, &calendar::ORGANIZER] }
        }
        Sort::MeetingRequest => {
            const {
                &[
                    &TAIL as &[Field],
                    &MESSAGE,
                    &calendar::MEETING,
                    &calendar::IDENTITY,
                    &calendar::ORGANIZER,
                    &calendar::REQUEST,
                ]
            }
        }
        Sort::MeetingResponse | Sort::MeetingCancellation => {
            const {
                &[
                    &TAIL as &[Field],
                    &MESSAGE,
                    &calendar::MEETING,
                    &calendar::IDENTITY,
                    &calendar::ORGANIZER,
                    &calendar::RESPONSE,
                ]
            }
        }
        Sort::Contact => const { &[&TAIL as &[Field], &contact::CONTACT] },
        Sort::DistributionList => const { &[&TAIL as &[Field], &contact::LIST] },
        Sort::Task => const { &[&TAIL as &[Field], &task::TASK] },
    };
    (&HEAD, behind)
}

/// The fields of a sort of item.
pub(in super::super) fn of_sort(sort: Sort) -> impl Iterator<Item = &'static Field> {
    let (head, behind) = tables(sort);
    head.iter().chain(behind.iter().copied().flatten())
}

/// The field that a `FieldURI` names; if several sorts of item have it, any of them.
pub(in super::super) fn field(uri: &str) -> Option<&'static Field> {
    const TABLES: [&[Field]; 13] = [
        &HEAD,
        &TAIL,
        &MESSAGE,
        &calendar::IDENTITY,
        &calendar::TIMES,
        &calendar::ITEM,
        &calendar::REST,
        &calendar::MEETING,
        &calendar::REQUEST,
        &calendar::RESPONSE,
        &contact::CONTACT,
        &contact::LIST,
        &task::TASK,
    ];
    TABLES.into_iter().chain([&POST[..]]).flatten().find(|field| field.uri == uri)
}

/// The field of a sort of item that an element within such an item is.
pub(in super::super) fn of_element(sort: Sort, element: &str) -> Option<&'static Field> {
    of_sort(sort).find(|field| field.element() == element)
}
