//! Recipients, attendees, members of lists, and single persons.

use std::sync::Arc;

use jiff::tz::TimeZone;

use super::codec::{RESPONSE_TYPES, word};
use super::field::Slot;
use super::props::{put_slot, text};
use super::scene::Scene;
use super::tables::{FROM, SENDER};
use super::times;
use crate::mailbox::item::{Item, Person, Role};
use crate::mailbox::property::Value;
use crate::protocol::ews::failure::Failure;
use crate::wire::ews::xml::{Element, Space, Writer};

fn of_role(item: &Item, role: Role) -> impl Iterator<Item = &Person> {
    item.people.iter().filter(move |person| person.role == role)
}

/// What is known of one address.
#[expect(clippy::struct_field_names, reason = "an address has a name, a type and the address itself")]
#[derive(Clone, PartialEq, Eq, Debug)]
pub(in super::super) struct Address {
    /// The name that is shown.
    pub(in super::super) name: Arc<str>,
    /// The address itself.
    pub(in super::super) address: Arc<str>,
    /// Its type.
    pub(in super::super) routing: Arc<str>,
}

impl Address {
    /// Reads a `Mailbox`.
    pub(in super::super) fn read(mailbox: &Element<'_>) -> Result<Self, Failure> {
        let part = |name: &str| mailbox.typed(name).map_or("", Element::text);
        let (name, address) = (part("Name"), part("EmailAddress"));
        if address.is_empty() && name.is_empty() {
            return Err(Failure::RECIPIENTS);
        }
        let routing = if part("RoutingType").is_empty() { "SMTP" } else { part("RoutingType") };
        // What is addressed by name alone is looked up by clients and servers alike as an address.
        let address = if address.is_empty() { name } else { address };
        let name = if name.is_empty() { address } else { name };
        Ok(Self { name: name.into(), address: address.into(), routing: routing.into() })
    }

    /// A person in a role.
    pub(in super::super) fn person(&self, role: Role) -> Person {
        Person {
            role,
            name: Arc::clone(&self.name),
            address: Arc::clone(&self.address),
            routing: Arc::clone(&self.routing),
            ..Person::default()
        }
    }

    /// Writes a `Mailbox`.
    pub(in super::super) fn write(&self, writer: &mut Writer) {
        writer.open("t:Mailbox", &[]);
        writer.leaf("t:Name", if self.name.is_empty() { &self.address } else { &self.name });
        if !self.address.is_empty() {
            writer.leaf("t:EmailAddress", &self.address);
            writer.leaf("t:RoutingType", if self.routing.is_empty() { "SMTP" } else { &self.routing });
        }
        writer.leaf("t:MailboxType", if self.address.is_empty() { "OneOff" } else { "Mailbox" });
        writer.close("t:Mailbox");
    }
}

fn address_of(person: &Person) -> Address {
    Address {
        name: Arc::clone(&person.name),
        address: Arc::clone(&person.address),
        routing: Arc::clone(&person.routing),
    }
}

/// Writes the recipients of a role; nothing if there are none.
pub(super) fn write_recipients(writer: &mut Writer, name: &str, item: &Item, role: Role) {
    if of_role(item, role).next().is_none() {
        return;
    }
    writer.open(name, &[]);
    for person in of_role(item, role) {
        address_of(person).write(writer);
    }
    writer.close(name);
}

/// Writes the attendees of a role; nothing if there are none.
pub(super) fn write_attendees(writer: &mut Writer, name: &str, item: &Item, role: Role) {
    if of_role(item, role).next().is_none() {
        return;
    }
    writer.open(name, &[]);
    for person in of_role(item, role) {
        writer.open("t:Attendee", &[]);
        address_of(person).write(writer);
        writer.leaf("t:ResponseType", word(&RESPONSE_TYPES, person.response));
        if let Some(moment) = person.responded {
            writer.leaf("t:LastResponseTime", &times::write(moment));
        }
        writer.close("t:Attendee");
    }
    writer.close(name);
}

