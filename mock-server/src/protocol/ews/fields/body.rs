//! Bodies: one text or HTML, shown in the form that is asked for; and the MIME form of the whole item.

use std::borrow::Cow;
use std::sync::Arc;

use mail_parser::decoders::html::{html_to_text, text_to_html};

use super::codec::{base64, first_characters};
use super::extended::read_binary;
use super::field::Slot;
use super::props::{put_slot, text};
use super::scene::Scene;
use super::shape::BodyForm;
use super::special::Special;
use crate::mailbox::item::Item;
use crate::mailbox::property::Value;
use crate::protocol::ews::failure::Failure;
use crate::wire::ews::xml::{Element, Writer};

/// `PidTagBody` (\[MS-OXCMSG\] 2.2.1.58.1).
const TEXT: Slot = Slot::Tag(0x1000);
/// `PidTagHtml` (\[MS-OXCMSG\] 2.2.1.58.9), kept as text.
const HTML: Slot = Slot::Tag(0x1013);
/// The most characters of a preview (`PidTagPreview`, \[MS-OXPROPS\] 2.884: the first 255).
const PREVIEW_CHARACTERS: usize = 255;

/// A body with its form.
enum Body<'b> {
    Text(Cow<'b, str>),
    Html(Cow<'b, str>),
}

fn body(item: &Item, form: BodyForm) -> Option<Body<'_>> {
    let (plain, html) = (text(item, TEXT), text(item, HTML));
    Some(match form {
        BodyForm::Best => match (html, plain) {
            (Some(html), _) => Body::Html(Cow::Borrowed(html)),
            (None, Some(plain)) => Body::Text(Cow::Borrowed(plain)),
            (None, None) => return None,
        },
        BodyForm::Text => match (plain, html) {
            (Some(plain), _) => Body::Text(Cow::Borrowed(plain)),
            (None, Some(html)) => Body::Text(Cow::Owned(plain_of(html))),
            (None, None) => return None,
        },
        BodyForm::Html => match (html, plain) {
            (Some(html), _) => Body::Html(Cow::Borrowed(html)),
            (None, Some(plain)) => Body::Html(Cow::Owned(text_to_html(plain))),
            (None, None) => return None,
        },
    })
}

/// HTML as plain text, which ends with the end of a line as every converted body does.
fn plain_of(html: &str) -> String {
    let text = html_to_text(html);
    format!("{}\r\n", text.trim())
}

/// The plain text of an item's body.
pub(in super::super) fn plain(item: &Item) -> Option<Cow<'_, str>> {
    match body(item, BodyForm::Text)? {
        Body::Text(text) | Body::Html(text) => Some(text),
    }
}

/// HTML without scripts, and with the head that says which characters it is in.
fn filtered(html: &str) -> String {
    const META: &str = "<meta http-equiv=\"Content-Type\" content=\"text/html; charset=utf-8\">";
    let mut kept = without_element(html, "script");
    let lower = kept.to_ascii_lowercase();
    if let Some(end) = lower.rfind("</body>") {
        kept.insert_str(end, " \r\n");
    }
    if lower.contains("<head") {
        return kept;
    }
    match lower.find("<html").and_then(|start| Some(start + lower[start..].find('>')? + 1)) {
        Some(after) => {
            kept.insert_str(after, &format!("<head>\r\n{META}</head>"));
            kept
        }
        None => format!("<html><head>\r\n{META}</head><body>{kept} \r\n</body></html>"),
    }
}

fn without_element(html: &str, name: &str) -> String {
    let lower = html.to_ascii_lowercase();
    let (start_tag, end_tag) = (format!("<{name}"), format!("</{name}>"));
    let mut kept = String::with_capacity(html.len());
    let mut at = 0;
    while let Some(start) = lower[at..].find(&start_tag).map(|found| at + found) {
        kept.push_str(&html[at..start]);
        match lower[start..].find(&end_tag) {
            Some(length) => at = start + length + end_tag.len(),
            None => return kept,
        }
    }
    kept.push_str(&html[at..]);
    kept
}

/// Writes one of the fields that show a body.
pub(super) fn write(special: Special, writer: &mut Writer, name: &str, scene: &Scene<'_>) {
    let form = match special {
        Special::Body => scene.shape.body,
        Special::UniqueBody => scene.shape.unique_body,
        Special::NormalizedBody => scene.shape.normalized_body,
        Special::TextBody => BodyForm::Text,
        Special::Preview => {
            if let Some(Value::Text(preview)) = value(special, scene) {
                writer.leaf(name, &preview);
            }
            return;
        }
        _ => {
            let mime = scene.item.to_mime();
            writer.leaf_with(name, &[("CharacterSet", "UTF-8")], &base64(&mime));
            return;
        }
    };
    let whole = body(scene.item, form).unwrap_or(match form {
        BodyForm::Html => Body::Html(Cow::Borrowed("")),
        BodyForm::Best | BodyForm::Text => Body::Text(Cow::Borrowed("")),
    });
    let (kind, content) = match whole {
        Body::Text(text) => ("Text", text),
        Body::Html(html) if scene.shape.filter_html => ("HTML", Cow::Owned(filtered(&html))),
        Body::Html(html) => ("HTML", html),
    };
    let shown = scene.shape.body_characters.map_or(&*content, |most| first_characters(&content, most));
    let truncated = (shown.len() < content.len()).to_string();
    let mut attributes = vec![("BodyType", kind)];
    if special != Special::TextBody || shown.len() < content.len() {
        attributes.push(("IsTruncated", &truncated));
    }
    writer.leaf_with(name, &attributes, shown);
}

