//! What a limit is: a rule, the scope that shares it, and the refusal that a client sees.

use crate::time::Span;
use crate::wire::call::Protocol;
use crate::wire::operation::Operation;
use crate::wire::refusal::RefusalKind;

/// Who shares one allowance.
#[derive(Copy, Clone, PartialEq, Eq, Debug)]
pub enum Scope {
    /// Each pair of app and mailbox has its own.
    AppMailbox,
    /// Each mailbox has its own, whoever asks.
    Mailbox,
    /// Each app has its own, whatever the mailbox.
    App,
    /// The whole tenant shares it.
    Tenant,
}

/// How a limit counts.
#[derive(Copy, Clone, PartialEq, Debug)]
pub enum Rule {
    /// At most `count` requests in any span of `per`. Refused requests count as well where `refused_count` is set
    /// (Graph: usage is recorded while throttled).
    Requests {
        /// Most requests.
        count: u64,
        /// The span that the count refers to.
        per: Span,
        /// Whether refused requests use up the allowance.
        refused_count: bool,
    },
    /// At most `bytes` of request bodies in any span of `per`.
    UploadBytes {
        /// Most bytes.
        bytes: u64,
        /// The span that the bytes refer to.
        per: Span,
    },
    /// At most `lanes` requests in progress.
    Concurrency {
        /// Most requests in progress.
        lanes: u32,
        /// What a refusal announces as the time to wait; the service does not document a value.
        retry_after: Span,
    },
    /// A token bucket of service time (EWS): `burst` to begin with, `recharge_per_hour` comes back, requests are
    /// delayed when the balance is spent and refused when it falls below minus `cutoff`.
    Budget {
        /// Service time that may be used at once.
        burst: Span,
        /// Service time regained each hour.
        recharge_per_hour: Span,
        /// How far the balance may fall below zero before calls are refused.
        cutoff: Span,
    },
}

/// One limit.
#[derive(Clone, PartialEq, Debug)]
pub struct Limit {
    /// Its name in scenarios and reports, for example `outlook-requests`.
    pub name: String,
    /// How it counts.
    pub rule: Rule,
    /// Who shares it.
    pub scope: Scope,
    /// The operations it concerns; all if empty.
    pub operations: Vec<Operation>,
    /// The protocols in which calls count; all if empty. Limits that name any do not concern administration.
    pub protocols: Vec<Protocol>,
    /// What a refused client sees.
    pub refusal: RefusalKind,
}

impl Rule {
    /// The same rule with other numbers: what may be used is multiplied by a factor and rounded down, spans and waits stay
    /// as they are.
    #[must_use]
    pub fn times(self, factor: f64) -> Self {
        let much = |whole: u64| (whole as f64 * factor) as u64;
        let long = |whole: Span| whole.scale(factor);
        match self {
            Self::Requests { count, per, refused_count } => Self::Requests { count: much(count), per, refused_count },
            Self::UploadBytes { bytes, per } => Self::UploadBytes { bytes: much(bytes), per },
            Self::Concurrency { lanes, retry_after } => {
                Self::Concurrency { lanes: much(u64::from(lanes)).min(u64::from(u32::MAX)) as u32, retry_after }
            }
            Self::Budget { burst, recharge_per_hour, cutoff } => {
                Self::Budget { burst: long(burst), recharge_per_hour: long(recharge_per_hour), cutoff: long(cutoff) }
            }
        }
    }
}

impl Limit {
    /// Whether it concerns an operation where it arrives in a protocol.
    #[must_use]
    pub fn concerns(&self, operation: Operation, protocol: Protocol) -> bool {
        (self.operations.is_empty() || self.operations.contains(&operation))
            && operation.is_in(&self.protocols, protocol)
    }

    /// The limit of a scale model that runs one mailbox in `k`: what an app or the tenant shares is divided by `k` (at
    /// least 1 of it stays, unless it was zero); what a mailbox has to itself is unchanged. Waits are unchanged as well.
    #[must_use]
    pub fn scaled(&self, k: u32) -> Self {
        let mut limit = self.clone();
        if matches!(self.scope, Scope::AppMailbox | Scope::Mailbox) {
            return limit;
        }
        let share = |whole: u64| (whole / u64::from(k.max(1))).max(whole.min(1));
        let share_of_time = |whole: Span| Span(share(whole.0));
        match &mut limit.rule {
            Rule::Requests { count, .. } => *count = share(*count),
            Rule::UploadBytes { bytes, .. } => *bytes = share(*bytes),
            Rule::Concurrency { lanes, .. } => *lanes = share(u64::from(*lanes)) as u32,
            Rule::Budget { burst, recharge_per_hour, cutoff } => {
                *burst = share_of_time(*burst);
                *recharge_per_hour = share_of_time(*recharge_per_hour);
                *cutoff = share_of_time(*cutoff);
            }
        }
        limit
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(scope: Scope, k: u32, expect: u64) {
        let rule = Rule::Requests { count: 130_000, per: Span::seconds(10), refused_count: true };
        let (operations, protocols) = (Vec::new(), Vec::new());
        let limit = Limit { name: "shared".into(), rule, scope, operations, protocols, refusal: RefusalKind::AppLimit };
        let Rule::Requests { count, per, .. } = limit.scaled(k).rule else { panic!("the rule changed its kind") };
        assert_eq!((count, per), (expect, Span::seconds(10)), "{scope:?} by {k}");
    }

    #[test]
    fn a_scale_model_divides_shared_limits_only() {
        check(Scope::App, 100, 1_300);
        check(Scope::Tenant, 1_000_000, 1);
        check(Scope::Tenant, 0, 130_000);
        check(Scope::Mailbox, 100, 130_000);
        check(Scope::AppMailbox, 100, 130_000);
    }
}
