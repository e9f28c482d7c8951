//! The live world: the clock is the wall's, and a call is an HTTP request.
//!
//! Calls go out as they are: never repeated, except that a token that the server no longer takes is replaced once.

use std::cell::RefCell;
use std::fmt;

use hyper::header::{AUTHORIZATION, HeaderName, HeaderValue};
use mock_server::front::clock::Clock;
use mock_server::front::server_timing;
use mock_server::service::reply::Spent;
use mock_server::time::{Moment, Span};
use mock_server::wire::answer::Answer;
use mock_server::wire::call::{Call, Protocol, RequestIdentity};
use mock_server::wire::entra::EntraError;
use mock_server::wire::http::{HttpAnswer, HttpCall};
use mock_server::wire::id::MailboxKey;
use mock_server::wire::refusal::{Refusal, RefusalKind};
use mock_server::wire::{admin, codec, ews, identity};

use super::token::{TokenError, Tokens};
use crate::engine::network::{Direction, Link, Message};
use crate::engine::wire::pool::{HttpRequest, Lost, Pool};
use crate::world::{Elapsed, Outcome, Route, Side, World};

/// How one server is reached.
#[derive(Debug)]
pub struct Endpoint {
    /// The protocol spoken with it.
    pub protocol: Protocol,
    /// Connections to it.
    pub pool: Pool,
    /// The token that it wants to see.
    pub tokens: Tokens,
    /// The link that lies between; absent where the real network does.
    pub link: Option<RefCell<Link>>,
}

/// The live world.
pub struct LiveWorld {
    clock: Clock,
    source: Endpoint,
    target: Endpoint,
    /// The tokens that the directories of both want to see, which speak Graph whatever the mailboxes speak.
    directories: [Tokens; 2],
    address: Box<dyn Fn(MailboxKey) -> String>,
}

impl fmt::Debug for LiveWorld {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LiveWorld").field("source", &self.source).field("target", &self.target).finish_non_exhaustive()
    }
}

/// What came back over the network.
struct Heard {
    result: Result<Answer, Refusal>,
    spent: Spent,
    received_bytes: u64,
}

impl Heard {
    fn nothing(kind: RefusalKind) -> Self {
        Self { result: Err(Refusal { kind, status: 0, retry_after: None }), spent: Spent::default(), received_bytes: 0 }
    }
}

impl From<Lost> for Heard {
    fn from(lost: Lost) -> Self {
        Self::nothing(match lost {
            Lost::Unreachable { .. } | Lost::Reset(_) => RefusalKind::ConnectionReset,
            Lost::Truncated(_) => RefusalKind::Truncated,
            Lost::Malformed(_) => RefusalKind::Malformed,
        })
    }
}

impl From<TokenError> for Heard {
    fn from(error: TokenError) -> Self {
        match error {
            TokenError::Lost(lost) => lost.into(),
            TokenError::Refused(EntraError::Refused { status, .. }) => Self::nothing(match status {
                429 => RefusalKind::AppLimit,
                500.. => RefusalKind::Unavailable,
                200 => RefusalKind::Malformed,
                _ => RefusalKind::Unauthorized,
            }),
            TokenError::Malformed => Self::nothing(RefusalKind::Malformed),
        }
    }
}

impl LiveWorld {
    /// A world with two servers. `address` tells the SMTP address of a mailbox.
    #[must_use]
    pub fn new(
        clock: Clock,
        [source, target]: [Endpoint; 2],
        address: impl Fn(MailboxKey) -> String + 'static,
    ) -> Self {
        let directories = [&source, &target].map(|endpoint| endpoint.tokens.beside(Protocol::Graph));
        Self { clock, source, target, directories, address: Box::new(address) }
    }

    /// How a server is reached.
    #[must_use]
    pub fn endpoint(&self, side: Side) -> &Endpoint {
        match side {
            Side::Source => &self.source,
            Side::Target => &self.target,
        }
    }

    /// The request that makes a call, without the token, and the length of its body.
    fn request(&self, route: Route, call: &Call) -> Result<(HttpRequest, u64), Heard> {
        let endpoint = self.endpoint(route.side);
        let address = (self.address)(route.mailbox);
        let call = encode(endpoint, route.mailbox, &address, call).ok_or(Heard::nothing(RefusalKind::Invalid))?;
        let sent_bytes = call.body.len() as u64;
        let mut request = endpoint.pool.request(call)?;
        let identity = identity::encode(RequestIdentity::new(route.request, route.attempt));
        let identity = HeaderValue::try_from(identity).expect("a GUID is plain text");
        request.headers_mut().insert(HeaderName::from_static(identity::HEADER), identity);
        Ok((request, sent_bytes))
    }

    /// Waits while a message crosses the link, if there is one.
    async fn cross(&self, endpoint: &Endpoint, bytes: u64, direction: Direction, message: Message) {
        if let Some(link) = &endpoint.link {
            let arrives = link.borrow_mut().send(self.clock.now(), bytes, direction, message);
            self.clock.sleep_until(arrives).await;
        }
    }

