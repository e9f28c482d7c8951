//! Real clients against the real command: Python, JavaScript and Java programs that know nothing of the project, and a
//! browser that shows its control page.
//!
//! What they need is set up by `.ci/clients`; a client whose interpreter or packages are missing is skipped, and says so.

use std::fs::{self, File};
use std::io::{BufRead, BufReader, Read};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::Duration;

use serde_json::Value;
use tempfile::TempDir;

/// The mailboxes that the server is given.
const MAILBOXES: [&str; 3] = ["alice@contoso.test", "bob@contoso.test", "carol@contoso.test"];

/// How often a port of another program is tried, with a pause in between, until it answers.
const TRIES: u32 = 300;

/// The pause between two tries.
const PAUSE: Duration = Duration::from_millis(100);

/// A program that ends with its test.
struct Program(Child);

impl Drop for Program {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// A server, or a recorder before one, that says where it is.
struct Server {
    _program: Program,
    said: Value,
    directory: TempDir,
}

impl Server {
    /// Starts a program whose first line says where it is.
    fn ready(mut command: Command, directory: TempDir) -> Self {
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::inherit()).spawn().expect("the program starts");
        let mut line = String::new();
        let mut stdout = BufReader::new(child.stdout.take().expect("a pipe"));
        stdout.read_line(&mut line).expect("a line");
        let said = serde_json::from_str(&line).unwrap_or_else(|error| panic!("{error}: {line:?}"));
        // Whatever else it says must not fill the pipe.
        thread::spawn(move || std::io::copy(&mut stdout, &mut std::io::sink()));
        Self { _program: Program(child), said, directory }
    }

    fn start(arguments: &[&str]) -> Self {
        let directory = tempfile::tempdir().expect("a directory");
        let mut command = Command::new(env!("CARGO_BIN_EXE_wavetank"));
        command.current_dir(root()).arg("serve").args(arguments).args(["--format", "json"]);
        command.args(["--listen", "127.0.0.1:0", "--tls", "127.0.0.1:0", "--proxy", "127.0.0.1:0", "--ca-out"]);
        command.arg(directory.path().join("ca.pem"));
        for mailbox in MAILBOXES {
            command.args(["--mailbox", mailbox]);
        }
        Self::ready(command, directory)
    }

    /// A server that every fifth request of a mailbox is refused by.
    fn throttled() -> Self {
        Self::start(&["tests/clients/every-fifth.toml", "--side", "source"])
    }

    fn at(&self, key: &str) -> &str {
        self.said[key].as_str().unwrap_or_else(|| panic!("no {key} in {}", self.said))
    }

    /// A client's environment: only this server's authority is trusted, and no proxy is in the way.
    fn environment(&self, mut command: Command) -> Command {
        for name in ["REQUESTS_CA_BUNDLE", "SSL_CERT_FILE", "NODE_EXTRA_CA_CERTS"] {
            command.env(name, self.at("ca"));
        }
        for name in ["HTTPS_PROXY", "HTTP_PROXY", "https_proxy", "http_proxy", "ALL_PROXY", "all_proxy"] {
            command.env_remove(name);
        }
        command.env("NO_PROXY", "127.0.0.1,localhost").env("PYTHONDONTWRITEBYTECODE", "1");
        command
    }

