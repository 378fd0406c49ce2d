//! Editing a value in place, which lends it out of the store for as long as user code has it.

use std::mem::needs_drop;
use std::panic::resume_unwind;

use super::Begun;
use super::records::Kind;
use crate::access::sealed::Place;
use crate::access::{Readable, Writable};
use crate::graph::{CellId, Graph};
use crate::panics::{discard, guarded, keeping};
use crate::store::ReactonStore;
use crate::value::Value;

impl ReactonStore {
    /// Edits the value of `reacton` in place, which counts as a change, and gives what `f` gives.
    ///
    /// The value is cloned first only if somebody else holds it: a reader, a snapshot, an open batch.
    /// What `f` writes to other reactons belongs to the same transaction; what it sets this very reacton to is
    /// overwritten by the edited value. In a [`batch`](Self::batch) that ends
    /// with the value it began with, there is no change. Another store, which still holds the value from before, compares:
    /// its observers are told if the edited value differs, or if it is [touched](Self::touch).
    ///
    /// # Panics
    /// As [`set`](Self::set) does. If `f` reads this very reacton from the store while its value is lent to it.
    ///
    /// # Examples
    /// ```
    /// # use reacton_core::ReactonStore;
    /// let store = ReactonStore::new();
    /// let list = store.reacton(vec![1]);
    /// let length = store.update(&list, |list| { list.push(2); list.len() });
    /// assert_eq!((length, store.get(&list)), (2, vec![1, 2]));
    /// ```
    #[track_caller]
    pub fn update<R: Readable + Writable, U>(
        &self,
        reacton: &R,
        f: impl FnOnce(&mut R::Value) -> U,
    ) -> U
    where
        R::Value: Clone,
    {
        match reacton.cell(self) {
            Some(place) => {
                let _begun = self.begin_edit(reacton, &place);
                match self.edit(place.0, |value| (f(value), true)) {
                    Some(result) => result,
                    None => self.refuse_edit(place.0),
                }
            }
            None => keeping(reacton.absent(self), f).1,
        }
    }

    /// As [`update`](Self::update), but it is a change only if `f` says so; then it must leave the value alone
    /// if it says no.
    ///
    /// # Panics
    /// As [`update`](Self::update) does.
    #[track_caller]
    pub fn update_if<R: Readable + Writable>(
        &self,
        reacton: &R,
        f: impl FnOnce(&mut R::Value) -> bool,
    ) where
        R::Value: Clone,
    {
        let Some(place) = reacton.cell(self) else { return };
        let _begun = self.begin_edit(reacton, &place);
        let edited = self.edit(place.0, |value| {
            let changed = f(value);
            (changed, changed)
        });
        if edited.is_none() {
            self.refuse_edit(place.0);
        }
    }

    #[cold]
    #[track_caller]
    fn refuse_edit(&self, id: CellId) -> ! {
        self.refuse_if_refused(id);
        unreachable!("only a refused edit gives nothing")
    }

    /// A member is kept while its value is edited, and afterwards if it was written.
    fn begin_edit<R: Readable>(&self, reacton: &R, place: &Place) -> Option<Begun<'_>> {
        reacton.keep(self, place).then(|| Begun { store: self, id: place.0 })
    }

    /// `None` if the program may not write this cell: then `f` is not called.
    fn edit<T: Clone + 'static, U>(
        &self,
        id: CellId,
        f: impl FnOnce(&mut T) -> (U, bool),
    ) -> Option<U> {
        let open = self.phase().is_open();
        self.batch(|store| {
            if open {
                let mut graph = store.graph();
                if graph.is_refused(id) {
                    return None;
                }
                graph.remember(id);
            }
            // Plain data is copied out, so that `f` may read the reacton itself; what owns memory is lent.
            let lent = if needs_drop::<T>() { store.graph().lend::<T>(id) } else { None };
            match lent {
                Some((value, version)) => Some(store.edit_lent(id, value, version, f)),
                None => store.edit_copy(id, f),
            }
        })
    }

    fn edit_lent<T: 'static, U>(
        &self,
        id: CellId,
        mut value: Value,
        version: u64,
        f: impl FnOnce(&mut T) -> (U, bool),
    ) -> U {
        let place = value.get_mut::<T>().expect("only a value that nobody else holds is lent");
        let result = guarded(|| f(place));
        let changed = !matches!(result, Ok((_, false)));
        let displaced = self.graph().take_back(id, value, version, changed);
        let release = || self.release(id, move || drop(displaced));
        match result {
            Ok((result, _)) => keeping(result, |_| release()).0,
            Err(payload) => {
                if let Err(second) = guarded(release) {
                    discard(second);
                }
                resume_unwind(payload)
            }
        }
    }

    fn edit_copy<T: Clone + 'static, U>(
        &self,
        id: CellId,
        f: impl FnOnce(&mut T) -> (U, bool),
    ) -> Option<U> {
        let held = match self.graph_ref().editable(id) {
            Editable::Value(held) => held,
            Editable::Refused => return None,
            // Lent to another edit, which the read refuses.
            Editable::Nothing => {
                self.fetch(id, None).expect("the cell was found, and no user code has run since")
            }
        };
        let value = self.expect_value::<T>(&held).clone();
        drop(held);
        let (value, (result, changed)) = keeping(value, f);
        if changed {
            let displaced = {
                let mut graph = self.graph();
                graph.record(id, None, Kind::Source);
                graph.replace(id, value, true)
            };
            return Some(keeping(result, |_| self.release(id, move || drop(displaced))).0);
        }
        Some(result)
    }
}

/// What an edit finds in a cell.
enum Editable {
    Value(Value),
    /// The program may not write it.
    Refused,
    /// No value.
    Nothing,
}

impl Graph {
    /// The value of a source, to be copied for an edit.
    fn editable(&self, id: CellId) -> Editable {
        match self.cell(id) {
            Some(cell) if cell.writes.is_refused() => Editable::Refused,
            Some(cell) => cell.value.clone().map_or(Editable::Nothing, Editable::Value),
            None => Editable::Nothing,
        }
    }

    /// Takes a value out to be edited in place, if nobody else holds it, and gives its version with it.
    fn lend<T: 'static>(&mut self, id: CellId) -> Option<(Value, u64)> {
        let cell = self.cell_mut(id).filter(|cell| !cell.writes.is_refused())?;
        cell.value.as_mut()?.get_mut::<T>()?;
        Some((cell.value.take()?, cell.version))
    }

    /// Puts a lent value back. What comes back may run user code when it is dropped.
    fn take_back(
        &mut self,
        id: CellId,
        value: Value,
        version: u64,
        changed: bool,
    ) -> Option<Value> {
        if changed {
            self.record(id, None, Kind::Source);
            let displaced = self.put(id, value);
            self.changed(id);
            return displaced;
        }
        let Some(cell) = self.cell_mut(id) else { return Some(value) };
        if cell.value.is_some() {
            // It was written meanwhile, and this edit changes nothing of that.
            return Some(value);
        }
        cell.value = Some(value);
        if self.cell(id).is_some_and(|cell| cell.version != version) {
            // Somebody asked for it meanwhile, in vain.
            self.changed_to(id, version);
        }
        None
    }
}
