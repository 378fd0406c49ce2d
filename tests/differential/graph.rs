//! A random graph in a store, and its model.

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::rc::Rc;

use reacton::prelude::*;
use reacton_support::Random;

use crate::formula::{Formula, Outcome, run, value};

#[reacton]
static S0: i64 = 0;
#[reacton]
static S1: i64 = 1;
#[reacton]
static S2: i64 = 2;
#[reacton]
static S3: i64 = 3;

static DECLARED: [&Reacton<i64>; 4] = [&S0, &S1, &S2, &S3];

#[derive(Clone, Copy)]
pub(crate) enum Handle {
    Declared(&'static Reacton<i64>),
    Local(LocalReacton<i64>),
    Computed(LocalComputed<i64>),
}

impl Handle {
    pub(crate) fn read(self, cx: &Reader<'_>) -> i64 {
        match self {
            Self::Declared(reacton) => cx.get(reacton),
            Self::Local(reacton) => cx.get(&reacton),
            Self::Computed(computed) => cx.get(&computed),
        }
    }

    pub(crate) fn get(self, store: &ReactonStore) -> i64 {
        match self {
            Self::Declared(reacton) => store.get(reacton),
            Self::Local(reacton) => store.get(&reacton),
            Self::Computed(computed) => store.get(&computed),
        }
    }

    pub(crate) fn set(self, store: &ReactonStore, value: i64) {
        match self {
            Self::Declared(reacton) => store.set(reacton, value),
            Self::Local(reacton) => store.set(&reacton, value),
            Self::Computed(_) => unreachable!("only sources are written"),
        }
    }

    pub(crate) fn update(self, store: &ReactonStore, value: i64) {
        match self {
            Self::Declared(reacton) => store.update(reacton, |place| *place = value),
            Self::Local(reacton) => store.update(&reacton, |place| *place = value),
            Self::Computed(_) => unreachable!("only sources are written"),
        }
    }

    pub(crate) fn touch(self, store: &ReactonStore) {
        match self {
            Self::Declared(reacton) => store.touch(reacton),
            Self::Local(reacton) => store.touch(&reacton),
            Self::Computed(_) => unreachable!("only sources are written"),
        }
    }

    pub(crate) fn subscribe(
        self,
        store: &ReactonStore,
        f: impl FnMut(&ReactonStore, &i64) + 'static,
    ) -> Subscription {
        match self {
            Self::Declared(reacton) => store.subscribe(reacton, f),
            Self::Local(reacton) => store.subscribe(&reacton, f),
            Self::Computed(computed) => store.subscribe(&computed, f),
        }
    }
}

pub(crate) enum Rule {
    Source,
    /// A source that only an effect writes.
    Sink,
    Computed(Formula),
}

pub(crate) struct Node {
    handle: Handle,
    rule: Rule,
    /// The value of a source.
    value: i64,
}

enum Duty {
    Hear(usize, Outcome),
    Run { formula: Formula, seen: Vec<(usize, Outcome)>, sink: Option<usize> },
}

struct Observer {
    duty: Duty,
    subscription: Option<Subscription>,
    /// The last value that it reported. For a subscription that was never called: what it could have reported.
    last: Outcome,
}

pub(crate) type Said = (usize, Outcome);

pub(crate) struct Graph {
    pub(crate) store: ReactonStore,
    pub(crate) nodes: Vec<Node>,
    observers: Vec<Observer>,
    pub(crate) log: Rc<RefCell<Vec<Said>>>,
    /// The graph has computeds that panic, effects that write, or observers made in batches. Then only the final
    /// results are compared, not each step.
    loose: bool,
    /// Sources that were touched in the open transaction, though their values may be equal.
    touched: BTreeSet<usize>,
    snapshots: Vec<(StoreSnapshot, Vec<i64>)>,
    pub(crate) alive: Rc<()>,
}

impl Graph {
    pub(crate) fn new(rng: &mut Random) -> Self {
        let mut graph = Self {
            store: ReactonStore::new(),
            nodes: Vec::new(),
            observers: Vec::new(),
            log: Rc::default(),
            loose: rng.chance(2),
            touched: BTreeSet::new(),
            snapshots: Vec::new(),
            alive: Rc::new(()),
        };
        for (value, reacton) in (0..).zip(DECLARED) {
            graph.nodes.push(Node { handle: Handle::Declared(reacton), rule: Rule::Source, value });
        }
        for _ in 0..rng.index(4) {
            let value = value(rng);
            let handle = Handle::Local(graph.store.reacton(value));
            graph.nodes.push(Node { handle, rule: Rule::Source, value });
        }
        for _ in 0..rng.index(12) {
            graph.add_computed(rng);
        }
        for _ in 0..rng.index(8) {
            graph.add_observer(rng);
        }
        graph
    }

