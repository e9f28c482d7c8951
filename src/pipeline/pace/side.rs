//! The pace of all mailboxes together on one side.
//!
//! Most limits belong to a mailbox. Three kinds of refusal concern everybody: those of the whole app, those of one mailbox
//! after another while nobody passes, and too many at once although the refused call was the only one of its mailbox, if
//! that happens to more than one mailbox. The first two fence the whole side and are learned like a mailbox's; after a
//! fence one call goes ahead, and as many more as come back. The last narrows how many calls are in progress on the side.
//!
//! Who has to wait for the side queues: one call of each mailbox at a time, in the order in which they came, so that all
//! mailboxes get their turn. Only calls that their own mailbox lets go are in the queue, so nobody holds others up.

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::future::{Future, poll_fn};
use std::pin::pin;
use std::task::{Poll, Waker};

use mock_server::time::{Moment, Span};
use mock_server::wire::id::MailboxKey;
use mock_server::wire::refusal::RefusalKind;

use super::learned::{Learned, Mark, Refused};
use super::machine::Permission;
use super::width::Width;

/// Refusals of lone calls of different mailboxes have the same cause if they lie no further apart (assumed).
const TOGETHER: Span = Span::seconds(10);

/// So many mailboxes that are refused while nobody passes are refused by one limit (assumed).
const MANY: usize = 8;

/// What a call was let go with; handed back when it has ended.
#[derive(Copy, Clone, PartialEq, Eq, Debug)]
pub struct SidePass {
    place: u32,
    requests: Mark,
}

/// Mailboxes that were refused while nobody passed whose call went later.
#[derive(Default)]
struct Streak {
    since: Moment,
    kind: Option<RefusalKind>,
    mailboxes: Vec<MailboxKey>,
}

/// The pace of one side.
pub struct SidePace {
    fence: Cell<Moment>,
    /// Calls that may be in progress since the last fence, while they come back one after another.
    ramp: Cell<u32>,
    width: RefCell<Width>,
    requests: RefCell<Learned>,
    lone: Cell<Option<(MailboxKey, Moment)>>,
    streak: RefCell<Streak>,
    /// The kind of refusal that was found to be of all.
    taught: Cell<Option<RefusalKind>>,
    /// Whether the head of the queue knows when it may go.
    dozing: Cell<bool>,
    queue: RefCell<VecDeque<(u64, Option<Waker>)>>,
    tickets: Cell<u64>,
}

impl Default for SidePace {
    fn default() -> Self {
        Self {
            fence: Cell::new(Moment::START),
            ramp: Cell::new(u32::MAX),
            width: RefCell::new(Width::new(u32::MAX)),
            requests: RefCell::default(),
            lone: Cell::new(None),
            streak: RefCell::default(),
            taught: Cell::new(None),
            dozing: Cell::new(false),
            queue: RefCell::default(),
            tickets: Cell::new(0),
        }
    }
}

impl SidePace {
    /// Whether somebody waits for the side.
    #[must_use]
    #[inline]
    pub fn has_queue(&self) -> bool {
        !self.queue.borrow().is_empty()
    }

    /// Whether a call may go as far as the side is concerned. For the head of the queue, or for anybody if there is none.
    #[inline]
    pub fn ask(&self, now: Moment) -> Permission {
        let at = self.fence.get().max(self.requests.borrow_mut().when(now, 1));
        if at > now {
            return Permission::NotBefore(at);
        }
        let width = self.width.borrow();
        let room = width.has_room(now) && width.in_progress() < self.ramp.get();
        if room { Permission::Go } else { Permission::AfterAnother }
    }

    /// A call goes.
    #[inline]
    pub fn start(&self, now: Moment) -> SidePass {
        SidePass { place: self.width.borrow_mut().start(), requests: self.requests.borrow_mut().spend(now, 1) }
    }

