//! Making connections to the server.

use std::cell::Cell;
use std::rc::Rc;

use bytes::Bytes;
use h2::client::SendRequest;
use http_body_util::Full;
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use tokio::task::{AbortHandle, spawn_local};

use super::Http;
use crate::engine::wire::pool::{Lost, dial};
use crate::engine::wire::url::ServerUrl;

/// Flow-control windows of HTTP/2 in bytes: the default of 64 KiB would hold large answers back.
const WINDOW_BYTES: u32 = 4 << 20;

/// A request as it is sent.
pub(super) type HttpRequest = hyper::Request<Bytes>;

/// Where the load goes.
#[derive(Clone, Debug)]
pub(super) struct Origin {
    pub(super) url: ServerUrl,
    pub(super) http: Http,
}

/// A connection's end on which requests are sent.
pub(super) enum Sender {
    One(http1::SendRequest<Full<Bytes>>),
    Two(Two),
}

/// A connection of HTTP/2: any number of these send on it. It is `h2` without `hyper` around it, which would start a
/// task for each request.
#[derive(Clone)]
pub(super) struct Two {
    pub(super) sender: SendRequest<Bytes>,
    /// Whether it goes on.
    pub(super) open: Rc<Cell<bool>>,
}

/// Why no connection could be made.
fn broken(error: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Lost {
    Lost::Malformed(error.into())
}

impl Origin {
    /// Makes a connection, and a task that keeps it going; aborting the task cuts it.
    pub(super) async fn connect(&self) -> Result<(Sender, AbortHandle), Lost> {
        let stream = dial(&self.url).await?;
        match self.http {
            Http::One => {
                let mut builder = http1::Builder::new();
                // Heads are short, and bodies follow them in the same write.
                let (sender, connection) =
                    builder.writev(false).handshake(TokioIo::new(stream)).await.map_err(broken)?;
                // Whoever waits for an answer on a connection is told how it ended.
                let task = spawn_local(async move { drop(connection.await) });
                Ok((Sender::One(sender), task.abort_handle()))
            }
            Http::Two => {
                let mut builder = h2::client::Builder::new();
                builder
                    .initial_window_size(WINDOW_BYTES)
                    .initial_connection_window_size(WINDOW_BYTES)
                    .enable_push(false);
                let (sender, connection) = builder.handshake(stream).await.map_err(broken)?;
                let open = Rc::new(Cell::new(true));
                let still = Rc::clone(&open);
                let task = spawn_local(async move {
                    drop(connection.await);
                    still.set(false);
                });
                Ok((Sender::Two(Two { sender, open }), task.abort_handle()))
            }
        }
    }
}
