//! What happens in a schedule, one thing at a time.

use std::rc::Rc;
use std::time::Duration;

use reacton::prelude::*;

use crate::fallible::Small;
use crate::observers::{COUNTED, LEFT, RIGHT, SMALL, TOUCHED, hold, stepping};
use crate::reentrant::{Meddling, next_cause};
use crate::tree::World;

impl World {
    /// Lets something happen: mostly a step of some store, or a write by one that lives.
    pub(crate) fn act(&mut self) {
        self.refresh();
        if self.pick(5) == 0 {
            self.meddler.arm(3);
        }
        match self.pick(25) {
            0..10 => self.tally.steps += u64::from(stepping(|| self.simulation.step())),
            10..19 => self.write(),
            19..22 => self.toggle(),
            22 => {
                let in_batch = self.pick(2) == 0;
                self.spawn(in_batch);
            }
            23 => self.doom(),
            _ => self.end_one(),
        }
    }

    /// Lets a worker die of the next thing that it hears.
    fn doom(&self) {
        let fates: Vec<_> = self.nodes.iter().filter_map(|node| node.fate.as_ref()).collect();
        if !fates.is_empty() {
            fates[self.pick(fates.len())].doom();
        }
    }

    fn write(&mut self) {
        let living = self.living();
        let node = living[self.pick(living.len())];
        let store = self.nodes[node].store.clone();
        let meddler = Rc::clone(&self.meddler);
        meddler.acting_for(&store, || self.write_to(node, &store));
    }

    fn write_to(&mut self, node: usize, store: &ReactonStore) {
        let small = u8::try_from(self.pick(4)).expect("below four");
        match self.pick(10) {
            0 => store.set(&SMALL, Small(small)),
            1..4 => self.write_pair(store, small),
            4 => {
                let held = hold(store);
                store.update(&COUNTED, |counted| counted.push(small));
                assert_eq!(held.len() + 1, store.with(&COUNTED, Vec::len));
            }
            5 => store.touch(&TOUCHED),
            6 => store.batch(|store| {
                // Announced, though it comes out as it was.
                let before = store.get(&TOUCHED);
                store.touch(&TOUCHED);
                store.set(&TOUCHED, small);
                store.set(&TOUCHED, before);
            }),
            7 => {
                store.remove(&SMALL);
                // The observers of it have ended.
                self.nodes[node].seen.forget_work();
            }
            8 => store.batch(|store| {
                let before = store.get(&SMALL);
                store.set(&SMALL, Small(small));
                // A turn in the middle takes in nothing.
                assert_eq!(store.pump(), 0);
                store.set(&SMALL, before);
            }),
            _ => {
                let main = self.nodes[0].store.clone();
                let meddler = &self.meddler;
                meddler.acting_for(&main, || next_cause(&main));
            }
        }
    }

    fn write_pair(&mut self, store: &ReactonStore, left: u8) {
        let right = self.meddler.next_pair(left);
        // In any order, and not always alone.
        let order = self.pick(6);
        self.meddler.batch(store, |store| {
            for part in [order % 3, (order + 1 + order / 3) % 3, (order + 2 - order / 3) % 3] {
                match part {
                    0 => store.set(&LEFT, left),
                    1 => store.set(&RIGHT, Meddling(right)),
                    _ if self.pick(3) == 0 => store.set(&SMALL, Small(left)),
                    _ => {}
                }
            }
        });
    }

    /// Pauses something, or takes it in again, from one side of a link.
    fn toggle(&mut self) {
        let links: Vec<_> = self.living().into_iter().filter(|node| *node > 0).collect();
        if self.lossless || links.is_empty() {
            return;
        }
        let node = links[self.pick(links.len())];
        let (below, pauses, what) = (self.pick(2) == 0, self.pick(2) == 0, self.pick(3));
        self.take(node, below, pauses, what);
    }

    fn take(&self, node: usize, below: bool, pauses: bool, what: usize) {
        let node = &self.nodes[node];
        let isolate = node.isolate.as_ref().expect("it lives");
        let above = node.parent.map(|parent| &self.nodes[parent].store).expect("it has one");
        macro_rules! toggle {
            ($side:expr, $($reacton:ident)*) => {{
                let side = $side;
                $(if pauses { side.pause(&$reacton) } else { side.resume(&$reacton) })*
            }};
        }
        let (store, main) =
            if below { (&node.store, MainLink::of(&node.store)) } else { (above, None) };
        // A pair is paused and resumed as one.
        store.batch(|_| match (&main, what) {
            (Some(main), 0) => toggle!(main, SMALL),
            (Some(main), 1) => toggle!(main, LEFT RIGHT),
            (Some(main), _) => toggle!(main, TOUCHED COUNTED),
            (None, 0) => toggle!(isolate, SMALL),
            (None, 1) => toggle!(isolate, LEFT RIGHT),
            (None, _) => toggle!(isolate, TOUCHED COUNTED),
        });
    }

    pub(crate) fn resume_all(&self) {
        for node in self.living().into_iter().filter(|node| *node > 0) {
            for (below, what) in
                [(true, 0), (true, 1), (true, 2), (false, 0), (false, 1), (false, 2)]
            {
                self.take(node, below, false, what);
            }
        }
    }

    /// Disposes a worker, or shuts it down.
    fn end_one(&mut self) {
        let links: Vec<_> = self.living().into_iter().filter(|node| *node > 0).collect();
        if links.is_empty() {
            return;
        }
        let node = links[self.pick(links.len())];
        let isolate = self.nodes[node].isolate.take().expect("it lives");
        if self.pick(2) == 0 {
            drop(isolate);
        } else {
            isolate.shutdown(Duration::from_secs(1)).expect("it drains");
        }
    }
}
