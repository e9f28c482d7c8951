//! The program with a file for its state: ended, killed and started again.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Mutex;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http_body_util::Full;
use hyper::Request;
use serde_json::{Value, json};

use crate::client::{Heard, block_on, connect, exchange, reach, send};
use crate::program::{first_line, program};

const MAILBOX: &str = "alice@contoso.test";

/// The program while it runs.
struct Running {
    child: Child,
    address: SocketAddr,
}

impl Running {
    fn start(state: &Path) -> Self {
        let state = state.to_str().expect("a path that is text");
        let (child, line) = program(&["--format", "json", "--limits", "none", "--mailbox", MAILBOX, "--state", state]);
        Self::ready(child, &line)
    }

    /// Starts it in a shell after other commands.
    fn under(commands: &str, state: &Path) -> Self {
        let program = env!("CARGO_BIN_EXE_mock-server");
        let script = format!(
            "{commands}; exec '{program}' --format json --limits none --mailbox {MAILBOX} --state '{}'",
            state.display()
        );
        let mut child = Command::new("bash").args(["-c", &script]).stdout(Stdio::piped()).spawn().expect("a shell");
        let line = first_line(&mut child);
        Self::ready(child, &line)
    }

    fn ready(child: Child, line: &str) -> Self {
        let ready: Value = serde_json::from_str(line).expect("an object");
        let address = ready["http"].as_str().and_then(|url| url.strip_prefix("http://")).expect("a URL");
        Self { child, address: address.parse().expect("an address") }
    }

    /// Ends the program as an administrator does.
    fn end(mut self) {
        let told = Command::new("kill").arg(self.child.id().to_string()).status().expect("a command");
        assert!(told.success());
        assert!(self.child.wait().expect("an end").success());
    }

    fn kill(mut self) {
        self.child.kill().expect("a running program");
        self.child.wait().expect("an end");
    }

    fn request(&self, user: &str, method: &str, path: &str, kind: &str, body: String) -> Request<Full<Bytes>> {
        let credentials = format!("Basic {}", STANDARD.encode(format!("{user}:any")));
        let request = Request::builder().method(method).uri(path).header("host", self.address.to_string());
        let request = request.header("authorization", credentials).header("content-type", kind);
        request.body(Full::new(Bytes::from(body))).expect("a valid request")
    }

    fn ask(&self, user: &str, method: &str, path: &str, body: &Value) -> (u16, Value) {
        let body = if body.is_null() { String::new() } else { body.to_string() };
        let request = self.request(user, method, path, "application/json", body);
        let heard = block_on(exchange(self.address, request)).expect("an answer");
        (heard.status.as_u16(), serde_json::from_str(heard.text()).unwrap_or_default())
    }

    fn get(&self, path: &str) -> Value {
        let (status, answer) = self.ask(MAILBOX, "GET", path, &Value::Null);
        assert_eq!(status, 200, "{path}: {answer}");
        answer
    }

    fn post(&self, path: &str, body: &Value) -> Value {
        let (status, answer) = self.ask(MAILBOX, "POST", path, body);
        assert_eq!(status, 201, "{path}: {answer}");
        answer
    }

    /// Follows a sync of a folder through EWS, from a state to the next: the answer without its state, and the state.
    fn sync(&self, folder: &str, state: Option<&str>) -> (String, String) {
        let state = state.map_or(String::new(), |state| format!("<SyncState>{state}</SyncState>"));
        let body = format!(
            "<s:Envelope xmlns:s=\"http://schemas.xmlsoap.org/soap/envelope/\" \
             xmlns:t=\"http://schemas.microsoft.com/exchange/services/2006/types\"><s:Body>\
             <SyncFolderItems xmlns=\"http://schemas.microsoft.com/exchange/services/2006/messages\"><ItemShape>\
             <t:BaseShape>IdOnly</t:BaseShape></ItemShape><SyncFolderId><t:DistinguishedFolderId Id=\"{folder}\"/>\
             </SyncFolderId>{state}<MaxChangesReturned>100</MaxChangesReturned></SyncFolderItems></s:Body></s:Envelope>"
        );
        let request = self.request(MAILBOX, "POST", "/EWS/Exchange.asmx", "text/xml", body);
        let heard: Heard = block_on(exchange(self.address, request)).expect("an answer");
        let text = heard.text();
        let (before, rest) = text.split_once("<m:SyncState>").unwrap_or_else(|| panic!("no state: {text}"));
        let (state, after) = rest.split_once("</m:SyncState>").expect("an end");
        (format!("{before}{after}"), state.to_owned())
    }
}

/// The path and query of a link, which leads to the same place on the next port.
fn path_of(link: &Value) -> String {
    let link = link.as_str().expect("a link");
    link.splitn(4, '/').nth(3).map(|path| format!("/{path}")).expect("a path")
}