/// Writes the members of a list.
pub(super) fn write_members(writer: &mut Writer, name: &str, item: &Item) {
    if of_role(item, Role::Member).next().is_none() {
        return;
    }
    writer.open(name, &[]);
    for person in of_role(item, Role::Member) {
        writer.open("t:Member", &[]);
        address_of(person).write(writer);
        writer.leaf("t:Status", "Normal");
        writer.close("t:Member");
    }
    writer.close(name);
}

/// The one person that four properties describe.
pub(in super::super) fn single(item: &Item, tags: [u16; 4]) -> Option<Address> {
    let [name, routing, address, smtp] = tags.map(|tag| text(item, Slot::Tag(tag)));
    let shown = smtp.or(address);
    if shown.is_none() && name.is_none() {
        return None;
    }
    let address = shown.cloned().unwrap_or_else(|| "".into());
    Some(Address {
        name: name.filter(|name| !name.is_empty()).cloned().unwrap_or_else(|| Arc::clone(&address)),
        routing: if smtp.is_some() { "SMTP".into() } else { routing.cloned().unwrap_or_else(|| "SMTP".into()) },
        address,
    })
}

/// Describes one person in four properties.
pub(in super::super) fn put_single(item: &mut Item, tags: [u16; 4], address: &Address) {
    let [name, routing, plain, smtp] = tags.map(Slot::Tag);
    put_slot(item, name, Some(Value::Text(Arc::clone(&address.name))));
    put_slot(item, routing, Some(Value::Text(Arc::clone(&address.routing))));
    put_slot(item, plain, Some(Value::Text(Arc::clone(&address.address))));
    let is_smtp = address.routing.eq_ignore_ascii_case("SMTP");
    put_slot(item, smtp, is_smtp.then(|| Value::Text(Arc::clone(&address.address))));
}

/// Writes the one person that four properties describe.
pub(super) fn write_single(writer: &mut Writer, name: &str, item: &Item, tags: [u16; 4]) {
    let other = if tags == FROM { SENDER } else { FROM };
    let found = single(item, tags).or_else(|| if [FROM, SENDER].contains(&tags) { single(item, other) } else { None });
    if let Some(address) = found {
        writer.open(name, &[]);
        address.write(writer);
        writer.close(name);
    }
}

/// Who organizes a meeting: the one it is from, else the owner of the mailbox.
pub(in super::super) fn organizer(item: &Item, owner: &str) -> Address {
    single(item, FROM).or_else(|| single(item, SENDER)).unwrap_or_else(|| Address {
        name: owner.into(),
        address: owner.into(),
        routing: "SMTP".into(),
    })
}

/// Writes who organizes a meeting.
pub(super) fn write_organizer(writer: &mut Writer, name: &str, scene: &Scene<'_>) {
    writer.open(name, &[]);
    organizer(scene.item, scene.viewer.address).write(writer);
    writer.close(name);
}

/// Names and addresses of the people of a role, for searching.
pub(super) fn value(item: &Item, role: Role) -> Option<Value> {
    let texts: Vec<Arc<str>> =
        of_role(item, role).flat_map(|person| [Arc::clone(&person.name), Arc::clone(&person.address)]).collect();
    (!texts.is_empty()).then_some(Value::Texts(texts))
}

/// Name and address of one person, for searching.
pub(super) fn single_value(item: &Item, tags: [u16; 4]) -> Option<Value> {
    single(item, tags).map(|address| Value::Texts(vec![address.name, address.address]))
}

/// The names of the people of a role, separated as `PidTagDisplayTo` does (\[MS-OXOMSG\] 2.2.1.9).
pub(in super::super) fn display(item: &Item, role: Role) -> String {
    let names: Vec<&str> = of_role(item, role)
        .map(|person| if person.name.is_empty() { &*person.address } else { &*person.name })
        .collect();
    names.join("; ")
}

