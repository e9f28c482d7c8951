//! What a fault can ask and do beyond the plain acts, as control requests write it.

use serde::{Deserialize, Serialize};

use super::reply::Wrong;
use super::words::{listed, named, share, sigma, span, unknown};
use crate::draw::Distribution;
use crate::fault::also::{Also, Bursts};
use crate::fault::rule::Act;
use crate::fault::trick::{Door, Saying, Trick, Words, may_be_header};
use crate::time::Span;
use crate::wire::call::Protocol;
use crate::wire::refusal::ItemError;

/// A distribution of delays; the middle of it in seconds, and how it spreads.
#[derive(Clone, PartialEq, Default, Debug, Serialize, Deserialize)]
#[expect(clippy::struct_field_names, reason = "the names are those of the flat object that clients send")]
pub(super) struct Spread {
    /// The delay, its mean (exponential), its median (log-normal) or its shortest (uniform).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    delay_seconds: Option<f64>,
    /// `constant`, `exponential`, `uniform` or `log-normal`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    delay_spread: Option<String>,
    /// The longest delay, for `uniform`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    delay_to_seconds: Option<f64>,
    /// The standard deviation of the logarithm, for `log-normal`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    delay_sigma: Option<f64>,
}

/// The words of [`Spread`].
pub(super) const SPREADS: [&str; 4] = ["constant", "exponential", "uniform", "log-normal"];

impl Spread {
    /// The distribution; nothing if none is written.
    pub(super) fn distribution(&self) -> Result<Option<Distribution>, Wrong> {
        let Some(delay) = span(self.delay_seconds, "delay_seconds")? else { return Ok(None) };
        Ok(Some(match self.delay_spread.as_deref().unwrap_or(SPREADS[0]) {
            "constant" => Distribution::Constant(delay),
            "exponential" => Distribution::Exponential { mean: delay },
            "uniform" => {
                let high = span(self.delay_to_seconds, "delay_to_seconds")?.unwrap_or(delay);
                if high < delay {
                    return Err(Wrong::request("delay_to_seconds is below delay_seconds", "give the longest delay"));
                }
                Distribution::Uniform { low: delay, high }
            }
            "log-normal" => {
                let sigma = sigma(self.delay_sigma, "delay_sigma")?.unwrap_or(0.5);
                Distribution::LogNormal { median: delay, sigma }
            }
            other => return Err(unknown("delay_spread", other, &SPREADS)),
        }))
    }

    /// How a distribution is shown.
    pub(super) fn of(distribution: &Distribution) -> Self {
        let (name, delay, to, sigma) = match *distribution {
            Distribution::Constant(delay) => {
                return Self { delay_seconds: Some(delay.as_seconds()), ..Self::default() };
            }
            Distribution::Exponential { mean } => (SPREADS[1], mean, None, None),
            Distribution::Uniform { low, high } => (SPREADS[2], low, Some(high.as_seconds()), None),
            Distribution::LogNormal { median, sigma } => (SPREADS[3], median, None, Some(sigma)),
        };
        Self {
            delay_seconds: Some(delay.as_seconds()),
            delay_spread: Some(name.to_owned()),
            delay_to_seconds: to,
            delay_sigma: sigma,
        }
    }
}

