//! Content codings (RFC 9110 section 8.4): requests that arrive compressed, and answers that clients want compressed.

use std::io::Write;

use flate2::Compression;
use flate2::write::{DeflateDecoder, GzEncoder, MultiGzDecoder, ZlibDecoder};
use hyper::HeaderMap;
use hyper::header::{ACCEPT_ENCODING, CONTENT_ENCODING};

use crate::wire::http::HttpAnswer;

/// What requests may be compressed with, for clients that used something else.
pub(super) const TAKEN: &str = "gzip, deflate";

/// Shortest body that is compressed, in bytes. Assumed: what fits into one packet anyway does not travel faster.
const WORTHWHILE_BYTES: usize = 1_400;

/// Kinds of content that shrink; all others are left as they are.
const SHRINKING: [&str; 5] = ["text/", "application/json", "application/xml", "application/soap+xml", "message/"];

/// How a request is compressed.
#[derive(Copy, Clone, PartialEq, Eq, Debug)]
pub(super) enum Coding {
    /// It is not.
    Identity,
    /// gzip (RFC 1952).
    Gzip,
    /// "deflate" is zlib (RFC 1950); some clients send the bare stream (RFC 1951) under that name.
    Deflate,
}

impl Coding {
    /// The coding of a request; nothing if it is one that is not taken, or several.
    pub(super) fn of(headers: &HeaderMap) -> Option<Self> {
        let mut found = Self::Identity;
        for value in headers.get_all(CONTENT_ENCODING) {
            for name in value.to_str().ok()?.split(',').map(str::trim).filter(|name| !name.is_empty()) {
                let coding = match name.to_ascii_lowercase().as_str() {
                    "identity" => continue,
                    "gzip" | "x-gzip" => Self::Gzip,
                    "deflate" => Self::Deflate,
                    _ => return None,
                };
                if found != Self::Identity {
                    return None;
                }
                found = coding;
            }
        }
        Some(found)
    }
}

/// Why compressed content cannot be read.
#[derive(Copy, Clone, PartialEq, Eq, Debug)]
pub(super) enum Undecodable {
    /// It is larger than the bound once it is unpacked.
    TooLarge,
    /// It is not what its header says.
    Broken,
}

/// Bytes up to a bound.
#[derive(Debug)]
struct Bounded {
    bytes: Vec<u8>,
    most: usize,
    exceeded: bool,
}

