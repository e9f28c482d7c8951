//! Item content inside XML: base64, and how the identity of an item is found in what has no field for it.
//!
//! Exported streams travel without any field for the identity, so the mock's own streams begin with the search key's
//! sixteen bytes. A stream from elsewhere is identified by a hash of its bytes: the same stream has the same identity.

use std::borrow::Cow;

use base64::Engine;
use base64::alphabet;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use bytes::Bytes;
use xxhash_rust::xxh3::xxh3_64;

use super::reference::{key_bytes, key_of_bytes};
use super::xml::{Element, Writer};
use crate::wire::call::Content;
use crate::wire::id::ItemKey;

const BASE64: GeneralPurpose = GeneralPurpose::new(
    &alphabet::STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// Length of the stream in bytes.
pub(super) fn stream_length(content: &Content) -> u64 {
    content.bytes.as_ref().map_or(u64::from(content.size), |bytes| bytes.len() as u64)
}

/// Length of the stream as base64.
pub(super) fn base64_length(content: &Content) -> u64 {
    stream_length(content).div_ceil(3) * 4
}

/// The stream. One without bytes is written as its identity and zeros, which is all that is known of it.
fn stream(content: &Content) -> Cow<'_, [u8]> {
    if let Some(bytes) = &content.bytes {
        return Cow::Borrowed(bytes);
    }
    let mut bytes = key_bytes(content.key).to_vec();
    bytes.resize(content.size as usize, 0);
    Cow::Owned(bytes)
}

/// Writes a stream as the text of an element.
pub(super) fn write(writer: &mut Writer, name: &str, attributes: &[(&str, &str)], content: &Content) {
    writer.leaf_with(name, attributes, &BASE64.encode(stream(content)));
}

/// Reads a stream from the text of an element; nothing if it is not base64. `key` is the identity if a field of its
/// own told it.
pub(super) fn read(element: &Element<'_>, key: Option<ItemKey>) -> Option<Content> {
    let text = element.text();
    let text = if text.bytes().any(|byte| byte.is_ascii_whitespace()) {
        Cow::Owned(text.split_ascii_whitespace().collect::<String>())
    } else {
        Cow::Borrowed(text)
    };
    let bytes = BASE64.decode(text.as_bytes()).ok()?;
    let size = u32::try_from(bytes.len()).ok()?;
    let key = key.unwrap_or_else(|| identity(&bytes));
    Some(Content { key, size, bytes: Some(Bytes::from(bytes)) })
}

/// The identity of a stream that no field tells.
fn identity(stream: &[u8]) -> ItemKey {
    key_of_bytes(stream).unwrap_or_else(|| ItemKey(xxh3_64(stream)))
}
