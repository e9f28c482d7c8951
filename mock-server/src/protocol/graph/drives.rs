//! Drives, as far as background load needs them: each user has one, and it is empty.

use serde_json::{Map, Value, json};

use super::failure::Failure;
use super::reply::Reply;
use super::route::Route as R;
use super::task::Task;
use super::{reference, token};
use crate::mailbox::content::Content;
use crate::mailbox::open::Open;

/// Storage of a drive, in bytes. Assumed: one tebibyte, as usual plans have.
const TOTAL_BYTES: u64 = 1 << 40;

const ROOT: &str = "root";

fn drive_id(task: &Task<'_>) -> String {
    format!("b!{}", reference::user_id(task.mailbox))
}

fn drive(task: &Task<'_>, address: &str) -> Map<String, Value> {
    let json = json!({
        "id": drive_id(task),
        "driveType": "business",
        "name": "OneDrive",
        "owner": {"user": {"id": reference::user_id(task.mailbox), "displayName": address}},
        "quota": {"deleted": 0, "remaining": TOTAL_BYTES, "state": "normal", "total": TOTAL_BYTES, "used": 0},
    });
    if let Value::Object(drive) = json { drive } else { Map::new() }
}

fn root(task: &Task<'_>) -> Map<String, Value> {
    let json = json!({
        "id": format!("01{}", reference::folder(task.mailbox, u32::MAX).trim_end_matches('=')),
        "name": ROOT,
        "size": 0,
        "root": {},
        "folder": {"childCount": 0},
        "parentReference": {"driveType": "business", "driveId": drive_id(task)},
    });
    if let Value::Object(root) = json { root } else { Map::new() }
}

/// An entity with its context before it.
fn one(context: String, entity: Map<String, Value>) -> Reply {
    let mut body = Map::new();
    body.insert("@odata.context".to_owned(), Value::String(context));
    body.extend(entity);
    Reply::json(200, Value::Object(body))
}

/// Answers what is asked of a drive.
pub(super) fn carry_out<C: Content>(open: &mut Open<'_, C>, task: &mut Task<'_>) -> Result<Reply, Failure> {
    let address = open.address();
    let metadata = format!("{}/$metadata", task.root());
    let own = root(task);
    let names_root =
        task.place.item.is_empty() || own.get("id") == Some(&json!(task.place.item)) || task.place.item == ROOT;
    if !names_root {
        return Err(Failure::new(404, "itemNotFound", "The resource could not be found."));
    }
    Ok(match task.place.route {
        R::Drives => {
            let value = Value::Object(drive(task, &address));
            Reply::json(200, json!({"@odata.context": format!("{metadata}#drives"), "value": [value]}))
        }
        R::Drive => one(format!("{metadata}#drives/$entity"), drive(task, &address)),
        R::DriveRoot | R::DriveItem => one(format!("{metadata}#drives('{}')/root/$entity", drive_id(task)), own),
        R::DriveDelta => {
            let link = format!("{}?token={}", task.url(), token::seal(&task.mailbox.0));
            let is_first = task.place.query.get("token").is_none();
            let value: Vec<Value> = if is_first { vec![Value::Object(own)] } else { Vec::new() };
            let context = format!("{metadata}#Collection(driveItem)");
            Reply::json(200, json!({"@odata.context": context, "value": value, "@odata.deltaLink": link}))
        }
        _ => {
            let context = format!("{metadata}#drives('{}')/root/children", drive_id(task));
            Reply::json(200, json!({"@odata.context": context, "value": []}))
        }
    })
}
