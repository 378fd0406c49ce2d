//! Long work can check whether a newer value is queued, and read it.

use std::any::Any;
use std::ops::ControlFlow;
use std::rc::Rc;

use crate::graph::CellId;
use crate::id::RefId;
use crate::reacton::access::Readable;
use crate::reacton::access::sealed::Place;
use crate::store::ReactonStore;
use crate::store::extension::Extension;
use crate::store::item::Item;
use crate::store::staleness::{Newer, Subject};
use crate::value::Incoming;
use crate::wiring::Wiring;

impl ReactonStore {
    /// Whether a newer value of `reacton` is queued for the next turn. Then work on the current value can stop early.
    ///
    /// If it returns `true`, the observers of `reacton` are called again, so that work that stopped early is done. They
    /// are called with the newer value, even if it equals the current one. If the newer value never becomes the current
    /// one, they are called with the current value; this happens if the newer value does not decode, its link is
    /// closed, or the closure that was to write it panics. For a computed it returns `false`: test the reactons that
    /// the computed reads.
    ///
    /// For an entry of a collection, and for a member of a shared family, it returns `true` if a newer write of that entry is queued, or
    /// a closure that may write it.
    #[track_caller]
    pub fn is_stale<R: Readable>(&self, reacton: &R) -> bool {
        let extension = self.extension();
        if let Some((id, name)) = reacton.entry()
            && self.brings_entry(extension.as_ref(), id, name)
        {
            self.report_entry(reacton);
            return true;
        }
        let Some(id) = Wiring::of(self).id_of(reacton) else { return false };
        self.brings(extension.as_ref(), id)
    }

    /// Returns the newest value of `reacton` that is queued for the next turn, if [`is_stale`](Self::is_stale) would
    /// return `true`. So long work can continue with a new target or a new setting.
    ///
    /// It applies nothing: [`get`](Self::get) returns the current value until the next turn, and no observer is called. If it
    /// returns `Some`, the observers of `reacton` are called again, as after `is_stale`. Each call decodes or clones the value.
    ///
    /// Returns `None` if no newer value is queued. It also returns `None` if the newer value does not decode (the turn
    /// reports this error), or if a closure will compute it in the turn, such as the closure of
    /// [`StoreHandle::update`](crate::StoreHandle::update).
    ///
    /// If values of several writers are queued, such as one of a handle and one of a worker, it returns one of them.
    /// The turn may end with another one.
    ///
    /// Of a shared collection it returns the collection as it would be with all queued changes, and of an entry what would be there of
    /// its key. This decodes all queued changes of the collection. It returns `None` if a closure is queued that may change the entry.
    ///
    /// # Examples
    /// ```
    /// # use reacton_core::ReactonStore;
    /// # type Reacton<T> = reacton_core::Reacton<T>;
    /// # static TARGET: Reacton<u32> = Reacton::<u32>::__new("doc::TARGET", || 10);
    /// // #[reacton] static TARGET: u32 = 10;
    /// let store = ReactonStore::new();
    /// let handle = store.handle();
    /// handle.set(&TARGET, 3); // from another thread
    /// let mut target = store.get(&TARGET);
    /// let mut done = 0;
    /// while done < target {
    ///     done += 1;
    ///     if let Some(newer) = store.incoming(&TARGET) {
    ///         target = newer;
    ///     }
    /// }
    /// assert_eq!((done, store.get(&TARGET)), (3, 10));
    /// store.pump();
    /// assert_eq!(store.get(&TARGET), 3);
    /// ```
    #[track_caller]
    pub fn incoming<R: Readable>(&self, reacton: &R) -> Option<R::Value>
    where
        R::Value: Clone,
    {
        let extension = self.extension();
        if let ControlFlow::Break(found) = self.with_queued(extension.as_ref(), reacton) {
            return found;
        }
        let id = Wiring::of(self).id_of(reacton)?;
        let value = match self.staleness().newest(self.inbox(), extension.as_ref(), id)? {
            Newer::Sent { source, payload } => {
                let value = extension.as_ref()?.decode(source, id, &*payload)?;
                match *value.downcast::<Incoming<R::Value>>().ok()? {
                    Incoming::Owned(value) => value,
                    Incoming::Shared(value) => R::Value::clone(&value),
                }
            }
            Newer::Written(number) => self.written(reacton, number)?,
        };
        // Decoding may have applied the queue; then this returns `false`.
        self.brings(extension.as_ref(), id);
        Some(value)
    }

