//! A company of 100,000 mailboxes.

use super::{ArchiveLaw, Cohort, CohortLaw, GB, ItemLaw, MB, OrganisationLaw, Preset, QuotaLaw, ReceivedLaw};

/// The parameters: all assumed. One check: the mean of 4.6 GB stands beside 3.6 GB at the US EPA in 2013
/// (route-fifty.com: 90 TB for 25,000 users).
pub(super) fn preset() -> Preset {
    let law = |cohort, share, median_bytes, ln_sigma, quota, received| CohortLaw {
        cohort,
        share,
        median_bytes,
        ln_sigma,
        quota: QuotaLaw::plain(quota),
        received,
    };
    let quiet = ReceivedLaw { median: 0.2, ln_sigma: 0.0 };
    Preset {
        name: "enterprise".to_owned(),
        mailboxes: 100_000,
        cohorts: vec![
            // Received: mean 41 per calendar day, assumed below the 59.9 of EmailAnalytics 2021 (569 professionals).
            law(Cohort::Active, 0.78, 2.6 * GB, 1.2, 100.0 * GB, ReceivedLaw { median: 25.0, ln_sigma: 1.0 }),
            law(Cohort::Dormant, 0.08, 30.0 * MB, 2.0, 50.0 * GB, quiet),
            law(Cohort::Shared, 0.12, 1.2 * GB, 1.7, 50.0 * GB, ReceivedLaw { median: 12.0, ln_sigma: 1.4 }),
            law(Cohort::Room, 0.02, 10.0 * MB, 1.5, 50.0 * GB, quiet),
        ],
        // Departments move together. Assumed.
        organisations: OrganisationLaw {
            count: 500,
            large: 20,
            large_size: (1_500.0, 0.5),
            small_size: (110.0, 0.8),
            effect_ln_sigma: 0.25,
        },
        items: ItemLaw::PUBLISHED,
        // Largest message of Exchange Online (150 MB).
        largest_item: 150 * 1_048_576,
        archives: ArchiveLaw::with_share(0.30),
    }
}
