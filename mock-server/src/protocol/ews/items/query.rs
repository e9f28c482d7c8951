//! Search by words (`QueryString`), in the part of Advanced Query Syntax that mail clients use: words and phrases,
//! alone or behind a keyword and a colon, joined by `AND`, `OR` and `NOT`.

use crate::mailbox::item::Role;
use crate::mailbox::property::Value;
use crate::protocol::ews::fields::field::Slot;
use crate::protocol::ews::fields::props::{get, text};
use crate::protocol::ews::fields::scene::Scene;
use crate::protocol::ews::fields::tables::{FROM, SENDER};
use crate::protocol::ews::fields::{basics, body, people};

/// The most words of one search that are looked at (assumed).
const TERMS_MAX: usize = 256;

/// Where a word must stand.
#[derive(Copy, Clone, PartialEq, Eq, Debug)]
enum Place {
    Anywhere,
    Subject,
    Body,
    From,
    People(Option<Role>),
    Attachment,
    Category,
    HasAttachments,
    IsRead,
}

/// One word or phrase.
#[derive(Clone, PartialEq, Eq, Debug)]
struct Term {
    place: Place,
    words: String,
    not: bool,
}

/// A search: one of the groups must hold, and of a group, every term.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Query {
    groups: Vec<Vec<Term>>,
}

const KEYWORDS: [(&str, Place); 16] = [
    ("subject", Place::Subject),
    ("body", Place::Body),
    ("content", Place::Body),
    ("from", Place::From),
    ("sender", Place::From),
    ("to", Place::People(Some(Role::To))),
    ("cc", Place::People(Some(Role::Cc))),
    ("bcc", Place::People(Some(Role::Bcc))),
    ("participants", Place::People(None)),
    ("recipients", Place::People(None)),
    ("attachment", Place::Attachment),
    ("attachments", Place::Attachment),
    ("category", Place::Category),
    ("hasattachment", Place::HasAttachments),
    ("hasattachments", Place::HasAttachments),
    ("isread", Place::IsRead),
];

impl Query {
    /// Reads a search. Every text is one; what is no keyword is a word.
    pub(super) fn read(query: &str) -> Self {
        let mut groups = vec![Vec::new()];
        let mut not = false;
        let mut rest = query.trim_start();
        let mut terms = 0;
        while !rest.is_empty() && terms < TERMS_MAX {
            let (place, behind) = keyword(rest);
            let (words, behind) = words(behind);
            rest = behind.trim_start();
            match words {
                "AND" if place == Place::Anywhere => {}
                "OR" if place == Place::Anywhere => groups.push(Vec::new()),
                "NOT" if place == Place::Anywhere => not = true,
                "" => {}
                words => {
                    let term = Term { place, words: words.to_lowercase(), not };
                    groups.last_mut().expect("there is always a group").push(term);
                    terms += 1;
                    not = false;
                }
            }
        }
        groups.retain(|group| !group.is_empty());
        Self { groups }
    }

    /// Whether an item is shown.
    pub(super) fn holds(&self, scene: &Scene<'_>) -> bool {
        self.groups.is_empty() || self.groups.iter().any(|group| group.iter().all(|term| term.holds(scene)))
    }
}

/// The keyword that a text begins with, and what follows its colon.
fn keyword(text: &str) -> (Place, &str) {
    let Some((word, behind)) = text.split_once(':') else { return (Place::Anywhere, text) };
    let known = KEYWORDS.iter().find(|(known, _)| word.eq_ignore_ascii_case(known));
    known.map_or((Place::Anywhere, text), |(_, place)| (*place, behind))
}

/// The word or phrase that a text begins with, and what follows it.
fn words(text: &str) -> (&str, &str) {
    if let Some(quoted) = text.strip_prefix('"')
        && let Some((phrase, behind)) = quoted.split_once('"')
    {
        return (phrase, behind);
    }
    text.split_once(char::is_whitespace).unwrap_or((text, ""))
}

impl Term {
    fn holds(&self, scene: &Scene<'_>) -> bool {
        let item = scene.item;
        let within = |text: &str| text.to_lowercase().contains(&self.words);
        let subject = || text(item, basics::SUBJECT).is_some_and(|subject| within(subject));
        let body = || body::plain(item).is_some_and(|body| within(&body));
        let from = || {
            [FROM, SENDER]
                .into_iter()
                .filter_map(|tags| people::single(item, tags))
                .any(|address| within(&address.name) || within(&address.address))
        };
        let people = |role: Option<Role>| {
            let mut all = item.people.iter().filter(|person| role.is_none_or(|role| person.role == role));
            all.any(|person| within(&person.name) || within(&person.address))
        };
        let attachment = || item.attachments.iter().any(|attachment| within(&attachment.name));
        let yes = matches!(&*self.words, "yes" | "true" | "1");
        let found = match self.place {
            Place::Anywhere => subject() || from() || people(None) || body() || attachment(),
            Place::Subject => subject(),
            Place::Body => body(),
            Place::From => from(),
            Place::People(None) => people(None) || from(),
            Place::People(role) => people(role),
            Place::Attachment => attachment(),
            Place::Category => {
                let slot = Slot::Name(crate::mailbox::property::PUBLIC_STRINGS, "Keywords");
                match get(item, &slot.property()) {
                    Some(Value::Texts(texts)) => texts.iter().any(|text| within(text)),
                    _ => false,
                }
            }
            Place::HasAttachments => basics::has_attachments(item) == yes,
            Place::IsRead => item.is_read() == yes,
        };
        found != self.not
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn terms(query: &str) -> Vec<Vec<(Place, String, bool)>> {
        let groups = Query::read(query).groups;
        groups.into_iter().map(|group| group.into_iter().map(|t| (t.place, t.words, t.not)).collect()).collect()
    }

    #[test]
    fn keywords_phrases_and_joints_are_read_and_the_rest_are_words() {
        assert_eq!(
            terms("To:\"Alice B\" AND Subject:Budget x:y OR NOT from:bob"),
            [
                vec![
                    (Place::People(Some(Role::To)), "alice b".to_owned(), false),
                    (Place::Subject, "budget".to_owned(), false),
                    (Place::Anywhere, "x:y".to_owned(), false),
                ],
                vec![(Place::From, "bob".to_owned(), true)],
            ]
        );
        assert!(terms("").is_empty());
        assert_eq!(terms("\"open")[0][0].1, "\"open");
    }
}
