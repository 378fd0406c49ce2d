//! The single steps of a schedule.

use std::rc::Rc;
use std::time::Duration;

use reacton::prelude::*;
use reacton_support::TIMEOUT;

use crate::fallible::Small;
use crate::observers::{
    CAUSE, COUNTED, LEFT, PLANNED, PULSE, RIGHT, SMALL, TOUCHED, hold, stepping,
};
use crate::reentrant::{Reentrant, next_cause};
use crate::requests::Requests;
use crate::tree::Tree;

/// Timeouts of shutdowns that may be too short.
pub(crate) const SHORT: [Duration; 3] =
    [Duration::from_micros(200), Duration::from_micros(30), Duration::ZERO];

impl Tree {
    /// Lets something happen: mostly a step of some store, or a write by a store that runs.
    pub(crate) fn act(&mut self) {
        self.refresh();
        if self.pick(5) == 4 {
            self.value_code.arm(3);
            self.note(|| {
                String::from("the code of the next values writes, or lets others take a step")
            });
        }
        match self.pick(42) {
            0..10 => self.tally.steps += u64::from(stepping(|| self.simulation.step())),
            10..19 => self.write(),
            19..22 => self.toggle(),
            22 => {
                let in_batch = self.pick(2) == 1;
                self.spawn(in_batch);
            }
            23 => self.arm_a_panic(),
            24 => self.end_one(),
            25..29 => self.request(),
            29..31 => self.preview(),
            31..38 => self.act_on_the_pool(),
            38..40 => self.kill_one(),
            _ => self.advance(),
        }
        self.requests.iter_mut().for_each(Requests::check);
    }

    /// Makes a worker panic in the next observer that is called.
    fn arm_a_panic(&self) {
        let nodes: Vec<_> =
            (0..self.nodes.len()).filter(|n| self.nodes[*n].planned.is_some()).collect();
        if !nodes.is_empty() {
            let node = nodes[self.pick(nodes.len())];
            let again = self.pick(4);
            self.note(|| {
                format!("node {node} panics in its next observer, after {again} restarts too")
            });
            let again = u32::try_from(again).expect("the number fits");
            self.nodes[node].planned.as_ref().expect("a change is planned").arm(again);
        }
    }

    /// Time passes.
    fn advance(&self) {
        let time = [100, 1_100, 20_000, 70_000][self.pick(4)];
        let time = Duration::from_millis(time);
        self.note(|| format!("{time:?} pass"));
        stepping(|| self.simulation.advance(time));
    }

    /// Another thread calls a store by its handle.
    fn request(&mut self) {
        let living = self.living();
        let node = living[self.pick(living.len())];
        let (what, small) = (self.pick(8), u8::try_from(self.pick(4)).expect("the number fits"));
        let store = self.nodes[node].store.clone();
        // A restarted worker has a new store.
        let own = self.requests.iter().position(|one| one.node == node && one.is_of(&store));
        let own = own.unwrap_or_else(|| {
            self.requests.push(Requests::new(node, &store));
            self.requests.len() - 1
        });
        // The request comes from another thread, so no code of a value acts for the store meanwhile.
        self.value_code.arm(0);
        let sent = self.requests[own].send(what, small);
        self.note(|| sent);
    }

