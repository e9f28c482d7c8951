//! What surrounds every operation: the SOAP envelope, its header, and the response messages.

use std::sync::LazyLock;

use super::EwsError;
use super::xml::{Element, MESSAGES_URI, SOAP_URI, Space, TYPES_URI, Writer};
use crate::wire::call::Call;
use crate::wire::operation::Operation;

/// The names that an operation has on the wire.
#[derive(PartialEq, Eq, Debug)]
pub(crate) struct Names {
    /// The operation itself.
    pub(crate) operation: &'static str,
    /// The element of a request.
    pub(crate) request: &'static str,
    /// The element of a response.
    pub(crate) response: &'static str,
    /// The element of one message of a response.
    pub(crate) message: &'static str,
}

macro_rules! names {
    ($operation:literal) => {
        Names {
            operation: $operation,
            request: concat!("m:", $operation),
            response: concat!("m:", $operation, "Response"),
            message: concat!("m:", $operation, "ResponseMessage"),
        }
    };
}

pub(crate) static GET_FOLDER: Names = names!("GetFolder");
pub(crate) static FIND_FOLDER: Names = names!("FindFolder");
pub(crate) static SYNC_FOLDER_HIERARCHY: Names = names!("SyncFolderHierarchy");
pub(crate) static SYNC_FOLDER_ITEMS: Names = names!("SyncFolderItems");
pub(crate) static FIND_ITEM: Names = names!("FindItem");
pub(crate) static GET_ITEM: Names = names!("GetItem");
pub(crate) static EXPORT_ITEMS: Names = names!("ExportItems");
pub(crate) static UPLOAD_ITEMS: Names = names!("UploadItems");
pub(crate) static CREATE_FOLDER: Names = names!("CreateFolder");
pub(crate) static UPDATE_FOLDER: Names = names!("UpdateFolder");
pub(crate) static MOVE_FOLDER: Names = names!("MoveFolder");
pub(crate) static CREATE_ITEM: Names = names!("CreateItem");
pub(crate) static DELETE_ITEM: Names = names!("DeleteItem");

/// The names of the operation that a call is; nothing for calls that EWS does not have.
pub(crate) fn names_of(call: &Call) -> Option<&'static Names> {
    match call {
        Call::RenameFolder { .. } => Some(&UPDATE_FOLDER),
        Call::MoveFolder { .. } => Some(&MOVE_FOLDER),
        call => names(call.operation()),
    }
}

/// The names of an operation; nothing for those that EWS does not have, or has several of.
pub(crate) fn names(operation: Operation) -> Option<&'static Names> {
    Some(match operation {
        Operation::GetFolders => &GET_FOLDER,
        Operation::FindFolders => &FIND_FOLDER,
        Operation::SyncFolders => &SYNC_FOLDER_HIERARCHY,
        Operation::SyncItems => &SYNC_FOLDER_ITEMS,
        Operation::FindItems => &FIND_ITEM,
        Operation::GetItems => &GET_ITEM,
        Operation::ExportItems => &EXPORT_ITEMS,
        Operation::UploadItems => &UPLOAD_ITEMS,
        Operation::CreateFolder => &CREATE_FOLDER,
        Operation::CreateMessage => &CREATE_ITEM,
        Operation::DeleteItems => &DELETE_ITEM,
        _ => return None,
    })
}

/// The version that the server says it is: Exchange Online (15, 20). The build is that of no real server.
const SERVER_VERSION: [(&str, &str); 4] =
    [("MajorVersion", "15"), ("MinorVersion", "20"), ("MajorBuildNumber", "1"), ("MinorBuildNumber", "0")];

const NAMESPACES: [(&str, &str); 3] = [("xmlns:s", SOAP_URI), ("xmlns:m", MESSAGES_URI), ("xmlns:t", TYPES_URI)];

/// Writes a request: the envelope with the mailbox that the caller speaks for, and the operation within.
pub(crate) fn write_request(writer: &mut Writer, address: &str, write: impl FnOnce(&mut Writer)) {
    writer.open("s:Envelope", &NAMESPACES);
    writer.open("s:Header", &[]);
    writer.empty("t:RequestServerVersion", &[("Version", "Exchange2016")]);
    writer.open("t:ExchangeImpersonation", &[]);
    writer.open("t:ConnectingSID", &[]);
    writer.leaf("t:PrimarySmtpAddress", address);
    writer.close("t:ConnectingSID");
    writer.close("t:ExchangeImpersonation");
    writer.close("s:Header");
    writer.open("s:Body", &[]);
    write(writer);
    writer.close("s:Body");
    writer.close("s:Envelope");
}

/// Writes the envelope of everything that the server says in SOAP.
pub(crate) fn write_envelope(writer: &mut Writer, write: impl FnOnce(&mut Writer)) {
    open_envelope(writer);
    write(writer);
    close_envelope(writer);
}