/// What an item has in one of the fields that show a body.
pub(super) fn value(special: Special, scene: &Scene<'_>) -> Option<Value> {
    let plain = plain(scene.item)?;
    if special != Special::Preview {
        return Some(Value::Text(Arc::from(&*plain)));
    }
    let start = first_characters(&plain, 4 * PREVIEW_CHARACTERS);
    let words: Vec<&str> = start.split_whitespace().collect();
    Some(Value::Text(Arc::from(first_characters(&words.join(" "), PREVIEW_CHARACTERS))))
}

/// Sets the body, or the whole item from MIME.
pub(super) fn set(special: Special, item: &mut Item, element: &Element<'_>) -> Result<(), Failure> {
    if special == Special::Mime {
        return set_mime(item, element);
    }
    let content = Value::Text(Arc::from(element.whole_text()));
    let (set, gone) = match element.attribute("BodyType") {
        Some("HTML") => (HTML, TEXT),
        Some("Text") => (TEXT, HTML),
        _ => return Err(Failure::PROPERTY_VALUE),
    };
    put_slot(item, set, Some(content));
    put_slot(item, gone, None);
    Ok(())
}

/// Lays MIME content over an item: what it says replaces what the item had, the rest stays.
fn set_mime(item: &mut Item, element: &Element<'_>) -> Result<(), Failure> {
    let bytes = read_binary(element.whole_text()).ok_or(Failure::MIME_BASE64)?;
    let read = Item::from_mime(&bytes).map_err(|_| Failure::MIME)?;
    let old = std::mem::take(item);
    let class = old.class;
    let recurrence = old.recurrence;
    let mut properties = old.properties;
    for body in [TEXT, HTML] {
        properties.remove(&body.property());
    }
    properties.extend(read.properties);
    *item = Item { class, properties, recurrence, people: read.people, attachments: read.attachments, mime: read.mime };
    Ok(())
}

/// Adds to the end of the body.
pub(super) fn append(item: &mut Item, element: &Element<'_>) {
    let html = element.attribute("BodyType") == Some("HTML");
    let (slot, old) = match (html, text(item, HTML), text(item, TEXT)) {
        (true, _, None) | (_, Some(_), _) => (HTML, text(item, HTML)),
        (_, None, old) => (TEXT, old),
    };
    let whole = format!("{}{}", old.map_or("", |old| old), element.whole_text());
    put_slot(item, slot, Some(Value::Text(Arc::from(whole))));
}

/// Takes the body away.
pub(super) fn clear(item: &mut Item) {
    put_slot(item, TEXT, None);
    put_slot(item, HTML, None);
}

/// Puts a text before the body: that of an answer before the message it answers.
pub(in super::super) fn prepend(item: &mut Item, new: &Element<'_>) {
    let html = new.attribute("BodyType") == Some("HTML");
    if html || text(item, HTML).is_some() {
        let old = match body(item, BodyForm::Html) {
            Some(Body::Html(old) | Body::Text(old)) => old.into_owned(),
            None => String::new(),
        };
        let first = if html { new.whole_text().to_owned() } else { text_to_html(new.whole_text()) };
        put_slot(item, HTML, Some(Value::Text(Arc::from(format!("{first}{old}")))));
        put_slot(item, TEXT, None);
    } else {
        let old = text(item, TEXT).map_or("", |old| old);
        let whole = format!("{}\r\n{old}", new.whole_text());
        put_slot(item, TEXT, Some(Value::Text(Arc::from(whole))));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn filtered_html_has_a_head_and_no_scripts() {
        assert_eq!(
            filtered("<html><body>Hello<script>x()</script> HTML</body></html>"),
            "<html><head>\r\n<meta http-equiv=\"Content-Type\" content=\"text/html; charset=utf-8\"></head>\
             <body>Hello HTML \r\n</body></html>"
        );
        assert_eq!(without_element("a<script>b", "script"), "a");
    }

    #[test]
    fn html_becomes_text_that_ends_with_a_line() {
        assert_eq!(plain_of("<html><body>Hello HTML</body></html>"), "Hello HTML\r\n");
    }
}
