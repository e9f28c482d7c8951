//! MAPI properties: what everything scalar about an item or folder is kept as, whatever protocol writes or reads it.
//!
//! Numbers and property sets are those of \[MS-OXPROPS\]; the name there is in the comment of each constant.

use std::collections::BTreeMap;
use std::sync::{Arc, LazyLock};

use bytes::Bytes;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// Which property.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
pub enum Property {
    /// By its number.
    Tag(u16),
    /// By its name within a property set.
    Named {
        /// The GUID of the set, read as one number, first digit first.
        set: u128,
        /// The name.
        name: PropertyName,
    },
}

/// The name of a property within its set.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
pub enum PropertyName {
    /// A number (`PidLid...`).
    Number(u32),
    /// A text (`PidName...`), compared exactly.
    Text(Arc<str>),
}

/// The value of a property.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub enum Value {
    /// `PtypBoolean`.
    Bool(bool),
    /// `PtypInteger16` and `PtypInteger32`.
    Integer(i32),
    /// `PtypInteger64` and `PtypCurrency`.
    Long(i64),
    /// `PtypFloating32`, `PtypFloating64` and `PtypFloatingTime`.
    Double(f64),
    /// `PtypString`.
    Text(Arc<str>),
    /// `PtypTime`, in UTC.
    Time(Timestamp),
    /// `PtypBinary`.
    Binary(Bytes),
    /// `PtypGuid`, read as one number, first digit first.
    Guid(u128),
    /// `PtypMultipleString`.
    Texts(Vec<Arc<str>>),
    /// Several values of another type.
    List(Vec<Value>),
}

/// Properties with their values.
pub type Properties = BTreeMap<Property, Value>;

/// `PS_PUBLIC_STRINGS`.
pub const PUBLIC_STRINGS: u128 = 0x0002_0329_0000_0000_C000_0000_0000_0046;
/// `PSETID_Common`.
pub const COMMON: u128 = 0x0006_2008_0000_0000_C000_0000_0000_0046;
/// `PSETID_Appointment`.
pub const APPOINTMENT: u128 = 0x0006_2002_0000_0000_C000_0000_0000_0046;
/// `PSETID_Meeting`.
pub const MEETING: u128 = 0x6ED8_DA90_450B_101B_98DA_00AA_003F_1305;
/// `PSETID_Address`.
pub const ADDRESS: u128 = 0x0006_2004_0000_0000_C000_0000_0000_0046;
/// `PSETID_Task`.
pub const TASK: u128 = 0x0006_2003_0000_0000_C000_0000_0000_0046;

/// A property of a set by its number.
#[must_use]
pub const fn named(set: u128, number: u32) -> Property {
    Property::Named { set, name: PropertyName::Number(number) }
}

