//! `wavetank swarm`: many small random storms in virtual time.

use std::fmt::Write as _;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};

use super::clock::Stopwatch;
use super::console::{self, Progress};
use super::exit::Exit;
use super::options::{self, LAST_SEED, ThreadArgs};
use crate::pipeline::planted::Planted;
use crate::report::number::count;
use crate::swarm::campaign::{self, Campaign};
use crate::swarm::scenario;

/// Runs from which on a mark that was never reached fails a campaign (assumed: the rarest is reached in one run of some
/// dozens).
const TELLING: u64 = 200;

/// Run many small random storms in virtual time and check that nothing is lost, doubled, stuck or late
///
/// Every seed is a scenario of its own: mailboxes, limits, faults and crashes are drawn, a storm comes and goes. A seed
/// that fails is kept as a scenario file that replays it; `wavetank shrink` makes it smaller.
#[derive(clap::Args, Debug)]
pub struct Options {
    /// How many seeds to try
    #[arg(long, value_name = "NUMBER", default_value_t = 1_000, value_parser = clap::value_parser!(u64).range(1..))]
    seeds: u64,

    /// The first seed
    #[arg(long, value_name = "NUMBER", default_value_t = 1, value_parser = options::seed)]
    from: u64,

    #[command(flatten)]
    threads: ThreadArgs,

    /// Only write the scenario of the first seed to stdout
    #[arg(long)]
    print: bool,

    /// The directory in which scenarios that fail are kept
    #[arg(long, value_name = "DIR", default_value = "swarm")]
    out: PathBuf,
}

/// Runs the subcommand.
#[must_use]
pub fn run(options: &Options) -> Exit {
    if options.print {
        return console::print(&scenario::of_seed(options.from));
    }
    let threads = options.threads.count();
    let progress = Progress::new(options.seeds, "seeds");
    let done = AtomicU64::new(0);
    let stopwatch = Stopwatch::start();
    let until = options.from.saturating_add(options.seeds).min(LAST_SEED + 1);
    let campaign = campaign::run(options.from, until, threads, Planted::NONE, &|_| {
        progress.set(done.fetch_add(1, Ordering::Relaxed) + 1);
    });
    drop(progress);
    let exit = console::print(&text(&campaign, stopwatch.seconds(), threads));
    exit.max(keep(options, &campaign))
}

fn text(campaign: &Campaign, seconds: f64, threads: usize) -> String {
    let Campaign { runs, mailboxes, completed, items, skipped, calls, refusals, crashes, .. } = *campaign;
    let hours = campaign.virtual_seconds / 3_600.0;
    let mut text = format!(
        "{} runs, {} failed, {seconds:.1} s on {threads} threads for {hours:.1} h of virtual time\n{} mailboxes, {} \
         completed; {} items, {} left behind for a reason\n{} calls, {} refused; the process died {} times\n",
        count(runs),
        count(campaign.failures.len() as u64),
        count(mailboxes),
        count(completed),
        count(items),
        count(skipped),
        count(calls),
        count(refusals),
        count(crashes),
    );
    for (law, failed) in campaign.by_law() {
        let _ = writeln!(text, "{} runs: {}", count(failed), law.broken());
    }
    text.push_str("reached, in all runs together:\n");
    for (mark, times) in &campaign.marks {
        let _ = writeln!(text, "{:>12}  {}", count(*times), mark.name());
    }
    for mark in campaign.never_reached() {
        let _ = writeln!(text, "       never  {}", mark.name());
    }
    text
}

/// Keeps the scenarios that failed, and how the command ends.
fn keep(options: &Options, campaign: &Campaign) -> Exit {
    for failure in &campaign.failures {
        let name = format!("swarm-{}.toml", failure.seed);
        console::message(format_args!("seed {}: {}", failure.seed, options.out.join(&name).display()));
        for broken in &failure.broken {
            console::message(format_args!("  {broken}"));
        }
        if let Err(error) = console::keep(&options.out, &[(&name, scenario::of_seed(failure.seed))]) {
            console::error(&format!("cannot write {}: {error}", options.out.join(&name).display()));
            return Exit::Incomplete;
        }
    }
    let never = campaign.never_reached();
    let blind = campaign.runs >= TELLING && !never.is_empty();
    if blind {
        console::error(&format!("{} marks of the pipeline were never reached", never.len()));
    }
    if blind || !campaign.failures.is_empty() { Exit::VerdictFailed } else { Exit::Ok }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::swarm::campaign::Failure;

    #[test]
    fn scenarios_that_failed_are_kept_whatever_else_is_wrong() {
        let directory = tempfile::tempdir().expect("a directory");
        let options = Options {
            seeds: TELLING,
            from: 1,
            threads: ThreadArgs::default(),
            print: false,
            out: directory.path().to_path_buf(),
        };
        let failures = vec![Failure { seed: 7, broken: Vec::new() }];
        let campaign = Campaign { runs: TELLING, failures, ..Campaign::default() };
        assert_eq!(keep(&options, &campaign), Exit::VerdictFailed);
        assert!(directory.path().join("swarm-7.toml").exists());
    }
}
