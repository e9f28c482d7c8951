//! Bodies: requests are read whole, up to a bound; answers are whole, or cut off on purpose.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt, LengthLimitError, Limited};
use hyper::body::{Body, Frame, Incoming, SizeHint};
use tokio::sync::mpsc;
use tokio::time::Sleep;

/// Why a request body was not read.
#[derive(Copy, Clone, PartialEq, Eq, Debug)]
pub(super) enum Unread {
    /// It is larger than the bound.
    TooLarge,
    /// It took too long.
    TooSlow,
    /// The client went away or did not keep to the protocol.
    Broken,
}

/// Reads a whole body of at most `bytes` within `time`.
pub(super) async fn read(body: Incoming, bytes: usize, time: Duration) -> Result<Bytes, Unread> {
    if body.size_hint().lower() > bytes as u64 {
        return Err(Unread::TooLarge);
    }
    match tokio::time::timeout(time, Limited::new(body, bytes).collect()).await {
        Ok(Ok(collected)) => Ok(collected.to_bytes()),
        Ok(Err(error)) if error.is::<LengthLimitError>() => Err(Unread::TooLarge),
        Ok(Err(_)) => Err(Unread::Broken),
        Err(_) => Err(Unread::TooSlow),
    }
}

/// The body of an answer.
#[derive(Debug)]
pub(super) enum AnswerBody {
    /// All of it.
    Whole(Option<Bytes>),
    /// The beginning of it; the rest follows piece by piece.
    Ongoing(Option<Bytes>, mpsc::Receiver<Bytes>),
    /// The first part of it; then the connection breaks off.
    Cut(Option<Bytes>, Flushed),
    /// All of it, a drop at a time.
    Drip(Drip),
}

/// In how many drops a body comes.
const DROPS: usize = 20;

/// What is left of a body that comes in drops.
#[derive(Debug)]
pub(super) struct Drip {
    rest: Bytes,
    drop: usize,
    every: Duration,
    next: Pin<Box<Sleep>>,
}

/// Whether what was sent of a cut body has had a chance to leave.
#[derive(Copy, Clone, PartialEq, Eq, Debug)]
pub(super) enum Flushed {
    /// Not yet.
    No,
    /// Once around the loop.
    Yes,
}

impl AnswerBody {
    /// All of a body.
    pub(super) fn whole(bytes: Vec<u8>) -> Self {
        Self::Whole((!bytes.is_empty()).then(|| bytes.into()))
    }

    /// All of a body, after which the connection breaks off although more was announced.
    pub(super) fn short(bytes: Vec<u8>) -> Self {
        Self::Cut((!bytes.is_empty()).then(|| bytes.into()), Flushed::No)
    }

    /// A body in drops, the last of them after `over`.
    pub(super) fn drip(bytes: Vec<u8>, over: Duration) -> Self {
        let drop = bytes.len().div_ceil(DROPS).max(1);
        let every = over / (bytes.len().div_ceil(drop).max(1) as u32);
        Self::Drip(Drip { rest: bytes.into(), drop, every, next: Box::pin(tokio::time::sleep(every)) })
    }

    /// A body that goes on.
    pub(super) fn ongoing(beginning: Vec<u8>, rest: mpsc::Receiver<Bytes>) -> Self {
        Self::Ongoing((!beginning.is_empty()).then(|| beginning.into()), rest)
    }

    /// The first half of a body.
    pub(super) fn cut(mut bytes: Vec<u8>) -> Self {
        bytes.truncate(bytes.len() / 2);
        Self::Cut((!bytes.is_empty()).then(|| bytes.into()), Flushed::No)
    }
}

impl Body for AnswerBody {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, io::Error>>> {
        match &mut *self {
            Self::Drip(drip) => {
                if drip.rest.is_empty() {
                    return Poll::Ready(None);
                }
                ready!(drip.next.as_mut().poll(context));
                let drop = drip.drop.min(drip.rest.len());
                let deadline = drip.next.deadline() + drip.every;
                drip.next.as_mut().reset(deadline);
                Poll::Ready(Some(Ok(Frame::data(drip.rest.split_to(drop)))))
            }
            Self::Whole(bytes) => Poll::Ready(bytes.take().map(|bytes| Ok(Frame::data(bytes)))),
            Self::Ongoing(beginning, rest) => match beginning.take() {
                Some(bytes) => Poll::Ready(Some(Ok(Frame::data(bytes)))),
                None => rest.poll_recv(context).map(|bytes| bytes.map(|bytes| Ok(Frame::data(bytes)))),
            },
            Self::Cut(bytes, flushed) => match bytes.take() {
                Some(bytes) => Poll::Ready(Some(Ok(Frame::data(bytes)))),
                None if *flushed == Flushed::No => {
                    // The connection writes out what it holds when there is nothing more to get.
                    *flushed = Flushed::Yes;
                    context.waker().wake_by_ref();
                    Poll::Pending
                }
                None => Poll::Ready(Some(Err(io::ErrorKind::ConnectionAborted.into()))),
            },
        }
    }

    fn is_end_stream(&self) -> bool {
        match self {
            Self::Whole(bytes) => bytes.is_none(),
            Self::Ongoing(..) | Self::Cut(..) => false,
            Self::Drip(drip) => drip.rest.is_empty(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Self::Whole(bytes) => SizeHint::with_exact(bytes.as_ref().map_or(0, |bytes| bytes.len() as u64)),
            Self::Ongoing(..) | Self::Cut(..) => SizeHint::default(),
            Self::Drip(drip) => SizeHint::with_exact(drip.rest.len() as u64),
        }
    }
}
