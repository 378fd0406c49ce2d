//! C18 with keys and items whose own code panics once, anywhere: while it is written, sent, joined, kept or dropped.
//!
//! Of each 1,000 calls of user code 40 panic, in one case each; `REACTON_SEEDS=1000` lets every one panic.
//! `REACTON_SEED=804` repeats the case of the call with this number.

#[path = "user_keys/part.rs"]
mod part;

use std::cell::{Cell, RefCell};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::rc::Rc;

use reacton::collections::Changing;
use reacton::prelude::*;
use reacton::testing::{Simulation, sweep};
use reacton_support::{from_env, panic_text, quietly, restart_always};

use self::part::{LEFT, Part};

#[reacton]
static MAP: ReactonMap<Part, Part> = ReactonMap::new();

#[reacton(zero_copy)]
static COUNTED: ReactonMap<Part, Part> = ReactonMap::new();

#[reacton]
static SET: ReactonSet<Part> = ReactonSet::new();

#[reacton]
static LIST: ReactonList<Part> = ReactonList::new();

#[reacton(zero_copy)]
static LINE: ReactonList<Part> = ReactonList::new();

#[reacton]
static FAMILY: Family<Part, Part> = |_| Part(0);

/// Has no code that panics: what is written with the others must arrive.
#[reacton]
static TITLE: u8 = 0;

/// What a store has, without a call of user code.
#[derive(Debug, PartialEq, Default, Clone)]
struct Shown {
    maps: [Vec<(u8, u8)>; 2],
    set: Vec<u8>,
    lists: [Vec<u8>; 2],
    family: Vec<(u8, u8)>,
    title: u8,
}

fn map_of(rows: &ReactonMap<Part, Part>) -> Vec<(u8, u8)> {
    rows.iter().map(|(key, value)| (key.0, value.0)).collect()
}

fn set_of(set: &ReactonSet<Part>) -> Vec<u8> {
    set.iter().map(|key| key.0).collect()
}

fn list_of(list: &ReactonList<Part>) -> Vec<u8> {
    list.iter().map(|item| item.0).collect()
}

impl Shown {
    /// How many entries and items differ from those of another store.
    fn differences(&self, other: &Self) -> usize {
        fn of<T: PartialEq>(one: &[T], other: &[T]) -> usize {
            let missing =
                |one: &[T], other: &[T]| one.iter().filter(|entry| !other.contains(entry)).count();
            missing(one, other).max(missing(other, one))
        }
        let maps = self.maps.iter().zip(&other.maps).map(|(one, other)| of(one, other));
        let lists = self.lists.iter().zip(&other.lists).map(|(one, other)| of(one, other));
        maps.chain(lists).sum::<usize>()
            + of(&self.set, &other.set)
            + of(&self.family, &other.family)
            + usize::from(self.title != other.title)
    }
}

fn shown(store: &ReactonStore) -> Shown {
    let mut family: Vec<_> = store
        .keys(&FAMILY)
        .into_iter()
        .map(|key| {
            let number = key.0;
            (number, store.with(&FAMILY.of(key), |value| value.0))
        })
        .collect();
    family.sort_unstable();
    Shown {
        maps: [store.with(&MAP, map_of), store.with(&COUNTED, map_of)],
        set: store.with(&SET, set_of),
        lists: [store.with(&LIST, list_of), store.with(&LINE, list_of)],
        family,
        title: store.get(&TITLE),
    }
}

/// Members with smaller keys are observed, and never removed.
const OBSERVED: u8 = 6;

/// The copies that the observers of a store build.
#[derive(Clone, Default)]
struct Copies(Rc<RefCell<Shown>>);

impl Copies {
    fn observe<R: Changing>(
        &self,
        store: &ReactonStore,
        reacton: &R,
        mut apply: impl FnMut(&mut Shown, &R::Change) + 'static,
    ) {
        let copies = self.clone();
        store.subscribe_changes(reacton, move |_, changes| {
            let mut copies = copies.0.borrow_mut();
            for change in changes {
                apply(&mut copies, change);
            }
        });
    }

    /// Begins before anything is written.
    fn of(store: &ReactonStore) -> Self {
        fn put(map: &mut Vec<(u8, u8)>, key: u8, value: Option<u8>) {
            map.retain(|(other, _)| *other != key);
            map.extend(value.map(|value| (key, value)));
            map.sort_unstable();
        }
        let mut begin = shown(store);
        begin.family.retain(|(key, _)| *key < OBSERVED);
        let copies = Self(Rc::new(RefCell::new(begin)));
        copies.observe(store, &MAP, |copies, change| {
            put(&mut copies.maps[0], change.key().0, change.new().map(|new| new.0));
        });
        copies.observe(store, &COUNTED, |copies, change| {
            put(&mut copies.maps[1], change.key().0, change.new().map(|new| new.0));
        });
        copies.observe(store, &SET, |copies, change| {
            copies.set.retain(|key| *key != change.key().0);
            copies.set.extend(change.new().map(|()| change.key().0));
            copies.set.sort_unstable();
        });
        copies.observe(store, &LIST, |copies, diff| {
            diff.apply_with(&mut copies.lists[0], |item| item.0);
        });
        copies.observe(store, &LINE, |copies, diff| {
            diff.apply_with(&mut copies.lists[1], |item| item.0);
        });
        for key in 0..OBSERVED {
            let told = copies.clone();
            store.subscribe(&FAMILY.of(Part(key)), move |_, value| {
                let mut copies = told.0.borrow_mut();
                copies.family.retain(|(other, _)| *other != key);
                copies.family.push((key, value.0));
                copies.family.sort_unstable();
            });
        }
        let told = copies.clone();
        store.subscribe(&TITLE, move |_, title| told.0.borrow_mut().title = *title);
        copies
    }

