//! The command: one file per subcommand, results on stdout, everything else on stderr.
//!
//! Each subcommand's file has an `Options` (its arguments, whose documentation is the help text) and a
//! `run(&Options) -> Exit`. To add one, name its file below and in the list of `commands!`.

pub mod check;
pub mod clock;
pub mod completions;
pub mod console;
pub mod exit;
pub mod explain;
pub mod forecast;
pub mod inventory;
pub mod journal;
pub mod judge;
pub mod load;
pub mod man;
pub mod options;
pub mod output;
pub mod replay;
pub mod run;
pub mod schema;
pub mod serve;
pub mod servers;
pub mod shrink;
pub mod simulate;
pub mod swarm;
pub mod wave;
pub mod when;

use std::panic::{self, AssertUnwindSafe};
use std::process::ExitCode;

use clap::{CommandFactory, FromArgMatches, Parser, Subcommand};

use exit::Exit;

/// Declares the subcommands: the name of the variant, which is the name on the command line, and the file.
macro_rules! commands {
    ($($variant:ident => $file:ident,)*) => {
        #[derive(Subcommand)]
        enum Task {
            $($variant($file::Options),)*
        }

        impl Task {
            fn run(&self) -> Exit {
                match self {
                    $(Self::$variant(options) => $file::run(options),)*
                }
            }
        }
    };
}

commands! {
    Forecast => forecast,
    Simulate => simulate,
    Run => run,
    Serve => serve,
    Load => load,
    Swarm => swarm,
    Shrink => shrink,
    When => when,
    Replay => replay,
    Judge => judge,
    Explain => explain,
    Check => check,
    Inventory => inventory,
    Schema => schema,
    Completions => completions,
    Man => man,
}

/// Tries a mailbox migration before it happens: how many mailboxes fit tonight, and into the weekend
///
/// The real migration pipeline runs against a mock Exchange and Graph server with published limits, live over HTTP or
/// in virtual time.
#[derive(Parser)]
#[command(name = "wavetank", version, after_help = exit::HELP, subcommand_required = true, arg_required_else_help = true)]
struct Arguments {
    #[command(subcommand)]
    task: Task,
}

/// The command line's grammar, for completions and manual pages.
#[must_use]
pub fn grammar() -> clap::Command {
    // A number that must not be negative is told so, not that there is no such option.
    let negative = |option: clap::Arg| {
        let takes = option.get_action().takes_values() && !option.is_positional();
        option.allow_negative_numbers(takes)
    };
    Arguments::command().mut_subcommands(|task| task.mut_args(negative))
}

/// Runs the command with the arguments of the process. A panic is a bug: it says how to report it and exits with 70.
#[must_use]
pub fn main() -> ExitCode {
    let given = grammar().try_get_matches().and_then(|given| Arguments::from_arg_matches(&given));
    let arguments = match given {
        Ok(arguments) => arguments,
        Err(usage) => return usage_exit(&usage).into(),
    };
    panic::set_hook(Box::new(|info| {
        console::error(&format!(
            "{info}\nthis is a bug in wavetank {}: please report it with the lines above, the command and the scenario",
            env!("CARGO_PKG_VERSION")
        ));
    }));
    guarded(|| arguments.task.run()).into()
}

/// Runs something that must not panic; if it does, that is a bug.
fn guarded(task: impl FnOnce() -> Exit) -> Exit {
    // Nothing is used after a panic but the exit code, so no broken state is seen.
    panic::catch_unwind(AssertUnwindSafe(task)).unwrap_or(Exit::Bug)
}

/// Help and version go to stdout and are no error; everything else is wrong usage.
fn usage_exit(usage: &clap::Error) -> Exit {
    // A closed pipe after `--help | head` is no failure either.
    let _ = usage.print();
    if usage.use_stderr() { Exit::InvalidInput } else { Exit::Ok }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_grammar_is_consistent() {
        grammar().debug_assert();
    }

    #[test]
    fn a_panic_is_a_bug() {
        assert_eq!(guarded(|| Exit::VerdictFailed), Exit::VerdictFailed);
        assert_eq!(guarded(|| panic!("on purpose")), Exit::Bug);
    }

    #[test]
    fn every_subcommand_and_argument_has_help() {
        for command in grammar().get_subcommands() {
            assert!(command.get_about().is_some(), "{}", command.get_name());
            for argument in command.get_arguments() {
                assert!(argument.get_help().is_some(), "{} {}", command.get_name(), argument.get_id());
            }
        }
    }
}
