//! One HTTP exchange: reads the request, has it decided, waits until the answer is ready, writes it or spoils it.
//!
//! Knows nothing of what the request means.

use std::cell::{Cell, RefCell};
use std::net::SocketAddr;
use std::pin::pin;
use std::rc::Rc;

use bytes::Bytes;
use hyper::body::Incoming;
use hyper::header::{AUTHORIZATION, AsHeaderName, CONTENT_LENGTH, HOST, HeaderMap, HeaderValue};
use hyper::{Method, Request, Response, StatusCode, Uri, Version};
use tokio::sync::{Notify, mpsc};

use super::body::{self, AnswerBody, Unread};
use super::bounds::Bounds;
use super::clock::Clock;
use super::coding;
use super::header;
use super::pending::Pending;
use super::socket::{Fate, InProgress};
use crate::fault::trick::Door;
use crate::protocol::ews::streaming::{Ongoing, Said};
use crate::service::reply::Spoil;
use crate::time::{Moment, Span};
use crate::wire::http::HttpAnswer;
use crate::wire::id::MailboxKey;
use crate::wire::operation::Operation;
use crate::wire::refusal::Refusal;

/// A request as it was received.
#[derive(Clone, Debug)]
pub struct Received {
    /// The method.
    pub method: Method,
    /// The path and query.
    pub uri: Uri,
    /// The headers.
    pub headers: HeaderMap,
    /// Where the client is, if it is known.
    pub peer: Option<SocketAddr>,
    /// Whether the connection is encrypted.
    pub secure: bool,
    /// The whole body. Empty if it is too large for a client that is not known.
    pub body: Bytes,
}

impl Received {
    /// The value of a header, if it is there and is text.
    #[must_use]
    pub fn header(&self, name: impl AsHeaderName) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// The scheme and host that absolute URLs begin with, so that they lead back the way the client came.
    #[must_use]
    pub fn base(&self) -> String {
        [self.scheme(), "://", self.host()].concat()
    }

    /// The scheme of URLs that lead back the way the client came.
    #[must_use]
    pub fn scheme(&self) -> &'static str {
        if self.secure { "https" } else { "http" }
    }

    /// Whether its URL is that of a session, which holds its own permission.
    #[must_use]
    pub fn has_session(&self) -> bool {
        self.uri.path().starts_with("/api/") && self.uri.query().is_some_and(|query| query.contains("authtoken="))
    }

    /// The host that the client means, port included, for absolute URLs.
    #[must_use]
    pub fn host(&self) -> &str {
        let authority = self.uri.authority().map(hyper::http::uri::Authority::as_str);
        authority.or_else(|| self.header(HOST)).unwrap_or("localhost")
    }
}

/// What becomes of a request.
#[derive(Clone, Debug)]
pub struct Decision {
    /// The answer.
    pub answer: HttpAnswer,
    /// When it leaves the server.
    pub ready: Moment,
    /// How it is spoiled on its way.
    pub spoil: Option<Spoil>,
    /// What the service made of the request, if it came that far.
    pub about: Option<About>,
    /// What the answer is only the beginning of, if it goes on.
    pub ongoing: Option<Box<Ongoing>>,
}

/// What the service made of a request.
#[derive(Copy, Clone, PartialEq, Eq, Debug)]
pub struct About {
    /// The app that called.
    pub app: u32,
    /// The mailbox concerned.
    pub mailbox: MailboxKey,
    /// The kind of call.
    pub operation: Operation,
    /// Why it was refused, if it was.
    pub refusal: Option<Refusal>,
}

impl Decision {
    /// An answer that is sent at once and whole.
    #[must_use]
    pub fn at_once(now: Moment, answer: HttpAnswer) -> Self {
        Self { answer, ready: now, spoil: None, about: None, ongoing: None }
    }
}

/// Whoever decides what becomes of requests. Never waits.
pub trait Decide {
    /// Decides what becomes of a request that has arrived whole.
    fn decide(&mut self, now: Moment, request: &Received) -> Decision;

    /// How a connection fails before a request can be sent, if it does; connections are numbered as they arrive. All come
    /// about unless somebody decides otherwise.
    fn door(&mut self, now: Moment, connection: u64) -> Option<Door> {
        let _ = (now, connection);
        None
    }

    /// Whether a client is known by the head of its request, before its body is read; `request` has an empty body. All who
    /// say who they are unless whoever decides knows better.
    fn knows(&mut self, now: Moment, request: &Received) -> bool {
        let _ = now;
        request.headers.contains_key(AUTHORIZATION) || request.has_session()
    }

    /// What a client hears whose request body was not read; `request` has an empty body. A bare status unless whoever
    /// decides knows better.
    fn refuse(&mut self, now: Moment, request: &Received, why: Unread) -> HttpAnswer {
        let _ = (now, request);
        refuse(why)
    }

