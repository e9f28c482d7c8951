//! The token that a server wants to see: asked for once, kept, and asked for again before it expires.

use std::fmt;

use hyper::header::HeaderValue;
use mock_server::front::clock::Clock;
use mock_server::time::{Moment, Span};
use mock_server::wire::call::Protocol;
use mock_server::wire::entra::{self, EntraError, TokenRequest};
use tokio::sync::Mutex;

use crate::engine::wire::pool::{Lost, Pool};

/// How long before its end a token is no longer used, at most; short-lived ones are used for nine tenths of their life
/// (assumed; Microsoft's own libraries renew five minutes ahead).
const AHEAD: Span = Span::seconds(300);

/// What an app proves itself with.
#[derive(Clone, PartialEq, Eq)]
pub struct Credentials {
    /// The tenant: a GUID or a domain.
    pub tenant: String,
    /// The app.
    pub client_id: String,
    /// Its secret. Never shown.
    pub client_secret: String,
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { tenant, client_id, client_secret: _ } = self;
        f.debug_struct("Credentials").field("tenant", tenant).field("client_id", client_id).finish_non_exhaustive()
    }
}

impl Credentials {
    /// What our own mock is content with.
    #[must_use]
    pub fn mock() -> Self {
        Self { tenant: "contoso.test".into(), client_id: "wavetank".into(), client_secret: "any".into() }
    }
}

/// Why there is no token.
#[derive(Debug, thiserror::Error)]
pub enum TokenError {
    /// The token server could not be asked.
    #[error(transparent)]
    Lost(#[from] Lost),
    /// It refused.
    #[error(transparent)]
    Refused(#[from] EntraError),
    /// The token cannot be shown in a header.
    #[error("the token server gave a token that no header can hold")]
    Malformed,
}

/// A token, as the header that shows it.
#[derive(Clone, Debug)]
struct Held {
    header: HeaderValue,
    until: Moment,
}

/// The token for one server.
#[derive(Debug)]
pub struct Tokens {
    pool: Pool,
    clock: Clock,
    credentials: Credentials,
    scope: &'static str,
    held: Mutex<Option<Held>>,
}

impl Tokens {
    /// No token yet. `pool` leads to the token server.
    #[must_use]
    pub fn new(pool: Pool, clock: Clock, credentials: Credentials, protocol: Protocol) -> Self {
        let scope = match protocol {
            Protocol::Ews => "https://outlook.office365.com/.default",
            Protocol::Graph => "https://graph.microsoft.com/.default",
        };
        Self { pool, clock, credentials, scope, held: Mutex::new(None) }
    }

    /// No token yet, from the same place and with the same proof, for another protocol.
    #[must_use]
    pub fn beside(&self, protocol: Protocol) -> Self {
        Self::new(Pool::new(self.pool.url().clone()), self.clock.clone(), self.credentials.clone(), protocol)
    }

    /// The header that shows a token. Whoever asks while one is being fetched waits for it.
    pub async fn header(&self) -> Result<HeaderValue, TokenError> {
        let mut held = self.held.lock().await;
        match &*held {
            Some(held) if self.clock.now() < held.until => Ok(held.header.clone()),
            _ => Ok(held.insert(self.fetch().await?).header.clone()),
        }
    }

    /// Another header after the server did not take one.
    pub async fn another(&self, refused: &HeaderValue) -> Result<HeaderValue, TokenError> {
        {
            let mut held = self.held.lock().await;
            if held.as_ref().is_some_and(|held| held.header == refused) {
                *held = None;
            }
        }
        self.header().await
    }

    async fn fetch(&self) -> Result<Held, TokenError> {
        let asked = self.clock.now();
        let Credentials { tenant, client_id, client_secret } = self.credentials.clone();
        let request = TokenRequest { tenant, client_id, client_secret, scope: self.scope.to_owned() };
        let answer = self.pool.exchange(self.pool.request(entra::encode_request(&request))?).await?;
        let token = entra::decode_answer(&answer)?;
        let header = HeaderValue::try_from(format!("Bearer {}", token.access_token));
        let mut header = header.map_err(|_| TokenError::Malformed)?;
        header.set_sensitive(true);
        let life = Span::from_seconds(token.expires_in as f64);
        Ok(Held { header, until: asked + (life - AHEAD.min(life.scale(0.1))) })
    }
}