    /// Sends a request and waits for what comes back.
    async fn exchange(&self, side: Side, call: &Call, mut request: HttpRequest) -> Result<HttpAnswer, Heard> {
        let endpoint = self.endpoint(side);
        let tokens = match codec::spoken(endpoint.protocol, call.operation()) {
            spoken if spoken == endpoint.protocol => &endpoint.tokens,
            _ => &self.directories[side as usize],
        };
        let token = tokens.header().await?;
        request.headers_mut().insert(AUTHORIZATION, token.clone());
        let answer = endpoint.pool.exchange(request.clone()).await?;
        if answer.status != 401 {
            return Ok(answer);
        }
        request.headers_mut().insert(AUTHORIZATION, tokens.another(&token).await?);
        Ok(endpoint.pool.exchange(request).await?)
    }

    async fn carry(&self, route: Route, call: &Call, request: HttpRequest, sent_bytes: u64) -> Heard {
        let endpoint = self.endpoint(route.side);
        let message = Message::from(&route);
        self.cross(endpoint, sent_bytes, Direction::Up, message).await;
        let exchanged = self.exchange(route.side, call, request).await;
        let received_bytes = exchanged.as_ref().map_or(0, |answer| answer.body.len() as u64);
        self.cross(endpoint, received_bytes, Direction::Down, message).await;
        match exchanged {
            Err(heard) => heard,
            Ok(answer) => Heard {
                result: codec::decode_answer(endpoint.protocol, call, &answer),
                spent: answer.header(server_timing::HEADER).map(server_timing::decode).unwrap_or_default(),
                received_bytes,
            },
        }
    }
}

impl World for LiveWorld {
    fn now(&self) -> Moment {
        self.clock.now()
    }

    async fn sleep_until(&self, moment: Moment) {
        self.clock.sleep_until(moment).await;
    }

    async fn call(&self, route: Route, call: &Call) -> Outcome {
        let asked = self.clock.now();
        let (heard, sent_bytes) = match self.request(route, call) {
            Err(heard) => (heard, 0),
            Ok((request, sent_bytes)) => tokio::select! {
                biased;
                heard = self.carry(route, call, request, sent_bytes) => (heard, sent_bytes),
                () = self.clock.sleep_until(asked + route.patience) => {
                    (Heard::nothing(RefusalKind::TimedOut), sent_bytes)
                }
            },
        };
        Outcome {
            result: heard.result,
            elapsed: divide(self.clock.now().since(asked), heard.spent),
            sent_bytes,
            received_bytes: heard.received_bytes,
        }
    }
}

/// Writes a call; nothing if the protocol does not have it. References that are known without having been read from a
/// wire, because a copy was made before the run, are written as our mock writes them.
fn encode(endpoint: &Endpoint, mailbox: MailboxKey, address: &str, call: &Call) -> Option<HttpCall> {
    if codec::spoken(endpoint.protocol, call.operation()) == Protocol::Ews && !admin::is_admin(call) {
        return ews::encode_call_to_mock(call, address, mailbox).ok();
    }
    let base = endpoint.pool.url().to_string();
    codec::encode_call(endpoint.protocol, &codec::written(call, mailbox), address, &base).ok()
}

/// Where the time of a call went: what the server says, as far as there was so much; the rest was the network.
fn divide(total: Span, spent: Spent) -> Elapsed {
    let mut left = total;
    let mut take = |part: Span| {
        let part = part.min(left);
        left = left - part;
        part
    };
    let (served, queued, delayed) = (take(spent.served), take(spent.queued), take(spent.delayed));
    Elapsed { network: left, delayed, queued, served }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(total: u64, [served, queued, delayed]: [u64; 3]) -> Elapsed {
        let spent = Spent { delayed: Span(delayed), queued: Span(queued), served: Span(served) };
        let elapsed = divide(Span(total), spent);
        assert_eq!(elapsed.network + elapsed.delayed + elapsed.queued + elapsed.served, Span(total));
        elapsed
    }

    #[test]
    fn a_token_server_that_is_not_well_is_asked_again_and_one_that_refuses_is_not() {
        let kind = |status| {
            let error = TokenError::Refused(EntraError::Refused { status, code: String::new() });
            Heard::from(error).result.expect_err("there is no token").kind
        };
        assert_eq!(kind(429), RefusalKind::AppLimit);
        assert_eq!([500, 503, 504].map(kind), [RefusalKind::Unavailable; 3]);
        assert_eq!([400, 401, 403].map(kind), [RefusalKind::Unauthorized; 3]);
        assert!(kind(200).is_transient(), "an answer that cannot be read may be another the next time");
    }

    #[test]
    fn the_parts_sum_to_the_whole_whatever_a_server_says() {
        assert_eq!(check(100, [50, 20, 10]).network, Span(20));
        assert_eq!(check(100, [90, 20, 10]), Elapsed { served: Span(90), queued: Span(10), ..Elapsed::default() });
        assert_eq!(check(0, [1, 1, 1]), Elapsed::default());
    }
}
