//! What Thunderbird's own library for EWS asks and reads: its requests, and our answers in its types.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use ews::copy_item::CopyItem;
use ews::create_folder::CreateFolder;
use ews::create_item::CreateItem;
use ews::delete_folder::DeleteFolder;
use ews::delete_item::DeleteItem;
use ews::empty_folder::EmptyFolder;
use ews::find_item::{FindItem, Traversal};
use ews::get_folder::GetFolder;
use ews::get_item::GetItem;
use ews::mark_all_read::MarkAllItemsAsRead;
use ews::move_item::MoveItem;
use ews::response::{ResponseCode, ResponseError};
use ews::server_version::ExchangeServerVersion;
use ews::soap::{Envelope, Header};
use ews::sync_folder_hierarchy::{self, SyncFolderHierarchy, SyncFolderHierarchyResponseMessage};
use ews::sync_folder_items::{self, SyncFolderItems, SyncFolderItemsResponseMessage};
use ews::update_folder::{self, FolderChange, FolderChanges, UpdateFolder};
use ews::update_item::{self, ItemChange, ItemChangeDescription, ItemChangeInner, UpdateItem};
use ews::{
    Attachment, BaseFolderId, BaseItemId, BasePoint, BaseShape, CopyMoveItemData, DeleteType, Error, Folder, FolderId,
    FolderShape, ItemId, ItemShape, Message, MessageDisposition, MessageXml, MimeContent, Operation, OperationResponse,
    PathToElement, RealItem, ResponseClass, View,
};
use mock_server::fault::rule::{Act, FaultRule, Match};
use mock_server::service::config::Holding;
use mock_server::time::{Moment, Span};
use mock_server::wire::refusal::RefusalKind;

use crate::alice::Alice;
use crate::server::free;

const MESSAGE: &str = "From: Bob <bob@elsewhere.test>\r\nTo: alice@contoso.test, Carol <carol@contoso.test>\r\n\
Subject: =?utf-8?q?Gr=C3=BC=C3=9Fe?=\r\nDate: Tue, 3 Feb 2026 10:20:30 +0100\r\nMessage-ID: <one@elsewhere.test>\r\n\
References: <zero@elsewhere.test>\r\nMIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n\
--b\r\nContent-Type: text/plain; charset=utf-8\r\n\r\nHello & <goodbye>\r\n\
--b\r\nContent-Type: application/pdf; name=plan.pdf\r\nContent-Disposition: attachment; filename=plan.pdf\r\n\
Content-Transfer-Encoding: base64\r\n\r\nQUJDREVG\r\n--b--\r\n";

impl Alice {
    /// Asks as Thunderbird does, and reads the answer as it does.
    fn operation<O: Operation>(&mut self, operation: O) -> Result<O::Response, Error> {
        let version = ExchangeServerVersion::Exchange2013_SP1;
        let asked = Envelope { headers: vec![Header::RequestServerVersion { version }], body: operation };
        let heard = self.ews(asked.as_xml_document().expect("an operation that can be written"));
        let told = Envelope::<O::Response>::from_xml_document(heard.body.as_ref().expect("a whole body"))?;
        let Some(Header::ServerVersionInfo(version)) = told.headers.first() else { panic!("no version is told") };
        assert_eq!(version.major_version.as_deref(), Some("15"));
        Ok(told.body)
    }

    fn messages<O: Operation>(
        &mut self,
        operation: O,
    ) -> Vec<ResponseClass<<O::Response as OperationResponse>::Message>> {
        let name = <O as Operation>::NAME;
        let told = self.operation(operation).unwrap_or_else(|error| panic!("{name} is not read: {error}: {error:?}"));
        told.into_response_messages()
    }

    /// The one message of an answer, which must tell of success.
    fn one<O: Operation>(&mut self, operation: O) -> <O::Response as OperationResponse>::Message {
        let name = <O as Operation>::NAME;
        let mut messages = self.messages(operation);
        match (messages.pop(), messages.len()) {
            (Some(ResponseClass::Success(message)), 0) => message,
            (Some(ResponseClass::Error(error)), 0) => panic!("{name} is refused: {error}"),
            _ => panic!("{name} is answered with something else than one message"),
        }
    }

