//! I4 in trees of stores: one write reaches each store once, crosses each link once, and is never sent back.
//!
//! Through a handle the test makes each store write, and reads what crossed its links. The handle uses no link.

use std::cell::RefCell;
use std::rc::Rc;
use std::sync::mpsc::{Receiver, Sender, channel};

use reacton::prelude::*;
use reacton_support::{receive, wait_until};

use crate::end;

#[reacton]
static VALUE: u32 = 0;

/// Private to each store. When it changes, the store reports what crossed its links.
#[reacton]
static LOOK: u32 = 0;

/// For store 1, store 2 and so on: the store that spawns it. Main is 0.
type Parents = &'static [usize];

const STAR: Parents = &[0, 0, 0];
const CHAIN: Parents = &[0, 1];
const TREE: Parents = &[0, 0, 1, 1, 2, 2];

const MAIN: usize = 0;

/// The counts of what crossed the link between a store and the one that spawned it.
#[derive(Clone, Debug, Default, PartialEq)]
struct Traffic {
    down: u64,
    up: u64,
}

impl Traffic {
    fn of(child: &IsolateStore) -> Self {
        let stats = child.stats();
        assert_eq!(stats.transactions_sent, stats.changes_sent, "each transaction has one change");
        assert_eq!(stats.transactions_received, stats.changes_received);
        Self { down: stats.changes_sent, up: stats.changes_received }
    }
}

/// The children of one store, with their numbers.
type Children = Rc<RefCell<Vec<(usize, IsolateStore)>>>;

/// How a store is made, and where it reports its traffic.
#[derive(Clone)]
struct StoreSetup {
    parents: Parents,
    deliveries: &'static [Delivery],
    here: Sender<(usize, StoreHandle)>,
    heard: Sender<(usize, u32)>,
    looked: Sender<Vec<(usize, Traffic)>>,
}

impl StoreSetup {
    /// Makes `store` the one with this number, and spawns all stores below it.
    fn set_up(self, store: &ReactonStore, number: usize) -> Children {
        let Self { parents, here, heard, looked, .. } = self.clone();
        let children = (1..).zip(parents).filter(|(_, parent)| **parent == number);
        let children = children.map(|(child, _)| (child, self.clone().spawn(store, child)));
        let children: Children = Rc::new(RefCell::new(children.collect()));
        store.subscribe(&VALUE, move |_, value| {
            heard.send((number, *value)).expect("the channel is open");
        });
        let links = Rc::clone(&children);
        store.subscribe(&LOOK, move |_, _| {
            let links = links.borrow();
            let traffic = links.iter().map(|(child, link)| (*child, Traffic::of(link)));
            looked.send(traffic.collect()).expect("the channel is open");
        });
        here.send((number, store.handle())).expect("the channel is open");
        children
    }

    fn spawn(self, store: &ReactonStore, number: usize) -> IsolateStore {
        let delivery = self.deliveries[number % self.deliveries.len()];
        let builder = IsolateStore::builder().shared(shared![VALUE]).delivery(delivery);
        let isolate = builder.spawn(store, move |store| drop(self.set_up(store, number)));
        isolate.expect("the worker starts")
    }
}

/// A tree of stores. The test's own store is main.
struct Tree {
    store: ReactonStore,
    parents: Parents,
    children: Children,
    handles: Vec<StoreHandle>,
    heard: Receiver<(usize, u32)>,
    looked: Receiver<Vec<(usize, Traffic)>>,
    /// The traffic that each link has to have; main has none.
    expected: Vec<Traffic>,
}

impl Tree {
    fn new(parents: Parents, deliveries: &'static [Delivery]) -> Self {
        let store = ReactonStore::new();
        let ((here, settled), (tell, heard), (show, looked)) = (channel(), channel(), channel());
        let setup = StoreSetup { parents, deliveries, here, heard: tell, looked: show };
        let children = setup.set_up(&store, MAIN);
        let mut handles: Vec<_> = (0..=parents.len()).map(|_| receive(&settled)).collect();
        handles.sort_by_key(|(number, _)| *number);
        let handles = handles.into_iter().map(|(_, handle)| handle).collect();
        let expected = vec![Traffic::default(); parents.len()];
        Self { store, parents, children, handles, heard, looked, expected }
    }

    fn is_behind(&self, link: usize, store: usize) -> bool {
        store == link || (store != MAIN && self.is_behind(link, self.parents[store - 1]))
    }

