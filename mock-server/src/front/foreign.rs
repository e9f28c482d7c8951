//! Requests that do not say which they are: the server numbers them in the order of their arrival.

use std::collections::BTreeMap;

use crate::service::script::FIRST_FOREIGN;
use crate::wire::call::RequestIdentity;
use crate::wire::id::MailboxKey;

/// What was numbered so far.
#[derive(Debug, Default)]
pub(super) struct Foreign {
    /// How many requests concerned each mailbox.
    mailboxes: BTreeMap<MailboxKey, u64>,
    /// How many batches there were. Their entries count with their mailboxes, they themselves do not.
    batches: u64,
}

impl Foreign {
    /// Which request the next one is that concerns a mailbox.
    pub(super) fn next(&mut self, mailbox: MailboxKey) -> RequestIdentity {
        number(self.mailboxes.entry(mailbox).or_default())
    }

    /// Which batch the next one is.
    pub(super) fn batch(&mut self) -> RequestIdentity {
        number(&mut self.batches)
    }
}

fn number(count: &mut u64) -> RequestIdentity {
    let request = FIRST_FOREIGN + *count;
    *count += 1;
    RequestIdentity { request, attempt: 0 }
}
