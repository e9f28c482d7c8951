//! `[[credentials]]`: who may prove themselves to servers that outlive a run, with what.
//!
//! Passwords and secrets are not written down with the other values, so that no report shows them.

use mock_server::service::credentials::{AppCredential, Credentials, UserCredential};
use mock_server::wire::permission;

use crate::scenario::file::{Node, Value};
use crate::scenario::kind::{Kind, Words, Wrong, suggestion};
use crate::scenario::list::List;
use crate::scenario::section::Section;

pub(crate) fn read(root: &Section<'_>) -> Credentials {
    let mut credentials = Credentials::default();
    for section in root.sections("credentials") {
        match (section.has("user"), section.has("client_id")) {
            (true, false) => credentials.users.extend(user(section)),
            (false, true) => credentials.apps.extend(app(section)),
            (both, _) => {
                let message = if both { "both a user and an app" } else { "neither a user nor an app" };
                let key = if both { "client_id" } else { "user" };
                let help = "write user = \"alice@contoso.test\" or client_id = \"...\", one of them";
                section.report(key, "here", format!("the credentials name {message}"), help);
            }
        }
    }
    credentials
}

fn user(section: Section<'_>) -> Option<UserCredential> {
    let address = section.need("user", &Address, "name the user: user = \"alice@contoso.test\"");
    let password = section.read_quietly("password", &Words);
    section.finish();
    Some(UserCredential { address: address?, password })
}

fn app(section: Section<'_>) -> Option<AppCredential> {
    let client_id = section.need("client_id", &Words, "name the app: client_id = \"...\"");
    let secret = section.read_quietly("secret", &Words);
    let permissions = section.maybe("permissions", &Permissions, "everything", "by definition");
    section.finish();
    Some(AppCredential { client_id: client_id?, secret, permissions })
}

/// The address of a mailbox.
struct Address;

impl Kind for Address {
    type Value = String;

    fn read(&self, node: &Node) -> Result<String, Wrong> {
        let address = Words.read(node)?;
        let right = address.split_once('@').is_some_and(|(local, domain)| !local.is_empty() && !domain.is_empty());
        let wrong = || Wrong::new(format!("`{address}` is no address"), "write it like alice@contoso.test");
        if right { Ok(address) } else { Err(wrong()) }
    }

    fn print(&self, value: &String) -> String {
        value.clone()
    }
}

/// A permission, however its letters are cased.
struct Permission;

impl Kind for Permission {
    type Value = String;

    fn read(&self, node: &Node) -> Result<String, Wrong> {
        let names: Vec<&str> = permission::Permissions::all_names().collect();
        let Value::Text(name) = &node.value else {
            return Err(Wrong::expected("the name of a permission", node, suggestion("", &names)));
        };
        let known = names.iter().find(|known| known.eq_ignore_ascii_case(name));
        let wrong = || Wrong::new(format!("there is no permission `{name}`"), suggestion(name, &names));
        known.map(|known| (*known).to_owned()).ok_or_else(wrong)
    }

    fn print(&self, value: &String) -> String {
        value.clone()
    }
}

/// A list of permissions.
struct Permissions;

impl List for Permissions {
    type Entry = Permission;
    const ENTRY: Permission = Permission;
    const OF: &'static str = "permissions";
    const HELP: &'static str = "write, for example, [\"Mail.ReadWrite\"]";

    fn print(&self, value: &Vec<String>) -> String {
        value.join(", ")
    }
}
