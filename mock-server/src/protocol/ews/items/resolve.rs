//! `ResolveNames`: who is meant by part of a name or an address, in the directory and among the caller's contacts.

use super::people::{is_called, write_mailbox};
use super::{Found, stored};
use crate::mailbox::content::Content;
use crate::mailbox::open::Open;
use crate::protocol::ews::context::{Context, Refused};
use crate::protocol::ews::failure::Failure;
use crate::protocol::ews::fields::field::Slot;
use crate::protocol::ews::fields::indexed;
use crate::protocol::ews::fields::props::text;
use crate::protocol::ews::fields::sort::Sort;
use crate::protocol::ews::item_ids;
use crate::protocol::ews::messages::Messages;
use crate::protocol::ews::names::RESOLVE_NAMES;
use crate::protocol::host::Host;
use crate::service::cost::Work;
use crate::wire::call::FolderKind;
use crate::wire::ews::xml::{Element, Writer};
use crate::wire::id::MailboxKey;
use crate::wire::operation::Operation;

/// The most candidates that are told (`ArrayOfResolutionType` in `types.xsd`).
const CANDIDATES_MAX: usize = 100;

/// Someone who may be meant.
enum Candidate {
    /// A mailbox of this server, by its address.
    User(String),
    /// A contact.
    Contact(Found),
}

/// Where to look: whether among contacts, whether in the directory, and whether contacts come first.
#[derive(Copy, Clone)]
struct Scope {
    contacts: bool,
    directory: bool,
    contacts_first: bool,
}

/// Answers the operation. In the directory, a name is an address, or the part before the `@` of one in the caller's own
/// domain.
pub(in super::super) fn answer<H: Host>(
    request: &Element<'_>,
    context: &mut Context<'_, H>,
) -> Result<Vec<u8>, Refused> {
    let entry = request.message("UnresolvedEntry").ok_or_else(|| Refused::schema("the entry is missing"))?;
    let full = super::says_yes(request, "ReturnFullContactData");
    let (contacts, directory, contacts_first) = match request.attribute("SearchScope") {
        Some("ActiveDirectory") => (false, true, false),
        None | Some("ActiveDirectoryContacts") => (true, true, false),
        Some("Contacts") => (true, false, false),
        Some("ContactsActiveDirectory") => (true, true, true),
        _ => return Err(Refused::schema("the search scope is invalid")),
    };
    let scope = Scope { contacts, directory, contacts_first };
    let entry = entry.text();
    let entry = entry.get(..5).filter(|word| word.eq_ignore_ascii_case("smtp:")).map_or(entry, |_| &entry[5..]);
    let mut messages = Messages::new(&RESOLVE_NAMES, None);
    let folder = match request.message("ParentFolderIds").and_then(|folders| folders.children.first()) {
        None => None,
        Some(folder) => match context.folder(folder) {
            Ok(folder) => Some(folder),
            Err(failure) => {
                messages.fail(failure);
                return Ok(messages.finish());
            }
        },
    };
    let own = folder.map_or(context.mailbox(), |folder| folder.mailbox());
    let own_address = context.perform(own, Operation::ResolveNames, |open| (open.address(), Work::default()))?;
    let domain = own_address.split_once('@').map_or("", |(_, domain)| domain);
    let user = context.find(entry).or_else(|| context.find(&format!("{entry}@{domain}")));
    context.perform(own, Operation::Directory, |open| {
        let ordinal = match folder {
            Some(folder) => folder.ordinal(open).ok(),
            None => open.known_folder(FolderKind::Contacts),
        };
        let candidates = candidates(open, scope, ordinal, user, entry);
        let told = candidates.len().min(CANDIDATES_MAX);
        let mailbox = open.mailbox();
        let write = |writer: &mut Writer| {
            let last = if told == candidates.len() { "true" } else { "false" };
            let total = candidates.len().to_string();
            writer.open("m:ResolutionSet", &[("TotalItemsInView", &total), ("IncludesLastItemInRange", last)]);
            for candidate in &candidates[..told] {
                writer.open("t:Resolution", &[]);
                match candidate {
                    Candidate::User(address) => write_user(writer, address, full),
                    Candidate::Contact(found) => write_contact(writer, mailbox, found, full),
                }
                writer.close("t:Resolution");
            }
            writer.close("m:ResolutionSet");
        };
        match candidates.len() {
            0 => messages.fail(Failure::NO_NAMES),
            1 => messages.succeed(write),
            _ => messages.warn(Failure::MANY_NAMES, write),
        }
        ((), Work { items: candidates.len() as u64, ..Work::default() })
    })?;
    Ok(messages.finish())
}

