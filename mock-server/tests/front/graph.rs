//! Graph as real clients speak it, over real sockets.

use std::net::SocketAddr;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http_body_util::Full;
use hyper::Request;
use mock_server::front::access::{Access, TOKEN_LIFE};
use mock_server::front::listen::Handle;
use mock_server::service::config::Holding;
use serde_json::{Value, json};

use crate::alice::{self, ALICE};
use crate::client::{Heard, block_on, exchange};
use crate::server;

fn serve() -> Handle {
    alice::serve(server::free(Holding::Live), Access::new(3, TOKEN_LIFE))
}

fn ask(address: SocketAddr, method: &str, path: &str, headers: &[(&str, &str)], body: Vec<u8>) -> Heard {
    let credentials = format!("Basic {}", STANDARD.encode(format!("{ALICE}:any")));
    let mut request = Request::builder().method(method).uri(path).header("host", address.to_string());
    request = request.header("authorization", credentials);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    block_on(exchange(address, request.body(Full::new(Bytes::from(body))).expect("a request"))).expect("an answer")
}

/// A server with one user, and what is asked of it.
struct Graph {
    server: Handle,
}

impl Graph {
    fn start() -> Self {
        Self { server: serve() }
    }

    /// Sends a request below `/v1.0`, or to an absolute URL of the server, which must answer with a status.
    fn ask(&self, method: &str, path: &str, body: &Value, status: u16) -> Value {
        let address = self.server.address();
        let own = path.strip_prefix(&format!("http://{address}"));
        let path = own.map_or_else(|| format!("/v1.0{path}"), str::to_owned);
        let bytes = if body.is_null() { Vec::new() } else { body.to_string().into_bytes() };
        let heard = ask(address, method, &path, &[("content-type", "application/json")], bytes);
        assert_eq!(heard.status, status, "{method} {path}: {}", heard.text());
        serde_json::from_str(heard.text()).unwrap_or_else(|_| json!(heard.text()))
    }

    fn get(&self, path: &str) -> Value {
        self.ask("GET", path, &Value::Null, 200)
    }

    fn folder(&self, name: &str) -> String {
        let made = self.ask("POST", "/me/mailFolders/inbox/childFolders", &json!({"displayName": name}), 201);
        made["id"].as_str().expect("an id").to_owned()
    }

    fn message(&self, folder: &str, message: &Value) -> String {
        let made = self.ask("POST", &format!("/me/mailFolders/{folder}/messages"), message, 201);
        made["id"].as_str().expect("an id").to_owned()
    }

    fn subjects(&self, path: &str) -> Vec<String> {
        let list = self.get(path);
        let subjects = list["value"].as_array().expect("a list").iter();
        subjects.map(|message| message["subject"].as_str().unwrap_or_default().to_owned()).collect()
    }

    fn code(&self, method: &str, path: &str, body: &Value, status: u16) -> String {
        self.ask(method, path, body, status)["error"]["code"].as_str().unwrap_or_default().to_owned()
    }
}

#[test]
fn the_caller_and_named_users_are_the_same() {
    let graph = Graph::start();
    let me = graph.get("/me");
    assert_eq!(me["userPrincipalName"], ALICE);
    let id = me["id"].as_str().expect("an id");
    assert_eq!(graph.get(&format!("/users/{id}"))["mail"], ALICE);
    assert_eq!(graph.get("//users/alice%40contoso.test?$select=mail")["mail"], ALICE);
    assert_eq!(graph.code("GET", "/users/nobody@contoso.test", &Value::Null, 404), "Request_ResourceNotFound");
}

#[test]
fn messages_are_filtered_ordered_and_paged() {
    let graph = Graph::start();
    let folder = graph.folder("queries");
    for number in 0..9 {
        let message = json!({
            "subject": format!("s{number}"),
            "isRead": number % 2 == 0,
            "categories": if number < 3 { json!(["Red"]) } else { json!([]) },
            "toRecipients": [{"emailAddress": {"address": format!("r{number}@contoso.test")}}],
            "singleValueExtendedProperties": [{"id": "Integer 0x7001", "value": number.to_string()}],
        });
        graph.message(&folder, &message);
    }
    let list = format!("/me/mailFolders/{folder}/messages");
    assert_eq!(graph.subjects(&format!("{list}?$filter=isRead%20eq%20false&$orderby=isRead")).len(), 4);
    assert_eq!(graph.subjects(&format!("{list}?$filter=categories/any(c:c%20eq%20'red')")).len(), 3);
    let any = "singleValueExtendedProperties/any(ep:%20ep/id%20eq%20'Integer%200x7001'%20and%20ep/value%20eq%20'5')";
    assert_eq!(graph.subjects(&format!("{list}?$filter={any}")), ["s5"]);
    let to = "toRecipients/any(r:r/emailAddress/address%20eq%20'R7@contoso.test')";
    assert_eq!(graph.subjects(&format!("{list}?$filter={to}")), ["s7"]);
    assert_eq!(graph.subjects(&format!("{list}?$search=%22subject:s4%22")), ["s4"]);
    let first = graph.get(&format!("{list}?$top=4&$orderby=subject%20desc&$select=subject&$count=true"));
    assert_eq!(first["@odata.count"], 9);
    assert_eq!(first["value"][0]["subject"], "s8");
    assert_eq!(first["value"][0].as_object().map(serde_json::Map::len), Some(3), "etag, id and subject: {first}");
    let second = graph.get(first["@odata.nextLink"].as_str().expect("a link"));
    assert_eq!(second["value"][0]["subject"], "s4");
    assert_eq!(graph.get(&format!("{list}/$count")), json!(9));
}

