//! Which tasks an arrival wakes, without threads.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::Waker;

use super::super::{InboxItem, Registration};
use super::Item;

type Inbox = super::super::Inbox<Item>;
type Mailbox = super::super::Mailbox<Item>;

#[derive(Default)]
struct Woken(AtomicUsize);

impl std::task::Wake for Woken {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }
}

/// A task that waits for a stream or for a turn.
struct Task {
    woken: Arc<Woken>,
    waiting: Registration,
}

impl Task {
    fn new() -> Self {
        Self { woken: Arc::default(), waiting: Registration::default() }
    }

    fn poll(&mut self, inbox: &Inbox) -> bool {
        self.woken.0.store(0, Ordering::SeqCst);
        let waker = Waker::from(Arc::clone(&self.woken));
        inbox.register(&mut self.waiting, &waker)
    }

    fn is_woken(&self) -> bool {
        self.woken.0.load(Ordering::SeqCst) > 0
    }
}

fn waiting(inbox: &Inbox, count: usize) -> Vec<Task> {
    let mut tasks: Vec<_> = (0..count).map(|_| Task::new()).collect();
    for task in &mut tasks {
        assert!(task.poll(inbox));
    }
    tasks
}

fn woken(tasks: &[Task]) -> usize {
    tasks.iter().filter(|task| task.is_woken()).count()
}

fn empty(inbox: &Inbox) {
    inbox.stage();
    while inbox.next().is_some() {}
}

fn post(mailbox: &Mailbox) {
    assert!(mailbox.send(Item::wake_up()));
}

#[test]
fn an_arrival_wakes_all_tasks_once() {
    let inbox = Inbox::new();
    let (mailbox, tasks) = (inbox.mailbox(), waiting(&inbox, 24));
    post(&mailbox);
    post(&mailbox);
    assert!(tasks.iter().all(|task| task.woken.0.load(Ordering::SeqCst) == 1));
}

#[test]
fn all_streams_are_woken_when_the_store_drains_is_cancelled_or_ends() {
    for end in [
        (|inbox, _| Inbox::wake_tasks(inbox)) as fn(&Inbox, &Mailbox),
        |_, mailbox| mailbox.cancel(),
        |inbox, _| drop(inbox.close()),
    ] {
        let inbox = Inbox::new();
        let (mailbox, tasks) = (inbox.mailbox(), waiting(&inbox, 24));
        end(&inbox, &mailbox);
        assert_eq!(woken(&tasks), 24);
    }
    let inbox = Inbox::new();
    inbox.wake_tasks();
    let (mailbox, tasks) = (inbox.mailbox(), waiting(&inbox, 24));
    post(&mailbox);
    assert_eq!(woken(&tasks), 24, "each later arrival wakes one more task");
}

/// At each moment: if an item is queued and tasks wait, one of them has been woken and has not looked yet.
#[test]
fn in_every_schedule_of_polls_drops_and_arrivals_some_task_applies_each_arrival() {
    let mut state = 15_u64;
    let mut below = |limit: usize| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        usize::try_from(state >> 33).unwrap_or(0) % limit
    };
    for _ in 0..200 {
        let inbox = Inbox::new();
        let mailbox = inbox.mailbox();
        // The tasks that wait. One that was woken looks later, or is dropped.
        let mut tasks: Vec<Task> = Vec::new();
        for _ in 0..200 {
            match below(8) {
                0..3 => {
                    let mut task = Task::new();
                    if !task.poll(&inbox) {
                        empty(&inbox);
                    }
                    tasks.push(task);
                }
                3..5 => post(&mailbox),
                5 | 6 => {
                    let woken: Vec<_> =
                        (0..tasks.len()).filter(|at| tasks[*at].is_woken()).collect();
                    if let Some(at) = woken.get(below(woken.len().max(1)))
                        && !tasks[*at].poll(&inbox)
                    {
                        empty(&inbox);
                    }
                }
                _ if !tasks.is_empty() => {
                    let mut task = tasks.swap_remove(below(tasks.len()));
                    inbox.remove_task(&mut task.waiting);
                }
                _ => {}
            }
            let is_looked_after = inbox.is_empty() || tasks.is_empty() || woken(&tasks) > 0;
            assert!(is_looked_after, "{} tasks wait, but none is woken", tasks.len());
        }
    }
}

#[test]
fn a_task_that_waits_no_more_is_not_woken_and_its_waker_is_dropped() {
    let inbox = Inbox::new();
    let (mailbox, mut tasks) = (inbox.mailbox(), waiting(&inbox, 2));
    inbox.remove_task(&mut tasks[0].waiting);
    inbox.remove_task(&mut tasks[0].waiting);
    assert_eq!(Arc::strong_count(&tasks[0].woken), 1);
    post(&mailbox);
    assert!(!tasks[0].is_woken() && tasks[1].is_woken());
}
