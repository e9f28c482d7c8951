//! Fields that are more than one property: which there are, and who takes care of each.

use jiff::tz::TimeZone;

use super::scene::Scene;
use super::{basics, body, calendar, contact, files, indexed, people, recurring, task};
use crate::mailbox::item::{Item, Role};
use crate::mailbox::property::Value;
use crate::protocol::ews::failure::Failure;
use crate::wire::ews::xml::{Element, Writer};

/// A field that is more than one property.
#[derive(Copy, Clone, PartialEq, Eq, Debug)]
pub(in super::super) enum Special {
    Mime,
    ItemId,
    ParentFolder,
    Class,
    Subject,
    Body,
    UniqueBody,
    NormalizedBody,
    TextBody,
    Preview,
    Attachments,
    Size,
    /// One bit of `PidTagMessageFlags` (\[MS-OXCMSG\] 2.2.1.6).
    Bit(i32),
    Headers,
    ResponseObjects,
    ReminderMinutes,
    Display(Role),
    HasAttachments,
    Culture,
    EffectiveRights,
    /// For editing if true, else for reading.
    WebForm(bool),
    ConversationId,
    Flag,
    EntryId,
    InstanceKey,
    IconIndex,
    Uid,
    RecurrenceId,
    Start,
    End,
    OriginalStart,
    IsMeeting,
    IsCancelled,
    IsRecurring,
    IsOrganizer,
    CalendarItemType,
    Organizer,
    /// Adjacent meetings if true, else overlapping ones.
    Conflicts(bool),
    Duration,
    TimeZoneName,
    Sequence,
    State,
    Recurrence,
    /// The last if true, else the first.
    Occurrence(bool),
    ModifiedOccurrences,
    DeletedOccurrences,
    MeetingTimeZone,
    /// That of the end if true, else that of the start.
    TimeZone(bool),
    /// That of the end if true, else that of the start.
    TimeZoneId(bool),
    /// That of the end if true, else that of the start.
    WallClock(bool),
    ConferenceType,
    AllowNewTimeProposal,
    EnhancedLocation,
    AssociatedItem,
    ResponseType,
    RequestType,
    /// A text that the directory keeps short.
    Short(u16),
    CompleteName,
    EmailAddresses,
    PhysicalAddresses,
    PhoneNumbers,
    ImAddresses,
    ContactSource,
    ListName,
    Members,
    DelegationState,
    PercentComplete,
    TaskStatus,
    StatusDescription,
}

use Special as S;

impl Special {
    /// Whether it is text that can be searched.
    pub(in super::super) fn is_text(self) -> bool {
        matches!(
            self,
            S::Class | S::Subject | S::Body | S::Display(_) | S::Short(_) | S::ListName | S::TaskStatus | S::Culture
        )
    }

    /// Writes the field if the item has something to show.
    pub(in super::super) fn write(self, writer: &mut Writer, name: &str, scene: &Scene<'_>) {
        match self {
            S::Body | S::UniqueBody | S::NormalizedBody | S::TextBody | S::Preview | S::Mime => {
                body::write(self, writer, name, scene);
            }
            S::Attachments => files::write_list(writer, name, scene),
            S::Recurrence | S::Occurrence(_) | S::ModifiedOccurrences | S::DeletedOccurrences => {
                recurring::write(self, writer, name, scene);
            }
            S::EmailAddresses | S::PhysicalAddresses | S::PhoneNumbers | S::ImAddresses => {
                indexed::write(self, writer, name, scene.item, scene.only(name).as_deref());
            }
            S::CompleteName | S::ContactSource | S::Members => contact::write(self, writer, name, scene),
            S::Organizer => people::write_organizer(writer, name, scene),
            S::OriginalStart
            | S::TimeZone(_)
            | S::TimeZoneId(_)
            | S::MeetingTimeZone
            | S::WallClock(_)
            | S::EnhancedLocation
            | S::AssociatedItem
            | S::Duration => calendar::write(self, writer, name, scene),
            _ => match basics::write(self, writer, name, scene) {
                basics::Written::Yes => {}
                basics::Written::AsValue => {
                    if let Some(text) = self.value(scene).as_ref().and_then(basics::show) {
                        writer.leaf(name, &text);
                    }
                }
            },
        }
    }