/// What a fault can ask and do beyond the plain acts.
#[derive(Clone, PartialEq, Default, Debug, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct Tricks {
    /// `ews` and `graph`; both if empty.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    protocols: Vec<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    apps: Vec<u32>,
    /// The share of mailboxes that it concerns.
    #[serde(skip_serializing_if = "Option::is_none")]
    cohort: Option<f64>,
    /// The length of a burst.
    #[serde(skip_serializing_if = "Option::is_none")]
    burst_seconds: Option<f64>,
    /// The share of time that is in bursts.
    #[serde(skip_serializing_if = "Option::is_none")]
    burst_share: Option<f64>,
    /// Whether each mailbox has bursts of its own.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    burst_by_mailbox: bool,
    /// Whether all attempts of a request are hit alike.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    whole_request: bool,
    /// What `say` says.
    #[serde(skip_serializing_if = "Option::is_none")]
    words: Option<String>,
    /// The body that `say` says instead of words.
    #[serde(skip_serializing_if = "Option::is_none")]
    body: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    content_type: Option<String>,
    /// How much later `say` says it: the median of a log-normal delay if `late_sigma` is there.
    #[serde(skip_serializing_if = "Option::is_none")]
    late_seconds: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    late_sigma: Option<f64>,
    /// Over how long `drip` drips.
    #[serde(skip_serializing_if = "Option::is_none")]
    over_seconds: Option<f64>,
    /// By how much the clock is ahead; below zero if it is behind.
    #[serde(skip_serializing_if = "Option::is_none")]
    skew_seconds: Option<f64>,
    /// The error of `fail-item`.
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<String>,
    /// How `unreachable` fails.
    #[serde(skip_serializing_if = "Option::is_none")]
    door: Option<String>,
}

fn missing(key: &str) -> Wrong {
    Wrong::request(format!("{key} is missing"), format!("say it: \"{key}\": ..."))
}

impl Tricks {
    /// The further conditions.
    pub(super) fn also(&self) -> Result<Also, Wrong> {
        let protocol = |name: &String| named::<Protocol>("protocol", name);
        let bursts = match (span(self.burst_seconds, "burst_seconds")?, share(self.burst_share, "burst_share")?) {
            (Some(length), Some(share)) => Some(Bursts { length, share, by_mailbox: self.burst_by_mailbox }),
            (Some(_), None) => return Err(missing("burst_share")),
            (None, Some(_)) => return Err(missing("burst_seconds")),
            (None, None) => None,
        };
        Ok(Also {
            protocols: self.protocols.iter().map(protocol).collect::<Result<_, _>>()?,
            apps: self.apps.clone(),
            cohort: share(self.cohort, "cohort")?,
            bursts,
            whole_request: self.whole_request,
        })
    }

    /// How further conditions are shown.
    pub(super) fn of(also: &Also) -> Self {
        Self {
            protocols: also.protocols.iter().map(|protocol| protocol.name().to_owned()).collect(),
            apps: also.apps.clone(),
            cohort: also.cohort,
            burst_seconds: also.bursts.map(|bursts| bursts.length.as_seconds()),
            burst_share: also.bursts.map(|bursts| bursts.share),
            burst_by_mailbox: also.bursts.is_some_and(|bursts| bursts.by_mailbox),
            whole_request: also.whole_request,
            ..Self::default()
        }
    }

    /// The act of a name; nothing if there is none.
    pub(super) fn act(&self, name: &str, status: Option<u16>, wait: Option<Span>) -> Result<Option<Act>, Wrong> {
        let trick = match name {
            "say" => return self.saying(status, wait).map(|saying| Some(Act::Say(saying))),
            "fail-item" => return self.item_error(wait).map(|error| Some(Act::FailItem(error))),
            "unreachable" => {
                let name = self.door.as_deref().unwrap_or(Door::NAMED[0].0);
                return Ok(Some(Act::Unreachable(listed("door", name, Door::NAMED)?)));
            }
            "drip" => {
                let over = span(self.over_seconds, "over_seconds")?.ok_or_else(|| missing("over_seconds"))?;
                Trick::Drip(Distribution::Constant(over))
            }
            "skew" => {
                let seconds = self.skew_seconds.ok_or_else(|| missing("skew_seconds"))?;
                let by = span(Some(seconds.abs()), "skew_seconds")?.unwrap_or(Span::ZERO);
                Trick::Skew { by, ahead: seconds > 0.0 }
            }
            "malformed" => Trick::Malformed,
            "empty" => Trick::Empty,
            "wrong-length" => Trick::WrongLength,
            "twice" => Trick::Twice,
            "shuffled" => Trick::Shuffled,
            "expired" => Trick::Expired,
            _ => return Ok(None),
        };
        Ok(Some(Act::Trick(trick)))
    }

