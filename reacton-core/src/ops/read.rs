//! Reads: the value is updated first, and the run that reads it records the read.

use crate::graph::{CellId, Mark, RunStamp, joined};
use crate::panics::keeping;
use crate::reacton::access::Readable;
use crate::reacton::access::sealed::Place;
use crate::store::reader::Reader;
use crate::store::{Borrowed, ReactonStore};
use crate::value::{Lent, Scalar, Value};

/// The result of reading a computed.
enum Fetched {
    Scalar(Scalar),
    /// A value that is no such scalar, or a stored panic.
    Held(Value),
    /// Nothing: it is already up to date, is running, or was removed.
    Nothing,
}

impl ReactonStore {
    /// The value of `reacton`, cloned.
    ///
    /// # Panics
    /// If `reacton` is a computed that panicked, with the same panic, or one that leads to itself, with the
    /// names along the way; if two declarations share one id, with both places; if it is a local of another
    /// store, or was removed.
    #[track_caller]
    #[inline]
    pub fn get<R: Readable>(&self, reacton: &R) -> R::Value
    where
        R::Value: Clone,
    {
        self.with(reacton, Clone::clone)
    }

    /// Lends the value of `reacton` to `f`. It stays what it is while `f` runs, whatever `f` writes.
    ///
    /// # Panics
    /// As [`get`](Self::get) does.
    #[track_caller]
    #[inline]
    pub fn with<R: Readable, U>(&self, reacton: &R, f: impl FnOnce(&R::Value) -> U) -> U {
        self.read(reacton, None, f)
    }

    #[track_caller]
    #[inline]
    pub(crate) fn read<R: Readable, U>(
        &self,
        reacton: &R,
        run: Option<RunStamp>,
        f: impl FnOnce(&R::Value) -> U,
    ) -> U {
        if let Some(Place(cell)) = look_up(reacton, self, run) {
            if Scalar::is::<R::Value>() {
                let scalar = self.graph().read_scalar::<R::Value>(cell, run);
                if let Some(value) = scalar.as_ref().and_then(Scalar::get) {
                    return f(value);
                }
                return self.read_freshened(reacton, cell, run, f);
            } else if let Some(shared) = { self.graph().read_shared(cell, run) } {
                let lent = Lent::<R::Value>::new(Value::Shared(shared));
                return f(self.expect_value(&lent));
            }
        }
        self.read_any(reacton, run, f)
    }

    /// Reads a value that is not a scalar or not up to date. A separate function, so that the compiler inlines the rest
    /// of `read`.
    #[track_caller]
    #[inline(never)]
    fn read_freshened<R: Readable, U>(
        &self,
        reacton: &R,
        cell: CellId,
        run: Option<RunStamp>,
        f: impl FnOnce(&R::Value) -> U,
    ) -> U {
        match self.fetch_scalar::<R::Value>(cell, run) {
            Fetched::Scalar(scalar) => {
                if let Some(value) = scalar.get() {
                    return f(value);
                }
            }
            Fetched::Held(value) => return self.lend(value, f),
            Fetched::Nothing => {}
        }
        self.read_any(reacton, run, f)
    }

