//! What a population is drawn by, as a scenario shows it: each parameter with its source.

use crate::scenario::plan::{Assumption, Origin, PopulationPlan};

use super::inventory::Inventory;
use super::inventory::fit::FITTED;
use super::preset::{ArchiveLaw, CohortLaw, ItemLaw, OrganisationLaw, Preset, QuotaLaw, ReceivedLaw};

/// The parameters that mailboxes of a plan are drawn by, in the order in which they are drawn. Of mailboxes that an
/// inventory lists they are only those that it does not tell; mailboxes that are all alike have none.
#[must_use]
pub fn parameters(plan: &PopulationPlan, inventory: Option<&Inventory>) -> Vec<Assumption> {
    let Some(preset) = Preset::named(&plan.preset).filter(|_| plan.uniform.is_none()) else { return Vec::new() };
    match inventory {
        None => all(&preset),
        Some(inventory) if plan.fit => all(&inventory.fit(&preset).preset),
        Some(inventory) => untold(&preset, inventory),
    }
}

fn row(key: impl AsRef<str>, value: impl Into<String>, source: &'static str) -> Assumption {
    let origin = if source == FITTED { Origin::Inventory } else { Origin::Preset };
    Assumption { key: format!("population.{}", key.as_ref()), value: value.into(), origin, note: source.to_owned() }
}

fn all(preset: &Preset) -> Vec<Assumption> {
    let mut rows = Vec::new();
    for law in &preset.cohorts {
        let name = law.cohort.name();
        rows.push(row(format!("{name}.share"), percent(law.share), law.share_source));
        rows.push(row(format!("{name}.size"), size(law), law.size_source));
        rows.push(row(format!("{name}.quota"), quota(&law.quota), law.quota.source));
        rows.push(row(format!("{name}.received"), received(law.received), law.received.source));
    }
    rows.push(row("organisations", organisations(preset), preset.organisations.source));
    rows.push(row("item_size", item_size(preset.items), preset.items.source));
    rows.push(row("largest_item", bytes(preset.largest_item.into()), preset.largest_item_source));
    rows.push(row("archives.share", percent(preset.archives.share), preset.archives.source));
    if preset.archives.share > 0.0 {
        rows.push(row("archives.size", archive_size(preset.archives), preset.archives.source));
    }
    rows
}

/// What the rows of an inventory leave to the preset.
fn untold(preset: &Preset, inventory: &Inventory) -> Vec<Assumption> {
    let mailboxes = &inventory.mailboxes;
    let laws = preset.cohorts.iter();
    let mut rows: Vec<_> = laws
        .map(|law| row(format!("{}.received", law.cohort.name()), received(law.received), law.received.source))
        .collect();
    if mailboxes.iter().any(|mailbox| mailbox.items.is_none()) {
        rows.push(row("item_size", item_size(preset.items), preset.items.source));
    }
    rows.push(row("largest_item", bytes(preset.largest_item.into()), preset.largest_item_source));
    if mailboxes.iter().any(|mailbox| mailbox.has_archive == Some(true) && mailbox.archive_bytes.is_none()) {
        rows.push(row("archives.size", archive_size(preset.archives), preset.archives.source));
    }
    rows
}

fn log_normal(median: &str, ln_sigma: f64) -> String {
    if ln_sigma == 0.0 {
        format!("constant {median}")
    } else {
        format!("log-normal median {median} sigma {}", short(ln_sigma))
    }
}

fn size(law: &CohortLaw) -> String {
    log_normal(&bytes(law.median_bytes), law.ln_sigma)
}

fn quota(law: &QuotaLaw) -> String {
    let ordinary = bytes(law.bytes);
    if law.larger_share == 0.0 {
        return ordinary;
    }
    let larger: Vec<_> =
        law.larger.iter().map(|(share, limit)| format!("{} ({})", bytes(*limit), percent(*share))).collect();
    let who = match law.larger_factor {
        1.0 => String::new(),
        factor => format!(", who hold {} times as much,", short(factor)),
    };
    format!("{ordinary}; for {} of them{who} {}", percent(law.larger_share), larger.join(", "))
}

fn received(law: ReceivedLaw) -> String {
    log_normal(&format!("{} messages a day", short(law.median)), law.ln_sigma)
}

