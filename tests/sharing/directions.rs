//! Directions in a shared list: `in` is written by the store that spawns, `out` by the worker.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc::channel;

use futures_lite::future::block_on;
use reacton::prelude::*;
use reacton::testing::Simulation;
use reacton_support::{TIMEOUT, receive, wait_until};

use crate::end;

#[reacton]
static CONFIG: u32 = 0;

/// Not a scalar, so writes of it take another path.
#[reacton]
static NAME: String = String::new();

#[reacton]
static RESULT: u32 = 0;

#[reacton]
static LOG: Vec<u32> = Vec::new();

#[reacton]
static BOTH: u32 = 0;

/// Writes a result for each configuration.
#[worker(shared = [in CONFIG, in NAME, out RESULT, out LOG, BOTH])]
fn adder(store: &ReactonStore) {
    store.watch(&CONFIG, |store, config| {
        store.batch(|store| {
            store.set(&RESULT, config + 1);
            store.update(&LOG, |log| log.push(*config));
            store.update(&BOTH, |both| *both += 1);
        });
    });
}

/// Returns the message of the panic in `f`.
#[track_caller]
fn refusal(f: impl FnOnce()) -> String {
    let payload = catch_unwind(AssertUnwindSafe(f)).expect_err("the call fails");
    payload.downcast_ref::<String>().expect("the panic has a text").clone()
}

type Write = Box<dyn Fn(&ReactonStore)>;

/// Returns every way in which a program can write.
fn writes() -> Vec<(&'static str, Write)> {
    vec![
        ("set", Box::new(|store| store.set(&RESULT, 90))),
        ("set to the same", Box::new(|store| store.set(&RESULT, store.get(&RESULT)))),
        ("set a list", Box::new(|store| store.set(&LOG, vec![90]))),
        ("replace", Box::new(|store| drop(store.replace(&LOG, vec![90])))),
        (
            "update",
            Box::new(|store| {
                store
                    .update(&RESULT, |_| unreachable!("the closure of a refused write was called"));
            }),
        ),
        (
            "update a list",
            Box::new(|store| {
                store.update(&LOG, |_| unreachable!("the closure of a refused write was called"));
            }),
        ),
        (
            "update_if",
            Box::new(|store| {
                store
                    .update_if(&LOG, |_| unreachable!("the closure of a refused write was called"));
            }),
        ),
        ("touch", Box::new(|store| store.touch(&RESULT))),
        ("remove", Box::new(|store| store.remove(&LOG))),
    ]
}

#[test]
fn a_write_of_main_to_what_a_worker_shares_as_out_panics_before_anything_changes() {
    let store = ReactonStore::new();
    let worker = adder::spawn(&store).expect("the worker starts");
    wait_until(&store, |store| store.get(&RESULT) == 1);
    let before = (store.get(&RESULT), store.get(&LOG), worker.stats().transactions_sent);
    store.subscribe(&RESULT, |_, result| panic!("an observer was called with {result}"));
    for (way, write) in writes() {
        for in_batch in [false, true] {
            let message = refusal(|| if in_batch { store.batch(&write) } else { write(&store) });
            let name = if message.contains("RESULT") { RESULT.name() } else { LOG.name() };
            let words = format!(
                "`{name}` cannot be written by the store that spawned the worker `adder`, which shares it as `out`: the worker writes \
                 it; write it there, after the end of the worker, or remove `out` from the list of the worker"
            );
            assert_eq!(message, words, "{way}");
            let after = (store.get(&RESULT), store.get(&LOG), worker.stats().transactions_sent);
            assert_eq!(after, before, "{way}");
        }
    }
    end(worker);
}

