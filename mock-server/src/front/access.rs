//! Who is calling: what the header `Authorization` says.
//!
//! Unless credentials are listed, any password opens any mailbox, and any app gets a token: the mock guards nothing. It
//! insists on the form, so that a client that would fail against the service fails here.

mod tokens;

use std::fmt;
use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use jiff::Timestamp;

use self::tokens::{Said, Tokens};
use super::entra::key::{self, Key};
use super::entra::{Asked, Entra, Users};
use crate::fault::plan::TokenLoss;
use crate::service::credentials::Credentials;
use crate::time::Span;
use crate::wire::entra::Endpoint;
use crate::wire::http::HttpAnswer;
use crate::wire::permission::{EXCHANGE_AS_USER, EXCHANGE_FULL_ACCESS, Permissions, Resource};

/// How long a token is good for: an Entra access token lives 60 to 90 minutes, and says 3599 seconds in the documented
/// example (learn.microsoft.com/entra/identity-platform/v2-oauth2-client-creds-grant-flow).
pub const TOKEN_LIFE: Span = Span::seconds(3_599);

/// The number of clients that give a password: they are no app.
const NO_APP: u32 = 0;

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
    pub(super) entra: Entra,
    token_life: Span,
    tokens: Tokens,
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
    /// The user whose password was given, or on whose behalf the app calls.
    pub(super) user: Option<String>,
    /// What it is permitted.
    pub(super) permissions: Permissions,
    /// Whether that is everything, so that nobody need ask.
    pub(super) unlimited: bool,
    /// The token that it shows, if it shows one.
    pub(super) token: Option<Shown>,
}

/// A token that a caller shows.
#[derive(Copy, Clone, PartialEq, Eq, Debug)]
pub(super) struct Shown {
    /// The token as a number.
    number: u64,
    /// When its time is over, in seconds since 1970.
    expires: i64,
    /// Whether it was shown before, as far as is remembered.
    pub(super) again: bool,
}

impl Caller {
    /// A caller who needs no permission: its password or its URL is enough.
    pub(super) const fn trusted(user: Option<String>) -> Self {
        Self { app: NO_APP, user, permissions: Permissions::ALL, unlimited: true, token: None }
    }
}

/// Why a client was not let in.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum Denied {
    /// It did not say who it is, or gave a wrong password.
    Stranger,
    /// Its token is none.
    Malformed,
    /// Its token was not given out here.
    Foreign,
    /// Its token's time is over.
    Expired,
    /// Its token was revoked.
    Revoked,
    /// Its token is for another resource.
    Audience(Arc<str>),
    /// Its token permits nothing here.
    Powerless,
}

/// Makes the key that signs tokens, if this process has none yet, and waits until it is made. Whoever cannot bear that
/// the first token takes a moment longer calls this first.
pub fn make_key() {
    let _ = Key::get();
}

impl Access {
    /// Tokens that are good for so long. `seed` decides the ids of apps and tokens. The key that signs them is made
    /// meanwhile, on a thread of its own.
    #[must_use]
    pub fn new(seed: u64, token_life: Span) -> Self {
        key::prepare();
        Self { entra: Entra::new(seed), token_life, tokens: Tokens::new() }
    }

    /// Admits these users and apps only.
    #[must_use]
    pub fn with_credentials(mut self, credentials: Credentials) -> Self {
        self.entra.credentials = credentials;
        self
    }

    /// Has this user sign in on other devices when requests do not say who does. Without it, it is the first that is
    /// listed, or else the owner of the first mailbox.
    #[must_use]
    pub fn with_sign_in(mut self, address: Option<String>) -> Self {
        self.entra.signs_in = address;
        self
    }

    /// How long tokens are good for.
    pub(super) fn token_life(&self) -> Span {
        self.token_life
    }

    /// Answers a request to Entra.
    pub(super) fn entra(&mut self, asked: &Asked<'_>, target: (&str, Endpoint), users: &impl Users) -> HttpAnswer {
        self.entra.answer(asked, target, users)
    }

    /// Lets a client in.
    pub(super) fn admit(&mut self, now: Timestamp, door: Door, authorization: Option<&str>) -> Result<Caller, Denied> {
        self.ask(now, door, authorization, Tokens::read)
    }

    /// Whether a client would be let in.
    pub(super) fn knows(&mut self, now: Timestamp, door: Door, authorization: Option<&str>) -> bool {
        self.ask(now, door, authorization, Tokens::look).is_ok()
    }

    /// Who a client is, by a way of reading tokens.
    fn ask(
        &mut self,
        now: Timestamp,
        door: Door,
        authorization: Option<&str>,
        read: impl FnOnce(&mut Tokens, &str) -> Result<Said, Denied>,
    ) -> Result<Caller, Denied> {
        let (scheme, value) = authorization.and_then(|header| header.split_once(' ')).ok_or(Denied::Stranger)?;
        let value = value.trim();
        if scheme.eq_ignore_ascii_case("basic") {
            let (user, password) = password(value).ok_or(Denied::Stranger)?;
            self.entra.credentials.user(&user, &password).map_err(|_| Denied::Stranger)?;
            return Ok(Caller::trusted(Some(user)));
        }
        if !scheme.eq_ignore_ascii_case("bearer") {
            return Err(Denied::Stranger);
        }
        let said = read(&mut self.tokens, value)?;
        if let Some(denied) = self.tokens.denied(now, said.shown) {
            return Err(denied);
        }
        let opened = match (door, said.resource) {
            (Door::Ews, Some(Resource::Exchange)) => {
                said.caller.permissions.has_any(EXCHANGE_FULL_ACCESS.and(EXCHANGE_AS_USER))
            }
            (Door::Graph, Some(Resource::Graph)) | (Door::Admin, Some(_)) => true,
            _ => return Err(Denied::Audience(said.audience)),
        };
        if opened { Ok(said.caller) } else { Err(Denied::Powerless) }
    }

