//! Opaque tokens of links: what they hold, sealed with a check, so that a cut or altered token is recognized.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Serialize;
use serde::de::DeserializeOwned;
use xxhash_rust::xxh3::xxh3_64_with_seed;

/// Keeps tokens of other makers from passing by chance.
const SEED: u64 = 0x6772_6170_685f_746b;

/// Longest token that is read, in characters. Assumed; a token with all its options stays far below.
const MAX_LENGTH: usize = 16 * 1024;

const CHECK_LENGTH: usize = 8;

/// Writes a token: characters that are safe in URLs.
pub(super) fn seal(value: &impl Serialize) -> String {
    let mut bytes = serde_json::to_vec(value).expect("texts, numbers and lists always have a JSON form");
    bytes.extend(xxh3_64_with_seed(&bytes, SEED).to_be_bytes());
    URL_SAFE_NO_PAD.encode(bytes)
}

/// Reads a token. Nothing is returned for text that [`seal`] did not write for this type.
pub(super) fn open<T: DeserializeOwned>(text: &str) -> Option<T> {
    if MAX_LENGTH < text.len() {
        return None;
    }
    let bytes = URL_SAFE_NO_PAD.decode(text).ok()?;
    let (content, check) = bytes.split_at_checked(bytes.len().checked_sub(CHECK_LENGTH)?)?;
    if xxh3_64_with_seed(content, SEED).to_be_bytes() != check {
        return None;
    }
    serde_json::from_slice(content).ok()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn what_was_sealed_is_opened(number: u64, text: String) {
            let token = seal(&(number, &text));
            prop_assert_eq!(open::<(u64, String)>(&token), Some((number, text)));
            prop_assert_eq!(open::<(u64, String)>(&token[1..]), None);
        }

        #[test]
        fn foreign_text_is_no_token(text: String) {
            prop_assert_eq!(open::<serde_json::Value>(&text), None);
        }
    }
}