#[test]
fn each_write_of_a_number_of_eq_never_crosses_in_its_direction_and_is_refused_in_the_other() {
    #[reacton(eq = never)]
    static TICK: u32 = 0;
    #[reacton(eq = never)]
    static TOCK: u32 = 0;
    let store = ReactonStore::new();
    let worker = IsolateStore::spawn(&store, shared![in TICK, out TOCK], |store| {
        store.subscribe(&TICK, |store, tick| store.set(&TOCK, *tick));
    });
    let worker = worker.expect("the worker starts");
    let heard = store.reacton(0);
    store.subscribe(&TOCK, move |store, _| store.update(&heard, |heard| *heard += 1));
    store.set(&TICK, 0);
    (0..2).for_each(|_| store.batch(|store| store.set(&TICK, 0)));
    wait_until(&store, |store| store.get(&heard) == 3);
    let message = refusal(|| store.set(&TOCK, 0));
    assert!(message.contains("shares it as `out`"), "{message}");
    assert_eq!(store.get(&heard), 3);
    end(worker);
    store.set(&TOCK, 0);
    assert_eq!(store.get(&heard), 4, "no worker shares the reacton now");
}

#[test]
fn what_a_batch_wrote_before_a_refused_write_is_committed() {
    let store = ReactonStore::new();
    let worker = adder::spawn(&store).expect("the worker starts");
    refusal(|| {
        store.batch(|store| {
            store.set(&CONFIG, 5);
            store.set(&RESULT, 90);
        });
    });
    wait_until(&store, |store| store.get(&RESULT) == 6);
    end(worker);
}

#[test]
fn a_write_of_a_worker_to_what_it_shares_as_in_is_a_failure_with_its_place() {
    let store = ReactonStore::new();
    let builder = IsolateStore::builder().name("meddler").shared(shared![in CONFIG, BOTH]);
    let line = line!() + 2;
    let worker = builder.spawn(&store, |store| {
        store.subscribe(&BOTH, |store, _| store.set(&CONFIG, 90));
    });
    let worker = worker.expect("the worker starts");
    store.set(&BOTH, 1);
    wait_until(&store, |store| store.get(worker.status()) != IsolateStatus::Running);
    let IsolateStatus::Failed { message, location } = store.get(worker.status()) else { panic!() };
    assert_eq!(
        message,
        format!(
            "the worker `meddler` cannot write `{}`, which it shares as `in`: the store that spawned it writes it; write it there, or \
             remove `in` from the list of the worker",
            CONFIG.name()
        )
    );
    let place = location.expect("the panic has a location");
    assert!(place.contains(&format!("directions.rs:{line}:")), "{place}");
    assert_eq!(store.get(&CONFIG), 0);
}

#[test]
fn every_write_of_a_worker_to_what_it_shares_as_in_is_refused() {
    let store = ReactonStore::new();
    let (tell, told) = channel();
    let shared = shared![in RESULT, in LOG];
    let worker = IsolateStore::spawn(&store, shared, move |store| {
        let refused = writes().into_iter().map(|(way, write)| (way, refusal(|| write(store))));
        tell.send(refused.collect::<Vec<_>>()).expect("the channel is open");
    });
    let refused = receive(&told);
    assert!(refused.iter().all(|(_, words)| words.contains("`in`")), "{refused:?}");
    store.set(&RESULT, 1);
    end(worker.expect("the worker starts"));
}

#[test]
fn both_sides_write_what_has_no_direction_and_main_writes_what_is_in() {
    let store = ReactonStore::new();
    let worker = adder::spawn(&store).expect("the worker starts");
    for n in 1..=3 {
        store.set(&CONFIG, n);
        store.update(&NAME, |name| name.push('x'));
        store.touch(&NAME);
    }
    store.set(&BOTH, 10);
    wait_until(&store, |store| store.with(&LOG, |log| log.ends_with(&[1, 2, 3])));
    assert_eq!(store.get(&RESULT), 4);
    end(worker);
}

#[test]
fn main_writes_out_again_when_the_worker_has_ended_in_whichever_way() {
    let store = ReactonStore::new();
    let spawn = || adder::spawn(&store).expect("the worker starts");
    end(spawn());
    store.set(&RESULT, 50);
    let disposed = spawn();
    refusal(|| store.set(&RESULT, 51));
    disposed.dispose();
    store.set(&RESULT, 51);
    // Two workers of one kind: the last one counts.
    let (first, second) = (spawn(), spawn());
    drop(first);
    refusal(|| store.set(&RESULT, 52));
    drop(second);
    store.set(&RESULT, 52);
    let failing = IsolateStore::spawn(&store, shared![out RESULT], |_| Err("no luck"));
    let failing = failing.expect("the worker starts");
    let seen = store.reacton(false);
    store.subscribe(failing.status(), move |store, _| {
        store.set(&RESULT, 53); // it has ended when its end is shown
        store.set(&seen, true);
    });
    wait_until(&store, |store| store.get(&seen));
    assert_eq!(store.get(&RESULT), 53);
    // A worker that does not start does not keep main from writing.
    let builder = IsolateStore::builder().shared(shared![out RESULT]).stack_size(usize::MAX / 4);
    builder.spawn(&store, |_| ()).expect_err("spawn fails");
    store.set(&RESULT, 54);
}

