//! Fields of meetings and of messages about them.

use super::{
    APPOINTMENT, Absent, Attendees, BLIND, BUSY, Bool, Choice, Codec, DEFAULT, EXTRA, Field, Flag, GET, Id, KEEP, Name,
    PUBLIC_STRINGS, RESPONSE_TYPES, Role, S, SET, Special, Tag, Text, Time, f,
};

/// `PSETID_Meeting` (\[MS-OXPROPS\] 1.3.2).
const MEETING_SET: u128 = 0x6ED8_DA90_450B_101B_98DA_00AA_003F_1305;

/// What says which meeting it is.
pub(super) static IDENTITY: [Field; 3] = [
    f("calendar:UID", Special(S::Uid), SET | BLIND | KEEP),
    f("calendar:RecurrenceId", Special(S::RecurrenceId), 0),
    f("calendar:DateTimeStamp", Time(Id(MEETING_SET, 0x001A)), 0),
];

/// When a meeting begins and ends.
pub(super) static TIMES: [Field; 2] = [
    f("calendar:Start", Special(S::Start), DEFAULT | SET | KEEP),
    f("calendar:End", Special(S::End), DEFAULT | SET | KEEP),
];

const ORIGINAL_START: Field = f("calendar:OriginalStart", Special(S::OriginalStart), 0);
const IS_ALL_DAY: Field = f("calendar:IsAllDayEvent", Flag(Id(APPOINTMENT, 0x8215)), DEFAULT | SET | KEEP);
const FREE_BUSY: Field =
    f("calendar:LegacyFreeBusyStatus", Choice(Id(APPOINTMENT, 0x8205), &BUSY), DEFAULT | SET | KEEP);
const LOCATION: Field = f("calendar:Location", Text(Id(APPOINTMENT, 0x8208)), DEFAULT | SET);
const WHEN: Field = f("calendar:When", Text(Name(PUBLIC_STRINGS, "When")), SET);
const IS_MEETING: Field = f("calendar:IsMeeting", Special(S::IsMeeting), 0);
const IS_CANCELLED: Field = f("calendar:IsCancelled", Special(S::IsCancelled), 0);
const IS_RECURRING: Field = f("calendar:IsRecurring", Special(S::IsRecurring), DEFAULT);
const REQUEST_SENT: Field = f("calendar:MeetingRequestWasSent", Flag(Id(APPOINTMENT, 0x8229)), 0);
const ITEM_TYPE: Field = f("calendar:CalendarItemType", Special(S::CalendarItemType), DEFAULT);
const MY_RESPONSE: Field = f("calendar:MyResponseType", Choice(Id(APPOINTMENT, 0x8218), &RESPONSE_TYPES), DEFAULT);
const ORGANIZED_BY: Field = f("calendar:Organizer", Special(S::Organizer), DEFAULT | SET | BLIND);
const REQUIRED: Field = f("calendar:RequiredAttendees", Attendees(Role::Required), SET | GET | BLIND);
const OPTIONAL: Field = f("calendar:OptionalAttendees", Attendees(Role::Optional), SET | GET | BLIND);
const RESOURCES: Field = f("calendar:Resources", Attendees(Role::Resource), SET | GET | BLIND);
const CONFLICTS: Field = f("calendar:ConflictingMeetingCount", Special(S::Conflicts(false)), GET | BLIND);
const ADJACENTS: Field = f("calendar:AdjacentMeetingCount", Special(S::Conflicts(true)), GET | BLIND);
const CONFLICTING: Field = f("calendar:ConflictingMeetings", Absent, GET | BLIND);
const ADJACENT: Field = f("calendar:AdjacentMeetings", Absent, GET | BLIND);
const DURATION: Field = f("calendar:Duration", Special(S::Duration), BLIND);
const TIME_ZONE: Field = f("calendar:TimeZone", Special(S::TimeZoneName), BLIND);
const REPLY_TIME: Field = f("calendar:AppointmentReplyTime", Time(Id(APPOINTMENT, 0x8220)), 0);
const SEQUENCE: Field = f("calendar:AppointmentSequenceNumber", Special(S::Sequence), 0);
const STATE: Field = f("calendar:AppointmentState", Special(S::State), 0);
const RECURRENCE: Field = f("calendar:Recurrence", Special(S::Recurrence), SET | GET | BLIND);
const FIRST: Field = f("calendar:FirstOccurrence", Special(S::Occurrence(false)), GET | BLIND);
const LAST: Field = f("calendar:LastOccurrence", Special(S::Occurrence(true)), GET | BLIND);
const MODIFIED: Field = f("calendar:ModifiedOccurrences", Special(S::ModifiedOccurrences), GET | BLIND);
const DELETED: Field = f("calendar:DeletedOccurrences", Special(S::DeletedOccurrences), GET | BLIND);
const MEETING_ZONE: Field = f("calendar:MeetingTimeZone", Special(S::MeetingTimeZone), SET | GET | BLIND | EXTRA);
const START_ZONE: Field = f("calendar:StartTimeZone", Special(S::TimeZone(false)), SET | BLIND);
const END_ZONE: Field = f("calendar:EndTimeZone", Special(S::TimeZone(true)), SET | BLIND);
const CONFERENCE: Field = f("calendar:ConferenceType", Special(S::ConferenceType), SET);
const PROPOSAL: Field = f("calendar:AllowNewTimeProposal", Special(S::AllowNewTimeProposal), SET | BLIND);
const ONLINE: Field = f("calendar:IsOnlineMeeting", Flag(Id(APPOINTMENT, 0x8240)), SET);
const WORKSPACE: Field = f("calendar:MeetingWorkspaceUrl", Text(Id(APPOINTMENT, 0x8209)), SET);
const NET_SHOW: Field = f("calendar:NetShowUrl", Text(Id(APPOINTMENT, 0x8248)), SET);
const ENHANCED: Field = f("calendar:EnhancedLocation", Special(S::EnhancedLocation), SET | GET | BLIND);
const START_WALL: Field = f("calendar:StartWallClock", Special(S::WallClock(false)), BLIND);
const END_WALL: Field = f("calendar:EndWallClock", Special(S::WallClock(true)), BLIND);
const START_ZONE_ID: Field = f("calendar:StartTimeZoneId", Special(S::TimeZoneId(false)), SET | BLIND);
const END_ZONE_ID: Field = f("calendar:EndTimeZoneId", Special(S::TimeZoneId(true)), SET | BLIND);
const INTENDED: Codec = Choice(Id(APPOINTMENT, 0x8224), &BUSY);

