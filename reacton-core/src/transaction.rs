//! Transactions: a write, or a batch of them, from the first change to the commit.
//!
//! A write outside of a batch is a transaction of its own. At the end of the outermost batch each reacton is
//! compared with what it was before; one that came out equal gets its old version back, and nobody is told.

use std::cell::Cell;
use std::mem::needs_drop;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::Arc;

use crate::access::Writable;
use crate::access::sealed::Place;
use crate::derive::Payload;
use crate::graph::{CellId, Graph};
use crate::store::ReactonStore;
use crate::value::Value;
use crate::wiring::Written;

/// What the store is in the middle of.
#[derive(Default)]
pub(crate) struct Phase {
    /// Batches that are open, one inside the other.
    depth: Cell<u32>,
    /// Computeds that are running, one inside the other.
    computing: Cell<u32>,
    /// Observers are being told; those that are queued meanwhile belong to the next round.
    telling: Cell<bool>,
    /// Something that arrived is being taken in.
    turning: Cell<bool>,
}

impl Phase {
    pub(crate) fn is_open(&self) -> bool {
        self.depth.get() > 0
    }

    /// Whether a turn taken now would let other threads' writes into the middle of something.
    pub(crate) fn is_busy(&self) -> bool {
        self.is_open() || self.computing.get() > 0 || self.telling.get() || self.turning.get()
    }

    pub(crate) fn may_tell(&self) -> bool {
        !self.is_open() && self.computing.get() == 0 && !self.telling.get()
    }

    /// Runs `f` as a batch; it is told whether that is the outermost.
    fn batching<U>(&self, f: impl FnOnce(bool) -> U) -> U {
        let outer = self.depth.get();
        during(&self.depth, outer + 1, || f(outer == 0))
    }

    pub(crate) fn computing<U>(&self, f: impl FnOnce() -> U) -> U {
        during(&self.computing, self.computing.get() + 1, f)
    }

    /// Runs `f` as part of a round; says whether the round was begun here.
    pub(crate) fn telling<U>(&self, f: impl FnOnce() -> U) -> (U, bool) {
        let outermost = !self.telling.get();
        (during(&self.telling, true, f), outermost)
    }

    pub(crate) fn turning<U>(&self, f: impl FnOnce() -> U) -> U {
        during(&self.turning, true, f)
    }
}

/// Runs `f` while `flag` is `inside`. A panic sets it back too: a store must not be stuck in the middle of something.
fn during<T: Copy, U>(flag: &Cell<T>, inside: T, f: impl FnOnce() -> U) -> U {
    struct Back<'c, T: Copy>(&'c Cell<T>, T);

    impl<T: Copy> Drop for Back<'_, T> {
        fn drop(&mut self) {
            self.0.set(self.1);
        }
    }

    let _back = Back(flag, flag.replace(inside));
    f()
}

/// What a reacton was before the open transaction.
pub(crate) struct Record {
    cell: CellId,
    /// Absent where the value was edited in place: then it counts as changed without being compared.
    before: Option<Value>,
    version: u64,
    /// Announced by `touch`: told even if the value comes out equal.
    announced: bool,
}

/// What the open transaction remembers.
#[derive(Default)]
pub(crate) struct Records {
    sources: Vec<Record>,
    /// Computeds that were computed anew meanwhile. These are kept until the observers have been told.
    derived: Vec<Record>,
}

#[derive(Clone, Copy)]
enum Kind {
    Source,
    Derived,
}

impl Records {
    pub(crate) fn has_derived(&self) -> bool {
        !self.derived.is_empty()
    }

    fn of(&mut self, kind: Kind) -> &mut Vec<Record> {
        match kind {
            Kind::Source => &mut self.sources,
            Kind::Derived => &mut self.derived,
        }
    }
}

