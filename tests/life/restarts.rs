//! L3: a worker that panicked is restarted, as often as its policy allows.

use std::cell::RefCell;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::mpsc::channel;
use std::time::Duration;

use reacton::prelude::*;
use reacton_support::{TIMEOUT, receive, wait_until};
use serde::{Deserialize, Serialize};

use crate::{INPUT, OUTPUT};

/// Returns a policy of `max` restarts in an hour, with almost no backoff.
pub(crate) fn at_most(max: u32) -> Restart {
    let (within, backoff) = (Duration::from_secs(3600), Duration::from_millis(1));
    Restart::OnPanic { max, within, backoff }
}

pub(crate) fn log(store: &ReactonStore, worker: &IsolateStore) -> Rc<RefCell<Vec<IsolateStatus>>> {
    let told = Rc::new(RefCell::new(Vec::new()));
    let log = Rc::clone(&told);
    store.subscribe(worker.status(), move |_, status| log.borrow_mut().push(status.clone()));
    told
}

pub(crate) fn is_failed(status: &IsolateStatus) -> bool {
    matches!(status, IsolateStatus::Failed { .. })
}

/// Copies INPUT to OUTPUT, and panics on every third value.
#[worker(shared = [INPUT, OUTPUT])]
pub(crate) fn fragile(store: &ReactonStore) {
    store.subscribe(&INPUT, |store, input| {
        assert!(!input.is_multiple_of(3), "{input} is a third");
        store.set(&OUTPUT, *input);
    });
}

#[test]
fn l3_a_worker_that_panics_is_followed_by_another_that_works() {
    let store = ReactonStore::new();
    let worker = fragile::builder().restart(at_most(5)).spawn(&store).expect("the worker starts");
    let told = log(&store, &worker);
    store.set(&INPUT, 3);
    wait_until(&store, |_| told.borrow().len() == 2);
    assert_eq!(*told.borrow(), [IsolateStatus::Restarting { attempt: 1 }, IsolateStatus::Running]);
    store.set(&INPUT, 4);
    wait_until(&store, |store| store.get(&OUTPUT) == 4);
    assert_eq!(worker.stats().restarts, 1);
    assert_eq!(worker.shutdown(TIMEOUT), Ok(()));
}

#[test]
fn l3_a_worker_that_keeps_panicking_fails_for_good_with_the_last_message() {
    let store = ReactonStore::new();
    let worker = fragile::builder().restart(at_most(2)).spawn(&store).expect("the worker starts");
    let told = log(&store, &worker);
    for (round, third) in [3, 6, 9].into_iter().enumerate() {
        store.set(&INPUT, third);
        // Each new worker starts well, and then receives the value on which it panics.
        wait_until(&store, |_| {
            told.borrow().len() == 2 * (round + 1).min(2) + usize::from(round == 2)
        });
    }
    let told = told.take();
    let attempts = |attempt| [IsolateStatus::Restarting { attempt }, IsolateStatus::Running];
    assert_eq!(told[..4], [attempts(1), attempts(2)].concat());
    assert!(
        matches!(&told[4], IsolateStatus::Failed { message, location: Some(_) } if message == "9 is a third"),
        "{told:?}"
    );
    store.set(&INPUT, 12);
    assert_eq!(
        store.run_until(TIMEOUT, |_| false),
        Err(RunError::Disconnected),
        "no worker is left"
    );
    let error = worker.shutdown(TIMEOUT).expect_err("the worker has failed");
    assert!(matches!(error, ShutdownError::Failed { .. }), "{error}");
}

#[test]
fn l3_a_worker_that_panics_in_its_entry_each_time_runs_out_of_restarts() {
    let store = ReactonStore::new();
    let born = Arc::new(AtomicU32::new(0));
    let births = Arc::clone(&born);
    let builder = IsolateStore::builder().shared(shared![INPUT]).restart(at_most(3));
    let worker = builder.spawn(&store, move |_| {
        let before = births.fetch_add(1, Ordering::SeqCst);
        assert!(before == u32::MAX, "every time");
    });
    let worker = worker.expect("the worker starts");
    wait_until(&store, |store| store.with(worker.status(), is_failed));
    assert_eq!(born.load(Ordering::SeqCst), 4, "one start and three restarts");
}

#[test]
fn l3_a_new_worker_begins_with_mains_values_of_that_moment() {
    let store = ReactonStore::new();
    let (tell, told) = channel();
    let builder = IsolateStore::builder().shared(shared![INPUT, OUTPUT]).restart(at_most(1));
    let worker = builder.spawn(&store, move |store| {
        tell.send((store.get(&INPUT), store.get(&OUTPUT))).expect("the channel is open");
        let mut heard = 0;
        store.subscribe(&INPUT, move |store, input| {
            heard += 1;
            store.set(&OUTPUT, heard);
            assert!(*input != 1, "one");
        });
    });
    let worker = worker.expect("the worker starts");
    assert_eq!(receive(&told), (0, 0));
    store.set(&INPUT, 1);
    wait_until(&store, |store| {
        store.get(worker.status()) == IsolateStatus::Restarting { attempt: 1 }
    });
    // No worker runs that could receive these values. The next worker starts with the last one.
    (2..100).for_each(|n| store.set(&INPUT, n));
    wait_until(&store, |store| store.get(worker.status()) == IsolateStatus::Running);
    assert_eq!(receive(&told), (99, 1), "the value of the first worker is kept");
    store.set(&INPUT, 100);
    assert_eq!(worker.shutdown(TIMEOUT), Ok(()));
    assert_eq!(store.get(&OUTPUT), 1, "only the first worker has had a change");
}

