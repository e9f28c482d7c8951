//! A business of 60 mailboxes.

use super::{
    ArchiveLaw, Cohort, CohortLaw, GB, ItemLaw, LARGEST_ONLINE, MB, OrganisationLaw, Preset, QUIET, QuotaLaw,
    ReceivedLaw,
};

/// The only check that there is.
const SIZES: &str = "assumed; the mean of all mailboxes, 5.4 GB, equals 5.42 GB in a real tenant of 146 mailboxes \
                     (documentation of pnp/cli-microsoft365, report rows of 2023-01-18)";

/// The parameters.
pub(super) fn preset() -> Preset {
    let law = |cohort, share, median_bytes, ln_sigma, received| CohortLaw {
        cohort,
        share,
        share_source: "assumed",
        median_bytes,
        ln_sigma,
        size_source: SIZES,
        quota: QuotaLaw::plain(50.0 * GB, "assumed"),
        received,
    };
    let received = |median, ln_sigma| ReceivedLaw { median, ln_sigma, source: "assumed" };
    Preset {
        name: "small_business".to_owned(),
        mailboxes: 60,
        cohorts: vec![
            law(Cohort::Active, 0.80, 3.2 * GB, 1.15, received(25.0, 1.0)),
            law(Cohort::Shared, 0.15, 1.6 * GB, 1.5, received(12.0, 1.4)),
            law(Cohort::Room, 0.05, 10.0 * MB, 1.5, QUIET),
        ],
        organisations: OrganisationLaw {
            count: 1,
            large: 0,
            large_size: (60.0, 0.5),
            small_size: (50.0, 0.6),
            effect_ln_sigma: 0.35,
            source: "one organisation; an estate of several such businesses has one for each, the spread between them is assumed",
        },
        items: ItemLaw::PUBLISHED,
        largest_item: 150 * 1_048_576,
        largest_item_source: LARGEST_ONLINE,
        archives: ArchiveLaw::with_share(0.05),
    }
}
