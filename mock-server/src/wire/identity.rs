//! The identity of a request as a GUID, for the header `client-request-id`.
//!
//! Microsoft's clients number their requests with a GUID in this header (Graph: "client-request-id", best practices;
//! EWS: the same header, \[MS-OXWSCORE\]). Ours holds which request it is and how often it was tried before, so that the
//! same faults hit the same requests in every world. The layout is that of an [RFC 9562] version 8 GUID, whose content
//! is the maker's own business:
//!
//! ```text
//! RRRRRRRR-RRRR-8RRR-VVCC-CCCCAAAAAAAA
//! ```
//!
//! R is the request, 64 bits of which the last four share the two digits V with the variant and the first bits of the
//! check; C is the check, 26 bits; A is the attempt, 32 bits.
//!
//! The check makes a GUID of somebody else's as good as never pass for one of ours.
//!
//! [RFC 9562]: https://www.rfc-editor.org/rfc/rfc9562#section-5.8

use uuid::Uuid;

use super::call::RequestIdentity;
use crate::draw::mix;

/// The name of the header.
pub const HEADER: &str = "client-request-id";

/// Length of a GUID in text, hyphens included.
pub const LENGTH: usize = 36;

/// Version 8 in the seventh byte, the variant of the RFC in the ninth.
const MARKS: u128 = (8 << 76) | (0b10 << 62);
const CHECK_BITS: u32 = 26;

/// Bits of the check: whatever is left beside 64 bits of request, 32 of attempt and 6 of marks.
fn check(request: u64, attempt: u32) -> u32 {
    (mix(mix(request ^ 0x7761_7665_7461_6e6b) ^ u64::from(attempt)) >> (64 - CHECK_BITS)) as u32
}

/// Writes which request it is as a GUID.
#[must_use]
pub fn encode(identity: RequestIdentity) -> String {
    let RequestIdentity { request, attempt, .. } = identity;
    let high = u128::from(request >> 16) << 80;
    let middle = u128::from(request >> 4 & 0xfff) << 64;
    let low = u128::from(request & 0xf) << 58 | u128::from(check(request, attempt)) << 32 | u128::from(attempt);
    let mut text = [0; LENGTH];
    Uuid::from_u128(high | middle | low | MARKS).hyphenated().encode_lower(&mut text).to_owned()
}

/// Reads a GUID that [`encode`] wrote. Nothing is returned for any other text.
#[must_use]
pub fn decode(text: &str) -> Option<RequestIdentity> {
    let bytes = text.as_bytes();
    if bytes.len() != LENGTH || [8, 13, 18, 23].iter().any(|&at| bytes[at] != b'-') {
        return None;
    }
    let mut word: u128 = 0;
    for (at, &byte) in bytes.iter().enumerate() {
        if ![8, 13, 18, 23].contains(&at) {
            word = word << 4 | u128::from(char::from(byte).to_digit(16)?);
        }
    }
    let request = (word >> 80) as u64 & 0xffff_ffff_ffff;
    let request = request << 16 | ((word >> 64) as u64 & 0xfff) << 4 | ((word >> 58) as u64 & 0xf);
    let attempt = word as u32;
    let marked = word & (0xf << 76 | 0b11 << 62) == MARKS;
    let checked = (word >> 32) as u32 & ((1 << CHECK_BITS) - 1) == check(request, attempt);
    (marked && checked).then_some(RequestIdentity::new(request, attempt))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn what_was_written_is_read(request: u64, attempt: u32) {
            let identity = RequestIdentity::new(request, attempt);
            let text = encode(identity);
            prop_assert_eq!(text.len(), LENGTH);
            prop_assert_eq!(decode(&text), Some(identity));
            prop_assert_eq!(decode(&text.to_uppercase()), Some(identity));
        }

        #[test]
        fn foreign_guids_are_not_ours(word: u128) {
            let hex = format!("{word:032x}");
            let text = format!("{}-{}-{}-{}-{}", &hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..]);
            prop_assert_eq!(decode(&text), None);
        }

        #[test]
        fn any_text_is_read_without_harm(text in ".{0,40}") {
            prop_assert_eq!(decode(&text), None);
        }
    }

    #[test]
    fn marks_are_where_the_rfc_puts_them() {
        let text = encode(RequestIdentity::new(u64::MAX, u32::MAX));
        assert_eq!(&text[14..15], "8");
        assert!("89ab".contains(&text[19..20]), "{text}");
        assert_eq!(decode("11111111-2222-4333-8444-555555555555"), None);
    }
}
