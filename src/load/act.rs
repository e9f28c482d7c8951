//! What a user's program asks for, as a name.

use strum::{EnumCount, EnumString, IntoStaticStr, VariantArray};

use crate::scenario::program::Program;

/// What is asked for.
#[derive(Copy, Clone, PartialEq, Eq, PartialOrd, Ord, Debug, EnumCount, VariantArray, IntoStaticStr, EnumString)]
#[repr(u8)]
#[strum(serialize_all = "snake_case")]
pub enum Action {
    /// What changed in the inbox since the last time.
    Sync,
    /// The newest messages of the inbox.
    List,
    /// One message.
    Read,
    /// Mark a message as read.
    Mark,
    /// Keep a draft.
    Draft,
    /// Send a message to oneself.
    Send,
    /// The appointments of a week.
    Calendar,
    /// The folders.
    Folders,
    /// Keep a chat message.
    Post,
}

impl Action {
    /// All of them, in the order of their numbers.
    pub const ALL: [Self; Self::COUNT] = *Self::VARIANTS.first_chunk().unwrap();

    /// The name used in recordings and reports.
    #[must_use]
    pub fn name(self) -> &'static str {
        self.into()
    }
}

/// Something that a program asks for on behalf of a user.
#[derive(Copy, Clone, PartialEq, Eq, Debug)]
pub struct Act {
    /// The program.
    pub program: Program,
    /// What it asks for.
    pub action: Action,
    /// The number of the user's mailbox.
    pub mailbox: u32,
}

/// How many kinds of acts there are: program times action.
pub const KINDS: usize = Program::ALL.len() * Action::ALL.len();

impl Act {
    /// Its kind, below [`KINDS`].
    #[must_use]
    pub const fn kind(&self) -> usize {
        self.program as usize * Action::ALL.len() + self.action as usize
    }
}

/// The name of a kind of act.
///
/// # Panics
/// If there is no such kind.
#[must_use]
pub fn kind_name(kind: usize) -> String {
    let (program, action) = (kind / Action::ALL.len(), kind % Action::ALL.len());
    format!("{} {}", Program::ALL[program].name(), Action::ALL[action].name())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_has_its_own_name() {
        let names: std::collections::BTreeSet<_> = (0..KINDS).map(kind_name).collect();
        assert_eq!(names.len(), KINDS);
        let act = Act { program: Program::Web, action: Action::Send, mailbox: 1 };
        assert_eq!(kind_name(act.kind()), "web send");
    }
}
