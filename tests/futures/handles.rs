//! What a handle returns: results of reads and writes, on any thread.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::Poll;
use std::thread;

use reacton::prelude::*;

use crate::{COUNT, DOUBLE, Task};

#[reacton(zero_copy)]
static PICTURE: Option<Vec<u8>> = None;

#[reacton]
static NOTE: Family<u32, String> = |id| format!("note {id}");

/// Neither `Clone` nor `Send`.
#[reacton(eq = never)]
static LOCKED: (std::rc::Rc<u32>, std::sync::Mutex<u32>) = (7.into(), 5.into());

#[computed]
static FRAIL: u32 = |cx| {
    let count = cx.get(&COUNT);
    assert_ne!(count, 13, "the count is 13");
    count
};

#[test]
fn handles_replies_and_streams_go_to_any_thread() {
    fn is_for_all<T: Send + Sync + Clone>() {}
    fn is_sent<T: Send + Unpin>(_: &T) {}
    is_for_all::<StoreHandle>();
    let store = ReactonStore::new();
    let handle = store.handle();
    is_sent(&handle.get(&COUNT));
    is_sent(&handle.watch(&COUNT));
    is_sent(&handle.changes(&COUNT));
}

#[test]
fn a_read_comes_after_what_was_written_before_it() {
    let (store, task) = (ReactonStore::new(), Task::new());
    let handle = store.handle();
    let mut early = handle.get(&COUNT);
    handle.set(&COUNT, 4);
    let (mut late, mut double) = (handle.get(&COUNT), handle.get(&DOUBLE));
    assert_eq!(task.poll(&mut early), Poll::Pending);
    assert_eq!(task.poll(&mut late), Poll::Pending);
    assert_eq!(store.pump(), 1, "a read counts as a transaction");
    assert_eq!(task.times_woken(), 2);
    assert_eq!(task.poll(&mut early), Poll::Ready(Ok(0)));
    assert_eq!(task.poll(&mut late), Poll::Ready(Ok(4)));
    assert_eq!(task.poll(&mut double), Poll::Ready(Ok(8)), "a computed can be read, too");
}

#[test]
fn every_kind_of_reacton_is_read_and_written() {
    let (store, task) = (ReactonStore::new(), Task::new());
    let handle = store.handle();
    handle.set(&PICTURE, Some(vec![1, 2, 3]));
    handle.set(&NOTE.of(7), "seven".into());
    let mut length = handle.with(&PICTURE, |picture| picture.as_ref().map(Vec::len));
    let mut picture = handle.get(&PICTURE);
    let (mut note, mut other) = (handle.get(&NOTE.of(7)), handle.get(&NOTE.of(8)));
    let mut locked = handle.with(&LOCKED, |(count, _)| **count);
    store.pump();
    assert_eq!(task.poll(&mut length), Poll::Ready(Ok(Some(3))));
    assert_eq!(task.poll(&mut picture), Poll::Ready(Ok(Some(vec![1, 2, 3]))));
    assert_eq!(task.poll(&mut note), Poll::Ready(Ok("seven".into())));
    assert_eq!(task.poll(&mut other), Poll::Ready(Ok("note 8".into())));
    assert_eq!(task.poll(&mut locked), Poll::Ready(Ok(7)));
}

#[test]
fn a_write_returns_its_result_after_the_observers_were_called() {
    let (store, task) = (ReactonStore::new(), Task::new());
    let handle = store.handle();
    store.subscribe(&COUNT, |store, count| store.set(&NOTE.of(0), format!("{count}")));
    let mut updated = handle.update(&COUNT, |count| {
        *count += 5;
        *count
    });
    let mut batched = handle.batch(|store| {
        store.set(&COUNT, 6);
        store.with(&NOTE.of(0), String::clone)
    });
    let mut posted = handle.post(|store| store.get(&DOUBLE));
    let mut note = handle.get(&NOTE.of(0));
    assert_eq!(store.pump(), 3);
    assert_eq!(task.poll(&mut updated), Poll::Ready(Ok(5)));
    assert_eq!(
        task.poll(&mut batched),
        Poll::Ready(Ok("5".into())),
        "the result of the batch is from before its observers"
    );
    assert_eq!(task.poll(&mut posted), Poll::Ready(Ok(12)));
    assert_eq!(task.poll(&mut note), Poll::Ready(Ok("6".into())));
}

#[test]
fn a_write_happens_though_its_reply_is_not_awaited() {
    let (store, task) = (ReactonStore::new(), Task::new());
    let handle = store.handle();
    handle.update(&COUNT, |count| *count += 1);
    handle.batch(|store| store.update(&COUNT, |count| *count += 10));
    let mut polled = handle.post(|store| store.update(&COUNT, |count| *count += 100));
    assert_eq!(task.poll(&mut polled), Poll::Pending);
    drop(polled);
    assert_eq!((task.kept(), store.pump()), (0, 3));
    assert_eq!((store.get(&COUNT), task.times_woken()), (111, 0));
}

#[test]
fn a_read_whose_reply_was_dropped_is_not_executed() {
    let store = ReactonStore::new();
    let handle = store.handle();
    let reads = Arc::new(AtomicUsize::new(0));
    let [wanted, unwanted] = [(), ()].map(|()| {
        let reads = Arc::clone(&reads);
        handle.with(&COUNT, move |_| reads.fetch_add(1, Ordering::SeqCst))
    });
    drop(unwanted);
    store.pump();
    assert_eq!(reads.load(Ordering::SeqCst), 1);
    drop(wanted);
    assert_eq!(Arc::strong_count(&reads), 1);
}

