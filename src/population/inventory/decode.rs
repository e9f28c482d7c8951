//! Bytes to text: which encoding a file is in, and a reader that gives UTF-8 whatever it is.

use std::io::{self, Read};

use encoding_rs::{Decoder, Encoding, UTF_8, UTF_16BE, UTF_16LE, WINDOWS_1252};

use super::Warning;
use super::collect::Collector;

const CHUNK: usize = 64 * 1024;

/// How the text of a file is written.
#[derive(Copy, Clone, Debug)]
pub(super) struct Text {
    encoding: &'static Encoding,
    /// Nothing announced the encoding, and it is not UTF-8.
    assumed: bool,
    /// Some bytes mean nothing in it.
    broken: bool,
}

impl Text {
    /// Reads a whole file once and finds its encoding: by byte order mark, by the zeros of UTF-16, or by trying UTF-8.
    /// What remains is Windows-1252, which older PowerShell and Excel write.
    pub(super) fn detect(mut file: impl Read) -> io::Result<Self> {
        let mut chunk = vec![0; CHUNK];
        let mut filled = 0;
        while filled < chunk.len() {
            match file.read(&mut chunk[filled..])? {
                0 => break,
                count => filled += count,
            }
        }
        let start = &chunk[..filled];
        let announced = Encoding::for_bom(start).map(|(encoding, _)| encoding).or_else(|| without_mark(start));
        let encoding = announced.unwrap_or(UTF_8);
        let broken = has_errors(encoding, start, &mut file)?;
        Ok(match announced {
            None if broken => Self { encoding: WINDOWS_1252, assumed: true, broken: false },
            _ => Self { encoding, assumed: false, broken },
        })
    }

    /// Tells what the reader should know.
    pub(super) fn warn(self, collector: &mut Collector) {
        if self.assumed {
            collector.warn(Warning::AssumedEncoding);
        }
        if self.broken {
            collector.warn(Warning::BrokenText { encoding: self.encoding.name() });
        }
    }

    /// A reader that gives the file as UTF-8, without a byte order mark.
    pub(super) fn reader<R: Read>(self, file: R) -> Utf8Reader<R> {
        let decoder = self.encoding.new_decoder_with_bom_removal();
        Utf8Reader { file, decoder, raw: vec![0; CHUNK], text: vec![0; 4 * CHUNK], from: 0, until: 0, ended: false }
    }
}

/// UTF-16 without a byte order mark: in Latin text every other byte is zero.
fn without_mark(start: &[u8]) -> Option<&'static Encoding> {
    let pairs = start.len().min(512) / 2;
    let zeros = |offset: usize| start.iter().skip(offset).step_by(2).take(pairs).filter(|&&byte| byte == 0).count();
    let (even, odd) = (zeros(0), zeros(1));
    if pairs >= 4 && odd * 4 > pairs * 3 && even == 0 {
        Some(UTF_16LE)
    } else if pairs >= 4 && even * 4 > pairs * 3 && odd == 0 {
        Some(UTF_16BE)
    } else {
        None
    }
}

fn has_errors(encoding: &'static Encoding, start: &[u8], rest: &mut impl Read) -> io::Result<bool> {
    let mut decoder = encoding.new_decoder_with_bom_removal();
    let mut text = vec![0; 4 * CHUNK];
    let mut chunk = start.to_vec();
    chunk.resize(CHUNK, 0);
    let mut count = start.len();
    loop {
        let (_, _, _, had_errors) = decoder.decode_to_utf8(&chunk[..count], &mut text, count == 0);
        if had_errors || count == 0 {
            return Ok(had_errors);
        }
        count = rest.read(&mut chunk)?;
    }
}

/// Gives a file as UTF-8.
pub(super) struct Utf8Reader<R> {
    file: R,
    decoder: Decoder,
    raw: Vec<u8>,
    text: Vec<u8>,
    from: usize,
    until: usize,
    ended: bool,
}

impl<R: Read> Read for Utf8Reader<R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        while self.from == self.until && !self.ended {
            let count = self.file.read(&mut self.raw)?;
            self.ended = count == 0;
            // The text buffer holds four bytes for each raw one, more than any encoding can need.
            let (_, _, written, _) = self.decoder.decode_to_utf8(&self.raw[..count], &mut self.text, self.ended);
            (self.from, self.until) = (0, written);
        }
        let count = into.len().min(self.until - self.from);
        into[..count].copy_from_slice(&self.text[self.from..self.from + count]);
        self.from += count;
        Ok(count)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(bytes: &[u8], text: &str, assumed: bool) {
        let detected = Text::detect(bytes).expect("memory can be read");
        let mut read = String::new();
        detected.reader(bytes).read_to_string(&mut read).expect("memory can be read");
        assert_eq!((read.as_str(), detected.assumed), (text, assumed));
    }

    #[test]
    fn every_encoding_reads_the_same() {
        let text = "Name;Größe;“x”;Ελλ\r\nMüller;1\r\n";
        check(text.as_bytes(), text, false);
        check(&[b"\xef\xbb\xbf", text.as_bytes()].concat(), text, false);
        let wide: Vec<u8> = text.encode_utf16().flat_map(u16::to_le_bytes).collect();
        check(&[&[0xff, 0xfe], &wide[..]].concat(), text, false);
        let wide: Vec<u8> = text.encode_utf16().flat_map(u16::to_be_bytes).collect();
        check(&[&[0xfe, 0xff], &wide[..]].concat(), text, false);
        check(b"M\xfcller;Gr\xf6\xdfe \x80", "Müller;Größe €", true);
    }

    #[test]
    fn utf_16_is_known_without_its_mark() {
        let text = "Name,Size\nUser,1\n";
        check(&text.encode_utf16().flat_map(u16::to_le_bytes).collect::<Vec<u8>>(), text, false);
        check(&text.encode_utf16().flat_map(u16::to_be_bytes).collect::<Vec<u8>>(), text, false);
    }

    #[test]
    fn characters_across_chunks_stay_whole() {
        let text = "é€𝄞".repeat(60_000);
        check(text.as_bytes(), &text, false);
    }
}
