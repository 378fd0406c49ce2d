//! `dioxus-signals`: memos and effects are tasks of a virtual document, which is empty here.

use std::cell::{Cell, RefCell};
use std::panic::Location;
use std::rc::Rc;

use dioxus_core::{
    Element, ReactiveContext, Runtime, RuntimeGuard, ScopeId, VNode, VirtualDom, queue_effect,
    spawn,
};
use dioxus_signals::{Memo, ReadableExt, Signal, WritableExt};
use futures_util::StreamExt;

use super::{Peer, Value};

#[derive(Clone)]
pub(crate) struct Dioxus {
    dom: Rc<RefCell<VirtualDom>>,
}

impl Peer for Dioxus {
    type Source = Signal<i64>;
    type Computed<T: Value> = Memo<T>;
    type Reader<'r> = ();

    fn enter<R: 'static>(f: impl FnOnce(&Self) -> R) -> R {
        let mut dom = VirtualDom::new(nothing);
        dom.rebuild_in_place();
        let runtime: Rc<Runtime> = dom.runtime();
        let _guard = RuntimeGuard::new(Rc::clone(&runtime));
        let world = Self { dom: Rc::new(RefCell::new(dom)) };
        world.settle();
        runtime.in_scope(ScopeId::APP, || f(&world))
    }

    fn source(&self, value: i64) -> Self::Source {
        Signal::new(value)
    }

    fn computed<T: Value>(&self, f: impl Fn(&()) -> T + 'static) -> Memo<T> {
        Memo::new(move || f(&()))
    }

    /// Does what `use_effect` of dioxus-hooks does, without a component.
    fn effect(&self, f: impl Fn(&()) + 'static) {
        let f = Rc::new(f);
        let queued = Rc::new(Cell::new(false));
        let (context, mut changed) = ReactiveContext::new_with_origin(Location::caller());
        let queue = move || {
            if queued.replace(true) {
                return;
            }
            let (f, queued) = (Rc::clone(&f), Rc::clone(&queued));
            queue_effect(move || {
                context.reset_and_run_in(|| f(&()));
                queued.set(false);
            });
        };
        queue();
        spawn(async move {
            while changed.next().await.is_some() {
                queue();
            }
        });
    }

    fn get(&self, source: Self::Source) -> i64 {
        source.cloned()
    }

    fn get_computed<T: Value>(&self, computed: Memo<T>) -> T {
        computed.cloned()
    }

    fn read((): &(), source: Self::Source) -> i64 {
        source.cloned()
    }

    fn read_computed<T: Value>((): &(), computed: Memo<T>) -> T {
        computed.cloned()
    }

    fn write(&self, mut source: Self::Source, value: i64) {
        source.set(value);
    }

    fn settle(&self) {
        self.dom.borrow_mut().process_events();
    }

    fn batch(&self, f: impl FnOnce()) {
        f();
        self.settle();
    }
}

#[expect(clippy::unnecessary_wraps, reason = "the type of a component")]
fn nothing() -> Element {
    Ok(VNode::placeholder())
}
