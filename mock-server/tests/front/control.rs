//! The control desk over real sockets.

use std::net::SocketAddr;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http_body_util::Full;
use hyper::Request;
use mock_server::control::access::Guard;
use mock_server::control::tank::Tank;
use mock_server::front::access::{Access, TOKEN_LIFE};
use mock_server::front::clock::Clock;
use mock_server::front::desk::Desk;
use mock_server::front::listen::{Handle, ListenOptions, start};
use mock_server::mailbox::named::Named;
use mock_server::mailbox::plain::Plain;
use mock_server::service::config::{Config, Holding};
use mock_server::service::core::Service;
use mock_server::throttle::preset;
use serde_json::Value;

use crate::client::{Heard, block_on, exchange};
use crate::server;

pub(crate) fn serve() -> Handle {
    let limits = preset::named("graph").expect("a preset");
    let config = Config { limits, ..server::free(Holding::Live) };
    start(ListenOptions::loopback(Clock::start()), move || {
        let service = Service::new(config, Named::new(Plain::default())).with_bytes(true);
        let desk = Desk::new(service, Access::new(3, TOKEN_LIFE));
        Tank::new(desk, Guard::default(), "2026-01-01T00:00:00Z".parse().expect("a timestamp"))
    })
    .expect("a server")
}

pub(crate) fn ask(address: SocketAddr, method: &str, path: &str, body: &str) -> Heard {
    let credentials = format!("Basic {}", STANDARD.encode("user0@contoso.test:any"));
    let request = Request::builder()
        .method(method)
        .uri(path)
        .header("host", address.to_string())
        .header("authorization", credentials)
        .header("content-type", "application/json")
        .body(Full::new(Bytes::copy_from_slice(body.as_bytes())))
        .expect("a request");
    block_on(exchange(address, request)).expect("an answer")
}

/// Asks the control desk, which must answer with a status, and returns the JSON.
pub(crate) fn control(address: SocketAddr, method: &str, path: &str, body: &str, status: u16) -> Value {
    let heard = ask(address, method, &format!("/_tank/{path}"), body);
    assert_eq!(heard.status, status, "{method} {path}: {}", heard.text());
    serde_json::from_str(heard.text()).expect("JSON")
}

fn folders(address: SocketAddr) -> u16 {
    ask(address, "GET", "/v1.0/users/user0@contoso.test/mailFolders?$top=10", "").status.as_u16()
}

