//! The server as a program of its own.

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};

use crate::client::{block_on, exchange, request};

/// Starts the program and waits for the line that says that it is ready.
pub(super) fn program(arguments: &[&str]) -> (Child, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_mock-server"));
    let mut child = command.args(arguments).stdout(Stdio::piped()).spawn().expect("a program");
    let line = first_line(&mut child);
    (child, line)
}

/// The line that a program says first.
pub(super) fn first_line(child: &mut Child) -> String {
    let mut line = String::new();
    let output = child.stdout.take().expect("a pipe");
    BufReader::new(output).read_line(&mut line).expect("a line");
    line
}

#[test]
fn program_says_where_it_listens_and_serves() {
    let (mut child, line) = program(&["--format", "json", "--mailboxes", "2"]);
    let ready: serde_json::Value = serde_json::from_str(&line).expect("an object");
    let address = ready["http"].as_str().and_then(|url| url.strip_prefix("http://")).expect("a URL");
    let address = address.parse().expect("an address");
    block_on(async {
        let mut asked = request(address, "/v1.0/users/user1@contoso.test/mailFolders", "");
        let basic = "Basic dXNlcjFAY29udG9zby50ZXN0OmFueQ==";
        asked.headers_mut().insert("authorization", basic.parse().expect("a header"));
        let heard = exchange(address, asked).await.expect("an answer");
        assert_eq!(heard.status, 200);
        assert!(heard.text().contains("\"Inbox\""), "{}", heard.text());
    });
    child.kill().expect("a running program");
    child.wait().expect("an end");
}

#[test]
fn program_explains_what_it_cannot_do() {
    let command = |arguments: &[&str]| {
        let output = Command::new(env!("CARGO_BIN_EXE_mock-server")).args(arguments).output().expect("a program");
        assert_eq!(output.status.code(), Some(2), "{arguments:?}");
        String::from_utf8(output.stderr).expect("text")
    };
    let (mut child, line) = program(&[]);
    assert!(line.starts_with("serving user0@contoso.test to user2@contoso.test at http://127.0.0.1:"), "{line}");
    let taken = line.split_once("http://").and_then(|(_, rest)| rest.split([';', ',']).next()).expect("a URL");
    let told = command(&["--listen", taken]);
    child.kill().expect("a running program");
    child.wait().expect("an end");
    assert!(told.starts_with(&format!("mock-server: cannot listen on {taken}: ")), "{told}");
    assert!(command(&["--limits", "nope"]).contains("known presets are none, outlook"));
}
