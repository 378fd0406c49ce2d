//! Computeds at work: when they run, what they leave behind, and what a reader gets when one panicked.

use std::any::Any;
use std::cell::RefCell;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};

use crate::declare::Head;
use crate::graph::{CellId, Mark, Step, Walk};
use crate::reader::Reader;
use crate::store::ReactonStore;
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
enum Outcome {
    Same,
    New(Value),
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
        let mut walk = Walk::to(target, &mut self.graph());
        loop {
            let step = walk.step(&mut self.graph());
            match step {
                Step::Fresh => return,
                Step::Run(cell, derived) => derived.run(self, cell),
                Step::Target => {
                    let body = self.graph().cell(target).map(|cell| cell.body.clone());
                    if let Some(crate::graph::Body::Derived(derived)) = body {
                        derived.run(self, target);
                    }
                    return;
                }
            }
        }
    }

    /// Whether an observer has something to hear, now that what it reads is up to date.
    pub(crate) fn has_news(&self, observer: CellId) -> bool {
        let mut walk = Walk::to(observer, &mut self.graph());
        loop {
            let step = walk.step(&mut self.graph());
            match step {
                Step::Fresh => return false,
                Step::Target => return true,
                Step::Run(cell, derived) => derived.run(self, cell),
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
                    None => Outcome::New(Value::new(new)),
                }
            })
        });
        self.graph().running.pop();
        let displaced = match result {
            None | Some(Ok(Outcome::Same)) => None,
            Some(Ok(Outcome::New(new))) => self.keep(cell, new, None),
            Some(Ok(Outcome::Returned(before, version))) => self.keep(cell, before, Some(version)),
            Some(Err(payload)) => self.keep(cell, Panicked::value(payload), None),
        };
        // Dropping it is the computed's doing, too: nothing may unwind from here into a walk.
        if let Err(payload) = catch_unwind(AssertUnwindSafe(|| drop(displaced))) {
            let displaced = self.keep(cell, Panicked::value(payload), None);
            let _ = catch_unwind(AssertUnwindSafe(|| drop(displaced)));
        }
        self.graph().close_cycles(cell);
    }

    /// Puts a new value into a computed cell. Inside a transaction the value from before it is remembered,
    /// so that a computed that returns to it counts as unchanged.
    fn keep(&self, cell: CellId, new: Value, version: Option<u64>) -> Option<Value> {
        let open = self.phase().is_open();
        let mut graph = self.graph();
        let old = graph.cell_mut(cell)?.value.replace(new);
        match &old {
            Some(old) if open => graph.remember_derived(cell, old.clone()),
            _ => {}
        }
        match version {
            Some(version) => graph.changed_to(cell, version),
            None => graph.changed(cell),
        }
        if let Some(cell) = graph.cell_mut(cell) {
            cell.mark = Mark::Clean;
        }
        old
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
