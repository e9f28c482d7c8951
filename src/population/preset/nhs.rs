//! NHSmail in 2020: 2.1 million mailboxes in more than 22,000 organisations, about 2.3 PB.

use super::{ArchiveLaw, Cohort, CohortLaw, GIB, ItemLaw, MB, OrganisationLaw, Preset, QUIET, QuotaLaw, ReceivedLaw};

/// Everybody's quota.
const STANDARD: f64 = 4.0 * GIB;
/// Where it comes from.
const STANDARD_SOURCE: &str = "support.nhs.net, \"Managing mailbox quota\"";

/// Where medians and sigmas come from.
const SIZES: &str = "assumed such that the mean of all mailboxes is the published 2.3 PB over 2.1 million (NHS Digital to \
                     TechRepublic) and fewer than 10% lie above 4 GB; the sigma of 1.25 combines the 1.1 to 1.16 measured \
                     on Enron items with the spread of item sizes";

/// Users above 4 GB moved to a larger mailbox.
fn topped_up() -> QuotaLaw {
    QuotaLaw {
        bytes: STANDARD,
        larger_share: 0.10,
        larger_factor: 3.0,
        larger: vec![(0.60, 10.0 * GIB), (0.25, 25.0 * GIB), (0.15, 50.0 * GIB)],
        source: "support.nhs.net, \"Managing mailbox quota\": an organisation may put at most 10% of its users on 50 GB; \
                 sizes times 3 and the split over 10, 25 and 50 GiB are assumed",
    }
}

/// The parameters.
pub(super) fn preset() -> Preset {
    Preset {
        name: "nhs".to_owned(),
        // healthbusinessuk.net 2021-02-03, ukstories.microsoft.com
        mailboxes: 2_100_000,
        cohorts: vec![
            CohortLaw {
                cohort: Cohort::Active,
                share: 0.71,
                share_source: "what the other kinds leave",
                median_bytes: 688.0 * MB,
                ln_sigma: 1.25,
                size_source: SIZES,
                quota: topped_up(),
                received: ReceivedLaw {
                    median: 9.0,
                    ln_sigma: 1.1,
                    source: "assumed, between 3.8 sent or received per user in 2007 (Hansard) and 59.9 received in 2021 \
                             (EmailAnalytics, 569 professionals)",
                },
            },
            CohortLaw {
                cohort: Cohort::Dormant,
                share: 0.19,
                share_source: "1.7 million of 2.1 million accounts were active (computerweekly.com): 19% are not",
                median_bytes: 12.0 * MB,
                ln_sigma: 2.0,
                size_source: SIZES,
                quota: QuotaLaw::plain(STANDARD, STANDARD_SOURCE),
                received: QUIET,
            },
            CohortLaw {
                cohort: Cohort::Shared,
                share: 0.08,
                share_source: "2.5 to 4% in 2008 (docest.com, NHSmail forum paper); 8% in 2020 assumed",
                median_bytes: 300.0 * MB,
                ln_sigma: 1.8,
                size_source: SIZES,
                quota: QuotaLaw {
                    bytes: STANDARD,
                    larger_share: 0.06,
                    larger_factor: 1.0,
                    larger: vec![(1.0, 50.0 * GIB)],
                    source: "support.nhs.net, \"Managing mailbox quota\"; the share of the larger one is assumed",
                },
                received: ReceivedLaw { median: 6.0, ln_sigma: 1.4, source: "assumed" },
            },
            CohortLaw {
                cohort: Cohort::Room,
                share: 0.02,
                share_source: "assumed",
                median_bytes: 6.0 * MB,
                ln_sigma: 1.5,
                size_source: SIZES,
                quota: QuotaLaw::plain(STANDARD, STANDARD_SOURCE),
                received: QUIET,
            },
        ],
        organisations: OrganisationLaw {
            count: 22_000,
            large: 220,
            large_size: (5_500.0, 0.55),
            small_size: (21.0, 0.9),
            effect_ln_sigma: 0.35,
            source: "\"over 22,000 separate organisations\" (computerworld.com, article 3607373); assumed: about as many \
                     large ones as there are trusts and commissioning bodies, which hold two thirds of all mailboxes, and \
                     the spread of sizes between organisations",
        },
        items: ItemLaw::PUBLISHED,
        largest_item: 48 * 1_048_576,
        largest_item_source: "35 MB attachment limit (england.nhs.uk, \"NHS mail\", 2022) in base64",
        archives: ArchiveLaw { source: "assumed: none before the move", ..ArchiveLaw::with_share(0.0) },
    }
}
