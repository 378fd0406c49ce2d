//! The adapters of a view: filters, maps and sort keys. Each contains the one before it.

use std::cell::{Cell, RefCell};
use std::sync::Arc;

use super::origin::{Origin, TakeEdit, TakeRow};
use super::rows::Placed;
use crate::ops::incremental::Seen;
use crate::reacton::access::Readable;
use crate::store::reader::Reader;
use crate::value::{Comparable, Held, Same};

/// Keeps the rows for which `keep` returns `true`.
pub(super) struct Filter<K, V: 'static, S, F> {
    pub(super) from: Box<dyn Origin<K, V, S>>,
    pub(super) keep: F,
}

impl<K, V: 'static, S, F: Fn(&K, &V) -> bool> Origin<K, V, S> for Filter<K, V, S, F> {
    fn begin(&self, reader: &Reader<'_>) -> bool {
        self.from.begin(reader)
    }

    fn news(&self, reader: &Reader<'_>, take: TakeEdit<'_, K, V, S>) -> bool {
        self.from.news(reader, &mut |key, placed| {
            let kept = placed.filter(|placed| (self.keep)(&key, &placed.row));
            take(key, kept);
        })
    }

    fn everything(&self, reader: &Reader<'_>, take: TakeRow<'_, K, V, S>) {
        self.from.everything(reader, &mut |key, placed| {
            if (self.keep)(&key, &placed.row) {
                take(key, placed);
            }
        });
    }

    fn same(&self) -> Same<V> {
        self.from.same()
    }

    fn end(&self) {
        self.from.end();
    }
}

/// Keeps the rows for which `keep` returns `true` when it is called with the value of a reacton.
pub(super) struct FilterBy<K, V: 'static, S, R: Readable, F> {
    from: Box<dyn Origin<K, V, S>>,
    reacton: R,
    keep: F,
    /// The value of the reacton, during a run.
    value: RefCell<Option<Held<R::Value>>>,
    /// Identifies the value of the reacton in the last run.
    seen: Cell<Option<Seen>>,
}

impl<K, V: 'static, S, R: Readable, F: Fn(&R::Value, &K, &V) -> bool> FilterBy<K, V, S, R, F> {
    pub(super) fn new(from: Box<dyn Origin<K, V, S>>, reacton: R, keep: F) -> Self {
        Self { from, reacton, keep, value: RefCell::default(), seen: Cell::default() }
    }

    /// Returns `keep` with the value of the reacton.
    fn keeps(&self) -> impl Fn(&K, &V) -> bool {
        let value = self.value.borrow().clone();
        move |key, row| value.as_ref().is_some_and(|value| (self.keep)(value, key, row))
    }
}

impl<K, V: 'static, S, R: Readable, F: Fn(&R::Value, &K, &V) -> bool> Origin<K, V, S>
    for FilterBy<K, V, S, R, F>
{
    fn begin(&self, reader: &Reader<'_>) -> bool {
        let is_new = self.from.begin(reader);
        let (value, seen) = reader.hold(&self.reacton);
        let _former = self.value.replace(Some(value));
        let is_same = self.seen.replace(seen) == seen && seen.is_some();
        is_new || !is_same
    }

    fn news(&self, reader: &Reader<'_>, take: TakeEdit<'_, K, V, S>) -> bool {
        let keeps = self.keeps();
        self.from.news(reader, &mut |key, placed| {
            let kept = placed.filter(|placed| keeps(&key, &placed.row));
            take(key, kept);
        })
    }

    fn everything(&self, reader: &Reader<'_>, take: TakeRow<'_, K, V, S>) {
        let keeps = self.keeps();
        self.from.everything(reader, &mut |key, placed| {
            if keeps(&key, &placed.row) {
                take(key, placed);
            }
        });
    }

    fn same(&self) -> Same<V> {
        self.from.same()
    }

    fn end(&self) {
        let _value = self.value.take();
        self.from.end();
    }
}

/// Replaces the value of each row by the result of `map`.
pub(super) struct Map<K, V: 'static, S, F> {
    pub(super) from: Box<dyn Origin<K, V, S>>,
    pub(super) map: F,
}

impl<K, V: 'static, U: Comparable, S, F: Fn(&K, &V) -> U> Origin<K, U, S> for Map<K, V, S, F> {
    fn begin(&self, reader: &Reader<'_>) -> bool {
        self.from.begin(reader)
    }

    fn news(&self, reader: &Reader<'_>, take: TakeEdit<'_, K, U, S>) -> bool {
        self.from.news(reader, &mut |key, placed| {
            let mapped = placed
                .map(|Placed { row, sort }| Placed { row: Arc::new((self.map)(&key, &row)), sort });
            take(key, mapped);
        })
    }

    fn everything(&self, reader: &Reader<'_>, take: TakeRow<'_, K, U, S>) {
        self.from.everything(reader, &mut |key, Placed { row, sort }| {
            let row = Arc::new((self.map)(&key, &row));
            take(key, Placed { row, sort });
        });
    }

    fn same(&self) -> Same<U> {
        Some(U::same)
    }

    fn end(&self) {
        self.from.end();
    }
}

/// Adds a sort key to each row.
pub(super) struct SortByKey<K, V: 'static, S, F> {
    pub(super) from: Box<dyn Origin<K, V, S>>,
    pub(super) sort: F,
}

impl<K, V: 'static, S, S2, F: Fn(&K, &V) -> S2> Origin<K, V, S2> for SortByKey<K, V, S, F> {
    fn begin(&self, reader: &Reader<'_>) -> bool {
        self.from.begin(reader)
    }

    fn news(&self, reader: &Reader<'_>, take: TakeEdit<'_, K, V, S2>) -> bool {
        self.from.news(reader, &mut |key, placed| {
            let sorted = placed.map(|Placed { row, .. }| {
                let sort = (self.sort)(&key, &row);
                Placed { row, sort }
            });
            take(key, sorted);
        })
    }

    fn everything(&self, reader: &Reader<'_>, take: TakeRow<'_, K, V, S2>) {
        self.from.everything(reader, &mut |key, Placed { row, .. }| {
            let sort = (self.sort)(&key, &row);
            take(key, Placed { row, sort });
        });
    }

    fn same(&self) -> Same<V> {
        self.from.same()
    }

    fn end(&self) {
        self.from.end();
    }
}
