//! What a refused client is told about waiting: how long, and in which form.

use crate::time::{Moment, NANOSECONDS, Span};

/// How long a refused client is told to wait.
#[derive(Copy, Clone, PartialEq, Debug)]
pub enum Wait {
    /// As long as it takes until the policy would let the same call pass, if nobody else called.
    Exact,
    /// Always the same.
    Constant(Span),
    /// Nothing is said (documented for some Graph services: Microsoft Graph limits page).
    Missing,
    /// This share of the exact wait. Below 1 the server lies, and whoever obeys is refused again.
    Share(f64),
    /// Longer with every refusal in a row, until a call of the same sharer is admitted.
    Growing {
        /// What the first refusal announces.
        first: Span,
        /// How much longer each further one is.
        factor: f64,
        /// The longest that is announced.
        longest: Span,
    },
}

/// The form in which a wait is written into `Retry-After` (RFC 9110 section 10.2.3 allows whole seconds and dates; the
/// Graph throttling page of 2021 has a sample with decimals, `2.128`). EWS writes milliseconds whatever the form.
#[derive(Copy, Clone, PartialEq, Eq, Default, Debug)]
pub enum Form {
    /// Whole seconds, rounded up.
    #[default]
    Seconds,
    /// Seconds with three decimals, rounded up.
    Decimals,
    /// The date from which on the call may be repeated, in whole seconds, rounded up.
    Date,
}

/// What a refused client is told about waiting.
#[derive(Copy, Clone, PartialEq, Debug)]
pub struct Announce {
    /// How long.
    pub wait: Wait,
    /// In which form.
    pub form: Form,
}

impl Default for Announce {
    fn default() -> Self {
        Self { wait: Wait::Exact, form: Form::Seconds }
    }
}

impl Announce {
    /// An announcement in whole seconds.
    #[must_use]
    pub const fn of(wait: Wait) -> Self {
        Self { wait, form: Form::Seconds }
    }

    /// What is announced at `now` when `exact` would be right, after so many refusals in a row before this one. A date
    /// cannot say more than seconds: it names the next whole one.
    #[must_use]
    pub fn say(&self, now: Moment, exact: Option<Span>, refused_before: u32) -> Option<Span> {
        let wait = match self.wait {
            Wait::Exact => exact,
            Wait::Constant(wait) => Some(wait),
            Wait::Missing => None,
            Wait::Share(share) => exact.map(|exact| exact.scale(share)),
            Wait::Growing { first, factor, longest } => {
                let grown = first.as_seconds() * libm::pow(factor, f64::from(refused_before));
                Some(Span::from_seconds(grown.min(longest.as_seconds())).min(longest))
            }
        };
        wait.map(|wait| match self.form {
            Form::Date => Moment((now + wait).0.div_ceil(NANOSECONDS).saturating_mul(NANOSECONDS)).since(now),
            Form::Decimals => Span::milliseconds(wait.as_milliseconds_up().min(u64::MAX / 1_000_000)),
            Form::Seconds => wait,
        })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(10_000))]

        /// For all exact waits: a lie is a lie, silence is silence, and a date is never earlier than the truth and less
        /// than a second later.
        #[test]
        fn an_announcement_is_what_its_shape_says(
            exact in 1_u64..10_000_000_000_000,
            now in 0_u64..10_000_000_000_000,
            share in 0.01_f64..0.99,
        ) {
            let (now, exact) = (Moment(now), Span(exact));
            let say = |wait, form| Announce { wait, form }.say(now, Some(exact), 0);
            prop_assert_eq!(say(Wait::Exact, Form::Seconds), Some(exact));
            prop_assert_eq!(say(Wait::Missing, Form::Seconds), None);
            let lie = say(Wait::Share(share), Form::Seconds).expect("something is said");
            prop_assert!(lie < exact);
            let date = say(Wait::Exact, Form::Date).expect("something is said");
            prop_assert!(exact <= date && date < exact + Span::seconds(1));
            prop_assert_eq!((now + date).0 % NANOSECONDS, 0);
            let decimals = say(Wait::Exact, Form::Decimals).expect("something is said");
            prop_assert!(exact <= decimals && decimals < exact + Span::milliseconds(1));
        }

        /// For all shapes that grow: each announcement is the factor times the one before, until the longest.
        #[test]
        fn a_growing_wait_grows_up_to_its_longest(
            first in 1_u64..60,
            factor in 1.0_f64..4.0,
            longest in 60_u64..3_600,
        ) {
            let (first, longest) = (Span::seconds(first), Span::seconds(longest));
            let announce = Announce::of(Wait::Growing { first, factor, longest });
            let mut before = Span::ZERO;
            for refused in 0..40_u8 {
                let said = announce.say(Moment::START, None, refused.into()).expect("something is said");
                prop_assert!(before <= said && said <= longest);
                let closed = (first.as_seconds() * factor.powi(refused.into())).min(longest.as_seconds());
                prop_assert!((said.as_seconds() - closed).abs() < 1e-6 * closed);
                before = said;
            }
        }
    }
}
