//! Rows of separated values, each with its line, and quotes that are astray.
//!
//! A quote that is never closed would swallow the rows that follow it, which readers of separated values take for a long
//! cell. So quotes are followed here before a row is read: a cell that has more lines than any name ends the reading, and
//! so does text after the closing quote of a cell of several lines.

use std::io::BufRead;

use csv_core::{ReadRecordResult, Reader, ReaderBuilder};

use super::Stop;

/// Most lines of one cell. Assumed: names and notes have a few.
const CELL_LINES: u64 = 100;

/// Reads rows one at a time.
pub(super) struct Rows<R> {
    reader: R,
    parser: Reader,
    separator: u8,
    /// Lines that were read.
    lines: u64,
    /// The line on which the row begins.
    line: u64,
    /// The row as it is written.
    text: String,
    /// The text of all cells of the row, and room for more.
    cells: Vec<u8>,
    /// Where each of them ends, and room for more.
    ends: Vec<usize>,
    has_text_after_quote: bool,
}

/// Where in a cell a byte stands; with the line on which its quotes open.
#[derive(Copy, Clone, PartialEq, Eq)]
enum State {
    Start,
    Plain,
    /// Inside quotes.
    Quoted(u64),
    /// After a quote, which closes the cell unless another one follows.
    Quote(u64),
    /// After the closing quote, and spaces.
    Closed(u64),
}

/// A row.
pub(super) struct Row<'r> {
    /// The line on which it begins.
    pub(super) line: u64,
    /// Its cells.
    pub(super) cells: Vec<&'r str>,
    /// How many lines it has.
    pub(super) lines: u64,
    /// Whether text follows the closing quote of one of its cells.
    pub(super) has_text_after_quote: bool,
}

impl<R: BufRead> Rows<R> {
    /// Rows of a text whose every line ends with a line feed, after so many lines.
    pub(super) fn new(reader: R, separator: u8, lines: u64) -> Self {
        let parser = ReaderBuilder::new().delimiter(separator).build();
        let (text, cells, ends) = (String::new(), Vec::new(), vec![0; 16]);
        Self { reader, parser, separator, lines, line: 0, text, cells, ends, has_text_after_quote: false }
    }

    /// The next row that is not a blank line; nothing at the end.
    pub(super) fn next(&mut self) -> Result<Option<Row<'_>>, Stop> {
        self.text.clear();
        self.has_text_after_quote = false;
        let mut state = State::Start;
        loop {
            let before = self.text.len();
            let length = self.reader.read_line(&mut self.text).map_err(Stop::Read)?;
            if length == 0 {
                return if let State::Quoted(line) = state { Err(unclosed(line)) } else { Ok(None) };
            }
            self.lines += 1;
            if state == State::Start {
                self.line = self.lines;
                if self.text == "\n" {
                    self.text.clear();
                    continue;
                }
            }
            state = self.follow(state, before)?;
            match state {
                State::Quoted(line) if self.lines - line >= CELL_LINES => return Err(too_long(line)),
                State::Quoted(_) => {}
                _ => break,
            }
        }
        let count = self.parse();
        let ends = &self.ends[..count];
        let length = ends.last().copied().unwrap_or(0);
        let text = str::from_utf8(&self.cells[..length]).map_err(|error| Stop::Malformed(error.to_string()))?;
        let starts = std::iter::once(0).chain(ends.iter().copied());
        let cells = starts.zip(ends).map(|(start, &end)| &text[start..end]).collect();
        let lines = self.lines - self.line + 1;
        Ok(Some(Row { line: self.line, cells, lines, has_text_after_quote: self.has_text_after_quote }))
    }

    /// Follows the quotes of the line that begins at a place of the text, and gives the state after it.
    fn follow(&mut self, mut state: State, from: usize) -> Result<State, Stop> {
        for &byte in &self.text.as_bytes()[from..] {
            let ends_cell = byte == self.separator || byte == b'\n';
            state = match (state, byte) {
                (State::Start, b'"') => State::Quoted(self.lines),
                (State::Quoted(line), b'"') => State::Quote(line),
                (State::Quote(line), b'"') | (State::Quoted(line), _) => State::Quoted(line),
                (_, _) if ends_cell => State::Start,
                (State::Quote(line) | State::Closed(line), b' ') => State::Closed(line),
                (State::Quote(line) | State::Closed(line), _) if line < self.lines => {
                    return Err(astray(line, self.lines));
                }
                (State::Quote(_) | State::Closed(_), _) => {
                    self.has_text_after_quote = true;
                    State::Plain
                }
                (State::Start | State::Plain, _) => State::Plain,
            };
        }
        Ok(state)
    }

    /// Reads the cells of the row, and tells how many there are.
    fn parse(&mut self) -> usize {
        // No cell is longer than it is written.
        self.cells.resize(self.cells.len().max(self.text.len()), 0);
        let (mut read, mut written, mut ended) = (0, 0, 0);
        loop {
            let text = &self.text.as_bytes()[read..];
            let (result, more_read, more_written, more_ended) =
                self.parser.read_record(text, &mut self.cells[written..], &mut self.ends[ended..]);
            (read, written, ended) = (read + more_read, written + more_written, ended + more_ended);
            match result {
                ReadRecordResult::OutputEndsFull => self.ends.resize(2 * self.ends.len(), 0),
                ReadRecordResult::OutputFull => self.cells.resize(2 * self.cells.len(), 0),
                ReadRecordResult::InputEmpty | ReadRecordResult::Record | ReadRecordResult::End => return ended,
            }
        }
    }
}