    fn error<O: Operation>(&mut self, operation: O) -> ResponseError {
        match self.messages(operation).pop() {
            Some(ResponseClass::Error(error)) => error,
            _ => panic!("no error is told"),
        }
    }

    fn make_folder(&mut self, parent: &str, name: &str) -> FolderId {
        let folders = vec![folder(Some(name.to_owned()))];
        let made = self.one(CreateFolder { parent_folder_id: BaseFolderId::new_distinguished(parent), folders });
        described(&made.folders.inner[0]).0
    }

    fn hierarchy(&mut self, sync_state: Option<String>) -> SyncFolderHierarchyResponseMessage {
        let folder_shape = FolderShape { base_shape: BaseShape::AllProperties };
        let sync_folder_id = Some(BaseFolderId::new_distinguished("msgfolderroot"));
        self.one(SyncFolderHierarchy { folder_shape, sync_folder_id, sync_state })
    }

    fn changes(&mut self, folder: &FolderId, sync_state: Option<String>, most: u16) -> SyncFolderItemsResponseMessage {
        self.one(SyncFolderItems {
            item_shape: shape(BaseShape::IdOnly, false, &[]),
            sync_folder_id: BaseFolderId::new_folder(&folder.id),
            sync_state,
            ignore: None,
            max_changes_returned: most,
            sync_scope: None,
        })
    }

    /// Stores a message.
    pub(super) fn store(&mut self, folder: BaseFolderId, mime: impl AsRef<[u8]>) -> ItemId {
        let content = STANDARD.encode(mime);
        let message = Message {
            mime_content: Some(MimeContent { character_set: None, content }),
            is_read: Some(false),
            ..Message::default()
        };
        let made = self.one(CreateItem {
            message_disposition: Some(MessageDisposition::SaveOnly),
            saved_item_folder_id: Some(folder),
            items: vec![RealItem::Message(message)],
        });
        made.items.inner[0].inner_message().item_id.clone().expect("an id")
    }

    /// Reads a message.
    pub(super) fn get(&mut self, item: &ItemId, item_shape: ItemShape) -> Message {
        let got = self.one(GetItem { item_shape, item_ids: vec![base(item)] });
        let [item] = &got.items.inner[..] else { panic!("one item was asked for") };
        assert!(matches!(item, RealItem::Message(_)), "{item:?}");
        item.inner_message().clone()
    }

    fn find(&mut self, folder: &FolderId) -> (Vec<Message>, Option<usize>) {
        let page =
            View::IndexedPageItemView { max_entries_returned: Some(50), base_point: BasePoint::Beginning, offset: 0 };
        let found = self.one(FindItem {
            traversal: Traversal::Shallow,
            item_shape: shape(BaseShape::Default, false, &[]),
            view: Some(page),
            parent_folder_ids: vec![BaseFolderId::new_folder(&folder.id)],
        });
        let items = found.root_folder.items.inner;
        (items.into_iter().map(RealItem::into_inner_message).collect(), found.root_folder.total_items_in_view)
    }
}

/// What is asked about items.
pub(super) fn shape(base_shape: BaseShape, mime: bool, fields: &[&str]) -> ItemShape {
    let field = |field: &&str| PathToElement::FieldURI { field_URI: (*field).to_owned() };
    let additional = (!fields.is_empty()).then(|| fields.iter().map(field).collect());
    ItemShape { base_shape, include_mime_content: Some(mime), additional_properties: additional }
}

fn base(item: &ItemId) -> BaseItemId {
    BaseItemId::ItemId { id: item.id.clone(), change_key: item.change_key.clone() }
}

fn folder(display_name: Option<String>) -> Folder {
    Folder::Folder {
        folder_id: None,
        parent_folder_id: None,
        folder_class: None,
        display_name,
        total_count: None,
        child_folder_count: None,
        extended_property: None,
        unread_count: None,
    }
}

