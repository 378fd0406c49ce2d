//! Computeds at work: when they run, what they leave behind, and what a reader gets when one panicked.

use std::any::Any;
use std::cell::{RefCell, RefMut};
use std::mem::needs_drop;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::rc::Rc;

use crate::declare::Head;
use crate::graph::{Body, CellId, Graph, Look, Mark, Step};
use crate::reader::Reader;
use crate::scalar::Scalar;
use crate::store::ReactonStore;
use crate::value::{Comparable, Value};

/// What a panic carries.
pub(crate) type Payload = Box<dyn Any + Send>;

/// What a computed cell knows of itself.
pub(crate) trait Derive {
    fn head(&self) -> Option<&Head>;
    /// What to call it in a message if it has no head.
    fn type_name(&self) -> &'static str;
    /// Runs the computation and compares what comes out with `past`.
    fn compute(&self, reader: &Reader<'_>, past: &mut Past) -> Outcome;
}

/// What a computed held when its run began, and what the run puts in its place.
#[derive(Default)]
pub(crate) struct Past {
    /// Not if it is a scalar: that one stays in the cell.
    held: Option<Value>,
    /// Before the open transaction, if it has run in it already; and the version that it had.
    committed: Option<(Value, u64)>,
    /// A transaction is open: what was held is still needed.
    kept: bool,
    new: Option<Value>,
}

/// What came out of a run.
pub(crate) enum Outcome {
    /// What was held.
    Same,
    /// The value from before the open transaction.
    Returned,
    /// Another value, which stands in the place of what was held.
    Replaced,
    /// Another value, which stands in [`Past::new`].
    New,
}

impl Past {
    /// As [`compare`](Self::compare), by `==`: of scalars all in one borrow, because that is no user code.
    #[inline]
    pub(crate) fn compare_naturally<T: Comparable>(
        &mut self,
        reader: &Reader<'_>,
        new: T,
    ) -> Outcome {
        if Scalar::is::<T>() && !self.kept && self.committed.is_none() {
            let mut graph = reader.graph();
            if let Some(place) = graph.value_mut::<T>(reader.cell()) {
                if place.same(&new) {
                    return Outcome::Same;
                }
                *place = new;
                return Outcome::Replaced;
            }
        }
        self.compare(reader, new, T::same)
    }

    /// What it means that the run of `reader` gave `new`.
    pub(crate) fn compare<T: 'static>(
        &mut self,
        reader: &Reader<'_>,
        new: T,
        same: impl Fn(&T, &T) -> bool,
    ) -> Outcome {
        let equals = |old: &Value| old.get::<T>().is_some_and(|old| same(old, &new));
        // Looked at without the graph: comparing may be user code.
        let scalar = match Scalar::is::<T>() {
            true => reader.graph().cell(reader.cell()).and_then(|cell| cell.value.clone()),
            false => None,
        };
        if scalar.as_ref().or(self.held.as_ref()).is_some_and(equals) {
            return Outcome::Same;
        }
        if self.committed.as_ref().is_some_and(|(committed, _)| equals(committed)) {
            return Outcome::Returned;
        }
        // What needs to be dropped may run user code then, and has to wait until the run is over.
        if !self.kept
            && !needs_drop::<T>()
            && let Some(place) = self.held.as_mut().and_then(Value::get_mut)
        {
            *place = new;
            return Outcome::Replaced;
        }
        self.new = Some(Value::new(new));
        Outcome::New
    }
}

impl Past {
    fn has_counted(&self) -> bool {
        let counted = |value: Option<&Value>| matches!(value, Some(Value::Counted(_)));
        counted(self.held.as_ref())
            || counted(self.new.as_ref())
            || counted(self.committed.as_ref().map(|(committed, _)| committed))
    }
}

/// In the place of a value: the computation panicked, and so does every read until a source changes.
struct Panicked {
    /// The payload itself, for whoever reads first; a payload cannot be cloned.
    payload: RefCell<Option<Payload>>,
    message: String,
}

impl Panicked {
    fn value(payload: Payload) -> Value {
        let message = panic_message(&*payload);
        Value::new(Self { payload: RefCell::new(Some(payload)), message })
    }

    fn payload(&self) -> Payload {
        self.payload.borrow_mut().take().unwrap_or_else(|| Box::new(self.message.clone()))
    }
}

/// The words of a panic, if it has any.
#[must_use]
pub fn panic_message(payload: &(dyn Any + Send)) -> String {
    if let Some(words) = payload.downcast_ref::<&str>() {
        (*words).to_owned()
    } else if let Some(words) = payload.downcast_ref::<String>() {
        words.clone()
    } else {
        String::from("a panic without a message")
    }
}

/// The graph, borrowed between two runs of user code.
pub(crate) type Borrowed<'s> = RefMut<'s, Graph>;

impl ReactonStore {
    /// Brings a computed up to date: everything upstream first, itself last, without recursion.
    pub(crate) fn freshen<'s>(&'s self, graph: Borrowed<'s>, target: CellId) -> Borrowed<'s> {
        let (graph, has_news) = self.has_news(graph, target);
        if has_news && let Some(Body::Derived(derived)) = graph.cell(target).map(|cell| &cell.body)
        {
            let derived = Rc::clone(derived);
            return self.run_computed(graph, target, derived);
        }
        graph
    }