/// What helps against every quote that is astray.
const HELP: &str = "so that rows would be lost in it; close the quote, or write a quote that is meant as one twice";

fn unclosed(line: u64) -> Stop {
    Stop::Malformed(format!("line {line}: a quote opens a cell here, and the file ends before it is closed, {HELP}"))
}

fn too_long(line: u64) -> Stop {
    Stop::Malformed(format!(
        "line {line}: a quote opens a cell here that is not closed within {CELL_LINES} lines, {HELP}"
    ))
}

fn astray(line: u64, end: u64) -> Stop {
    Stop::Malformed(format!(
        "line {line}: a quote opens a cell here, and on line {end} text follows the quote that closes it instead of a \
         separator, {HELP}"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Lines and cells of all rows.
    fn rows(text: &str) -> Result<Vec<(u64, Vec<String>)>, String> {
        let mut rows = Rows::new(text.as_bytes(), b',', 0);
        let mut found = Vec::new();
        loop {
            match rows.next() {
                Ok(Some(row)) => found.push((row.line, row.cells.iter().map(ToString::to_string).collect())),
                Ok(None) => return Ok(found),
                Err(stop) => return Err(format!("{stop:?}")),
            }
        }
    }

    #[test]
    fn quotes_hold_separators_lines_and_quotes() {
        let text = "a,\"b, \"\"c\"\"\",\n\n\"d\ne\" ,f\"g\",\"\"\n,\n";
        let found = rows(text).expect("the text is well-formed");
        let expected = [(1, vec!["a", "b, \"c\"", ""]), (3, vec!["d\ne ", "f\"g\"", ""]), (5, vec!["", ""])];
        assert_eq!(found, expected.map(|(line, cells)| (line, cells.into_iter().map(str::to_owned).collect())));
    }

    #[test]
    fn a_stray_quote_ends_the_reading_with_its_line() {
        for (text, line) in [
            ("a,b\nc,\"d\ne,f\n".to_owned(), "line 2: "),
            (format!("a,b\nc,\"d\n{}e\",f\n", "g,h\n".repeat(150)), "line 2: "),
            ("a,b\n\"c,d\n\"e\",f\n".to_owned(), "line 2: "),
        ] {
            let stop = rows(&text).expect_err(&text);
            assert!(stop.contains(line), "{stop}");
        }
    }

    #[test]
    fn text_after_a_closing_quote_is_noticed() {
        let mut rows = Rows::new(&b"\"a \"b\" c\",1\n\"d\",2\n"[..], b',', 0);
        let has_text = |rows: &mut Rows<&[u8]>| rows.next().expect("a row").map(|row| row.has_text_after_quote);
        assert_eq!([has_text(&mut rows), has_text(&mut rows), has_text(&mut rows)], [Some(true), Some(false), None]);
    }
}