#[test]
fn a_result_that_is_not_awaited_is_freed() {
    let (store, thing) = (ReactonStore::new(), Arc::new(()));
    let handle = store.handle();
    let [early, late] = [(), ()].map(|()| {
        let thing = Arc::clone(&thing);
        handle.post(move |_| thing)
    });
    drop(early);
    store.pump();
    assert_eq!(Arc::strong_count(&thing), 2);
    drop(late);
    assert_eq!(Arc::strong_count(&thing), 1);
}

#[test]
fn a_disposed_store_replies_that_it_is_closed() {
    let (store, task) = (ReactonStore::new(), Task::new());
    let handle = store.handle();
    let (mut read, mut written) = (handle.get(&COUNT), handle.update(&COUNT, |count| *count += 1));
    assert_eq!(task.poll(&mut read), Poll::Pending);
    assert_eq!(task.poll(&mut written), Poll::Pending);
    drop(store);
    assert_eq!(task.times_woken(), 2);
    assert_eq!(task.poll(&mut read), Poll::Ready(Err(HandleError::Closed)));
    assert_eq!(task.poll(&mut written), Poll::Ready(Err(HandleError::Closed)));
    assert_eq!(task.poll(&mut handle.get(&COUNT)), Poll::Ready(Err(HandleError::Closed)));
    assert_eq!(task.next(&mut handle.watch(&COUNT)), Poll::Ready(None));
}

#[test]
fn the_closure_that_ends_a_store_returns_its_result() {
    let (store, task) = (ReactonStore::new(), Task::new());
    let handle = store.handle();
    let mut disposed = handle.post(|store| {
        store.dispose();
        "done"
    });
    let mut late = handle.get(&COUNT);
    store.pump();
    assert_eq!(task.poll(&mut disposed), Poll::Ready(Ok("done")));
    assert_eq!(task.poll(&mut late), Poll::Ready(Err(HandleError::Closed)));
}

#[test]
fn a_panic_on_the_stores_thread_is_an_error_here_and_a_panic_there() {
    let (store, task) = (ReactonStore::new(), Task::new());
    let handle = store.handle();
    store.subscribe(&COUNT, |_, count| assert_ne!(*count, 3, "three"));
    let mut posted = handle.post(|_| panic!("posted"));
    let mut updated = handle.update(&COUNT, |count| *count = 3);
    handle.set(&COUNT, 13);
    let mut frail = handle.get(&FRAIL);
    let mut sound = handle.get(&COUNT);
    let panics = std::iter::from_fn(|| catch_unwind(AssertUnwindSafe(|| store.pump())).err());
    assert_eq!(panics.count(), 3);
    let _: Poll<Result<(), _>> = task.poll(&mut updated);
    assert_eq!(task.poll(&mut posted), Poll::Ready(Err(HandleError::Panicked)));
    assert_eq!(task.poll(&mut frail), Poll::Ready(Err(HandleError::Panicked)));
    assert_eq!(task.poll(&mut sound), Poll::Ready(Ok(13)));
}

#[test]
fn an_observer_that_panics_is_an_error_of_the_write_which_stands() {
    let (store, task) = (ReactonStore::new(), Task::new());
    let handle = store.handle();
    store.subscribe(&COUNT, |_, _| panic!("an observer"));
    let mut updated = handle.update(&COUNT, |count| *count = 3);
    assert!(catch_unwind(AssertUnwindSafe(|| store.pump())).is_err());
    assert_eq!(task.poll(&mut updated), Poll::Ready(Err(HandleError::Panicked)));
    assert_eq!(store.get(&COUNT), 3);
    for error in [HandleError::Closed, HandleError::Panicked] {
        assert!(error.to_string().contains("store"));
    }
}

#[test]
fn a_result_is_returned_once() {
    let (store, task) = (ReactonStore::new(), Task::new());
    let mut read = store.handle().get(&COUNT);
    store.pump();
    assert_eq!(task.poll(&mut read), Poll::Ready(Ok(0)));
    let again = catch_unwind(AssertUnwindSafe(|| task.poll(&mut read)));
    assert!(again.is_err());
}

#[test]
fn l7_what_a_handle_has_set_makes_stale() {
    let store = ReactonStore::new();
    let handle = store.handle();
    handle.get(&COUNT);
    assert!(!store.is_stale(&COUNT));
    handle.set(&NOTE.of(1), "new".into());
    assert!(store.is_stale(&NOTE.of(1)) && !store.is_stale(&COUNT) && !store.is_stale(&NOTE.of(2)));
    handle.update(&COUNT, |count| *count += 1);
    assert!(store.is_stale(&COUNT));
    store.pump();
    assert!(!store.is_stale(&COUNT) && !store.is_stale(&NOTE.of(1)));
}

#[test]
fn many_threads_read_what_they_wrote() {
    let store = ReactonStore::new();
    let threads: Vec<_> = (0..4)
        .map(|number: u32| {
            let handle = store.handle();
            thread::spawn(move || {
                futures_lite::future::block_on(async {
                    for round in 0..200 {
                        let note = NOTE.of(number);
                        handle.set(&note, format!("{round}"));
                        assert_eq!(handle.get(&note).await, Ok(format!("{round}")));
                        handle.update(&COUNT, |count| *count += 1).await?;
                    }
                    handle.get(&COUNT).await
                })
            })
        })
        .collect();
    let ended = store.run_until(std::time::Duration::MAX, |_| false);
    assert_eq!(ended, Err(RunError::Disconnected));
    assert_eq!(store.get(&COUNT), 800);
    for thread in threads {
        let seen = thread.join().expect("the thread does not panic").expect("the store is alive");
        assert!((200..=800).contains(&seen));
    }
}
