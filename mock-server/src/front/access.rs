//! Who is calling: what the header `Authorization` says.
//!
//! Any password opens any mailbox, and any app gets a token: the mock guards nothing. It insists on the form, so that a
//! client that would fail against the service fails here.

use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use xxhash_rust::xxh3::xxh3_64;

use crate::time::{Moment, Span};
use crate::wire::entra::{self, EntraError, TokenError, TokenRequest};
use crate::wire::graph;
use crate::wire::http::HttpAnswer;
use crate::wire::refusal::{Refusal, RefusalKind};

/// How long a token is good for: an Entra access token lives 60 to 90 minutes, and says 3599 seconds in the documented
/// example (learn.microsoft.com/entra/identity-platform/v2-oauth2-client-creds-grant-flow).
pub const TOKEN_LIFE: Span = Span::seconds(3_599);

/// The number of clients that give a password: they are no app.
const NO_APP: u32 = 0;

/// Resources that open mailboxes through EWS.
const EXCHANGE: [&str; 2] = ["https://outlook.office365.com", "https://outlook.office.com"];

/// The resource that opens mailboxes through Graph.
const GRAPH: [&str; 1] = ["https://graph.microsoft.com"];

/// What is to be opened.
#[derive(Copy, Clone, PartialEq, Eq, Debug)]
pub(super) enum Door {
    /// EWS.
    Ews,
    /// Graph.
    Graph,
    /// Exchange administration.
    Admin,
}

/// Gives out tokens and knows them again.
#[derive(Clone)]
pub struct Access {
    secret: u64,
    token_life: Span,
}

impl fmt::Debug for Access {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Access").field("token_life", &self.token_life).finish_non_exhaustive()
    }
}

/// A client that said who it is.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Caller {
    /// The app, for limits that apps share.
    pub(super) app: u32,
    /// The user whose password was given.
    pub(super) user: Option<String>,
}

/// Why a client was not let in.
#[derive(Copy, Clone, PartialEq, Eq, Debug)]
pub(super) enum Denied {
    /// It did not say who it is.
    Stranger,
    /// Its token is no good, or not for this door.
    BadToken,
}

impl Access {
    /// Tokens that are told from others by a secret number, good for so long.
    #[must_use]
    pub const fn new(secret: u64, token_life: Span) -> Self {
        Self { secret, token_life }
    }

    /// The same, but of another time: its tokens look right and open nothing.
    pub(super) fn stale(&self) -> Self {
        Self { secret: !self.secret, ..self.clone() }
    }

    /// Answers a request for a token.
    pub(super) fn token(&self, now: Moment, method: &str, path_and_query: &str, body: &[u8]) -> HttpAnswer {
        let granted = entra::decode_request(method, path_and_query, body).map(|request| self.grant(now, &request));
        granted.unwrap_or_else(|error: EntraError| error.answer())
    }

    fn grant(&self, now: Moment, request: &TokenRequest) -> HttpAnswer {
        let life = self.token_life.0 / Span::seconds(1).0;
        let token = entra::issue(self.secret, &request.client_id, request.audience(), seconds(now) + life);
        entra::encode_answer(token, life)
    }

    /// Lets a client in.
    pub(super) fn admit(&self, now: Moment, door: Door, authorization: Option<&str>) -> Result<Caller, Denied> {
        let (scheme, value) = authorization.and_then(|header| header.split_once(' ')).ok_or(Denied::Stranger)?;
        if scheme.eq_ignore_ascii_case("basic") {
            return Ok(Caller { app: NO_APP, user: Some(user(value.trim()).ok_or(Denied::Stranger)?) });
        }
        if !scheme.eq_ignore_ascii_case("bearer") {
            return Err(Denied::Stranger);
        }
        let claims = entra::read(self.secret, value.trim(), seconds(now)).map_err(|_: TokenError| Denied::BadToken)?;
        let opens = |resources: &[&str]| resources.contains(&claims.audience.trim_end_matches('/'));
        let opened = match door {
            Door::Ews => opens(&EXCHANGE),
            Door::Graph => opens(&GRAPH),
            Door::Admin => opens(&EXCHANGE) || opens(&GRAPH),
        };
        // An app's number is only compared. One in four billion pairs of apps shares a number.
        opened.then(|| Caller { app: xxh3_64(claims.app.as_bytes()) as u32, user: None }).ok_or(Denied::BadToken)
    }
}

