//! Reads journals and HTTP archives.

use std::fs::File;
use std::io::{self, BufRead, BufReader};
use std::path::{Path, PathBuf};

use super::har;
use super::record::{FORMAT, Header, Record};

/// The first bytes of a Zstandard frame (RFC 8878 section 3.1.1).
const ZSTD: [u8; 4] = [0x28, 0xb5, 0x2f, 0xfd];

/// Why a journal cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// It cannot be read from where it is.
    #[error("cannot read {path}")]
    Io {
        /// Which file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The first line is no header, and the whole is no HTTP archive either.
    #[error("{path} is neither a journal nor an HTTP archive (HAR)")]
    Unknown {
        /// Which file.
        path: PathBuf,
        /// What is wrong with the first line.
        source: serde_json::Error,
    },
    /// It is of another version.
    #[error("{path} is a journal of version `{found}`; this program reads `{FORMAT}`")]
    Version {
        /// Which file.
        path: PathBuf,
        /// The version.
        found: String,
    },
    /// A line is wrong.
    #[error("{path}, line {line}")]
    Line {
        /// Which file.
        path: PathBuf,
        /// Which line, from one.
        line: usize,
        /// What is wrong with it.
        source: serde_json::Error,
    },
    /// An archive is wrong.
    #[error("{path}")]
    Archive {
        /// Which file.
        path: PathBuf,
        /// What is wrong with it.
        source: har::HarError,
    },
}

/// A journal that was read.
#[derive(Clone, PartialEq, Debug)]
pub struct Journal {
    /// The header.
    pub header: Header,
    /// The records, in the order of arrival.
    pub records: Vec<Record>,
    /// Whether the end is missing, because whoever wrote it was killed.
    pub cut: bool,
}

/// Reads a journal, compressed or not, or an HTTP archive.
///
/// # Errors
///
/// See [`ReadError`]. A journal that breaks off is no error: what is there is read.
pub fn read(path: &Path) -> Result<Journal, ReadError> {
    let failed = |source| ReadError::Io { path: path.to_owned(), source };
    let mut file = BufReader::new(File::open(path).map_err(failed)?);
    let compressed = file.fill_buf().map_err(failed)?.starts_with(&ZSTD);
    if compressed {
        let decoder = zstd::stream::read::Decoder::with_buffer(file).map_err(failed)?;
        return lines(path, BufReader::new(decoder), false);
    }
    let begins = file.fill_buf().map_err(failed)?;
    let begins = &begins[..begins.len().min(4_096)];
    let archive = !begins.windows(FORMAT.len() - 2).any(|part| part == &FORMAT.as_bytes()[..FORMAT.len() - 2]);
    lines(path, file, archive)
}

fn lines(path: &Path, mut from: impl BufRead, archive: bool) -> Result<Journal, ReadError> {
    let failed = |source| ReadError::Io { path: path.to_owned(), source };
    if archive {
        let mut text = String::new();
        from.read_to_string(&mut text).map_err(failed)?;
        return match har::read(&text) {
            Ok(journal) => Ok(journal),
            Err(har::HarError::Json(source)) => Err(ReadError::Unknown { path: path.to_owned(), source }),
            Err(source) => Err(ReadError::Archive { path: path.to_owned(), source }),
        };
    }
    let (mut text, mut number) = (String::new(), 0);
    let (mut header, mut records, mut cut) = (None, Vec::new(), false);
    loop {
        text.clear();
        let end = match from.read_line(&mut text) {
            Ok(0) => break,
            Ok(_) => !text.ends_with('\n'),
            // A frame without an end: whoever wrote it was killed, or still writes.
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => {
                cut = true;
                true
            }
            Err(error) => return Err(failed(error)),
        };
        number += 1;
        if text.trim().is_empty() {
            if end {
                break;
            }
            continue;
        }
        let wrong = |source| ReadError::Line { path: path.to_owned(), line: number, source };
        if header.is_none() {
            header = Some(first(path, &text)?);
            continue;
        }
        match serde_json::from_str(&text) {
            Ok(record) => records.push(record),
            Err(_) if end => cut = true,
            Err(source) => return Err(wrong(source)),
        }
        if end {
            break;
        }
    }
    match header {
        Some(header) => Ok(Journal { header, records, cut }),
        None => Err(failed(io::Error::new(io::ErrorKind::UnexpectedEof, "there is nothing in it"))),
    }
}

