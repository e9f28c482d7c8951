//! One request at a time on a connection, which is made anew when it ends.

use std::cell::RefCell;
use std::rc::Rc;

use hyper::Response;
use hyper::body::{Body, Incoming};
use hyper::client::conn::http2;
use tokio::sync::Mutex;
use tokio::task::AbortHandle;

use super::origin::{HttpRequest, Origin, Sender};
use crate::engine::wire::pool::Lost;
use crate::load::tally::Failure;

use bytes::Bytes;
use http_body_util::Full;

type Two = http2::SendRequest<Full<Bytes>>;

/// Largest body that is kept to be looked at, in bytes (assumed: a page of messages with their bodies).
const KEPT_BYTES: usize = 16 << 20;

/// A connection of HTTP/2 that several lines share.
#[derive(Debug, Default)]
pub(super) struct Shared {
    sender: RefCell<Option<Two>>,
    making: Mutex<()>,
}

/// Room for one request at a time.
#[derive(Debug)]
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
            Some(Sender::Two(sender)) => !sender.is_closed(),
        };
        if open {
            return Ok(());
        }
        let shared = Rc::clone(&self.shared);
        let _making = shared.making.lock().await;
        let known = shared.sender.borrow().clone().filter(|sender| !sender.is_closed());
        self.sender = Some(match known {
            Some(sender) => Sender::Two(sender),
            None => {
                let (sender, task) = self.origin.connect().await?;
                match &sender {
                    Sender::One(_) => self.cut = Some(task),
                    Sender::Two(sender) => *shared.sender.borrow_mut() = Some(sender.clone()),
                }
                sender
            }
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
    /// is sent on a new one.
    pub(super) async fn exchange(&mut self, mut request: HttpRequest, keep: bool) -> Result<Heard, Failure> {
        loop {
            self.connect().await.map_err(|_| Failure::Unreachable)?;
            let sent = match &mut self.sender {
                None => return Err(Failure::Unreachable),
                Some(Sender::One(sender)) => sender.try_send_request(request).await,
                Some(Sender::Two(sender)) => sender.try_send_request(request).await,
            };
            match sent {
                Ok(response) => return hear(response, keep).await,
                Err(mut error) => match error.take_message() {
                    Some(unsent) => {
                        self.sender = None;
                        request = unsent;
                    }
                    None => return Err(failure(&error.into_error())),
                },
            }
        }
    }
}

async fn hear(response: Response<Incoming>, keep: bool) -> Result<Heard, Failure> {
    let status = response.status().as_u16();
    let mut body = response.into_body();
    let mut heard = Heard { status, bytes: 0, body: Vec::new() };
    while !body.is_end_stream() {
        let frame = std::future::poll_fn(|context| std::pin::Pin::new(&mut body).poll_frame(context)).await;
        let Some(frame) = frame else { break };
        let frame = frame.map_err(|error| failure(&error))?;
        if let Some(data) = frame.data_ref() {
            heard.bytes += data.len() as u64;
            if keep && heard.body.len() + data.len() <= KEPT_BYTES {
                heard.body.extend_from_slice(data);
            }
        }
    }
    Ok(heard)
}

fn failure(error: &hyper::Error) -> Failure {
    if error.is_parse() { Failure::Malformed } else { Failure::Reset }
}
