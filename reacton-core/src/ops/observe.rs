//! Observers: subscriptions and effects, from the call that makes one to each of its runs.

use std::panic::Location;

use crate::graph::{Body, CellId, Mark, RunStamp};
use crate::ops::subscription::Subscription;
use crate::panics::{self, FirstPanic, Kept, PanicPayload, guarded};
use crate::reacton::access::Readable;
use crate::reacton::access::sealed::Place;
use crate::store::Borrowed;
use crate::store::ReactonStore;
use crate::store::code::{Effect, Listener};
use crate::store::reader::Reader;
use crate::value::{Lent, Value};

/// Keeps a member of a computed family in its store while it is computed for its first observer.
struct MemberGuard<'s> {
    store: &'s ReactonStore,
    cell: Option<CellId>,
}

impl Drop for MemberGuard<'_> {
    fn drop(&mut self) {
        if let Some(cell) = self.cell {
            self.store.graph().release(cell);
        }
    }
}

impl ReactonStore {
    /// Calls `f` with each new value of `reacton`, beginning with the next change.
    ///
    /// The subscription lives as long as the store. These end it earlier: [`Subscription::unsubscribe`], dropping a
    /// [`ScopedSubscription`](crate::ScopedSubscription), and [`remove`](Self::remove) of `reacton`. Dropping the
    /// [`Subscription`] does not end it.
    ///
    /// Observers are called in the order in which they were made, and may do anything: read, write, subscribe,
    /// unsubscribe, dispose the store. What they write can be read at once. The observers of these writes are called
    /// after the current round.
    ///
    /// # Panics
    /// If `reacton` is a local of another store, or was removed. If `f` panics, the other observers are still called.
    /// Then the panic is resumed in the caller that wrote.
    #[track_caller]
    pub fn subscribe<R: Readable>(
        &self,
        reacton: &R,
        f: impl FnMut(&ReactonStore, &R::Value) + 'static,
    ) -> Subscription {
        self.subscribe_cell(reacton, f).0
    }

    /// As [`subscribe`](Self::subscribe), but also calls `f` at once with the current value.
    ///
    /// # Panics
    /// As [`subscribe`](Self::subscribe) does. If the first call of `f` panics, with this panic; then there is no
    /// subscription.
    #[track_caller]
    pub fn watch<R: Readable>(
        &self,
        reacton: &R,
        f: impl FnMut(&ReactonStore, &R::Value) + 'static,
    ) -> Subscription {
        let (subscription, observer) = self.subscribe_cell(reacton, f);
        if let Some(cell) = observer {
            self.first_run(cell);
        }
        subscription
    }

