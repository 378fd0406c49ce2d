//! Collections in trees of stores.
//!
//! At the end all stores that share a collection hold the same entries: where nothing has crashed, the newest of all
//! writes. After sweeps no store remembers a removal.

#[path = "merging/edits.rs"]
mod edits;
#[path = "merging/mirrors.rs"]
mod mirrors;
#[path = "merging/newest.rs"]
mod newest;
#[path = "merging/pairs.rs"]
mod pairs;
#[path = "merging/preview.rs"]
mod preview;

use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, BTreeSet};
use std::ops::AddAssign;
use std::rc::Rc;

use reacton::prelude::*;
use reacton::testing::{Simulation, is_same, repeats, sweep, version};
use reacton_support::restart_always;

use self::edits::{EDITS, edit, removals, shown};
use self::newest::{Newest, Written};
use crate::hosts::{self, Disturbed, Hosts};
use crate::observers::PLANNED;
use crate::schedule::{next_begins, run_all};

#[reacton]
static ROWS: ReactonMap<u8, u16> = [(1, 0)].into();

#[reacton(zero_copy)]
static COUNTED: ReactonMap<u8, u16> = ReactonMap::new();

#[reacton]
static TAGS: ReactonSet<u8> = ReactonSet::new();

#[reacton]
static QUEUE: ReactonList<u16> = [7, 8].into();

#[reacton(zero_copy)]
static LINE: ReactonList<u16> = [5].into();

#[reacton]
static TOTAL: Counter = Counter::new();

/// A family, whose members are entries as well.
#[reacton]
static MARK: Family<u8, u16> = |key| u16::from(*key);

/// The member that is written only together with `TITLE`, and never removed.
const PAIRED: u8 = 200;

/// Written only together with `TITLE`, and never removed.
#[reacton]
static PAIRS: ReactonMap<u8, u16> = [(0, 0)].into();

#[reacton]
static TITLE: u16 = 0;

thread_local! {
    /// The stores of the workers of each node, in the order of their start.
    static STARTED: RefCell<BTreeMap<usize, Vec<ReactonStore>>> = const { RefCell::new(BTreeMap::new()) };
    /// The nodes whose next observer panics.
    static ARMED: RefCell<BTreeSet<usize>> = const { RefCell::new(BTreeSet::new()) };
    /// The pair of two writers that an observer has seen. A panic of a worker would only end the worker.
    static TORN: Cell<Option<(Option<u16>, u16, u16)>> = const { Cell::new(None) };
}

struct Node {
    store: ReactonStore,
    parent: usize,
    isolate: Option<IsolateStore>,
}

struct Forest {
    simulation: Rc<Simulation>,
    nodes: Vec<Node>,
    /// Where workers may run that are away; otherwise in processes.
    hosts: Option<Hosts>,
    /// Workers may panic, or be lost, so that their writes may be lost.
    crashes: bool,
    newest: Newest,
    tally: Tally,
}

#[derive(Debug, Default, Clone, Copy)]
struct Tally {
    stores: u64,
    writes: u64,
    crashes: u64,
    pauses: u64,
    /// How many removals were remembered at the end, before the sweeps.
    removals: u64,
    compared: u64,
    /// How many copies were compared with their collections.
    mirrored: u64,
    disturbed: Disturbed,
}

/// Checks that both values of the pair are from one writer, whenever an observer is called.
fn watch(store: &ReactonStore) {
    store.effect(|cx| {
        let (left, right) = (cx.with(&PAIRS, |pairs| pairs.get(&0).copied()), cx.get(&TITLE));
        // Of a member that was not written yet, it is the initial value.
        let member = cx.get(&MARK.of(PAIRED));
        let is_initial = member == u16::from(PAIRED) && right == 0;
        if left != Some(right) || member != right && !is_initial {
            TORN.set(Some((left, right, member)));
        }
    });
}

