//! Computeds at work: when they run, what they leave behind, and what a reader gets when one panicked.

use std::any::Any;
use std::cell::RefCell;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};

use crate::declare::Head;
use crate::graph::{Body, CellId, Graph, Look, Step, Walk};
use crate::reader::Reader;
use crate::store::ReactonStore;
use crate::transaction::Displaced;
use crate::value::Value;

/// What a panic carries.
pub(crate) type Payload = Box<dyn Any + Send>;

/// What a computed cell knows of itself.
pub(crate) trait Derive {
    fn head(&self) -> Option<&Head>;
    /// Runs the computation and keeps its result in `cell`.
    fn run(&self, store: &ReactonStore, cell: CellId);
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

/// What came out of a run.
enum Outcome<T> {
    Same,
    New(T),
    /// The value from before the open transaction, which had this version.
    Returned(Value, u64),
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

impl ReactonStore {
    /// Brings a computed up to date: everything upstream first, itself last, without recursion.
    pub(crate) fn freshen(&self, target: CellId) {
        if !self.has_news(target) {
            return;
        }
        let body = self.graph_ref().cell(target).map(|cell| cell.body.clone());
        if let Some(Body::Derived(derived)) = body {
            derived.run(self, target);
        }
    }

    /// Brings all that `target` reads up to date, and tells whether `target` itself has to run.
    pub(crate) fn has_news(&self, target: CellId) -> bool {
        let mut walk = {
            let mut graph = self.graph();
            match graph.look(target) {
                Look::Fresh => return false,
                Look::Changed => return true,
                Look::Walk => Walk::to(target, &mut graph),
            }
        };
        loop {
            let mut graph = self.graph();
            match walk.step(&mut graph) {
                Step::Run(cell, derived) => {
                    drop(graph);
                    derived.run(self, cell);
                }
                step => {
                    walk.end(&mut graph);
                    return matches!(step, Step::Target);
                }
            }
        }
    }

    /// Runs `compute` for `cell`, tracking what it reads, and keeps what comes out.
    pub(crate) fn evaluate<T: 'static>(
        &self,
        cell: CellId,
        compute: impl FnOnce(&Reader<'_>) -> T,
        same: impl Fn(&T, &T) -> bool,
    ) {
        self.graph().running.push(cell);
        let result = self.phase().computing(|| {
            self.run_tracked(cell, |reader| {
                let new = compute(reader);
                let (old, before) = {
                    let graph = self.graph_ref();
                    let old = graph.cell(cell).and_then(|cell| cell.value.clone());
                    (old, graph.derived_record(cell))
                };
                let equals = |old: &Value| old.get::<T>().is_some_and(|old| same(old, &new));
                if old.as_ref().is_some_and(equals) {
                    return Outcome::Same;
                }
                match before.filter(|(before, _)| equals(before)) {
                    Some((before, version)) => Outcome::Returned(before, version),
                    None => Outcome::New(new),
                }
            })
        });
        let displaced = {
            let open = self.phase().is_open();
            let mut graph = self.graph();
            graph.running.pop();
            match result {
                None | Some(Ok(Outcome::Same)) => (None, None),
                Some(Ok(Outcome::New(new))) => graph.keep_new(cell, new, open),
                Some(Ok(Outcome::Returned(before, version))) => {
                    (None, graph.keep(cell, before, Some(version), open))
                }
                Some(Err(payload)) => {
                    (None, graph.keep(cell, Panicked::value(payload), None, open))
                }
            }
        };
        // Dropping it is the computed's doing, too: nothing may unwind from here into a walk.
        if let Err(payload) = catch_unwind(AssertUnwindSafe(|| drop(displaced))) {
            let open = self.phase().is_open();
            let displaced = self.graph().keep(cell, Panicked::value(payload), None, open);
            let _ = catch_unwind(AssertUnwindSafe(|| drop(displaced)));
        }
        self.graph().close_cycles(cell);
    }

    /// The value in `held`, or the panic that stands in its place.
    pub(crate) fn expect_value<'v, T: 'static>(&self, held: &'v Value) -> &'v T {
        match held.get::<T>() {
            Some(value) => value,
            None => match held.get::<Panicked>() {
                Some(panicked) => resume_unwind(panicked.payload()),
                None => unreachable!("a cell holds values of its reacton's type in {self:?}"),
            },
        }
    }
}

impl Graph {
    /// Puts a new value into a computed cell, in place if nobody holds the old one.
    fn keep_new<T: 'static>(&mut self, id: CellId, new: T, open: bool) -> Displaced<T> {
        let place = self.cell_mut(id).and_then(|cell| cell.value.as_mut()?.get_mut::<T>());
        match place {
            Some(place) if !open => {
                let old = std::mem::replace(place, new);
                self.came_out_new(id, None);
                (Some(old), None)
            }
            _ => (None, self.keep(id, Value::new(new), None, open)),
        }
    }

    /// Puts a value into a computed cell; `version` is the one that it had before, if it had one. Inside a
    /// transaction the value from before it is remembered, so that a computed that returns to it counts as unchanged.
    fn keep(&mut self, id: CellId, new: Value, version: Option<u64>, open: bool) -> Option<Value> {
        let Some(cell) = self.cell_mut(id) else { return Some(new) };
        let old = cell.value.replace(new);
        match &old {
            Some(old) if open => self.remember_derived(id, old.clone()),
            _ => {}
        }
        self.came_out_new(id, version);
        old
    }
}