fn mailboxes(holder: &Element<'_>) -> Result<Vec<Address>, Failure> {
    holder.children.iter().filter(|child| child.is(Space::Types, "Mailbox")).map(Address::read).collect()
}

/// Sets the recipients of a role.
pub(super) fn set_recipients(item: &mut Item, role: Role, holder: &Element<'_>) -> Result<(), Failure> {
    let all = mailboxes(holder)?;
    clear(item, role);
    item.people.extend(all.iter().map(|address| address.person(role)));
    Ok(())
}

/// Adds recipients of a role.
pub(super) fn append_recipients(item: &mut Item, role: Role, holder: &Element<'_>) -> Result<(), Failure> {
    item.people.extend(mailboxes(holder)?.iter().map(|address| address.person(role)));
    Ok(())
}

fn attendees(holder: &Element<'_>, role: Role, zone: &TimeZone) -> Result<Vec<Person>, Failure> {
    let read = |attendee: &Element<'_>| {
        let mut person = Address::read(attendee.typed("Mailbox").ok_or(Failure::RECIPIENTS)?)?.person(role);
        if let Some(response) = attendee.typed("ResponseType") {
            let known = RESPONSE_TYPES.iter().find(|(_, word)| *word == response.text());
            person.response = known.ok_or(Failure::PROPERTY_VALUE)?.0;
        }
        person.responded = attendee.typed("LastResponseTime").and_then(|moment| times::read(moment.text(), zone));
        Ok(person)
    };
    holder.children.iter().filter(|child| child.is(Space::Types, "Attendee")).map(read).collect()
}

/// Sets the attendees of a role.
pub(super) fn set_attendees(item: &mut Item, role: Role, holder: &Element<'_>, zone: &TimeZone) -> Result<(), Failure> {
    let all = attendees(holder, role, zone)?;
    clear(item, role);
    item.people.extend(all);
    Ok(())
}

/// Adds attendees of a role.
pub(super) fn append_attendees(
    item: &mut Item,
    role: Role,
    holder: &Element<'_>,
    zone: &TimeZone,
) -> Result<(), Failure> {
    item.people.extend(attendees(holder, role, zone)?);
    Ok(())
}

fn members(holder: &Element<'_>) -> Result<Vec<Person>, Failure> {
    let all = holder.children.iter().filter(|child| child.is(Space::Types, "Member"));
    all.filter_map(|member| member.typed("Mailbox"))
        .map(|mailbox| Address::read(mailbox).map(|address| address.person(Role::Member)))
        .collect()
}

/// Sets the members of a list.
pub(super) fn set_members(item: &mut Item, holder: &Element<'_>) -> Result<(), Failure> {
    let all = members(holder)?;
    clear(item, Role::Member);
    item.people.extend(all);
    Ok(())
}

/// Adds members to a list.
pub(super) fn append_members(item: &mut Item, holder: &Element<'_>) -> Result<(), Failure> {
    item.people.extend(members(holder)?);
    Ok(())
}

/// Takes the members of a list away.
pub(super) fn clear_members(item: &mut Item) {
    clear(item, Role::Member);
}

/// Takes the people of a role away.
pub(super) fn clear(item: &mut Item, role: Role) {
    item.people.retain(|person| person.role != role);
}

/// Sets the one person that four properties describe.
pub(super) fn set_single(item: &mut Item, tags: [u16; 4], holder: &Element<'_>) -> Result<(), Failure> {
    let address = Address::read(holder.typed("Mailbox").ok_or(Failure::RECIPIENTS)?)?;
    put_single(item, tags, &address);
    Ok(())
}

/// Sets who organizes a meeting.
pub(super) fn set_organizer(item: &mut Item, holder: &Element<'_>) -> Result<(), Failure> {
    set_single(item, SENDER, holder)?;
    set_single(item, FROM, holder)
}
