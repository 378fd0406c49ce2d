//! Tests without threads: notifications, callbacks, and what a closed inbox still holds.

mod inspect;
mod notifier;
mod receiver;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::Waker;
use std::thread;
use std::time::{Duration, Instant};

use super::{Callback, InboxItem, Registration, Waited};

type Inbox = super::Inbox<Item>;

fn counter() -> (Arc<AtomicUsize>, Callback) {
    let calls = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&calls);
    (calls, Arc::new(move || _ = counted.fetch_add(1, Ordering::SeqCst)))
}

enum Item {
    WakeUp,
    WorkEnded,
    /// Counts its owners, to show when it is dropped.
    Held(#[expect(dead_code, reason = "it is there to be dropped")] Arc<()>),
}

impl InboxItem for Item {
    fn wake_up() -> Self {
        Self::WakeUp
    }

    fn work_ended() -> Self {
        Self::WorkEnded
    }
}

#[test]
fn a_burst_notifies_once_until_the_store_looks() {
    let inbox = Inbox::new();
    let (mailbox, (calls, wake)) = (inbox.mailbox(), counter());
    inbox.add_callback(&wake);
    for round in 1..4 {
        assert!(mailbox.send(Item::WakeUp) && mailbox.send(Item::WakeUp));
        assert_eq!(calls.load(Ordering::SeqCst), round);
        inbox.stage();
    }
}

#[derive(Default)]
struct Woken(AtomicUsize);

impl std::task::Wake for Woken {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }
}

#[test]
fn a_waiting_task_is_woken_whether_or_not_the_store_has_checked_its_inbox() {
    let inbox = Inbox::new();
    let (mailbox, woken) = (inbox.mailbox(), Arc::new(Woken(AtomicUsize::new(0))));
    let (mut waiting, task) = (Registration::default(), Waker::from(Arc::clone(&woken)));
    for round in 1..4 {
        mailbox.send(Item::WakeUp);
        inbox.stage();
        while inbox.next().is_some() {}
        assert!(
            inbox.register(&mut waiting, &task),
            "the inbox is empty, so the task is registered"
        );
        mailbox.send(Item::WakeUp);
        mailbox.send(Item::WakeUp);
        assert_eq!(woken.0.load(Ordering::SeqCst), round);
        // The task looks before it waits.
        assert!(!inbox.register(&mut waiting, &task));
        mailbox.send(Item::WakeUp);
        assert_eq!(inbox.stage(), 3);
        while inbox.next().is_some() {}
        inbox.remove_task(&mut waiting);
        woken.0.store(round, Ordering::SeqCst);
    }
}

#[test]
fn callbacks_are_called_after_others_were_removed() {
    let inbox = Inbox::new();
    let (mailbox, (calls, wake)) = (inbox.mailbox(), counter());
    let (_, other) = counter();
    let number = inbox.add_callback(&other);
    inbox.add_callback(&wake);
    inbox.remove_callback(number);
    inbox.remove_callback(number);
    for round in 1..4 {
        mailbox.send(Item::WakeUp);
        inbox.stage();
        assert_eq!(calls.load(Ordering::SeqCst), round);
    }
}

#[test]
fn a_notification_that_came_late_does_not_mute_a_new_callback() {
    let inbox = Inbox::new();
    let mailbox = inbox.mailbox();
    // As if the sender were suspended between sending and notifying, and the store looked in between.
    inbox.shared.notifier.notify();
    let (calls, wake) = counter();
    inbox.add_callback(&wake);
    mailbox.send(Item::WakeUp);
    assert_eq!(calls.load(Ordering::SeqCst), 1);
}

#[test]
fn a_callback_that_is_added_while_a_sender_is_about_to_notify_mutes_no_listener() {
    let inbox = Inbox::new();
    let (task, mut waiting) = (Arc::new(Woken::default()), Registration::default());
    let (earlier, wake) = counter();
    inbox.add_callback(&wake);
    assert!(inbox.register(&mut waiting, &Waker::from(Arc::clone(&task))));
    // The sender is suspended between sending and notifying; the store adds a callback; the sender goes on.
    assert!(inbox.shared.sender.send(Item::WakeUp).is_ok());
    let (calls, wake) = counter();
    inbox.add_callback(&wake);
    inbox.shared.notifier.notify();
    let woken = task.0.load(Ordering::SeqCst);
    assert_eq!((woken, earlier.load(Ordering::SeqCst), calls.load(Ordering::SeqCst)), (1, 1, 1));
}

#[test]
fn a_callback_is_called_at_once_if_items_are_queued() {
    let inbox = Inbox::new();
    inbox.mailbox().send(Item::WakeUp);
    let (calls, wake) = counter();
    let number = inbox.add_callback(&wake);
    assert_eq!(calls.load(Ordering::SeqCst), 1);
    inbox.mailbox().send(Item::WakeUp);
    assert_eq!(
        calls.load(Ordering::SeqCst),
        1,
        "the callback is called once until the store looks into the inbox"
    );
    inbox.remove_callback(number);
    inbox.stage();
    inbox.mailbox().send(Item::WakeUp);
    assert_eq!(calls.load(Ordering::SeqCst), 1);
}