    /// Computes the value of every node from the sources alone.
    pub(crate) fn values(&self) -> Vec<Outcome> {
        let mut values: Vec<Outcome> = Vec::new();
        for node in &self.nodes {
            values.push(match &node.rule {
                Rule::Source | Rule::Sink => Some(node.value),
                Rule::Computed(formula) => formula.value(|of| values[of]),
            });
        }
        values
    }

    fn handles(&self) -> Vec<Handle> {
        self.nodes.iter().map(|node| node.handle).collect()
    }

    pub(crate) fn add_computed(&mut self, rng: &mut Random) {
        let formula = Formula::random(rng, self.nodes.len(), self.loose);
        let (own, handles, alive) = (formula.clone(), self.handles(), Rc::clone(&self.alive));
        let computed = self.store.computed(move |cx| {
            let _ = &alive;
            own.value(|of| Some(handles[of].read(cx))).expect("broken on purpose")
        });
        self.nodes.push(Node {
            handle: Handle::Computed(computed),
            rule: Rule::Computed(formula),
            value: 0,
        });
    }

    pub(crate) fn add_observer(&mut self, rng: &mut Random) {
        if rng.chance(2) {
            self.add_subscription(rng);
        } else {
            self.add_effect(rng);
        }
    }

    pub(crate) fn add_subscription(&mut self, rng: &mut Random) {
        let (target, number) = (rng.index(self.nodes.len()), self.observers.len());
        let (log, alive) = (Rc::clone(&self.log), Rc::clone(&self.alive));
        let subscription = self.nodes[target].handle.subscribe(&self.store, move |_, value| {
            let _ = &alive;
            log.borrow_mut().push((number, Some(*value)));
        });
        let last = self.values()[target];
        self.observers.push(Observer {
            duty: Duty::Hear(target, last),
            subscription: Some(subscription),
            last,
        });
    }

    pub(crate) fn add_effect(&mut self, rng: &mut Random) {
        let formula = Formula::random(rng, self.nodes.len(), self.loose);
        let number = self.observers.len();
        let sink = (self.loose && rng.chance(2)).then(|| {
            let handle = Handle::Local(self.store.reacton(0));
            self.nodes.push(Node { handle, rule: Rule::Sink, value: 0 });
            self.nodes.len() - 1
        });
        let (own, handles) = (formula.clone(), self.handles());
        let (log, alive) = (Rc::clone(&self.log), Rc::clone(&self.alive));
        let subscription = self.store.effect(move |cx| {
            let _ = &alive;
            let outcome =
                catch_unwind(AssertUnwindSafe(|| own.value(|of| Some(handles[of].read(cx)))));
            let outcome = outcome.ok().flatten();
            log.borrow_mut().push((number, outcome));
            if let Some(sink) = sink {
                handles[sink].set(cx.store(), outcome.unwrap_or(0));
            }
        });
        let values = self.values();
        let (seen, last) = run(&formula, &values);
        if let Some(sink) = sink {
            self.nodes[sink].value = last.unwrap_or(0);
        }
        let said = self.log.take();
        assert_eq!(
            said.iter().find(|(by, _)| *by == number),
            Some(&(number, last)),
            "the result of the first run"
        );
        self.observers.push(Observer {
            duty: Duty::Run { formula, seen, sink },
            subscription: Some(subscription),
            last,
        });
    }

    pub(crate) fn a_source(&self, rng: &mut Random) -> usize {
        loop {
            let node = rng.index(self.nodes.len());
            if matches!(self.nodes[node].rule, Rule::Source) {
                return node;
            }
        }
    }

