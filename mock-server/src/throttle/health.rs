//! Resource health: what a busy service does to calls whoever makes them, whatever they have used up.
//!
//! Resources suffer from time to time: disks get slow, copies of a database lag behind, users come to work. While they
//! do, work that can wait is slowed first, then held, then refused; people hardly notice. Everything is a pure function
//! of seed, moment and place, so that it is the same in every world; only the account of what it did is kept.
//!
//! Microsoft describes the order ("Resource based throttling and prioritization in Exchange Online", Exchange team blog,
//! 2018-06-25): client access and mail flow come before customers' migrations, and these before other discretionary
//! work. How often resources suffer, and for how long, is published nowhere.

pub mod episode;
#[cfg(test)]
mod laws;
pub mod load;
pub mod preset;
pub mod resource;
pub mod stall;

use self::episode::{Effect, Episode, Prepared};
use self::load::Load;
use self::resource::Resource;
use self::stall::{Account, Stalls};
use super::policy::asked::Asked;
use crate::time::{Moment, Span};
use crate::wire::call::Protocol;
use crate::wire::id::MailboxKey;
use crate::wire::operation::Operation;
use crate::wire::refusal::{Refusal, RefusalKind};

/// What the health of a server is like. Always well by default.
#[derive(Clone, PartialEq, Default, Debug)]
pub struct Terms {
    /// What resources suffer from, in order.
    pub episodes: Vec<Episode>,
    /// The work of real users.
    pub load: Option<Load>,
    /// Which work can wait.
    pub discretionary: Discretionary,
}

impl Terms {
    /// Whether the server is always well.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.episodes.is_empty() && self.load.is_none()
    }
}

/// Which work can wait: what migrations do, unless said otherwise.
#[derive(Clone, PartialEq, Debug)]
pub struct Discretionary {
    /// The kinds of call.
    pub operations: Vec<Operation>,
    /// Apps that people work with: what they do never waits.
    pub interactive_apps: Vec<u32>,
}

impl Default for Discretionary {
    fn default() -> Self {
        Self { operations: BULK.to_vec(), interactive_apps: Vec::new() }
    }
}

/// What moves mailboxes: the calls of migrations and of nobody at a desk.
pub const BULK: [Operation; 10] = [
    Operation::SyncFolders,
    Operation::SyncItems,
    Operation::FindItems,
    Operation::GetItems,
    Operation::ExportItems,
    Operation::ImportItem,
    Operation::UploadItems,
    Operation::CreateMessage,
    Operation::DeleteItems,
    Operation::Batch,
];

/// What health says to a call.
#[derive(Copy, Clone, PartialEq, Debug)]
pub struct Verdict {
    /// How long the call is held before it is worked on.
    pub hold: Span,
    /// By which factor the work takes longer.
    pub factor: f64,
    /// Why it is refused, if it is.
    pub refusal: Option<Refusal>,
}

impl Verdict {
    /// Nothing is wrong.
    pub const WELL: Self = Self { hold: Span::ZERO, factor: 1.0, refusal: None };
}

/// What one resource did to calls.
#[derive(Copy, Clone, PartialEq, Eq, Default, Debug)]
pub struct Suffered {
    /// Calls that were held.
    pub held: u64,
    /// Calls that were refused.
    pub refused: u64,
    /// How long calls were held in all.
    pub span: Span,
}

/// The health of one server, and the account of what it did.
#[derive(Debug)]
pub struct Health {
    episodes: Vec<Prepared>,
    load: Option<Load>,
    discretionary: Discretionary,
    suffered: [Suffered; Resource::ALL.len()],
    stalls: Stalls,
}

impl Health {
    /// The health of a server.
    #[must_use]
    pub fn new(seed: u64, terms: Terms) -> Self {
        let prepare = |(number, episode)| Prepared::new(seed, number as u64, episode);
        Self {
            episodes: terms.episodes.into_iter().enumerate().map(prepare).collect(),
            load: terms.load,
            discretionary: terms.discretionary,
            suffered: [Suffered::default(); Resource::ALL.len()],
            stalls: Stalls::default(),
        }
    }

