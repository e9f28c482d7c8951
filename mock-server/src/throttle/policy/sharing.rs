//! Who shares one allowance: any combination of app, mailbox, user, tenant, address, database and server.

use super::asked::Asked;
use crate::wire::id::MailboxKey;

/// What must be equal for two calls to share an allowance. With nothing set, everybody shares one.
#[derive(Copy, Clone, PartialEq, Eq, Default, Debug)]
#[expect(clippy::struct_excessive_bools, reason = "a set of names, each present or not")]
pub struct Sharing {
    /// The app.
    pub app: bool,
    /// The mailbox.
    pub mailbox: bool,
    /// The signed-in user.
    pub user: bool,
    /// The tenant of the mailbox.
    pub tenant: bool,
    /// The network address of the caller.
    pub address: bool,
    /// The database that holds the mailbox.
    pub database: bool,
    /// The server that holds the database.
    pub server: bool,
}

/// One of those who share: the numbers that must be equal, none for those that may differ. In the order of mailboxes,
/// so that what one mailbox has to itself lies together.
#[derive(Copy, Clone, PartialEq, Eq, PartialOrd, Ord, Default, Debug)]
pub struct Sharer {
    /// The mailbox.
    pub mailbox: Option<MailboxKey>,
    /// The app.
    pub app: Option<u32>,
    /// The signed-in user.
    pub user: Option<u64>,
    /// The tenant.
    pub tenant: Option<u32>,
    /// The network address.
    pub address: Option<u64>,
    /// The database.
    pub database: Option<u32>,
    /// The server.
    pub server: Option<u32>,
}

impl Sharing {
    /// Everybody shares one allowance.
    pub const EVERYBODY: Self =
        Self { app: false, mailbox: false, user: false, tenant: false, address: false, database: false, server: false };
    /// Each pair of app and mailbox has its own.
    pub const APP_MAILBOX: Self = Self { app: true, mailbox: true, ..Self::EVERYBODY };
    /// Each mailbox has its own.
    pub const MAILBOX: Self = Self { mailbox: true, ..Self::EVERYBODY };
    /// Each app has its own, over all tenants.
    pub const APP: Self = Self { app: true, ..Self::EVERYBODY };
    /// Each tenant has its own, over all apps.
    pub const TENANT: Self = Self { tenant: true, ..Self::EVERYBODY };
    /// Each pair of app and tenant has its own.
    pub const APP_TENANT: Self = Self { app: true, tenant: true, ..Self::EVERYBODY };
    /// Each database has its own.
    pub const DATABASE: Self = Self { database: true, ..Self::EVERYBODY };
    /// Each server has its own.
    pub const SERVER: Self = Self { server: true, ..Self::EVERYBODY };

    /// The names of what may be shared by.
    pub const NAMES: [&'static str; 7] = ["app", "mailbox", "user", "tenant", "address", "database", "server"];

    /// The sharing of some names; the name that is unknown otherwise.
    pub fn named<'a>(names: impl IntoIterator<Item = &'a str>) -> Result<Self, &'a str> {
        let mut sharing = Self::EVERYBODY;
        for name in names {
            match name {
                "app" => sharing.app = true,
                "mailbox" => sharing.mailbox = true,
                "user" => sharing.user = true,
                "tenant" => sharing.tenant = true,
                "address" => sharing.address = true,
                "database" => sharing.database = true,
                "server" => sharing.server = true,
                other => return Err(other),
            }
        }
        Ok(sharing)
    }

    /// The names that are set.
    #[must_use]
    pub fn names(self) -> Vec<&'static str> {
        let set = [self.app, self.mailbox, self.user, self.tenant, self.address, self.database, self.server];
        Self::NAMES.into_iter().zip(set).filter_map(|(name, set)| set.then_some(name)).collect()
    }

    /// Whose allowance a call uses.
    #[must_use]
    pub fn sharer(self, asked: &Asked) -> Sharer {
        Sharer {
            mailbox: self.mailbox.then_some(asked.mailbox),
            app: self.app.then_some(asked.app),
            user: self.user.then_some(asked.user),
            tenant: self.tenant.then_some(asked.tenant),
            address: self.address.then_some(asked.address),
            database: self.database.then_some(asked.database),
            server: self.server.then_some(asked.server),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_read_back_as_they_were_set() {
        for bits in 0_u32..128 {
            let names: Vec<_> = (0..7).filter(|bit| bits >> bit & 1 == 1).map(|bit| Sharing::NAMES[bit]).collect();
            let sharing = Sharing::named(names.iter().copied()).expect("all are known");
            assert_eq!(sharing.names(), names);
        }
        assert_eq!(Sharing::named(["app", "planet"]), Err("planet"));
    }
}