    /// Does one operation on the store and on the model.
    pub(crate) fn operate(&mut self, rng: &mut Random, in_batch: bool) {
        let source = self.a_source(rng);
        let (handle, value) = (self.nodes[source].handle, value(rng));
        match rng.index(16) {
            0..6 => {
                // The model first, because the write to the store may panic with the panic of an observer.
                self.nodes[source].value = value;
                handle.set(&self.store, value);
            }
            6 => {
                self.nodes[source].value = value;
                // In a batch the value is compared with the one before the batch. Outside, every update counts as a
                // change.
                if !in_batch {
                    self.touched.insert(source);
                }
                handle.update(&self.store, value);
            }
            7 => {
                self.touched.insert(source);
                handle.touch(&self.store);
            }
            8 if !self.loose => self.remove(rng.index(DECLARED.len())),
            9 => {
                let values = (0..DECLARED.len()).map(|node| self.nodes[node].value);
                self.snapshots.push((self.store.snapshot(), values.collect()));
            }
            10 => {
                if let Some((snapshot, values)) = self.snapshots.pop() {
                    for (node, value) in self.nodes.iter_mut().zip(values) {
                        node.value = value;
                    }
                    self.store.restore(&snapshot);
                }
            }
            11 if !self.observers.is_empty() => {
                let at = rng.index(self.observers.len());
                if let Some(subscription) = self.observers[at].subscription.take() {
                    subscription.unsubscribe();
                }
            }
            12 if self.loose || !in_batch => self.add_observer(rng),
            13 => self.add_computed(rng),
            _ => self.check_one(rng.index(self.nodes.len())),
        }
    }

    pub(crate) fn remove(&mut self, source: usize) {
        self.store.remove(DECLARED[source]);
        self.nodes[source].value = i64::try_from(source).expect("the number fits");
        self.touched.remove(&source);
        for observer in &mut self.observers {
            match &mut observer.duty {
                Duty::Hear(target, _) if *target == source => observer.subscription = None,
                Duty::Hear(..) => {}
                Duty::Run { seen, .. } => seen.retain(|(of, _)| *of != source),
            }
        }
    }

    pub(crate) fn check_one(&self, node: usize) {
        let real = catch_unwind(AssertUnwindSafe(|| self.nodes[node].handle.get(&self.store)));
        assert_eq!(real.ok(), self.values()[node], "the value of node {node}");
    }

    /// Adds the calls of observers that the end of a transaction must cause.
    pub(crate) fn settle(&mut self) {
        loop {
            let values = self.values();
            let mut wrote = false;
            let mut expected = Vec::new();
            for (number, observer) in self.observers.iter_mut().enumerate() {
                if observer.subscription.is_none() {
                    continue;
                }
                match &mut observer.duty {
                    Duty::Hear(target, last) => {
                        if *last != values[*target] || self.touched.contains(target) {
                            *last = values[*target];
                            observer.last = *last;
                            expected.push((number, *last));
                        }
                    }
                    Duty::Run { formula, seen, sink } => {
                        let changed = |(of, saw): &(usize, Outcome)| {
                            *saw != values[*of] || self.touched.contains(of)
                        };
                        if seen.iter().any(changed) {
                            (*seen, observer.last) = run(formula, &values);
                            expected.push((number, observer.last));
                            if let Some(sink) = *sink {
                                let value = observer.last.unwrap_or(0);
                                wrote |=
                                    std::mem::replace(&mut self.nodes[sink].value, value) != value;
                            }
                        }
                    }
                }
            }
            self.touched.clear();
            if !self.loose {
                assert_eq!(self.log.take(), expected, "the calls of the observers");
                return;
            }
            if !wrote {
                break;
            }
        }
        self.check_last_words();
    }

    /// Checks that the last report of each observer is the final value, however many steps there were.
    pub(crate) fn check_last_words(&mut self) {
        let said = self.log.take();
        for (number, observer) in self.observers.iter().enumerate() {
            if observer.subscription.is_some()
                && let Some((_, last)) = said.iter().rev().find(|(by, _)| *by == number)
                && (observer.last.is_some() || matches!(observer.duty, Duty::Run { .. }))
            {
                assert_eq!(*last, observer.last, "the last result of observer {number}");
            }
        }
        let values = self.values();
        for (number, (node, value)) in self.nodes.iter().zip(values).enumerate() {
            if matches!(node.rule, Rule::Sink) {
                let real = node.handle.get(&self.store);
                assert_eq!(Some(real), value, "the last value of sink {number}");
            }
        }
    }
}