/// Reads the first line. Its version is looked at before anything else in it.
fn first(path: &Path, text: &str) -> Result<Header, ReadError> {
    #[derive(serde::Deserialize)]
    struct Version {
        format: String,
    }
    let unknown = |source| ReadError::Unknown { path: path.to_owned(), source };
    let version: Version = serde_json::from_str(text).map_err(unknown)?;
    if version.format != FORMAT {
        return Err(ReadError::Version { path: path.to_owned(), found: version.format });
    }
    serde_json::from_str(text).map_err(|source| ReadError::Line { path: path.to_owned(), line: 1, source })
}

#[cfg(test)]
mod tests {
    use std::fs;

    use jiff::Timestamp;

    use super::*;
    use crate::journal::write::Writer;

    fn header() -> Header {
        Header {
            format: FORMAT.into(),
            made_by: "a test".into(),
            began: Timestamp::UNIX_EPOCH,
            time_scale: 1.0,
            scenario: None,
        }
    }

    fn record(number: u64) -> Record {
        Record { number, method: "GET".into(), url: "http://localhost/".into(), status: 200, ..Record::default() }
    }

    fn check(content: &[u8]) -> Result<usize, String> {
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().join("journal");
        fs::write(&path, content).expect("it can be written");
        let told = |error: ReadError| {
            let source = std::error::Error::source(&error).map(ToString::to_string).unwrap_or_default();
            format!("{error}: {source}")
        };
        read(&path).map(|journal| journal.records.len()).map_err(told)
    }

    #[test]
    fn what_was_written_is_read() {
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().join("journal.zst");
        let writer = Writer::begin(&path, &header()).expect("a file");
        (1..=5_000).for_each(|number| writer.add(record(number)));
        writer.end().expect("all is written");
        let journal = read(&path).expect("a journal");
        assert_eq!((journal.header, journal.records.len(), journal.cut), (header(), 5_000, false));
        assert_eq!(journal.records[4_999], record(5_000));
        assert!(fs::read(&path).expect("it can be read").starts_with(&ZSTD));
    }

    /// Wherever it breaks off: within a line, between two, or before the first.
    #[test]
    fn what_is_there_of_a_journal_without_an_end_is_read() {
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().join("journal.zst");
        let writer = Writer::begin(&path, &header()).expect("a file");
        (1..=3).for_each(|number| writer.add(record(number)));
        // What was written without a pause is readable soon.
        let written = (0..6_000).any(|_| {
            std::thread::sleep(std::time::Duration::from_millis(10));
            read(&path).is_ok_and(|journal| journal.records.len() == 3)
        });
        assert!(written, "it waits for a minute");
        assert!(read(&path).is_ok_and(|journal| journal.cut), "it is still written");
        (4..=3_000).for_each(|number| writer.add(record(number)));
        writer.end().expect("all is written");
        let whole = fs::read(&path).expect("it can be read");
        let mut before = 0;
        for length in (0..whole.len()).step_by(whole.len() / 300 + 1).chain([whole.len() - 1]) {
            fs::write(&path, &whole[..length]).expect("it can be written");
            let records = match read(&path) {
                Ok(journal) => {
                    assert!(journal.cut, "{length} of {} bytes", whole.len());
                    journal.records.len()
                }
                // So little that there is no header.
                Err(error) => {
                    assert!(matches!(error, ReadError::Io { .. } | ReadError::Unknown { .. }), "{error}");
                    0
                }
            };
            assert!((before..=3_000).contains(&records), "{length} bytes: {records}");
            before = records;
        }
    }

    #[test]
    fn what_is_wrong_is_said_with_its_place() {
        let head = serde_json::to_string(&header()).expect("it can be written");
        assert_eq!(check(format!("{head}\n").as_bytes()), Ok(0));
        for (content, part) in [
            (format!("{head}\n\n{{\"number\":1}}\n"), "line 3: missing field"),
            (head.replace("journal/1", "journal/9"), "version `wavetank.journal/9`"),
            ("nonsense".to_owned(), "neither a journal nor"),
            (String::new(), "neither a journal nor"),
            ("{\"log\":{\"entries\":[{}]}}".to_owned(), "entry 1"),
        ] {
            let said = check(content.as_bytes()).expect_err("it is wrong");
            assert!(said.contains(part), "{content}: {said}");
        }
    }
}
