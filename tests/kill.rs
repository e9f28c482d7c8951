//! Killing a live run: whenever it is killed, it is resumed without loss and without duplicates, as the run itself says
//! and as an independent look at both servers shows.

use std::collections::BTreeMap;
use std::fs;
use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Output, Stdio};
use std::thread;
use std::time::Duration;

use mock_server::draw::{self, Purpose};
use mock_server::front::clock::Clock;
use mock_server::time::Span;
use mock_server::wire::answer::{Answer, ChangeKind, FolderEntry};
use mock_server::wire::call::Call;
use mock_server::wire::id::{Id, ItemKey, MailboxKey};
use serde_json::Value;
use tempfile::TempDir;
use tokio::runtime::LocalOptions;
use wavetank::engine::live::token::{Credentials, Tokens};
use wavetank::engine::live::world::{Endpoint, LiveWorld};
use wavetank::engine::wire::pool::Pool;
use wavetank::population::Population;
use wavetank::scenario;
use wavetank::scenario::plan::Plan;
use wavetank::world::{Route, Side, World};

/// How many runs are killed in all.
const KILLS: u64 = 20;

/// How often one move is killed at most.
const KILLS_EACH: u64 = 5;

/// A move of one to two seconds that saves often: small items and pages, and answers that get lost on top.
const SCENARIO: &str = r#"
title = "Four small mailboxes that take their time"
seed = 5

[population]
preset = "small-business"
mailboxes = 4

[population.uniform]
items = 120
item_size = "4 kB"
changes_per_day = 400_000

[source]
protocol = "ews"
costs = { preset = "free", call = "constant 2 ms" }

[target]
protocol = "graph"
costs = { preset = "free", call = "constant 8 ms" }

[[target.faults]]
name = "lost answers"
operations = ["import_item", "upload_items"]
rate = "5%"
attempts_below = 2
act = "lose-answer"

[target.switch]
places = 4
duration = "constant 150 ms"

[network.source]
preset = "ideal"

[network.target]
preset = "ideal"

[pipeline]
lanes = 2
requests_per_mailbox = 2
open_switches = 2
poll_interval = "40 ms"

[pipeline.batch]
export_items = 10
sync_changes = 25

[pipeline.retry]
first_back_off = "5 ms"
longest_back_off = "50 ms"
budget = 500

[wave]
mailboxes = 4
"#;

