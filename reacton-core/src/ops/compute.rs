//! Runs of computeds: when they run, what they store, and what a reader gets after a panic.

use std::mem::needs_drop;
use std::panic::resume_unwind;

use crate::graph::{CellId, Glance, Panicked, Step, Walk, joined};
use crate::panics::{FirstPanic, Kept, PanicPayload, discard, guarded};
use crate::stack::{self, Room};
use crate::store::reader::Reader;
use crate::store::{Borrowed, ReactonStore};
use crate::value::Scalar;
use crate::value::{Comparable, Value};

impl ReactonStore {
    /// Updates a computed: first everything upstream, then itself, without recursion.
    #[inline]
    pub(crate) fn freshen<'s>(&'s self, graph: Borrowed<'s>, target: CellId) -> Borrowed<'s> {
        if graph.has_first_news(target) {
            return self.run_computed(graph, target);
        }
        let (graph, has_news) = self.has_news(graph, target);
        if has_news { self.run_computed(graph, target) } else { graph }
    }

    /// Updates everything that `target` reads, and returns whether `target` has to run.
    #[inline]
    pub(crate) fn has_news<'s>(
        &'s self,
        graph: Borrowed<'s>,
        target: CellId,
    ) -> (Borrowed<'s>, bool) {
        match graph.walk_to(target) {
            Some(mut walk) => self.walk(graph, &mut walk),
            None => (graph, false),
        }
    }

    /// As [`has_news`](Self::has_news), for an observer.
    #[inline]
    pub(crate) fn observer_has_news<'s>(
        &'s self,
        mut graph: Borrowed<'s>,
        observer: CellId,
    ) -> (Borrowed<'s>, bool) {
        match graph.glance(observer) {
            Glance::News => return (graph, true),
            Glance::Run(source) => {
                graph = self.run_computed(graph, source);
                if graph.has_first_news(observer) {
                    return (graph, true);
                }
            }
            Glance::Below(mut walk) => return self.walk(graph, &mut walk),
            Glance::Unknown => {}
        }
        self.has_news(graph, observer)
    }

    /// Runs the computeds along a walk, and returns whether the target has to run.
    #[inline(never)]
    fn walk<'s>(&'s self, mut graph: Borrowed<'s>, walk: &mut Walk) -> (Borrowed<'s>, bool) {
        loop {
            match graph.climb(walk) {
                Step::Fresh => return (graph, false),
                Step::Target => return (graph, true),
                Step::Run(cell) => {
                    let cell = graph.id_at(cell);
                    graph = self.run_computed(graph, cell);
                    if !graph.walk_on(walk) {
                        return (graph, false);
                    }
                }
            }
        }
    }

    /// Runs a computed, tracks its reads, and stores the result. A panic is stored as the result, not resumed.
    fn run_computed<'s>(&'s self, mut graph: Borrowed<'s>, cell: CellId) -> Borrowed<'s> {
        let Some((stamp, derived)) = graph.begin_computed(cell) else {
            return self.clean_and_run(graph, cell);
        };
        drop(graph);
        let phase = self.phase();
        if !phase.is_computing() {
            phase.set_room(Room::default());
        }
        let has_room = !phase.is_computing() || phase.room().is_here();
        let result = phase.computing(|| {
            let reader = Reader::new(self, cell, stamp);
            if has_room {
                guarded(|| derived.compute(&reader))
            } else {
                let mut ended = false;
                self.run_nested(&mut || ended = derived.compute(&reader)).map(|()| ended)
            }
        });
        let mut graph = self.graph();
        let alive = match result {
            Ok(true) => true,
            Ok(false) => graph.end_computed(cell),
            Err(payload) => {
                graph.store_panic(cell, payload, phase.is_open());
                graph.end_computed(cell)
            }
        };
        if alive && graph.displaced.is_empty() {
            return graph;
        }
        self.drop_displaced(graph, cell, derived)
    }

    /// As [`run_computed`](Self::run_computed), if it still owns something from its last run, or its cell was removed.
    #[cold]
    fn clean_and_run<'s>(&'s self, graph: Borrowed<'s>, cell: CellId) -> Borrowed<'s> {
        if !graph.owns(cell) {
            return graph;
        }
        drop(graph);
        let panicked = self.end_belongings(cell);
        let mut graph = self.run_computed(self.graph(), cell);
        if let Some(payload) = panicked.take() {
            graph.store_panic(cell, payload, self.phase().is_open());
            graph = self.drop_displaced(graph, cell, ());
        }
        graph
    }

    /// Drops the values that a run has replaced, and the computation if its cell was removed. Both may run user code,
    /// whose panic counts as one of the computed.
    #[inline(never)]
    fn drop_displaced<'s, D>(
        &'s self,
        mut graph: Borrowed<'s>,
        cell: CellId,
        derived: D,
    ) -> Borrowed<'s> {
        let mut displaced = std::mem::take(&mut graph.displaced);
        drop(graph);
        let mut first = FirstPanic::NONE;
        let mut derived = Some(derived);
        first.guard_rest(|| {
            for value in &mut displaced {
                // Replaced first, so that the old value is gone even if its drop panics.
                drop(std::mem::replace(value, Value::NONE));
            }
            derived = None;
        });
        displaced.clear();
        if let Some(payload) = first.take() {
            self.store_panic_of_drop(cell, payload);
        }
        let mut graph = self.graph();
        if graph.displaced.is_empty() {
            graph.displaced = displaced;
        }
        graph
    }

    #[cold]
    fn store_panic_of_drop(&self, cell: CellId, payload: PanicPayload) {
        let displaced = {
            let mut graph = self.graph();
            if graph.has_panicked(cell) {
                // The panic of the run comes first.
                drop(graph);
                return discard(payload);
            }
            graph.store_panic(cell, payload, self.phase().is_open());
            std::mem::take(&mut graph.displaced)
        };
        let mut later = FirstPanic::NONE;
        later.drop_each(displaced);
        later.forget();
    }

    /// Calls `run`, which is nested in another computed, observer or cleanup: in a new segment of stack if this one is
    /// almost full. Fails with the panic of `run`, or with one that names the chain if too many segments are in use.
    /// Not generic, so that there is one copy beside the fast path of runs that are not nested.
    #[inline(never)]
    pub(crate) fn run_nested(&self, run: &mut dyn FnMut()) -> Result<(), PanicPayload> {
        if let Some(room) = Room::find() {
            self.phase().set_room(room);
            return guarded(run);
        }
        match self.phase().in_new_segment(|| stack::grow(|| guarded(run))) {
            Some(result) => result,
            None => guarded(|| {
                let (depth, chain) = { self.graph_ref().running_chain() };
                let chain = joined(&chain);
                panic!(
                    "{depth} computeds and effects run inside of each other, or as many subscriptions or cleanups, which takes \
                     too much stack: {chain}; read those in the middle of a chain before its end, and let none of them make or end \
                     another like itself"
                )
            }),
        }
    }

    /// The value in `held`, or the panic that is stored instead of it.
    #[inline]
    pub(crate) fn expect_value<'v, T: 'static>(&self, held: &'v Value) -> &'v T {
        match held.get::<T>() {
            Some(value) => value,
            None => self.resume_panic(held),
        }
    }

    #[cold]
    fn resume_panic(&self, held: &Value) -> ! {
        match held.get::<Panicked>() {
            Some(panicked) => resume_unwind(panicked.payload()),
            None => unreachable!("a cell holds values of its reacton's type in {self:?}"),
        }
    }
}

