//! `GetUserConfiguration`, `CreateUserConfiguration`, `UpdateUserConfiguration` and `DeleteUserConfiguration`: what
//! programs store about folders.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;

use super::context::{Context, FolderTarget, Refused};
use super::failure::Failure;
use super::fields::codec::read_bool;
use super::folder_shape::write_id;
use super::item_ids;
use super::messages::Messages;
use super::names::{
    CREATE_USER_CONFIGURATION, DELETE_USER_CONFIGURATION, GET_USER_CONFIGURATION, UPDATE_USER_CONFIGURATION,
};
use crate::mailbox::content::Content;
use crate::mailbox::open::Open;
use crate::mailbox::settings::{Configuration, Object};
use crate::protocol::host::Host;
use crate::service::cost::Work;
use crate::wire::ews::envelope::Names;
use crate::wire::ews::xml::{Element, Writer};
use crate::wire::operation::Operation;

/// The longest name is one character shorter (Microsoft Learn, "`UserConfigurationName`").
const NAME_END: usize = 237;

/// The namespace of XML Schema instances, for values that are absent.
const INSTANCE: &str = "http://www.w3.org/2001/XMLSchema-instance";

/// The types of a dictionary's keys and values (`UserConfigurationDictionaryObjectTypesType` in `types.xsd`).
const KINDS: [&str; 10] = [
    "DateTime",
    "Boolean",
    "Byte",
    "String",
    "Integer32",
    "UnsignedInteger32",
    "Integer64",
    "UnsignedInteger64",
    "StringArray",
    "ByteArray",
];

/// What a request names.
struct Named {
    folder: FolderTarget,
    name: String,
}

fn read_name<H: Host>(
    name: Option<&Element<'_>>,
    context: &mut Context<'_, H>,
) -> Result<Result<Named, Failure>, Refused> {
    let element = name.ok_or_else(|| Refused::schema("UserConfigurationName is missing"))?;
    let name = element.attribute("Name").unwrap_or_default();
    let proper = name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'.' || byte == b'_');
    if name.is_empty() || name.len() >= NAME_END || !proper || name.starts_with("IPM.Configuration") {
        return Ok(Err(Failure::CONFIGURATION_NAME));
    }
    let folder = context.single_folder(Some(element))?;
    Ok(folder.map(|folder| Named { folder, name: name.to_owned() }))
}

