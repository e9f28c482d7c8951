//! A foreign program in the tank: it is started with everything that leads it to mock servers, and judged by what the
//! servers saw.

use std::ffi::OsString;
use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus};
use std::thread;

use mock_server::journal::recorder::Recorder;
use mock_server::mailbox::content::Content;
use mock_server::serve::Ready;
use mock_server::wire::id::MailboxKey;
use tokio::sync::oneshot;

use crate::cli::exit::Exit;
use crate::cli::output::OutputArgs;
use crate::cli::serve::{Open, Serving};
use crate::cli::wave::Model;
use crate::cli::{console, journal};
use crate::engine::live::run as live;
use crate::world::Side;

/// Variables that name a file with certificates to trust, for Python, OpenSSL, curl and Node.
const TRUST: [&str; 4] = ["REQUESTS_CA_BUNDLE", "SSL_CERT_FILE", "CURL_CA_BUNDLE", "NODE_EXTRA_CA_CERTS"];

/// Variables that name the proxy for hosts that are reached with TLS.
const PROXY: [&str; 2] = ["HTTPS_PROXY", "https_proxy"];

/// Variables of proxies that would be in the way.
const IN_THE_WAY: [&str; 4] = ["HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"];

/// How many mailboxes of a wave are told in a variable, which holds no whole wave; the file has all of them.
const FIRST: usize = 100;

/// The program that scales the clock of another (Debian's package `faketime`).
const FAKETIME: &str = "faketime";

/// A program to be run, and the servers for it.
#[derive(Debug)]
pub(super) struct Foreign<'a> {
    /// The program and its arguments.
    pub(super) command: &'a [OsString],
    /// The servers, and what is kept of them.
    pub(super) servers: Serving,
    /// Where the result goes.
    pub(super) output: &'a OutputArgs,
}

impl Foreign<'_> {
    /// Runs the program to its end, and tells how it did.
    pub(super) fn run(mut self) -> Result<Exit, Exit> {
        // Removed with everything in it when the program has ended.
        let own = tempfile::Builder::new().prefix("wavetank-").tempdir().map_err(|error| {
            console::error(&format!("cannot make a directory for the certificate: {error}"));
            Exit::InvalidInput
        })?;
        let doors = &mut self.servers.doors;
        let any = SocketAddr::new(doors.listen.ip(), 0);
        doors.tls.get_or_insert(any);
        doors.proxy.get_or_insert(any);
        doors.ca_out.get_or_insert_with(|| own.path().join("ca.pem"));
        // A scenario that is wrong leaves no journal.
        let model = self.servers.load()?;
        let goals = model.as_ref().map_or(Vec::new(), |model| model.plan.goals.clone());
        self.output.prepare()?;
        let kept = self.servers.begin_journal()?;
        let recorder = kept.unwrap_or_else(|| Recorder::new(self.servers.time_scale)).with_goals(goals);
        let servers = self.servers.start(model.as_ref(), &recorder)?;
        let mailboxes = Mailboxes::write(&self.servers.doors.named, model.as_ref(), own.path());
        let mailboxes = mailboxes.map_err(|error| {
            console::error(&format!("cannot write the list of mailboxes: {error}"));
            Exit::Incomplete
        })?;
        let child = self.spawn(&servers, &mailboxes).map_err(|error| self.not_started(&error))?;
        let status = wait(child).map_err(|error| {
            console::error(&format!("cannot wait for the command: {error}"));
            Exit::Incomplete
        })?;
        drop((servers, own));
        let card = journal::end(&recorder)?;
        let exit = journal::tell(&card, self.output);
        let exit = exit.max(journal::exit_of(&card.goals));
        if status.success() {
            return Ok(exit);
        }
        console::message(format_args!("the command ended with {status}"));
        Ok(exit.max(Exit::VerdictFailed))
    }

    fn not_started(&self, error: &io::Error) -> Exit {
        let program = if self.is_scaled() { FAKETIME.into() } else { self.command[0].to_string_lossy() };
        console::error(&format!("cannot start {program}: {error}"));
        if self.is_scaled() && error.kind() == io::ErrorKind::NotFound {
            console::message("help: --time-scale needs libfaketime: apt install faketime");
        }
        Exit::InvalidInput
    }

    fn is_scaled(&self) -> bool {
        self.servers.time_scale.to_bits() != 1.0_f64.to_bits()
    }

    /// Starts the program. Results are ours to write, so what it says goes to where messages go.
    fn spawn(&self, servers: &[Open], mailboxes: &Mailboxes) -> io::Result<Child> {
        let (program, arguments) = self.command.split_first().ok_or(io::ErrorKind::NotFound)?;
        let mut command = if self.is_scaled() {
            let mut scaled = Command::new(FAKETIME);
            scaled.arg("-m").arg("-f").arg(format!("+0 x{}", self.servers.time_scale)).arg(program);
            scaled
        } else {
            Command::new(program)
        };
        command.args(arguments);
        // Whoever speaks to Microsoft's host names means the target, if there are two.
        let first = servers.last().ok_or(io::ErrorKind::NotFound)?;
        for (name, value) in environment(first.ready(), "") {
            command.env(name, value);
        }
        for server in servers {
            let side = server.side().map(|side: Side| side.name().to_uppercase() + "_");
            for (name, value) in side.iter().flat_map(|side| environment(server.ready(), side)) {
                command.env(name, value);
            }
        }
        if let Some(ca) = &first.ready().ca {
            for name in TRUST {
                command.env(name, ca);
            }
        }
        if let Some(proxy) = &first.ready().proxy {
            for name in PROXY {
                command.env(name, proxy);
            }
        }
        for name in IN_THE_WAY {
            command.env_remove(name);
        }
        command.env("NO_PROXY", "127.0.0.1,localhost").env("no_proxy", "127.0.0.1,localhost");
        command.env("WAVETANK_MAILBOXES", &mailboxes.first).env("WAVETANK_MAILBOXES_FILE", &mailboxes.file);
        command.stdout(io::stderr());
        command.spawn()
    }
}

