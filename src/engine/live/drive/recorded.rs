//! Recorded requests, made again.

use std::fmt;
use std::sync::Arc;

use hyper::Method;
use hyper::header::{CONTENT_TYPE, HeaderValue};
use mock_server::front::clock::Clock;
use mock_server::wire::call::Protocol;

use super::DriveError;
use super::errand::{ANCHOR, Address, Outgoing, Prepared};
use super::origin::HttpRequest;
use crate::engine::live::token::{Credentials, Tokens};
use crate::engine::wire::pool::Pool;
use crate::engine::wire::url::ServerUrl;
use crate::load::arrival::Arrival;

/// A request that was recorded.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Again {
    /// The method.
    pub method: String,
    /// Path and query.
    pub target: String,
    /// The type of the body.
    pub content_type: Option<String>,
    /// The mailbox, by address.
    pub mailbox: Option<String>,
    /// The body.
    pub body: String,
    /// Whether it speaks EWS.
    pub ews: bool,
}

/// Recorded requests in the order of their schedule, and how they are let in.
pub struct Recorded {
    /// The requests.
    pub requests: Vec<Again>,
    /// With what they prove themselves.
    pub credentials: Credentials,
    /// Where tokens come from.
    pub token_url: ServerUrl,
}

impl fmt::Debug for Recorded {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Recorded").field("requests", &self.requests.len()).finish_non_exhaustive()
    }
}

/// Recorded requests, for one worker.
#[derive(Debug)]
pub(super) struct Repeats {
    recorded: Arc<Recorded>,
    address: Address,
    tokens: Tokens,
    graph_tokens: Tokens,
}

impl Repeats {
    /// Gets the tokens that the requests need.
    pub(super) async fn new(recorded: Arc<Recorded>, address: Address, clock: &Clock) -> Result<Self, DriveError> {
        let pool = Pool::new(recorded.token_url.clone());
        let tokens = Tokens::new(pool, clock.clone(), recorded.credentials.clone(), Protocol::Ews);
        let graph_tokens = tokens.beside(Protocol::Graph);
        let repeats = Self { recorded, address, tokens, graph_tokens };
        for ews in [true, false] {
            if repeats.recorded.requests.iter().any(|request| request.ews == ews) {
                let header = repeats.tokens_for(ews).header().await;
                header.map_err(|error| DriveError::of_token(&repeats.recorded.token_url, error))?;
            }
        }
        Ok(repeats)
    }

    fn tokens_for(&self, ews: bool) -> &Tokens {
        if ews { &self.tokens } else { &self.graph_tokens }
    }

    /// The request of an arrival.
    pub(super) async fn prepare(&self, arrival: Arrival) -> Prepared<'static> {
        let again = self.recorded.requests.get(usize::try_from(arrival.number).unwrap_or(usize::MAX));
        let request = match again {
            Some(again) => {
                let token = self.tokens_for(again.ews).header().await.ok();
                token.and_then(|token| self.request(again, token))
            }
            None => None,
        };
        let request = request.map(|request| Outgoing::Made(Box::new(request)));
        Prepared { request, kind: None, learns: None }
    }

    fn request(&self, again: &Again, token: HeaderValue) -> Option<HttpRequest> {
        let method = Method::from_bytes(again.method.as_bytes()).ok()?;
        let mut request = self.address.request(method, &again.target, token, again.body.clone().into())?;
        let headers = request.headers_mut();
        if let Some(content_type) = &again.content_type {
            headers.insert(CONTENT_TYPE, HeaderValue::try_from(content_type).ok()?);
        }
        if let (true, Some(mailbox)) = (again.ews, &again.mailbox) {
            headers.insert(ANCHOR, HeaderValue::try_from(mailbox).ok()?);
        }
        Some(request)
    }
}
