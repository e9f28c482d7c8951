//! The pace of one mailbox on one side. Pure.
//!
//! | what happened | what follows |
//! | --- | --- |
//! | a refusal by a limit on a sum | nothing more goes to this mailbox and side before the moment that the refusal (or our own back-off) names; the limit is learned ([`super::learned`]) |
//! | too many at once | fewer at once ([`super::width`]); only the refused call waits, as others are below the limit |
//! | too many, although it was the only one | nothing more goes before the moment that the refusal names |
//! | a limit that is known would be passed | the call waits until it fits |

use mock_server::time::{Moment, Span};
use mock_server::wire::refusal::RefusalKind;

use super::learned::{Learned, Mark, Refused};
use super::width::Width;
use super::window::Window;
use crate::scenario::plan::PacePlan;
use crate::world::Side;

/// Whether a call may go.
#[derive(Copy, Clone, PartialEq, Eq, Debug)]
pub enum Permission {
    /// Now.
    Go,
    /// Not before this moment; ask again then.
    NotBefore(Moment),
    /// When another call of this mailbox and side has ended.
    AfterAnother,
}

/// What a call was let go with; handed back when it has ended.
#[derive(Copy, Clone, PartialEq, Eq, Debug)]
pub struct Pass {
    place: u32,
    requests: Mark,
    upload_bytes: Option<Mark>,
}

impl Pass {
    /// Whether no other call of the mailbox was in progress on the side when this one went.
    #[must_use]
    pub fn went_alone(&self) -> bool {
        self.place == 1
    }
}

/// The pace of one mailbox on one side.
#[derive(Clone, Debug)]
pub struct MailboxPace {
    fence: Moment,
    width: Width,
    learned_requests: Learned,
    learned_upload_bytes: Learned,
    /// Limits that are known beforehand; seldom any, so they take no room of their own.
    requests: Option<Box<Window>>,
    upload_bytes: Option<Box<Window>>,
}

impl MailboxPace {
    /// A pace that begins with `widest` calls at once.
    #[must_use]
    pub fn new(plan: &PacePlan, side: Side, widest: u32) -> Self {
        let window = |limit: Option<(u64, Span)>| {
            limit.filter(|_| side == Side::Target).map(|(count, per)| Box::new(Window::new(count, per)))
        };
        Self {
            fence: Moment::START,
            width: Width::new(widest.max(1)),
            requests: window(plan.target_requests),
            upload_bytes: window(plan.target_upload_bytes),
            learned_requests: Learned::default(),
            learned_upload_bytes: Learned::default(),
        }
    }

    /// Whether one more call may be in progress.
    #[must_use]
    #[inline]
    pub fn has_room(&self, now: Moment) -> bool {
        self.width.has_room(now)
    }

    /// Whether a call that carries `bytes` may go now; follow with [`MailboxPace::start`] if it goes.
    #[inline]
    pub fn ask(&mut self, now: Moment, bytes: u64) -> Permission {
        if !self.width.has_room(now) {
            return Permission::AfterAnother;
        }
        let mut at = self.fence.max(self.learned_requests.when(now, 1));
        if let Some(window) = &mut self.requests {
            at = at.max(window.when(now, 1));
        }
        if bytes > 0 {
            at = at.max(self.learned_upload_bytes.when(now, bytes));
            if let Some(window) = &mut self.upload_bytes {
                at = at.max(window.when(now, bytes));
            }
        }
        if at > now { Permission::NotBefore(at) } else { Permission::Go }
    }

    /// A call goes.
    #[inline]
    pub fn start(&mut self, now: Moment, bytes: u64) -> Pass {
        if let Some(window) = &mut self.requests {
            window.spend(now, 1);
        }
        if let Some(window) = &mut self.upload_bytes
            && bytes > 0
        {
            window.spend(now, bytes);
        }
        Pass {
            place: self.width.start(),
            requests: self.learned_requests.spend(now, 1),
            upload_bytes: (bytes > 0).then(|| self.learned_upload_bytes.spend(now, bytes)),
        }
    }

    /// A call ended, other than by a limit. Whether a place became usable that another call may wait for.
    #[inline]
    pub fn passed(&mut self, pass: Pass) -> bool {
        let full = self.width.in_progress() >= self.width.width();
        self.width.passed(pass.place);
        self.learned_requests.passed(pass.requests);
        if let Some(mark) = pass.upload_bytes {
            self.learned_upload_bytes.passed(mark);
        }
        full
    }

