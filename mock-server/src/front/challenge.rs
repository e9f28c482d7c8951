//! What a client hears that was not let in, or whose token is taken from it on purpose.
//!
//! Both ways in are offered; clients take the one that they know. What is wrong with a token is said as the service says
//! it: Exchange in the header `x-ms-diagnostics` (learn.microsoft.com/exchange/client-developer/exchange-web-services
//! /instrumenting-client-requests-for-ews-and-rest-in-exchange), Graph in its error; a token that was revoked is a
//! claims challenge (learn.microsoft.com/entra/identity-platform/claims-challenge).

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use jiff::Timestamp;
use serde_json::json;

use super::access::{Denied, Door};
use crate::wire::graph::JSON_TYPE;
use crate::wire::http::HttpAnswer;
use crate::wire::permission::Resource;

/// What Graph says to a client whose token was revoked.
const REVOKED: &str = "Continuous access evaluation resulted in challenge with result: InteractionRequired and code: \
                       TokenIssuedBeforeRevocationTimestamp";

/// Where and when a client was turned away.
#[derive(Copy, Clone, Debug)]
pub(super) struct Place<'a> {
    /// The scheme, host and port that were asked.
    pub(super) base: &'a str,
    /// The moment of the wall clock.
    pub(super) now: Timestamp,
    /// The server's name for the request.
    pub(super) request_id: &'a str,
    /// The client's name for the request.
    pub(super) client_request_id: Option<&'a str>,
}

/// Why Graph does not take a token.
fn message(denied: &Denied) -> &'static str {
    match denied {
        Denied::Stranger => "Access token is empty.",
        Denied::Malformed => {
            "IDX14100: JWT is not well formed. The token needs to be in JWS or JWE Compact Serialization Format."
        }
        Denied::Foreign => "Access token validation failure. Invalid signature.",
        Denied::Expired => "Lifetime validation failed, the token is expired.",
        Denied::Audience(_) => "Access token validation failure. Invalid audience.",
        Denied::Powerless => "Access token validation failure. The token contains no permissions.",
        Denied::Revoked => REVOKED,
    }
}

/// Why Exchange does not take a token: the number, the reason and the category.
fn diagnostics(denied: &Denied) -> Option<String> {
    let (number, reason, category) = match denied {
        Denied::Stranger => return None,
        Denied::Foreign => (2_000_000, "The token has an invalid signature.".to_owned(), "invalid_signature"),
        Denied::Malformed => {
            (2_000_001, "OAuth token submitted with the request can not be parsed.".to_owned(), "invalid_token")
        }
        Denied::Expired | Denied::Revoked => (2_000_002, "The token has expired.".to_owned(), "token_expired"),
        Denied::Audience(audience) => {
            // What no header can hold is left out.
            let audience: String = audience.chars().filter(|c| !c.is_control() && *c != '"').take(200).collect();
            (2_000_003, format!("The audience claim value is invalid '{audience}'."), "invalid_resource")
        }
        Denied::Powerless => (
            2_000_008,
            "The token contains no permissions, or permissions can not be understood.".to_owned(),
            "invalid_grant",
        ),
    };
    Some(format!("{number};reason=\"{reason}\";error_category=\"{category}\""))
}

/// The claims that a client must ask for to get a token that was not revoked: one that begins now.
fn claims(now: Timestamp) -> String {
    let value = now.as_second().to_string();
    STANDARD.encode(json!({"access_token": {"nbf": {"essential": true, "value": value}}}).to_string())
}

/// The challenge to clients that use tokens.
fn bearer(door: Door, place: Place<'_>, error: Option<&str>) -> String {
    let Place { base, .. } = place;
    let authorize = format!("authorization_uri=\"{base}/common/oauth2/authorize\"");
    let mut challenge = match door {
        Door::Ews => format!(
            "Bearer client_id=\"{}\", trusted_issuers=\"00000001-0000-0000-c000-000000000000@*\", \
             token_types=\"app_asserted_user_v1 service_asserted_app_v1\", {authorize}",
            Resource::Exchange.id(),
        ),
        Door::Graph | Door::Admin => {
            format!("Bearer realm=\"\", {authorize}, client_id=\"{}\"", Resource::Graph.id())
        }
    };
    if let Some(error) = error {
        challenge = format!("{challenge}, error=\"{error}\"");
    }
    challenge
}