/// Does something with what a request names, and writes the message.
fn each<H: Host>(
    names: &'static Names,
    named: Result<Named, Failure>,
    context: &mut Context<'_, H>,
    work: impl FnOnce(&mut Open<'_, H::Content>, u32, &str) -> Result<Vec<u8>, Failure>,
) -> Result<Vec<u8>, Refused> {
    let mut messages = Messages::new(names, None);
    match named {
        Err(failure) => messages.fail(failure),
        Ok(Named { folder, name }) => context.perform(folder.mailbox(), Operation::Other, |open| {
            match folder.ordinal(open).and_then(|ordinal| work(open, ordinal, &name)) {
                Ok(written) => messages.succeed(|writer| writer.raw(&written)),
                Err(failure) => messages.fail(failure),
            }
            ((), Work::default())
        })?,
    }
    Ok(messages.finish())
}

fn find<'o, C: Content>(open: &'o Open<'_, C>, folder: u32, name: &str) -> Result<&'o Configuration, Failure> {
    let known = open.settings().configurations.get(&folder).and_then(|all| all.get(name));
    known.ok_or(Failure::ITEM_NOT_FOUND)
}

/// `GetUserConfiguration`.
pub(super) fn get<H: Host>(request: &Element<'_>, context: &mut Context<'_, H>) -> Result<Vec<u8>, Refused> {
    let wanted = request.message("UserConfigurationProperties");
    let wanted = wanted.ok_or_else(|| Refused::schema("UserConfigurationProperties is missing"))?;
    let wanted: Vec<&str> = wanted.text().split_whitespace().collect();
    let named = read_name(request.message("UserConfigurationName"), context)?;
    each(&GET_USER_CONFIGURATION, named, context, |open, folder, name| {
        let found = find(open, folder, name)?;
        let mailbox = open.mailbox();
        let wants = |part| wanted.contains(&"All") || wanted.contains(&part);
        let mut writer = Writer::cleaning_fragment();
        writer.open("m:UserConfiguration", &[]);
        writer.open("t:UserConfigurationName", &[("Name", name)]);
        write_id(&mut writer, "t:FolderId", mailbox, folder, 0);
        writer.close("t:UserConfigurationName");
        if wants("Id") {
            // These identifiers lead nowhere but here: what they name is no item of the folder's listing.
            let id = item_ids::item(mailbox, 1 << 62 | found.number, None);
            writer.empty("t:ItemId", &[("Id", &id), ("ChangeKey", &item_ids::change_key(mailbox, found.version))]);
        }
        if let Some(dictionary) = found.dictionary.as_ref().filter(|_| wants("Dictionary")) {
            write_dictionary(&mut writer, dictionary);
        }
        for (part, element, bytes) in
            [("XmlData", "t:XmlData", &found.xml), ("BinaryData", "t:BinaryData", &found.binary)]
        {
            if let Some(bytes) = bytes.as_ref().filter(|_| wants(part)) {
                writer.leaf(element, &STANDARD.encode(bytes));
            }
        }
        writer.close("m:UserConfiguration");
        Ok(writer.finish())
    })
}

fn write_dictionary(writer: &mut Writer, dictionary: &[(Object, Option<Object>)]) {
    let object = |writer: &mut Writer, name: &str, object: &Object| {
        writer.open(name, &[]);
        writer.leaf("t:Type", &object.kind);
        object.values.iter().for_each(|value| writer.leaf("t:Value", value));
        writer.close(name);
    };
    writer.open("t:Dictionary", &[]);
    for (key, value) in dictionary {
        writer.open("t:DictionaryEntry", &[]);
        object(writer, "t:DictionaryKey", key);
        match value {
            Some(value) => object(writer, "t:DictionaryValue", value),
            None => writer.empty("t:DictionaryValue", &[("xmlns:xsi", INSTANCE), ("xsi:nil", "true")]),
        }
        writer.close("t:DictionaryEntry");
    }
    writer.close("t:Dictionary");
}

/// The parts of a configuration that a request holds; others are absent.
fn read(configuration: &Element<'_>) -> Result<Configuration, Failure> {
    let bytes = |name| {
        let text = configuration.typed(name).map(Element::text);
        let bytes = text.map(|text| STANDARD.decode(text).map(Bytes::from).map_err(|_| Failure::CORRUPT_DATA));
        bytes.transpose()
    };
    let dictionary = configuration.typed("Dictionary").map(|dictionary| {
        let entries = dictionary.children.iter().map(|entry| {
            let key = entry.typed("DictionaryKey").and_then(read_object).ok_or(Failure::REQUEST)?;
            let value = entry.typed("DictionaryValue").ok_or(Failure::REQUEST)?;
            if value.attribute("xsi:nil").and_then(read_bool) == Some(true) {
                return Ok((key, None));
            }
            Ok((key, Some(read_object(value).ok_or(Failure::REQUEST)?)))
        });
        entries.collect::<Result<Vec<_>, Failure>>()
    });
    let (xml, binary) = (bytes("XmlData")?, bytes("BinaryData")?);
    Ok(Configuration { number: 0, version: 0, dictionary: dictionary.transpose()?, xml, binary })
}

fn read_object(object: &Element<'_>) -> Option<Object> {
    let kind = object.typed("Type")?.text();
    let values = object.children.iter().filter(|child| &*child.name == "Value");
    let values: Option<Vec<String>> = match kind {
        // However a truth was written, it is told as .NET writes it.
        "Boolean" => {
            values.map(|value| Some(if read_bool(value.text())? { "True" } else { "False" }.to_owned())).collect()
        }
        _ => values.map(|value| Some(value.whole_text().to_owned())).collect(),
    };
    let values = values.filter(|values| !values.is_empty())?;
    KINDS.contains(&kind).then(|| Object { kind: kind.to_owned(), values })
}

/// `CreateUserConfiguration`.
pub(super) fn create<H: Host>(request: &Element<'_>, context: &mut Context<'_, H>) -> Result<Vec<u8>, Refused> {
    let asked = request.message("UserConfiguration");
    let asked = asked.ok_or_else(|| Refused::schema("the configuration is missing"))?;
    let named = read_name(asked.typed("UserConfigurationName"), context)?;
    each(&CREATE_USER_CONFIGURATION, named, context, |open, folder, name| {
        if find(open, folder, name).is_ok() {
            return Err(Failure::ITEM_SAVE);
        }
        let made = read(asked)?;
        let settings = open.settings_mut();
        let number = settings.next_number();
        let all = settings.configurations.entry(folder).or_default();
        all.insert(name.to_owned(), Configuration { number, ..made });
        Ok(Vec::new())
    })
}

/// `UpdateUserConfiguration`: parts that are not there stay what they are.
pub(super) fn update<H: Host>(request: &Element<'_>, context: &mut Context<'_, H>) -> Result<Vec<u8>, Refused> {
    let asked = request.message("UserConfiguration");
    let asked = asked.ok_or_else(|| Refused::schema("the configuration is missing"))?;
    let named = read_name(asked.typed("UserConfigurationName"), context)?;
    each(&UPDATE_USER_CONFIGURATION, named, context, |open, folder, name| {
        let before = find(open, folder, name)?.clone();
        let made = read(asked)?;
        let after = Configuration {
            number: before.number,
            version: before.version + 1,
            dictionary: made.dictionary.or(before.dictionary),
            xml: made.xml.or(before.xml),
            binary: made.binary.or(before.binary),
        };
        open.settings_mut().configurations.entry(folder).or_default().insert(name.to_owned(), after);
        Ok(Vec::new())
    })
}

/// `DeleteUserConfiguration`.
pub(super) fn delete<H: Host>(request: &Element<'_>, context: &mut Context<'_, H>) -> Result<Vec<u8>, Refused> {
    let named = read_name(request.message("UserConfigurationName"), context)?;
    each(&DELETE_USER_CONFIGURATION, named, context, |open, folder, name| {
        find(open, folder, name)?;
        open.settings_mut().configurations.entry(folder).or_default().remove(name);
        Ok(Vec::new())
    })
}
