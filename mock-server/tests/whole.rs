//! Whole items in open mailboxes, and what the migration's calls see of them.

use bytes::Bytes;
use mock_server::mailbox::content::Content;
use mock_server::mailbox::item::{AttachmentContent, Item, Person, Role};
use mock_server::mailbox::named::{Directory, Named};
use mock_server::mailbox::open::{Deletion, Open};
use mock_server::mailbox::plain::Plain;
use mock_server::mailbox::property::{self, FLAG_READ, Value};
use mock_server::mailbox::reference;
use mock_server::mailbox::store::StoreError;
use mock_server::mailbox::watch::{EventKind, Object, Position};
use mock_server::service::config::Holding;
use mock_server::service::core::Service;
use mock_server::service::cost::Work;
use mock_server::service::errand::{Errand, handing};
use mock_server::service::reply::Request;
use mock_server::time::{Moment, Span};
use mock_server::wire::answer::{Answer, ChangeKind};
use mock_server::wire::call::{Call, FolderKind, Protocol, RequestIdentity};
use mock_server::wire::id::{Id, MailboxKey};
use mock_server::wire::operation::Operation;

#[path = "support/eml.rs"]
mod eml;
#[path = "support/server.rs"]
mod server;

type Server = Service<Named<Plain>>;

const PLAIN: Plain = Plain { mailboxes: 2, items: 20, item_bytes: 3_000, changes_per_day: 0.0 };
const IDENTITY: RequestIdentity = RequestIdentity::new(1, 0);

/// A server with two computed mailboxes, and Alice's, which is empty.
fn served() -> (Server, MailboxKey) {
    let mut content = Named::new(PLAIN);
    let alice = content.add("alice@contoso.test").expect("there is room");
    (Service::new(server::free(Holding::Live), content).with_bytes(true), alice)
}

