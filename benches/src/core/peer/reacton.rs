//! This library, with reactons made at run time.

use ::reacton::{LocalComputed, LocalReacton, ReactonStore, Reader};

use super::{Peer, Value};

#[derive(Clone)]
pub(crate) struct Locals(ReactonStore);

impl Peer for Locals {
    type Source = LocalReacton<i64>;
    type Computed<T: Value> = LocalComputed<T>;
    type Reader<'r> = Reader<'r>;

    fn enter<R: 'static>(f: impl FnOnce(&Self) -> R) -> R {
        f(&Self(ReactonStore::new()))
    }

    fn source(&self, value: i64) -> Self::Source {
        self.0.reacton(value)
    }

    fn computed<T: Value>(&self, f: impl Fn(&Reader<'_>) -> T + 'static) -> LocalComputed<T> {
        self.0.computed(f)
    }

    fn effect(&self, f: impl Fn(&Reader<'_>) + 'static) {
        self.0.effect(f);
    }

    fn get(&self, source: Self::Source) -> i64 {
        self.0.get(&source)
    }

    fn get_computed<T: Value>(&self, computed: LocalComputed<T>) -> T {
        self.0.get(&computed)
    }

    fn read(reader: &Reader<'_>, source: Self::Source) -> i64 {
        reader.get(&source)
    }

    fn read_computed<T: Value>(reader: &Reader<'_>, computed: LocalComputed<T>) -> T {
        reader.get(&computed)
    }

    fn write(&self, source: Self::Source, value: i64) {
        self.0.set(&source, value);
    }

    fn batch(&self, f: impl FnOnce()) {
        self.0.batch(|_| f());
    }
}
