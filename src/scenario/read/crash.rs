//! `[[crashes]]`: when the pipeline's process dies and is started again.

use mock_server::time::Span;

use crate::scenario::kind::Duration;
use crate::scenario::plan::Crash;
use crate::scenario::section::{Otherwise, Section};

/// The shortest time from a death to the next start: a process has to be started.
const SHORTEST: Span = Span::milliseconds(1);

/// Reads the crashes of a virtual run.
pub(crate) fn read(root: &Section<'_>) -> Vec<Crash> {
    let mut crashes: Vec<Crash> = Vec::new();
    for section in root.sections("crashes") {
        let help = "say when the pipeline dies, counted from the beginning of the run: at = \"30 s\"";
        let at = section.need("at", &Duration(SHORTEST), help);
        let note = "assumed: a supervisor notices and starts it again";
        let restart = section.or("restart", &Duration(SHORTEST), Otherwise::default(Span::seconds(5), note));
        if let (Some(at), Some(before)) = (at, crashes.last())
            && at <= before.at + before.restart
        {
            let help = "write crashes in the order of time, each after the restart before it";
            section.report("at", "too early", "the pipeline dies while it is not running", help);
        }
        section.finish();
        crashes.extend(at.map(|at| Crash { at, restart }));
    }
    crashes
}
