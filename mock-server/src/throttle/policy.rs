//! Policies: limits in their general form. What is counted, who shares it, which calls it concerns, whether refused
//! calls count, and what a refused client is told are chosen freely.
//!
//! A [`stack::Policies`] asks its policies in order; [`preset`] holds the published ones. Knows nothing of protocols'
//! bytes, of mailbox content or of clocks: `now` is a parameter.

pub mod announce;
pub mod asked;
pub mod batch;
pub mod headers;
pub mod preset;
pub mod sharing;
pub mod stack;
pub mod topology;
pub mod unit;

mod bucket;
mod frame;
#[cfg(test)]
mod laws;
mod meter;

use self::announce::Announce;
use self::asked::Asked;
use self::sharing::Sharing;
use self::unit::Unit;
use crate::time::Span;
use crate::wire::call::Protocol;
use crate::wire::operation::Operation;
use crate::wire::refusal::RefusalKind;

/// How a policy counts.
#[derive(Copy, Clone, PartialEq, Debug)]
pub enum Meter {
    /// At most `most` in any span of `per`.
    Sliding {
        /// What is counted.
        unit: Unit,
        /// Most of it.
        most: u64,
        /// The span that it refers to.
        per: Span,
    },
    /// At most `most` in each frame of `per`; frames follow each other from the start of the run, and every one begins
    /// with a full allowance. A span that crosses a boundary may see twice as much.
    Fixed {
        /// What is counted.
        unit: Unit,
        /// Most of it.
        most: u64,
        /// The length of a frame.
        per: Span,
    },
    /// A token bucket: holds at most `burst`, begins full, and regains `refill` in every `per`, evenly.
    Bucket {
        /// What is counted.
        unit: Unit,
        /// Most that can be used at once.
        burst: u64,
        /// What comes back in every `per`.
        refill: u64,
        /// The span that the refill refers to.
        per: Span,
    },
    /// A budget of service time as EWS has it: burst, recharge, small delays when it is spent, refusal at the cutoff,
    /// and a check after each item of a call with several items.
    Budget {
        /// Service time that may be used at once.
        burst: Span,
        /// Service time regained each hour.
        recharge_per_hour: Span,
        /// How far the balance may fall below zero before calls are refused.
        cutoff: Span,
        /// The longest that a call with several items may run before the rest of its items is left undone; no bound if
        /// absent.
        longest_batch: Option<Span>,
    },
    /// At most `most` calls in progress.
    Lanes {
        /// Most calls in progress.
        most: u32,
    },
}

/// Which calls a policy concerns. Every condition must hold.
#[derive(Clone, PartialEq, Default, Debug)]
pub struct Concerns {
    /// The operations; all if empty.
    pub operations: Vec<Operation>,
    /// The protocols; all if empty.
    pub protocols: Vec<Protocol>,
    /// The apps; all if empty.
    pub apps: Vec<u32>,
}

/// One policy.
#[derive(Clone, PartialEq, Debug)]
pub struct Policy {
    /// Its name in scenarios and reports.
    pub name: String,
    /// How it counts.
    pub meter: Meter,
    /// Who shares one allowance.
    pub sharing: Sharing,
    /// Which calls it concerns.
    pub concerns: Concerns,
    /// Whether calls that it or a later limit refuses use up its allowance. Lanes and budgets of service time are never
    /// used by refused calls: nothing is done.
    pub refused_count: bool,
    /// What a refused client sees.
    pub refusal: RefusalKind,
    /// What a refused client is told about waiting.
    pub announce: Announce,
}

impl Meter {
    /// What is counted; none for lanes and budgets, which count the work itself.
    #[must_use]
    pub const fn unit(&self) -> Option<Unit> {
        match self {
            Self::Sliding { unit, .. } | Self::Fixed { unit, .. } | Self::Bucket { unit, .. } => Some(*unit),
            Self::Budget { .. } | Self::Lanes { .. } => None,
        }
    }

    /// The same meter with other numbers: what may be used is multiplied by a factor and rounded down, spans stay as they
    /// are.
    #[must_use]
    pub fn times(self, factor: f64) -> Self {
        let much = |whole: u64| (whole as f64 * factor) as u64;
        let long = |whole: Span| whole.scale(factor);
        match self {
            Self::Sliding { unit, most, per } => Self::Sliding { unit, most: much(most), per },
            Self::Fixed { unit, most, per } => Self::Fixed { unit, most: much(most), per },
            Self::Bucket { unit, burst, refill, per } => {
                Self::Bucket { unit, burst: much(burst), refill: much(refill), per }
            }
            Self::Budget { burst, recharge_per_hour, cutoff, longest_batch } => Self::Budget {
                burst: long(burst),
                recharge_per_hour: long(recharge_per_hour),
                cutoff: long(cutoff),
                longest_batch,
            },
            Self::Lanes { most } => Self::Lanes { most: much(u64::from(most)).min(u64::from(u32::MAX)) as u32 },
        }
    }

    /// The same meter with `k` times less of everything; at least 1 stays of what was not zero.
    fn scaled(self, k: u32) -> Self {
        let share = |whole: u64| (whole / u64::from(k.max(1))).max(whole.min(1));
        let share_of_time = |whole: Span| Span(share(whole.0));
        match self {
            Self::Sliding { unit, most, per } => Self::Sliding { unit, most: share(most), per },
            Self::Fixed { unit, most, per } => Self::Fixed { unit, most: share(most), per },
            Self::Bucket { unit, burst, refill, per } => {
                // A refill that would fall below one comes back in a longer span instead.
                let k = u64::from(k.max(1));
                if refill >= k {
                    Self::Bucket { unit, burst: share(burst), refill: refill / k, per }
                } else {
                    Self::Bucket { unit, burst: share(burst), refill, per: Span(per.0.saturating_mul(k)) }
                }
            }
            Self::Budget { burst, recharge_per_hour, cutoff, longest_batch } => Self::Budget {
                burst: share_of_time(burst),
                recharge_per_hour: share_of_time(recharge_per_hour),
                cutoff: share_of_time(cutoff),
                longest_batch,
            },
            Self::Lanes { most } => Self::Lanes { most: share(u64::from(most)) as u32 },
        }
    }
}

impl Policy {
    /// A policy that concerns every call, counts refused calls, and announces the exact wait.
    #[must_use]
    pub fn new(name: &str, meter: Meter, sharing: Sharing, refusal: RefusalKind) -> Self {
        let (concerns, announce) = (Concerns::default(), Announce::default());
        Self { name: name.to_owned(), meter, sharing, concerns, refused_count: true, refusal, announce }
    }

    /// How many calls at once it lets pass, if that is what it is about.
    #[must_use]
    pub fn lanes(&self) -> Option<u32> {
        match self.meter {
            Meter::Lanes { most } => Some(most),
            _ => None,
        }
    }

    /// The policy of a scale model that runs one mailbox in `k`: what mailboxes share is divided by `k`, what a mailbox
    /// or a user has to itself is unchanged.
    #[must_use]
    pub fn scaled(&self, k: u32) -> Self {
        if self.sharing.mailbox || self.sharing.user {
            return self.clone();
        }
        Self { meter: self.meter.scaled(k), ..self.clone() }
    }
}

impl Concerns {
    /// Whether a call is concerned.
    #[must_use]
    pub fn include(&self, asked: &Asked) -> bool {
        (self.operations.is_empty() || self.operations.contains(&asked.operation))
            && asked.operation.is_in(&self.protocols, asked.protocol)
            && (self.apps.is_empty() || self.apps.contains(&asked.app))
    }
}
