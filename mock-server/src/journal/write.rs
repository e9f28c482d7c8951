//! Writes journals.

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};
use std::sync::mpsc::{self, SyncSender};
use std::thread::{self, JoinHandle};

use zstd::stream::write::Encoder;

use super::record::{Header, Record};

/// How hard the compressor tries: its own default, which writes hundreds of megabytes each second.
const LEVEL: i32 = 3;

/// Records that may wait for the disk before whoever makes more has to wait.
const WAITING: usize = 65_536;

/// After so many records without a pause, what is written becomes readable to others.
const FLUSHED_EVERY: u32 = 4_096;

/// Why a journal could not be written.
#[derive(Debug, thiserror::Error)]
#[error("cannot write the journal {path}")]
pub struct WriteError {
    /// Which.
    pub path: PathBuf,
    /// Why.
    pub source: io::Error,
}

/// Writes a journal, on a thread of its own, so that nobody who answers requests waits for a disk.
#[derive(Debug)]
pub struct Writer {
    path: PathBuf,
    records: Option<SyncSender<Record>>,
    thread: Option<JoinHandle<io::Result<()>>>,
}

impl Writer {
    /// Begins a journal in a file, which is replaced if it exists.
    ///
    /// # Errors
    ///
    /// If the file cannot be made or the system gives no thread.
    pub fn begin(path: &Path, header: &Header) -> Result<Self, WriteError> {
        let failed = |source| WriteError { path: path.to_owned(), source };
        let mut encoder = Encoder::new(BufWriter::new(File::create(path).map_err(failed)?), LEVEL).map_err(failed)?;
        line(&mut encoder, header).and_then(|()| encoder.flush()).map_err(failed)?;
        let (records, waiting) = mpsc::sync_channel::<Record>(WAITING);
        let thread = thread::Builder::new().name("journal".into()).spawn(move || {
            let mut unflushed = 0;
            loop {
                // While nobody asks for anything, everything is on its way to the disk.
                let record = if let Ok(record) = waiting.try_recv() {
                    record
                } else {
                    if unflushed > 0 {
                        encoder.flush()?;
                        unflushed = 0;
                    }
                    let Ok(record) = waiting.recv() else { break };
                    record
                };
                line(&mut encoder, &record)?;
                unflushed += 1;
                if unflushed == FLUSHED_EVERY {
                    encoder.flush()?;
                    unflushed = 0;
                }
            }
            encoder.finish()?.into_inner().map_err(io::IntoInnerError::into_error)?.sync_all()
        });
        Ok(Self { path: path.to_owned(), records: Some(records), thread: Some(thread.map_err(failed)?) })
    }

    /// Adds a record. What could not be written is told at the end.
    pub fn add(&self, record: Record) {
        if let Some(records) = &self.records {
            // The thread ends early only where it could not write; its reason is told at the end.
            let _ = records.send(record);
        }
    }

    /// Ends the journal.
    ///
    /// # Errors
    ///
    /// If anything could not be written.
    pub fn end(mut self) -> Result<(), WriteError> {
        self.close().map_err(|source| WriteError { path: self.path.clone(), source })
    }

    fn close(&mut self) -> io::Result<()> {
        self.records = None;
        match self.thread.take().map(JoinHandle::join) {
            None => Ok(()),
            Some(Ok(written)) => written,
            Some(Err(_)) => Err(io::Error::other("the thread that writes broke down")),
        }
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        // Whoever wants to know whether all was written ends the journal.
        let _ = self.close();
    }
}

fn line(to: &mut impl Write, value: &impl serde::Serialize) -> io::Result<()> {
    serde_json::to_writer(&mut *to, value)?;
    to.write_all(b"\n")
}
