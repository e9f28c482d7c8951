//! How a run keeps what it has done, so that the same command goes on from there.
//!
//! Before servers that outlive it, a run writes its progress down as it goes, and a crash loses nothing. Mock servers of
//! its own end with it: what clients changed in them, and the progress, are written when a run that is interrupted, that
//! goes on from another one or whose file was named has come to its end, so that no answer waits for the disk meanwhile.

use std::fs;
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};
use std::rc::Rc;

use mock_server::state::legacy::Legacy;
use xxhash_rust::xxh3::xxh3_64;

use super::{Options, failed};
use crate::checkpoint::CheckpointError;
use crate::checkpoint::disk::Disk;
use crate::cli::console;
use crate::cli::exit::Exit;
use crate::cli::wave::Model;
use crate::engine::live::run::Finished;
use crate::engine::live::server::{ServerChoice, Succession};
use crate::metrics::summary::Summary;
use crate::report::number::count;
use crate::world::Side;

/// Where a run keeps what it has done.
pub(super) struct Keeping {
    /// The file with the progress. Those of servers are beside it.
    file: PathBuf,
    /// Whether the user named it, so that it is kept when all is done.
    named: bool,
    /// Whether another run left it.
    resumed: bool,
    /// Whether there is a journal, which holds this part of the run alone.
    journal: bool,
    run: String,
    seed: u64,
    /// Mock servers of the run's own.
    own: Vec<(Side, Succession)>,
    progress: Rc<Disk>,
}

impl Keeping {
    /// Goes on from what is kept of an earlier run, if anything is; says so.
    pub(super) fn begin(options: &Options, model: &Model, servers: &mut [ServerChoice; 2]) -> Result<Self, Exit> {
        let run = owner(model, servers);
        let file = file(options, model, servers)?;
        let resumed = file.exists();
        options.journal.spare()?;
        let seed = model.plan.seed;
        // Whose file it is comes first: nobody is told to remove what belongs to another run.
        let progress = progress(&file, &run, seed, servers).map_err(|error| failed(&error.into()))?;
        if resumed {
            console::message(format_args!("going on from {}; without that file it would begin anew", file.display()));
            if !model.plan.goals.is_empty() && servers.iter().all(|server| server.url.is_none()) {
                console::message("warning: the goals are judged by this part of the run alone");
            }
        }
        let own = successions(&file, resumed, model, servers)?;
        let named = options.checkpoint.is_some();
        let journal = options.journal.journal.is_some();
        let keeping = Self { file, named, resumed, journal, run, seed, own, progress: Rc::new(progress) };
        if !keeping.own.is_empty() && (named || resumed) {
            keeping.try_place()?;
            keeping.wish();
        }
        Ok(keeping)
    }

    /// Makes sure that the files can be written, before there is anything to lose.
    fn try_place(&self) -> Result<(), Exit> {
        let write = || {
            let new = fresh(&self.file)?;
            fs::File::create(&new)?;
            fs::remove_file(new)
        };
        write().map_err(|error: io::Error| {
            console::error(&format!("cannot write beside {}: {error}", self.file.display()));
            Exit::InvalidInput
        })
    }

    /// The progress.
    pub(super) fn progress(&self) -> Rc<Disk> {
        Rc::clone(&self.progress)
    }

    /// Servers of the run's own are to leave what clients changed in them.
    pub(super) fn wish(&self) {
        for (_, succession) in &self.own {
            succession.legacy.wish();
        }
    }

    /// Whether servers of the run's own leave something for the next run.
    fn is_left(&self, finished: &Finished) -> bool {
        finished.interrupted || self.named || self.resumed
    }

    /// Keeps what is known when all servers have ended, before anything else can go wrong.
    pub(super) fn save(&self, finished: &Finished) -> Result<(), Exit> {
        if self.own.is_empty() {
            self.progress.flush().map_err(|error| failed(&error.into()))
        } else if self.is_left(finished) {
            self.write()
        } else {
            Ok(())
        }
    }

    /// Removes what nobody needs any more of a run that has ended and was [saved](Self::save), and says how to go on. `told`
    /// is how the result was told.
    pub(super) fn end(&self, finished: &Finished, summary: &Summary, told: Exit) -> Exit {
        let mailboxes = &summary.mailboxes;
        let done = mailboxes.completed == mailboxes.total;
        // A goal that was missed was told like one that was met.
        let is_told = matches!(told, Exit::Ok | Exit::VerdictFailed);
        let whole = !finished.interrupted && done && is_told;
        let there = self.own.is_empty() || self.is_left(finished);
        let keeps = there && (!whole || self.named);
        if there && !keeps {
            self.remove();
        }
        let journal = if self.journal { " (with another --journal)" } else { "" };
        let again = format!("the same command{journal} goes on from {}", self.file.display());
        if finished.interrupted {
            let (done, all) = (count(mailboxes.completed), count(mailboxes.total));
            console::message(format_args!("interrupted with {done} of {all} mailboxes done: {again}"));
            self.say_what_else();
            return told.max(Exit::Incomplete);
        }
        if keeps && !done {
            console::message(format_args!("not all mailboxes are done: {again}"));
        } else if keeps && !is_told {
            console::message(format_args!("all mailboxes are done, but not all of the result is kept: {again}"));
        }
        told
    }

    /// Says which files belong to the one with the progress.
    fn say_what_else(&self) {
        let files: Vec<_> = self.own.iter().map(|(side, _)| beside(&self.file, *side).display().to_string()).collect();
        if !files.is_empty() {
            let files = files.join(" and ");
            console::message(format_args!("what its mock servers hold is in {files}; their limits begin unused"));
        }
    }

