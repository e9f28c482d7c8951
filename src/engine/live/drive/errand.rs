//! What the requests of a load ask for: always the same, or what people do with their mailboxes.

use std::fmt;
use std::rc::Rc;
use std::sync::Arc;

use bytes::Bytes;
use hyper::header::{AUTHORIZATION, HOST, HeaderMap, HeaderName, HeaderValue, USER_AGENT};
use hyper::{Method, Request, Uri, Version};
use mock_server::front::clock::Clock;

use super::line::Heard;
use super::origin::HttpRequest;
use super::people::{Learns, People};
use super::recorded::{Recorded, Repeats};
use super::{DriveError, DriveOptions, Http};
use crate::engine::live::token::Credentials;
use crate::engine::wire::pool;
use crate::engine::wire::url::ServerUrl;
use crate::load::arrival::Arrival;
use crate::load::background::Background;

/// Names the mailbox in a header, as Microsoft asks of clients of EWS that speak for others.
pub(super) const ANCHOR: HeaderName = HeaderName::from_static("x-anchormailbox");

/// What the requests of a load ask for.
#[derive(Clone, Debug)]
pub enum Errand {
    /// `GET` of one path, which begins with a slash.
    Get(String),
    /// What people do with their mailboxes.
    People(Arc<Estate>),
    /// What was recorded.
    Recorded(Arc<Recorded>),
}

/// The people of an estate, and how they are let in.
pub struct Estate {
    /// What they do.
    pub background: Background,
    /// The address of a mailbox by its number.
    pub address: Box<dyn Fn(u32) -> String + Send + Sync>,
    /// With what their programs prove themselves. Each has a name of its own for an app: this one and that of the program.
    pub credentials: Credentials,
    /// Where their tokens come from.
    pub token_url: ServerUrl,
}

impl fmt::Debug for Estate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Estate").field("background", &self.background).finish_non_exhaustive()
    }
}

/// What is to be sent. Small, because it is handed on several times; requests are some hundred bytes.
#[derive(Debug)]
pub(super) enum Outgoing<'t> {
    /// A copy of a request without a body, which is made where it is sent.
    Same(&'t Template),
    /// A request of its own.
    Made(Box<HttpRequest>),
}

impl Outgoing<'_> {
    /// The request.
    pub(super) fn into_request(self) -> HttpRequest {
        match self {
            Self::Same(template) => template.request(Bytes::new()),
            Self::Made(request) => *request,
        }
    }
}

/// A request that is ready to be sent.
#[derive(Debug)]
pub(super) struct Prepared<'t> {
    /// The request; absent if no token could be had.
    pub(super) request: Option<Outgoing<'t>>,
    /// Its kind, where kinds are told apart.
    pub(super) kind: Option<usize>,
    /// What is to be learned from the answer.
    pub(super) learns: Option<Learns>,
}

/// What one worker needs to make requests.
#[expect(clippy::large_enum_variant, reason = "there is one for each worker")]
pub(super) enum Script {
    Same(Template),
    People(People),
    Recorded(Repeats),
}

impl Script {
    /// Gets ready to make requests; gets tokens where they are needed.
    pub(super) async fn new(errand: &Errand, options: &DriveOptions, clock: &Clock) -> Result<Self, DriveError> {
        let address = Address::new(options);
        match errand {
            Errand::Get(path) => Ok(Self::Same(address.get(path)?)),
            Errand::People(estate) => Ok(Self::People(People::new(Arc::clone(estate), address, clock).await?)),
            Errand::Recorded(recorded) => Ok(Self::Recorded(Repeats::new(Arc::clone(recorded), address, clock).await?)),
        }
    }

    /// The request of an arrival.
    pub(super) async fn prepare(&self, arrival: Arrival) -> Prepared<'_> {
        match self {
            Self::Same(template) => Prepared { request: Some(Outgoing::Same(template)), kind: None, learns: None },
            Self::People(people) => people.prepare(arrival).await,
            Self::Recorded(repeats) => repeats.prepare(arrival).await,
        }
    }

    /// Learns from an answer.
    pub(super) fn learn(&self, learns: Learns, heard: &Heard) {
        if let Self::People(people) = self {
            people.learn(learns, heard);
        }
    }
}

/// How requests name the server.
#[derive(Clone, Debug)]
pub(super) struct Address {
    url: ServerUrl,
    http: Http,
    host: Rc<HeaderValue>,
}

impl Address {
    /// # Panics
    /// Never: an authority that was read from a URL is plain text.
    fn new(options: &DriveOptions) -> Self {
        let host = HeaderValue::try_from(options.url.authority()).expect("an authority is plain text");
        Self { url: options.url.clone(), http: options.http, host: Rc::new(host) }
    }

    /// The server's URL.
    pub(super) fn url(&self) -> &ServerUrl {
        &self.url
    }

    /// A request for a path below the server's URL; nothing if that is no path.
    pub(super) fn request(&self, method: Method, path: &str, token: HeaderValue, body: Bytes) -> Option<HttpRequest> {
        let mut request = Request::new(body);
        *request.method_mut() = method;
        *request.uri_mut() = self.uri(path)?;
        *request.headers_mut() = self.headers();
        request.headers_mut().insert(AUTHORIZATION, token);
        Some(request)
    }

    /// The target of a request for a path below the server's URL; nothing if that is no path.
    fn uri(&self, path: &str) -> Option<Uri> {
        match self.http {
            Http::One => self.url.path(path),
            Http::Two => format!("http://{}{}", self.url.authority(), self.url.path(path)),
        }
        .parse()
        .ok()
    }

    /// The headers that every request has.
    fn headers(&self) -> HeaderMap {
        let mut headers = HeaderMap::new();
        if self.http == Http::One {
            headers.insert(HOST, HeaderValue::clone(&self.host));
        }
        headers.insert(USER_AGENT, HeaderValue::from_static(pool::AGENT));
        headers
    }

    fn get(&self, path: &str) -> Result<Template, DriveError> {
        let uri = self.uri(path).ok_or_else(|| DriveError::Path { path: path.to_owned() })?;
        let version = match self.http {
            Http::One => Version::HTTP_11,
            Http::Two => Version::HTTP_2,
        };
        Ok(Template { uri, version, headers: self.headers() })
    }
}

/// A request of which copies are sent.
#[derive(Debug)]
pub(super) struct Template {
    uri: Uri,
    version: Version,
    headers: HeaderMap,
}

impl Template {
    /// A copy with a body, or with `()` where bodies are sent apart from it.
    pub(super) fn request<B>(&self, body: B) -> Request<B> {
        let mut request = Request::new(body);
        *request.method_mut() = Method::GET;
        *request.uri_mut() = self.uri.clone();
        *request.version_mut() = self.version;
        *request.headers_mut() = self.headers.clone();
        request
    }
}