impl Forest {
    fn new(simulation: Rc<Simulation>, on_hosts: bool) -> Self {
        STARTED.take();
        ARMED.take();
        TORN.take();
        mirrors::forget_all();
        let store = ReactonStore::new();
        watch(&store);
        mirrors::begin(&store, simulation.pick(1 << mirrors::KINDS));
        let hosts = on_hosts.then(|| Hosts::begin(&simulation, 4));
        let crashes = match &hosts {
            Some(hosts) => !hosts.is_fair(),
            None => simulation.pick(2) == 1,
        };
        let main = Node { store, parent: 0, isolate: None };
        let (newest, tally) = (Newest::default(), Tally::default());
        let mut forest = Self { simulation, nodes: vec![main], hosts, crashes, newest, tally };
        // Written before any store shares it, so without a version.
        forest.write_to(0);
        forest.nodes[0].store.with(&ROWS, |rows| forest.newest.begin(rows.iter()));
        for _ in 0..=forest.pick(3) {
            forest.spawn();
        }
        forest
    }

    fn pick(&self, limit: usize) -> usize {
        self.simulation.pick(limit)
    }

    fn note(&self, line: impl FnOnce() -> String) {
        self.simulation.note(line);
    }

    fn lives(&self, node: usize) -> bool {
        let Node { store, parent, isolate } = &self.nodes[node];
        node == 0 || isolate.is_some() && !store.is_disposed() && self.lives(*parent)
    }

    fn living(&self) -> Vec<usize> {
        (0..self.nodes.len()).filter(|node| self.lives(*node)).collect()
    }

    fn pick_living(&self) -> usize {
        let living = self.living();
        living[self.pick(living.len())]
    }

    /// Returns a link below the main store, if there is one.
    fn pick_link(&self) -> Option<usize> {
        let links: Vec<_> = self.living().into_iter().filter(|node| *node > 0).collect();
        (!links.is_empty()).then(|| links[self.pick(links.len())])
    }

    fn spawn(&mut self) {
        let above: Vec<_> = self.living();
        let depth = |node: usize| {
            std::iter::successors(Some(node), |node| (*node > 0).then(|| self.nodes[*node].parent))
                .count()
        };
        let above: Vec<_> = above.into_iter().filter(|node| depth(*node) < 4).collect();
        if self.nodes.len() > 7 {
            return;
        }
        let (parent, number) = (above[self.pick(above.len())], self.nodes.len());
        let (latest, away) = (self.pick(2) == 1, self.pick(3) == 2);
        self.note(|| format!("node {parent} spawns node {number}, latest: {latest}, away: {away}"));
        let delivery = if latest { Delivery::Latest } else { Delivery::Every };
        let shared = shared![ROWS, COUNTED, TAGS, QUEUE, LINE, TOTAL, MARK, PAIRS, TITLE];
        let builder = IsolateStore::builder().shared(shared).delivery(delivery);
        let restart = if self.hosts.is_some() { hosts::restart_always() } else { restart_always() };
        let builder = builder.restart(restart);
        let mirrored = self.pick(1 << mirrors::KINDS);
        let spawn = || {
            builder.spawn(&self.nodes[parent].store, move |store| {
                mirrors::begin(store, mirrored);
                STARTED.with_borrow_mut(|all| all.entry(number).or_default().push(store.clone()));
                watch(store);
                store.subscribe(&ROWS, move |_, _| {
                    assert!(!ARMED.with_borrow_mut(|armed| armed.remove(&number)), "{PLANNED}");
                });
            })
        };
        let isolate = match &self.hosts {
            Some(hosts) if away => hosts.at(spawn),
            None if away => self.simulation.away(spawn),
            _ => spawn(),
        };
        let store = match &isolate {
            Ok(isolate) => self.simulation.store_of(isolate),
            Err(_) => None,
        };
        let (Ok(isolate), Some(store)) = (isolate, store) else {
            assert!(away && self.hosts.is_some(), "the worker does not start");
            return;
        };
        self.nodes.push(Node { store, parent, isolate: Some(isolate) });
        self.tally.stores += 1;
    }

    /// A restarted worker has a new store.
    fn refresh(&mut self) {
        assert_eq!(TORN.get(), None, "the pair has values of two writers");
        for (number, node) in self.nodes.iter_mut().enumerate() {
            let started = STARTED.with_borrow(|all| all.get(&number).cloned());
            let Some(started) = started.filter(|all| !all.is_empty()) else { continue };
            // A worker that is lost may have started after its successor.
            let present = node.isolate.as_ref().filter(|_| started.len() > 1);
            let present = present.and_then(|isolate| self.simulation.store_of(isolate));
            let is_present = |store: &&ReactonStore| {
                present.as_ref().is_some_and(|present| is_same(present, store))
            };
            let store = started.iter().rev().find(is_present).or(started.last());
            node.store = store.unwrap_or(&node.store).clone();
        }
    }

