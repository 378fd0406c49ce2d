//! S8, S10: callbacks of `on_wake` that panic when they are dropped do not abort the process. Each test runs in a
//! separate process.

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::mpsc::channel;
use std::sync::{Arc, Mutex};
use std::thread;

use reacton::prelude::*;
use reacton_support::{in_child, panic_of};

use crate::A;

/// As [`Bomb`], for closures that other threads call.
struct SentBomb(Arc<AtomicU32>);

impl Drop for SentBomb {
    fn drop(&mut self) {
        self.0.fetch_add(1, Ordering::SeqCst);
        panic!("a drop that panics");
    }
}

fn with_three_callbacks(dropped: &Arc<AtomicU32>) -> ReactonStore {
    let store = ReactonStore::new();
    for _ in 0..3 {
        let bomb = SentBomb(Arc::clone(dropped));
        store.on_wake(move || _ = &bomb);
    }
    store
}

#[test]
fn s10_callbacks_of_on_wake_that_panic_when_they_are_dropped_are_dropped_with_the_store() {
    in_child(|| {
        let dropped = Arc::default();
        drop(with_three_callbacks(&dropped));
        assert_eq!(dropped.load(Ordering::SeqCst), 3);
        let store = with_three_callbacks(&dropped);
        assert_eq!(panic_of(|| store.dispose()), "a drop that panics");
        assert_eq!(dropped.load(Ordering::SeqCst), 6);
        // Callbacks that are added after the end are dropped with the last handle, on any thread.
        let bombs = [(); 2].map(|()| SentBomb(Arc::clone(&dropped)));
        for bomb in bombs {
            store.on_wake(move || _ = &bomb);
        }
        let handle = store.handle();
        drop(store);
        let other = thread::spawn(move || drop(handle));
        assert!(other.join().is_ok());
        assert_eq!(dropped.load(Ordering::SeqCst), 8);
    });
}

#[test]
fn s10_a_callback_of_on_wake_that_is_removed_while_it_is_called_does_not_panic_in_the_sender() {
    in_child(|| {
        let dropped = Arc::default();
        let store = ReactonStore::new();
        let handle = store.handle();
        let ((tell, entered), (go, signal)) = (channel(), channel::<()>());
        let (tell, signal) = (Mutex::new(tell), Mutex::new(signal));
        let bomb = SentBomb(Arc::clone(&dropped));
        let callback = store.on_wake(move || {
            let _ = &bomb;
            let _ = tell.lock().map(|tell| tell.send(()));
            let _ = signal.lock().map(|signal| signal.recv());
        });
        let sender = thread::spawn(move || {
            handle.set(&A, 1);
        });
        entered.recv().expect("the callback is called");
        callback.unsubscribe();
        assert_eq!(dropped.load(Ordering::SeqCst), 0, "a callback was dropped while it is called");
        go.send(()).expect("the channel is open");
        assert!(sender.join().is_ok());
        assert_eq!(dropped.load(Ordering::SeqCst), 1);
    });
}

#[test]
fn s8_a_scoped_callback_of_on_wake_that_ends_while_the_thread_unwinds_panics_no_second_time() {
    in_child(|| {
        let dropped = Arc::default();
        let store = ReactonStore::new();
        let words = panic_of(|| {
            let bomb = SentBomb(Arc::clone(&dropped));
            let _scoped = store.on_wake(move || _ = &bomb).scoped();
            panic!("of the program");
        });
        assert_eq!((words.as_str(), dropped.load(Ordering::SeqCst)), ("of the program", 1));
    });
}
