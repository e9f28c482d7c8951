//! Items that requests describe, made and shown again.

#![expect(clippy::print_stderr, reason = "a test that is skipped says so")]

use std::path::{Path, PathBuf};

use super::*;
use crate::protocol::ews::fields::scene::{Place, Scene, Series, Viewer};
use crate::protocol::ews::fields::shape::{Shape, write_item};
use crate::wire::ews::xml::{MAX_REQUEST_BYTES, TYPES_URI, Writer, parse};
use crate::wire::id::MailboxKey;

const WALL: Timestamp = Timestamp::UNIX_EPOCH;

/// Makes the item that an element describes.
fn made(element: &str) -> Result<Item, Failure> {
    let wrapped = format!("<t:w xmlns:t='{TYPES_URI}'>{element}</t:w>");
    let document = parse(wrapped.as_bytes(), MAX_REQUEST_BYTES).expect("the test's own XML");
    read_item(&document.children[0], WALL, &TimeZone::UTC)
}

/// The item as it is shown in a shape.
fn shown(item: &Item, shape: &str, find: bool) -> String {
    let wrapped = format!("<t:s xmlns:t='{TYPES_URI}'>{shape}</t:s>");
    let document = parse(wrapped.as_bytes(), MAX_REQUEST_BYTES).expect("the test's own XML");
    let shape = Shape::read(&document).expect("the test's own shape");
    let place = Place { number: 1, folder: 1, version: 1, size: item.size() };
    let viewer = Viewer { mailbox: MailboxKey(0), address: "alice@contoso.test" };
    let scene = Scene { item, place, within: &[], viewer, series: Series::Single, shape: &shape, find };
    let mut writer = Writer::fragment();
    write_item(&mut writer, &scene);
    let text = String::from_utf8(writer.finish()).expect("what is written is text");
    let (head, rest) = text.split_once("<t:ItemId").expect("every item has its reference");
    let (_, tail) = rest.split_once("/>").expect("the reference is an empty element");
    format!("{head}{tail}")
}

/// What comes back of an item when some fields are asked for by name.
fn check(element: &str, paths: &[&str], expected: &str) {
    let paths: Vec<String> = paths.iter().map(|path| format!("<t:FieldURI FieldURI='{path}'/>")).collect();
    let paths = paths.concat();
    let shape = format!("<t:BaseShape>IdOnly</t:BaseShape><t:AdditionalProperties>{paths}</t:AdditionalProperties>");
    let item = made(element).expect("the test's own item");
    assert_eq!(shown(&item, &shape, false), expected);
}

#[test]
fn only_what_is_asked_comes_back_and_in_the_order_of_the_schema() {
    let message = "<t:Message><t:Subject>a &lt; b</t:Subject><t:Body BodyType='Text'>hello</t:Body>\
        <t:Categories><t:String>red</t:String><t:String>blue</t:String></t:Categories>\
        <t:Importance>High</t:Importance><t:ToRecipients><t:Mailbox><t:EmailAddress>b@c.test</t:EmailAddress>\
        </t:Mailbox></t:ToRecipients><t:IsRead>true</t:IsRead></t:Message>";
    check(message, &[], "<t:Message></t:Message>");
    check(
        message,
        &["message:IsRead", "item:Importance", "item:Subject"],
        "<t:Message><t:Subject>a &lt; b</t:Subject><t:Importance>High</t:Importance><t:IsRead>true</t:IsRead></t:Message>",
    );
    check(
        message,
        &["item:Categories"],
        "<t:Message><t:Categories><t:String>red</t:String><t:String>blue</t:String></t:Categories></t:Message>",
    );
    check(
        message,
        &["message:ToRecipients"],
        "<t:Message><t:ToRecipients><t:Mailbox><t:Name>b@c.test</t:Name><t:EmailAddress>b@c.test</t:EmailAddress>\
         <t:RoutingType>SMTP</t:RoutingType><t:MailboxType>Mailbox</t:MailboxType></t:Mailbox></t:ToRecipients></t:Message>",
    );
}

#[test]
fn the_spelling_of_a_tag_is_that_of_the_client() {
    let item = made(
        "<t:Message><t:ExtendedProperty><t:ExtendedFieldURI PropertyTag='0x1090' PropertyType='Integer'/>\
         <t:Value>2</t:Value></t:ExtendedProperty></t:Message>",
    )
    .expect("a message");
    for tag in ["0x1090", "4240"] {
        let uri = format!("<t:ExtendedFieldURI PropertyTag='{tag}' PropertyType='Integer'/>");
        let shape = format!("<t:BaseShape>IdOnly</t:BaseShape><t:AdditionalProperties>{uri}</t:AdditionalProperties>");
        let expected = format!(
            "<t:Message><t:ExtendedProperty><t:ExtendedFieldURI PropertyTag=\"{tag}\" PropertyType=\"Integer\"/>\
             <t:Value>2</t:Value></t:ExtendedProperty></t:Message>"
        );
        assert_eq!(shown(&item, &shape, false), expected);
    }
}

