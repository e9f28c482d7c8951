//! Where mailboxes are: which tenant, database and server.

use crate::draw::mix;
use crate::wire::id::MailboxKey;

/// How the mailboxes of one service are spread.
#[derive(Copy, Clone, PartialEq, Eq, Debug)]
pub struct Topology {
    /// Mailboxes of one tenant, by key; all mailboxes are of one tenant if absent.
    pub mailboxes_per_tenant: Option<u32>,
    /// How many databases there are.
    pub databases: u32,
    /// How many servers hold them.
    pub servers: u32,
}

impl Default for Topology {
    fn default() -> Self {
        Self { mailboxes_per_tenant: None, databases: 1, servers: 1 }
    }
}

impl Topology {
    /// The tenant of a mailbox.
    #[must_use]
    pub fn tenant(&self, mailbox: MailboxKey) -> u32 {
        self.mailboxes_per_tenant.map_or(0, |size| mailbox.0 / size.max(1))
    }

    /// The database of a mailbox. Mailboxes are spread evenly and without regard to their numbers, as a service that
    /// balances its databases does; which one is the same in every run.
    #[must_use]
    pub fn database(&self, mailbox: MailboxKey) -> u32 {
        let spread = mix(u64::from(mailbox.0) ^ 0x9e37_79b9_7f4a_7c15) >> 32;
        ((spread * u64::from(self.databases.max(1))) >> 32) as u32
    }

    /// The server of a database: databases are dealt out in turn.
    #[must_use]
    pub fn server(&self, database: u32) -> u32 {
        database % self.servers.max(1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mailboxes_are_spread_evenly_over_databases() {
        let topology = Topology { databases: 20, ..Topology::default() };
        let mut counts = [0_u32; 20];
        (0..100_000).for_each(|key| counts[topology.database(MailboxKey(key)) as usize] += 1);
        assert!(counts.iter().all(|count| (4_700..5_300).contains(count)), "{counts:?}");
    }

    #[test]
    fn a_service_that_says_nothing_has_one_of_each() {
        let topology = Topology::default();
        for key in [0, 7, u32::MAX] {
            assert_eq!((topology.tenant(MailboxKey(key)), topology.database(MailboxKey(key))), (0, 0));
        }
        assert_eq!(Topology { mailboxes_per_tenant: Some(10), ..topology }.tenant(MailboxKey(25)), 2);
    }
}
