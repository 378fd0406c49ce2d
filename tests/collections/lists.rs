//! C8: lists are edited by index and by id, and report steps by index.

use std::cell::Cell;
use std::pin::Pin;
use std::rc::Rc;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use futures_core::Stream;
use reacton::prelude::*;
use reacton_support::{Log, panic_of};

use crate::TITLE;

#[derive(Debug, Clone, PartialEq, Eq)]
struct Track {
    name: String,
    played: bool,
}

fn track(name: &str) -> Track {
    Track { name: name.into(), played: false }
}

#[reacton]
static QUEUE: ReactonList<Track> = ReactonList::new();

#[reacton]
static NAMES: ReactonList<&'static str> = ReactonList::from(["a", "b", "c"]);

#[reacton(eq = same_name)]
static BY_NAME: ReactonList<Track> = ReactonList::new();

fn same_name(one: &Track, two: &Track) -> bool {
    one.name == two.name
}

/// A type without `PartialEq`.
#[derive(Clone)]
struct Opaque;

#[reacton(eq = never)]
static OPAQUE: ReactonList<Opaque> = ReactonList::new();

#[reacton(zero_copy)]
static COUNTED: ReactonList<Track> = ReactonList::new();

/// Another name of a list.
type Playlist = ReactonList<String>;

#[reacton(merge)]
static PLAYLIST: Playlist = Playlist::new();

fn names(store: &ReactonStore) -> String {
    store.with(&NAMES, |names| names.iter().copied().collect())
}

/// A step as a short text.
fn told(step: &Diff<&'static str>) -> String {
    match step {
        Diff::Insert { index, new } => format!("+{index} {new}"),
        Diff::Remove { index, old } => format!("-{index} {old}"),
        Diff::Set { index, old, new } => format!("{index} {old} {new}"),
        Diff::Move { from, to } => format!("{from} to {to}"),
    }
}

/// Returns a log of the calls of an observer of the changes of `NAMES`.
fn log_steps(store: &ReactonStore) -> Log<Vec<String>> {
    let log = Log::new();
    let heard = log.clone();
    store.subscribe_changes(&NAMES, move |_, steps| heard.push(steps.iter().map(told).collect()));
    log
}

fn runs<R: Readable + 'static>(store: &ReactonStore, reacton: R) -> Rc<Cell<u32>> {
    let runs = Rc::new(Cell::new(0));
    let counter = Rc::clone(&runs);
    store.subscribe(&reacton, move |_, _| counter.set(counter.get() + 1));
    runs
}

#[test]
fn c8_a_list_is_edited_by_index_and_by_id() {
    let store = ReactonStore::new();
    let (first, second) = store.update(&QUEUE, |queue| {
        let second = queue.push(track("two"));
        (queue.insert(0, track("one")), second)
    });
    store.update(&QUEUE, |queue| queue.extend([track("three"), track("four")]));
    store.update(&QUEUE, |queue| {
        queue.move_to(first, 2);
        queue.update(second, |track| track.played = true);
        assert_eq!(queue.remove(3).map(|track| track.name.clone()), Some("four".to_owned()));
        assert_eq!(queue.set(1, track("III")).as_deref(), Some(&track("three")));
    });
    store.with(&QUEUE, |queue| {
        let names: Vec<_> = queue.iter().map(|track| track.name.as_str()).collect();
        assert_eq!(names, ["two", "III", "one"]);
        assert!(queue.get(second).is_some_and(|track| track.played));
        assert_eq!((queue.index_of(first), queue.id_at(0)), (Some(2), Some(second)));
        assert_eq!(queue.last(), Some(&track("one")));
    });
    // A missing item is not an error.
    store.update(&QUEUE, |queue| {
        queue.remove(second);
        assert!(queue.remove(second).is_none() && queue.set(second, track("x")).is_none());
        assert!(!queue.move_to(7, 0) && queue.update(7, |_| ()).is_none());
        assert_eq!((queue.index_of(second), queue.contains(second)), (None, false));
        assert!(queue.pop().is_some() && queue.pop().is_some() && queue.pop().is_none());
    });
}

#[test]
fn c8_steps_are_applied_in_their_order() {
    let store = ReactonStore::new();
    let log = log_steps(&store);
    store.update(&NAMES, |names| names.push("d"));
    store.update(&NAMES, |names| names.move_to(3, 0));
    store.batch(|store| {
        store.update(&NAMES, |names| names.set(1, "A"));
        store.update(&NAMES, |names| names.remove(0));
        store.update(&NAMES, |names| names.insert(1, "x"));
        store.update(&NAMES, |names| names.move_to(3, 0));
    });
    assert_eq!(names(&store), "cAxb");
    let batch = ["-0 d", "2 to 0", "+2 x", "1 a A"];
    assert_eq!(log.take(), [vec!["+3 d"], vec!["3 to 0"], batch.to_vec()]);
}

