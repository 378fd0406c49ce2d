//! Warnings of debug builds: an `update` that leaves the value equal.
#![cfg(debug_assertions)]

use std::fmt::Debug;
use std::sync::{Arc, Mutex};

use reacton::prelude::*;
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Metadata, Subscriber};

use crate::{A, LIST};

#[reacton]
static NAME: String = String::from("Ada");

#[reacton(eq = never)]
static EVENT: u32 = 0;

#[reacton]
static SCORE: Family<u32, u32> = |_| 0;

/// Records each warning: its reacton and its text.
#[derive(Clone, Default)]
struct Warnings(Arc<Mutex<Vec<String>>>);

impl Visit for &Warnings {
    fn record_debug(&mut self, _: &Field, value: &dyn Debug) {
        self.0.lock().expect("the mutex is not poisoned").push(format!("{value:?}"));
    }
}

impl Subscriber for Warnings {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        *metadata.level() == tracing::Level::WARN
    }
    fn new_span(&self, _: &Attributes<'_>) -> Id {
        Id::from_u64(1)
    }
    fn record(&self, _: &Id, _: &Record<'_>) {}
    fn record_follows_from(&self, _: &Id, _: &Id) {}
    fn event(&self, event: &Event<'_>) {
        event.record(&mut &*self);
    }
    fn enter(&self, _: &Id) {}
    fn exit(&self, _: &Id) {}
}

/// Returns the warnings while `f` runs.
fn warned(f: impl FnOnce()) -> String {
    let warnings = Warnings::default();
    tracing::subscriber::with_default(warnings.clone(), f);
    let all = warnings.0.lock().expect("the mutex is not poisoned");
    all.join(" ")
}

/// A closure with an update that leaves the value equal.
type Wrong<'a> = &'a dyn Fn(&ReactonStore);

#[test]
fn an_update_that_leaves_the_value_equal_is_warned_of_once_with_its_name_and_the_remedy() {
    let store = ReactonStore::new();
    let local = store.reacton(7_i64);
    let wrong: [(&str, Wrong<'_>); 5] = [
        ("A", &|store| _ = store.update(&A, |a| *a + 1)),
        ("LIST", &|store| _ = store.update(&LIST, |list| [list.clone(), vec![2]].concat())),
        ("NAME", &|store| _ = store.update(&NAME, |name| name.to_uppercase())),
        ("SCORE", &|store| store.batch(|store| store.update_if(&SCORE.of(1), |_| true))),
        ("local reacton of i64", &|store| _ = store.update(&local, |n| *n + 1)),
    ];
    for (name, update) in wrong {
        let words = warned(|| update(&store));
        let remedies = ["in place", "`update_if`", "`touch`"];
        assert!(
            words.contains(name) && remedies.iter().all(|remedy| words.contains(remedy)),
            "{words}"
        );
        assert_eq!(warned(|| update(&store)), "", "once");
    }
}

#[test]
fn an_update_that_changes_or_says_no_and_one_that_is_not_compared_are_not_warned_of() {
    let store = ReactonStore::new();
    let words = warned(|| {
        store.update(&A, |a| *a += 1);
        store.update(&LIST, |list| list.push(2));
        store.update(&NAME, |name| name.push('!'));
        store.batch(|store| {
            store.update(&A, |a| *a += 1);
            store.update(&A, |a| *a -= 1);
        });
        store.update_if(&LIST, |_| false);
        store.update(&EVENT, |_| ());
        store.set(&A, 2);
        store.touch(&NAME);
    });
    assert_eq!(words, "");
}
