//! NHSmail in 2020: 2.1 million mailboxes in more than 22,000 organisations, about 2.3 PB.

use super::{ArchiveLaw, Cohort, CohortLaw, GIB, ItemLaw, MB, OrganisationLaw, Preset, QuotaLaw, ReceivedLaw};

/// Everybody's quota (support.nhs.net, "Managing mailbox quota").
const STANDARD: f64 = 4.0 * GIB;

/// Users above 4 GB moved to a larger mailbox; an organisation may put at most 10% of its users on 50 GB
/// (support.nhs.net, "Managing mailbox quota"). Sizes times 3 and the split over 10, 25 and 50 GiB: assumed.
fn topped_up() -> QuotaLaw {
    QuotaLaw {
        bytes: STANDARD,
        larger_share: 0.10,
        larger_factor: 3.0,
        larger: vec![(0.60, 10.0 * GIB), (0.25, 25.0 * GIB), (0.15, 50.0 * GIB)],
    }
}

/// The parameters. The medians, sigmas and shares are assumed such that the mean is the published 2.3 PB over 2.1 million
/// mailboxes (NHS Digital to TechRepublic) and fewer than 10% lie above 4 GB; sigma 1.25 combines the 1.1 to 1.16
/// measured on Enron items with the spread of item sizes.
pub(super) fn preset() -> Preset {
    Preset {
        name: "nhs".to_owned(),
        // healthbusinessuk.net 2021-02-03, ukstories.microsoft.com
        mailboxes: 2_100_000,
        cohorts: vec![
            CohortLaw {
                cohort: Cohort::Active,
                share: 0.71,
                median_bytes: 688.0 * MB,
                ln_sigma: 1.25,
                quota: topped_up(),
                // Assumed, between 3.8 sent or received per user in 2007 (Hansard) and 59.9 received in 2021
                // (EmailAnalytics, 569 professionals).
                received: ReceivedLaw { median: 9.0, ln_sigma: 1.1 },
            },
            CohortLaw {
                cohort: Cohort::Dormant,
                // 1.7 million of 2.1 million accounts were active (computerweekly.com): 19% are not.
                share: 0.19,
                median_bytes: 12.0 * MB,
                ln_sigma: 2.0,
                quota: QuotaLaw::plain(STANDARD),
                // assumed
                received: ReceivedLaw { median: 0.2, ln_sigma: 0.0 },
            },
            CohortLaw {
                cohort: Cohort::Shared,
                // 2.5 to 4% in 2008 (docest.com, NHSmail forum paper); 8% in 2020 assumed.
                share: 0.08,
                median_bytes: 300.0 * MB,
                ln_sigma: 1.8,
                quota: QuotaLaw {
                    bytes: STANDARD,
                    larger_share: 0.06,
                    larger_factor: 1.0,
                    larger: vec![(1.0, 50.0 * GIB)],
                },
                // assumed
                received: ReceivedLaw { median: 6.0, ln_sigma: 1.4 },
            },
            CohortLaw {
                cohort: Cohort::Room,
                // assumed
                share: 0.02,
                median_bytes: 6.0 * MB,
                ln_sigma: 1.5,
                quota: QuotaLaw::plain(STANDARD),
                received: ReceivedLaw { median: 0.2, ln_sigma: 0.0 },
            },
        ],
        organisations: OrganisationLaw {
            // "over 22,000 separate organisations" (computerworld.com, article 3607373)
            count: 22_000,
            // assumed: about as many as there are trusts and commissioning bodies, holding two thirds of all mailboxes
            large: 220,
            large_size: (5_500.0, 0.55),
            small_size: (21.0, 0.9),
            // assumed
            effect_ln_sigma: 0.35,
        },
        items: ItemLaw::PUBLISHED,
        // 35 MB attachment limit (england.nhs.uk, "NHS mail", 2022) in base64
        largest_item: 48 * 1_048_576,
        // assumed: none before the move
        archives: ArchiveLaw::with_share(0.0),
    }
}
