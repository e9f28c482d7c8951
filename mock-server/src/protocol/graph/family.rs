//! Families of resources, which are answered and permitted together.

use super::route::Route as R;

/// A family of resources.
#[derive(Copy, Clone, PartialEq, Eq, Debug)]
pub(super) enum Family {
    /// Calendars and events.
    Calendars,
    /// Contacts and their folders.
    Contacts,
    /// Drives and what they hold.
    Drives,
    /// Everything else.
    Other,
}

impl Family {
    /// The family of a resource.
    pub(super) const fn of(route: R) -> Self {
        match route {
            R::Calendars
            | R::Calendar
            | R::CalendarById
            | R::CalendarGroups
            | R::Events
            | R::EventsCount
            | R::CalendarEvents
            | R::CalendarView
            | R::CalendarViewIn
            | R::CalendarViewDelta
            | R::Event
            | R::Instances
            | R::EventResponse
            | R::EventCancel => Self::Calendars,
            R::Contacts
            | R::ContactsCount
            | R::ContactsDelta
            | R::Contact
            | R::ContactFolders
            | R::ContactFoldersDelta
            | R::ContactFolder
            | R::ContactChildFolders
            | R::FolderContacts
            | R::FolderContactsDelta => Self::Contacts,
            R::Drives | R::Drive | R::DriveRoot | R::DriveChildren | R::DriveDelta | R::DriveItem => Self::Drives,
            _ => Self::Other,
        }
    }
}
