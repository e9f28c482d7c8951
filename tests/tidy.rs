//! Rules of the source tree that no compiler checks: layers point one way, files stay small, every folder says what it
//! is for, and the map names every folder.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

/// Most lines of one source file, tests included.
const LINES_MAX: usize = 500;

/// Which module may name which others: those of this crate, and those of the mock server's, whose own modules are written
/// `mock::`. A module may always name itself. A new edge is a decision: it belongs into this table and into ARCHITECTURE.md;
/// one that no code has any more belongs in neither.
const LAYERS: &[(&str, &str, &str)] = &[
    ("mock::time", "", ""),
    ("mock::draw", "", "time"),
    ("mock::wire", "", "time draw"),
    ("mock::mailbox", "", "time draw wire"),
    ("mock::throttle", "", "time draw wire"),
    ("mock::fault", "", "time draw wire"),
    ("mock::service", "", "time draw wire mailbox throttle fault"),
    ("mock::protocol", "", "time wire mailbox service"),
    ("mock::front", "", "time draw wire mailbox throttle fault service protocol"),
    ("mock::journal", "", "time wire mailbox throttle fault service protocol front"),
    ("mock::control", "", "time draw wire mailbox throttle fault service protocol front journal"),
    ("mock::state", "", "time wire mailbox service front"),
    ("mock::serve", "", "mailbox service front journal control state"),
    ("mock::program", "", "wire mailbox throttle service front serve"),
    ("sample", "", "draw"),
    ("calendar", "", "time"),
    ("scenario", "calendar", "time draw wire throttle fault service journal"),
    ("population", "sample calendar scenario", "time draw wire mailbox"),
    ("load", "sample scenario population", "time draw wire"),
    ("world", "", "time wire"),
    ("event", "world", "time wire"),
    ("metrics", "load event world", "time wire throttle"),
    ("checkpoint", "event", "time wire mailbox"),
    ("pipeline", "checkpoint event world scenario", "time draw wire"),
    (
        "engine",
        "pipeline checkpoint event world scenario population load metrics",
        "time draw wire mailbox throttle service front journal state",
    ),
    // The fluid model shares limits among mailboxes as flows, so it reads what a limit is (but runs none), and asks for
    // the limits of one side.
    ("forecast", "calendar scenario population event metrics world engine", "time draw wire throttle service"),
    ("swarm", "scenario population event metrics world pipeline engine", "time draw wire throttle fault service"),
    ("report", "scenario population load event metrics forecast world", "time wire throttle journal"),
];

/// The modules that a row of the table allows.
fn allowed(own: &'static str, mock: &'static str) -> impl Iterator<Item = String> {
    let mock = mock.split_whitespace().map(|name| format!("mock::{name}"));
    own.split_whitespace().map(str::to_owned).chain(mock)
}

/// Modules that may name everything: the rim.
const RIM: &[&str] = &["cli", "main", "lib", "mock::main", "mock::lib"];

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// All Rust files below a folder, in order.
fn sources(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut open = vec![folder.to_path_buf()];
    while let Some(folder) = open.pop() {
        for entry in fs::read_dir(&folder).expect("the folder can be read") {
            let path = entry.expect("the entry can be read").path();
            if path.is_dir() {
                open.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                found.push(path);
            }
        }
    }
    found.sort();
    found
}

/// Every source file of both crates, with the name of its layer.
fn layered() -> Vec<(String, PathBuf)> {
    let mut files = Vec::new();
    for (folder, prefix) in [("src", ""), ("mock-server/src", "mock::")] {
        let folder = root().join(folder);
        for path in sources(&folder) {
            let inner = path.strip_prefix(&folder).expect("the file lies below its folder");
            let first = inner.components().next().expect("a file has a name").as_os_str().to_string_lossy();
            let layer = first.strip_suffix(".rs").unwrap_or(&first);
            files.push((format!("{prefix}{layer}"), path));
        }
    }
    files
}

/// The layers that a line of code names.
fn named<'a>(line: &'a str, own: &str) -> impl Iterator<Item = String> + use<'a> {
    let inside = if own.starts_with("mock::") { "mock::" } else { "" };
    [("crate::", inside), ("mock_server::", "mock::")].into_iter().flat_map(move |(marker, prefix)| {
        line.match_indices(marker).filter_map(move |(at, _)| {
            let before = line[..at].chars().next_back();
            let rest = &line[at + marker.len()..];
            let name: String = rest.chars().take_while(|c| c.is_ascii_lowercase() || *c == '_').collect();
            let free = !before.is_some_and(|c| c.is_alphanumeric() || c == '_' || c == ':');
            (free && !name.is_empty()).then(|| format!("{prefix}{name}"))
        })
    })
}

