//! S4 and S5: no glitches; computeds are lazy and cached, and an equal result stops the propagation.

use std::cell::Cell;
use std::rc::Rc;

use reacton::prelude::*;
use reacton_support::Log;

use crate::said;

#[reacton]
static SOURCE: u32 = 1;

#[reacton]
static OTHER: u32 = 100;

#[computed]
static LEFT: u32 = |cx| cx.get(&SOURCE) + 1;

#[computed]
static RIGHT: u32 = |cx| cx.get(&SOURCE) * 10;

#[computed]
static JOIN: (u32, u32) = |cx| (cx.get(&LEFT), cx.get(&RIGHT));

#[test]
fn s4_the_bottom_of_a_diamond_runs_once_and_sees_no_mixture() {
    let store = ReactonStore::new();
    let log = Log::new();
    let seen = log.clone();
    store.effect(move |cx| seen.push(cx.get(&JOIN)));
    store.set(&SOURCE, 2);
    store.set(&SOURCE, 3);
    assert_eq!(log.take(), [(2, 10), (3, 20), (4, 30)]);
}

#[test]
fn s4_a_subscriber_of_an_upper_cell_reads_lower_ones_fresh() {
    let store = ReactonStore::new();
    let log = Log::new();
    let seen = log.clone();
    store.subscribe(&SOURCE, move |store, source| {
        seen.push((*source, store.get(&JOIN)));
    });
    store.get(&JOIN);
    store.set(&SOURCE, 2);
    assert_eq!(log.take(), [(2, (3, 20))]);
}

#[test]
fn s4_a_diamond_with_a_tail_runs_each_once_upstream_first() {
    let store = ReactonStore::new();
    let log = Log::new();
    let left = said(&store, &log, "left", |cx| cx.get(&SOURCE));
    let right = said(&store, &log, "right", |cx| cx.get(&SOURCE));
    let join = said(&store, &log, "join", move |cx| cx.get(&left) + cx.get(&right));
    let tail = said(&store, &log, "tail", move |cx| cx.get(&join) + 1);
    let effect = log.clone();
    store.effect(move |cx| {
        cx.get(&tail);
        effect.push("effect");
    });
    log.take();
    store.set(&SOURCE, 2);
    assert_eq!(log.take(), ["left", "right", "join", "tail", "effect"]);
}

#[test]
fn s4_a_jagged_diamond_runs_each_once() {
    let store = ReactonStore::new();
    let log = Log::new();
    let left = said(&store, &log, "left", |cx| cx.get(&SOURCE));
    let right = said(&store, &log, "right", |cx| cx.get(&SOURCE));
    let below = said(&store, &log, "below", move |cx| cx.get(&right));
    let join = said(&store, &log, "join", move |cx| cx.get(&left) + cx.get(&below));
    let one = said(&store, &log, "one", move |cx| cx.get(&join));
    let two = said(&store, &log, "two", move |cx| cx.get(&join));
    store.effect(move |cx| {
        cx.get(&one);
    });
    store.effect(move |cx| {
        cx.get(&two);
    });
    log.take();
    store.set(&SOURCE, 2);
    assert_eq!(log.take(), ["left", "right", "below", "join", "one", "two"]);
}

#[test]
fn s4_two_sources_that_cross_in_one_diamond_run_each_once() {
    let store = ReactonStore::new();
    let log = Log::new();
    let left = said(&store, &log, "left", |cx| cx.get(&SOURCE) + cx.get(&OTHER));
    let right = said(&store, &log, "right", |cx| cx.get(&SOURCE) * cx.get(&OTHER));
    let join = said(&store, &log, "join", move |cx| (cx.get(&left), cx.get(&right)));
    store.effect(move |cx| {
        cx.get(&join);
    });
    log.take();
    store.batch(|store| {
        store.set(&SOURCE, 2);
        store.set(&OTHER, 200);
    });
    assert_eq!(log.take(), ["left", "right", "join"]);
    assert_eq!(store.get(&join), (202, 400));
}

