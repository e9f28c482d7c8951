//! Mailboxes as people look at them, and what they add to them.

use std::sync::Arc;

use bytes::Bytes;
use serde::{Deserialize, Serialize};

use super::reply::Wrong;
use crate::mailbox::content::Content;
use crate::mailbox::mime;
use crate::mailbox::named::{Directory, is_address};
use crate::mailbox::reference;
use crate::service::core::Service;
use crate::time::Moment;
use crate::wire::answer::Answer;
use crate::wire::call::{self, Call, FolderKind};
use crate::wire::id::{Id, ItemKey, MailboxKey};
use crate::wire::refusal::Refusal;

/// Most mailboxes that one answer shows.
const SHOWN: usize = 1_000;

/// Most items that one request adds.
const ITEMS_MAX: u32 = 10_000;

/// Largest item that a request makes, in bytes (assumed: beyond what Exchange Online takes by default).
const ITEM_BYTES_MAX: u32 = 1 << 25;

/// Most bytes that the items of one request have together: they are held in memory.
const BYTES_MAX: u64 = 1 << 30;

/// What the server holds.
#[derive(Serialize)]
pub(super) struct State {
    /// Mailboxes in all.
    mailboxes: u32,
    /// Those that hold state of their own.
    touched: usize,
    /// Those of them that come first, with what they hold.
    shown: Vec<Mailbox>,
}

#[derive(Serialize)]
struct Mailbox {
    address: String,
    folders: usize,
    items: u64,
    bytes: u64,
}

/// What the server holds at a moment.
pub(super) fn state<C: Content>(service: &mut Service<C>, now: Moment) -> State {
    let touched = service.touched();
    let shown = touched.iter().take(SHOWN).map(|&mailbox| {
        let folders = service.folders(now, mailbox);
        Mailbox {
            address: service.content().address(mailbox),
            folders: folders.len(),
            items: folders.iter().map(|folder| folder.items).sum(),
            bytes: folders.iter().map(|folder| folder.bytes).sum(),
        }
    });
    let shown = shown.collect();
    State { mailboxes: service.content().mailboxes(), touched: touched.len(), shown }
}

/// One folder.
#[derive(Serialize)]
pub(super) struct Folder {
    name: Arc<str>,
    path: String,
    items: u64,
    bytes: u64,
}

/// The folders of a mailbox.
pub(super) fn folders<C: Content>(service: &mut Service<C>, now: Moment, mailbox: MailboxKey) -> Vec<Folder> {
    let entries = service.folders(now, mailbox);
    let mut paths: Vec<(Id, String)> = Vec::with_capacity(entries.len());
    entries
        .into_iter()
        .map(|entry| {
            let above = entry.parent.as_ref().and_then(|parent| paths.iter().find(|(id, _)| id == parent));
            let path = match above {
                Some((_, above)) if !above.is_empty() => format!("{above}/{}", entry.name),
                Some(_) => entry.name.to_string(),
                None => String::new(),
            };
            paths.push((entry.id, path.clone()));
            Folder { name: entry.name, path, items: entry.items, bytes: entry.bytes }
        })
        .collect()
}

/// A mailbox to be added.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct NewMailbox {
    /// Its SMTP address.
    pub(super) address: String,
}

/// How a new mailbox is written.
pub(super) const NEW_MAILBOX: &str = "send {\"address\": \"alice@contoso.test\"}";

/// Adds an empty mailbox.
pub(super) fn add<C: Directory>(service: &mut Service<C>, new: &NewMailbox) -> Result<MailboxKey, Wrong> {
    let address = new.address.trim();
    if !is_address(address) {
        return Err(Wrong::request(format!("`{address}` is not an SMTP address"), NEW_MAILBOX));
    }
    let full = || Wrong::request("no more mailboxes fit", "restart the server");
    service.content_mut().add(address).ok_or_else(full)
}

