//! How a run keeps what it has done, so that the same command goes on from there.
//!
//! Before servers that outlive it, a run writes its progress down as it goes, and a crash loses nothing. Mock servers of
//! its own end with it: what clients changed in them, and the progress, are written when an interrupted run has come to its
//! end, so that no answer waits for the disk meanwhile.

use std::fs;
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};
use std::rc::Rc;

use mock_server::state::legacy::Legacy;

use super::{Options, failed};
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
        let file = file(options, model)?;
        let resumed = file.exists();
        let journal = options.journal.journal.as_ref();
        if let Some(journal) = journal.filter(|journal| resumed && journal.exists()) {
            console::error(&format!(
                "{} is there, and a run that goes on keeps a journal of its own",
                journal.display()
            ));
            console::message("help: name another file with --journal");
            return Err(Exit::InvalidInput);
        }
        if resumed {
            console::message(format_args!("going on from {}; without that file it would begin anew", file.display()));
        }
        let (hash, seed) = (&model.plan.hash, model.plan.seed);
        let mut own = Vec::new();
        for (server, side) in servers.iter_mut().zip([Side::Source, Side::Target]) {
            if server.url.is_some() {
                continue;
            }
            let left = beside(&file, side);
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
        // What was stored on some servers says nothing of others.
        let place =
            |server: &ServerChoice| server.url.as_ref().map_or("a server of its own".to_owned(), ToString::to_string);
        let run = format!("{hash} on {} and {}", place(&servers[0]), place(&servers[1]));
        let open = || Disk::open(&file, &run, seed);
        let progress = if own.is_empty() {
            open()
        } else {
            let progress = Disk::in_memory(&run, seed);
            if resumed { progress.and_then(|progress| open()?.copy_to(&progress).map(|()| progress)) } else { progress }
        };
        let progress = Rc::new(progress.map_err(|error| failed(&error.into()))?);
        let named = options.checkpoint.is_some();
        let journal = journal.is_some();
        let keeping = Self { file, named, resumed, journal, run, seed, own, progress };
        if named {
            keeping.wish();
        }
        Ok(keeping)
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

    /// Keeps what is to be kept of a run that has ended, removes the rest, and says how to go on. `told` is how the result
    /// was told.
    pub(super) fn end(&self, finished: &Finished, summary: &Summary, told: Exit) -> Exit {
        let mailboxes = &summary.mailboxes;
        let done = mailboxes.completed == mailboxes.total;
        let whole = !finished.interrupted && done && told == Exit::Ok;
        let keeps = if self.own.is_empty() { !whole || self.named } else { finished.interrupted || self.named };
        let kept = if !keeps {
            self.remove();
            Ok(())
        } else if self.own.is_empty() {
            self.progress.flush().map_err(|error| failed(&error.into()))
        } else {
            self.save()
        };
        if let Err(exit) = kept {
            return told.max(exit);
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
        } else if keeps && told != Exit::Ok {
            console::message(format_args!("all mailboxes are done, but the result is not kept: {again}"));
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
    fn save(&self) -> Result<(), Exit> {
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
        if !self.own.is_empty() && !self.resumed {
            return;
        }
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

/// Where the progress is kept. The directory is made if need be.
fn file(options: &Options, model: &Model) -> Result<PathBuf, Exit> {
    if let Some(file) = &options.checkpoint {
        return Ok(file.clone());
    }
    let plan = &model.plan;
    let name = format!("wavetank-{}-{}.redb", plan.hash.replace('/', "-"), plan.seed);
    let Some(directory) = &options.output.out else { return Ok(name.into()) };
    fs::create_dir_all(directory).map_err(|error| {
        console::error(&format!("cannot make {}: {error}", directory.display()));
        Exit::InvalidInput
    })?;
    Ok(directory.join(name))
}
