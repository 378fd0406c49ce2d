//! Writes: a value is compared with the current one, replaced, and committed at once or with the open batch.

use crate::graph::{CellId, Compared, RecordKind, ScalarWrite, Special};
use crate::id::{ReactonRef, RefId};
use crate::panics::{FirstPanic, Kept, keeping};
use crate::reacton::access::sealed::Place;
use crate::reacton::access::{Readable, Writable};
use crate::store::ReactonStore;
use crate::value::Scalar;
use crate::value::{Lent, drops_quietly};

impl ReactonStore {
    /// Replaces the value of `reacton` and calls its observers before returning.
    ///
    /// Does nothing if `value` equals the current one. Inside a [`batch`](Self::batch), and inside an observer,
    /// observers are called later: after the outermost batch, after the current round.
    ///
    /// # Panics
    /// With the first panic of an observer, after all of them were called. If two declarations share one id; the
    /// message names both places. If the direction of the reacton in a shared list (`in` or `out`) forbids this store
    /// to write it; then nothing has changed.
    ///
    /// # Examples
    /// ```
    /// # use reacton_core::ReactonStore;
    /// let store = ReactonStore::new();
    /// let name = store.reacton(String::from("Ada"));
    /// store.set(&name, "Grace".into());
    /// assert_eq!(store.get(&name), "Grace");
    /// ```
    #[track_caller]
    pub fn set<R: Readable + Writable>(&self, reacton: &R, value: R::Value) {
        // The cell is created with the initial value, if it does not exist.
        let value = Kept::new(value);
        let Some(place @ Place(id)) = reacton.place(self) else {
            return self.release_unwritten(value);
        };
        let written = if reacton.begins_entry(self, &place) {
            self.batch(|store| {
                store.graph().count_as_change(id);
                store.write(id, value)
            })
        } else {
            self.write(id, value)
        };
        if !written {
            self.refuse_if_refused(id);
            // For a local that was removed, this panics.
            drop(reacton.absent(self));
        }
    }

    /// Panics if the program may not write this cell. Nothing has been written then.
    #[cold]
    #[track_caller]
    pub(crate) fn refuse_if_refused(&self, id: CellId) {
        let refused = self.graph_ref().refused(id);
        let Some(rref) = refused else { return };
        let words = self.extension().and_then(|extension| extension.refusal(rref));
        panic!(
            "{}",
            words.unwrap_or_else(|| format!(
                "`{rref}` cannot be written in this store: the other side of a link writes it"
            ))
        )
    }

    /// The reacton, if the program may not write it in this store.
    pub(crate) fn refused(&self, reacton: &impl Readable) -> Option<ReactonRef> {
        let Place(id) = reacton.found(self)?;
        self.graph_ref().refused(id)
    }

