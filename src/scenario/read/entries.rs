//! Lists whose entries are names of presets or tables.

use mock_server::wire::call::Protocol;
use mock_server::wire::codec;
use mock_server::wire::operation::Operation;

use crate::scenario::file::{Node, Value};
use crate::scenario::kind::{Wrong, suggestion};
use crate::scenario::section::Section;

/// What such a list is about.
pub(super) struct Entries<'e> {
    /// What its server speaks.
    pub(super) protocol: Protocol,
    /// Its key, which is what many of them are called.
    pub(super) key: &'e str,
    /// What one of them is called.
    pub(super) noun: &'e str,
    /// The name of a preset, for example.
    pub(super) example: &'e str,
}

impl Entries<'_> {
    /// Reads the list: `named` reads the name of a preset and `table` a table, either of which may stand for several.
    /// None may have the `name` of another. Where the list does not say which protocols it is about, one entry at least must
    /// count calls that the pipeline makes to the server, by its operations and protocols (`calls`): presets of another
    /// protocol would be without effect.
    pub(super) fn read<T>(
        &self,
        side: &Section<'_>,
        named: impl Fn(&str, &Node) -> Vec<T>,
        table: impl Fn(Section<'_>) -> Vec<T>,
        name: impl Fn(&T) -> &str,
        calls: impl Fn(&T) -> (&[Operation], &[Protocol]),
    ) -> Vec<T> {
        let Self { protocol, key, noun, example } = self;
        let mut entries: Vec<T> = Vec::new();
        let nodes = side.list(key, &format!("a list of {key}"));
        // What cannot be read might be heard.
        let mut is_heard = nodes.is_empty() || nodes.iter().any(says_protocols);
        for (position, node) in nodes.iter().enumerate() {
            let added = match &node.value {
                Value::Text(name) => named(name, node),
                Value::Table(_) => side.entry(key, position, node).map(&table).unwrap_or_default(),
                _ => {
                    let help = format!("write \"{example}\", or a table with a name and a rule");
                    side.book.report(&node.place, "here", Wrong::expected(&format!("a {noun}"), node, help));
                    Vec::new()
                }
            };
            is_heard |= added.is_empty();
            for entry in added {
                is_heard |= counts(*protocol, calls(&entry));
                if entries.iter().any(|other| name(other) == name(&entry)) {
                    let message = format!("the {noun} `{}` is given twice", name(&entry));
                    side.book.report(&node.place, "again", Wrong::new(message, "leave one of them out, or rename it"));
                }
                entries.push(entry);
            }
        }
        if !is_heard {
            let message = format!("none of these {key} counts calls of {}, which this server speaks", protocol.name());
            let help = format!(
                "a {noun} counts calls of the protocols that it says: {{ preset = \"...\", protocols = [...] }}"
            );
            side.report(key, "of another protocol", message, help);
        }
        entries
    }
}

/// Whether any call to a server that speaks a protocol is of these operations and protocols, all if empty. The directory is
/// asked in Graph whatever the server speaks, which matters only where somebody names what is asked.
fn counts(protocol: Protocol, (operations, protocols): (&[Operation], &[Protocol])) -> bool {
    match operations {
        [] => protocols.is_empty() || protocols.contains(&protocol),
        named => named.iter().any(|operation| operation.is_in(protocols, codec::spoken(protocol, *operation))),
    }
}

/// Whether an entry says which protocols it is about.
fn says_protocols(node: &Node) -> bool {
    matches!(&node.value, Value::Table(table) if table.iter().any(|entry| entry.key == "protocols"))
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