impl Write for Bounded {
    fn write(&mut self, part: &[u8]) -> std::io::Result<usize> {
        if self.most - self.bytes.len() < part.len() {
            self.exceeded = true;
            return Err(std::io::ErrorKind::FileTooLarge.into());
        }
        self.bytes.extend_from_slice(part);
        Ok(part.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// Unpacks a request part by part; holds no more than the bound.
#[derive(Debug)]
pub(super) struct Unpacker {
    stream: Stream,
}

#[derive(Debug)]
enum Stream {
    Gzip(MultiGzDecoder<Bounded>),
    /// Which of the two kinds of "deflate" it is shows in the first byte.
    Unknown(Bounded),
    Zlib(ZlibDecoder<Bounded>),
    Bare(DeflateDecoder<Bounded>),
}

impl Unpacker {
    /// Unpacks at most `most` bytes; nothing if there is nothing to unpack.
    pub(super) fn new(coding: Coding, most: usize) -> Option<Self> {
        let bounded = Bounded { bytes: Vec::new(), most, exceeded: false };
        let stream = match coding {
            Coding::Identity => return None,
            Coding::Gzip => Stream::Gzip(MultiGzDecoder::new(bounded)),
            Coding::Deflate => Stream::Unknown(bounded),
        };
        Some(Self { stream })
    }

    /// Takes the next part.
    pub(super) fn take(&mut self, part: &[u8]) -> Result<(), Undecodable> {
        let Some(&first) = part.first() else { return Ok(()) };
        if let Stream::Unknown(bounded) = &mut self.stream {
            let most = bounded.most;
            let bounded = std::mem::replace(bounded, Bounded { bytes: Vec::new(), most, exceeded: false });
            // The low half of a zlib header's first byte is the method, which is always 8. A bare stream with that byte
            // would begin with a stored block whose padding is not zero, which no compressor writes.
            self.stream = if first & 0x0f == 8 {
                Stream::Zlib(ZlibDecoder::new(bounded))
            } else {
                Stream::Bare(DeflateDecoder::new(bounded))
            };
        }
        let written = match &mut self.stream {
            Stream::Gzip(stream) => stream.write_all(part),
            Stream::Zlib(stream) => stream.write_all(part),
            Stream::Bare(stream) => stream.write_all(part),
            Stream::Unknown(_) => Ok(()),
        };
        written.map_err(|_| self.failure())
    }

    /// Everything that was unpacked.
    pub(super) fn finish(self) -> Result<Vec<u8>, Undecodable> {
        let broken = |_| Undecodable::Broken;
        let exceeded = |bounded: &Bounded| bounded.exceeded;
        let ended = match self.stream {
            Stream::Gzip(mut stream) => match stream.try_finish() {
                Err(_) if exceeded(stream.get_ref()) => return Err(Undecodable::TooLarge),
                ended => ended.and_then(|()| stream.finish()),
            },
            Stream::Zlib(mut stream) => match stream.try_finish() {
                Err(_) if exceeded(stream.get_ref()) => return Err(Undecodable::TooLarge),
                ended => ended.and_then(|()| stream.finish()),
            },
            Stream::Bare(mut stream) => match stream.try_finish() {
                Err(_) if exceeded(stream.get_ref()) => return Err(Undecodable::TooLarge),
                ended => ended.and_then(|()| stream.finish()),
            },
            Stream::Unknown(bounded) => Ok(bounded),
        };
        ended.map(|bounded| bounded.bytes).map_err(broken)
    }

    fn failure(&self) -> Undecodable {
        let bounded = match &self.stream {
            Stream::Gzip(stream) => stream.get_ref(),
            Stream::Zlib(stream) => stream.get_ref(),
            Stream::Bare(stream) => stream.get_ref(),
            Stream::Unknown(bounded) => bounded,
        };
        if bounded.exceeded { Undecodable::TooLarge } else { Undecodable::Broken }
    }
}

/// Whether a client wants answers compressed with gzip: nothing if it says nothing about compression at all.
pub(super) fn wanted(headers: &HeaderMap) -> Option<bool> {
    let mut said = false;
    let (mut gzip, mut any) = (None, None);
    for value in headers.get_all(ACCEPT_ENCODING) {
        said = true;
        for choice in value.to_str().unwrap_or_default().split(',') {
            let mut words = choice.split(';').map(str::trim);
            let name = words.next().unwrap_or_default().to_ascii_lowercase();
            let weight = words.find_map(|word| word.strip_prefix("q=").or_else(|| word.strip_prefix("Q=")));
            let welcome = weight.is_none_or(|weight| weight.parse::<f32>().is_ok_and(|weight| 0.0 < weight));
            match name.as_str() {
                "gzip" | "x-gzip" => gzip = Some(welcome),
                "*" => any = Some(welcome),
                _ => {}
            }
        }
    }
    said.then(|| gzip.or(any).unwrap_or(false))
}

/// Compresses an answer if its client wants that and it is worth it. Answers to clients that say nothing about
/// compression stay as they are, to the byte.
pub(super) fn compress(answer: &mut HttpAnswer, wanted: Option<bool>) {
    let Some(wanted) = wanted else { return };
    let kind = answer.header("content-type").unwrap_or_default().to_ascii_lowercase();
    let shrinks = SHRINKING.iter().any(|shrinking| kind.starts_with(shrinking));
    if answer.body.len() < WORTHWHILE_BYTES || !shrinks || answer.header("content-encoding").is_some() {
        return;
    }
    answer.headers.push(("Vary", "Accept-Encoding".to_owned()));
    if !wanted {
        return;
    }
    let mut encoder = GzEncoder::new(Vec::with_capacity(answer.body.len() / 3), Compression::fast());
    // Writing to memory does not fail; if it did, the answer as it is would do.
    if encoder.write_all(&answer.body).is_ok()
        && let Ok(packed) = encoder.finish()
        && packed.len() < answer.body.len()
    {
        answer.body = packed;
        answer.headers.push(("Content-Encoding", "gzip".to_owned()));
    }
}

#[cfg(test)]
mod tests {
    use std::io::Read;

    use flate2::read::MultiGzDecoder as Reader;
    use flate2::write::{DeflateEncoder, ZlibEncoder};
    use hyper::header::HeaderValue;
    use proptest::prelude::*;

    use super::*;

    fn headers(name: &'static str, values: &[&str]) -> HeaderMap {
        let values = values.iter().map(|value| (name.parse().unwrap(), HeaderValue::from_str(value).unwrap()));
        values.collect()
    }

    fn packed(coding: Coding, bare: bool, content: &[u8]) -> Vec<u8> {
        let packed = match (coding, bare) {
            (Coding::Identity, _) => return content.to_vec(),
            (Coding::Gzip, _) => {
                let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
                encoder.write_all(content).and_then(|()| encoder.finish())
            }
            (Coding::Deflate, false) => {
                let mut encoder = ZlibEncoder::new(Vec::new(), Compression::default());
                encoder.write_all(content).and_then(|()| encoder.finish())
            }
            (Coding::Deflate, true) => {
                let mut encoder = DeflateEncoder::new(Vec::new(), Compression::default());
                encoder.write_all(content).and_then(|()| encoder.finish())
            }
        };
        packed.expect("memory")
    }

    fn unpack(coding: Coding, most: usize, parts: &[&[u8]]) -> Result<Vec<u8>, Undecodable> {
        let mut unpacker = Unpacker::new(coding, most).expect("a coding");
        for part in parts {
            unpacker.take(part)?;
        }
        unpacker.finish()
    }

    fn check_coding(values: &[&str], expected: Option<Coding>) {
        assert_eq!(Coding::of(&headers("content-encoding", values)), expected, "{values:?}");
    }

    #[test]
    fn codings_are_known_by_their_names() {
        check_coding(&[], Some(Coding::Identity));
        check_coding(&["identity"], Some(Coding::Identity));
        check_coding(&["GZIP"], Some(Coding::Gzip));
        check_coding(&["deflate, identity"], Some(Coding::Deflate));
        check_coding(&["br"], None);
        check_coding(&["gzip", "gzip"], None);
    }

    fn check_wanted(values: &[&str], expected: Option<bool>) {
        assert_eq!(wanted(&headers("accept-encoding", values)), expected, "{values:?}");
    }

    #[test]
    fn clients_choose_what_they_get() {
        check_wanted(&[], None);
        check_wanted(&["gzip, deflate"], Some(true));
        check_wanted(&["br, *;q=0.1"], Some(true));
        check_wanted(&["identity"], Some(false));
        check_wanted(&["gzip;q=0, *"], Some(false));
        check_wanted(&["deflate", "gzip; q=0.5"], Some(true));
    }

    fn answer(kind: &str, length: usize) -> HttpAnswer {
        HttpAnswer { status: 200, headers: vec![("Content-Type", kind.to_owned())], body: vec![b'a'; length] }
    }

    #[test]
    fn long_texts_are_compressed_for_who_wants_it() {
        let mut text = answer("application/json;odata.metadata=minimal", 10_000);
        compress(&mut text, Some(true));
        assert_eq!((text.header("content-encoding"), text.header("vary")), (Some("gzip"), Some("Accept-Encoding")));
        let mut content = Vec::new();
        Reader::new(&text.body[..]).read_to_end(&mut content).expect("gzip");
        assert_eq!(content, vec![b'a'; 10_000]);
        let mut plain = answer("text/xml; charset=utf-8", 10_000);
        compress(&mut plain, Some(false));
        assert_eq!((plain.header("vary"), plain.body.len()), (Some("Accept-Encoding"), 10_000));
        for (kind, length, wanted) in
            [("text/xml", 10_000, None), ("text/xml", 99, Some(true)), ("image/png", 10_000, Some(true))]
        {
            let mut same = answer(kind, length);
            compress(&mut same, wanted);
            assert_eq!(same, answer(kind, length), "{kind} {length}");
        }
    }

    #[test]
    fn a_bomb_is_stopped_at_the_bound() {
        let bomb = packed(Coding::Gzip, false, &vec![0; 10_000_000]);
        assert!(bomb.len() < 20_000);
        assert_eq!(unpack(Coding::Gzip, 1_000_000, &[&bomb]), Err(Undecodable::TooLarge));
        assert_eq!(unpack(Coding::Gzip, 10_000_000, &[&bomb]).map(|content| content.len()), Ok(10_000_000));
    }

    #[test]
    fn cut_or_foreign_content_is_broken() {
        let whole = packed(Coding::Gzip, false, b"some content that is long enough to be cut");
        assert_eq!(unpack(Coding::Gzip, 1_000, &[&whole[..whole.len() - 4]]), Err(Undecodable::Broken));
        assert_eq!(unpack(Coding::Gzip, 1_000, &[b"no gzip at all"]), Err(Undecodable::Broken));
        assert_eq!(unpack(Coding::Deflate, 1_000, &[b"x no zlib at all"]), Err(Undecodable::Broken));
    }

    proptest! {
        #[test]
        fn what_was_packed_is_unpacked_however_it_arrives(
            content: Vec<u8>, bare: bool, gzip: bool, at: prop::sample::Index,
        ) {
            let coding = if gzip { Coding::Gzip } else { Coding::Deflate };
            let packed = packed(coding, bare, &content);
            let (first, second) = packed.split_at(at.index(packed.len()));
            prop_assert_eq!(unpack(coding, content.len(), &[first, second]), Ok(content.clone()));
            if let Some(most) = content.len().checked_sub(1) {
                prop_assert_eq!(unpack(coding, most, &[first, second]), Err(Undecodable::TooLarge));
            }
        }

        #[test]
        fn any_bytes_are_unpacked_or_refused(content: Vec<u8>, gzip: bool) {
            let _ = unpack(if gzip { Coding::Gzip } else { Coding::Deflate }, 10_000, &[&content]);
        }
    }
}
