//! Compares the index of queued items with a search of all queued items.

use std::cell::RefCell;
use std::rc::Rc;
use std::sync::Mutex;

use super::super::item::{Arrival, Inbox, Mailbox};
use super::super::staleness::{Newer, Staleness};
use super::*;
use crate::graph::Role;
use crate::store::ReactonStore;
use crate::store::extension::Extension;

/// The versions in a store, and the changes that it does not accept.
#[derive(Default)]
struct Held {
    stamps: RefCell<BTreeMap<(u64, RefId), ChangeStamp>>,
}

impl Extension for Held {
    fn role(&self) -> Role {
        Role::Links
    }
    fn accepts(&self, source: u64, id: RefId, stamp: ChangeStamp) -> bool {
        self.stamps.borrow().get(&(source, id)).is_none_or(|held| stamp > *held)
    }
    fn sources(&self, _: RefId) -> Vec<u64> {
        (0..SOURCES).collect()
    }
}

const SOURCES: u64 = 40;

/// A transaction of a source, or a closure that writes one reacton.
#[derive(Debug, Clone)]
enum Item {
    Changes(u64, Vec<(RefId, ChangeStamp)>),
    Writes(RefId),
}

/// The merged changes: the newest of each reacton.
#[derive(Default)]
struct Merged(Mutex<BTreeMap<RefId, ChangeStamp>>);

impl Merging for Merged {
    fn stamp(&self, id: RefId) -> Option<ChangeStamp> {
        self.0.lock().expect("the mutex is not poisoned").get(&id).copied()
    }

    fn payload(&self, id: RefId) -> Option<Box<dyn Any>> {
        self.stamp(id).map(|stamp| Box::new(stamp) as _)
    }
}

struct Posted(Item);

impl Arrival for Posted {
    fn take_in(self: Box<Self>, _: &ReactonStore) -> usize {
        1
    }

    fn list(&self, contents: &mut Contents) {
        match &self.0 {
            Item::Writes(id) => contents.writes(*id),
            Item::Changes(source, changes) => {
                for (index, (id, stamp)) in changes.iter().enumerate() {
                    contents.change(*source, *id, *stamp, index);
                }
            }
        }
    }

    fn payload(&self, index: usize) -> Option<Box<dyn Any>> {
        let Item::Changes(_, changes) = &self.0 else { return None };
        Some(Box::new(changes[index].1))
    }
}

/// The item that applies the merged changes of a source.
struct Token(u64, Arc<Merged>);

impl Arrival for Token {
    fn take_in(self: Box<Self>, _: &ReactonStore) -> usize {
        1
    }

    fn list(&self, contents: &mut Contents) {
        contents.merging(self.0, Arc::clone(&self.1) as _);
    }
}

enum Waits {
    Item(Item),
    Token(u64),
}

struct World {
    inbox: Inbox,
    staleness: Staleness,
    mailbox: Mailbox,
    extension: Rc<dyn Extension>,
    held: Rc<Held>,
    merged: Vec<Arc<Merged>>,
    /// The queued items, in order.
    naive: VecDeque<Waits>,
    state: u64,
}

impl World {
    fn new(seed: u64) -> Self {
        let (inbox, held) = (Inbox::new(), Rc::new(Held::default()));
        let mailbox = inbox.mailbox();
        let extension = Rc::clone(&held) as Rc<dyn Extension>;
        let merged = (0..SOURCES).map(|_| Arc::default()).collect();
        Self {
            inbox,
            staleness: Staleness::default(),
            mailbox,
            extension,
            held,
            merged,
            naive: VecDeque::new(),
            state: seed,
        }
    }

    fn below(&mut self, limit: u64) -> u64 {
        self.state = self.state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        (self.state >> 33) % limit
    }

    fn id(&mut self) -> RefId {
        RefId::from_u64(self.below(6))
    }

    fn stamp(&mut self) -> ChangeStamp {
        (self.below(20), self.below(3))
    }

