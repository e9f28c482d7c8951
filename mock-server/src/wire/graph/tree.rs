//! Changes of the folder tree: another name and another place.

use std::borrow::Cow;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::error::GraphError;
use super::folders::{Named, ROOT, ROOT_NAME, folder};
use super::route::Place;
use super::text::{References, id_length, id_segment_length, json_length, known, segment, written};
use super::{Asked, Frame, JSON};
use crate::wire::call::Call;
use crate::wire::http::{HttpAnswer, HttpCall, Unsupported};
use crate::wire::id::{Id, MailboxKey};
use crate::wire::opaque::Kind;
use crate::wire::operation::Operation;

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Destination<'a> {
    #[serde(borrow)]
    destination_id: Cow<'a, str>,
}

#[derive(Serialize)]
struct Moved<'a> {
    id: Cow<'a, str>,
}

fn path(folder: &Id, address: &str, action: &str) -> Result<String, Unsupported> {
    let folder = segment(known(folder, Operation::UpdateFolders)?);
    Ok(format!("/v1.0/users/{}/mailFolders/{folder}{action}", segment(address)))
}

fn url_length(folder: &Id, address: u64, action: &str) -> u64 {
    ("/users//mailFolders/".len() + action.len()) as u64 + address + id_segment_length(folder)
}

/// The name of the folder that another one is put into.
fn destination(parent: &Id) -> Result<&str, Unsupported> {
    match parent {
        Id::Number(ROOT) => Ok(ROOT_NAME),
        parent => known(parent, Operation::UpdateFolders),
    }
}

/// Writes `RenameFolder`.
pub(super) fn encode_rename(folder: &Id, name: &str, address: &str) -> Result<HttpCall, Unsupported> {
    let path = path(folder, address, "")?;
    Ok(HttpCall { method: "PATCH", ..super::post(path, &Named { display_name: name.into() }) })
}

/// The lengths of `RenameFolder`.
pub(super) fn asked_rename(folder: &Id, name: &str, address: u64) -> Asked {
    let body = r#"{"displayName":""}"#.len() as u64 + json_length(name);
    Asked { method: "PATCH".len() as u64, ..Asked::post(url_length(folder, address, ""), body) }
}

/// Reads a request for another name.
pub(super) fn decode_rename(place: &Place, body: &[u8], references: &mut References) -> Result<Call, GraphError> {
    let named: Named<'_> = serde_json::from_slice(body).map_err(|_| GraphError::BadBody)?;
    Ok(Call::RenameFolder { folder: folder(references, &place.folder), name: Arc::from(&*named.display_name) })
}

/// Writes `MoveFolder`.
pub(super) fn encode_move(folder: &Id, parent: &Id, address: &str) -> Result<HttpCall, Unsupported> {
    let path = path(folder, address, "/move")?;
    Ok(super::post(path, &Destination { destination_id: destination(parent)?.into() }))
}

/// The lengths of `MoveFolder`.
pub(super) fn asked_move(folder: &Id, parent: &Id, address: u64) -> Asked {
    let parent = match parent {
        Id::Number(ROOT) => ROOT_NAME.len() as u64,
        parent => id_length(parent),
    };
    let body = r#"{"destinationId":""}"#.len() as u64 + parent;
    Asked::post(url_length(folder, address, "/move"), body)
}

/// Reads a request for another place.
pub(super) fn decode_move(place: &Place, body: &[u8], references: &mut References) -> Result<Call, GraphError> {
    let to: Destination<'_> = serde_json::from_slice(body).map_err(|_| GraphError::BadBody)?;
    let parent = folder(references, &to.destination_id);
    Ok(Call::MoveFolder { folder: folder(references, &place.folder), parent })
}

/// Writes the folder that was moved.
pub(super) fn encode_moved(id: &Id, mailbox: MailboxKey) -> HttpAnswer {
    super::answer(201, &Moved { id: written(Kind::Folder, mailbox, id) })
}

/// The lengths of [`encode_moved`].
pub(super) fn moved_frame(id: &Id) -> Frame {
    Frame::new(r#"{"id":""}"#.len() as u64 + id_length(id), JSON)
}
