//! Runs futures against a virtual clock.
//!
//! All futures of a run are of one type and run on one thread. A task is polled when one of its timers is due, or when
//! something that another task did woke it. Time stands still while tasks run and then jumps to the next timer; when
//! nothing is due and nobody is awake, the run is over. Whoever still waits then waits for something that cannot
//! happen, which is reported and never hangs.
//!
//! Timers bypass wakers: [`Clock::sleep_until`] notes the task that is being polled, so the common path takes no lock
//! and no reference count. Wakers exist for what tasks do to each other (semaphores, notifications).

use std::cell::{Cell, RefCell};
use std::future::Future;
use std::pin::Pin;
use std::rc::Rc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, Wake, Waker};

use mock_server::time::Moment;

use super::fetch::fetch;
use super::timers::{LAST_TASK, TaskNumber, Timers};

/// The virtual clock. Clones show the same time.
#[derive(Clone, Debug)]
pub struct Clock(Rc<Hands>);

#[derive(Debug)]
struct Hands {
    now: Cell<Moment>,
    current: Cell<TaskNumber>,
    /// What the last timer that was found to be pending waits for.
    waits: Cell<Moment>,
    timers: RefCell<Timers>,
    fired: Cell<u64>,
}

impl Default for Clock {
    fn default() -> Self {
        Self(Rc::new(Hands {
            now: Cell::new(Moment::START),
            current: Cell::new(0),
            waits: Cell::new(Moment::START),
            timers: RefCell::default(),
            fired: Cell::new(0),
        }))
    }
}

impl Clock {
    /// The present moment.
    #[must_use]
    #[inline]
    pub fn now(&self) -> Moment {
        self.0.now.get()
    }

    /// Waits until a moment; returns at once if it has passed. May only be awaited within [`run`].
    #[inline]
    pub fn sleep_until(&self, until: Moment) -> Sleep<'_> {
        Sleep { clock: self, until, set: false }
    }

    /// The moment that the sleeper polled last waits for; [`Moment::START`] if none has been polled since this was asked
    /// last, or it need not wait.
    #[must_use]
    #[inline]
    pub fn take_wait(&self) -> Moment {
        self.0.waits.replace(Moment::START)
    }

    /// Says what the future that is being polled waits for, if it is no [`Sleep`].
    #[inline]
    pub(super) fn note_wait(&self, until: Moment) {
        self.0.waits.set(until);
    }

    /// The task that is being polled.
    #[inline]
    pub(super) fn current(&self) -> TaskNumber {
        self.0.current.get()
    }

    /// Has a task polled at a moment; at once if the moment is over, as it can be where a process died in between.
    #[inline]
    pub(super) fn wake(&self, task: TaskNumber, at: Moment) {
        self.0.timers.borrow_mut().set(at.max(self.now()), task);
    }

    /// How many timers have fired: the length of the run in events.
    #[must_use]
    pub fn fired(&self) -> u64 {
        self.0.fired.get()
    }
}

/// Waits for a moment; see [`Clock::sleep_until`].
#[must_use = "nobody waits before it is awaited"]
#[derive(Debug)]
pub struct Sleep<'a> {
    clock: &'a Clock,
    until: Moment,
    set: bool,
}

impl Future for Sleep<'_> {
    type Output = ();

    #[inline]
    fn poll(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<()> {
        let hands = &*self.clock.0;
        if hands.now.get() >= self.until {
            hands.waits.set(Moment::START);
            return Poll::Ready(());
        }
        hands.waits.set(self.until);
        if !self.set {
            hands.timers.borrow_mut().set(self.until, hands.current.get());
            self.set = true;
        }
        Poll::Pending
    }
}

/// Tasks that were woken by other tasks and wait to be polled.
#[derive(Default)]
struct Woken {
    tasks: Mutex<Vec<TaskNumber>>,
    /// Whether there are any; asked after every event, so it must cost less than a lock.
    any: AtomicBool,
}

struct TaskWaker {
    task: TaskNumber,
    woken: Arc<Woken>,
}

impl Wake for TaskWaker {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        let mut tasks = self.woken.tasks.lock().unwrap_or_else(PoisonError::into_inner);
        tasks.push(self.task);
        self.woken.any.store(true, Ordering::Release);
    }
}

struct Task<F> {
    future: Option<Pin<Box<F>>>,
    waker: Waker,
}

/// How a run ended.
#[derive(Copy, Clone, PartialEq, Eq, Debug)]
pub struct Finish {
    /// The moment at which nothing was left to happen.
    pub at: Moment,
    /// Tasks that still waited then, for something that cannot happen any more.
    pub stuck: usize,
}

/// Runs futures until nothing is left to happen.
///
/// # Panics
///
/// If there are more than 2^24 of them.
pub fn run<F: Future<Output = ()>>(clock: &Clock, futures: impl IntoIterator<Item = F>) -> Finish {
    run_beside(clock, futures, |_| {})
}

