//! Making connections to the server.

use std::io;

use bytes::Bytes;
use http_body_util::Full;
use hyper::client::conn::{http1, http2};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tokio::task::{AbortHandle, spawn_local};
use tokio::time::{Duration, timeout};

use super::Http;
use crate::engine::wire::pool::Lost;
use crate::engine::wire::url::ServerUrl;

/// Longest time for a connection to be made (assumed).
const CONNECT: Duration = Duration::from_secs(10);

/// Flow-control windows of HTTP/2 in bytes: the default of 64 KiB would hold large answers back.
const WINDOW_BYTES: u32 = 4 << 20;

/// A request as it is sent.
pub(super) type HttpRequest = hyper::Request<Full<Bytes>>;

/// Where the load goes.
#[derive(Clone, Debug)]
pub(super) struct Origin {
    pub(super) url: ServerUrl,
    pub(super) http: Http,
}

/// A connection's end on which requests are sent.
#[derive(Debug)]
pub(super) enum Sender {
    One(http1::SendRequest<Full<Bytes>>),
    Two(http2::SendRequest<Full<Bytes>>),
}

/// Runs the tasks of HTTP/2 connections on the thread of their worker.
#[derive(Copy, Clone, Debug)]
struct Local;

impl<F: Future<Output = ()> + 'static> hyper::rt::Executor<F> for Local {
    fn execute(&self, future: F) {
        spawn_local(future);
    }
}

impl Origin {
    /// Makes a connection, and a task that keeps it going; aborting the task cuts it.
    pub(super) async fn connect(&self) -> Result<(Sender, AbortHandle), Lost> {
        let unreachable = |source| Lost::Unreachable { server: self.url.to_string(), source };
        let connecting = timeout(CONNECT, TcpStream::connect(self.url.socket()));
        let stream = connecting.await.map_err(|_| unreachable(io::ErrorKind::TimedOut.into()))?.map_err(unreachable)?;
        // Requests must not wait for the server's acknowledgment of the one before.
        stream.set_nodelay(true).map_err(unreachable)?;
        let stream = TokioIo::new(stream);
        match self.http {
            Http::One => {
                let (sender, connection) = http1::handshake(stream).await.map_err(Lost::Reset)?;
                // Whoever waits for an answer on a connection is told how it ended.
                let task = spawn_local(async move { drop(connection.await) });
                Ok((Sender::One(sender), task.abort_handle()))
            }
            Http::Two => {
                let handshake = http2::Builder::new(Local)
                    .initial_stream_window_size(WINDOW_BYTES)
                    .initial_connection_window_size(WINDOW_BYTES)
                    .handshake(stream);
                let (sender, connection) = handshake.await.map_err(Lost::Reset)?;
                let task = spawn_local(async move { drop(connection.await) });
                Ok((Sender::Two(sender), task.abort_handle()))
            }
        }
    }
}
