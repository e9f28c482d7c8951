//! How many calls a cutover makes, as far as the fluid model counts them: those of the usual course, without refusals.

use std::ops::Add;

use mock_server::wire::call::Protocol;
use mock_server::wire::codec;
use mock_server::wire::operation::Operation;

use crate::scenario::plan::SidePlan;
use crate::world::Side;

/// Something about each kind of call: how many there are, or how many of each that is made count.
#[derive(Copy, Clone, PartialEq, Default, Debug)]
pub struct Calls {
    /// For what each mailbox makes once: on the source it is stopped and released; on the target the session is opened,
    /// the user is provisioned and licensed, the switch is started, the mailbox is released.
    pub mailboxes: f64,
    /// For pages of folders, on either side.
    pub listings: f64,
    /// For changes of a folder, on the source.
    pub syncs: f64,
    /// For exports, on the source.
    pub exports: f64,
    /// For imports, on the target.
    pub imports: f64,
    /// For questions about the switch, on the target.
    pub polls: f64,
    /// For pages of all items of a folder, on either side.
    pub item_pages: f64,
}

impl Calls {
    /// How many calls of a side count with what concerns some operations only, for each that is made: of what each mailbox
    /// makes once several, of the others one or none.
    #[must_use]
    pub fn that_count(side: &SidePlan, which: Side, concerned: impl Fn(Operation, Protocol) -> bool) -> Self {
        let count = |operations: &[Operation]| {
            let spoken = |operation| codec::spoken(side.protocol, operation);
            operations.iter().filter(|operation| concerned(**operation, spoken(**operation))).count() as f64
        };
        let listings = count(&[Operation::FindFolders]);
        let syncs = count(&[Operation::SyncItems]);
        match which {
            Side::Source => Self {
                mailboxes: count(&[Operation::StopMailbox, Operation::ReleaseMailbox]),
                listings,
                syncs,
                item_pages: syncs,
                exports: count(&[Operation::ExportItems]),
                ..Self::default()
            },
            Side::Target => Self {
                mailboxes: count(&[
                    Operation::CreateImportSession,
                    Operation::ProvisionUser,
                    Operation::AssignLicense,
                    Operation::StartSwitch,
                    Operation::ReleaseMailbox,
                ]),
                listings,
                imports: count(&[import(side.protocol)]),
                polls: count(&[Operation::PollSwitch]),
                item_pages: syncs,
                ..Self::default()
            },
        }
    }

    /// How many of them count, if so many of each kind do for each that is made.
    #[must_use]
    pub fn counted(self, counts: Self) -> f64 {
        self.mailboxes * counts.mailboxes
            + self.listings * counts.listings
            + self.syncs * counts.syncs
            + self.exports * counts.exports
            + self.imports * counts.imports
            + self.polls * counts.polls
            + self.item_pages * counts.item_pages
    }
}

/// The operation that stores items.
#[must_use]
pub fn import(target: Protocol) -> Operation {
    match target {
        Protocol::Graph => Operation::ImportItem,
        Protocol::Ews => Operation::UploadItems,
    }
}

impl Add for Calls {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self {
            mailboxes: self.mailboxes + other.mailboxes,
            listings: self.listings + other.listings,
            syncs: self.syncs + other.syncs,
            exports: self.exports + other.exports,
            imports: self.imports + other.imports,
            polls: self.polls + other.polls,
            item_pages: self.item_pages + other.item_pages,
        }
    }
}