/// Runs futures like [`run`]. Whoever has things happen beside them is told of every moment before anything happens at it.
///
/// # Panics
///
/// As [`run`].
pub(super) fn run_beside<F: Future<Output = ()>>(
    clock: &Clock,
    futures: impl IntoIterator<Item = F>,
    mut beside: impl FnMut(Moment),
) -> Finish {
    let woken = Arc::new(Woken::default());
    let mut tasks: Vec<Task<F>> = futures
        .into_iter()
        .enumerate()
        .map(|(number, future)| Task {
            future: Some(Box::pin(future)),
            waker: Waker::from(Arc::new(TaskWaker { task: number as TaskNumber, woken: Arc::clone(&woken) })),
        })
        .collect();
    assert!(tasks.len() <= LAST_TASK as usize + 1, "too many tasks for one executor");
    for number in 0..tasks.len() {
        poll(clock, &mut tasks, number as TaskNumber);
        settle(clock, &mut tasks, &woken);
    }
    loop {
        let (due, next) = {
            let mut timers = clock.0.timers.borrow_mut();
            (timers.pop(), timers.next_task())
        };
        let Some((at, task)) = due else { break };
        // Whoever is next is fetched while this one is polled.
        if let Some(future) = next.and_then(|next| tasks[next as usize].future.as_ref()) {
            fetch(&*future.as_ref());
        }
        debug_assert!(at >= clock.now(), "virtual time never goes back");
        beside(at);
        clock.0.now.set(at);
        clock.0.fired.set(clock.0.fired.get() + 1);
        poll(clock, &mut tasks, task);
        settle(clock, &mut tasks, &woken);
    }
    Finish { at: clock.now(), stuck: tasks.iter().filter(|task| task.future.is_some()).count() }
}

/// Polls the tasks that were woken, in the order of waking, until nobody is awake.
#[inline]
fn settle<F: Future<Output = ()>>(clock: &Clock, tasks: &mut [Task<F>], woken: &Woken) {
    while woken.any.load(Ordering::Acquire) {
        let batch = {
            let mut queue = woken.tasks.lock().unwrap_or_else(PoisonError::into_inner);
            woken.any.store(false, Ordering::Release);
            std::mem::take(&mut *queue)
        };
        for task in batch {
            poll(clock, tasks, task);
        }
    }
}

#[inline]
fn poll<F: Future<Output = ()>>(clock: &Clock, tasks: &mut [Task<F>], number: TaskNumber) {
    clock.0.current.set(number);
    let task = &mut tasks[number as usize];
    let Some(future) = &mut task.future else { return };
    if future.as_mut().poll(&mut Context::from_waker(&task.waker)).is_ready() {
        task.future = None;
    }
}

#[cfg(test)]
mod tests {
    use mock_server::time::Span;
    use tokio::sync::Semaphore;

    use super::*;

    #[test]
    fn tasks_run_in_the_order_of_moments_then_of_setting() {
        let clock = Clock::default();
        let log = RefCell::new(Vec::new());
        let finish = run(
            &clock,
            [30, 10, 20, 10].iter().enumerate().map(|(task, after)| {
                let (clock, log) = (clock.clone(), &log);
                async move {
                    clock.sleep_until(Moment::START + Span::seconds(*after)).await;
                    log.borrow_mut().push(task);
                }
            }),
        );
        assert_eq!(*log.borrow(), [1, 3, 2, 0]);
        assert_eq!(finish, Finish { at: Moment::START + Span::seconds(30), stuck: 0 });
    }

    #[test]
    fn a_permit_wakes_whoever_waited_longest_without_time_passing() {
        let clock = Clock::default();
        let places = Semaphore::new(1);
        let log = RefCell::new(Vec::new());
        run(
            &clock,
            (0..3).map(|task| {
                let (clock, places, log) = (clock.clone(), &places, &log);
                async move {
                    let _place = places.acquire().await.expect("the semaphore is never closed");
                    clock.sleep_until(clock.now() + Span::seconds(5)).await;
                    log.borrow_mut().push((task, clock.now().as_seconds()));
                }
            }),
        );
        assert_eq!(*log.borrow(), [(0, 5.0), (1, 10.0), (2, 15.0)]);
    }

    #[test]
    fn waiting_for_what_cannot_happen_ends_the_run_and_is_counted() {
        let clock = Clock::default();
        let finish = run(
            &clock,
            (0..2).map(|task| async move {
                if task == 1 {
                    std::future::pending::<()>().await;
                }
            }),
        );
        assert_eq!(finish.stuck, 1);
    }

    #[test]
    fn sleeping_towards_the_past_returns_at_once() {
        let clock = Clock::default();
        let finish = run(&clock, [async { clock.sleep_until(Moment::START).await }]);
        assert_eq!((finish.at, clock.fired()), (Moment::START, 0));
    }
}
