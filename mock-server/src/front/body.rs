//! Bodies: requests are read whole, up to a bound; answers are whole, or cut off on purpose.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt, Collected, LengthLimitError, Limited};
use hyper::HeaderMap;
use hyper::body::{Body, Frame, Incoming, SizeHint};
use tokio::sync::mpsc;
use tokio::time::Sleep;

use super::coding::{Coding, Undecodable, Unpacker};

/// Why a request body was not read.
#[derive(Copy, Clone, PartialEq, Eq, Debug)]
pub enum Unread {
    /// It is larger than the bound, as it came or unpacked.
    TooLarge,
    /// It took too long.
    TooSlow,
    /// The client went away or did not keep to the protocol.
    Broken,
    /// It is compressed in a way that is not understood.
    Coding,
    /// It is not compressed in the way that it says.
    Undecodable,
}

/// Most bytes that are unpacked at once; between such parts others get their turn.
const PART_BYTES: usize = 16 << 10;

/// Whether a body announces that it has at most so many bytes, and cannot be more when it is unpacked.
pub(super) fn fits(body: &Incoming, headers: &HeaderMap, bytes: usize) -> bool {
    let most = body.size_hint().upper();
    most == Some(0) || most.is_some_and(|most| most <= bytes as u64) && Coding::of(headers) == Some(Coding::Identity)
}

/// Reads a whole body of at most `bytes` within `time`, and unpacks it.
pub(super) async fn read(body: Incoming, headers: &HeaderMap, bytes: usize, time: Duration) -> Result<Bytes, Unread> {
    let coding = Coding::of(headers).ok_or(Unread::Coding)?;
    if body.is_end_stream() {
        return Ok(Bytes::new());
    }
    if body.size_hint().lower() > bytes as u64 {
        return Err(Unread::TooLarge);
    }
    let body = Limited::new(body, bytes);
    let read = async {
        match Unpacker::new(coding, bytes) {
            None => body.collect().await.map(Collected::to_bytes).map_err(|error| unread(&*error)),
            Some(unpacker) => unpack(body, unpacker).await,
        }
    };
    tokio::time::timeout(time, read).await.unwrap_or(Err(Unread::TooSlow))
}

/// Unpacks a body as it arrives.
async fn unpack(mut body: Limited<Incoming>, mut unpacker: Unpacker) -> Result<Bytes, Unread> {
    let undecodable = |why| match why {
        Undecodable::TooLarge => Unread::TooLarge,
        Undecodable::Broken => Unread::Undecodable,
    };
    let mut empty = true;
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|error| unread(&*error))?;
        let Some(data) = frame.data_ref() else { continue };
        for part in data.chunks(PART_BYTES) {
            empty = false;
            unpacker.take(part).map_err(undecodable)?;
            tokio::task::yield_now().await;
        }
    }
    if empty { Ok(Bytes::new()) } else { unpacker.finish().map(Bytes::from).map_err(undecodable) }
}

fn unread(error: &(dyn std::error::Error + Send + Sync + 'static)) -> Unread {
    if error.is::<LengthLimitError>() { Unread::TooLarge } else { Unread::Broken }
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