    fn item_error(&self, retry_after: Option<Span>) -> Result<ItemError, Wrong> {
        let name = self.error.as_deref().ok_or_else(|| missing("error"))?;
        let kind = named("error", name)?;
        Ok(ItemError { kind, retry_after })
    }

    fn saying(&self, status: Option<u16>, retry_after: Option<Span>) -> Result<Saying, Wrong> {
        let words = if let Some(body) = &self.body {
            let content_type = self.content_type.as_deref().unwrap_or("text/plain; charset=utf-8");
            if !may_be_header(content_type) {
                let help = "give a type as it stands in a header, such as \"text/html; charset=utf-8\"";
                return Err(Wrong::request("content_type is no header", help));
            }
            Words::Body { content_type: content_type.into(), body: body.as_str().into() }
        } else {
            listed("words", self.words.as_deref().unwrap_or(Words::NAMED[0].0), Words::NAMED)?
        };
        let (kind, usual) = words.usual();
        let status = status.unwrap_or(usual);
        if !(200..=599).contains(&status) {
            return Err(Wrong::request(format!("status is {status}"), "give a status from 200 to 599"));
        }
        let sigma = sigma(self.late_sigma, "late_sigma")?;
        let late = span(self.late_seconds, "late_seconds")?.map(|late| match sigma {
            Some(sigma) => Distribution::LogNormal { median: late, sigma },
            None => Distribution::Constant(late),
        });
        Ok(Saying { kind: Saying::kind_of(kind, status), status, retry_after, words, late })
    }

    /// Takes down what there is to say about an act that is none of the plain ones; returns its status and its wait if
    /// it has them.
    pub(super) fn show(&mut self, act: &Act) -> (Option<u16>, Option<Span>) {
        match act {
            Act::Say(saying) => {
                self.late_seconds = saying.late.map(|late| match late {
                    Distribution::LogNormal { median, .. } => median.as_seconds(),
                    other => other.mean().as_seconds(),
                });
                if let Some(Distribution::LogNormal { sigma, .. }) = saying.late {
                    self.late_sigma = Some(sigma);
                }
                if let Words::Body { content_type, body } = &saying.words {
                    (self.content_type, self.body) = (Some(content_type.to_string()), Some(body.to_string()));
                } else {
                    let named = Words::NAMED.into_iter().find(|(_, words)| *words == saying.words);
                    self.words = named.map(|(name, _)| name.to_owned());
                }
                return (Some(saying.status), saying.retry_after);
            }
            Act::FailItem(error) => {
                self.error = Some(error.kind.name().to_owned());
                return (None, error.retry_after);
            }
            Act::Unreachable(door) => {
                let named = Door::NAMED.into_iter().find(|(_, known)| known == door);
                self.door = named.map(|(name, _)| name.to_owned());
            }
            Act::Trick(Trick::Drip(over)) => self.over_seconds = Some(over.mean().as_seconds()),
            Act::Trick(Trick::Skew { by, ahead }) => {
                self.skew_seconds = Some(if *ahead { by.as_seconds() } else { -by.as_seconds() });
            }
            // There is nothing to say about the others, or they are plain.
            _ => {}
        }
        (None, None)
    }
}

#[cfg(test)]
impl Spread {
    /// With everything there is.
    pub(super) fn everything() -> Self {
        let number = Some(1.0);
        Self { delay_seconds: number, delay_spread: Some(String::new()), delay_to_seconds: number, delay_sigma: number }
    }
}

#[cfg(test)]
impl Tricks {
    /// With everything there is.
    pub(super) fn everything() -> Self {
        let (text, number) = (|| Some(String::new()), Some(1.0));
        Self {
            protocols: vec![String::new()],
            apps: vec![1],
            cohort: number,
            burst_seconds: number,
            burst_share: number,
            burst_by_mailbox: true,
            whole_request: true,
            words: text(),
            body: text(),
            content_type: text(),
            late_seconds: number,
            late_sigma: number,
            over_seconds: number,
            skew_seconds: number,
            error: text(),
            door: text(),
        }
    }
}