fn open<T>(server: &mut Server, mailbox: MailboxKey, work: impl FnOnce(&mut Open<'_, Named<Plain>>) -> T) -> T {
    let errand = Errand {
        app: 1,
        mailbox,
        protocol: Protocol::Ews,
        identity: IDENTITY,
        body_bytes: 0,
        operation: Operation::ReadItems,
    };
    let work = |open: &mut Open<'_, Named<Plain>>| (work(open), Work::default());
    let (performed, told) = handing(work, |work| server.perform(Moment::START, &errand, work));
    performed.outcome.expect("nothing refuses");
    told.expect("it was done")
}

fn call(server: &mut Server, mailbox: MailboxKey, call: &Call) -> Answer {
    let request = Request { app: 1, mailbox, protocol: Protocol::Ews, identity: IDENTITY, body_bytes: 0, call };
    server.handle(Moment::START, &request).outcome.expect("nothing refuses")
}

fn note(subject: &str) -> Item {
    let mut item = Item::default();
    item.put(property::SUBJECT, Some(Value::Text(subject.into())));
    item
}

fn inbox<C: Content>(open: &Open<'_, C>) -> u32 {
    open.default_folder(FolderKind::Inbox).expect("every mailbox has an inbox")
}

fn changes(server: &mut Server, mailbox: MailboxKey, since: Option<Id>) -> (Vec<(ChangeKind, Id)>, Id) {
    let folder = open(server, mailbox, |open| reference::folder(inbox(open)));
    let Answer::Items { changes, state, .. } =
        call(server, mailbox, &Call::SyncItems { folder, state: since, limit: 512 })
    else {
        panic!("items are told as items")
    };
    (changes.into_iter().map(|change| (change.kind, change.item)).collect(), state)
}

#[test]
fn a_migration_sees_what_a_client_does() {
    let (mut server, alice) = served();
    let number = open(&mut server, alice, |open| open.create(inbox(open), note("one"))).expect("it is stored");
    let (told, state) = changes(&mut server, alice, None);
    assert_eq!(told, [(ChangeKind::Create, Id::Number(number))]);
    open(&mut server, alice, |open| {
        let mut item = Item::clone(&*open.item(number)?);
        item.flag(FLAG_READ, 0);
        open.update(number, item)
    })
    .expect("it is read");
    let (told, state) = changes(&mut server, alice, Some(state));
    assert_eq!(told, [(ChangeKind::ReadFlag, Id::Number(number))]);
    let Answer::Contents(contents) = call(&mut server, alice, &Call::ExportItems { items: vec![Id::Number(number)] })
    else {
        panic!("exports are contents")
    };
    let bytes = contents[0].as_ref().expect("it can be read").bytes.clone().expect("bytes are served");
    assert_eq!(Item::import(&bytes).expect("a stream").text(&property::SUBJECT), Some("one"));
    open(&mut server, alice, |open| open.delete(number, Deletion::Hard)).expect("it is deleted");
    assert_eq!(changes(&mut server, alice, Some(state)).0, [(ChangeKind::Delete, Id::Number(number))]);
}

#[test]
fn a_client_sees_what_a_migration_does() {
    let (mut server, alice) = served();
    let mime = Bytes::from_static(b"Subject: moved\r\nFrom: a@b.test\r\n\r\nhello\r\n");
    let folder = open(&mut server, alice, |open| reference::folder(inbox(open)));
    let content = mock_server::wire::stream::content(mime.to_vec());
    let Answer::Created(Id::Number(number)) = call(&mut server, alice, &Call::CreateMessage { folder, content }) else {
        panic!("a message is created")
    };
    let item = open(&mut server, alice, |open| open.item(number)).expect("it can be read");
    assert_eq!((item.text(&property::SUBJECT), item.to_mime()), (Some("moved"), mime));
}

#[test]
fn computed_items_are_read_and_changed_like_others() {
    let (mut server, _) = served();
    let user = MailboxKey(0);
    open(&mut server, user, |open| {
        let folder = inbox(open);
        let before = open.folder(folder).expect("an inbox");
        let first = open.list(folder)[0];
        let item = open.item(first).expect("it can be read");
        assert!(item.text(&property::SUBJECT).is_some_and(|subject| subject.starts_with("Message ")));
        let mut changed = Item::clone(&item);
        changed.put(property::SUBJECT, Some(Value::Text("new".into())));
        changed.flag(0, FLAG_READ);
        open.update(first, changed).expect("it is changed");
        let item = open.item(first).expect("it can be read");
        assert_eq!((item.text(&property::SUBJECT), &item.mime), (Some("new"), &None));
        let after = open.folder(folder).expect("an inbox");
        assert_eq!((after.items, before.unread), (before.items, 0));
    });
}

#[test]
fn moves_give_new_numbers_and_copies_new_identities() {
    let (mut server, alice) = served();
    open(&mut server, alice, |open| {
        let (from, bin) = (inbox(open), open.default_folder(FolderKind::Deleted).expect("a bin"));
        let number = open.create(from, note("one")).expect("it is stored");
        let key = open.head(number).expect("it is there").key;
        let copy = open.copy_item(number, from).expect("it is copied");
        assert_ne!(open.head(copy).expect("it is there").key, key);
        let moved = open.delete(number, Deletion::ToDeletedItems).expect("it is moved").expect("a new number");
        assert_eq!(open.head(moved).map(|head| (head.folder, head.key)), Some((bin, key)));
        assert_eq!(open.item(number), Err(StoreError::NotFound));
        assert_eq!(open.delete(moved, Deletion::ToDeletedItems), Ok(None));
        assert_eq!((open.list(from), open.list(bin)), (vec![copy], vec![]));
        assert_eq!(open.delete(copy, Deletion::Soft), Ok(None));
        assert_eq!(open.recoverable().len(), 1);
    });
}

#[test]
fn folders_are_made_renamed_moved_and_deleted_and_all_is_told() {
    let (mut server, alice) = served();
    open(&mut server, alice, |open| {
        let (parent, root) = (inbox(open), 0);
        let (all, state) = open.sync_folders(None).expect("everything");
        assert_eq!(all.len() + 1, open.folders().len());
        let folder = open.make_folder(parent, "Projects", None).expect("it is made");
        assert_eq!(open.make_folder(parent, "PROJECTS", None), Err(StoreError::Exists));
        let inner = open.make_folder(folder, "Inner", Some("IPF.Task")).expect("it is made");
        assert_eq!(open.move_folder(folder, inner), Err(StoreError::Cycle));
        open.rename_folder(folder, "Plans").expect("it is renamed");
        open.move_folder(folder, root).expect("it is moved");
        open.create(inner, note("one")).expect("it is stored");
        let info = open.folder(folder).expect("it is there");
        assert_eq!((&*info.name, info.parent, info.children, &*info.class), ("Plans", Some(0), 1, "IPF.Note"));
        let (told, state) = open.sync_folders(Some(state)).expect("a known state");
        assert_eq!(told, [(ChangeKind::Create, folder), (ChangeKind::Create, inner)]);
        assert_eq!(open.delete_folder(parent, Deletion::Hard), Err(StoreError::Distinguished));
        open.delete_folder(folder, Deletion::Hard).expect("it is deleted");
        let (told, _) = open.sync_folders(Some(state)).expect("a known state");
        assert_eq!(told, [(ChangeKind::Delete, inner), (ChangeKind::Delete, folder)]);
        assert!(open.folder(inner).is_none() && open.list(inner).is_empty());
        assert!(open.sync_folders(Some(99)).is_none());
        open.make_folder(root, "Plans", None).expect("the name is free again");
    });
}

#[test]
fn what_is_sent_arrives_unread_where_it_is_addressed() {
    let (mut server, alice) = served();
    open(&mut server, alice, |open| {
        let mut item = note("hello");
        for (role, address) in
            [(Role::To, "USER0@contoso.test"), (Role::Bcc, "alice@contoso.test"), (Role::Cc, "x@elsewhere.test")]
        {
            item.people.push(Person { role, address: address.into(), ..Person::default() });
        }
        open.send(item);
    });
    for mailbox in [MailboxKey(0), alice] {
        open(&mut server, mailbox, |open| {
            let folder = inbox(open);
            let last = *open.list(folder).last().expect("it arrived");
            let item = open.item(last).expect("it can be read");
            assert_eq!((item.text(&property::SUBJECT), item.is_read()), (Some("hello"), false));
            assert!(item.people.iter().all(|person| person.role != Role::Bcc));
            assert_eq!(open.folder(folder).expect("an inbox").unread, 1);
        });
    }
}

#[test]
fn changes_of_one_item_are_told_once() {
    let (mut server, alice) = served();
    open(&mut server, alice, |open| {
        let folder = inbox(open);
        let number = open.create(folder, note("one")).expect("it is stored");
        let gone = open.create(folder, note("two")).expect("it is stored");
        open.update(number, note("three")).expect("it is changed");
        open.delete(gone, Deletion::Hard).expect("it is deleted");
        let page = open.changes(folder, None, 512).expect("a page");
        let told: Vec<_> = page.changes.iter().map(|change| (change.kind, change.item.clone())).collect();
        assert_eq!(told[0], (ChangeKind::Create, Id::Number(number)));
        assert!(told[1..].iter().all(|(kind, item)| *kind == ChangeKind::Delete && *item == Id::Number(gone)));
    });
}

#[test]
#[expect(clippy::print_stdout, reason = "a test that is skipped says so")]
fn real_messages_come_back_byte_by_byte_and_are_read_as_they_are() {
    let Some(all) = eml::messages() else {
        println!("skipped: {} is not there", eml::folder().display());
        return;
    };
    let (mut server, alice) = served();
    for path in all {
        let bytes = Bytes::from(std::fs::read(&path).expect("the file can be read"));
        let Ok(item) = Item::from_mime(&bytes) else { panic!("{} is not read", path.display()) };
        let item = open(&mut server, alice, |open| {
            let number = open.create(inbox(open), item).expect("it is stored");
            open.item(number).expect("it can be read")
        });
        assert_eq!(item.to_mime(), bytes, "{}", path.display());
        let exported = Item::import(&item.export(item.key().expect("an identity"))).expect("a stream");
        assert_eq!(&exported, &*item, "{}", path.display());
        let eml::Said { subject, second, addresses, attachments } = eml::said(&bytes);
        assert_eq!(item.text(&property::SUBJECT), subject.as_deref(), "{}", path.display());
        assert_eq!(item.time(&property::SUBMIT_TIME).map(jiff::Timestamp::as_second), second, "{}", path.display());
        let own: Vec<_> = item.people.iter().map(|person| person.address.to_string()).collect();
        assert_eq!(own, addresses, "{}", path.display());
        assert_eq!(item.attachments.len(), attachments.len(), "{}", path.display());
        for (own, (name, content)) in item.attachments.iter().zip(attachments) {
            assert!(name.is_none_or(|name| *own.name == name), "{}", path.display());
            if let (AttachmentContent::File(bytes), Some(content)) = (&own.content, content) {
                assert_eq!(*bytes, content, "{}", path.display());
            }
        }
    }
}

#[test]
fn events_tell_what_clients_do_and_what_happens_by_itself() {
    let plain = Plain { changes_per_day: 86_400.0, ..PLAIN };
    let mut server = Service::new(server::free(Holding::Live), Named::new(plain)).with_bytes(true);
    let mailbox = MailboxKey(0);
    let at = |server: &mut Server, second, work: &mut dyn FnMut(&mut Open<'_, Named<Plain>>)| {
        server.attend(Moment::START + Span::seconds(second), mailbox, work).expect("there is such a mailbox");
    };
    let mut since = Position::default();
    at(&mut server, 0, &mut |open| since = open.position());
    at(&mut server, 16, &mut |open| {
        let (events, reached) = open.events(since, 100).expect("a known position");
        let count = |kind| events.iter().filter(|event| event.kind == kind).count();
        let counts = [EventKind::Created, EventKind::NewMail, EventKind::Modified, EventKind::Deleted].map(count);
        // Of sixteen changes, twelve are creations, three updates and one a deletion.
        assert_eq!((counts, events.len()), ([12, 12, 3, 1], 28));
        assert_eq!(open.events(reached, 100), Some((Vec::new(), reached)));
        let bin = open.default_folder(FolderKind::Deleted).expect("a bin");
        let into = inbox(open);
        let number = open.create(into, note("one")).expect("it is stored");
        let moved = open.move_item(number, bin).expect("it is moved");
        let copy = open.copy_item(moved, bin).expect("it is copied");
        open.delete(copy, Deletion::Hard).expect("it is deleted");
        let folder = open.make_folder(bin, "Plans", None).expect("it is made");
        open.move_folder(folder, into).expect("it is moved");
        let (events, end) = open.events(reached, 100).expect("a known position");
        let told: Vec<_> = events.iter().map(|event| (event.kind, event.object, event.parent, event.old)).collect();
        let expected = [
            (EventKind::Created, Object::Folder(folder), into, None),
            (EventKind::Moved, Object::Folder(folder), into, Some((Object::Folder(folder), bin))),
            (EventKind::Created, Object::Item(number), into, None),
            (EventKind::Moved, Object::Item(moved), bin, Some((Object::Item(number), into))),
            (EventKind::Copied, Object::Item(copy), bin, Some((Object::Item(moved), bin))),
            (EventKind::Deleted, Object::Item(copy), bin, None),
        ];
        assert_eq!(told, expected);
        // One change after the other leads to the same end.
        let (mut position, mut steps) = (reached, Vec::new());
        while position != end {
            let (some, next) = open.events(position, 1).expect("a known position");
            steps.extend(some);
            position = next;
        }
        assert_eq!(steps, events);
        assert_eq!(open.events(Position { items: 99, ..end }, 100), None);
    });
}