fn organisations(preset: &Preset) -> String {
    let OrganisationLaw { count, large, large_size, small_size, effect_ln_sigma, .. } = preset.organisations;
    let sizes = |(median, ln_sigma): (f64, f64)| log_normal(&format!("{} mailboxes", short(median)), ln_sigma);
    let those = |count: u32, law| if count == 0 { None } else { Some(format!("{count} of {}", sizes(law))) };
    let groups: Vec<_> = [those(large, large_size), those(count - large, small_size)].into_iter().flatten().collect();
    format!(
        "in an estate of {} mailboxes {}; sizes of their mailboxes differ by sigma {}",
        preset.mailboxes,
        groups.join(" and "),
        short(effect_ln_sigma)
    )
}

fn item_size(law: ItemLaw) -> String {
    format!(
        "mean of a mailbox of {}: {}; grows with its size to the power of {}",
        bytes(law.reference_bytes),
        log_normal(&bytes(law.median_bytes), law.ln_sigma),
        short(law.exponent)
    )
}

fn archive_size(law: ArchiveLaw) -> String {
    format!("{}, at most {}", log_normal(&bytes(law.median_bytes), law.ln_sigma), bytes(law.largest_bytes))
}

/// At most three digits after the point, and none that say nothing.
fn short(value: f64) -> String {
    let text = format!("{value:.3}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

fn percent(share: f64) -> String {
    format!("{}%", short(100.0 * share))
}

fn bytes(value: f64) -> String {
    const UNITS: [(f64, &str); 3] = [(1e9, "GB"), (1e6, "MB"), (1e3, "kB")];

    let (size, name) = UNITS.into_iter().find(|(size, _)| value >= *size).unwrap_or((1.0, "B"));
    format!("{} {name}", short(value / size))
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    fn plan(preset: &str) -> PopulationPlan {
        PopulationPlan {
            preset: preset.to_owned(),
            mailboxes: None,
            inventory: None,
            fit: false,
            change_factor: 1.0,
            corrupt_factor: 1.0,
            uniform: None,
        }
    }

    fn values(rows: &[Assumption]) -> Vec<(&str, &str, &'static str)> {
        rows.iter().map(|row| (&*row.key, &*row.value, row.origin.name())).collect()
    }

    #[test]
    fn every_parameter_of_a_preset_has_a_source() {
        for name in super::super::preset::NAMES {
            let rows = parameters(&plan(name), None);
            assert!(rows.len() >= 16, "{name}: {}", rows.len());
            assert!(rows.iter().all(|row| row.note.len() > 6 && !row.value.is_empty()), "{name}: {rows:#?}");
        }
        let rows = parameters(&plan("nhs"), None);
        let shown = values(&rows);
        assert_eq!(shown[1], ("population.active.size", "log-normal median 688 MB sigma 1.25", "preset"));
        let larger =
            "4.295 GB; for 10% of them, who hold 3 times as much, 10.737 GB (60%), 26.844 GB (25%), 53.687 GB (15%)";
        assert_eq!(shown[2], ("population.active.quota", larger, "preset"));
        assert_eq!(shown[15], ("population.room.received", "constant 0.2 messages a day", "preset"));
        assert_eq!(shown.last(), Some(&("population.archives.share", "0%", "preset")));
    }

    #[test]
    fn an_inventory_leaves_to_the_preset_what_it_does_not_tell() {
        let export: String = (1_u64..=40)
            .map(|n| format!("user{n}@contoso.test,{},{}\n", n * 100_000_000, n * 1_000))
            .fold("UPN,Size (Byte),Items\n".to_owned(), |all, row| all + &row);
        let inventory = Inventory::read_stream(export.as_bytes(), Path::new("list.csv")).expect("a list");
        let as_it_is = parameters(&plan("enterprise"), Some(&inventory));
        assert!(as_it_is.iter().all(|row| row.key.ends_with(".received") || row.key == "population.largest_item"));
        let fitted = parameters(&PopulationPlan { fit: true, ..plan("enterprise") }, Some(&inventory));
        let origin = |key: &str| fitted.iter().find(|row| row.key == key).map(|row| row.origin);
        assert_eq!(origin("population.item_size"), Some(Origin::Inventory));
        assert_eq!(origin("population.active.size"), Some(Origin::Inventory));
        assert_eq!(origin("population.active.received"), Some(Origin::Preset));
        assert_eq!(origin("population.dormant.size"), Some(Origin::Preset));
    }
}
