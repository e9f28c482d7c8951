//! Writing to the terminal: results to stdout, everything else to stderr, progress only where somebody watches.

use std::env;
use std::error::Error;
use std::fmt::{self, Display};
use std::fs;
use std::io::{self, ErrorKind, IsTerminal, Write};
use std::path::Path;
use std::time::Duration;

use indicatif::{HumanDuration, ProgressBar, ProgressDrawTarget, ProgressState, ProgressStyle};

use super::exit::Exit;
use crate::scenario::plan::Plan;

/// Writes a result to stdout. A reader that has gone away has seen enough: that is success.
#[must_use]
pub fn print(text: &str) -> Exit {
    let mut stdout = io::stdout().lock();
    match stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush()) {
        Ok(()) => Exit::Ok,
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Exit::Ok,
        Err(error) => {
            self::error(&format!("cannot write the result: {error}"));
            Exit::Incomplete
        }
    }
}

/// Writes text to stderr as it is. If that fails there is nobody left to tell.
pub fn message(text: impl Display) {
    let _ = writeln!(io::stderr().lock(), "{text}");
}

/// Writes an error to stderr.
pub fn error(text: &str) {
    message(format_args!("error: {text}"));
}

/// Writes an error and everything that led to it to stderr.
pub fn failure(error: &(dyn Error + 'static)) {
    let causes = std::iter::successors(Some(error), |&error| error.source());
    self::error(&causes.map(ToString::to_string).collect::<Vec<_>>().join(": "));
}

/// Makes a directory if need be, and finds out whether files can be kept in it.
pub fn try_to_keep(directory: &Path) -> io::Result<()> {
    fs::create_dir_all(directory)?;
    tempfile::tempfile_in(directory).map(drop)
}

/// Finds out whether a file can be written, without touching it.
pub fn try_to_write(file: &Path) -> io::Result<()> {
    if file.is_dir() {
        return Err(io::ErrorKind::IsADirectory.into());
    }
    let directory = file.parent().filter(|directory| !directory.as_os_str().is_empty());
    tempfile::tempfile_in(directory.unwrap_or(Path::new("."))).map(drop)
}

/// Writes files into a directory, which is made if need be. Each appears whole or not at all.
pub fn keep(directory: &Path, files: &[(&str, impl AsRef<str>)]) -> io::Result<()> {
    fs::create_dir_all(directory)?;
    for (name, content) in files {
        let unfinished = directory.join(format!(".{name}.unfinished"));
        fs::write(&unfinished, content.as_ref())?;
        fs::rename(&unfinished, directory.join(name))?;
    }
    Ok(())
}

/// The first line of every run: version, scenario, seed and world.
pub fn headline(plan: &Plan, world: &str) {
    message(format_args!(
        "wavetank {}, scenario {} ({}), seed {}, {world}",
        env!("CARGO_PKG_VERSION"),
        plan.hash,
        plan.title,
        plan.seed
    ));
}

/// Whether stderr shows colors: it is a terminal and `NO_COLOR` (no-color.org) is not set.
#[must_use]
pub fn stderr_has_color() -> bool {
    let refused = env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
    !refused && io::stderr().is_terminal()
}

/// The width of the terminal in columns, or 100 if there is none.
#[must_use]
pub fn width() -> usize {
    terminal_size::terminal_size().map_or(100, |(width, _)| usize::from(width.0))
}

/// How long so many more steps take if they take what those before did on average; nothing before the first has ended. Steps
/// differ: at the pace of the latest alone, a forecast whose quick steps come first would take weeks.
fn left(elapsed: Duration, done: u64, of: u64) -> Option<Duration> {
    (done > 0).then(|| elapsed.mul_f64(of.saturating_sub(done) as f64 / done as f64))
}

/// A progress bar with an estimate on stderr; silent where stderr is no terminal.
pub struct Progress {
    bar: ProgressBar,
}

impl Progress {
    /// Starts a bar over so many steps of something.
    ///
    /// # Panics
    ///
    /// Never: the template is valid, and a test makes a bar.
    #[must_use]
    pub fn new(steps: u64, of: &str) -> Self {
        let target =
            if io::stderr().is_terminal() { ProgressDrawTarget::stderr() } else { ProgressDrawTarget::hidden() };
        let bar = ProgressBar::with_draw_target(Some(steps), target);
        let style = ProgressStyle::with_template("{msg} {wide_bar} {human_pos}/{human_len}, {left} left")
            .expect("the template is valid, and a test makes a bar");
        let say_left = |state: &ProgressState, out: &mut dyn fmt::Write| {
            let left = left(state.elapsed(), state.pos(), state.len().unwrap_or_default());
            // Who cannot be written to is told nothing.
            let _ = match left {
                Some(left) => write!(out, "{:#}", HumanDuration(left)),
                None => out.write_char('?'),
            };
        };
        bar.set_style(style.with_key("left", say_left));
        bar.set_message(of.to_owned());
        Self { bar }
    }

    /// Moves the bar to a step.
    pub fn set(&self, step: u64) {
        self.bar.set_position(step);
    }

    /// Moves the bar by a step.
    pub fn step(&self) {
        self.bar.inc(1);
    }

    /// Says more about what is being done.
    pub fn say(&self, text: &str) {
        self.bar.set_message(text.to_owned());
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.bar.finish_and_clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_left_takes_what_was_done_took() {
        let seconds = Duration::from_secs;
        assert_eq!(left(seconds(60), 0, 1_000), None);
        assert_eq!(left(seconds(60), 250, 1_000), Some(seconds(180)));
        assert_eq!(left(seconds(60), 1_000, 1_000), Some(Duration::ZERO));
        assert_eq!(left(seconds(60), 2_000, 1_000), Some(Duration::ZERO));
    }

    #[test]
    fn a_bar_nobody_sees_costs_nothing_and_says_nothing() {
        let progress = Progress::new(10, "runs");
        progress.set(5);
        progress.say("more runs");
        assert_eq!(progress.bar.position(), 5);
    }
}
