//! Observers that build copies of the collections of a store, only from the changes that they are told.
//!
//! A copy that is told too little, too much, or in the wrong order differs from its collection.

#[path = "mirrors/copies.rs"]
mod copies;
#[path = "mirrors/derived.rs"]
mod derived;

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::fmt::Debug;
use std::rc::Rc;

use futures_core::Stream;
use reacton::ScopedSubscription;
use reacton::collections::{ChangeOf, Changing};
use reacton::prelude::*;
use reacton::testing::is_same;

use self::copies::{Copied, list_of, map_of, noticed, read, set_of, shared};
use super::edits::KEYS;
use super::{COUNTED, LINE, MARK, QUEUE, ROWS, TAGS, TOTAL};

/// Compares a copy with its collection; `true` if all stores have applied everything.
type Check = Rc<dyn Fn(&ReactonStore, bool)>;

/// What has begun in a store: one observer or more, a view or a fold.
struct Begun {
    check: Check,
    subscriptions: Vec<ScopedSubscription>,
}

impl Begun {
    fn new<const N: usize>(
        subscriptions: [Subscription; N],
        check: impl Fn(&ReactonStore) + 'static,
    ) -> Self {
        let check = Rc::new(move |store: &ReactonStore, _| check(store));
        Self { check, subscriptions: subscriptions.map(Subscription::scoped).into() }
    }

    /// Both of them.
    fn and(mut self, other: Self) -> Self {
        self.subscriptions.extend(other.subscriptions);
        let (one, other) = (self.check, other.check);
        let check = Rc::new(move |store: &ReactonStore, at_rest| {
            one(store, at_rest);
            other(store, at_rest);
        });
        Self { check, ..self }
    }
}

struct Mirror {
    store: ReactonStore,
    kind: usize,
    begun: Begun,
}

/// Each kind of mirror: its name, and how it begins.
type Kind = (&'static str, fn(&ReactonStore) -> Begun);

const ALL: [Kind; 18] = [
    ("changes of ROWS", |store| changes(store, &ROWS, map_of)),
    ("changes of COUNTED", |store| changes(store, &COUNTED, map_of)),
    ("changes of TAGS", |store| changes(store, &TAGS, set_of)),
    ("steps of QUEUE", |store| changes(store, &QUEUE, list_of)),
    ("steps of LINE", |store| changes(store, &LINE, list_of)),
    ("streams of ROWS and LINE", |store| {
        let rows = stream(store.stream_changes(&ROWS), false, |store| store.with(&ROWS, map_of));
        let line = stream(store.stream_changes(&LINE), false, |store| store.with(&LINE, list_of));
        rows.and(line)
    }),
    ("streams of COUNTED and QUEUE on any thread", |store| {
        let (counted, queue) =
            (store.handle().stream_changes(&COUNTED), store.handle().stream_changes(&QUEUE));
        let counted = stream(counted, true, |store| store.with(&COUNTED, map_of));
        counted.and(stream(queue, true, |store| store.with(&QUEUE, list_of)))
    }),
    ("a sorted view of ROWS", derived::sorted),
    ("a view of COUNTED, filtered by TITLE", derived::filtered),
    ("the first two of a sorted view of ROWS", derived::first),
    ("views of LINE and QUEUE", derived::listed),
    ("folds of ROWS and TAGS", derived::folds),
    ("folds of LINE and QUEUE", derived::folds_of_lists),
    ("the number of TOTAL", number),
    ("an effect of TOTAL", number_of_effect),
    ("entries of ROWS and COUNTED", entries),
    ("whole values", whole),
    ("members of MARK", members),
];

/// The kind of the mirrors of members.
const MEMBERS: usize = KINDS - 1;

/// How many kinds there are.
pub(super) const KINDS: usize = ALL.len();

thread_local! {
    static MIRRORS: RefCell<Vec<Mirror>> = const { RefCell::new(Vec::new()) };
}

/// Called for a new schedule.
pub(super) fn forget_all() {
    let before = MIRRORS.take();
    drop(before);
    noticed();
}

pub(super) fn name(kind: usize) -> &'static str {
    ALL[kind].0
}

/// Lets the mirrors of these kinds, a bit for each, begin in a store.
pub(super) fn begin(store: &ReactonStore, kinds: usize) {
    for (kind, (_, begin)) in ALL.iter().enumerate().filter(|(kind, _)| kinds & (1 << kind) != 0) {
        let mirror = Mirror { store: store.clone(), kind, begun: begin(store) };
        MIRRORS.with_borrow_mut(|mirrors| mirrors.push(mirror));
    }
}

/// Ends the mirrors of a kind. Returns whether there was one.
fn end(store: &ReactonStore, kind: usize) -> bool {
    let is_it = |mirror: &mut Mirror| mirror.kind == kind && is_same(&mirror.store, store);
    let ended: Vec<_> = MIRRORS.with_borrow_mut(|mirrors| mirrors.extract_if(.., is_it).collect());
    !ended.is_empty()
}

/// Ends the mirrors of a kind, or lets one begin.
pub(super) fn toggle(store: &ReactonStore, kind: usize) {
    if !end(store, kind) {
        begin(store, 1 << kind);
    }
}

/// The store has removed a member, which ends its observers there.
pub(super) fn begin_members_again(store: &ReactonStore) {
    if end(store, MEMBERS) {
        begin(store, 1 << MEMBERS);
    }
}

