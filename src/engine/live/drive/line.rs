//! One request at a time on a connection, which is made anew when it ends.

use std::cell::RefCell;
use std::future::poll_fn;
use std::pin::Pin;
use std::rc::Rc;

use bytes::Bytes;
use h2::RecvStream;
use http_body_util::Full;
use hyper::body::{Body, Incoming};
use hyper::client::conn::http1;
use hyper::{Request, Response};
use tokio::sync::Mutex;
use tokio::task::AbortHandle;

use super::errand::Outgoing;
use super::origin::{HttpRequest, Origin, Sender, Two};
use crate::engine::wire::pool::Lost;
use crate::load::tally::Failure;

/// Largest body that is kept to be looked at, in bytes (assumed: a page of messages with their bodies).
const KEPT_BYTES: usize = 16 << 20;

/// On how many connections one request is tried before it has been sent (assumed: the one at hand may have ended while it
/// rested, and a new one may by bad luck).
const MOST_CONNECTIONS: u32 = 3;

/// A connection of HTTP/2 that several lines share.
#[derive(Default)]
pub(super) struct Shared {
    sender: RefCell<Option<Two>>,
    making: Mutex<()>,
}

/// Room for one request at a time.
pub(super) struct Line {
    origin: Rc<Origin>,
    sender: Option<Sender>,
    /// Cuts a connection that is ours alone.
    cut: Option<AbortHandle>,
    shared: Rc<Shared>,
}

/// What was heard.
#[derive(Debug)]
pub(super) struct Heard {
    pub(super) status: u16,
    pub(super) bytes: u64,
    /// The body, if it was asked for.
    pub(super) body: Vec<u8>,
}

impl Line {
    /// A line without a connection. Lines of HTTP/2 with the same `shared` share one.
    pub(super) fn new(origin: Rc<Origin>, shared: Rc<Shared>) -> Self {
        Self { origin, sender: None, cut: None, shared }
    }

    /// Makes the connection if there is none.
    pub(super) async fn connect(&mut self) -> Result<(), Lost> {
        let open = match &mut self.sender {
            None => false,
            Some(Sender::One(sender)) => sender.ready().await.is_ok(),
            Some(Sender::Two(two)) => two.open.get() && poll_fn(|context| two.sender.poll_ready(context)).await.is_ok(),
        };
        if open {
            return Ok(());
        }
        let shared = Rc::clone(&self.shared);
        let _making = shared.making.lock().await;
        let known = shared.sender.borrow().clone().filter(|two| two.open.get());
        self.sender = Some(if let Some(two) = known {
            Sender::Two(two)
        } else {
            let (sender, task) = self.origin.connect().await?;
            match &sender {
                Sender::One(_) => self.cut = Some(task),
                Sender::Two(two) => *shared.sender.borrow_mut() = Some(two.clone()),
            }
            sender
        });
        Ok(())
    }

    /// Gives up on a request under way: cuts a connection that is ours alone, because nothing else can be sent on it.
    pub(super) fn give_up(&mut self) {
        if let Some(cut) = self.cut.take() {
            cut.abort();
        }
        self.sender = None;
    }

    /// Sends a request and reads the whole answer. A request that was not sent because the connection had ended by then
    /// is sent on a new one, a few times: a server whose connections end before anything can be sent is out of reach.
    pub(super) async fn exchange(&mut self, mut request: Outgoing<'_>, keep: bool) -> Result<Heard, Failure> {
        for _ in 0..MOST_CONNECTIONS {
            self.connect().await.map_err(|_| Failure::Unreachable)?;
            match &mut self.sender {
                None => return Err(Failure::Unreachable),
                Some(Sender::Two(two)) => return exchange_two(two, request, keep).await,
                Some(Sender::One(sender)) => match exchange_one(sender, request.into_request(), keep).await? {
                    Ok(heard) => return Ok(heard),
                    Err(unsent) => request = Outgoing::Made(Box::new(unsent)),
                },
            }
            self.sender = None;
        }
        Err(Failure::Unreachable)
    }
}

/// Gives the request back if it was not sent.
async fn exchange_one(
    sender: &mut http1::SendRequest<Full<Bytes>>,
    request: HttpRequest,
    keep: bool,
) -> Result<Result<Heard, HttpRequest>, Failure> {
    let (head, body) = request.into_parts();
    let sent = sender.try_send_request(Request::from_parts(head, Full::new(body.clone()))).await;
    match sent {
        Ok(response) => Ok(Ok(hear_one(response, keep).await?)),
        Err(mut error) => match error.take_message() {
            Some(unsent) => Ok(Err(Request::from_parts(unsent.into_parts().0, body))),
            None => Err(failure_one(&error.into_error())),
        },
    }
}

async fn exchange_two(two: &mut Two, outgoing: Outgoing<'_>, keep: bool) -> Result<Heard, Failure> {
    let response = match outgoing {
        Outgoing::Same(template) => {
            let sent = two.sender.send_request(template.request(()), true);
            sent.map_err(|error| failure_two(&error))?.0
        }
        Outgoing::Made(request) => {
            let (head, body) = request.into_parts();
            let sent = two.sender.send_request(Request::from_parts(head, ()), body.is_empty());
            let (response, mut stream) = sent.map_err(|error| failure_two(&error))?;
            if !body.is_empty() {
                stream.send_data(body, true).map_err(|error| failure_two(&error))?;
            }
            response
        }
    };
    let response = response.await.map_err(|error| failure_two(&error))?;
    hear_two(response, keep).await
}

async fn hear_one(response: Response<Incoming>, keep: bool) -> Result<Heard, Failure> {
    let mut heard = Heard::new(response.status().as_u16());
    let mut body = response.into_body();
    while !body.is_end_stream() {
        let frame = poll_fn(|context| Pin::new(&mut body).poll_frame(context)).await;
        let Some(frame) = frame else { break };
        if let Some(data) = frame.map_err(|error| failure_one(&error))?.data_ref() {
            heard.take(data, keep);
        }
    }
    Ok(heard)
}

async fn hear_two(response: Response<RecvStream>, keep: bool) -> Result<Heard, Failure> {
    let mut heard = Heard::new(response.status().as_u16());
    let mut body = response.into_body();
    while !body.is_end_stream() {
        let Some(data) = body.data().await else { break };
        let data = data.map_err(|error| failure_two(&error))?;
        heard.take(&data, keep);
        // What the last piece took up is given back when the body is dropped.
        if body.is_end_stream() {
            break;
        }
        body.flow_control().release_capacity(data.len()).map_err(|error| failure_two(&error))?;
    }
    Ok(heard)
}

impl Heard {
    fn new(status: u16) -> Self {
        Self { status, bytes: 0, body: Vec::new() }
    }

    fn take(&mut self, data: &[u8], keep: bool) {
        self.bytes += data.len() as u64;
        if keep && self.body.len() + data.len() <= KEPT_BYTES {
            self.body.extend_from_slice(data);
        }
    }
}

fn failure_one(error: &hyper::Error) -> Failure {
    if error.is_parse() { Failure::Malformed } else { Failure::Reset }
}

/// What the peer ended, or the network did, is a reset; what breaks the protocol is no HTTP.
fn failure_two(error: &h2::Error) -> Failure {
    if error.is_io() || error.is_remote() { Failure::Reset } else { Failure::Malformed }
}
