//! How long texts become when they are written as XML.

/// Length of text in bytes once it is written between tags.
pub(crate) fn text(text: &str) -> u64 {
    text.bytes().map(|byte| u64::from(BETWEEN_TAGS[byte as usize])).sum()
}

/// Length of text in bytes once it is written as the value of an attribute.
pub(crate) fn attribute(text: &str) -> u64 {
    text.bytes().map(|byte| u64::from(in_attribute(byte))).sum()
}

/// What each byte becomes between tags: names are measured for every folder of every listing.
const BETWEEN_TAGS: [u8; 256] = {
    let mut lengths = [1; 256];
    let mut byte = 0;
    while byte < lengths.len() {
        if byte != b'"' as usize && byte != b'\'' as usize {
            lengths[byte] = markup(byte as u8);
        }
        byte += 1;
    }
    lengths
};

const fn in_attribute(byte: u8) -> u8 {
    match byte {
        b'\n' => 5, // &#10;
        b'\t' => 4, // &#9;
        _ => markup(byte),
    }
}

const fn markup(byte: u8) -> u8 {
    match byte {
        b'<' | b'>' => 4,  // &lt;
        b'&' | b'\r' => 5, // &amp; &#13;
        b'"' | b'\'' => 6, // &quot; &apos;
        _ => 1,
    }
}
