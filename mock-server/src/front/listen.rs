//! Listening: accepts connections, runs their requests, and stops in an orderly way within a deadline.
//!
//! All requests of a front run on one thread, so nothing needs a lock; whoever decides is made on that thread.

use std::io;
use std::net::{SocketAddr, TcpListener};
use std::pin::pin;
use std::rc::Rc;
use std::sync::Arc;
use std::thread::{self, JoinHandle};
use std::time::Duration;

use hyper::service::service_fn;
use hyper_util::rt::TokioTimer;
use hyper_util::server::conn::auto;
use tokio::net::TcpStream;
use tokio::runtime::LocalOptions;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tokio::task::JoinSet;
use tokio::time::Instant;

use super::bounds::{Bounds, HEADER_BYTES};
use super::clock::Clock;
use super::exchange::{Decide, Front};
use super::socket::{Fate, Socket};

/// How long to wait after the system refused to accept a connection (for want of file descriptors, say).
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// Flow-control windows of HTTP/2 in bytes: the default of 64 KiB would hold large items back.
const WINDOW_BYTES: u32 = 4 << 20;

/// Where and how to listen.
#[derive(Clone, Debug)]
pub struct ListenOptions {
    /// The address. Port 0 lets the system choose one.
    pub address: SocketAddr,
    /// The clock that the service lives by.
    pub clock: Clock,
    /// What is taken from clients at most.
    pub bounds: Bounds,
}

impl ListenOptions {
    /// Any free port of the loopback interface, the default bounds and a clock.
    #[must_use]
    pub fn loopback(clock: Clock) -> Self {
        Self { address: SocketAddr::from(([127, 0, 0, 1], 0)), clock, bounds: Bounds::default() }
    }
}

/// Why a front does not listen.
#[derive(Debug, thiserror::Error)]
pub enum ListenError {
    /// The address is taken, or not ours.
    #[error("cannot listen on {address}")]
    Bind {
        /// The address.
        address: SocketAddr,
        /// Why.
        source: io::Error,
    },
    /// The system gave no thread or no event queue.
    #[error("cannot start a server thread")]
    Thread(#[source] io::Error),
}

/// A front that listens. It stops when this is dropped.
#[derive(Debug)]
pub struct Handle {
    address: SocketAddr,
    stop: watch::Sender<bool>,
    thread: Option<JoinHandle<()>>,
}

impl Handle {
    /// The address that the front listens on.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Stops: accepts no more, lets requests in progress end until the deadline of [`Bounds::stop`], then drops them.
    pub fn stop(self) {
        drop(self);
    }
}

impl Drop for Handle {
    fn drop(&mut self) {
        // Nobody is listening if the thread is gone already.
        let _ = self.stop.send(true);
        if let Some(thread) = self.thread.take() {
            // A panic there has been reported on its own thread.
            let _ = thread.join();
        }
    }
}

/// Listens on a thread of its own. `build` makes, on that thread, whoever decides what becomes of requests.
///
/// The front accepts connections as soon as this returns.
pub fn start<D, B>(options: ListenOptions, build: B) -> Result<Handle, ListenError>
where
    D: Decide + 'static,
    B: FnOnce() -> D + Send + 'static,
{
    let bind = |source| ListenError::Bind { address: options.address, source };
    let listener = TcpListener::bind(options.address).map_err(bind)?;
    listener.set_nonblocking(true).map_err(bind)?;
    let address = listener.local_addr().map_err(bind)?;
    let runtime =
        move || tokio::runtime::Builder::new_current_thread().enable_all().build_local(LocalOptions::default());
    let (stop, stopped) = watch::channel(false);
    let (ready, started) = std::sync::mpsc::channel();
    let thread = thread::Builder::new().name(format!("front {}", address.port())).spawn(move || {
        let runtime = match runtime() {
            Ok(runtime) => runtime,
            Err(error) => return drop(ready.send(Err(error))),
        };
        runtime.block_on(async {
            let listener = match tokio::net::TcpListener::from_std(listener) {
                Ok(listener) => listener,
                Err(error) => return drop(ready.send(Err(error))),
            };
            // The caller waits for this.
            let _ = ready.send(Ok(()));
            let bounds = options.bounds;
            let front = Rc::new(Front::new(build(), options.clock, bounds));
            serve(listener, front, bounds, stopped).await;
        });
    });
    let thread = thread.map_err(ListenError::Thread)?;
    match started.recv() {
        Ok(Ok(())) => Ok(Handle { address, stop, thread: Some(thread) }),
        Ok(Err(error)) => Err(ListenError::Thread(error)),
        Err(_) => Err(ListenError::Thread(io::Error::other("the server thread ended before it listened"))),
    }
}

/// Accepts connections until told to stop.
async fn serve<D: Decide + 'static>(
    listener: tokio::net::TcpListener,
    front: Rc<Front<D>>,
    bounds: Bounds,
    mut stopped: watch::Receiver<bool>,
) {
    let places = Arc::new(Semaphore::new(bounds.connections));
    let builder = Rc::new(builder(bounds));
    let mut connections = JoinSet::new();
    loop {
        // Connections that have ended make room.
        while connections.try_join_next().is_some() {}
        let accepted = tokio::select! {
            biased;
            _ = stopped.wait_for(|&stop| stop) => break,
            accepted = accept(&listener, &places) => accepted,
        };
        if let Some((stream, place)) = accepted {
            let (front, builder, stopped) = (Rc::clone(&front), Rc::clone(&builder), stopped.clone());
            connections.spawn_local(async move {
                connection(&builder, stream, front, bounds.idle, stopped).await;
                drop(place);
            });
        }
    }
    drop(listener);
    let all_ended = async { while connections.join_next().await.is_some() {} };
    // What has not ended by then is dropped with the set.
    let _ = tokio::time::timeout(bounds.stop, all_ended).await;
}

