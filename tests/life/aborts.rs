//! L3, L6: no panic of a program aborts the process, even if other code unwinds or ends at the same time. Each test
//! runs in a separate process.

use std::cell::RefCell;
use std::panic::{AssertUnwindSafe, catch_unwind, panic_any};
use std::pin::pin;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Wake, Waker};
use std::thread;
use std::time::Duration;

use reacton::prelude::*;
use reacton_support::{TIMEOUT, in_child};

#[reacton]
static JOB: u32 = 0;

/// Panics when it is dropped.
#[derive(Clone)]
struct Bomb(#[expect(dead_code, reason = "it says which one it is")] &'static str);

impl Drop for Bomb {
    fn drop(&mut self) {
        panic!("a drop that panics");
    }
}

#[test]
fn l3_a_worker_whose_store_holds_two_values_that_panic_when_they_are_dropped_ends() {
    in_child(|| {
        let store = ReactonStore::new();
        let worker = IsolateStore::spawn(&store, shared![JOB], |store| {
            for name in ["one", "two"] {
                let bomb = Bomb(name);
                store.subscribe(&JOB, move |_, _| _ = &bomb);
                store.reacton_with(Bomb(name), |_, _| false);
            }
        });
        assert_eq!(
            worker.expect("the worker starts").shutdown(TIMEOUT).map_err(|e| e.to_string()),
            Ok(())
        );
    });
}

#[test]
fn l6_handles_are_dropped_while_main_unwinds_and_an_observer_of_their_status_panics() {
    in_child(|| {
        let store = ReactonStore::new();
        let refuse = |_: &ReactonStore, status: &IsolateStatus| {
            assert_eq!(*status, IsolateStatus::Running, "the worker is gone");
        };
        let unwound = catch_unwind(AssertUnwindSafe(|| {
            let (one, two) = (Bomb("one"), Bomb("two"));
            let workers = [one, two].map(|bomb| {
                let entry = move |_: &ReactonStore| _ = &bomb;
                let builder = IsolateStore::builder().shared(shared![JOB]);
                let restart = Restart::OnPanic { max: 1, within: TIMEOUT, backoff: Duration::ZERO };
                builder.restart(restart).spawn(&store, entry).expect("the worker starts")
            });
            for worker in &workers {
                store.subscribe(worker.status(), refuse);
            }
            let pool = IsolateStore::builder().shared(shared![JOB]).pool(2);
            let pool = pool.spawn(&store, |_: &ReactonStore| ()).expect("the worker starts");
            for member in pool.members() {
                store.subscribe(member.status(), refuse);
            }
            panic!("an assertion of the program");
        }));
        let payload = unwound.expect_err("the wait panics");
        assert_eq!(payload.downcast_ref::<&str>(), Some(&"an assertion of the program"));
    });
}

/// A payload that panics when it is dropped, with another payload of this kind.
struct Payload(u32);

impl Drop for Payload {
    fn drop(&mut self) {
        if self.0 > 0 {
            panic_any(Self(self.0 - 1));
        }
    }
}

#[test]
fn l3_a_worker_may_panic_with_a_payload_that_panics_when_it_is_dropped() {
    in_child(|| {
        let store = ReactonStore::new();
        let worker = IsolateStore::spawn(&store, shared![JOB], |store| {
            store.subscribe(&JOB, |_, _| panic_any(Payload(3)));
        });
        let worker = worker.expect("the worker starts");
        store.set(&JOB, 1);
        let failed = |store: &ReactonStore| {
            matches!(store.get(worker.status()), IsolateStatus::Failed { .. })
        };
        assert_eq!(store.run_until(TIMEOUT, failed), Ok(()));
        let task = reacton::run(|| panic_any(Payload(3)));
        assert!(task.join().is_err_and(|error: TaskError| !error.to_string().is_empty()));
        let handle = store.handle();
        let reply = handle.post(|_| panic_any(Payload(0)));
        assert!(catch_unwind(AssertUnwindSafe(|| store.pump())).is_err());
        let reply: Result<(), _> = futures::executor::block_on(reply);
        assert!(reply.is_err());
    });
}

/// Sends a message and panics when it is woken, with a payload that panics when it is dropped.
struct BadWaker(Mutex<Sender<()>>);

impl Wake for BadWaker {
    fn wake(self: Arc<Self>) {
        let _ = self.0.lock().map(|woken| woken.send(()));
        panic_any(Payload(3));
    }
}

/// Waits for a message when it is dropped.
struct WaitsAtTheEnd(Receiver<()>);

impl Drop for WaitsAtTheEnd {
    fn drop(&mut self) {
        let _ = self.0.recv();
    }
}

thread_local! {
    static WAITS: RefCell<Option<WaitsAtTheEnd>> = const { RefCell::new(None) };
}

#[test]
fn l3_the_end_of_a_thread_wakes_a_waker_that_panics_with_a_payload_that_panics() {
    in_child(|| {
        let store = ReactonStore::new();
        let (end, ends) = channel();
        let worker = IsolateStore::spawn(&store, shared![JOB], move |_| {
            WAITS.set(Some(WaitsAtTheEnd(ends)));
        });
        let worker = worker.expect("the worker starts");
        let status = *worker.status();
        let (tell, woken) = channel();
        let waker = Waker::from(Arc::new(BadWaker(Mutex::new(tell))));
        let mut shutdown = pin!(worker.shutdown_async());
        let ended = loop {
            if let Poll::Ready(ended) = shutdown.as_mut().poll(&mut Context::from_waker(&waker)) {
                break ended;
            }
            if store.get(&status) == IsolateStatus::Disposed {
                // From here on the shutdown waits for the end of the thread.
                let _ = end.send(());
            }
            woken.recv_timeout(TIMEOUT).expect("the store is woken");
        };
        assert_eq!(ended, Ok(()));
    });
}

/// Uses a store, ends its worker and starts others when it is dropped.
struct AtTheEnd {
    store: ReactonStore,
    worker: Option<IsolateStore>,
}

impl Drop for AtTheEnd {
    fn drop(&mut self) {
        self.store.set(&JOB, 5);
        self.store.pump();
        if let Some(worker) = self.worker.take() {
            assert!(worker.shutdown(TIMEOUT).is_ok());
        }
        let worker = IsolateStore::spawn(&self.store, shared![JOB], |_| ());
        assert!(worker.is_ok_and(|worker| worker.shutdown(TIMEOUT).is_ok()));
        let failing = IsolateStore::spawn(&self.store, shared![JOB], |_| panic_any(Payload(1)));
        drop(failing);
        assert!(reacton::run(|| 7).join().is_ok_and(|seven| seven == 7));
    }
}

thread_local! {
    static AT_THE_END: RefCell<Option<AtTheEnd>> = const { RefCell::new(None) };
}

#[test]
fn l6_a_destructor_of_a_thread_local_may_use_a_store_and_spawn() {
    in_child(|| {
        let thread = thread::spawn(|| {
            // Created before the thread locals of the library, so dropped after them.
            AT_THE_END.with(|end| {
                let store = ReactonStore::new();
                let worker = IsolateStore::spawn(&store, shared![JOB], |store| {
                    store.subscribe(&JOB, |_, _| ());
                });
                let worker = Some(worker.expect("the worker starts"));
                end.replace(Some(AtTheEnd { store, worker }));
            });
        });
        assert!(thread.join().is_ok());
    });
}