#[test]
fn c8_a_step_holds_the_items_by_count() {
    let store = ReactonStore::new();
    store.update(&COUNTED, |list| list.extend([track("one"), track("two")]));
    let before = store.get(&COUNTED);
    let steps = Log::new();
    let heard = steps.clone();
    store.subscribe_changes(&COUNTED, move |_, steps| heard.push(steps.to_vec()));
    store.update(&COUNTED, |list| list.set(1, track("II")));
    let now = store.get(&COUNTED);
    let steps = steps.take().concat();
    let [Diff::Set { index: 1, old, new }] = steps.as_slice() else { panic!("{steps:?}") };
    assert!(before.get_arc(1).is_some_and(|held| Arc::ptr_eq(held, old)));
    assert!(now.get_arc(1).is_some_and(|held| Arc::ptr_eq(held, new)));
    // Items that are not edited are not copied.
    let both = before.get_arc(0).zip(now.get_arc(0));
    assert!(both.is_some_and(|(one, two)| Arc::ptr_eq(one, two)));
}

#[test]
fn c8_an_edit_that_puts_everything_back_is_no_change() {
    let store = ReactonStore::new();
    let (log, called) = (log_steps(&store), runs(&store, &NAMES));
    store.batch(|store| {
        store.update(&NAMES, |names| names.move_to(0, 2));
        store.update(&NAMES, |names| names.push("x"));
        store.update(&NAMES, |names| names.set(0, "B"));
        store.update(&NAMES, |names| names.set(0, "b"));
        store.update(&NAMES, ReactonList::pop);
        store.update(&NAMES, |names| names.move_to(2, 0));
    });
    store.update(&NAMES, |names| names.set(1, "b"));
    store.update(&NAMES, |_| ());
    store.update(&NAMES, |names| names.move_to(1, 1));
    assert_eq!((names(&store), log.take(), called.get()), ("abc".to_owned(), vec![], 0));
    // An equal item takes the place of a removed one.
    store.update(&NAMES, |names| {
        names.remove(1);
        names.insert(1, "b");
    });
    assert_eq!((log.take(), called.get()), (vec![], 0));
}

#[test]
fn c8_eq_compares_items() {
    let store = ReactonStore::new();
    store.update(&BY_NAME, |list| list.push(track("one")));
    let called = runs(&store, &BY_NAME);
    store.update(&BY_NAME, |list| list.update(0, |track| track.played = true));
    assert_eq!(called.get(), 0);
    assert!(store.with(&BY_NAME, |list| list.get(0).is_some_and(|track| track.played)));
    store.update(&BY_NAME, |list| list.update(0, |track| track.name.push('!')));
    assert_eq!(called.get(), 1);
    let (called, steps) = (runs(&store, &OPAQUE), Log::new());
    let heard = steps.clone();
    store.subscribe_changes(&OPAQUE, move |_, steps| heard.push(steps.len()));
    store.update(&OPAQUE, |list| list.push(Opaque));
    store.update(&OPAQUE, |list| list.set(0, Opaque));
    store.update(&OPAQUE, |list| list.set(7, Opaque));
    assert_eq!((called.get(), steps.take()), (2, vec![1, 1]));
}

#[test]
fn c8_set_reports_only_the_items_that_differ() {
    let store = ReactonStore::new();
    let (log, called) = (log_steps(&store), runs(&store, &NAMES));
    store.set(&NAMES, ReactonList::from(["a", "b", "c"]));
    assert_eq!((log.take(), called.get()), (vec![], 0));
    store.set(&NAMES, ReactonList::from(["a", "x", "c"]));
    assert_eq!(log.take().concat(), ["1 b x"]);
    let mut sorted = store.get(&NAMES);
    sorted.move_to(1, 2);
    sorted.push("y");
    store.set(&NAMES, sorted);
    assert_eq!(log.take().concat(), ["1 to 2", "+3 y"]);
    let before = store.replace(&NAMES, ReactonList::new());
    assert_eq!((before.len(), log.take().concat().len(), called.get()), (4, 4, 3));
    store.remove(&NAMES);
    assert_eq!(names(&store), "abc");
}

#[test]
fn c8_an_item_is_observed_by_its_id() {
    let store = ReactonStore::new();
    let second = store.with(&NAMES, |names| names.id_at(1)).expect("the list has three items");
    let log = Log::new();
    let heard = log.clone();
    store.subscribe(&NAMES.at(second), move |_, name| heard.push(*name));
    assert_eq!(store.get(&NAMES.at(second)), Some("b"));
    store.update(&NAMES, |names| names.set(0, "A"));
    store.update(&NAMES, |names| names.move_to(second, 0));
    store.update(&NAMES, |names| names.insert(0, "first"));
    assert_eq!(log.take(), []);
    store.update(&NAMES, |names| names.set(second, "B"));
    let before = store.snapshot();
    store.update(&NAMES, |names| names.remove(second));
    store.update(&NAMES, |names| names.push("B"));
    store.restore(&before);
    assert_eq!(log.take(), [Some("B"), None, Some("B")]);
    let upper = store.computed(move |cx| cx.get(&NAMES.at(second)).map(str::to_lowercase));
    assert_eq!(store.get(&upper).as_deref(), Some("b"));
}

