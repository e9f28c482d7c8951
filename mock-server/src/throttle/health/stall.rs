//! How long the work on mailboxes was stalled, and by what.
//!
//! The state of a move is one state: while a mailbox waits for one resource, it does not wait for another. So the time of
//! a stall is counted once however many calls it holds, from the first of them until the resource is well again, and goes
//! to the resource that held that call.

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::resource::Resource;
use crate::throttle::policy::asked::Asked;
use crate::time::{Moment, Span};

/// What one resource did to the work of one app.
#[derive(Copy, Clone, PartialEq, Eq, Default, Debug)]
pub struct Stalled {
    /// Mailboxes whose work it stalled.
    pub mailboxes: u64,
    /// For how long, all mailboxes together.
    pub span: Span,
    /// For how long the one that it stalled longest.
    pub longest: Span,
    /// Calls that were held.
    pub held: u64,
    /// Calls that were refused.
    pub refused: u64,
}

impl Stalled {
    /// Adds what it did elsewhere, to other mailboxes.
    pub fn add(&mut self, other: &Self) {
        self.mailboxes += other.mailboxes;
        self.span += other.span;
        self.longest = self.longest.max(other.longest);
        self.held += other.held;
        self.refused += other.refused;
    }
}

/// What every resource did to the work of one app, in the order of [`Resource::ALL`].
pub type ByResource = [Stalled; Resource::ALL.len()];

/// What every resource did to the work of each app, by the number of the app. Clones share it, so that whoever starts a
/// server can read it when the server has ended.
#[derive(Clone, Debug, Default)]
pub struct Account(Arc<Mutex<BTreeMap<u32, ByResource>>>);

impl Account {
    fn lock(&self) -> MutexGuard<'_, BTreeMap<u32, ByResource>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What was done to the work of one app.
    #[must_use]
    pub fn of(&self, app: u32) -> ByResource {
        self.lock().get(&app).copied().unwrap_or_default()
    }

    /// What was done to the work of all apps together. A mailbox counts once for each app that worked on it.
    #[must_use]
    pub fn sum(&self) -> ByResource {
        self.sum_without(0..0)
    }

    /// The same without some apps.
    #[must_use]
    pub fn sum_without(&self, apps: Range<u32>) -> ByResource {
        let mut sum = ByResource::default();
        for (_, all) in self.lock().iter().filter(|(app, _)| !apps.contains(app)) {
            sum.iter_mut().zip(all).for_each(|(sum, one)| sum.add(one));
        }
        sum
    }
}

/// The stalls of one mailbox so far, for one app.
#[derive(Copy, Clone, Debug, Default)]
struct Mailbox {
    /// Until when it is known to be stalled.
    until: Moment,
    spans: [Span; Resource::ALL.len()],
    known: [bool; Resource::ALL.len()],
}

/// The account of stalls.
#[derive(Debug, Default)]
pub(super) struct Stalls {
    pub(super) account: Account,
    /// By mailbox and app, those not forgotten.
    mailboxes: BTreeMap<(u32, u32), Mailbox>,
}

impl Stalls {
    /// A call met a resource that is well again at a moment, and was held or refused for it.
    pub(super) fn note(&mut self, asked: &Asked, resource: Resource, (now, well): (Moment, Moment), held: bool) {
        let mut by_app = self.account.lock();
        let account = &mut by_app.entry(asked.app).or_default()[resource as usize];
        let mailbox = self.mailboxes.entry((asked.mailbox.0, asked.app)).or_default();
        let more = well.since(now.max(mailbox.until));
        mailbox.until = mailbox.until.max(well);
        let span = &mut mailbox.spans[resource as usize];
        *span += more;
        account.span += more;
        account.longest = account.longest.max(*span);
        account.mailboxes += u64::from(!std::mem::replace(&mut mailbox.known[resource as usize], true));
        account.held += u64::from(held);
        account.refused += u64::from(!held);
    }

    /// Forgets a mailbox whose move is over; what was counted stays counted.
    pub(super) fn forget(&mut self, mailbox: u32) {
        while let Some((&key, _)) = self.mailboxes.range((mailbox, 0)..=(mailbox, u32::MAX)).next() {
            self.mailboxes.remove(&key);
        }
    }
}
