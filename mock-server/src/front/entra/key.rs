//! The key that signs tokens: RSA with SHA-256 (RS256 of RFC 7518), as Entra's do.
//!
//! It is made anew by every process and never leaves it. Making it takes a tenth of a second or two, so it is made on a
//! thread of its own as soon as anybody is going to need it.

use std::sync::{Once, OnceLock};
use std::thread;

use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::KeySize;
use aws_lc_rs::signature::{KeyPair, ParsedPublicKey, RSA_PKCS1_2048_8192_SHA256, RSA_PKCS1_SHA256, RsaKeyPair};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::wire::entra::MAX_TOKEN_BYTES;

/// The key of this process; nothing if the system gave no randomness.
static KEY: OnceLock<Option<Key>> = OnceLock::new();

/// Why a token cannot be believed.
#[derive(Copy, Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub(in crate::front) enum Unbelievable {
    /// It is no JWT, or not one of this kind.
    #[error("the token cannot be read")]
    Malformed,
    /// It was not signed here, or it was altered.
    #[error("the token was not signed here")]
    Foreign,
}

/// A key.
#[derive(Debug)]
pub(in crate::front) struct Key {
    pair: RsaKeyPair,
    public: ParsedPublicKey,
    name: String,
    header: String,
}

#[derive(Deserialize)]
struct Header {
    alg: String,
    kid: Option<String>,
}

/// Begins to make the key of this process on a thread of its own, if nobody did so before.
pub(in crate::front) fn prepare() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        // Without a thread it is made when it is needed.
        let _ = thread::Builder::new().name("token key".to_owned()).spawn(Key::get);
    });
}

impl Key {
    /// The key of this process; waits until it is made. Nothing if the system gave no randomness for it.
    pub(in crate::front) fn get() -> Option<&'static Self> {
        KEY.get_or_init(Self::make).as_ref()
    }

    fn make() -> Option<Self> {
        let pair = RsaKeyPair::generate(KeySize::Rsa2048).ok()?;
        let public = ParsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA256, pair.public_key().as_ref()).ok()?;
        let mut key = Self { pair, public, name: String::new(), header: String::new() };
        // The thumbprint of RFC 7638 names it.
        let (modulus, exponent) = key.numbers();
        let described = format!(r#"{{"e":"{exponent}","kty":"RSA","n":"{modulus}"}}"#);
        key.name = URL_SAFE_NO_PAD.encode(digest(&SHA256, described.as_bytes()));
        let header = json!({"typ": "JWT", "alg": "RS256", "x5t": key.name, "kid": key.name});
        key.header = URL_SAFE_NO_PAD.encode(header.to_string());
        Some(key)
    }

    /// The modulus and the exponent as a JWK writes them.
    fn numbers(&self) -> (String, String) {
        let public = self.pair.public_key();
        let modulus = URL_SAFE_NO_PAD.encode(public.modulus().big_endian_without_leading_zero());
        (modulus, URL_SAFE_NO_PAD.encode(public.exponent().big_endian_without_leading_zero()))
    }

    /// The key as others may see it, in a set (RFC 7517).
    pub(in crate::front) fn set(&self, issuer: &str) -> Value {
        let (n, e) = self.numbers();
        json!({"keys": [
            {"kty": "RSA", "use": "sig", "kid": self.name, "x5t": self.name, "n": n, "e": e, "alg": "RS256", "issuer": issuer},
        ]})
    }

    /// A JWT (RFC 7519) that says this. Nothing if the system gave no randomness.
    pub(in crate::front) fn sign(&self, claims: &impl Serialize) -> Option<String> {
        let payload = serde_json::to_vec(claims).ok()?;
        let signed = format!("{}.{}", self.header, URL_SAFE_NO_PAD.encode(payload));
        let mut signature = vec![0; self.pair.public_modulus_len()];
        self.pair.sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), signed.as_bytes(), &mut signature).ok()?;
        Some(format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature)))
    }

    /// What a JWT says, if this key signed it.
    pub(in crate::front) fn read<T: DeserializeOwned>(&self, token: &str) -> Result<T, Unbelievable> {
        if MAX_TOKEN_BYTES < token.len() {
            return Err(Unbelievable::Malformed);
        }
        let plain = |text: &str| URL_SAFE_NO_PAD.decode(text).map_err(|_| Unbelievable::Malformed);
        let (signed, signature) = token.rsplit_once('.').ok_or(Unbelievable::Malformed)?;
        let (header, payload) = signed.split_once('.').ok_or(Unbelievable::Malformed)?;
        let header: Header = serde_json::from_slice(&plain(header)?).map_err(|_| Unbelievable::Malformed)?;
        if header.alg != "RS256" || header.kid.is_some_and(|kid| kid != self.name) {
            return Err(Unbelievable::Foreign);
        }
        let verified = self.public.verify_sig(signed.as_bytes(), &plain(signature)?);
        verified.map_err(|_| Unbelievable::Foreign)?;
        serde_json::from_slice(&plain(payload)?).map_err(|_| Unbelievable::Malformed)
    }
}

/// What a JWT says, whoever signed it. Nothing if it is none.
pub(in crate::front) fn read_unverified<T: DeserializeOwned>(token: &str) -> Option<T> {
    let mut parts = token.split('.');
    let (_, payload, _) = (parts.next()?, parts.next()?, parts.next()?);
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(payload).ok()?).ok().filter(|_| parts.next().is_none())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn key() -> &'static Key {
        Key::get().expect("randomness")
    }

    #[test]
    fn what_was_signed_is_read() {
        let token = key().sign(&json!({"a": 1})).expect("a token");
        assert_eq!(key().read::<Value>(&token), Ok(json!({"a": 1})));
        assert_eq!(read_unverified::<Value>(&token), Some(json!({"a": 1})));
    }

    #[test]
    fn a_key_shows_its_public_half_only() {
        let set = key().set("here");
        let shown = &set["keys"][0];
        assert_eq!((&shown["kty"], &shown["e"]), (&json!("RSA"), &json!("AQAB")));
        let modulus = URL_SAFE_NO_PAD.decode(shown["n"].as_str().expect("text")).expect("Base64");
        assert_eq!(modulus.len(), 256);
        assert_eq!(shown.as_object().map(serde_json::Map::len), Some(8));
    }

    #[test]
    fn tokens_without_a_signature_are_not_believed() {
        let header = URL_SAFE_NO_PAD.encode(r#"{"typ":"JWT","alg":"none"}"#);
        let token = format!("{header}.{}.", URL_SAFE_NO_PAD.encode("{}"));
        assert_eq!(key().read::<Value>(&token), Err(Unbelievable::Foreign));
    }

    proptest! {
        #[test]
        fn an_altered_token_is_not_believed(at: prop::sample::Index, byte in b'A'..=b'Z') {
            let token = key().sign(&json!({"appid": "app"})).expect("a token");
            let at = at.index(token.len());
            let mut bytes = token.clone().into_bytes();
            bytes[at] = byte;
            let altered = String::from_utf8(bytes).expect("text");
            prop_assert!(altered == token || key().read::<Value>(&altered).is_err());
        }

        #[test]
        fn any_text_is_read_or_not_believed(token: String) {
            prop_assert!(key().read::<Value>(&token).is_err());
            let _ = read_unverified::<Value>(&token);
        }
    }
}
