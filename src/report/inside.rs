//! Whether the wave of a run was done inside its window.

use mock_server::time::Span;

use crate::metrics::summary::MailboxCounts;
use crate::scenario::plan::Plan;

/// How much of a wave was done inside its window, and how much is wanted there. One wave is one draw: how sure it is
/// that another of its size is done as well, forecasts say.
#[derive(Copy, Clone, PartialEq, Debug)]
pub struct Inside<'a> {
    /// The name of the window.
    pub window: &'a str,
    /// How long it is open.
    pub open: Span,
    /// Mailboxes that were completed before it closed.
    pub done: u64,
    /// Mailboxes of the wave.
    pub total: u64,
    /// The share of them that is wanted: `completed_share` of the section `forecast`.
    pub wanted: f64,
}

impl<'a> Inside<'a> {
    /// What the wave of a plan came to inside its window, if it has one.
    #[must_use]
    pub fn of(plan: &'a Plan, mailboxes: &MailboxCounts) -> Option<Self> {
        let MailboxCounts { total, in_time, .. } = *mailboxes;
        let wanted = plan.forecast.completed_share;
        Some(Self { window: plan.wave.window.as_deref()?, open: plan.open()?, done: in_time, total, wanted })
    }

    /// The share of the mailboxes that were done inside the window; all of none.
    #[must_use]
    pub fn share(&self) -> f64 {
        if self.total == 0 { 1.0 } else { self.done as f64 / self.total as f64 }
    }

    /// Whether as many were done as are wanted.
    #[must_use]
    pub fn fits(&self) -> bool {
        self.done >= (self.wanted * self.total as f64).ceil() as u64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wave_fits_if_as_many_are_done_inside_as_are_wanted() {
        let fits = |done, total, wanted| {
            let inside = Inside { window: "evening", open: Span::seconds(3_600), done, total, wanted };
            (inside.fits(), (inside.share() * 1_000.0).round() as u32)
        };
        assert_eq!(fits(99, 100, 0.99), (true, 990));
        assert_eq!(fits(98, 100, 0.99), (false, 980));
        // Nobody is left out of a wave so small that one is more than a hundredth of it.
        assert_eq!(fits(49, 50, 0.99), (false, 980));
        assert_eq!(fits(0, 0, 0.99), (true, 1_000));
    }
}
