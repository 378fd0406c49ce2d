//! The models. Each returns how many executions loom has run.

#![expect(clippy::missing_panics_doc, reason = "a model panics if it finds a fault")]

use std::sync::atomic::AtomicUsize as Counter;
use std::sync::{Arc, PoisonError};
use std::task::{Wake, Waker};
use std::time::Duration;

use loom::sync::atomic::{AtomicBool, Ordering};
use loom::sync::{Condvar, Mutex};
use loom::thread;

use crate::inbox::{Callback, Inbox, InboxItem, Mailbox, PendingWork, Registration, Waited};

/// Runs `model` in every schedule in which each thread is preempted at most so many times, that is, interrupted
/// although it could continue. Returns the number of executions.
fn explore(preemptions: usize, model: impl Fn() + Send + Sync + 'static) -> usize {
    let executions = Arc::new(Counter::new(0));
    let count = Arc::clone(&executions);
    let mut builder = loom::model::Builder::new();
    builder.preemption_bound = Some(preemptions);
    builder.check(move || {
        count.fetch_add(1, Ordering::Relaxed);
        model();
    });
    executions.load(Ordering::Relaxed)
}

/// What is sent in the models.
enum Item {
    Value(u32),
    /// An item whose drop can be observed.
    Held(#[expect(dead_code, reason = "it is there to be dropped")] Arc<()>),
    WakeUp,
    WorkEnded,
}

impl InboxItem for Item {
    fn wake_up() -> Self {
        Self::WakeUp
    }

    fn work_ended() -> Self {
        Self::WorkEnded
    }
}

/// Wakes a thread of a model: an executor that polls its task, or an event loop.
#[derive(Default)]
struct Signal {
    raised: Mutex<usize>,
    changed: Condvar,
}

impl Signal {
    fn raise(&self) {
        *self.raised.lock().unwrap_or_else(PoisonError::into_inner) += 1;
        self.changed.notify_one();
    }

    /// Sleeps until it was raised since the last call. Returns how often it was raised.
    fn sleep(&self) -> usize {
        let mut raised = self.raised.lock().unwrap_or_else(PoisonError::into_inner);
        while *raised == 0 {
            raised = self.changed.wait(raised).unwrap_or_else(PoisonError::into_inner);
        }
        std::mem::take(&mut raised)
    }

