//! Entra: how an app gets a token (client credentials), and the token itself.
//!
//! The token looks like a JWT, because clients look into it, but it is not signed: its last part is a keyed hash
//! that only tells tokens of this server from others. It protects nothing but tests.

use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};
use xxhash_rust::xxh3::xxh3_128_with_seed;

use super::http::{HttpAnswer, HttpCall};

/// Content type of every answer of the token endpoint, in exactly these characters: clients compare it.
pub const JSON_TYPE: &str = "application/json; charset=utf-8";

/// Longest token request that is read, in bytes. Assumed; a request with a certificate stays below 4 KiB.
pub const MAX_BODY_BYTES: usize = 64 * 1024;

/// Longest token that is read, in bytes. Assumed; real ones have about 2 KiB.
pub const MAX_TOKEN_BYTES: usize = 16 * 1024;

/// An app's wish for a token. Does not show its secret.
#[derive(Clone, PartialEq, Eq)]
pub struct TokenRequest {
    /// The tenant, by id or domain.
    pub tenant: String,
    /// The app's id.
    pub client_id: String,
    /// The app's secret.
    pub client_secret: String,
    /// What the token is for, for example `https://graph.microsoft.com/.default`.
    pub scope: String,
}

impl fmt::Debug for TokenRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { tenant, client_id, client_secret: _, scope } = self;
        let mut shown = f.debug_struct("TokenRequest");
        shown.field("tenant", tenant).field("client_id", client_id).field("scope", scope).finish_non_exhaustive()
    }
}

impl TokenRequest {
    /// The resource that the token is for: the scope without `/.default`.
    #[must_use]
    pub fn audience(&self) -> &str {
        let first = self.scope.split_whitespace().next().unwrap_or_default();
        first.strip_suffix("/.default").unwrap_or(first)
    }
}

/// A token that was granted. Does not show itself.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TokenAnswer {
    /// Always `Bearer`.
    pub token_type: String,
    /// How many seconds the token is good for.
    pub expires_in: u64,
    /// How many seconds it is good for if the token endpoint is down.
    pub ext_expires_in: u64,
    /// The token.
    pub access_token: String,
}

impl fmt::Debug for TokenAnswer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TokenAnswer").field("expires_in", &self.expires_in).finish_non_exhaustive()
    }
}

/// Why no token is granted, or none can be read from an answer.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum EntraError {
    /// The path is not that of a token endpoint.
    #[error("no token endpoint at this path")]
    UnknownRoute,
    /// The method is not POST.
    #[error("the token endpoint takes POST requests only")]
    MethodNotAllowed,
    /// The body is too large.
    #[error("the token request is too large")]
    BodyTooLarge,
    /// A parameter is missing.
    #[error("the token request has no {0}")]
    Missing(&'static str),
    /// The grant is not one that this endpoint gives.
    #[error("the grant type is not supported")]
    UnsupportedGrant,
    /// The app or its secret is wrong.
    #[error("the app or its secret is wrong")]
    InvalidClient,
    /// An answer of a token endpoint grants no token.
    #[error("the token endpoint answered with status {status} and error {code}")]
    Refused {
        /// The status.
        status: u16,
        /// The OAuth error code, empty if there is none.
        code: String,
    },
}

#[derive(Serialize, Deserialize)]
struct OAuthError {
    #[serde(default)]
    error: String,
    #[serde(default)]
    error_description: String,
    #[serde(default)]
    error_codes: Vec<u32>,
}

impl EntraError {
    /// The error as an answer. The AADSTS numbers are those of learn.microsoft.com/entra/identity-platform
    /// /reference-error-codes.
    #[must_use]
    pub fn answer(&self) -> HttpAnswer {
        let (status, error, number) = match self {
            Self::UnknownRoute => (404, "invalid_request", 900_144),
            Self::MethodNotAllowed => (405, "invalid_request", 900_561),
            Self::BodyTooLarge => (413, "invalid_request", 90_014),
            Self::Missing(_) => (400, "invalid_request", 900_144),
            Self::UnsupportedGrant => (400, "unsupported_grant_type", 70_003),
            Self::InvalidClient => (401, "invalid_client", 7_000_215),
            Self::Refused { .. } => (400, "invalid_grant", 70_000),
        };
        let body = OAuthError {
            error: error.to_owned(),
            error_description: format!("AADSTS{number}: {self}."),
            error_codes: vec![number],
        };
        json(status, &body)
    }
}

fn json(status: u16, body: &impl Serialize) -> HttpAnswer {
    let body = serde_json::to_vec(body).expect("texts and numbers always have a JSON form");
    HttpAnswer { status, headers: vec![("Content-Type", JSON_TYPE.to_owned())], body }
}

