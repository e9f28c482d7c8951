//! What of a server outlives the process, in portions, and how a server becomes what it was.

use std::collections::{BTreeMap, BTreeSet};

use super::config::Holding;
use super::core::{Service, untouched};
use super::switch::KeptSwitch;
use crate::mailbox::content::Content;
use crate::mailbox::keep::{Kept, Mark, Misfit, Portion};
use crate::mailbox::named::Directory;
use crate::time::{Moment, Span};
use crate::wire::id::MailboxKey;

/// What was touched since it was last kept, and how much of each mailbox is kept.
#[derive(Default, Debug)]
pub(super) struct Keeping {
    marks: BTreeMap<MailboxKey, Mark>,
    touched: BTreeSet<MailboxKey>,
    forgotten: BTreeSet<MailboxKey>,
    /// How many of the added mailboxes' addresses are kept.
    added: usize,
    /// The reading of the staging clock that is kept.
    clock: Span,
    /// How often the server was started before.
    starts: u64,
}

/// What is to be kept of a server since it was last kept.
#[derive(Clone, PartialEq, Debug)]
pub struct Unsaved {
    /// The reading of the staging clock to go on from.
    pub clock: Span,
    /// Mailboxes of which nothing is to be kept any longer; those among `mailboxes` begin anew.
    pub forgotten: Vec<MailboxKey>,
    /// What changed in mailboxes.
    pub mailboxes: Vec<(MailboxKey, Portion)>,
    /// The addresses of mailboxes that were added, each with its place.
    pub added: Vec<(u64, String)>,
    /// The switches that changed; nothing for those that were forgotten.
    pub switches: Vec<(MailboxKey, Option<KeptSwitch>)>,
}

impl Keeping {
    /// Notes that nothing is known of a mailbox any longer.
    pub(super) fn forget(&mut self, mailbox: MailboxKey) {
        self.marks.remove(&mailbox);
        self.touched.remove(&mailbox);
        self.forgotten.insert(mailbox);
    }
}

impl<C: Content> Service<C> {
    /// Notes that a mailbox may have changed, if anybody keeps them.
    #[inline]
    pub(super) fn note(&mut self, mailbox: MailboxKey) {
        if let Some(keeping) = &mut self.keeping {
            keeping.touched.insert(mailbox);
        }
    }

    /// How often the server was started before on what is kept of it.
    #[must_use]
    pub fn starts(&self) -> u64 {
        self.keeping.as_ref().map_or(0, |keeping| keeping.starts)
    }

    fn untouched_mark(&self) -> Mark {
        Mark::untouched(self.holding == Holding::Live, self.holding == Holding::Live)
    }
}

impl<C: Directory> Service<C> {
    /// From now on notes what changes, to be kept. What is kept already must have been put back before.
    ///
    /// `clock` is the reading of the staging clock when it was last kept: it goes on from there if that is later than
    /// where it would begin. `starts` is how often the server was started before.
    pub fn keep(&mut self, clock: Option<Span>, starts: u64) {
        self.clock_at_start = clock.map_or(self.clock_at_start, |clock| clock.max(self.clock_at_start));
        let marks = self.touched().into_iter().filter_map(|mailbox| {
            let store = self.mailboxes.get(&mailbox)?;
            Some((mailbox, Mark::of(store)))
        });
        let clock = clock.unwrap_or(Span::ZERO);
        let keeping = Keeping { marks: marks.collect(), clock, starts, ..Keeping::default() };
        self.keeping = Some(Box::new(keeping));
        self.switches.keep();
    }

    /// Puts a mailbox back as it was kept.
    ///
    /// # Errors
    ///
    /// If its parts do not fit together, or there is no such mailbox.
    pub fn restore(&mut self, mailbox: MailboxKey, kept: Kept) -> Result<(), Misfit> {
        if mailbox.0 >= self.content.mailboxes() {
            return Err(Misfit);
        }
        let mut store = untouched(&self.content, self.holding, mailbox);
        store.restore(kept)?;
        self.mailboxes.insert(mailbox, store);
        Ok(())
    }

    /// Puts switches back as they were kept, when the staging clock showed `clock` last.
    pub fn restore_switches(&mut self, clock: Span, kept: impl IntoIterator<Item = (MailboxKey, KeptSwitch)>) {
        self.switches.restore(clock.max(self.clock_at_start), kept);
    }

    /// What is to be kept since this was last asked. Nothing if nothing changed since, or nobody keeps it. The reading of
    /// the staging clock to be kept is no earlier than that of any mailbox that was asked for, and up to `ahead` later
    /// than that at `now`.
    pub fn unsaved(&mut self, now: Moment, ahead: Span) -> Option<Unsaved> {
        let untouched = self.untouched_mark();
        let keeping = self.keeping.as_deref_mut()?;
        let switches = self.switches.unsaved(self.clock_at_start);
        let touched = std::mem::take(&mut keeping.touched);
        let clock = self.clock_at_start + now.since(Moment::START);
        let late = !touched.is_empty() && keeping.clock < clock;
        let early = keeping.clock > clock + ahead;
        let forgotten: Vec<_> = std::mem::take(&mut keeping.forgotten).into_iter().collect();
        let mut mailboxes = Vec::new();
        for mailbox in touched {
            let since = keeping.marks.get(&mailbox).copied().unwrap_or(untouched);
            let portion = self.mailboxes.get(&mailbox).and_then(|store| store.portion(since));
            if let Some((portion, mark)) = portion {
                keeping.marks.insert(mailbox, mark);
                mailboxes.push((mailbox, portion));
            }
        }
        let added = (0..).zip(self.content.added()).skip(keeping.added);
        let added: Vec<_> = added.map(|(place, address)| (place, address.clone())).collect();
        keeping.added += added.len();
        let nothing = mailboxes.is_empty() && forgotten.is_empty() && added.is_empty() && switches.is_empty();
        if nothing && !late && !early {
            return None;
        }
        keeping.clock = clock + ahead;
        Some(Unsaved { clock: keeping.clock, forgotten, mailboxes, added, switches })
    }
}