#[test]
fn c8_restore_changes_only_the_items_that_differ() {
    let store = ReactonStore::new();
    let many: Vec<_> = (0..1000).map(|n| track(&n.to_string())).collect();
    store.batch(|store| {
        store.update(&QUEUE, |queue| queue.extend(many.clone()));
        store.set(&TITLE, "old".into());
    });
    let before = store.snapshot();
    store.update(&QUEUE, |queue| {
        queue.remove(10);
        queue.move_to(500, 0);
        queue.set(700, track("new"));
    });
    let after = store.snapshot();
    assert_eq!(before.diff(&after), [QUEUE.reacton_ref()]);
    let model = Rc::new(std::cell::RefCell::new(
        store.with(&QUEUE, |queue| queue.iter().cloned().collect::<Vec<_>>()),
    ));
    let (kept, steps) = (Rc::clone(&model), Log::new());
    let heard = steps.clone();
    store.subscribe_changes(&QUEUE, move |_, steps| {
        for step in steps {
            step.apply(&mut kept.borrow_mut());
        }
        heard.push(steps.len());
    });
    store.restore(&before);
    assert_eq!((steps.take(), &*model.borrow()), (vec![3], &many));
    assert!(before.diff(&store.snapshot()).is_empty());
    store.restore(&after);
    assert_eq!(steps.take(), [3]);
    assert!(store.with(&QUEUE, |queue| queue.iter().eq(model.borrow().iter())));
    // A restore into a store that has not used the list.
    let other = ReactonStore::new();
    other.restore(&after);
    other.update(&QUEUE, |queue| queue.push(track("more")));
    assert_eq!(other.with(&QUEUE, ReactonList::len), 1000);
}

#[test]
fn c8_a_batch_commits_what_it_wrote_before_it_panicked() {
    let store = ReactonStore::new();
    let log = log_steps(&store);
    panic_of(|| {
        store.update(&NAMES, |names| {
            names.push("d");
            names.move_to(3, 0);
            names.update(0, |_| panic!("broken on purpose"))
        });
    });
    assert_eq!((log.take().concat(), names(&store)), (vec!["+0 d".to_owned()], "dabc".to_owned()));
    let words = panic_of(|| store.update(&NAMES, |_| store.with(&NAMES, ReactonList::len)));
    assert!(words.contains("NAMES"), "{words}");
}

fn next(stream: &mut (impl Stream<Item = Vec<Diff<&'static str>>> + Unpin)) -> Option<Vec<String>> {
    let poll = Pin::new(stream).poll_next(&mut Context::from_waker(Waker::noop()));
    match poll {
        Poll::Ready(steps) => steps.map(|steps| steps.iter().map(told).collect()),
        Poll::Pending => None,
    }
}

#[test]
fn c8_a_slow_stream_of_a_list_is_composed() {
    let store = ReactonStore::new();
    let (mut here, handle) = (store.stream_changes(&NAMES), store.handle());
    let mut there = handle.stream_changes(&NAMES);
    store.pump();
    for _ in 0..1000 {
        store.update(&NAMES, |names| {
            names.move_to(0, 2);
            names.push("x");
            names.remove(2);
        });
        store.update(&NAMES, |names| names.insert(0, "y"));
        store.update(&NAMES, |names| names.remove(0));
    }
    let expected = ["+0 x", "+1 x", "+2 x"].map(str::to_owned).to_vec();
    assert_eq!((next(&mut here), next(&mut there)), (Some(expected.clone()), Some(expected)));
    assert_eq!((next(&mut here), next(&mut there)), (None, None));
}

#[test]
fn c8_another_name_of_a_list_is_declared_by_merge() {
    let store = ReactonStore::new();
    let called = runs(&store, &PLAYLIST);
    let id = store.update(&PLAYLIST, |list| list.push("one".into()));
    assert_eq!((store.get(&PLAYLIST.at(id)).as_deref(), called.get()), (Some("one"), 1));
    store.update(&PLAYLIST, ReactonList::clear);
    assert_eq!((store.get(&PLAYLIST.at(id)), called.get()), (None, 2));
}

#[test]
fn c8_a_long_list_is_edited_at_both_ends_and_in_the_middle() {
    let store = ReactonStore::new();
    store.batch(|store| {
        for n in 0..5000 {
            store.update(&QUEUE, |queue| {
                queue.push(track(&n.to_string()));
                queue.insert(0, track("first"));
                queue.insert(n / 2, track("middle"));
            });
        }
    });
    assert_eq!(store.with(&QUEUE, ReactonList::len), 15_000);
    while !store.with(&QUEUE, ReactonList::is_empty) {
        store.update(&QUEUE, |queue| (queue.remove(0), queue.pop(), queue.remove(queue.len() / 2)));
    }
}
