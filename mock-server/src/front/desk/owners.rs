//! The owners of mailboxes, as Entra knows them.

use crate::front::entra::Users;
use crate::mailbox::content::Content;
use crate::service::core::Service;
use crate::wire::entra::token::User;
use crate::wire::graph;
use crate::wire::id::MailboxKey;

/// The owners of mailboxes, as Entra knows them.
pub(super) struct Owners<'a, C>(pub(super) &'a Service<C>);

impl<C: Content> Owners<'_, C> {
    fn owner(&self, mailbox: MailboxKey) -> User {
        User { address: self.0.content().address(mailbox), oid: graph::mailbox_guid(mailbox) }
    }
}

impl<C: Content> Users for Owners<'_, C> {
    fn find(&self, address: &str) -> Option<User> {
        self.0.content().find(address).map(|mailbox| self.owner(mailbox))
    }

    fn first(&self) -> Option<User> {
        (self.0.content().mailboxes() > 0).then(|| self.owner(MailboxKey(0)))
    }
}
