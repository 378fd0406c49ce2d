//! `reactive_graph`, the core of leptos: its effects are tasks, here of the executor that its documentation recommends.

use any_spawner::Executor;
use reactive_graph::computed::Memo;
use reactive_graph::effect::Effect;
use reactive_graph::owner::Owner;
use reactive_graph::signal::RwSignal;
use reactive_graph::traits::{Get, Set};
use send_wrapper::SendWrapper;

use super::{Peer, Value};

#[derive(Clone)]
pub(crate) struct ReactiveGraph;

impl Peer for ReactiveGraph {
    type Source = RwSignal<i64>;
    type Computed<T: Value> = Memo<T>;
    type Reader<'r> = ();

    fn enter<R: 'static>(f: impl FnOnce(&Self) -> R) -> R {
        // The executor is set for the whole thread, so a second world finds it set.
        let _ = Executor::init_futures_executor();
        let owner = Owner::new();
        let result = owner.with(|| f(&Self));
        owner.cleanup();
        Executor::poll_local();
        result
    }

    fn source(&self, value: i64) -> Self::Source {
        RwSignal::new(value)
    }

    fn computed<T: Value>(&self, f: impl Fn(&()) -> T + 'static) -> Memo<T> {
        // The handles of other libraries are not `Send`, so the workloads do not require their closures to be `Send`.
        let f = SendWrapper::new(f);
        Memo::new(move |_| f(&()))
    }

    fn effect(&self, f: impl Fn(&()) + 'static) {
        Effect::new(move |_: Option<()>| f(&()));
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

    fn settle(&self) {
        Executor::poll_local();
    }

    fn batch(&self, f: impl FnOnce()) {
        f();
        self.settle();
    }
}
