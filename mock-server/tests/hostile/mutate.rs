//! Mutations: what goes wrong in a request, as a function of a seed.

use mock_server::draw::mix;

use crate::corpus::Sample;

/// Texts that have hurt parsers before, in the grammars that the server reads.
const TOKENS: &[&str] = &[
    "<",
    ">",
    "&",
    "]]>",
    "<!--",
    "-->",
    "<![CDATA[",
    "<?xml version=\"1.1\"?>",
    "<!DOCTYPE x [<!ENTITY y \"z\">]>",
    "&y;",
    "&#0;",
    "&#x110000;",
    "&#xFFFFFFFF;",
    "&amp;&amp;",
    "xmlns:t=\"\"",
    "<t:And>",
    "</t:And>",
    "<t:Not/>",
    "<t:Constant Value=\"\"/>",
    "Id=\"\"",
    "Id=\"AAAA\"",
    "<m:Items>",
    "</m:Items>",
    "</s:Body>",
    "<m:Data>====</m:Data>",
    "{",
    "}",
    "[",
    "]",
    "[[[[",
    "null",
    "true",
    "-1",
    "1e999",
    "\"\\ud800\"",
    "\"\\u0000\"",
    ",,",
    "{\"\":",
    "\"@odata.type\":",
    "-0",
    "0",
    "-9223372036854775809",
    "18446744073709551616",
    "99999999999999999999999999",
    "NaN",
    "2147483648",
    "9999-12-31T23:59:59Z",
    "0000-00-00T00:00:00Z",
    "-9999-01-01T00:00:00Z",
    "2026-02-30T25:61:61Z",
    "P99999999999Y",
    "$filter=",
    "$top=0",
    "$top=-1",
    "$skip=18446744073709551615",
    "$expand=a($expand=b($expand=c))",
    "((((((((((",
    ")",
    " and ",
    " or not ",
    "eq",
    "startswith(",
    "contains(subject,'",
    "''",
    "'",
    "%00",
    "%",
    "%zz",
    "%F0%9F%98%80",
    "..",
    "//",
    "\u{0}",
    "\u{feff}",
    "\u{202e}",
    "\u{1f600}",
    "\r\n",
    "\r\n\r\n",
    "=?utf-8?b?////?=",
    "Content-Type: multipart/mixed; boundary=",
    "----",
    "Content-Transfer-Encoding: base64\r\n\r\n",
    "AAAAAAAAAAAAAAAA",
    "=",
    "RRUMlEAA",
    "IdOnly",
    "AllProperties",
    "distinguishedFolderId",
    "ä",
    "ß",
    "İ",
    "ﬁ",
];

/// Numbers drawn one after the other from a seed.
pub(crate) struct Dice(u64);

impl Dice {
    pub(crate) fn new(seed: u64) -> Self {
        Self(mix(seed))
    }

    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        mix(self.0)
    }

    /// A number below a bound; 0 if there is none.
    pub(crate) fn below(&mut self, bound: usize) -> usize {
        (self.next() % bound.max(1) as u64) as usize
    }

    pub(crate) fn one_in(&mut self, count: usize) -> bool {
        self.below(count) == 0
    }

    pub(crate) fn pick<'a, T: ?Sized>(&mut self, from: &'a [&'a T]) -> &'a T {
        from[self.below(from.len())]
    }
}

/// Spoils a sample in one to six places. `others` are parts of other samples, `seen` are ids that the server gave out.
pub(crate) fn mutate(dice: &mut Dice, sample: &mut Sample, other: &Sample, seen: &[Vec<u8>]) {
    for _ in 0..=dice.below(6) {
        match dice.below(20) {
            0 => bytes(dice, &mut sample.path, &other.path, seen),
            1 => printable(dice, &mut sample.path),
            2 => bytes(dice, &mut sample.content_type, &other.content_type, seen),
            3 if dice.one_in(4) => sample.method = dice.pick(&["GET", "POST", "PATCH", "DELETE", "PUT", "X"]).into(),
            4 if !sample.headers.is_empty() => {
                let at = dice.below(sample.headers.len());
                bytes(dice, &mut sample.headers[at].1, &other.path, seen);
            }
            5 if dice.one_in(8) => {
                let mut authorization = sample.authorization.take().unwrap_or_else(|| b"Bearer a.b.c".to_vec());
                bytes(dice, &mut authorization, &other.body, seen);
                sample.authorization = Some(authorization);
            }
            6 => deepen(dice, &mut sample.body),
            7 | 8 => replace_id(dice, &mut sample.body, seen),
            9 => replace_id(dice, &mut sample.path, seen),
            _ => bytes(dice, &mut sample.body, &other.body, seen),
        }
    }
    // No client sends such, and it would only measure the mutator.
    sample.body.truncate(1 << 20);
    sample.path.truncate(8 << 10);
}