/// The rest of a calendar item as far as invitations have it too, with what stands between.
pub(super) static ITEM: [Field; 26] = [
    ORIGINAL_START,
    IS_ALL_DAY,
    FREE_BUSY,
    LOCATION,
    WHEN,
    IS_MEETING,
    IS_CANCELLED,
    IS_RECURRING,
    REQUEST_SENT,
    f("calendar:IsResponseRequested", Bool(Tag(0x0063)), SET | BLIND),
    ITEM_TYPE,
    MY_RESPONSE,
    ORGANIZED_BY,
    REQUIRED,
    OPTIONAL,
    RESOURCES,
    f("calendar:InboxReminders", Absent, BLIND),
    CONFLICTS,
    ADJACENTS,
    CONFLICTING,
    ADJACENT,
    DURATION,
    TIME_ZONE,
    REPLY_TIME,
    SEQUENCE,
    STATE,
];

/// The end of a calendar item.
pub(super) static REST: [Field; 24] = [
    RECURRENCE,
    FIRST,
    LAST,
    MODIFIED,
    DELETED,
    MEETING_ZONE,
    START_ZONE,
    END_ZONE,
    CONFERENCE,
    PROPOSAL,
    ONLINE,
    WORKSPACE,
    NET_SHOW,
    ENHANCED,
    START_WALL,
    END_WALL,
    START_ZONE_ID,
    END_ZONE_ID,
    // Has the URI of invitations.
    f("calendar:IntendedFreeBusyStatus", INTENDED, EXTRA | BLIND),
    f("calendar:JoinOnlineMeetingUrl", Text(Name(PUBLIC_STRINGS, "JoinOnlineMeetingUrl")), SET),
    f("calendar:OnlineMeetingSettings", Absent, BLIND),
    f("calendar:IsOrganizer", Special(S::IsOrganizer), BLIND),
    f("calendar:CalendarActivityData", Absent, BLIND),
    f("calendar:ClientSeriesId", Absent, BLIND),
];

/// What all messages about meetings have.
pub(super) static MEETING: [Field; 5] = [
    f("meeting:AssociatedCalendarItemId", Special(S::AssociatedItem), DEFAULT | BLIND),
    f("meeting:IsDelegated", Flag(Name(MEETING_SET, "IsDelegated")), DEFAULT),
    f("meeting:IsOutOfDate", Flag(Name(MEETING_SET, "IsOutOfDate")), DEFAULT),
    f("meeting:HasBeenProcessed", Flag(Tag(0x0E62)), DEFAULT),
    f("meeting:ResponseType", Special(S::ResponseType), DEFAULT | BLIND),
];

/// Whether the mailbox organizes the meeting, in messages about it.
pub(super) static ORGANIZER: [Field; 1] = [f("calendar:IsOrganizer", Special(S::IsOrganizer), BLIND)];

/// What invitations have.
pub(super) static REQUEST: [Field; 47] = [
    f("meetingRequest:MeetingRequestType", Special(S::RequestType), DEFAULT | BLIND),
    f("meetingRequest:IntendedFreeBusyStatus", INTENDED, DEFAULT),
    f("calendar:Start", Special(S::Start), DEFAULT | SET),
    f("calendar:End", Special(S::End), DEFAULT | SET),
    ORIGINAL_START,
    IS_ALL_DAY,
    FREE_BUSY,
    LOCATION,
    WHEN,
    IS_MEETING,
    IS_CANCELLED,
    IS_RECURRING,
    REQUEST_SENT,
    ITEM_TYPE,
    MY_RESPONSE,
    ORGANIZED_BY,
    REQUIRED,
    OPTIONAL,
    RESOURCES,
    CONFLICTS,
    ADJACENTS,
    CONFLICTING,
    ADJACENT,
    DURATION,
    TIME_ZONE,
    REPLY_TIME,
    SEQUENCE,
    STATE,
    RECURRENCE,
    FIRST,
    LAST,
    MODIFIED,
    DELETED,
    MEETING_ZONE,
    START_ZONE,
    END_ZONE,
    CONFERENCE,
    PROPOSAL,
    ONLINE,
    WORKSPACE,
    NET_SHOW,
    ENHANCED,
    f("meetingRequest:ChangeHighlights", Absent, BLIND),
    START_WALL,
    END_WALL,
    START_ZONE_ID,
    END_ZONE_ID,
];

/// What answers and cancellations have.
pub(super) static RESPONSE: [Field; 8] = [
    f("calendar:Start", Special(S::Start), DEFAULT | SET),
    f("calendar:End", Special(S::End), DEFAULT | SET),
    LOCATION,
    RECURRENCE,
    ITEM_TYPE,
    f("meeting:ProposedStart", Time(Id(APPOINTMENT, 0x8250)), DEFAULT | SET),
    f("meeting:ProposedEnd", Time(Id(APPOINTMENT, 0x8251)), DEFAULT | SET),
    ENHANCED,
];
