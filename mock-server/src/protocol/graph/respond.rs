//! Answers and forwards: as drafts, or sent at once.

use serde_json::{Map, Value as Json};

use super::create::read_message;
use super::entity;
use super::failure::Failure;
use super::fields::message::MESSAGE;
use super::fields::{body, people, value};
use super::reply::Reply;
use super::route::Route as R;
use super::task::Task;
use super::{messages, send, times};
use crate::mailbox::content::Content;
use crate::mailbox::item::{Item, Person, Role};
use crate::mailbox::open::Open;
use crate::mailbox::property as p;
use crate::wire::call::FolderKind;

/// Who gets an answer: whoever asked for answers, or the sender.
fn answer_to(original: &Item) -> Vec<(String, String)> {
    let wanted = original.people.iter().filter(|person| person.role == Role::ReplyTo);
    let wanted: Vec<_> = wanted.map(|person| (person.name.to_string(), person.address.to_string())).collect();
    if !wanted.is_empty() {
        return wanted;
    }
    let pair = |name, address| people::read_recipient(&people::pair(original, name, address));
    let from = pair(&p::FROM_NAME, &p::FROM_ADDRESS).or_else(|| pair(&p::SENDER_NAME, &p::SENDER_ADDRESS));
    from.into_iter().collect()
}

/// The others of a conversation, without the mailbox's owner and those who get the answer already.
fn others(original: &Item, own: &str, taken: &[Person]) -> Vec<Person> {
    let is_new = |person: &&Person| {
        matches!(person.role, Role::To | Role::Cc)
            && !person.address.eq_ignore_ascii_case(own)
            && !taken.iter().any(|other| other.address.eq_ignore_ascii_case(&person.address))
    };
    original
        .people
        .iter()
        .filter(is_new)
        .map(|person| people::person(Role::Cc, &person.name, &person.address))
        .collect()
}

/// The subject with the mark of an answer or a forward, once.
fn marked(subject: &str, mark: &str) -> String {
    match subject.get(..mark.len()) {
        Some(start) if start.eq_ignore_ascii_case(mark) => subject.to_owned(),
        _ => format!("{mark} {subject}"),
    }
}

/// The head of the old message above its text.
fn quoted(original: &Item) -> String {
    let from = answer_to(original).into_iter().map(|(_, address)| address).collect::<Vec<_>>().join("; ");
    let sent = value::moment(original, &p::SUBMIT_TIME).map(times::utc).unwrap_or_default();
    let subject = value::text(original, &p::SUBJECT).unwrap_or_default();
    format!("From: {from}\r\nSent: {sent}\r\nSubject: {subject}\r\n")
}

fn compose(original: &Item, route: R, own: &str, comment: &str) -> Item {
    let mut item = Item::default();
    let subject = value::text(original, &p::SUBJECT).unwrap_or_default();
    let is_forward = matches!(route, R::Forward | R::CreateForward);
    let subject = marked(subject, if is_forward { "FW:" } else { "RE:" });
    value::put_text(&mut item, p::SUBJECT, Some(&subject));
    body::put_before(&mut item, comment, &quoted(original), original);
    if is_forward {
        item.attachments.clone_from(&original.attachments);
    } else {
        item.people =
            answer_to(original).into_iter().map(|(name, address)| people::person(Role::To, &name, &address)).collect();
        if matches!(route, R::ReplyAll | R::CreateReplyAll) {
            let others = others(original, own, &item.people);
            item.people.extend(others);
        }
        if let Some(id) = value::text(original, &p::INTERNET_MESSAGE_ID) {
            value::put_text(&mut item, p::IN_REPLY_TO, Some(id));
        }
    }
    item
}

/// Carries out an answer or a forward.
pub(super) fn carry_out<C: Content>(open: &mut Open<'_, C>, task: &mut Task<'_>) -> Result<Reply, Failure> {
    let number = task.item()?;
    let original = entity::load(open, number)?.item;
    let sent = task.object()?;
    let comment = messages::text(&sent, "comment").unwrap_or_default().to_owned();
    let route = task.place.route;
    let mut item = compose(&original, route, &open.address(), &comment);
    let find = |name: &str| sent.iter().find(|(own, _)| own.eq_ignore_ascii_case(name)).map(|(_, value)| value);
    if let Some(Json::Object(changes)) = find("message") {
        MESSAGE.write(&mut item, changes)?;
    }
    if let Some(list) = find("toRecipients") {
        let only: Map<String, Json> = [("toRecipients".to_owned(), list.clone())].into_iter().collect();
        MESSAGE.write(&mut item, &only)?;
    }
    if matches!(route, R::Reply | R::ReplyAll | R::Forward) {
        let item = read_message(open, Ok(item), false)?;
        return send::dispatch(open, task, item, true);
    }
    let mut item = read_message(open, Ok(item), true)?;
    item.flag(p::FLAG_READ, 0);
    let drafts = open.known_folder(FolderKind::Drafts).ok_or_else(Failure::item_not_found)?;
    let created = open.create(drafts, item)?;
    task.count(1, 0);
    entity::reply(open, task, &MESSAGE, created, 201)
}
