//! What is kept in a file and put back answers as if nothing had happened.

use std::path::Path;
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use mock_server::mailbox::content::Content;
use mock_server::mailbox::hidden;
use mock_server::mailbox::item::{Item, Person, Role};
use mock_server::mailbox::named::{Directory, Named};
use mock_server::mailbox::open::{Deletion, FolderInfo, Head, Open};
use mock_server::mailbox::plain::Plain;
use mock_server::mailbox::property::{self, FLAG_READ, Value};
use mock_server::mailbox::records::Recoverable;
use mock_server::mailbox::reference::{self, SyncPosition};
use mock_server::mailbox::settings::{Configuration, Object, Rule, Settings};
use mock_server::mailbox::sync::Page;
use mock_server::mailbox::watch::{Delivery, Event, EventKind, Position, Subscription};
use mock_server::service::config::Holding;
use mock_server::service::core::Service;
use mock_server::service::cost::Work;
use mock_server::service::errand::{Errand, handing};
use mock_server::state::file::StateFile;
use mock_server::state::{StateError, restore};
use mock_server::time::{Moment, Span};
use mock_server::wire::answer::ChangeKind;
use mock_server::wire::call::{self, Call, FolderKind, Protocol, RequestIdentity};
use mock_server::wire::id::{Id, ItemKey, MailboxKey};
use mock_server::wire::operation::Operation;
use proptest::prelude::*;

#[path = "support/server.rs"]
mod server;

type Server = Service<Named<Plain>>;

/// Two mailboxes whose inboxes change every half a minute.
const PLAIN: Plain = Plain { mailboxes: 2, items: 10, item_bytes: 1_000, changes_per_day: 2_880.0 };
const BEGAN: Timestamp = Timestamp::constant(1_767_225_600, 0);
const OWNER: &str = "two mailboxes";

/// A server that keeps its state, at a moment that counts from when the first one began.
struct Kept {
    server: Server,
    /// When this one began, counted from the beginning of the first.
    began: Span,
    file: StateFile,
}

impl Kept {
    fn open(file: &Path, began: Span) -> Self {
        let file = StateFile::open(file, OWNER).expect("it can be opened");
        let wall = BEGAN + SignedDuration::from_nanos(began.0.cast_signed());
        let service = Service::new(server::free(Holding::Live), Named::new(PLAIN));
        let mut server = service.with_bytes(true).with_wall(wall);
        restore(&file, &mut server).expect("it can be read");
        Self { server, began, file }
    }

    fn save(&mut self, now: Span) {
        if let Some(unsaved) = self.server.unsaved(self.moment(now), Span::ZERO) {
            self.file.write(&[unsaved]).expect("it can be written");
        }
    }

    fn moment(&self, now: Span) -> Moment {
        Moment::START + (now - self.began)
    }