fn seconds(now: Moment) -> u64 {
    now.0 / Span::seconds(1).0
}

/// The user of basic credentials (RFC 7617), without the domain that some clients put before it.
fn user(credentials: &str) -> Option<String> {
    let decoded = String::from_utf8(STANDARD.decode(credentials).ok()?).ok()?;
    let (user, _password) = decoded.split_once(':')?;
    Some(user.rsplit('\\').next().unwrap_or(user).to_owned())
}

/// What a client hears that was not let in. Both ways in are offered; clients take the one that they know.
pub(super) fn challenge(door: Door, denied: Denied) -> HttpAnswer {
    let mut answer = match door {
        Door::Ews => HttpAnswer { status: 401, headers: Vec::new(), body: Vec::new() },
        Door::Graph | Door::Admin => {
            graph::encode_refusal(&Refusal { kind: RefusalKind::Unauthorized, status: 401, retry_after: None })
        }
    };
    let bearer = match denied {
        Denied::Stranger => "Bearer realm=\"\"",
        Denied::BadToken => "Bearer realm=\"\", error=\"invalid_token\"",
    };
    answer.headers.push(("WWW-Authenticate", bearer.to_owned()));
    answer.headers.push(("WWW-Authenticate", "Basic realm=\"mock-server\"".to_owned()));
    answer
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const ACCESS: Access = Access::new(7, Span::seconds(100));

    fn token(scope: &str) -> String {
        let request = TokenRequest {
            tenant: "t".into(),
            client_id: "an app".into(),
            client_secret: "s".into(),
            scope: scope.into(),
        };
        let call = entra::encode_request(&request);
        let answer = ACCESS.token(Moment::START, call.method, &call.path, &call.body);
        format!("Bearer {}", entra::decode_answer(&answer).expect("a token").access_token)
    }

    fn check(door: Door, authorization: &str, second: u64, expected: Result<Option<&str>, Denied>) {
        let now = Moment::START + Span::seconds(second);
        let admitted = ACCESS.admit(now, door, Some(authorization)).map(|caller| caller.user);
        assert_eq!(admitted, expected.map(|user| user.map(str::to_owned)), "{door:?} {authorization}");
    }

    #[test]
    fn a_token_opens_its_own_door_until_it_expires() {
        let exchange = token("https://outlook.office365.com/.default");
        check(Door::Ews, &exchange, 99, Ok(None));
        check(Door::Admin, &exchange, 0, Ok(None));
        check(Door::Ews, &exchange, 100, Err(Denied::BadToken));
        check(Door::Graph, &exchange, 0, Err(Denied::BadToken));
        check(Door::Graph, &token("https://graph.microsoft.com/.default"), 0, Ok(None));
        check(Door::Graph, "Bearer made.up.token", 0, Err(Denied::BadToken));
    }

    #[test]
    fn any_password_will_do() {
        let basic = |text: &str| format!("Basic {}", STANDARD.encode(text));
        check(Door::Ews, &basic("alice@contoso.test:any"), 0, Ok(Some("alice@contoso.test")));
        check(Door::Ews, &basic("CONTOSO\\alice:a:b"), 0, Ok(Some("alice")));
        check(Door::Ews, &basic("nobody"), 0, Err(Denied::Stranger));
        check(Door::Ews, "Negotiate abc", 0, Err(Denied::Stranger));
        assert_eq!(ACCESS.admit(Moment::START, Door::Ews, None), Err(Denied::Stranger));
    }

    #[test]
    fn apps_are_told_apart() {
        let app = ACCESS.admit(Moment::START, Door::Ews, Some(&token("https://outlook.office.com/.default")));
        assert_ne!(app.expect("admitted").app, NO_APP);
    }

    proptest! {
        #[test]
        fn any_header_is_read_without_harm(header in ".{0,200}") {
            let _ = ACCESS.admit(Moment::START, Door::Graph, Some(&header));
        }
    }
}
