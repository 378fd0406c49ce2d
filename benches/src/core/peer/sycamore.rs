//! `sycamore-reactive`: computeds are selectors, because its memos do not compare.

use sycamore_reactive::{
    ReadSignal, Signal, batch, create_effect, create_root, create_selector, create_signal,
};

use super::{Peer, Value};

#[derive(Clone)]
pub(crate) struct Sycamore;

impl Peer for Sycamore {
    type Source = Signal<i64>;
    type Computed<T: Value> = ReadSignal<T>;
    type Reader<'r> = ();

    fn enter<R: 'static>(f: impl FnOnce(&Self) -> R) -> R {
        let root = create_root(|| ());
        let result = root.run_in(|| f(&Self));
        root.dispose();
        result
    }

    fn source(&self, value: i64) -> Self::Source {
        create_signal(value)
    }

    fn computed<T: Value>(&self, f: impl Fn(&()) -> T + 'static) -> ReadSignal<T> {
        create_selector(move || f(&()))
    }

    fn effect(&self, f: impl Fn(&()) + 'static) {
        create_effect(move || f(&()));
    }

    fn get(&self, source: Self::Source) -> i64 {
        source.get()
    }

    fn get_computed<T: Value>(&self, computed: ReadSignal<T>) -> T {
        computed.get_clone()
    }

    fn read((): &(), source: Self::Source) -> i64 {
        source.get()
    }

    fn read_computed<T: Value>((): &(), computed: ReadSignal<T>) -> T {
        computed.get_clone()
    }

    fn write(&self, source: Self::Source, value: i64) {
        source.set(value);
    }

    fn batch(&self, f: impl FnOnce()) {
        batch(f);
    }
}