#[test]
fn s4_a_cell_that_is_reached_over_paths_of_different_length_runs_once() {
    let store = ReactonStore::new();
    let log = Log::new();
    let one = said(&store, &log, "one", |cx| cx.get(&SOURCE));
    let two = said(&store, &log, "two", move |cx| cx.get(&one) + 1);
    let three = said(&store, &log, "three", move |cx| cx.get(&two) + 1);
    // The short path is read first. So the computed would run too early if it ran as soon as it is reached.
    let sum = said(&store, &log, "sum", move |cx| cx.get(&SOURCE) + cx.get(&one) + cx.get(&three));
    let seen = Log::new();
    let saw = seen.clone();
    store.effect(move |cx| saw.push(cx.get(&sum)));
    log.take();
    store.set(&SOURCE, 10);
    assert_eq!((log.take(), seen.take()), (vec!["one", "two", "three", "sum"], vec![5, 32]));
}

#[test]
fn s4_effects_on_every_layer_see_every_batch() {
    const LAYERS: u32 = 20;
    let store = ReactonStore::new();
    let seen: Vec<Log<u32>> = (0..LAYERS).map(|_| Log::new()).collect();
    let mut last = store.computed(|cx| cx.get(&SOURCE) + cx.get(&OTHER));
    for saw in &seen {
        let (above, saw) = (last, saw.clone());
        store.effect(move |cx| saw.push(cx.get(&above)));
        last = store.computed(move |cx| cx.get(&above) + 1);
    }
    for round in 2..5 {
        store.batch(|store| {
            store.set(&SOURCE, round);
            store.set(&OTHER, round * 100);
        });
    }
    for (layer, saw) in (0..LAYERS).zip(&seen) {
        assert_eq!(saw.take(), [101, 202, 303, 404].map(|sum| sum + layer), "layer {layer}");
    }
}

#[test]
fn s4_a_wide_fan_runs_each_effect_once() {
    let store = ReactonStore::new();
    let runs = Rc::new(Cell::new(0));
    for _ in 0..100 {
        let counter = Rc::clone(&runs);
        let middle = store.computed(|cx| cx.get(&SOURCE));
        store.effect(move |cx| {
            cx.get(&middle);
            counter.set(counter.get() + 1);
        });
    }
    store.set(&SOURCE, 2);
    assert_eq!(runs.get(), 200);
}

#[test]
fn s4_paths_that_double_at_each_layer_stay_linear() {
    let store = ReactonStore::new();
    let runs = Rc::new(Cell::new(0_u32));
    let mut last = store.computed(|cx| u64::from(cx.get(&SOURCE)));
    for _ in 0..60 {
        let (above, counter) = (last, Rc::clone(&runs));
        last = store.computed(move |cx| {
            counter.set(counter.get() + 1);
            cx.get(&above) + cx.get(&above)
        });
    }
    store.effect(move |cx| {
        cx.get(&last);
    });
    store.set(&SOURCE, 3);
    assert_eq!(runs.get(), 120);
}

#[test]
fn s4_a_subscription_to_a_static_and_an_effect_run_in_the_order_of_their_making() {
    let store = ReactonStore::new();
    let log = Log::new();
    let (one, two, three) = (log.clone(), log.clone(), log.clone());
    store.effect(move |cx| {
        cx.get(&JOIN);
        one.push(1);
    });
    store.subscribe(&SOURCE, move |_, _| two.push(2));
    store.watch(&RIGHT, move |_, _| three.push(3));
    log.take();
    store.set(&SOURCE, 2);
    assert_eq!(log.take(), [1, 2, 3]);
}

