//! S9, S10: a store that user code disposes in the middle of a call keeps nothing, and the call ends as it would after
//! `dispose`.

use std::cell::RefCell;
use std::rc::Rc;

use reacton::prelude::*;
use reacton_support::panic_of;

thread_local! {
    /// The store that the next comparison, clone, initial value or computation disposes.
    static DOOMED: RefCell<Option<ReactonStore>> = const { RefCell::new(None) };
    static KEPT: Rc<()> = Rc::new(());
}

fn strike() {
    if let Some(store) = DOOMED.take() {
        store.dispose();
    }
}

fn kept() -> usize {
    KEPT.with(Rc::strong_count) - 1
}

/// Disposes the store in `DOOMED` when it is compared or cloned.
struct Dire(u32, #[expect(dead_code, reason = "it is counted")] Rc<()>);

impl Dire {
    fn new(number: u32) -> Self {
        Self(number, KEPT.with(Rc::clone))
    }
}

impl PartialEq for Dire {
    fn eq(&self, other: &Self) -> bool {
        strike();
        self.0 == other.0
    }
}

impl Clone for Dire {
    fn clone(&self) -> Self {
        strike();
        Self::new(self.0)
    }
}

#[reacton]
static DIRE: Dire = {
    strike();
    Dire::new(1)
};

#[reacton]
static FAMILY: Family<u32, Dire> = |key| {
    strike();
    Dire::new(*key)
};

#[reacton]
static PLAIN: u32 = 1;

#[computed]
static STRIKES: u32 = |cx| {
    strike();
    cx.get(&PLAIN) + 1
};

#[computed]
static DISPOSES: u32 = |cx| {
    cx.untracked(ReactonStore::dispose);
    7
};

/// Calls `f` with a store that is disposed in the middle of the call.
#[track_caller]
fn in_the_middle<U>(prepare: impl FnOnce(&ReactonStore), f: impl FnOnce(&ReactonStore) -> U) -> U {
    let store = ReactonStore::new();
    let local = store.reacton(String::from("local"));
    prepare(&store);
    DOOMED.set(Some(store.clone()));
    let result = f(&store);
    DOOMED.take();
    assert!(store.is_disposed(), "the store was not disposed");
    let words = panic_of(|| store.get(&local));
    assert!(words.contains("disposed"), "{words}");
    assert_eq!(kept(), 0, "the store still holds values");
    store.set(&PLAIN, 5);
    assert_eq!((store.get(&PLAIN), store.get(&STRIKES)), (1, 2));
    result
}

#[test]
fn s10_a_store_disposed_in_the_middle_of_subscribe_keeps_nothing() {
    let hold = || {
        let kept = KEPT.with(Rc::clone);
        move || _ = &kept
    };
    in_the_middle(
        |_| (),
        |store| {
            let guard = hold();
            store.subscribe(&STRIKES, move |_, _| guard());
        },
    );
    in_the_middle(
        |_| (),
        |store| {
            let guard = hold();
            store.subscribe(&DIRE, move |_, _| guard()).unsubscribe();
        },
    );
    in_the_middle(
        |_| (),
        |store| {
            let guard = hold();
            store.watch(&FAMILY.of(1), move |_, _| guard());
        },
    );
    in_the_middle(
        |_| (),
        |store| {
            let guard = hold();
            store.effect(move |cx| {
                cx.get(&STRIKES);
                guard();
                cx.store().subscribe(&PLAIN, |_, _| ());
            });
        },
    );
    in_the_middle(|_| (), |store| drop(store.changes(&STRIKES)));
}

#[test]
fn s10_a_store_disposed_in_the_middle_of_restore_keeps_nothing() {
    let store = ReactonStore::new();
    for key in 0..8 {
        store.set(&FAMILY.of(key), Dire::new(key + 10));
    }
    store.set(&PLAIN, 3);
    let snapshot = RefCell::new(Some(store.snapshot()));
    drop(store);
    let write = |store: &ReactonStore| {
        (0..8).for_each(|key| store.set(&FAMILY.of(key), Dire::new(key + 20)));
    };
    in_the_middle(write, |store| {
        let snapshot = snapshot.take().expect("the snapshot is used once");
        store.restore(&snapshot);
    });
    in_the_middle(write, |store| store.restore(&ReactonStore::new().snapshot()));
}

#[test]
fn s10_a_store_disposed_in_the_middle_of_a_write_keeps_nothing() {
    let hold = |store: &ReactonStore| store.with(&DIRE, |_| ());
    in_the_middle(hold, |store| store.set(&DIRE, Dire::new(2)));
    in_the_middle(hold, |store| store.batch(|store| store.set(&DIRE, Dire::new(2))));
    in_the_middle(hold, |store| drop(store.replace(&DIRE, Dire::new(2))));
    in_the_middle(hold, |store| {
        store.update(&DIRE, |dire| {
            strike();
            dire.0 = 5;
        });
    });
    in_the_middle(hold, |store| {
        store.update_if(&DIRE, |_| {
            strike();
            true
        });
    });
    in_the_middle(hold, |store| drop(store.get(&DIRE)));
    in_the_middle(hold, |store| {
        store.with(&DIRE, |_| store.update(&DIRE, |dire| dire.0 = 5));
    });
    in_the_middle(|_| (), |store| store.touch(&DIRE));
    in_the_middle(|_| (), |store| store.remove(&DIRE));
    in_the_middle(|_| (), |store| store.set(&FAMILY.of(1), Dire::new(2)));
}

#[test]
fn s9_a_computed_that_disposes_its_store_has_its_value_nevertheless() {
    let store = ReactonStore::new();
    assert_eq!(store.get(&DISPOSES), 7);
    assert!(store.is_disposed());
    assert_eq!(store.get(&DISPOSES), 7);
    let store = ReactonStore::new();
    store.subscribe(&DISPOSES, |_, _| ());
    let store = ReactonStore::new();
    let local = store.computed(|cx| {
        cx.untracked(ReactonStore::dispose);
        7
    });
    let words = panic_of(|| store.get(&local));
    assert!(words.contains("disposed"), "{words}");
}

#[test]
fn s9_a_reacton_that_is_removed_in_the_middle_of_subscribe_is_subscribed_to_anew_or_says_so() {
    #[computed]
    static REMOVES_ITSELF: u32 = |cx| {
        let value = cx.get(&PLAIN);
        cx.untracked(|store| store.remove(&STRIKES));
        value
    };
    #[computed]
    static ABOVE: u32 = |cx| cx.get(&REMOVES_ITSELF) + cx.get(&STRIKES);
    let store = ReactonStore::new();
    let log = crate::Log::new();
    let heard = log.clone();
    store.subscribe(&ABOVE, move |_, above| heard.push(*above));
    store.set(&PLAIN, 2);
    assert_eq!(log.take(), [5]);
    let place: Rc<RefCell<Option<LocalComputed<u32>>>> = Rc::default();
    let own = Rc::clone(&place);
    let local = store.computed(move |cx| {
        if let Some(local) = own.take() {
            cx.untracked(|store| store.remove(&local));
        }
        1
    });
    place.replace(Some(local));
    store.subscribe(&local, |_, _| ());
    store.dispose();
}
