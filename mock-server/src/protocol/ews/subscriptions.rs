//! `Subscribe`, `Unsubscribe` and `GetEvents`.
//!
//! A push subscription is kept like any other, but nothing is sent: this server opens no connections.

use std::collections::BTreeSet;

use super::context::{Context, Refused};
use super::failure::Failure;
use super::folder_shape::write_id;
use super::item_ids;
use super::messages::Messages;
use super::names::{self, GET_EVENTS, SUBSCRIBE, UNSUBSCRIBE};
use crate::mailbox::content::Content;
use crate::mailbox::open::Open;
use crate::mailbox::watch::{Delivery, Event, EventKind, Object, Position, Subscription};
use crate::protocol::host::Host;
use crate::service::cost::Work;
use crate::wire::ews::xml::{Element, Space, Writer};
use crate::wire::id::MailboxKey;
use crate::wire::opaque::{self, Kind};
use crate::wire::operation::Operation;

/// The most changes that one answer tells of (assumed).
const CHANGES_MAX: usize = 500;

/// The most subscriptions of one mailbox: what is widely quoted for `EwsMaxSubscriptions`, without a source to be trusted.
const SUBSCRIPTIONS_MAX: usize = 5_000;

/// The longest time between two `GetEvents` of a subscription, in minutes (`SubscriptionTimeoutType` in `types.xsd`).
const TIMEOUT_MAX: u32 = 1_440;

/// What kinds of events are called.
const KINDS: [(&str, EventKind); 7] = [
    ("CopiedEvent", EventKind::Copied),
    ("CreatedEvent", EventKind::Created),
    ("DeletedEvent", EventKind::Deleted),
    ("ModifiedEvent", EventKind::Modified),
    ("MovedEvent", EventKind::Moved),
    ("NewMailEvent", EventKind::NewMail),
    ("FreeBusyChangedEvent", EventKind::FreeBusyChanged),
];

/// The element of a kind of event.
fn element(kind: EventKind) -> &'static str {
    match kind {
        EventKind::Copied => "t:CopiedEvent",
        EventKind::Created => "t:CreatedEvent",
        EventKind::Deleted => "t:DeletedEvent",
        EventKind::Modified => "t:ModifiedEvent",
        EventKind::Moved => "t:MovedEvent",
        EventKind::NewMail => "t:NewMailEvent",
        EventKind::FreeBusyChanged => "t:FreeBusyChangedEvent",
    }
}

/// A child of a name in either namespace: clients write those of subscription requests in both.
fn either<'d, 'a>(holder: &'d Element<'a>, name: &str) -> Option<&'d Element<'a>> {
    holder.typed(name).or_else(|| holder.message(name))
}

/// `Subscribe`.
pub(super) fn subscribe<H: Host>(request: &Element<'_>, context: &mut Context<'_, H>) -> Result<Vec<u8>, Refused> {
    let [wanted] = &*request.children else {
        return Err(Refused::schema("there must be exactly one subscription"));
    };
    let delivery = match &*wanted.name {
        "PullSubscriptionRequest" => {
            let timeout = either(wanted, "Timeout").and_then(|timeout| timeout.text().parse().ok());
            let timeout = timeout.filter(|minutes| (1..=TIMEOUT_MAX).contains(minutes));
            Delivery::Pull { timeout: timeout.ok_or_else(|| Refused::schema("the timeout is missing or invalid"))? }
        }
        "PushSubscriptionRequest" => {
            either(wanted, "URL").ok_or_else(|| Refused::schema("the URL is missing"))?;
            Delivery::Push
        }
        "StreamingSubscriptionRequest" => Delivery::Streaming,
        _ => return Err(Refused::schema("there is no such kind of subscription")),
    };
    let kinds = read_kinds(wanted)?;
    let mut messages = Messages::new(&SUBSCRIBE, None);
    let folders = read_folders(wanted, context);
    let mailbox = match &folders {
        Ok(Some((mailbox, _))) => *mailbox,
        _ => context.mailbox(),
    };
    let watermark = either(wanted, "Watermark").map(Element::text).filter(|watermark| !watermark.is_empty());
    context.perform(mailbox, Operation::Subscribe, |open| {
        let begun = folders.and_then(|folders| {
            let folders = folders.map(|(_, targets)| targets);
            let folders = folders.map(|targets| targets.iter().map(|target| target.ordinal(open)).collect());
            begin(open, delivery, folders.transpose()?, kinds, watermark)
        });
        match begun {
            Ok((number, position)) => messages.succeed(|writer| {
                let id = opaque::encode(Kind::Subscription, mailbox, number);
                writer.leaf("m:SubscriptionId", &id);
                if delivery != Delivery::Streaming {
                    writer.leaf("m:Watermark", &watermark_of(mailbox, position));
                }
            }),
            Err(failure) => messages.fail(failure),
        }
        ((), Work::default())
    })?;
    Ok(messages.finish())
}