/// The id and the name of a folder.
fn described(folder: &Folder) -> (FolderId, String) {
    let (Folder::CalendarFolder { folder_id, display_name, .. }
    | Folder::ContactsFolder { folder_id, display_name, .. }
    | Folder::Folder { folder_id, display_name, .. }
    | Folder::SearchFolder { folder_id, display_name, .. }
    | Folder::TasksFolder { folder_id, display_name, .. }) = folder;
    (folder_id.clone().expect("an id"), display_name.clone().unwrap_or_default())
}

fn counts(folder: &Folder) -> (Option<u32>, Option<u32>) {
    match folder {
        Folder::Folder { total_count, unread_count, .. } => (*total_count, *unread_count),
        other => panic!("{other:?} is no mail folder"),
    }
}

#[test]
fn thunderbird_learns_the_folder_tree_and_what_changes_in_it() {
    let mut alice = Alice::start();
    let all = alice.hierarchy(None);
    assert!(all.includes_last_folder_in_range);
    let names: Vec<String> = all
        .changes
        .inner
        .iter()
        .map(|change| match change {
            sync_folder_hierarchy::Change::Create { folder } => described(folder).1,
            other => panic!("{other:?} at first"),
        })
        .collect();
    for name in ["Inbox", "Drafts", "Sent Items", "Deleted Items", "Junk Email", "Calendar", "Contacts", "Tasks"] {
        assert!(names.iter().any(|own| own == name), "{name} is missing in {names:?}");
    }

    let made = alice.make_folder("inbox", "Projects");
    let told = alice.hierarchy(Some(all.sync_state));
    let [sync_folder_hierarchy::Change::Create { folder: new }] = &told.changes.inner[..] else {
        panic!("{:?}", told.changes)
    };
    assert_eq!((described(new).0.id, described(new).1), (made.id.clone(), "Projects".to_owned()));

    let path = PathToElement::FieldURI { field_URI: "folder:DisplayName".to_owned() };
    let updates = update_folder::Updates::SetFolderField { field_URI: path, folder: folder(Some("Plans".to_owned())) };
    let folder_change = FolderChange { folder_id: BaseFolderId::new_folder(&made.id), updates };
    alice.one(UpdateFolder { folder_changes: FolderChanges { folder_change } });
    let told = alice.hierarchy(Some(told.sync_state));
    let [sync_folder_hierarchy::Change::Update { folder: renamed }] = &told.changes.inner[..] else {
        panic!("{:?}", told.changes)
    };
    assert_eq!(described(renamed).1, "Plans");

    let folder_ids = vec![BaseFolderId::new_folder(&made.id)];
    alice.one(DeleteFolder { delete_type: DeleteType::HardDelete, folder_ids: folder_ids.clone() });
    let told = alice.hierarchy(Some(told.sync_state));
    let [sync_folder_hierarchy::Change::Delete { folder_id }] = &told.changes.inner[..] else {
        panic!("{:?}", told.changes)
    };
    assert_eq!(folder_id.id, made.id);
    assert!(alice.hierarchy(Some(told.sync_state)).changes.inner.is_empty());
    let gone = alice.error(GetFolder { folder_shape: FolderShape::default(), folder_ids });
    assert_eq!(gone.response_code, ResponseCode::ErrorFolderNotFound, "{gone}");
}

