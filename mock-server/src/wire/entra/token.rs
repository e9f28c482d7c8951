//! Tokens: what they say, and how they are handed over.
//!
//! Access tokens for Graph and Exchange are of the first generation whatever endpoint gives them
//! (learn.microsoft.com/entra/identity-platform/access-token-claims-reference); id tokens are of the endpoint's own
//! (learn.microsoft.com/entra/identity-platform/id-token-claims-reference).

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::Version;
use crate::wire::http::HttpAnswer;

/// What an access token says.
#[derive(Clone, PartialEq, Eq, Default, Debug, Serialize, Deserialize)]
#[serde(default)]
pub struct Claims {
    /// The resource that it opens.
    pub aud: String,
    /// Who gave it.
    pub iss: String,
    /// When it was given, in seconds since 1970.
    pub iat: i64,
    /// From when on it is good, in seconds since 1970.
    pub nbf: i64,
    /// When it ends, in seconds since 1970.
    pub exp: i64,
    /// The app that it was given to.
    pub appid: String,
    /// How the app proved itself: 0 not at all, 1 with a secret, 2 with a certificate.
    pub appidacr: String,
    /// Who knows the user: the tenant itself.
    pub idp: String,
    /// Whether it is an app's own (`app`) or on behalf of a user (`user`).
    pub idtyp: String,
    /// The user's name for people.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// The id of the user or of the app's principal.
    pub oid: String,
    /// What the app is permitted by itself.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub roles: Vec<String>,
    /// What the app is permitted on behalf of the user, separated by spaces.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub scp: Option<String>,
    /// Whom it is about, in a form that only the app sees.
    pub sub: String,
    /// Where the tenant's data is.
    pub tenant_region_scope: String,
    /// The tenant.
    pub tid: String,
    /// The user's name, unique in the tenant.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unique_name: Option<String>,
    /// The user's principal name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub upn: Option<String>,
    /// The token's own name.
    pub uti: String,
    /// Its generation.
    pub ver: String,
}

/// A user, as tokens tell of one.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct User {
    /// The user's address.
    pub address: String,
    /// The user's id.
    pub oid: String,
}

impl User {
    /// The user's name for people: what stands before the at sign.
    #[must_use]
    pub fn name(&self) -> &str {
        self.address.split('@').next().unwrap_or(&self.address)
    }
}

/// What a refresh token or a device code remembers.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Remembered {
    /// `refresh` or `device`.
    pub kind: String,
    /// The app that it was given to.
    pub client_id: String,
    /// The user.
    pub user: User,
    /// The audience of the tokens to come.
    pub audience: String,
    /// The scopes that were asked for.
    pub names: Vec<String>,
    /// Whether everything was asked for that the app is permitted.
    pub default: bool,
    /// The scopes of `OpenID`.
    pub openid: Vec<String>,
    /// When it ends, in seconds since 1970.
    pub exp: i64,
}

/// A grant, ready to be handed over. Does not show its tokens.
#[derive(Clone, PartialEq, Eq)]
pub struct Granted {
    /// The access token.
    pub access: String,
    /// How many seconds it is good for.
    pub seconds: u64,
    /// What it says.
    pub claims: Claims,
    /// The scopes that it is good for, as they are told to the client; none for an app by itself.
    pub scope: Option<String>,
    /// A token to get further ones with.
    pub refresh: Option<String>,
    /// A token that says who the user is.
    pub id: Option<String>,
    /// Who the user is, in short (`client_info`).
    pub client_info: Option<String>,
}

impl std::fmt::Debug for Granted {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Granted").field("claims", &self.claims).finish_non_exhaustive()
    }
}

impl Granted {
    /// The grant as an answer. The first generation writes numbers as texts.
    #[must_use]
    pub fn answer(self, version: Version) -> HttpAnswer {
        let mut body = Map::new();
        let mut put = |name: &str, value: Value| {
            body.insert(name.to_owned(), value);
        };
        put("token_type", json!("Bearer"));
        if let Some(scope) = self.scope {
            put("scope", json!(scope));
        }
        match version {
            Version::V1 => {
                put("expires_in", json!(self.seconds.to_string()));
                put("ext_expires_in", json!(self.seconds.to_string()));
                put("expires_on", json!(self.claims.exp.to_string()));
                put("not_before", json!(self.claims.nbf.to_string()));
                put("resource", json!(self.claims.aud));
            }
            Version::V2 => {
                put("expires_in", json!(self.seconds));
                put("ext_expires_in", json!(self.seconds));
            }
        }
        put("access_token", json!(self.access));
        for (name, value) in [("refresh_token", self.refresh), ("id_token", self.id), ("client_info", self.client_info)]
        {
            if let Some(value) = value {
                put(name, json!(value));
            }
        }
        super::json(200, &body)
    }
}

/// The beginning of a sign-in on another device, as an answer
/// (learn.microsoft.com/entra/identity-platform/v2-oauth2-device-code).
#[must_use]
pub fn device_answer(version: Version, device_code: &str, user_code: &str, page: &str, seconds: u64) -> HttpAnswer {
    let message = format!(
        "To sign in, use a web browser to open the page {page} and enter the code {user_code} to authenticate."
    );
    let body = match version {
        Version::V1 => json!({
            "user_code": user_code,
            "device_code": device_code,
            "verification_url": page,
            "expires_in": seconds.to_string(),
            "interval": DEVICE_PAUSE_SECONDS.to_string(),
            "message": message,
        }),
        Version::V2 => json!({
            "user_code": user_code,
            "device_code": device_code,
            "verification_uri": page,
            "expires_in": seconds,
            "interval": DEVICE_PAUSE_SECONDS,
            "message": message,
        }),
    };
    super::json(200, &body)
}

/// How long a client is to wait between two questions whether the user has signed in (same page).
const DEVICE_PAUSE_SECONDS: u64 = 5;

#[cfg(test)]
mod tests {
    use super::*;

    fn check(version: Version, expected: &Value) {
        let granted = Granted {
            access: "hush".to_owned(),
            seconds: 3_599,
            claims: Claims { exp: 4_000, nbf: 401, aud: "r".to_owned(), ..Claims::default() },
            scope: None,
            refresh: None,
            id: None,
            client_info: None,
        };
        assert!(!format!("{granted:?}").contains("hush"));
        let answer = granted.answer(version);
        assert_eq!(answer.header("content-type"), Some("application/json; charset=utf-8"));
        assert_eq!(serde_json::from_slice::<Value>(&answer.body).expect("JSON"), *expected);
    }

    #[test]
    fn each_generation_writes_its_own_numbers() {
        check(
            Version::V2,
            &json!({"token_type": "Bearer", "expires_in": 3599, "ext_expires_in": 3599, "access_token": "hush"}),
        );
        check(
            Version::V1,
            &json!({
                "token_type": "Bearer", "expires_in": "3599", "ext_expires_in": "3599", "expires_on": "4000",
                "not_before": "401", "resource": "r", "access_token": "hush",
            }),
        );
    }
}
