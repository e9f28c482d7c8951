//! Tables of separated values.

use std::io::{self, BufRead, BufReader, Cursor, Read};

use super::collect::Collector;
use super::rows::Rows;
use super::{Stop, Warning};

/// Longest heading that is looked at to find the separator, in bytes.
const HEADING_LONGEST: usize = 1 << 20;
/// Lines of a row beyond which the reader is told; names with line breaks have a few.
const LINES_USUAL: u64 = 3;

/// Reads a table, row by row.
pub(super) fn read(reader: impl BufRead, collector: &mut Collector) -> Result<(), Stop> {
    let mut reader = BufReader::new(Lines { reader, last: b'\n', ended: false });
    let mut heading = Heading::default();
    heading.find(&mut reader)?;
    let separator = heading.separator.unwrap_or_else(|| sniff(&heading.text));
    if separator == b';' {
        collector.expect_decimal_commas();
    }
    let mut rows = Rows::new(Cursor::new(heading.text.into_bytes()).chain(reader), separator, heading.lines_before);
    let headings = rows.next()?.map(|row| row.cells.iter().map(|cell| cell.trim().to_owned()).collect());
    collector.bind(headings.unwrap_or_default())?;
    let mut long = None;
    while let Some(row) = rows.next()? {
        if row.has_text_after_quote {
            let reason = "text follows the closing quote of a cell; a quote that is meant as one is written twice";
            collector.skip(row.line, reason.to_owned());
            continue;
        }
        if row.lines > LINES_USUAL {
            let (count, _) = long.get_or_insert((0, row.line));
            *count += 1;
        }
        collector.row(row.line, &row.cells);
    }
    if let Some((rows, line)) = long {
        collector.warn(Warning::LongRows { rows, line });
    }
    Ok(())
}

/// Ends every line, the last one as well, with one line feed, so that lines can be counted whatever ends them.
struct Lines<R> {
    reader: R,
    last: u8,
    ended: bool,
}

impl<R: BufRead> Read for Lines<R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let mut written = 0;
        while written == 0 && !self.ended && !into.is_empty() {
            let raw = self.reader.fill_buf()?;
            let taken = raw.len().min(into.len());
            for &byte in &raw[..taken] {
                let is_second_half = byte == b'\n' && self.last == b'\r';
                self.last = byte;
                if !is_second_half {
                    into[written] = if byte == b'\r' { b'\n' } else { byte };
                    written += 1;
                }
            }
            self.reader.consume(taken);
            if taken == 0 {
                self.ended = true;
                if !matches!(self.last, b'\n' | b'\r') {
                    into[0] = b'\n';
                    written = 1;
                }
            }
        }
        Ok(written)
    }
}

/// The line of headings, and what stands before it.
#[derive(Default)]
struct Heading {
    text: String,
    lines_before: u64,
    separator: Option<u8>,
}

impl Heading {
    /// Passes over blank lines, the `#TYPE` line of Windows PowerShell and the `sep=` line of Excel.
    fn find(&mut self, reader: &mut impl BufRead) -> Result<(), Stop> {
        loop {
            let mut line = String::new();
            if reader.take(HEADING_LONGEST as u64).read_line(&mut line).map_err(Stop::Read)? == 0 {
                return Err(Stop::Empty);
            }
            let text = line.trim();
            if let Some(separator) = text.strip_prefix("sep=").and_then(|rest| rest.bytes().next()) {
                self.separator = Some(separator);
            } else if !text.is_empty() && !text.starts_with("#TYPE") {
                self.text = line;
                return Ok(());
            }
            self.lines_before += 1;
        }
    }
}

/// The separator that occurs most often outside quotes.
fn sniff(heading: &str) -> u8 {
    let mut counts = [(b',', 0_u32), (b';', 0), (b'\t', 0), (b'|', 0)];
    let mut is_quoted = false;
    for byte in heading.bytes() {
        match counts.iter_mut().find(|(separator, _)| *separator == byte) {
            Some((_, count)) if !is_quoted => *count += 1,
            _ => is_quoted ^= byte == b'"',
        }
    }
    counts.iter().rev().max_by_key(|(_, count)| *count).map_or(b',', |&(separator, _)| separator)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn separators_inside_quotes_do_not_count() {
        assert_eq!(sniff("\"Name, first; last\";Size"), b';');
        assert_eq!(sniff("Name\tSize (MB, rounded)\tItems"), b'\t');
        assert_eq!(sniff("Name"), b',');
    }
}
