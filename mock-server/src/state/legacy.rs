//! What a server leaves behind when it ends, for whoever wishes for it by then. Until then nothing is written, so that no
//! answer waits for a disk; whoever kills the process loses it.

use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use super::StateError;
use super::file::StateFile;
use crate::front::beside::Companion;
use crate::mailbox::named::Directory;
use crate::service::core::Service;
use crate::service::keep::Unsaved;
use crate::time::{Moment, Span};

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

/// Leaves what changed since [`begin`].
impl Companion for Legacy {
    fn end<C: Directory>(&mut self, now: Moment, service: &mut Service<C>) {
        if self.wished.load(Ordering::Acquire) {
            *self.left.lock().unwrap_or_else(PoisonError::into_inner) = service.unsaved(now, Span::ZERO);
        }
    }
}
