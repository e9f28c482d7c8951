//! `GetStreamingEvents`: an answer that goes on, message after message, each of them a whole document.

use std::collections::{BTreeMap, BTreeSet};

use super::context::{Context, Refused};
use super::failure::Failure;
use super::messages::Messages;
use super::names::GET_STREAMING_EVENTS;
use super::subscriptions::{News, find, read_id};
use crate::mailbox::content::Content;
use crate::mailbox::open::Open;
use crate::mailbox::watch::Delivery;
use crate::protocol::host::Host;
use crate::service::cost::Work;
use crate::time::{Moment, Span};
use crate::wire::ews::xml::{Element, Writer};
use crate::wire::id::MailboxKey;
use crate::wire::opaque::{self, Kind};
use crate::wire::operation::Operation;

/// The longest time that an answer goes on, in minutes (`StreamingSubscriptionConnectionTimeoutType` in `types.xsd`).
const TIMEOUT_MAX: u64 = 30;

/// The most subscriptions of one connection (Microsoft Learn, "Notification subscriptions, mailbox events, and EWS").
const SUBSCRIPTIONS_MAX: usize = 200;

/// How often a client hears that the connection is alive while nothing happens (assumed).
const SIGN_EVERY: Span = Span::seconds(45);

/// How often computed content is looked at, which changes without being told to (assumed).
const LOOK_EVERY: Span = Span::seconds(1);

/// An answer that goes on.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Ongoing {
    subscriptions: Vec<(MailboxKey, u64)>,
    /// How long it goes on.
    lasts: Span,
    times: Option<Times>,
    /// Notifications that are to be written, as XML.
    notifications: Vec<u8>,
    /// Subscriptions that have ended meanwhile.
    lost: Vec<String>,
    /// Whether there is more to be told at once.
    more: bool,
    /// Whether something may happen though nobody does anything.
    churns: bool,
}

#[derive(Copy, Clone, PartialEq, Eq, Debug)]
struct Times {
    ends: Moment,
    sign: Moment,
}

impl Times {
    /// Until when there is nothing to be said.
    fn until(self, now: Moment, more: bool, churns: bool) -> Moment {
        let next = self.ends.min(self.sign);
        match (more, churns) {
            (true, _) => now,
            (false, true) => next.min(now + LOOK_EVERY),
            (false, false) => next,
        }
    }
}

/// What is said next.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Said {
    /// The bytes; there may be none.
    pub bytes: Vec<u8>,
    /// Until when there is nothing to be said unless something happens; absent if this was all.
    pub until: Option<Moment>,
}

/// Answers the operation: with the beginning of an answer that goes on, or with all that there is to say.
pub(super) fn answer<H: Host>(
    request: &Element<'_>,
    context: &mut Context<'_, H>,
) -> Result<(Vec<u8>, Option<Ongoing>), Refused> {
    let ids = request.message("SubscriptionIds").map_or(&[][..], |ids| &ids.children);
    if ids.is_empty() || ids.len() > SUBSCRIPTIONS_MAX {
        return Err(Refused::schema("there are no subscriptions, or too many"));
    }
    let minutes = request.message("ConnectionTimeout").and_then(|timeout| timeout.text().parse().ok());
    let minutes: u64 = minutes
        .filter(|minutes| (1..=TIMEOUT_MAX).contains(minutes))
        .ok_or_else(|| Refused::schema("the connection timeout is missing or invalid"))?;
    let named: Vec<_> = ids.iter().map(|id| read_id(id.text())).collect();
    // Those of one mailbox are asked for at once: limits and faults count requests.
    let mailboxes: BTreeSet<MailboxKey> = named.iter().flatten().map(|(mailbox, _)| *mailbox).collect();
    let mut streaming = BTreeMap::new();
    for mailbox in mailboxes {
        context.perform(mailbox, Operation::GetEvents, |open| {
            for (_, number) in named.iter().flatten().filter(|(owner, _)| *owner == mailbox) {
                streaming.insert((mailbox, *number), check(open, *number));
            }
            ((), Work::default())
        })?;
    }
    let mut subscriptions = Vec::with_capacity(ids.len());
    let mut failed: Option<Failure> = None;
    let mut lost = Vec::new();
    for (id, named) in ids.iter().zip(named) {
        match named.and_then(|named| streaming[&named].map(|()| named)) {
            Ok(subscription) => subscriptions.push(subscription),
            Err(failure) => {
                failed.get_or_insert(failure);
                lost.push(id.text().to_owned());
            }
        }
    }
    if let Some(failure) = failed {
        return Ok((refusal(failure, &lost), None));
    }
    let mut messages = Messages::new(&GET_STREAMING_EVENTS, None);
    messages.succeed(|writer| writer.leaf("m:ConnectionStatus", "OK"));
    let ongoing = Ongoing {
        subscriptions,
        lasts: Span::seconds(60 * minutes),
        times: None,
        notifications: Vec::new(),
        lost: Vec::new(),
        more: false,
        churns: false,
    };
    Ok((messages.finish(), Some(ongoing)))
}

