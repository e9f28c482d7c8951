//! Tricks over real sockets: every kind of fault is switched on at the control desk, felt by a client, and ends.

use std::net::SocketAddr;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http_body_util::Full;
use hyper::Request;
use serde_json::{Value, json};

use crate::client::{block_on, exchange, reach};
use crate::control::{ask, control, serve};

const FOLDERS: &str = "/v1.0/users/user0@contoso.test/mailFolders?$top=10";
const MESSAGES: &str = "/v1.0/users/user0@contoso.test/messages";
const DELTA: &str = "/v1.0/users/user0@contoso.test/mailFolders/inbox/messages/delta";

/// Switches a fault on in place of all others.
fn switch(address: SocketAddr, fault: &Value) {
    control(address, "DELETE", "faults", "", 200);
    control(address, "POST", "faults", &fault.to_string(), 200);
}

/// A fault of an act as it is offered, with everything that it needs.
fn fault_of(act: &Value, seconds: u32) -> Value {
    let name = act["name"].as_str().expect("a name");
    let mut fault = json!({
        "name": name, "act": name, "seconds": seconds, "operations": ["get_folders"], "delay_seconds": 0.001,
        "over_seconds": 0.001, "skew_seconds": 420, "error": "busy", "life_seconds": 30, "nth": 1_000_000,
    });
    // What has no meaning for the act is refused.
    let its_own = |key: &str| act["parameters"].as_array().expect("a list").iter().any(|own| own["key"] == key);
    let ignored = |key: &str| act["ignores"].as_array().expect("a list").iter().any(|ignored| ignored == key);
    let of_all = |key: &str| ["name", "act", "seconds", "operations", "nth"].contains(&key) && !ignored(key);
    fault.as_object_mut().expect("an object").retain(|key, _| its_own(key) || of_all(key));
    fault
}

/// What an EWS client hears that stores two items at once.
fn store_two(address: SocketAddr) -> String {
    let item = "<t:Message><t:Subject>one of two</t:Subject></t:Message>";
    ews(
        address,
        &format!("<m:CreateItem MessageDisposition=\"SaveOnly\"><m:Items>{item}{item}</m:Items></m:CreateItem>"),
    )
}

/// What an EWS client hears that asks for an operation.
fn ews(address: SocketAddr, operation: &str) -> String {
    const BASE: &str = "http://schemas.microsoft.com/exchange/services/2006/";
    let body = format!(
        "<s:Envelope xmlns:s=\"http://schemas.xmlsoap.org/soap/envelope/\" xmlns:m=\"{BASE}messages\" \
         xmlns:t=\"{BASE}types\"><s:Body>{operation}</s:Body></s:Envelope>"
    );
    let request = Request::builder()
        .method("POST")
        .uri("/EWS/Exchange.asmx")
        .header("host", address.to_string())
        .header("authorization", format!("Basic {}", STANDARD.encode("user0@contoso.test:any")))
        .header("content-type", "text/xml")
        .body(Full::new(Bytes::from(body)))
        .expect("a request");
    block_on(exchange(address, request)).expect("an answer").text().to_owned()
}

/// Whether a client that makes a connection of its own gets an answer.
fn reached(address: SocketAddr) -> bool {
    let request = Request::get("/_tank/health").header("host", address.to_string());
    let request = request.body(Full::new(Bytes::new())).expect("a request");
    block_on(reach(address, request)).is_some()
}

fn drafts(address: SocketAddr) -> u64 {
    let heard = ask(address, "GET", "/v1.0/users/user0@contoso.test/mailFolders/drafts", "");
    let folder: Value = serde_json::from_str(heard.text()).expect("JSON");
    folder["totalItemCount"].as_u64().expect("a count")
}

