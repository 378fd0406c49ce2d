//! The promises of sharing and of life, each kept by one worker on a thread and by one in a process.

use std::cell::RefCell;
use std::rc::Rc;
use std::time::{Duration, Instant};

use reacton::prelude::*;
use reacton_support::{TIMEOUT, restart_always, wait_until};

use super::place::Place;
use super::workers::*;

fn end(worker: IsolateStore) {
    worker.shutdown(TIMEOUT).expect("the worker ends");
}

in_both_places! {
    fn i1_a_worker_begins_with_the_values_of_the_spawn(place: Place) {
        let store = ReactonStore::new();
        store.set(&INPUT, 7);
        let worker = start!(place, echo, &store).expect("the worker starts");
        assert_eq!(store.get(&OUTPUT), 0, "`spawn` has applied a transaction");
        wait_until(&store, |store| store.get(&OUTPUT) == 7);
        end(worker);
    }

    fn i2_what_is_written_together_arrives_together(place: Place) {
        let store = ReactonStore::new();
        let worker = start!(place, pairs, &store).expect("the worker starts");
        for number in 1..=500 {
            store.batch(|store| {
                store.set(&LEFT, number);
                store.set(&RIGHT, number);
            });
        }
        wait_until(&store, |store| store.get(&OUTPUT) == 500);
        assert_eq!(store.get(&WRONG), "");
        end(worker);
    }

    fn i3_every_transaction_arrives_once_and_in_order(place: Place) {
        let store = ReactonStore::new();
        let heard = Rc::new(RefCell::new(Vec::new()));
        let log = Rc::clone(&heard);
        store.subscribe(&OUTPUT, move |_, output| log.borrow_mut().push(*output));
        let worker = start!(place, echo, &store).expect("the worker starts");
        (1..=3000).for_each(|input| store.set(&INPUT, input));
        wait_until(&store, |store| store.get(&OUTPUT) == 3000);
        assert!(heard.borrow().iter().copied().eq(1..=3000));
        let stats = worker.stats();
        assert_eq!((stats.transactions_sent, stats.transactions_received), (3000, 3000));
        end(worker);
    }

    fn i3_latest_merges_for_a_worker_that_falls_behind(place: Place) {
        let store = ReactonStore::new();
        let worker = start!(place, slow_reader.delivery(Delivery::Latest), &store, 2).expect("the worker starts");
        (1..=3000).for_each(|input| store.set(&INPUT, input));
        wait_until(&store, |store| store.get(&OUTPUT) == 3000);
        assert!(worker.stats().transactions_received < 1000, "{:?}", worker.stats());
        end(worker);
    }

    fn i3_a_worker_can_wait_for_main(place: Place) {
        let store = ReactonStore::new();
        let worker = start!(place, considerate, &store).expect("the worker starts");
        wait_until(&store, |store| store.get(&OUTPUT) == 1000);
        assert_eq!(store.get(&WRONG), "");
        end(worker);
    }

    fn i3_under_latest_a_worker_can_wait_until_main_has_applied_everything(place: Place) {
        let store = ReactonStore::new();
        let worker = start!(place, considerate_latest, &store).expect("the worker starts");
        wait_until(&store, |store| store.get(&OUTPUT) == 100 || !store.get(&WRONG).is_empty());
        assert_eq!(store.get(&WRONG), "");
        end(worker);
    }

    fn i3_the_sender_never_blocks(place: Place) {
        let store = ReactonStore::new();
        let worker = start!(place, impatient, &store).expect("the worker starts");
        let begin = Instant::now();
        (1..=20_000).for_each(|input| store.set(&INPUT, input));
        assert!(begin.elapsed() < Duration::from_secs(10));
        wait_until(&store, |store| store.get(&OUTPUT) == 20_000);
        end(worker);
    }

    fn i4_a_change_is_not_sent_back(place: Place) {
        let store = ReactonStore::new();
        let worker = start!(place, echo, &store).expect("the worker starts");
        store.set(&INPUT, 1);
        wait_until(&store, |store| store.get(&OUTPUT) == 1);
        let stats = worker.stats();
        assert_eq!((stats.transactions_sent, stats.transactions_received), (1, 1));
        end(worker);
    }

    fn i4_what_one_worker_writes_is_sent_on_to_the_others(place: Place) {
        let store = ReactonStore::new();
        let one = start!(place, echo, &store).expect("the worker starts");
        let other = start!(place, corrector, &store).expect("the worker starts");
        let third = start!(place, rival, &store).expect("the worker starts");
        store.set(&INPUT, 3);
        wait_until(&store, |store| store.get(&SHARED) == 10 && store.get(&OUTPUT) == 3);
        for worker in [one, other, third] {
            end(worker);
        }
    }

    fn i5_two_writers_end_with_one_value(place: Place) {
        let store = ReactonStore::new();
        let rival = start!(place, rival, &store).expect("the worker starts");
        for round in 1..=20 {
            store.set(&INPUT, round);
            for number in 0..50 {
                store.set(&SHARED, number);
                store.pump();
            }
        }
        wait_until(&store, |store| store.get(&OUTPUT) == 20);
        // By now all writes of main and of the worker have arrived on both sides, so a newer write by main wins
        // everywhere.
        store.set(&SHARED, 1_000_000);
        let before = store.get(&SHARED);
        end(rival);
        assert_eq!(store.get(&SHARED), before);
    }

    fn i6_what_is_paused_arrives_when_it_is_resumed(place: Place) {
        let store = ReactonStore::new();
        let worker = start!(place, echo, &store).expect("the worker starts");
        worker.pause(&OUTPUT);
        store.set(&INPUT, 3);
        let progress = *worker.progress();
        wait_until(&store, |store| store.get(&progress).queued == 0);
        store.pump();
        assert_eq!(store.get(&OUTPUT), 0);
        worker.resume(&OUTPUT);
        wait_until(&store, |store| store.get(&OUTPUT) == 3);
        end(worker);
    }

    fn i7_what_is_not_shared_is_private(place: Place) {
        let store = ReactonStore::new();
        let worker = start!(place, corrector, &store).expect("the worker starts");
        store.set(&INPUT, 4);
        store.set(&SHARED, 30);
        wait_until(&store, |store| store.get(&SHARED) == 10);
        assert_eq!((store.get(&INPUT), worker.stats().transactions_sent), (4, 1));
        end(worker);
    }

    fn i9_a_value_that_the_worker_cannot_read_changes_nothing_there_and_is_reported(place: Place) {
        let store = ReactonStore::new();
        let worker = start!(place, picker, &store).expect("the worker starts");
        store.set(&PICKY, Picky(1));
        wait_until(&store, |store| store.get(&PICKED) == Picky(1));
        store.set(&PICKY, UNREADABLE);
        wait_until(&store, |store| store.get(worker.last_error()).is_some());
        assert_eq!((store.get(&PICKY), store.get(&PICKED)), (UNREADABLE, Picky(1)));
        store.set(&PICKY, Picky(2));
        wait_until(&store, |store| store.get(&PICKED) == Picky(2));
        assert_eq!(store.get(worker.status()), IsolateStatus::Running);
        end(worker);
    }

    fn i10_a_value_of_main_that_does_not_encode_harms_nothing_else(place: Place) {
        let store = ReactonStore::new();
        let worker = start!(place, picker, &store).expect("the worker starts");
        store.batch(|store| {
            store.set(&PICKY, UNSENDABLE);
            store.set(&INPUT, 5);
        });
        assert!(store.get(worker.last_error()).is_some());
        wait_until(&store, |store| store.get(&OUTPUT) == 5);
        store.set(&PICKY, Picky(3));
        wait_until(&store, |store| store.get(&PICKED) == Picky(3));
        end(worker);
    }

    fn i10_a_value_of_a_worker_that_does_not_encode_harms_nothing_else(place: Place) {
        let store = ReactonStore::new();
        let worker = start!(place, picker, &store).expect("the worker starts");
        store.set(&INPUT, 7);
        wait_until(&store, |store| store.get(&OUTPUT) == 7);
        wait_until(&store, |store| store.get(worker.last_error()).is_some());
        assert_eq!(store.get(&PICKED), Picky(0));
        end(worker);
    }

    fn i8_values_cross_both_ways_as_bytes_also_what_is_zero_copy_in_a_process(place: Place) {
        let store = ReactonStore::new();
        let worker = start!(place, counted, &store).expect("the worker starts");
        store.set(&PICTURE, Picture { pixels: vec![7; 1000] });
        wait_until(&store, |store| store.get(&RESULT).pixels == [248; 1000]);
        let bytes = worker.stats().bytes_sent;
        assert_eq!(bytes > 1000, place == Place::Process, "{bytes} bytes");
        end(worker);
    }

    fn i11_all_sides_end_with_the_corrected_value(place: Place) {
        let store = ReactonStore::new();
        let worker = start!(place, corrector, &store).expect("the worker starts");
        for value in [5, 50, 7, 70] {
            store.set(&SHARED, value);
        }
        wait_until(&store, |store| store.get(&SHARED) == 10);
        end(worker);
        assert_eq!(store.get(&SHARED), 10);
    }

    fn l1_nothing_arrives_after_dispose(place: Place) {
        let store = ReactonStore::new();
        let worker = start!(place, echo, &store).expect("the worker starts");
        (1..=100).for_each(|input| store.set(&INPUT, input));
        worker.dispose();
        let held = store.get(&OUTPUT);
        worker.dispose();
        store.wait(Duration::from_millis(30));
        assert_eq!(store.get(&OUTPUT), held);
        assert_eq!(store.get(worker.status()), IsolateStatus::Disposed);
    }

    fn l1_long_work_sees_that_it_is_disposed(place: Place) {
        let store = ReactonStore::new();
        let worker = start!(place, impatient, &store).expect("the worker starts");
        store.set(&INPUT, 1);
        let progress = *worker.progress();
        wait_until(&store, |store| store.get(&progress).queued == 0);
        worker.dispose();
        worker.shutdown(TIMEOUT).expect("the worker ends");
    }

    fn l2_shutdown_loses_nothing(place: Place) {
        let store = ReactonStore::new();
        let worker = start!(place, history, &store).expect("the worker starts");
        (1..=500).for_each(|input| store.set(&INPUT, input));
        end(worker);
        assert!(store.get(&SEEN).into_iter().eq(1..=500));
    }

    fn l2_an_async_worker_is_drained(place: Place) {
        let store = ReactonStore::new();
        let worker = start!(place, awaiting, &store).expect("the worker starts");
        (1..=100).for_each(|input| store.set(&INPUT, input));
        end(worker);
        assert_eq!(store.get(&OUTPUT), 100);
    }

    fn l3_a_panic_is_a_status(place: Place) {
        let store = ReactonStore::new();
        let worker = start!(place, brittle, &store).expect("the worker starts");
        store.set(&ORDER, String::from("panic"));
        wait_until(&store, |store| store.get(worker.status()) != IsolateStatus::Running);
        let IsolateStatus::Failed { message, location } = store.get(worker.status()) else {
            panic!("it failed")
        };
        assert_eq!(message, "told to");
        assert!(location.is_some_and(|place| place.contains("workers.rs")));
        store.set(&INPUT, 5);
    }

    fn l3_an_error_is_a_status_and_is_not_followed_by_another_worker(place: Place) {
        let store = ReactonStore::new();
        let worker = start!(place, failing.restart(restart_always()), &store, String::from("no disk"))
            .expect("the worker starts");
        wait_until(&store, |store| store.get(worker.status()) != IsolateStatus::Running);
        let status = store.get(worker.status());
        assert!(matches!(status, IsolateStatus::Failed { message, .. } if message == "no disk"));
        assert_eq!(worker.stats().restarts, 0);
    }

    fn l3_a_worker_that_panicked_is_followed_by_one_with_the_values_of_main(place: Place) {
        let store = ReactonStore::new();
        let worker = start!(place, brittle.restart(restart_always()), &store).expect("the worker starts");
        store.set(&ORDER, String::from("panic"));
        wait_until(&store, |store| {
            worker.stats().restarts == 1 && store.get(worker.status()) == IsolateStatus::Running
        });
        store.set(&INPUT, 6);
        wait_until(&store, |store| store.get(&OUTPUT) == 6);
        assert_eq!(store.get(worker.status()), IsolateStatus::Running);
        end(worker);
    }

    fn l3_more_restarts_than_allowed_end_in_a_failure(place: Place) {
        let store = ReactonStore::new();
        store.set(&ORDER, String::from("panic"));
        let policy = Restart::OnPanic { max: 2, within: Duration::MAX, backoff: Duration::ZERO };
        let worker = start!(place, brittle.restart(policy), &store).expect("the worker starts");
        for restarts in 1..=3 {
            store.touch(&ORDER);
            wait_until(&store, |store| {
                worker.stats().restarts == restarts
                    || matches!(store.get(worker.status()), IsolateStatus::Failed { .. })
            });
            wait_until(&store, |store| {
                !matches!(store.get(worker.status()), IsolateStatus::Restarting { .. })
            });
        }
        assert!(matches!(store.get(worker.status()), IsolateStatus::Failed { .. }));
        assert_eq!(worker.stats().restarts, 2);
    }

    fn l4_a_wait_for_a_worker_that_is_gone_ends(place: Place) {
        let store = ReactonStore::new();
        let worker = start!(place, echo, &store).expect("the worker starts");
        worker.dispose();
        assert_eq!(store.run_until(TIMEOUT, |_| false), Err(RunError::Disconnected));
    }

    fn l6_a_worker_that_panics_in_the_handshake_is_an_error_of_the_spawn(place: Place) {
        let store = ReactonStore::new();
        store.set(&FUSE, Fuse(true));
        let error = start!(place, fused, &store).expect_err("the worker panics");
        assert!(error.to_string().contains("the fuse is lit"), "{error}");
    }

    fn l6_a_spawn_that_is_not_awaited_leaves_nothing(place: Place) {
        let store = ReactonStore::new();
        let spawning = match place {
            Place::Thread => echo::builder().spawn_async(&store),
            Place::Process => echo::builder().process().spawn_async(&store),
        };
        drop(spawning);
        assert_eq!(store.run_until(TIMEOUT, |_| false), Err(RunError::Disconnected));
    }

    fn l7_long_work_sees_newer_input(place: Place) {
        let store = ReactonStore::new();
        let worker = start!(place, impatient, &store).expect("the worker starts");
        store.set(&INPUT, 1);
        store.set(&INPUT, 2);
        wait_until(&store, |store| store.get(&OUTPUT) == 2);
        end(worker);
    }
}
