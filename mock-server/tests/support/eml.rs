//! Real messages, and what an independent reader says about them.

use std::path::{Path, PathBuf};

use mail_parser::{Address, MessageParser, MimeHeaders};

/// The folder of the messages, which is beside the project.
pub(crate) fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/data/eml")
}

/// The files of all messages, if the folder is there.
pub(crate) fn messages() -> Option<Vec<PathBuf>> {
    let folder = folder();
    if !folder.is_dir() {
        return None;
    }
    let all = files(&folder);
    assert!(all.len() >= 510, "{} messages", all.len());
    Some(all)
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).expect("the folder can be read") {
        let path = entry.expect("the entry can be read").path();
        if path.is_dir() {
            found.extend(files(&path));
        } else if path.extension().is_none_or(|ending| ending != "md") {
            found.push(path);
        }
    }
    found.sort();
    found
}

/// What a reader of the message itself says.
pub(crate) struct Said {
    /// The subject.
    pub(crate) subject: Option<String>,
    /// The second at which it was sent, where it is one that a calendar knows.
    pub(crate) second: Option<i64>,
    /// To, cc, bcc and reply-to.
    pub(crate) addresses: Vec<String>,
    /// Names and contents; contents of attached messages are left to their readers.
    pub(crate) attachments: Vec<(Option<String>, Option<Vec<u8>>)>,
}

/// What mail-parser says about a message.
pub(crate) fn said(bytes: &[u8]) -> Said {
    let message = MessageParser::default().parse(bytes).expect("a message");
    let addresses = [message.to(), message.cc(), message.bcc(), message.reply_to()];
    let addresses = addresses.into_iter().flatten().flat_map(Address::iter);
    let attachments = message.attachments().map(|part| {
        let content = part.message().is_none().then(|| part.contents().to_vec());
        (part.attachment_name().map(str::to_owned), content)
    });
    let second = message.date().map(mail_parser::DateTime::to_timestamp);
    Said {
        subject: message.subject().map(str::to_owned),
        second: second.filter(|second| jiff::Timestamp::from_second(*second).is_ok()),
        addresses: addresses.map(|one| one.address.as_deref().unwrap_or_default().to_owned()).collect(),
        attachments: attachments.collect(),
    }
}