#[test]
fn every_kind_of_fault_is_switched_on_and_ends_by_itself() {
    let server = serve();
    let address = server.address();
    let offered = control(address, "GET", "faults/acts", "", 200);
    let acts = offered["acts"].as_array().expect("a list");
    assert!(20 <= acts.len(), "{acts:?}");
    for act in acts {
        switch(address, &fault_of(act, 3_600));
        let shown = control(address, "GET", "faults", "", 200);
        assert_eq!(shown[0]["act"], act["name"]);
        assert!(shown[0]["seconds"].as_f64().is_some_and(|seconds| (3_500.0..=3_600.0).contains(&seconds)), "{shown}");
        switch(address, &fault_of(act, 0));
        assert_eq!(control(address, "GET", "faults", "", 200), json!([]), "{act}");
    }
}

#[test]
fn a_fault_concerns_the_only_mailbox_that_it_names() {
    let server = serve();
    let address = server.address();
    switch(address, &json!({"name": "a", "act": "empty", "mailbox": "user0@contoso.test"}));
    assert_eq!(ask(address, "GET", FOLDERS, "").text(), "");
    let shown = control(address, "GET", "faults", "", 200);
    assert_eq!((&shown[0]["mailbox"], &shown[0]["mailboxes"]), (&json!("user0@contoso.test"), &json!([0, 0])));
    control(address, "POST", "mailboxes", r#"{"address":"alice@contoso.test"}"#, 201);
    switch(address, &json!({"name": "a", "act": "empty", "mailbox": "alice@contoso.test"}));
    assert_ne!(ask(address, "GET", FOLDERS, "").text(), "");
    let wrong = json!({"name": "a", "act": "empty", "mailbox": "nobody@contoso.test"});
    let wrong = control(address, "POST", "faults", &wrong.to_string(), 400);
    assert!(wrong["error"].as_str().is_some_and(|error| error.contains("nobody@contoso.test")), "{wrong}");
}

#[test]
fn presets_are_switched_on_and_off() {
    let server = serve();
    let address = server.address();
    let offered = control(address, "GET", "faults/acts", "", 200);
    for preset in offered["presets"].as_array().expect("a list") {
        let name = preset["name"].as_str().expect("a name");
        let shown = control(address, "POST", "faults", &json!({"preset": name, "seconds": 0}).to_string(), 200);
        assert!(!shown.as_array().expect("a list").is_empty(), "{name}");
        assert_eq!(control(address, "GET", "faults", "", 200), json!([]), "{name}");
    }
    let wrong = control(address, "POST", "faults", r#"{"preset":"gremlins"}"#, 400);
    assert!(wrong["error"].as_str().is_some_and(|error| error.contains("gremlins")), "{wrong}");
}

#[test]
fn refusals_come_in_any_words() {
    let server = serve();
    let address = server.address();
    switch(address, &json!({"name": "a", "act": "say", "words": "mailbox-locked", "retry_after_seconds": 60}));
    let heard = ask(address, "GET", FOLDERS, "");
    assert_eq!((heard.status.as_u16(), heard.header("retry-after")), (503, "60"));
    assert!(heard.text().contains("ErrorMailboxStoreUnavailable"), "{}", heard.text());
    assert!(store_two(address).contains("ErrorMailboxStoreUnavailable"));
    switch(address, &json!({"name": "a", "act": "say", "status": 418, "body": "short and stout"}));
    let heard = ask(address, "GET", FOLDERS, "");
    assert_eq!((heard.status.as_u16(), heard.text()), (418, "short and stout"));
    switch(address, &json!({"name": "a", "act": "say", "words": "token-expired"}));
    let heard = ask(address, "GET", FOLDERS, "");
    assert_eq!(heard.status, 401);
    assert!(heard.header("www-authenticate").contains("invalid_token"));
}

#[test]
fn the_words_of_an_entry_of_a_batch_are_its_own() {
    let server = serve();
    let address = server.address();
    switch(address, &json!({"name": "a", "act": "say", "words": "quota-exceeded", "operations": ["get_folders"]}));
    let entry = |id: &str, url: &str| json!({"id": id, "method": "GET", "url": url});
    let me = "/users/user0@contoso.test";
    let body =
        json!({"requests": [entry("1", &format!("{me}/mailFolders/inbox")), entry("2", &format!("{me}/messages"))]});
    let heard = ask(address, "POST", "/v1.0/$batch", &body.to_string());
    let answer: Value = serde_json::from_str(heard.text()).expect("JSON");
    assert_eq!((heard.status.as_u16(), &answer["responses"][1]["status"]), (200, &json!(200)));
    assert_eq!(answer["responses"][0]["status"], 507);
    assert_eq!(answer["responses"][0]["body"]["error"]["code"], "ErrorQuotaExceeded");
}

#[test]
fn answers_are_spoiled_on_their_way() {
    let server = serve();
    let address = server.address();
    let plain = ask(address, "GET", FOLDERS, "").text().to_owned();
    switch(address, &json!({"name": "a", "act": "malformed"}));
    let heard = ask(address, "GET", FOLDERS, "");
    assert_eq!((heard.status.as_u16(), heard.text().len()), (200, plain.len()));
    assert!(serde_json::from_str::<Value>(heard.text()).is_err());
    switch(address, &json!({"name": "a", "act": "empty"}));
    assert_eq!(ask(address, "GET", FOLDERS, "").text(), "");
    switch(address, &json!({"name": "a", "act": "drip", "over_seconds": 0.02}));
    assert_eq!(ask(address, "GET", FOLDERS, "").text(), plain);
    switch(address, &json!({"name": "a", "act": "skew", "skew_seconds": -864_000}));
    let date = ask(address, "GET", FOLDERS, "").header("date").to_owned();
    switch(address, &json!({"name": "a", "act": "skew", "skew_seconds": 864_000}));
    assert_ne!(ask(address, "GET", FOLDERS, "").header("date").to_owned(), date);
}

#[test]
fn the_changes_of_a_page_come_newest_first() {
    let server = serve();
    let address = server.address();
    control(address, "POST", "mailboxes/user0@contoso.test/items", r#"{"count":3}"#, 201);
    let changes = || {
        let heard = ask(address, "GET", DELTA, "");
        let page: Value = serde_json::from_str(heard.text()).expect("JSON");
        let changes = page["value"].as_array().expect("a list").iter().map(|change| change["id"].clone());
        changes.collect::<Vec<_>>()
    };
    let mut before = changes();
    assert!(3 <= before.len(), "{before:?}");
    switch(address, &json!({"name": "a", "act": "shuffled"}));
    before.reverse();
    assert_eq!(changes(), before);
}

#[test]
fn connections_are_reset_before_the_work_and_after_it() {
    let server = serve();
    let address = server.address();
    let before = drafts(address);
    for (act, made) in [("reset", 0), ("lose-answer", 1)] {
        switch(address, &json!({"name": "a", "act": act, "operations": ["create_items"]}));
        let request = Request::post(MESSAGES)
            .header("host", address.to_string())
            .header("authorization", format!("Basic {}", STANDARD.encode("user0@contoso.test:any")))
            .header("content-type", "application/json")
            .body(Full::new(Bytes::from_static(br#"{"subject":"once"}"#)))
            .expect("a request");
        assert!(block_on(exchange(address, request)).is_err(), "{act}");
        assert_eq!(drafts(address), before + made, "{act}");
    }
}

#[test]
fn a_state_is_forgotten_where_a_request_continues_from_one() {
    let server = serve();
    let address = server.address();
    switch(address, &json!({"name": "a", "act": "expired"}));
    let first = ask(address, "GET", DELTA, "");
    assert_eq!(first.status, 200, "{}", first.text());
    let page: Value = serde_json::from_str(first.text()).expect("JSON");
    let link = page["@odata.nextLink"].as_str().or(page["@odata.deltaLink"].as_str()).expect("a link");
    let path = &link[link.find("/v1.0").expect("a path")..];
    assert_eq!(ask(address, "GET", path, "").status, 410);
}

#[test]
fn a_request_that_is_delivered_twice_is_carried_out_twice() {
    let server = serve();
    let address = server.address();
    let before = drafts(address);
    switch(address, &json!({"name": "a", "act": "twice", "operations": ["create_items"]}));
    assert_eq!(ask(address, "POST", MESSAGES, r#"{"subject":"once"}"#).status, 201);
    assert_eq!(drafts(address), before + 2);
}

#[test]
fn items_fail_one_by_one_in_both_protocols() {
    let server = serve();
    let address = server.address();
    let before = drafts(address);
    switch(address, &json!({"name": "a", "act": "fail-item", "error": "busy", "retry_after_seconds": 3}));
    let heard = store_two(address);
    assert_eq!(heard.matches("<m:ResponseCode>ErrorServerBusy<").count(), 2, "{heard}");
    assert_eq!(heard.matches("BackOffMilliseconds").count(), 2, "{heard}");
    let heard = ask(address, "POST", MESSAGES, r#"{"subject":"never"}"#);
    assert_eq!((heard.status.as_u16(), heard.header("retry-after")), (429, "3"));
    switch(address, &json!({"name": "a", "act": "fail-item", "error": "quota_exceeded"}));
    assert_eq!(ask(address, "POST", MESSAGES, r#"{"subject":"never"}"#).status, 507);
    switch(address, &json!({"name": "a", "act": "fail-item", "error": "omitted"}));
    assert!(!store_two(address).contains("<m:ResponseCode>"));
    assert_eq!(drafts(address), before);
}

#[test]
fn many_items_that_are_uploaded_at_once_are_one_request() {
    let server = serve();
    let address = server.address();
    switch(
        address,
        &json!({"name": "a", "act": "refuse", "kind": "server_busy", "nth": 2, "operations": ["upload_items"]}),
    );
    let shape = "<m:FolderShape><t:BaseShape>IdOnly</t:BaseShape></m:FolderShape>";
    let named = "<m:FolderIds><t:DistinguishedFolderId Id=\"inbox\"/></m:FolderIds>";
    let found = ews(address, &format!("<m:GetFolder>{shape}{named}</m:GetFolder>"));
    let inbox = found.split_once("FolderId Id=\"").and_then(|(_, rest)| rest.split_once('"')).expect("an inbox").0;
    let item = |parent| {
        let parent = format!("<t:ParentFolderId Id=\"{parent}\"/>");
        format!("<t:Item CreateAction=\"CreateNew\">{parent}<t:Data>AA==</t:Data></t:Item>")
    };
    let items = [inbox, inbox, inbox].map(item).concat();
    let upload = format!("<m:UploadItems><m:Items>{items}</m:Items></m:UploadItems>");
    let heard: Vec<String> = (0..4).map(|_| ews(address, &upload)).collect();
    let refused: Vec<bool> = heard.iter().map(|text| text.contains("ErrorServerBusy")).collect();
    assert!(refused.windows(2).all(|pair| pair[0] != pair[1]), "{heard:?}");
    let answers = |text: &String| text.matches("<m:UploadItemsResponseMessage ").count();
    assert!(heard.iter().filter(|text| !text.contains("ErrorServerBusy")).all(|text| answers(text) == 3), "{heard:?}");
}

#[test]
fn connections_fail_in_turn_before_anything_is_said() {
    let server = serve();
    let address = server.address();
    switch(address, &json!({"name": "a", "act": "unreachable", "door": "refused", "nth": 2}));
    let reached: Vec<bool> = (0..6).map(|_| reached(address)).collect();
    assert!(reached.windows(2).all(|pair| pair[0] != pair[1]), "{reached:?}");
}

#[test]
fn how_well_the_server_is_is_told_in_the_words_of_moves() {
    let server = serve();
    let address = server.address();
    assert_eq!(control(address, "GET", "resources", "", 200)["utilization"], Value::Null);
    let shown = control(address, "PUT", "resources", r#"{"preset":"exchange-online","peak_load":0.4}"#, 200);
    assert!(shown["utilization"].as_f64().is_some_and(|share| (0.0..=0.4).contains(&share)), "{shown}");
    assert!(control(address, "PUT", "resources", r#"{"preset":"sunny"}"#, 400)["error"].is_string());
    assert!(control(address, "PUT", "resources", r#"{"peak_load":2}"#, 400)["error"].is_string());
    assert_eq!(control(address, "PUT", "resources", "{}", 200)["utilization"], Value::Null);
}