    #[cold]
    fn release_unwritten<T: 'static>(&self, mut value: Kept<T>) {
        let value = value.take();
        self.release(CellId::NONE, move || drop(value));
    }

    /// As [`set`](Self::set), and returns the previous value.
    ///
    /// # Panics
    /// As [`set`](Self::set) does.
    #[track_caller]
    pub fn replace<R: Readable + Writable>(&self, reacton: &R, value: R::Value) -> R::Value
    where
        R::Value: Clone,
    {
        let mut value = Kept::new(value);
        let before = self.get(reacton);
        keeping(before, |_| value.take().into_iter().for_each(|value| self.set(reacton, value))).0
    }

    /// Announces the current value of `reacton` as a change: the observers are called with it, here and in the stores
    /// that share it.
    ///
    /// # Panics
    /// As [`set`](Self::set) does.
    #[track_caller]
    pub fn touch<R: Writable>(&self, reacton: &R) {
        let Some(Place(id)) = reacton.cell(self) else { return };
        self.refuse_if_refused(id);
        self.batch(|store| {
            let mut graph = store.graph();
            graph.remember(id);
            if let Some(record) = graph.record(id, None, RecordKind::Source) {
                record.announced = true;
            }
            graph.changed(id);
        });
    }

    /// A version that changes whenever the reacton does. Of members with the same hash, the newest one.
    pub(crate) fn version_of(&self, id: RefId) -> Option<u64> {
        let graph = self.graph();
        graph.cells_of(id).filter_map(|cell| graph.cell(cell)).map(|cell| cell.version).max()
    }

    /// Replaces the value of a cell, unless the new one is equal. Returns whether the cell exists and the program may
    /// write it.
    #[inline]
    pub(crate) fn write<T: 'static>(&self, id: CellId, value: Kept<T>) -> bool {
        if Scalar::is::<T>()
            && let Some(new) = value.get()
        {
            let mut graph = self.graph();
            if let Some(scalar) = graph.write_scalar(id, new, self.phase().is_open()) {
                let flushed = graph.is_flushed();
                drop(graph);
                match scalar {
                    ScalarWrite::Committed if !flushed => self.flush_observers(),
                    ScalarWrite::Committed | ScalarWrite::Silent => {}
                    ScalarWrite::Watched => {
                        let mut panics = FirstPanic::NONE;
                        self.commit_one(id, &mut panics);
                        self.notify_after(panics);
                    }
                }
                return true;
            }
        }
        self.write_any(id, value)
    }

    // `place` holds the new value and then the replaced one, so that neither is moved.
    fn write_any<T: 'static>(&self, id: CellId, mut place: Kept<T>) -> bool {
        let Some(Compared { old, source, watched, first }) = self.graph().compared(id) else {
            let is_merged = self.replace_merged(id, place.get_mut());
            self.release_from(id, place.get_mut(), None);
            return is_merged;
        };
        // Dropped here, before the write, so that the value can be replaced in place.
        let same = {
            let (old, source) = (old.map(Lent::<T>::new), source);
            match (&old, &source, place.get()) {
                (Some(old), Some(source), Some(value)) if first => {
                    self.compare_first(id, || source.same(old, value))
                }
                (Some(old), Some(source), Some(value)) => source.same(old, value),
                _ => false,
            }
        };
        let open = self.phase().is_open();
        if open && (watched || !same) {
            // Recorded even if it is equal: a transaction that changes anything carries all shared reactons that it
            // wrote.
            self.graph().remember(id);
        }
        if same {
            self.release_from(id, place.get_mut(), None);
            return true;
        }
        let (displaced, flushed) = {
            let mut graph = self.graph();
            let displaced = graph.swap(id, place.get_mut(), true);
            (displaced, graph.is_flushed())
        };
        if open {
            self.release_from(id, place.get_mut(), displaced);
            return true;
        }
        let mut panics = FirstPanic::NONE;
        if watched {
            self.commit_one(id, &mut panics);
        }
        // After the commit and before the observers, because the drop may write or panic.
        if !drops_quietly::<T>() {
            panics.guard(|| self.release_from(id, place.get_mut(), displaced));
        }
        if !flushed || watched || panics.is_some() {
            self.notify_after(panics);
        }
        true
    }

    /// Compares the first value that is written to a member with its initial one. If the comparison panics, nothing was
    /// written.
    #[cold]
    fn compare_first(&self, id: CellId, same: impl FnOnce() -> bool) -> bool {
        let _begun = Begun { store: self, id };
        let same = same();
        if let Some(cell) = self.graph().cell_mut(id) {
            cell.keep_written();
        }
        same
    }

    /// Calls the queued observers, and then resumes the first panic, in `panics` or of an observer.
    fn notify_after(&self, mut panics: FirstPanic) {
        panics.keep(self.notify_observers().take());
        panics.resume();
    }
}

/// The first write of a member. If it does not happen after all, the member is removed with its last reader.
pub(super) struct Begun<'s> {
    pub(super) store: &'s ReactonStore,
    pub(super) id: CellId,
}

impl Drop for Begun<'_> {
    fn drop(&mut self) {
        let released = {
            let mut graph = self.store.graph();
            let begun = graph.cell(self.id).is_some_and(|cell| cell.special == Special::Begun);
            if begun {
                graph.release(self.id);
            }
            begun
        };
        if released {
            let mut panics = FirstPanic::NONE;
            panics.guard(|| self.store.flush_observers());
            panics.resume();
        }
    }
}