#[test]
fn changes_are_told_once_and_deletions_are_marked() {
    let graph = Graph::start();
    let folder = graph.folder("changes");
    let ids: Vec<String> = (0..5).map(|n| graph.message(&folder, &json!({"subject": format!("m{n}")}))).collect();
    let gone = graph.message(&folder, &json!({"subject": "gone before anybody asked"}));
    graph.ask("DELETE", &format!("/me/messages/{gone}"), &Value::Null, 204);
    let mut page = graph.get(&format!("/me/mailFolders/{folder}/messages/delta?$select=subject,isRead&$top=2"));
    let mut told = 0;
    while let Some(link) = page["@odata.nextLink"].as_str() {
        told += page["value"].as_array().map_or(0, Vec::len);
        page = graph.get(link);
    }
    told += page["value"].as_array().map_or(0, Vec::len);
    assert_eq!(told, 5);
    graph.ask("PATCH", &format!("/me/messages/{}", ids[0]), &json!({"isRead": false}), 200);
    graph.ask("DELETE", &format!("/me/messages/{}", ids[1]), &Value::Null, 204);
    let link = page["@odata.deltaLink"].as_str().expect("a link").to_owned();
    let changes = graph.get(&link);
    let changes = changes["value"].as_array().expect("a list");
    assert_eq!(changes.len(), 2);
    assert!(changes.iter().any(|change| change["id"] == json!(ids[0]) && change["isRead"] == false));
    assert!(changes.iter().any(|change| change["id"] == json!(ids[1]) && !change["@removed"].is_null()));
    let lost = format!("/me/mailFolders/{folder}/messages/delta?$deltatoken=lost");
    assert_eq!(graph.code("GET", &lost, &Value::Null, 410), "SyncStateNotFound");
}

#[test]
fn a_message_made_from_mime_is_given_back_byte_for_byte() {
    let graph = Graph::start();
    let mime = b"From: a@contoso.test\r\nTo: b@contoso.test\r\nSubject: mime\r\nX-Odd:  two  spaces\r\n\r\nbody\r\n";
    let address = graph.server.address();
    let body = STANDARD.encode(mime).into_bytes();
    let heard = ask(address, "POST", "/v1.0/me/messages", &[("content-type", "text/plain")], body);
    assert_eq!(heard.status, 201, "{}", heard.text());
    let made: Value = serde_json::from_str(heard.text()).expect("JSON");
    assert_eq!((&made["subject"], &made["isDraft"]), (&json!("mime"), &json!(true)));
    let id = made["id"].as_str().expect("an id");
    let heard = ask(address, "GET", &format!("/v1.0/me/messages/{id}/$value"), &[], Vec::new());
    assert_eq!(heard.body.as_deref().expect("a body"), mime);
    let wrong = ask(address, "POST", "/v1.0/me/messages", &[("content-type", "text/plain")], b"!".to_vec());
    assert!(wrong.text().contains("ErrorMimeContentInvalidBase64String"));
}

