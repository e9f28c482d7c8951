//! One request on its way through the operations: who asks, and which folders are meant.

use jiff::tz::TimeZone;

use super::failure::Failure;
use crate::mailbox::content::Content;
use crate::mailbox::hidden;
use crate::mailbox::open::Open;
use crate::protocol::host::Host;
use crate::service::cost::Work;
use crate::wire::call::FolderKind;
use crate::wire::ews::xml::{Element, Space};
use crate::wire::ews::{EwsError, folder_kind};
use crate::wire::id::MailboxKey;
use crate::wire::opaque::{self, Kind};
use crate::wire::operation::Operation;
use crate::wire::refusal::Refusal;

/// The number of the invisible folder above the visible tree (`root`).
pub(super) const ROOT: u32 = hidden::ROOT;

/// Why a request as a whole has no response.
#[derive(Debug)]
pub(super) enum Refused {
    /// It is not what the schema demands, or asks for what this server does not do.
    Request(EwsError),
    /// A limit or a fault refused it, or there is no such mailbox.
    Refusal(Refusal),
}

impl Refused {
    /// The request is not what the schema demands.
    pub(super) fn schema(problem: &str) -> Self {
        Self::Request(EwsError::schema(problem))
    }
}

impl From<Refusal> for Refused {
    fn from(refusal: Refusal) -> Self {
        Self::Refusal(refusal)
    }
}

impl From<EwsError> for Refused {
    fn from(error: EwsError) -> Self {
        Self::Request(error)
    }
}

/// A folder that a request names.
#[derive(Copy, Clone, PartialEq, Eq, Debug)]
pub(super) struct FolderTarget {
    mailbox: MailboxKey,
    which: Which,
}

#[derive(Copy, Clone, PartialEq, Eq, Debug)]
enum Which {
    Ordinal(u32),
    Kind(FolderKind),
    /// The default folder of a kind, or where there is none, the hidden one of the same name.
    Either(FolderKind, u32),
}

impl FolderTarget {
    /// Whose folder it is.
    pub(super) fn mailbox(&self) -> MailboxKey {
        self.mailbox
    }

    /// Whether it is the invisible root.
    pub(super) fn is_root(&self) -> bool {
        self.which == Which::Ordinal(ROOT)
    }

    /// Its number, if it is there. The invisible root holds nothing that could be changed, and is not.
    pub(super) fn ordinal<C: Content>(&self, open: &mut Open<'_, C>) -> Result<u32, Failure> {
        let found = match self.which {
            Which::Ordinal(ordinal) => open.folder(ordinal).map(|folder| folder.ordinal),
            Which::Kind(kind) => open.known_folder(kind),
            Which::Either(kind, hidden) => open.known_folder(kind).or(Some(hidden)),
        };
        found.ok_or(Failure::FOLDER_NOT_FOUND)
    }
}

/// Who asks, and through whom mailboxes are opened.
pub(super) struct Context<'h, H> {
    host: &'h mut H,
    zone: TimeZone,
    mailbox: MailboxKey,
}

impl<'h, H: Host> Context<'h, H> {
    /// A request that speaks for a mailbox; times without a zone are in the one given, or in UTC.
    pub(super) fn new(host: &'h mut H, mailbox: MailboxKey, zone: Option<TimeZone>) -> Self {
        Self { host, zone: zone.unwrap_or(TimeZone::UTC), mailbox }
    }

    /// The zone of times without one.
    pub(super) fn zone(&self) -> &TimeZone {
        &self.zone
    }

    /// The mailbox that the caller speaks for.
    pub(super) fn mailbox(&self) -> MailboxKey {
        self.mailbox
    }

    /// The mailbox of an address.
    pub(super) fn find(&self, address: &str) -> Option<MailboxKey> {
        self.host.mailbox(address)
    }

    /// Has work done on a mailbox.
    pub(super) fn perform<T>(
        &mut self,
        mailbox: MailboxKey,
        operation: Operation,
        work: impl FnOnce(&mut Open<'_, H::Content>) -> (T, Work),
    ) -> Result<T, Refused> {
        if !self.host.knows(mailbox) {
            return Err(Refused::Refusal(super::NO_MAILBOX));
        }
        Ok(self.host.perform(mailbox, operation, work)?)
    }

    /// The answer tells of a refusal in a message among others: nothing stands in for the answer as a whole.
    pub(super) fn take_back(&mut self) {
        self.host.take_back();
    }

    /// The folder that an element names.
    pub(super) fn folder(&mut self, element: &Element<'_>) -> Result<FolderTarget, Failure> {
        if element.space != Space::Types {
            return Err(Failure::REQUEST);
        }
        let id = element.attribute("Id").filter(|id| !id.is_empty()).ok_or(Failure::EMPTY_ID)?;
        if &*element.name == "DistinguishedFolderId" {
            let owner = element.typed("Mailbox").and_then(|mailbox| mailbox.typed("EmailAddress"));
            let mailbox = match owner {
                Some(owner) => self.host.mailbox(owner.text()).ok_or(Failure::FOLDER_NOT_FOUND)?,
                None => self.mailbox,
            };
            let which = match (id, folder_kind(id), hidden::distinguished(id)) {
                ("root", ..) => Which::Ordinal(ROOT),
                ("publicfoldersroot", ..) => return Err(Failure::NO_PUBLIC_FOLDERS),
                (_, Some(kind), None) => Which::Kind(kind),
                (_, Some(kind), Some(hidden)) => Which::Either(kind, hidden),
                (_, None, Some(hidden)) => Which::Ordinal(hidden),
                (_, None, None) => return Err(Failure::FOLDER_NOT_FOUND),
            };
            return Ok(FolderTarget { mailbox, which });
        }
        let (mailbox, number) = opaque::decode(Kind::Folder, id).ok_or(Failure::MALFORMED_ID)?;
        let ordinal = u32::try_from(number).map_err(|_| Failure::MALFORMED_ID)?;
        if !self.host.knows(mailbox) {
            return Err(Failure::FOLDER_NOT_FOUND);
        }
        Ok(FolderTarget { mailbox, which: Which::Ordinal(ordinal) })
    }

    /// The only folder of an element that holds one.
    pub(super) fn single_folder(
        &mut self,
        holder: Option<&Element<'_>>,
    ) -> Result<Result<FolderTarget, Failure>, Refused> {
        let holder = holder.ok_or_else(|| Refused::schema("the folder is missing"))?;
        let [folder] = &*holder.children else {
            return Err(Refused::schema("there must be exactly one folder"));
        };
        Ok(self.folder(folder))
    }
}
