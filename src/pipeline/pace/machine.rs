//! The pace of one mailbox on one side. Pure.
//!
//! | what happened | what follows |
//! | --- | --- |
//! | a refusal by a limit | nothing more goes to this mailbox and side before the moment that the refusal (or our own back-off) names |
//! | too many at once | the number of calls in progress is halved, and the number that was refused is remembered |
//! | a run of calls without such a refusal | one more at once, quickly up to just below what was refused, then rarely |
//! | a known limit would be passed | the call waits until it fits |

use mock_server::time::{Moment, Span};
use mock_server::wire::refusal::RefusalKind;

use super::window::Window;
use crate::scenario::plan::PacePlan;
use crate::world::Side;

/// Calls that must succeed before one more at once is tried below a known ceiling (assumed).
pub const GROWTH_RUN: u32 = 16;

/// Calls that must succeed before the ceiling itself is tried again; doubles with every refusal (assumed).
pub const FIRST_PROBE_RUN: u32 = 256;

const LONGEST_PROBE_RUN: u32 = 1 << 20;

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

/// The pace of one mailbox on one side.
#[derive(Clone, Debug)]
pub struct MailboxPace {
    fence: Moment,
    in_progress: u32,
    width: u32,
    widest: u32,
    ceiling: u32,
    run: u32,
    probe_run: u32,
    requests: Option<Window>,
    upload_bytes: Option<Window>,
}

impl MailboxPace {
    /// A pace that begins with `widest` calls at once.
    #[must_use]
    pub fn new(plan: &PacePlan, side: Side, widest: u32) -> Self {
        let widest = widest.max(1);
        let window = |limit: Option<(u64, Span)>| {
            limit.filter(|_| side == Side::Target).map(|(count, per)| Window::new(count, per))
        };
        Self {
            fence: Moment::START,
            in_progress: 0,
            width: widest,
            widest,
            ceiling: widest,
            run: 0,
            probe_run: FIRST_PROBE_RUN,
            requests: window(plan.target_requests),
            upload_bytes: window(plan.target_upload_bytes),
        }
    }

    /// Whether a call that carries `bytes` may go now. Changes nothing; follow with [`MailboxPace::start`].
    pub fn ask(&mut self, now: Moment, bytes: u64) -> Permission {
        if self.in_progress >= self.width {
            return Permission::AfterAnother;
        }
        let mut at = self.fence;
        if let Some(window) = &mut self.requests {
            at = at.max(window.when(now, 1));
        }
        if let Some(window) = &mut self.upload_bytes
            && bytes > 0
        {
            at = at.max(window.when(now, bytes));
        }
        if at > now { Permission::NotBefore(at) } else { Permission::Go }
    }

    /// A call goes.
    pub fn start(&mut self, now: Moment, bytes: u64) {
        self.in_progress += 1;
        if let Some(window) = &mut self.requests {
            window.spend(now, 1);
        }
        if let Some(window) = &mut self.upload_bytes
            && bytes > 0
        {
            window.spend(now, bytes);
        }
    }

    /// A call ended, other than by a limit. Whether a place became usable that another call may wait for.
    pub fn passed(&mut self) -> bool {
        let full = self.in_progress >= self.width;
        self.in_progress -= 1;
        if self.width < self.widest {
            self.run += 1;
            let needed = if self.width < self.ceiling { GROWTH_RUN } else { self.probe_run };
            if self.run >= needed {
                self.run = 0;
                self.width += 1;
                self.ceiling = self.ceiling.max(self.width);
            }
        }
        full
    }

    /// A limit refused a call; nothing goes before `until`.
    pub fn refused(&mut self, kind: RefusalKind, until: Moment) {
        let at_once = self.in_progress;
        self.in_progress -= 1;
        self.fence = self.fence.max(until);
        self.run = 0;
        // Of several calls that were refused for the same crowd, only the first halves: afterwards the others are above
        // the new width already.
        if matches!(kind, RefusalKind::ConcurrencyLimit | RefusalKind::ConnectionCount)
            && at_once <= self.width
            && at_once > 1
        {
            self.ceiling = (at_once - 1).min(self.ceiling).max(1);
            self.width = (at_once / 2).max(1);
            self.probe_run = (self.probe_run * 2).min(LONGEST_PROBE_RUN);
        }
    }

    /// An item inside an answer was refused by a limit; nothing goes before `until`.
    pub fn fence(&mut self, until: Moment) {
        self.fence = self.fence.max(until);
    }

    /// Calls in progress.
    #[must_use]
    pub fn in_progress(&self) -> u32 {
        self.in_progress
    }

    /// Calls that may be in progress at once at present.
    #[must_use]
    pub fn width(&self) -> u32 {
        self.width
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn pace(widest: u32) -> MailboxPace {
        MailboxPace::new(&PacePlan::default(), Side::Target, widest)
    }

    #[test]
    fn nothing_goes_before_the_moment_that_a_refusal_named() {
        let mut pace = pace(4);
        pace.start(Moment(0), 0);
        pace.refused(RefusalKind::RequestLimit, Moment(50));
        assert_eq!(pace.ask(Moment(49), 0), Permission::NotBefore(Moment(50)));
        assert_eq!(pace.ask(Moment(50), 0), Permission::Go);
    }

    /// Plays a server that lets `limit` calls in at once and returns the width and the refusals after `calls` calls.
    fn check(widest: u32, limit: u32, calls: u32) -> (u32, u32) {
        let mut pace = pace(widest);
        let (mut now, mut done, mut refused) = (Moment(0), 0, 0);
        while done < calls {
            now += Span(10);
            let mut going: u32 = 0;
            while pace.ask(now, 0) == Permission::Go {
                pace.start(now, 0);
                going += 1;
            }
            for place in 0..going {
                if place < going.saturating_sub(limit) {
                    pace.refused(RefusalKind::ConcurrencyLimit, now + Span(1));
                    refused += 1;
                } else {
                    pace.passed();
                    done += 1;
                }
            }
        }
        (pace.width(), refused)
    }

    #[test]
    fn the_width_settles_just_below_what_is_refused() {
        let (width, refused) = check(16, 4, 10_000);
        assert_eq!(width, 4);
        assert!(refused < 100, "{refused}");
        assert_eq!(check(4, 4, 1_000), (4, 0));
    }

    proptest! {
        #[test]
        fn there_is_always_room_for_one_and_never_for_more_than_the_widest(
            widest in 1u32..16, script in prop::collection::vec(0u8..3, 0..300),
        ) {
            let mut pace = pace(widest);
            let mut going = 0u32;
            for step in script {
                match step {
                    0 if pace.ask(Moment::NEVER, 0) == Permission::Go => {
                        pace.start(Moment(0), 0);
                        going += 1;
                    }
                    1 if going > 0 => {
                        pace.passed();
                        going -= 1;
                    }
                    2 if going > 0 => {
                        pace.refused(RefusalKind::ConnectionCount, Moment(1));
                        going -= 1;
                    }
                    _ => {}
                }
                prop_assert!(going <= widest);
                prop_assert!(going > 0 || pace.ask(Moment::NEVER, 0) == Permission::Go);
            }
        }
    }
}
