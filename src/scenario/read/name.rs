//! Values that are names of things in the code: operations, refusals, scopes.

use mock_server::throttle::limit::Scope;
use mock_server::throttle::policy::sharing::Sharing;
use mock_server::wire::call::Protocol;
use mock_server::wire::operation::Operation;
use mock_server::wire::refusal::RefusalKind;

use crate::scenario::file::{Node, Value};
use crate::scenario::kind::{Choice, Count, Kind, Name, Wrong, suggestion};
use crate::scenario::list::{List, joined};

/// Who shares a limit.
pub(crate) const SCOPES: Choice<Scope> = Choice(&[
    ("app-mailbox", Scope::AppMailbox),
    ("mailbox", Scope::Mailbox),
    ("app", Scope::App),
    ("tenant", Scope::Tenant),
]);

/// An operation.
pub(crate) const OPERATION: Name<Operation> = Name::of("an operation", "no operation");

/// What a refused client sees.
pub(crate) struct Refusal;

const REFUSAL: Name<RefusalKind> = Name::of("a refusal", "no refusal");

impl Kind for Refusal {
    type Value = RefusalKind;

    fn read(&self, node: &Node) -> Result<RefusalKind, Wrong> {
        let kind = REFUSAL.read(node)?;
        match kind.act_instead() {
            Some(act) => {
                let help = format!("a fault with act = \"{act}\" brings it about");
                Err(Wrong::new(format!("nobody can be refused with `{kind}`"), help))
            }
            None => Ok(kind),
        }
    }

    fn print(&self, value: &RefusalKind) -> String {
        REFUSAL.print(value)
    }
}

/// A protocol.
pub(crate) const PROTOCOL: Name<Protocol> = Name::of("a protocol", "no protocol");

/// A list of operations; empty for all.
pub(crate) struct Operations;

impl List for Operations {
    type Entry = Name<Operation>;
    const ENTRY: Name<Operation> = OPERATION;
    const OF: &'static str = "operations";
    const HELP: &'static str = "write, for example, [\"import_item\"]";

    fn print(&self, value: &Vec<Operation>) -> String {
        let names = |list: &[Operation]| joined(list.iter().map(|one| one.name()));
        let others: Vec<_> = Operation::ALL.into_iter().filter(|one| !value.contains(one)).collect();
        match (value.len(), others.len()) {
            (0, _) | (_, 0) => "all".to_owned(),
            (named, left) if left < named => format!("all but {}", names(&others)),
            _ => names(value),
        }
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

/// One of those who may share a policy.
pub(crate) struct Sharer;

impl Kind for Sharer {
    type Value = &'static str;

    fn read(&self, node: &Node) -> Result<&'static str, Wrong> {
        let Value::Text(name) = &node.value else {
            return Err(Wrong::expected("the name of those who share", node, suggestion("", &Sharing::NAMES)));
        };
        let unknown = || Wrong::new(format!("nothing is shared by `{name}`"), suggestion(name, &Sharing::NAMES));
        Sharing::NAMES.into_iter().find(|known| known == name).ok_or_else(unknown)
    }

    fn print(&self, value: &&'static str) -> String {
        (*value).to_owned()
    }
}

/// Who shares a policy: any combination of names; empty for everybody.
pub(crate) struct Sharings;

impl List for Sharings {
    type Entry = Sharer;
    const ENTRY: Sharer = Sharer;
    const OF: &'static str = "those who share";
    const HELP: &'static str = "write, for example, [\"app\", \"mailbox\"]";

    fn settle(names: &mut Vec<&'static str>) -> Result<(), Wrong> {
        names.sort_by_key(|name| Sharing::NAMES.iter().position(|known| known == name));
        names.dedup();
        Ok(())
    }

    fn print(&self, names: &Vec<&'static str>) -> String {
        if names.is_empty() { "everybody".to_owned() } else { names.join(" and ") }
    }
}

/// A list of protocols; empty for all.
pub(crate) struct Protocols;

impl List for Protocols {
    type Entry = Name<Protocol>;
    const ENTRY: Name<Protocol> = PROTOCOL;
    const OF: &'static str = "protocols";
    const HELP: &'static str = "write, for example, [\"ews\"]";

    fn print(&self, value: &Vec<Protocol>) -> String {
        if value.is_empty() {
            return "all".to_owned();
        }
        joined(value.iter().map(|protocol| protocol.name()))
    }
}

/// A list of whole numbers.
pub(crate) struct Numbers;

impl List for Numbers {
    type Entry = Count<u32>;
    const ENTRY: Count<u32> = Count(0..=u32::MAX);
    const OF: &'static str = "numbers";
    const HELP: &'static str = "write whole numbers in square brackets, for example [1, 2]";

    fn print(&self, value: &Vec<u32>) -> String {
        value.iter().map(u32::to_string).collect::<Vec<_>>().join(", ")
    }
}