#[test]
fn thunderbird_reads_messages_as_they_were_stored() {
    let mut alice = Alice::start();
    let folder = alice.make_folder("msgfolderroot", "Mail");
    let item = alice.store(BaseFolderId::new_folder(&folder.id), MESSAGE);
    let fields = ["item:InternetMessageHeaders", "message:IsRead", "message:References", "item:Size", "item:Flag"];
    let told = alice.get(&item, shape(BaseShape::AllProperties, true, &fields));
    let mime = STANDARD.decode(told.mime_content.expect("the message").content.trim()).expect("base64");
    assert_eq!(String::from_utf8(mime).expect("text"), MESSAGE);
    assert_eq!(told.subject.as_deref(), Some("Grüße"));
    assert_eq!((told.size, told.is_read, told.has_attachments), (Some(MESSAGE.len()), Some(false), Some(true)));
    let sent = told.date_time_sent.expect("a date").0;
    assert_eq!(sent.unix_timestamp(), 1_770_110_430);
    let from = told.from.expect("a sender").mailbox;
    assert_eq!((from.name.as_deref(), from.email_address.as_deref()), (Some("Bob"), Some("bob@elsewhere.test")));
    let to = told.to_recipients.expect("recipients");
    let to: Vec<_> = to.iter().map(|one| one.mailbox.email_address.as_deref().unwrap_or_default()).collect();
    assert_eq!(to, ["alice@contoso.test", "carol@contoso.test"]);
    assert_eq!(told.internet_message_id.as_deref(), Some("<one@elsewhere.test>"));
    assert_eq!(told.references.as_deref(), Some("<zero@elsewhere.test>"));
    assert!(told.body.and_then(|body| body.content).is_some_and(|text| text.contains("Hello")));
    let headers = told.internet_message_headers.expect("headers").internet_message_header;
    let id = headers.iter().find(|header| header.header_name.eq_ignore_ascii_case("message-id")).expect("a header");
    assert_eq!(id.value.as_deref(), Some("<one@elsewhere.test>"));
    let attachments = told.attachments.expect("attachments").inner;
    let [Attachment::FileAttachment { name, content_type, size, is_inline, .. }] = &attachments[..] else {
        panic!("{attachments:?}")
    };
    assert_eq!((name.as_str(), content_type.as_str(), *is_inline), ("plan.pdf", "application/pdf", Some(false)));
    assert!(size.is_some_and(|size| size >= 6), "{size:?}");
}

#[test]
fn thunderbird_follows_the_changes_of_a_folder() {
    let mut alice = Alice::start();
    let folder = alice.make_folder("msgfolderroot", "Mail");
    let items: Vec<ItemId> = (0..3).map(|_| alice.store(BaseFolderId::new_folder(&folder.id), MESSAGE)).collect();
    let (mut state, mut new) = (None, Vec::new());
    loop {
        let page = alice.changes(&folder, state, 2);
        assert!(page.changes.inner.len() <= 2);
        for change in page.changes.inner {
            let sync_folder_items::Change::Create { item } = change else { panic!("{change:?} at first") };
            new.push(item.into_inner_message().item_id.expect("an id").id);
        }
        state = Some(page.sync_state);
        if page.includes_last_item_in_range {
            break;
        }
    }
    let mut stored: Vec<String> = items.iter().map(|item| item.id.clone()).collect();
    stored.sort();
    new.sort();
    assert_eq!(new, stored);

    let field_uri = PathToElement::FieldURI { field_URI: "message:IsRead".to_owned() };
    let message = Message { is_read: Some(true), ..Message::default() };
    let inner = vec![ItemChangeDescription::SetItemField { field_uri, message }];
    let item_change = ItemChangeInner { item_id: base(&items[0]), updates: update_item::Updates { inner } };
    let updated = alice.one(UpdateItem {
        message_disposition: MessageDisposition::SaveOnly,
        conflict_resolution: None,
        item_changes: vec![ItemChange { item_change }],
    });
    let key = updated.items.inner[0].inner_message().item_id.clone().and_then(|id| id.change_key);
    assert_ne!(key, items[0].change_key);
    let told = alice.changes(&folder, state, 100);
    let [sync_folder_items::Change::ReadFlagChange { item_id, is_read: true }] = &told.changes.inner[..] else {
        panic!("{:?}", told.changes)
    };
    assert_eq!(item_id.id, items[0].id);

    alice.one(DeleteItem {
        delete_type: DeleteType::HardDelete,
        send_meeting_cancellations: None,
        affected_task_occurrences: None,
        suppress_read_receipts: None,
        item_ids: vec![base(&items[1])],
    });
    let told = alice.changes(&folder, Some(told.sync_state), 100);
    let [sync_folder_items::Change::Delete { item_id }] = &told.changes.inner[..] else { panic!("{:?}", told.changes) };
    assert_eq!(item_id.id, items[1].id);
    let ids = vec![base(&items[1])];
    let gone = alice.error(GetItem { item_shape: shape(BaseShape::IdOnly, false, &[]), item_ids: ids });
    assert_eq!(gone.response_code, ResponseCode::ErrorItemNotFound, "{gone}");
}

