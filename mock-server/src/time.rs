//! Moments and spans of time, in whole nanoseconds since the run began.
//!
//! The service core, the pipeline and both worlds count time the same way. Nothing here reads a clock.

use std::fmt;
use std::iter::Sum;
use std::ops::{Add, AddAssign, Mul, Sub};

/// Nanoseconds in one second.
pub const NANOSECONDS: u64 = 1_000_000_000;

/// A point in time: nanoseconds since the run began. Covers 584 years.
#[derive(Copy, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Moment(pub u64);

/// A length of time in nanoseconds.
#[derive(Copy, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Span(pub u64);

impl Moment {
    /// The moment at which the run begins.
    pub const START: Self = Self(0);
    /// Later than everything that happens.
    pub const NEVER: Self = Self(u64::MAX);

    /// The time from `earlier` until this moment; zero if `earlier` is later.
    #[must_use]
    pub fn since(self, earlier: Self) -> Span {
        Span(self.0.saturating_sub(earlier.0))
    }

    /// Seconds since the run began.
    #[must_use]
    pub fn as_seconds(self) -> f64 {
        self.0 as f64 / NANOSECONDS as f64
    }
}

impl Span {
    /// No time at all.
    pub const ZERO: Self = Self(0);
    /// Longer than every run.
    pub const FOREVER: Self = Self(u64::MAX);

    /// A span of whole seconds.
    #[must_use]
    pub const fn seconds(seconds: u64) -> Self {
        Self(seconds.saturating_mul(NANOSECONDS))
    }

    /// A span of whole milliseconds.
    #[must_use]
    pub const fn milliseconds(milliseconds: u64) -> Self {
        Self(milliseconds.saturating_mul(1_000_000))
    }

    /// A span of whole microseconds.
    #[must_use]
    pub const fn microseconds(microseconds: u64) -> Self {
        Self(microseconds.saturating_mul(1_000))
    }

    /// A span of a fractional number of seconds; negative and undefined values become zero.
    #[must_use]
    pub fn from_seconds(seconds: f64) -> Self {
        Self((seconds.max(0.0) * NANOSECONDS as f64) as u64)
    }

    /// The span in seconds.
    #[must_use]
    pub fn as_seconds(self) -> f64 {
        self.0 as f64 / NANOSECONDS as f64
    }

    /// The span in whole milliseconds, rounded up, as protocols that count milliseconds announce it.
    #[must_use]
    pub fn as_milliseconds_up(self) -> u64 {
        self.0.div_ceil(1_000_000)
    }

    /// The span in whole seconds, rounded up, as `Retry-After` announces it.
    #[must_use]
    pub fn as_seconds_up(self) -> u64 {
        self.0.div_ceil(NANOSECONDS)
    }

    /// The difference of two spans; zero if `other` is longer.
    #[must_use]
    pub fn saturating_sub(self, other: Self) -> Self {
        Self(self.0.saturating_sub(other.0))
    }

    /// The span times a non-negative factor.
    #[must_use]
    pub fn scale(self, factor: f64) -> Self {
        Self::from_seconds(self.as_seconds() * factor)
    }
}

impl Add<Span> for Moment {
    type Output = Self;
    fn add(self, span: Span) -> Self {
        Self(self.0.saturating_add(span.0))
    }
}

impl AddAssign<Span> for Moment {
    fn add_assign(&mut self, span: Span) {
        *self = *self + span;
    }
}

impl Add for Span {
    type Output = Self;
    fn add(self, other: Self) -> Self {
        Self(self.0.saturating_add(other.0))
    }
}

impl AddAssign for Span {
    fn add_assign(&mut self, other: Self) {
        *self = *self + other;
    }
}

impl Sub for Span {
    type Output = Self;
    fn sub(self, other: Self) -> Self {
        self.saturating_sub(other)
    }
}

impl Mul<u64> for Span {
    type Output = Self;
    fn mul(self, factor: u64) -> Self {
        Self(self.0.saturating_mul(factor))
    }
}

impl Sum for Span {
    fn sum<I: Iterator<Item = Self>>(spans: I) -> Self {
        spans.fold(Self::ZERO, |total, span| total + span)
    }
}

impl fmt::Debug for Moment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:.6}s", self.as_seconds())
    }
}

impl fmt::Debug for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:.6}s", self.as_seconds())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn announced_waits_are_rounded_up_never_down() {
        assert_eq!(Span(1).as_seconds_up(), 1);
        assert_eq!(Span::seconds(2).as_seconds_up(), 2);
        assert_eq!(Span(1).as_milliseconds_up(), 1);
    }

    #[test]
    fn arithmetic_saturates_instead_of_wrapping() {
        assert_eq!(Moment(5).since(Moment(9)), Span::ZERO);
        assert_eq!(Moment::NEVER + Span::seconds(1), Moment::NEVER);
        assert_eq!(Span(3) - Span(5), Span::ZERO);
        assert_eq!(Span::from_seconds(-1.0), Span::ZERO);
        assert_eq!([Span::seconds(u64::MAX), Span::milliseconds(u64::MAX)], [Span::FOREVER; 2]);
    }
}
