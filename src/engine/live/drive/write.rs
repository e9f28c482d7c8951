//! The requests of people's programs, as those write them.

use std::borrow::Cow;

use bytes::Bytes;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use quick_xml::Writer;
use quick_xml::events::{BytesEnd, BytesStart, BytesText, Event};
use serde_json::json;

use super::people::Known;
use crate::load::act::Action;
use crate::load::burden;

/// Messages of a page (assumed; `Outlook` on the web shows about as many).
const PAGE: &str = "25";
/// Changes of a page of a sync (assumed; EWS allows 512).
const CHANGES: &str = "100";
/// The week whose appointments are asked for. It costs the same whichever it is.
const WEEK: [&str; 2] = ["2021-01-11T00:00:00Z", "2021-01-18T00:00:00Z"];

const FILLER: &str = "The quick brown fox jumps over the lazy dog. ";
const NAMESPACES: [(&str, &str); 3] = [
    ("xmlns:s", "http://schemas.xmlsoap.org/soap/envelope/"),
    ("xmlns:m", "http://schemas.microsoft.com/exchange/services/2006/messages"),
    ("xmlns:t", "http://schemas.microsoft.com/exchange/services/2006/types"),
];

/// A request without what depends on the connection.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Written {
    pub(super) method: hyper::Method,
    pub(super) path: Cow<'static, str>,
    pub(super) content_type: Option<&'static str>,
    pub(super) body: Bytes,
}

/// So many characters of text.
fn text(action: Action) -> String {
    FILLER.chars().cycle().take(burden::characters(action)).collect()
}

/// Writes a request to Graph on behalf of a user. What needs a message that is not known lists messages instead: see
/// [`possible`].
pub(super) fn graph(action: Action, address: &str, known: &Known) -> Written {
    let get = |path: String| Written {
        method: hyper::Method::GET,
        path: path.into(),
        content_type: None,
        body: Bytes::new(),
    };
    let send = |method, path: String, body: serde_json::Value| Written {
        method,
        path: path.into(),
        content_type: Some("application/json"),
        body: body.to_string().into(),
    };
    let user = format!("/v1.0/users/{}", utf8_percent_encode(address, NON_ALPHANUMERIC));
    let message = known.message.as_deref().map(|id| utf8_percent_encode(id, NON_ALPHANUMERIC).to_string());
    let content = |action| json!({"contentType": "text", "content": text(action)});
    let inbox = format!("{user}/mailFolders/inbox/messages");
    let select = "$select=subject,from,receivedDateTime,isRead";
    match (action, message) {
        (Action::Sync, _) => {
            let first = || format!("{inbox}/delta?{select}");
            get(known.state.clone().unwrap_or_else(first))
        }
        (Action::Read, Some(id)) => get(format!("{user}/messages/{id}")),
        (Action::Mark, Some(id)) => {
            send(hyper::Method::PATCH, format!("{user}/messages/{id}"), json!({"isRead": true}))
        }
        (Action::List | Action::Read | Action::Mark, _) => get(format!("{inbox}?$top={PAGE}&{select}")),
        (Action::Draft, _) => {
            let body = json!({"subject": "Draft", "body": content(action)});
            send(hyper::Method::POST, format!("{user}/messages"), body)
        }
        (Action::Send, _) => {
            let to = json!([{"emailAddress": {"address": address}}]);
            let message = json!({"subject": "Hello", "body": content(action), "toRecipients": to});
            send(hyper::Method::POST, format!("{user}/sendMail"), json!({"message": message}))
        }
        (Action::Calendar, _) => get(format!("{user}/calendarView?startDateTime={}&endDateTime={}", WEEK[0], WEEK[1])),
        (Action::Folders, _) => get(format!("{user}/mailFolders?$top=100")),
        (Action::Post, _) => {
            let body = json!({"subject": "Chat", "body": content(action)});
            send(hyper::Method::POST, format!("{user}/mailFolders/archive/messages"), body)
        }
    }
}

