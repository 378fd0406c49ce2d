//! Histories: what a store's own transactions have written to the reactons of a group, to be undone and done again.
//!
//! The recorder of a store is one of its extensions, so a store without a history does nothing for it. It gets each commit
//! (`history/recorder.rs`), finds out what each reacton held before and afterwards (`history/change.rs`), and adds that to the steps of
//! each history that records the reacton (`history/steps.rs`).

mod change;
mod recorder;
mod steps;

use std::fmt;
use std::rc::Rc;
use std::time::Duration;

use crate::graph::{CellId, Role};
use crate::merge::Way;
use crate::panics::FirstPanic;
use crate::reacton::access::sealed::{Located, Place};
use crate::reacton::group::{Group, GroupPlace};
use crate::reacton::local::ReadOnly;
use crate::store::code::Merged;
use crate::store::{ReactonStore, WeakStore};

use change::Change;
use recorder::{Recorder, Subjects};
use steps::{Step, Steps};

/// As many steps are kept, unless the program sets another number.
const KEEP: usize = 100;

/// The steps that a program can undo and do again. Made by [`ReactonStore::history`]; its clones are handles of the same history.
///
/// It records until its last handle is dropped.
#[derive(Clone)]
pub struct History {
    inner: Rc<Inner>,
}

struct Inner {
    store: WeakStore,
    /// What it records.
    subjects: Subjects,
    steps: Steps,
    can_undo: ReadOnly<bool>,
    can_redo: ReadOnly<bool>,
}

impl ReactonStore {
    /// Begins to record what this store's own transactions write to the reactons of `group`, so that it can be undone.
    ///
    /// A step is one transaction, with what each reacton held before and afterwards. [`undo`](History::undo) puts back what it held
    /// before, as a transaction of its own, which other stores get as any other. What has come from other stores is not recorded: a
    /// program undoes what it has done itself, also if other stores have written since.
    ///
    /// Of a collection, the entries are recorded that a transaction has touched, and only these are put back: rows that a worker has
    /// written meanwhile stay. Of a counter, what was added is subtracted. An item of a list that was removed comes back to its place,
    /// with its id, unless other stores know that it was removed: then it has a new one. A value of a type of your own that implements
    /// `Merge` is restored as a whole. Of a family, each member is recorded, also those that are made later.
    ///
    /// A recorded value is held by reference count, so an [`update`](Self::update) of a recorded value that owns memory copies it first;
    /// a collection copies nothing.
    ///
    /// # Panics
    /// If another declaration in this store has the id of a reacton of the group.
    ///
    /// # Examples
    /// ```
    /// # use reacton_core::{Group, GroupMember, Reacton, ReactonStore};
    /// # static NAME: Reacton<String> = Reacton::<String>::__new("doc::history::NAME", String::new);
    /// # const MEMBERS: &[GroupMember] = &[GroupMember::new(&NAME, NAME.reacton_ref(), ())];
    /// # const PERSON: Group = Group::__of(MEMBERS);
    /// // const PERSON: Group = group![NAME];
    /// let store = ReactonStore::new();
    /// let history = store.history(PERSON).keep(200);
    /// store.set(&NAME, "Ada".into());
    /// store.set(&NAME, "Bea".into());
    /// assert!(history.undo());
    /// assert_eq!(store.get(&NAME), "Ada");
    /// assert!(history.redo() && !history.redo());
    /// assert_eq!((store.get(&NAME), store.get(history.can_undo())), ("Bea".into(), true));
    /// ```
    #[track_caller]
    pub fn history<S>(&self, group: Group<S>) -> History {
        let subjects = Subjects::of(self, group.places(self));
        let inner = Rc::new(Inner {
            store: self.downgrade(),
            subjects,
            steps: Steps::new(KEEP),
            can_undo: ReadOnly::new(self, false, || false),
            can_redo: ReadOnly::new(self, false, || false),
        });
        if !self.is_ended() {
            self.extend(Recorder::default).add(self, &inner);
        }
        History { inner }
    }
}

impl History {
    /// Keeps so many steps, and forgets the oldest ones beyond; 100 unless this is called. With 0 nothing can be undone.
    #[must_use]
    pub fn keep(self, steps: usize) -> Self {
        let displaced = self.inner.steps.set_keep(steps);
        self.inner.forget(displaced);
        self
    }

    /// From now on writes of one reacton are one step, as long as each follows the last one within `window`: those of a slider that is
    /// dragged, or of a text that is typed. A transaction that writes several reactons is a step of its own.
    ///
    /// The time is that of the store: the simulation's, if one has spawned a worker of it.
    #[must_use]
    pub fn coalesce(self, window: Duration) -> Self {
        self.inner.steps.set_window(window);
        self
    }

    /// Ends the step: what is written from now on is another one.
    ///
    /// From the first call on, only marks end steps: what is written between two of them is one step, however many transactions it is.
    /// Call it before each action of the user, or at the beginning and the end of a drag.
    pub fn mark(&self) {
        if let Some(store) = self.inner.store() {
            Recorder::collect_open(&store);
        }
        self.inner.steps.mark();
    }

    /// Takes the last step back: each reacton that it wrote holds again what it held before, each entry of a collection that it touched
    /// as well. One transaction, also if it is called in a batch, of which it is a part then: what the batch has written until now is
    /// the last step.
    ///
    /// Returns `false` if there is no step. A reacton that this store must not write any more, because of its direction in a shared
    /// list, keeps its value.
    ///
    /// # Panics
    /// As [`set`](ReactonStore::set) does. If a comparison or a drop of a value panics, all values have been put back.
    pub fn undo(&self) -> bool {
        self.replay(Way::Back)
    }