#[test]
fn meetings_of_whole_days_begin_and_end_at_midnight_where_they_are() {
    check(
        "<t:CalendarItem><t:Start>2016-01-01T10:00:00+01:00</t:Start><t:End>2016-01-02T11:00:00+01:00</t:End>\
         <t:IsAllDayEvent>true</t:IsAllDayEvent><t:StartTimeZone Id='Romance Standard Time'/></t:CalendarItem>",
        &["calendar:Start", "calendar:End", "calendar:Duration"],
        "<t:CalendarItem><t:Start>2015-12-31T23:00:00Z</t:Start><t:End>2016-01-02T23:00:00Z</t:End>\
         <t:Duration>P2D</t:Duration></t:CalendarItem>",
    );
}

#[test]
fn what_cannot_be_set_is_refused_with_its_code() {
    for (element, failure) in [
        ("<t:Message><t:Size>1</t:Size></t:Message>", Failure::PROPERTY_SET),
        ("<t:Message><t:Location>x</t:Location></t:Message>", Failure::PROPERTY_REQUEST),
        ("<t:Message><t:Importance>Huge</t:Importance></t:Message>", Failure::PROPERTY_VALUE),
        ("<t:Message><t:MimeContent>!</t:MimeContent></t:Message>", Failure::MIME_BASE64),
        ("<t:Nothing/>", Failure::ITEM_TYPE),
        (
            "<t:Message><t:ExtendedProperty><t:ExtendedFieldURI PropertyTag='1' PropertyName='a' PropertyType='String'/>\
             <t:Value>x</t:Value></t:ExtendedProperty></t:Message>",
            Failure::EXTENDED_PROPERTY,
        ),
        (
            "<t:CalendarItem><t:Start>2016-01-02T00:00:00Z</t:Start><t:End>2016-01-01T00:00:00Z</t:End></t:CalendarItem>",
            Failure::END_BEFORE_START,
        ),
    ] {
        assert_eq!(made(element), Err(failure), "{element}");
    }
}

#[test]
fn listings_show_the_start_of_long_texts_and_no_bodies() {
    let long = "x".repeat(300);
    let contact = format!("<t:Contact><t:Body BodyType='Text'>b</t:Body><t:JobTitle>{long}</t:JobTitle></t:Contact>");
    let item = made(&contact).expect("a contact");
    let shape = "<t:BaseShape>IdOnly</t:BaseShape><t:AdditionalProperties><t:FieldURI FieldURI='item:Body'/>\
        <t:FieldURI FieldURI='contacts:JobTitle'/></t:AdditionalProperties>";
    let expected = format!("<t:Contact><t:JobTitle>{}</t:JobTitle></t:Contact>", &long[..255]);
    assert_eq!(shown(&item, shape, true), expected);
    assert!(shown(&item, shape, false).contains(&long));
}

fn messages(folder: &Path, found: &mut Vec<PathBuf>) {
    let Ok(entries) = std::fs::read_dir(folder) else { return };
    for path in entries.flatten().map(|entry| entry.path()) {
        if path.is_dir() {
            messages(&path, found);
        } else if path.extension().is_some_and(|end| end != "md" && end != "csv") {
            found.push(path);
        }
    }
}

#[test]
fn messages_made_from_mime_come_back_byte_by_byte() {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../shared/data/eml");
    let mut found = Vec::new();
    messages(&folder, &mut found);
    if found.is_empty() {
        eprintln!("skipped: {} is not there", folder.display());
        return;
    }
    for path in found {
        let bytes = std::fs::read(&path).expect("the file can be read");
        let content = codec::base64(&bytes);
        let item =
            made(&format!("<t:Message><t:MimeContent CharacterSet='UTF-8'>{content}</t:MimeContent></t:Message>"));
        let item = item.unwrap_or_else(|failure| panic!("{}: {failure:?}", path.display()));
        let shape = "<t:BaseShape>IdOnly</t:BaseShape><t:IncludeMimeContent>true</t:IncludeMimeContent>";
        let expected =
            format!("<t:Message><t:MimeContent CharacterSet=\"UTF-8\">{content}</t:MimeContent></t:Message>");
        assert!(shown(&item, shape, false) == expected, "{}", path.display());
        // Whatever a message holds, what is written of it is XML again.
        let whole = shown(&item, "<t:BaseShape>AllProperties</t:BaseShape>", false);
        let whole = whole.replacen("<t:Message>", &format!("<t:Message xmlns:t='{TYPES_URI}'>"), 1);
        assert!(parse(whole.as_bytes(), MAX_REQUEST_BYTES).is_ok(), "{}: {whole:?}", path.display());
    }
}
