//! Lists whose entries are names of presets or tables.

use mock_server::wire::call::Protocol;
use mock_server::wire::operation::Operation;

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

impl Entries<'_> {
    /// Reports a list of which nothing counts calls of the protocol that its server speaks, unless the list itself says
    /// which protocols it is about: presets of another protocol would be without effect. `lists` are the protocols of
    /// its entries.
    pub(super) fn report_unheard<'l>(
        &self,
        side: &Section<'_>,
        protocol: Protocol,
        mut lists: impl Iterator<Item = &'l [Protocol]>,
    ) {
        let Self { key, noun, .. } = self;
        let says = |node: &Node| matches!(&node.value, Value::Table(table) if table.iter().any(|entry| entry.key == "protocols"));
        let nodes = side.list(key, "");
        if nodes.is_empty() || nodes.iter().any(says) || lists.any(|list| list.is_empty() || list.contains(&protocol)) {
            return;
        }
        let message = format!("none of these {key} counts calls of {}, which this server speaks", protocol.name());
        let help =
            format!("a {noun} counts calls of the protocols that it says: {{ preset = \"...\", protocols = [...] }}");
        side.report(key, "of another protocol", message, help);
    }
}

/// The protocol of a list that names a single one.
pub(super) fn only(protocols: &[Protocol]) -> Option<Protocol> {
    if let [one] = protocols { Some(*one) } else { None }
}

/// Reports conditions that nothing can meet: administration comes in no protocol.
pub(super) fn report_impossible(section: &Section<'_>, operations: &[Operation], protocols: &[Protocol]) {
    if !operations.is_empty() && !protocols.is_empty() && operations.iter().all(|operation| operation.is_admin()) {
        let message = "these operations come in no protocol";
        section.report("operations", "administration", message, "leave `protocols` out");
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
