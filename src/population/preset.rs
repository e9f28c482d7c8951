//! Parameters of a population, and the presets that fill them in.
//!
//! Each preset has a file of its own in which every number carries its source or the word "assumed".

use strum::{EnumCount, IntoStaticStr, VariantArray};

mod enterprise;
mod nhs;
mod small_business;
mod university;

/// Bytes in a decimal megabyte.
pub(crate) const MB: f64 = 1e6;
/// Bytes in a decimal gigabyte.
pub(crate) const GB: f64 = 1e9;
/// Bytes in a binary gigabyte.
pub(crate) const GIB: f64 = 1_073_741_824.0;

/// Where the largest item of presets comes from that describe Exchange Online.
const LARGEST_ONLINE: &str = "largest message of Exchange Online: 150 MB";

/// What is received where hardly anybody writes.
const QUIET: ReceivedLaw = ReceivedLaw { median: 0.2, ln_sigma: 0.0, source: "assumed" };

/// Names of all presets.
pub const NAMES: [&str; 4] = ["nhs", "enterprise", "university", "small_business"];

/// Parameters from which a population of any size can be drawn.
#[derive(Clone, PartialEq, Debug)]
pub struct Preset {
    /// Its name.
    pub name: String,
    /// How many mailboxes the estate has that it describes.
    pub mailboxes: u32,
    /// The kinds of mailbox.
    pub cohorts: Vec<CohortLaw>,
    /// How mailboxes are grouped.
    pub organisations: OrganisationLaw,
    /// How large the items of a mailbox are on average.
    pub items: ItemLaw,
    /// Largest ordinary item in bytes.
    pub largest_item: u32,
    /// Where that comes from.
    pub largest_item_source: &'static str,
    /// Online archives.
    pub archives: ArchiveLaw,
}

/// What kind of mailbox it is.
#[derive(Copy, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, EnumCount, VariantArray, IntoStaticStr)]
#[repr(u8)]
#[strum(serialize_all = "snake_case")]
pub enum Cohort {
    /// A person who uses it.
    Active,
    /// A member of a university's staff.
    Staff,
    /// A student.
    Student,
    /// Nobody uses it: left, on leave, or new.
    Dormant,
    /// Several people use it.
    Shared,
    /// A room, a device or an application.
    Room,
}

impl Cohort {
    /// All kinds, in the order of their numbers.
    pub const ALL: [Self; Self::COUNT] = *Self::VARIANTS.first_chunk().unwrap();

    /// The name used in reports.
    #[must_use]
    pub fn name(self) -> &'static str {
        self.into()
    }

    /// Whether a person works with it every day.
    #[must_use]
    pub const fn is_in_use(self) -> bool {
        matches!(self, Self::Active | Self::Staff | Self::Student)
    }
}

/// One kind of mailbox.
#[derive(Clone, PartialEq, Debug)]
pub struct CohortLaw {
    /// The kind.
    pub cohort: Cohort,
    /// Its share of all mailboxes.
    pub share: f64,
    /// Where the share comes from.
    pub share_source: &'static str,
    /// Median size in bytes.
    pub median_bytes: f64,
    /// Standard deviation of the natural logarithm of the size, organisations and mailboxes together.
    pub ln_sigma: f64,
    /// Where median and standard deviation come from.
    pub size_source: &'static str,
    /// What limits the size.
    pub quota: QuotaLaw,
    /// Messages received per calendar day.
    pub received: ReceivedLaw,
}

/// What limits the size of a mailbox. Users prune against the quota, so sizes pile up just below it.
#[derive(Clone, PartialEq, Debug)]
pub struct QuotaLaw {
    /// The ordinary quota in bytes.
    pub bytes: f64,
    /// Share of mailboxes that have a larger one.
    pub larger_share: f64,
    /// Factor on the size of those.
    pub larger_factor: f64,
    /// The larger quotas: share among them, and bytes.
    pub larger: Vec<(f64, f64)>,
    /// Where they come from.
    pub source: &'static str,
}

