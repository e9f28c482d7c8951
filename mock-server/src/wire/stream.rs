//! Item streams: how the bytes of an item tell which item it is, and what the bytes of a computed item are.
//!
//! The real export stream is an opaque FastTransfer stream (\[MS-OXCFXICS\]) that holds `PidTagSearchKey` among many
//! other properties. Ours holds nothing but that: sixteen bytes of search key, then bytes that look random. A MIME
//! message says it in a header. Whatever comes from elsewhere is identified by its hash, so that every stream has an
//! identity and the same stream always has the same.

use std::borrow::Cow;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use xxhash_rust::xxh3::xxh3_64;

use super::call::Content;
use super::id::ItemKey;
use crate::draw::mix;

/// Length of a search key in bytes. Streams shorter than this do not tell their identity.
pub const SEARCH_KEY_BYTES: usize = 16;

/// Length of a search key as Base64 text.
pub const SEARCH_KEY_TEXT: usize = 24;

/// The header by which a MIME message tells its identity. It must be the first; its value is the search key in Base64.
pub const MIME_HEADER: &str = "X-Search-Key: ";

/// The search key of an item: its identity, then the complement.
#[must_use]
pub fn search_key(key: ItemKey) -> [u8; SEARCH_KEY_BYTES] {
    let mut bytes = [0; SEARCH_KEY_BYTES];
    bytes[..8].copy_from_slice(&key.0.to_be_bytes());
    bytes[8..].copy_from_slice(&(!key.0).to_be_bytes());
    bytes
}

/// The item of a search key. Search keys of another make are identified by their hash.
#[must_use]
pub fn read_search_key(bytes: &[u8]) -> ItemKey {
    stamped(bytes).filter(|_| bytes.len() == SEARCH_KEY_BYTES).unwrap_or_else(|| ItemKey(xxh3_64(bytes)))
}

/// The search key of an item as Base64 text, [`SEARCH_KEY_TEXT`] characters long.
#[must_use]
pub fn search_key_text(key: ItemKey) -> String {
    STANDARD.encode(search_key(key))
}

/// The item of a search key in Base64; nothing if the text is not Base64.
#[must_use]
pub fn read_search_key_text(text: &str) -> Option<ItemKey> {
    STANDARD.decode(text).ok().map(|bytes| read_search_key(&bytes))
}

fn stamped(bytes: &[u8]) -> Option<ItemKey> {
    let number = u64::from_be_bytes(bytes.get(..8)?.try_into().ok()?);
    let complement = u64::from_be_bytes(bytes.get(8..SEARCH_KEY_BYTES)?.try_into().ok()?);
    (number == !complement).then_some(ItemKey(number))
}

/// The identity of the item that a stream or MIME message holds.
#[must_use]
pub fn key(bytes: &[u8]) -> ItemKey {
    let header = || {
        let value = bytes.strip_prefix(MIME_HEADER.as_bytes())?.get(..SEARCH_KEY_TEXT)?;
        read_search_key_text(std::str::from_utf8(value).ok()?)
    };
    stamped(bytes).or_else(header).unwrap_or_else(|| ItemKey(xxh3_64(bytes)))
}

/// The export stream of a computed item: its search key, then `size` minus sixteen bytes that depend only on the key.
#[must_use]
pub fn computed(key: ItemKey, size: u32) -> Vec<u8> {
    let size = size as usize;
    let mut bytes = Vec::with_capacity(size + SEARCH_KEY_BYTES);
    bytes.extend_from_slice(&search_key(key));
    let mut word = mix(key.0);
    while bytes.len() < size {
        word = word.wrapping_add(0x9e37_79b9_7f4a_7c15);
        bytes.extend_from_slice(&mix(word).to_le_bytes());
    }
    bytes.truncate(size);
    bytes
}

/// The bytes of an item: those that it carries, or the computed ones.
#[must_use]
pub fn of(content: &Content) -> Cow<'_, [u8]> {
    match &content.bytes {
        Some(bytes) => Cow::Borrowed(bytes),
        None => Cow::Owned(computed(content.key, content.size)),
    }
}

/// The content that a stream or MIME message is.
#[must_use]
pub fn content(bytes: Vec<u8>) -> Content {
    Content { key: key(&bytes), size: u32::try_from(bytes.len()).unwrap_or(u32::MAX), bytes: Some(bytes.into()) }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_stream_has_the_wanted_size_and_tells_its_item(number: u64, size in 16u32..5_000) {
            let bytes = computed(ItemKey(number), size);
            prop_assert_eq!(bytes.len(), size as usize);
            prop_assert_eq!(key(&bytes), ItemKey(number));
            let content = content(bytes);
            prop_assert_eq!((content.key, content.size), (ItemKey(number), size));
        }

        #[test]
        fn search_keys_come_back(number: u64) {
            let text = search_key_text(ItemKey(number));
            prop_assert_eq!(text.len(), SEARCH_KEY_TEXT);
            prop_assert_eq!(read_search_key_text(&text), Some(ItemKey(number)));
            let mail = format!("{MIME_HEADER}{text}\r\nSubject: x\r\n\r\n");
            prop_assert_eq!(key(mail.as_bytes()), ItemKey(number));
        }

        #[test]
        fn any_bytes_have_an_identity_that_depends_on_nothing_else(bytes: Vec<u8>) {
            prop_assert_eq!(key(&bytes), key(&bytes.clone()));
        }
    }
}
