//! `FindPeople`, `GetPersona` and `ExpandDL`: contacts as people, and the members of lists.
//!
//! A persona is one contact: contacts of the same person are not linked.

use super::{Found, Target, stored};
use crate::mailbox::content::Content;
use crate::mailbox::item::Role;
use crate::mailbox::open::Open;
use crate::mailbox::property;
use crate::protocol::ews::context::{Context, Refused};
use crate::protocol::ews::failure::Failure;
use crate::protocol::ews::fields::field::{BLIND, Slot};
use crate::protocol::ews::fields::path::Path;
use crate::protocol::ews::fields::props::text;
use crate::protocol::ews::fields::scene::Viewer;
use crate::protocol::ews::fields::shape::Shape;
use crate::protocol::ews::fields::sort::Sort;
use crate::protocol::ews::fields::{indexed, times};
use crate::protocol::ews::item_ids;
use crate::protocol::ews::messages::{Messages, respond};
use crate::protocol::ews::names::EXPAND_DL;
use crate::protocol::ews::restriction::{Restriction, compare};
use crate::protocol::host::Host;
use crate::service::cost::Work;
use crate::wire::call::FolderKind;
use crate::wire::ews::xml::{Element, Writer};
use crate::wire::id::MailboxKey;
use crate::wire::operation::Operation;

/// The most people of one page (assumed, as for items).
const PAGE_MAX: usize = 1_000;

/// A property of a persona.
#[derive(Copy, Clone, PartialEq, Eq, Debug)]
enum Part {
    /// The text of a property of the contact.
    Text(u16),
    /// When the contact was made.
    Created,
    /// What kind of thing it is.
    Kind,
    /// The first address.
    Address,
    /// All addresses.
    Addresses,
}

/// What is shown of a persona, in the order of `PersonaType` (`types.xsd`), and whether it is shown by default.
const PARTS: [(&str, Part, bool); 15] = [
    ("PersonaType", Part::Kind, true),
    ("CreationTime", Part::Created, false),
    ("DisplayName", Part::Text(0x3001), true),
    ("DisplayNameFirstLast", Part::Text(0x3001), false),
    ("DisplayNamePrefix", Part::Text(0x3A45), false),
    ("GivenName", Part::Text(0x3A06), true),
    ("MiddleName", Part::Text(0x3A44), false),
    ("Surname", Part::Text(0x3A11), true),
    ("Generation", Part::Text(0x3A05), false),
    ("Nickname", Part::Text(0x3A4F), false),
    ("Title", Part::Text(0x3A17), true),
    ("Department", Part::Text(0x3A18), false),
    ("CompanyName", Part::Text(0x3A16), true),
    ("EmailAddress", Part::Address, true),
    ("EmailAddresses", Part::Addresses, true),
];

/// Which parts are wanted.
fn read_shape(shape: Option<&Element<'_>>) -> Result<Vec<bool>, Refused> {
    let base = shape.and_then(|shape| shape.typed("BaseShape")).map_or("Default", Element::text);
    let mut wanted: Vec<bool> = match base {
        "IdOnly" => vec![false; PARTS.len()],
        "Default" => PARTS.iter().map(|(_, _, usual)| *usual).collect(),
        "AllProperties" => vec![true; PARTS.len()],
        _ => return Err(Refused::schema("the base shape is invalid")),
    };
    let additional = shape.and_then(|shape| shape.typed("AdditionalProperties"));
    for path in additional.map_or(&[][..], |paths| &paths.children) {
        let name = path.attribute("FieldURI").and_then(|uri| uri.strip_prefix("persona:"));
        if let Some(place) = PARTS.iter().position(|(part, ..)| Some(*part) == name) {
            wanted[place] = true;
        }
    }
    Ok(wanted)
}