/// Items to be made.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct NewItems {
    /// How many.
    count: u32,
    /// How large each is, in bytes.
    #[serde(default = "usual_size")]
    bytes: u32,
    /// The name of the folder below the root; the inbox if absent.
    #[serde(default)]
    folder: Option<String>,
}

fn usual_size() -> u32 {
    16_384
}

/// How new items are written.
pub(super) const NEW_ITEMS: &str =
    "send {\"count\": 10, \"bytes\": 16384, \"folder\": \"Inbox\"}, or one message as message/rfc822";

/// Makes items whose content is computed. Tells how many the folder holds afterwards.
pub(super) fn make<C: Content>(
    service: &mut Service<C>,
    now: Moment,
    mailbox: MailboxKey,
    new: &NewItems,
    seed: u64,
) -> Result<u64, Wrong> {
    let fits = (1..=ITEMS_MAX).contains(&new.count) && (mime::SHORTEST..=ITEM_BYTES_MAX).contains(&new.bytes);
    if !fits || u64::from(new.count) * u64::from(new.bytes) > BYTES_MAX {
        let found = format!("{} items of {} bytes", new.count, new.bytes);
        let help = format!(
            "ask for 1 to {ITEMS_MAX} items of {} to {ITEM_BYTES_MAX} bytes, {BYTES_MAX} bytes in all at most",
            mime::SHORTEST
        );
        return Err(Wrong::request(found, help));
    }
    let folder = find(service, now, mailbox, new.folder.as_deref())?;
    for number in 0..u64::from(new.count) {
        let key = ItemKey(crate::draw::mix(seed.wrapping_add(number)));
        store(service, now, mailbox, &folder, mime::mime(key, new.bytes))?;
    }
    count(service, now, mailbox, &folder)
}

/// Stores one message as it is.
pub(super) fn deliver<C: Content>(
    service: &mut Service<C>,
    now: Moment,
    mailbox: MailboxKey,
    message: Bytes,
) -> Result<u64, Wrong> {
    let folder = find(service, now, mailbox, None)?;
    store(service, now, mailbox, &folder, message)?;
    count(service, now, mailbox, &folder)
}

/// A folder directly below the root by its name, or the inbox.
fn find<C: Content>(
    service: &mut Service<C>,
    now: Moment,
    mailbox: MailboxKey,
    name: Option<&str>,
) -> Result<Id, Wrong> {
    let entries = service.folders(now, mailbox);
    let found = entries.iter().find(|entry| match name {
        Some(name) => entry.name.eq_ignore_ascii_case(name) && entry.parent == Some(reference::folder(0)),
        None => entry.kind == FolderKind::Inbox,
    });
    let names = || entries.iter().skip(1).map(|entry| &*entry.name).collect::<Vec<_>>().join(", ");
    let missing = || Wrong::missing(format!("there is no folder `{}`", name.unwrap_or("Inbox")), names());
    found.map(|entry| entry.id.clone()).ok_or_else(missing)
}

fn store<C: Content>(
    service: &mut Service<C>,
    now: Moment,
    mailbox: MailboxKey,
    folder: &Id,
    bytes: Bytes,
) -> Result<(), Wrong> {
    let content = call::Content { key: ItemKey(0), size: bytes.len() as u32, bytes: Some(bytes) };
    let call = Call::CreateMessage { folder: folder.clone(), content };
    let refused = |refusal: Refusal| Wrong::request(format!("the message is refused: {}", refusal.kind), NEW_ITEMS);
    match service.carry_out(now, mailbox, &call).map_err(refused)? {
        Answer::Created(_) => Ok(()),
        other => unreachable!("a message is created, not {other:?}"),
    }
}

fn count<C: Content>(service: &mut Service<C>, now: Moment, mailbox: MailboxKey, folder: &Id) -> Result<u64, Wrong> {
    let entries = service.folders(now, mailbox);
    let entry = entries.iter().find(|entry| entry.id == *folder);
    entry.map(|entry| entry.items).ok_or_else(|| Wrong::missing("the folder is gone", "look at the folders"))
}
