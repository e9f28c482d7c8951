//! A business of 60 mailboxes.

use super::{ArchiveLaw, Cohort, CohortLaw, GB, ItemLaw, MB, OrganisationLaw, Preset, QuotaLaw, ReceivedLaw};

/// The parameters: assumed, with one check: the mean of 5.4 GB equals 5.42 GB in a real tenant of 146 mailboxes
/// (documentation of pnp/cli-microsoft365, report rows of 2023-01-18).
pub(super) fn preset() -> Preset {
    let law = |cohort, share, median_bytes, ln_sigma, received| CohortLaw {
        cohort,
        share,
        median_bytes,
        ln_sigma,
        quota: QuotaLaw::plain(50.0 * GB),
        received,
    };
    Preset {
        name: "small_business".to_owned(),
        mailboxes: 60,
        cohorts: vec![
            law(Cohort::Active, 0.80, 3.2 * GB, 1.15, ReceivedLaw { median: 25.0, ln_sigma: 1.0 }),
            law(Cohort::Shared, 0.15, 1.6 * GB, 1.5, ReceivedLaw { median: 12.0, ln_sigma: 1.4 }),
            law(Cohort::Room, 0.05, 10.0 * MB, 1.5, ReceivedLaw { median: 0.2, ln_sigma: 0.0 }),
        ],
        // One organisation; an estate of several such businesses has one for each. The spread between them is assumed.
        organisations: OrganisationLaw {
            count: 1,
            large: 0,
            large_size: (60.0, 0.5),
            small_size: (50.0, 0.6),
            effect_ln_sigma: 0.35,
        },
        items: ItemLaw::PUBLISHED,
        // Largest message of Exchange Online (150 MB).
        largest_item: 150 * 1_048_576,
        archives: ArchiveLaw::with_share(0.05),
    }
}
