//! Sending: a message in the body of a request, or a draft.

use serde_json::Value as Json;

use super::create::{from_json, from_mime, is_mime, read_message};
use super::entity;
use super::failure::Failure;
use super::fields::message::{self, MESSAGE};
use super::fields::{people, value};
use super::reply::Reply;
use super::task::Task;
use crate::mailbox::content::Content;
use crate::mailbox::item::{Item, Role};
use crate::mailbox::open::Open;
use crate::mailbox::property::{self as p, Value};
use crate::wire::call::FolderKind;

/// Refuses a message that nobody could get.
fn check_recipients(item: &Item) -> Result<(), Failure> {
    let mut recipients = item.people.iter().filter(|person| matches!(person.role, Role::To | Role::Cc | Role::Bcc));
    let mut any = false;
    let is_wrong = recipients.any(|person| {
        any = true;
        !person.address.contains('@')
    });
    if is_wrong || !any {
        return Err(Failure::new(
            400,
            "ErrorInvalidRecipients",
            "At least one recipient isn't valid., A message can't be sent because it contains no recipients.",
        ));
    }
    Ok(())
}

/// Gives a message what only sent messages have.
fn finish<C: Content>(open: &Open<'_, C>, item: &mut Item) {
    let now = open.wall();
    let address = open.address();
    for pair in [(p::FROM_NAME, p::FROM_ADDRESS), (p::SENDER_NAME, p::SENDER_ADDRESS)] {
        if value::text(item, &pair.1).is_none() {
            people::put_pair(item, pair, &people::recipient("", &address));
        }
    }
    for property in [p::SUBMIT_TIME, p::DELIVERY_TIME, p::LAST_MODIFIED] {
        value::put(item, property, Some(Value::Time(now)));
    }
    if value::text(item, &p::INTERNET_MESSAGE_ID).is_none() {
        let domain = address.rsplit('@').next().unwrap_or("localhost");
        let mark = xxhash_rust::xxh3::xxh3_64(format!("{}{now}{}", open.mailbox().0, item.size()).as_bytes());
        value::put_text(item, p::INTERNET_MESSAGE_ID, Some(&format!("<{mark:016x}@{domain}>")));
    }
    item.flag(p::FLAG_READ, p::FLAG_UNSENT);
}

/// What arrives at the recipients: unread, and without those who are hidden from them.
fn delivered(item: &Item) -> Item {
    let mut copy = item.clone();
    copy.flag(0, p::FLAG_READ | p::FLAG_UNSENT);
    copy
}

/// Sends a message, and keeps it in the sent items if that is wanted.
pub(super) fn dispatch<C: Content>(
    open: &mut Open<'_, C>,
    task: &mut Task<'_>,
    mut item: Item,
    keep: bool,
) -> Result<Reply, Failure> {
    check_recipients(&item)?;
    finish(open, &mut item);
    task.count(1, u64::from(item.size()));
    open.send(delivered(&item));
    if keep && let Some(sent) = open.known_folder(FolderKind::Sent) {
        open.create(sent, item)?;
    }
    Ok(Reply::empty(202))
}

/// `sendMail`: a message in the body, as JSON or MIME.
pub(super) fn mail<C: Content>(open: &mut Open<'_, C>, task: &mut Task<'_>) -> Result<Reply, Failure> {
    if is_mime(task) {
        let item = read_message(open, from_mime(task.asked.body), false)?;
        return dispatch(open, task, item, true);
    }
    let sent = task.object()?;
    let find = |name: &str| sent.iter().find(|(own, _)| own.eq_ignore_ascii_case(name)).map(|(_, value)| value);
    let Some(Json::Object(message)) = find("message") else {
        return Err(Failure::new(400, "ErrorInvalidRequest", "The parameter 'Message' is missing."));
    };
    let item = read_message(open, from_json(&MESSAGE, "IPM.Note", message), false)?;
    let keep = match find("saveToSentItems") {
        None | Some(Json::Null) => true,
        // The documentation's own examples have it in quotes.
        Some(Json::String(text)) => !text.eq_ignore_ascii_case("false"),
        Some(value) => value.as_bool().ok_or_else(|| Failure::property("saveToSentItems"))?,
    };
    dispatch(open, task, item, keep)
}

/// `send`: a draft, which moves into the sent items.
pub(super) fn draft<C: Content>(open: &mut Open<'_, C>, task: &mut Task<'_>) -> Result<Reply, Failure> {
    let number = task.item()?;
    let subject = entity::load(open, number)?;
    if !message::is_draft(&subject.item) {
        return Err(Failure::new(400, "ErrorInvalidRequest", "The message is not a draft and cannot be sent."));
    }
    let mut item = (*subject.item).clone();
    check_recipients(&item)?;
    finish(open, &mut item);
    task.count(1, u64::from(item.size()));
    open.send(delivered(&item));
    open.update(number, item)?;
    if let Some(sent) = open.known_folder(FolderKind::Sent) {
        open.move_item(number, sent)?;
    }
    Ok(Reply::empty(202))
}
