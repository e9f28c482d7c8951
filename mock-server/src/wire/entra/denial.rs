//! Why Entra grants nothing, in its own numbers.
//!
//! The numbers and texts are those of learn.microsoft.com/entra/identity-platform/reference-error-codes and of the
//! service's answers as clients' issue trackers show them; the shape is that of the example on the same page.

use jiff::Timestamp;
use serde::Serialize;

use crate::wire::http::HttpAnswer;

/// What marks one answer of Entra.
#[derive(Clone, Debug)]
pub struct Marks {
    /// The moment of the wall clock.
    pub now: Timestamp,
    /// The server's name for the request, a GUID.
    pub trace: String,
    /// The client's name for the request, a GUID.
    pub correlation: String,
}

/// Why nothing is granted.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("AADSTS{number}: {text}")]
pub struct Denial {
    /// The HTTP status.
    pub status: u16,
    /// The OAuth code (RFC 6749 section 5.2).
    pub error: &'static str,
    /// The number after `AADSTS`.
    pub number: u32,
    /// The sentences that people read.
    pub text: String,
    /// What the client can do about it, if the service says so.
    pub suberror: Option<&'static str>,
}

#[derive(Serialize)]
struct Body<'a> {
    error: &'a str,
    error_description: String,
    error_codes: [u32; 1],
    timestamp: String,
    trace_id: &'a str,
    correlation_id: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    suberror: Option<&'a str>,
    error_uri: String,
}

impl Denial {
    fn new(status: u16, error: &'static str, number: u32, text: impl Into<String>) -> Self {
        Self { status, error, number, text: text.into(), suberror: None }
    }

    /// Only POST is taken.
    #[must_use]
    pub fn method(method: &str) -> Self {
        let text = format!("The endpoint only accepts POST requests. Received a {method} request.");
        Self::new(405, "invalid_request", 900_561, text)
    }

    /// The request is larger than the server reads.
    #[must_use]
    pub fn too_large() -> Self {
        Self::new(413, "invalid_request", 90_015, "Requested query string is too long.")
    }

    /// A parameter is missing.
    #[must_use]
    pub fn missing(name: &str) -> Self {
        let text = format!("The request body must contain the following parameter: '{name}'.");
        Self::new(400, "invalid_request", 900_144, text)
    }

    /// The grant is not one that is given here.
    #[must_use]
    pub fn grant(name: &str) -> Self {
        Self::new(
            400,
            "unsupported_grant_type",
            70_003,
            format!("The app requested an unsupported grant type '{name}'."),
        )
    }

    /// A code or a refresh token that was not given out here, or was altered.
    #[must_use]
    pub fn malformed() -> Self {
        Self::new(400, "invalid_grant", 9_002_313, "Invalid request. Request is malformed or invalid.")
    }

    /// A refresh token whose time is over.
    #[must_use]
    pub fn refresh_expired() -> Self {
        let text = "The refresh token has expired due to inactivity.";
        Self::new(400, "invalid_grant", 700_082, text)
    }

    /// A device code whose time is over.
    #[must_use]
    pub fn code_expired() -> Self {
        let text = "OAuth 2.0 device flow error. Device code has expired.";
        Self::new(400, "expired_token", 70_019, text)
    }

    /// A code or a refresh token was given to another app.
    #[must_use]
    pub fn other_app() -> Self {
        let text = "Provided grant is invalid or malformed: it was issued to another client id.";
        Self::new(400, "invalid_grant", 70_000, text)
    }

    /// The app is not known.
    #[must_use]
    pub fn unknown_app(client_id: &str, tenant: &str) -> Self {
        let text = format!(
            "Application with identifier '{client_id}' was not found in the directory '{tenant}'. This can happen if \
             the application has not been installed by the administrator of the tenant or consented to by any user in \
             the tenant. You may have sent your authentication request to the wrong tenant."
        );
        Self::new(400, "unauthorized_client", 700_016, text)
    }

    /// The app did not prove itself.
    #[must_use]
    pub fn no_proof() -> Self {
        let text = "The request body must contain the following parameter: 'client_assertion' or 'client_secret'.";
        Self::new(401, "invalid_client", 7_000_218, text)
    }

    /// The app's secret is wrong.
    #[must_use]
    pub fn secret(client_id: &str) -> Self {
        let text = format!(
            "Invalid client secret provided. Ensure the secret being sent in the request is the client secret value, \
             not the client secret ID, for a secret added to app '{client_id}'."
        );
        Self::new(401, "invalid_client", 7_000_215, text)
    }

    /// The app's assertion is signed with a key that is not the app's.
    #[must_use]
    pub fn assertion_key() -> Self {
        let text =
            "The certificate with identifier used to sign the client assertion is not registered on application.";
        Self::new(401, "invalid_client", 700_027, text)
    }