    /// Asks a store for the value in its inbox, and lets it take a turn. If the reacton has one writer, the store then
    /// holds that value.
    fn preview(&mut self) {
        let living = self.living();
        let node = living[self.pick(living.len())];
        let store = self.nodes[node].store.clone();
        self.note(|| format!("node {node} previews what waits, and takes a turn"));
        // Nothing else may happen between the two.
        self.value_code.arm(0);
        let (cause, pulse) = (store.incoming(&CAUSE).map(|cause| cause.0), store.incoming(&PULSE));
        let waits = (store.incoming(&TOUCHED).is_some(), store.incoming(&COUNTED).is_some());
        assert!(
            !waits.0 || store.is_stale(&TOUCHED),
            "node {node}: TOUCHED waits, but is not stale"
        );
        assert!(
            !waits.1 || store.is_stale(&COUNTED),
            "node {node}: COUNTED waits, but is not stale"
        );
        assert!(cause.is_none() || store.is_stale(&CAUSE), "node {node}: CAUSE is not stale");
        store.pump();
        let held = (store.with(&CAUSE, |cause| cause.0), store.get(&PULSE));
        // Only main writes these two.
        let expected = (cause.unwrap_or(held.0), pulse.unwrap_or(held.1));
        assert_eq!(held, expected, "node {node} has a value that was not queued");
        assert_eq!((store.is_stale(&TOUCHED), store.is_stale(&COUNTED)), (false, false));
        let seen = [cause.is_some(), pulse.is_some(), waits.0, waits.1];
        self.tally.previewed += seen.into_iter().filter(|seen| *seen).count() as u64;
    }

    fn write(&mut self) {
        let living = self.living();
        let node = living[self.pick(living.len())];
        let store = self.nodes[node].store.clone();
        let value_code = Rc::clone(&self.value_code);
        value_code.acting_for(&store, || self.write_to(node, &store));
    }

    fn write_to(&mut self, node: usize, store: &ReactonStore) {
        let small = u8::try_from(self.pick(4)).expect("the number fits");
        let what = self.pick(10);
        self.note(|| {
            let names = ["sets SMALL", "writes a pair", "pushes to COUNTED", "touches TOUCHED"];
            let more =
                ["touches TOUCHED in a batch", "removes SMALL", "sets SMALL and sets it back"];
            let name = match what {
                0 => names[0],
                1..4 => names[1],
                4 | 5 => names[what - 2],
                6..9 => more[what - 6],
                _ => "lets node 0 write the next CAUSE",
            };
            format!("node {node} {name} ({small})")
        });
        match what {
            0 => store.set(&SMALL, Small(small)),
            1..4 => self.write_pair(store, small),
            4 => {
                let held = hold(store);
                store.update(&COUNTED, |counted| counted.push(small));
                assert_eq!(held.len() + 1, store.with(&COUNTED, Vec::len));
            }
            5 => store.touch(&TOUCHED),
            6 => store.batch(|store| {
                // Announced by a touch, though the value is equal in the end.
                let before = store.get(&TOUCHED);
                store.touch(&TOUCHED);
                store.set(&TOUCHED, small);
                store.set(&TOUCHED, before);
            }),
            7 => {
                store.remove(&SMALL);
                // The removal has ended the observers of `SMALL`.
                self.nodes[node].seen.forget_work();
            }
            8 => store.batch(|store| {
                let before = store.get(&SMALL);
                store.set(&SMALL, Small(small));
                // A turn inside of a batch applies nothing.
                assert_eq!(store.pump(), 0);
                store.set(&SMALL, before);
            }),
            _ => {
                let main = self.nodes[0].store.clone();
                let value_code = &self.value_code;
                value_code.acting_for(&main, || next_cause(&main));
            }
        }
    }

    fn write_pair(&mut self, store: &ReactonStore, left: u8) {
        let right = self.value_code.next_pair(left);
        // In any order, and sometimes with other writes.
        let order = self.pick(6);
        self.value_code.batch(store, |store| {
            for part in [order % 3, (order + 1 + order / 3) % 3, (order + 2 - order / 3) % 3] {
                match part {
                    0 => store.set(&LEFT, left),
                    1 => store.set(&RIGHT, Reentrant(right)),
                    _ if self.pick(3) == 0 => store.set(&SMALL, Small(left)),
                    _ => {}
                }
            }
        });
    }