    /// Sees to it that what was decided is kept, if anybody keeps it: what answers have to wait for before they leave.
    /// Called after every decision.
    fn keep(&mut self, _now: Moment) -> Option<Pending> {
        None
    }

    /// Does what is to be done at the end: called once, after the last request.
    fn end(&mut self, _now: Moment) {}

    /// Says how an answer goes on. Whoever gives no such answers has nothing to add to one.
    fn proceed(&mut self, _now: Moment, _ongoing: &mut Ongoing) -> Said {
        Said { bytes: Vec::new(), until: None }
    }
}

/// The connection, or the stream of an HTTP/2 connection, is broken off on purpose.
#[derive(Copy, Clone, Debug, thiserror::Error)]
#[error("the answer is withheld on purpose")]
pub(super) struct BrokenOff;

/// What all requests of a front share.
#[derive(Debug)]
pub(super) struct Front<D> {
    desk: RefCell<D>,
    clock: Clock,
    bounds: Bounds,
    /// Connections so far.
    connections: Cell<u64>,
    /// Rings after every decision: answers that go on may have something to say.
    decided: Notify,
}

impl<D: Decide + 'static> Front<D> {
    /// A front with someone who decides.
    pub(super) fn new(desk: D, clock: Clock, bounds: Bounds) -> Self {
        Self { desk: RefCell::new(desk), clock, bounds, connections: Cell::new(0), decided: Notify::new() }
    }

    /// How a connection that has arrived fails, if it does.
    pub(super) fn door(&self) -> Option<Door> {
        let number = self.connections.get();
        self.connections.set(number + 1);
        self.desk.borrow_mut().door(self.clock.now(), number)
    }

    /// What is taken from clients at most.
    pub(super) fn bounds(&self) -> Bounds {
        self.bounds
    }

    /// Has done what is to be done at the end.
    pub(super) fn end(&self) {
        self.desk.borrow_mut().end(self.clock.now());
    }

    fn decide(&self, request: &Received) -> (Moment, Decision, Option<Pending>) {
        let (mut desk, now) = (self.desk.borrow_mut(), self.clock.now());
        let decision = desk.decide(now, request);
        (now, decision, desk.keep(now))
    }

    fn proceed(&self, ongoing: &mut Ongoing) -> (Said, Option<Pending>) {
        let (mut desk, now) = (self.desk.borrow_mut(), self.clock.now());
        let said = desk.proceed(now, ongoing);
        (said, desk.keep(now))
    }

    /// Carries out one exchange on a connection.
    pub(super) async fn answer(
        self: Rc<Self>,
        fate: Rc<Fate>,
        request: Request<Incoming>,
    ) -> Result<Response<AnswerBody>, BrokenOff> {
        let in_progress = fate.request();
        let (head, body) = request.into_parts();
        let mut request = Received {
            method: head.method,
            uri: head.uri,
            headers: head.headers,
            body: Bytes::new(),
            peer: fate.peer(),
            secure: fate.is_secure(),
        };
        let Bounds { body_bytes, stranger_body_bytes, body_time, .. } = self.bounds;
        // Whom it is from matters only to bodies that strangers may not send.
        let stranger = !body::fits(&body, &request.headers, stranger_body_bytes)
            && !self.desk.borrow_mut().knows(self.clock.now(), &request);
        let most = if stranger { stranger_body_bytes } else { body_bytes };
        let mut unread = None;
        match body::read(body, &request.headers, most, body_time).await {
            Ok(body) => request.body = body,
            Err(Unread::TooLarge) if stranger => {}
            Err(Unread::Broken) => return Err(BrokenOff),
            Err(why) => unread = Some(why),
        }
        let wanted = coding::wanted(&request.headers);
        if let Some(why) = unread {
            let mut answer = self.desk.borrow_mut().refuse(self.clock.now(), &request, why);
            coding::compress(&mut answer, wanted);
            return Ok(whole(answer));
        }
        let (now, decision, pending) = self.decide(&request);
        drop(request);
        self.decided.notify_waiters();
        let dripping = if let Some(Spoil::Drip(over)) = decision.spoil { over } else { Span::ZERO };
        let leaves = Moment(decision.ready.0.saturating_sub(dripping.0));
        if now < leaves {
            self.clock.sleep_until(leaves).await;
        }
        if let Some(pending) = pending
            && pending.kept().await.is_err()
        {
            return Ok(whole(unkept()));
        }
        if let (None, Some(ongoing)) = (decision.spoil, decision.ongoing) {
            let (sender, rest) = mpsc::channel(1);
            tokio::task::spawn_local(self.go_on(*ongoing, sender, in_progress));
            let HttpAnswer { status, headers, body } = decision.answer;
            return Ok(respond(status, headers, AnswerBody::ongoing(body, rest)));
        }
        match decision.spoil {
            None => {
                let mut answer = decision.answer;
                coding::compress(&mut answer, wanted);
                Ok(whole(answer))
            }
            Some(Spoil::Truncate) => Ok(cut(decision.answer)),
            Some(Spoil::Malformed) => Ok(whole(garbled(decision.answer))),
            Some(Spoil::Empty) => Ok(whole(HttpAnswer { body: Vec::new(), ..decision.answer })),
            Some(Spoil::WrongLength) => Ok(short(decision.answer)),
            Some(Spoil::Drip(over)) => Ok(dripped(decision.answer, self.clock.on_the_wall(over))),
            Some(Spoil::Reset) => {
                if head.version < Version::HTTP_2 {
                    fate.reset();
                }
                Err(BrokenOff)
            }
        }
    }
}

