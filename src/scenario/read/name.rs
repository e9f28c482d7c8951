//! Values that are names of things in the code: operations, refusals, scopes.

use mock_server::throttle::limit::Scope;
use mock_server::throttle::policy::sharing::Sharing;
use mock_server::wire::call::Protocol;
use mock_server::wire::operation::Operation;
use mock_server::wire::refusal::RefusalKind;

use crate::scenario::file::{Node, Value};
use crate::scenario::kind::{Choice, Kind, Wrong, suggestion};

/// Who shares a limit.
pub(crate) const SCOPES: Choice<Scope> = Choice(&[
    ("app-mailbox", Scope::AppMailbox),
    ("mailbox", Scope::Mailbox),
    ("app", Scope::App),
    ("tenant", Scope::Tenant),
]);

/// A list of operations; empty for all.
pub(crate) struct Operations;

impl Kind for Operations {
    type Value = Vec<Operation>;

    fn read(&self, node: &Node) -> Result<Vec<Operation>, Wrong> {
        let names = Operation::ALL.map(Operation::name);
        let Value::List(list) = &node.value else {
            return Err(Wrong::expected("a list of operations", node, "write, for example, [\"import_item\"]"));
        };
        list.iter()
            .map(|entry| {
                let Value::Text(name) = &entry.value else {
                    return Err(Wrong::expected("the name of an operation", entry, suggestion("", &names)));
                };
                name.parse()
                    .map_err(|_| Wrong::new(format!("there is no operation `{name}`"), suggestion(name, &names)))
            })
            .collect()
    }

    fn print(&self, value: &Vec<Operation>) -> String {
        let names = |list: &[Operation]| list.iter().map(|one| one.name()).collect::<Vec<_>>().join(", ");
        let others: Vec<_> = Operation::ALL.into_iter().filter(|one| !value.contains(one)).collect();
        match (value.len(), others.len()) {
            (0, _) | (_, 0) => "all".to_owned(),
            (named, left) if left < named => format!("all but {}", names(&others)),
            _ => names(value),
        }
    }
}

/// What a refused client sees.
pub(crate) struct Refusals;

impl Kind for Refusals {
    type Value = RefusalKind;

    fn read(&self, node: &Node) -> Result<RefusalKind, Wrong> {
        let names = RefusalKind::ALL.map(RefusalKind::name);
        let Value::Text(name) = &node.value else {
            return Err(Wrong::expected("the name of a refusal", node, suggestion("", &names)));
        };
        name.parse().map_err(|_| Wrong::new(format!("there is no refusal `{name}`"), suggestion(name, &names)))
    }

    fn print(&self, value: &RefusalKind) -> String {
        value.name().to_owned()
    }
}

/// Two whole numbers, the first not above the second.
pub(crate) struct Pair;

impl Kind for Pair {
    type Value = (u32, u32);

    fn read(&self, node: &Node) -> Result<(u32, u32), Wrong> {
        let help = "write the least and the most, for example [10, 40]";
        let Value::List(list) = &node.value else {
            return Err(Wrong::expected("two whole numbers", node, help));
        };
        let numbers: Option<Vec<u32>> = list
            .iter()
            .map(|entry| if let Value::Whole(whole) = entry.value { u32::try_from(whole).ok() } else { None })
            .collect();
        match numbers.as_deref() {
            Some([least, most]) if least <= most => Ok((*least, *most)),
            Some([least, most]) => Err(Wrong::new(format!("the range from {least} to {most} is empty"), help)),
            _ => Err(Wrong::new("expected two whole numbers that are not negative", help)),
        }
    }

    fn print(&self, value: &(u32, u32)) -> String {
        format!("[{}, {}]", value.0, value.1)
    }
}

/// The texts of a list.
fn texts<'a>(node: &'a Node, what: &str, help: &str) -> Result<Vec<&'a str>, Wrong> {
    let Value::List(list) = &node.value else { return Err(Wrong::expected(what, node, help)) };
    let text = |entry: &'a Node| match &entry.value {
        Value::Text(text) => Ok(text.as_str()),
        _ => Err(Wrong::expected("a name", entry, help)),
    };
    list.iter().map(text).collect()
}

/// Who shares a policy: any combination of names; empty for everybody.
pub(crate) struct Sharings;

impl Kind for Sharings {
    type Value = Sharing;

    fn read(&self, node: &Node) -> Result<Sharing, Wrong> {
        let names = texts(node, "a list of those who share", "write, for example, [\"app\", \"mailbox\"]")?;
        let unknown =
            |name: &str| Wrong::new(format!("nothing is shared by `{name}`"), suggestion(name, &Sharing::NAMES));
        Sharing::named(names).map_err(unknown)
    }

    fn print(&self, value: &Sharing) -> String {
        let names = value.names();
        if names.is_empty() { "everybody".to_owned() } else { names.join(" and ") }
    }
}

/// A protocol.
pub(crate) const PROTOCOL: Choice<Protocol> = Choice(&[("ews", Protocol::Ews), ("graph", Protocol::Graph)]);

/// A list of protocols; empty for all.
pub(crate) struct Protocols;

impl Kind for Protocols {
    type Value = Vec<Protocol>;

    fn read(&self, node: &Node) -> Result<Vec<Protocol>, Wrong> {
        let names = texts(node, "a list of protocols", "write, for example, [\"ews\"]")?;
        let protocol = |name: &str| {
            let unknown = |_| {
                let help = suggestion(name, &Protocol::ALL.map(Protocol::name));
                Wrong::new(format!("there is no protocol `{name}`"), help)
            };
            name.parse().map_err(unknown)
        };
        names.into_iter().map(protocol).collect()
    }

    fn print(&self, value: &Vec<Protocol>) -> String {
        if value.is_empty() {
            return "all".to_owned();
        }
        value.iter().map(|protocol| protocol.name()).collect::<Vec<_>>().join(", ")
    }
}

/// A list of whole numbers.
pub(crate) struct Numbers;

impl Kind for Numbers {
    type Value = Vec<u32>;

    fn read(&self, node: &Node) -> Result<Vec<u32>, Wrong> {
        let help = "write whole numbers in square brackets, for example [1, 2]";
        let Value::List(list) = &node.value else { return Err(Wrong::expected("a list of numbers", node, help)) };
        let number = |entry: &Node| match entry.value {
            Value::Whole(whole) => {
                u32::try_from(whole).map_err(|_| Wrong::new(format!("`{whole}` is out of range"), help))
            }
            _ => Err(Wrong::expected("a whole number", entry, help)),
        };
        list.iter().map(number).collect()
    }

    fn print(&self, value: &Vec<u32>) -> String {
        value.iter().map(u32::to_string).collect::<Vec<_>>().join(", ")
    }
}