#[test]
fn s4_a_chain_of_100_000_does_not_overflow_the_stack() {
    let store = ReactonStore::new();
    let mut last = store.computed(|cx| u64::from(cx.get(&SOURCE)));
    store.get(&last);
    for _ in 0..100_000 {
        let above = last;
        last = store.computed(move |cx| cx.get(&above) + 1);
        store.get(&last);
    }
    let log = Log::new();
    let seen = log.clone();
    store.effect(move |cx| seen.push(cx.get(&last)));
    store.set(&SOURCE, 2);
    store.batch(|store| {
        store.set(&SOURCE, 3);
        assert_eq!(store.get(&last), 100_003);
        store.set(&SOURCE, 4);
    });
    assert_eq!(log.take(), [100_001, 100_002, 100_004]);
    store.remove(&last);
    store.dispose();
}

#[test]
fn s5_a_computed_is_lazy_and_cached() {
    let store = ReactonStore::new();
    let log = Log::new();
    let double = said(&store, &log, "run", |cx| cx.get(&SOURCE) * 2);
    assert!(log.take().is_empty());
    assert_eq!((store.get(&double), store.get(&double)), (2, 2));
    assert_eq!(log.take().len(), 1);
    store.set(&SOURCE, 2);
    store.set(&SOURCE, 3);
    assert!(log.take().is_empty());
    assert_eq!((store.get(&double), log.take().len()), (6, 1));
}

#[test]
fn s5_a_computed_without_dependencies_runs_once() {
    let store = ReactonStore::new();
    let log = Log::new();
    let constant = said(&store, &log, "run", |_| 5);
    store.effect(move |cx| {
        cx.get(&constant);
        cx.get(&SOURCE);
    });
    store.set(&SOURCE, 2);
    assert_eq!((store.get(&constant), log.take().len()), (5, 1));
}

#[test]
fn s5_an_equal_value_stops_the_propagation() {
    let store = ReactonStore::new();
    let log = Log::new();
    let parity = said(&store, &log, "parity", |cx| cx.get(&SOURCE) % 2);
    let below = said(&store, &log, "below", move |cx| cx.get(&parity) + 1);
    let effect = log.clone();
    store.effect(move |cx| {
        cx.get(&below);
        effect.push("effect");
    });
    log.take();
    store.set(&SOURCE, 3);
    assert_eq!(log.take(), ["parity"]);
    store.set(&SOURCE, 4);
    assert_eq!(log.take(), ["parity", "below", "effect"]);
}

#[test]
fn s5_when_both_arms_stay_equal_the_join_does_not_run() {
    let store = ReactonStore::new();
    let log = Log::new();
    let left = said(&store, &log, "left", |cx| cx.get(&SOURCE) % 2);
    let right = said(&store, &log, "right", |cx| cx.get(&SOURCE) > 0);
    let join = said(&store, &log, "join", move |cx| (cx.get(&left), cx.get(&right)));
    store.effect(move |cx| {
        cx.get(&join);
    });
    log.take();
    store.set(&SOURCE, 3);
    assert_eq!(log.take(), ["left", "right"]);
}

#[test]
fn s5_one_changed_dependency_of_several_is_enough() {
    let store = ReactonStore::new();
    let log = Log::new();
    let still = said(&store, &log, "still", |cx| cx.get(&SOURCE) > 0);
    let moving = said(&store, &log, "moving", |cx| cx.get(&SOURCE));
    let join = said(&store, &log, "join", move |cx| (cx.get(&still), cx.get(&moving)));
    store.effect(move |cx| {
        cx.get(&join);
    });
    log.take();
    store.set(&SOURCE, 2);
    assert_eq!(log.take(), ["still", "moving", "join"]);
}

#[test]
fn s5_when_none_of_several_dependencies_changed_nothing_runs() {
    let store = ReactonStore::new();
    let log = Log::new();
    let (positive, even) = (
        said(&store, &log, "positive", |cx| cx.get(&SOURCE) > 0),
        said(&store, &log, "even", |cx| cx.get(&SOURCE) % 2 == 0),
    );
    let join =
        said(&store, &log, "join", move |cx| (cx.get(&positive), cx.get(&even), cx.get(&OTHER)));
    store.get(&join);
    log.take();
    store.set(&SOURCE, 3);
    assert_eq!((store.get(&join), log.take()), ((true, false, 100), vec!["positive", "even"]));
}

