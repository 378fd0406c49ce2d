//! `floem_reactive`: computeds are effects that write to a signal, at once and in the order of a hash map.

use floem_reactive::{
    Memo, RwSignal, Scope, SignalGet, SignalUpdate, batch, create_effect, create_memo,
    create_rw_signal, with_scope,
};

use super::{Peer, Value};

#[derive(Clone)]
pub(crate) struct Floem;

impl Peer for Floem {
    type Source = RwSignal<i64>;
    type Computed<T: Value> = Memo<T>;
    type Reader<'r> = ();

    fn enter<R: 'static>(f: impl FnOnce(&Self) -> R) -> R {
        let scope = Scope::new();
        let result = with_scope(scope, || f(&Self));
        scope.dispose();
        result
    }

    fn source(&self, value: i64) -> Self::Source {
        create_rw_signal(value)
    }

    fn computed<T: Value>(&self, f: impl Fn(&()) -> T + 'static) -> Memo<T> {
        create_memo(move |_| f(&()))
    }

    fn effect(&self, f: impl Fn(&()) + 'static) {
        create_effect(move |_| f(&()));
    }

    fn get(&self, source: Self::Source) -> i64 {
        source.get()
    }

    fn get_computed<T: Value>(&self, computed: Memo<T>) -> T {
        computed.get()
    }

    fn read((): &(), source: Self::Source) -> i64 {
        source.get()
    }

    fn read_computed<T: Value>((): &(), computed: Memo<T>) -> T {
        computed.get()
    }

    fn write(&self, source: Self::Source, value: i64) {
        source.set(value);
    }

    fn batch(&self, f: impl FnOnce()) {
        batch(f);
    }
}