#[test]
fn what_clients_wrote_is_there_after_a_new_start_under_the_same_ids() {
    let folder = tempfile::tempdir().expect("a folder");
    let state = folder.path().join("state");
    let first = Running::start(&state);
    let plans = first.post("/v1.0/me/mailFolders", &json!({ "displayName": "Plans" }));
    let plans = plans["id"].as_str().expect("an id");
    let message = first.post("/v1.0/me/mailFolders/inbox/messages", &json!({ "subject": "kept", "isRead": false }));
    let id = message["id"].as_str().expect("an id");
    let gone = first.post("/v1.0/me/mailFolders/inbox/messages", &json!({ "subject": "gone" }));
    let gone = gone["id"].as_str().expect("an id");
    assert_eq!(first.ask(MAILBOX, "DELETE", &format!("/v1.0/me/messages/{gone}"), &Value::Null).0, 204);
    let (status, _) = first.ask(MAILBOX, "POST", "/_tank/mailboxes", &json!({ "address": "late@contoso.test" }));
    assert_eq!(status, 201);
    let late = "/v1.0/users/late@contoso.test/mailFolders/inbox/messages";
    let to_late = first.post(late, &json!({ "subject": "late" }));
    // A computed item that was changed.
    let (_, list) = first.ask("user1@contoso.test", "GET", "/v1.0/me/mailFolders/inbox/messages?$top=1", &Value::Null);
    let computed = list["value"][0]["id"].as_str().expect("an id");
    let path = format!("/v1.0/me/messages/{computed}");
    let (status, changed) = first.ask("user1@contoso.test", "PATCH", &path, &json!({ "subject": "changed" }));
    assert_eq!(status, 200);
    let delta = path_of(&first.get("/v1.0/me/mailFolders/inbox/messages/delta")["@odata.deltaLink"]);
    let (_, synced) = first.sync("inbox", None);
    let before = first.get(&format!("/v1.0/me/messages/{id}"));
    first.end();

    let second = Running::start(&state);
    assert_eq!(second.get(&format!("/v1.0/me/messages/{id}")), with_base(&before, &second));
    assert_eq!(second.ask(MAILBOX, "GET", &format!("/v1.0/me/messages/{gone}"), &Value::Null).0, 404);
    assert_eq!(second.get(&format!("/v1.0/me/mailFolders/{plans}"))["displayName"], "Plans");
    let late = format!("/v1.0/users/late@contoso.test/messages/{}", to_late["id"].as_str().expect("an id"));
    assert_eq!(second.get(&late)["subject"], "late");
    let (_, again) = second.ask("user1@contoso.test", "GET", &path, &Value::Null);
    assert_eq!((&again["subject"], &again["changeKey"]), (&json!("changed"), &changed["changeKey"]));
    assert_eq!(second.get(&delta)["value"], json!([]));
    let (nothing, synced) = second.sync("inbox", Some(&synced));
    assert!(!nothing.contains("<t:Create>"), "{nothing}");
    second.post("/v1.0/me/mailFolders/inbox/messages", &json!({ "subject": "new" }));
    let new = second.get(&delta);
    assert_eq!(new["value"].as_array().map(Vec::len), Some(1), "{new}");
    assert_eq!(new["value"][0]["subject"], "new");
    let (told, _) = second.sync("inbox", Some(&synced));
    assert_eq!(told.matches("<t:Create>").count(), 1, "{told}");
    second.end();
}

/// An entity as another port shows it.
fn with_base(entity: &Value, running: &Running) -> Value {
    let context = entity["@odata.context"].as_str().expect("a context");
    let own = path_of(&json!(context));
    let mut entity = entity.clone();
    entity["@odata.context"] = json!(format!("http://{}{own}", running.address));
    entity
}

/// Clients that write at once.
const WRITERS: usize = 6;

/// Has clients write until the server, killed while they do, no longer answers: the ids and subjects that they heard of.
fn write_until_killed(running: &mut Running, answers: usize) -> BTreeMap<String, String> {
    let heard = Mutex::new(BTreeMap::new());
    let address = running.address;
    let post = |subject: &str| {
        let body = json!({ "subject": subject }).to_string();
        running.request(MAILBOX, "POST", "/v1.0/me/mailFolders/inbox/messages", "application/json", body)
    };
    let killed = Mutex::new(false);
    let pid = running.child.id().to_string();
    let write = async |writer: usize| {
        let mut sender = connect(address).await;
        for count in 0.. {
            let subject = format!("{answers} {writer} {count}");
            let Ok(Heard { status, body: Ok(body), .. }) = send(&mut sender, post(&subject)).await else {
                assert!(*killed.lock().expect("no panic"), "{writer} heard nothing");
                return;
            };
            assert_eq!(status, 201);
            let message: Value = serde_json::from_slice(&body).expect("an object");
            let mut heard = heard.lock().expect("no panic");
            heard.insert(message["id"].as_str().expect("an id").to_owned(), subject);
            if heard.len() == answers {
                *killed.lock().expect("no panic") = true;
                assert!(Command::new("kill").args(["-9", &pid]).status().expect("a command").success());
            }
        }
    };
    block_on(async {
        let [one, two, three, four, five, six] = std::array::from_fn::<_, WRITERS, _>(write);
        tokio::join!(one, two, three, four, five, six);
    });
    running.child.wait().expect("an end");
    heard.into_inner().expect("no panic")
}