async fn accept(
    listener: &tokio::net::TcpListener,
    places: &Arc<Semaphore>,
) -> Option<(TcpStream, OwnedSemaphorePermit)> {
    let place = Arc::clone(places).acquire_owned().await.ok()?;
    if let Ok((stream, _)) = listener.accept().await {
        return Some((stream, place));
    }
    tokio::time::sleep(ACCEPT_PAUSE).await;
    None
}

/// Runs the tasks of HTTP/2 connections on the thread of the front.
#[derive(Copy, Clone, Debug)]
struct Local;

impl<F: Future<Output = ()> + 'static> hyper::rt::Executor<F> for Local {
    fn execute(&self, future: F) {
        tokio::task::spawn_local(future);
    }
}

fn builder(bounds: Bounds) -> auto::Builder<Local> {
    let mut builder = auto::Builder::new(Local);
    builder.http1().timer(TokioTimer::new()).header_read_timeout(bounds.idle);
    builder
        .http2()
        .timer(TokioTimer::new())
        .keep_alive_interval(bounds.idle / 2)
        .max_concurrent_streams(bounds.streams)
        .max_header_list_size(HEADER_BYTES)
        .initial_stream_window_size(WINDOW_BYTES)
        .initial_connection_window_size(WINDOW_BYTES);
    builder
}

/// Runs one connection to its end.
async fn connection<D: Decide + 'static>(
    builder: &auto::Builder<Local>,
    stream: TcpStream,
    front: Rc<Front<D>>,
    idle: Duration,
    mut stopped: watch::Receiver<bool>,
) {
    // Small answers must not wait for the client's acknowledgment of the one before (RFC 896 against RFC 1122).
    let _ = stream.set_nodelay(true);
    let fate = Fate::new(stream.peer_addr().ok());
    let socket = Socket::new(stream, Rc::clone(&fate));
    let service = {
        let fate = Rc::clone(&fate);
        service_fn(move |request| Rc::clone(&front).answer(Rc::clone(&fate), request))
    };
    let mut connection = pin!(builder.serve_connection(socket, service));
    let mut stopping = false;
    loop {
        let deadline = fate.idle_since().unwrap_or_else(Instant::now) + idle;
        tokio::select! {
            biased;
            // How a connection ended concerns nobody: resets and cuts are ends as good as any.
            _ = connection.as_mut() => return,
            _ = stopped.wait_for(|&stop| stop), if !stopping => {
                stopping = true;
                connection.as_mut().graceful_shutdown();
            }
            () = tokio::time::sleep_until(deadline) => {
                if fate.idle_since().is_some_and(|since| since + idle <= Instant::now()) {
                    return;
                }
            }
        }
    }
}
