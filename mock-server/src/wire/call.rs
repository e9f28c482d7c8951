//! What a client can ask, whatever the protocol.

use std::sync::Arc;

use bytes::Bytes;
use strum::{EnumCount, EnumString, IntoStaticStr, VariantArray};

use super::id::{Id, ItemKey};
use super::operation::Operation;

/// The item as it travels between mailboxes: in virtual time a length and an identity, live the bytes as well.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Content {
    /// The identity that the item keeps.
    pub key: ItemKey,
    /// Length of the exported stream in bytes, before any transfer encoding.
    pub size: u32,
    /// The stream itself; absent in virtual time, where nobody looks at it.
    pub bytes: Option<Bytes>,
}

/// One item of an [`Call::UploadItems`] call.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Upload {
    /// The folder to store it in.
    pub folder: Id,
    /// The existing item to replace; a new item is created if absent.
    pub replace: Option<Id>,
    /// The exported stream.
    pub content: Content,
}

/// The protocol in which a call arrived. It decides the shape of refusals, and which limits count it.
#[derive(Copy, Clone, PartialEq, Eq, Debug, EnumCount, VariantArray, IntoStaticStr, EnumString)]
#[strum(serialize_all = "snake_case")]
pub enum Protocol {
    /// Exchange Web Services.
    Ews,
    /// Microsoft Graph.
    Graph,
}

impl Protocol {
    /// All protocols, in the order of their numbers.
    pub const ALL: [Self; Self::COUNT] = *Self::VARIANTS.first_chunk().unwrap();

    /// The name used in scenarios, reports and the admin API.
    #[must_use]
    pub fn name(self) -> &'static str {
        self.into()
    }
}

/// One of the two servers of a move.
#[derive(Copy, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, IntoStaticStr)]
#[strum(serialize_all = "snake_case")]
pub enum Side {
    /// Where mailboxes come from.
    Source,
    /// Where mailboxes go to.
    Target,
}

impl Side {
    /// The name used in scenarios, reports and journals.
    #[must_use]
    pub fn name(self) -> &'static str {
        self.into()
    }
}

/// Which request this is, the same in every world: faults are keyed by it.
///
/// On the wire it travels as `client-request-id`, a GUID that holds both numbers. A request without one is numbered by
/// the server in the order of arrival.
#[derive(Copy, Clone, PartialEq, Eq, Debug)]
pub struct RequestIdentity {
    /// The request, a number that its mailbox's client gives out once.
    pub request: u64,
    /// How often it was tried before.
    pub attempt: u32,
    /// How many requests of its mailbox the server has numbered since its first attempt; zero for those that say which they
    /// are.
    pub since: u32,
}

/// Requests that do not say which they are get numbers from here on, by mailbox and in the order of their arrival.
pub const FIRST_FOREIGN: u64 = 1 << 63;

/// How many requests of a mailbox get such numbers before they could be mistaken for others.
const FOREIGN: u64 = 1 << 32;

impl RequestIdentity {
    /// An attempt at a request.
    #[must_use]
    pub const fn new(request: u64, attempt: u32) -> Self {
        Self { request, attempt, since: 0 }
    }

    /// The place of the request among those of its mailbox, from zero, whoever numbered them: what the server numbers has
    /// another place whenever it comes. Entries of a batch have numbers that count nothing; as good as none of these lies
    /// among those that the server gave out.
    #[must_use]
    pub const fn place(self) -> u64 {
        match self.request.checked_sub(FIRST_FOREIGN) {
            Some(place) if place < FOREIGN => place + self.since as u64,
            _ => self.request,
        }
    }
}

/// What a folder is for. Default folders exist in every mailbox and are matched by kind, the others by name.
#[derive(Copy, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum FolderKind {
    /// The root of the visible folder tree (`msgfolderroot`).
    Root,
    /// The inbox.
    Inbox,
    /// Sent items.
    Sent,
    /// Deleted items.
    Deleted,
    /// Drafts.
    Drafts,
    /// Junk mail.
    Junk,
    /// The archive folder of the primary mailbox.
    Archive,
    /// The calendar.
    Calendar,
    /// Contacts.
    Contacts,
    /// Tasks.
    Tasks,
    /// Another folder that every mailbox has (journal, notes, conversation history and so on), by position.
    Default(u8),
    /// A folder that the user made.
    User,
}

/// A folder as a client may name it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum FolderRef {
    /// By the reference that the server gave out.
    Id(Id),
    /// By what it is for; never [`FolderKind::User`].
    Kind(FolderKind),
}

