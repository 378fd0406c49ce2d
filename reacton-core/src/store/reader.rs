//! Tracked reads: how a computed or an effect comes to depend on what it reads.

use crate::graph::{CellId, RunStamp};
use crate::store::{Borrowed, ReactonStore};

/// A computed or an effect reads through this: it depends on each reacton that it reads.
///
/// A run of an effect *or a computed* owns what it makes with [`store`](Self::store) or [`untracked`](Self::untracked):
/// locals, computeds, subscriptions and effects. All of it is removed before the next run. No run owns what is made in
/// [`untracked_root`](Self::untracked_root).
#[derive(Debug)]
pub struct Reader<'s> {
    store: &'s ReactonStore,
    /// The computed or effect that reads.
    cell: CellId,
    /// The number of its run.
    stamp: RunStamp,
}

impl<'s> Reader<'s> {
    pub(crate) fn new(store: &'s ReactonStore, cell: CellId, stamp: RunStamp) -> Self {
        Self { store, cell, stamp }
    }

    /// Calls `f`, whose reads are not tracked: this effect or computed does not depend on them. `f` may also write.
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

    /// Calls `f`. Its reads are not tracked, and the run does not own what `f` makes: see
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

    /// The store. This run owns what is created with it.
    pub fn store(&self) -> &ReactonStore {
        self.store
    }
}
