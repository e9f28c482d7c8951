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
use tokio::time::MissedTickBehavior;

use super::bounds::{Bounds, HEADER_BYTES};
use super::clock::Clock;
use super::exchange::{Decide, Front};
use super::proxy::{self, Wanted};
use super::socket::{Fate, Line, Socket};
use super::tls::Authority;
use crate::fault::trick::Door;

/// How long to wait after the system refused to accept a connection (for want of file descriptors, say).
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// Flow-control windows of HTTP/2 in bytes: the default of 64 KiB would hold large items back.
const WINDOW_BYTES: u32 = 4 << 20;

/// Where and how to listen.
#[derive(Clone, Debug)]
pub struct ListenOptions {
    /// The address for plain HTTP. Port 0 lets the system choose one.
    pub address: SocketAddr,
    /// Where to listen with TLS and as a proxy, if anywhere.
    pub secure: Option<Secure>,
    /// The clock that the service lives by.
    pub clock: Clock,
    /// What is taken from clients at most.
    pub bounds: Bounds,
}

/// Where to listen with TLS.
#[derive(Clone, Debug)]
pub struct Secure {
    /// Who gave the certificate.
    pub authority: Authority,
    /// The address for HTTPS.
    pub tls: Option<SocketAddr>,
    /// The address of the proxy.
    pub proxy: Option<SocketAddr>,
}

/// What is spoken on a listener.
#[derive(Clone, Debug)]
enum Kind {
    Plain,
    Tls(Authority),
    Proxy(Authority),
}

impl ListenOptions {
    /// Any free port of the loopback interface, the default bounds and a clock.
    #[must_use]
    pub fn loopback(clock: Clock) -> Self {
        Self { address: SocketAddr::from(([127, 0, 0, 1], 0)), secure: None, clock, bounds: Bounds::default() }
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
    tls: Option<SocketAddr>,
    proxy: Option<SocketAddr>,
    stop: watch::Sender<bool>,
    thread: Option<JoinHandle<()>>,
}

impl Handle {
    /// The address that the front listens on for plain HTTP.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The address that the front listens on for HTTPS, if it does.
    #[must_use]
    pub fn tls(&self) -> Option<SocketAddr> {
        self.tls
    }

    /// The address of the proxy, if there is one.
    #[must_use]
    pub fn proxy(&self) -> Option<SocketAddr> {
        self.proxy
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
    let (plain, address) = bind(options.address)?;
    let mut listeners = vec![(plain, Kind::Plain)];
    let (mut tls, mut proxy) = (None, None);
    if let Some(Secure { authority, tls: wanted_tls, proxy: wanted_proxy }) = &options.secure {
        let wanted = [
            (*wanted_tls, &mut tls, Kind::Tls(authority.clone())),
            (*wanted_proxy, &mut proxy, Kind::Proxy(authority.clone())),
        ];
        for (address, place, kind) in wanted {
            if let Some(address) = address {
                let (listener, address) = bind(address)?;
                *place = Some(address);
                listeners.push((listener, kind));
            }
        }
    }
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
            let listeners =
                listeners.into_iter().map(|(listener, kind)| Ok((tokio::net::TcpListener::from_std(listener)?, kind)));
            let listeners: Vec<_> = match listeners.collect::<io::Result<_>>() {
                Ok(listeners) => listeners,
                Err(error) => return drop(ready.send(Err(error))),
            };
            // The caller waits for this.
            let _ = ready.send(Ok(()));
            let bounds = options.bounds;
            let front = Rc::new(Front::new(build(), options.clock, bounds));
            let places = Arc::new(Semaphore::new(bounds.connections));
            let mut all = JoinSet::new();
            for (listener, kind) in listeners {
                let (front, places, stopped) = (Rc::clone(&front), Arc::clone(&places), stopped.clone());
                all.spawn_local(serve(listener, kind, front, places, stopped));
            }
            all.join_all().await;
            front.end();
        });
    });
    let thread = thread.map_err(ListenError::Thread)?;
    match started.recv() {
        Ok(Ok(())) => Ok(Handle { address, tls, proxy, stop, thread: Some(thread) }),
        Ok(Err(error)) => Err(ListenError::Thread(error)),
        Err(_) => Err(ListenError::Thread(io::Error::other("the server thread ended before it listened"))),
    }
}

