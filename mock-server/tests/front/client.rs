//! A client that sends one request on one connection and tells exactly what it heard.

use std::future::Future;
use std::net::SocketAddr;
use std::pin::{Pin, pin};

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::client::conn::{http1, http2};
use hyper::{HeaderMap, Request, StatusCode};
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::net::TcpStream;

/// What a client heard.
#[derive(Debug)]
pub(super) struct Heard {
    pub(super) status: StatusCode,
    pub(super) headers: HeaderMap,
    /// The body, or why it is not whole.
    pub(super) body: Result<Bytes, hyper::Error>,
}

impl Heard {
    pub(super) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().expect("text"))
    }

    pub(super) fn text(&self) -> &str {
        std::str::from_utf8(self.body.as_ref().expect("a whole body")).expect("text")
    }
}

/// Runs a future to its end on a runtime of its own. It is behind a pointer, so that the runtime is compiled once for
/// each result and not for each future.
pub(super) fn block_on<T>(future: impl Future<Output = T>) -> T {
    let mut future: Pin<&mut dyn Future<Output = T>> = pin!(future);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    runtime.block_on(&mut future)
}

/// A request to `path`; with a body it is a POST.
pub(super) fn request(address: SocketAddr, path: &str, body: impl Into<Bytes>) -> Request<Full<Bytes>> {
    let body = body.into();
    let method = if body.is_empty() { "GET" } else { "POST" };
    let request = Request::builder().method(method).uri(path).header("host", address.to_string());
    request.body(Full::new(body)).expect("a valid request")
}

async fn hear(response: hyper::Response<hyper::body::Incoming>) -> Heard {
    let (head, body) = response.into_parts();
    let body = body.collect().await.map(http_body_util::Collected::to_bytes);
    Heard { status: head.status, headers: head.headers, body }
}

/// An HTTP/1.1 connection.
pub(super) async fn connect(address: SocketAddr) -> http1::SendRequest<Full<Bytes>> {
    shake(TcpStream::connect(address).await.expect("a listening server")).await
}

async fn shake(stream: TcpStream) -> http1::SendRequest<Full<Bytes>> {
    let (sender, connection) = http1::handshake(TokioIo::new(stream)).await.expect("a handshake");
    tokio::spawn(connection);
    sender
}

/// Sends a request on a connection of its own; nothing if the server does not keep it long enough.
pub(super) async fn reach(address: SocketAddr, request: Request<Full<Bytes>>) -> Option<Heard> {
    let mut sender = shake(TcpStream::connect(address).await.ok()?).await;
    send(&mut sender, request).await.ok()
}

/// Sends a request on a connection.
pub(super) async fn send(
    sender: &mut http1::SendRequest<Full<Bytes>>,
    request: Request<Full<Bytes>>,
) -> Result<Heard, hyper::Error> {
    sender.ready().await?;
    Ok(hear(sender.send_request(request).await?).await)
}

/// Sends a request on a connection of its own.
pub(super) async fn exchange(address: SocketAddr, request: Request<Full<Bytes>>) -> Result<Heard, hyper::Error> {
    send(&mut connect(address).await, request).await
}

/// Sends requests at once on one HTTP/2 connection.
pub(super) async fn multiplex(
    address: SocketAddr,
    requests: Vec<Request<Full<Bytes>>>,
) -> Vec<Result<Heard, hyper::Error>> {
    let stream = TcpStream::connect(address).await.expect("a listening server");
    let io = TokioIo::new(stream);
    let (sender, connection) = http2::handshake(TokioExecutor::new(), io).await.expect("a handshake");
    tokio::spawn(connection);
    let sent: Vec<_> = requests
        .into_iter()
        .map(|request| {
            let mut sender = sender.clone();
            tokio::spawn(async move { Ok(hear(sender.send_request(request).await?).await) })
        })
        .collect();
    let mut heard = Vec::new();
    for task in sent {
        heard.push(task.await.expect("no panic"));
    }
    heard
}