#[test]
fn a_waker_that_panics_harms_no_sender_and_no_other_waker() {
    let inbox = Inbox::new();
    let (calls, wake) = counter();
    let panics: Callback = Arc::new(|| panic!("a waker"));
    inbox.add_callback(&panics);
    inbox.add_callback(&wake);
    assert!(inbox.mailbox().send(Item::WakeUp));
    assert_eq!(calls.load(Ordering::SeqCst), 1);
}

#[test]
fn a_message_counted_late_is_not_taken_for_a_new_one() {
    let inbox = Inbox::new();
    let _mailbox = inbox.mailbox();
    inbox.set_spin(Duration::from_micros(1));
    inbox.received.set(1);
    assert_eq!(inbox.wait(Some(Instant::now())), Waited::TimedOut);
}

#[test]
fn dropping_the_last_mailbox_wakes_the_receiver() {
    let inbox = Inbox::new();
    let mailbox = inbox.mailbox();
    let sender = thread::spawn(move || drop(mailbox));
    assert!(matches!(inbox.wait(None), Waited::Arrived | Waited::Disconnected));
    sender.join().expect("the thread does not panic");
    inbox.stage();
    while inbox.next().is_some() {}
    assert_eq!(inbox.wait(None), Waited::Disconnected);
}

#[test]
fn what_is_sent_after_the_end_is_dropped_by_its_sender() {
    let (inbox, held) = (Inbox::new(), Arc::new(()));
    let mailbox = inbox.mailbox();
    assert!(mailbox.send(Item::Held(Arc::clone(&held))));
    drop(inbox);
    assert!(!mailbox.send(Item::Held(Arc::clone(&held))) && mailbox.is_closed());
    assert_eq!(Arc::strong_count(&held), 1);
}

#[test]
fn a_waker_may_send_and_add_wakers_itself() {
    let inbox = Inbox::new();
    let (calls, wake) = counter();
    let (mailbox, shared) = (inbox.mailbox(), Arc::clone(&inbox.shared));
    let meddles: Callback = Arc::new(move || {
        // If our lock or the channel's were held, this would block for ever.
        mailbox.send(Item::WakeUp);
        shared.notifier.add_callback(&wake);
    });
    inbox.add_callback(&meddles);
    assert!(inbox.mailbox().send(Item::WakeUp));
    assert_eq!((inbox.stage(), calls.load(Ordering::SeqCst)), (2, 0));
    assert!(inbox.mailbox().send(Item::WakeUp));
    assert_eq!((inbox.stage(), calls.load(Ordering::SeqCst)), (4, 1));
}

#[test]
fn a_mailbox_reports_what_is_queued_and_whether_the_store_has_ended() {
    let inbox = Inbox::new();
    let mailbox = inbox.mailbox();
    assert!(!mailbox.is_closed() && mailbox.queued() == 0);
    assert!(mailbox.send(Item::WakeUp) && mailbox.send(Item::WakeUp));
    assert_eq!((mailbox.queued(), inbox.len()), (2, 2));
    assert_eq!((inbox.stage(), mailbox.queued(), inbox.len()), (2, 0, 2));
    assert!(!inbox.is_cancelled());
    mailbox.cancel();
    assert!(inbox.is_cancelled() && !mailbox.is_closed());
    drop(inbox.close());
    assert!(mailbox.is_closed());
}

#[test]
fn a_clone_keeps_a_wait_open_as_its_original_does() {
    let inbox = Inbox::new();
    let weak = inbox.weak_mailbox().clone();
    assert!(inbox.is_disconnected(), "a weak mailbox does not keep the inbox open");
    let first = inbox.mailbox();
    let (second, third) = (first.clone(), first.weak());
    drop(first);
    assert!(!inbox.is_disconnected() && inbox.is_empty());
    drop(second);
    assert_eq!(inbox.stage(), 1, "dropping the last mailbox wakes the store");
    assert!(matches!(inbox.next(), Some(Item::WakeUp)) && inbox.is_disconnected());
    drop((weak, third));
    assert!(inbox.is_empty());
}

#[test]
fn the_end_of_pending_work_is_one_item_for_all_that_ends_before_it_is_taken() {
    let inbox = Inbox::new();
    let mailbox = inbox.weak_mailbox();
    assert!(inbox.is_idle());
    let work = [mailbox.pending_work(), mailbox.pending_work(), mailbox.pending_work()];
    assert!(!inbox.is_idle() && inbox.is_disconnected());
    let [first, second, third] = work;
    drop((first, second));
    assert_eq!(inbox.stage(), 1);
    assert!(matches!(inbox.next(), Some(Item::WorkEnded)));
    inbox.count_ended_work();
    assert!(!inbox.is_idle(), "one piece of work is left");
    drop(third);
    assert!(inbox.stage() == 1 && inbox.next().is_some());
    inbox.count_ended_work();
    assert!(inbox.is_idle());
}