    /// The environment of a client that reaches Microsoft's host names through the proxy.
    fn through_proxy(&self, command: Command) -> Command {
        let mut command = self.environment(command);
        command.env_remove("NO_PROXY").env("HTTPS_PROXY", self.at("proxy"));
        command
    }
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn scripts() -> PathBuf {
    root().join("tests/clients")
}

/// Where `.ci/clients` puts what clients need.
fn packages() -> PathBuf {
    Path::new(env!("CARGO_TARGET_TMPDIR")).parent().expect("a build directory").join("clients")
}

#[expect(clippy::print_stderr, reason = "whoever reads the test's output must see what was not tried")]
fn skip(why: &str) {
    eprintln!("skipped: {why}");
}

/// Runs a client to its end; its last line must be OK.
fn run(name: &str, mut command: Command) -> String {
    let output = command.current_dir(scripts()).stdin(Stdio::null()).output().expect("the client starts");
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let errors = String::from_utf8_lossy(&output.stderr);
    let fine = output.status.success() && text.trim_end().ends_with("OK");
    assert!(fine, "{name}: {}\n{text}\n{errors}", output.status);
    text
}

/// The interpreter with the Python clients' packages, if it was set up.
fn python() -> Option<PathBuf> {
    let python = packages().join("venv/bin/python");
    if python.exists() {
        return Some(python);
    }
    skip("there is no Python environment at target/clients/venv; .ci/clients makes it");
    None
}

/// A Python client that talks to the server directly.
fn script(server: &Server, python: &Path, file: &str) -> Command {
    let mut command = server.environment(Command::new(python));
    command.arg(file).args(["--https", server.at("https")]);
    command
}

#[test]
fn exchangelib_reads_and_writes_with_a_password() {
    let Some(python) = python() else { return };
    let server = Server::start(&[]);
    let mut command = script(&server, &python, "ews_mail.py");
    command.args(["--http", server.at("http")]);
    run("exchangelib", command);
}

fn exchangelib_waits() {
    let Some(python) = python() else { return };
    let server = Server::throttled();
    let mut command = script(&server, &python, "ews_mail.py");
    command.arg("--throttled");
    run("exchangelib, throttled", command);
}

#[test]
fn exchangelib_acts_for_a_user_with_a_token() {
    let Some(python) = python() else { return };
    let server = Server::start(&[]);
    run("exchangelib with a token", script(&server, &python, "ews_app.py"));
}

#[test]
fn graph_sdk_for_python_reads_and_writes() {
    let Some(python) = python() else { return };
    let server = Server::start(&[]);
    run("msgraph-sdk", script(&server, &python, "graph_mail.py"));
}

fn graph_sdk_for_python_waits() {
    let Some(python) = python() else { return };
    let server = Server::throttled();
    let mut command = script(&server, &python, "graph_mail.py");
    command.arg("--throttled");
    run("msgraph-sdk, throttled", command);
}

#[test]
fn clients_need_only_a_proxy_and_an_authority() {
    let Some(python) = python() else { return };
    let server = Server::start(&[]);
    for file in ["ews_app.py", "graph_mail.py"] {
        let mut command = server.through_proxy(Command::new(&python));
        command.arg(file);
        run(&format!("{file} through the proxy"), command);
    }
}

/// A JavaScript client, if Node and the packages are there.
fn node(server: &Server) -> Option<Command> {
    if !packages().join("node_modules/@azure/msal-node").is_dir() || Command::new("node").arg("-v").output().is_err() {
        skip("there is no Node, or no packages at target/clients/node_modules; .ci/clients installs them");
        return None;
    }
    let mut command = server.environment(Command::new("node"));
    command.env("WAVETANK_NODE_MODULES", packages());
    command.args(["graph_mail.mjs", server.at("https"), MAILBOXES[0]]);
    Some(command)
}

#[test]
fn graph_client_for_javascript_reads_and_writes() {
    let server = Server::start(&[]);
    let Some(command) = node(&server) else { return };
    run("microsoft-graph-client", command);
}

fn graph_client_for_javascript_waits() {
    let server = Server::throttled();
    let Some(mut command) = node(&server) else { return };
    command.arg("throttled");
    run("microsoft-graph-client, throttled", command);
}

/// They do little else, and so do not disturb each other.
#[test]
fn clients_wait_when_they_are_throttled() {
    let all: [fn(); 3] = [exchangelib_waits, graph_sdk_for_python_waits, graph_client_for_javascript_waits];
    thread::scope(|scope| {
        for waits in all {
            scope.spawn(waits);
        }
    });
}

/// A browser, by the names under which it is known.
fn chromium() -> Option<PathBuf> {
    let places = std::env::var_os("PATH").unwrap_or_default();
    let known = ["chromium", "chromium-browser", "google-chrome"];
    let mut all = known.iter().flat_map(|name| std::env::split_paths(&places).map(move |place| place.join(name)));
    let found = all.find(|file| file.is_file());
    if found.is_none() {
        skip("there is no Chromium; .ci/clients installs it (Debian's package chromium)");
    }
    found
}

/// The script that looks for laws on the control page, if a browser and what drives it are there. A picture of the page
/// is kept in the directory that `WAVETANK_PICTURES` names.
fn browser(server: &Server) -> Option<Command> {
    let driver = packages().join("node_modules/playwright-core");
    if !driver.is_dir() || Command::new("node").arg("-v").output().is_err() {
        skip("there is no Node, or no playwright-core at target/clients/node_modules; .ci/clients installs them");
        return None;
    }
    let mut command = server.environment(Command::new("node"));
    command.env("WAVETANK_NODE_MODULES", packages());
    command.args(["control_page.mjs", server.at("http")]).arg(chromium()?);
    command.args(std::env::var_os("WAVETANK_PICTURES"));
    Some(command)
}

/// Takes longer than any other, and so comes first in the order of their names.
#[test]
fn a_browser_switches_every_kind_of_fault_on_the_control_page() {
    let server = Server::start(&[]);
    let Some(command) = browser(&server) else { return };
    run("the control page", command);
}

/// A port that was free a moment ago.
fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").expect("a port").local_addr().expect("an address").port()
}