#[test]
fn main_does_not_write_out_while_the_worker_is_to_be_restarted() {
    let store = ReactonStore::new();
    let restart = Restart::OnPanic { max: 1, within: TIMEOUT, backoff: TIMEOUT };
    let builder = IsolateStore::builder().shared(shared![in CONFIG, out RESULT]).restart(restart);
    let worker = builder.spawn(&store, |store| {
        store.subscribe(&CONFIG, |_, config| assert_eq!(*config, 0, "too much"));
    });
    let worker = worker.expect("the worker starts");
    store.set(&CONFIG, 1);
    wait_until(&store, |store| {
        matches!(store.get(worker.status()), IsolateStatus::Restarting { .. })
    });
    let words = refusal(|| store.set(&RESULT, 1));
    assert!(words.contains("the worker `isolate`"), "{words}");
    worker.dispose();
    store.set(&RESULT, 1);
}

#[test]
fn members_of_a_pool_write_out_and_read_in() {
    let store = ReactonStore::new();
    let builder = IsolateStore::builder().shared(shared![in CONFIG, out RESULT]).pool(2);
    let pool = builder.spawn(&store, |store| {
        store.subscribe(&CONFIG, |store, config| store.set(&RESULT, config * 2));
    });
    let pool = pool.expect("the pool starts");
    let words = refusal(|| store.set(&RESULT, 90));
    assert!(words.contains("spawned the worker `") && words.contains("RESULT"), "{words}");
    let sum = store.reacton(0);
    store.subscribe(&RESULT, move |store, result| store.update(&sum, |sum| *sum += result));
    (1..=50).for_each(|job| store.set(&CONFIG, job));
    refusal(|| store.set(&RESULT, 1));
    pool.shutdown(TIMEOUT).expect("the pool ends");
    assert_eq!(store.get(&sum), 50 * 51);
    store.set(&RESULT, 1);
}

#[test]
fn main_relays_from_a_worker_that_shares_it_as_out_to_one_that_shares_it_as_in() {
    let store = ReactonStore::new();
    let (tell, told) = channel();
    let writer = adder::spawn(&store).expect("the worker starts");
    let reader = IsolateStore::spawn(&store, shared![in RESULT], move |store| {
        store.watch(&RESULT, move |_, result| tell.send(*result).expect("the channel is open"));
    });
    let reader = reader.expect("the worker starts");
    store.set(&CONFIG, 8);
    wait_until(&store, |store| store.get(&RESULT) == 9);
    while receive(&told) != 9 {}
    refusal(|| store.set(&RESULT, 1));
    end(writer);
    store.set(&RESULT, 1);
    while receive(&told) != 1 {}
    end(reader);
}

#[test]
fn a_call_of_a_handle_is_refused_if_the_store_does_not_write_the_reacton() {
    let store = ReactonStore::new();
    let worker = adder::spawn(&store).expect("the worker starts");
    let handle = store.handle();
    let refused =
        handle.update(&RESULT, |_| unreachable!("the closure of a refused write was called"));
    store.pump();
    let error = block_on::<Result<(), _>>(refused).expect_err("the call fails");
    assert!(
        matches!(error, HandleError::Refused { reacton, .. } if reacton == RESULT.name()),
        "{error}"
    );
    // If no reply is awaited, the panic happens where the write is tried.
    drop(handle.update(&RESULT, |result| *result += 1));
    refusal(|| _ = store.pump());
    handle.set(&RESULT, 1);
    refusal(|| _ = store.pump());
    let posted = handle.post(|store| store.set(&RESULT, 1));
    refusal(|| _ = store.pump());
    assert_eq!(block_on(posted), Err(HandleError::Panicked));
    end(worker);
}

