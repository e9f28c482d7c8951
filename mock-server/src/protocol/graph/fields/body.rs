//! Bodies: what is stored as text or as HTML, written as either.

use mail_parser::decoders::html::{html_to_text, text_to_html};
use serde_json::{Value as Json, json};

use super::{Look, Subject, value};
use crate::mailbox::item::Item;
use crate::mailbox::property::{BODY_HTML, BODY_TEXT, Value};

/// Length of `bodyPreview` in characters (learn.microsoft.com/graph/api/resources/message).
const PREVIEW: usize = 255;

fn html(item: &Item) -> Option<String> {
    match value::get(item, &BODY_HTML)? {
        Value::Text(text) => Some(text.to_string()),
        Value::Binary(bytes) => Some(String::from_utf8_lossy(bytes).into_owned()),
        _ => None,
    }
}

/// The body as text.
pub(in crate::protocol::graph) fn as_text(item: &Item) -> String {
    match (value::text(item, &BODY_TEXT), html(item)) {
        (Some(text), _) => text.to_owned(),
        (None, Some(html)) => html_to_text(&html),
        (None, None) => String::new(),
    }
}

/// The body as an `itemBody`: HTML if there is any, unless text is preferred.
pub(in crate::protocol::graph) fn read(subject: &Subject, look: &Look) -> Json {
    let item = &subject.item;
    if look.text_body {
        return json!({"contentType": "text", "content": as_text(item)});
    }
    match (html(item), value::text(item, &BODY_TEXT)) {
        (Some(html), _) => json!({"contentType": "html", "content": html}),
        (None, text) => json!({"contentType": "text", "content": text.unwrap_or_default()}),
    }
}

/// Sets the body.
pub(in crate::protocol::graph) fn write(item: &mut Item, json: &Json) -> Option<()> {
    if json.is_null() {
        value::put(item, BODY_TEXT, None);
        value::put(item, BODY_HTML, None);
        return Some(());
    }
    let object = json.as_object()?;
    let content = object.get("content").and_then(Json::as_str).unwrap_or_default();
    let kind = object.get("contentType").and_then(Json::as_str).unwrap_or("text");
    match kind.to_ascii_lowercase().as_str() {
        "text" => {
            value::put_text(item, BODY_TEXT, Some(content));
            value::put(item, BODY_HTML, None);
        }
        "html" => {
            value::put(item, BODY_TEXT, None);
            value::put_text(item, BODY_HTML, Some(content));
        }
        _ => return None,
    }
    Some(())
}

/// The beginning of the body as text.
pub(in crate::protocol::graph) fn preview(subject: &Subject, _: &Look) -> Json {
    let text = as_text(&subject.item);
    let preview: String = text.trim().chars().filter(|c| *c != '\u{feff}').take(PREVIEW).collect();
    Json::from(preview)
}

/// A comment put before an old body, for answers and forwards. The result is HTML where either is.
pub(in crate::protocol::graph) fn put_before(item: &mut Item, comment: &str, quoted: &str, original: &Item) {
    match html(original) {
        Some(old) => {
            let new = format!("{}<hr>{}{old}", text_to_html(comment), text_to_html(quoted));
            value::put(item, BODY_TEXT, None);
            value::put_text(item, BODY_HTML, Some(&new));
        }
        None => {
            let old = as_text(original);
            let text = format!("{comment}\r\n\r\n________________________________\r\n{quoted}\r\n{old}");
            value::put(item, BODY_HTML, None);
            value::put_text(item, BODY_TEXT, Some(&text));
        }
    }
}
