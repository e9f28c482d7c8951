//! Kept HTTP/1.1 connections to one server.
//!
//! There are as many connections as requests in progress: bounding those is the pipeline's business. A connection that
//! has been idle for a while is not used again, because the server may be about to close it.

use std::cell::RefCell;
use std::error::Error;
use std::io;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt, Full, LengthLimitError, Limited};
use hyper::body::Incoming;
use hyper::client::conn::http1::{self, SendRequest};
use hyper::header::{HOST, HeaderMap, USER_AGENT};
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use mock_server::front::server_timing;
use mock_server::wire::http::{HttpAnswer, HttpCall};
use tokio::net::TcpStream;
use tokio::time::Instant;

use super::url::ServerUrl;

/// How long an idle connection is kept: half of what our own server and IIS allow.
const IDLE: Duration = Duration::from_mins(1);

/// Longest time for a connection to be made (assumed).
const CONNECT: Duration = Duration::from_secs(10);

/// Largest answer that is read, in bytes: a hundred items of an export, five megabytes each (assumed).
const ANSWER_BYTES: usize = 512 << 20;

/// What we call ourselves.
pub(crate) const AGENT: &str = concat!("wavetank/", env!("CARGO_PKG_VERSION"));

/// The headers of an answer that are kept; nothing else is looked at.
const KEPT: [&str; 6] =
    ["content-type", "location", "request-id", "retry-after", "www-authenticate", server_timing::HEADER];

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub enum Lost {
    /// No connection could be made.
    #[error("no connection to {server}")]
    Unreachable {
        /// The server.
        server: String,
        /// Why.
        source: io::Error,
    },
    /// The connection ended before the head of the answer was complete.
    #[error("the connection ended before an answer")]
    Reset(#[source] hyper::Error),
    /// The connection ended within the body of the answer.
    #[error("the answer ended too early")]
    Truncated(#[source] Box<dyn Error + Send + Sync>),
    /// What arrived is no HTTP, or is larger than we read.
    #[error("the answer cannot be read")]
    Malformed(#[source] Box<dyn Error + Send + Sync>),
}

/// A request as it is sent.
pub type HttpRequest = Request<Full<Bytes>>;

type Sender = SendRequest<Full<Bytes>>;

/// Connections to one server.
#[derive(Debug)]
pub struct Pool {
    url: ServerUrl,
    /// The connections at rest; the one used last is at the end, and used next.
    idle: RefCell<Vec<(Sender, Instant)>>,
}

impl Pool {
    /// No connections yet.
    #[must_use]
    pub fn new(url: ServerUrl) -> Self {
        Self { url, idle: RefCell::default() }
    }

    /// The server.
    #[must_use]
    pub fn url(&self) -> &ServerUrl {
        &self.url
    }

    /// A request to this server, to which the caller may add headers. Copies of it share the body.
    pub fn request(&self, call: HttpCall) -> Result<HttpRequest, Lost> {
        let malformed = |error: hyper::http::Error| Lost::Malformed(error.into());
        let mut request = Request::builder().method(call.method).uri(self.url.path(&call.path));
        request = request.header(HOST, self.url.authority()).header(USER_AGENT, AGENT);
        for (name, value) in call.headers {
            request = request.header(name, value);
        }
        request.body(Full::new(Bytes::from(call.body))).map_err(malformed)
    }

    /// Sends a request and reads the whole answer.
    ///
    /// Must be called on a runtime that can run local tasks.
    pub async fn exchange(&self, mut request: HttpRequest) -> Result<HttpAnswer, Lost> {
        loop {
            let (mut sender, kept) = match self.take() {
                Some(sender) => (sender, true),
                None => (self.connect().await?, false),
            };
            if kept && sender.ready().await.is_err() {
                continue;
            }
            match sender.try_send_request(request).await {
                Ok(response) => return self.hear(response, sender).await,
                Err(mut error) => match error.take_message() {
                    // The connection was closed while it rested, and nothing was sent on it.
                    Some(unsent) if kept => request = unsent,
                    _ => return Err(lost(error.into_error())),
                },
            }
        }
    }

    /// The connection used last, if it is still good.
    fn take(&self) -> Option<Sender> {
        let mut idle = self.idle.borrow_mut();
        let now = Instant::now();
        idle.retain(|(sender, since)| !sender.is_closed() && *since + IDLE > now);
        idle.pop().map(|(sender, _)| sender)
    }

    async fn connect(&self) -> Result<Sender, Lost> {
        let (sender, connection) = http1::handshake(TokioIo::new(dial(&self.url).await?)).await.map_err(lost)?;
        tokio::task::spawn_local(async move {
            // Whoever waits for an answer on this connection is told how it ended.
            let _ = connection.await;
        });
        Ok(sender)
    }

    async fn hear(&self, response: Response<Incoming>, sender: Sender) -> Result<HttpAnswer, Lost> {
        let (head, body) = response.into_parts();
        let body = match Limited::new(body, ANSWER_BYTES).collect().await {
            Ok(collected) => collected.to_bytes(),
            Err(error) if error.is::<LengthLimitError>() => return Err(Lost::Malformed(error)),
            Err(error) => return Err(Lost::Truncated(error)),
        };
        if !sender.is_closed() {
            self.idle.borrow_mut().push((sender, Instant::now()));
        }
        Ok(HttpAnswer { status: head.status.as_u16(), headers: kept(&head.headers), body: body.into() })
    }
}

/// Makes a connection to a server.
pub(crate) async fn dial(url: &ServerUrl) -> Result<TcpStream, Lost> {
    let unreachable = |source| Lost::Unreachable { server: url.to_string(), source };
    let connecting = tokio::time::timeout(CONNECT, TcpStream::connect(url.socket()));
    let stream = connecting.await.map_err(|_| unreachable(io::ErrorKind::TimedOut.into()))?.map_err(unreachable)?;
    // Requests must not wait for the server's acknowledgment of the one before.
    stream.set_nodelay(true).map_err(unreachable)?;
    Ok(stream)
}

fn kept(headers: &HeaderMap) -> Vec<(&'static str, String)> {
    let value = |name| Some((name, headers.get(name)?.to_str().ok()?.to_owned()));
    KEPT.into_iter().filter_map(value).collect()
}

fn lost(error: hyper::Error) -> Lost {
    if error.is_parse() { Lost::Malformed(error.into()) } else { Lost::Reset(error) }
}
