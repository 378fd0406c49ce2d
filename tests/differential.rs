//! Random graphs and random operations against a model that recomputes everything after each of them.
//!
//! `REACTON_GRAPHS=1000000 cargo test --release --test differential` runs more; a failure prints its seed, and
//! `REACTON_SEED=<seed>` runs that graph alone.

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::env;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::rc::{Rc, Weak};

use reacton::prelude::*;

#[reacton]
static S0: i64 = 0;
#[reacton]
static S1: i64 = 1;
#[reacton]
static S2: i64 = 2;
#[reacton]
static S3: i64 = 3;

static DECLARED: [&Reacton<i64>; 4] = [&S0, &S1, &S2, &S3];

/// Values are small, so that writes are often equal and waves often stop.
const VALUES: u64 = 4;

/// `SplitMix64` (Steele, Lea and Flood, "Fast splittable pseudorandom number generators", 2014).
struct Rng(u64);

impl Rng {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn below(&mut self, end: usize) -> usize {
        usize::try_from(self.next() % end as u64).expect("below a usize")
    }

    fn chance(&mut self, of: u64) -> bool {
        self.next().is_multiple_of(of)
    }

    fn value(&mut self) -> i64 {
        i64::try_from(self.next() % VALUES).expect("small")
    }
}

/// What a computed comes to; `None` if it panics.
type Outcome = Option<i64>;

#[derive(Clone, Copy)]
enum Handle {
    Declared(&'static Reacton<i64>),
    Local(LocalReacton<i64>),
    Computed(LocalComputed<i64>),
}

impl Handle {
    fn read(self, cx: &Reader<'_>) -> i64 {
        match self {
            Self::Declared(reacton) => cx.get(reacton),
            Self::Local(reacton) => cx.get(&reacton),
            Self::Computed(computed) => cx.get(&computed),
        }
    }

    fn get(self, store: &ReactonStore) -> i64 {
        match self {
            Self::Declared(reacton) => store.get(reacton),
            Self::Local(reacton) => store.get(&reacton),
            Self::Computed(computed) => store.get(&computed),
        }
    }

    fn set(self, store: &ReactonStore, value: i64) {
        match self {
            Self::Declared(reacton) => store.set(reacton, value),
            Self::Local(reacton) => store.set(&reacton, value),
            Self::Computed(_) => unreachable!("only sources are written"),
        }
    }

    fn update(self, store: &ReactonStore, value: i64) {
        match self {
            Self::Declared(reacton) => store.update(reacton, |place| *place = value),
            Self::Local(reacton) => store.update(&reacton, |place| *place = value),
            Self::Computed(_) => unreachable!("only sources are written"),
        }
    }

    fn touch(self, store: &ReactonStore) {
        match self {
            Self::Declared(reacton) => store.touch(reacton),
            Self::Local(reacton) => store.touch(&reacton),
            Self::Computed(_) => unreachable!("only sources are written"),
        }
    }