    /// Joins the queue.
    pub fn join(&self) -> Ticket<'_> {
        let number = self.tickets.get();
        self.tickets.set(number + 1);
        self.queue.borrow_mut().push_back((number, None));
        Ticket { side: self, number }
    }

    /// Lets the head of the queue look again.
    fn wake(&self) {
        if let Some((_, waker)) = self.queue.borrow_mut().front_mut()
            && let Some(waker) = waker.take()
        {
            waker.wake();
        }
    }

    /// A call ended, other than by a limit of the side.
    #[inline]
    pub fn passed(&self, pass: SidePass) {
        let mut streak = self.streak.borrow_mut();
        if !streak.mailboxes.is_empty() && pass.requests.at() > streak.since {
            streak.mailboxes.clear();
        }
        drop(streak);
        self.ended(pass);
    }

    /// Whether so many mailboxes are refused alike, this one included, that it must be a limit of all.
    pub fn is_of_all(&self, pass: SidePass, mailbox: MailboxKey, kind: RefusalKind) -> bool {
        let mut streak = self.streak.borrow_mut();
        if streak.mailboxes.is_empty() || streak.kind != Some(kind) {
            streak.mailboxes.clear();
            (streak.since, streak.kind) = (pass.requests.at(), Some(kind));
        }
        if self.taught.get() == Some(kind) && self.requests.borrow().explains(pass.requests) {
            return true;
        }
        if streak.mailboxes.len() < MANY && !streak.mailboxes.contains(&mailbox) {
            streak.mailboxes.push(mailbox);
        }
        let many = streak.mailboxes.len() == MANY;
        if many {
            self.taught.set(Some(kind));
        }
        many
    }

    #[inline]
    fn ended(&self, pass: SidePass) {
        self.width.borrow_mut().passed(pass.place);
        let grown = self.requests.borrow_mut().passed(pass.requests);
        let ramp = self.ramp.get();
        if ramp != u32::MAX {
            // Twice as many in each round, until there are more than there ever were.
            self.ramp.set(if ramp > pass.place.saturating_mul(4) + MOST_AHEAD { u32::MAX } else { ramp + 1 });
        }
        if grown || !self.dozing.get() {
            self.wake();
        }
    }

    /// A limit of one mailbox refused a call, which says nothing about the side.
    pub fn refused_alone(&self, pass: SidePass) {
        self.width.borrow_mut().dropped(pass.place);
        self.requests.borrow_mut().dropped(pass.requests);
        self.wake();
    }

    /// A limit of the whole side refused a call and asks to wait, if it says so; nothing goes before `until`. `sure` says
    /// whether it is certain that it is always the same limit.
    pub fn refused(&self, pass: SidePass, now: Moment, wait: Option<Span>, until: Moment, sure: bool) {
        self.width.borrow_mut().dropped(pass.place);
        self.requests.borrow_mut().refused(pass.requests, now, wait, Refused { counts: true, sure });
        self.fence(until);
        self.wake();
    }

    /// A limit of the whole side refused something inside an answer; nothing goes before `until`.
    pub fn fence(&self, until: Moment) {
        self.fence.set(self.fence.get().max(until));
        self.ramp.set(1);
    }

    /// A call that was the only one of its mailbox was refused for the crowd. The crowd is that of the side unless
    /// this happens to one mailbox only.
    pub fn crowded(&self, pass: SidePass, mailbox: MailboxKey, now: Moment, until: Moment) {
        let before = self.lone.replace(Some((mailbox, now)));
        let shared = before.is_some_and(|(other, at)| other != mailbox && now.since(at) <= TOGETHER);
        if shared {
            self.width.borrow_mut().refused(pass.place, now, until);
        } else {
            self.width.borrow_mut().dropped(pass.place);
        }
        self.wake();
    }

    /// Calls that may be in progress at once; absent as long as no refusal has said that there is a limit.
    #[must_use]
    pub fn width(&self) -> Option<u32> {
        Some(self.width.borrow().width()).filter(|width| *width != u32::MAX)
    }
}

/// Beyond so many calls in progress, and when there is room for four times as many as there are, those that come back
/// after a fence are no longer counted (assumed).
const MOST_AHEAD: u32 = 64;

/// A place in the queue; left when dropped.
pub struct Ticket<'s> {
    side: &'s SidePace,
    number: u64,
}

impl Ticket<'_> {
    fn is_head(&self) -> bool {
        self.side.queue.borrow().front().is_some_and(|(number, _)| *number == self.number)
    }

    /// Waits until this is the head of the queue.
    pub async fn head(&self) {
        poll_fn(|context| {
            if self.is_head() {
                return Poll::Ready(());
            }
            self.watch(context.waker());
            Poll::Pending
        })
        .await;
    }

    /// As the head of the queue, waits until a call has ended.
    pub async fn another(&self) {
        let mut watched = false;
        poll_fn(|context| {
            if watched && self.side.queue.borrow().front().is_some_and(|(_, waker)| waker.is_none()) {
                return Poll::Ready(());
            }
            watched = true;
            self.watch(context.waker());
            Poll::Pending
        })
        .await;
    }

    /// As the head of the queue, waits until a moment that `sleep` waits for, or until more may go than before. `forget`
    /// is called after `sleep` was polled: others may end this wait before its moment.
    pub async fn doze(&self, sleep: impl Future<Output = ()>, forget: impl Fn()) {
        let mut sleep = pin!(sleep);
        let mut watched = false;
        self.side.dozing.set(true);
        poll_fn(|context| {
            if sleep.as_mut().poll(context).is_ready() {
                return Poll::Ready(());
            }
            forget();
            if watched && self.side.queue.borrow().front().is_some_and(|(_, waker)| waker.is_none()) {
                return Poll::Ready(());
            }
            watched = true;
            self.watch(context.waker());
            Poll::Pending
        })
        .await;
        self.side.dozing.set(false);
    }

    fn watch(&self, waker: &Waker) {
        let mut queue = self.side.queue.borrow_mut();
        if let Ok(place) = queue.binary_search_by_key(&self.number, |(number, _)| *number) {
            match &mut queue[place].1 {
                Some(known) if known.will_wake(waker) => {}
                slot => *slot = Some(waker.clone()),
            }
        }
    }
}

impl Drop for Ticket<'_> {
    fn drop(&mut self) {
        {
            let mut queue = self.side.queue.borrow_mut();
            if let Ok(place) = queue.binary_search_by_key(&self.number, |(number, _)| *number) {
                queue.remove(place);
            }
        }
        self.side.dozing.set(false);
        self.side.wake();
    }
}
