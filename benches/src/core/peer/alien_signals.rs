//! `alien-signals`: a Rust port of the fastest JavaScript library, with unsafe code and an arena that is never freed.

use ::alien_signals::{Computed, Signal, computed, effect, end_batch, signal, start_batch};

use super::{Peer, Value};

#[derive(Clone)]
pub(crate) struct AlienSignals;

impl Peer for AlienSignals {
    type Source = Signal<i64>;
    type Computed<T: Value> = Computed<T>;
    type Reader<'r> = ();

    fn enter<R: 'static>(f: impl FnOnce(&Self) -> R) -> R {
        f(&Self)
    }

    fn source(&self, value: i64) -> Self::Source {
        signal(value)
    }

    fn computed<T: Value>(&self, f: impl Fn(&()) -> T + 'static) -> Computed<T> {
        computed(move |_| f(&()))
    }

    fn effect(&self, f: impl Fn(&()) + 'static) {
        effect(move || f(&()));
    }

    fn get(&self, source: Self::Source) -> i64 {
        source.get()
    }

    fn get_computed<T: Value>(&self, computed: Computed<T>) -> T {
        computed.get()
    }

    fn read((): &(), source: Self::Source) -> i64 {
        source.get()
    }

    fn read_computed<T: Value>((): &(), computed: Computed<T>) -> T {
        computed.get()
    }

    fn write(&self, source: Self::Source, value: i64) {
        source.set(value);
    }

    fn batch(&self, f: impl FnOnce()) {
        start_batch();
        f();
        end_batch();
    }
}