#[test]
fn a_fault_is_switched_on_and_off_while_the_server_runs() {
    let server = serve();
    let address = server.address();
    let fine = folders(address);
    let fault = r#"{"name":"busy","act":"refuse","kind":"request_limit","retry_after_seconds":7}"#;
    let shown = control(address, "POST", "faults", fault, 200);
    assert_eq!(shown[0]["status"], 429);
    assert_eq!(folders(address), 429);
    control(address, "DELETE", "faults/busy", "", 200);
    assert_eq!(folders(address), fine);
    control(address, "DELETE", "faults/busy", "", 404);
    let wrong = control(address, "POST", "faults", r#"{"name":"busy","act":"sulk"}"#, 400);
    assert!(wrong["help"].as_str().is_some_and(|help| help.contains("lose-answer")), "{wrong}");
}

#[test]
fn a_fault_ends_by_itself() {
    let server = serve();
    let fault = r#"{"name":"short","act":"reset","seconds":0}"#;
    control(server.address(), "POST", "faults", fault, 200);
    assert_eq!(control(server.address(), "GET", "faults", "", 200), serde_json::json!([]));
}

#[test]
fn mailboxes_and_items_are_added() {
    let server = serve();
    let address = server.address();
    let added = control(address, "POST", "mailboxes", r#"{"address":"alice@contoso.test"}"#, 201);
    assert_eq!(added["address"], "alice@contoso.test");
    let items = control(address, "POST", "mailboxes/alice@contoso.test/items", r#"{"count":3,"bytes":2000}"#, 201);
    assert_eq!(items["items"], 3);
    let folders = control(address, "GET", "mailboxes/alice%40contoso.test", "", 200);
    let inbox = folders.as_array().and_then(|folders| folders.iter().find(|folder| folder["path"] == "Inbox"));
    assert_eq!(inbox.map(|inbox| (inbox["items"].clone(), inbox["bytes"].clone())), Some((3.into(), 6_000.into())));
    control(address, "POST", "mailboxes", r#"{"address":"not an address"}"#, 400);
    control(address, "GET", "mailboxes/bob@contoso.test", "", 404);
}

#[test]
fn limits_are_shown_with_what_is_used_and_changed() {
    let server = serve();
    let address = server.address();
    folders(address);
    let limits = control(address, "GET", "limits", "", 200);
    let name = limits[0]["name"].as_str().expect("a name").to_owned();
    let used = limits.as_array().expect("limits").iter().filter_map(|limit| limit["used"].as_array()).flatten();
    assert!(used.into_iter().any(|used| used["used"] == 1), "{limits}");
    let changed = control(address, "PUT", "limits", &format!(r#"{{"name":"{name}","most":0}}"#), 200);
    assert_eq!(changed[0]["most"], 0);
    assert_eq!(folders(address), 429);
    assert_eq!(control(address, "PUT", "limits", r#"{"preset":"none"}"#, 200), serde_json::json!([]));
}

#[test]
fn the_journal_tells_what_passed_and_keeps_no_secrets() {
    let server = serve();
    let address = server.address();
    folders(address);
    ask(address, "POST", "/tenant/oauth2/v2.0/token?hint=s3cret", "client_secret=s3cret");
    ask(address, "GET", "/v1.0/users/nobody@contoso.test/mailFolders", "");
    let heard = ask(address, "GET", "/_tank/journal", "");
    let lines: Vec<Value> =
        heard.text().lines().map(|line| serde_json::from_str(line).expect("a line of JSON")).collect();
    assert_eq!(lines.len(), 3);
    assert_eq!((&lines[0]["operation"], &lines[0]["mailbox"]), (&"find_folders".into(), &"user0@contoso.test".into()));
    assert_eq!(lines[2]["status"], 404);
    assert!(lines[2]["error"].as_str().is_some_and(|error| error.contains("error")));
    assert!(!heard.text().contains("s3cret") && !heard.text().contains("Basic "));
    let archive = control(address, "GET", "journal?format=har&refused=true&mailbox=user0@contoso.test", "", 200);
    assert_eq!(archive["log"]["entries"], serde_json::json!([]));
    control(address, "GET", "journal?colour=red", "", 400);
    let metrics = ask(address, "GET", "/_tank/metrics", "");
    let counted =
        format!("mock_server_requests_total{{operation=\"find_folders\",status=\"{}\"}} 1", lines[0]["status"]);
    assert!(metrics.text().contains(&counted), "{}", metrics.text());
}

#[test]
fn the_page_is_served_and_health_is_told() {
    let server = serve();
    let page = ask(server.address(), "GET", "/_tank", "");
    assert!(page.header("content-type").starts_with("text/html") && page.text().contains("Last requests"));
    assert_eq!(control(server.address(), "GET", "health", "", 200)["status"], "ok");
    control(server.address(), "GET", "nothing", "", 404);
}

/// What a client hears of a wait under policies that were written to the control desk.
fn wait_under(policy: &str) -> (u16, Option<String>) {
    let server = serve();
    let address = server.address();
    control(address, "PUT", "policies", policy, 200);
    let heard = ask(address, "GET", "/v1.0/users/user0@contoso.test/mailFolders?$top=10", "");
    let wait = heard.headers.get("retry-after").map(|value| value.to_str().expect("text").to_owned());
    (heard.status.as_u16(), wait)
}

#[test]
fn policies_are_changed_and_announce_waits_in_every_form() {
    let closed = |more: &str| {
        format!(r#"[{{"name":"closed","meter":"lanes","most":0,"refusal":"request_limit","scope":["app"],{more}}}]"#)
    };
    let constant = |form| closed(&format!(r#""retry_after_seconds":2.128,"retry_after_form":"{form}""#));
    assert_eq!(wait_under(&constant("seconds")), (429, Some("3".to_owned())));
    assert_eq!(wait_under(&constant("decimals")), (429, Some("2.128".to_owned())));
    let (status, date) = wait_under(&constant("date"));
    assert_eq!(status, 429);
    assert!(date.is_some_and(|date| date.ends_with(" GMT")));
    assert_eq!(wait_under(&closed(r#""announce":"missing""#)), (429, None));
    assert_eq!(wait_under("[]").0, 200);
}

#[test]
fn policies_are_shown_with_what_is_used() {
    let server = serve();
    let address = server.address();
    let policy =
        r#"[{"name":"two","meter":"fixed","unit":"requests","most":1,"per_seconds":9000,"scope":["address"]}]"#;
    control(address, "PUT", "policies", policy, 200);
    assert_eq!((folders(address), folders(address)), (200, 429));
    let shown = control(address, "GET", "policies", "", 200);
    assert_eq!((shown[0]["name"].as_str(), shown[0]["used"][0]["used"].as_u64()), (Some("two"), Some(1)));
    assert!(control(address, "PUT", "policies", r#"[{"preset":"no"}]"#, 400)["help"].is_string());
}