fn wavetank(directory: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_wavetank"));
    command.args(arguments).current_dir(directory).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

/// Two servers in a process of their own, and a directory to run in.
struct Servers {
    directory: TempDir,
    process: Child,
    _stdout: BufReader<ChildStdout>,
    urls: [String; 2],
}

impl Servers {
    fn start(target: &str) -> Self {
        let directory = tempfile::tempdir().expect("a directory");
        let scenario = SCENARIO.replace("protocol = \"graph\"", &format!("protocol = \"{target}\""));
        fs::write(directory.path().join("scenario.toml"), scenario).expect("it can be written");
        let mut command = wavetank(directory.path(), &["serve", "scenario.toml", "--format", "json"]);
        let mut process = command.stderr(Stdio::null()).spawn().expect("the command starts");
        let mut stdout = BufReader::new(process.stdout.take().expect("it is piped"));
        let mut ready = String::new();
        stdout.read_line(&mut ready).expect("a line");
        let ready: Value = serde_json::from_str(&ready).expect("JSON");
        let urls = ["source", "target"].map(|side| ready[side]["http"].as_str().expect("a URL").to_owned());
        Self { directory, process, _stdout: stdout, urls }
    }

    /// Starts a live run. Without a checkpoint of its own it has the default one.
    fn run(&self, checkpoint: Option<&str>) -> Child {
        let mut arguments = vec!["run", "scenario.toml", "--format", "json"];
        arguments.extend(["--source-url", &self.urls[0], "--target-url", &self.urls[1]]);
        arguments.extend(checkpoint.iter().flat_map(|file| ["--checkpoint", file]));
        wavetank(self.directory.path(), &arguments).spawn().expect("the command starts")
    }

    /// Runs to the end and checks what the run itself says.
    fn finish(&self, checkpoint: Option<&str>) {
        let Output { status, stdout, stderr } = self.run(checkpoint).wait_with_output().expect("it ends");
        assert_eq!(status.code(), Some(0), "{}", String::from_utf8_lossy(&stderr));
        let report: Value = serde_json::from_slice(&stdout).expect("JSON");
        let count = |group: &str, name: &str| report[group][name].as_u64().expect("a count");
        assert_eq!(report["world"], "live");
        assert_eq!((count("mailboxes", "total"), count("mailboxes", "completed")), (4, 4), "{report}");
        assert_eq!((count("verification", "missing"), count("verification", "duplicate")), (0, 0), "{report}");
        assert_eq!(count("verification", "present"), count("verification", "expected"), "{report}");
        assert!(count("verification", "expected") >= 480, "{report}");
    }

    /// The default checkpoints that are there.
    fn checkpoints(&self) -> Vec<PathBuf> {
        let entries = fs::read_dir(self.directory.path()).expect("the directory is there");
        let paths = entries.map(|entry| entry.expect("an entry").path());
        paths.filter(|path| path.extension().is_some_and(|extension| extension == "redb")).collect()
    }
}

impl Drop for Servers {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// Everything that a mailbox holds: how often each item is in each folder, by the names of the folders above it.
type Holdings = BTreeMap<(String, ItemKey), u32>;

/// Looks at both servers over the wire.
struct Eye {
    world: LiveWorld,
    requests: u64,
}

impl Eye {
    fn new(plan: &Plan, population: Population, urls: &[String; 2]) -> Self {
        let clock = Clock::start();
        let endpoint = |protocol, url: &String| {
            let pool = || Pool::new(url.parse().expect("a URL"));
            let tokens = Tokens::new(pool(), clock.clone(), Credentials::mock(), protocol);
            Endpoint { protocol, pool: pool(), tokens, link: None }
        };
        let endpoints = [endpoint(plan.source.protocol, &urls[0]), endpoint(plan.target.protocol, &urls[1])];
        let address = move |mailbox| mock_server::mailbox::content::Content::address(&population, mailbox);
        Self { world: LiveWorld::new(clock, endpoints, address), requests: 1 << 60 }
    }

    async fn ask(&mut self, side: Side, mailbox: MailboxKey, call: &Call) -> Answer {
        self.requests += 1;
        let route = Route { side, mailbox, request: self.requests, attempt: 0, patience: Span::seconds(10) };
        self.world.call(route, call).await.result.expect("an answer")
    }

    async fn holdings(&mut self, side: Side, mailbox: MailboxKey) -> Holdings {
        let mut folders: Vec<FolderEntry> = Vec::new();
        let mut from = 0;
        loop {
            let call = Call::FindFolders { from, limit: 100 };
            let Answer::Folders { folders: page, next, .. } = self.ask(side, mailbox, &call).await else {
                panic!("folders are listed")
            };
            folders.extend(page);
            match next {
                Some(next) => from = next,
                None => break,
            }
        }
        let mut holdings = Holdings::new();
        for folder in &folders {
            let path = path(&folders, folder);
            for key in self.items(side, mailbox, &folder.id).await {
                *holdings.entry((path.clone(), key)).or_default() += 1;
            }
        }
        holdings
    }

    async fn items(&mut self, side: Side, mailbox: MailboxKey, folder: &Id) -> Vec<ItemKey> {
        let mut held: BTreeMap<String, ItemKey> = BTreeMap::new();
        let mut state = None;
        loop {
            let call = Call::SyncItems { folder: folder.clone(), state, limit: 200 };
            let Answer::Items { changes, state: next, complete } = self.ask(side, mailbox, &call).await else {
                panic!("items are listed")
            };
            for change in changes {
                let item = format!("{:?}", change.item);
                match (change.kind, change.key) {
                    (ChangeKind::Delete, _) => drop(held.remove(&item)),
                    (_, Some(key)) => drop(held.insert(item, key)),
                    (_, None) => panic!("an item has an identity"),
                }
            }
            if complete {
                return held.into_values().collect();
            }
            state = Some(next);
        }
    }
}

fn path(folders: &[FolderEntry], folder: &FolderEntry) -> String {
    let above = folder.parent.as_ref().and_then(|parent| folders.iter().find(|other| other.id == *parent));
    above.map_or_else(|| folder.name.to_string(), |above| format!("{}/{}", path(folders, above), folder.name))
}

/// Compares both servers, without the pipeline. Returns how many items there are.
fn look(servers: &Servers) -> u64 {
    let file = servers.directory.path().join("scenario.toml");
    let plan = scenario::load(&file, &[], None).expect("a scenario");
    let population = Population::new(&plan.population, plan.seed).expect("a population");
    let mut eye = Eye::new(&plan, population, &servers.urls);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build_local(LocalOptions::default());
    runtime.expect("a runtime").block_on(async {
        let mut items = 0;
        for mailbox in (0..plan.wave.mailboxes).map(MailboxKey) {
            let source = eye.holdings(Side::Source, mailbox).await;
            let target = eye.holdings(Side::Target, mailbox).await;
            assert!(source.values().all(|count| *count == 1), "the source holds each item once");
            assert_eq!(source, target, "{mailbox:?}");
            items += source.len() as u64;
        }
        items
    })
}

/// When the kill comes, counted from the start of the process.
fn moment(kill: u64) -> Duration {
    Duration::from_millis(20 + draw::hash(7, Purpose::Wave, kill, 0, 0) % 400)
}

#[expect(clippy::print_stdout, reason = "how many moves the kills took is for whoever runs the test with --nocapture")]
#[test]
fn a_killed_run_is_resumed_without_loss_and_without_duplicates() {
    let mut kills = 0;
    let mut moves = 0;
    while kills < KILLS {
        let target = if moves % 2 == 0 { "graph" } else { "ews" };
        let servers = Servers::start(target);
        let until = (kills + KILLS_EACH).min(KILLS);
        while kills < until {
            let mut run = servers.run(Some("state.redb"));
            thread::sleep(moment(kills));
            if run.try_wait().expect("it can be asked").is_some() {
                // The move is over: the next one gets the rest of the kills.
                break;
            }
            run.kill().expect("it can be killed");
            assert_eq!(run.wait().expect("it ends").code(), None, "it was killed");
            kills += 1;
        }
        servers.finish(Some("state.redb"));
        let items = look(&servers);
        moves += 1;
        println!("move {moves} into {target}: {items} items on both sides, {kills} kills so far");
        assert!(servers.directory.path().join("state.redb").exists(), "a checkpoint that was named is kept");
    }
}

#[cfg(unix)]
#[test]
fn an_interrupted_run_says_how_it_goes_on_and_does() {
    let servers = Servers::start("graph");
    let mut run = servers.run(None);
    while servers.checkpoints().is_empty() {
        assert!(run.try_wait().expect("it can be asked").is_none(), "it keeps its progress before it ends");
        thread::sleep(Duration::from_millis(5));
    }
    await_interruptible(&mut run);
    thread::sleep(Duration::from_millis(200));
    let told = Command::new("kill").args(["-INT", &run.id().to_string()]).status().expect("there is a kill command");
    assert!(told.success());
    let status = run.wait().expect("it ends");
    let mut stderr = String::new();
    run.stderr.take().expect("it is piped").read_to_string(&mut stderr).expect("UTF-8");
    assert_eq!(status.code(), Some(5), "{stderr}");
    let [file] = &servers.checkpoints()[..] else { panic!("one checkpoint") };
    let name = file.file_name().expect("a name").to_string_lossy().into_owned();
    assert!(stderr.contains(&format!("the same command goes on from {name}")), "{stderr}");
    servers.finish(None);
    look(&servers);
    assert!(servers.checkpoints().is_empty(), "the default checkpoint is removed when all is done");
}

/// What a run says in its report and on stderr, and how it ended.
fn ended(run: Child) -> (Option<i32>, Value, String) {
    let Output { status, stdout, stderr } = run.wait_with_output().expect("it ends");
    let report = if stdout.is_empty() { Value::Null } else { serde_json::from_slice(&stdout).expect("JSON") };
    (status.code(), report, String::from_utf8_lossy(&stderr).into_owned())
}

/// Waits until a process listens for interrupts, which it does within a minute if it lives. Where the system does not tell,
/// waits for some time.
#[cfg(unix)]
fn await_interruptible(run: &mut Child) {
    const INTERRUPT: u64 = 1 << 1;
    const LOOKS: u32 = 12_000;
    let process = run.id();
    let caught = || {
        let status = fs::read_to_string(format!("/proc/{process}/status")).ok()?;
        let mask = status.lines().find_map(|line| line.strip_prefix("SigCgt:"))?;
        u64::from_str_radix(mask.trim(), 16).ok()
    };
    for _ in 0..LOOKS {
        assert_eq!(run.try_wait().expect("it can be asked"), None, "it ended before it could be interrupted");
        if caught().is_none_or(|caught| caught & INTERRUPT != 0) {
            break;
        }
        thread::sleep(Duration::from_millis(5));
    }
    assert!(caught().is_none_or(|caught| caught & INTERRUPT != 0), "it never listens for interrupts");
    if caught().is_none() {
        thread::sleep(Duration::from_secs(2));
    }
}

#[cfg(unix)]
#[test]
fn a_run_with_servers_of_its_own_goes_on_after_interrupts() {
    let directory = directory();
    let files = || {
        let entries = fs::read_dir(directory.path()).expect("the directory is there");
        let mut names: Vec<_> = entries.map(|entry| entry.expect("an entry").file_name()).collect();
        names.sort();
        names.into_iter().map(|name| name.to_string_lossy().into_owned()).collect::<Vec<_>>()
    };
    let mut arguments = vec!["run", "scenario.toml", "--format", "json"];
    // Long enough to be interrupted twice.
    arguments.extend(["--set", "target.switch.duration=\"constant 4 s\"", "--journal", "first.journal"]);
    let start = |arguments: &[&str]| wavetank(directory.path(), arguments).spawn().expect("the command starts");
    let mut completed = 0;
    for interrupt in 0..2 {
        let mut run = start(&arguments);
        let mut stderr = run.stderr.take().expect("it is piped");
        await_interruptible(&mut run);
        thread::sleep(Duration::from_millis(300));
        for _ in 0..=interrupt {
            let told = Command::new("kill").args(["-INT", &run.id().to_string()]).status();
            assert!(told.expect("there is a kill command").success());
        }
        let (code, report, _) = ended(run);
        let mut said = String::new();
        stderr.read_to_string(&mut said).expect("UTF-8");
        assert_eq!(code, Some(5), "{said}");
        let names = files();
        let [.., progress, source, target] = &names[..] else { panic!("{names:?}") };
        assert!(said.contains(&format!("goes on from {progress}")), "{said}");
        assert_eq!(said.contains("with another --journal"), interrupt == 0, "{said}");
        assert!(said.contains(&format!("is in {source} and {target}")), "{said}");
        completed = report["mailboxes"]["completed"].as_u64().expect("a count").max(completed);
        if interrupt == 0 {
            let (code, _, said) = ended(start(&arguments));
            assert_eq!(code, Some(2), "the journal of the first part is not lost: {said}");
        }
        arguments.truncate(6);
    }
    assert!(completed < 4, "it was interrupted before its end");
    let (code, report, stderr) = ended(start(&arguments));
    assert_eq!(code, Some(0), "{stderr}");
    assert!(stderr.contains("going on from wavetank-"), "{stderr}");
    let count = |group: &str, name: &str| report[group][name].as_u64().expect("a count");
    assert_eq!(count("mailboxes", "completed"), 4, "{report}");
    let found = ["missing", "duplicate", "skipped"].map(|name| count("verification", name));
    assert_eq!((found, count("verification", "present")), ([0, 0, 0], count("verification", "expected")), "{report}");
    assert_eq!(files(), ["first.journal", "scenario.toml"], "what was kept is removed when all is done");
    // A run that is not interrupted leaves nothing.
    assert_eq!(ended(start(&arguments)).0, Some(0));
    assert_eq!(files(), ["first.journal", "scenario.toml"]);
}

/// A directory with the scenario.
fn directory() -> TempDir {
    let directory = tempfile::tempdir().expect("a directory");
    fs::write(directory.path().join("scenario.toml"), SCENARIO).expect("it can be written");
    directory
}

#[cfg(unix)]
#[test]
fn a_run_that_goes_on_keeps_its_state_until_its_result_is_kept() {
    let directory = directory();
    let out = directory.path().join("out");
    let arguments = ["run", "scenario.toml", "--format", "json", "--out", "out"];
    let switch = ["--set", "target.switch.duration=\"constant 2 s\""];
    let start = || wavetank(directory.path(), &[&arguments[..], &switch].concat()).spawn().expect("the command starts");
    let kept = || {
        let entries = fs::read_dir(&out).expect("the directory is there");
        let names = entries.map(|entry| entry.expect("an entry").file_name().to_string_lossy().into_owned());
        names.filter(|name| name.starts_with("wavetank-")).count()
    };
    let mut run = start();
    await_interruptible(&mut run);
    let told = Command::new("kill").args(["-INT", &run.id().to_string()]).status();
    assert!(told.expect("there is a kill command").success());
    let (code, _, said) = ended(run);
    assert_eq!((code, kept()), (Some(5), 3), "{said}");
    // All mailboxes are done in the second part, but the report cannot be written.
    let report = out.join("summary.json");
    fs::remove_file(&report).expect("the first part wrote it");
    fs::create_dir(&report).expect("nothing is there");
    let (code, summary, said) = ended(start());
    assert_eq!((code, kept()), (Some(5), 3), "{said}");
    assert!(said.contains("not all of the result is kept"), "{said}");
    // It is told all the same.
    assert_eq!(summary["mailboxes"]["completed"], 4, "{said}");
    fs::remove_dir(&report).expect("nothing is in it");
    let (code, summary, said) = ended(start());
    assert_eq!((code, kept()), (Some(0), 0), "{said}");
    assert_eq!(summary["mailboxes"]["completed"], 4, "{said}");
}

#[cfg(unix)]
#[test]
fn runs_with_servers_of_their_own_leave_the_progress_of_others_alone() {
    let servers = Servers::start("graph");
    let mut run = servers.run(None);
    await_interruptible(&mut run);
    run.kill().expect("it can be killed");
    run.wait().expect("it ends");
    let left = servers.checkpoints();
    let [file] = &left[..] else { panic!("one checkpoint") };
    let own = |more: &[&str]| {
        let arguments = [&["run", "scenario.toml", "--format", "json"], more].concat();
        ended(wavetank(servers.directory.path(), &arguments).spawn().expect("the command starts"))
    };
    let (code, _, said) = own(&["--checkpoint", file.to_str().expect("UTF-8")]);
    assert_eq!(code, Some(2), "{said}");
    assert!(said.contains("belongs to") && !said.contains("remove"), "{said}");
    let (code, report, said) = own(&[]);
    assert_eq!((code, &report["mailboxes"]["completed"]), (Some(0), &Value::from(4)), "{said}");
    assert!(!said.contains("going on from"), "{said}");
    assert_eq!(servers.checkpoints(), left);
    servers.finish(None);
}

#[test]
fn a_place_that_cannot_be_written_is_noticed_before_the_run() {
    let directory = directory();
    let arguments = ["run", "scenario.toml", "--checkpoint", "nowhere/state.redb"];
    let Output { status, stdout, stderr } = wavetank(directory.path(), &arguments).output().expect("it ends");
    let said = String::from_utf8_lossy(&stderr);
    assert_eq!((status.code(), stdout.len()), (Some(2), 0), "{said}");
    assert!(said.contains("cannot write beside nowhere/state.redb"), "{said}");
}

#[test]
fn a_result_with_a_goal_that_was_missed_is_a_result() {
    let directory = directory();
    let goal = "[[goals]]\nmeasure = \"requests\"\nat_most = 1\n";
    fs::write(directory.path().join("scenario.toml"), format!("{SCENARIO}\n{goal}")).expect("it can be written");
    let arguments = ["run", "scenario.toml", "--format", "json", "--checkpoint", "state.redb"];
    let start = || ended(wavetank(directory.path(), &arguments).spawn().expect("the command starts"));
    let (code, _, said) = start();
    assert_eq!(code, Some(1), "{said}");
    assert!(!said.contains("all mailboxes are done, but") && !said.contains("this part"), "{said}");
    let (_, _, said) = start();
    assert!(said.contains("the goals are judged by this part of the run alone"), "{said}");
}