    /// What happens to a call. `week` is how far the week has come at this moment, counted from Monday, midnight.
    ///
    /// Of several resources that suffer at once the one that is well last holds the call, the first that does not want
    /// to hold it any longer refuses it, and what slows it multiplies.
    pub fn ask(&mut self, now: Moment, week: Span, asked: &Asked) -> Verdict {
        let waits = self.waits(asked);
        let mut verdict = Verdict::WELL;
        if let Some(load) = &self.load {
            verdict.factor *= load.factor(week, waits);
        }
        let mut holder = None;
        for prepared in &self.episodes {
            let Some(well) = prepared.well_again(now, asked) else { continue };
            let Episode { resource, effect, .. } = prepared.episode;
            match effect {
                Effect::Stall { patience, back_off } if waits => {
                    let hold = well.since(now);
                    if patience < hold {
                        self.suffered[resource as usize].refused += 1;
                        self.stalls.note(asked, resource, (now, well), false);
                        verdict.refusal = Some(refusal(asked, back_off));
                        return verdict;
                    }
                    if verdict.hold < hold {
                        (verdict.hold, holder) = (hold, Some(resource));
                    }
                }
                Effect::Stall { .. } => {}
                Effect::Slow { waiting, others } => verdict.factor *= if waits { waiting } else { others },
                Effect::Down { back_off } => {
                    self.suffered[resource as usize].refused += 1;
                    self.stalls.note(asked, resource, (now, well), false);
                    let down = Refusal { kind: RefusalKind::Unavailable, status: 503, retry_after: back_off };
                    verdict.refusal = Some(down);
                    return verdict;
                }
            }
        }
        if let Some(resource) = holder {
            let suffered = &mut self.suffered[resource as usize];
            suffered.held += 1;
            suffered.span += verdict.hold;
            self.stalls.note(asked, resource, (now, now + verdict.hold), true);
        }
        verdict
    }

    /// Which resources suffer where a call goes, and until when.
    pub fn suffering(&self, now: Moment, asked: &Asked) -> impl Iterator<Item = (&Episode, Moment)> {
        self.episodes.iter().filter_map(move |prepared| Some((&prepared.episode, prepared.well_again(now, asked)?)))
    }

    /// What each resource did to calls so far, in the order of [`Resource::ALL`].
    #[must_use]
    pub fn suffered(&self) -> &[Suffered; Resource::ALL.len()] {
        &self.suffered
    }

    /// How long each resource stalled the work of each app, and how much of it.
    #[must_use]
    pub fn stalled(&self) -> &Account {
        &self.stalls.account
    }

    /// Keeps that account in one that somebody else can read as well.
    pub fn account_in(&mut self, account: Account) {
        self.stalls.account = account;
    }

    /// Forgets a mailbox whose move is over; what was counted stays counted.
    pub fn forget(&mut self, mailbox: MailboxKey) {
        self.stalls.forget(mailbox.0);
    }

    /// The share of the service that real users take at a time of the week; none if nobody counts them.
    #[must_use]
    pub fn utilization(&self, week: Span) -> Option<f64> {
        self.load.as_ref().map(|load| load.utilization(week))
    }

    fn waits(&self, asked: &Asked) -> bool {
        let Discretionary { operations, interactive_apps } = &self.discretionary;
        operations.contains(&asked.operation) && !interactive_apps.contains(&asked.app)
    }
}

/// What a call hears that is not held any longer: EWS is busy, Graph and administration are overloaded (503 with
/// `Retry-After`; Microsoft Graph error responses).
fn refusal(asked: &Asked, back_off: Span) -> Refusal {
    let kind = match asked.protocol {
        Protocol::Ews if !asked.operation.is_admin() => RefusalKind::ServerBusy,
        Protocol::Ews | Protocol::Graph => RefusalKind::Unavailable,
    };
    Refusal { kind, status: kind.usual_status(), retry_after: Some(back_off) }
}
