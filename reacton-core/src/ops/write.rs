//! Transactions: a write, or a batch of them, from the first change to the commit.
//!
//! A write outside of a batch is a transaction of its own. At the end of the outermost batch each reacton is
//! compared with what it was before; one that came out equal gets its old version back, and nobody is told.
//! A value that was edited in place is not compared: no copy of what it was before exists.

use std::panic::resume_unwind;
use std::sync::Arc;

use crate::graph::{
    Cell, CellId, Deferred, Graph, Known, Record, RecordKind as Kind, Special, Written,
};
use crate::id::{ReactonRef, RefId};
use crate::ops::scalar::ScalarWrite;
use crate::panics::{FirstPanic, Kept, guarded, keeping};
use crate::reacton::access::sealed::Place;
use crate::reacton::access::{Readable, Writable};
use crate::store::{ReactonStore, names};
use crate::value::Scalar;
use crate::value::{Lent, Value, drops_quietly};

/// A value that was replaced, or the value that came too late.
pub(crate) type Displaced<T> = (Option<T>, Option<Value>);

impl ReactonStore {
    /// Replaces the value of `reacton` and tells its observers before returning.
    ///
    /// Does nothing if `value` equals the current one. Inside a [`batch`](Self::batch), and inside an observer,
    /// observers are told later: after the outermost batch, after the current round.
    ///
    /// # Panics
    /// With the first panic of an observer, after all of them were told. If two declarations share one id; the
    /// message names both places. Before anything has changed, if the reacton is shared in a direction, `in` or `out`, in which
    /// this store does not write it.
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
        // The initial value is made first, if there is none yet.
        let value = Kept::new(value);
        let Some(Place(id)) = reacton.place(self) else {
            return self.release_unwritten(value);
        };
        if !self.write(id, value) {
            self.refuse_if_refused(id);
            // A local that was removed says so here.
            drop(reacton.absent(self));
        }
    }

    /// Panics if the program may not write this cell. Nothing of the write has happened.
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

    /// The reacton, if the program may not write it here.
    pub(crate) fn refused(&self, reacton: &impl Readable) -> Option<ReactonRef> {
        let Place(id) = reacton.found(self)?;
        self.graph_ref().refused(id)
    }

    #[cold]
    fn release_unwritten<T: 'static>(&self, mut value: Kept<T>) {
        let value = value.take();
        self.release(CellId::NOBODY, move || drop(value));
    }

    /// As [`set`](Self::set), and gives the value that was there before.
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

    /// Announces the current value of `reacton` as a change, though it is equal: "do it again".
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
            if let Some(record) = graph.record(id, None, Kind::Source) {
                record.announced = true;
            }
            graph.changed(id);
        });
    }

    /// What changes whenever a declared reacton does. Of members of one hash it is the newest version.
    pub(crate) fn version_of(&self, id: RefId) -> Option<u64> {
        let graph = self.graph();
        graph.cells_of(id).filter_map(|cell| graph.cell(cell)).map(|cell| cell.version).max()
    }

    /// Groups writes into one transaction: observers are told once, when the outermost batch ends, and other
    /// stores receive it whole.
    ///
    /// Reads inside see what was written. It groups, it does not roll back: if `f` panics, what it wrote
    /// before is committed, and the panic goes on.
    ///
    /// # Panics
    /// As [`set`](Self::set) does, when the outermost batch ends.
    ///
    /// # Examples
    /// ```
    /// # use reacton_core::ReactonStore;
    /// let store = ReactonStore::new();
    /// let (x, y) = (store.reacton(0), store.reacton(0));
    /// store.effect(move |cx| println!("{} {}", cx.get(&x), cx.get(&y))); // prints 0 0
    /// store.batch(|store| {
    ///     store.set(&x, 1);
    ///     store.set(&y, 1);
    /// }); // prints 1 1
    /// ```
    pub fn batch<U>(&self, f: impl FnOnce(&ReactonStore) -> U) -> U {
        let mut panicked = FirstPanic::NONE;
        let result = self.phase().batching(|outermost| {
            let result = guarded(|| f(self));
            if outermost && self.graph_ref().has_records() {
                self.commit_all(&mut panicked);
            }
            result
        });
        if !self.phase().is_open()
            && let Some(extension) = self.extension()
        {
            panicked.guard(|| extension.batch_ended(self));
        }
        panicked.keep(self.tell().take());
        match result {
            Err(payload) => {
                drop(panicked);
                resume_unwind(payload)
            }
            Ok(result) if panicked.is_some() => keeping(result, |_| panicked.resume()).0,
            Ok(result) => result,
        }
    }

    /// Replaces the value of a cell, unless the new one is equal. Returns whether there is such a cell that the program may
    /// write.
    #[inline]
    pub(crate) fn write<T: 'static>(&self, id: CellId, value: Kept<T>) -> bool {
        if Scalar::is::<T>()
            && let Some(new) = value.get()
        {
            let mut graph = self.graph();
            if let Some(scalar) = graph.write_scalar(id, new, self.phase().is_open()) {
                let settled = graph.is_settled();
                drop(graph);
                match scalar {
                    ScalarWrite::Committed if !settled => self.settle(),
                    ScalarWrite::Committed | ScalarWrite::Silent => {}
                    ScalarWrite::Watched => {
                        let mut panics = FirstPanic::NONE;
                        self.commit_one(id, &mut panics);
                        self.tell_after(panics);
                    }
                }
                return true;
            }
        }
        self.write_any(id, value)
    }

    // `place` has first the value to be written, then the one that it displaces: it is not moved about.
    fn write_any<T: 'static>(&self, id: CellId, mut place: Kept<T>) -> bool {
        let Some(Compared { old, source, watched, first }) = self.graph().compared(id) else {
            self.release_from(id, place.get_mut(), None);
            return false;
        };
        // The two are dropped here, before the value is replaced, so that it can be replaced in place.
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
            // Noted even if it is equal: a transaction that changes anything carries all of what is shared that it wrote.
            self.graph().remember(id);
        }
        if same {
            self.release_from(id, place.get_mut(), None);
            return true;
        }
        let (displaced, settled) = {
            let mut graph = self.graph();
            let displaced = graph.swap(id, place.get_mut(), true);
            (displaced, graph.is_settled())
        };
        if open {
            self.release_from(id, place.get_mut(), displaced);
            return true;
        }
        let mut panics = FirstPanic::NONE;
        if watched {
            self.commit_one(id, &mut panics);
        }
        // After the commit and before the observers: dropping it may write, or panic.
        if !drops_quietly::<T>() {
            panics.guard(|| self.release_from(id, place.get_mut(), displaced));
        }
        if !settled || watched || panics.is_some() {
            self.tell_after(panics);
        }
        true
    }

    /// Compares the first value that is written to a member with its initial one. If the comparison panics, nothing was written.
    #[cold]
    fn compare_first(&self, id: CellId, same: impl FnOnce() -> bool) -> bool {
        let _begun = Begun { store: self, id };
        let same = same();
        if let Some(cell) = self.graph().cell_mut(id) {
            cell.keep_written();
        }
        same
    }

    /// Drops what a write has displaced, which is in one of the two, as [`release`](Self::release) does.
    #[inline]
    pub(super) fn release_from<T: 'static>(
        &self,
        id: CellId,
        place: &mut Option<T>,
        displaced: Option<Value>,
    ) {
        if drops_quietly::<T>() {
            *place = None;
        } else if self.may_drop() {
            self.drop_now(|| {
                *place = None;
                drop(displaced);
            });
        } else {
            let place = place.take();
            self.drop_later(id, move || drop((place, displaced)));
        }
    }

    /// Calls the observers that are queued, and then resumes the first panic of what led to them or of one of them.
    fn tell_after(&self, mut panics: FirstPanic) {
        panics.keep(self.tell().take());
        panics.resume();
    }

    /// Commits a transaction of one write.
    ///
    /// An extension runs user code: it encodes values, and drops what it displaces. What that writes is committed in its turn, after
    /// it has sent this transaction everywhere: it must not arrive before what it follows from (I11).
    fn commit_one(&self, id: CellId, panics: &mut FirstPanic) {
        let written = {
            let graph = self.graph_ref();
            graph.cell(id).filter(|cell| !cell.watchers.is_empty()).and_then(|cell| {
                let id = cell.body.head()?.rref.id();
                Some(Written { id, changed: true, announced: false, watchers: cell.watchers })
            })
        };
        let (Some(written), Some(extension)) = (written, self.extension()) else { return };
        self.phase().committing(|| {
            panics.guard(|| extension.committed(self, &[written]));
            if self.graph_ref().has_records() {
                self.commit_all(panics);
            }
        });
        panics.guard(|| extension.batch_ended(self));
    }

    /// Commits what is open, of which there is something, and then what the commit itself has written: the layer above to cells of its own, an equality
    /// function, a value that is encoded or dropped.
    fn commit_all(&self, panicked: &mut FirstPanic) {
        self.phase().committing(|| self.commit_until_settled(panicked));
    }

    fn commit_until_settled(&self, panicked: &mut FirstPanic) {
        let limit = self.phase().limit();
        for _ in 0..limit {
            self.commit(panicked);
            if !self.graph_ref().has_records() {
                return;
            }
        }
        panicked.guard(|| {
            panic!(
                "a transaction never settles: after {limit} commits a `Drop`, an equality function or a serializer still writes to: \
                 `{}`; do not write there to what holds the value",
                self.abandon_commit(),
            )
        });
    }

    /// Commits without user code, and returns the names of what was written. The values from before are dropped when the
    /// store ends.
    fn abandon_commit(&self) -> String {
        let records = self.graph().take_sources();
        let written = {
            let mut graph = self.graph();
            records.iter().filter_map(|record| graph.net_change(record, false)).collect::<Vec<_>>()
        };
        if let Some(extension) = self.extension()
            && written.iter().any(|write| write.changed)
        {
            extension.committed(self, &written);
        }
        let mut graph = self.graph();
        let names = names(records.iter().map(|record| graph.name(record.cell).into_owned()));
        let more = graph.take_sources();
        let abandoned = records
            .into_iter()
            .chain(more)
            .map(|record| Deferred { cell: record.cell, drop: Box::new(move || drop(record)) });
        graph.abandoned.extend(abandoned);
        names
    }

    /// Finds out what came out changed and reports it to the extensions. Where an equality function panics, what it compared counts as
    /// changed.
    fn commit(&self, panicked: &mut FirstPanic) {
        self.report_installed(panicked);
        let records = self.graph().take_sources();
        let mut written = Vec::new();
        let mut rest = records.as_slice();
        loop {
            let settled = self.graph().settle_scalars(rest, &mut written);
            let Some((record, after)) = rest[settled..].split_first() else { break };
            let mut same = false;
            panicked.guard(|| same = self.came_out_equal(record));
            written.extend(self.graph().net_change(record, same));
            rest = after;
        }
        if let Some(extension) = self.extension()
            && written.iter().any(|write| write.changed)
        {
            panicked.guard(|| extension.committed(self, &written));
        }
        panicked.drop_each(records);
    }

    /// Reports what another store has written and an extension has installed since the last commit.
    #[inline]
    fn report_installed(&self, panicked: &mut FirstPanic) {
        let installed = self.graph().take_installed();
        if !installed.is_empty()
            && let Some(extension) = self.extension()
        {
            panicked.guard(|| extension.installed(self, &installed));
        }
    }

    /// Whether a reacton that was written to holds what it held before. What user code has written since the commit began
    /// belongs to the next transaction.
    fn came_out_equal(&self, record: &Record) -> bool {
        let graph = self.graph_ref();
        let is_new = graph.committed_version(record.cell) != Some(record.version);
        let source = graph.cell(record.cell).and_then(|cell| cell.body.source()).cloned();
        let found = if is_new && record.is_compared() {
            graph.committed(record.cell).zip(source)
        } else {
            None
        };
        drop(graph);
        match (&found, &record.before) {
            (Some((now, source)), Some(before)) => source.same_held(before, now),
            _ => false,
        }
    }
}