/// Writes a persona: a persona of its own is of the messages, one in a list of the types.
fn write<C: Content>(writer: &mut Writer, root: &str, open: &Open<'_, C>, found: &Found, wanted: &[bool]) {
    let item = &*found.item;
    let name = text(item, Slot::Tag(0x3001)).map_or("", |name| name);
    let addresses = indexed::addresses(item);
    writer.open(root, &[]);
    let id = item_ids::item(open.mailbox(), found.number, None);
    writer.empty("t:PersonaId", &[("Id", &id)]);
    for ((element, part, _), _) in PARTS.iter().zip(wanted).filter(|(_, wanted)| **wanted) {
        let element = format!("t:{element}");
        match part {
            Part::Kind => writer.leaf(&element, "Person"),
            Part::Created => {
                if let Some(created) = item.time(&property::CREATION_TIME) {
                    writer.leaf(&element, &times::write(created));
                }
            }
            Part::Text(tag) => {
                if let Some(value) = text(item, Slot::Tag(*tag)) {
                    writer.leaf(&element, value);
                }
            }
            Part::Address => {
                if let Some(address) = addresses.first() {
                    write_mailbox(writer, &element, name, address, "Contact");
                }
            }
            Part::Addresses if addresses.is_empty() => {}
            Part::Addresses => {
                writer.open(&element, &[]);
                for address in &addresses {
                    write_mailbox(writer, "t:Address", name, address, "Contact");
                }
                writer.close(&element);
            }
        }
    }
    writer.close(root);
}

/// Whether a contact has a name that begins with some text, or one whose words do, or an address that does. The text is
/// in lower case.
pub(super) fn is_called(found: &Found, beginning: &str) -> bool {
    let name = text(&found.item, Slot::Tag(0x3001)).map_or_else(String::new, |name| name.to_lowercase());
    name.starts_with(beginning)
        || name.split_whitespace().any(|part| part.starts_with(beginning))
        || indexed::addresses(&found.item).iter().any(|address| address.to_lowercase().starts_with(beginning))
}

/// Writes who is meant by an address, and what kind of thing that is (`MailboxTypeType` in `types.xsd`).
pub(super) fn write_mailbox(writer: &mut Writer, element: &str, name: &str, address: &str, kind: &str) {
    writer.open(element, &[]);
    writer.leaf("t:Name", name);
    writer.leaf("t:EmailAddress", address);
    writer.leaf("t:RoutingType", "SMTP");
    writer.leaf("t:MailboxType", kind);
    writer.close(element);
}

/// What a request of `FindPeople` picks.
struct Pick {
    restriction: Option<Restriction>,
    words: Vec<String>,
    order: Vec<(Path, bool)>,
    offset: usize,
    most: usize,
}

impl Pick {
    fn read<H: Host>(request: &Element<'_>, context: &Context<'_, H>) -> Result<Result<Self, Failure>, Refused> {
        let view = request.message("IndexedPageItemView").ok_or_else(|| Refused::schema("the view is missing"))?;
        let number = |name| view.attribute(name).and_then(|text| text.parse::<usize>().ok());
        let offset = number("Offset").ok_or_else(|| Refused::schema("the offset is missing or invalid"))?;
        let most = number("MaxEntriesReturned").unwrap_or(PAGE_MAX).min(PAGE_MAX);
        let restriction = request.message("Restriction");
        let restriction = restriction.map(|holder| Restriction::read(holder, context.zone())).transpose();
        let fields = request.message("SortOrder").map_or(&[][..], |order| &order.children);
        let order = fields.iter().map(|field| {
            let path = Path::read(field.children.first().ok_or(Failure::UNSUPPORTED_SORT)?)?;
            match &path {
                Path::Foreign => Err(Failure::UNSUPPORTED_SORT),
                Path::Field(field) if field.is(BLIND) => Err(Failure::UNSUPPORTED_SORT),
                _ => Ok((path, field.attribute("Order") == Some("Descending"))),
            }
        });
        let order = order.collect::<Result<Vec<_>, Failure>>();
        // A search is for words that begin a name or an address, whatever it says they are.
        let query = request.message("QueryString").map_or("", Element::text).to_lowercase();
        let words = query.split_whitespace().map(|word| word.rsplit(':').next().unwrap_or(word).to_owned()).collect();
        Ok(restriction.and_then(|restriction| Ok(Self { restriction, words, order: order?, offset, most })))
    }