#[test]
fn a_large_attachment_arrives_in_parts() {
    let graph = Graph::start();
    let id = graph.message("drafts", &json!({"subject": "large"}));
    let item = json!({"AttachmentItem": {"attachmentType": "file", "name": "large.bin", "size": 10}});
    let session = graph.ask("POST", &format!("/me/messages/{id}/attachments/createUploadSession"), &item, 201);
    let url = session["uploadUrl"].as_str().expect("a URL");
    let address = graph.server.address();
    let path = url.strip_prefix(&format!("http://{address}")).expect("this server's own URL");
    let put = |range: &str, part: &[u8]| ask(address, "PUT", path, &[("content-range", range)], part.to_vec());
    let first = put("bytes 0-5/10", b"012345");
    assert!(first.text().contains("\"nextExpectedRanges\":[\"6-\"]"), "{}", first.text());
    assert_eq!(put("bytes 0-5/10", b"012345").status, 416);
    let last = put("bytes 6-9/10", b"6789");
    assert_eq!(last.status, 201);
    let location = last.header("location").to_owned();
    let parts: Vec<&str> = location.split('\'').collect();
    assert_eq!(parts.len(), 7, "{location}");
    let content = graph.get(&format!("/me/messages/{id}/attachments/{}/$value", parts[5]));
    assert_eq!(content, json!("0123456789"));
    assert_eq!(graph.get(&format!("/me/messages/{id}?$expand=attachments"))["attachments"][0]["name"], "large.bin");
}

#[test]
fn a_batch_answers_each_request_and_stops_what_depends_on_a_failure() {
    let graph = Graph::start();
    let requests = json!({"requests": [
        {"id": "1", "method": "GET", "url": "/me"},
        {"id": "2", "method": "GET", "url": "/me/messages/nope", "dependsOn": ["1"]},
        {"id": "3", "method": "GET", "url": "/me", "dependsOn": ["2"]},
        {"id": "4", "method": "POST", "url": "/v1.0/me/mailFolders", "body": {"displayName": "made"},
         "headers": {"Content-Type": "application/json"}},
        {"id": "5", "method": "GET", "url": "https://graph.microsoft.com/v1.0/users/alice@contoso.test"},
    ]});
    let answers = graph.ask("POST", "/$batch", &requests, 200);
    let statuses: Vec<u64> =
        answers["responses"].as_array().expect("a list").iter().filter_map(|one| one["status"].as_u64()).collect();
    assert_eq!(statuses, [200, 400, 424, 201, 200]);
    assert_eq!(answers["responses"][1]["body"]["error"]["code"], "ErrorInvalidIdMalformed");
}

#[test]
fn a_series_is_shown_occurrence_by_occurrence() {
    let graph = Graph::start();
    let zone = "W. Europe Standard Time";
    let event = json!({
        "subject": "weekly",
        "start": {"dateTime": "2024-03-18T10:00:00", "timeZone": zone},
        "end": {"dateTime": "2024-03-18T11:00:00", "timeZone": zone},
        "recurrence": {
            "pattern": {"type": "weekly", "interval": 1, "daysOfWeek": ["monday"]},
            "range": {"type": "numbered", "numberOfOccurrences": 4, "startDate": "2024-03-18"},
        },
    });
    graph.ask("POST", "/me/events", &event, 201);
    let view = "/me/calendarView?startDateTime=2024-03-01T00:00:00Z&endDateTime=2024-05-01T00:00:00Z";
    let shown = graph.get(view);
    let starts: Vec<&str> = shown["value"]
        .as_array()
        .expect("a list")
        .iter()
        .filter_map(|event| event["start"]["dateTime"].as_str())
        .collect();
    // The zone changes to summer time on 31 March.
    assert_eq!(starts[1..3], ["2024-03-25T09:00:00.0000000", "2024-04-01T08:00:00.0000000"]);
    let path = |at: usize| format!("/me/events/{}", shown["value"][at]["id"].as_str().expect("an id"));
    graph.ask("PATCH", &path(1), &json!({"subject": "changed"}), 200);
    graph.ask("DELETE", &path(2), &Value::Null, 204);
    assert_eq!(graph.subjects(view), ["weekly", "changed", "weekly"]);
}

#[test]
fn sent_mail_arrives_and_answers_find_their_way() {
    let graph = Graph::start();
    let message = json!({"message": {
        "subject": "hello",
        "body": {"contentType": "text", "content": "hi"},
        "toRecipients": [{"emailAddress": {"address": ALICE}}],
    }});
    graph.ask("POST", "/me/sendMail", &message, 202);
    let inbox = graph.get("/me/mailFolders/inbox/messages");
    assert_eq!((&inbox["value"][0]["subject"], &inbox["value"][0]["isRead"]), (&json!("hello"), &json!(false)));
    let id = inbox["value"][0]["id"].as_str().expect("an id");
    graph.ask("POST", &format!("/me/messages/{id}/reply"), &json!({"comment": "back"}), 202);
    assert_eq!(graph.subjects("/me/mailFolders/inbox/messages"), ["RE: hello", "hello"]);
    assert_eq!(graph.subjects("/me/mailFolders/sentitems/messages"), ["RE: hello", "hello"]);
    let nobody = json!({"message": {"subject": "x"}});
    assert_eq!(graph.code("POST", "/me/sendMail", &nobody, 400), "ErrorInvalidRecipients");
}

