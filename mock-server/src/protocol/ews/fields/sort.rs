//! What sorts of item EWS knows: each is written as an element of its own, with its own fields.

/// A sort of item.
#[derive(Copy, Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(in super::super) enum Sort {
    /// A message, and everything that has no element of its own.
    Message,
    /// An appointment or meeting.
    CalendarItem,
    /// A contact.
    Contact,
    /// A personal distribution list.
    DistributionList,
    /// A task.
    Task,
    /// A posting.
    PostItem,
    /// A message about a meeting that is none of those below.
    MeetingMessage,
    /// An invitation.
    MeetingRequest,
    /// An answer to an invitation.
    MeetingResponse,
    /// The end of a meeting.
    MeetingCancellation,
}

impl Sort {
    /// All of them.
    #[cfg(test)]
    pub(in super::super) const ALL: [Self; 10] = [
        Self::Message,
        Self::CalendarItem,
        Self::Contact,
        Self::DistributionList,
        Self::Task,
        Self::PostItem,
        Self::MeetingMessage,
        Self::MeetingRequest,
        Self::MeetingResponse,
        Self::MeetingCancellation,
    ];

    /// The sort of items of a class (\[MS-OXOMSG\] 2.2.2.1, \[MS-OXOCAL\] 2.2.1 and their like). Classes are compared
    /// without case, and those below a class are of its sort.
    pub(in super::super) fn of_class(class: &str) -> Self {
        const CLASSES: [(&str, Sort); 11] = [
            ("IPM.Note", Sort::Message),
            ("IPM.Appointment", Sort::CalendarItem),
            ("IPM.Contact", Sort::Contact),
            ("IPM.DistList", Sort::DistributionList),
            ("IPM.Task", Sort::Task),
            ("IPM.Post", Sort::PostItem),
            ("IPM.Schedule.Meeting.Request", Sort::MeetingRequest),
            ("IPM.Schedule.Meeting.Resp", Sort::MeetingResponse),
            ("IPM.Schedule.Meeting.Canceled", Sort::MeetingCancellation),
            ("IPM.Schedule.Meeting", Sort::MeetingMessage),
            ("IPM.OLE.CLASS.{00061055-0000-0000-C000-000000000046}", Sort::CalendarItem),
        ];
        let below = |known: &str| {
            class.get(..known.len()).is_some_and(|start| start.eq_ignore_ascii_case(known))
                && matches!(class.as_bytes().get(known.len()), None | Some(b'.'))
        };
        CLASSES.iter().find(|(known, _)| below(known)).map_or(Self::Message, |(_, sort)| *sort)
    }

    /// The sort that an element of a request makes, and the class of an item that names none.
    pub(in super::super) fn of_element(name: &str) -> Option<(Self, &'static str)> {
        Some(match name {
            "Item" | "Message" => (Self::Message, "IPM.Note"),
            "CalendarItem" => (Self::CalendarItem, "IPM.Appointment"),
            "Contact" => (Self::Contact, "IPM.Contact"),
            "DistributionList" => (Self::DistributionList, "IPM.DistList"),
            "Task" => (Self::Task, "IPM.Task"),
            "PostItem" => (Self::PostItem, "IPM.Post"),
            "MeetingMessage" => (Self::MeetingMessage, "IPM.Schedule.Meeting"),
            "MeetingRequest" => (Self::MeetingRequest, "IPM.Schedule.Meeting.Request"),
            "MeetingResponse" => (Self::MeetingResponse, "IPM.Schedule.Meeting.Resp.Pos"),
            "MeetingCancellation" => (Self::MeetingCancellation, "IPM.Schedule.Meeting.Canceled"),
            _ => return None,
        })
    }

    /// The element that it is written as.
    pub(in super::super) fn element(self) -> &'static str {
        match self {
            Self::Message => "t:Message",
            Self::CalendarItem => "t:CalendarItem",
            Self::Contact => "t:Contact",
            Self::DistributionList => "t:DistributionList",
            Self::Task => "t:Task",
            Self::PostItem => "t:PostItem",
            Self::MeetingMessage => "t:MeetingMessage",
            Self::MeetingRequest => "t:MeetingRequest",
            Self::MeetingResponse => "t:MeetingResponse",
            Self::MeetingCancellation => "t:MeetingCancellation",
        }
    }

    /// Whether it has recipients and can be sent.
    pub(in super::super) fn is_message(self) -> bool {
        matches!(
            self,
            Self::Message
                | Self::MeetingMessage
                | Self::MeetingRequest
                | Self::MeetingResponse
                | Self::MeetingCancellation
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn classes_decide_the_element_without_case_and_from_the_longest_known_class() {
        for (class, sort) in [
            ("IPM.Note", Sort::Message),
            ("ipm.note.smime", Sort::Message),
            ("IPM.Notebook", Sort::Message),
            ("IPM.Appointment", Sort::CalendarItem),
            ("IPM.Schedule.Meeting.Resp.Neg", Sort::MeetingResponse),
            ("IPM.Schedule.Meeting.Notification", Sort::MeetingMessage),
            ("IPM.StickyNote", Sort::Message),
            ("REPORT.IPM.Note.NDR", Sort::Message),
            ("", Sort::Message),
        ] {
            assert_eq!(Sort::of_class(class), sort, "{class}");
        }
        for sort in Sort::ALL {
            let (read, class) = Sort::of_element(&sort.element()[2..]).expect("its own element");
            assert_eq!((read, Sort::of_class(class)), (sort, sort));
        }
    }
}