/// Starts `DavMail` before a server, if it is there; tells its ports for IMAP and SMTP.
fn davmail(server: &Server) -> Option<(Program, [u16; 2])> {
    let jar = ["/usr/share/davmail/davmail.jar", "/usr/share/java/davmail.jar"].map(Path::new);
    let java = Command::new("java").arg("-version").output();
    let Some(jar) = jar.into_iter().find(|jar| jar.exists()).filter(|_| java.is_ok()) else {
        skip("there is no DavMail; .ci/clients installs it (Debian's package davmail-server)");
        return None;
    };
    let ports = [free_port(), free_port()];
    let file = server.directory.path().join("davmail.properties");
    let properties = format!(
        "davmail.server=true\ndavmail.mode=EWS\ndavmail.url={}/EWS/Exchange.asmx\ndavmail.imapPort={}\n\
         davmail.smtpPort={}\ndavmail.bindAddress=127.0.0.1\ndavmail.disableUpdateCheck=true\n\
         davmail.popPort=\ndavmail.caldavPort=\ndavmail.ldapPort=\ndavmail.imapAutoExpunge=false\n\
         davmail.enableKerberos=false\ndavmail.logFilePath={}\nlog4j.rootLogger=WARN\n",
        server.at("http"),
        ports[0],
        ports[1],
        server.directory.path().join("davmail.log").display(),
    );
    fs::write(&file, properties).expect("writable");
    let log = File::create(server.directory.path().join("davmail.out")).expect("writable");
    let child = Command::new("java")
        .args(["-Xmx256m", "-jar"])
        .arg(jar)
        .arg("-server")
        .arg(&file)
        .stdout(log.try_clone().expect("a file"))
        .stderr(log)
        .spawn()
        .expect("Java starts");
    let program = Program(child);
    for _ in 0..TRIES {
        if ports.iter().all(|&port| std::net::TcpStream::connect(("127.0.0.1", port)).is_ok()) {
            return Some((program, ports));
        }
        thread::sleep(PAUSE);
    }
    let mut said = String::new();
    let read =
        File::open(server.directory.path().join("davmail.out")).and_then(|mut log| log.read_to_string(&mut said));
    panic!("DavMail does not listen: {read:?} {said}");
}

fn imap(python: &Path, server: &Server, [imap, smtp]: [u16; 2]) -> Command {
    let mut command = server.environment(Command::new(python));
    command.args(["davmail.py", "--imap", &imap.to_string(), "--smtp", &smtp.to_string()]);
    command
}

#[test]
fn davmail_reads_and_writes_mail() {
    let Some(python) = python() else { return };
    let server = Server::start(&[]);
    let Some((_davmail, ports)) = davmail(&server) else { return };
    run("DavMail", imap(&python, &server, ports));
}

/// The server behind something that writes down what passes.
fn recorder(server: &Server, python: &Path) -> Server {
    let directory = tempfile::tempdir().expect("a directory");
    let mut command = server.environment(Command::new(python));
    command.current_dir(scripts()).arg("recorder.py").args([
        "--http",
        server.at("http"),
        "--https",
        server.at("https"),
    ]);
    command.args(["--trust", server.at("ca"), "--ca-out"]).arg(directory.path().join("ca.pem"));
    command.arg("--out").arg(directory.path().join("record.jsonl"));
    Server::ready(command, directory)
}

#[test]
fn recorded_answers_keep_to_the_schemas() {
    let Some(python) = python() else { return };
    let data = root().join("../shared/data");
    let schemas = [("ews_schema.py", "ews-schema"), ("graph_schema.py", "graph-schema/v1.0.csdl")];
    if schemas.iter().any(|(_, schema)| !data.join(schema).exists()) {
        skip(&format!("there are no schemas at {}", data.display()));
        return;
    }
    let server = Server::start(&[]);
    let recorder = recorder(&server, &python);
    let mut command = script(&recorder, &python, "ews_mail.py");
    command.args(["--http", recorder.at("http")]);
    run("exchangelib, recorded", command);
    run("msgraph-sdk, recorded", script(&recorder, &python, "graph_mail.py"));
    if let Some(command) = node(&recorder) {
        run("microsoft-graph-client, recorded", command);
    }
    if let Some((_davmail, ports)) = davmail(&recorder) {
        run("DavMail, recorded", imap(&python, &recorder, ports));
    }
    for (oracle, schema) in schemas {
        let mut command = Command::new(&python);
        command
            .arg(oracle)
            .arg(data.join(schema))
            .arg("allowed.txt")
            .arg(recorder.directory.path().join("record.jsonl"));
        let output = command.current_dir(scripts()).output().expect("the oracle starts");
        let said = String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{oracle}:\n{said}");
    }
}

#[test]
fn exchangelibs_own_suite_passes_what_it_passed() {
    let Some(python) = python() else { return };
    let server = Server::start(&[]);
    let mut command = server.environment(Command::new(&python));
    let address = server.at("https").trim_start_matches("https://").to_owned();
    command.args(["exchangelib_suite.py", "--server", &address, "--target"]).arg(packages());
    for mailbox in MAILBOXES {
        command.args(["--mailbox", mailbox]);
    }
    if let Ok(source) = std::env::var("WAVETANK_EXCHANGELIB") {
        command.args(["--source", &source]);
    }
    let output = command.current_dir(scripts()).output().expect("the runner starts");
    let text = String::from_utf8_lossy(&output.stdout);
    if text.starts_with("skipped") {
        skip(text.trim_end());
        return;
    }
    assert!(output.status.success(), "{text}\n{}", String::from_utf8_lossy(&output.stderr));
}