impl Graph {
    /// The record of `id` among the sources or the computeds, made with this value if there is none.
    fn record(&mut self, id: CellId, before: Option<Value>, kind: Kind) -> Option<&mut Record> {
        let cell = self.cell(id)?;
        let (at, version) = (cell.record, cell.version);
        let records = self.records.of(kind);
        if records.get(at as usize).is_none() {
            let at = records.len();
            records.push(Record { cell: id, before, version, announced: false });
            self.cell_mut(id)?.record =
                u32::try_from(at).expect("a transaction writes fewer than 2^32 reactons");
        }
        let at = self.cell(id)?.record;
        self.records.of(kind).get_mut(at as usize)
    }

    /// Keeps what `id` is now, unless the transaction wrote to it before.
    pub(crate) fn remember(&mut self, id: CellId) {
        let before = self.cell(id).and_then(|cell| cell.value.clone());
        self.record(id, before, Kind::Source);
    }

    /// Keeps what a computed was, and gives it its old version back when it returns to that.
    pub(crate) fn remember_derived(&mut self, id: CellId, before: Value) {
        self.record(id, Some(before), Kind::Derived);
    }

    pub(crate) fn derived_record(&self, id: CellId) -> Option<(Value, u64)> {
        let at = self.cell(id)?.record;
        let record = self.records.derived.get(at as usize)?;
        Some((record.before.clone()?, record.version))
    }

    /// What `id` held before the open transaction.
    pub(crate) fn committed(&self, id: CellId) -> Option<Value> {
        let cell = self.cell(id)?;
        match self.records.sources.get(cell.record as usize) {
            Some(record) => record.before.clone(),
            None => cell.value.clone(),
        }
    }

    fn has_records(&self) -> bool {
        !self.records.sources.is_empty()
    }

    fn take_sources(&mut self) -> Vec<Record> {
        let records = std::mem::take(&mut self.records.sources);
        self.close(&records);
        records
    }

    /// What is returned may run user code when it is dropped.
    pub(crate) fn take_derived(&mut self) -> Vec<Record> {
        let records = std::mem::take(&mut self.records.derived);
        self.close(&records);
        records
    }

    fn close(&mut self, records: &[Record]) {
        for record in records {
            if let Some(cell) = self.cell_mut(record.cell) {
                cell.record = u32::MAX;
            }
        }
    }

    /// Puts a value into a cell, in place if nobody holds the old one, and marks everything downstream.
    /// What comes back may run user code when it is dropped.
    fn replace<T: 'static>(&mut self, id: CellId, value: T, told: bool) -> Displaced<T> {
        let Some(cell) = self.cell_mut(id) else {
            return (Some(value), None);
        };
        let displaced = if let Some(place) = cell.value.as_mut().and_then(Value::get_mut::<T>) {
            (Some(std::mem::replace(place, value)), None)
        } else {
            let value = Value::in_form(value, cell.counted);
            (None, cell.value.replace(value))
        };
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