    fn check(&self, store: &ReactonStore, name: &str) {
        let (copies, mut now) = (self.0.borrow().clone(), shown(store));
        now.family.retain(|(key, _)| *key < OBSERVED);
        assert_eq!(copies, now, "the observers of {name}");
    }
}

thread_local! {
    /// The workers' stores, and the copies of their observers.
    static STARTED: RefCell<Vec<(ReactonStore, Copies)>> = const { RefCell::new(Vec::new()) };
}

#[derive(Clone, Copy, Debug)]
struct Case {
    away: bool,
    delivery: Delivery,
    /// The number of calls of user code before the one that panics.
    left: u64,
}

struct Pair {
    simulation: Simulation,
    store: ReactonStore,
    copies: Copies,
    worker: Option<IsolateStore>,
    panicked: Cell<bool>,
}

impl Pair {
    fn guard<U>(&self, f: impl FnOnce() -> U) -> Option<U> {
        let result = catch_unwind(AssertUnwindSafe(f));
        self.panicked.set(self.panicked.get() || result.is_err());
        result.ok()
    }

    fn settle(&self) {
        while self.guard(|| self.simulation.step()).unwrap_or(true) {}
    }

    fn spawn(&mut self, case: Case) {
        let builder = IsolateStore::builder()
            .shared(shared![MAP, COUNTED, SET, LIST, LINE, FAMILY, TITLE])
            .delivery(case.delivery)
            .restart(restart_always());
        let spawn = || {
            builder.spawn(&self.store, |store: &ReactonStore| {
                let copies = Copies::of(store);
                STARTED.with_borrow_mut(|started| started.push((store.clone(), copies)));
            })
        };
        let spawned = if case.away { self.simulation.away(spawn) } else { spawn() };
        self.worker = spawned.ok();
    }

    fn there(&self) -> Option<(ReactonStore, Copies)> {
        let present = self.simulation.store_of(self.worker.as_ref()?)?;
        STARTED.with_borrow(|started| {
            started.iter().find(|(store, _)| reacton::testing::is_same(store, &present)).cloned()
        })
    }
}

fn edit_lists(store: &ReactonStore, f: impl Fn(&mut ReactonList<Part>)) {
    store.update(&LIST, &f);
    store.update(&LINE, &f);
}

fn put(store: &ReactonStore, key: u8, value: u8) {
    store.update(&MAP, |rows| drop(rows.insert(Part(key), Part(value))));
    store.update(&COUNTED, |rows| drop(rows.insert(Part(key), Part(value))));
    store.update(&SET, |set| set.insert(Part(key)));
    store.set(&FAMILY.of(Part(key)), Part(value));
}

fn take(store: &ReactonStore, key: u8) {
    store.update(&MAP, |rows| drop(rows.remove(&Part(key))));
    store.update(&COUNTED, |rows| drop(rows.remove(&Part(key))));
    store.update(&SET, |set| set.remove(&Part(key)));
}

/// A step of a program, in the main store or in that of the worker.
type Step = (bool, fn(&ReactonStore));

const STEPS: [Step; 14] = [
    (true, |store| {
        store.batch(|store| {
            for key in [1, 3, 2] {
                put(store, key, 10 + key);
            }
            edit_lists(store, |list| list.extend([4, 5, 6].map(Part)));
            store.set(&TITLE, 1);
        });
    }),
    (false, |store| {
        store.batch(|store| {
            put(store, 4, 20);
            take(store, 1);
            put(store, 2, 21);
            edit_lists(store, |list| {
                list.move_to(0, 2);
                list.set(1, Part(22));
                list.insert(1, Part(23));
            });
            store.set(&TITLE, 2);
        });
    }),
    (true, |store| put(store, 1, 30)),
    (false, |store| put(store, 1, 31)),
    (true, |store| edit_lists(store, |list| drop(list.remove(0)))),
    (false, |store| edit_lists(store, |list| _ = list.move_to(0, 1))),
    (true, |store| {
        store.batch(|store| {
            store.update(&MAP, ReactonMap::clear);
            store.set(&COUNTED, ReactonMap::new());
            put(store, 5, 40);
        });
    }),
    (false, |store| put(store, 3, 50)),
    (true, |store| take(store, 3)),
    (true, |store| edit_lists(store, |list| list.extend([7, 8].map(Part)))),
    (false, |store| edit_lists(store, ReactonList::clear)),
    (true, |store| edit_lists(store, |list| _ = list.insert(0, Part(9)))),
    // Not observed: the removal ends its observers.
    (true, |store| store.set(&FAMILY.of(Part(9)), Part(9))),
    (false, |store| store.remove(&FAMILY.of(Part(9)))),
];

