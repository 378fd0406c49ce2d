//! S8: a value that the store holds during a call of user code may panic when it is dropped, even if that user code has
//! panicked. Each test runs in a separate process, because a second panic during unwinding aborts the process.

use std::cell::Cell;
use std::mem::forget;

use reacton::prelude::*;
use reacton_support::{Log, in_child, panic_of};

thread_local! {
    static IS_ARMED: Cell<bool> = const { Cell::new(false) };
}

/// Panics when it is dropped or compared while it is armed.
#[derive(Clone)]
struct Bomb(u32);

impl Drop for Bomb {
    fn drop(&mut self) {
        assert!(!IS_ARMED.get(), "the drop of {}", self.0);
    }
}

impl PartialEq for Bomb {
    fn eq(&self, other: &Self) -> bool {
        assert!(!IS_ARMED.get(), "an equality");
        self.0 == other.0
    }
}

#[reacton]
static BOMB: Bomb = Bomb(0);

#[reacton]
static HAS_NO_INITIAL: Bomb = panic!("an initial value");

/// Returns the message of the panic of `f`, in which each drop of a bomb panics.
fn armed(f: impl FnOnce()) -> String {
    IS_ARMED.set(true);
    let words = panic_of(f);
    IS_ARMED.set(false);
    words
}

#[test]
fn s8_the_new_value_of_a_computed_is_held_while_it_is_compared() {
    in_child(|| {
        let store = ReactonStore::new();
        let source = store.reacton(0);
        let computed = store.computed(move |cx| Bomb(cx.get(&source)));
        store.with(&computed, |_| ());
        store.set(&source, 1);
        assert_eq!(armed(|| store.with(&computed, |_| ())), "an equality");
        store.set(&source, 2);
        assert_eq!(store.with(&computed, |bomb| bomb.0), 2);
    });
}

#[test]
fn s8_the_result_of_a_replace_is_held_while_observers_are_called() {
    in_child(|| {
        let store = ReactonStore::new();
        let local = store.reacton_with(Bomb(0), |_, _| false);
        let log = Log::new();
        let heard = log.clone();
        store.subscribe(&local, move |_, bomb: &Bomb| {
            heard.push(bomb.0);
            panic!("an observer");
        });
        // The panic of the replaced value's drop comes first.
        assert_eq!(armed(|| forget(store.replace(&local, Bomb(3)))), "the drop of 0");
        assert_eq!(log.take(), [3]);
    });
}

#[test]
fn s8_the_result_of_a_batch_or_an_update_is_held_while_observers_are_called() {
    in_child(|| {
        let store = ReactonStore::new();
        let (text, number) = (store.reacton(String::from("a")), store.reacton(0));
        store.subscribe(&text, |_, _| panic!("an observer"));
        store.subscribe(&number, |_, _| panic!("an observer"));
        let batch = |store: &ReactonStore| {
            store.set(&number, 1);
            Bomb(9)
        };
        assert_eq!(armed(|| forget(store.batch(batch))), "an observer");
        let edit = |text: &mut String| {
            text.push('x');
            Bomb(9)
        };
        assert_eq!(armed(|| forget(store.update(&text, edit))), "an observer");
        let edit = |number: &mut i32| {
            *number += 1;
            Bomb(9)
        };
        assert_eq!(armed(|| forget(store.update(&number, edit))), "an observer");
        assert_eq!((store.get(&text), store.get(&number)), ("ax".into(), 2));
    });
}

#[test]
fn s8_the_result_of_an_update_is_held_while_the_value_from_before_is_dropped() {
    in_child(|| {
        let store = ReactonStore::new();
        let local = store.reacton_with(Bomb(1), |_, _| false);
        let edit = |value: &mut Bomb| {
            store.set(&local, Bomb(2));
            value.0 = 3;
            Bomb(9)
        };
        assert_eq!(armed(|| forget(store.update(&local, edit))), "the drop of 2");
        assert_eq!(store.with(&local, |bomb| bomb.0), 3);
    });
}

#[test]
fn s8_an_initial_value_is_held_while_it_is_compared() {
    in_child(|| {
        let store = ReactonStore::new();
        let before = store.snapshot();
        store.set(&BOMB, Bomb(2));
        let after = store.snapshot();
        assert_eq!(armed(|| forget(after.diff(&before))), "an equality");
        assert_eq!(armed(|| store.restore(&before)), "an equality");
    });
}

#[test]
fn s8_a_value_is_held_while_the_initial_value_is_made() {
    in_child(|| {
        let store = ReactonStore::new();
        assert_eq!(armed(|| store.set(&HAS_NO_INITIAL, Bomb(1))), "an initial value");
        assert_eq!(armed(|| forget(store.replace(&HAS_NO_INITIAL, Bomb(1)))), "an initial value");
    });
}

#[test]
fn s9_what_a_refused_call_was_to_take_may_panic_when_it_is_dropped() {
    in_child(|| {
        let store = ReactonStore::new();
        let local = store.reacton(1);
        store.remove(&local);
        let bomb = Bomb(1);
        let words = armed(|| _ = store.subscribe(&local, move |_, _| _ = &bomb));
        assert!(words.contains("removed"), "{words}");
        store.dispose();
        let words = armed(|| _ = store.reacton(Bomb(1)));
        assert!(words.contains("disposed"), "{words}");
        let words = armed(|| _ = store.reacton_with(Bomb(1), |_, _| true));
        assert!(words.contains("disposed"), "{words}");
        let bomb = Bomb(2);
        let words = armed(|| _ = store.computed(move |_| bomb.0));
        assert!(words.contains("disposed"), "{words}");
    });
}
