//! Tracked reads: how a computed or an effect comes to depend on what it reads.

use crate::graph::{CellId, RunStamp};
use crate::store::{Borrowed, ReactonStore};

/// What a computed or an effect reads through: each read makes it depend on what it read.
///
/// What is made in a run by [`store`](Self::store) or [`untracked`](Self::untracked) (locals, computeds, subscriptions,
/// effects) is owned by that run of the effect *or computed*, and is removed before the next run.
/// [`untracked_root`](Self::untracked_root) makes what no run owns.
#[derive(Debug)]
pub struct Reader<'s> {
    store: &'s ReactonStore,
    /// The reader.
    cell: CellId,
    /// In which run.
    stamp: RunStamp,
}

impl<'s> Reader<'s> {
    pub(crate) fn new(store: &'s ReactonStore, cell: CellId, stamp: RunStamp) -> Self {
        Self { store, cell, stamp }
    }

    /// Reads, and does whatever else, without depending on it.
    ///
    /// The run still owns what `f` makes: see [`untracked_root`](Self::untracked_root).
    ///
    /// # Examples
    /// ```
    /// # use reacton_core::ReactonStore;
    /// # use std::{cell::Cell, rc::Rc};
    /// let store = ReactonStore::new();
    /// let (heard, ignored) = (store.reacton(1), store.reacton(1));
    /// let runs = Rc::new(Cell::new(0));
    /// let counter = Rc::clone(&runs);
    /// store.effect(move |cx| {
    ///     let _sum = cx.get(&heard) + cx.untracked(|store| store.get(&ignored));
    ///     counter.set(counter.get() + 1);
    /// });
    /// store.set(&ignored, 2);
    /// assert_eq!(runs.get(), 1);
    /// ```
    pub fn untracked<U>(&self, f: impl FnOnce(&ReactonStore) -> U) -> U {
        f(self.store)
    }

    /// Calls `f`. Its reads are not tracked, and the run does not own what it makes: as
    /// [`ReactonStore::untracked_root`].
    pub fn untracked_root<U>(&self, f: impl FnOnce(&ReactonStore) -> U) -> U {
        self.store.untracked_root(f)
    }

    /// Calls `f` before the next run of this effect or computed, or when it ends. What `f` reads is not tracked.
    ///
    /// # Examples
    /// ```
    /// # use reacton_core::ReactonStore;
    /// let store = ReactonStore::new();
    /// let room = store.reacton("lobby");
    /// store.effect(move |cx| {
    ///     let name = cx.get(&room);
    ///     println!("enter {name}");
    ///     cx.on_cleanup(move || println!("leave {name}"));
    /// }); // prints enter lobby
    /// store.set(&room, "library"); // prints leave lobby, enter library
    /// ```
    pub fn on_cleanup(&self, f: impl FnOnce() + 'static) {
        self.store.clean_up_after(self.cell, Box::new(f));
    }

    /// The reader.
    pub(crate) fn cell(&self) -> CellId {
        self.cell
    }

    #[inline]
    pub(crate) fn stamp(&self) -> RunStamp {
        self.stamp
    }

    #[inline]
    pub(crate) fn graph(&self) -> Borrowed<'_> {
        self.store.graph()
    }

    /// The store that is read. What is made by it is owned by this run.
    pub fn store(&self) -> &ReactonStore {
        self.store
    }
}
