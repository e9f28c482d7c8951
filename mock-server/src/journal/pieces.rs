//! What a request would make, piece by piece, so that whoever judges can tell whether a piece was made, lost or doubled.
//!
//! A piece is known by a fingerprint of what was sent for it. Whoever sends the same again sends the same piece.

use serde::Deserialize;
use serde_json::value::RawValue;
use xxhash_rust::xxh3::xxh3_64;

use super::record::{Key, Piece};
use crate::wire::ews::xml::{self, Element, Space};
use crate::wire::operation::Operation;

/// Whether an operation makes things that were not there before, so that doing it twice makes two.
pub(super) const fn makes(operation: Operation) -> bool {
    matches!(
        operation,
        Operation::ImportItem
            | Operation::UploadItems
            | Operation::CreateMessage
            | Operation::CreateItems
            | Operation::SendItems
            | Operation::CopyItems
    )
}

/// The fingerprint of several parts.
pub(super) fn fingerprint(parts: &[&[u8]]) -> Key {
    Key(parts
        .iter()
        .fold(0, |word: u64, part| xxh3_64(part) ^ word.rotate_left(17).wrapping_mul(0x9e37_79b9_7f4a_7c15)))
}

/// An answer as it would arrive unspoiled.
pub(super) struct Answered<'a> {
    /// Whether the work was done as a whole.
    pub(super) done: bool,
    /// The body.
    pub(super) body: &'a [u8],
}

/// The items that a request of EWS would make, and which were made.
pub(super) fn of_ews(owner: &str, body: &[u8], answer: &Answered<'_>) -> Vec<Piece> {
    let Ok(envelope) = xml::parse(body, xml::MAX_REQUEST_BYTES) else { return Vec::new() };
    let operation = envelope.child(Space::Soap, "Body").and_then(|body| body.children.first());
    let items = operation.and_then(|operation| operation.message("Items").or_else(|| operation.message("ItemIds")));
    let Some(items) = items else { return Vec::new() };
    let made = if answer.done { outcomes(answer.body) } else { Vec::new() };
    let piece = |(position, item): (usize, &Element<'_>)| {
        let mut written = xml::Writer::fragment();
        written.copy(item);
        let key = fingerprint(&[owner.as_bytes(), &written.finish()]);
        Piece { key, done: made.get(position).copied().unwrap_or(false) }
    };
    items.children.iter().enumerate().map(piece).collect()
}

/// For each item of an answer of EWS, whether it succeeded.
fn outcomes(body: &[u8]) -> Vec<bool> {
    let Ok(envelope) = xml::parse(body, xml::MAX_ANSWER_BYTES) else { return Vec::new() };
    let response = envelope.child(Space::Soap, "Body").and_then(|body| body.children.first());
    let messages = response.and_then(|response| response.message("ResponseMessages"));
    let succeeded = |message: &Element<'_>| message.attribute("ResponseClass") != Some("Error");
    messages.map(|messages| messages.children.iter().map(succeeded).collect()).unwrap_or_default()
}

/// One request of a batch.
#[derive(Deserialize)]
struct Entry<'a> {
    id: &'a str,
    method: &'a str,
    url: &'a str,
    #[serde(borrow, default)]
    body: Option<&'a RawValue>,
}

#[derive(Deserialize)]
struct Entries<'a> {
    #[serde(borrow)]
    requests: Vec<Entry<'a>>,
}

#[derive(Deserialize)]
struct Response {
    id: String,
    status: u16,
}

#[derive(Deserialize)]
struct Responses {
    responses: Vec<Response>,
}

/// What the requests of a batch of Graph would make, and what of it was made. Requests that send nothing make nothing.
pub(super) fn of_batch(owner: &str, body: &[u8], answer: &Answered<'_>) -> Vec<Piece> {
    let Ok(entries) = serde_json::from_slice::<Entries<'_>>(body) else { return Vec::new() };
    let responses = serde_json::from_slice::<Responses>(answer.body).map(|answer| answer.responses).unwrap_or_default();
    let made = |id: &str| {
        let found = responses.iter().find(|response| response.id == id);
        answer.done && found.is_some_and(|response| response.status < 400)
    };
    let posts = entries.requests.iter().filter(|entry| entry.method.eq_ignore_ascii_case("POST"));
    let piece = |entry: &Entry<'_>| {
        let body = entry.body?.get().as_bytes();
        Some(Piece { key: fingerprint(&[owner.as_bytes(), entry.url.as_bytes(), body]), done: made(entry.id) })
    };
    posts.filter_map(piece).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn envelope(inner: &str) -> Vec<u8> {
        format!(
            "<s:Envelope xmlns:s=\"{}\" xmlns:m=\"{}\" xmlns:t=\"{}\"><s:Body>{inner}</s:Body></s:Envelope>",
            xml::SOAP_URI,
            xml::MESSAGES_URI,
            xml::TYPES_URI
        )
        .into_bytes()
    }

    #[test]
    fn items_of_a_request_are_matched_with_their_outcomes() {
        let item = |subject: &str| format!("<t:Message><t:Subject>{subject}</t:Subject></t:Message>");
        let asked = envelope(&format!("<m:CreateItem><m:Items>{}{}</m:Items></m:CreateItem>", item("a"), item("b")));
        let message = |class: &str| format!("<m:CreateItemResponseMessage ResponseClass=\"{class}\"/>");
        let said = format!("{}{}", message("Success"), message("Error"));
        let said = envelope(&format!(
            "<m:CreateItemResponse><m:ResponseMessages>{said}</m:ResponseMessages></m:CreateItemResponse>"
        ));
        let pieces = of_ews("a@b", &asked, &Answered { done: true, body: &said });
        assert_eq!(pieces.iter().map(|piece| piece.done).collect::<Vec<_>>(), [true, false]);
        let alone = envelope(&format!("<m:CreateItem><m:Items>{}</m:Items></m:CreateItem>", item("b")));
        let again = of_ews("a@b", &alone, &Answered { done: false, body: &[] });
        assert_eq!((again[0].key, again[0].done), (pieces[1].key, false));
        assert_ne!(of_ews("c@d", &alone, &Answered { done: false, body: &[] })[0].key, again[0].key);
    }

    #[test]
    fn requests_of_a_batch_are_matched_with_their_outcomes() {
        let asked =
            br#"{"requests":[{"id":"1","method":"POST","url":"/x","body":{"a":1}},{"id":"2","method":"GET","url":"/y"},
            {"id":"3","method":"POST","url":"/x","body":{"a":2}}]}"#;
        let said = br#"{"responses":[{"id":"3","status":429},{"id":"1","status":201}]}"#;
        let pieces = of_batch("a@b", asked, &Answered { done: true, body: said });
        assert_eq!(pieces.iter().map(|piece| piece.done).collect::<Vec<_>>(), [true, false]);
        assert!(of_batch("a@b", b"no", &Answered { done: true, body: said }).is_empty());
    }
}