    fn raised(&self) -> usize {
        *self.raised.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn callback(self: &Arc<Self>) -> Callback {
        let signal = Arc::clone(self);
        Arc::new(move || signal.raise())
    }
}

impl Wake for Signal {
    fn wake(self: Arc<Self>) {
        self.raise();
    }
}

/// Sends the values from another thread.
fn sender(mailbox: Mailbox<Item>, values: &'static [u32]) -> thread::JoinHandle<()> {
    thread::spawn(move || {
        for value in values {
            assert!(mailbox.send(Item::Value(*value)));
        }
    })
}

fn join(threads: impl IntoIterator<Item = thread::JoinHandle<()>>) {
    for thread in threads {
        thread.join().expect("the thread does not panic");
    }
}

/// Takes all items that were staged, and returns their values.
fn take_all(inbox: &Inbox<Item>) -> Vec<u32> {
    let mut values = Vec::new();
    while let Some(item) = inbox.next() {
        if let Item::Value(value) = item {
            values.push(value);
        }
    }
    values
}

/// Receives as an async store does: registers, looks, and sleeps if the inbox is empty.
fn receive_as_task(inbox: &Inbox<Item>, count: usize) {
    let signal = Arc::new(Signal::default());
    let waker = Waker::from(Arc::clone(&signal));
    let mut registration = Registration::default();
    let mut values = 0;
    while values < count {
        if inbox.register(&mut registration, &waker) {
            signal.sleep();
        }
        inbox.stage();
        values += take_all(inbox).len();
    }
    inbox.remove_task(&mut registration);
}

/// A task waits for the items of two threads. It is woken for each item that it has not found.
pub fn a_task_misses_nothing() -> usize {
    explore(3, || {
        let inbox = Inbox::new();
        let senders = [sender(inbox.mailbox(), &[1]), sender(inbox.mailbox(), &[2])];
        receive_as_task(&inbox, 2);
        join(senders);
    })
}

/// As [`a_task_misses_nothing`], for several items of one thread.
pub fn a_task_misses_no_item_of_a_burst() -> usize {
    explore(5, || {
        let inbox = Inbox::new();
        let sender = sender(inbox.mailbox(), &[1, 2]);
        receive_as_task(&inbox, 2);
        join([sender]);
    })
}

/// An arrival wakes each of several tasks of one store, though the first that is polled takes what has arrived.
pub fn an_arrival_wakes_each_task() -> usize {
    explore(6, || {
        let inbox = Inbox::new();
        let signals = [Arc::new(Signal::default()), Arc::new(Signal::default())];
        let sender = sender(inbox.mailbox(), &[1]);
        let mut registrations = [Registration::default(), Registration::default()];
        let mut waits = Vec::new();
        for (signal, registration) in signals.iter().zip(&mut registrations) {
            if inbox.register(registration, &Waker::from(Arc::clone(signal))) {
                waits.push(signal);
            }
        }
        // A task that has found nothing is woken, whatever the others do.
        for signal in waits {
            signal.sleep();
        }
        inbox.stage();
        assert_eq!(take_all(&inbox), [1]);
        join([sender]);
    })
}

/// A callback notifies the event loop of a program of everything that arrives, and at most once for each look at the
/// inbox.
pub fn a_callback_is_called_once_for_a_burst() -> usize {
    explore(6, || {
        let inbox = Inbox::new();
        let signal = Arc::new(Signal::default());
        inbox.add_callback(&signal.callback());
        let sender = sender(inbox.mailbox(), &[1, 2]);
        let (mut values, mut looks, mut calls) = (Vec::new(), 0, 0);
        while values.len() < 2 {
            calls += signal.sleep();
            looks += 1;
            inbox.stage();
            values.extend(take_all(&inbox));
        }
        join([sender]);
        calls += signal.raised();
        assert_eq!(values, [1, 2]);
        assert!(calls <= 1 + looks, "{calls} calls for {looks} looks");
    })
}

/// A turn that takes one item is followed by another turn, because it notifies if it leaves items.
pub fn what_a_bounded_turn_leaves_is_notified() -> usize {
    explore(6, || {
        let inbox = Inbox::new();
        let signal = Arc::new(Signal::default());
        inbox.add_callback(&signal.callback());
        let sender = sender(inbox.mailbox(), &[1, 2]);
        let mut values = Vec::new();
        while values.len() < 2 {
            signal.sleep();
            inbox.stage();
            if let Some(Item::Value(value)) = inbox.next() {
                values.push(value);
            }
            inbox.notify_if_left();
        }
        join([sender]);
        assert_eq!(values, [1, 2]);
    })
}

/// A callback is added while a sender is between its send and its notification. It suppresses the wake-up of no other
/// listener.
pub fn a_callback_that_is_added_late_mutes_no_other_listener() -> usize {
    explore(6, || {
        let inbox = Inbox::new();
        let [task, early, late] = [(); 3].map(|()| Arc::new(Signal::default()));
        inbox.add_callback(&early.callback());
        let mut registration = Registration::default();
        assert!(inbox.register(&mut registration, &Waker::from(Arc::clone(&task))));
        let sender = sender(inbox.mailbox(), &[1]);
        inbox.add_callback(&late.callback());
        for signal in [task, early, late] {
            signal.sleep();
        }
        join([sender]);
    })
}

/// A thread that sleeps in the channel, with and without a spin, beside a task and a callback: each is woken.
pub fn a_thread_a_task_and_a_callback_are_all_woken() -> usize {
    let run = |spin| {
        explore(2, move || {
            let inbox = Inbox::new();
            inbox.set_spin(spin);
            let [task, callback] = [(); 2].map(|()| Arc::new(Signal::default()));
            inbox.add_callback(&callback.callback());
            let mut registration = Registration::default();
            assert!(inbox.register(&mut registration, &Waker::from(Arc::clone(&task))));
            let senders = [sender(inbox.mailbox(), &[1]), sender(inbox.mailbox(), &[2])];
            let mut values = 0;
            while values < 2 {
                assert_eq!(inbox.wait(None), Waited::Arrived);
                inbox.stage();
                values += take_all(&inbox).len();
            }
            task.sleep();
            callback.sleep();
            join(senders);
        })
    };
    run(Duration::ZERO) + run(Duration::MAX)
}

/// The last mailbox that keeps a wait open ends the wait when it is dropped, after everything that was sent through it.
pub fn the_last_mailbox_ends_a_wait() -> usize {
    explore(3, || {
        let inbox = Inbox::new();
        let weak = inbox.weak_mailbox();
        let senders = [inbox.mailbox(), inbox.mailbox()].map(|mailbox| sender(mailbox, &[1]));
        let mut values = 0;
        while inbox.wait(None) == Waited::Arrived {
            inbox.stage();
            values += take_all(&inbox).len();
        }
        assert_eq!(values, 2);
        join(senders);
        drop(weak);
    })
}

/// A store ends while a thread sends: items that it does not take are dropped, and its tasks are woken.
pub fn a_close_wakes_tasks_and_drops_what_is_sent_meanwhile() -> usize {
    explore(6, || {
        let inbox = Inbox::new();
        let (mailbox, held) = (inbox.mailbox(), Arc::new(()));
        let task = Arc::new(Signal::default());
        let mut registration = Registration::default();
        inbox.register(&mut registration, &Waker::from(Arc::clone(&task)));
        let (first, second) = (Arc::clone(&held), Arc::clone(&held));
        let sender = thread::spawn(move || {
            mailbox.send(Item::Held(first));
            mailbox.send(Item::Held(second));
            mailbox
        });
        drop(inbox);
        task.sleep();
        let mailbox = sender.join().expect("the thread does not panic");
        assert!(mailbox.is_closed());
        assert_eq!(Arc::strong_count(&held), 1, "the closed mailbox holds an item");
    })
}

/// A cancelled store wakes its task, which then sees the cancellation.
pub fn a_cancelled_store_wakes_its_task() -> usize {
    explore(2, || {
        let inbox = Inbox::new();
        let mailbox = inbox.mailbox();
        let sender = sender(inbox.mailbox(), &[1]);
        let canceller = thread::spawn(move || mailbox.cancel());
        let task = Arc::new(Signal::default());
        let waker = Waker::from(Arc::clone(&task));
        let mut registration = Registration::default();
        while !inbox.is_cancelled() {
            // In the order of a turn: registers first, then checks whether the store is cancelled.
            let is_empty = inbox.register(&mut registration, &waker);
            if is_empty && !inbox.is_cancelled() {
                task.sleep();
            }
            inbox.stage();
            take_all(&inbox);
        }
        join([canceller, sender]);
    })
}

/// `run_until` with a condition on something that another thread changes: it is checked again after each change.
pub fn a_condition_is_checked_after_each_change() -> usize {
    let run = |spin| {
        explore(6, move || {
            let inbox: Inbox<Item> = Inbox::new();
            inbox.set_spin(spin);
            let (mailbox, changed) = (inbox.mailbox(), Arc::new(Mutex::new(0)));
            let other = Arc::clone(&changed);
            let other_thread = thread::spawn(move || {
                for _ in 0..2 {
                    *other.lock().unwrap_or_else(PoisonError::into_inner) += 1;
                    mailbox.recheck();
                }
                mailbox
            });
            let before = inbox.set_awaits_condition(true);
            loop {
                inbox.set_awaits_condition(true);
                if *changed.lock().unwrap_or_else(PoisonError::into_inner) == 2 {
                    break;
                }
                assert_eq!(inbox.wait(None), Waited::Arrived);
                inbox.stage();
                take_all(&inbox);
            }
            inbox.set_awaits_condition(before);
            drop(other_thread.join().expect("the thread does not panic"));
        })
    };
    run(Duration::ZERO) + run(Duration::MAX)
}

/// `is_stale` lists the queued items while threads send: each item once and in order. A sleeping task is woken for each
/// of them all the same.
pub fn a_look_at_what_waits_hides_nothing() -> usize {
    explore(6, || {
        let inbox = Inbox::new();
        let (_keeps_open, sender) = (inbox.mailbox(), sender(inbox.mailbox(), &[1, 2]));
        let signal = Arc::new(Signal::default());
        inbox.add_callback(&signal.callback());
        let (mut listed, mut values) = (Vec::new(), Vec::new());
        while values.len() < 2 {
            signal.sleep();
            // Looks twice, as long work does.
            for _ in 0..2 {
                inbox.inspect(|items, taken| {
                    let known = listed.len() - usize::try_from(taken).expect("the number fits");
                    listed.extend(items.range(known..).map(|item| match item {
                        Item::Value(value) => *value,
                        _ => 0,
                    }));
                });
            }
            inbox.stage();
            values.extend(take_all(&inbox));
            // Items that arrived after the last look were not listed.
            listed.extend(values[listed.len().min(values.len())..].iter().copied());
        }
        join([sender]);
        assert_eq!((listed, values), (vec![1, 2], vec![1, 2]));
    })
}

/// A store that drains ends only after the results of all work that it has started have arrived.
pub fn a_drain_waits_for_pending_work() -> usize {
    explore(2, || {
        let inbox = Inbox::new();
        let keeps_open = inbox.mailbox();
        let workers = [1, 2].map(|result| {
            let work: PendingWork<Item> = keeps_open.pending_work();
            thread::spawn(move || assert!(work.mailbox().send(Item::Value(result))))
        });
        let mut values = 0;
        while !inbox.is_idle() {
            assert_eq!(inbox.wait(None), Waited::Arrived);
            inbox.stage();
            while let Some(item) = inbox.next() {
                match item {
                    Item::Value(_) => values += 1,
                    Item::WorkEnded => inbox.count_ended_work(),
                    Item::Held(_) | Item::WakeUp => {}
                }
            }
        }
        assert_eq!(values, 2);
        join(workers);
    })
}

/// A flag that is set before an item is sent is seen by the task that takes the item.
pub fn what_happened_before_a_send_is_seen_after_it_is_taken() -> usize {
    explore(6, || {
        let inbox = Inbox::new();
        let (mailbox, flag) = (inbox.mailbox(), Arc::new(AtomicBool::new(false)));
        let other = Arc::clone(&flag);
        let sender = thread::spawn(move || {
            other.store(true, Ordering::Relaxed);
            assert!(mailbox.send(Item::Value(1)));
        });
        receive_as_task(&inbox, 1);
        assert!(flag.load(Ordering::Relaxed));
        join([sender]);
    })
}