fn read_kinds(wanted: &Element<'_>) -> Result<BTreeSet<EventKind>, Refused> {
    let kinds = either(wanted, "EventTypes").map_or(&[][..], |kinds| &kinds.children);
    let kinds: Option<BTreeSet<_>> = kinds.iter().map(|kind| names::named(&KINDS, kind.text())).collect();
    kinds.filter(|kinds| !kinds.is_empty()).ok_or_else(|| Refused::schema("the event types are missing or invalid"))
}

/// The folders to be watched, all of one mailbox; nothing if all are.
type Watched = Option<(MailboxKey, Vec<super::context::FolderTarget>)>;

fn read_folders<H: Host>(wanted: &Element<'_>, context: &mut Context<'_, H>) -> Result<Watched, Failure> {
    let all = wanted.attribute("SubscribeToAllFolders");
    let all = all.is_some_and(|all| all == "1" || all.eq_ignore_ascii_case("true"));
    let Some(folders) = either(wanted, "FolderIds") else {
        return if all { Ok(None) } else { Err(Failure::SUBSCRIPTION_REQUEST) };
    };
    let targets = folders.children.iter().map(|folder| context.folder(folder)).collect::<Result<Vec<_>, _>>()?;
    let first = targets.first().ok_or(Failure::SUBSCRIPTION_REQUEST)?.mailbox();
    if all || targets.iter().any(|target| target.mailbox() != first) {
        return Err(Failure::SUBSCRIPTION_REQUEST);
    }
    Ok(Some((first, targets)))
}

fn begin<C: Content>(
    open: &mut Open<'_, C>,
    delivery: Delivery,
    folders: Option<BTreeSet<u32>>,
    kinds: BTreeSet<EventKind>,
    watermark: Option<&str>,
) -> Result<(u64, Position), Failure> {
    let position = match watermark {
        Some(watermark) => read_watermark(open, watermark)?,
        None => open.position(),
    };
    let now = open.wall();
    if SUBSCRIPTIONS_MAX <= open.watch().subscriptions_at(now) {
        return Err(Failure::SUBSCRIPTION_COUNT);
    }
    let subscription = Subscription { delivery, folders, kinds, position, asked: now };
    Ok((open.watch().subscribe(subscription), position))
}

fn watermark_of(mailbox: MailboxKey, position: Position) -> String {
    position.numbers().map(|number| opaque::encode(Kind::Watermark, mailbox, number)).concat()
}

fn read_watermark<C: Content>(open: &Open<'_, C>, text: &str) -> Result<Position, Failure> {
    let (logs, clock) = text.split_at_checked(opaque::LENGTH).ok_or(Failure::WATERMARK)?;
    let decode = |part| opaque::decode(Kind::Watermark, part).filter(|(mailbox, _)| *mailbox == open.mailbox());
    let ((_, logs), (_, clock)) = decode(logs).zip(decode(clock)).ok_or(Failure::WATERMARK)?;
    let (position, end) = (Position::read([logs, clock]), open.position());
    let known = position.items <= end.items && position.folders <= end.folders && position.clock <= end.clock;
    if known { Ok(position) } else { Err(Failure::WATERMARK) }
}

/// The mailbox and number of a subscription that a request names.
pub(super) fn read_id(text: &str) -> Result<(MailboxKey, u64), Failure> {
    opaque::decode(Kind::Subscription, text).ok_or(Failure::INVALID_SUBSCRIPTION)
}

/// A subscription that has not ended.
pub(super) fn find<'o, C: Content>(open: &'o mut Open<'_, C>, number: u64) -> Result<&'o mut Subscription, Failure> {
    let now = open.wall();
    if open.watch().subscription(number).is_some_and(|subscription| subscription.has_expired(now)) {
        open.watch().unsubscribe(number);
    }
    open.watch().subscription(number).ok_or(Failure::SUBSCRIPTION_NOT_FOUND)
}

fn named(request: &Element<'_>) -> Result<Result<(MailboxKey, u64), Failure>, Refused> {
    let id = request.message("SubscriptionId").ok_or_else(|| Refused::schema("the subscription is missing"))?;
    Ok(read_id(id.text()))
}

/// `Unsubscribe`. A push subscription ends when its receiver says so, and in no other way.
pub(super) fn unsubscribe<H: Host>(request: &Element<'_>, context: &mut Context<'_, H>) -> Result<Vec<u8>, Refused> {
    let mut messages = Messages::new(&UNSUBSCRIBE, None);
    match named(request)? {
        Err(failure) => messages.fail(failure),
        Ok((mailbox, number)) => context.perform(mailbox, Operation::Subscribe, |open| {
            let ended = find(open, number).and_then(|subscription| match subscription.delivery {
                Delivery::Push => Err(Failure::INVALID_SUBSCRIPTION),
                Delivery::Pull { .. } | Delivery::Streaming => Ok(()),
            });
            match ended {
                Ok(()) => {
                    open.watch().unsubscribe(number);
                    messages.succeed(|_| {});
                }
                Err(failure) => messages.fail(failure),
            }
            ((), Work::default())
        })?,
    }
    Ok(messages.finish())
}