#[test]
fn names_in_bodies_are_read_as_scripts_write_them() {
    let graph = Graph::start();
    let bytes = STANDARD.encode("hello");
    let message = json!({"Message": {
        "Subject": "pascal",
        "Body": {"ContentType": "HTML", "Content": "<p>hi</p>"},
        "ToRecipients": [{"EmailAddress": {"Address": ALICE}}],
        "Attachments": [{"@odata.type": "#microsoft.graph.fileAttachment", "Name": "a.txt", "ContentBytes": bytes}],
    }, "SaveToSentItems": "false"});
    graph.ask("POST", "/me/sendMail", &message, 202);
    let inbox = graph.get("/me/mailFolders/inbox/messages?$expand=attachments");
    let arrived = &inbox["value"][0];
    assert_eq!((&arrived["subject"], &arrived["body"]["contentType"]), (&json!("pascal"), &json!("html")));
    assert_eq!(arrived["attachments"][0]["name"], "a.txt");
    assert_eq!(graph.subjects("/me/mailFolders/sentitems/messages"), [""; 0]);
}

#[test]
fn what_is_deleted_for_good_is_found_below_its_well_known_name() {
    let graph = Graph::start();
    let id = graph.message("deleteditems", &json!({"subject": "gone"}));
    let hidden = "/me/mailFolders/recoverableItemsDeletions";
    assert_eq!(graph.subjects(&format!("{hidden}/messages")), [""; 0]);
    graph.ask("DELETE", &format!("/me/messages/{id}"), &Value::Null, 204);
    assert_eq!(graph.subjects(&format!("{hidden}/messages")), ["gone"]);
    assert_eq!(graph.get(hidden)["totalItemCount"], 1);
    assert_eq!(graph.get("/me/mailFolders/searchfolders")["displayName"], "Finder");
}

#[test]
fn errors_have_the_codes_of_the_service() {
    let graph = Graph::start();
    let code = |path: &str, status: u16| graph.code("GET", path, &Value::Null, status);
    for text in ["nope", "%3CALns+QN8@mail.example%3E"] {
        assert_eq!(code(&format!("/me/messages/{text}"), 400), "ErrorInvalidIdMalformed");
        assert_eq!(code(&format!("/me/mailFolders/{text}/messages"), 400), "ErrorInvalidIdMalformed");
        assert_eq!(code(&format!("/me/messages/x/attachments/{text}"), 400), "ErrorInvalidIdMalformed");
    }
    let gone = graph.message("inbox", &json!({"subject": "gone"}));
    graph.ask("DELETE", &format!("/me/messages/{gone}"), &Value::Null, 204);
    assert_eq!(code(&format!("/me/messages/{gone}"), 404), "ErrorItemNotFound");
    assert_eq!(code("/me/messages/AAAAAAAAAAAAAAAAAAAAAAA=", 400), "ErrorInvalidIdMalformed");
    assert_eq!(code("/me/messages?$filter=((", 400), "RequestBroker--ParseUri");
    assert_eq!(code("/me/messages?$filter=nothing%20eq%201", 400), "RequestBroker--ParseUri");
    assert_eq!(code("/me/messages?$search=%22x%22&$orderby=subject", 400), "SearchWithOrderBy");
    assert_eq!(code("/nothing", 400), "BadRequest");
    assert_eq!(code("/me/messages/x/users", 404), "ResourceNotFound");
    graph.folder("twice");
    let again = json!({"displayName": "Twice"});
    assert_eq!(graph.code("POST", "/me/mailFolders/inbox/childFolders", &again, 409), "ErrorFolderExists");
}

#[test]
fn what_is_exported_can_be_imported_again() {
    let graph = Graph::start();
    let folder = graph.folder("moved");
    let id = graph.message(&folder, &json!({"subject": "whole", "categories": ["Blue"]}));
    let root = format!("/admin/exchange/mailboxes/{ALICE}");
    let exported = graph.ask("POST", &format!("{root}/exportItems"), &json!({"itemIds": [id, "nope"]}), 200);
    assert_eq!(exported["value"][1]["error"]["code"], "ErrorInvalidIdMalformed");
    let session = graph.ask("POST", &format!("{root}/createImportSession"), &Value::Null, 200);
    let stream = json!({"FolderId": folder, "Mode": "create", "Data": exported["value"][0]["data"]});
    let url = session["importUrl"].as_str().expect("a URL");
    let imported = graph.ask("POST", url, &stream, 200);
    let message = graph.get(&format!("/me/messages/{}", imported["itemId"].as_str().expect("an id")));
    assert_eq!((&message["subject"], &message["categories"]), (&json!("whole"), &json!(["Blue"])));
}