    /// A limit of this mailbox refused a call at `now` and asks to wait, if it says so; the call is not repeated before
    /// `until`.
    pub fn refused(&mut self, pass: Pass, kind: RefusalKind, now: Moment, wait: Option<Span>, until: Moment) {
        if matches!(kind, RefusalKind::ConcurrencyLimit | RefusalKind::ConnectionCount) {
            self.width.refused(pass.place, now, until);
            self.sums_dropped(pass);
            if pass.went_alone() {
                self.fence(until);
            }
            return;
        }
        self.width.dropped(pass.place);
        self.fence(until);
        match kind {
            RefusalKind::RequestLimit | RefusalKind::ServerBusy => {
                self.learned_requests.refused(pass.requests, now, wait, Refused { counts: true, sure: false });
            }
            _ => self.learned_requests.dropped(pass.requests),
        }
        match (kind, pass.upload_bytes) {
            (RefusalKind::UploadLimit | RefusalKind::ServerBusy, Some(mark)) => {
                self.learned_upload_bytes.refused(mark, now, wait, Refused { counts: false, sure: false });
            }
            (_, Some(mark)) => self.learned_upload_bytes.dropped(mark),
            (_, None) => {}
        }
    }

    /// A limit that all mailboxes share refused a call.
    pub fn refused_with_all(&mut self, pass: Pass) {
        self.width.dropped(pass.place);
        self.sums_dropped(pass);
    }

    /// A call came to an end that says nothing about the limits on sums.
    fn sums_dropped(&mut self, pass: Pass) {
        self.learned_requests.dropped(pass.requests);
        if let Some(mark) = pass.upload_bytes {
            self.learned_upload_bytes.dropped(mark);
        }
    }

    /// An item inside an answer was refused by a limit; nothing goes before `until`.
    pub fn fence(&mut self, until: Moment) {
        self.fence = self.fence.max(until);
    }

    /// Calls in progress.
    #[must_use]
    pub fn in_progress(&self) -> u32 {
        self.width.in_progress()
    }

    /// Calls that may be in progress at once at present.
    #[must_use]
    pub fn width(&self) -> u32 {
        self.width.width()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pace(widest: u32) -> MailboxPace {
        MailboxPace::new(&PacePlan::default(), Side::Target, widest)
    }

    #[test]
    fn nothing_goes_before_the_moment_that_a_refusal_named() {
        let mut pace = pace(4);
        let pass = pace.start(Moment(0), 0);
        pace.refused(pass, RefusalKind::RequestLimit, Moment(1), Some(Span(40)), Moment(50));
        assert_eq!(pace.ask(Moment(49), 0), Permission::NotBefore(Moment(50)));
        assert_eq!(pace.ask(Moment(50), 0), Permission::Go);
    }

    #[test]
    fn an_end_that_says_nothing_about_a_limit_on_bytes_does_not_end_its_trials() {
        let said_nothing = [
            |pace: &mut MailboxPace, pass, _now| pace.refused_with_all(pass),
            |pace: &mut MailboxPace, pass, now| {
                pace.refused(pass, RefusalKind::ConcurrencyLimit, now, None, now);
            },
            |pace: &mut MailboxPace, pass, now| pace.refused(pass, RefusalKind::RequestLimit, now, None, now),
        ];
        for end in said_nothing {
            let mut pace = pace(4);
            let mut now = Moment::START;
            // Ten pass and the next is refused, twice: a limit of ten for each ten seconds.
            for _ in 0..2 {
                for _ in 0..10 {
                    let pass = pace.start(now, 1_000);
                    pace.passed(pass);
                    now += Span::milliseconds(10);
                }
                let pass = pace.start(now, 1_000);
                pace.refused(pass, RefusalKind::UploadLimit, now, Some(Span::seconds(10)), now + Span::seconds(10));
                now += Span::seconds(10);
            }
            assert!(pace.learned_upload_bytes.known().is_some());
            let mut trials = 0;
            for _ in 0..2_000 {
                while let Permission::NotBefore(at) = pace.ask(now, 1_000) {
                    now = at;
                }
                let pass = pace.start(now, 1_000);
                now += Span::milliseconds(10);
                if pass.upload_bytes.is_some_and(|mark| !pace.learned_upload_bytes.fits(mark)) {
                    trials += 1;
                    end(&mut pace, pass, now);
                } else {
                    pace.passed(pass);
                }
            }
            assert!(trials > 2, "{trials} trials");
        }
    }

    #[test]
    fn a_crowd_that_is_refused_leaves_the_others_alone_and_a_single_call_closes_the_door() {
        let mut pace = pace(2);
        let [first, second] = [0, 0].map(|bytes| pace.start(Moment(0), bytes));
        let mut refuse = |pass| {
            pace.refused(pass, RefusalKind::ConcurrencyLimit, Moment(1), Some(Span(40)), Moment(50));
            pace.ask(Moment(1), 0)
        };
        assert_eq!(refuse(second), Permission::AfterAnother);
        assert_eq!(refuse(first), Permission::NotBefore(Moment(50)));
    }
}