    /// Updates a computed and returns its value; the run `run` depends on it. A shorter path for scalars.
    #[inline(never)]
    fn fetch_scalar<T: 'static>(&self, id: CellId, run: Option<RunStamp>) -> Fetched {
        let graph = self.graph();
        if graph.cell(id).is_none_or(|cell| cell.mark == Mark::Clean || cell.running) {
            return Fetched::Nothing;
        }
        let mut graph = self.freshen(graph, id);
        let fetched = match graph.read_scalar::<T>(id, run) {
            Some(scalar) => Fetched::Scalar(scalar),
            None => graph.take_note(id, run).map_or(Fetched::Nothing, Fetched::Held),
        };
        self.flush_after_run(graph);
        fetched
    }

    /// Called after a computed has run, because it may have written.
    #[inline]
    fn flush_after_run(&self, graph: Borrowed<'_>) {
        if !self.phase().may_notify() {
            // The outermost call does it.
            return;
        }
        let flushed = graph.is_flushed();
        drop(graph);
        if flushed {
            self.notify_if_refused();
        } else {
            self.flush_observers();
        }
    }

    #[cold]
    fn lend<T: 'static, U>(&self, value: Value, f: impl FnOnce(&T) -> U) -> U {
        f(self.expect_value(&Lent::<T>::new(value)))
    }

    #[inline(never)]
    #[track_caller]
    fn read_any<R: Readable, U>(
        &self,
        reacton: &R,
        run: Option<RunStamp>,
        f: impl FnOnce(&R::Value) -> U,
    ) -> U {
        // Not a closure, which would become the reported place of a panic.
        let value = match look_up(reacton, self, run) {
            Some(Place(cell)) => self.fetch(cell, run),
            None => None,
        };
        match value {
            Some(value) => f(self.expect_value(&Lent::<R::Value>::new(value))),
            None => keeping(reacton.absent(self), |value| f(value)).1,
        }
    }

    /// The updated value of a cell; the run `run` depends on it. `None` if the cell was removed.
    #[track_caller]
    pub(crate) fn fetch(&self, id: CellId, run: Option<RunStamp>) -> Option<Value> {
        let mut graph = self.graph();
        let cell = graph.cell(id)?;
        if cell.mark == Mark::Clean && !cell.running && cell.value.is_some() {
            return graph.take_note(id, run);
        }
        // A source without a value has lent it to an `update`; a computed without one is marked.
        if cell.mark == Mark::Clean || cell.running {
            drop(graph);
            self.refuse_read(id, run);
        }
        let mut graph = self.freshen(graph, id);
        // The reader gets the value from the time of the read.
        let value = graph.take_note(id, run);
        self.flush_after_run(graph);
        value
    }

    #[cold]
    #[track_caller]
    fn refuse_read(&self, id: CellId, run: Option<RunStamp>) -> ! {
        let mut graph = self.graph();
        let words = if graph.cell(id).is_some_and(|cell| cell.running) {
            if let Some(reader) = run.and_then(|stamp| graph.reader_of(stamp)) {
                graph.meet_cycle(reader, id);
            }
            let names = graph.cycle(id);
            drop(graph);
            format!(
                "a computed depends on itself: {}; break the cycle, or read one of them `untracked`",
                joined(&names)
            )
        } else {
            graph.miss(id);
            if let Some(stamp) = run {
                graph.track(stamp, id);
            }
            let name = graph.name(id);
            drop(graph);
            format!(
                "`{name}` was read inside its own `update`, which has its value: read it before, or use the argument"
            )
        };
        panic!("{words}")
    }
}

impl Reader<'_> {
    /// The value of `reacton`, cloned.
    ///
    /// # Panics
    /// If `reacton` is a computed that panicked, with the same panic.
    #[track_caller]
    #[inline]
    pub fn get<R: Readable>(&self, reacton: &R) -> R::Value
    where
        R::Value: Clone,
    {
        self.with(reacton, Clone::clone)
    }

    /// Lends the value of `reacton` to `f`.
    ///
    /// # Panics
    /// If `reacton` is a computed that panicked, with the same panic.
    #[track_caller]
    #[inline]
    pub fn with<R: Readable, U>(&self, reacton: &R, f: impl FnOnce(&R::Value) -> U) -> U {
        self.store().read(reacton, Some(self.stamp()), f)
    }
}

/// A read in a run needs a cell for its edge. Any other read creates no cell that is not needed.
#[track_caller]
#[inline]
fn look_up<R: Readable>(reacton: &R, store: &ReactonStore, run: Option<RunStamp>) -> Option<Place> {
    if run.is_some() { reacton.place(store) } else { reacton.peek(store) }
}
