//! A connection's socket: can be reset on purpose, and knows when it was last used.

use std::cell::Cell;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, ready};

use hyper::rt::{Read, ReadBufCursor, Write};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tokio::time::Instant;

/// What a connection's requests and its socket tell each other.
#[derive(Debug)]
pub(super) struct Fate {
    /// Where the client is, if the system says.
    peer: Option<SocketAddr>,
    /// Whether the connection ends with a reset instead of an orderly close.
    reset: Cell<bool>,
    /// Requests in progress.
    requests: Cell<usize>,
    /// When bytes last moved, or a request last ended.
    used: Cell<Instant>,
}

impl Fate {
    /// The fate of a fresh connection with a client.
    pub(super) fn new(peer: Option<SocketAddr>) -> Rc<Self> {
        Rc::new(Self { peer, reset: Cell::new(false), requests: Cell::new(0), used: Cell::new(Instant::now()) })
    }

    /// Where the client is, if the system says.
    pub(super) fn peer(&self) -> Option<SocketAddr> {
        self.peer
    }

    /// From now on, the end of the connection is a reset.
    pub(super) fn reset(&self) {
        self.reset.set(true);
    }

    /// Notes that a request is in progress, until what is returned is dropped.
    pub(super) fn request(self: &Rc<Self>) -> InProgress {
        self.requests.set(self.requests.get() + 1);
        InProgress(Rc::clone(self))
    }

    /// Since when nothing has moved; absent while a request is in progress.
    pub(super) fn idle_since(&self) -> Option<Instant> {
        (self.requests.get() == 0).then(|| self.used.get())
    }

    fn touch(&self) {
        self.used.set(Instant::now());
    }
}

/// A request in progress.
#[derive(Debug)]
pub(super) struct InProgress(Rc<Fate>);

impl Drop for InProgress {
    fn drop(&mut self) {
        self.0.requests.set(self.0.requests.get() - 1);
        self.0.touch();
    }
}

/// The socket of one connection.
#[derive(Debug)]
pub(super) struct Socket {
    stream: TokioIo<TcpStream>,
    fate: Rc<Fate>,
}

impl Socket {
    /// A socket with its fate.
    pub(super) fn new(stream: TcpStream, fate: Rc<Fate>) -> Self {
        Self { stream: TokioIo::new(stream), fate }
    }

    fn used<T>(&self, moved: io::Result<T>) -> Poll<io::Result<T>> {
        self.fate.touch();
        Poll::Ready(moved)
    }
}

impl Read for Socket {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: ReadBufCursor<'_>,
    ) -> Poll<io::Result<()>> {
        let moved = ready!(Pin::new(&mut self.stream).poll_read(context, buffer));
        self.used(moved)
    }
}

impl Write for Socket {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let moved = ready!(Pin::new(&mut self.stream).poll_write(context, bytes));
        self.used(moved)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        pieces: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let moved = ready!(Pin::new(&mut self.stream).poll_write_vectored(context, pieces));
        self.used(moved)
    }
}

impl Drop for Socket {
    fn drop(&mut self) {
        if self.fate.reset.get() {
            // A client that is gone already needs no reset.
            let _ = self.stream.inner().set_zero_linger();
        }
    }
}