    /// The app's assertion is no JWT.
    #[must_use]
    pub fn assertion_malformed() -> Self {
        Self::new(400, "invalid_request", 50_027, "JWT token is invalid or malformed.")
    }

    /// The app's assertion is about another app.
    #[must_use]
    pub fn assertion_subject() -> Self {
        let text = "Client assertion application identifier doesn't match 'client_id' parameter.";
        Self::new(401, "invalid_client", 700_021, text)
    }

    /// The app's assertion is not good at this time.
    #[must_use]
    pub fn assertion_time() -> Self {
        Self::new(401, "invalid_client", 700_024, "Client assertion is not within its valid time range.")
    }

    /// There is no such user.
    #[must_use]
    pub fn unknown_user(tenant: &str) -> Self {
        let text = format!(
            "The user account {{EUII Hidden}} does not exist in the {tenant} directory. To sign into this \
             application, the account must be added to the directory."
        );
        Self::new(400, "invalid_grant", 50_034, text)
    }

    /// The password is wrong.
    #[must_use]
    pub fn password() -> Self {
        let text = "Error validating credentials due to invalid username or password.";
        Self::new(400, "invalid_grant", 50_126, text)
    }

    /// A scope is not one.
    #[must_use]
    pub fn scope(scope: &str) -> Self {
        let text = format!(
            "The provided request must include a 'scope' input parameter. The provided value for the input parameter \
             'scope' is not valid. The scope {scope} is not valid."
        );
        Self::new(400, "invalid_scope", 70_011, text)
    }

    /// An app by itself asked for single scopes.
    #[must_use]
    pub fn scope_of_app(scope: &str) -> Self {
        let text = format!(
            "The provided value for scope {scope} is not valid. Client credential flows must have a scope value with \
             /.default suffixed to the resource identifier (application ID URI)."
        );
        Self::new(400, "invalid_scope", 1_002_012, text)
    }

    /// Scopes of several resources were asked for at once.
    #[must_use]
    pub fn several_resources(scope: &str) -> Self {
        let text = format!(
            "Provided value for the input parameter scope is not valid because it contains more than one resource. \
             Scope {scope} is not valid."
        );
        Self::new(400, "invalid_request", 28_000, text)
    }

    /// There is no such resource.
    #[must_use]
    pub fn resource(resource: &str, tenant: &str) -> Self {
        let text = format!(
            "The resource principal named {resource} was not found in the tenant named {tenant}. This can happen if \
             the application has not been installed by the administrator of the tenant or consented to by any user in \
             the tenant. You might have sent your authentication request to the wrong tenant."
        );
        Self::new(400, "invalid_resource", 500_011, text)
    }

    /// Nobody has consented to what the app asks for.
    #[must_use]
    pub fn consent(client_id: &str) -> Self {
        let text = format!(
            "The user or administrator has not consented to use the application with ID '{client_id}'. Send an \
             interactive authorization request for this user and resource."
        );
        Self { suberror: Some("consent_required"), ..Self::new(400, "invalid_grant", 65_001, text) }
    }

    /// The server cannot sign anything at the moment.
    #[must_use]
    pub fn transient() -> Self {
        Self::new(503, "temporarily_unavailable", 90_033, "A transient error has occurred. Please try again.")
    }

    /// The denial as an answer.
    #[must_use]
    pub fn answer(&self, marks: &Marks) -> HttpAnswer {
        let Marks { now, trace, correlation } = marks;
        let timestamp = now.strftime("%Y-%m-%d %H:%M:%SZ").to_string();
        let description = format!("{self} Trace ID: {trace} Correlation ID: {correlation} Timestamp: {timestamp}");
        let body = Body {
            error: self.error,
            error_description: description,
            error_codes: [self.number],
            timestamp,
            trace_id: trace,
            correlation_id: correlation,
            suberror: self.suberror,
            error_uri: format!("https://login.microsoftonline.com/error?code={}", self.number),
        };
        super::json(self.status, &body)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_denial_is_written_as_entra_writes_it() {
        let now = Timestamp::from_second(1_452_304_932).expect("a moment");
        let marks = Marks { now, trace: "t".to_owned(), correlation: "c".to_owned() };
        let answer = Denial::secret("an app").answer(&marks);
        assert_eq!((answer.status, answer.header("content-type")), (401, Some(super::super::JSON_TYPE)));
        let body: serde_json::Value = serde_json::from_slice(&answer.body).expect("JSON");
        assert_eq!((&body["error"], &body["error_codes"][0]), (&"invalid_client".into(), &7_000_215.into()));
        assert_eq!(body["timestamp"], "2016-01-09 02:02:12Z");
        let described = body["error_description"].as_str().expect("text");
        assert!(described.starts_with("AADSTS7000215: Invalid client secret provided."), "{described}");
        assert!(described.ends_with(" Trace ID: t Correlation ID: c Timestamp: 2016-01-09 02:02:12Z"), "{described}");
    }
}
