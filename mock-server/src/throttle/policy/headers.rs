//! The headers by which identity and access speak of resource units (Microsoft Graph limits page; documented for these
//! services only).

use super::asked::Asked;
use super::stack::Policies;
use super::unit::Unit;
use super::{Meter, Policy};

/// Usage below this share of a limit is not spoken of (Graph limits page: 0.8 to 1.8).
const SPOKEN_OF: f64 = 0.8;

/// The highest share that is spoken of (Graph limits page).
const HIGHEST: f64 = 1.8;

/// Whether a policy is one of those whose answers carry these headers: it counts resource units or writes of the
/// directory.
fn speaks(policy: &Policy) -> bool {
    matches!(policy.meter.unit(), Some(Unit::ResourceUnits | Unit::Writes)) && policy.refusal.usual_status() == 429
}

/// The headers of an answer to a call that was admitted: its cost, and how far the limit is used up where that is far.
#[must_use]
pub fn of_answer(policies: &mut Policies, asked: &Asked) -> Vec<(&'static str, String)> {
    let Some(share) = policies.share_used(asked, Unit::ResourceUnits) else { return Vec::new() };
    let mut headers = vec![("x-ms-resource-unit", asked.resource_units.to_string())];
    if SPOKEN_OF <= share {
        headers.push(("x-ms-throttle-limit-percentage", format!("{:.1}", share.min(HIGHEST))));
    }
    headers
}

/// The headers of a refusal by a policy: who shares the limit, and which limit it is. Apps and tenants are written as
/// identifiers made from their numbers.
#[must_use]
pub fn of_refusal(policy: &Policy, asked: &Asked) -> Vec<(&'static str, String)> {
    if !speaks(policy) {
        return Vec::new();
    }
    let scope = match (policy.sharing.tenant, policy.sharing.app) {
        (true, true) => "Tenant_Application",
        (true, false) => "Tenant",
        _ => "Application",
    };
    let writes = policy.meter.unit() == Some(Unit::Writes);
    let (limit, information) =
        if writes { ("Write", "WriteLimitExceeded") } else { ("ReadWrite", "ResourceUnitLimitExceeded") };
    let scope = format!("{scope}/{limit}/{}/{}", guid(asked.app), guid(asked.tenant));
    vec![("x-ms-throttle-scope", scope), ("x-ms-throttle-information", information.to_owned())]
}

fn guid(number: u32) -> String {
    format!("00000000-0000-0000-0000-{number:012x}")
}

/// The most that a meter of amounts lets pass at once.
pub(super) const fn most(meter: &Meter) -> Option<u64> {
    match meter {
        Meter::Sliding { most, .. } | Meter::Fixed { most, .. } | Meter::Bucket { burst: most, .. } => Some(*most),
        Meter::Budget { .. } | Meter::Lanes { .. } => None,
    }
}