    /// Makes one store write, and checks what becomes of the write everywhere.
    #[track_caller]
    fn write(&mut self, writer: usize, value: u32, write: fn(&ReactonStore, u32)) {
        self.handles[writer].post(move |store| write(store, value));
        let mut heard = Vec::new();
        wait_until(&self.store, |_| {
            heard.extend(self.heard.try_iter());
            heard.iter().any(|(number, _)| *number == MAIN)
        });
        while heard.len() < self.handles.len() {
            heard.push(receive(&self.heard));
        }
        heard.sort_unstable();
        let once: Vec<_> = (MAIN..self.handles.len()).map(|number| (number, value)).collect();
        assert_eq!(heard, once, "after a write of {writer}");
        for link in 1..=self.parents.len() {
            let behind = self.is_behind(link, writer);
            let Traffic { down, up } = &mut self.expected[link - 1];
            *(if behind { up } else { down }) += 1;
        }
        assert_eq!(self.traffic(), self.expected, "after a write of {writer}");
    }

    /// Returns what has crossed each link. A store forwards a value before it calls its observers. So when all
    /// observers have been called, anything that was sent back is in an inbox, before this question.
    fn traffic(&self) -> Vec<Traffic> {
        for handle in &self.handles {
            handle.update(&LOOK, |looks| *looks += 1);
        }
        self.store.pump();
        let mut links: Vec<_> = self.handles.iter().flat_map(|_| receive(&self.looked)).collect();
        links.sort_by_key(|(number, _)| *number);
        links.into_iter().map(|(_, traffic)| traffic).collect()
    }

    #[track_caller]
    fn end(self) {
        self.children.take().into_iter().for_each(|(_, child)| end(child));
        drop((self.store, self.children));
        assert!(self.heard.recv().is_err(), "another value has arrived");
    }
}

/// One write of one store in a tree: under each delivery, and with the two deliveries on alternate links.
#[track_caller]
fn one_write(parents: Parents, writer: usize) {
    const MIXED: [Delivery; 2] = [Delivery::Latest, Delivery::Every];
    for deliveries in [&MIXED[..1], &MIXED[1..], &MIXED] {
        let mut tree = Tree::new(parents, deliveries);
        tree.write(writer, 7, |store, value| store.set(&VALUE, value));
        tree.end();
    }
}

#[test]
fn i4_a_write_of_main_reaches_each_of_three_workers_once_and_comes_back_from_none() {
    one_write(STAR, MAIN);
}

#[test]
fn i4_a_write_of_one_of_three_workers_reaches_the_others_once_and_comes_back_to_none() {
    one_write(STAR, 2);
}

#[test]
fn i4_in_a_chain_a_write_of_main_reaches_the_grandchild_once_and_comes_back_from_none() {
    one_write(CHAIN, MAIN);
}

#[test]
fn i4_in_a_chain_a_write_of_the_worker_reaches_both_ends_once_and_comes_back_from_none() {
    one_write(CHAIN, 1);
}

#[test]
fn i4_in_a_chain_a_write_of_the_grandchild_reaches_main_once_and_comes_back_to_none() {
    one_write(CHAIN, 2);
}

#[test]
fn i4_in_a_tree_a_write_of_main_reaches_each_store_once_and_comes_back_from_none() {
    one_write(TREE, MAIN);
}

#[test]
fn i4_in_a_tree_a_write_of_a_worker_reaches_each_store_once_and_comes_back_from_none() {
    one_write(TREE, 1);
}

#[test]
fn i4_in_a_tree_a_write_of_a_grandchild_reaches_each_store_once_and_comes_back_to_none() {
    one_write(TREE, 5);
}

#[test]
fn i4_in_a_tree_where_all_write_in_turn_each_write_arrives_once_and_is_never_sent_back() {
    let mut tree = Tree::new(TREE, &[Delivery::Every, Delivery::Every, Delivery::Latest]);
    for value in (10..=60).step_by(10) {
        for (writer, number) in (MAIN..=TREE.len()).zip(1..) {
            tree.write(writer, value + number, |store, value| store.set(&VALUE, value));
        }
    }
    tree.end();
}

#[test]
fn i4_in_a_tree_a_touch_arrives_once_and_is_never_sent_back_though_nothing_changed() {
    let mut tree = Tree::new(TREE, &[Delivery::Latest, Delivery::Every]);
    for writer in MAIN..=TREE.len() {
        tree.write(writer, 0, |store, _| store.touch(&VALUE));
    }
    tree.end();
}

#[test]
fn i4_in_a_tree_a_batch_is_one_transaction_on_each_link() {
    let mut tree = Tree::new(TREE, &[Delivery::Every]);
    for writer in MAIN..=TREE.len() {
        tree.write(writer, 9, |store, value| {
            store.batch(|store| {
                store.set(&VALUE, value + 1);
                store.touch(&VALUE);
                store.set(&VALUE, value);
            });
        });
    }
    tree.end();
}
