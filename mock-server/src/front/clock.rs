//! The wall clock as moments since the run began, and waiting that is exact to a tenth of a millisecond.
//!
//! The runtime's own timer counts whole milliseconds and rounds up. A live run waits several times for each request, is
//! compared with virtual time, and must not lose a millisecond every time. So waits are kept by a thread of their own,
//! which wakes tasks a little early; the last bit is spent yielding.

use std::collections::BTreeMap;
use std::future::Future;
use std::pin::Pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};
use std::thread;
use std::time::{Duration, Instant};

use crate::time::{Moment, Span};

/// How much earlier than asked the timer thread wakes a task: the operating system's own lateness (50 µs of timer slack
/// on Linux, `prctl(2)`, and the wake-up of two threads). The task yields until the moment has come.
const EARLY: Duration = Duration::from_micros(120);

/// A clock that started with the run. Clones show the same time and share one timer thread, which ends with the last of
/// them.
#[derive(Clone, Debug)]
pub struct Clock {
    made: Instant,
    /// Nanoseconds between the making of the clock and the moment at which it shows zero.
    epoch: Arc<AtomicU64>,
    /// How many times faster than the wall clock it runs.
    scale: f64,
    timer: Arc<Timer>,
}

impl Clock {
    /// A clock that shows [`Moment::START`] now.
    #[must_use]
    pub fn start() -> Self {
        Self::start_scaled(1.0)
    }

    /// A clock like that of [`start`](Self::start), which runs so many times faster than the wall clock.
    #[must_use]
    pub fn start_scaled(scale: f64) -> Self {
        Self { made: instant_now(), epoch: Arc::default(), scale, timer: Arc::new(Timer::start()) }
    }

    /// How long a span of this clock takes on the wall clock.
    #[must_use]
    pub fn on_the_wall(&self, span: Span) -> Span {
        if self.is_true() { span } else { span.scale(1.0 / self.scale) }
    }

    /// Whether it runs like the wall clock, so that nothing has to be reckoned.
    fn is_true(&self) -> bool {
        self.scale.to_bits() == 1.0_f64.to_bits()
    }

    /// Lets this clock and all its clones show [`Moment::START`] again. Meant for the end of preparations, when nobody
    /// waits yet.
    pub fn restart(&self) {
        self.epoch.store(self.since_made(), Ordering::Relaxed);
    }

    fn since_made(&self) -> u64 {
        instant_now().duration_since(self.made).as_nanos() as u64
    }

    /// The present moment.
    #[must_use]
    pub fn now(&self) -> Moment {
        let passed = Span(self.since_made().saturating_sub(self.epoch.load(Ordering::Relaxed)));
        Moment::START + if self.is_true() { passed } else { passed.scale(self.scale) }
    }

    /// Waits until a moment; ready at once if it has passed. Never ready too early.
    pub fn sleep_until(&self, moment: Moment) -> Sleep {
        Sleep { clock: self.clone(), until: moment, entry: None }
    }

    /// Waits for a span.
    pub fn sleep(&self, span: Span) -> Sleep {
        self.sleep_until(self.now() + span)
    }

    /// The instant at which the timer thread wakes whoever waits until `moment`; absent if that lies beyond what the
    /// operating system's clock can count.
    fn wake_at(&self, moment: Moment) -> Option<Instant> {
        let passed = self.on_the_wall(moment.since(Moment::START));
        let since_made = passed.0.checked_add(self.epoch.load(Ordering::Relaxed))?;
        self.made.checked_add(Duration::from_nanos(since_made))?.checked_sub(EARLY)
    }
}

#[expect(clippy::disallowed_methods, reason = "this is the one place where the live world reads a clock")]
fn instant_now() -> Instant {
    Instant::now()
}

/// Waits until a moment. Made by [`Clock::sleep_until`]; forgotten by the timer when dropped.
#[derive(Debug)]
#[must_use = "a wait does nothing unless it is awaited"]
pub struct Sleep {
    clock: Clock,
    until: Moment,
    entry: Option<Entry>,
}

impl Future for Sleep {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        let this = &mut *self;
        if this.clock.now() >= this.until {
            return Poll::Ready(());
        }
        let Some(wake_at) = this.clock.wake_at(this.until) else { return Poll::Pending };
        if wake_at <= instant_now() {
            context.waker().wake_by_ref();
            return Poll::Pending;
        }
        let entry = this.entry.get_or_insert_with(|| this.clock.timer.entry(wake_at));
        this.clock.timer.arm(*entry, context.waker());
        Poll::Pending
    }
}

impl Drop for Sleep {
    fn drop(&mut self) {
        if let Some(entry) = self.entry {
            self.clock.timer.disarm(entry);
        }
    }
}

/// When to wake a task; the number tells entries of the same instant apart.
type Entry = (Instant, u64);

