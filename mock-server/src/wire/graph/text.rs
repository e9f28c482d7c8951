//! Small texts: references, percent-encoding, and the lengths that they have once written.

use std::borrow::Cow;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};

use crate::wire::http::Unsupported;
use crate::wire::id::{Id, MailboxKey};
use crate::wire::opaque::{self, Kind};
use crate::wire::operation::Operation;

/// What a path segment must not hold as it is (RFC 3986 section 3.3: everything but unreserved characters, sub-delimiters,
/// colon and at-sign). The apostrophe is kept out as well, because `OData` puts keys between apostrophes.
const SEGMENT: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~')
    .remove(b'!')
    .remove(b'$')
    .remove(b'(')
    .remove(b')')
    .remove(b'*')
    .remove(b',')
    .remove(b';')
    .remove(b'=')
    .remove(b':')
    .remove(b'@');

/// How many characters a number has in decimal.
pub(super) fn digits(number: u64) -> u64 {
    u64::from(number.checked_ilog10().unwrap_or(0)) + 1
}

/// How many characters so many bytes have in Base64 with padding.
pub(super) fn base64_length(bytes: u64) -> u64 {
    bytes.div_ceil(3) * 4
}

/// How many bytes a text has between the quotation marks of a JSON string, as `serde_json` writes it.
pub(super) fn json_length(text: &str) -> u64 {
    let extra = |byte: u8| match byte {
        b'"' | b'\\' | 0x08 | 0x09 | 0x0a | 0x0c | 0x0d => 1,
        0..0x20 => 5,
        _ => 0,
    };
    text.len() as u64 + text.bytes().map(extra).sum::<u64>()
}

/// A text as a path segment or the value of a query key.
pub(super) fn segment(text: &str) -> Cow<'_, str> {
    utf8_percent_encode(text, SEGMENT).into()
}

/// How many characters [`segment`] has.
pub(super) fn segment_length(text: &str) -> u64 {
    utf8_percent_encode(text, SEGMENT).map(|part| part.len() as u64).sum()
}

/// A path segment as text; nothing if it is not UTF-8.
pub(super) fn read_segment(segment: &str) -> Option<String> {
    percent_decode_str(segment).decode_utf8().ok().map(Cow::into_owned)
}

/// How many bytes a reference has in a JSON string.
pub(super) fn id_length(id: &Id) -> u64 {
    match id {
        Id::Number(_) => opaque::LENGTH as u64,
        Id::Text(text) => json_length(text),
    }
}

/// How many characters a reference has as a path segment.
pub(super) fn id_segment_length(id: &Id) -> u64 {
    match id {
        Id::Number(_) => opaque::LENGTH as u64,
        Id::Text(text) => segment_length(text),
    }
}

/// A reference as the client writes it: only what came from a wire can be written.
pub(super) fn known(id: &Id, operation: Operation) -> Result<&str, Unsupported> {
    match id {
        Id::Text(text) => Ok(text),
        Id::Number(_) => Err(Unsupported { operation, reason: "a reference did not come from a wire" }),
    }
}

/// A reference as the server writes it.
pub(super) fn written(kind: Kind, mailbox: MailboxKey, id: &Id) -> Cow<'_, str> {
    match id {
        Id::Number(number) => Cow::Owned(opaque::encode(kind, mailbox, *number)),
        Id::Text(text) => Cow::Borrowed(text),
    }
}

/// Reads references on the server's side, and notes the mailbox to which they belong.
#[derive(Default, Debug)]
pub(super) struct References {
    /// The mailbox of the references read so far.
    pub owner: Option<MailboxKey>,
}

impl References {
    /// Reads one. What the mock did not write, or wrote for another mailbox than the references before, stays text: no
    /// mailbox knows it.
    pub(super) fn read(&mut self, kind: Kind, text: &str) -> Id {
        match opaque::decode(kind, text) {
            Some((mailbox, number)) if self.owner.is_none_or(|owner| owner == mailbox) => {
                self.owner = Some(mailbox);
                Id::Number(number)
            }
            _ => Id::text(text),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn lengths_are_those_of_what_is_written(text: String, number: u64) {
            prop_assert_eq!(digits(number), number.to_string().len() as u64);
            prop_assert_eq!(json_length(&text) + 2, serde_json::to_string(&text).expect("readable").len() as u64);
            prop_assert_eq!(segment_length(&text), segment(&text).len() as u64);
            prop_assert_eq!(read_segment(&segment(&text)), Some(text));
        }
    }

    #[test]
    fn references_of_two_mailboxes_are_not_mixed() {
        let mut references = References::default();
        let one = opaque::encode(Kind::Item, MailboxKey(1), 7);
        let two = opaque::encode(Kind::Item, MailboxKey(2), 7);
        assert_eq!(references.read(Kind::Item, &one), Id::Number(7));
        assert_eq!(references.read(Kind::Item, &two), Id::text(&two));
        assert_eq!(references.owner, Some(MailboxKey(1)));
    }
}
