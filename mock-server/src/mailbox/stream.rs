//! The exported stream of an item as bytes.
//!
//! The real stream is an opaque FastTransfer stream (\[MS-OXCFXICS\]). This one is just as opaque to clients. It begins
//! with the item's search key, as every stream of this server does ([`wire::stream`](crate::wire::stream)), then a mark,
//! its version and its length; it ends with a checksum. Cut or altered streams are therefore found when they arrive,
//! and what it holds in between is a function of the identity and the length, so that nothing needs to be stored.

use bytes::Bytes;
use xxhash_rust::xxh3::xxh3_64;

use crate::draw::{Purpose, hash, mix};
use crate::wire::id::ItemKey;
use crate::wire::stream::{SEARCH_KEY_BYTES, search_key};

/// Length of the shortest stream.
pub const SHORTEST: u32 = 64;

/// Marks a stream of ours, the last byte being the version of the format.
const MARK: [u8; 4] = *b"wts\x01";
const MARK_AT: usize = SEARCH_KEY_BYTES;
const LENGTH_AT: usize = MARK_AT + 4;
const BODY_AT: usize = LENGTH_AT + 4;
const CHECK_BYTES: usize = 8;

/// Why bytes are not a stream of ours.
#[derive(Copy, Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum StreamError {
    /// They come from elsewhere.
    #[error("the stream is of another make")]
    Foreign,
    /// They are fewer or more than the stream says.
    #[error("the stream should have {expected} bytes but has {actual}")]
    Length {
        /// Bytes that it should have.
        expected: u32,
        /// Bytes that it has.
        actual: usize,
    },
    /// They were altered.
    #[error("the stream does not match its checksum")]
    Altered,
}

/// The exported stream of an item: `size` bytes, but never fewer than [`SHORTEST`].
#[must_use]
pub fn export(key: ItemKey, size: u32) -> Bytes {
    let size = size.max(SHORTEST);
    let length = size as usize;
    let mut bytes = Vec::with_capacity(length + CHECK_BYTES);
    bytes.extend_from_slice(&search_key(key));
    bytes.extend_from_slice(&MARK);
    bytes.extend_from_slice(&size.to_be_bytes());
    let mut word = hash(key.0, Purpose::Bytes, u64::from(size), 0, 0);
    while bytes.len() < length - CHECK_BYTES {
        word = word.wrapping_add(0x9e37_79b9_7f4a_7c15);
        bytes.extend_from_slice(&mix(word).to_le_bytes());
    }
    bytes.truncate(length - CHECK_BYTES);
    let check = xxh3_64(&bytes);
    bytes.extend_from_slice(&check.to_be_bytes());
    Bytes::from(bytes)
}

/// The identity and length that a stream of ours states, after checking both length and content.
pub fn read(bytes: &[u8]) -> Result<(ItemKey, u32), StreamError> {
    if bytes.get(MARK_AT..LENGTH_AT) != Some(MARK.as_slice()) {
        return Err(StreamError::Foreign);
    }
    let number = |from: usize| bytes.get(from..from + 8).and_then(|part| part.try_into().ok()).map(u64::from_be_bytes);
    let key = number(0).ok_or(StreamError::Foreign)?;
    let expected = bytes.get(LENGTH_AT..BODY_AT).and_then(|part| part.try_into().ok()).map(u32::from_be_bytes);
    let expected = expected.ok_or(StreamError::Foreign)?;
    if bytes.len() != expected as usize || bytes.len() < SHORTEST as usize {
        return Err(StreamError::Length { expected, actual: bytes.len() });
    }
    let (content, _) = bytes.split_at(bytes.len() - CHECK_BYTES);
    if number(content.len()) != Some(xxh3_64(content)) {
        return Err(StreamError::Altered);
    }
    Ok((ItemKey(key), expected))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::wire::stream::key;

    proptest! {
        #[test]
        fn a_stream_has_exactly_its_size_and_tells_its_item(number: u64, size in SHORTEST..5_000) {
            let bytes = export(ItemKey(number), size);
            prop_assert_eq!(bytes.len(), size as usize);
            prop_assert_eq!(read(&bytes), Ok((ItemKey(number), size)));
            prop_assert_eq!(key(&bytes), ItemKey(number));
        }

        #[test]
        fn a_cut_or_altered_stream_is_found(number: u64, size in SHORTEST..500, at: usize, bit in 0u8..8) {
            let bytes = export(ItemKey(number), size);
            let at = at % bytes.len();
            prop_assert!(read(&bytes[..at]).is_err());
            let mut altered = bytes.to_vec();
            altered[at] ^= 1 << bit;
            prop_assert!(read(&altered).is_err());
        }
    }

    #[test]
    fn streams_of_another_make_are_told_apart_from_broken_ones() {
        assert_eq!(read(b"something else"), Err(StreamError::Foreign));
        assert_eq!(read(&[7; 100]), Err(StreamError::Foreign));
    }
}