impl QuotaLaw {
    /// One quota for everybody, and where it comes from.
    #[must_use]
    pub fn plain(bytes: f64, source: &'static str) -> Self {
        Self { bytes, larger_share: 0.0, larger_factor: 1.0, larger: Vec::new(), source }
    }
}

/// Messages received per calendar day: log-normal.
#[derive(Copy, Clone, PartialEq, Debug)]
pub struct ReceivedLaw {
    /// Median.
    pub median: f64,
    /// Standard deviation of the natural logarithm.
    pub ln_sigma: f64,
    /// Where they come from.
    pub source: &'static str,
}

/// How mailboxes are grouped into organisations: a few large ones, many small ones.
#[derive(Copy, Clone, PartialEq, Debug)]
pub struct OrganisationLaw {
    /// Organisations in an estate of the preset's own size; scaled in proportion.
    pub count: u32,
    /// How many of them are large.
    pub large: u32,
    /// Median size of a large one, in mailboxes, and standard deviation of its natural logarithm.
    pub large_size: (f64, f64),
    /// Median size of a small one, in mailboxes, and standard deviation of its natural logarithm.
    pub small_size: (f64, f64),
    /// Standard deviation, between organisations, of the natural logarithm of mailbox sizes.
    pub effect_ln_sigma: f64,
    /// Where it all comes from.
    pub source: &'static str,
}

/// Mean item size of a mailbox: `median_bytes * (size / reference_bytes)^exponent * exp(N(0, ln_sigma))`.
#[derive(Copy, Clone, PartialEq, Debug)]
pub struct ItemLaw {
    /// Median, in bytes, for a mailbox of the reference size.
    pub median_bytes: f64,
    /// The reference size in bytes.
    pub reference_bytes: f64,
    /// How the mean item grows with the mailbox.
    pub exponent: f64,
    /// Standard deviation of the natural logarithm between mailboxes of one size.
    pub ln_sigma: f64,
    /// Where it all comes from.
    pub source: &'static str,
}

impl ItemLaw {
    /// What was published of mean item sizes.
    pub const PUBLISHED: Self = Self {
        median_bytes: 75_600.0,
        reference_bytes: 688.0 * MB,
        exponent: 0.12,
        ln_sigma: 0.55,
        source: "level: Exchange planning default of 75 KB, and 68 KiB weighted over eight published pairs of size and \
                 items; growth: 0.20 over those pairs (r = 0.38), damped to 0.12; spread assumed",
    };
}

/// Online archives beside the primary mailbox.
#[derive(Copy, Clone, PartialEq, Debug)]
pub struct ArchiveLaw {
    /// Share of mailboxes, rooms excepted, that have one.
    pub share: f64,
    /// Median size in bytes.
    pub median_bytes: f64,
    /// Standard deviation of the natural logarithm.
    pub ln_sigma: f64,
    /// Largest size in bytes.
    pub largest_bytes: f64,
    /// Where it all comes from.
    pub source: &'static str,
}

impl ArchiveLaw {
    /// A share of mailboxes with archives of a common size law.
    #[must_use]
    pub const fn with_share(share: f64) -> Self {
        Self {
            share,
            median_bytes: 5.0 * GB,
            ln_sigma: 1.5,
            largest_bytes: 200.0 * GB,
            source: "share, median and sigma assumed; the largest: a published client had archives of 100 to 200 GB on \
                     4% of mailboxes (newsignature.com)",
        }
    }
}

impl Preset {
    /// The preset of a name, as in [`NAMES`]; `-` may stand for `_`.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        match name.replace('-', "_").as_str() {
            "nhs" => Some(nhs::preset()),
            "enterprise" => Some(enterprise::preset()),
            "university" => Some(university::preset()),
            "small_business" => Some(small_business::preset()),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_named_preset_exists_and_its_shares_sum_to_one() {
        for name in NAMES {
            let preset = Preset::named(name).expect(name);
            assert_eq!(preset.name, name);
            let sum: f64 = preset.cohorts.iter().map(|law| law.share).sum();
            assert!((sum - 1.0).abs() < 1e-12, "{name}: {sum}");
        }
        assert!(Preset::named("small-business").is_some());
        assert!(Preset::named("nobody").is_none());
    }
}