fn candidates<C: Content>(
    open: &mut Open<'_, C>,
    scope: Scope,
    folder: Option<u32>,
    user: Option<MailboxKey>,
    entry: &str,
) -> Vec<Candidate> {
    let user = user.filter(|_| scope.directory).and_then(|user| open.address_of(user)).map(Candidate::User);
    let numbers = folder.filter(|_| scope.contacts).map_or(Vec::new(), |folder| open.list(folder));
    let beginning = entry.to_lowercase();
    let contacts = numbers.into_iter().filter_map(|number| stored(open, number).ok());
    let contacts = contacts.filter(|found| Sort::of_class(&found.item.class) == Sort::Contact);
    let contacts: Vec<_> = contacts.filter(|found| is_called(found, &beginning)).map(Candidate::Contact).collect();
    if scope.contacts_first {
        contacts.into_iter().chain(user).collect()
    } else {
        user.into_iter().chain(contacts).collect()
    }
}

fn write_user(writer: &mut Writer, address: &str, full: bool) {
    let name = address.split_once('@').map_or(address, |(name, _)| name);
    write_mailbox(writer, "t:Mailbox", name, address, "Mailbox");
    if full {
        writer.open("t:Contact", &[]);
        writer.leaf("t:DisplayName", name);
        write_addresses(writer, [format!("SMTP:{address}")]);
        writer.leaf("t:ContactSource", "ActiveDirectory");
        writer.close("t:Contact");
    }
}

fn write_addresses(writer: &mut Writer, addresses: impl IntoIterator<Item = impl AsRef<str>>) {
    writer.open("t:EmailAddresses", &[]);
    for (place, address) in addresses.into_iter().enumerate() {
        writer.leaf_with("t:Entry", &[("Key", &format!("EmailAddress{}", place + 1))], address.as_ref());
    }
    writer.close("t:EmailAddresses");
}

fn write_contact(writer: &mut Writer, mailbox: MailboxKey, found: &Found, full: bool) {
    let value = |tag| text(&found.item, Slot::Tag(tag));
    let addresses = indexed::addresses(&found.item);
    let name = value(0x3001).map_or("", |name| name);
    writer.open("t:Mailbox", &[]);
    writer.leaf("t:Name", name);
    if let Some(address) = addresses.first() {
        writer.leaf("t:EmailAddress", address);
        writer.leaf("t:RoutingType", "SMTP");
    }
    writer.leaf("t:MailboxType", "Contact");
    let id = item_ids::item(mailbox, found.number, None);
    writer.empty("t:ItemId", &[("Id", &id), ("ChangeKey", &item_ids::change_key(mailbox, found.head.version))]);
    writer.close("t:Mailbox");
    if !full {
        return;
    }
    writer.open("t:Contact", &[]);
    writer.leaf("t:DisplayName", name);
    for (element, tag) in [("t:GivenName", 0x3A06), ("t:CompanyName", 0x3A16)] {
        if let Some(value) = value(tag) {
            writer.leaf(element, value);
        }
    }
    if !addresses.is_empty() {
        write_addresses(writer, &addresses);
    }
    writer.leaf("t:ContactSource", "Store");
    if let Some(surname) = value(0x3A11) {
        writer.leaf("t:Surname", surname);
    }
    writer.close("t:Contact");
}
