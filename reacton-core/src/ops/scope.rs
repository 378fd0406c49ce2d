//! Scopes: what a part of a program subscribes, makes and spawns, under one handle that ends all of it.

use std::any::Any;
use std::fmt;
use std::panic::{Location, resume_unwind};

use crate::graph::{Body, CellId, Run};
use crate::panics::{FirstPanic, guarded};
use crate::store::{ReactonStore, WeakStore};
use crate::value::Value;

/// Owns what the closure of [`ReactonStore::scope`] has subscribed, made and spawned. Dropping it ends all of that.
#[must_use = "what was made in the scope ends when this is dropped: keep it as long as that must live"]
pub struct Scope {
    store: WeakStore,
    cell: CellId,
    /// What the closure returned.
    kept: Option<Box<dyn Any>>,
}

impl ReactonStore {
    /// Calls `f`, and returns the owner of what it subscribes, makes and spawns: a part of the program that can be ended as a whole.
    ///
    /// These end when the [`Scope`] is dropped: subscriptions, effects, local reactons, computeds, callbacks of
    /// [`on_wake`](Self::on_wake) and other scopes that are made while `f` runs; isolates and pools that are spawned meanwhile; and
    /// what `f` returns, which is kept and dropped last. They end as if the program had ended each: nothing of the scope is called
    /// afterwards, in the current round either, and the values of statics stay.
    ///
    /// The handle of an isolate or a pool may be dropped in `f`: the scope keeps it. One that leaves `f` works as usual, so it ends its
    /// isolate when it is dropped before the scope. A [`ScopedSubscription`](crate::ScopedSubscription) and a `Scope` end when they
    /// are dropped, also in `f`: to keep the scope of another part, return it from `f`.
    ///
    /// What a subscription makes later, when it is called, belongs to the program, and what an effect makes, to the run of the effect.
    /// [`untracked_root`](Self::untracked_root) makes what outlives the scope. A task of `run` belongs to no store: it runs to its end.
    ///
    /// Inside a scope, an effect or a computed, the new scope belongs to that, and ends with it at the latest.
    ///
    /// # Panics
    /// If `f` panics, with this panic; then all that it has made has ended.
    ///
    /// # Examples
    /// ```
    /// # use reacton_core::{ReactonStore, Scope};
    /// # use std::{cell::Cell, rc::Rc};
    /// let store = ReactonStore::new();
    /// let (count, heard) = (store.reacton(0), Rc::new(Cell::new(0)));
    /// let log = Rc::clone(&heard);
    /// let scope = store.scope(|store| {
    ///     let double = store.computed(move |cx| 2 * cx.get(&count));
    ///     store.effect(move |cx| log.set(cx.get(&double)));
    /// });
    /// store.set(&count, 2);
    /// drop(scope);
    /// store.set(&count, 3);
    /// assert_eq!(heard.get(), 4);
    /// ```
    #[track_caller]
    pub fn scope<U: 'static>(&self, f: impl FnOnce(&Self) -> U) -> Scope {
        let (scope, kept) = self.opened(f);
        scope.keeping(kept)
    }

    /// As [`scope`](Self::scope), for a closure that may fail.
    ///
    /// # Errors
    /// The error of `f`; then all that it has made has ended.
    ///
    /// # Panics
    /// As [`scope`](Self::scope) does.
    #[track_caller]
    pub fn try_scope<U: 'static, E>(
        &self,
        f: impl FnOnce(&Self) -> Result<U, E>,
    ) -> Result<Scope, E> {
        let (scope, result) = self.opened(f);
        result.map(|kept| scope.keeping(kept))
    }

    /// A scope, and what its closure returned.
    #[track_caller]
    fn opened<U>(&self, f: impl FnOnce(&Self) -> U) -> (Scope, U) {
        let mut cell = CellId::NONE;
        if !self.is_ended() {
            let made_at = Some(Value::MadeAt(Location::caller()));
            let mut graph = self.graph();
            cell = graph.add_observer(Body::Scope, made_at);
            graph.add_to_run(cell);
        }
        let scope = Scope { store: self.downgrade(), cell, kept: None };
        self.graph().running.push(Run::of_scope(cell));
        let result = guarded(|| f(self));
        self.graph().running.pop();
        match result {
            Ok(result) => (scope, result),
            Err(payload) => {
                let mut panics = FirstPanic::of(payload);
                panics.guard(|| drop(scope));
                resume_unwind(panics.take().expect("the first panic is there"))
            }
        }
    }
}

impl Scope {
    fn keeping<U: 'static>(mut self, kept: U) -> Self {
        self.kept = Some(Box::new(kept));
        self
    }
}

impl Drop for Scope {
    fn drop(&mut self) {
        let mut first = FirstPanic::NONE;
        if let Some(store) = self.store.upgrade() {
            first.guard(|| store.end(self.cell));
        }
        let kept = self.kept.take();
        first.guard(|| drop(kept));
        first.resume();
    }
}

impl fmt::Debug for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Scope")
    }
}
