//! What a user's program asks for, as a name.

use crate::scenario::plan::Program;

/// Programs that people use mailboxes with.
#[derive(Copy, Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
#[repr(u8)]
pub enum Client {
    /// A desktop program that speaks EWS, as Outlook for Mac does.
    Outlook,
    /// A phone, which is told of new mail and then syncs through Graph.
    Mobile,
    /// A mail page in a browser, which lists through Graph.
    Web,
    /// A chat whose messages are kept in mailboxes.
    Chat,
}

impl From<Program> for Client {
    fn from(program: Program) -> Self {
        match program {
            Program::Outlook => Self::Outlook,
            Program::Mobile => Self::Mobile,
            Program::Web => Self::Web,
            Program::Chat => Self::Chat,
        }
    }
}

impl Client {
    /// All of them, in the order of their numbers.
    pub const ALL: [Self; 4] = [Self::Outlook, Self::Mobile, Self::Web, Self::Chat];

    /// The name used in recordings, reports and options.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Outlook => "outlook",
            Self::Mobile => "mobile",
            Self::Web => "web",
            Self::Chat => "chat",
        }
    }

    /// The client of a name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|client| client.name() == name)
    }
}

/// What is asked for.
#[derive(Copy, Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
#[repr(u8)]
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
    pub const ALL: [Self; 9] = [
        Self::Sync,
        Self::List,
        Self::Read,
        Self::Mark,
        Self::Draft,
        Self::Send,
        Self::Calendar,
        Self::Folders,
        Self::Post,
    ];

    /// The name used in recordings and reports.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Sync => "sync",
            Self::List => "list",
            Self::Read => "read",
            Self::Mark => "mark",
            Self::Draft => "draft",
            Self::Send => "send",
            Self::Calendar => "calendar",
            Self::Folders => "folders",
            Self::Post => "post",
        }
    }

    /// The action of a name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|action| action.name() == name)
    }
}

/// Something that a program asks for on behalf of a user.
#[derive(Copy, Clone, PartialEq, Eq, Debug)]
pub struct Act {
    /// The program.
    pub client: Client,
    /// What it asks for.
    pub action: Action,
    /// The number of the user's mailbox.
    pub mailbox: u32,
}

/// How many kinds of acts there are: client times action.
pub const KINDS: usize = Client::ALL.len() * Action::ALL.len();

impl Act {
    /// Its kind, below [`KINDS`].
    #[must_use]
    pub const fn kind(&self) -> usize {
        self.client as usize * Action::ALL.len() + self.action as usize
    }
}

/// The name of a kind of act.
///
/// # Panics
/// If there is no such kind.
#[must_use]
pub fn kind_name(kind: usize) -> String {
    let (client, action) = (kind / Action::ALL.len(), kind % Action::ALL.len());
    format!("{} {}", Client::ALL[client].name(), Action::ALL[action].name())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_numbers_are_those_of_the_lists() {
        for (number, client) in Client::ALL.into_iter().enumerate() {
            assert_eq!((client as usize, Client::named(client.name())), (number, Some(client)));
        }
        for (number, action) in Action::ALL.into_iter().enumerate() {
            assert_eq!((action as usize, Action::named(action.name())), (number, Some(action)));
        }
        assert_eq!((Client::named("pine"), Action::named("dance")), (None, None));
    }

    #[test]
    fn programs_of_scenarios_have_the_names_of_clients() {
        for program in Program::ALL {
            assert_eq!(Client::from(program).name(), program.name());
        }
    }

    #[test]
    fn every_kind_has_its_own_name() {
        let names: std::collections::BTreeSet<_> = (0..KINDS).map(kind_name).collect();
        assert_eq!(names.len(), KINDS);
        let act = Act { client: Client::Web, action: Action::Send, mailbox: 1 };
        assert_eq!(kind_name(act.kind()), "web send");
    }
}