    fn write_to(&mut self, node: usize) {
        let store = self.nodes[node].store.clone();
        let edits: Vec<_> =
            (0..=self.pick(3)).map(|_| [EDITS, 4, 1 << 10].map(|limit| self.pick(limit))).collect();
        self.note(|| format!("node {node} writes {edits:?}"));
        let before = version(&store, &ROWS);
        let mut written = Written::default();
        // A panic of an observer has to happen in a worker.
        let armed = ARMED.take();
        store.batch(|store| {
            for [what, key, value] in &edits {
                let (key, value) =
                    (u8::try_from(*key).unwrap_or(0), u16::try_from(*value).unwrap_or(0));
                edit(store, *what, key, value, &mut written);
            }
        });
        ARMED.set(armed);
        if written.removes_member {
            mirrors::begin_members_again(&store);
        }
        self.tally.writes += 1;
        let now = version(&store, &ROWS);
        if !written.touched.is_empty() && now != before {
            self.newest
                .write(now, &written, |key| store.with(&ROWS, |rows| rows.get(key).copied()));
        }
    }

    fn toggle(&mut self) {
        let Some(node) = self.pick_link() else { return };
        let (below, pauses) = (self.pick(2) == 1, self.pick(2) == 0);
        self.note(|| format!("on the link of node {node}: below {below}, pauses {pauses}"));
        self.tally.pauses += u64::from(pauses);
        self.take(node, below, pauses);
    }

    /// Subscribes to everything, or pauses it, in one batch: a pair is paused and resumed as a whole.
    fn take(&self, node: usize, below: bool, pauses: bool) {
        let Node { store, parent, isolate } = &self.nodes[node];
        let isolate = isolate.as_ref().expect("the worker is running");
        let (store, main) =
            if below { (store, MainLink::of(store)) } else { (&self.nodes[*parent].store, None) };
        macro_rules! toggle {
            ($side:expr, $($reacton:ident)*) => {{
                $(if pauses { $side.pause(&$reacton) } else { $side.resume(&$reacton) })*
            }};
        }
        store.batch(|_| match &main {
            Some(main) => toggle!(main, ROWS COUNTED TAGS QUEUE LINE TOTAL MARK PAIRS TITLE),
            None if below => {}
            None => toggle!(isolate, ROWS COUNTED TAGS QUEUE LINE TOTAL MARK PAIRS TITLE),
        });
    }

    fn crash(&mut self) {
        let Some(node) = self.pick_link() else { return };
        let how = self.pick(3);
        self.note(|| format!("node {node} crashes: {how}"));
        self.tally.crashes += 1;
        match how {
            0 => drop(self.nodes[node].isolate.take()),
            1 => {
                let isolate = self.nodes[node].isolate.as_ref().expect("the worker is running");
                self.simulation.kill(isolate);
            }
            _ => ARMED.with_borrow_mut(|armed| {
                armed.insert(node);
            }),
        }
    }

    /// A mirror begins late, or one ends.
    fn toggle_mirror(&self) {
        let (node, kind) = (self.pick_living(), self.pick(mirrors::KINDS));
        self.note(|| format!("node {node} begins or ends: {}", mirrors::name(kind)));
        mirrors::toggle(&self.nodes[node].store, kind);
    }

    /// Compares the copies of one store after each step, and those of all when everything is at rest.
    fn compare_mirrors(&mut self, at_rest: bool) {
        let living = self.living();
        let one = living[usize::try_from(self.tally.writes).unwrap_or(0) % living.len()];
        for node in living.into_iter().filter(|node| at_rest || *node == one) {
            self.tally.mirrored += mirrors::compare(&self.nodes[node].store, node, at_rest);
        }
    }

    /// Something happens to a host, or time passes.
    fn disturb(&mut self) {
        let Some(hosts) = &mut self.hosts else { return };
        hosts.disturb_or_advance();
    }