    fn holds(&self, found: &Found, viewer: Viewer<'_>, shape: &Shape) -> bool {
        let scene = found.scene(viewer, shape, true);
        self.words.iter().all(|word| is_called(found, word))
            && self.restriction.as_ref().is_none_or(|restriction| restriction.holds(&scene))
    }

    fn sort(&self, found: &mut [Found], viewer: Viewer<'_>, shape: &Shape) {
        found.sort_by_cached_key(|item| text(&item.item, Slot::Tag(0x3001)).map(|name| name.to_lowercase()));
        for (path, descends) in self.order.iter().rev() {
            let value = |item: &Found| path.value(&item.scene(viewer, shape, true));
            found.sort_by(|left, right| {
                let order = match (value(left), value(right)) {
                    (Some(left), Some(right)) => compare(&left, &right).unwrap_or(std::cmp::Ordering::Equal),
                    (left, right) => left.is_some().cmp(&right.is_some()),
                };
                if *descends { order.reverse() } else { order }
            });
        }
    }
}

/// `FindPeople`: the contacts of a folder, or those of the contacts folder.
pub(in super::super) fn find<H: Host>(request: &Element<'_>, context: &mut Context<'_, H>) -> Result<Vec<u8>, Refused> {
    const RESPONSE: &str = "m:FindPeopleResponse";
    let wanted = read_shape(request.message("PersonaShape"))?;
    let pick = Pick::read(request, context)?;
    let folder = match request.message("ParentFolderId") {
        Some(holder) => context.single_folder(Some(holder))?.map(Some),
        None => Ok(None),
    };
    let (pick, folder) = match (pick, folder) {
        (Ok(pick), Ok(folder)) => (pick, folder),
        (Err(failure), _) | (_, Err(failure)) => return Ok(respond(RESPONSE, Err(failure), |_| {})),
    };
    let mailbox = folder.map_or(context.mailbox(), |folder| folder.mailbox());
    let listed = context.perform(mailbox, Operation::FindMessages, |open| {
        let mut contacts = || open.known_folder(FolderKind::Contacts).ok_or(Failure::FOLDER_NOT_FOUND);
        let ordinal = match folder {
            None => contacts(),
            Some(folder) => folder.ordinal(open),
        };
        let listed = ordinal.map(|ordinal| list(open, ordinal, &pick, &wanted));
        let items = listed.as_ref().map_or(0, |(_, total)| *total as u64);
        (listed, Work { items, ..Work::default() })
    })?;
    Ok(match listed {
        Err(failure) => respond(RESPONSE, Err(failure), |_| {}),
        Ok((people, total)) => respond(RESPONSE, Ok(()), |writer| {
            writer.open("m:People", &[]);
            writer.raw(&people);
            writer.close("m:People");
            writer.leaf("m:TotalNumberOfPeopleInView", &total.to_string());
            writer.leaf("m:FirstMatchingRowIndex", "0");
            writer.leaf("m:FirstLoadedRowIndex", &pick.offset.min(total).to_string());
        }),
    })
}

/// A page of people, and how many there are.
fn list<C: Content>(open: &mut Open<'_, C>, folder: u32, pick: &Pick, wanted: &[bool]) -> (Vec<u8>, usize) {
    let address = open.address();
    let viewer = Viewer { mailbox: open.mailbox(), address: &address };
    let shape = Shape::id_only();
    let mut found = Vec::new();
    for number in open.list(folder) {
        let Ok(item) = stored(open, number) else { continue };
        if Sort::of_class(&item.item.class) == Sort::Contact && pick.holds(&item, viewer, &shape) {
            found.push(item);
        }
    }
    pick.sort(&mut found, viewer, &shape);
    let mut writer = Writer::cleaning_fragment();
    let page = found.iter().skip(pick.offset).take(pick.most);
    page.for_each(|item| write(&mut writer, "t:Persona", open, item, wanted));
    (writer.finish(), found.len())
}

