//! The steps of recorded requests, for a script. Requests that no service of ours saw are one step each, as far as their
//! subject tells what kind of work they were.

use super::record::{Record, UnknownWord};
use crate::service::reply::Spent;
use crate::service::trace::{Step, strike_named};
use crate::time::Span;
use crate::wire::call::{FIRST_FOREIGN, RequestIdentity};
use crate::wire::id::MailboxKey;
use crate::wire::operation::Operation;
use crate::wire::refusal::Refusal;

/// A record whose steps cannot be understood.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("record {number}")]
pub struct StepsError {
    /// Which record.
    pub number: u64,
    /// What is wrong with it.
    pub source: UnknownWord,
}

/// The steps of some records, in their order.
///
/// # Errors
///
/// If a record holds a word that nobody knows.
pub fn of<'a>(records: impl IntoIterator<Item = &'a Record>) -> Result<Vec<Step>, StepsError> {
    let mut steps = Vec::new();
    for record in records {
        if record.steps.is_empty() {
            steps.extend(foreign(record));
            continue;
        }
        for step in &record.steps {
            let step = Step::try_from(step).map_err(|source| StepsError { number: record.number, source })?;
            steps.push(step);
        }
    }
    Ok(steps)
}

/// The step of a request that no service of ours saw.
fn foreign(record: &Record) -> Option<Step> {
    let operation =
        record.operation.as_deref().and_then(|name| name.parse().ok()).or_else(|| of_subject(&record.subject))?;
    let (kind, refused) = (record.kind(), record.is_turned_away());
    let reset = record.status == 0 || record.spoiled.is_some();
    Some(Step {
        // No mailbox has this number, so that every mailbox may follow.
        mailbox: MailboxKey(u32::MAX),
        operation,
        identity: RequestIdentity::new(FIRST_FOREIGN, 0),
        admitted: !refused,
        refusal: kind.filter(|_| refused).map(|kind| Refusal {
            kind,
            status: record.status,
            retry_after: record.wait(),
        }),
        strike: record.spoiled.as_deref().and_then(strike_named).filter(|_| reset),
        items: record.items,
        undone: Vec::new(),
        spent: Spent { served: Span(record.lasted_ns), ..Spent::default() },
    })
}

/// The kind of work that our pipeline would call what a subject says.
fn of_subject(subject: &str) -> Option<Operation> {
    if let Some(name) = subject.strip_prefix("EWS ") {
        return Some(match name {
            "FindFolder" => Operation::FindFolders,
            "SyncFolderHierarchy" => Operation::SyncFolders,
            "SyncFolderItems" => Operation::SyncItems,
            "FindItem" => Operation::FindItems,
            "GetItem" => Operation::GetItems,
            "ExportItems" => Operation::ExportItems,
            "CreateFolder" => Operation::CreateFolder,
            "UpdateFolder" | "MoveFolder" => Operation::UpdateFolders,
            "UploadItems" => Operation::UploadItems,
            "CreateItem" => Operation::CreateMessage,
            "DeleteItem" => Operation::DeleteItems,
            "GetFolder" => Operation::GetFolders,
            _ => return None,
        });
    }
    let (method, path) = subject.split_once(' ')?;
    let path = path.strip_suffix(" on").unwrap_or(path);
    let last = path.rsplit('/').find(|word| *word != "*")?;
    Some(match (method, last) {
        ("POST", "$batch") => Operation::Batch,
        ("POST", "exportItems") => Operation::ExportItems,
        ("POST", "createImportSession") => Operation::CreateImportSession,
        ("POST", "import") => Operation::ImportItem,
        ("POST", "messages") => Operation::CreateMessage,
        ("POST", "mailFolders" | "childFolders" | "folders") => Operation::CreateFolder,
        ("GET", "mailFolders" | "childFolders" | "folders") => Operation::FindFolders,
        ("PATCH", "mailFolders") => Operation::UpdateFolders,
        ("POST", "move") if path.contains("/mailFolders/") => Operation::UpdateFolders,
        ("GET", "delta") if path.contains("Folders/delta") => Operation::SyncFolders,
        ("GET", "delta") => Operation::SyncItems,
        ("GET", "messages" | "items") if path.ends_with('*') => Operation::GetItems,
        ("GET", "messages" | "items") => Operation::FindItems,
        ("DELETE", "messages" | "items") => Operation::DeleteItems,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::refusal::RefusalKind;

    #[test]
    fn foreign_requests_are_work_that_the_pipeline_knows() {
        for (subject, operation) in [
            ("EWS UploadItems", Some(Operation::UploadItems)),
            ("EWS GetUserPhoto", None),
            ("EWS MoveFolder", Some(Operation::UpdateFolders)),
            ("PATCH /users/*/mailFolders/*", Some(Operation::UpdateFolders)),
            ("POST /users/*/mailFolders/*/move", Some(Operation::UpdateFolders)),
            ("POST /users/*/messages/*/move", None),
            ("POST /$batch", Some(Operation::Batch)),
            ("GET /users/*/messages/*", Some(Operation::GetItems)),
            ("GET /users/*/mailFolders/*/messages", Some(Operation::FindItems)),
            ("GET /users/*/mailFolders/*/messages/delta on", Some(Operation::SyncItems)),
            ("GET /users/*/mailFolders/delta", Some(Operation::SyncFolders)),
            ("PATCH /users/*/messages/*", None),
        ] {
            assert_eq!(of_subject(subject), operation, "{subject}");
        }
    }

    #[test]
    fn a_foreign_refusal_is_one_that_was_not_admitted() {
        let record = Record {
            number: 3,
            subject: "GET /users/*/messages".into(),
            status: 429,
            refusal: Some("request_limit".into()),
            wait_ns: Some(5),
            ..Record::default()
        };
        let steps = of([&record]).expect("it is understood");
        let refusal = Refusal { kind: RefusalKind::RequestLimit, status: 429, retry_after: Some(Span(5)) };
        assert_eq!((steps[0].admitted, steps[0].refusal), (false, Some(refusal)));
    }
}
