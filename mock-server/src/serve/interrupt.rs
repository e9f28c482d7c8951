//! Noticing that somebody wishes the process to end.

use std::io;

use tokio::runtime::Runtime;

/// Notices interrupts and, where there are such, requests to terminate, from when it is made.
#[derive(Debug)]
pub struct Interrupt {
    runtime: Runtime,
    #[cfg(unix)]
    signals: [tokio::signal::unix::Signal; 2],
}

impl Interrupt {
    /// Begins to notice. A program does so before it says that it is ready: whoever heard that may end it.
    ///
    /// # Errors
    ///
    /// If the system gives no event queue.
    pub fn new() -> io::Result<Self> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        #[cfg(unix)]
        {
            use tokio::signal::unix::{SignalKind, signal};
            let signals = {
                let _within = runtime.enter();
                [signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?]
            };
            Ok(Self { runtime, signals })
        }
        #[cfg(not(unix))]
        Ok(Self { runtime })
    }

    /// Waits for the first.
    ///
    /// # Errors
    ///
    /// If the system tells nothing of interrupts.
    pub fn wait(self) -> io::Result<()> {
        #[cfg(unix)]
        {
            let Self { runtime, signals: [mut interrupt, mut terminate] } = self;
            runtime.block_on(async {
                tokio::select! { _ = interrupt.recv() => {}, _ = terminate.recv() => {} }
            });
            Ok(())
        }
        #[cfg(not(unix))]
        self.runtime.block_on(tokio::signal::ctrl_c())
    }
}
