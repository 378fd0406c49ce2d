//! Long work can check whether a newer value is queued, and read it.

use std::rc::Rc;

use crate::graph::CellId;
use crate::id::RefId;
use crate::reacton::access::Readable;
use crate::store::ReactonStore;
use crate::store::extension::Extension;
use crate::store::item::Item;
use crate::store::staleness::Newer;
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
    #[track_caller]
    pub fn is_stale<R: Readable>(&self, reacton: &R) -> bool {
        let Some(id) = Wiring::of(self).id_of(reacton) else { return false };
        self.brings(self.extension().as_ref(), id)
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
        let id = Wiring::of(self).id_of(reacton)?;
        let extension = self.extension();
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
        let clone = |value: &dyn std::any::Any| value.downcast_ref::<R::Value>().cloned();
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
        for (id, version) in self.staleness().take_overdue(self.inbox().taken()) {
            let mut graph = self.graph();
            // Of members with the same hash, all that have not changed since: the report does not say which one was
            // meant.
            let is_due =
                |cell: &CellId| graph.cell(*cell).is_some_and(|cell| Some(cell.version) <= version);
            let due: Vec<_> = graph.cells_of(id).filter(is_due).collect();
            for cell in due {
                // Marked, not written: so it gets no new version and is not sent to other stores.
                graph.changed(cell);
            }
        }
        self.flush_observers();
    }
}
