//! How the command ends. The numbers are part of its interface.

use std::process::ExitCode;

/// What the help text says about exit codes.
pub const HELP: &str = "Exit codes: 0 done, 1 the verdict is no (a law was broken, nothing fails that was to fail, a COMMAND \
                        failed), 2 wrong usage or input, 4 a server cannot be reached, 5 incomplete (interrupted, with \
                        its state saved, or a result could not be written), 6 a load was spoiled by its own generator, \
                        70 a bug";

/// How the command ends.
#[derive(Copy, Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
#[repr(u8)]
pub enum Exit {
    /// All went well.
    Ok = 0,
    /// The run was fine and its verdict is no: a law was broken, nothing fails that was to fail, or a program that was put
    /// into the tank failed.
    VerdictFailed = 1,
    /// The command line, the scenario or another input file is wrong.
    InvalidInput = 2,
    /// A server cannot be reached.
    Unreachable = 4,
    /// The run was interrupted and its state is saved, or its result could not be written.
    Incomplete = 5,
    /// A load was spoiled by the generator itself, so that its result says little of the server.
    Spoiled = 6,
    /// The program is wrong.
    Bug = 70,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit as u8)
    }
}
