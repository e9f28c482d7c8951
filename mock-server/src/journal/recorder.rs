//! Whoever keeps and judges what passes: of one server or of several that belong together.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::judge::card::Scorecard;
use super::judge::goal::{Goal, Jury};
use super::record::Record;
use super::told::Told;
use super::write::{WriteError, Writer};

/// Numbers what passes, judges it, and keeps it in a file if there is one. Clones share everything.
#[derive(Clone, Debug)]
pub struct Recorder {
    inner: Arc<Mutex<Inner>>,
    /// Whether there is a file.
    writes: bool,
    body_bytes: usize,
}

#[derive(Debug)]
struct Inner {
    numbered: u64,
    jury: Jury,
    writer: Option<Writer>,
}

impl Recorder {
    /// A recorder that only judges. Time runs so many times faster than the wall clock.
    #[must_use]
    pub fn new(time_scale: f64) -> Self {
        let inner = Inner { numbered: 0, jury: Jury::new(time_scale), writer: None };
        Self { inner: Arc::new(Mutex::new(inner)), writes: false, body_bytes: 0 }
    }

    /// Keeps everything in a file as well, with request bodies of up to so many bytes.
    #[must_use]
    pub fn with_file(self, writer: Writer, body_bytes: usize) -> Self {
        self.lock().writer = Some(writer);
        Self { writes: true, body_bytes, ..self }
    }

    /// Judges clients by these goals as well. Nothing must have passed yet.
    #[must_use]
    pub fn with_goals(self, goals: Vec<Goal>) -> Self {
        {
            let mut inner = self.lock();
            let jury = std::mem::replace(&mut inner.jury, Jury::new(1.0));
            inner.jury = jury.with_goals(goals);
        }
        self
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Longest request body that is kept, in bytes.
    #[must_use]
    pub fn body_bytes(&self) -> usize {
        self.body_bytes
    }

    /// Numbers and judges one request. Its record is made only where it is kept.
    pub fn note(&self, told: &Told<'_>, record: impl FnOnce() -> Record) {
        // What takes time is done before others have to wait.
        let record = self.writes.then(record);
        let mut inner = self.lock();
        inner.numbered += 1;
        let number = inner.numbered;
        inner.jury.hear(&Told { number, ..told.clone() });
        if let (Some(record), Some(writer)) = (record, &inner.writer) {
            writer.add(Record { number, ..record });
        }
    }

    /// How clients did so far.
    #[must_use]
    pub fn card(&self) -> Scorecard {
        self.lock().jury.card()
    }

    /// Ends the file, if there is one; tells how clients did.
    ///
    /// # Errors
    ///
    /// If anything could not be written.
    pub fn end(&self) -> Result<Scorecard, WriteError> {
        let mut inner = self.lock();
        let card = inner.jury.card();
        match inner.writer.take() {
            Some(writer) => writer.end().map(|()| card),
            None => Ok(card),
        }
    }
}
