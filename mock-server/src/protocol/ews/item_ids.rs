//! Identifiers of items, occurrences and attachments as opaque text, and change keys.
//!
//! An occurrence is named by its series and its original start, an attachment by its item and the numbers that lead to
//! it: the identifier of the item, and behind it a mark with the rest.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::Timestamp;
use xxhash_rust::xxh3::xxh3_64;

use super::failure::Failure;
use crate::wire::ews::xml::Element;
use crate::wire::id::MailboxKey;
use crate::wire::opaque::{self, Kind};

/// The deepest nesting of attached items that identifiers reach (assumed).
const NESTING_MAX: usize = 32;

const OCCURRENCE: u8 = b'O';
const ATTACHMENT: u8 = b'A';
const CHECK_BYTES: usize = 4;

/// What the identifier of an item names.
#[derive(Copy, Clone, PartialEq, Eq, Debug)]
pub(super) struct ItemName {
    /// The mailbox.
    pub(super) mailbox: MailboxKey,
    /// The item, or the series of an occurrence.
    pub(super) number: u64,
    /// The original start of an occurrence.
    pub(super) occurrence: Option<Timestamp>,
}

/// What the identifier of an attachment names.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct AttachmentName {
    /// The mailbox.
    pub(super) mailbox: MailboxKey,
    /// The item.
    pub(super) number: u64,
    /// The attachment, behind the attached items that it is within.
    pub(super) path: Vec<u32>,
}

fn tail(head: &str, mark: u8, rest: &[u8]) -> String {
    let mut bytes = vec![mark];
    bytes.extend(rest);
    let check = xxh3_64(&[head.as_bytes(), &bytes].concat()).to_be_bytes();
    bytes.extend(&check[..CHECK_BYTES]);
    format!("{head}{}", URL_SAFE_NO_PAD.encode(bytes))
}

/// What stands in front of a tail, and the tail: its mark and what follows.
type Parts = (MailboxKey, u64, Option<(u8, Vec<u8>)>);

fn read_tail(text: &str) -> Option<Parts> {
    let (head, rest) = text.split_at_checked(opaque::LENGTH)?;
    let (mailbox, number) = opaque::decode(Kind::Item, head)?;
    if rest.is_empty() {
        return Some((mailbox, number, None));
    }
    let bytes = URL_SAFE_NO_PAD.decode(rest).ok()?;
    let (content, check) = bytes.split_at_checked(bytes.len().checked_sub(CHECK_BYTES)?)?;
    let right = xxh3_64(&[head.as_bytes(), content].concat()).to_be_bytes();
    let (mark, content) = content.split_first()?;
    (check == &right[..CHECK_BYTES]).then(|| (mailbox, number, Some((*mark, content.to_vec()))))
}

/// Writes the identifier of an item or an occurrence.
pub(super) fn item(mailbox: MailboxKey, number: u64, occurrence: Option<Timestamp>) -> String {
    let head = opaque::encode(Kind::Item, mailbox, number);
    match occurrence {
        Some(start) => tail(&head, OCCURRENCE, &start.as_second().to_be_bytes()),
        None => head,
    }
}

/// Reads the identifier of an item or an occurrence.
pub(super) fn read_item(text: &str) -> Option<ItemName> {
    let (mailbox, number, rest) = read_tail(text)?;
    let occurrence = match rest {
        None => None,
        Some((OCCURRENCE, bytes)) => Some(Timestamp::from_second(i64::from_be_bytes(bytes.try_into().ok()?)).ok()?),
        Some(_) => return None,
    };
    Some(ItemName { mailbox, number, occurrence })
}

/// Writes the identifier of an attachment.
pub(super) fn attachment(mailbox: MailboxKey, number: u64, path: &[u32]) -> String {
    let bytes: Vec<u8> = path.iter().flat_map(|number| number.to_be_bytes()).collect();
    tail(&opaque::encode(Kind::Item, mailbox, number), ATTACHMENT, &bytes)
}

/// Reads the identifier of an attachment.
pub(super) fn read_attachment(text: &str) -> Option<AttachmentName> {
    let (mailbox, number, Some((ATTACHMENT, bytes))) = read_tail(text)? else { return None };
    let (numbers, rest) = bytes.as_chunks::<4>();
    if numbers.is_empty() || numbers.len() > NESTING_MAX || !rest.is_empty() {
        return None;
    }
    Some(AttachmentName { mailbox, number, path: numbers.iter().map(|number| u32::from_be_bytes(*number)).collect() })
}

/// Writes the identifier of a folder with a key that says nothing of its changes.
pub(super) fn folder(mailbox: MailboxKey, ordinal: u32) -> (String, String) {
    let number = u64::from(ordinal);
    (opaque::encode(Kind::Folder, mailbox, number), opaque::encode(Kind::ChangeKey, mailbox, number))
}

/// Writes a change key.
pub(super) fn change_key(mailbox: MailboxKey, version: u64) -> String {
    opaque::encode(Kind::ChangeKey, mailbox, version)
}

/// Writes the identifier of a conversation: one for each topic.
pub(super) fn conversation(mailbox: MailboxKey, topic: &str) -> String {
    opaque::encode(Kind::Item, mailbox, xxh3_64(topic.as_bytes()) | 1 << 63)
}

/// What a client says of an item's version.
#[derive(Copy, Clone, PartialEq, Eq, Debug)]
pub(super) enum ChangeKey {
    /// Nothing.
    Absent,
    /// This one.
    Version(u64),
}

impl ChangeKey {
    /// Reads the change key beside an identifier.
    pub(super) fn read(element: &Element<'_>) -> Result<Self, Failure> {
        match element.attribute("ChangeKey") {
            None | Some("") => Ok(Self::Absent),
            Some(text) => match opaque::decode(Kind::ChangeKey, text) {
                Some((_, version)) => Ok(Self::Version(version)),
                None => Err(Failure::CHANGE_KEY),
            },
        }
    }

    /// Whether the item has changed since. A key that names the item itself was written by a listing that does not know
    /// versions, and is believed.
    pub(super) fn is_stale(self, number: u64, version: u64) -> bool {
        matches!(self, Self::Version(known) if known != version && known != number)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MAILBOX: MailboxKey = MailboxKey(7);

    #[test]
    fn identifiers_come_back_and_altered_ones_do_not() {
        let start = Timestamp::from_second(1_451_635_200).expect("in range");
        for occurrence in [None, Some(start)] {
            let text = item(MAILBOX, 1 << 63 | 5, occurrence);
            assert_eq!(read_item(&text), Some(ItemName { mailbox: MAILBOX, number: 1 << 63 | 5, occurrence }));
            assert_eq!(read_attachment(&text), None);
        }
        let text = attachment(MAILBOX, 9, &[3, 1]);
        assert_eq!(read_attachment(&text), Some(AttachmentName { mailbox: MAILBOX, number: 9, path: vec![3, 1] }));
        assert_eq!(read_item(&text), None);
        for altered in ["", "AAMk=", "ä", &text[..text.len() - 1], &text.replace(&text[26..28], "__")] {
            assert_eq!(read_attachment(altered), None, "{altered}");
        }
    }
}