#[test]
fn s5_an_observer_added_after_a_first_read_is_called() {
    let store = ReactonStore::new();
    store.get(&JOIN);
    store.set(&SOURCE, 2);
    let log = Log::new();
    let heard = log.clone();
    store.subscribe(&JOIN, move |_, join| heard.push(*join));
    assert_eq!(log.take(), []);
    store.set(&SOURCE, 3);
    assert_eq!(log.take(), [(4, 30)]);
}

#[test]
fn s5_reads_inside_an_equality_function_are_not_tracked() {
    let store = ReactonStore::new();
    let weak = store.downgrade();
    let compared = store.reacton_with(0, move |a: &u32, b: &u32| {
        weak.upgrade().is_some_and(|store| store.get(&OTHER) > 0) && a == b
    });
    let runs = Rc::new(Cell::new(0));
    let counter = Rc::clone(&runs);
    store.effect(move |cx| {
        counter.set(counter.get() + 1);
        cx.store().set(&compared, 3);
    });
    store.set(&OTHER, 200);
    assert_eq!(runs.get(), 1);
}

#[test]
fn s5_an_effect_sees_no_mixture_though_computeds_are_read_in_the_middle_of_batches() {
    let store = ReactonStore::new();
    let log = Log::new();
    let seen = log.clone();
    let first = store.computed(|cx| cx.get(&SOURCE) + cx.get(&OTHER));
    store.effect(move |cx| seen.push((cx.get(&first), cx.get(&SOURCE) + cx.get(&OTHER))));
    for value in 2..50 {
        store.batch(|store| {
            store.set(&SOURCE, value);
            if value % 3 == 0 {
                store.get(&first);
            }
            store.set(&OTHER, 100 - value);
        });
    }
    assert!(log.take().iter().all(|(first, sum)| first == sum));
}

#[test]
fn s5_an_effect_that_writes_what_it_reads_first_and_then_reads_it_has_seen_it() {
    let store = ReactonStore::new();
    let (log, count) = (Log::new(), Cell::new(0));
    let seen = log.clone();
    store.effect(move |cx| {
        count.set(count.get() + 1);
        cx.store().set(&SOURCE, count.get());
        seen.push((cx.get(&SOURCE), cx.get(&OTHER)));
    });
    store.set(&OTHER, 200);
    assert_eq!(log.take(), [(1, 100), (2, 200)]);
}

#[test]
fn s5_an_effect_does_not_run_because_of_what_was_written_and_removed_before_its_turn() {
    let store = ReactonStore::new();
    let first = store.reacton(0);
    let (log, second) = (Log::new(), log_of_runs(&store, first));
    let seen = log.clone();
    store.subscribe(&first, move |store, value| {
        seen.push(*value);
        store.remove(&first);
    });
    let third = log_of_runs(&store, first);
    store.set(&first, 1);
    assert_eq!((log.take(), second.take(), third.take()), (vec![1], vec![0, 1], vec![0]));
}

/// Returns a log of the values that an effect sees that reads this reacton.
fn log_of_runs(store: &ReactonStore, reacton: LocalReacton<i32>) -> Log<i32> {
    let log = Log::new();
    let seen = log.clone();
    store.effect(move |cx| seen.push(cx.get(&reacton)));
    log
}

#[test]
fn s5_a_change_that_a_batch_of_an_observer_takes_back_and_makes_again_is_one_change() {
    let store = ReactonStore::new();
    store.subscribe(&SOURCE, |store, source| {
        store.batch(|store| {
            store.set(&SOURCE, 0);
            store.set(&SOURCE, *source);
        });
    });
    let log = Log::new();
    let double = said(&store, &log, "double", |cx| cx.get(&SOURCE) * 2);
    let effect = log.clone();
    store.effect(move |cx| {
        cx.get(&double);
        effect.push("effect");
    });
    log.take();
    store.set(&SOURCE, 2);
    assert_eq!(log.take(), ["double", "effect"]);
}
