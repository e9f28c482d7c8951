//! Section by section from the tree to the plan. Each file reads one section, fills in what is absent, and checks what
//! contradicts itself.

pub(crate) mod background;
pub(crate) mod cost;
pub(crate) mod crash;
pub(crate) mod credential;
mod entries;
pub(crate) mod fault;
pub(crate) mod forecast;
pub(crate) mod goal;
pub(crate) mod health;
pub(crate) mod limit;
pub(crate) mod limit_change;
pub(crate) mod name;
pub(crate) mod network;
pub(crate) mod pipeline;
pub(crate) mod policy;
pub(crate) mod population;
pub(crate) mod side;
pub(crate) mod trick;
pub(crate) mod wave;
pub(crate) mod window;

use std::path::Path;

use super::file::Table;
use super::kind::{Count, Words};
use super::plan::{Origin, Plan};
use super::section::{Book, Otherwise, Section};

/// Reads the whole file. The plan is right only if the book has no problems; the hash and the assumptions are still to
/// be filled in.
pub(crate) fn plan(book: &Book, table: Table, file: &Path, seed: Option<u64>) -> Plan {
    let root = Section::root(book, table);
    let title =
        root.need("title", &Words, "say in a line what the scenario is about: title = \"...\"").unwrap_or_default();
    let seed = read_seed(&root, seed);
    let population = population::read(root.section("population"), file);
    let source = side::read_source(root.section("source"));
    let target = side::read_target(root.section("target"));
    let network = network::read(root.section("network"));
    let pipeline = pipeline::read(root.section("pipeline"), &source, &target);
    let crashes = crash::read(&root);
    let windows = window::read(&root);
    let wave = wave::read(root.section("wave"), &population, &windows);
    let forecast = forecast::read(root.section("forecast"), &windows);
    let credentials = credential::read(&root);
    let background = background::read(&root);
    let goals = goal::read(&root);
    root.finish();
    let mut plan = Plan {
        title,
        file: file.to_path_buf(),
        hash: String::new(),
        seed,
        population,
        source,
        target,
        network,
        pipeline,
        wave,
        crashes,
        windows: windows.right,
        forecast,
        credentials,
        background,
        goals,
        assumptions: Vec::new(),
    };
    plan.source.server.seed = plan.seed;
    plan.target.server.seed = plan.seed;
    plan
}

/// The seed of the command line, or else of the file.
fn read_seed(root: &Section<'_>, given: Option<u64>) -> u64 {
    let kind = Count(0..=u64::MAX >> 1);
    let Some(seed) = given else {
        return root.or("seed", &kind, Otherwise::default(1, "assumed: any seed is as good"));
    };
    // Read all the same, so that a wrong one in the file is reported.
    let _ = root.read_quietly("seed", &kind);
    root.book.record("seed".to_owned(), seed.to_string(), Origin::Override, "--seed");
    seed
}
