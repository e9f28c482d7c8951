//! An item as a MIME message.
//!
//! Like its exported stream, the message is a function of the identity and the length. Its first header tells the
//! identity ([`MIME_HEADER`]); a message that was sent through other hands may have it further down.

use bytes::Bytes;
use mail_builder::MessageBuilder;
use mail_builder::headers::raw::Raw;
use mail_builder::mime::{BodyPart, MimePart};
use mail_parser::{HeaderName, MessageParser};

use crate::draw::{Purpose, hash, mix};
use crate::wire::id::ItemKey;
use crate::wire::stream::{self, MIME_HEADER, read_search_key_text, search_key_text};

/// Length of the shortest message: its headers and a short body.
pub const SHORTEST: u32 = 512;

/// Characters in a line of the body (RFC 5322 section 2.1.1 advises at most 78 without the line end).
const LINE: usize = 76;

/// The first moment that a message may bear: 1 January 2015. Assumed; nothing looks at it.
const FIRST_DATE: i64 = 1_420_070_400;
/// Seconds over which dates spread: five years.
const DATES: u64 = 5 * 365 * 86_400;

/// The item as an RFC 5322 message of `size` bytes, but never fewer than [`SHORTEST`].
#[must_use]
pub fn mime(key: ItemKey, size: u32) -> Bytes {
    let headers = write(key, Vec::new());
    let length = (size.max(SHORTEST) as usize).saturating_sub(headers.len());
    Bytes::from(write(key, body(key, length)))
}

fn write(key: ItemKey, body: Vec<u8>) -> Vec<u8> {
    let word = hash(key.0, Purpose::Bytes, 1, 0, 0);
    let name = MIME_HEADER.trim_end_matches([':', ' ']);
    let part = MimePart::new("text/plain", BodyPart::Binary(body.into())).transfer_encoding("7bit");
    let message = MessageBuilder::new()
        .header(name, Raw::new(search_key_text(key)))
        .from(format!("sender{}@example.com", word % 10_000))
        .to(format!("reader{}@example.com", mix(word) % 10_000))
        .subject(format!("Message {:016x}", key.0))
        .date(FIRST_DATE + (word % DATES).cast_signed())
        .message_id(format!("{:016x}@example.com", key.0))
        .body(part);
    let mut bytes = Vec::new();
    message.serialize(&mut bytes);
    bytes
}

/// Lines of letters, `length` bytes with their line ends.
fn body(key: ItemKey, length: usize) -> Vec<u8> {
    let mut word = hash(key.0, Purpose::Bytes, 2, 0, 0);
    let mut bytes = Vec::with_capacity(length + LINE + 8);
    while bytes.len() < length {
        let line_end = bytes.len() + LINE;
        while bytes.len() < line_end {
            word = word.wrapping_add(0x9e37_79b9_7f4a_7c15);
            bytes.extend(mix(word).to_le_bytes().map(|byte| b'a' + byte % 26));
        }
        bytes.truncate(line_end);
        bytes.extend_from_slice(b"\r\n");
    }
    bytes.truncate(length);
    if length % (LINE + 2) == 1 && length > 2 {
        // The last line has no room for its end: the line before it grows by one letter.
        bytes[length - 3] = b'z';
    }
    if let Some(end) = length.checked_sub(2) {
        bytes[end..].copy_from_slice(b"\r\n");
    }
    bytes
}

/// The identity of the item that a message holds: from its header, or a hash of its bytes if it has none.
#[must_use]
pub fn read_mime(bytes: &[u8]) -> ItemKey {
    if bytes.starts_with(MIME_HEADER.as_bytes()) {
        return stream::key(bytes);
    }
    let name = HeaderName::Other(MIME_HEADER.trim_end_matches([':', ' ']).into());
    let message = MessageParser::new().parse_headers(bytes);
    let header = message.as_ref().and_then(|message| message.header_raw(name));
    header.and_then(|text| read_search_key_text(text.trim())).unwrap_or_else(|| stream::key(bytes))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_message_has_exactly_its_size_and_tells_its_item(number: u64, size in SHORTEST..2_000) {
            let bytes = mime(ItemKey(number), size);
            prop_assert_eq!(bytes.len(), size as usize);
            prop_assert_eq!(read_mime(&bytes), ItemKey(number));
            let text = std::str::from_utf8(&bytes).expect("a message is ASCII");
            prop_assert!(text.ends_with("\r\n"));
            prop_assert!(text.split("\r\n").all(|line| line.len() <= 78 && !line.contains(['\r', '\n'])));
        }
    }

    #[test]
    fn a_message_is_understood_by_a_parser() {
        let bytes = mime(ItemKey(77), 3_000);
        let message = MessageParser::new().parse(&bytes).expect("a valid message");
        assert!(message.from().is_some() && message.to().is_some() && message.date().is_some());
        assert_eq!(message.subject(), Some("Message 000000000000004d"));
        assert_eq!(message.message_id(), Some("000000000000004d@example.com"));
        assert!(message.body_text(0).is_some_and(|text| text.len() > 2_000));
    }

    #[test]
    fn a_message_that_came_through_other_hands_still_tells_its_item() {
        let bytes = [b"Received: from elsewhere\r\n", &mime(ItemKey(5), 900)[..]].concat();
        assert_eq!(read_mime(&bytes), ItemKey(5));
        let foreign = b"From: somebody@example.com\r\n\r\nhello\r\n";
        assert_eq!(read_mime(foreign), stream::key(foreign));
    }
}