    fn at<T>(&mut self, now: Span, mailbox: MailboxKey, work: impl FnOnce(&mut Open<'_, Named<Plain>>) -> T) -> T {
        let errand = Errand {
            app: 1,
            mailbox,
            protocol: Protocol::Ews,
            identity: RequestIdentity::new(1, 0),
            body_bytes: 0,
            operation: Operation::ReadItems,
        };
        let moment = self.moment(now);
        let work = |open: &mut Open<'_, Named<Plain>>| (work(open), Work::default());
        let (performed, told) = handing(work, |work| self.server.perform(moment, &errand, work));
        performed.outcome.expect("nothing refuses");
        told.expect("it was done")
    }
}

/// Something that a client does. Numbers choose among what there is.
#[derive(Copy, Clone, Debug)]
struct Step {
    what: u8,
    mailbox: u32,
    one: usize,
    other: usize,
    /// Seconds that pass before it.
    wait: u64,
    /// Whether state is saved after it.
    save: bool,
}

fn steps(most: usize) -> impl Strategy<Value = Vec<Step>> {
    let step = (0u8..21, 0u32..3, any::<usize>(), any::<usize>(), 0u64..40, any::<bool>());
    let step = step.prop_map(|(what, mailbox, one, other, wait, save)| Step { what, mailbox, one, other, wait, save });
    prop::collection::vec(step, 1..most)
}

fn note(number: usize) -> Item {
    let mut item = Item::default();
    item.put(property::SUBJECT, Some(Value::Text(format!("note {number}").into())));
    item
}

fn pick<T: Copy>(all: &[T], number: usize) -> Option<T> {
    (!all.is_empty()).then(|| all[number % all.len()])
}

/// Does something. What cannot be done is not done, the same way every time.
fn act(kept: &mut Kept, now: Span, step: Step) {
    let mailboxes = kept.server.content().mailboxes();
    let mailbox = MailboxKey(step.mailbox % mailboxes);
    let moment = kept.moment(now);
    let folder = kept.at(now, mailbox, |open| {
        let folders: Vec<u32> = open.folders().iter().map(|folder| folder.ordinal).collect();
        pick(&folders, step.one).expect("there is a root")
    });
    let call = match step.what {
        12 => {
            let bytes = format!("Subject: foreign {}\r\n\r\nbody\r\n", step.other).into_bytes();
            let content = call::Content { key: ItemKey(0), size: bytes.len() as u32, bytes: Some(bytes.into()) };
            Call::CreateMessage { folder: reference::folder(folder), content }
        }
        13 => Call::CreateFolder {
            parent: reference::folder(folder),
            name: Arc::from(format!("made {}", step.other % 5)),
        },
        14 => pick(&[Call::StopMailbox, Call::StartMailbox, Call::RemoveLicense].each_ref(), step.other)
            .expect("there are three")
            .clone(),
        15 => return kept.server.forget(mailbox),
        16 => {
            let address = format!("new{}@contoso.test", step.other % 3);
            let _ = kept.server.content_mut().add(&address);
            return;
        }
        17 => pick(&[Call::StartSwitch, Call::PollSwitch, Call::CancelSwitch].each_ref(), step.other)
            .expect("there are three")
            .clone(),
        _ => return kept.at(now, mailbox, |open| change(open, step, folder)),
    };
    // Refused or not: it is refused again, too.
    drop(kept.server.carry_out(moment, mailbox, &call));
}

fn change(open: &mut Open<'_, Named<Plain>>, step: Step, folder: u32) {
    let deletion = [Deletion::Hard, Deletion::Soft, Deletion::ToDeletedItems][step.other % 3];
    let other = open.folders()[step.other % open.folders().len()].ordinal;
    let item = open.list(folder);
    let item = pick(&item, step.other);
    // What is not possible is an error, which nobody minds here.
    match (step.what, item) {
        (0 | 1, _) => drop(open.create(folder, note(step.other % 9))),
        (2, Some(item)) => drop(open.update(item, note(step.one % 9))),
        (3, Some(item)) => {
            let mut changed = open.item(item).map(|item| Item::clone(&item)).unwrap_or_default();
            let read = changed.is_read();
            changed.flag(if read { 0 } else { FLAG_READ }, if read { FLAG_READ } else { 0 });
            let _ = open.update(item, changed);
        }
        (4, Some(item)) => drop(open.delete(item, deletion)),
        (5, Some(item)) => drop(open.move_item(item, other)),
        (6, Some(item)) => drop(open.copy_item(item, other)),
        (7, _) => drop(open.make_folder(folder, &format!("made {}", step.other % 5), None)),
        (8, _) => drop(open.rename_folder(folder, &format!("named {}", step.other % 5))),
        (9, _) => drop(open.move_folder(folder, other)),
        (10, _) if step.other.is_multiple_of(4) => drop(open.delete_folder(folder, deletion)),
        (10, _) => drop(open.set_folder(folder, property::SUBJECT, Some(Value::Long(step.one.cast_signed() as i64)))),
        (11, _) => {
            if let Some((number, _)) = open.recoverable().first() {
                let _ = open.purge(*number);
                return;
            }
            let mut sent = note(step.one % 9);
            let address = Arc::from("USER0@contoso.test");
            sent.people.push(Person { role: Role::To, address, ..Person::default() });
            open.send(sent);
        }
        (18, _) => {
            let number = open.settings_mut().next_number();
            open.settings_mut().rules.push(Rule { number, name: format!("rule {}", step.one % 9), ..Rule::default() });
        }
        (19, _) => {
            let dictionary = Some(vec![(Object { kind: "String".to_owned(), values: vec!["key".to_owned()] }, None)]);
            let stored = Configuration { number: 1, version: step.other as u64, dictionary, ..Default::default() };
            let all = open.settings_mut().configurations.entry(folder).or_default();
            all.insert(format!("stored {}", step.one % 3), stored);
        }
        (20, _) => drop(open.create(hidden::FIRST + step.one as u32 % hidden::ALL.len() as u32, note(step.other % 9))),
        _ => {}
    }
}

/// Changes of folders since a position, and how far they lead.
type FolderChanges = Option<(Vec<(ChangeKind, u32)>, u64)>;

/// Everything that can be seen of a mailbox.
#[derive(PartialEq, Debug)]
struct Seen {
    address: String,
    folders: Vec<FolderInfo>,
    items: Vec<(u64, Option<Head>, Option<Item>)>,
    pages: Vec<Option<Page>>,
    folder_changes: Vec<FolderChanges>,
    recoverable: Vec<(u64, Recoverable)>,
    settings: Settings,
    events: Option<(Vec<Event>, Position)>,
    is_open: bool,
}

/// Looks at all mailboxes, and asks what changed since positions that clients were told before.
fn look(kept: &mut Kept, now: Span, positions: &[(MailboxKey, u32, SyncPosition)]) -> Vec<Seen> {
    let all = 0..kept.server.content().mailboxes();
    let seen = all.map(MailboxKey).map(|mailbox| {
        let is_open = kept.server.is_open(mailbox);
        kept.at(now, mailbox, |open| {
            let visible = open.folders();
            let folders: Vec<_> = visible.into_iter().chain(open.hidden()).collect();
            let mut items = Vec::new();
            let mut pages = Vec::new();
            for folder in &folders {
                for number in open.list(folder.ordinal) {
                    let item = open.item(number).ok().map(|item| Item::clone(&item));
                    items.push((number, open.head(number), item));
                }
                pages.push(open.changes(folder.ordinal, None, 512));
            }
            let mine = positions.iter().filter(|(own, ..)| *own == mailbox);
            pages.extend(mine.map(|&(_, folder, position)| open.changes(folder, Some(position), 512)));
            let folder_changes = [None, Some(0), Some(1), Some(2)].map(|since| open.sync_folders(since)).into();
            let address = open.address();
            let (recoverable, settings) = (open.recoverable(), open.settings().clone());
            let events = open.events(Position::default(), 1_000);
            Seen { address, folders, items, pages, folder_changes, recoverable, settings, events, is_open }
        })
    });
    seen.collect()
}

/// The positions of all folders, as clients are told them.
fn positions(kept: &mut Kept, now: Span) -> Vec<(MailboxKey, u32, SyncPosition)> {
    let mut positions = Vec::new();
    for mailbox in (0..kept.server.content().mailboxes()).map(MailboxKey) {
        kept.at(now, mailbox, |open| {
            for folder in open.folders() {
                let page = open.changes(folder.ordinal, None, 512);
                positions.extend(page.map(|page| (mailbox, folder.ordinal, page.position)));
            }
        });
    }
    positions
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]
    #[test]
    fn a_server_that_is_started_again_answers_as_if_it_had_never_stopped(before in steps(60), after in steps(20)) {
        let folder = tempfile::tempdir().expect("a folder");
        let [one, two] = ["one", "two"].map(|name| folder.path().join(name));
        let mut first = Kept::open(&one, Span::ZERO);
        let mut told = Vec::new();
        let mut now = Span::ZERO;
        for (count, step) in before.iter().enumerate() {
            now += Span::seconds(step.wait);
            act(&mut first, now, *step);
            if step.save {
                first.save(now);
            }
            if count % 16 == 7 {
                told.extend(positions(&mut first, now));
            }
        }
        first.save(now);
        // The file of one that is killed: it was never closed.
        std::fs::copy(&one, &two).expect("it can be copied");
        let mut second = Kept::open(&two, now);
        prop_assert_eq!(look(&mut first, now, &told), look(&mut second, now, &told));
        for step in after {
            now += Span::seconds(step.wait);
            act(&mut first, now, step);
            act(&mut second, now, step);
            if step.save {
                second.save(now);
            }
        }
        prop_assert_eq!(look(&mut first, now, &told), look(&mut second, now, &told));
    }
}