    /// What an item has in the field, for comparing, and for writing where that is the same.
    pub(in super::super) fn value(self, scene: &Scene<'_>) -> Option<Value> {
        match self {
            S::Body | S::TextBody | S::Preview => body::value(self, scene),
            S::Uid
            | S::RecurrenceId
            | S::Start
            | S::End
            | S::OriginalStart
            | S::IsMeeting
            | S::IsCancelled
            | S::IsRecurring
            | S::IsOrganizer
            | S::CalendarItemType
            | S::Conflicts(_)
            | S::Sequence
            | S::State
            | S::TimeZoneName
            | S::ConferenceType
            | S::AllowNewTimeProposal
            | S::ResponseType
            | S::RequestType => calendar::value(self, scene),
            S::Short(_) | S::ListName => contact::value(self, scene),
            S::DelegationState | S::PercentComplete | S::TaskStatus | S::StatusDescription => {
                Some(task::value(self, scene))
            }
            _ => basics::value(self, scene),
        }
    }

    /// Reads the constant that a restriction compares it with.
    pub(in super::super) fn constant(self, text: &str, zone: &TimeZone) -> Option<Value> {
        let trimmed = text.trim();
        Some(match self {
            S::Size | S::ReminderMinutes | S::Conflicts(_) | S::Sequence | S::State | S::ConferenceType => {
                Value::Integer(trimmed.parse().ok()?)
            }
            S::Bit(_)
            | S::HasAttachments
            | S::IsMeeting
            | S::IsCancelled
            | S::IsRecurring
            | S::IsOrganizer
            | S::AllowNewTimeProposal => Value::Bool(super::codec::read_bool(trimmed)?),
            S::Start | S::End | S::OriginalStart | S::RecurrenceId => Value::Time(super::times::read(trimmed, zone)?),
            S::PercentComplete => Value::Double(trimmed.parse().ok()?),
            _ => Value::Text(text.into()),
        })
    }

    /// Sets the field from an element of a request.
    pub(in super::super) fn set(self, item: &mut Item, element: &Element<'_>, zone: &TimeZone) -> Result<(), Failure> {
        match self {
            S::Body | S::Mime => body::set(self, item, element),
            S::EmailAddresses | S::PhysicalAddresses | S::PhoneNumbers | S::ImAddresses => {
                indexed::set(self, item, element)
            }
            S::Recurrence => recurring::set(item, element, zone),
            S::Short(_) | S::ListName | S::Members => contact::set(self, item, element),
            S::PercentComplete | S::TaskStatus => task::set(self, item, element),
            S::Organizer => people::set_organizer(item, element),
            S::Uid
            | S::Start
            | S::End
            | S::MeetingTimeZone
            | S::TimeZone(_)
            | S::TimeZoneId(_)
            | S::ConferenceType
            | S::AllowNewTimeProposal
            | S::EnhancedLocation => calendar::set(self, item, element, zone),
            _ => basics::set(self, item, element, zone),
        }
    }

    /// Takes the field away.
    pub(in super::super) fn clear(self, item: &mut Item) -> Result<(), Failure> {
        match self {
            S::Body => {
                body::clear(item);
                Ok(())
            }
            S::EmailAddresses | S::PhysicalAddresses | S::PhoneNumbers | S::ImAddresses => {
                indexed::clear(self, item);
                Ok(())
            }
            S::Recurrence => {
                item.recurrence = None;
                Ok(())
            }
            S::Short(_) | S::Members => {
                contact::clear(self, item);
                Ok(())
            }
            S::MeetingTimeZone
            | S::TimeZone(_)
            | S::TimeZoneId(_)
            | S::ConferenceType
            | S::AllowNewTimeProposal
            | S::EnhancedLocation => calendar::clear(self, item),
            _ => basics::clear(self, item),
        }
    }

    /// Adds to the field.
    pub(in super::super) fn append(self, item: &mut Item, element: &Element<'_>) -> Result<(), Failure> {
        match self {
            S::Body => {
                body::append(item, element);
                Ok(())
            }
            S::EmailAddresses | S::PhysicalAddresses | S::PhoneNumbers | S::ImAddresses => {
                indexed::set(self, item, element)
            }
            S::Members => contact::append(item, element),
            _ => Err(Failure::PROPERTY_APPEND),
        }
    }
}