#[test]
fn l3_nothing_of_its_predecessor_arrives_after_a_new_worker() {
    let store = ReactonStore::new();
    let builder = IsolateStore::builder().shared(shared![INPUT, OUTPUT]).restart(at_most(1));
    let worker = builder.spawn(&store, |store| {
        let life = store.get(&INPUT);
        // Each worker writes a flood and then panics. The second worker writes higher numbers.
        (1..=1000).for_each(|n| store.set(&OUTPUT, life * 1000 + n));
        assert!(life > 0, "the first worker panics");
    });
    let worker = worker.expect("the worker starts");
    let heard = Rc::new(RefCell::new(Vec::new()));
    let log = Rc::clone(&heard);
    store.subscribe(&OUTPUT, move |_, output| log.borrow_mut().push(*output));
    store.subscribe(worker.status(), |store, status| {
        if *status != IsolateStatus::Running {
            store.set(&INPUT, 1);
        }
    });
    wait_until(&store, |store| store.get(&OUTPUT) == 2000);
    assert_eq!(
        *heard.borrow(),
        (1..=2000).collect::<Vec<_>>(),
        "each value arrives once, in order"
    );
    assert_eq!(worker.shutdown(TIMEOUT), Ok(()));
}

#[test]
fn l3_an_error_is_no_panic_and_is_not_tried_again() {
    let store = ReactonStore::new();
    let builder = IsolateStore::builder().shared(shared![INPUT]).restart(at_most(9));
    let worker = builder.spawn(&store, |_| Err::<(), _>("no luck"));
    let worker = worker.expect("the worker starts");
    wait_until(&store, |store| store.get(worker.status()) != IsolateStatus::Running);
    let failed = IsolateStatus::Failed { message: "no luck".into(), location: None };
    assert_eq!(store.get(worker.status()), failed);
    assert_eq!(worker.stats().restarts, 0);
}

#[test]
fn l3_with_restart_never_a_panic_is_the_end() {
    let store = ReactonStore::new();
    let worker =
        fragile::builder().restart(Restart::Never).spawn(&store).expect("the worker starts");
    store.set(&INPUT, 3);
    wait_until(&store, |store| store.with(worker.status(), is_failed));
}

#[test]
fn l3_the_arguments_of_a_worker_are_cloned_for_each_start() {
    #[worker(shared = [INPUT, OUTPUT])]
    fn with_arguments(store: &ReactonStore, mut steps: Vec<u32>, name: Arc<str>) {
        // The next worker does not see how this one changes its arguments.
        steps.push(1);
        store.set(&OUTPUT, u32::try_from(steps.len()).expect("the number fits"));
        store.subscribe(&INPUT, move |_, _| panic!("{name} {steps:?}"));
    }
    let store = ReactonStore::new();
    let name = Arc::<str>::from("the worker");
    let worker = with_arguments::builder()
        .restart(at_most(1))
        .spawn(&store, vec![7, 8], Arc::clone(&name))
        .expect("the worker starts");
    wait_until(&store, |store| store.get(&OUTPUT) == 3);
    store.set(&INPUT, 1);
    wait_until(&store, |store| {
        store.get(worker.status()) == IsolateStatus::Restarting { attempt: 1 }
    });
    wait_until(&store, |store| store.get(worker.status()) == IsolateStatus::Running);
    store.set(&INPUT, 2);
    wait_until(&store, |store| store.with(worker.status(), is_failed));
    let status = store.get(worker.status());
    assert!(
        matches!(&status, IsolateStatus::Failed { message, .. } if message == "the worker [7, 8, 1]")
    );
    assert_eq!(store.get(&OUTPUT), 3);
    assert_eq!(
        worker.try_shutdown(TIMEOUT).map_err(|error| error.to_string().len() > 10),
        Err(true)
    );
    assert_eq!(Arc::strong_count(&name), 1, "the arguments of the worker were not dropped");
}