/// The mailboxes that a program is told of.
struct Mailboxes {
    /// Those that were named, or else the first of the scenario's wave, separated by commas.
    first: String,
    /// A file with all of them, one on each line: those that were named, then the wave in its order.
    file: PathBuf,
}

impl Mailboxes {
    /// Writes the file into a directory.
    fn write(named: &[String], model: Option<&Model>, directory: &Path) -> io::Result<Self> {
        let file = directory.join("mailboxes.txt");
        let mut list = BufWriter::new(File::create(&file)?);
        let wave = model.map_or(Vec::new(), Model::wave);
        let address = |mailbox: &MailboxKey| model.map(|model| model.population.address(*mailbox));
        let addresses = || named.iter().cloned().chain(wave.iter().filter_map(address));
        for address in addresses() {
            writeln!(list, "{address}")?;
        }
        list.flush()?;
        let told = if named.is_empty() { FIRST } else { named.len() };
        Ok(Self { first: addresses().take(told).collect::<Vec<_>>().join(","), file })
    }
}

/// What a program finds in its environment about a server.
fn environment(ready: &Ready, side: &str) -> Vec<(String, String)> {
    let Ready { http, https, proxy, ca } = ready;
    let secure = https.as_ref().unwrap_or(http);
    let known = [
        ("HTTP_URL", Some(http.clone())),
        ("HTTPS_URL", https.clone()),
        ("EWS_URL", Some(format!("{secure}/EWS/Exchange.asmx"))),
        ("GRAPH_URL", Some(format!("{secure}/v1.0"))),
        ("TOKEN_URL", Some(secure.clone())),
        ("PROXY", proxy.clone()),
        ("CA", ca.clone()),
    ];
    let variable = |(name, value): (&str, Option<String>)| Some((format!("WAVETANK_{side}{name}"), value?));
    known.into_iter().filter_map(variable).collect()
}

/// Waits for a program. Whoever interrupts us interrupts it as well, and is told what came of it.
fn wait(mut child: Child) -> io::Result<ExitStatus> {
    let (tell, mut ended) = oneshot::channel();
    let waiting = thread::Builder::new().name("command".into()).spawn(move || {
        // Nobody listens only if we have given up.
        let _ = tell.send(child.wait());
    })?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let status = runtime.block_on(async {
        loop {
            tokio::select! {
                status = &mut ended => {
                    return status.unwrap_or_else(|_| Err(io::Error::other("nobody waits for the command")));
                }
                () = live::interrupted() => console::message("interrupted: waiting for the command to end"),
            }
        }
    });
    waiting.join().map_err(|_| io::Error::other("nobody waits for the command"))?;
    status
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_finds_the_server_in_its_environment() {
        let ready = Ready { http: "http://h:1".into(), https: Some("https://h:2".into()), proxy: None, ca: None };
        let found = environment(&ready, "SOURCE_");
        let value = |name: &str| found.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str());
        assert_eq!(value("WAVETANK_SOURCE_EWS_URL"), Some("https://h:2/EWS/Exchange.asmx"));
        assert_eq!(value("WAVETANK_SOURCE_HTTP_URL"), Some("http://h:1"));
        assert_eq!(value("WAVETANK_SOURCE_PROXY"), None);
    }
}