/// What stands before every body.
static BEFORE_BODY: LazyLock<Vec<u8>> = LazyLock::new(|| {
    let mut writer = Writer::fragment();
    writer.open("s:Envelope", &[("xmlns:s", SOAP_URI)]);
    writer.open("s:Header", &[]);
    let mut version = SERVER_VERSION.to_vec();
    version.push(("xmlns:h", TYPES_URI));
    writer.empty("h:ServerVersionInfo", &version);
    writer.close("s:Header");
    writer.open("s:Body", &[]);
    writer.finish()
});

fn open_envelope(writer: &mut Writer) {
    writer.raw(&BEFORE_BODY);
}

fn close_envelope(writer: &mut Writer) {
    writer.close("s:Body");
    writer.close("s:Envelope");
}

/// Writes a response with its messages.
pub(crate) fn write_response(writer: &mut Writer, names: &Names, write: impl FnOnce(&mut Writer)) {
    open_response(writer, names);
    write(writer);
    close_response(writer, names);
}

/// Writes what stands before the messages of a response.
pub(crate) fn open_response(writer: &mut Writer, names: &Names) {
    open_envelope(writer);
    writer.open(names.response, &[("xmlns:m", MESSAGES_URI), ("xmlns:t", TYPES_URI)]);
    writer.open("m:ResponseMessages", &[]);
}

/// Writes what stands after them.
pub(crate) fn close_response(writer: &mut Writer, names: &Names) {
    writer.close("m:ResponseMessages");
    writer.close(names.response);
    close_envelope(writer);
}

/// Writes one message that tells of success.
pub(crate) fn write_success(writer: &mut Writer, names: &Names, write: impl FnOnce(&mut Writer)) {
    writer.open(names.message, &[("ResponseClass", "Success")]);
    writer.leaf("m:ResponseCode", "NoError");
    write(writer);
    writer.close(names.message);
}

/// A request as it arrived, before its operation is looked at.
pub(crate) struct Envelope<'d, 'a> {
    /// The mailbox that the caller speaks for.
    pub(crate) impersonated: Option<&'d str>,
    /// The operation.
    pub(crate) operation: &'d Element<'a>,
}

/// Versions of the schema before those that are dates (`ExchangeVersionType`). Versions of the server that have no schema of
/// their own are refused as `outlook.office365.com` does (jamesiarmes/php-ews#346).
const VERSIONS: [&str; 9] = [
    "Exchange2007",
    "Exchange2007_SP1",
    "Exchange2010",
    "Exchange2010_SP1",
    "Exchange2010_SP2",
    "Exchange2013",
    "Exchange2013_SP1",
    "Exchange2015",
    "Exchange2016",
];

/// Whether the schema has a version: by name, or by date as in `V2018_01_08`.
fn is_version(name: &str) -> bool {
    let is_date = |date: &str| {
        let numbers = date
            .bytes()
            .enumerate()
            .all(|(at, byte)| if at == 4 || at == 7 { byte == b'_' } else { byte.is_ascii_digit() });
        numbers && date.len() == 10
    };
    VERSIONS.contains(&name) || name.strip_prefix('V').is_some_and(is_date)
}

/// Looks into the envelope of a request.
pub(crate) fn read_request<'d, 'a>(document: &'d Element<'a>) -> Result<Envelope<'d, 'a>, EwsError> {
    if !document.is(Space::Soap, "Envelope") {
        return Err(EwsError::schema("the document is not a SOAP 1.1 envelope"));
    }
    let body = document.child(Space::Soap, "Body").ok_or_else(|| EwsError::schema("the envelope has no body"))?;
    let [operation] = &*body.children else {
        return Err(EwsError::schema("the body must hold exactly one operation"));
    };
    let header = document.child(Space::Soap, "Header");
    let version = header.and_then(|header| header.typed("RequestServerVersion"));
    if version.and_then(|version| version.attribute("Version")).is_some_and(|name| !is_version(name)) {
        return Err(EwsError::Version);
    }
    let sid = header
        .and_then(|header| header.typed("ExchangeImpersonation"))
        .and_then(|impersonation| impersonation.typed("ConnectingSID"));
    let impersonated = sid.and_then(|sid| {
        ["PrimarySmtpAddress", "SmtpAddress", "PrincipalName", "SID"]
            .iter()
            .find_map(|name| sid.typed(name))
            .map(Element::text)
            .filter(|address| !address.is_empty())
    });
    Ok(Envelope { impersonated, operation })
}

/// Writes a response with one message, which tells of success.
pub(crate) fn write_single(writer: &mut Writer, names: &Names, write: impl FnOnce(&mut Writer)) {
    write_response(writer, names, |writer| write_success(writer, names, write));
}