/// A thread that wakes tasks.
#[derive(Debug)]
struct Timer {
    shared: Arc<Shared>,
}

#[derive(Debug, Default)]
struct Shared {
    waits: Mutex<Waits>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct Waits {
    due: BTreeMap<Entry, Waker>,
    next: u64,
    closed: bool,
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Waits> {
        self.waits.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The timer thread: wakes whoever is due, then waits for the next.
    fn run(&self) {
        let mut waits = self.lock();
        while !waits.closed {
            let now = instant_now();
            let later = waits.due.split_off(&(now, u64::MAX));
            let due = std::mem::replace(&mut waits.due, later);
            if !due.is_empty() {
                drop(waits);
                due.into_values().for_each(Waker::wake);
                waits = self.lock();
                continue;
            }
            waits = match waits.due.keys().next() {
                None => self.changed.wait(waits).unwrap_or_else(PoisonError::into_inner),
                Some(&(first, _)) => {
                    let waited = self.changed.wait_timeout(waits, first.saturating_duration_since(now));
                    waited.unwrap_or_else(PoisonError::into_inner).0
                }
            };
        }
    }
}

impl Timer {
    fn start() -> Self {
        let shared = Arc::new(Shared::default());
        let theirs = Arc::clone(&shared);
        thread::Builder::new()
            .name("timer".into())
            .spawn(move || theirs.run())
            .expect("the system refuses a thread only when it is out of memory");
        Self { shared }
    }

    fn entry(&self, at: Instant) -> Entry {
        let mut waits = self.shared.lock();
        waits.next += 1;
        (at, waits.next)
    }

    fn arm(&self, entry: Entry, waker: &Waker) {
        let mut waits = self.shared.lock();
        if waits.due.get(&entry).is_some_and(|known| known.will_wake(waker)) {
            return;
        }
        waits.due.insert(entry, waker.clone());
        if waits.due.keys().next() == Some(&entry) {
            self.shared.changed.notify_one();
        }
    }

    fn disarm(&self, entry: Entry) {
        self.shared.lock().due.remove(&entry);
    }
}

impl Drop for Timer {
    fn drop(&mut self) {
        self.shared.lock().closed = true;
        self.shared.changed.notify_one();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn block_on<F: Future>(future: F) -> F::Output {
        tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime").block_on(future)
    }

    #[test]
    fn a_wait_is_never_too_short() {
        block_on(async {
            let clock = Clock::start();
            for microseconds in [0, 50, 119, 121, 700, 2_300] {
                let until = clock.now() + Span::microseconds(microseconds);
                clock.sleep_until(until).await;
                assert!(clock.now() >= until, "{microseconds}");
            }
        });
    }

    #[test]
    fn a_fast_clock_lets_wait_for_a_part_of_the_time() {
        block_on(async {
            let (wall, fast) = (Clock::start(), Clock::start_scaled(1_000.0));
            let until = fast.now() + Span::seconds(3);
            fast.sleep_until(until).await;
            assert!(fast.now() >= until);
            let waited = wall.now().since(Moment::START);
            assert!(Span::milliseconds(2) < waited && waited < Span::seconds(2), "{waited:?}");
            assert_eq!(fast.on_the_wall(Span::seconds(3)), Span::milliseconds(3));
        });
    }

    #[test]
    fn a_past_moment_needs_no_wait_and_a_dropped_one_is_forgotten() {
        block_on(async {
            let clock = Clock::start();
            clock.sleep_until(Moment::START).await;
            let long = clock.sleep(Span::seconds(3_600));
            tokio::select! {
                biased;
                () = long => unreachable!("an hour cannot have passed"),
                () = clock.sleep(Span::microseconds(200)) => {}
            }
            assert!(clock.timer.shared.lock().due.is_empty());
        });
    }

    #[test]
    fn a_restarted_clock_counts_from_zero_for_everybody() {
        let clock = Clock::start();
        let theirs = clock.clone();
        block_on(clock.sleep(Span::milliseconds(2)));
        clock.restart();
        let until = Moment::START + Span::milliseconds(1);
        assert!(theirs.now() < until);
        block_on(theirs.sleep_until(until));
        assert!(clock.now() >= until);
    }

    #[test]
    fn waits_end_in_the_order_of_their_moments() {
        block_on(async {
            let clock = Clock::start();
            let ended = Mutex::new(Vec::new());
            let wait = async |milliseconds| {
                clock.sleep_until(Moment(0) + Span::milliseconds(milliseconds)).await;
                ended.lock().expect("no panic").push(milliseconds);
            };
            tokio::join!(wait(9), wait(5), wait(7));
            assert_eq!(*ended.lock().expect("no panic"), [5, 7, 9]);
        });
    }
}