/// `PidTagImportance`: 0 low, 1 normal, 2 high.
pub const IMPORTANCE: Property = Property::Tag(0x0017);
/// `PidTagMessageClass`; kept as [`super::item::Item::class`].
pub const MESSAGE_CLASS: Property = Property::Tag(0x001A);
/// `PidTagSensitivity`: 0 normal, 1 personal, 2 private, 3 confidential.
pub const SENSITIVITY: Property = Property::Tag(0x0036);
/// `PidTagSubject`.
pub const SUBJECT: Property = Property::Tag(0x0037);
/// `PidTagClientSubmitTime`: when it was sent.
pub const SUBMIT_TIME: Property = Property::Tag(0x0039);
/// `PidTagSentRepresentingName`: who it is from.
pub const FROM_NAME: Property = Property::Tag(0x0042);
/// `PidTagSentRepresentingEmailAddress`.
pub const FROM_ADDRESS: Property = Property::Tag(0x0065);
/// `PidTagConversationTopic`.
pub const CONVERSATION_TOPIC: Property = Property::Tag(0x0070);
/// `PidTagConversationIndex`.
pub const CONVERSATION_INDEX: Property = Property::Tag(0x0071);
/// `PidTagTransportMessageHeaders`: the headers as they arrived.
pub const TRANSPORT_HEADERS: Property = Property::Tag(0x007D);
/// `PidTagSenderName`: who sent it.
pub const SENDER_NAME: Property = Property::Tag(0x0C1A);
/// `PidTagSenderEmailAddress`.
pub const SENDER_ADDRESS: Property = Property::Tag(0x0C1F);
/// `PidTagMessageDeliveryTime`: when it was received.
pub const DELIVERY_TIME: Property = Property::Tag(0x0E06);
/// `PidTagMessageFlags` (\[MS-OXCMSG\] 2.2.1.6).
pub const MESSAGE_FLAGS: Property = Property::Tag(0x0E07);
/// `PidTagMessageSize`: computed, never kept.
pub const MESSAGE_SIZE: Property = Property::Tag(0x0E08);
/// `PidTagInternetArticleNumber`, which clients that speak IMAP use as the number of a message.
pub const ARTICLE_NUMBER: Property = Property::Tag(0x0E23);
/// `PidTagBody`.
pub const BODY_TEXT: Property = Property::Tag(0x1000);
/// `PidTagHtml`, kept as text.
pub const BODY_HTML: Property = Property::Tag(0x1013);
/// `PidTagInternetMessageId`, with its angle brackets.
pub const INTERNET_MESSAGE_ID: Property = Property::Tag(0x1035);
/// `PidTagInternetReferences`.
pub const REFERENCES: Property = Property::Tag(0x1039);
/// `PidTagInReplyToId`.
pub const IN_REPLY_TO: Property = Property::Tag(0x1042);
/// `PidTagFlagStatus`: 1 complete, 2 flagged.
pub const FLAG_STATUS: Property = Property::Tag(0x1090);
/// `PidTagCreationTime`.
pub const CREATION_TIME: Property = Property::Tag(0x3007);
/// `PidTagLastModificationTime`.
pub const LAST_MODIFIED: Property = Property::Tag(0x3008);
/// `PidTagSearchKey`: the identity that an item keeps.
pub const SEARCH_KEY: Property = Property::Tag(0x300B);

/// `PidLidAppointmentStartWhole`.
pub const START: Property = named(APPOINTMENT, 0x820D);
/// `PidLidAppointmentEndWhole`.
pub const END: Property = named(APPOINTMENT, 0x820E);
/// `PidLidLocation`.
pub const LOCATION: Property = named(APPOINTMENT, 0x8208);
/// `PidLidBusyStatus`: 0 free, 1 tentative, 2 busy, 3 out of office, 4 working elsewhere.
pub const BUSY_STATUS: Property = named(APPOINTMENT, 0x8205);
/// `PidLidAppointmentSubType`: whether it lasts all day.
pub const ALL_DAY: Property = named(APPOINTMENT, 0x8215);
/// `PidLidReminderSet`.
pub const REMINDER_SET: Property = named(COMMON, 0x8503);
/// `PidLidReminderDelta`: minutes before the start.
pub const REMINDER_MINUTES: Property = named(COMMON, 0x8501);

/// `mfRead` of [`MESSAGE_FLAGS`].
pub const FLAG_READ: i32 = 0x01;
/// `mfUnsent`: a draft.
pub const FLAG_UNSENT: i32 = 0x08;

/// `PidNameKeywords`: the categories.
pub static KEYWORDS: LazyLock<Property> =
    LazyLock::new(|| Property::Named { set: PUBLIC_STRINGS, name: PropertyName::Text(Arc::from("Keywords")) });

impl Value {
    /// The text, if it is one.
    #[must_use]
    pub fn as_text(&self) -> Option<&str> {
        if let Self::Text(text) = self { Some(text) } else { None }
    }

    /// The integer, if it is one.
    #[must_use]
    pub fn as_integer(&self) -> Option<i32> {
        if let Self::Integer(number) = self { Some(*number) } else { None }
    }

    /// The moment, if it is one.
    #[must_use]
    pub fn as_time(&self) -> Option<Timestamp> {
        if let Self::Time(time) = self { Some(*time) } else { None }
    }

    /// About how many bytes it takes.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        match self {
            Self::Bool(_) => 1,
            Self::Integer(_) => 4,
            Self::Long(_) | Self::Double(_) | Self::Time(_) => 8,
            Self::Guid(_) => 16,
            Self::Text(text) => text.len() as u64,
            Self::Binary(bytes) => bytes.len() as u64,
            Self::Texts(texts) => texts.iter().map(|text| text.len() as u64).sum(),
            Self::List(values) => values.iter().map(Self::bytes).sum(),
        }
    }
}
