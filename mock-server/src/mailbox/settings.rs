//! What a mailbox keeps beside folders and items: absences, rules, delegates, and what programs store about folders.

use std::collections::BTreeMap;

use bytes::Bytes;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// Everything that a mailbox keeps beside folders and items.
#[derive(Clone, PartialEq, Default, Debug, Serialize, Deserialize)]
pub struct Settings {
    /// Whether and how the owner is away.
    pub absence: Absence,
    /// The rules for arriving mail, in the order of their priorities.
    pub rules: Vec<Rule>,
    /// Who may act for the owner.
    pub delegates: Vec<Delegate>,
    /// Who gets meeting requests.
    pub meeting_requests: MeetingRequests,
    /// What programs store about folders, by folder and name.
    pub configurations: BTreeMap<u32, BTreeMap<String, Configuration>>,
    /// Numbers given out to rules and configurations.
    numbers: u64,
}

impl Settings {
    /// What a mailbox has that nobody has set anything in.
    pub(super) const NONE: Self = Self {
        absence: Absence::NONE,
        rules: Vec::new(),
        delegates: Vec::new(),
        meeting_requests: MeetingRequests::DelegatesAndMe,
        configurations: BTreeMap::new(),
        numbers: 0,
    };

    /// A number that was not given out before.
    pub fn next_number(&mut self) -> u64 {
        self.numbers += 1;
        self.numbers
    }
}

/// Whether the owner of a mailbox says to be away.
#[derive(Copy, Clone, PartialEq, Eq, Default, Debug, Serialize, Deserialize)]
pub enum Away {
    /// No.
    #[default]
    Disabled,
    /// Yes.
    Enabled,
    /// Within a span of time.
    Scheduled,
}

/// Which strangers hear that the owner of a mailbox is away.
#[derive(Copy, Clone, PartialEq, Eq, Default, Debug, Serialize, Deserialize)]
pub enum Audience {
    /// None.
    None,
    /// Those among the owner's contacts.
    Known,
    /// All.
    #[default]
    All,
}

/// Whether and how the owner of a mailbox is away.
#[derive(Clone, PartialEq, Eq, Default, Debug, Serialize, Deserialize)]
pub struct Absence {
    /// Whether.
    pub away: Away,
    /// Which strangers hear of it.
    pub audience: Audience,
    /// From when to when.
    pub span: Option<(Timestamp, Timestamp)>,
    /// What colleagues are told.
    pub internal: Option<Reply>,
    /// What strangers are told.
    pub external: Option<Reply>,
}

impl Absence {
    const NONE: Self =
        Self { away: Away::Disabled, audience: Audience::All, span: None, internal: None, external: None };

    /// Whether the owner is away at a moment.
    #[must_use]
    pub fn holds(&self, at: Timestamp) -> bool {
        match self.away {
            Away::Disabled => false,
            Away::Enabled => true,
            Away::Scheduled => self.span.is_some_and(|(from, to)| from <= at && at < to),
        }
    }
}

/// What is told of an absence.
#[derive(Clone, PartialEq, Eq, Default, Debug, Serialize, Deserialize)]
pub struct Reply {
    /// The message; absent if nothing is told.
    pub message: Option<String>,
    /// Its language, if it is known.
    pub language: Option<String>,
}

/// A rule for arriving mail.
///
/// Conditions, exceptions and actions are the elements of `RulePredicatesType` and `RuleActionsType` (`types.xsd`) as
/// EWS writes them: they are kept and shown, and arriving mail is not touched.
#[derive(Clone, PartialEq, Eq, Default, Debug, Serialize, Deserialize)]
pub struct Rule {
    /// What tells it from other rules of the mailbox.
    pub number: u64,
    /// Its name.
    pub name: String,
    /// Its place among the rules; lower ones come first.
    pub priority: i32,
    /// Whether it is in force.
    pub enabled: bool,
    /// When it applies, as XML.
    pub conditions: Option<String>,
    /// When it does not apply, as XML.
    pub exceptions: Option<String>,
    /// What it does, as XML.
    pub actions: Option<String>,
}

/// The folders that a delegate may be let into, in the order of `DelegatePermissionsType` (`types.xsd`).
pub const DELEGATED_FOLDERS: [&str; 6] = ["Calendar", "Tasks", "Inbox", "Contacts", "Notes", "Journal"];

/// What a delegate may do in a folder (`DelegateFolderPermissionLevelType`).
#[derive(Copy, Clone, PartialEq, Eq, Default, Debug, Serialize, Deserialize)]
pub enum Level {
    /// Nothing.
    #[default]
    None,
    /// Read, create, change and delete.
    Editor,
    /// Read.
    Reviewer,
    /// Read and create.
    Author,
    /// Something else.
    Custom,
}

/// Someone who may act for the owner of a mailbox.
#[derive(Clone, PartialEq, Eq, Default, Debug, Serialize, Deserialize)]
pub struct Delegate {
    /// The SMTP address.
    pub address: String,
    /// What may be done in each of [`DELEGATED_FOLDERS`].
    pub levels: [Level; DELEGATED_FOLDERS.len()],
    /// Whether copies of meeting messages are received.
    pub receives_copies: bool,
    /// Whether private items are seen.
    pub sees_private: bool,
}

/// Who gets meeting requests that are sent to the owner of a mailbox.
#[derive(Copy, Clone, PartialEq, Eq, Default, Debug, Serialize, Deserialize)]
pub enum MeetingRequests {
    /// The delegates.
    DelegatesOnly,
    /// The delegates, and the owner.
    #[default]
    DelegatesAndMe,
    /// The delegates, and the owner without being asked to respond.
    DelegatesAndSendInformationToMe,
    /// Nobody but the owner.
    NoForward,
}

/// What a program stores about a folder.
#[derive(Clone, PartialEq, Eq, Default, Debug, Serialize, Deserialize)]
pub struct Configuration {
    /// What tells it from other configurations of the mailbox.
    pub number: u64,
    /// How often it was changed.
    pub version: u64,
    /// Keys and values.
    pub dictionary: Option<Vec<(Object, Option<Object>)>>,
    /// XML, as bytes.
    pub xml: Option<Bytes>,
    /// Anything.
    pub binary: Option<Bytes>,
}

/// A key or value of a dictionary.
#[derive(Clone, PartialEq, Eq, Default, Debug, Serialize, Deserialize)]
pub struct Object {
    /// Its type (`UserConfigurationDictionaryObjectTypesType` in `types.xsd`).
    pub kind: String,
    /// What it holds: several only if it is a list.
    pub values: Vec<String>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_absence_holds_when_it_says_so() {
        let at = |second| Timestamp::from_second(second).expect("in range");
        let span = Some((at(10), at(20)));
        let holds = |away, moment| Absence { away, span, ..Absence::default() }.holds(at(moment));
        assert!(!holds(Away::Disabled, 15));
        assert!(holds(Away::Enabled, 25));
        assert_eq!([9, 10, 19, 20].map(|moment| holds(Away::Scheduled, moment)), [false, true, true, false]);
    }

    #[test]
    fn a_mailbox_without_settings_has_the_default_ones() {
        assert_eq!(Settings::NONE, Settings::default());
    }
}
