//! Parameters of a population that resembles an export.
//!
//! Sizes of people's mailboxes are a mixture of two log-normal laws, dormant and active, fitted by maximum likelihood
//! (expectation and maximization on the logarithms). What an export cannot tell, or tells too unsurely, stays as the
//! preset has it, and the fit says so.

mod line;
mod mixture;

use crate::population::preset::{Cohort, CohortLaw, Preset, QuotaLaw};

use self::line::Line;
use self::mixture::{Component, Mixture};
use super::Inventory;

/// How the fit is made, for reports.
pub const METHOD: &str = "maximum likelihood of two log-normal components (EM on ln size); standard errors treat the \
                          assignment to components as known, so they are lower bounds";

/// Mailboxes needed to tell dormant from active ones. Assumed.
const ENOUGH_FOR_TWO: usize = 200;
/// Mailboxes needed to estimate a spread. Assumed.
const ENOUGH_FOR_SPREAD: usize = 30;
/// Mailboxes of people needed to estimate their median size, the least that a fit is worth its name for. Assumed.
pub const ENOUGH_FOR_MEDIAN: usize = 8;

/// Greatest standard error with which the growth of items with their mailbox counts as known: the preset's is 0.12.
/// Assumed.
const SURE_OF_GROWTH: f64 = 0.1;

/// Where parameters come from that an export tells.
pub const FITTED: &str = "fitted to the inventory; `wavetank inventory` shows standard errors";
const FITTED_MEDIAN: &str = "the median is fitted to the inventory; there are too few mailboxes to fit the spread, which is \
                             assumed to be the preset's";
const FITTED_ARCHIVES: &str =
    "the share is that of the inventory; how large they are is assumed to be as in the preset";
const KEPT: &str = "assumed: of people's mailboxes as many are dormant as in the preset";

/// A fit of a preset to an export.
#[derive(Clone, PartialEq, Debug)]
pub struct Fit {
    /// The fitted parameters, complete.
    pub preset: Preset,
    /// The parameters one by one.
    pub parameters: Vec<Parameter>,
    /// What the export could not tell.
    pub warnings: Vec<String>,
}

/// One parameter.
#[derive(Clone, PartialEq, Debug)]
pub struct Parameter {
    /// Its name, for example `active.median_bytes`.
    pub name: &'static str,
    /// Its value.
    pub value: f64,
    /// Its standard error; absent if the value is the preset's.
    pub standard_error: Option<f64>,
}

impl Fit {
    /// Whether anything about the sizes of people's mailboxes is the export's.
    #[must_use]
    pub fn has_sizes(&self) -> bool {
        let mut parameters = self.parameters.iter();
        parameters.any(|parameter| parameter.name == "active.median_bytes" && parameter.standard_error.is_some())
    }
}

impl Inventory {
    /// How many mailboxes of people are not empty: those that a fit of sizes can use.
    #[must_use]
    pub fn people(&self) -> usize {
        let is_person = |kind: Cohort, bytes: u64| kind == Cohort::Active && bytes > 0;
        self.mailboxes.iter().filter(|mailbox| is_person(mailbox.kind, mailbox.bytes)).count()
    }

    /// Fits the parameters of a preset to the export.
    #[must_use]
    pub fn fit(&self, preset: &Preset) -> Fit {
        let mut fitter = Fitter {
            inventory: self,
            fit: Fit { preset: preset.clone(), parameters: Vec::new(), warnings: Vec::new() },
        };
        fitter.fit.preset.name = format!("{}, fitted", preset.name);
        fitter.cohorts(preset);
        fitter.items();
        fitter.archives();
        fitter.largest_item();
        fitter.fit
    }
}

struct Fitter<'i> {
    inventory: &'i Inventory,
    fit: Fit,
}

