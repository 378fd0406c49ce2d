//! S3: a batch groups writes, reads inside see them, and observers are called once.

use std::rc::Rc;

use reacton::prelude::*;
use reacton_support::{Log, panic_of};

use crate::{A, B, DOUBLE, LIST};

#[computed]
static SUM: u32 = |cx| cx.get(&A) + cx.get(&B);

fn hear<R: Readable<Value = u32>>(store: &ReactonStore, reacton: &R) -> Log<u32> {
    let log = Log::new();
    let heard = log.clone();
    store.subscribe(reacton, move |_, value| heard.push(*value));
    log
}

fn run_with(store: &ReactonStore, read: impl Fn(&Reader<'_>) -> u32 + 'static) -> Log<u32> {
    let log = Log::new();
    let runs = log.clone();
    store.effect(move |cx| runs.push(read(cx)));
    log.take();
    log
}

#[test]
fn s3_reads_inside_a_batch_see_its_own_writes_computed_values_included() {
    let store = ReactonStore::new();
    store.batch(|store| {
        store.set(&A, 2);
        assert_eq!((store.get(&A), store.get(&SUM)), (2, 12));
        store.set(&B, 20);
        assert_eq!(store.get(&SUM), 22);
    });
}

#[test]
fn s3_observers_run_once_after_the_outermost_batch_with_the_final_values() {
    let store = ReactonStore::new();
    let (heard, ran) = (hear(&store, &A), run_with(&store, |cx| cx.get(&SUM)));
    store.batch(|store| {
        store.set(&A, 2);
        store.batch(|store| {
            store.set(&A, 3);
            store.set(&B, 30);
        });
        assert_eq!((heard.take(), ran.take()), (vec![], vec![]));
        store.set(&A, 4);
    });
    assert_eq!((heard.take(), ran.take()), (vec![4], vec![34]));
}

#[test]
fn s3_a_batch_returns_what_its_closure_returns() {
    assert_eq!(ReactonStore::new().batch(|store| store.get(&A)), 1);
}

#[test]
fn s3_a_reverted_batch_calls_no_observer() {
    let store = ReactonStore::new();
    let heard = [hear(&store, &A), hear(&store, &SUM), run_with(&store, |cx| cx.get(&A))];
    store.batch(|store| {
        store.set(&A, 2);
        store.set(&A, 1);
    });
    assert!(heard.iter().all(|log| log.take().is_empty()));
    store.set(&A, 2);
    assert!(heard.iter().all(|log| log.take().len() == 1), "each computed is still updated");
}

#[test]
fn s3_a_reverted_batch_calls_no_observer_though_its_computeds_were_read_in_the_middle() {
    let store = ReactonStore::new();
    let heard = [
        hear(&store, &A),
        hear(&store, &SUM),
        run_with(&store, |cx| cx.get(&SUM)),
        run_with(&store, |cx| cx.get(&DOUBLE) + cx.get(&A)),
    ];
    store.batch(|store| {
        store.set(&A, 2);
        assert_eq!((store.get(&SUM), store.get(&DOUBLE)), (12, 4));
        store.set(&A, 1);
    });
    assert!(heard.iter().all(|log| log.take().is_empty()));
    store.batch(|store| {
        store.set(&A, 2);
        assert_eq!((store.get(&SUM), store.get(&DOUBLE)), (12, 4));
        store.set(&A, 1);
        assert_eq!((store.get(&SUM), store.get(&DOUBLE)), (11, 2));
    });
    assert!(heard.iter().all(|log| log.take().is_empty()));
    assert_eq!(store.get(&SUM), 11);
    store.set(&A, 5);
    assert!(heard.iter().all(|log| log.take().len() == 1));
}

#[test]
fn s3_a_subscriber_of_a_computed_that_was_read_in_the_middle_gets_the_final_value() {
    let store = ReactonStore::new();
    let heard = hear(&store, &SUM);
    store.batch(|store| {
        store.set(&A, 2);
        assert_eq!(store.get(&SUM), 12);
        store.set(&A, 3);
    });
    assert_eq!(heard.take(), [13]);
    store.batch(|store| {
        store.set(&A, 4);
        assert_eq!(store.get(&SUM), 14);
    });
    assert_eq!(heard.take(), [14]);
}

#[test]
fn s3_two_changes_that_cancel_out_in_a_computed_call_none_of_its_observers() {
    let store = ReactonStore::new();
    let (sum, a) = (hear(&store, &SUM), hear(&store, &A));
    store.batch(|store| {
        store.set(&A, 2);
        assert_eq!(store.get(&SUM), 12);
        store.set(&B, 9);
    });
    assert_eq!((sum.take(), a.take()), (vec![], vec![2]));
}

#[test]
fn s3_a_touch_and_a_set_back_still_call_observers() {
    let store = ReactonStore::new();
    let heard = hear(&store, &A);
    store.batch(|store| {
        store.touch(&A);
        store.set(&A, 2);
        store.set(&A, 1);
    });
    assert_eq!(heard.take(), [1]);
    store.batch(|store| {
        store.set(&A, 2);
        store.touch(&A);
        store.set(&A, 1);
    });
    assert_eq!(heard.take(), [1]);
    store.batch(|store| {
        store.set(&A, 2);
        store.set(&A, 1);
    });
    assert!(heard.take().is_empty(), "an earlier `touch` was counted again");
}

#[test]
fn s3_a_batch_that_panics_commits_what_it_wrote() {
    let store = ReactonStore::new();
    let (heard, ran) = (hear(&store, &A), run_with(&store, |cx| cx.get(&SUM)));
    let words = panic_of(|| {
        store.batch(|store| {
            store.set(&A, 2);
            store.batch(|store| {
                store.set(&B, 20);
                panic!("half-way");
            });
        });
    });
    assert_eq!(words, "half-way");
    assert_eq!((heard.take(), ran.take()), (vec![2], vec![22]));
    store.set(&A, 3);
    assert_eq!(
        (heard.take(), ran.take()),
        (vec![3], vec![23]),
        "the batch was not closed by the panic"
    );
}

#[test]
fn s3_an_update_that_panics_half_way_keeps_what_it_did_to_the_value() {
    let store = ReactonStore::new();
    let log = Log::new();
    let heard = log.clone();
    store.subscribe(&LIST, move |_, list| heard.push(list.clone()));
    panic_of(|| {
        store.update(&LIST, |list| {
            list.push(2);
            panic!("half-way")
        })
    });
    assert_eq!((store.get(&LIST), log.take()), (vec![1, 2], vec![vec![1, 2]]));
    store.update(&LIST, |list| list.push(3));
    assert_eq!(log.take(), [[1, 2, 3]]);
}

#[test]
fn s3_an_effect_made_in_a_batch_runs_at_once_and_again_if_what_it_saw_changed() {
    let store = ReactonStore::new();
    let log = Log::new();
    let runs = log.clone();
    store.batch(|store| {
        store.set(&A, 2);
        store.effect(move |cx| runs.push(cx.get(&SUM)));
        assert_eq!(log.take(), [12]);
    });
    assert!(log.take().is_empty(), "the effect has run with the final value already");

    let log = Log::new();
    let runs = log.clone();
    store.batch(|store| {
        store.set(&A, 5);
        store.effect(move |cx| runs.push(cx.get(&SUM)));
        store.set(&A, 2);
    });
    assert_eq!(
        log.take(),
        [15, 12],
        "the batch has changed nothing, but the effect has run with another value"
    );
}

#[test]
fn s3_a_subscription_made_in_a_batch_is_called_only_for_later_writes() {
    let store = ReactonStore::new();
    let heard = store.batch(|store| {
        store.set(&A, 2);
        hear(store, &A)
    });
    assert!(heard.take().is_empty());
    let heard = store.batch(|store| {
        store.set(&A, 3);
        let heard = hear(store, &A);
        store.set(&A, 4);
        heard
    });
    assert_eq!(heard.take(), [4]);
}

#[test]
fn s3_a_watch_made_in_a_batch_is_called_at_once() {
    let store = ReactonStore::new();
    let log = Log::new();
    let heard = log.clone();
    store.batch(|store| {
        store.set(&A, 2);
        store.watch(&SUM, move |_, sum| heard.push(*sum));
        store.set(&B, 20);
        store.set(&A, 3);
    });
    assert_eq!(log.take(), [12, 23]);
}

#[test]
fn s3_an_observer_that_ends_in_a_batch_is_not_called_for_it() {
    let store = ReactonStore::new();
    let log = Log::new();
    let heard = log.clone();
    let subscription = store.subscribe(&A, move |_, a| heard.push(*a));
    store.batch(|store| {
        store.set(&A, 2);
        subscription.unsubscribe();
    });
    assert!(log.take().is_empty());
}

#[test]
fn s3_reading_one_computed_in_a_batch_runs_no_other() {
    let store = ReactonStore::new();
    let runs = Log::new();
    let (one, two) = (runs.clone(), runs.clone());
    let first = store.computed(move |cx| {
        one.push(1);
        cx.get(&A)
    });
    let second = store.computed(move |cx| {
        two.push(2);
        cx.get(&A)
    });
    store.effect(move |cx| {
        cx.get(&first);
        cx.get(&second);
    });
    runs.take();
    store.batch(|store| {
        store.set(&A, 2);
        store.get(&first);
        assert_eq!(runs.take(), [1]);
    });
    assert_eq!(runs.take(), [2]);
}

#[test]
fn s3_a_batch_inside_untracked_reads_is_one_transaction_too() {
    let store = ReactonStore::new();
    let ran = run_with(&store, |cx| cx.get(&SUM));
    store.effect(|cx| {
        cx.untracked(|store| {
            store.batch(|store| {
                store.set(&A, 3);
                store.set(&B, 30);
            });
        });
    });
    assert_eq!(ran.take(), [33]);
}

#[test]
fn s3_a_restore_is_one_transaction() {
    let store = ReactonStore::new();
    store.get(&SUM);
    let before = store.snapshot();
    store.batch(|store| {
        store.set(&A, 2);
        store.set(&B, 20);
    });
    let after = store.snapshot();
    let (ran, heard) = (run_with(&store, |cx| cx.get(&SUM)), hear(&store, &DOUBLE));
    store.restore(&before);
    assert_eq!((ran.take(), heard.take()), (vec![11], vec![2]));
    store.restore(&before);
    assert_eq!((ran.take(), heard.take()), (vec![], vec![]));
    store.restore(&after);
    assert_eq!((ran.take(), heard.take()), (vec![22], vec![4]));
    assert_eq!(before.diff(&after), [A.reacton_ref(), B.reacton_ref()]);
    assert_eq!((before.get(&A), before.get(&SUM), before.len()), (Some(&1), None, 2));
}

#[test]
fn s3_a_restore_that_its_batch_takes_back_calls_no_observer() {
    let store = ReactonStore::new();
    let log = Log::new();
    let heard = log.clone();
    store.subscribe(&A, move |_, a| heard.push(*a));
    let before = store.get(&A);
    store.set(&A, 5);
    let snapshot = store.snapshot();
    store.set(&A, before);
    assert_eq!(log.take(), [5, before]);
    store.batch(|store| {
        store.restore(&snapshot);
        assert_eq!(store.get(&A), 5);
        store.set(&A, before);
    });
    assert!(log.take().is_empty());
}

#[test]
fn s3_a_restore_sets_what_the_snapshot_does_not_hold_to_its_initial_value() {
    let store = ReactonStore::new();
    let empty = store.snapshot();
    assert!(empty.is_empty());
    store.set(&A, 2);
    store.restore(&empty);
    assert_eq!(store.get(&A), 1);
    let other = ReactonStore::new();
    store.set(&LIST, vec![4]);
    other.restore(&store.snapshot());
    assert_eq!(other.get(&LIST), [4]);
    other.update(&LIST, |list| list.push(5));
    assert_eq!(store.get(&LIST), [4], "an edit in one store has changed the value in another");
}

#[test]
fn s3_writes_made_by_an_equality_function_at_the_end_of_a_batch_are_part_of_the_history() {
    let store = ReactonStore::new();
    let weak = store.downgrade();
    let compared = store.reacton_with(0, move |a, b| {
        if let Some(store) = weak.upgrade() {
            store.set(&B, *b + 100);
        }
        a == b
    });
    let heard = hear(&store, &B);
    store.batch(|store| {
        store.set(&compared, 1);
        store.set(&B, 10);
    });
    assert_eq!((store.get(&B), heard.take()), (101, vec![101]));
    store.batch(|store| store.set(&B, 10));
    assert_eq!(heard.take(), [10]);
}

#[test]
fn s3_in_a_batch_the_old_value_is_kept_until_the_end_and_no_longer() {
    let store = ReactonStore::new();
    let local = store.reacton(Rc::new(1));
    let old = Rc::downgrade(&store.get(&local));
    store.batch(|store| {
        store.set(&local, Rc::new(2));
        assert_eq!(
            old.strong_count(),
            1,
            "the value from before the batch is kept for the comparison"
        );
    });
    assert_eq!(old.strong_count(), 0);
}
