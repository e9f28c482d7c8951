//! What policies want to know of a call.

use crate::wire::call::Protocol;
use crate::wire::id::MailboxKey;
use crate::wire::operation::Operation;

/// What is known of whoever calls beyond the app, and of what the call costs. Everything may be unknown.
#[derive(Copy, Clone, PartialEq, Eq, Default, Debug)]
pub struct Caller {
    /// The signed-in user, as a number that tells users apart; none for an app that acts on its own.
    pub user: Option<u64>,
    /// The network address, as a number that tells addresses apart.
    pub address: Option<u64>,
    /// The cost of the request in Entra resource units; worked out from the operation if absent.
    pub resource_units: Option<u32>,
    /// Whether the request writes; worked out from the operation if absent.
    pub writes: Option<bool>,
}

/// What policies want to know of a call.
#[derive(Copy, Clone, PartialEq, Eq, Debug)]
pub struct Asked {
    /// The app that calls.
    pub app: u32,
    /// The mailbox concerned.
    pub mailbox: MailboxKey,
    /// The signed-in user; zero for an app that acts on its own.
    pub user: u64,
    /// The tenant of the mailbox.
    pub tenant: u32,
    /// The network address of the caller; zero if it is not known.
    pub address: u64,
    /// The database that holds the mailbox.
    pub database: u32,
    /// The server that holds the database.
    pub server: u32,
    /// The protocol.
    pub protocol: Protocol,
    /// The kind of call.
    pub operation: Operation,
    /// Length of the request body in bytes.
    pub body_bytes: u64,
    /// Items that the call names or carries; one for calls that concern no item.
    pub items: u32,
    /// The cost in Entra resource units, at least 1.
    pub resource_units: u32,
    /// Whether the call writes.
    pub writes: bool,
}

/// Whether calls of a kind change something.
#[must_use]
pub const fn writes(operation: Operation) -> bool {
    matches!(
        operation,
        Operation::CreateFolder
            | Operation::CreateImportSession
            | Operation::ImportItem
            | Operation::UploadItems
            | Operation::CreateMessage
            | Operation::DeleteItems
            | Operation::StopMailbox
            | Operation::StartMailbox
            | Operation::ProvisionUser
            | Operation::AssignLicense
            | Operation::RemoveLicense
            | Operation::StartSwitch
            | Operation::CancelSwitch
            | Operation::ReleaseMailbox
            | Operation::CreateItems
            | Operation::UpdateItems
            | Operation::MoveItems
            | Operation::CopyItems
            | Operation::SendItems
            | Operation::ChangeAttachments
            | Operation::UpdateFolders
            | Operation::DeleteFolders
    )
}

/// Operations that the directory answers, which the limits of identity and access concern.
pub const OF_DIRECTORY: [Operation; 4] =
    [Operation::ProvisionUser, Operation::AssignLicense, Operation::RemoveLicense, Operation::Directory];

/// The cost of a request to the directory in Entra resource units (Microsoft Graph limits page, identity and access
/// limits, text of 2025-01-14; learn.microsoft.com/graph/throttling-limits).
///
/// `path` is without version and query. The base cost is by method and resource, 1 where the page lists none;
/// `$select` makes it one less, `$expand` one more, `$top` below 20 one less; it is never below 1.
#[must_use]
pub fn resource_units(method: &str, path: &str, query: &str) -> u32 {
    let words: Vec<&str> = path.split('/').filter(|word| !word.is_empty()).collect();
    let is = |position: usize, word: &str| words.get(position).is_some_and(|found| found.eq_ignore_ascii_case(word));
    let last = words.last().copied().unwrap_or_default();
    let last_is = |word: &str| last.eq_ignore_ascii_case(word);
    let get = method.eq_ignore_ascii_case("GET");
    let base = if get && words.len() <= 1 && is(0, "users") {
        2
    } else if get && is(0, "groups") && is(2, "members") {
        3
    } else if get && is(2, "transitiveMembers") {
        5
    } else if last_is("getByIds") || (get && is(0, "subscribedSkus")) {
        3
    } else if last_is("isMemberOf") || last_is("checkMemberGroups") {
        4
    } else if get && (last_is("licenseDetails") || last_is("memberOf")) {
        2
    } else {
        1
    };
    let mut units: i32 = base;
    for (name, value) in form_urlencoded::parse(query.as_bytes()) {
        match name.trim_start_matches('$') {
            "select" => units -= 1,
            "expand" => units += 1,
            "top" if value.parse::<u32>().is_ok_and(|top| top < 20) => units -= 1,
            _ => {}
        }
    }
    units.max(1) as u32
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(method: &str, path: &str, query: &str, units: u32) {
        assert_eq!(resource_units(method, path, query), units, "{method} {path}?{query}");
    }

    #[test]
    fn requests_cost_what_the_limits_page_says() {
        check("GET", "/users", "", 2);
        check("GET", "/users", "$select=id", 1);
        check("GET", "/users", "$select=id&$top=5", 1);
        check("GET", "/users", "$expand=manager", 3);
        check("GET", "/users", "%24top=20", 2);
        check("GET", "/groups/1/members", "", 3);
        check("GET", "/groups/1/transitiveMembers", "$top=19", 4);
        check("POST", "/directoryObjects/getByIds", "", 3);
        check("POST", "/users/1/checkMemberGroups", "", 4);
        check("GET", "/subscribedSkus", "", 3);
        check("GET", "/users/1/licenseDetails", "", 2);
        check("GET", "/me/memberOf", "", 2);
        check("PATCH", "/users/1", "", 1);
        check("GET", "/users/1", "", 1);
        check("GET", "", "", 1);
    }
}