impl<D: Decide + 'static> Front<D> {
    /// Writes what an answer that goes on has to say, until it ends or the client is gone. The request is in progress as
    /// long.
    async fn go_on(self: Rc<Self>, mut ongoing: Ongoing, sender: mpsc::Sender<Bytes>, _in_progress: InProgress) {
        loop {
            // Whatever is decided while the last words are on their way must be heard of.
            let mut decided = pin!(self.decided.notified());
            decided.as_mut().enable();
            let (Said { bytes, until }, pending) = self.proceed(&mut ongoing);
            if let Some(pending) = pending
                && pending.kept().await.is_err()
            {
                return;
            }
            if !bytes.is_empty() && sender.send(Bytes::from(bytes)).await.is_err() {
                return;
            }
            let Some(until) = until else { return };
            tokio::select! {
                () = sender.closed() => return,
                () = decided => {}
                () = self.clock.sleep_until(until) => {}
            }
        }
    }
}

/// What a client hears whose request body was not read, in no protocol's words.
#[must_use]
pub fn refuse(why: Unread) -> HttpAnswer {
    let status = match why {
        Unread::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
        Unread::TooSlow => StatusCode::REQUEST_TIMEOUT,
        Unread::Broken | Unread::Undecodable => StatusCode::BAD_REQUEST,
        Unread::Coding => StatusCode::UNSUPPORTED_MEDIA_TYPE,
    };
    let mut headers = Vec::new();
    if why == Unread::Coding {
        headers.push(("Accept-Encoding", coding::TAKEN.to_owned()));
    }
    HttpAnswer { status: status.as_u16(), headers, body: Vec::new() }
}

/// What a client hears in place of an answer that rests on what cannot be kept.
fn unkept() -> HttpAnswer {
    HttpAnswer {
        status: StatusCode::INTERNAL_SERVER_ERROR.as_u16(),
        headers: vec![("content-type", "text/plain".to_owned())],
        body: b"The server can no longer keep its state; what it printed says why.\n".to_vec(),
    }
}

fn whole(answer: HttpAnswer) -> Response<AnswerBody> {
    respond(answer.status, answer.headers, AnswerBody::whole(answer.body))
}

/// An answer that announces its whole length and then has half of it. One without a body announces one byte, so that
/// there is something to miss.
fn cut(mut answer: HttpAnswer) -> Response<AnswerBody> {
    if answer.status == StatusCode::NO_CONTENT {
        answer.status = StatusCode::OK.as_u16();
    }
    let length = answer.body.len().max(1);
    let mut response = respond(answer.status, answer.headers, AnswerBody::cut(answer.body));
    response.headers_mut().insert(CONTENT_LENGTH, HeaderValue::from(length));
    response
}

/// What a malformed answer says instead of its second half: no JSON and no XML has it.
const GARBAGE: u8 = 0x01;

/// An answer whose second half is garbage.
fn garbled(mut answer: HttpAnswer) -> HttpAnswer {
    let half = answer.body.len() / 2;
    answer.body[half..].fill(GARBAGE);
    answer
}

/// An answer that announces more than it has.
fn short(mut answer: HttpAnswer) -> Response<AnswerBody> {
    if answer.status == StatusCode::NO_CONTENT {
        answer.status = StatusCode::OK.as_u16();
    }
    let length = answer.body.len() + 1 + answer.body.len() / 2;
    let mut response = respond(answer.status, answer.headers, AnswerBody::short(answer.body));
    response.headers_mut().insert(CONTENT_LENGTH, HeaderValue::from(length));
    response
}

/// An answer whose body comes in drops.
fn dripped(answer: HttpAnswer, over: Span) -> Response<AnswerBody> {
    let over = std::time::Duration::from_nanos(over.0);
    respond(answer.status, answer.headers, AnswerBody::drip(answer.body, over))
}

fn respond(status: u16, headers: Vec<(&'static str, String)>, body: AnswerBody) -> Response<AnswerBody> {
    let mut response = Response::new(body);
    response.headers_mut().reserve(headers.len());
    *response.status_mut() = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    for (name, value) in headers {
        // What a codec writes is text; a value that echoes what no header can hold is left out.
        if let (Some(name), Ok(value)) = (header::named(name), HeaderValue::try_from(value)) {
            response.headers_mut().append(name, value);
        }
    }
    response
}
