//! What people's programs remember of answers: a message, and where a sync goes on.

use quick_xml::events::{BytesStart, Event};
use quick_xml::{Reader, XmlVersion};
use serde::Deserialize;

use super::people::Known;

#[derive(Deserialize)]
struct Page {
    #[serde(default)]
    value: Vec<Entry>,
    #[serde(rename = "@odata.deltaLink")]
    delta: Option<String>,
    #[serde(rename = "@odata.nextLink")]
    next: Option<String>,
}

#[derive(Deserialize)]
struct Entry {
    id: Option<String>,
}

/// Reads a page of Graph. Whatever cannot be read tells nothing.
pub(super) fn graph(body: &[u8]) -> Known {
    let Ok(page) = serde_json::from_slice::<Page>(body) else { return Known::default() };
    Known { message: page.value.into_iter().find_map(|entry| entry.id), state: page.delta.or(page.next) }
}

/// Reads an answer of EWS. Whatever cannot be read tells nothing.
pub(super) fn ews(body: &[u8]) -> Known {
    let mut known = Known::default();
    let Ok(body) = std::str::from_utf8(body) else { return known };
    let mut reader = Reader::from_str(body);
    let mut in_state = false;
    loop {
        match reader.read_event() {
            Ok(Event::Start(start) | Event::Empty(start)) => {
                in_state = start.local_name().as_ref() == "SyncState";
                if known.message.is_none() && start.local_name().as_ref() == "ItemId" {
                    known.message = id(&start);
                }
            }
            Ok(Event::Text(text)) if in_state => {
                known.state = Some(text.xml10_content().into_owned());
            }
            Ok(Event::End(_)) => in_state = false,
            Ok(Event::Eof) | Err(_) => return known,
            Ok(_) => {}
        }
    }
}

fn id(start: &BytesStart<'_>) -> Option<String> {
    let attribute = start.try_get_attribute("Id").ok()??;
    let value = attribute.normalized_value(XmlVersion::Implicit1_0).ok()?;
    Some(value.into_owned())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn check(known: &Known, message: Option<&str>, state: Option<&str>) {
        assert_eq!((known.message.as_deref(), known.state.as_deref()), (message, state));
    }

    #[test]
    fn the_first_message_and_the_last_state_are_remembered() {
        let page = br#"{"value": [{"subject": "x"}, {"id": "A"}, {"id": "B"}], "@odata.deltaLink": "http://h/p"}"#;
        check(&graph(page), Some("A"), Some("http://h/p"));
        check(&graph(br#"{"value": [], "@odata.nextLink": "n"}"#), None, Some("n"));
        let answer =
            br#"<m:R xmlns:m="m" xmlns:t="t"><m:SyncState>H4s=</m:SyncState><t:ItemId Id="A&amp;1" ChangeKey="C"/>
            <t:ItemId Id="B"/></m:R>"#;
        check(&ews(answer), Some("A&1"), Some("H4s="));
    }

    proptest! {
        #[test]
        fn any_answer_is_read_without_harm(body in prop::collection::vec(any::<u8>(), 0..200), text in "[<>/a-z\"=& ]{0,80}") {
            let _ = (graph(&body), ews(&body), graph(text.as_bytes()), ews(text.as_bytes()));
        }
    }
}