/// The first write of a member, which may come to nothing: then the store holds it no longer than it is observed.
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
            panics.guard(|| self.store.settle());
            panics.resume();
        }
    }
}

/// What a write needs to know of a cell.
struct Compared {
    old: Option<Value>,
    source: Option<Known>,
    watched: bool,
    /// It is the first write of a member.
    first: bool,
}

impl Graph {
    /// What a write of a cell needs to know of it. The cell is kept from then on. `None` if it is not written.
    #[inline]
    fn compared(&mut self, id: CellId) -> Option<Compared> {
        let cell = self.cell_mut(id).filter(|cell| !cell.writes.is_refused())?;
        let first = cell.begin_write();
        let (old, source) = (cell.value.clone(), cell.body.source().cloned());
        Some(Compared { old, source, watched: !cell.watchers.is_empty(), first })
    }

    /// Settles the records that stand first and are of scalars; gives how many these are.
    fn settle_scalars(&mut self, records: &[Record], written: &mut Vec<Written>) -> usize {
        for (at, record) in records.iter().enumerate() {
            let (
                Some(cell @ Cell { writes, value: Some(Value::Scalar(now)), .. }),
                Some(Value::Scalar(before)),
            ) = (self.cell(record.cell), &record.before)
            else {
                return at;
            };
            if cell.is_recorded() {
                // User code has written it since the commit began.
                return at;
            }
            let Some(same) = writes.same_scalar(*before, *now) else { return at };
            let same = same && !record.announced;
            written.extend(self.net_change(record, same));
        }
        records.len()
    }