/// One request to a mailbox server.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Call {
    /// List all folders below the root with their item counts and sizes, one page.
    FindFolders {
        /// Number of folders to pass over.
        from: u32,
        /// Page size.
        limit: u32,
    },
    /// List what changed in the folder tree since a sync state.
    SyncFolders {
        /// The state handed out before; everything is listed if absent.
        state: Option<Id>,
    },
    /// List what changed in one folder since a sync state (EWS `SyncFolderItems`, Graph `items/delta`).
    SyncItems {
        /// The folder.
        folder: Id,
        /// The state handed out before; everything is listed if absent.
        state: Option<Id>,
        /// Most changes to return (EWS allows 512).
        limit: u32,
    },
    /// Find the items of a folder that carry an identity.
    FindItems {
        /// The folder.
        folder: Id,
        /// The identity sought.
        key: ItemKey,
    },
    /// Fetch items as MIME.
    GetItems {
        /// The items.
        items: Vec<Id>,
    },
    /// Fetch items as full-fidelity streams.
    ExportItems {
        /// The items; EWS advises at most 100, Graph allows 20.
        items: Vec<Id>,
    },
    /// Make a folder.
    CreateFolder {
        /// The folder it goes into.
        parent: Id,
        /// Its display name.
        name: Arc<str>,
    },
    /// Give a folder another name.
    RenameFolder {
        /// The folder.
        folder: Id,
        /// Its new display name.
        name: Arc<str>,
    },
    /// Put a folder, with all that it holds, into another one.
    MoveFolder {
        /// The folder.
        folder: Id,
        /// The folder it goes into.
        parent: Id,
    },
    /// Open an import session (Graph `createImportSession`).
    CreateImportSession,
    /// Store one exported stream through an import session.
    ImportItem {
        /// The session.
        session: Id,
        /// The folder to store it in.
        folder: Id,
        /// The existing item to replace; a new item is created if absent.
        replace: Option<Id>,
        /// The exported stream.
        content: Content,
    },
    /// Store exported streams (EWS `UploadItems`).
    UploadItems {
        /// The items.
        uploads: Vec<Upload>,
    },
    /// Store one message from MIME.
    CreateMessage {
        /// The folder to store it in.
        folder: Id,
        /// The MIME message.
        content: Content,
    },
    /// Delete items for good.
    DeleteItems {
        /// The items.
        items: Vec<Id>,
    },
    /// Several calls in one request (Graph `$batch`, at most 20); each is answered on its own.
    Batch {
        /// The calls, none of them a batch.
        calls: Vec<Call>,
    },
    /// Close the mailbox to its users, so that it changes no more.
    StopMailbox,
    /// Open the mailbox to its users again: the undo of [`Call::StopMailbox`].
    StartMailbox,
    /// Make sure that the target user exists and is ready to take a mailbox.
    ProvisionUser,
    /// Give the user a license for a mailbox.
    AssignLicense,
    /// Take the license back: the undo of [`Call::AssignLicense`].
    RemoveLicense,
    /// Start switching the user's address to this server. The work goes on in the service; see [`Call::PollSwitch`].
    StartSwitch,
    /// Ask how far the switch is.
    PollSwitch,
    /// Give a switch up: the undo of [`Call::StartSwitch`].
    CancelSwitch,
    /// Remove what the move left behind on this side.
    ReleaseMailbox,
    /// Describe some folders (EWS `GetFolder`).
    GetFolders {
        /// The folders.
        folders: Vec<FolderRef>,
    },
}

impl Call {
    /// Which kind of call this is.
    #[must_use]
    pub const fn operation(&self) -> Operation {
        match self {
            Self::FindFolders { .. } => Operation::FindFolders,
            Self::SyncFolders { .. } => Operation::SyncFolders,
            Self::SyncItems { .. } => Operation::SyncItems,
            Self::FindItems { .. } => Operation::FindItems,
            Self::GetItems { .. } => Operation::GetItems,
            Self::ExportItems { .. } => Operation::ExportItems,
            Self::CreateFolder { .. } => Operation::CreateFolder,
            Self::RenameFolder { .. } | Self::MoveFolder { .. } => Operation::UpdateFolders,
            Self::CreateImportSession => Operation::CreateImportSession,
            Self::ImportItem { .. } => Operation::ImportItem,
            Self::UploadItems { .. } => Operation::UploadItems,
            Self::CreateMessage { .. } => Operation::CreateMessage,
            Self::DeleteItems { .. } => Operation::DeleteItems,
            Self::Batch { .. } => Operation::Batch,
            Self::StopMailbox => Operation::StopMailbox,
            Self::StartMailbox => Operation::StartMailbox,
            Self::ProvisionUser => Operation::ProvisionUser,
            Self::AssignLicense => Operation::AssignLicense,
            Self::RemoveLicense => Operation::RemoveLicense,
            Self::StartSwitch => Operation::StartSwitch,
            Self::PollSwitch => Operation::PollSwitch,
            Self::CancelSwitch => Operation::CancelSwitch,
            Self::ReleaseMailbox => Operation::ReleaseMailbox,
            Self::GetFolders { .. } => Operation::GetFolders,
        }
    }

    /// How many items the call names or carries; one for calls that concern no item.
    #[must_use]
    pub fn items(&self) -> u32 {
        match self {
            Self::GetItems { items } | Self::ExportItems { items } | Self::DeleteItems { items } => items.len() as u32,
            Self::UploadItems { uploads } => uploads.len() as u32,
            Self::Batch { calls } => calls.iter().map(Self::items).sum(),
            _ => 1,
        }
    }

    /// Bytes of item content that the call carries towards the server, before transfer encoding.
    #[inline]
    #[must_use]
    pub fn content_bytes(&self) -> u64 {
        match self {
            Self::ImportItem { content, .. } | Self::CreateMessage { content, .. } => u64::from(content.size),
            Self::UploadItems { uploads } => uploads.iter().map(|upload| u64::from(upload.content.size)).sum(),
            Self::Batch { calls } => content_bytes_of(calls),
            _ => 0,
        }
    }
}

/// Those of the calls of a batch. Apart, so that asking it of one call costs no more than a look.
fn content_bytes_of(calls: &[Call]) -> u64 {
    calls.iter().map(Call::content_bytes).sum()
}
