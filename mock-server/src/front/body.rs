//! Bodies: requests are read whole, up to a bound; answers are whole, or cut off on purpose.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt, LengthLimitError, Limited};
use hyper::body::{Body, Frame, Incoming, SizeHint};
use tokio::sync::mpsc;

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
        matches!(self, Self::Whole(None))
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Self::Whole(bytes) => SizeHint::with_exact(bytes.as_ref().map_or(0, |bytes| bytes.len() as u64)),
            Self::Ongoing(..) | Self::Cut(..) => SizeHint::default(),
        }
    }
}
