//! Requests of real clients, recorded by others.

use std::path::Path;

use crate::wire::call::Call;
use crate::wire::ews::xml::{MESSAGES_URI, SOAP_URI, TYPES_URI};
use crate::wire::ews::{decode_answer, decode_call, encode_error};

fn envelope(header: &str, body: &str) -> String {
    format!(
        "<s:Envelope xmlns:s=\"{SOAP_URI}\" xmlns:m=\"{MESSAGES_URI}\" xmlns:t=\"{TYPES_URI}\"><s:Header>{header}\
         </s:Header><s:Body>{body}</s:Body></s:Envelope>"
    )
}

#[test]
#[expect(clippy::print_stderr, reason = "the count is what a reader of the test's output wants to know")]
fn requests_of_real_clients_are_answered() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/data/wire/ews-requests.txt");
    let Ok(samples) = std::fs::read_to_string(&path) else {
        eprintln!("skipped: there are no recorded requests at {}", path.display());
        return;
    };
    let (mut name, mut header, mut understood, mut total) = ("", "", Vec::new(), 0);
    for line in samples.lines() {
        if let Some(title) = line.strip_prefix("### ") {
            name = title;
        } else if let Some(found) = line.strip_prefix("SOAP header: ") {
            header = if found == "(none)" { "" } else { found };
        } else if let Some(body) = line.strip_prefix("SOAP body: ") {
            total += 1;
            match decode_call(envelope(header, body).as_bytes(), None) {
                Ok(decoded) => understood.push(format!("{name}: {}", decoded.call.operation())),
                Err(error) => {
                    let answer = encode_error(&error);
                    assert!(decode_answer(&Call::SyncFolders { state: None }, &answer).is_err(), "{name}");
                }
            }
        }
    }
    eprintln!("{} of {total} recorded requests are understood: {understood:#?}", understood.len());
    assert!(total > 40, "only {total} requests were found");
    assert!(understood.len() >= 7, "too few requests are understood");
}
