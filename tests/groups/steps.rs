//! G6: what one step is.

use std::rc::Rc;
use std::time::Duration;

use reacton::prelude::*;
use reacton::testing::Simulation;

#[reacton]
static SIZE: u32 = 0;
#[reacton]
static NAME: String = String::new();
#[reacton]
static ROWS: ReactonMap<u32, u32> = ReactonMap::new();
#[reacton]
static NOTE: Family<u32, u32> = |_| 0;

const EDITED: Group = group![SIZE, NAME, ROWS, NOTE];

#[worker(shared = [NAME])]
fn idle(_: &ReactonStore) {}

const WINDOW: Duration = Duration::from_millis(400);

#[test]
fn g6_as_many_steps_are_kept_as_the_program_says() {
    let store = ReactonStore::new();
    let history = store.history(EDITED).keep(3);
    for size in 1..=10 {
        store.set(&SIZE, size);
    }
    while history.undo() {}
    assert_eq!(store.get(&SIZE), 7);
    let history = history.keep(2);
    history.redo();
    history.redo();
    history.redo();
    assert_eq!(store.get(&SIZE), 10);
    store.set(&SIZE, 11);
    while history.undo() {}
    assert_eq!(store.get(&SIZE), 9);
    let history = history.keep(0);
    store.set(&SIZE, 1);
    assert!(!history.undo());
}

#[test]
fn g6_writes_of_one_reacton_within_the_window_are_one_step() {
    let simulation = Simulation::new(1);
    let store = ReactonStore::new();
    let _worker = idle::spawn(&store).expect("the worker starts");
    simulation.settle();
    let history = store.history(EDITED).coalesce(WINDOW);
    // A slider is dragged for two seconds.
    for size in 1..=20 {
        store.set(&SIZE, size);
        simulation.advance(Duration::from_millis(100));
    }
    simulation.advance(Duration::from_secs(1));
    store.set(&SIZE, 30);
    history.undo();
    assert_eq!(store.get(&SIZE), 20);
    history.undo();
    assert_eq!(store.get(&SIZE), 0);
    assert!(!history.undo());
    // What was undone does not go on.
    history.redo();
    store.set(&SIZE, 21);
    history.undo();
    assert_eq!(store.get(&SIZE), 20);
}

#[test]
fn g6_another_reacton_begins_another_step() {
    let store = ReactonStore::new();
    let history = store.history(EDITED).coalesce(Duration::from_secs(3600));
    store.set(&SIZE, 1);
    store.set(&SIZE, 2);
    store.set(&NAME, "a".into());
    store.set(&SIZE, 3);
    store.batch(|store| {
        store.set(&SIZE, 4);
        store.set(&NAME, "b".into());
    });
    store.set(&SIZE, 5);
    store.set(&NOTE.of(1), 1);
    store.set(&NOTE.of(1), 2);
    store.set(&NOTE.of(2), 1);
    let mut seen = Vec::new();
    while history.undo() {
        seen.push((store.get(&SIZE), store.get(&NAME), store.get(&NOTE.of(1))));
    }
    let name = |name: &str| name.to_owned();
    let expected = [
        (5, name("b"), 2),
        (5, name("b"), 0),
        (4, name("b"), 0),
        (3, name("a"), 0),
        (2, name("a"), 0),
        (2, name(""), 0),
        (0, name(""), 0),
    ];
    assert_eq!(seen, expected);
}

#[test]
fn g6_a_mark_ends_a_step_that_would_go_on() {
    let store = ReactonStore::new();
    let history = store.history(EDITED).coalesce(Duration::from_secs(3600));
    store.set(&SIZE, 1);
    store.set(&SIZE, 2);
    history.mark();
    store.set(&SIZE, 3);
    history.undo();
    assert_eq!(store.get(&SIZE), 2);
    history.undo();
    assert_eq!(store.get(&SIZE), 0);
}

#[test]
fn g6_between_two_marks_all_transactions_are_one_step() {
    let store = ReactonStore::new();
    let history = store.history(EDITED);
    store.set(&SIZE, 1);
    history.mark();
    store.set(&SIZE, 2);
    store.set(&NAME, "a".into());
    store.update(&ROWS, |rows| rows.insert(1, 1));
    store.update(&ROWS, |rows| rows.insert(1, 2));
    store.update(&ROWS, |rows| rows.insert(2, 2));
    history.mark();
    history.mark();
    store.set(&NAME, "b".into());
    assert!(history.undo());
    assert_eq!(store.get(&NAME), "a");
    assert!(history.undo());
    assert_eq!((store.get(&SIZE), store.get(&NAME)), (1, String::new()));
    assert!(store.with(&ROWS, ReactonMap::is_empty));
    assert!(history.redo());
    assert!(store.with(&ROWS, |rows| rows.iter().eq([(&1, &2), (&2, &2)])));
    assert!(history.undo() && history.undo() && !history.undo());
    assert_eq!(store.get(&SIZE), 0);
}

#[test]
fn g6_a_mark_in_a_batch_divides_it() {
    let store = ReactonStore::new();
    let history = store.history(EDITED);
    store.batch(|store| {
        store.set(&SIZE, 1);
        history.mark();
        store.set(&SIZE, 2);
    });
    history.undo();
    assert_eq!(store.get(&SIZE), 1);
    history.undo();
    assert_eq!(store.get(&SIZE), 0);
}

/// A number, and what shows whether something still holds it.
#[derive(Clone)]
struct Held {
    number: u32,
    _token: Rc<()>,
}

impl PartialEq for Held {
    fn eq(&self, other: &Self) -> bool {
        self.number == other.number
    }
}

#[reacton]
static HELD: Family<u32, Held> = |_| Held { number: 0, _token: Rc::new(()) };

#[test]
fn g6_of_a_member_that_was_removed_nothing_is_kept_but_its_steps() {
    const MEMBERS: Group = group![HELD, SIZE];
    let store = ReactonStore::new();
    let history = store.history(MEMBERS);
    // The last one is the initial value: its removal changes nothing.
    for (key, number) in [(1, 7), (2, 0)] {
        let token = Rc::new(());
        let set = |number, token: &Rc<()>| {
            store.set(&HELD.of(key), Held { number, _token: Rc::clone(token) });
        };
        set(5, &Rc::new(()));
        set(number, &token);
        assert_eq!(Rc::strong_count(&token), 2, "the value holds it");
        store.remove(&HELD.of(key));
        history.clear();
        store.set(&SIZE, key + 5);
        assert_eq!(Rc::strong_count(&token), 1, "something still holds the value of {key}");
    }
}
