//! A university of 60,000 mailboxes.

use super::{
    ArchiveLaw, Cohort, CohortLaw, GB, ItemLaw, LARGEST_ONLINE, MB, OrganisationLaw, Preset, QuotaLaw, ReceivedLaw,
};

/// Where nearly all of it comes from.
const ASSUMED: &str = "assumed; no published check was found";

/// The parameters.
pub(super) fn preset() -> Preset {
    let law = |cohort, share, median_bytes, ln_sigma, quota, received| CohortLaw {
        cohort,
        share,
        share_source: ASSUMED,
        median_bytes,
        ln_sigma,
        size_source: ASSUMED,
        quota: QuotaLaw::plain(quota, ASSUMED),
        received,
    };
    let received = |median, ln_sigma| ReceivedLaw { median, ln_sigma, source: ASSUMED };
    Preset {
        name: "university".to_owned(),
        mailboxes: 60_000,
        cohorts: vec![
            law(Cohort::Staff, 0.22, 2.6 * GB, 1.3, 100.0 * GB, received(25.0, 1.0)),
            law(Cohort::Student, 0.62, 220.0 * MB, 1.4, 50.0 * GB, received(6.0, 0.9)),
            law(Cohort::Dormant, 0.12, 20.0 * MB, 1.8, 50.0 * GB, received(0.5, 0.8)),
            law(Cohort::Shared, 0.04, 600.0 * MB, 1.7, 50.0 * GB, received(6.0, 1.4)),
        ],
        organisations: OrganisationLaw {
            count: 120,
            large: 12,
            large_size: (2_600.0, 0.5),
            small_size: (190.0, 0.8),
            effect_ln_sigma: 0.3,
            source: "assumed: faculties, institutes and departments move together",
        },
        items: ItemLaw::PUBLISHED,
        largest_item: 150 * 1_048_576,
        largest_item_source: LARGEST_ONLINE,
        archives: ArchiveLaw::with_share(0.05),
    }
}
