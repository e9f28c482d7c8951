//! The properties of messages (learn.microsoft.com/graph/api/resources/message), in the service's order.

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE};
use serde_json::{Value as Json, json};
use xxhash_rust::xxh3::xxh3_128;

use super::{Field, Form, Look, Subject, Table, body, people, value};
use crate::mailbox::item::{Item, Role};
use crate::mailbox::property::{self as p, Property, Value};
use crate::protocol::graph::{query, reference, times};

/// `PidTagReadReceiptRequested` (\[MS-OXPROPS\] 2.873).
const READ_RECEIPT: Property = Property::Tag(0x0029);
/// `PidTagOriginatorDeliveryReportRequested` (\[MS-OXPROPS\] 2.814).
const DELIVERY_RECEIPT: Property = Property::Tag(0x0023);
/// `PidTagFlagCompleteTime` (\[MS-OXPROPS\] 2.694).
const FLAG_COMPLETE: Property = Property::Tag(0x1091);
/// `PidLidTaskStartDate` (\[MS-OXPROPS\] 2.341).
const TASK_START: Property = p::named(p::TASK, 0x8104);
/// `PidLidTaskDueDate` (\[MS-OXPROPS\] 2.328).
const TASK_DUE: Property = p::named(p::TASK, 0x8105);
/// Where the service keeps the inference; its number is assumed.
const INFERENCE: Property = p::named(0x2323_9608_685d_4732_9c55_4c95_cb4e_8e33, 1);

/// Words of `importance` and their `PidTagImportance`; the usual one first.
pub(in crate::protocol::graph) const IMPORTANCES: &[(&str, i32)] = &[("normal", 1), ("low", 0), ("high", 2)];

pub(in crate::protocol::graph) static MESSAGE: Table = Table {
    kind: "Message",
    collection: "messages",
    fields: &FIELDS,
    related: &["attachments", "extensions", "singleValueExtendedProperties", "multiValueExtendedProperties"],
};

static FIELDS: [Field; 31] = [
    Field::new("id", Form::Computed(id)).fixed(),
    Field::new("createdDateTime", Form::Moment(p::CREATION_TIME)).fixed(),
    Field::new("lastModifiedDateTime", Form::Moment(p::LAST_MODIFIED)).fixed(),
    Field::new("changeKey", Form::Computed(change_key)).fixed(),
    Field::new("categories", Form::Special(categories, put_categories)),
    Field::new("receivedDateTime", Form::Computed(received)).fixed(),
    Field::new("sentDateTime", Form::Computed(sent)).fixed(),
    Field::new("hasAttachments", Form::Computed(has_attachments)).fixed(),
    Field::new("internetMessageId", Form::Text(p::INTERNET_MESSAGE_ID)),
    Field::new("subject", Form::Text(p::SUBJECT)),
    Field::new("bodyPreview", Form::Computed(body::preview)).fixed(),
    Field::new("importance", Form::Choice(p::IMPORTANCE, IMPORTANCES)),
    Field::new("parentFolderId", Form::Computed(parent)).fixed(),
    Field::new("conversationId", Form::Computed(conversation)).fixed(),
    Field::new("conversationIndex", Form::Bytes(p::CONVERSATION_INDEX)).fixed(),
    Field::new("isDeliveryReceiptRequested", Form::Truth(DELIVERY_RECEIPT)),
    Field::new("isReadReceiptRequested", Form::Truth(READ_RECEIPT)),
    Field::new("isRead", Form::Special(|subject, _| Json::Bool(subject.read), put_read)),
    Field::new("isDraft", Form::Computed(|subject, _| Json::Bool(is_draft(&subject.item)))).fixed(),
    Field::new("webLink", Form::Computed(web_link)).fixed(),
    Field::new("inferenceClassification", Form::Choice(INFERENCE, &[("focused", 0), ("other", 1)])),
    Field::new("body", Form::Special(body::read, body::write)),
    Field::new("sender", Form::Special(sender, put_sender)),
    Field::new("from", Form::Special(from, put_from)),
    Field::new("toRecipients", Form::People(Role::To)),
    Field::new("ccRecipients", Form::People(Role::Cc)),
    Field::new("bccRecipients", Form::People(Role::Bcc)),
    Field::new("replyTo", Form::People(Role::ReplyTo)),
    Field::new("flag", Form::Special(flag, put_flag)),
    Field::new("internetMessageHeaders", Form::Special(headers, put_headers)).on_demand(),
    Field::new("uniqueBody", Form::Computed(body::read)).fixed().on_demand(),
];

