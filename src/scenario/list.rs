//! Kinds that are lists: every entry is read for itself, so that all that is wrong in a list is told at once, each where
//! it is.

use super::file::{Node, Place, Value};
use super::kind::{Kind, Wrong};

/// A list, for a key whose value is made of entries.
pub(crate) trait List {
    /// What each entry is.
    type Entry: Kind;
    /// What the list is in the plan.
    type Value;
    /// What it is a list of, for messages.
    const OF: &'static str;
    /// How one is written.
    const HELP: &'static str;
    /// Whether an entry may be there more than once.
    const REPEATS: bool = true;

    /// The kind of the entries.
    fn entry(&self) -> Self::Entry;

    /// What the entries come to together.
    fn gather(&self, entries: Vec<<Self::Entry as Kind>::Value>) -> Result<Self::Value, Wrong>;

    /// As [`Kind::print`].
    fn print(&self, value: &Self::Value) -> String;
}

impl<L: List> Kind for L {
    type Value = L::Value;

    fn read(&self, node: &Node) -> Result<L::Value, Wrong> {
        let mut wrongs = Vec::new();
        self.inspect(node, &mut wrongs).ok_or_else(|| wrongs.swap_remove(0).1)
    }

    fn inspect(&self, node: &Node, wrongs: &mut Vec<(Place, Wrong)>) -> Option<L::Value> {
        let Value::List(list) = &node.value else {
            let wrong = Wrong::expected(&format!("a list of {}", L::OF), node, L::HELP);
            wrongs.push((node.place.clone(), wrong));
            return None;
        };
        let (kind, before) = (self.entry(), wrongs.len());
        let mut known = Vec::new();
        let mut values = Vec::new();
        for entry in list {
            let Some(value) = kind.inspect(entry, wrongs) else { continue };
            let name = kind.print(&value);
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
        self.gather(values).map_err(|wrong| wrongs.push((node.place.clone(), wrong))).ok()
    }

    fn print(&self, value: &L::Value) -> String {
        List::print(self, value)
    }
}

/// Names in the order of a list.
pub(crate) fn joined<'a>(names: impl IntoIterator<Item = &'a str>) -> String {
    names.into_iter().collect::<Vec<_>>().join(", ")
}
