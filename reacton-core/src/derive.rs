//! Computeds at work: when they run, what they leave behind, and what a reader gets when one panicked.

use std::any::Any;
use std::cell::{RefCell, RefMut};
use std::mem::needs_drop;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::rc::Rc;

use crate::declare::Head;
use crate::graph::{Body, CellId, Graph, Look, Step, Walk};
use crate::reader::Reader;
use crate::store::ReactonStore;
use crate::value::Value;

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

/// What a computed held when its run began.
pub(crate) struct Past {
    held: Option<Value>,
    /// Before the open transaction, if it has run in it already; and the version that it had.
    committed: Option<(Value, u64)>,
    /// A transaction is open: what was held is still needed.
    kept: bool,
}

/// What came out of a run.
pub(crate) enum Outcome {
    /// What was held.
    Same,
    /// The value from before the open transaction.
    Returned,
    /// Another value, which now stands in the place of what was held.
    Replaced,
    New(Value),
}

impl Past {
    /// What it means that the run gave `new`.
    #[inline]
    pub(crate) fn compare<T: 'static>(
        &mut self,
        new: T,
        same: impl Fn(&T, &T) -> bool,
    ) -> Outcome {
        let equals = |old: &Value| old.get::<T>().is_some_and(|old| same(old, &new));
        if self.held.as_ref().is_some_and(equals) {
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
        Outcome::New(Value::new(new))
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
            Look::Walk => Walk::to(target, &mut graph),
        };
        loop {
            match walk.step(&mut graph) {
                Step::Run(cell, derived) => graph = self.run_computed(graph, cell, derived),
                step => {
                    walk.end(&mut graph);
                    return (graph, matches!(step, Step::Target));
                }
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
        let mut cleaned = None;
        if graph.owns(cell) {
            drop(graph);
            cleaned = self.end_belongings(cell);
            graph = self.graph();
        }
        let kept = self.phase().is_open();
        let Some((stamp, mut past)) = graph.begin_computed(cell, kept) else {
            // Its own cleanups have ended it, and this may be the last of it.
            drop(graph);
            let _ = catch_unwind(AssertUnwindSafe(|| drop(derived)));
            return self.graph();
        };
        let owner = graph.own(Some(cell));
        drop(graph);

        let result = self.phase().computing(|| {
            let reader = Reader::new(self, cell, stamp);
            catch_unwind(AssertUnwindSafe(|| derived.compute(&reader, &mut past)))
        });

        let mut graph = self.graph();
        graph.own(owner);
        let result = cleaned.map_or(result, Err);
        let displaced = graph.end_computed(cell, result, past);
        if displaced.is_none() && graph.cell(cell).is_some() {
            return graph;
        }
        // Dropping it is the computed's doing, too, and may run user code.
        drop(graph);
        if let Err(payload) = catch_unwind(AssertUnwindSafe(|| drop((displaced, derived)))) {
            let displaced = self.graph().keep(cell, Panicked::value(payload), None, kept);
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
    fn begin_computed(&mut self, id: CellId, kept: bool) -> Option<(u32, Past)> {
        let stamp = self.begin(id)?;
        self.running.push(id);
        let committed = self.derived_record(id);
        let held = self.cell_mut(id)?.value.take();
        Some((stamp, Past { held, committed, kept }))
    }

    /// Ends a run of a computed. What comes back may run user code when it is dropped.
    fn end_computed(
        &mut self,
        id: CellId,
        result: Result<Outcome, Payload>,
        past: Past,
    ) -> Option<(Option<Value>, Option<Value>)> {
        self.running.pop();
        self.finish(id);
        let gone = match past.held {
            Some(held) => self.put(id, held),
            None => None,
        };
        let displaced = match result {
            Ok(Outcome::Same) => None,
            Ok(Outcome::Replaced) => {
                self.came_out_new(id, None);
                None
            }
            Ok(Outcome::New(new)) => self.keep(id, new, None, past.kept),
            Ok(Outcome::Returned) => match past.committed {
                Some((committed, version)) => self.keep(id, committed, Some(version), past.kept),
                None => None,
            },
            Err(payload) => self.keep(id, Panicked::value(payload), None, past.kept),
        };
        self.close_cycles(id);
        let runs_code = |value: &Option<Value>| matches!(value, Some(Value::Counted(_)));
        (runs_code(&gone) || runs_code(&displaced)).then_some((gone, displaced))
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
