//! `ConvertId`: identifiers in other formats.

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};

use super::context::{Context, Refused};
use super::failure::Failure;
use super::item_ids;
use super::messages::Messages;
use super::names::CONVERT_ID;
use crate::protocol::host::Host;
use crate::service::cost::Work;
use crate::wire::ews::xml::Element;
use crate::wire::id::MailboxKey;
use crate::wire::opaque::{self, Kind};
use crate::wire::operation::Operation;

/// The formats of identifiers (`IdFormatType`).
const FORMATS: [&str; 6] = ["EwsLegacyId", "EwsId", "EntryId", "HexEntryId", "StoreId", "OwaId"];

/// The namespace of XML Schema instances, for the type of a converted identifier.
const INSTANCE: &str = "http://www.w3.org/2001/XMLSchema-instance";

/// `ConvertId`.
pub(super) fn convert<H: Host>(request: &Element<'_>, context: &mut Context<'_, H>) -> Result<Vec<u8>, Refused> {
    let wanted =
        request.attribute("DestinationFormat").and_then(|wanted| FORMATS.iter().find(|known| **known == wanted));
    let wanted =
        wanted.ok_or_else(|| Refused::schema("the required attribute 'DestinationFormat' is missing or invalid"))?;
    let sources = request.message("SourceIds").ok_or_else(|| Refused::schema("the identifiers are missing"))?;
    let mut messages = Messages::new(&CONVERT_ID, None);
    let read: Vec<_> = sources.children.iter().map(read_id).collect();
    let own = context.mailbox();
    context.perform(own, Operation::Directory, |open| {
        for found in &read {
            let owned = match found {
                Ok(Named::Own(id, owner)) => match open.address_of(*owner) {
                    Some(address) => Ok((write_id(id, wanted), address)),
                    None => Err(Failure::MALFORMED_ID),
                },
                Ok(Named::Foreign(foreign, mailbox)) => Ok((foreign.write(wanted), mailbox.clone())),
                Err(failure) => Err(*failure),
            };
            match owned {
                Ok((id, address)) => messages.succeed(|writer| {
                    writer.empty(
                        "m:AlternateId",
                        &[
                            ("xmlns:xsi", INSTANCE),
                            ("xsi:type", "t:AlternateIdType"),
                            ("Format", wanted),
                            ("Id", &id),
                            ("Mailbox", &address),
                        ],
                    );
                }),
                Err(failure) => messages.fail(failure),
            }
        }
        ((), Work::default())
    })?;
    Ok(messages.finish())
}

/// What is to be converted.
enum Named {
    /// An identifier of this server in its own format, and whose it is.
    Own(String, MailboxKey),
    /// One of another server, and whose it is said to be.
    Foreign(Foreign, String),
}

/// An identifier as Exchange makes them: to convert one, it need not lead anywhere.
struct Foreign {
    /// The whole, in base64.
    whole: String,
    /// The entry identifier within.
    entry: Vec<u8>,
}

impl Foreign {
    /// Takes an identifier apart: not compressed (0), named by a mailbox's GUID (3), the GUID as text behind its length,
    /// an instruction, and the entry identifier behind its length (as identifiers of Exchange Online are found to be).
    fn read(text: &str) -> Option<Self> {
        let bytes = STANDARD.decode(text).ok()?;
        let sized = |bytes: &[u8]| {
            let (length, rest) = bytes.split_first_chunk::<2>()?;
            let (content, rest) = rest.split_at_checked(usize::from(u16::from_le_bytes(*length)))?;
            Some((content.to_vec(), rest.to_vec()))
        };
        let (_, rest) = sized(bytes.strip_prefix(&[0, 3])?)?;
        let (entry, rest) = sized(rest.get(1..)?)?;
        rest.is_empty().then(|| Self { whole: text.to_owned(), entry })
    }

    fn write(&self, format: &str) -> String {
        match format {
            "EntryId" | "StoreId" => STANDARD.encode(&self.entry),
            "HexEntryId" => hex(&self.entry),
            "OwaId" => utf8_percent_encode(&self.whole, NON_ALPHANUMERIC).to_string(),
            _ => self.whole.clone(),
        }
    }
}

/// Reads what is to be converted.
fn read_id(source: &Element<'_>) -> Result<Named, Failure> {
    let format = source.attribute("Format").filter(|format| FORMATS.contains(format)).ok_or(Failure::REQUEST)?;
    let text = source.attribute("Id").ok_or(Failure::EMPTY_ID)?;
    let id = if format == "HexEntryId" {
        let digits = text.as_bytes().chunks(2).map(|pair| std::str::from_utf8(pair).ok());
        let bytes = digits.map(|pair| u8::from_str_radix(pair.filter(|pair| pair.len() == 2)?, 16).ok());
        URL_SAFE.encode(bytes.collect::<Option<Vec<u8>>>().ok_or(Failure::MALFORMED_ID)?)
    } else {
        percent_encoding::percent_decode_str(text).decode_utf8_lossy().into_owned()
    };
    let folder = opaque::decode(Kind::Folder, &id).map(|(mailbox, _)| mailbox);
    let item = || item_ids::read_item(&id).map(|name| name.mailbox);
    if let Some(owner) = folder.or_else(item) {
        return Ok(Named::Own(id, owner));
    }
    let foreign = Foreign::read(&id).filter(|_| matches!(format, "EwsId" | "EwsLegacyId" | "OwaId"));
    let mailbox = source.attribute("Mailbox").unwrap_or_default().to_owned();
    Ok(Named::Foreign(foreign.ok_or(Failure::MALFORMED_ID)?, mailbox))
}

fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write;
    bytes.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02X}");
        text
    })
}

fn write_id(id: &str, format: &str) -> String {
    match format {
        "HexEntryId" => hex(&URL_SAFE.decode(id).unwrap_or_default()),
        _ => id.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn identifiers_of_exchange_are_taken_apart_and_altered_ones_are_not() {
        let entry = [7_u8; 46];
        let guid = b"2147d128-3158-4f3c-b0ae-d1923a5e5002";
        let whole = [&[0, 3, 36, 0][..], guid, &[0, 46, 0], &entry].concat();
        let text = STANDARD.encode(&whole);
        let foreign = Foreign::read(&text).expect("it is well-formed");
        assert_eq!(foreign.write("HexEntryId"), "07".repeat(46));
        assert_eq!(foreign.write("EntryId"), STANDARD.encode(entry));
        assert_eq!(foreign.write("EwsId"), text);
        for altered in [&whole[..whole.len() - 1], &whole[1..], &[&whole[..], &[0]].concat(), &[]] {
            assert!(Foreign::read(&STANDARD.encode(altered)).is_none());
        }
    }
}
