//! The table of fields against the schema: names, order, and what is asked.

#![expect(clippy::print_stderr, reason = "a test that is skipped says so")]

use std::collections::BTreeSet;
use std::path::PathBuf;

use super::*;
use crate::wire::ews::xml::{Element, MAX_ANSWER_BYTES, parse};

/// Microsoft's schema, beside the repository; nothing where it is not there.
fn schema() -> Option<Vec<u8>> {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../shared/data/ews-schema/types.xsd");
    let read = std::fs::read(&path).ok();
    if read.is_none() {
        eprintln!("skipped: {} is not there", path.display());
    }
    read
}

fn named<'d, 'a>(root: &'d Element<'a>, kind: &str, name: &str) -> Option<&'d Element<'a>> {
    root.children.iter().find(|child| &*child.name == kind && child.attribute("name") == Some(name))
}

/// The elements of a type in order, those of its base first.
fn sequence(root: &Element<'_>, name: &str) -> Vec<String> {
    fn collect(root: &Element<'_>, element: &Element<'_>, found: &mut Vec<String>) {
        match &*element.name {
            "extension" => {
                let base = element.attribute("base").unwrap_or_default();
                found.extend(sequence(root, base.strip_prefix("t:").unwrap_or(base)));
            }
            "element" => found.extend(element.attribute("name").map(str::to_owned)),
            _ => {}
        }
        if &*element.name != "element" {
            element.children.iter().for_each(|child| collect(root, child, found));
        }
    }
    let mut found = Vec::new();
    if let Some(element) = named(root, "complexType", name) {
        collect(root, element, &mut found);
    }
    found
}

#[test]
fn the_fields_of_every_sort_stand_in_the_order_of_the_schema() {
    let Some(bytes) = schema() else { return };
    let root = parse(&bytes, MAX_ANSWER_BYTES).expect("the schema is XML");
    for (sort, name) in [
        (Sort::Message, "MessageType"),
        (Sort::CalendarItem, "CalendarItemType"),
        (Sort::Contact, "ContactItemType"),
        (Sort::DistributionList, "DistributionListType"),
        (Sort::Task, "TaskType"),
        (Sort::PostItem, "PostItemType"),
        (Sort::MeetingMessage, "MeetingMessageType"),
        (Sort::MeetingRequest, "MeetingRequestMessageType"),
        (Sort::MeetingResponse, "MeetingResponseMessageType"),
        (Sort::MeetingCancellation, "MeetingCancellationMessageType"),
    ] {
        let order = sequence(&root, name);
        assert!(order.len() > 50, "{name} has {} elements", order.len());
        let mut last = 0;
        for field in of_sort(sort).filter(|field| !matches!(field.codec, Absent)) {
            let Some(place) = order.iter().position(|element| element == field.element()) else {
                // Of answers, cancellations are shown with fewer fields: what they lack, no item of theirs has.
                assert_eq!(sort, Sort::MeetingCancellation, "{name} has no {}", field.uri);
                continue;
            };
            assert!(place >= last, "{} stands behind {} in {name}", order[last], field.uri);
            last = place;
        }
    }
}

#[test]
fn every_field_that_the_schema_names_for_items_is_known() {
    let Some(bytes) = schema() else { return };
    let root = parse(&bytes, MAX_ANSWER_BYTES).expect("the schema is XML");
    let names = named(&root, "simpleType", "UnindexedFieldURIType").expect("the type of field names");
    let mut known = BTreeSet::new();
    for value in names.children.iter().flat_map(|restriction| &restriction.children) {
        let uri = value.attribute("value").unwrap_or_default();
        let prefix = uri.split(':').next().unwrap_or_default();
        let items = ["item", "message", "meeting", "meetingRequest", "calendar", "task", "contacts", "postitem"];
        if items.contains(&prefix) || uri == "distributionlist:Members" {
            assert!(field(uri).is_some(), "{uri}");
            known.insert(uri.to_owned());
        }
    }
    assert!(known.len() > 200);
}

#[test]
fn no_sort_has_a_field_twice() {
    for sort in Sort::ALL {
        let mut seen = BTreeSet::new();
        for field in of_sort(sort) {
            assert!(seen.insert(field.uri), "{sort:?} has {} twice", field.uri);
        }
    }
}