#[test]
fn a_killed_server_has_everything_that_a_client_was_told_of() {
    let folder = tempfile::tempdir().expect("a folder");
    let state = folder.path().join("state");
    let list = "/v1.0/me/mailFolders/inbox/messages?$select=subject&$top=1000";
    let mut known: BTreeMap<String, String> = BTreeMap::new();
    for answers in [1, 7, 40, 101] {
        let mut running = Running::start(&state);
        known.append(&mut write_until_killed(&mut running, answers));
        let after = Running::start(&state);
        let found = after.get(list);
        let found: BTreeMap<String, String> = found["value"]
            .as_array()
            .expect("a list")
            .iter()
            .map(|message| [&message["id"], &message["subject"]].map(|text| text.as_str().expect("text").to_owned()))
            .map(|[id, subject]| (id, subject))
            .collect();
        for (id, subject) in &known {
            assert_eq!(found.get(id), Some(subject), "after {answers} answers");
        }
        // What was asked for and not answered may be there.
        assert!(found.len() <= known.len() + WRITERS, "{} found, {} known", found.len(), known.len());
        let count = after.get("/v1.0/me/mailFolders/inbox")["totalItemCount"].as_u64();
        assert_eq!(count, Some(found.len() as u64));
        known = found;
        after.kill();
    }
}

#[test]
fn a_server_that_cannot_keep_its_state_says_so_instead_of_answering() {
    let folder = tempfile::tempdir().expect("a folder");
    let state = folder.path().join("state");
    Running::start(&state).end();
    // A limit on the length of files is what a full disk is like.
    let size = std::fs::metadata(&state).expect("it is there").len().div_ceil(1024);
    let running = Running::under(&format!("trap '' XFSZ; ulimit -f {}", size + 64), &state);
    let body = json!({ "subject": "large", "body": { "content": "x".repeat(1 << 20) } });
    let (status, _) = running.ask(MAILBOX, "POST", "/v1.0/me/mailFolders/inbox/messages", &body);
    assert_eq!(status, 500);
    assert_eq!(running.ask(MAILBOX, "GET", "/v1.0/me/mailFolders/inbox", &Value::Null).0, 500);
    running.kill();
    let after = Running::start(&state);
    assert_eq!(after.get("/v1.0/me/mailFolders/inbox")["totalItemCount"], json!(0));
    after.kill();
}

/// What the program says of a file, with the exit code.
fn refusal(state: &Path, arguments: &[&str]) -> (Option<i32>, String) {
    let state = state.to_str().expect("a path that is text");
    let mut command = Command::new(env!("CARGO_BIN_EXE_mock-server"));
    let output = command.args(["--state", state]).args(arguments).output().expect("a program");
    (output.status.code(), String::from_utf8(output.stderr).expect("text"))
}

#[test]
fn a_file_that_is_no_state_is_refused_with_the_exit_code_for_wrong_use() {
    let folder = tempfile::tempdir().expect("a folder");
    let state = folder.path().join("state");
    std::fs::write(&state, "a letter to somebody").expect("it can be written");
    let (code, told) = refusal(&state, &[]);
    assert_eq!(code, Some(2));
    assert_eq!(told, format!("mock-server: {} is no state file: name another file\n", state.display()));
    std::fs::remove_file(&state).expect("it is there");
    let running = Running::start(&state);
    let (code, told) = refusal(&state, &[]);
    assert_eq!(code, Some(2));
    assert_eq!(told, format!("mock-server: {} is in use by another server: name another file\n", state.display()));
    running.kill();
}

#[test]
fn the_state_of_other_mailboxes_is_refused() {
    let folder = tempfile::tempdir().expect("a folder");
    let state = folder.path().join("state");
    Running::start(&state).end();
    let (code, told) = refusal(&state, &["--seed", "7"]);
    assert_eq!(code, Some(2));
    let expected = "holds the state of 3 mailboxes of 100 items of 16384 bytes, beginning full, with seed 1, not of \
                    3 mailboxes of 100 items of 16384 bytes, beginning full, with seed 7";
    assert!(told.contains(expected), "{told}");
}

#[test]
fn connections_fail_where_a_fault_says_so_though_state_is_kept() {
    let folder = tempfile::tempdir().expect("a folder");
    let running = Running::start(&folder.path().join("state"));
    let fault = json!({ "name": "closed", "act": "unreachable", "door": "refused" });
    assert_eq!(running.ask(MAILBOX, "POST", "/_tank/faults", &fault).0, 200);
    let request = running.request(MAILBOX, "GET", "/v1.0/me", "application/json", String::new());
    // The connection may already be gone when it is made.
    assert!(block_on(reach(running.address, request)).is_none());
    running.kill();
}
