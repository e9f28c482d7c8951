//! State that outlives the process: what clients changed, kept in a file while the server runs.
//!
//! After each decision what it changed goes to a thread that writes it to the file, together with whatever else has come
//! by then, as one transaction that the disk has confirmed. An answer leaves when everything that was decided up to it is
//! in the file. So whoever kills the process, at any moment, finds all that any client was told of, each request whole or
//! not at all; of requests that were not answered yet, a first part may be there. If the disk refuses, nothing is
//! answered any more but that.
//!
//! What is not kept: limits and faults set while running, how far limits are used up, the journal, subscriptions (which
//! Exchange loses, too, when a server starts again: clients subscribe anew, from the watermark that they have), upload
//! sessions and master categories of Graph. The clock of computed mailboxes goes on where it stood; after a kill it may
//! skip up to [`AHEAD`].

pub mod file;
pub mod legacy;

use std::io;
use std::path::PathBuf;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::{self, JoinHandle};

use tokio::sync::watch;

use self::file::StateFile;
use crate::front::beside::Companion;
use crate::front::pending::{Pending, Progress};
use crate::mailbox::named::Directory;
use crate::service::core::Service;
use crate::service::keep::Unsaved;
use crate::time::{Moment, Span};
use crate::wire::id::MailboxKey;

/// Why state is not kept.
#[derive(Debug, thiserror::Error)]
pub enum StateError {
    /// The file cannot be used: the disk refuses, or what it holds is damaged.
    #[error("cannot keep state in {file}")]
    Open {
        /// The file.
        file: PathBuf,
        /// Why.
        source: Box<redb::Error>,
    },
    /// Another process has the file open.
    #[error("{file} is in use by another server: name another file")]
    Taken {
        /// The file.
        file: PathBuf,
    },
    /// The file is something else.
    #[error("{file} is no state file: name another file")]
    Foreign {
        /// The file.
        file: PathBuf,
    },
    /// The file is another version's.
    #[error("{file} is a state file of format {found}, and this program reads format {expected}: name another file")]
    Format {
        /// The file.
        file: PathBuf,
        /// Its format.
        found: String,
        /// The format that is read.
        expected: &'static str,
    },
    /// The file holds the state of something else.
    #[error("{file} holds the state of {found}, not of {expected}: name another file")]
    Other {
        /// The file.
        file: PathBuf,
        /// Whose state it holds.
        found: String,
        /// Whose state is wanted.
        expected: String,
    },
    /// What the file holds of a mailbox cannot be read.
    #[error("{file} holds something of mailbox {mailbox} that cannot be read")]
    Unreadable {
        /// The file.
        file: PathBuf,
        /// The number of the mailbox.
        mailbox: u32,
    },
    /// The system gave no thread.
    #[error("cannot start a thread that writes the state")]
    Thread(#[source] io::Error),
}

/// How far ahead of the clock of computed mailboxes the one in the file is while the server runs, so that requests that
/// change nothing need not be written (assumed: short beside the times between computed changes).
pub const AHEAD: Span = Span::seconds(10);

/// Puts back what a file holds, and has the service note what changes from now on. Do so before anything else is done with
/// the service, and before mailboxes are added to it.
///
/// # Errors
///
/// If the file cannot be read, or does not fit the service.
pub fn restore<C: Directory>(file: &StateFile, service: &mut Service<C>) -> Result<(), StateError> {
    let begun = file.begin()?;
    for address in file.added()? {
        let place = service.content().mailboxes();
        if service.content_mut().add(&address) != Some(MailboxKey(place)) {
            return Err(StateError::Unreadable { file: file.path().to_owned(), mailbox: place });
        }
    }
    file.mailboxes(|mailbox, kept| {
        let unreadable = |_| StateError::Unreadable { file: file.path().to_owned(), mailbox: mailbox.0 };
        service.restore(mailbox, kept).map_err(unreadable)
    })?;
    if let Some(clock) = begun.clock {
        service.restore_switches(clock, file.switches()?);
    }
    service.keep(begun.clock, begun.starts);
    Ok(())
}

/// Beside whoever decides: hands what changed to a thread that writes it to a file.
#[derive(Debug)]
pub struct Keeper {
    writer: Option<Writer>,
    /// How many batches were handed to the writer.
    given: u64,
}

/// A thread that writes what changed to a file.
#[derive(Debug)]
pub struct Writer {
    batches: Sender<Unsaved>,
    progress: watch::Receiver<Progress>,
    thread: JoinHandle<()>,
}

impl Writer {
    /// Starts the thread. `told` is called there if something can no longer be written; nothing more is written then.
    ///
    /// # Errors
    ///
    /// If the system gives no thread.
    pub fn start(file: StateFile, told: impl Fn(&StateError) + Send + 'static) -> Result<Self, StateError> {
        let (batches, received) = channel();
        let (tell, progress) = watch::channel(Progress::Kept(0));
        let run = move || write_all(&file, &received, &tell, told);
        let thread = thread::Builder::new().name("state".to_owned()).spawn(run).map_err(StateError::Thread)?;
        Ok(Self { batches, progress, thread })
    }
}

/// Writes what comes, each time all that has come meanwhile, until nothing more comes or the disk refuses.
fn write_all(
    file: &StateFile,
    received: &Receiver<Unsaved>,
    tell: &watch::Sender<Progress>,
    told: impl Fn(&StateError),
) {
    let mut kept = 0;
    while let Ok(first) = received.recv() {
        let mut batches = vec![first];
        batches.extend(received.try_iter());
        if let Err(error) = file.write(&batches) {
            // Later changes build on those that were not written: the file stays as it was before them.
            told(&error);
            tell.send_replace(Progress::Failed);
            return;
        }
        kept += batches.len() as u64;
        tell.send_replace(Progress::Kept(kept));
    }
}

impl Keeper {
    /// Keeps what changes from now on; [`restore`] must have been done.
    #[must_use]
    pub fn new(writer: Writer) -> Self {
        Self { writer: Some(writer), given: 0 }
    }
}

impl Companion for Keeper {
    fn keep<C: Directory>(&mut self, now: Moment, service: &mut Service<C>) -> Option<Pending> {
        let writer = self.writer.as_ref()?;
        if let Some(batch) = service.unsaved(now, AHEAD) {
            self.given += 1;
            // A writer that has given up has said so, and its progress tells whoever waits.
            let _ = writer.batches.send(batch);
        }
        Pending::unless_kept(&writer.progress, self.given)
    }

    fn end<C: Directory>(&mut self, now: Moment, service: &mut Service<C>) {
        let Some(Writer { batches, thread, .. }) = self.writer.take() else { return };
        if let Some(batch) = service.unsaved(now, Span::ZERO) {
            let _ = batches.send(batch);
        }
        drop(batches);
        // A panic there has been reported on its own thread.
        let _ = thread.join();
    }
}