/// Graph's error with its marks.
fn error(status: u16, code: &str, message: &str, place: Place<'_>) -> HttpAnswer {
    let Place { now, request_id, client_request_id, .. } = place;
    let inner = json!({
        "date": now.strftime("%Y-%m-%dT%H:%M:%S").to_string(),
        "request-id": request_id,
        "client-request-id": client_request_id.unwrap_or(request_id),
    });
    let body = json!({"error": {"code": code, "message": message, "innerError": inner}}).to_string();
    let headers = vec![("Content-Type", JSON_TYPE.to_owned()), ("request-id", request_id.to_owned())];
    HttpAnswer { status, headers, body: body.into_bytes() }
}

/// What a client hears that was not let in.
pub(super) fn challenge(door: Door, denied: &Denied, place: Place<'_>) -> HttpAnswer {
    let mut answer = match door {
        Door::Ews => HttpAnswer { status: 401, headers: Vec::new(), body: Vec::new() },
        Door::Graph | Door::Admin => error(401, "InvalidAuthenticationToken", message(denied), place),
    };
    let bearer = match denied {
        Denied::Stranger => bearer(door, place, None),
        Denied::Revoked => {
            format!("{}, claims=\"{}\"", bearer(door, place, Some("insufficient_claims")), claims(place.now))
        }
        _ => bearer(door, place, Some("invalid_token")),
    };
    answer.headers.push(("WWW-Authenticate", bearer));
    answer.headers.push(("WWW-Authenticate", "Basic realm=\"mock-server\"".to_owned()));
    if door == Door::Ews {
        answer.headers.extend(diagnostics(denied).map(|text| ("x-ms-diagnostics", text)));
    }
    answer
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place() -> Place<'static> {
        let now = Timestamp::from_second(1_604_106_651).expect("a moment");
        Place { base: "https://here", now, request_id: "r", client_request_id: Some("c") }
    }

    fn check(denied: &Denied, graph: &str, exchange: Option<&str>) {
        let answer = challenge(Door::Graph, denied, place());
        let body: serde_json::Value = serde_json::from_slice(&answer.body).expect("JSON");
        assert_eq!((answer.status, &body["error"]["code"]), (401, &json!("InvalidAuthenticationToken")));
        assert!(body["error"]["message"].as_str().is_some_and(|text| text.contains(graph)), "{body}");
        assert_eq!(body["error"]["innerError"]["client-request-id"], "c");
        let answer = challenge(Door::Ews, denied, place());
        assert!(answer.header("www-authenticate").is_some_and(|text| text.starts_with("Bearer client_id=")));
        assert_eq!(answer.header("x-ms-diagnostics").and_then(|text| text.split(';').next()), exchange);
    }

    #[test]
    fn each_protocol_says_in_its_way_what_is_wrong_with_a_token() {
        check(&Denied::Stranger, "token is empty", None);
        check(&Denied::Expired, "token is expired", Some("2000002"));
        check(&Denied::Audience("https://graph.microsoft.com".into()), "Invalid audience", Some("2000003"));
        check(&Denied::Foreign, "signature", Some("2000000"));
    }

    #[test]
    fn a_revoked_token_is_answered_with_a_claims_challenge() {
        let answer = challenge(Door::Graph, &Denied::Revoked, place());
        let challenge = answer.header("www-authenticate").expect("a challenge");
        assert!(challenge.contains("error=\"insufficient_claims\""), "{challenge}");
        let claims = challenge.split("claims=\"").nth(1).and_then(|rest| rest.strip_suffix('"')).expect("claims");
        let claims = STANDARD.decode(claims).expect("Base64");
        let claims: serde_json::Value = serde_json::from_slice(&claims).expect("JSON");
        assert_eq!(claims["access_token"]["nbf"]["value"], "1604106651");
    }
}
