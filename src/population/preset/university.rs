//! A university of 60,000 mailboxes.

use super::{ArchiveLaw, Cohort, CohortLaw, GB, ItemLaw, MB, OrganisationLaw, Preset, QuotaLaw, ReceivedLaw};

/// The parameters: all assumed, no published check was found.
pub(super) fn preset() -> Preset {
    let law = |cohort, share, median_bytes, ln_sigma, quota, received| CohortLaw {
        cohort,
        share,
        median_bytes,
        ln_sigma,
        quota: QuotaLaw::plain(quota),
        received,
    };
    Preset {
        name: "university".to_owned(),
        mailboxes: 60_000,
        cohorts: vec![
            law(Cohort::Staff, 0.22, 2.6 * GB, 1.3, 100.0 * GB, ReceivedLaw { median: 25.0, ln_sigma: 1.0 }),
            law(Cohort::Student, 0.62, 220.0 * MB, 1.4, 50.0 * GB, ReceivedLaw { median: 6.0, ln_sigma: 0.9 }),
            law(Cohort::Dormant, 0.12, 20.0 * MB, 1.8, 50.0 * GB, ReceivedLaw { median: 0.5, ln_sigma: 0.8 }),
            law(Cohort::Shared, 0.04, 600.0 * MB, 1.7, 50.0 * GB, ReceivedLaw { median: 6.0, ln_sigma: 1.4 }),
        ],
        // Faculties, institutes and departments move together. Assumed.
        organisations: OrganisationLaw {
            count: 120,
            large: 12,
            large_size: (2_600.0, 0.5),
            small_size: (190.0, 0.8),
            effect_ln_sigma: 0.3,
        },
        items: ItemLaw::PUBLISHED,
        // Largest message of Exchange Online (150 MB).
        largest_item: 150 * 1_048_576,
        archives: ArchiveLaw::with_share(0.05),
    }
}
