//! `[population]`: who has mailboxes.

use std::fs::File;
use std::io::{self, BufReader, Read};
use std::path::{Path, PathBuf};

use xxhash_rust::xxh3::Xxh3;

use crate::scenario::kind::{Count, Data, Factor, Flag, Words, suggestion};
use crate::scenario::plan::{Origin, PopulationPlan, UniformMailbox};
use crate::scenario::preset::{ORDINARY_POPULATION, POPULATIONS};
use crate::scenario::section::{Otherwise, Section};

/// The key under which the content of an inventory enters the hash of a scenario.
pub(crate) const INVENTORY_CONTENT: &str = "population.inventory_content";

pub(crate) fn read(section: Section<'_>, file: &Path) -> PopulationPlan {
    let ordinary = Otherwise::default(ORDINARY_POPULATION.to_owned(), "assumed: an ordinary company");
    let preset = section.or("preset", &Words, ordinary);
    if !POPULATIONS.contains(&preset.as_str()) {
        let help = suggestion(&preset, &POPULATIONS);
        section.report("preset", "no such population", format!("there is no population preset `{preset}`"), help);
    }
    let mailboxes = section.maybe(
        "mailboxes",
        &Count(1..=20_000_000),
        "as many as the preset or the inventory has",
        "by definition",
    );
    let inventory = section.maybe("inventory", &Words, "none", "by definition").map(|name| beside(file, &name));
    if let Some(path) = &inventory {
        match content_hash(path) {
            Ok(hash) => {
                let note = "fingerprint of the file's content";
                section.book.record(INVENTORY_CONTENT.to_owned(), hash, Origin::File, note);
            }
            Err(error) => {
                let message = format!("cannot read the inventory {}: {error}", path.display());
                let help = "the path is taken relative to the scenario file; export the list again or correct the path";
                section.report("inventory", "this file", message, help);
            }
        }
    }
    let fit = section.or("fit", &Flag, Otherwise::default(false, "an inventory is used as it is"));
    if fit && inventory.is_none() {
        let help = "name an export with `inventory`, or leave `fit` out";
        section.report("fit", "needs an inventory", "there is no inventory to fit the preset to", help);
    }
    let factor = |key, note| section.or(key, &Factor, Otherwise::default(1.0, note));
    let change_factor = factor("change_factor", "the preset's own rate of changes");
    let corrupt_factor = factor("corrupt_factor", "the preset's own share of mailboxes with corrupt items");
    let uniform = section.has("uniform").then(|| uniform(section.section("uniform")));
    if uniform.is_none() {
        // Asked for all the same, so that a misspelled key can be told from it.
        let _ = section.node("uniform");
    }
    if uniform.is_some() && inventory.is_some() {
        let help = "keep either the inventory or [population.uniform]";
        section.report("inventory", "contradicts `uniform`", "mailboxes cannot be uniform and from an inventory", help);
    }
    section.finish();
    PopulationPlan { preset, mailboxes, inventory, fit, change_factor, corrupt_factor, uniform }
}

fn uniform(section: Section<'_>) -> UniformMailbox {
    let help = "say how much each mailbox holds";
    let items = section.need("items", &Count(0..=100_000_000), help).unwrap_or(0);
    let item_bytes = section.need("item_size", &Data(1..=u32::MAX), help).unwrap_or(1);
    let changes_per_day = section.or(
        "changes_per_day",
        &Factor,
        Otherwise::default(0.0, "by definition: nothing changes during the run"),
    );
    let folders = if section.has("folders") {
        section.or("folders", &Count(1..=1_000), Otherwise::default(1, "by definition: the inbox"))
    } else {
        // Asked for all the same, so that a misspelled key can be told from it.
        let _ = section.node("folders");
        1
    };
    section.finish();
    UniformMailbox { items, item_bytes, folders, changes_per_day }
}

/// A path that is named in a file, relative to the file.
fn beside(file: &Path, name: &str) -> PathBuf {
    file.parent().unwrap_or(Path::new("")).join(name)
}

fn content_hash(path: &Path) -> io::Result<String> {
    if !path.metadata()?.is_file() {
        // A pipe could not be read a second time, for its mailboxes.
        return Err(io::Error::other("it is not a file"));
    }
    let mut file = BufReader::with_capacity(1 << 16, File::open(path)?);
    let mut hash = Xxh3::new();
    let mut buffer = vec![0; 1 << 16];
    loop {
        let read = file.read(&mut buffer)?;
        if read == 0 {
            return Ok(format!("{:016x}", hash.digest()));
        }
        hash.update(&buffer[..read]);
    }
}