/// Writes a token request.
#[must_use]
pub fn encode_request(request: &TokenRequest) -> HttpCall {
    let body = form_urlencoded::Serializer::new(String::new())
        .append_pair("client_id", &request.client_id)
        .append_pair("client_secret", &request.client_secret)
        .append_pair("grant_type", "client_credentials")
        .append_pair("scope", &request.scope)
        .finish();
    HttpCall {
        method: "POST",
        path: format!("/{}/oauth2/v2.0/token", request.tenant),
        headers: vec![("Content-Type", "application/x-www-form-urlencoded".to_owned())],
        body: body.into_bytes(),
    }
}

/// The tenant of a token endpoint's path; nothing for other paths.
#[must_use]
pub fn tenant_of(path_and_query: &str) -> Option<&str> {
    let path = path_and_query.split('?').next().unwrap_or_default();
    let mut words = path.split('/').filter(|word| !word.is_empty());
    let tenant = words.next()?;
    let rest = ["oauth2", "v2.0", "token"];
    let fits = rest.iter().all(|wanted| words.next().is_some_and(|word| word.eq_ignore_ascii_case(wanted)));
    (fits && words.next().is_none()).then_some(tenant)
}

/// Reads a token request.
///
/// # Errors
/// If it is not one for client credentials. The error can be sent as it is.
pub fn decode_request(method: &str, path_and_query: &str, body: &[u8]) -> Result<TokenRequest, EntraError> {
    let tenant = tenant_of(path_and_query).ok_or(EntraError::UnknownRoute)?;
    if !method.eq_ignore_ascii_case("POST") {
        return Err(EntraError::MethodNotAllowed);
    }
    if MAX_BODY_BYTES < body.len() {
        return Err(EntraError::BodyTooLarge);
    }
    let field = |name: &'static str| {
        let found = form_urlencoded::parse(body).find(|(key, _)| key == name);
        found.map(|(_, value)| value.into_owned()).filter(|value| !value.is_empty()).ok_or(EntraError::Missing(name))
    };
    if field("grant_type")? != "client_credentials" {
        return Err(EntraError::UnsupportedGrant);
    }
    Ok(TokenRequest {
        tenant: tenant.to_owned(),
        client_id: field("client_id")?,
        client_secret: field("client_secret")?,
        scope: field("scope")?,
    })
}

/// Writes the answer that grants a token for so many seconds.
#[must_use]
pub fn encode_answer(access_token: String, seconds: u64) -> HttpAnswer {
    let token_type = "Bearer".to_owned();
    json(200, &TokenAnswer { token_type, expires_in: seconds, ext_expires_in: seconds, access_token })
}

/// Reads the answer of a token endpoint.
///
/// # Errors
/// If it grants no token.
pub fn decode_answer(answer: &HttpAnswer) -> Result<TokenAnswer, EntraError> {
    if answer.status == 200
        && let Ok(token) = serde_json::from_slice(&answer.body)
    {
        return Ok(token);
    }
    let code = serde_json::from_slice(&answer.body).map_or(String::new(), |error: OAuthError| error.error);
    Err(EntraError::Refused { status: answer.status, code })
}

/// What a token says.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Claims {
    /// The resource that it opens.
    #[serde(rename = "aud")]
    pub audience: String,
    /// When it ends, in seconds of the issuer's clock (a real token counts from 1970).
    #[serde(rename = "exp")]
    pub expires: u64,
    /// The app that it was given to.
    #[serde(rename = "appid")]
    pub app: String,
}

/// Why a token is not accepted.
#[derive(Copy, Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum TokenError {
    /// It is not a token.
    #[error("the token cannot be read")]
    Malformed,
    /// It was not issued here, or it was altered.
    #[error("the token was not issued here")]
    Foreign,
    /// Its time is over.
    #[error("the token has expired")]
    Expired,
}

const HEADER: &str = r#"{"typ":"JWT","alg":"none"}"#;

fn check(secret: u64, signed: &str) -> String {
    URL_SAFE_NO_PAD.encode(xxh3_128_with_seed(signed.as_bytes(), secret).to_be_bytes())
}

/// Makes a token. `expires` is in seconds of the caller's clock.
#[must_use]
#[expect(clippy::missing_panics_doc, reason = "texts and numbers always have a JSON form")]
pub fn issue(secret: u64, app: &str, audience: &str, expires: u64) -> String {
    let claims = Claims { audience: audience.to_owned(), expires, app: app.to_owned() };
    let payload = serde_json::to_vec(&claims).expect("texts and numbers always have a JSON form");
    let signed = format!("{}.{}", URL_SAFE_NO_PAD.encode(HEADER), URL_SAFE_NO_PAD.encode(payload));
    format!("{signed}.{}", check(secret, &signed))
}