    /// Settles one record; `Some` if the reacton is shared.
    fn net_change(&mut self, record: &Record, same: bool) -> Option<Written> {
        let cell = self.cell(record.cell)?;
        let mut version = cell.version;
        if cell.is_recorded() {
            // The cell holds what the next transaction has written.
            let next = self.record_of(record.cell)?;
            if same {
                next.version = record.version;
            }
            version = next.version;
        } else if same && version != record.version {
            version = record.version;
            self.changed_to(record.cell, version);
        }
        let cell = self.cell(record.cell).filter(|cell| !cell.watchers.is_empty())?;
        let id = cell.body.head()?.rref.id();
        let changed = version != record.version;
        Some(Written { id, changed, announced: record.announced, watchers: cell.watchers })
    }

    /// Puts a value into a cell, in place if nobody holds the old one, and marks everything downstream.
    /// What comes back may run user code when it is dropped.
    pub(super) fn replace<T: 'static>(&mut self, id: CellId, value: T, told: bool) -> Displaced<T> {
        let mut place = Some(value);
        let displaced = self.swap(id, &mut place, told);
        (place, displaced)
    }

    /// The same for a value that stands in `new`: then the one that it displaces does, or is returned.
    fn swap<T: 'static>(&mut self, id: CellId, new: &mut Option<T>, told: bool) -> Option<Value> {
        let cell = self.cell_mut(id)?;
        cell.keep_written();
        let mut displaced = None;
        if let Some(old) = cell.value.as_mut().and_then(Value::get_mut::<T>) {
            if let Some(new) = new {
                std::mem::swap(old, new);
            }
        } else if let Some(new) = new.take() {
            displaced = cell.value.replace(Value::in_form(new, cell.counted));
        }
        if told {
            self.changed(id);
        }
        displaced
    }

    /// Keeps the values of `id` in counted form from now on; `held` in this one, if the cell still holds it.
    pub(crate) fn keep_counted<T: 'static>(
        &mut self,
        id: CellId,
        held: &Value,
        counted: Arc<T>,
    ) -> Option<Value> {
        let cell = self.cell_mut(id)?;
        cell.counted = true;
        if cell.value.as_ref().is_some_and(|value| value.is_same_allocation(held)) {
            cell.value.replace(Value::new(counted))
        } else {
            None
        }
    }
}