    /// Brings all that `target` reads up to date, and tells whether `target` itself has to run.
    pub(crate) fn has_news<'s>(
        &'s self,
        mut graph: Borrowed<'s>,
        target: CellId,
    ) -> (Borrowed<'s>, bool) {
        let mut walk = match graph.look(target) {
            Look::Fresh => return (graph, false),
            Look::Changed => return (graph, true),
            Look::Walk => graph.walk_to(target),
        };
        loop {
            match graph.step(&mut walk) {
                Step::Run(cell, derived) => graph = self.run_computed(graph, cell, derived),
                Step::Target => return (graph, true),
                Step::Fresh => return (graph, false),
            }
        }
    }

    /// Runs a computed, tracking what it reads, and keeps what comes out.
    ///
    /// Nothing unwinds from here: a panic stands in the place of the value.
    fn run_computed<'s>(
        &'s self,
        mut graph: Borrowed<'s>,
        cell: CellId,
        derived: Rc<dyn Derive>,
    ) -> Borrowed<'s> {
        let mut past = Past { kept: self.phase().is_open(), ..Past::default() };
        let mut cleaned = None;
        let mut begun = graph.begin_computed(cell, &mut past);
        if begun.is_none() {
            // Something is left of its last run.
            drop(graph);
            cleaned = self.end_belongings(cell);
            graph = self.graph();
            begun = graph.begin_computed(cell, &mut past);
        }
        drop(graph);
        let Some(stamp) = begun else {
            // Its own cleanups have ended it, and this may be the last of it.
            let _ = catch_unwind(AssertUnwindSafe(|| drop(derived)));
            return self.graph();
        };

        let result = self.phase().computing(|| {
            let reader = Reader::new(self, cell, stamp);
            catch_unwind(AssertUnwindSafe(|| derived.compute(&reader, &mut past)))
        });

        let mut graph = self.graph();
        let result = match cleaned {
            Some(payload) => Err(payload),
            None => result,
        };
        if !graph.end_computed(cell, result, &mut past) {
            return graph;
        }
        // Dropping it is the computed's doing, too, and may run user code.
        drop(graph);
        if let Err(payload) = catch_unwind(AssertUnwindSafe(|| drop((past, derived)))) {
            let displaced = self.graph().keep(cell, Panicked::value(payload), None, false);
            let _ = catch_unwind(AssertUnwindSafe(|| drop(displaced)));
        }
        self.graph()
    }

    /// The value in `held`, or the panic that stands in its place.
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

impl Graph {
    /// Begins a run of a computed, and takes out what it holds: nobody reads it while it runs.
    #[inline]
    fn begin_computed(&mut self, id: CellId, past: &mut Past) -> Option<u32> {
        if self.records.has_derived() {
            past.committed = self.derived_record(id);
        }
        let (stamp, cell) = self.begin(id)?;
        if !matches!(cell.value, Some(Value::Scalar(_))) {
            past.held = cell.value.take();
        }
        Some(stamp)
    }

    /// Ends a run of a computed. Gives whether there is something to drop that may run user code: what is left in
    /// `past`, or the computation of a cell that is gone.
    #[inline]
    fn end_computed(
        &mut self,
        id: CellId,
        result: Result<Outcome, Payload>,
        past: &mut Past,
    ) -> bool {
        let Some(cell) = self.finish(id) else {
            self.close_cycles(id);
            return true;
        };
        // A computed that wrote to what it reads would otherwise run for ever.
        cell.mark = Mark::Clean;
        if past.held.is_some() {
            cell.value = past.held.take();
        }
        match result {
            Ok(Outcome::Same) => {}
            Ok(Outcome::Replaced) => self.came_out_new(id, None),
            result => self.end_otherwise(id, result, past),
        }
        self.close_cycles(id);
        past.has_counted()
    }

    fn end_otherwise(&mut self, id: CellId, result: Result<Outcome, Payload>, past: &mut Past) {
        let (value, version) = match result {
            Ok(Outcome::Returned) => match past.committed.take() {
                Some((committed, version)) => (Some(committed), Some(version)),
                None => (None, None),
            },
            Ok(_) => (past.new.take(), None),
            Err(payload) => (Some(Panicked::value(payload)), None),
        };
        if let Some(value) = value {
            past.held = self.keep(id, value, version, past.kept);
        }
    }

    /// Puts a value into a computed cell; `version` is the one that it had before, if it had one. Inside a
    /// transaction the value from before it is remembered, so that a computed that returns to it counts as unchanged.
    fn keep(&mut self, id: CellId, new: Value, version: Option<u64>, kept: bool) -> Option<Value> {
        let Some(cell) = self.cell_mut(id) else { return Some(new) };
        let old = cell.value.replace(new);
        match &old {
            Some(old) if kept => self.remember_derived(id, old.clone()),
            _ => {}
        }
        self.came_out_new(id, version);
        old
    }
}