/// The id of the entity.
pub(in crate::protocol::graph) fn id(subject: &Subject, look: &Look) -> Json {
    Json::from(reference::item(look.mailbox, subject.number))
}

/// The change key of the entity.
pub(in crate::protocol::graph) fn change_key(subject: &Subject, look: &Look) -> Json {
    Json::from(reference::change_key(look.mailbox, subject.version))
}

/// The folder of the entity.
pub(in crate::protocol::graph) fn parent(subject: &Subject, look: &Look) -> Json {
    Json::from(reference::folder(look.mailbox, subject.folder))
}

/// The categories of an item.
pub(in crate::protocol::graph) fn categories(subject: &Subject, _: &Look) -> Json {
    Json::from(value::texts(&subject.item, &p::KEYWORDS))
}

/// Sets the categories of an item.
pub(in crate::protocol::graph) fn put_categories(item: &mut Item, json: &Json) -> Option<()> {
    let list = match json {
        Json::Null => Vec::new(),
        json => json.as_array()?.iter().map(|entry| entry.as_str().map(Into::into)).collect::<Option<Vec<_>>>()?,
    };
    value::put(item, p::KEYWORDS.clone(), (!list.is_empty()).then_some(Value::Texts(list)));
    Some(())
}

/// Whether an item has attachments that are not parts of its body.
pub(in crate::protocol::graph) fn has_attachments(subject: &Subject, _: &Look) -> Json {
    Json::Bool(subject.item.attachments.iter().any(|attachment| !attachment.inline))
}

/// Where Outlook on the web shows the item.
pub(in crate::protocol::graph) fn web_link(subject: &Subject, look: &Look) -> Json {
    let id = reference::item(look.mailbox, subject.number);
    let base = "https://outlook.office365.com/owa/";
    Json::from(format!("{base}?ItemID={}&exvsurl=1&viewmodel=ReadMessageItem", query::escape(&id).replace('=', "%3D")))
}

/// Whether a message was never sent.
pub(in crate::protocol::graph) fn is_draft(item: &Item) -> bool {
    item.flags() & p::FLAG_UNSENT != 0
}

fn put_read(item: &mut Item, json: &Json) -> Option<()> {
    let (set, clear) = if json.as_bool()? { (p::FLAG_READ, 0) } else { (0, p::FLAG_READ) };
    item.flag(set, clear);
    Some(())
}

fn first_moment(item: &Item, properties: [&Property; 3]) -> Json {
    let found = properties.into_iter().find_map(|property| value::moment(item, property));
    found.map_or(Json::Null, |moment| Json::from(times::utc(moment)))
}

fn received(subject: &Subject, _: &Look) -> Json {
    first_moment(&subject.item, [&p::DELIVERY_TIME, &p::SUBMIT_TIME, &p::CREATION_TIME])
}

fn sent(subject: &Subject, _: &Look) -> Json {
    first_moment(&subject.item, [&p::SUBMIT_TIME, &p::DELIVERY_TIME, &p::CREATION_TIME])
}

/// Messages of one topic make a conversation.
fn conversation(subject: &Subject, look: &Look) -> Json {
    let item = &subject.item;
    let index = value::bytes(item, &p::CONVERSATION_INDEX).and_then(|index| index.get(6..22));
    let mark = match index {
        Some(guid) => xxh3_128(guid),
        None => {
            let topic = value::text(item, &p::CONVERSATION_TOPIC).or_else(|| value::text(item, &p::SUBJECT));
            xxh3_128(topic.unwrap_or_default().to_lowercase().as_bytes())
        }
    };
    let mut bytes = look.mailbox.0.to_be_bytes().to_vec();
    bytes.extend(mark.to_be_bytes());
    Json::from(format!("AAQk{}", URL_SAFE.encode(bytes)))
}