/// Binds an address, port 0 to a free one.
fn bind(address: SocketAddr) -> Result<(TcpListener, SocketAddr), ListenError> {
    let failed = |source| ListenError::Bind { address, source };
    let listener = TcpListener::bind(address).map_err(failed)?;
    listener.set_nonblocking(true).map_err(failed)?;
    let bound = listener.local_addr().map_err(failed)?;
    Ok((listener, bound))
}

/// Accepts connections until told to stop.
async fn serve<D: Decide + 'static>(
    listener: tokio::net::TcpListener,
    kind: Kind,
    front: Rc<Front<D>>,
    places: Arc<Semaphore>,
    mut stopped: watch::Receiver<bool>,
) {
    let bounds = front.bounds();
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
            let door = front.door();
            if door == Some(Door::Refused) {
                // The client sees its connection reset before anything was said.
                reset(&stream);
                continue;
            }
            let (front, builder, stopped) = (Rc::clone(&front), Rc::clone(&builder), stopped.clone());
            let kind = kind.clone();
            connections.spawn_local(async move {
                // Small answers must not wait for the client's acknowledgment of the one before (RFC 896 against
                // RFC 1122).
                let _ = stream.set_nodelay(true);
                // Who does not come to the point makes room, as does who fails.
                if let Ok(Ok(Some(line))) = tokio::time::timeout(bounds.handshake, line(stream, &kind, door)).await {
                    connection(&builder, line, front, bounds.idle, stopped).await;
                }
                drop(place);
            });
        }
    }
    drop(listener);
    let all_ended = async { while connections.join_next().await.is_some() {} };
    // What has not ended by then is dropped with the set.
    let _ = tokio::time::timeout(bounds.stop, all_ended).await;
}

/// What HTTP is spoken on once handshakes are over; nothing if the client was turned away.
/// A door that fails ends the connection in the middle of its handshake, whichever there is.
async fn line(mut stream: TcpStream, kind: &Kind, door: Option<Door>) -> io::Result<Option<Line>> {
    let authority = match kind {
        Kind::Plain if door.is_some() => {
            reset(&stream);
            return Ok(None);
        }
        Kind::Plain => return Ok(Some(Line::Plain(stream))),
        Kind::Tls(authority) => authority,
        Kind::Proxy(_) if door == Some(Door::Name) => {
            proxy::unknown_name(&mut stream).await?;
            return Ok(None);
        }
        Kind::Proxy(authority) => match proxy::greet(&mut stream, authority).await? {
            Wanted::Tunnel => authority,
            Wanted::Request => return Ok(Some(Line::Plain(stream))),
            Wanted::Nothing => return Ok(None),
        },
    };
    if door.is_some() {
        // The client has said hello, or is about to; nobody says hello back.
        let _ = stream.readable().await;
        reset(&stream);
        return Ok(None);
    }
    Ok(Some(Line::Secure(Box::new(authority.accept(stream).await?))))
}

/// Lets the end of a connection be a reset.
fn reset(stream: &TcpStream) {
    // A system that cannot ends it in order, which fails as well.
    let _ = stream.set_zero_linger();
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

/// How often it is looked at a connection within the idle time that it is given. One that is idle ends within an eighth
/// of that time after it.
const LOOKS: u32 = 8;

/// Runs one connection to its end.
async fn connection<D: Decide + 'static>(
    builder: &auto::Builder<Local>,
    line: Line,
    front: Rc<Front<D>>,
    idle: Duration,
    mut stopped: watch::Receiver<bool>,
) {
    let fate = Fate::new(line.tcp().peer_addr().ok(), line.is_secure());
    let socket = Socket::new(line, Rc::clone(&fate));
    let service = {
        let fate = Rc::clone(&fate);
        service_fn(move |request| Rc::clone(&front).answer(Rc::clone(&fate), request))
    };
    let mut connection = pin!(builder.serve_connection(socket, service));
    let mut stopping = false;
    let mut looks = tokio::time::interval((idle / LOOKS).max(Duration::from_millis(1)));
    looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut idle_looks = 0;
    loop {
        tokio::select! {
            biased;
            // How a connection ended concerns nobody: resets and cuts are ends as good as any.
            _ = connection.as_mut() => return,
            _ = stopped.wait_for(|&stop| stop), if !stopping => {
                stopping = true;
                connection.as_mut().graceful_shutdown();
            }
            _ = looks.tick() => {
                idle_looks = if fate.was_used() { 0 } else { idle_looks + 1 };
                if idle_looks == LOOKS {
                    return;
                }
            }
        }
    }
}