impl Reader<'_> {
    /// Stores the result of a run if it differs by `==`. For scalars this is no user code and takes one borrow, which
    /// also ends the run. Returns whether the run has ended.
    #[inline]
    pub(crate) fn store_result<T: Comparable>(&self, new: T) -> bool {
        if Scalar::is::<T>() && !self.store().phase().is_open() {
            let ended = self.graph().end_with_scalar(self.cell(), &new);
            if ended {
                return true;
            }
        }
        self.store_result_by(new, T::same);
        false
    }

    /// Stores the result of a run if `same` returns `false`.
    #[inline(never)]
    pub(crate) fn store_result_by<T: 'static>(&self, new: T, same: impl Fn(&T, &T) -> bool) {
        let cell = self.cell();
        let mut new = Kept::new(new);
        let (old, before) = {
            let graph = self.graph();
            let old = graph.cell(cell).and_then(|cell| cell.value.clone());
            (old, graph.derived_record(cell))
        };
        let equals = |old: &Value| match (old.get::<T>(), new.get()) {
            (Some(old), Some(new)) => same(old, new),
            _ => false,
        };
        if old.as_ref().is_some_and(equals) {
            return;
        }
        let before = before.filter(|(before, _)| equals(before));
        // Released, so that the value can be replaced in place.
        drop(old);
        let Some(new) = new.take() else { return };
        let open = self.store().phase().is_open();
        let mut graph = self.graph();
        if let Some((before, version)) = before {
            graph.store_result(cell, before, Some(version), open);
            return;
        }
        // A value whose drop may run user code is dropped only after the run.
        let in_place = !open && !needs_drop::<T>();
        match graph.value_mut::<T>(cell) {
            Some(place) if in_place => {
                *place = new;
                graph.mark_recomputed(cell, None);
            }
            _ => graph.store_result(cell, Value::new(new), None, open),
        }
    }
}