    /// Takes a token from its callers, until its time is over.
    pub(super) fn lose(&mut self, now: Timestamp, token: Shown, loss: TokenLoss) {
        self.tokens.lose(now, token, loss);
    }
}

impl From<TokenLoss> for Denied {
    fn from(loss: TokenLoss) -> Self {
        match loss {
            TokenLoss::Expired => Self::Expired,
            TokenLoss::Revoked => Self::Revoked,
        }
    }
}

/// The user and password of basic credentials (RFC 7617), without the domain that some clients put before the user.
fn password(credentials: &str) -> Option<(String, String)> {
    let decoded = String::from_utf8(STANDARD.decode(credentials).ok()?).ok()?;
    let (user, password) = decoded.split_once(':')?;
    Some((user.rsplit('\\').next().unwrap_or(user).to_owned(), password.to_owned()))
}

#[cfg(test)]
mod tests {
    use hyper::Method;
    use proptest::prelude::*;

    use super::*;
    use crate::service::credentials::UserCredential;
    use crate::wire::entra::token::User;
    use crate::wire::entra::{TokenRequest, Version, decode_answer, encode_request};

    struct Everybody;

    impl Users for Everybody {
        fn find(&self, address: &str) -> Option<User> {
            Some(User { address: address.to_owned(), oid: "an id".to_owned() })
        }

        fn first(&self) -> Option<User> {
            self.find("first@contoso.test")
        }
    }

    fn access() -> Access {
        Access::new(7, Span::seconds(100))
    }

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(1_700_000_000 + second).expect("a moment")
    }

    fn token(access: &mut Access, scope: &str) -> String {
        let [tenant, client_id, client_secret] = ["t", "an app", "s"].map(str::to_owned);
        let request = TokenRequest { tenant, client_id, client_secret, scope: scope.to_owned() };
        let call = encode_request(&request);
        let asked = Asked {
            method: &Method::POST,
            authorization: None,
            body: &call.body,
            base: "https://here",
            correlation: None,
            now: at(0),
            life: access.token_life(),
        };
        let answer = access.entra(&asked, ("t", Endpoint::Token(Version::V2)), &Everybody);
        format!("Bearer {}", decode_answer(&answer).expect("a token").access_token)
    }

    fn check(
        access: &mut Access,
        door: Door,
        authorization: &str,
        second: i64,
        expected: Result<Option<&str>, Denied>,
    ) {
        let admitted = access.admit(at(second), door, Some(authorization)).map(|caller| caller.user);
        assert_eq!(admitted, expected.map(|user| user.map(str::to_owned)), "{door:?} {authorization}");
    }

    #[test]
    fn a_token_opens_its_own_door_until_it_expires() {
        let access = &mut access();
        let exchange = token(access, "https://outlook.office365.com/.default");
        check(access, Door::Ews, &exchange, 99, Ok(None));
        check(access, Door::Admin, &exchange, 0, Ok(None));
        check(access, Door::Ews, &exchange, 100, Err(Denied::Expired));
        check(access, Door::Graph, &exchange, 0, Err(Denied::Audience("https://outlook.office365.com".into())));
        let graph = token(access, "https://graph.microsoft.com/.default");
        check(access, Door::Graph, &graph, 0, Ok(None));
        check(access, Door::Graph, "Bearer made.up.token", 0, Err(Denied::Malformed));
        let (signed, _) = graph.rsplit_once('.').expect("a signature");
        let (_, other) = exchange.rsplit_once('.').expect("a signature");
        check(access, Door::Graph, &format!("{signed}.{other}"), 0, Err(Denied::Foreign));
    }

    #[test]
    fn any_password_will_do_unless_users_are_listed() {
        let basic = |text: &str| format!("Basic {}", STANDARD.encode(text));
        let access = &mut access();
        check(access, Door::Ews, &basic("alice@contoso.test:any"), 0, Ok(Some("alice@contoso.test")));
        check(access, Door::Ews, &basic("CONTOSO\\alice:a:b"), 0, Ok(Some("alice")));
        check(access, Door::Ews, &basic("nobody"), 0, Err(Denied::Stranger));
        check(access, Door::Ews, "Negotiate abc", 0, Err(Denied::Stranger));
        assert_eq!(access.admit(at(0), Door::Ews, None), Err(Denied::Stranger));
        let alice = UserCredential { address: "alice@contoso.test".to_owned(), password: Some("right".to_owned()) };
        let listed = Credentials { users: vec![alice], apps: Vec::new() };
        let access = &mut access.clone().with_credentials(listed);
        check(access, Door::Ews, &basic("alice@contoso.test:wrong"), 0, Err(Denied::Stranger));
        check(access, Door::Ews, &basic("alice@contoso.test:right"), 0, Ok(Some("alice@contoso.test")));
    }

    #[test]
    fn apps_are_told_apart() {
        let access = &mut access();
        let authorization = token(access, "https://outlook.office.com/.default");
        let app = access.admit(at(0), Door::Ews, Some(&authorization));
        assert_ne!(app.expect("admitted").app, NO_APP);
    }

    proptest! {
        #[test]
        fn any_header_is_read_without_harm(header in ".{0,200}") {
            let _ = access().admit(at(0), Door::Graph, Some(&header));
        }
    }
}