/// Whether a subscription is there, and one whose events are streamed.
fn check<C: Content>(open: &mut Open<'_, C>, number: u64) -> Result<(), Failure> {
    match find(open, number)?.delivery {
        Delivery::Streaming => Ok(()),
        Delivery::Pull { .. } | Delivery::Push => Err(Failure::INVALID_SUBSCRIPTION),
    }
}

/// The message that ends a connection because of subscriptions that are no good.
fn refusal(failure: Failure, ids: &[String]) -> Vec<u8> {
    let mut messages = Messages::new(&GET_STREAMING_EVENTS, None);
    messages.fail_with(failure, |writer| {
        writer.open("m:ErrorSubscriptionIds", &[]);
        for id in ids {
            writer.leaf("m:SubscriptionId", id);
        }
        writer.close("m:ErrorSubscriptionIds");
        writer.leaf("m:ConnectionStatus", "Closed");
    });
    messages.finish()
}

impl Ongoing {
    /// The mailboxes that are watched.
    #[must_use]
    pub fn mailboxes(&self) -> BTreeSet<MailboxKey> {
        self.subscriptions.iter().map(|(mailbox, _)| *mailbox).collect()
    }

    /// Takes the news of one of its mailboxes, to be said.
    pub fn hear<C: Content>(&mut self, open: &mut Open<'_, C>) {
        let own = open.mailbox();
        self.churns |= open.churns();
        for (_, number) in self.subscriptions.clone().into_iter().filter(|(mailbox, _)| *mailbox == own) {
            let since = find(open, number).map(|subscription| subscription.position);
            let news = since.and_then(|since| News::since(open, number, since));
            let Ok(news) = news else {
                self.lost.push(opaque::encode(Kind::Subscription, own, number));
                continue;
            };
            let now = open.wall();
            if let Ok(subscription) = find(open, number) {
                (subscription.asked, subscription.position) = (now, news.end);
            }
            self.more |= news.has_more();
            if news.is_empty() {
                continue;
            }
            let mut writer = Writer::cleaning_fragment();
            writer.open("m:Notification", &[]);
            writer.leaf("t:SubscriptionId", &opaque::encode(Kind::Subscription, own, number));
            news.write(&mut writer, open, false);
            writer.close("m:Notification");
            self.notifications.extend(writer.finish());
        }
    }

    /// What is to be said at a moment, now that the news was heard.
    pub fn say(&mut self, now: Moment) -> Said {
        let (lasts, churns, more) = (self.lasts, self.churns, std::mem::take(&mut self.more));
        let times = self.times.get_or_insert(Times { ends: now + lasts, sign: now + SIGN_EVERY });
        if !self.lost.is_empty() {
            return Said { bytes: refusal(Failure::SUBSCRIPTION_NOT_FOUND, &self.lost), until: None };
        }
        let closes = times.ends <= now;
        let notifications = std::mem::take(&mut self.notifications);
        let signs = notifications.is_empty() && times.sign <= now;
        if notifications.is_empty() && !signs && !closes {
            return Said { bytes: Vec::new(), until: Some(times.until(now, more, churns)) };
        }
        times.sign = now + SIGN_EVERY;
        let until = times.until(now, more, churns);
        let mut messages = Messages::new(&GET_STREAMING_EVENTS, None);
        messages.succeed(|writer| {
            if !notifications.is_empty() {
                writer.open("m:Notifications", &[]);
                writer.raw(&notifications);
                writer.close("m:Notifications");
            }
            if closes || signs {
                writer.leaf("m:ConnectionStatus", if closes { "Closed" } else { "OK" });
            }
        });
        Said { bytes: messages.finish(), until: (!closes).then_some(until) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(ongoing: &mut Ongoing, second: u64, expected: Option<&str>) -> Option<Moment> {
        let said = ongoing.say(Moment::START + Span::seconds(second));
        let text = String::from_utf8_lossy(&said.bytes).into_owned();
        match expected {
            Some(expected) => assert!(text.contains(expected), "{expected} is not in {text}"),
            None => assert_eq!(text, ""),
        }
        said.until
    }

    #[test]
    fn an_answer_shows_that_it_is_alive_and_ends_when_its_time_is_over() {
        let at = |second| Some(Moment::START + Span::seconds(second));
        let mut ongoing = Ongoing {
            subscriptions: Vec::new(),
            lasts: Span::seconds(60),
            times: None,
            notifications: Vec::new(),
            lost: Vec::new(),
            more: false,
            churns: false,
        };
        assert_eq!(check(&mut ongoing, 0, None), at(45));
        ongoing.notifications = b"<m:Notification/>".to_vec();
        assert_eq!(check(&mut ongoing, 10, Some("<m:Notifications><m:Notification/></m:Notifications>")), at(55));
        assert_eq!(check(&mut ongoing, 54, None), at(55));
        assert_eq!(check(&mut ongoing, 55, Some("<m:ConnectionStatus>OK<")), at(60));
        assert_eq!(check(&mut ongoing, 60, Some("<m:ConnectionStatus>Closed<")), None);
    }
}
