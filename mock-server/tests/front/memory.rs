//! What a tenant of two million mailboxes costs the program: memory and time to start, with ten thousand of them touched.

use std::fs;
use std::net::SocketAddr;
use std::path::Path;
use std::process::Child;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http_body_util::Full;
use hyper::Request;
use hyper::client::conn::http1::SendRequest;
use mock_server::front::clock::Clock;
use mock_server::time::{Moment, Span};
use serde_json::{Value, json};

use crate::client::{block_on, connect, send};
use crate::program::program;

/// The mailboxes of the tenant.
const MAILBOXES: u32 = 2_000_000;

/// Those that clients touch.
const TOUCHED: u32 = 10_000;

/// In every so manieth of those, clients also change a computed message, which is stored whole from then on.
const CHANGED: u32 = 4;

/// Clients that do so at once.
const CLIENTS: u32 = 64;

/// The most memory that may be resident at any time, in kibibytes: 500 MiB.
const MOST_KIB: u64 = 500 << 10;

/// The longest that a start may take.
const LONGEST: Span = Span::seconds(1);

/// How often the program is started: other programs on the machine make single starts slow, never fast.
const STARTS: u32 = 3;

/// The program while it runs; it ends with this.
struct Running {
    child: Child,
    address: SocketAddr,
}

impl Drop for Running {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Starts the program; tells how long that took, too.
fn start(state: &Path) -> (Running, Span) {
    let clock = Clock::start();
    let mailboxes = MAILBOXES.to_string();
    let state = state.to_str().expect("a path that is text");
    let arguments = ["--mailboxes", &mailboxes, "--limits", "none", "--format", "json", "--state", state];
    let (child, line) = program(&arguments);
    let took = clock.now().since(Moment::START);
    let ready: Value = serde_json::from_str(&line).expect("an object");
    let address = ready["http"].as_str().and_then(|url| url.strip_prefix("http://")).expect("a URL");
    (Running { child, address: address.parse().expect("an address") }, took)
}

/// The shortest start of several; the last program goes on.
fn start_well(state: &Path) -> (Running, Span) {
    let (mut running, mut best) = start(state);
    for _ in 1..STARTS {
        if best < LONGEST {
            break;
        }
        drop(running);
        let (next, took) = start(state);
        (running, best) = (next, best.min(took));
    }
    (running, best)
}

/// The most memory that was ever resident in a process, in kibibytes, where the system tells.
fn peak_kib(child: &Child) -> Option<u64> {
    let status = fs::read_to_string(format!("/proc/{}/status", child.id())).ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    line.trim().strip_suffix("kB")?.trim().parse().ok()
}

async fn ask(sender: &mut SendRequest<Full<Bytes>>, user: &str, method: &str, path: &str, body: &Value) -> Value {
    let credentials = format!("Basic {}", STANDARD.encode(format!("{user}:any")));
    let body = if body.is_null() { String::new() } else { body.to_string() };
    let request = Request::builder().method(method).uri(path).header("host", "localhost");
    let request = request.header("authorization", credentials).header("content-type", "application/json");
    let heard = send(sender, request.body(Full::new(Bytes::from(body))).expect("a request")).await.expect("an answer");
    assert!(heard.status.is_success(), "{user} {method} {path}: {} {:?}", heard.status, heard.body);
    serde_json::from_str(heard.text()).expect("an object")
}

fn user(touched: u32) -> String {
    format!("user{}@contoso.test", touched * (MAILBOXES / TOUCHED))
}

/// Lists messages and stores a new one in every mailbox that is one client's to touch.
async fn touch(address: SocketAddr, client: u32) {
    let mut sender = connect(address).await;
    let text = "All work and no play. ".repeat(100);
    for touched in (client..TOUCHED).step_by(CLIENTS as usize) {
        let user = user(touched);
        let inbox = "/v1.0/me/mailFolders/inbox/messages";
        let list = ask(&mut sender, &user, "GET", &format!("{inbox}?$top=3"), &Value::Null).await;
        let message = json!({ "subject": "new", "body": { "contentType": "text", "content": text } });
        ask(&mut sender, &user, "POST", inbox, &message).await;
        if touched.is_multiple_of(CHANGED) {
            let id = list["value"][0]["id"].as_str().expect("an id");
            let path = format!("/v1.0/me/messages/{id}");
            ask(&mut sender, &user, "PATCH", &path, &json!({ "categories": ["changed"] })).await;
        }
    }
}

/// The folders and messages of some mailboxes.
async fn look(address: SocketAddr) -> Vec<Value> {
    let mut sender = connect(address).await;
    let mut seen = Vec::new();
    for touched in [0, 1, TOUCHED / 2, TOUCHED - 1] {
        for path in ["/v1.0/me/mailFolders?$top=100", "/v1.0/me/mailFolders/inbox/messages?$top=100"] {
            seen.push(ask(&mut sender, &user(touched), "GET", path, &Value::Null).await["value"].take());
        }
    }
    seen
}

#[expect(clippy::print_stdout, reason = "figures are worth knowing, and a test that does not run must say so")]
#[test]
fn two_million_mailboxes_with_ten_thousand_touched_stay_below_500_mib_and_start_within_a_second() {
    let folder = tempfile::tempdir().expect("a folder");
    let state = folder.path().join("state");
    let (first, fresh) = start_well(&state);
    block_on(async {
        let local = tokio::task::LocalSet::new();
        let tasks: Vec<_> = (0..CLIENTS).map(|client| local.spawn_local(touch(first.address, client))).collect();
        let all = async {
            for task in tasks {
                task.await.expect("no panic");
            }
        };
        local.run_until(all).await;
    });
    let seen = block_on(look(first.address));
    let after_touching = peak_kib(&first.child);
    drop(first);
    let kept = fs::metadata(&state).expect("it is there").len();
    let (second, again) = start_well(&state);
    assert!(block_on(look(second.address)) == seen, "mailboxes are not what they were");
    let after_restart = peak_kib(&second.child);
    drop(second);
    println!(
        "start of {MAILBOXES} mailboxes: {fresh:?}; with {TOUCHED} of them in a state file of {} MiB: {again:?}",
        kept >> 20
    );
    assert!(fresh < LONGEST && again < LONGEST, "{fresh:?}, {again:?}");
    let (Some(touched), Some(restarted)) = (after_touching, after_restart) else {
        println!("skipped: the system does not tell the peak of resident memory (/proc/PID/status is absent)");
        return;
    };
    println!("peak of resident memory: {} MiB touching, {} MiB after a new start", touched >> 10, restarted >> 10);
    assert!(touched < MOST_KIB && restarted < MOST_KIB, "{touched} KiB, {restarted} KiB");
}
