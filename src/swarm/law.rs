//! What must hold of every run, and what of it does not.

use mock_server::wire::id::MailboxKey;

/// A law that every run must keep, whatever goes wrong.
#[derive(Copy, Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Law {
    /// The run comes to its end.
    NoPanic,
    /// Nobody waits for something that cannot happen.
    NoHang,
    /// Every mailbox ends, and once.
    EndsOnce,
    /// A patient pipeline gets every mailbox through.
    Completes,
    /// Nothing is missing without a reason that was told.
    NothingLost,
    /// Nothing is there twice, and nothing that the source does not hold.
    NothingDoubled,
    /// What the pipeline reports is what the servers hold.
    Truth,
    /// Users are shut out of the source when the move is complete, and not when it was given up.
    Access,
    /// After the storm every mailbox is done within the bound.
    InTime,
    /// No call comes before the end of a wait that was asked for.
    Patience,
}

impl Law {
    /// What is wrong when it is broken, in a few words.
    #[must_use]
    pub const fn broken(self) -> &'static str {
        match self {
            Self::NoPanic => "the run broke down",
            Self::NoHang => "a lane waits for ever",
            Self::EndsOnce => "a mailbox has not ended, or more than once",
            Self::Completes => "a mailbox was given up although there was patience enough",
            Self::NothingLost => "items are missing without a reason",
            Self::NothingDoubled => "the target holds what it should not",
            Self::Truth => "the report is not what the servers hold",
            Self::Access => "the source is open or closed when it should not be",
            Self::InTime => "not done within the bound after the storm",
            Self::Patience => "a wait that was asked for was not kept",
        }
    }
}

/// A law that was broken.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Broken {
    /// Which.
    pub law: Law,
    /// By the move of which mailbox; absent if it concerns the run.
    pub mailbox: Option<MailboxKey>,
    /// What was seen.
    pub what: String,
}

impl std::fmt::Display for Broken {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.law.broken())?;
        if let Some(mailbox) = self.mailbox {
            write!(f, ", mailbox {}", mailbox.0)?;
        }
        write!(f, ": {}", self.what)
    }
}