/// `GetPersona`: by its identifier, or by an address of a contact.
pub(in super::super) fn get<H: Host>(request: &Element<'_>, context: &mut Context<'_, H>) -> Result<Vec<u8>, Refused> {
    const RESPONSE: &str = "m:GetPersonaResponseMessage";
    let wanted = vec![true; PARTS.len()];
    let named = match (request.message("PersonaId"), request.message("EmailAddress")) {
        (Some(id), _) => match id.attribute("Id").filter(|id| !id.is_empty()) {
            None => Err(Failure::EMPTY_ID),
            Some(id) => {
                item_ids::read_item(id).map(|name| (name.mailbox, Some(name.number))).ok_or(Failure::MALFORMED_ID)
            }
        },
        (None, Some(_)) => Ok((context.mailbox(), None)),
        (None, None) => return Err(Refused::schema("the persona is not named")),
    };
    let address = request.message("EmailAddress").and_then(|address| address.typed("EmailAddress"));
    let address = address.map_or("", Element::text);
    let (mailbox, number) = match named {
        Ok(named) => named,
        Err(failure) => return Ok(respond(RESPONSE, Err(failure), |_| {})),
    };
    let persona = context.perform(mailbox, Operation::ReadItems, |open| {
        let found = match number {
            Some(number) => stored(open, number).map_err(|_| Failure::PERSON_NOT_FOUND),
            None => by_address(open, address).ok_or(Failure::PERSON_NOT_FOUND),
        };
        let persona = found.map(|found| {
            let mut writer = Writer::cleaning_fragment();
            write(&mut writer, "m:Persona", open, &found, &wanted);
            writer.finish()
        });
        (persona, Work { items: 1, ..Work::default() })
    })?;
    let outcome = persona.as_ref().map(|_| ()).map_err(|failure| *failure);
    Ok(respond(RESPONSE, outcome, |writer| {
        if let Ok(persona) = persona {
            writer.raw(&persona);
        }
    }))
}

fn by_address<C: Content>(open: &mut Open<'_, C>, address: &str) -> Option<Found> {
    let folder = open.known_folder(FolderKind::Contacts)?;
    open.list(folder).into_iter().find_map(|number| {
        let found = stored(open, number).ok()?;
        indexed::addresses(&found.item).iter().any(|own| own.eq_ignore_ascii_case(address)).then_some(found)
    })
}

/// `ExpandDL`: the members of a distribution list of the mailbox. The directory has no lists.
pub(in super::super) fn expand<H: Host>(
    request: &Element<'_>,
    context: &mut Context<'_, H>,
) -> Result<Vec<u8>, Refused> {
    let list = request.message("Mailbox").ok_or_else(|| Refused::schema("the list is missing"))?;
    let mut messages = Messages::new(&EXPAND_DL, None);
    let target = list.typed("ItemId").map(Target::read).transpose();
    let mailbox: MailboxKey = match &target {
        Ok(Some(target)) => target.name.mailbox,
        _ => context.mailbox(),
    };
    context.perform(mailbox, Operation::Directory, |open| {
        let found = target.and_then(|target| target.ok_or(Failure::NO_NAMES)?.find(open));
        match found {
            Err(failure) => messages.fail(failure),
            Ok(found) if Sort::of_class(&found.item.class) != Sort::DistributionList => {
                messages.fail(Failure::NO_NAMES);
            }
            Ok(found) => messages.succeed(|writer| {
                let members: Vec<_> = found.item.people.iter().filter(|one| one.role == Role::Member).collect();
                let total = members.len().to_string();
                let attributes = [("TotalItemsInView", &*total), ("IncludesLastItemInRange", "true")];
                writer.open("m:DLExpansion", &attributes);
                for member in members {
                    let name = if member.name.is_empty() { &member.address } else { &member.name };
                    write_mailbox(writer, "t:Mailbox", name, &member.address, "Mailbox");
                }
                writer.close("m:DLExpansion");
            }),
        }
        ((), Work::default())
    })?;
    Ok(messages.finish())
}
