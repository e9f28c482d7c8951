//! A bare hyper server on one thread, which answers a few bytes to everything.

use std::convert::Infallible;
use std::net::{SocketAddr, TcpListener};
use std::time::Duration;

use bytes::Bytes;
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use hyper_util::server::conn::auto;
use tokio::runtime::{LocalOptions, LocalRuntime};

/// A regular stall, in which the server does nothing at all.
#[derive(Copy, Clone, Debug)]
pub(crate) struct Stall {
    /// From the beginning of one to that of the next.
    pub(crate) every: Duration,
    /// How long it lasts.
    pub(crate) lasts: Duration,
}

/// Runs the tasks of HTTP/2 on the thread of the server.
#[derive(Copy, Clone)]
struct Local;

impl<F: Future<Output = ()> + 'static> hyper::rt::Executor<F> for Local {
    fn execute(&self, future: F) {
        tokio::task::spawn_local(future);
    }
}

/// A runtime that stays on its thread.
pub(crate) fn runtime() -> LocalRuntime {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build_local(LocalOptions::default());
    runtime.expect("a runtime")
}

/// A free port of this machine.
pub(crate) fn port() -> (TcpListener, SocketAddr) {
    let listener = TcpListener::bind(("127.0.0.1", 0)).expect("a free port");
    listener.set_nonblocking(true).expect("a socket");
    let address = listener.local_addr().expect("a bound socket");
    (listener, address)
}

/// Answers on a port for ever.
pub(crate) fn serve(listener: TcpListener, stall: Option<Stall>) {
    runtime().block_on(async move {
        if let Some(Stall { every, lasts }) = stall {
            tokio::task::spawn_local(async move {
                let mut ticks = tokio::time::interval(every);
                // The first is at once.
                ticks.tick().await;
                loop {
                    ticks.tick().await;
                    // Nothing else runs on this thread meanwhile: that is the point.
                    std::thread::sleep(lasts);
                }
            });
        }
        let listener = tokio::net::TcpListener::from_std(listener).expect("a runtime");
        while let Ok((stream, _)) = listener.accept().await {
            stream.set_nodelay(true).expect("a socket");
            tokio::task::spawn_local(async move {
                let answer = service_fn(async |_: Request<Incoming>| {
                    Ok::<_, Infallible>(Response::new(Full::new(Bytes::from_static(b"Hello, world!"))))
                });
                auto::Builder::new(Local).serve_connection(TokioIo::new(stream), answer).await
            });
        }
    });
}
