//! The header `Prefer`: how a client would like to be answered.

use super::times::{self, Zone};

/// What a client prefers.
#[derive(Clone, Debug)]
pub(super) struct Prefer {
    /// `odata.maxpagesize`.
    pub page: Option<u32>,
    /// `outlook.timezone`.
    pub zone: Zone,
    /// `outlook.body-content-type="text"`.
    pub text_body: bool,
    /// `return=minimal`.
    pub minimal: bool,
    /// What of it is followed, as `Preference-Applied` says it.
    applied: Vec<String>,
}

impl Prefer {
    /// Reads the header; several headers joined by commas.
    pub(super) fn read(text: &str) -> Self {
        let mut prefer =
            Self { page: None, zone: times::default_zone(), text_body: false, minimal: false, applied: Vec::new() };
        if text.is_empty() {
            return prefer;
        }
        for part in text.split([',', ';']).map(str::trim) {
            let (name, value) = part.split_once('=').unwrap_or((part, ""));
            let value = value.trim().trim_matches('"');
            let followed = match name.trim().to_ascii_lowercase().as_str() {
                "odata.maxpagesize" | "maxpagesize" => {
                    prefer.page = value.parse().ok().filter(|size| 0 < *size);
                    prefer.page.is_some()
                }
                // `IdType="ImmutableId"` is not followed, and so not said to be: ids change when an item moves.
                "outlook.timezone" => match times::zone(value) {
                    Some(zone) => {
                        prefer.zone = zone;
                        true
                    }
                    None => false,
                },
                "outlook.body-content-type" => {
                    prefer.text_body = value.eq_ignore_ascii_case("text");
                    prefer.text_body || value.eq_ignore_ascii_case("html")
                }
                "return" => {
                    prefer.minimal = value.eq_ignore_ascii_case("minimal");
                    prefer.minimal
                }
                _ => false,
            };
            if followed {
                prefer.applied.push(part.to_owned());
            }
        }
        prefer
    }

    /// The value of `Preference-Applied`, if anything is followed.
    pub(super) fn applied(&self) -> Option<String> {
        (!self.applied.is_empty()).then(|| self.applied.join(", "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn preferences_are_read_from_one_header_or_several() {
        let prefer =
            Prefer::read("odata.maxpagesize=10, IdType=\"ImmutableId\",outlook.timezone=\"Tokyo Standard Time\"");
        assert_eq!(prefer.page, Some(10));
        assert_eq!(prefer.applied().as_deref(), Some("odata.maxpagesize=10, outlook.timezone=\"Tokyo Standard Time\""));
        assert_eq!(prefer.zone.name, "Tokyo Standard Time");
        assert!(Prefer::read("outlook.body-content-type=\"text\"").text_body);
        assert_eq!(Prefer::read("x=y, outlook.timezone=\"Nowhere\"").applied(), None);
    }
}