/// Writes a request to EWS on behalf of a user. What needs a message that is not known lists messages instead: see
/// [`possible`].
///
/// # Panics
/// Never: writing into memory does not fail.
pub(super) fn ews(action: Action, address: &str, known: &Known) -> Written {
    let mut xml = Xml { writer: Writer::new(Vec::new()) };
    xml.within("s:Envelope", &NAMESPACES, |xml| {
        xml.within("s:Header", &[], |xml| {
            xml.within("t:RequestServerVersion", &[("Version", "Exchange2016")], |_| {});
            xml.within("t:ExchangeImpersonation", &[], |xml| {
                xml.within("t:ConnectingSID", &[], |xml| xml.leaf("t:PrimarySmtpAddress", &[], address));
            });
        });
        xml.within("s:Body", &[], |xml| operation(xml, possible(action, known), address, known));
    });
    Written {
        method: hyper::Method::POST,
        path: "/EWS/Exchange.asmx".into(),
        content_type: Some("text/xml; charset=utf-8"),
        body: xml.writer.into_inner().into(),
    }
}

/// What can be asked for: a program that knows no message lists some first.
pub(super) fn possible(action: Action, known: &Known) -> Action {
    match action {
        Action::Read | Action::Mark if known.message.is_none() => Action::List,
        other => other,
    }
}

fn operation(xml: &mut Xml, action: Action, address: &str, known: &Known) {
    let message = known.message.as_deref().unwrap_or_default();
    match action {
        Action::Sync => xml.within("m:SyncFolderItems", &[], |xml| {
            shape(xml, "m:ItemShape", "IdOnly");
            xml.within("m:SyncFolderId", &[], |xml| folder(xml, "inbox"));
            if let Some(state) = &known.state {
                xml.leaf("m:SyncState", &[], state);
            }
            xml.leaf("m:MaxChangesReturned", &[], CHANGES);
        }),
        Action::List => xml.within("m:FindItem", &[("Traversal", "Shallow")], |xml| {
            shape(xml, "m:ItemShape", "Default");
            let view = [("MaxEntriesReturned", PAGE), ("Offset", "0"), ("BasePoint", "Beginning")];
            xml.within("m:IndexedPageItemView", &view, |_| {});
            xml.within("m:ParentFolderIds", &[], |xml| folder(xml, "inbox"));
        }),
        Action::Read => xml.within("m:GetItem", &[], |xml| {
            shape(xml, "m:ItemShape", "AllProperties");
            xml.within("m:ItemIds", &[], |xml| xml.within("t:ItemId", &[("Id", message)], |_| {}));
        }),
        Action::Mark => {
            let how = [("ConflictResolution", "AlwaysOverwrite"), ("MessageDisposition", "SaveOnly")];
            xml.within("m:UpdateItem", &how, |xml| xml.within("m:ItemChanges", &[], |xml| mark(xml, message)));
        }
        Action::Draft | Action::Post => {
            xml.within("m:CreateItem", &[("MessageDisposition", "SaveOnly")], |xml| create(xml, action, None));
        }
        Action::Send => xml.within("m:CreateItem", &[("MessageDisposition", "SendAndSaveCopy")], |xml| {
            xml.within("m:SavedItemFolderId", &[], |xml| folder(xml, "sentitems"));
            create(xml, action, Some(address));
        }),
        Action::Calendar => xml.within("m:FindItem", &[("Traversal", "Shallow")], |xml| {
            shape(xml, "m:ItemShape", "Default");
            xml.within("m:CalendarView", &[("StartDate", WEEK[0]), ("EndDate", WEEK[1])], |_| {});
            xml.within("m:ParentFolderIds", &[], |xml| folder(xml, "calendar"));
        }),
        Action::Folders => xml.within("m:FindFolder", &[("Traversal", "Deep")], |xml| {
            shape(xml, "m:FolderShape", "Default");
            xml.within("m:ParentFolderIds", &[], |xml| folder(xml, "msgfolderroot"));
        }),
    }
}

