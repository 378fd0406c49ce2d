//! Views and folds, and lists that observers of a view build from its steps.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

use reacton::collections::{Changing, Rows};
use reacton::prelude::*;

use super::super::{COUNTED, LINE, QUEUE, ROWS, TAGS, TITLE};
use super::copies::{Copied, list_of, map_of, set_of, shared};
use super::{Begun, equal};

/// A list that is built from the steps of a view, and the view itself, which is read.
fn view<K, S>(
    store: &ReactonStore,
    view: View<K, u16, S>,
    now: fn(&ReactonStore) -> Vec<u16>,
) -> Begun
where
    K: Ord + Clone + 'static,
    S: Ord + Clone + 'static,
{
    let values = |rows: &Rows<K, u16, S>| rows.values().copied().collect::<Vec<_>>();
    let [copy, told] = shared(store.with(&view, values));
    let steps = store.subscribe_changes(&view, move |_, diffs| told.borrow_mut().apply_all(diffs));
    Begun::new([steps], move |store| {
        let now = now(store);
        equal(&*copy.borrow(), &now);
        equal(&store.with(&view, values), &now);
    })
}

/// As [`view`], without an observer: what has changed since the last read is applied by the next one.
fn read<K, S>(view: View<K, u16, S>, now: fn(&ReactonStore) -> Vec<u16>) -> Begun
where
    K: Ord + Clone + 'static,
    S: Ord + Clone + 'static,
{
    Begun::new([], move |store| {
        equal(&store.with(&view, |rows| rows.values().copied().collect()), &now(store));
    })
}

fn sorted_rows(store: &ReactonStore) -> Vec<u16> {
    let mut rows: Vec<_> = store.with(&ROWS, map_of).into_iter().collect();
    rows.retain(|(key, value)| u16::from(*key) + value != 3);
    rows.sort_by_key(|(key, value)| (Reverse(*value), *key));
    rows.into_iter().map(|(_, value)| value).collect()
}

pub(super) fn sorted(store: &ReactonStore) -> Begun {
    let make = || {
        let rows = store.view(&ROWS).filter(|key, value| u16::from(*key) + value != 3);
        rows.sort_by_key(|_, value| Reverse(*value))
    };
    view(store, make(), sorted_rows).and(read(make(), sorted_rows))
}

pub(super) fn first(store: &ReactonStore) -> Begun {
    let rows = store.view(&ROWS).filter(|key, value| u16::from(*key) + value != 3);
    let first = rows.sort_by_key(|_, value| Reverse(*value)).head(2);
    view(store, first, |store| sorted_rows(store).into_iter().take(2).collect())
}

/// The predicate depends on a value that arrives, too.
pub(super) fn filtered(store: &ReactonStore) -> Begun {
    let even = store.view(&COUNTED).filter_by(&TITLE, |title, _, value| value >= title);
    view(store, even.map(|_, value| value / 2), |store| {
        let (title, rows) = (store.get(&TITLE), store.with(&COUNTED, map_of));
        rows.into_values().filter(|value| *value >= title).map(|value| value / 2).collect()
    })
}

pub(super) fn listed(store: &ReactonStore) -> Begun {
    let line = store.view(&LINE).filter(|_, item| item % 3 > 0);
    let line = view(store, line, |store| {
        store.with(&LINE, list_of).into_iter().filter(|item| item % 3 > 0).collect()
    });
    // Items that are equal have an order of their own, that of their ids.
    let queue = store.view(&QUEUE).sort_by_key(|_, item| *item);
    line.and(view(store, queue, |store| {
        let mut items = store.with(&QUEUE, list_of);
        items.sort_unstable();
        items
    }))
}

/// Folds that are read now and then. `init` is empty.
fn fold<R, C>(store: &ReactonStore, reacton: &'static R, of: fn(&R::Value) -> C) -> Begun
where
    R: Changing<Change: std::fmt::Debug>,
    C: Copied<R::Change> + Default + Clone,
{
    let fold = store.fold(reacton, C::default(), |mut copy, change| {
        copy.apply_all(std::slice::from_ref(change));
        copy
    });
    Begun::new([], move |store| equal(&store.get(&fold), &store.with(reacton, of)))
}

pub(super) fn folds(store: &ReactonStore) -> Begun {
    let sum = store.fold(&ROWS, 0, |sum, change| {
        sum + change.new().map_or(0, |new| u64::from(**new))
            - change.old().map_or(0, |old| u64::from(**old))
    });
    let rows: Begun = fold::<_, BTreeMap<u8, u16>>(store, &ROWS, map_of);
    let tags: Begun = fold::<_, BTreeSet<u8>>(store, &TAGS, set_of);
    let [copy, told] = shared(store.get(&sum));
    let observer = store.subscribe(&sum, move |_, sum| _ = told.replace(*sum));
    rows.and(tags).and(Begun::new([observer], move |store| {
        let now = store.with(&ROWS, |rows| rows.values().map(|value| u64::from(*value)).sum());
        equal(&store.get(&sum), &now);
        equal(&*copy.borrow(), &now);
    }))
}

pub(super) fn folds_of_lists(store: &ReactonStore) -> Begun {
    fold(store, &LINE, list_of).and(fold(store, &QUEUE, list_of))
}