    /// Pauses or resumes something, from one side of a link.
    fn toggle(&mut self) {
        let links: Vec<_> = self.living().into_iter().filter(|node| *node > 0).collect();
        if self.lossless || links.is_empty() {
            return;
        }
        let node = links[self.pick(links.len())];
        let (below, pauses, what) = (self.pick(2) == 0, self.pick(2) == 0, self.pick(3));
        self.note(|| {
            let (side, verb) = (
                ["its main", "node"][usize::from(below)],
                ["resumes", "pauses"][usize::from(pauses)],
            );
            let what = ["SMALL", "the pair", "TOUCHED and COUNTED"][what];
            format!("on the link of node {node}, {side} {verb} {what}")
        });
        self.take(node, below, pauses, what);
    }

    fn take(&self, node: usize, below: bool, pauses: bool, what: usize) {
        let node = &self.nodes[node];
        let isolate = node.isolate.as_ref().expect("the worker is running");
        let above =
            node.parent.map(|parent| &self.nodes[parent].store).expect("the node has a parent");
        macro_rules! toggle {
            ($side:expr, $($reacton:ident)*) => {{
                let side = $side;
                $(if pauses { side.pause(&$reacton) } else { side.resume(&$reacton) })*
            }};
        }
        let (store, main) =
            if below { (&node.store, MainLink::of(&node.store)) } else { (above, None) };
        // A pair is paused and resumed as a whole.
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

    /// Disposes a worker, or shuts it down. It may not end in time.
    fn end_one(&mut self) {
        let links: Vec<_> = self.living().into_iter().filter(|node| *node > 0).collect();
        if links.is_empty() {
            return;
        }
        let node = links[self.pick(links.len())];
        let isolate = self.nodes[node].isolate.take().expect("the worker is running");
        if self.pick(2) == 0 {
            self.note(|| format!("node {node} is dropped"));
            return drop(isolate);
        }
        let timeout = self.pick_timeout();
        self.note(|| format!("node {node} is shut down within {timeout:?}"));
        let ended = isolate.try_shutdown(timeout);
        if timeout < TIMEOUT && matches!(ended, Err(ShutdownError::TimedOut { .. })) {
            self.tally.timed_out += 1;
            self.leaving.push((node, isolate));
        } else {
            self.check_the_shutdown(node, &ended);
        }
    }

    /// Checks that the workers that did not end in time have ended when all is quiet.
    pub(crate) fn check_the_leaving(&mut self) {
        for (node, isolate) in std::mem::take(&mut self.leaving) {
            let above = self.nodes[node].parent.map(|parent| &self.nodes[parent].store);
            let is_gone = above.is_none_or(ReactonStore::is_disposed);
            let ended = isolate.try_shutdown(Duration::ZERO);
            if !is_gone {
                self.check_the_shutdown(node, &ended);
            }
        }
    }

    /// Kills the process of a worker.
    fn kill_one(&mut self) {
        let away: Vec<_> =
            self.living().into_iter().filter(|node| self.nodes[*node].away).collect();
        if away.is_empty() {
            return;
        }
        let node = away[self.pick(away.len())];
        self.note(|| format!("the process of node {node} is killed"));
        let isolate = self.nodes[node].isolate.as_ref().expect("the worker is running");
        if self.simulation.kill(isolate) {
            self.nodes[node].kills += 1;
            self.tally.killed += 1;
        }
    }

    /// Checks that a worker was drained, or had panicked before and had no restart left.
    fn check_the_shutdown(&self, node: usize, ended: &Result<(), ShutdownError>) {
        let timeline = self.nodes[node].timeline.as_ref();
        match ended {
            Err(ShutdownError::Failed { message, .. }) => {
                let killed = self.nodes[node].kills > 0 && message.starts_with("killed by SIGKILL");
                assert!(killed || message == PLANNED, "node {node}: {message}");
                assert!(timeline.is_some_and(|line| line.has_failed()), "node {node}: {message}");
            }
            ended => {
                assert_eq!(*ended, Ok(()), "the shutdown of node {node} failed");
                assert!(!timeline.is_some_and(|line| line.has_failed()), "node {node} had failed");
            }
        }
    }
}
