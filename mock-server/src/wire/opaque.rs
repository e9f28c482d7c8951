//! The mock's references as opaque text, and back.
//!
//! The text holds what it refers to, the mailbox and a check, so that a reference that was cut, altered or taken from
//! another mailbox is recognized.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE;

use super::id::MailboxKey;
use crate::draw::mix;

/// What a reference refers to.
#[derive(Copy, Clone, PartialEq, Eq, Debug)]
#[repr(u8)]
pub enum Kind {
    /// A folder.
    Folder = 1,
    /// An item.
    Item = 2,
    /// A sync state or delta token.
    SyncState = 3,
    /// An import session.
    Session = 4,
    /// A change key.
    ChangeKey = 5,
    /// A subscription.
    Subscription = 6,
    /// How far a subscription was told of events.
    Watermark = 7,
}

/// Length of every reference in characters.
pub const LENGTH: usize = 24;

fn check(kind: Kind, mailbox: MailboxKey, number: u64) -> [u8; 4] {
    let word = mix(mix(number ^ (u64::from(mailbox.0) << 8)) ^ kind as u64);
    ((word >> 32) as u32).to_be_bytes()
}

/// Writes a reference: 24 characters that are safe in URLs and XML.
#[must_use]
pub fn encode(kind: Kind, mailbox: MailboxKey, number: u64) -> String {
    let mut bytes = [0; 17];
    bytes[0] = kind as u8;
    bytes[1..5].copy_from_slice(&mailbox.0.to_be_bytes());
    bytes[5..13].copy_from_slice(&number.to_be_bytes());
    bytes[13..].copy_from_slice(&check(kind, mailbox, number));
    URL_SAFE.encode(bytes)
}

/// Reads a reference of a kind. Nothing is returned for text that the mock did not write.
#[must_use]
pub fn decode(kind: Kind, text: &str) -> Option<(MailboxKey, u64)> {
    let bytes: [u8; 17] = URL_SAFE.decode(text).ok()?.try_into().ok()?;
    let mailbox = MailboxKey(u32::from_be_bytes(bytes[1..5].try_into().ok()?));
    let number = u64::from_be_bytes(bytes[5..13].try_into().ok()?);
    (bytes[0] == kind as u8 && bytes[13..] == check(kind, mailbox, number)).then_some((mailbox, number))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn references_come_back_and_altered_ones_do_not() {
        let text = encode(Kind::Item, MailboxKey(2_099_999), 0x0123_4567_89ab_cdef);
        assert_eq!(text.len(), LENGTH);
        assert_eq!(decode(Kind::Item, &text), Some((MailboxKey(2_099_999), 0x0123_4567_89ab_cdef)));
        assert_eq!(decode(Kind::Folder, &text), None);
        assert_eq!(decode(Kind::Item, "nope"), None);
        let altered = text.replacen(text.chars().nth(8).unwrap_or('A'), "_", 1);
        assert_eq!(decode(Kind::Item, &altered), None);
    }
}