    fn subscribe(
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

/// What a computed or an effect makes of what it reads, and what it reads at all.
#[derive(Clone, Debug)]
enum Formula {
    Sum(Vec<usize>),
    /// Reads one of two, as the first says.
    Switch(usize, usize, usize),
    /// Reads until it has enough.
    Until(Vec<usize>, i64),
    /// Rarely changes.
    Halved(usize),
    /// Panics at one value.
    Frail(Vec<usize>, i64),
    Repeated(usize, usize),
}

impl Formula {
    fn random(rng: &mut Rng, nodes: usize, frail: bool) -> Self {
        let some = |rng: &mut Rng| -> Vec<usize> {
            (0..=rng.below(4)).map(|_| rng.below(nodes)).collect()
        };
        match rng.below(if frail { 6 } else { 5 }) {
            0 => Self::Sum(some(rng)),
            1 => Self::Switch(rng.below(nodes), rng.below(nodes), rng.below(nodes)),
            2 => Self::Until(some(rng), rng.value()),
            3 => Self::Halved(rng.below(nodes)),
            4 => Self::Repeated(rng.below(nodes), rng.below(nodes)),
            _ => Self::Frail(some(rng), rng.value()),
        }
    }

    fn value(&self, mut read: impl FnMut(usize) -> Outcome) -> Outcome {
        let value = match self {
            Self::Sum(of) => of.iter().try_fold(0, |sum, node| Some(sum + read(*node)?))?,
            Self::Switch(by, odd, even) => {
                if read(*by)? % 2 == 1 {
                    read(*odd)?
                } else {
                    read(*even)?
                }
            }
            Self::Until(of, enough) => {
                let mut sum = 0;
                for node in of {
                    sum += read(*node)?;
                    if sum > *enough {
                        break;
                    }
                }
                sum
            }
            Self::Halved(of) => read(*of)? / 2,
            Self::Repeated(one, two) => read(*one)? + read(*two)? * read(*one)? + read(*two)?,
            Self::Frail(of, at) => {
                let sum = of.iter().try_fold(0, |sum, node| Some(sum + read(*node)?))?;
                if sum == *at {
                    return None;
                }
                sum
            }
        };
        Some(value % i64::try_from(VALUES).expect("small"))
    }
}

enum Rule {
    Source,
    /// Written by an effect only.
    Sink,
    Computed(Formula),
}

struct Node {
    handle: Handle,
    rule: Rule,
    /// Of a source.
    value: i64,
}

enum Duty {
    Hear(usize, Outcome),
    Run { formula: Formula, seen: Vec<(usize, Outcome)>, sink: Option<usize> },
}

struct Observer {
    duty: Duty,
    subscription: Option<Subscription>,
    /// What it said last; of a subscription that was never called, what it could have said.
    last: Outcome,
}

type Said = (usize, Outcome);

struct World {
    store: ReactonStore,
    nodes: Vec<Node>,
    observers: Vec<Observer>,
    log: Rc<RefCell<Vec<Said>>>,
    /// Panicking computeds, effects that write, observers made in batches: then only what comes out is compared, not each step.
    loose: bool,
    /// Announced in the open transaction though perhaps equal.
    touched: BTreeSet<usize>,
    snapshots: Vec<(StoreSnapshot, Vec<i64>)>,
    alive: Rc<()>,
}

impl World {
    fn new(rng: &mut Rng) -> Self {
        let mut world = Self {
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
            world.nodes.push(Node { handle: Handle::Declared(reacton), rule: Rule::Source, value });
        }
        for _ in 0..rng.below(4) {
            let value = rng.value();
            let handle = Handle::Local(world.store.reacton(value));
            world.nodes.push(Node { handle, rule: Rule::Source, value });
        }
        for _ in 0..rng.below(12) {
            world.add_computed(rng);
        }
        for _ in 0..rng.below(8) {
            world.add_observer(rng);
        }
        world
    }

    /// The value of every node, from nothing but the sources.
    fn values(&self) -> Vec<Outcome> {
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

    fn add_computed(&mut self, rng: &mut Rng) {
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

    fn add_observer(&mut self, rng: &mut Rng) {
        if rng.chance(2) {
            self.add_subscription(rng);
        } else {
            self.add_effect(rng);
        }
    }

    fn add_subscription(&mut self, rng: &mut Rng) {
        let (target, number) = (rng.below(self.nodes.len()), self.observers.len());
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

    fn add_effect(&mut self, rng: &mut Rng) {
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
            "the first run"
        );
        self.observers.push(Observer {
            duty: Duty::Run { formula, seen, sink },
            subscription: Some(subscription),
            last,
        });
    }

    fn a_source(&self, rng: &mut Rng) -> usize {
        loop {
            let node = rng.below(self.nodes.len());
            if matches!(self.nodes[node].rule, Rule::Source) {
                return node;
            }
        }
    }

    /// One operation, on the store and on the model.
    fn operate(&mut self, rng: &mut Rng, in_batch: bool) {
        let source = self.a_source(rng);
        let (handle, value) = (self.nodes[source].handle, rng.value());
        match rng.below(16) {
            0..6 => {
                // The model first: the store may panic with what an observer met.
                self.nodes[source].value = value;
                handle.set(&self.store, value);
            }
            6 => {
                self.nodes[source].value = value;
                // In a batch it is compared with what was there before, outside it always counts.
                if !in_batch {
                    self.touched.insert(source);
                }
                handle.update(&self.store, value);
            }
            7 => {
                self.touched.insert(source);
                handle.touch(&self.store);
            }
            8 if !self.loose => self.remove(rng.below(DECLARED.len())),
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
                let at = rng.below(self.observers.len());
                if let Some(subscription) = self.observers[at].subscription.take() {
                    subscription.unsubscribe();
                }
            }
            12 if self.loose || !in_batch => self.add_observer(rng),
            13 => self.add_computed(rng),
            _ => self.check_one(rng.below(self.nodes.len())),
        }
    }

    fn remove(&mut self, source: usize) {
        self.store.remove(DECLARED[source]);
        self.nodes[source].value = i64::try_from(source).expect("small");
        self.touched.remove(&source);
        for observer in &mut self.observers {
            match &mut observer.duty {
                Duty::Hear(target, _) if *target == source => observer.subscription = None,
                Duty::Hear(..) => {}
                Duty::Run { seen, .. } => seen.retain(|(of, _)| *of != source),
            }
        }
    }

    fn check_one(&self, node: usize) {
        let real = catch_unwind(AssertUnwindSafe(|| self.nodes[node].handle.get(&self.store)));
        assert_eq!(real.ok(), self.values()[node], "the value of node {node}");
    }

    /// What observers have to say, now that a transaction has ended.
    fn settle(&mut self) {
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
                assert_eq!(self.log.take(), expected, "who says what");
                return;
            }
            if !wrote {
                break;
            }
        }
        self.check_last_words();
    }

    /// However many steps there were: who said something said the truth in the end.
    fn check_last_words(&mut self) {
        let said = self.log.take();
        for (number, observer) in self.observers.iter().enumerate() {
            if observer.subscription.is_some()
                && let Some((_, last)) = said.iter().rev().find(|(by, _)| *by == number)
                && (observer.last.is_some() || matches!(observer.duty, Duty::Run { .. }))
            {
                assert_eq!(*last, observer.last, "the last words of observer {number}");
            }
        }
        let values = self.values();
        for (number, (node, value)) in self.nodes.iter().zip(values).enumerate() {
            if matches!(node.rule, Rule::Sink) {
                let real = node.handle.get(&self.store);
                assert_eq!(Some(real), value, "what was written to sink {number}");
            }
        }
    }
}

/// What an effect reads and comes to.
fn run(formula: &Formula, values: &[Outcome]) -> (Vec<(usize, Outcome)>, Outcome) {
    let mut seen = Vec::new();
    let outcome = formula.value(|of| {
        seen.push((of, values[of]));
        values[of]
    });
    (seen, outcome)
}

fn play(seed: u64) {
    let mut rng = Rng(seed);
    let mut world = World::new(&mut rng);
    world.log.take();
    for _ in 0..rng.below(40) {
        if rng.chance(3) {
            let store = world.store.clone();
            // A subscription to a computed that is broken panics for whoever wrote: that is S8, tested elsewhere.
            let _ = catch_quietly(|| {
                store.batch(|_| {
                    for _ in 0..rng.below(6) {
                        world.operate(&mut rng, true);
                    }
                });
            });
        } else {
            let _ = catch_quietly(|| world.operate(&mut rng, false));
        }
        world.settle();
        for node in 0..world.nodes.len() {
            if rng.chance(4) {
                world.check_one(node);
            }
        }
        world.settle();
    }
    let (alive, everything) = (Rc::downgrade(&world.alive), rng.chance(2));
    if everything {
        world.store.dispose();
    }
    drop(world);
    assert_eq!(Weak::strong_count(&alive), 0, "something is left behind");
}

/// Catches the panics that were meant, and lets those of the comparison through.
fn catch_quietly(f: impl FnOnce()) -> Result<(), ()> {
    catch_unwind(AssertUnwindSafe(f)).map_err(|payload| {
        let words = payload.downcast_ref::<String>().map_or("", String::as_str);
        let words = payload.downcast_ref::<&str>().copied().unwrap_or(words);
        assert!(words.contains("broken on purpose"), "{words}");
    })
}

fn from_environment(name: &str) -> Option<u64> {
    env::var(name)
        .ok()
        .map(|text| text.parse().unwrap_or_else(|_| panic!("{name} is to be a number, not {text}")))
}

#[test]
fn random_graphs_do_what_a_model_does_that_recomputes_everything() {
    let hook = std::panic::take_hook();
    std::panic::set_hook(Box::new(|_| ()));
    let seeds = match from_environment("REACTON_SEED") {
        Some(seed) => seed..seed + 1,
        None => 0..from_environment("REACTON_GRAPHS").unwrap_or(1000),
    };
    let mut failed = None;
    for seed in seeds {
        if let Err(payload) = catch_unwind(|| play(seed)) {
            let words =
                payload.downcast::<String>().map_or_else(|_| String::from("?"), |words| *words);
            failed = Some((seed, words));
            break;
        }
    }
    std::panic::set_hook(hook);
    if let Some((seed, words)) = failed {
        panic!("REACTON_SEED={seed}: {words}");
    }
}
