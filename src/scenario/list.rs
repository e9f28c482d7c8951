//! Kinds that are lists: every entry is read for itself, so that all that is wrong in a list is told at once, each where
//! it is.

use super::file::{Node, Place, Value};
use super::kind::{Kind, Wrong};

/// A list, for a key whose value is made of entries.
pub(crate) trait List {
    /// The kind of the entries.
    type Entry: Kind;
    /// What each entry is.
    const ENTRY: Self::Entry;
    /// What it is a list of, for messages.
    const OF: &'static str;
    /// How one is written.
    const HELP: &'static str;
    /// Whether an entry may be there more than once.
    const REPEATS: bool = true;

    /// Puts the entries into their order, and says what is wrong with them together.
    fn settle(_: &mut Entries<Self>) -> Result<(), Wrong> {
        Ok(())
    }

    /// As [`Kind::print`].
    fn print(&self, entries: &Entries<Self>) -> String;
}

/// The entries of a list in the plan.
pub(crate) type Entries<L> = Vec<<<L as List>::Entry as Kind>::Value>;

impl<L: List> Kind for L {
    type Value = Entries<L>;

    fn read(&self, node: &Node) -> Result<Entries<L>, Wrong> {
        let mut wrongs = Vec::new();
        self.inspect(node, &mut wrongs).ok_or_else(|| wrongs.swap_remove(0).1)
    }

    fn inspect(&self, node: &Node, wrongs: &mut Vec<(Place, Wrong)>) -> Option<Entries<L>> {
        let Value::List(list) = &node.value else {
            let wrong = Wrong::expected(&format!("a list of {}", L::OF), node, L::HELP);
            wrongs.push((node.place.clone(), wrong));
            return None;
        };
        let before = wrongs.len();
        let mut known = Vec::new();
        let mut values = Vec::new();
        for entry in list {
            let Some(value) = L::ENTRY.inspect(entry, wrongs) else { continue };
            let name = L::ENTRY.print(&value);
            if !L::REPEATS && known.contains(&name) {
                let wrong = Wrong::new(format!("`{name}` is listed twice"), L::HELP);
                wrongs.push((entry.place.clone(), wrong));
            }
            known.push(name);
            values.push(value);
        }
        if wrongs.len() > before {
            return None;
        }
        L::settle(&mut values).map_err(|wrong| wrongs.push((node.place.clone(), wrong))).ok()?;
        Some(values)
    }

    fn print(&self, value: &Entries<L>) -> String {
        List::print(self, value)
    }
}

/// Names in the order of a list.
pub(crate) fn joined<'a>(names: impl IntoIterator<Item = &'a str>) -> String {
    names.into_iter().collect::<Vec<_>>().join(", ")
}