/// Runs the steps with one call of user code that panics. Returns whether one did.
fn interrupt(case: Case) -> bool {
    let simulation = Simulation::new(case.left);
    let store = ReactonStore::new();
    put(&store, 0, 1);
    edit_lists(&store, |list| _ = list.push(Part(1)));
    let copies = Copies::of(&store);
    let mut pair = Pair { simulation, store, copies, worker: None, panicked: Cell::new(false) };
    LEFT.set(Some(case.left));
    _ = catch_unwind(AssertUnwindSafe(|| pair.spawn(case)));
    if pair.worker.is_none() {
        // The error of the spawn says why.
        LEFT.set(None);
        pair.spawn(case);
    }
    pair.settle();
    let step = |(of_main, step): Step| {
        if of_main {
            pair.guard(|| step(&pair.store));
        } else if let Some((there, _)) = pair.there() {
            pair.guard(|| step(&there));
        }
    };
    let worker = pair.worker.as_ref().expect("the worker starts");
    for (number, action) in STEPS.into_iter().enumerate() {
        match number {
            5 => _ = pair.guard(|| pause(worker, true)),
            7 => _ = pair.guard(|| pause(worker, false)),
            10 => _ = pair.guard(|| sweep(&pair.store)),
            _ => {}
        }
        step(action);
        // Some are written at the same time.
        if number % 3 != 2 {
            pair.settle();
        }
    }
    pair.settle();
    let broke = LEFT.take().is_none();
    let there = pair.there().unwrap_or_else(|| panic!("{case:?}: the worker is not replaced"));
    let (here, below) = (shown(&pair.store), shown(&there.0));
    let error = pair.store.get(worker.last_error());
    assert!(
        here == below || error.is_some(),
        "{case:?}: nothing says why\n{here:?} is not\n{below:?}"
    );
    // One call harms one entry.
    let differences = here.differences(&below);
    assert!(differences <= 1, "{case:?}: {error:?}\n{here:?} is not\n{below:?}");
    // Any later write replaces what could not be sent.
    for key in 0..6 {
        take(&pair.store, key);
        put(&pair.store, key, 100 + key);
    }
    edit_lists(&pair.store, |list| *list = [100, 101].map(Part).into());
    pair.store.remove(&FAMILY.of(Part(9)));
    pair.store.set(&TITLE, 100);
    pair.settle();
    let there = pair.there().unwrap_or_else(|| panic!("{case:?}: the worker is not replaced"));
    let (here, below) = (shown(&pair.store), shown(&there.0));
    assert_eq!(here, below, "{case:?}, after later writes");
    let expected: Vec<_> = (0..6).map(|key| (key, 100 + key)).collect();
    assert_eq!(here.maps, [expected.clone(), expected.clone()], "{case:?}");
    assert_eq!((here.family, here.lists), (expected, [vec![100, 101], vec![100, 101]]), "{case:?}");
    pair.copies.check(&pair.store, &format!("main, {case:?}"));
    there.1.check(&there.0, &format!("the worker, {case:?}"));
    STARTED.take();
    broke
}

fn pause(worker: &IsolateStore, pauses: bool) {
    macro_rules! each {
        ($($reacton:ident)*) => {
            $(if pauses { worker.pause(&$reacton) } else { worker.resume(&$reacton) })*
        };
    }
    each!(MAP COUNTED SET LIST LINE FAMILY TITLE);
}

fn interrupt_each(away: bool, delivery: Delivery) {
    if let Some(left) = from_env("REACTON_SEED") {
        interrupt(Case { away, delivery, left });
        return;
    }
    let interrupt = |left| {
        let case = Case { away, delivery, left };
        let result = quietly(|| catch_unwind(|| interrupt(case)));
        result.unwrap_or_else(|payload| panic!("{}", panic_text(&*payload)))
    };
    // Of these calls one panics: there are some thousand.
    let step = 1000 / from_env("REACTON_SEEDS").unwrap_or(40).clamp(1, 1000);
    let mut left = 0;
    while interrupt(left) {
        left += step;
    }
    assert!(left > 1000, "only {left} calls of user code");
}

#[test]
fn c18_whichever_code_of_a_key_or_an_item_panics_the_stores_go_on() {
    interrupt_each(false, Delivery::Every);
}

#[test]
fn c18_whichever_code_panics_under_latest_the_stores_go_on() {
    interrupt_each(false, Delivery::Latest);
}

#[test]
fn c18_whichever_code_panics_of_a_worker_in_a_process_the_stores_go_on() {
    interrupt_each(true, Delivery::Every);
    interrupt_each(true, Delivery::Latest);
}