/// Spoils some bytes in one place.
fn bytes(dice: &mut Dice, text: &mut Vec<u8>, other: &[u8], seen: &[Vec<u8>]) {
    let at = dice.below(text.len() + 1);
    let rest = text.len() - at;
    match dice.below(9) {
        0 => {
            if let Some(byte) = text.get_mut(at) {
                *byte = dice.next() as u8;
            }
        }
        1 => {
            if let Some(byte) = text.get_mut(at) {
                *byte ^= 1 << dice.below(8);
            }
        }
        2 => drop(text.drain(at..at + dice.below(rest + 1).min(60))),
        3 => {
            let part = text[at..at + dice.below(rest + 1).min(300)].to_vec();
            text.splice(at..at, part);
        }
        4 if dice.one_in(3) => text.truncate(at),
        5 => {
            let from = dice.below(other.len() + 1);
            let to = from + dice.below(other.len() - from + 1).min(400);
            text.splice(at..at, other[from..to].iter().copied());
        }
        6 => number(dice, text),
        7 if !seen.is_empty() => {
            let id = &seen[dice.below(seen.len())];
            text.splice(at..at, id.iter().copied());
        }
        _ => {
            let token = dice.pick(TOKENS);
            text.splice(at..at, token.bytes());
        }
    }
}

/// Spoils a path so that it is still one.
fn printable(dice: &mut Dice, path: &mut [u8]) {
    const LETTERS: &[u8] = b"abcXYZ019$()'=&?%/-_.~!*,;:@+";
    if path.len() > 1 {
        let at = 1 + dice.below(path.len() - 1);
        path[at] = LETTERS[dice.below(LETTERS.len())];
    }
}

/// Replaces a run of digits by a number of another size.
fn number(dice: &mut Dice, text: &mut Vec<u8>) {
    let from = dice.below(text.len() + 1);
    let Some(start) = text[from..].iter().position(u8::is_ascii_digit).map(|offset| from + offset) else { return };
    let length = text[start..].iter().take_while(|byte| byte.is_ascii_digit()).count();
    let fresh = match dice.below(4) {
        0 => "0".to_owned(),
        1 => format!("-{}", dice.next()),
        2 => "9".repeat(1 + dice.below(40)),
        _ => dice.next().to_string(),
    };
    text.splice(start..start + length, fresh.bytes());
}

/// Puts something deep into a body.
fn deepen(dice: &mut Dice, body: &mut Vec<u8>) {
    let at = dice.below(body.len() + 1);
    let (open, close) = dice.pick(&[
        &("<t:Not>", "</t:Not>"),
        &("<t:And>", "</t:And>"),
        &("<x>", "</x>"),
        &("[", "]"),
        &("{\"a\":", "}"),
        &("(", ")"),
    ]);
    let depth = 1 + dice.below(400);
    body.splice(at..at, open.repeat(depth).into_bytes());
    if dice.one_in(2) {
        let at = dice.below(body.len() + 1);
        body.splice(at..at, close.repeat(depth).into_bytes());
    }
}

/// Replaces a value in quotes, or a segment of a path, by an id that the server gave out.
fn replace_id(dice: &mut Dice, text: &mut Vec<u8>, seen: &[Vec<u8>]) {
    let ends = |byte: &u8| b"\"/>?&".contains(byte);
    let from = dice.below(text.len() + 1);
    let Some(start) = text[from..].iter().position(ends).map(|offset| from + offset + 1) else { return };
    let Some(length) = text[start..].iter().position(ends) else { return };
    if !seen.is_empty() {
        let id = &seen[dice.below(seen.len())];
        text.splice(start..start + length, id.iter().copied());
    }
}