fn shape(xml: &mut Xml, of: &str, base: &str) {
    xml.within(of, &[], |xml| xml.leaf("t:BaseShape", &[], base));
}

fn folder(xml: &mut Xml, name: &str) {
    xml.within("t:DistinguishedFolderId", &[("Id", name)], |_| {});
}

fn mark(xml: &mut Xml, message: &str) {
    xml.within("t:ItemChange", &[], |xml| {
        xml.within("t:ItemId", &[("Id", message)], |_| {});
        xml.within("t:Updates", &[], |xml| {
            xml.within("t:SetItemField", &[], |xml| {
                xml.within("t:FieldURI", &[("FieldURI", "message:IsRead")], |_| {});
                xml.within("t:Message", &[], |xml| xml.leaf("t:IsRead", &[], "true"));
            });
        });
    });
}

fn create(xml: &mut Xml, action: Action, to: Option<&str>) {
    xml.within("m:Items", &[], |xml| {
        xml.within("t:Message", &[], |xml| {
            xml.leaf("t:Subject", &[], "Hello");
            xml.leaf("t:Body", &[("BodyType", "Text")], &text(action));
            if let Some(to) = to {
                xml.within("t:ToRecipients", &[], |xml| {
                    xml.within("t:Mailbox", &[], |xml| xml.leaf("t:EmailAddress", &[], to));
                });
            }
        });
    });
}

/// Writes elements into memory.
struct Xml {
    writer: Writer<Vec<u8>>,
}

impl Xml {
    fn put(&mut self, event: Event<'_>) {
        self.writer.write_event(event).expect("writing into memory does not fail");
    }

    /// An element with others in it.
    fn within(&mut self, name: &str, attributes: &[(&str, &str)], inside: impl FnOnce(&mut Self)) {
        self.put(Event::Start(BytesStart::new(name).with_attributes(attributes.iter().copied())));
        inside(self);
        self.put(Event::End(BytesEnd::new(name)));
    }

    /// An element with text in it.
    fn leaf(&mut self, name: &str, attributes: &[(&str, &str)], text: &str) {
        self.within(name, attributes, |xml| xml.put(Event::Text(BytesText::new(text))));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenario::program::Program;

    const ADDRESS: &str = "a+b@contoso.test";

    #[test]
    fn references_and_addresses_are_escaped_where_they_stand() {
        let known = Known { message: Some("A/b+c=".into()), state: Some("x<y&z".into()) };
        let read = graph(Action::Read, ADDRESS, &known);
        assert_eq!(read.path, "/v1.0/users/a%2Bb%40contoso%2Etest/messages/A%2Fb%2Bc%3D");
        let sync = String::from_utf8(ews(Action::Sync, ADDRESS, &known).body.to_vec()).expect("UTF-8");
        assert!(sync.contains("<m:SyncState>x&lt;y&amp;z</m:SyncState>"), "{sync}");
    }

    #[test]
    fn bodies_are_as_long_as_limits_take_them_to_be_in_virtual_time() {
        let known = Known { message: Some("AAMkAGI2".repeat(12)), state: Some("H4sIAAA".repeat(12)) };
        for action in Action::ALL {
            for (program, written) in
                [(Program::Outlook, ews(action, ADDRESS, &known)), (Program::Web, graph(action, ADDRESS, &known))]
            {
                let (real, said) = (written.body.len() as f64, burden::burden(program, action).body_bytes as f64);
                assert!((real - said).abs() <= 250.0, "{program:?} {action:?}: {real} bytes, not {said}");
            }
        }
    }

    #[test]
    fn what_is_not_known_is_listed_first() {
        let unknown = Known::default();
        for action in [Action::Read, Action::Mark] {
            assert_eq!(possible(action, &unknown), Action::List);
            assert_eq!(graph(action, ADDRESS, &unknown), graph(Action::List, ADDRESS, &unknown));
            assert_eq!(ews(action, ADDRESS, &unknown), ews(Action::List, ADDRESS, &unknown));
        }
        assert_eq!(possible(Action::Send, &unknown), Action::Send);
    }
}
