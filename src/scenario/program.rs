//! The programs that people use their mailboxes with.

use mock_server::wire::call::Protocol;
use strum::{EnumCount, EnumString, IntoStaticStr, VariantArray};

/// A program that people use their mailboxes with.
#[derive(Copy, Clone, PartialEq, Eq, PartialOrd, Ord, Debug, EnumCount, VariantArray, IntoStaticStr, EnumString)]
#[repr(u8)]
#[strum(serialize_all = "snake_case")]
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
    pub const ALL: [Self; Self::COUNT] = *Self::VARIANTS.first_chunk().unwrap();

    /// The name used in scenarios, recordings, reports and options.
    #[must_use]
    pub fn name(self) -> &'static str {
        self.into()
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