#[test]
fn a_restore_leaves_alone_what_the_store_does_not_write() {
    let store = ReactonStore::new();
    store.set(&CONFIG, 3);
    let empty = ReactonStore::new().snapshot();
    let before = store.snapshot();
    let worker = adder::spawn(&store).expect("the worker starts");
    wait_until(&store, |store| store.get(&RESULT) == 4);
    store.set(&CONFIG, 5);
    wait_until(&store, |store| store.get(&RESULT) == 6);
    let log = store.get(&LOG);
    store.restore(&before);
    assert_eq!((store.get(&CONFIG), store.get(&RESULT), store.get(&LOG)), (3, 6, log));
    wait_until(&store, |store| store.get(&RESULT) == 4);
    store.restore(&empty);
    assert_eq!((store.get(&CONFIG), store.get(&RESULT)), (0, 4));
    end(worker);
}

#[test]
fn a_worker_passes_in_on_as_in_and_as_nothing_else() {
    let store = ReactonStore::new();
    let (tell, told) = channel();
    let worker = IsolateStore::spawn(&store, shared![in CONFIG, out RESULT], move |store| {
        for shared in [shared![CONFIG], shared![out CONFIG]] {
            let refused = IsolateStore::spawn(store, shared, |_| ()).expect_err("spawn fails");
            tell.send(refused.to_string()).expect("the channel is open");
        }
        let child = IsolateStore::spawn(store, shared![in CONFIG, out RESULT], |store| {
            store.watch(&CONFIG, |store, config| store.set(&RESULT, config * 7));
        });
        child.expect("the worker starts").detach();
        tell.send(refusal(|| store.set(&RESULT, 1))).expect("the channel is open");
    });
    let worker = worker.expect("the worker starts");
    for _ in 0..2 {
        assert_eq!(
            receive(&told),
            format!(
                "`isolate` could write `{}`, which the store that was to spawn it shares as `in`: share it as `in` with `isolate` as \
                 well, or remove `in` from the list of the worker that spawns",
                CONFIG.name()
            )
        );
    }
    assert!(
        receive(&told).contains("as `out`"),
        "main may still write what the nested worker writes"
    );
    store.set(&CONFIG, 6);
    wait_until(&store, |store| store.get(&RESULT) == 42);
    end(worker);
}

#[test]
fn i6_a_pause_changes_no_direction() {
    let store = ReactonStore::new();
    let worker = adder::spawn(&store).expect("the worker starts");
    worker.pause(&RESULT);
    refusal(|| store.set(&RESULT, 1));
    store.set(&CONFIG, 2);
    worker.resume(&RESULT);
    wait_until(&store, |store| store.get(&RESULT) == 3);
    refusal(|| store.set(&RESULT, 1));
    end(worker);
}

#[worker(shared = [in CONFIG, out RESULT, BOTH])]
fn middle(store: &ReactonStore) {
    let child = IsolateStore::spawn(store, shared![in CONFIG, out RESULT, BOTH], |store| {
        store.watch(&CONFIG, |store, config| {
            store.set(&RESULT, config * 3);
            store.update(&BOTH, |both| *both += 1);
        });
    });
    child.expect("the worker starts").detach();
}

#[test]
fn i5_stores_converge_in_every_schedule_and_no_refused_write_is_ever_seen() {
    for seed in 0..50 {
        let simulation = Simulation::new(seed);
        let store = ReactonStore::new();
        let _worker = middle::spawn(&store).expect("the worker starts");
        let _reader = IsolateStore::spawn(&store, shared![in RESULT, BOTH], |store| {
            store.watch(&RESULT, |_, result| assert!(*result < 90, "a refused write has arrived"));
        });
        for n in 1..6 {
            store.set(&CONFIG, n);
            simulation.step();
            refusal(|| store.set(&RESULT, 90));
            refusal(|| {
                store.batch(|store| {
                    store.set(&BOTH, n);
                    store.touch(&RESULT);
                });
            });
        }
        simulation.settle();
        assert_eq!(store.get(&RESULT), 15, "seed {seed}");
    }
}