    /// Takes a value out to be edited in place, if nobody else holds it, and gives its version with it.
    fn lend<T: 'static>(&mut self, id: CellId) -> Option<(Value, u64)> {
        let cell = self.cell_mut(id)?;
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
        }
        let displaced = self.put(id, value);
        if changed {
            self.changed(id);
        } else if self.cell(id).is_some_and(|cell| cell.version != version) {
            // Somebody asked for it meanwhile, in vain.
            self.changed_to(id, version);
        }
        displaced
    }
}

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
    /// message names both places.
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
    pub fn set<R: Writable>(&self, reacton: &R, value: R::Value) {
        if let Some(Place(id)) = reacton.place(self)
            && !self.write(id, value)
        {
            // A local that was removed says so here.
            drop(reacton.absent(self));
        }
    }

    /// As [`set`](Self::set), and gives the value that was there before.
    ///
    /// # Panics
    /// As [`set`](Self::set) does.
    #[track_caller]
    pub fn replace<R: Writable>(&self, reacton: &R, value: R::Value) -> R::Value
    where
        R::Value: Clone,
    {
        let before = self.get(reacton);
        self.set(reacton, value);
        before
    }

    /// Edits the value of `reacton` in place, which counts as a change, and gives what `f` gives.
    ///
    /// The value is cloned first only if somebody else holds it: a reader, a snapshot, an open batch.
    /// What `f` writes to other reactons belongs to the same transaction. In a [`batch`](Self::batch) that ends
    /// with the value it began with, there is no change.
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
    pub fn update<R: Writable, U>(&self, reacton: &R, f: impl FnOnce(&mut R::Value) -> U) -> U
    where
        R::Value: Clone,
    {
        match reacton.cell(self) {
            Some(Place(id)) => self.edit(id, |value| (f(value), true)),
            None => f(&mut reacton.absent(self)),
        }
    }

    /// As [`update`](Self::update), but it is a change only if `f` says so; then it must leave the value alone
    /// if it says no.
    ///
    /// # Panics
    /// As [`update`](Self::update) does.
    #[track_caller]
    pub fn update_if<R: Writable>(&self, reacton: &R, f: impl FnOnce(&mut R::Value) -> bool)
    where
        R::Value: Clone,
    {
        if let Some(Place(id)) = reacton.cell(self) {
            self.edit(id, |value| ((), f(value)));
        }
    }

    /// Announces the current value of `reacton` as a change, though it is equal: "do it again".
    ///
    /// # Panics
    /// As [`set`](Self::set) does.
    #[track_caller]
    pub fn touch<R: Writable>(&self, reacton: &R) {
        let Some(Place(id)) = reacton.cell(self) else {
            return;
        };
        self.batch(|store| {
            let mut graph = store.graph();
            graph.remember(id);
            if let Some(record) = graph.record(id, None, Kind::Source) {
                record.announced = true;
            }
            graph.changed(id);
        });
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
        let (result, panicked) = self.phase().batching(|outermost| {
            let result = catch_unwind(AssertUnwindSafe(|| f(self)));
            let mut panicked = None;
            // A commit may write: the layer above to cells of its own, an equality function, a value that is dropped.
            while outermost && self.graph_ref().has_records() {
                panicked = panicked.or(self.commit());
            }
            (result, panicked)
        });
        if !self.phase().is_open()
            && let Some(hook) = self.hook()
        {
            hook.batch_ended(self);
        }
        let told = self.tell();
        match result {
            Err(payload) => resume_unwind(payload),
            Ok(result) => match panicked.or(told) {
                Some(payload) => resume_unwind(payload),
                None => result,
            },
        }
    }

    /// Replaces the value of a cell, unless the new one is equal. Gives whether there is such a cell.
    pub(crate) fn write<T: 'static>(&self, id: CellId, value: T) -> bool {
        let found = self
            .graph_ref()
            .cell(id)
            .map(|cell| (cell.value.clone(), cell.body.clone(), cell.synced));
        let Some((old, body, synced)) = found else { return false };
        let same = match (&old, body.source()) {
            (Some(old), Some(source)) => source.same(old, &value),
            _ => false,
        };
        // Given back before the value is replaced, so that it can be replaced in place.
        drop((old, body));
        let open = self.phase().is_open();
        if open && (synced || !same) {
            // Noted even if it is equal: a transaction that changes anything carries all of what is shared that it wrote.
            self.graph().remember(id);
        }
        if same {
            return true;
        }
        let displaced = self.graph().replace(id, value, true);
        if open {
            return true;
        }
        if synced {
            self.commit_one(id);
        }
        // After the commit and before the observers: dropping it may write, or panic.
        drop(displaced);
        self.settle();
        true
    }

    /// Puts in what another store holds, equal or not; observers are told if it differs or is announced.
    pub(crate) fn install<T: 'static>(&self, id: CellId, value: T, announced: bool) {
        let told = announced || self.differs(id, &value);
        let displaced = self.graph().replace(id, value, told);
        drop(displaced);
    }

    /// The same for a value that other threads hold too: no copy is made of it.
    pub(crate) fn install_counted<T: 'static>(&self, id: CellId, value: Arc<T>, announced: bool) {
        let told = announced || self.differs(id, &*value);
        let displaced = {
            let mut graph = self.graph();
            if let Some(cell) = graph.cell_mut(id) {
                cell.counted = true;
            }
            let displaced = graph.put(id, Value::new(value));
            if told {
                graph.changed(id);
            }
            displaced
        };
        drop(displaced);
    }

    fn differs<T: 'static>(&self, id: CellId, value: &T) -> bool {
        let found = self.graph_ref().cell(id).map(|cell| (cell.value.clone(), cell.body.clone()));
        match &found {
            Some((Some(old), body)) => body.source().is_none_or(|source| !source.same(old, value)),
            _ => true,
        }
    }

    fn edit<T: Clone + 'static, U>(&self, id: CellId, f: impl FnOnce(&mut T) -> (U, bool)) -> U {
        let open = self.phase().is_open();
        self.batch(|store| {
            if open {
                store.graph().remember(id);
            }
            // Plain data is copied out, so that `f` may read the reacton itself; what owns memory is lent.
            let lent = if needs_drop::<T>() { store.graph().lend::<T>(id) } else { None };
            match lent {
                Some((value, version)) => store.edit_lent(id, value, version, f),
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
        let result = catch_unwind(AssertUnwindSafe(|| f(place)));
        let changed = !matches!(result, Ok((_, false)));
        let displaced = self.graph().take_back(id, value, version, changed);
        drop(displaced);
        match result {
            Ok((result, _)) => result,
            Err(payload) => resume_unwind(payload),
        }
    }

    fn edit_copy<T: Clone + 'static, U>(
        &self,
        id: CellId,
        f: impl FnOnce(&mut T) -> (U, bool),
    ) -> U {
        let held =
            self.fetch(id, None).expect("the cell was found, and no user code has run since");
        let mut value = self.expect_value::<T>(&held).clone();
        drop(held);
        let (result, changed) = f(&mut value);
        if changed {
            let displaced = {
                let mut graph = self.graph();
                graph.record(id, None, Kind::Source);
                graph.replace(id, value, true)
            };
            drop(displaced);
        }
        result
    }

    fn commit_one(&self, id: CellId) {
        let written = {
            let graph = self.graph_ref();
            graph.cell(id).filter(|cell| cell.synced).and_then(|cell| {
                let id = cell.body.head()?.rref.id();
                Some(Written { id, changed: true, announced: false })
            })
        };
        if let (Some(written), Some(hook)) = (written, self.hook()) {
            hook.committed(self, &[written]);
        }
    }

    /// Ends the outermost batch: finds out what came out changed and tells the hook. Gives the first panic of
    /// an equality function; what it compared counts as changed.
    fn commit(&self) -> Option<Payload> {
        let records = self.graph().take_sources();
        let mut panicked = None;
        let mut written = Vec::new();
        let mut guarded = |f: &mut dyn FnMut()| {
            if let Err(payload) = catch_unwind(AssertUnwindSafe(f)) {
                panicked.get_or_insert(payload);
            }
        };
        for record in &records {
            let mut same = false;
            guarded(&mut || same = self.came_out_equal(record));
            written.extend(self.net_change(record, same));
        }
        if let Some(hook) = self.hook()
            && written.iter().any(|write| write.changed)
        {
            guarded(&mut || hook.committed(self, &written));
        }
        let mut records = Some(records);
        guarded(&mut || drop(records.take()));
        panicked
    }

    /// Whether a reacton that was written to holds what it held before.
    fn came_out_equal(&self, record: &Record) -> bool {
        let found = self
            .graph_ref()
            .cell(record.cell)
            .filter(|cell| cell.version != record.version && !record.announced)
            .map(|cell| (cell.value.clone(), cell.body.clone()));
        match (&found, &record.before) {
            (Some((Some(now), body)), Some(before)) => {
                body.source().is_some_and(|source| source.same_held(before, now))
            }
            _ => false,
        }
    }

    /// Settles one record; `Some` if the reacton is shared.
    fn net_change(&self, record: &Record, same: bool) -> Option<Written> {
        let mut graph = self.graph();
        if same {
            graph.changed_to(record.cell, record.version);
        }
        let cell = graph.cell(record.cell).filter(|cell| cell.synced)?;
        let id = cell.body.head()?.rref.id();
        let changed = cell.version != record.version;
        Some(Written { id, changed, announced: record.announced })
    }
}
