//! What is said beside an answer: headers, and how they are written.

use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp, Unit};

use crate::throttle::policy::announce::Form;
use crate::time::Span;
use crate::wire::ews;
use crate::wire::http::HttpAnswer;

/// What is said beside an answer.
#[derive(Clone, PartialEq, Default, Debug)]
pub struct Remarks {
    /// Headers to add.
    pub headers: Vec<(&'static str, String)>,
    /// How `Retry-After` is written, if not in whole seconds, and for which wait.
    pub retry_after: Option<(Form, Span)>,
    /// An answer in other words, instead of the one that was written.
    pub instead: Option<HttpAnswer>,
    /// The body comes in drops over so long.
    pub drip: Option<Span>,
    /// The clock is wrong by so many nanoseconds in what is said.
    pub skew: Option<i64>,
    /// The request arrived twice, and the second is still to be carried out.
    pub again: bool,
    /// How many requests at once a limit lets pass that refused one of EWS, which names that number.
    pub lanes: Option<u32>,
}

impl Remarks {
    /// Whether there is nothing to say.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// Adds headers. What was said under the same names for work before, of the same request or of one whose remarks
    /// nobody took, is no longer true.
    pub fn head(&mut self, headers: Vec<(&'static str, String)>) {
        self.headers.retain(|(name, _)| headers.iter().all(|(new, _)| new != name));
        self.headers.extend(headers);
    }

    /// Says it: changes an answer that is written at a moment of the wall clock.
    pub fn dress(mut self, answer: &mut HttpAnswer, wall: Timestamp) {
        self.dress_one(answer, wall);
        if self.skew.is_some() {
            answer.headers.push(("Date", http_date(self.read(wall))));
        }
    }

    /// Says what concerns one answer of several, and keeps what concerns all.
    pub fn dress_one(&mut self, answer: &mut HttpAnswer, wall: Timestamp) {
        let wall = self.read(wall);
        if let Some(instead) = self.instead.take() {
            let kept = std::mem::take(&mut answer.headers).into_iter();
            let written = |name: &str| ["content-type", "retry-after"].iter().any(|own| own.eq_ignore_ascii_case(name));
            let kept = kept.filter(|(name, _)| !written(name));
            *answer = HttpAnswer { headers: instead.headers.into_iter().chain(kept).collect(), ..instead };
        }
        if let Some(lanes) = self.lanes.take() {
            ews::name_concurrency(answer, lanes);
        }
        answer.headers.append(&mut self.headers);
        let Some((form, wait)) = self.retry_after.take() else { return };
        if let Some((_, value)) = answer.headers.iter_mut().find(|(name, _)| name.eq_ignore_ascii_case("retry-after")) {
            *value = write(form, wait, wall);
        }
    }

    /// What the server's clock says at a moment.
    fn read(&self, wall: Timestamp) -> Timestamp {
        let skewed = self.skew.map(|by| wall.checked_add(SignedDuration::from_nanos(by)).unwrap_or(wall));
        skewed.unwrap_or(wall)
    }
}

/// A wait as `Retry-After` has it (RFC 9110 section 10.2.3).
#[must_use]
pub fn write(form: Form, wait: Span, wall: Timestamp) -> String {
    match form {
        Form::Seconds => wait.as_seconds_up().to_string(),
        Form::Decimals => {
            let milliseconds = wait.as_milliseconds_up();
            format!("{}.{:03}", milliseconds / 1_000, milliseconds % 1_000)
        }
        Form::Date => {
            let wait = SignedDuration::from_nanos(i64::try_from(wait.0).unwrap_or(i64::MAX));
            let until = wall.checked_add(wait).unwrap_or(Timestamp::MAX);
            let round = jiff::TimestampRound::new().smallest(Unit::Second).mode(jiff::RoundMode::Ceil);
            http_date(until.round(round).unwrap_or(until))
        }
    }
}

/// A moment as HTTP writes dates (RFC 9110 section 5.6.7).
#[must_use]
pub fn http_date(moment: Timestamp) -> String {
    moment.to_zoned(TimeZone::UTC).strftime("%a, %d %b %Y %H:%M:%S GMT").to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wait_is_written_in_each_form() {
        let wall: Timestamp = "2026-11-21T07:00:00.25Z".parse().expect("a moment");
        let wait = Span::milliseconds(2_128);
        assert_eq!(write(Form::Seconds, wait, wall), "3");
        assert_eq!(write(Form::Decimals, wait, wall), "2.128");
        assert_eq!(write(Form::Date, wait, wall), "Sat, 21 Nov 2026 07:00:03 GMT");
    }

    #[test]
    fn remarks_change_the_wait_of_an_answer_only_if_it_has_one() {
        let wall = Timestamp::UNIX_EPOCH;
        let remarks = Remarks {
            headers: vec![("x-a", "b".into())],
            retry_after: Some((Form::Decimals, Span(1))),
            ..Remarks::default()
        };
        let mut answer = HttpAnswer { status: 429, headers: vec![("Retry-After", "1".into())], body: Vec::new() };
        remarks.clone().dress(&mut answer, wall);
        assert_eq!((answer.header("retry-after"), answer.header("x-a")), (Some("0.001"), Some("b")));
        let mut answer = HttpAnswer { status: 200, headers: Vec::new(), body: Vec::new() };
        remarks.dress(&mut answer, wall);
        assert_eq!(answer.header("retry-after"), None);
    }
}