#[test]
fn nothing_is_unsaved_where_nothing_changed() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut kept = Kept::open(&folder.path().join("state"), Span::ZERO);
    let unsaved =
        |kept: &mut Kept, second| kept.server.unsaved(Moment::START + Span::seconds(second), Span::seconds(9));
    assert_eq!(unsaved(&mut kept, 0), None);
    kept.at(Span::seconds(1), MailboxKey(0), |open| open.folders().len());
    let first = unsaved(&mut kept, 1).expect("the clock, for what clients were told");
    assert!(first.mailboxes.is_empty() && first.clock == Span::seconds(10), "{first:?}");
    kept.at(Span::seconds(10), MailboxKey(0), |open| open.folders().len());
    assert_eq!(unsaved(&mut kept, 10), None);
    kept.at(Span::seconds(11), MailboxKey(0), |open| open.create(1, note(1))).expect("it is stored");
    let item = unsaved(&mut kept, 11).expect("an item");
    assert_eq!((item.mailboxes.len(), item.clock), (1, Span::seconds(20)));
    assert_eq!(unsaved(&mut kept, 11), None);
    let last = kept.server.unsaved(Moment::START + Span::seconds(12), Span::ZERO).expect("the exact clock");
    assert_eq!(last.clock, Span::seconds(12));
}

