//! A company of 100,000 mailboxes.

use super::{
    ArchiveLaw, Cohort, CohortLaw, GB, ItemLaw, LARGEST_ONLINE, MB, OrganisationLaw, Preset, QUIET, QuotaLaw,
    ReceivedLaw,
};

/// The only check that there is.
const SIZES: &str = "assumed; the mean of all mailboxes, 4.6 GB, stands beside 3.6 GB at the US EPA in 2013 \
                     (route-fifty.com: 90 TB for 25,000 users)";

/// The parameters.
pub(super) fn preset() -> Preset {
    let law = |cohort, share, median_bytes, ln_sigma, quota, received| CohortLaw {
        cohort,
        share,
        share_source: "assumed",
        median_bytes,
        ln_sigma,
        size_source: SIZES,
        quota: QuotaLaw::plain(quota, "assumed"),
        received,
    };
    let people = ReceivedLaw {
        median: 25.0,
        ln_sigma: 1.0,
        source: "assumed: 41 a calendar day on average, below the 59.9 of EmailAnalytics 2021 (569 professionals)",
    };
    let shared = ReceivedLaw { median: 12.0, ln_sigma: 1.4, source: "assumed" };
    Preset {
        name: "enterprise".to_owned(),
        mailboxes: 100_000,
        cohorts: vec![
            law(Cohort::Active, 0.78, 2.6 * GB, 1.2, 100.0 * GB, people),
            law(Cohort::Dormant, 0.08, 30.0 * MB, 2.0, 50.0 * GB, QUIET),
            law(Cohort::Shared, 0.12, 1.2 * GB, 1.7, 50.0 * GB, shared),
            law(Cohort::Room, 0.02, 10.0 * MB, 1.5, 50.0 * GB, QUIET),
        ],
        organisations: OrganisationLaw {
            count: 500,
            large: 20,
            large_size: (1_500.0, 0.5),
            small_size: (110.0, 0.8),
            effect_ln_sigma: 0.25,
            source: "assumed: departments move together",
        },
        items: ItemLaw::PUBLISHED,
        largest_item: 150 * 1_048_576,
        largest_item_source: LARGEST_ONLINE,
        archives: ArchiveLaw::with_share(0.30),
    }
}