impl Fitter<'_> {
    fn found(&mut self, name: &'static str, value: f64, standard_error: f64) {
        self.fit.parameters.push(Parameter { name, value, standard_error: Some(standard_error) });
    }

    fn kept(&mut self, name: &'static str, value: f64) {
        self.fit.parameters.push(Parameter { name, value, standard_error: None });
    }

    fn warn(&mut self, warning: impl Into<String>) {
        self.fit.warnings.push(warning.into());
    }

    fn logs(&self, kind: Cohort) -> Vec<f64> {
        let of_kind = self.inventory.mailboxes.iter().filter(|mailbox| mailbox.kind == kind && mailbox.bytes > 0);
        of_kind.map(|mailbox| libm::log(mailbox.bytes as f64)).collect()
    }

    fn cohorts(&mut self, preset: &Preset) {
        let mailboxes = self.inventory.mailboxes.len();
        let largest = self.inventory.mailboxes.iter().map(|mailbox| mailbox.bytes).max().unwrap_or(0) as f64;
        let mut others = Vec::new();
        if mailboxes < ENOUGH_FOR_SPREAD {
            let kept = preset.cohorts.iter().filter(|law| matches!(law.cohort, Cohort::Shared | Cohort::Room));
            others.extend(kept.cloned());
            let few = plural(mailboxes, "mailbox is", "mailboxes are");
            self.warn(format!("{few} too few to fit the shares of shared mailboxes and rooms; the preset's are kept"));
        } else if self.inventory.knows_kinds {
            for (kind, names) in [(Cohort::Shared, SHARED), (Cohort::Room, ROOM)] {
                others.extend(self.kind(preset, kind, names, mailboxes, largest));
            }
        } else {
            self.warn("the export does not tell the kinds of mailboxes: shared mailboxes and rooms count as people's");
        }
        let empty = self.inventory.mailboxes.iter().filter(|mailbox| mailbox.bytes == 0).count();
        if empty > 0 {
            let empty = plural(empty, "empty mailbox has", "empty mailboxes have");
            self.warn(format!("{empty} no logarithm and no part in the fit"));
        }
        let left = 1.0 - others.iter().map(|law: &CohortLaw| law.share).sum::<f64>();
        let mut cohorts = self.people(preset, left, largest);
        cohorts.extend(others);
        self.fit.preset.cohorts = cohorts;
    }

    /// Shared mailboxes or rooms: their share as counted, their law by moments of the logarithms.
    fn kind(
        &mut self,
        preset: &Preset,
        kind: Cohort,
        [share_name, median_name, sigma_name]: [&'static str; 3],
        mailboxes: usize,
        largest: f64,
    ) -> Option<CohortLaw> {
        let logs = self.logs(kind);
        let count = self.inventory.mailboxes.iter().filter(|mailbox| mailbox.kind == kind).count();
        let share = count as f64 / mailboxes.max(1) as f64;
        self.found(share_name, share, share_error(share, mailboxes));
        if count == 0 {
            return None;
        }
        let mut law = law_of(preset, kind);
        (law.share, law.share_source) = (share, FITTED);
        if logs.len() >= ENOUGH_FOR_SPREAD {
            let component = Component::of(&logs);
            self.found(median_name, libm::exp(component.mean), component.median_error());
            self.found(sigma_name, component.sigma, component.sigma_error());
            law.median_bytes = libm::exp(component.mean);
            law.ln_sigma = component.sigma;
            law.size_source = FITTED;
            law.quota = quota_above(&law.quota, largest);
        } else {
            self.warn(format!("{count} of kind {} are too few to fit; the preset's law is kept", kind.name()));
            self.kept(median_name, law.median_bytes);
            self.kept(sigma_name, law.ln_sigma);
        }
        Some(law)
    }

    /// People's mailboxes, which take what share the others leave.
    fn people(&mut self, preset: &Preset, share: f64, largest: f64) -> Vec<CohortLaw> {
        let logs = self.logs(Cohort::Active);
        let mut active = main_law(preset);
        let mut dormant = law_of(preset, Cohort::Dormant);
        dormant.cohort = Cohort::Dormant;
        let known = preset.cohorts.iter().find(|law| law.cohort == Cohort::Dormant).map_or(0.0, |law| law.share);
        let people: f64 = preset.cohorts.iter().filter(|law| law.cohort.is_in_use()).map(|law| law.share).sum();
        let prior = if known > 0.0 { known / (known + people) } else { 0.0 };
        if logs.len() < ENOUGH_FOR_MEDIAN {
            let few = plural(logs.len(), "mailbox of a person is", "mailboxes of people are");
            self.warn(format!("{few} too few to fit; the preset is kept"));
            self.keep(&active, &dormant, prior);
            return split(active, dormant, share, (prior, KEPT));
        }
        active.quota = quota_above(&active.quota, largest);
        if logs.len() >= ENOUGH_FOR_TWO {
            if let Some(mixture) = Mixture::fit(&logs) {
                let dormant_share = mixture.low_share;
                self.found("dormant.share", dormant_share, share_error(dormant_share, logs.len()));
                self.component(["dormant.median_bytes", "dormant.ln_sigma"], mixture.low, &mut dormant);
                self.component(["active.median_bytes", "active.ln_sigma"], mixture.high, &mut active);
                dormant.quota = quota_above(&dormant.quota, largest);
                return split(active, dormant, share, (dormant_share, FITTED));
            }
            self.warn("sizes show no second, dormant group: all people's mailboxes are one law");
            self.found("dormant.share", 0.0, share_error(0.0, logs.len()));
            self.component(["active.median_bytes", "active.ln_sigma"], Component::of(&logs), &mut active);
            return split(active, dormant, share, (0.0, FITTED));
        }
        self.warn(format!(
            "{} mailboxes of people are too few to tell dormant from active ones (200 are needed); the share and the law \
             of dormant ones are the preset's",
            logs.len()
        ));
        self.few(&logs, prior, &dormant, &mut active);
        split(active, dormant, share, (prior, KEPT))
    }

    /// Few mailboxes: the dormant law is the preset's, and only the active one is estimated.
    fn few(&mut self, logs: &[f64], prior: f64, dormant: &CohortLaw, active: &mut CohortLaw) {
        let low = Component { mean: libm::log(dormant.median_bytes), sigma: dormant.ln_sigma, weight: 0.0 };
        let high = Mixture::fit_high(logs, prior, low);
        self.kept("dormant.share", prior);
        self.kept("dormant.median_bytes", dormant.median_bytes);
        self.kept("dormant.ln_sigma", dormant.ln_sigma);
        if logs.len() >= ENOUGH_FOR_SPREAD {
            self.component(["active.median_bytes", "active.ln_sigma"], high, active);
        } else {
            self.warn(format!("{} mailboxes are too few to fit a spread; it is the preset's", logs.len()));
            active.median_bytes = libm::exp(high.mean);
            active.size_source = FITTED_MEDIAN;
            let error = active.median_bytes * active.ln_sigma / libm::sqrt(logs.len() as f64);
            self.found("active.median_bytes", active.median_bytes, error);
            self.kept("active.ln_sigma", active.ln_sigma);
        }
    }

    fn component(&mut self, [median, sigma]: [&'static str; 2], component: Component, law: &mut CohortLaw) {
        self.found(median, libm::exp(component.mean), component.median_error());
        self.found(sigma, component.sigma, component.sigma_error());
        (law.median_bytes, law.ln_sigma, law.size_source) = (libm::exp(component.mean), component.sigma, FITTED);
    }

    fn keep(&mut self, active: &CohortLaw, dormant: &CohortLaw, prior: f64) {
        self.kept("dormant.share", prior);
        self.kept("dormant.median_bytes", dormant.median_bytes);
        self.kept("dormant.ln_sigma", dormant.ln_sigma);
        self.kept("active.median_bytes", active.median_bytes);
        self.kept("active.ln_sigma", active.ln_sigma);
    }

    /// Mean item size: its median at the preset's reference size, how it grows with the mailbox, and its spread.
    fn items(&mut self) {
        let law = self.fit.preset.items;
        let counted = self.inventory.mailboxes.iter().filter_map(|mailbox| Some((mailbox.bytes, mailbox.items?)));
        let points: Vec<(f64, f64)> = counted
            .filter(|&(bytes, items)| bytes > 0 && items > 0)
            .map(|(bytes, items)| {
                let bytes = bytes as f64;
                (libm::log(bytes / law.reference_bytes), libm::log(bytes / items as f64))
            })
            .collect();
        if points.len() < ENOUGH_FOR_SPREAD {
            let few = plural(points.len(), "mailbox with an item count is", "mailboxes with item counts are");
            self.warn(format!("{few} too few to fit item sizes; the preset's are kept"));
            self.kept("items.median_bytes", law.median_bytes);
            self.kept("items.exponent", law.exponent);
            self.kept("items.ln_sigma", law.ln_sigma);
            return;
        }
        let mut line = Line::through(&points);
        // Items that grew as fast as mailboxes, or faster, would leave large mailboxes with fewer of them.
        let is_known = line.slope_error <= SURE_OF_GROWTH && line.slope < 1.0;
        if !is_known {
            self.warn("mailboxes with item counts do not tell how items grow with the mailbox; the preset's is kept");
            line = Line::with_slope(&points, law.exponent);
        }
        let median = libm::exp(line.at_zero);
        let items = &mut self.fit.preset.items;
        (items.median_bytes, items.exponent, items.ln_sigma) = (median, line.slope, line.sigma);
        items.source = FITTED;
        self.found("items.median_bytes", median, median * line.at_zero_error);
        if is_known {
            self.found("items.exponent", line.slope, line.slope_error);
        } else {
            self.kept("items.exponent", law.exponent);
        }
        self.found("items.ln_sigma", line.sigma, line.sigma_error(points.len()));
    }

    fn archives(&mut self) {
        let known: Vec<bool> = self.inventory.mailboxes.iter().filter_map(|mailbox| mailbox.has_archive).collect();
        if known.len() < ENOUGH_FOR_SPREAD {
            self.kept("archives.share", self.fit.preset.archives.share);
            return;
        }
        let share = known.iter().filter(|&&has| has).count() as f64 / known.len() as f64;
        self.fit.preset.archives.share = share;
        self.fit.preset.archives.source = FITTED_ARCHIVES;
        self.found("archives.share", share, share_error(share, known.len()));
        let sizes = self.inventory.mailboxes.iter().filter_map(|mailbox| mailbox.archive_bytes);
        let logs: Vec<f64> = sizes.filter(|&bytes| bytes > 0).map(|bytes| libm::log(bytes as f64)).collect();
        if logs.len() >= ENOUGH_FOR_SPREAD {
            let component = Component::of(&logs);
            self.fit.preset.archives.median_bytes = libm::exp(component.mean);
            self.fit.preset.archives.ln_sigma = component.sigma;
            self.fit.preset.archives.source = FITTED;
            self.found("archives.median_bytes", libm::exp(component.mean), component.median_error());
            self.found("archives.ln_sigma", component.sigma, component.sigma_error());
        }
    }

    /// An export does not tell the largest item.
    fn largest_item(&mut self) {
        self.kept("largest_item_bytes", f64::from(self.fit.preset.largest_item));
    }
}

const SHARED: [&str; 3] = ["shared.share", "shared.median_bytes", "shared.ln_sigma"];
const ROOM: [&str; 3] = ["room.share", "room.median_bytes", "room.ln_sigma"];

/// Both laws of people's mailboxes, a law without share left out.
fn split(
    mut active: CohortLaw,
    mut dormant: CohortLaw,
    share: f64,
    (dormant_share, source): (f64, &'static str),
) -> Vec<CohortLaw> {
    (active.share, active.share_source) = (share * (1.0 - dormant_share), source);
    (dormant.share, dormant.share_source) = (share * dormant_share, source);
    [active, dormant].into_iter().filter(|law| law.share > 0.0).collect()
}

/// The law of most mailboxes that are in use.
fn main_law(preset: &Preset) -> CohortLaw {
    let in_use = preset.cohorts.iter().filter(|law| law.cohort.is_in_use());
    let main = in_use.max_by(|one, two| one.share.total_cmp(&two.share)).unwrap_or(&preset.cohorts[0]);
    CohortLaw { cohort: Cohort::Active, ..main.clone() }
}

/// The law of a kind, or of the NHS where the preset has none.
fn law_of(preset: &Preset, kind: Cohort) -> CohortLaw {
    let find = |preset: &Preset| preset.cohorts.iter().find(|law| law.cohort == kind).cloned();
    let fallback = || Preset::named("nhs").and_then(|nhs| find(&nhs)).unwrap_or_else(|| preset.cohorts[0].clone());
    find(preset).unwrap_or_else(fallback)
}

/// Fitted laws describe sizes as they are, pruned ones included: the quota only has to stay above what was seen.
fn quota_above(quota: &QuotaLaw, largest: f64) -> QuotaLaw {
    let highest = quota.larger.iter().map(|&(_, bytes)| bytes).fold(quota.bytes, f64::max);
    QuotaLaw::plain(highest.max(1.1 * largest), "above all that the inventory holds")
}

fn plural(count: usize, one: &str, many: &str) -> String {
    format!("{count} {}", if count == 1 { one } else { many })
}

fn share_error(share: f64, count: usize) -> f64 {
    libm::sqrt(share * (1.0 - share) / count.max(1) as f64)
}