    fn post(&mut self) {
        let item = if self.below(6) == 0 {
            Item::Writes(self.id())
        } else {
            let source = self.below(3);
            let changes = (0..self.below(3)).map(|_| (self.id(), self.stamp())).collect();
            Item::Changes(source, changes)
        };
        assert!(self.mailbox.post(Posted(item.clone())));
        self.naive.push_back(Waits::Item(item));
    }

    fn merge(&mut self) {
        let (source, id, stamp) = (self.below(SOURCES), self.id(), self.stamp());
        let list = Arc::clone(&self.merged[usize::try_from(source).expect("the number fits")]);
        let mut changes = list.0.lock().expect("the mutex is not poisoned");
        if changes.is_empty() {
            assert!(self.mailbox.post(Token(source, Arc::clone(&list))));
            self.naive.push_back(Waits::Token(source));
        }
        let newest = changes.entry(id).or_insert(stamp);
        *newest = stamp.max(*newest);
    }

    fn take(&mut self) {
        self.inbox.stage();
        let _ = self.inbox.next();
        if let Some(Waits::Token(source)) = self.naive.pop_front() {
            let list = &self.merged[usize::try_from(source).expect("the number fits")];
            list.0.lock().expect("the mutex is not poisoned").clear();
        }
    }

    fn hold(&mut self) {
        let (source, id, stamp) = (self.below(SOURCES), self.id(), self.stamp());
        self.held.stamps.borrow_mut().insert((source, id), stamp);
    }

    fn check(&mut self) {
        let id = self.id();
        let mut is_written = false;
        let mut stamps = Vec::new();
        for waits in &self.naive {
            match waits {
                Waits::Item(Item::Writes(other)) => is_written |= *other == id,
                Waits::Item(Item::Changes(source, changes)) => {
                    let of_id = changes.iter().filter(|(other, _)| *other == id);
                    stamps.extend(of_id.map(|(_, stamp)| (*source, *stamp)));
                }
                Waits::Token(source) => {
                    let list = &self.merged[usize::try_from(*source).expect("the number fits")];
                    stamps.extend(list.stamp(id).map(|stamp| (*source, stamp)));
                }
            }
        }
        stamps.retain(|(source, stamp)| self.extension.accepts(*source, id, *stamp));
        let newest = stamps.iter().map(|(_, stamp)| *stamp).max();
        let brings = self.staleness.brings(&self.inbox, Some(&self.extension), id, || None);
        assert_eq!(brings, is_written || newest.is_some());
        match self.staleness.newest(&self.inbox, Some(&self.extension), id) {
            None => assert!(!brings),
            Some(Newer::Written(number)) => {
                assert!(is_written);
                let place = usize::try_from(number - self.inbox.taken() - 1)
                    .expect("the message is still in the queue");
                let Waits::Item(Item::Writes(other)) = &self.naive[place] else {
                    panic!("no closure at {place}")
                };
                assert_eq!(*other, id);
            }
            Some(Newer::Sent { payload, .. }) => {
                assert_eq!(payload.downcast_ref::<ChangeStamp>().copied(), newest);
            }
        }
    }
}

#[test]
fn the_index_of_what_waits_finds_what_a_search_finds() {
    for seed in 0..200 {
        let mut world = World::new(seed);
        for _ in 0..200 {
            match world.below(10) {
                0..3 => world.post(),
                3 => world.merge(),
                4..6 => world.take(),
                6 => world.hold(),
                _ => world.check(),
            }
        }
    }
}

#[test]
fn what_is_known_of_what_was_taken_in_is_forgotten() {
    let (inbox, staleness) = (Inbox::new(), Staleness::default());
    let mailbox = inbox.mailbox();
    for round in 0..1000 {
        let id = RefId::from_u64(round);
        assert!(mailbox.post(Posted(Item::Writes(id))));
        assert!(staleness.brings(&inbox, None, id, || None));
        // At least one item is queued at all times.
        inbox.stage();
        if round > 0 {
            let _ = inbox.next();
        }
    }
    assert!(staleness.contents_len() <= SPARE + 2);
}