#[test]
fn thunderbird_moves_copies_marks_and_empties() {
    let mut alice = Alice::start();
    let [here, there] = ["Here", "There"].map(|name| alice.make_folder("msgfolderroot", name));
    let item = alice.store(BaseFolderId::new_folder(&here.id), MESSAGE);
    let to = |item: &ItemId| CopyMoveItemData {
        to_folder_id: BaseFolderId::new_folder(&there.id),
        item_ids: vec![base(item)],
        return_new_item_ids: Some(true),
    };
    let copy = alice.one(CopyItem { inner: to(&item) }).items.inner[0].inner_message().item_id.clone().expect("an id");
    let moved = alice.one(MoveItem { inner: to(&item) }).items.inner[0].inner_message().item_id.clone().expect("an id");
    assert!(copy.id != item.id && moved.id != item.id && copy.id != moved.id);
    assert_eq!(alice.find(&here), (vec![], Some(0)));
    let (found, total) = alice.find(&there);
    assert_eq!((found.len(), total), (2, Some(2)));
    assert!(found.iter().all(|item| item.subject.as_deref() == Some("Grüße")));

    let both = vec![BaseFolderId::new_folder(&here.id), BaseFolderId::new_folder(&there.id)];
    let get = GetFolder { folder_shape: FolderShape { base_shape: BaseShape::AllProperties }, folder_ids: both };
    let counted = |alice: &mut Alice| -> Vec<_> {
        let told = alice.messages(get.clone()).into_iter();
        let told = told.map(|message| match message {
            ResponseClass::Success(message) => counts(&message.folders.inner[0]),
            other => panic!("{other:?}"),
        });
        told.collect()
    };
    assert_eq!(counted(&mut alice), [(Some(0), Some(0)), (Some(2), Some(2))]);
    let folder_ids = vec![BaseFolderId::new_folder(&there.id)];
    let mark = MarkAllItemsAsRead { read_flag: true, suppress_read_receipts: true, folder_ids: folder_ids.clone() };
    alice.one(mark);
    assert_eq!(counted(&mut alice)[1], (Some(2), Some(0)));
    alice.one(EmptyFolder { delete_type: DeleteType::HardDelete, delete_sub_folders: false, folder_ids });
    assert_eq!(counted(&mut alice)[1], (Some(0), Some(0)));
}

#[test]
fn thunderbird_is_told_how_long_to_stay_away() {
    let mut config = free(Holding::Live);
    let matches = Match {
        operations: Vec::new(),
        mailboxes: None,
        from: Moment::START,
        until: Moment::NEVER,
        nth: None,
        rate: 1.0,
        attempts_below: None,
        ..Match::default()
    };
    let act = Act::Refuse { kind: RefusalKind::ServerBusy, status: 500, retry_after: Some(Span::seconds(9)) };
    config.faults = vec![FaultRule { name: "busy".into(), matches, act }];
    let get =
        GetFolder { folder_shape: FolderShape::default(), folder_ids: vec![BaseFolderId::new_distinguished("inbox")] };
    let mut alice = Alice::with(config);
    match alice.operation(get) {
        Err(Error::RequestFault(fault)) => {
            let detail = fault.detail.expect("a detail");
            assert_eq!(detail.response_code, Some(ResponseCode::ErrorServerBusy));
            let Some(MessageXml::ServerBusy(busy)) = detail.message_xml else { panic!("{:?}", detail.message_xml) };
            assert_eq!(busy.back_off_milliseconds, 9_000);
        }
        other => panic!("{other:?}"),
    }
}