    fn act(&mut self) {
        self.refresh();
        self.compare_mirrors(false);
        match self.pick(if self.hosts.is_some() { 31 } else { 28 }) {
            0..8 => {
                for _ in 0..=self.pick(4) {
                    self.simulation.step();
                }
            }
            8..16 => self.write_to(self.pick_living()),
            16..20 => self.toggle(),
            20 => {
                let node = self.pick_living();
                self.note(|| format!("node {node} sweeps"));
                sweep(&self.nodes[node].store);
            }
            21 if self.crashes => self.crash(),
            22 => self.spawn(),
            23 | 24 => self.toggle_mirror(),
            // A subscription may begin in the turn.
            25 | 26 if self.tally.pauses == 0 => {
                let node = self.pick_living();
                self.note(|| format!("node {node} takes a turn"));
                preview::preview(&self.nodes[node].store, node);
            }
            _ if self.hosts.is_some() => self.disturb(),
            _ => {
                self.simulation.settle();
            }
        }
    }

    fn settle(&mut self) {
        self.simulation.settle();
        self.refresh();
    }

    fn run(mut self) -> Tally {
        while self.pick(50) > 0 {
            next_begins(self.simulation.choices().len());
            self.act();
        }
        self.note(|| String::from("everything comes to rest"));
        ARMED.take();
        self.hosts.iter().for_each(Hosts::mend);
        self.settle();
        for node in self.living().into_iter().filter(|node| *node > 0) {
            self.take(node, true, false);
            self.take(node, false, false);
        }
        self.settle();
        self.compare();
        if !self.crashes {
            let main = &self.nodes[0].store;
            main.with(&ROWS, |rows| self.newest.compare(rows.iter().map(|(k, v)| (*k, *v))));
        }
        let before = shown(&self.nodes[0].store);
        self.tally.removals += removals(&self.nodes[0].store) as u64;
        for _ in 0..2 {
            sweep(&self.nodes[0].store);
            self.settle();
        }
        for node in self.living() {
            assert_eq!(removals(&self.nodes[node].store), 0, "node {node} keeps removals");
        }
        assert_eq!(shown(&self.nodes[0].store), before, "a sweep has changed a value");
        self.compare();
        // Writes after the sweeps arrive, too.
        let last = *self.living().last().expect("main is alive");
        self.write_to(last);
        self.settle();
        self.compare();
        self.tally.disturbed = self.hosts.as_ref().map_or(Disturbed::default(), Hosts::disturbed);
        self.tally
    }

    fn compare(&mut self) {
        let expected = shown(&self.nodes[0].store);
        for node in self.living() {
            let store = &self.nodes[node].store;
            assert_eq!(shown(store), expected, "node {node} and main have different values");
            // The store may already have what a subscription brings.
            if self.tally.pauses == 0 {
                assert_eq!(repeats(store), 0, "node {node} has received its own edits");
            }
            self.tally.compared += 1;
        }
        self.compare_mirrors(true);
    }
}

#[test]
fn c15_every_schedule_of_collections_ends_with_equal_stores() {
    let (seeds, done) = run_all(|simulation| Forest::new(simulation, false).run());
    if seeds < 100 {
        return;
    }
    assert!(done.stores > 2 * seeds && done.writes > 5 * seeds && done.compared > 6 * seeds);
    assert!(done.crashes * 4 > seeds && done.pauses > seeds && done.removals * 2 > seeds);
}

/// Run by the simulation of hosts.
pub(crate) fn on_hosts() {
    let (seeds, done) = run_all(|simulation| Forest::new(simulation, true).run());
    if seeds < 100 {
        return;
    }
    assert!(done.stores > 2 * seeds && done.writes > 5 * seeds && done.compared > 6 * seeds);
    assert!(done.crashes * 4 > seeds && done.pauses > seeds && done.removals * 2 > seeds);
    done.disturbed.assert_often(seeds);
}

impl AddAssign for Tally {
    fn add_assign(&mut self, other: Self) {
        self.stores += other.stores;
        self.writes += other.writes;
        self.crashes += other.crashes;
        self.pauses += other.pauses;
        self.removals += other.removals;
        self.compared += other.compared;
        self.mirrored += other.mirrored;
        self.disturbed += other.disturbed;
    }
}