/// What is said of a file that holds `bytes`, which stay.
fn check_refused(bytes: &[u8]) -> StateError {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("state");
    std::fs::write(&file, bytes).expect("it can be written");
    let error = StateFile::open(&file, OWNER).expect_err("it is no state");
    assert_eq!(std::fs::read(&file).expect("it is there"), bytes);
    error
}

#[test]
fn a_file_of_something_else_is_refused_and_stays_as_it_was() {
    for bytes in ["no such thing, though a file of some length", "short", "redb and then something else"] {
        assert!(matches!(check_refused(bytes.as_bytes()), StateError::Foreign { .. }), "{bytes}");
    }
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("state");
    for (name, foreign) in [("one", "meta"), ("two", "others")] {
        let file = file.with_file_name(name);
        let database = redb::Database::create(&file).expect("a database");
        let write = database.begin_write().expect("a transaction");
        write.open_table(redb::TableDefinition::<u64, u64>::new(foreign)).expect("a table");
        write.commit().expect("it is written");
        drop(database);
        assert!(matches!(StateFile::open(&file, OWNER), Err(StateError::Foreign { .. })), "{foreign}");
    }
    let nowhere = StateFile::open(&file.join("below"), OWNER).expect_err("there is no such folder");
    assert!(matches!(nowhere, StateError::Open { .. }), "{nowhere}");
}

#[test]
fn a_damaged_file_is_refused() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("state");
    drop(StateFile::open(&file, OWNER).expect("a new file"));
    let whole = std::fs::read(&file).expect("it is there");
    for length in [9, 100, 4_096, whole.len() / 2] {
        std::fs::write(&file, &whole[..length]).expect("it can be written");
        let error = StateFile::open(&file, OWNER).expect_err("it is cut off");
        assert!(matches!(error, StateError::Open { .. }), "{length}: {error}");
    }
}

#[test]
fn a_file_of_another_server_or_another_make_is_refused() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("state");
    drop(StateFile::open(&file, OWNER).expect("a new file"));
    let error = StateFile::open(&file, "three mailboxes").expect_err("it belongs to others").to_string();
    assert!(error.contains("holds the state of two mailboxes, not of three mailboxes"), "{error}");
    let held = StateFile::open(&file, OWNER).expect("it is ours");
    let error = StateFile::open(&file, OWNER).expect_err("two servers share a file");
    assert!(matches!(error, StateError::Taken { .. }), "{error}");
    drop(held);
    let database = redb::Database::create(&file).expect("a database");
    let write = database.begin_write().expect("a transaction");
    let meta = redb::TableDefinition::<&str, &str>::new("meta");
    write.open_table(meta).expect("a table").insert("format", "2").expect("it is stored");
    write.commit().expect("it is written");
    drop(database);
    let error = StateFile::open(&file, OWNER).expect_err("it is newer").to_string();
    assert!(error.contains("is a state file of format 2, and this program reads format 1"), "{error}");
}

#[test]
fn identities_of_what_was_sent_before_and_after_a_start_differ() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("state");
    let keys = |now: u64| {
        let now = Span::seconds(now);
        let mut kept = Kept::open(&file, now);
        let alice = kept.server.content_mut().add("alice@contoso.test").expect("there is room");
        let key = kept.at(now, alice, |open| {
            let inbox = open.default_folder(FolderKind::Inbox).expect("an inbox");
            let number = open.create(inbox, note(1)).expect("it is stored");
            let subscription = open.watch().subscribe(Subscription {
                delivery: Delivery::Streaming,
                folders: None,
                kinds: [EventKind::NewMail].into(),
                position: Position::default(),
                asked: BEGAN,
            });
            (subscription, Id::Number(number), open.head(number).expect("it is there").key)
        });
        kept.save(now);
        (key, kept.server.starts())
    };
    let ((watch, one, first), starts) = keys(0);
    let ((other, two, second), more) = keys(9);
    assert!(watch != other && one != two && first != second);
    assert_eq!((starts, more), (0, 1));
}
