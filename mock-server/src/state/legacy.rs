//! What a server leaves behind when it ends, for whoever wishes for it by then. Until then nothing is written, so that no
//! answer waits for a disk; whoever kills the process loses it.

use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use super::file::StateFile;
use super::{Serving, StateError};
use crate::fault::trick::Door;
use crate::front::body::Unread;
use crate::front::exchange::{Decide, Decision, Received};
use crate::mailbox::named::Directory;
use crate::protocol::ews::streaming::{Ongoing, Said};
use crate::service::core::Service;
use crate::service::keep::Unsaved;
use crate::time::{Moment, Span};
use crate::wire::http::HttpAnswer;

/// What a server leaves behind. Clones are the same legacy.
#[derive(Clone, Debug, Default)]
pub struct Legacy {
    wished: Arc<AtomicBool>,
    left: Arc<Mutex<Option<Unsaved>>>,
}

impl Legacy {
    /// Wishes for it, before the server ends.
    pub fn wish(&self) {
        self.wished.store(true, Ordering::Release);
    }

    /// Adds what an ended server left to a file, which must hold what the server began with, if that was anything.
    ///
    /// # Errors
    ///
    /// If the file cannot be used, or is of another owner.
    pub fn write(&self, file: &Path, owner: &str) -> Result<(), StateError> {
        let file = StateFile::open(file, owner)?;
        let left = self.left.lock().unwrap_or_else(PoisonError::into_inner).take();
        left.map_or(Ok(()), |left| file.write(&[left]))
    }
}

/// Has a service begin with what a file holds, or with nothing, and note what changes from then on.
///
/// # Errors
///
/// If the file cannot be used, is of another owner or does not fit the service.
pub fn begin<C: Directory>(file: Option<&Path>, owner: &str, service: &mut Service<C>) -> Result<(), StateError> {
    if let Some(file) = file {
        return super::restore(&StateFile::open(file, owner)?, service);
    }
    service.keep(None, 0);
    Ok(())
}

/// Whoever decides, and leaves something behind.
#[derive(Debug)]
pub struct Leaving<D> {
    inner: D,
    legacy: Legacy,
}

impl<D: Serving> Leaving<D> {
    /// Leaves what changed since [`begin`].
    pub fn new(inner: D, legacy: Legacy) -> Self {
        Self { inner, legacy }
    }
}

impl<D: Serving> Decide for Leaving<D> {
    fn door(&mut self, now: Moment, connection: u64) -> Option<Door> {
        self.inner.door(now, connection)
    }

    fn decide(&mut self, now: Moment, request: &Received) -> Decision {
        self.inner.decide(now, request)
    }

    fn refuse(&mut self, now: Moment, request: &Received, why: Unread) -> HttpAnswer {
        self.inner.refuse(now, request, why)
    }

    fn proceed(&mut self, now: Moment, ongoing: &mut Ongoing) -> Said {
        self.inner.proceed(now, ongoing)
    }

    fn end(&mut self, now: Moment) {
        self.inner.end(now);
        if self.legacy.wished.load(Ordering::Acquire) {
            let unsaved = self.inner.service().unsaved(now, Span::ZERO);
            *self.legacy.left.lock().unwrap_or_else(PoisonError::into_inner) = unsaved;
        }
    }
}
