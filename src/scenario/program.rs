//! The programs that people use their mailboxes with.

use mock_server::wire::call::Protocol;

/// A program that people use their mailboxes with.
#[derive(Copy, Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
#[repr(u8)]
pub enum Program {
    /// A desktop program that speaks EWS, as Outlook for Mac does.
    Outlook,
    /// A phone, which is told of new mail and then syncs through Graph.
    Mobile,
    /// A mail page in a browser, which lists through Graph.
    Web,
    /// A chat whose messages are kept in mailboxes.
    Chat,
}

impl Program {
    /// All of them, in the order of their numbers.
    pub const ALL: [Self; 4] = [Self::Outlook, Self::Mobile, Self::Web, Self::Chat];

    /// The name used in scenarios, recordings, reports and options.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Outlook => "outlook",
            Self::Mobile => "mobile",
            Self::Web => "web",
            Self::Chat => "chat",
        }
    }

    /// The program of a name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|program| program.name() == name)
    }

    /// The protocol that it speaks.
    #[must_use]
    pub const fn protocol(self) -> Protocol {
        match self {
            Self::Outlook => Protocol::Ews,
            Self::Mobile | Self::Web | Self::Chat => Protocol::Graph,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_numbers_are_those_of_the_list() {
        for (number, program) in Program::ALL.into_iter().enumerate() {
            assert_eq!((program as usize, Program::named(program.name())), (number, Some(program)));
        }
        assert_eq!(Program::named("pine"), None);
    }
}