    /// Writes what is known now in place of what was kept before. Each file is written whole before it takes the place of
    /// the old one, and the progress comes last: servers that are ahead of it are as good as after a crash.
    fn write(&self) -> Result<(), Exit> {
        for (side, Succession { owner, file, legacy }) in &self.own {
            let new = fresh(&beside(&self.file, *side)).map_err(|error| self.unwritten(&error))?;
            if let Some(before) = file {
                fs::copy(before, &new).map_err(|error| self.unwritten(&error))?;
            }
            let written = legacy.write(&new, owner);
            written.map_err(|error| failed(&error.into()).max(Exit::Incomplete))?;
        }
        let new = fresh(&self.file).map_err(|error| self.unwritten(&error))?;
        let written = Disk::open(&new, &self.run, self.seed).and_then(|file| self.progress.copy_to(&file));
        written.map_err(|error| failed(&error.into()).max(Exit::Incomplete))?;
        let files = self.own.iter().map(|(side, _)| beside(&self.file, *side)).chain([self.file.clone()]);
        for file in files {
            fs::rename(newer(&file), &file).map_err(|error| self.unwritten(&error))?;
        }
        Ok(())
    }

    fn unwritten(&self, error: &io::Error) -> Exit {
        console::error(&format!("cannot write {}: {error}", self.file.display()));
        Exit::Incomplete
    }

    /// Removes what was kept of the run: the progress first, so that nobody goes on from half of it.
    fn remove(&self) {
        let servers = self.own.iter().map(|(side, _)| beside(&self.file, *side));
        for file in [self.file.clone()].into_iter().chain(servers) {
            if let Err(error) = fs::remove_file(&file) {
                console::message(format_args!("warning: cannot remove {}: {error}", file.display()));
            }
        }
    }
}

/// The file with what a server of the run's own left.
fn beside(file: &Path, side: Side) -> PathBuf {
    named(file, side.name())
}

/// A file that is written and then takes the place of another.
fn newer(file: &Path) -> PathBuf {
    named(file, "new")
}

fn named(file: &Path, what: &str) -> PathBuf {
    let mut name = file.as_os_str().to_owned();
    name.push("-");
    name.push(what);
    PathBuf::from(name)
}

/// The place of a file that is about to be written, empty.
fn fresh(file: &Path) -> io::Result<PathBuf> {
    let new = newer(file);
    match fs::remove_file(&new) {
        Err(error) if error.kind() != ErrorKind::NotFound => Err(error),
        _ => Ok(new),
    }
}

/// Which run it is. What was stored on some servers says nothing of others.
fn owner(model: &Model, servers: &[ServerChoice; 2]) -> String {
    format!("{} on {}", model.plan.hash, places(servers))
}

/// Where the servers are.
fn places(servers: &[ServerChoice; 2]) -> String {
    let [source, target] = servers
        .each_ref()
        .map(|server| server.url.as_ref().map_or("a server of its own".to_owned(), ToString::to_string));
    format!("{source} and {target}")
}

/// The progress: in the file, or in memory beside servers that end with the run. An error if the file belongs to another
/// run.
fn progress(file: &Path, run: &str, seed: u64, servers: &[ServerChoice; 2]) -> Result<Disk, CheckpointError> {
    let resumed = file.exists();
    if servers.iter().all(|server| server.url.is_some()) {
        return Disk::open(file, run, seed);
    }
    let progress = Disk::in_memory(run, seed)?;
    if resumed {
        Disk::open(file, run, seed)?.copy_to(&progress)?;
    }
    Ok(progress)
}

/// Has each server of the run's own go on from what another one left, and leave something itself.
fn successions(
    file: &Path,
    resumed: bool,
    model: &Model,
    servers: &mut [ServerChoice; 2],
) -> Result<Vec<(Side, Succession)>, Exit> {
    let (hash, seed) = (&model.plan.hash, model.plan.seed);
    let mut own = Vec::new();
    for (server, side) in servers.iter_mut().zip([Side::Source, Side::Target]) {
        if server.url.is_some() {
            continue;
        }
        let left = beside(file, side);
        if resumed && !left.exists() {
            console::error(&format!("{} is there, but {} is not", file.display(), left.display()));
            console::message(format_args!("help: remove {} to begin anew", file.display()));
            return Err(Exit::InvalidInput);
        }
        let succession = Succession {
            owner: format!("the {} of a run of scenario {hash} with seed {seed}", side.name()),
            file: resumed.then_some(left),
            legacy: Legacy::default(),
        };
        server.succession = Some(succession.clone());
        own.push((side, succession));
    }
    Ok(own)
}

/// Where the progress is kept: each run has a file of its own, also before other servers. The directory is made if need be.
fn file(options: &Options, model: &Model, servers: &[ServerChoice; 2]) -> Result<PathBuf, Exit> {
    if let Some(file) = &options.checkpoint {
        return Ok(file.clone());
    }
    let plan = &model.plan;
    let place = if servers.iter().all(|server| server.url.is_none()) {
        String::new()
    } else {
        format!("-{:08x}", xxh3_64(places(servers).as_bytes()) as u32)
    };
    let name = format!("wavetank-{}-{}{place}.redb", plan.hash.replace('/', "-"), plan.seed);
    let Some(directory) = &options.output.out else { return Ok(name.into()) };
    fs::create_dir_all(directory).map_err(|error| {
        console::error(&format!("cannot make {}: {error}", directory.display()));
        Exit::InvalidInput
    })?;
    Ok(directory.join(name))
}