fn sender(subject: &Subject, _: &Look) -> Json {
    match people::pair(&subject.item, &p::SENDER_NAME, &p::SENDER_ADDRESS) {
        Json::Null => people::pair(&subject.item, &p::FROM_NAME, &p::FROM_ADDRESS),
        found => found,
    }
}

fn from(subject: &Subject, _: &Look) -> Json {
    match people::pair(&subject.item, &p::FROM_NAME, &p::FROM_ADDRESS) {
        Json::Null => people::pair(&subject.item, &p::SENDER_NAME, &p::SENDER_ADDRESS),
        found => found,
    }
}

fn put_sender(item: &mut Item, json: &Json) -> Option<()> {
    people::put_pair(item, (p::SENDER_NAME, p::SENDER_ADDRESS), json)
}

fn put_from(item: &mut Item, json: &Json) -> Option<()> {
    people::put_pair(item, (p::FROM_NAME, p::FROM_ADDRESS), json)
}

/// Words of `flagStatus` and their `PidTagFlagStatus` (\[MS-OXOFLAG\] 2.2.1.1).
const FLAGS: [(&str, i32); 3] = [("notFlagged", 0), ("complete", 1), ("flagged", 2)];

fn flag(subject: &Subject, look: &Look) -> Json {
    let item = &subject.item;
    let number = value::integer(item, &p::FLAG_STATUS).unwrap_or(0);
    let (word, _) = FLAGS.into_iter().find(|(_, own)| *own == number).unwrap_or(FLAGS[0]);
    let mut flag = json!({"flagStatus": word});
    let dates = [("startDateTime", &TASK_START), ("dueDateTime", &TASK_DUE), ("completedDateTime", &FLAG_COMPLETE)];
    for (name, property) in dates {
        if let Some(moment) = value::moment(item, property).filter(|_| number != 0) {
            flag[name] = times::pair(moment, &look.zone);
        }
    }
    flag
}

fn put_flag(item: &mut Item, json: &Json) -> Option<()> {
    if let Some(word) = json.get("flagStatus") {
        let (_, number) = FLAGS.into_iter().find(|(own, _)| word.as_str().is_some_and(|word| *own == word))?;
        value::put(item, p::FLAG_STATUS, Some(Value::Integer(number)));
    }
    let dates = [("startDateTime", TASK_START), ("dueDateTime", TASK_DUE), ("completedDateTime", FLAG_COMPLETE)];
    for (name, property) in dates {
        match json.get(name) {
            None => {}
            Some(Json::Null) => value::put(item, property, None),
            Some(pair) => value::put(item, property, Some(Value::Time(times::read_pair(pair)?.0))),
        }
    }
    json.is_object().then_some(())
}

fn headers(subject: &Subject, _: &Look) -> Json {
    let Some(text) = value::text(&subject.item, &p::TRANSPORT_HEADERS) else { return Json::Array(Vec::new()) };
    let parsed = mail_parser::MessageParser::default().parse_headers(text.as_bytes());
    let raw = parsed.as_ref().map(|message| {
        let pairs = message.headers_raw();
        pairs.map(|(name, value)| json!({"name": name, "value": value.trim()})).collect::<Vec<_>>()
    });
    Json::Array(raw.unwrap_or_default())
}

fn put_headers(item: &mut Item, json: &Json) -> Option<()> {
    let mut text = String::new();
    for entry in json.as_array()? {
        let part = |key: &str| entry.get(key).and_then(Json::as_str).filter(|part| !part.contains(['\r', '\n']));
        let (name, value) = (part("name")?, part("value")?);
        // Only headers of clients' own can be set (same page, internetMessageHeaders).
        if !name.to_ascii_lowercase().starts_with("x-") {
            return None;
        }
        text.push_str(&format!("{name}: {value}\r\n"));
    }
    value::put_text(item, p::TRANSPORT_HEADERS, Some(&text));
    Some(())
}

/// Bytes as Base64, as `Edm.Binary` is written.
pub(in crate::protocol::graph) fn base64(bytes: &[u8]) -> String {
    STANDARD.encode(bytes)
}
