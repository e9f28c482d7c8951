//! Holds the schema to the keys that reading asks for.

use std::collections::BTreeSet;
use std::path::Path;

use serde_json::Value;

use super::{resolve, schema};

/// Every table that may be absent, so that every key is asked for.
const EVERYTHING: &str = r#"
title = "Everything"
[population.uniform]
items = 1
item_size = "1 kB"
[source]
limit_changes = [{ at = "1 s", limit = "a", factor = 2 }]
limits = [{ name = "a", requests = "1/1 s" }, { name = "b", concurrency = 1 }, { preset = "outlook" }]
costs = { find_folders = { call = "1 ms" } }
faults = [
  { name = "a", act = "refuse" }, { name = "b", act = "delay", delay = "1 s" }, { name = "c", act = "say" },
  { name = "d", act = "fail-item", error = "busy" }, { name = "e", act = "unreachable" },
  { name = "f", act = "drip", over = "1 s" }, { name = "g", act = "skew", skew = "1 s" }, { name = "h", act = "short-token", life = "1 s" },
]
health = { episodes = [{ length = "1 s", every = "1 h", slow = 2.0 }] }
policies = [{ preset = "entra-large" }, { name = "a", requests = "1/1 s" }]
[target]
limit_changes = [{ at = "1 s", limit = "a", factor = 2 }]
limits = [{ name = "a", burst = "1 s", recharge_per_hour = "1 s", cutoff = "1 s" }]
policies = [{ preset = "entra-large" }, { name = "a", requests = "1/1 s" }]
costs = { find_folders = { call = "1 ms" } }
faults = [
  { name = "a", act = "refuse" }, { name = "b", act = "delay", delay = "1 s" }, { name = "c", act = "say" },
  { name = "d", act = "fail-item", error = "busy" }, { name = "e", act = "unreachable" },
  { name = "f", act = "drip", over = "1 s" }, { name = "g", act = "skew", skew = "1 s" }, { name = "h", act = "short-token", life = "1 s" },
]
health = { episodes = [{ length = "1 s", every = "1 h", slow = 2.0 }] }
[wave]
mailboxes = 1
[wave.prestage]
[background]
[[crashes]]
at = "1 s"
[[windows]]
freezes = [{ from = "2020-08-31", until = "2020-08-31" }]
[[goals]]
measure = "lost"
at_most = 0
[[credentials]]
user = "a@b.c"
[[credentials]]
client_id = "a"
[[forecast.published]]
window = "evening"
"#;

/// The paths of all keys below a schema.
fn keys(root: &Value, schema: &Value, path: &str, found: &mut BTreeSet<String>) {
    if let Some(reference) = schema["$ref"].as_str() {
        let definition = root.pointer(reference.trim_start_matches('#')).expect("references lead somewhere");
        keys(root, definition, path, found);
    }
    for choices in ["anyOf", "oneOf"] {
        for choice in schema[choices].as_array().into_iter().flatten() {
            keys(root, choice, path, found);
        }
    }
    if schema["items"].is_object() {
        keys(root, &schema["items"], &format!("{path}[]"), found);
    }
    let below = |key: &str| if path.is_empty() { key.to_owned() } else { format!("{path}.{key}") };
    for (key, inner) in schema["properties"].as_object().into_iter().flatten() {
        found.insert(below(key));
        keys(root, inner, &below(key), found);
    }
    if schema["additionalProperties"].is_object() {
        keys(root, &schema["additionalProperties"], &below("*"), found);
    }
}

#[test]
fn the_schema_has_the_keys_that_reading_asks_for() {
    let (book, _) = resolve(Path::new("everything.toml"), EVERYTHING, &[], None).expect("valid TOML");
    let mut asked = book.asked();
    // Asked for only to say where it belongs.
    asked.remove("source.switch");
    let schema: Value = serde_json::from_str(&schema::text()).expect("valid JSON");
    let mut described = BTreeSet::new();
    keys(&schema, &schema, "", &mut described);
    let difference: Vec<&String> = asked.symmetric_difference(&described).collect();
    assert!(difference.is_empty(), "{difference:?}");
}

#[test]
fn the_committed_schema_is_current() {
    let committed = include_str!("../../scenarios/schema.json");
    assert!(committed == schema::text(), "run `wavetank schema > scenarios/schema.json`");
}

#[test]
fn the_schema_names_every_measure_of_goals() {
    let described = schema::text();
    for measure in mock_server::journal::judge::measure::MEASURES {
        assert!(described.contains(&format!("`{}`", measure.name)), "{}", measure.name);
    }
}