/// `GetEvents`.
pub(super) fn get<H: Host>(request: &Element<'_>, context: &mut Context<'_, H>) -> Result<Vec<u8>, Refused> {
    let watermark = request.message("Watermark").ok_or_else(|| Refused::schema("the watermark is missing"))?;
    let mut messages = Messages::new(&GET_EVENTS, None);
    match named(request)? {
        Err(failure) => messages.fail(failure),
        Ok((mailbox, number)) => context.perform(mailbox, Operation::GetEvents, |open| {
            match pull(open, number, watermark.text()) {
                Ok((before, news)) => messages.succeed(|writer| {
                    writer.open("m:Notification", &[]);
                    writer.leaf("t:SubscriptionId", &opaque::encode(Kind::Subscription, mailbox, number));
                    writer.leaf("t:PreviousWatermark", &watermark_of(mailbox, before));
                    writer.leaf("t:MoreEvents", if news.more { "true" } else { "false" });
                    news.write(writer, open, true);
                    writer.close("m:Notification");
                }),
                Err(failure) => messages.fail(failure),
            }
            ((), Work::default())
        })?,
    }
    Ok(messages.finish())
}

fn pull<C: Content>(open: &mut Open<'_, C>, number: u64, watermark: &str) -> Result<(Position, News), Failure> {
    let delivery = find(open, number)?.delivery;
    if !matches!(delivery, Delivery::Pull { .. }) {
        return Err(Failure::PULL_SUBSCRIPTION);
    }
    let since = read_watermark(open, watermark)?;
    let now = open.wall();
    let news = News::since(open, number, since)?;
    let subscription = find(open, number)?;
    (subscription.asked, subscription.position) = (now, news.end);
    Ok((since, news))
}

/// Events that a subscription has not heard of.
#[derive(Debug)]
pub(super) struct News {
    events: Vec<Event>,
    /// Whether there are more.
    more: bool,
    /// The position behind them.
    pub(super) end: Position,
}

impl News {
    /// What a subscription wants to hear of what happened since a position.
    pub(super) fn since<C: Content>(open: &mut Open<'_, C>, number: u64, since: Position) -> Result<Self, Failure> {
        let (mut events, end) = open.events(since, CHANGES_MAX).ok_or(Failure::WATERMARK)?;
        let more = end != open.position();
        let subscription = find(open, number)?;
        events.retain(|event| subscription.wants(event));
        Ok(Self { events, more, end })
    }

    /// Whether there are none.
    pub(super) fn is_empty(&self) -> bool {
        self.events.is_empty()
    }

    /// Whether there are more than these.
    pub(super) fn has_more(&self) -> bool {
        self.more
    }

    /// Writes them; that there are none is an event of its own.
    pub(super) fn write<C: Content>(&self, writer: &mut Writer, open: &mut Open<'_, C>, with_watermarks: bool) {
        let mailbox = open.mailbox();
        if self.events.is_empty() {
            writer.open("t:StatusEvent", &[]);
            if with_watermarks {
                writer.leaf("t:Watermark", &watermark_of(mailbox, self.end));
            }
            writer.close("t:StatusEvent");
        }
        for event in &self.events {
            let name = element(event.kind);
            writer.open(name, &[]);
            if with_watermarks {
                writer.leaf("t:Watermark", &watermark_of(mailbox, event.position));
            }
            write_event(writer, open, event);
            writer.close(name);
        }
    }
}

fn write_event<C: Content>(writer: &mut Writer, open: &mut Open<'_, C>, event: &Event) {
    let mailbox = open.mailbox();
    writer.leaf("t:TimeStamp", &super::fields::times::write(event.at));
    let mut object = |writer: &mut Writer, object: Object, (item, folder): (&str, &str)| match object {
        Object::Item(number) => {
            let version = open.head(number).map_or(0, |head| head.version);
            let (id, key) = (item_ids::item(mailbox, number, None), item_ids::change_key(mailbox, version));
            writer.empty(item, &[("Id", &id), ("ChangeKey", &key)]);
        }
        Object::Folder(ordinal) => write_id(writer, folder, mailbox, ordinal, 0),
    };
    object(writer, event.object, ("t:ItemId", "t:FolderId"));
    write_id(writer, "t:ParentFolderId", mailbox, event.parent, 0);
    if let Some((old, parent)) = event.old {
        object(writer, old, ("t:OldItemId", "t:OldFolderId"));
        write_id(writer, "t:OldParentFolderId", mailbox, parent, 0);
    }
    if let (EventKind::Modified, Object::Folder(ordinal)) = (event.kind, event.object)
        && let Some(folder) = open.folder(ordinal)
    {
        writer.leaf("t:UnreadCount", &folder.unread.to_string());
    }
}

/// Whether a request is one whose answer tells the client where to come back to.
pub(super) fn keeps_affinity(request: &Element<'_>) -> bool {
    request.is(Space::Messages, "Subscribe")
}