    /// Does again what was [undone](Self::undo) last. Returns `false` if nothing was, or if the store has written to a recorded reacton
    /// since.
    ///
    /// # Panics
    /// As [`undo`](Self::undo) does.
    pub fn redo(&self) -> bool {
        self.replay(Way::Again)
    }

    /// Whether there is something to be undone: a reacton of the store.
    pub fn can_undo(&self) -> &ReadOnly<bool> {
        &self.inner.can_undo
    }

    /// Whether there is something to be done again: a reacton of the store.
    pub fn can_redo(&self) -> &ReadOnly<bool> {
        &self.inner.can_redo
    }

    /// Forgets all steps: nothing that was written until now can be undone.
    pub fn clear(&self) {
        if let Some(store) = self.inner.store() {
            Recorder::collect_open(&store);
        }
        let displaced = self.inner.steps.clear();
        self.inner.forget(displaced);
    }

    fn replay(&self, way: Way) -> bool {
        let Some(store) = self.inner.store() else { return false };
        Recorder::collect_open(&store);
        let Some(mut step) = self.inner.steps.take(way) else { return false };
        store.batch(|store| {
            let mut panics = FirstPanic::NONE;
            self.inner.put_back(store, &mut step, way, &mut panics);
            Recorder::collect_replayed(store, &step, &self.inner, &mut panics);
            self.inner.steps.put(way, step);
            self.inner.show(store);
            panics.resume();
        });
        true
    }
}

impl Inner {
    fn store(&self) -> Option<ReactonStore> {
        self.store.upgrade().filter(|store| !store.is_ended())
    }

    /// Makes everything that a step has written hold what it held before it or after it.
    fn put_back(&self, store: &ReactonStore, step: &mut Step, way: Way, panics: &mut FirstPanic) {
        let mut order: Vec<usize> = (0..step.changes().len()).collect();
        if way == Way::Back {
            order.reverse();
        }
        for at in order {
            let renamed = step.changes()[at].replay(store, way, panics);
            if !renamed.is_empty() {
                let cell = step.changes()[at].cell();
                step.rename(cell, &renamed);
                self.steps.rename(cell, &renamed);
            }
        }
    }

    /// Adds what a transaction has written as a step, or to the last one.
    fn record(&self, store: &ReactonStore, changes: Vec<Change>) {
        let displaced = self.steps.push(changes, store.now());
        store.release(CellId::NONE, move || drop_steps(displaced));
        self.show(store);
    }

    /// Drops steps, and shows what is left.
    fn forget(&self, displaced: Vec<Step>) {
        let store = self.store();
        let mut panics = FirstPanic::NONE;
        panics.guard(|| drop_steps(displaced));
        if let Some(store) = store {
            panics.guard(|| self.show(&store));
        }
        panics.resume();
    }

    /// Updates what says whether there is something to be undone or done again.
    fn show(&self, store: &ReactonStore) {
        let (can_undo, can_redo) = self.steps.are_there();
        store.batch(|store| {
            for (reacton, now) in [(self.can_undo, can_undo), (self.can_redo, can_redo)] {
                if reacton.is_in(store) {
                    store.set(&reacton.writer(), now);
                }
            }
        });
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        let mut panics = FirstPanic::NONE;
        if let Some(store) = self.store() {
            panics.guard(|| Recorder::leave(&store, &self.subjects));
            for reacton in [self.can_undo, self.can_redo] {
                if let Some(Place(cell)) = reacton.cell(&store) {
                    panics.guard(|| store.end_cell(cell));
                }
            }
        }
        panics.guard(|| drop_steps(self.steps.clear()));
        panics.resume();
    }
}

/// Drops steps, even if a drop of a value panics.
fn drop_steps(steps: Vec<Step>) {
    let mut panics = FirstPanic::NONE;
    panics.drop_each(steps.into_iter().flat_map(Step::into_changes));
    panics.resume();
}

impl fmt::Debug for History {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.inner.steps.fmt(f)
    }
}

impl ReactonStore {
    /// Reports writes of a part of a group to the recorder, or does not any more.
    fn watch_for_history(&self, place: GroupPlace, on: bool) {
        let mut graph = self.graph();
        match place {
            GroupPlace::Cell(cell) => match graph.cell_mut(cell) {
                Some(cell) if on => cell.watchers.insert(Role::History),
                Some(cell) => cell.watchers.remove(Role::History),
                None => {}
            },
            GroupPlace::Family(family, address) if on => {
                graph.watch_family(family, address, Role::History);
            }
            GroupPlace::Family(family, _) => {
                graph.unwatch_family(family.rref.id(), Role::History);
            }
        }
    }

    /// Whether a cell holds a collection whose entries are recorded, and not whole values.
    fn has_entries(&self, cell: CellId) -> bool {
        let source = self.graph_ref().merged(cell);
        source.as_ref().and_then(|source| source.merged()).is_some_and(Merged::has_entries)
    }

    /// From now on records the entries that are touched in a cell, or does not any more. Returns whether it holds such entries.
    fn record_entries(&self, cell: CellId, on: bool) -> bool {
        let source = self.graph_ref().merged(cell);
        let Some(merged) = source.as_ref().and_then(|source| source.merged()) else { return false };
        merged.record(on);
        merged.has_entries()
    }
}