    /// Breaks with what the queue brings of a shared collection, of an entry, or of a member of a shared family; goes on if it brings
    /// nothing of these.
    #[track_caller]
    fn with_queued<R: Readable>(
        &self,
        extension: Option<&Rc<dyn Extension>>,
        reacton: &R,
    ) -> ControlFlow<Option<R::Value>> {
        let entry = reacton.entry();
        let (id, name) = match entry {
            Some((id, name)) => (Some(id), Some(name)),
            None => (Wiring::of(self).id_of(reacton), None),
        };
        let (Some(id), Some(extension)) = (id, extension) else {
            return ControlFlow::Continue(());
        };
        if self.staleness().is_written(self.inbox(), id) {
            let is_declared = entry.is_none() || reacton.id().is_some();
            return if is_declared { ControlFlow::Continue(()) } else { ControlFlow::Break(None) };
        }
        let brings = match name {
            Some(name) => self.brings_entry(Some(extension), id, name),
            None => self.brings(Some(extension), id),
        };
        let found = if brings { extension.with_queued(self, id, name) } else { None };
        let Some(found) = found else { return ControlFlow::Continue(()) };
        let found = reacton.within(found);
        if found.is_some() && entry.is_some() {
            self.report_entry(reacton);
        }
        ControlFlow::Break(found)
    }

    /// Whether the queue brings a newer write of an entry, or a closure that may write it.
    fn brings_entry(
        &self,
        extension: Option<&Rc<dyn Extension>>,
        id: RefId,
        name: &dyn Any,
    ) -> bool {
        !self.is_ended()
            && (self.staleness().is_written(self.inbox(), id)
                || extension.is_some_and(|extension| extension.brings_entry(self, id, name)))
    }

    /// Records that an entry was found to be stale: its observers are to be called.
    #[track_caller]
    fn report_entry<R: Readable>(&self, reacton: &R) {
        let subject = match reacton.id() {
            Some(id) => Some((Subject::Declared(id), self.version_of(id))),
            None => reacton.found(self).map(|Place(cell)| {
                let version = self.graph_ref().cell(cell).map(|cell| cell.version);
                (Subject::Entry(cell), version)
            }),
        };
        if let Some((subject, version)) = subject {
            self.staleness().report_entry(self.inbox(), subject, version);
        }
    }

    /// Whether the queue brings a newer value of `id`. If so, records the report.
    fn brings(&self, extension: Option<&Rc<dyn Extension>>, id: RefId) -> bool {
        self.staleness().brings(self.inbox(), extension, id, || self.version_of(id))
    }

    /// The value that the item of this number writes to `reacton`.
    fn written<R: Readable>(&self, reacton: &R, number: u64) -> Option<R::Value>
    where
        R::Value: Clone,
    {
        let cell = reacton.found(self);
        let clone = |value: &dyn Any| value.downcast_ref::<R::Value>().cloned();
        let take_out = || {
            let read = |item: &Item| item.written(self, cell.as_ref()).and_then(clone);
            self.inbox().lend_one(number, read)
        };
        // A turn that the clone of a value asks for applies nothing.
        let value = self.phase().turning(take_out);
        self.notify_if_refused();
        value.flatten()
    }

    /// Calls the observers of reactons that were reported as stale and that the queue has not changed.
    #[cold]
    pub(crate) fn announce_overdue(&self) {
        for (subject, version) in self.staleness().take_overdue(self.inbox().taken()) {
            let mut graph = self.graph();
            // Of members with the same hash, all that have not changed since: the report does not say which one was
            // meant.
            let is_due =
                |cell: &CellId| graph.cell(*cell).is_some_and(|cell| Some(cell.version) <= version);
            let due: Vec<_> = match subject {
                Subject::Declared(id) => graph.cells_of(id).filter(is_due).collect(),
                Subject::Entry(cell) => Some(cell).into_iter().filter(is_due).collect(),
            };
            for cell in due {
                // Marked, not written: so it gets no new version and is not sent to other stores.
                graph.changed(cell);
            }
        }
        self.flush_observers();
    }
}
