//! C2, C7 and C13: no observer of changes loses any, whichever comparison or copy of a key panics.

use std::cell::RefCell;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, Waker};

use futures_core::Stream;
use reacton::collections::Rows;
use reacton::prelude::*;
use reacton_support::{Log, panic_of};

use super::{KEYED, Key, LEFT, Model, breaks, fill, mirror, rows};

#[test]
fn c2_changes_that_a_panic_hides_are_reported_with_the_next_transaction() {
    let store = ReactonStore::new();
    fill(&store, 3);
    let observer = mirror(&store);
    let calls = Log::new();
    let heard = calls.clone();
    store.subscribe(&KEYED, move |_, rows| heard.push(rows.len()));
    // The keys of several edits are put in order when the edit ends.
    let words = panic_of(|| {
        store.update(&KEYED, |rows| {
            rows.insert(Key(10), 10);
            rows.remove(&Key(1));
            LEFT.set(Some(0));
        });
    });
    assert_eq!((words.as_str(), calls.take()), ("broken on purpose", vec![3]));
    store.update(&KEYED, |rows| rows.insert(Key(11), 11));
    assert_eq!(rows(&store), Model::from([(0, 0), (2, 2), (10, 10), (11, 11)]));
    assert_eq!(*observer.borrow(), rows(&store));
}

#[test]
fn c2_a_comparison_that_panics_between_the_edits_of_a_batch_hides_no_change() {
    let mut broken = 0;
    for left in 0.. {
        let store = ReactonStore::new();
        fill(&store, 8);
        let observer = mirror(&store);
        let put = |store: &ReactonStore, keys: [u64; 3], value| {
            store.update(&KEYED, |rows| rows.extend(keys.map(|key| (Key(key), value))));
        };
        let breaks = breaks(|| {
            store.batch(|store| {
                put(store, [1, 3, 5], 10);
                LEFT.set(Some(left));
                put(store, [9, 3, 2], 20);
                LEFT.set(None);
            });
        });
        put(&store, [5, 6, 7], 30);
        assert_eq!(*observer.borrow(), rows(&store), "with a panic after {left} comparisons");
        broken += u64::from(breaks);
        if !breaks {
            break;
        }
    }
    assert!(broken > 20, "only {broken} comparisons and copies");
}

type Changes = Vec<Change<Key, std::sync::Arc<u64>>>;

/// A copy of the map that the reader of a stream makes.
struct Reader<S> {
    stream: S,
    copy: Model,
}

impl<S: Stream<Item = Changes> + Unpin> Reader<S> {
    fn of(stream: S) -> Self {
        Self { stream, copy: Model::new() }
    }

    /// Takes what is ready.
    fn read(&mut self) {
        let mut context = Context::from_waker(Waker::noop());
        while let Poll::Ready(Some(changes)) = Pin::new(&mut self.stream).poll_next(&mut context) {
            for change in &changes {
                match change.new() {
                    Some(new) => self.copy.insert(change.key().0, **new),
                    None => self.copy.remove(&change.key().0),
                };
            }
        }
    }
}

/// Runs the steps of a program with one comparison or copy that panics. Returns whether one did.
fn interrupt(left: u64) -> bool {
    let store = ReactonStore::new();
    fill(&store, 8);
    let here = RefCell::new(Reader::of(store.stream_changes(&KEYED)));
    let there = RefCell::new(Reader::of(store.handle().stream_changes(&KEYED)));
    store.pump();
    // Two observers share what they are called with.
    let observers = [mirror(&store), mirror(&store)];
    let sorted = store.view(&KEYED).sort_by_key(|_, value| u64::MAX - value);
    let last = sorted.clone().head(4);
    let values = |rows: &Rows<Key, u64, u64>| rows.values().copied().collect::<Vec<_>>();
    let lists = [&sorted, &last].map(|view| {
        let kept = Rc::new(RefCell::new(store.with(view, values)));
        let shown = Rc::clone(&kept);
        store.subscribe_changes(view, move |_, diffs| {
            for diff in diffs {
                diff.apply(&mut shown.borrow_mut());
            }
        });
        kept
    });
    let sum = store.fold(&KEYED, 0, |sum, change| {
        sum + change.new().map_or(0, |new| **new) - change.old().map_or(0, |old| **old)
    });
    let put = |keys: [u64; 3], value: u64| {
        store.update(&KEYED, |rows| {
            rows.extend((value..).zip(keys).map(|(value, key)| (Key(key), value)));
        });
    };
    LEFT.set(Some(left));
    let steps: [&dyn Fn(); 6] = [
        &|| put([1, 9, 3], 100),
        &|| drop(store.update(&KEYED, |rows| rows.insert(Key(5), 3))),
        &|| here.borrow_mut().read(),
        &|| {
            store.batch(|store| {
                put([5, 3, 10], 200);
                // Observers receive what has changed until now.
                store.with(&last, |_| ());
                store.get(&sum);
                store.update(&KEYED, |rows| rows.remove(&Key(1)));
            });
        },
        &|| put([2, 3, 11], 150),
        &|| there.borrow_mut().read(),
    ];
    let broke = steps.map(breaks).contains(&true);
    LEFT.set(None);
    store.update(&KEYED, |rows| rows.insert(Key(6), 300));
    here.borrow_mut().read();
    there.borrow_mut().read();
    let now = rows(&store);
    for observer in observers {
        assert_eq!(*observer.borrow(), now, "an observer, with a panic after {left}");
    }
    assert_eq!(here.borrow().copy, now, "a stream, with a panic after {left}");
    assert_eq!(there.borrow().copy, now, "a stream elsewhere, with a panic after {left}");
    for (list, view) in lists.iter().zip([&sorted, &last]) {
        assert_eq!(*list.borrow(), store.with(view, values), "with a panic after {left}");
    }
    assert_eq!(store.get(&sum), now.values().sum::<u64>());
    broke
}

#[test]
fn c2_no_observer_loses_changes_whichever_comparison_or_copy_of_a_key_panics() {
    let mut broken = 0;
    while interrupt(broken) {
        broken += 1;
    }
    assert!(broken > 300, "only {broken} comparisons and copies");
}
