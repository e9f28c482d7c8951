//! Entra: how an app asks for a token and what it hears, as our own pipeline does it; and which paths lead there.
//!
//! What other clients may ask is read in [`grant`]; what they hear is in [`token`] and [`denial`].

pub mod denial;
pub mod grant;
pub mod token;

use std::fmt;

use serde::{Deserialize, Serialize};

use super::graph::TENANT;
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

/// Why no token can be read from an answer.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum EntraError {
    /// An answer of a token endpoint grants no token.
    #[error("the token endpoint answered with status {status} and error {code}")]
    Refused {
        /// The status.
        status: u16,
        /// The OAuth error code, empty if there is none.
        code: String,
    },
}

#[derive(Deserialize)]
struct OAuthError {
    #[serde(default)]
    error: String,
}

/// Writes an answer with the content type that clients compare.
fn json(status: u16, body: &impl Serialize) -> HttpAnswer {
    let body = serde_json::to_vec(body).expect("texts and numbers always have a JSON form");
    let headers = vec![
        ("Content-Type", JSON_TYPE.to_owned()),
        ("Cache-Control", "no-store, no-cache".to_owned()),
        ("Pragma", "no-cache".to_owned()),
    ];
    HttpAnswer { status, headers, body }
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

/// Which generation of an endpoint is asked.
#[derive(Copy, Clone, PartialEq, Eq, Debug)]
pub enum Version {
    /// The first: the request names a resource, and numbers in answers are texts.
    V1,
    /// The second: the request names scopes.
    V2,
}

/// What a path of Entra leads to.
#[derive(Copy, Clone, PartialEq, Eq, Debug)]
pub enum Endpoint {
    /// Tokens.
    Token(Version),
    /// The beginning of a sign-in on another device.
    Device(Version),
    /// The keys that tokens are signed with.
    Keys,
}

/// The endpoints, by what follows the tenant in their paths.
const ENDPOINTS: [(&[&str], Endpoint); 6] = [
    (&["oauth2", "v2.0", "token"], Endpoint::Token(Version::V2)),
    (&["oauth2", "token"], Endpoint::Token(Version::V1)),
    (&["oauth2", "v2.0", "devicecode"], Endpoint::Device(Version::V2)),
    (&["oauth2", "devicecode"], Endpoint::Device(Version::V1)),
    (&["discovery", "v2.0", "keys"], Endpoint::Keys),
    (&["discovery", "keys"], Endpoint::Keys),
];

/// The tenant and the endpoint that a path leads to; nothing for paths that lead elsewhere. Case and doubled slashes do
/// not matter.
#[must_use]
pub fn endpoint(path_and_query: &str) -> Option<(&str, Endpoint)> {
    let path = path_and_query.split('?').next().unwrap_or_default();
    let mut words = path.split('/').filter(|word| !word.is_empty());
    let tenant = words.next()?;
    let fits = |wanted: &[&str]| {
        let mut words = words.clone();
        let same = wanted.iter().all(|wanted| words.next().is_some_and(|word| word.eq_ignore_ascii_case(wanted)));
        same && words.next().is_none()
    };
    let found = ENDPOINTS.iter().find(|(wanted, _)| fits(wanted)).map(|(_, endpoint)| *endpoint);
    // Keys are also given without a tenant.
    let bare = || {
        (tenant.eq_ignore_ascii_case("discovery") && words.clone().eq(["keys"])).then_some(("common", Endpoint::Keys))
    };
    found.map(|endpoint| (tenant, endpoint)).or_else(bare)
}

/// The id of a tenant: its own if it is a GUID, else that of the only tenant there is.
#[must_use]
pub fn tenant_id(tenant: &str) -> &str {
    let is_guid = tenant.len() == 36
        && tenant.bytes().enumerate().all(|(at, byte)| match at {
            8 | 13 | 18 | 23 => byte == b'-',
            _ => byte.is_ascii_hexdigit(),
        });
    if is_guid { tenant } else { TENANT }
}

/// Names for a tenant that mean the user's own.
const ANY_TENANT: [&str; 3] = ["common", "organizations", "consumers"];

/// How the tenant stands in the name of who issues tokens, as Entra's description of itself has it.
#[must_use]
pub fn issuing_tenant(tenant: &str) -> &str {
    if ANY_TENANT.iter().any(|any| any.eq_ignore_ascii_case(tenant)) { "{tenantid}" } else { tenant_id(tenant) }
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

    fn check(path: &str, expected: Option<(&str, Endpoint)>) {
        assert_eq!(endpoint(path), expected, "{path}");
    }

    #[test]
    fn paths_lead_to_their_endpoints() {
        check("/t/oauth2/v2.0/token?client-request-id=1", Some(("t", Endpoint::Token(Version::V2))));
        check("//t/OAuth2/Token", Some(("t", Endpoint::Token(Version::V1))));
        check("/t/oauth2/v2.0/devicecode", Some(("t", Endpoint::Device(Version::V2))));
        check("/common/discovery/v2.0/keys", Some(("common", Endpoint::Keys)));
        check("/discovery/keys", Some(("common", Endpoint::Keys)));
        check("/t/oauth2/v2.0/token/more", None);
        check("/v1.0/users", None);
    }

    #[test]
    fn secrets_are_not_shown() {
        let body = br#"{"token_type":"Bearer","expires_in":1,"ext_expires_in":1,"access_token":"hush"}"#.to_vec();
        let answer = decode_answer(&HttpAnswer { status: 200, headers: Vec::new(), body }).expect("a token");
        let shown = format!("{:?} {answer:?}", request());
        assert!(!shown.contains("hush") && !shown.contains("s&c=r+t"), "{shown}");
    }

    proptest! {
        #[test]
        fn any_answer_is_read_or_refused(path: String, body: Vec<u8>) {
            let _ = endpoint(&path);
            let _ = decode_answer(&HttpAnswer { status: 200, headers: Vec::new(), body });
        }
    }
}
