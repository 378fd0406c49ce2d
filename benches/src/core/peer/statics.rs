//! This library with declared statics, whose cells are found by their ids.

use std::cell::Cell;
use std::rc::Rc;

use ::reacton::{LocalComputed, Reacton, ReactonStore, Reader};

use super::{Peer, Value};

/// The store holds all of these, so that a look-up has to find one among many.
macro_rules! declare {
    ($($name:ident)*) => {
        $(#[::reacton::reacton] static $name: i64 = 0;)*
        static ALL: &[&Reacton<i64>] = &[$(&$name),*];
    };
}

declare! {
    A0 A1 A2 A3 A4 A5 A6 A7 B0 B1 B2 B3 B4 B5 B6 B7 C0 C1 C2 C3 C4 C5 C6 C7 D0 D1 D2 D3 D4 D5 D6 D7
    E0 E1 E2 E3 E4 E5 E6 E7 F0 F1 F2 F3 F4 F5 F6 F7 G0 G1 G2 G3 G4 G5 G6 G7 H0 H1 H2 H3 H4 H5 H6 H7
}

#[derive(Clone)]
pub(crate) struct Statics {
    store: ReactonStore,
    taken: Rc<Cell<usize>>,
}

impl Peer for Statics {
    type Source = &'static Reacton<i64>;
    type Computed<T: Value> = LocalComputed<T>;
    type Reader<'r> = Reader<'r>;

    fn enter<R: 'static>(f: impl FnOnce(&Self) -> R) -> R {
        let store = ReactonStore::new();
        for reacton in ALL {
            store.get(reacton);
        }
        f(&Self { store, taken: Rc::default() })
    }

    fn source(&self, value: i64) -> Self::Source {
        let source = ALL[self.taken.replace(self.taken.get() + 1)];
        self.store.set(source, value);
        source
    }

    fn computed<T: Value>(&self, f: impl Fn(&Reader<'_>) -> T + 'static) -> LocalComputed<T> {
        self.store.computed(f)
    }

    fn effect(&self, f: impl Fn(&Reader<'_>) + 'static) {
        self.store.effect(f);
    }

    fn get(&self, source: Self::Source) -> i64 {
        self.store.get(source)
    }

    fn get_computed<T: Value>(&self, computed: LocalComputed<T>) -> T {
        self.store.get(&computed)
    }

    fn read(reader: &Reader<'_>, source: Self::Source) -> i64 {
        reader.get(source)
    }

    fn read_computed<T: Value>(reader: &Reader<'_>, computed: LocalComputed<T>) -> T {
        reader.get(&computed)
    }

    fn write(&self, source: Self::Source, value: i64) {
        self.store.set(source, value);
    }

    fn batch(&self, f: impl FnOnce()) {
        self.store.batch(|_| f());
    }
}