/// Reads a token at a moment of the same clock.
///
/// # Errors
/// If it was not issued with this secret, or its time is over.
pub fn read(secret: u64, token: &str, now: u64) -> Result<Claims, TokenError> {
    if MAX_TOKEN_BYTES < token.len() {
        return Err(TokenError::Malformed);
    }
    let (signed, proof) = token.rsplit_once('.').ok_or(TokenError::Malformed)?;
    let (_, payload) = signed.split_once('.').ok_or(TokenError::Malformed)?;
    let payload = URL_SAFE_NO_PAD.decode(payload).map_err(|_| TokenError::Malformed)?;
    let claims: Claims = serde_json::from_slice(&payload).map_err(|_| TokenError::Malformed)?;
    if proof != check(secret, signed) {
        return Err(TokenError::Foreign);
    }
    if claims.expires <= now {
        return Err(TokenError::Expired);
    }
    Ok(claims)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn request() -> TokenRequest {
        TokenRequest {
            tenant: "contoso.test".to_owned(),
            client_id: "app 1".to_owned(),
            client_secret: "s&c=r+t".to_owned(),
            scope: "https://graph.microsoft.com/.default".to_owned(),
        }
    }

    #[test]
    fn requests_are_read_as_they_were_written() {
        let sent = encode_request(&request());
        assert_eq!(decode_request(sent.method, &sent.path, &sent.body), Ok(request()));
        // One client adds a query.
        let path = format!("{}?client-request-id=1", sent.path);
        assert_eq!(decode_request("POST", &path, &sent.body), Ok(request()));
        assert_eq!(request().audience(), "https://graph.microsoft.com");
    }

    #[test]
    fn bad_requests_get_an_oauth_error_of_the_exact_content_type() {
        let error = decode_request("POST", "/t/oauth2/v2.0/token", b"grant_type=password").expect_err("refused");
        assert_eq!(error, EntraError::UnsupportedGrant);
        let answer = error.answer();
        assert_eq!(answer.header("content-type"), Some("application/json; charset=utf-8"));
        let code = "unsupported_grant_type".to_owned();
        assert_eq!(decode_answer(&answer), Err(EntraError::Refused { status: 400, code }));
        let missing = decode_request("POST", "/t/oauth2/v2.0/token", b"grant_type=client_credentials");
        assert_eq!(missing, Err(EntraError::Missing("client_id")));
    }

    #[test]
    fn secrets_are_not_shown() {
        let answer = decode_answer(&encode_answer("hush".to_owned(), 1)).unwrap();
        let shown = format!("{:?} {answer:?}", request());
        assert!(!shown.contains("hush") && !shown.contains("s&c=r+t"), "{shown}");
    }

    #[test]
    fn granted_tokens_arrive() {
        let token = decode_answer(&encode_answer("abc".to_owned(), 3599)).expect("readable");
        assert_eq!((token.access_token.as_str(), token.expires_in, token.ext_expires_in), ("abc", 3599, 3599));
        assert_eq!(token.token_type, "Bearer");
    }

    proptest! {
        #[test]
        fn a_token_is_read_by_its_issuer_until_it_expires(secret: u64, app: String, expires in 1u64..1 << 40) {
            let token = issue(secret, &app, "https://graph.microsoft.com", expires);
            let claims = read(secret, &token, expires - 1).expect("readable");
            prop_assert_eq!(claims.app, app);
            prop_assert_eq!(read(secret, &token, expires), Err(TokenError::Expired));
            prop_assert_eq!(read(secret ^ 1, &token, 0), Err(TokenError::Foreign));
        }

        #[test]
        fn an_altered_token_is_refused(at: prop::sample::Index, byte in b'A'..=b'Z') {
            let token = issue(7, "app", "aud", 100);
            let at = at.index(token.len());
            let mut bytes = token.clone().into_bytes();
            bytes[at] = byte;
            let altered = String::from_utf8(bytes).expect("readable");
            prop_assert!(altered == token || read(7, &altered, 0).is_err());
        }

        #[test]
        fn any_text_is_read_or_refused(token: String, method: String, path: String, body: Vec<u8>) {
            prop_assert!(read(7, &token, 0).is_err());
            let _ = decode_request(&method, &path, &body);
            let _ = decode_answer(&HttpAnswer { status: 200, headers: Vec::new(), body });
        }
    }
}