    /// Runs `f` now, and again whenever something that it read in its last run has changed.
    ///
    /// Ends as a subscription does.
    ///
    /// A run owns what it makes: locals, computeds, subscriptions and effects that are made with [`Reader::store`] are
    /// removed before the next run, and when the effect ends. To make something that lives longer, use
    /// [`untracked_root`](Self::untracked_root), or make it outside of the effect.
    ///
    /// # Panics
    /// If the first run panics, with this panic; then there is no effect. The panic of a later run is resumed in the
    /// caller that wrote.
    ///
    /// # Examples
    /// ```
    /// # use reacton_core::ReactonStore;
    /// let store = ReactonStore::new();
    /// let (verbose, detail) = (store.reacton(false), store.reacton(1));
    /// store.effect(move |cx| {
    ///     if cx.get(&verbose) {
    ///         println!("{}", cx.get(&detail));
    ///     }
    /// });
    /// store.set(&detail, 2); // nothing: it was not read
    /// store.set(&verbose, true); // prints 2
    /// ```
    #[track_caller]
    pub fn effect(&self, f: impl FnMut(&Reader<'_>) + 'static) -> Subscription {
        if self.is_ended() {
            return Subscription::ended(self);
        }
        let made_at = Some(Value::MadeAt(Location::caller()));
        let cell = self.add_observer(Body::Effect(Some(Box::new(f))), made_at);
        self.first_run(cell);
        Subscription::to(self, cell)
    }

    /// Adds an observer, which the current run owns.
    #[inline]
    fn add_observer(&self, body: Body, value: Option<Value>) -> CellId {
        let mut graph = self.graph();
        let cell = graph.add_observer(body, value);
        graph.add_to_run(cell);
        cell
    }

    #[track_caller]
    fn subscribe_cell<R: Readable>(
        &self,
        reacton: &R,
        f: impl FnMut(&ReactonStore, &R::Value) + 'static,
    ) -> (Subscription, Option<CellId>) {
        let mut f = Kept::new(f);
        let mut held = MemberGuard { store: self, cell: None };
        let (Some(source), Some(mut f)) = (self.cell_to_observe(reacton, &mut held), f.take())
        else {
            return (Subscription::ended(self), None);
        };
        let listener = move |store: &Self, value: &Value| f(store, store.expect_value(value));
        let cell = self.add_observer(Body::Listener(Some(Box::new(listener))), None);
        self.graph().observe(cell, source);
        (Subscription::to(self, cell), Some(cell))
    }

    /// The cell of `reacton`, up to date: a change of a computed can be seen only if it has a value. `None` if the
    /// computation, which is user code, has disposed the store.
    #[track_caller]
    fn cell_to_observe(
        &self,
        reacton: &impl Readable,
        held: &mut MemberGuard<'_>,
    ) -> Option<CellId> {
        let Place(source) = reacton.cell(self)?;
        if self.graph().hold(source) {
            held.cell = Some(source);
        }
        self.freshen_if_marked(source);
        if self.is_alive(source) {
            return Some(source);
        }
        // The computation may also have removed the reacton: then a static gets a new cell, and a local panics.
        reacton.cell(self).map(|Place(source)| source)
    }

    /// Updates a computed, unless it is running.
    pub(crate) fn freshen_if_marked(&self, cell: CellId) {
        let graph = self.graph();
        if graph.cell(cell).is_some_and(|cell| cell.mark != Mark::Clean && !cell.running) {
            drop(self.freshen(graph, cell));
            self.flush_observers();
        }
    }

    fn first_run(&self, cell: CellId) {
        let nested = !self.phase().may_notify();
        let (result, outermost) = self.phase().notifying(|| {
            if nested {
                self.run_observer_nested(cell)
            } else {
                self.run_observer(self.graph(), cell)
            }
        });
        match result {
            Ok(()) if !outermost => {}
            Ok(()) => self.flush_observers(),
            Err(payload) => self.end_after_panic(cell, payload, outermost),
        }
    }

    /// Removes an observer whose first run panicked, and resumes the panic.
    #[cold]
    fn end_after_panic(&self, cell: CellId, payload: PanicPayload, outermost: bool) {
        let mut first = FirstPanic::of(payload);
        first.keep(self.end_guarded(cell).take());
        if outermost {
            first.keep(self.notify_observers().take());
        }
        first.resume();
    }

    /// As `run_observer`, nested in a run or in a call of another observer: with enough stack.
    #[inline(never)]
    fn run_observer_nested(&self, cell: CellId) -> Result<(), PanicPayload> {
        let mut result = Ok(());
        self.run_nested(&mut || result = self.run_observer(self.graph(), cell))?;
        result
    }

    pub(super) fn run_observer<'s>(
        &'s self,
        mut graph: Borrowed<'s>,
        id: CellId,
    ) -> Result<(), PanicPayload> {
        if let Some((stamp, f)) = graph.begin_effect(id) {
            return self.run_effect(graph, id, stamp, f);
        }
        if let Some((f, value)) = graph.begin_listener(id) {
            drop(graph);
            return self.run_listener(id, f, value);
        }
        self.clean_and_run_observer(graph, id)
    }

    /// As `run_observer`, for an observer that owns something from its last run. It does nothing if the observer has
    /// ended or is running.
    #[inline(never)]
    fn clean_and_run_observer(&self, graph: Borrowed<'_>, id: CellId) -> Result<(), PanicPayload> {
        if !graph.owns(id) {
            return Ok(());
        }
        drop(graph);
        let mut first = self.end_belongings(id);
        first.keep(self.run_observer(self.graph(), id).err());
        first.take().map_or(Ok(()), Err)
    }

    fn run_effect(
        &self,
        graph: Borrowed<'_>,
        id: CellId,
        stamp: RunStamp,
        mut effect: Effect,
    ) -> Result<(), PanicPayload> {
        drop(graph);
        let reader = Reader::new(self, id, stamp);
        let result = guarded(|| effect(&reader));
        let mut graph = self.graph();
        if let Some(Body::Effect(place)) = graph.finish(id).map(|cell| &mut cell.body) {
            *place = Some(effect);
            return result;
        }
        drop(graph);
        drop_ended(effect, result)
    }

    fn run_listener(
        &self,
        id: CellId,
        mut f: Listener,
        value: Option<Value>,
    ) -> Result<(), PanicPayload> {
        let result = value.map_or(Ok(()), |value| {
            guarded(|| {
                // If the observer panics, this may be the last handle of the value, so its drop is guarded.
                let lent = Lent::<Value>::new(value);
                f(self, &lent);
            })
        });
        let mut graph = self.graph();
        if let Some(Body::Listener(place)) = graph.cell_mut(id).map(|cell| &mut cell.body) {
            *place = Some(f);
            return result;
        }
        drop(graph);
        drop_ended(f, result)
    }
}

/// Drops the closure of an observer that ended during its call, or the value that it was called with. Returns the first
/// panic: that of the call.
fn drop_ended<F>(f: F, result: Result<(), PanicPayload>) -> Result<(), PanicPayload> {
    match (result, guarded(|| drop(f))) {
        (Err(first), Err(second)) => {
            panics::discard(second);
            Err(first)
        }
        (result, dropped) => result.and(dropped),
    }
}
