//! The messages of a response, as a client finds them, and which item each of them is about.

use super::envelope::Names;
use super::fault::read_fault;
use super::xml::{Element, Space};
use super::{OMITTED, malformed};
use crate::wire::http::HttpAnswer;
use crate::wire::id::Id;
use crate::wire::opaque::{self, Kind};
use crate::wire::refusal::{ItemError, Refusal};

/// The messages of a response.
pub(super) struct Understood<'d, 'a> {
    /// The HTTP status that they came with.
    pub(super) status: u16,
    messages: Vec<&'d Element<'a>>,
}

impl<'d, 'a> Understood<'d, 'a> {
    /// Finds the messages of an operation's response. A fault is a refusal whatever status it came with.
    pub(super) fn new(document: &'d Element<'a>, names: &'static Names, answer: &HttpAnswer) -> Result<Self, Refusal> {
        let body = document.child(Space::Soap, "Body").filter(|_| document.is(Space::Soap, "Envelope"));
        let body = body.ok_or(malformed())?;
        if let Some(fault) = body.child(Space::Soap, "Fault") {
            return Err(read_fault(fault, answer.status));
        }
        let without_prefix = |name: &'static str| name.strip_prefix("m:").unwrap_or(name);
        let response = body.message(without_prefix(names.response)).ok_or(malformed())?;
        let list = response.message("ResponseMessages").ok_or(malformed())?;
        let message = without_prefix(names.message);
        let messages = list.children.iter().filter(|child| child.is(Space::Messages, message)).collect();
        Ok(Self { status: answer.status, messages })
    }

    /// The message of an operation that has exactly one.
    pub(super) fn only(&self) -> Result<&'d Element<'a>, Refusal> {
        match *self.messages {
            [message] => Ok(message),
            _ => Err(malformed()),
        }
    }

    /// Reads the messages of items that are told apart by nothing but their position.
    pub(super) fn positional<T>(
        &self,
        count: usize,
        mut read: impl FnMut(&Element<'a>) -> Result<T, ItemError>,
    ) -> Result<Vec<Result<T, ItemError>>, Refusal> {
        if self.messages.len() > count {
            return Err(malformed());
        }
        let mut found: Vec<_> = self.messages.iter().map(|message| read(message)).collect();
        found.resize_with(count, || Err(OMITTED));
        Ok(found)
    }

    /// Reads the messages of items that name the item they are about, unless they tell of an error: then the position
    /// after the last item that was named counts.
    pub(super) fn matched<T>(
        &self,
        items: &[Id],
        id: impl Fn(&Element<'a>) -> Option<String>,
        mut read: impl FnMut(&Element<'a>) -> Result<T, ItemError>,
    ) -> Result<Vec<Result<T, ItemError>>, Refusal> {
        if self.messages.len() > items.len() {
            return Err(malformed());
        }
        let mut found = Vec::with_capacity(items.len());
        for message in &self.messages {
            let at = id(message).and_then(|text| items.iter().skip(found.len()).position(|item| is_same(item, &text)));
            for _ in 0..at.unwrap_or(0) {
                found.push(Err(OMITTED));
            }
            if found.len() < items.len() {
                found.push(read(message));
            }
        }
        found.resize_with(items.len(), || Err(OMITTED));
        Ok(found)
    }
}

fn is_same(item: &Id, text: &str) -> bool {
    match item {
        Id::Text(known) => &**known == text,
        Id::Number(number) => opaque::decode(Kind::Item, text).is_some_and(|(_, found)| found == *number),
    }
}
