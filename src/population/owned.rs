//! Mailboxes that are known by name: the rows of an inventory.

use mock_server::wire::id::MailboxKey;

use super::inventory::InventoryMailbox;
use super::item::SMALLEST;
use super::mailbox::Known;
use super::organisation::Organisations;
use super::preset::Cohort;

/// The largest mean item size that a mailbox may have, in bytes; items have 32 bits. Exports of mailboxes with hardly
/// any items can exceed it by what is no item: then the mailbox gets as many items as it needs.
const LARGEST_MEAN: u64 = 1 << 30;

/// Rows of an inventory, grouped by organisation, in the order of the file within each.
#[derive(Clone, Debug)]
pub(super) struct Owned {
    rows: Vec<Row>,
    /// Rows that have an address of their own, by address.
    by_address: Vec<u32>,
}

#[derive(Clone, Debug)]
struct Row {
    cohort: Cohort,
    bytes: u64,
    items: Option<u64>,
    has_archive: bool,
    archive_bytes: Option<u64>,
    /// In lower case; empty if the row has none of its own.
    address: Box<str>,
}

impl Owned {
    /// Takes over the rows. Mailboxes of one organisation get neighbouring keys.
    pub(super) fn new(mailboxes: &[InventoryMailbox]) -> (Self, Organisations) {
        let mut order: Vec<usize> = (0..mailboxes.len()).collect();
        order.sort_by_key(|&place| mailboxes[place].organisation.as_deref());
        let groups = order.chunk_by(|&one, &two| mailboxes[one].organisation == mailboxes[two].organisation);
        let organisations = Organisations::of_sizes(groups.map(|group| group.len() as u32));
        let mut rows: Vec<Row> = order.iter().map(|&place| row(&mailboxes[place])).collect();
        let mut by_address: Vec<u32> =
            (0..rows.len() as u32).filter(|&key| !rows[key as usize].address.is_empty()).collect();
        by_address.sort_by(|&one, &two| rows[one as usize].address.cmp(&rows[two as usize].address));
        // An address that two rows share is nobody's.
        let shared: Vec<u32> = by_address
            .chunk_by(|&one, &two| rows[one as usize].address == rows[two as usize].address)
            .filter(|group| group.len() > 1)
            .flatten()
            .copied()
            .collect();
        for key in shared {
            rows[key as usize].address = Box::default();
        }
        by_address.retain(|&key| !rows[key as usize].address.is_empty());
        (Self { rows, by_address }, organisations)
    }

    /// What is known of a mailbox.
    pub(super) fn known(&self, key: MailboxKey) -> Known {
        let Row { cohort, bytes, items, has_archive, archive_bytes, .. } = self.rows[key.0 as usize];
        Known { cohort, bytes, items, has_archive, archive_bytes }
    }

    /// The address of a mailbox, if the inventory has one.
    pub(super) fn address(&self, key: MailboxKey) -> Option<&str> {
        let address = &*self.rows[key.0 as usize].address;
        (!address.is_empty()).then_some(address)
    }

    /// The domains of the addresses, one for each.
    pub(super) fn domains(&self) -> impl Iterator<Item = &str> {
        self.rows.iter().filter_map(|row| row.address.split_once('@')).map(|(_, domain)| domain)
    }

    /// The mailbox of an address.
    pub(super) fn find(&self, address: &str) -> Option<MailboxKey> {
        let address = address.to_lowercase();
        let place = self.by_address.binary_search_by(|&key| (*self.rows[key as usize].address).cmp(&address)).ok()?;
        Some(MailboxKey(self.by_address[place]))
    }
}

fn row(mailbox: &InventoryMailbox) -> Row {
    // A person's mailbox that was never used is dormant: it receives little.
    let is_dormant = mailbox.kind == Cohort::Active && mailbox.was_used == Some(false);
    let least = mailbox.bytes.div_ceil(LARGEST_MEAN);
    // Sizes that an export rounds down leave less than items of any size need.
    let fewest = mailbox.items.unwrap_or(0).saturating_mul(SMALLEST);
    Row {
        cohort: if is_dormant { Cohort::Dormant } else { mailbox.kind },
        bytes: mailbox.bytes.max(fewest),
        items: mailbox.items.map(|items| items.max(least)),
        has_archive: mailbox.has_archive == Some(true),
        archive_bytes: mailbox.archive_bytes,
        address: if is_address(&mailbox.name) { mailbox.name.to_lowercase().into_boxed_str() } else { Box::default() },
    }
}

fn is_address(name: &str) -> bool {
    name.split_once('@').is_some_and(|(user, domain)| {
        !user.is_empty() && domain.contains('.') && !name.contains([' ', '\\', '/', '?', '#', '<', '>', ','])
    })
}
