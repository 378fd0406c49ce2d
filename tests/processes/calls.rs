//! The promises of calls, each kept by a worker on a thread and in a process.

use std::thread;
use std::time::Duration;

use futures_lite::future::block_on;
use reacton::prelude::*;
use reacton_support::{TIMEOUT, restart_always, wait_until};

use super::members::*;
use super::place::Place;

fn task(number: u32, how: &str) -> Chore {
    Chore::new(number, how)
}

fn wait_begun(store: &ReactonStore, number: u32) {
    wait_until(store, |store| store.get(&BEGUN).0 == number);
}

in_both_places! {
    fn k1_a_call_is_answered(place: Place) {
        let store = ReactonStore::new();
        let worker = start!(place, asked, &store).expect("the worker starts");
        assert_eq!(worker.call(&ASK, task(4, "")).wait(&store, TIMEOUT), Ok(8));
        assert_eq!(block_on(worker.call(&ASK, task(5, ""))), Ok(10));
        worker.shutdown(TIMEOUT).expect("the worker ends");
    }

    fn k1_a_pool_and_a_caller_are_answered(place: Place) {
        let store = ReactonStore::new();
        let pool = start!(place, asked.pool(3), &store).expect("the pool starts");
        let answers: Vec<_> = (1..=100).map(|n| (n, pool.call(&ASK, task(n, "")))).collect();
        for (n, answer) in answers {
            assert_eq!(answer.wait(&store, TIMEOUT), Ok(2 * n));
        }
        let caller = pool.caller(&ASK);
        let threads: Vec<_> = (1..=10)
            .map(|n| {
                let caller = caller.clone();
                thread::spawn(move || (0..20).all(|m| caller.call(task(n * m, "")).join(TIMEOUT) == Ok(2 * n * m)))
            })
            .collect();
        // None of the calls needs a turn of main.
        assert!(threads.into_iter().all(|thread| thread.join().expect("the thread does not panic")));
        let stats = pool.stats();
        assert_eq!((stats.given, stats.lost), (300, 0));
        pool.shutdown(TIMEOUT).expect("the pool ends");
    }

    fn k1_a_panic_is_the_error_of_its_call(place: Place) {
        let store = ReactonStore::new();
        let worker = start!(place, asked.restart(restart_always()), &store).expect("the worker starts");
        let (before, bad, after) = (
            worker.call(&ASK, task(1, "")),
            worker.call(&ASK, task(13, "panic")),
            worker.call(&ASK, task(2, "")),
        );
        assert_eq!(before.wait(&store, TIMEOUT), Ok(2));
        let error = bad.wait(&store, TIMEOUT).expect_err("the call fails with a panic");
        let CallError::Panicked { message, location, .. } = &error else { panic!("{error:?}") };
        assert_eq!(message, "told to");
        assert!(location.as_ref().is_some_and(|place| place.contains("members.rs")), "{location:?}");
        assert_eq!(after.wait(&store, TIMEOUT), Ok(4));
        let direct = worker.caller(&ASK).call(task(1, "panic")).wait(&store, TIMEOUT);
        assert!(matches!(direct, Err(CallError::Panicked { .. })), "{direct:?}");
    }

    fn k1_what_nothing_answers_is_an_error(place: Place) {
        let store = ReactonStore::new();
        let worker = start!(place, asked, &store).expect("the worker starts");
        for error in [
            worker.call(&UNLISTED, 1).wait(&store, TIMEOUT),
            worker.call(&FORGOTTEN, 1).wait(&store, TIMEOUT),
            worker.caller(&FORGOTTEN).call(1).wait(&store, TIMEOUT),
        ] {
            let Err(CallError::NotAnswered { worker, call, .. }) = &error else { panic!("{error:?}") };
            assert_eq!(worker, "asked");
            assert!(call.contains("UNLISTED") || call.contains("FORGOTTEN"), "{call}");
        }
    }

    fn k1_values_that_do_not_encode_or_decode_are_errors_of_their_calls(place: Place) {
        let store = ReactonStore::new();
        let worker = start!(place, asked, &store).expect("the worker starts");
        let pool = start!(place, asked.pool(2), &store).expect("the pool starts");
        let asks: [&dyn Fn(u8) -> Answer<Liar>; 3] = [
            &|n| worker.call(&LIE, Liar(n)),
            &|n| worker.caller(&LIE).call(Liar(n)),
            &|n| pool.call(&LIE, Liar(n)),
        ];
        for ask in asks {
            // 1 fails in the question, 11 in the answer.
            for number in [1, 11] {
                let error = ask(number).wait(&store, TIMEOUT);
                assert!(matches!(error, Err(CallError::Encode { .. })), "{number}: {error:?}");
            }
            for number in [2, 12] {
                let error = ask(number).wait(&store, TIMEOUT);
                assert!(matches!(error, Err(CallError::Decode { .. })), "{number}: {error:?}");
            }
            assert_eq!(ask(7).wait(&store, TIMEOUT), Ok(Liar(7)), "the worker cannot be called after the error");
        }
    }

    fn k1_a_worker_that_catches_its_own_panic_answers_with_it(place: Place) {
        let store = ReactonStore::new();
        let worker = start!(place, gatherer, &store).expect("the worker starts");
        let (bad, good) = (worker.call(&ASK, task(1, "panic")), worker.call(&ASK, task(2, "")));
        let direct = worker.caller(&ASK).call(task(1, "panic"));
        for bad in [bad, direct] {
            let error = bad.wait(&store, TIMEOUT);
            assert!(matches!(error, Err(CallError::Panicked { .. })), "{error:?}");
        }
        assert_eq!(good.wait(&store, TIMEOUT), Ok(4));
        let pool = start!(place, gatherer.pool(1), &store).expect("the pool starts");
        let (bad, good) = (pool.call(&ASK, task(1, "panic")), pool.call(&ASK, task(2, "")));
        assert!(matches!(bad.wait(&store, TIMEOUT), Err(CallError::Panicked { .. })));
        assert_eq!(good.wait(&store, TIMEOUT), Ok(4));
    }

    fn k1_a_shutdown_answers_what_was_asked_before(place: Place) {
        let store = ReactonStore::new();
        let worker = start!(place, asked, &store).expect("the worker starts");
        let answers: Vec<_> = (1..=50).map(|n| worker.call(&ASK, task(n, ""))).collect();
        worker.try_shutdown(TIMEOUT).expect("the worker ends");
        for (n, answer) in (1..=50).zip(answers) {
            assert!(answer.is_ready());
            assert_eq!(answer.wait(&store, Duration::ZERO), Ok(2 * n));
        }
        let late = worker.call(&ASK, task(1, "")).wait(&store, TIMEOUT);
        assert!(matches!(late, Err(CallError::Disposed { .. })), "{late:?}");
        let pool = start!(place, asked.pool(2), &store).expect("the pool starts");
        let caller = pool.caller(&ASK);
        let answers: Vec<_> = (1..=12).map(|n| pool.call(&ASK, task(n, ""))).collect();
        pool.shutdown(TIMEOUT).expect("the pool ends");
        assert!(answers.iter().all(Answer::is_ready));
        let late = caller.call(task(1, "")).wait(&store, TIMEOUT);
        assert!(matches!(late, Err(CallError::Disposed { .. })), "{late:?}");
    }

    fn k1_disposal_ends_calls_at_once_also_one_that_runs(place: Place) {
        let store = ReactonStore::new();
        let worker = start!(place, asked, &store).expect("the worker starts");
        let running = worker.call(&ASK, task(1, "held"));
        let (waiting, direct) =
            (worker.call(&ASK, task(2, "")), worker.caller(&ASK).call(task(3, "")));
        wait_begun(&store, 1);
        worker.dispose();
        for answer in [running, waiting, direct] {
            let error = answer.wait(&store, Duration::ZERO);
            assert!(matches!(error, Err(CallError::Disposed { .. })), "{error:?}");
        }
        let pool = start!(place, asked.pool(2), &store).expect("the pool starts");
        let answers: Vec<_> = (2..7).map(|n| pool.call(&ASK, task(n, "held"))).collect();
        wait_until(&store, |_| pool.stats().at_work == 2);
        drop(pool);
        for answer in answers {
            let error = answer.wait(&store, Duration::ZERO);
            assert!(matches!(error, Err(CallError::Disposed { .. })), "{error:?}");
        }
    }

    fn k2_a_call_sees_what_was_committed_before_it_and_brings_what_was_written_before_the_answer(place: Place) {
        for delivery in [Delivery::Every, Delivery::Latest] {
            let store = ReactonStore::new();
            let worker = start!(place, asked.delivery(delivery), &store).expect("the worker starts");
            for n in 1..200 {
                store.set(&SETTING, n);
                let answer = worker.call(&ASK, task(0, "setting"));
                assert_eq!(answer.wait(&store, TIMEOUT), Ok(n));
                worker.call(&ASK, task(n, "write")).wait(&store, TIMEOUT).expect("the call is answered");
                assert_eq!(store.get(&PART), n);
            }
            // This holds also for many calls at the same time, each between two transactions.
            let answers: Vec<_> = (1000..1100)
                .map(|n| {
                    store.set(&SETTING, n);
                    worker.call(&ASK, task(0, "setting"))
                })
                .collect();
            for (n, answer) in (1000..1100).zip(answers) {
                let seen = answer.wait(&store, TIMEOUT).expect("the call is answered");
                assert!(seen == n || (seen > n && delivery == Delivery::Latest), "call {n} has seen {seen}");
            }
        }
    }

    fn k2_a_call_in_a_batch_is_sent_after_the_batch(place: Place) {
        let store = ReactonStore::new();
        let worker = start!(place, asked, &store).expect("the worker starts");
        let answer = store.batch(|store| {
            let answer = worker.call(&ASK, task(0, "setting"));
            store.set(&SETTING, 7);
            answer
        });
        assert_eq!(answer.wait(&store, TIMEOUT), Ok(7));
    }

    fn k2_a_pool_call_knows_the_settings_before_it(place: Place) {
        let store = ReactonStore::new();
        let pool = start!(place, asked.pool(3).for_all(shared![SETTING]), &store).expect("the pool starts");
        for n in 2..100 {
            store.set(&SETTING, n);
            assert_eq!(pool.call(&ASK, task(0, "setting")).wait(&store, TIMEOUT), Ok(n));
            pool.call(&ASK, task(n, "write")).wait(&store, TIMEOUT).expect("the call is answered");
            assert_eq!(store.get(&PART), n);
        }
    }

    fn k2_a_caller_needs_no_turn_of_main(place: Place) {
        let store = ReactonStore::new();
        let worker = start!(place, asked, &store).expect("the worker starts");
        let caller = worker.caller(&ASK);
        let asks = thread::spawn(move || caller.call(task(5, "write")).join(TIMEOUT));
        assert_eq!(asks.join().expect("the thread does not panic"), Ok(10));
        assert_eq!(store.get(&PART), 0, "`join` has applied a transaction");
    }

    fn k3_a_call_that_has_not_begun_is_never_begun(place: Place) {
        let store = ReactonStore::new();
        let worker = start!(place, asked, &store).expect("the worker starts");
        let first = worker.call(&ASK, task(1, "held"));
        wait_begun(&store, 1);
        drop(worker.call(&ASK, task(2, "count")));
        let third = worker.call(&ASK, task(3, "count"));
        third.cancel();
        assert!(matches!(third.wait(&store, TIMEOUT), Err(CallError::Cancelled { .. })));
        store.set(&GO, 1);
        assert_eq!(first.wait(&store, TIMEOUT), Ok(2));
        let count = worker.call(&ASK, task(4, "count")).wait(&store, TIMEOUT);
        assert_eq!(count, Ok(2), "a cancelled call has begun");
    }

    fn k3_a_call_that_runs_sees_that_it_is_cancelled(place: Place) {
        let store = ReactonStore::new();
        let worker = start!(place, asked, &store).expect("the worker starts");
        let pool = start!(place, asked.pool(1), &store).expect("the pool starts");
        let asks: [&dyn Fn(u32) -> Answer<u32>; 3] = [
            &|n| worker.call(&ASK, task(n, "held")),
            &|n| worker.caller(&ASK).call(task(n, "held")),
            &|n| pool.call(&ASK, task(n, "held")),
        ];
        for (ask, number) in asks.into_iter().zip(1..) {
            store.set(&SEEN_CALLS, (0, false));
            let answer = ask(number);
            wait_begun(&store, number);
            drop(answer);
            wait_until(&store, |store| store.get(&SEEN_CALLS).1);
            let late = ask(number + 10);
            wait_begun(&store, number + 10);
            store.set(&SEEN_CALLS, (0, false));
            let error = late.wait(&store, Duration::from_millis(1));
            assert!(matches!(error, Err(CallError::TimedOut { .. })), "{error:?}");
            wait_until(&store, |store| store.get(&SEEN_CALLS).1);
        }
        assert_eq!(worker.call(&ASK, task(5, "")).wait(&store, TIMEOUT), Ok(10));
    }

    fn k3_a_call_is_cancelled_while_it_waits_for_a_member(place: Place) {
        let store = ReactonStore::new();
        let pool = start!(place, asked.pool(1).for_all(shared![GO]), &store).expect("the pool starts");
        let running = pool.call(&ASK, task(1, "held"));
        wait_begun(&store, 1);
        let dropped: Vec<_> = (2..50).map(|n| pool.call(&ASK, task(n, "count"))).collect();
        drop(dropped);
        store.set(&GO, 1);
        assert_eq!(running.wait(&store, TIMEOUT), Ok(2));
        pool.idle(&store, TIMEOUT).expect("all jobs are done");
        assert_eq!(pool.call(&ASK, task(0, "count")).wait(&store, TIMEOUT), Ok(2));
        // A member has finished a call only after its answer was sent.
        pool.idle(&store, TIMEOUT).expect("all jobs are done");
        let stats = pool.stats();
        assert_eq!((stats.waiting, stats.at_work, stats.lost), (0, 0, 0));
    }

    fn k4_calls_and_written_jobs_share_the_queue(place: Place) {
        let store = ReactonStore::new();
        let pool = start!(place, gatherer.pool(3), &store).expect("the pool starts");
        let sum = std::rc::Rc::new(std::cell::Cell::new(0));
        let adds = std::rc::Rc::clone(&sum);
        store.subscribe(&DONE, move |_, (_, square, _)| adds.set(adds.get() + square));
        let answers: Vec<_> = (1..=50)
            .map(|n| {
                store.set(&TASK, task(n, ""));
                pool.call(&ASK, task(n, ""))
            })
            .collect();
        pool.idle(&store, TIMEOUT).expect("all jobs are done");
        assert_eq!(sum.get(), (1..=50).map(|n| n * n).sum::<u32>());
        for (n, answer) in (1..=50).zip(answers) {
            assert!(answer.is_ready());
            assert_eq!(answer.wait(&store, Duration::ZERO), Ok(2 * n));
        }
    }

    fn k4_a_call_is_given_again_and_at_last_lost(place: Place) {
        let store = ReactonStore::new();
        let pool = start!(place, asked.restart(restart_always()).retries(1).pool(2), &store);
        let pool = pool.expect("the pool starts");
        let (bad, good) = (pool.call(&ASK, task(2, "panic")), pool.call(&ASK, task(3, "")));
        assert_eq!(good.wait(&store, TIMEOUT), Ok(6));
        let error = bad.wait(&store, TIMEOUT);
        assert!(matches!(error, Err(CallError::Panicked { .. })), "{error:?}");
        pool.idle(&store, TIMEOUT).expect("all jobs are done");
        let stats = pool.stats();
        assert_eq!((stats.given, stats.done, stats.retried, stats.lost), (2, 1, 1, 1));
        assert!(store.get(pool.lost_job()).is_none(), "the error of a call is not a lost job");
    }

    fn k5_async_answers_run_at_the_same_time(place: Place) {
        let store = ReactonStore::new();
        let worker = start!(place, later, &store).expect("the worker starts");
        let held: Vec<_> = (1..=5).map(|n| worker.call(&ASK, task(n, "go"))).collect();
        wait_begun(&store, 5);
        assert_eq!(worker.call(&ASK, task(9, "")).wait(&store, TIMEOUT), Ok(18), "a later call is answered first");
        assert!(held.iter().all(|answer| !answer.is_ready()));
        store.set(&GO, 1);
        for (n, answer) in (1..=5).zip(held) {
            assert_eq!(answer.wait(&store, TIMEOUT), Ok(2 * n));
        }
        let pool = start!(place, later.pool(2).for_all(shared![GO]), &store).expect("the pool starts");
        let begun = std::rc::Rc::new(std::cell::Cell::new(0));
        let counts = std::rc::Rc::clone(&begun);
        store.subscribe(&BEGUN, move |_, _| counts.set(counts.get() + 1));
        let held: Vec<_> = (1..=6).map(|n| pool.call(&ASK, task(n, "go"))).collect();
        wait_until(&store, |_| begun.get() == 6);
        assert_eq!(pool.stats().at_work, 6, "two members work at six calls");
        store.set(&GO, 2);
        // A shutdown waits for these answers.
        assert_eq!(pool.try_shutdown(TIMEOUT), Ok(()));
        for (n, answer) in (1..=6).zip(held) {
            assert_eq!(answer.wait(&store, Duration::ZERO), Ok(2 * n));
        }
        assert_eq!(pool.stats().done, 6);
    }

    fn k5_an_async_answer_that_panics_is_the_error_of_its_call(place: Place) {
        let store = ReactonStore::new();
        let worker = start!(place, later.restart(restart_always()), &store).expect("the worker starts");
        let held = worker.call(&ASK, task(1, "go"));
        let bad = worker.call(&ASK, task(2, "panic"));
        let error = bad.wait(&store, TIMEOUT);
        assert!(matches!(error, Err(CallError::Panicked { .. })), "{error:?}");
        let error = held.wait(&store, TIMEOUT);
        assert!(matches!(error, Err(CallError::Died { .. })), "{error:?}");
        assert_eq!(worker.call(&ASK, task(3, "")).wait(&store, TIMEOUT), Ok(6));
    }

    fn k6_calls_wait_for_the_successor(place: Place) {
        let store = ReactonStore::new();
        let worker = start!(place, asked.restart(restart_always()), &store).expect("the worker starts");
        let bad = worker.call(&ASK, task(1, "held and panic"));
        wait_begun(&store, 1);
        let before = worker.call(&ASK, task(2, ""));
        let direct = worker.caller(&ASK).call(task(3, ""));
        store.set(&GO, 1);
        assert!(matches!(bad.wait(&store, TIMEOUT), Err(CallError::Panicked { .. })));
        let after = worker.call(&ASK, task(4, ""));
        assert_eq!(before.wait(&store, TIMEOUT), Ok(4));
        assert_eq!(after.wait(&store, TIMEOUT), Ok(8));
        assert_eq!(direct.wait(&store, TIMEOUT), Ok(6));
        assert_eq!(worker.stats().restarts, 1);
    }

    fn k6_a_call_of_a_single_worker_is_given_again_as_retries_says(place: Place) {
        let store = ReactonStore::new();
        let worker = start!(place, asked.restart(restart_always()).retries(2), &store).expect("the worker starts");
        let error = worker.call(&ASK, task(1, "panic")).wait(&store, TIMEOUT);
        assert!(matches!(error, Err(CallError::Panicked { .. })), "{error:?}");
        assert_eq!(worker.stats().restarts, 3, "the first try and two retries, with a restart after each");
    }

    fn k6_without_a_restart_the_calls_die_with_the_worker(place: Place) {
        let store = ReactonStore::new();
        let worker = start!(place, asked, &store).expect("the worker starts");
        let bad = worker.call(&ASK, task(1, "held and panic"));
        let waits = worker.call(&ASK, task(2, ""));
        wait_begun(&store, 1);
        store.set(&GO, 1);
        assert!(matches!(bad.wait(&store, TIMEOUT), Err(CallError::Panicked { .. })));
        let error = waits.wait(&store, TIMEOUT).expect_err("the worker ends before it answers");
        let CallError::Died { message, .. } = &error else { panic!("{error:?}") };
        assert!(message.contains("told to"), "{message}");
        let late = worker.call(&ASK, task(3, "")).wait(&store, TIMEOUT);
        assert!(matches!(late, Err(CallError::Died { .. })), "{late:?}");
    }

    fn k6_a_direct_call_that_panics_needs_no_turn_of_main(place: Place) {
        let store = ReactonStore::new();
        let worker = start!(place, asked, &store).expect("the worker starts");
        let caller = worker.caller(&ASK);
        let asks = thread::spawn(move || caller.call(task(1, "panic")).join(TIMEOUT));
        let error = asks.join().expect("the thread does not panic").expect_err("the worker panicked");
        let CallError::Panicked { location, .. } = &error else { panic!("{error:?}") };
        assert!(location.as_ref().is_some_and(|place| place.contains("members.rs")), "{location:?}");
    }

    fn k7_large_values_cross(place: Place) {
        let store = ReactonStore::new();
        let worker = start!(place, asked, &store).expect("the worker starts");
        for len in [0, 1, 10_000, 3_000_000] {
            let answer = worker.call(&BYTES, vec![1; len]).wait(&store, TIMEOUT).expect("the call is answered");
            assert!(answer.len() == len && answer.iter().all(|byte| *byte == 254), "{len}");
            let answer = worker.caller(&BYTES).call(vec![2; len]).wait(&store, TIMEOUT);
            assert!(answer.expect("the call is answered").iter().all(|byte| *byte == 253), "{len}");
        }
        let who = worker.call(&WHO, ()).wait(&store, TIMEOUT).expect("the call is answered");
        assert_eq!(who == std::process::id(), place == Place::Thread);
    }

    fn k8_a_caller_with_a_limit_waits_or_is_busy(place: Place) {
        let store = ReactonStore::new();
        let worker = start!(place, asked, &store).expect("the worker starts");
        let caller = worker.caller(&ASK).in_flight(2);
        let running = caller.call(task(1, "held"));
        wait_begun(&store, 1);
        let second = caller.call(task(2, ""));
        let busy = caller.try_call(task(3, ""));
        assert!(matches!(busy, Err(CallError::Busy { in_flight: 2, .. })), "{busy:?}");
        let third = caller.call(task(3, ""));
        store.set(&GO, 1);
        for (answer, doubled) in [(running, 2), (second, 4), (third, 6)] {
            assert_eq!(answer.wait(&store, TIMEOUT), Ok(doubled));
        }
        assert!(caller.try_call(task(4, "")).is_ok_and(|answer| answer.wait(&store, TIMEOUT) == Ok(8)));
    }

    fn k8_the_queue_is_counted_with_calls_in_it(place: Place) {
        let store = ReactonStore::new();
        let worker = start!(place, asked, &store).expect("the worker starts");
        let progress = *worker.progress();
        for n in 1..=50 {
            store.set(&SETTING, n);
            worker.call(&ASK, task(n, "write")).detach();
            worker.caller(&ASK).call(task(n, "write")).detach();
        }
        wait_until(&store, |store| {
            let stats = store.get(&progress);
            stats.queued == 0 && stats.waiting == 0 && stats.transactions_received >= 50
        });
        worker.shutdown(TIMEOUT).expect("the worker ends");
        assert_eq!(store.get(&PART), 50);
    }
}