#[test]
fn layers_point_one_way() {
    let allowed: BTreeMap<&str, BTreeSet<String>> =
        LAYERS.iter().map(|(layer, own, mock)| (*layer, allowed(own, mock).collect())).collect();
    let mut wrong = Vec::new();
    let mut used: BTreeSet<(String, String)> = BTreeSet::new();
    for (layer, path) in layered() {
        if RIM.contains(&layer.as_str()) {
            continue;
        }
        let Some(allowed) = allowed.get(layer.as_str()) else {
            wrong.push(format!("{}: `{layer}` is not in the layer table", path.display()));
            continue;
        };
        for (number, line) in fs::read_to_string(&path).expect("the file can be read").lines().enumerate() {
            if line.trim_start().starts_with("//") {
                continue;
            }
            for name in named(line, &layer) {
                if name != layer && !allowed.contains(&name) {
                    wrong.push(format!("{}:{}: `{layer}` may not name `{name}`", path.display(), number + 1));
                }
                used.insert((layer.clone(), name));
            }
        }
    }
    for (layer, names) in allowed {
        let idle = names.into_iter().filter(|name| !used.contains(&(layer.to_owned(), name.clone())));
        wrong.extend(idle.map(|name| format!("tests/tidy.rs: `{layer}` names `{name}` nowhere")));
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn the_layer_table_has_no_cycle() {
    let mut known = BTreeSet::new();
    for (layer, own, mock) in LAYERS {
        for name in allowed(own, mock) {
            assert!(known.contains(&name), "`{layer}` names `{name}`, which stands below it in the table");
        }
        known.insert((*layer).to_owned());
    }
}

#[test]
fn files_have_one_subject_and_stay_small() {
    let folders = ["src", "mock-server/src", "mock-server/tests", "tests", "benches"];
    let long: Vec<String> = folders
        .iter()
        .map(|folder| root().join(folder))
        .filter(|folder| folder.exists())
        .flat_map(|folder| sources(&folder))
        .filter_map(|path| {
            let lines = fs::read_to_string(&path).expect("the file can be read").lines().count();
            (lines > LINES_MAX).then(|| format!("{}: {lines} lines, at most {LINES_MAX}", path.display()))
        })
        .collect();
    assert!(long.is_empty(), "{}", long.join("\n"));
}

#[test]
fn every_file_says_what_it_is_for() {
    let silent: Vec<String> = layered()
        .into_iter()
        .map(|(_, path)| path)
        .filter(|path| !fs::read_to_string(path).expect("the file can be read").starts_with("//! "))
        .map(|path| path.display().to_string())
        .collect();
    assert!(silent.is_empty(), "without a first line of documentation: {}", silent.join(", "));
}

#[test]
fn the_map_names_every_layer() {
    let map = fs::read_to_string(root().join("ARCHITECTURE.md")).expect("the map can be read");
    let layers: BTreeSet<String> = layered().into_iter().map(|(layer, _)| layer).collect();
    for layer in layers.iter().filter(|layer| !matches!(layer.as_str(), "main" | "lib" | "mock::main" | "mock::lib")) {
        let name = layer.strip_prefix("mock::").unwrap_or(layer);
        assert!(map.contains(&format!("`{name}`")), "ARCHITECTURE.md does not name `{name}`");
    }
}

#[test]
fn the_top_level_holds_what_it_should_and_nothing_else() {
    let expected = [
        ".ci",
        ".git",
        ".gitignore",
        "ARCHITECTURE.md",
        "CHANGELOG.md",
        "Cargo.lock",
        "Cargo.toml",
        "LICENSE",
        "README.md",
        "benches",
        "clippy.toml",
        "mock-server",
        "rustfmt.toml",
        "scenarios",
        "src",
        "tests",
    ];
    let ignored = fs::read_to_string(root().join(".gitignore")).expect("the list of ignored files can be read");
    for entry in fs::read_dir(root()).expect("the root can be read") {
        let name = entry.expect("the entry can be read").file_name().to_string_lossy().into_owned();
        let made_by_a_run = ignored.lines().any(|line| line == format!("/{name}"))
            || Path::new(&name).extension().is_some_and(|ending| ending == "redb");
        if made_by_a_run {
            continue;
        }
        assert!(expected.contains(&name.as_str()), "`{name}` does not belong to the top level");
    }
}
