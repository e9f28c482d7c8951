//! Lists whose entries are names of presets or tables.

use crate::scenario::file::{Node, Value};
use crate::scenario::kind::{Wrong, suggestion};
use crate::scenario::section::Section;

/// What such a list is about.
pub(super) struct Entries<'e> {
    /// Its key, which is what many of them are called.
    pub(super) key: &'e str,
    /// What one of them is called.
    pub(super) noun: &'e str,
    /// The name of a preset, for example.
    pub(super) example: &'e str,
}

impl Entries<'_> {
    /// Reads the list: `named` reads the name of a preset and `table` a table, either of which may stand for several.
    /// None may have the `name` of another.
    pub(super) fn read<T>(
        &self,
        side: &Section<'_>,
        named: impl Fn(&str, &Node) -> Vec<T>,
        table: impl Fn(Section<'_>) -> Vec<T>,
        name: impl Fn(&T) -> &str,
    ) -> Vec<T> {
        let Self { key, noun, example } = self;
        let mut entries: Vec<T> = Vec::new();
        for (position, node) in side.list(key, &format!("a list of {key}")).iter().enumerate() {
            let added = match &node.value {
                Value::Text(name) => named(name, node),
                Value::Table(_) => side.entry(key, position, node).map(&table).unwrap_or_default(),
                _ => {
                    let help = format!("write \"{example}\", or a table with a name and a rule");
                    side.book.report(&node.place, "here", Wrong::expected(&format!("a {noun}"), node, help));
                    Vec::new()
                }
            };
            for entry in added {
                if entries.iter().any(|other| name(other) == name(&entry)) {
                    let message = format!("the {noun} `{}` is given twice", name(&entry));
                    side.book.report(&node.place, "again", Wrong::new(message, "leave one of them out, or rename it"));
                }
                entries.push(entry);
            }
        }
        entries
    }
}

/// Reports the name of a preset that does not exist.
pub(super) fn no_such_preset<'k>(
    side: &Section<'_>,
    noun: &str,
    name: &str,
    node: &Node,
    known: impl Iterator<Item = &'k str>,
) {
    let wrong = Wrong::new(format!("there is no {noun} preset `{name}`"), suggestion(name, &known.collect::<Vec<_>>()));
    side.book.report(&node.place, "no such preset", wrong);
}
