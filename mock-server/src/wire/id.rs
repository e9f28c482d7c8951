//! References to mailboxes, folders, items and sync states.

use std::sync::Arc;

/// The number of a mailbox within its population.
#[derive(Copy, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct MailboxKey(pub u32);

/// An identity that an item keeps when it is exported and imported again.
///
/// On the wire it is `PidTagSearchKey` (MAPI property 0x300B, \[MS-OXPROPS\] 2.996), sixteen bytes of which the first
/// eight are this number and the last eight its complement.
#[derive(Copy, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct ItemKey(pub u64);

/// An opaque reference that a server gave out: a folder, an item, a change key, a sync state, an upload session.
///
/// Only the server that gave it can read it; everybody else stores it, compares it and hands it back. The mock's own
/// references are numbers, which cost nothing to copy in virtual time; on the wire they become opaque text, and what a
/// client reads from the wire stays text.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Id {
    /// A reference of the mock's own, not yet written to any wire.
    Number(u64),
    /// A reference read from the wire.
    Text(Arc<str>),
}

impl Id {
    /// A reference read from the wire.
    #[must_use]
    pub fn text(text: &str) -> Self {
        Self::Text(Arc::from(text))
    }
}

impl From<u64> for Id {
    fn from(number: u64) -> Self {
        Self::Number(number)
    }
}