#[test]
fn l3_what_main_paused_stays_paused_and_what_the_worker_paused_does_not() {
    let store = ReactonStore::new();
    let (tell, told) = channel();
    let builder = IsolateStore::builder().shared(shared![INPUT, OUTPUT]).restart(at_most(2));
    let worker = builder.spawn(&store, move |store| {
        tell.send(store.get(&INPUT)).expect("the channel is open");
        let tell = tell.clone();
        store.subscribe(&INPUT, move |store, input| {
            store.set(&OUTPUT, *input);
            tell.send(*input).expect("the channel is open");
            if *input == 1 {
                MainLink::of(store).expect("the store belongs to a worker").pause(&INPUT);
                panic!("one");
            }
        });
    });
    let worker = worker.expect("the worker starts");
    assert_eq!(receive(&told), 0);
    worker.pause(&OUTPUT);
    store.set(&INPUT, 1);
    assert_eq!(receive(&told), 1);
    wait_until(&store, |store| {
        store.get(worker.status()) == IsolateStatus::Restarting { attempt: 1 }
    });
    assert_eq!(hear_next_life(&store, &worker, &told), 1);
    store.set(&INPUT, 2);
    assert_eq!(receive(&told), 2, "the new worker is subscribed");
    assert_eq!(store.pump(), 0, "the new worker has sent what main has paused");
    assert_eq!(worker.stats().transactions_received, 0);
    worker.resume(&OUTPUT);
    wait_until(&store, |store| store.get(&OUTPUT) == 2);
}

fn hear_next_life(
    store: &ReactonStore,
    worker: &IsolateStore,
    told: &std::sync::mpsc::Receiver<u32>,
) -> u32 {
    wait_until(store, |store| store.get(worker.status()) == IsolateStatus::Running);
    receive(told)
}

#[test]
fn l3_a_pause_during_a_restart_holds_for_the_new_worker() {
    let store = ReactonStore::new();
    let worker = fragile::builder().restart(at_most(1)).spawn(&store).expect("the worker starts");
    store.set(&INPUT, 3);
    wait_until(&store, |store| {
        store.get(worker.status()) == IsolateStatus::Restarting { attempt: 1 }
    });
    worker.pause(&OUTPUT);
    wait_until(&store, |store| store.get(worker.status()) == IsolateStatus::Running);
    store.set(&INPUT, 4);
    assert_eq!(worker.shutdown(TIMEOUT), Ok(()));
    assert_eq!(store.get(&OUTPUT), 0);
}

#[test]
fn l3_of_two_workers_that_share_a_reacton_the_other_goes_on_and_all_agree_afterwards() {
    let store = ReactonStore::new();
    let worker = fragile::builder().restart(at_most(9)).spawn(&store).expect("the worker starts");
    let other = IsolateStore::spawn(&store, shared![INPUT, OUTPUT], |store| {
        store.subscribe(&INPUT, |store, input| store.set(&OUTPUT, input + 1));
    })
    .expect("the worker starts");
    for n in 1..=9 {
        store.set(&INPUT, n);
        wait_until(&store, |store| {
            store.get(&OUTPUT) >= n && store.get(worker.status()) == IsolateStatus::Running
                || store.get(worker.status()) != IsolateStatus::Running
        });
    }
    wait_until(&store, |store| store.get(worker.status()) == IsolateStatus::Running);
    store.set(&INPUT, 10);
    assert_eq!(other.shutdown(TIMEOUT), Ok(()));
    assert_eq!(worker.shutdown(TIMEOUT), Ok(()));
    assert!(matches!(store.get(&OUTPUT), 10 | 11));
}

#[test]
fn l3_a_value_that_does_not_encode_ends_the_restarts() {
    /// Can be encoded only if it is even.
    #[derive(Clone, PartialEq, Debug, Deserialize)]
    struct Even(u32);
    impl Serialize for Even {
        fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
            if self.0.is_multiple_of(2) {
                serializer.serialize_newtype_struct("Even", &self.0)
            } else {
                Err(serde::ser::Error::custom("it is odd"))
            }
        }
    }
    #[reacton]
    static EVEN: Even = Even(0);
    let store = ReactonStore::new();
    let builder = IsolateStore::builder().shared(shared![INPUT, EVEN]).restart(at_most(9));
    let worker = builder.spawn(&store, |store| {
        store.subscribe(&INPUT, |_, _| panic!("it was asked to"));
    });
    let worker = worker.expect("the worker starts");
    store.set(&EVEN, Even(1));
    store.set(&INPUT, 1);
    wait_until(&store, |store| store.with(worker.status(), is_failed));
    let IsolateStatus::Failed { message, .. } = store.get(worker.status()) else { unreachable!() };
    assert!(message.contains("cannot be started again") && message.contains("EVEN"), "{message}");
    assert!(store.with(worker.last_error(), Option::is_some));
}

#[test]
fn l3_arguments_that_panic_when_they_are_cloned_are_a_failure() {
    #[derive(Debug)]
    struct Twice(AtomicU32);
    impl Clone for Twice {
        fn clone(&self) -> Self {
            let times = self.0.fetch_add(1, Ordering::SeqCst);
            assert!(times < 1, "not more than once");
            Self(AtomicU32::new(0))
        }
    }
    let store = ReactonStore::new();
    let twice = Twice(AtomicU32::new(0));
    let builder = IsolateStore::builder().shared(shared![INPUT]).restart(at_most(9));
    let worker = builder.spawn(&store, move |_| panic!("{twice:?}"));
    let worker: IsolateStore = worker.expect("the worker starts");
    wait_until(&store, |store| store.with(worker.status(), is_failed));
    let IsolateStatus::Failed { message, .. } = store.get(worker.status()) else { unreachable!() };
    assert!(
        message.contains("not more than once") && message.contains("not started again"),
        "{message}"
    );
}