/// Compares all mirrors of a store with its collections. Returns how many there are.
pub(super) fn compare(store: &ReactonStore, node: usize, at_rest: bool) -> u64 {
    let refuse = |which: &str| {
        if let Some(fault) = noticed() {
            panic!("{which} of node {node} was told what cannot be: {fault}");
        }
    };
    refuse("an observer");
    let own: Vec<_> = MIRRORS.with_borrow(|mirrors| {
        let own = mirrors.iter().filter(|mirror| is_same(&mirror.store, store));
        own.map(|mirror| (mirror.kind, Rc::clone(&mirror.begun.check))).collect()
    });
    for (kind, check) in &own {
        check(store, at_rest);
        refuse(name(*kind));
    }
    own.len() as u64
}

/// Keeps it as a fault if the copy differs.
fn equal<C: PartialEq + Debug>(copy: &C, now: &C) {
    if copy != now {
        copies::notice(|| format!("it has {copy:?} in place of {now:?}"));
    }
}

/// A copy of an observer of changes.
fn changes<R, C>(store: &ReactonStore, reacton: &'static R, of: fn(&R::Value) -> C) -> Begun
where
    R: Changing<Change: Debug>,
    C: Copied<ChangeOf<R>>,
{
    let [copy, told] = shared(store.with(reacton, of));
    let subscription =
        store.subscribe_changes(reacton, move |_, changes| told.borrow_mut().apply_all(changes));
    Begun::new([subscription], move |store| equal(&*copy.borrow(), &store.with(reacton, of)))
}

/// A copy of the reader of a stream, which begins with everything; if it is `remote`, in a turn of the store.
fn stream<S, C, Change>(stream: S, remote: bool, now: fn(&ReactonStore) -> C) -> Begun
where
    S: Stream<Item = Vec<Change>> + Unpin + 'static,
    C: Copied<Change> + Default,
    Change: Debug + 'static,
{
    let reader = RefCell::new((stream, C::default()));
    let check = move |store: &ReactonStore, at_rest| {
        let (stream, copy) = &mut *reader.borrow_mut();
        // In a batch, no turn is taken for it.
        store.batch(|_| read(stream, |changes| copy.apply_all(&changes)));
        if at_rest || !remote {
            equal(copy, &now(store));
        }
    };
    Begun { check: Rc::new(check), subscriptions: Vec::new() }
}

/// The number of a counter, as its observer is told.
fn number(store: &ReactonStore) -> Begun {
    let [copy, told] = shared(store.get(&TOTAL).value());
    let observer = store.subscribe(&TOTAL, move |_, total| _ = told.replace(total.value()));
    Begun::new([observer], move |store| equal(&*copy.borrow(), &store.get(&TOTAL).value()))
}

fn number_of_effect(store: &ReactonStore) -> Begun {
    let [copy, told] = shared(0);
    let effect = store.effect(move |cx| _ = told.replace(cx.with(&TOTAL, Counter::value)));
    Begun::new([effect], move |store| equal(&*copy.borrow(), &store.get(&TOTAL).value()))
}

/// Entries of maps, one observer for each.
fn entries(store: &ReactonStore) -> Begun {
    fn put(copy: &mut BTreeMap<u8, u16>, key: u8, value: Option<u16>) {
        match value {
            Some(value) => copy.insert(key, value),
            None => copy.remove(&key),
        };
    }
    let [copy, told] = shared((store.with(&ROWS, map_of), store.with(&COUNTED, map_of)));
    let subscriptions = (0..KEYS).flat_map(|key| {
        let (rows, counted) = (told.clone(), told.clone());
        [
            store.subscribe(&ROWS.at(key), move |_, value| {
                put(&mut rows.borrow_mut().0, key, *value);
            }),
            store.subscribe(&COUNTED.at(key), move |_, value| {
                put(&mut counted.borrow_mut().1, key, *value);
            }),
        ]
    });
    let subscriptions = subscriptions.map(Subscription::scoped).collect();
    let begun = Begun::new([], move |store| {
        equal(&*copy.borrow(), &(store.with(&ROWS, map_of), store.with(&COUNTED, map_of)));
    });
    Begun { subscriptions, ..begun }
}

/// Members of a family, one observer for each.
fn members(store: &ReactonStore) -> Begun {
    fn now(store: &ReactonStore) -> Vec<u16> {
        (0..KEYS).map(|key| store.get(&MARK.of(key))).collect()
    }
    let [copy, told] = shared(now(store));
    let subscriptions = (0..KEYS).map(|key| {
        let told = told.clone();
        store
            .subscribe(&MARK.of(key), move |_, mark| told.borrow_mut()[usize::from(key)] = *mark)
            .scoped()
    });
    let subscriptions = subscriptions.collect();
    let begun = Begun::new([], move |store| equal(&*copy.borrow(), &now(store)));
    Begun { subscriptions, ..begun }
}

/// The values that observers of whole collections are called with.
fn whole(store: &ReactonStore) -> Begun {
    macro_rules! whole {
        ($($reacton:ident)*) => {
            [$({
                let [copy, told] = shared(store.get(&$reacton));
                let observer =
                    store.subscribe(&$reacton, move |_, now| _ = told.replace(now.clone()));
                Begun::new([observer], move |store| equal(&*copy.borrow(), &store.get(&$reacton)))
            }),*]
        };
    }
    let all = whole!(ROWS COUNTED TAGS QUEUE LINE);
    macro_rules! all {
        ($($name:ident)*) => {{
            let [$($name),*] = all;
            let none = Begun::new([], |_| ());
            none$(.and($name))*
        }};
    }
    all!(rows counted tags queue line)
}
