//! The interface for a layer that connects stores: it gets commits before observers run, installs values, and writes
//! cells that the program may not write. For the crate `reacton-isolate`, not for programs.

mod arrivals;
mod families;
mod merging;
mod scopes;

use std::any::Any;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Instant;

pub use self::families::{PreparedMember, SharedMember};
pub use self::scopes::OpenScope;
use crate::graph::CellId;
pub use crate::graph::{Role, Written};
use crate::id::RefId;
use crate::ops::install::Preparation;
use crate::panics::FirstPanic;
use crate::reacton::access::Readable;
use crate::reacton::access::sealed::{Located, Place};
use crate::reacton::declare::Reacton;
use crate::reacton::family::Family;
pub use crate::reacton::family::HeldMember;
use crate::reacton::local::ReadOnly;
use crate::store::ReactonStore;
pub use crate::store::extension::Extension;
pub use crate::store::incoming::Prepared;
use crate::store::item::Inbox;
use crate::store::peers::Peers;
pub use crate::store::site::next_site;
pub use crate::value::Incoming;
use crate::value::Scalar;
use crate::value::{Held, Value};

/// Which of the values of a reacton is meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Moment {
    /// As of the last commit, without the open batch.
    Committed,
    /// The current value.
    Now,
}

/// The inside of a store, for the layer that joins stores.
#[derive(Debug, Clone, Copy)]
pub struct Wiring<'s> {
    store: &'s ReactonStore,
}

impl<'s> Wiring<'s> {
    /// The inside of this store.
    #[must_use]
    #[inline]
    pub fn of(store: &'s ReactonStore) -> Self {
        Self { store }
    }

    /// The extension of the type `E`, made on first need. The extensions of a store are called in the order of their roles.
    ///
    /// # Panics
    /// If the store has an extension of another type in the same role.
    pub fn extend<E: Extension>(self, make: impl FnOnce() -> E) -> Rc<E> {
        self.store.extend(make)
    }

    /// The extension of the type `E`, if there is one.
    #[must_use]
    #[inline]
    pub fn extension<E: Extension>(self) -> Option<Rc<E>> {
        self.store.extension_of()
    }

    /// Takes the extension of this role off the store. Returns whether there was one.
    pub fn detach(self, role: Role) -> bool {
        self.store.detach(role)
    }

    /// Hands an item that has arrived to the extension of this role. Returns the number of transactions that it was, as
    /// [`Extension::arrived`] does; 0 if there is no such extension.
    pub fn hand_over(self, role: Role, item: Box<dyn Any + Send>) -> usize {
        self.store.extension_for(role).map_or(0, |extension| extension.arrived(self.store, item))
    }

    /// From now on writes to this reacton are reported to the extension of this role.
    ///
    /// # Panics
    /// If another declaration in this store has the same id.
    #[track_caller]
    pub fn watch<T: 'static, M>(self, reacton: &Reacton<T, M>, role: Role) {
        if let Some(Place(id)) = reacton.cell(self.store)
            && let Some(cell) = self.store.graph().cell_mut(id)
        {
            cell.watchers.insert(role);
        }
    }

    /// Writes to this reacton, or to the members of this family, are no longer reported to the extension of this role.
    pub fn unwatch(self, id: RefId, role: Role) {
        let mut graph = self.store.graph();
        let cells: Vec<_> = graph.cells_of(id).collect();
        for cell in &cells {
            if let Some(cell) = graph.cell_mut(*cell) {
                cell.watchers.remove(role);
            }
        }
        graph.unwatch_family(id, role);
        drop(graph);
        if role == Role::Links {
            for cell in cells {
                self.store.forget_removals(cell);
            }
        }
    }

    /// From now on the program may not write this reacton or family in this store, or may again. What other stores have written is
    /// installed in any case.
    ///
    /// A refused write panics with the reason that an extension states, before anything has changed. It costs nothing where no write is
    /// refused: a cell says by one byte how it is written.
    pub fn refuse_writes(self, id: RefId, refused: bool) {
        let mut graph = self.store.graph();
        let cells: Vec<_> = graph.cells_of(id).collect();
        for cell in cells {
            graph.refuse_writes(cell, refused);
        }
        graph.refuse_writes_to_family(id, refused);
    }

    /// The value of `reacton` at that moment.
    #[track_caller]
    pub fn held<T: 'static, M>(self, reacton: &Reacton<T, M>, moment: Moment) -> Option<Held<T>> {
        let Place(id) = reacton.cell(self.store)?;
        let value = match moment {
            Moment::Committed => self.store.graph_ref().committed(id),
            Moment::Now => self.store.fetch(id, None),
        };
        Held::new(value?)
    }

    /// The value of `reacton` as it is now; of a disposed store the initial value.
    ///
    /// # Panics
    /// As [`get`](ReactonStore::get) does.
    #[track_caller]
    pub fn held_or_initial<T: 'static, M>(self, reacton: &Reacton<T, M>) -> Held<T> {
        let found = match reacton.cell(self.store) {
            Some(Place(id)) => self.store.fetch(id, None),
            None => None,
        };
        let value = found.unwrap_or_else(|| Value::new(reacton.absent(self.store)));
        self.store.expect_value::<T>(&value);
        Held::new(value).expect("`expect_value` has checked the type")
    }

    /// The written members of a family, as they are now. Calls no user code.
    ///
    /// # Panics
    /// If another declaration has the id of the family; inside an `update` that has one of the values lent to it.
    #[track_caller]
    pub fn held_members<K: Clone + 'static, T: 'static>(
        self,
        family: &'static Family<K, T>,
    ) -> Vec<HeldMember<K, T>> {
        self.store.held_members(family)
    }

    /// The same value with a count that may cross threads. From now on the cell keeps its values in that form;
    /// one that it holds in another form is copied, once.
    #[track_caller]
    pub fn shared_value<T: Clone + 'static, M>(
        self,
        reacton: &Reacton<T, M>,
        held: &Held<T>,
    ) -> Arc<T> {
        if let Some(arc) = held.arc() {
            return Arc::clone(arc);
        }
        let arc = Arc::new(T::clone(held));
        if let Some(Place(id)) = reacton.cell(self.store) {
            let displaced = self.store.graph().make_arc_backed(id, held.value(), Arc::clone(&arc));
            drop(displaced);
        }
        arc
    }

    /// Takes in writes from another store as one transaction: `f` puts them in and sends them on, and only then
    /// are observers called. They are not reported as committed, but as [installed](Extension::installed) to
    /// the extensions that did not install them.
    ///
    /// # Panics
    /// With the first panic of an observer.
    pub fn take_in<U>(self, f: impl FnOnce(Self) -> U) -> U {
        self.store.batch(|store| store.phase().committing(|| f(self)))
    }

    /// Installs the value of another store, equal or not. Observers are called if it differs, is announced, or was said to
    /// make older work stale.
    ///
    /// The value is installed also if user code panics: the comparison, or the `Drop` of the value that it replaces. That
    /// panic goes to `panics`.
    #[track_caller]
    pub fn install<T: 'static, M>(
        self,
        reacton: &Reacton<T, M>,
        value: Incoming<T>,
        announced: bool,
        panics: &mut FirstPanic,
    ) {
        let Some(Place(id)) = reacton.cell(self.store) else {
            panics.guard(|| drop(value));
            return;
        };
        let announced = announced || self.store.is_reported(reacton.reacton_ref().id());
        self.store.install(id, value, announced, panics);
    }

    /// What `f` returns for the committed value of `reacton`, if that is a number, a `bool` or a `char`. `f` must not use the store.
    #[inline]
    pub fn scalar<T: 'static, M, U>(
        self,
        reacton: &Reacton<T, M>,
        f: impl FnOnce(&T) -> Option<U>,
    ) -> Option<U> {
        if !Scalar::is::<T>() {
            return None;
        }
        let Place(id) = reacton.cell(self.store)?;
        let Value::Scalar(scalar) = self.store.graph_ref().committed(id)? else { return None };
        f(scalar.get()?)
    }

    /// Installs a number, a `bool` or a `char` of another store, equal or not. Runs no user code, and calls no observer:
    /// [`flush_observers`](Self::flush_observers) does. Returns `false`, and changes nothing, if the value is of another type or the open
    /// transaction has written to the reacton.
    #[inline]
    pub fn install_scalar<T: 'static, M>(
        self,
        reacton: &Reacton<T, M>,
        value: &T,
        announced: bool,
    ) -> bool {
        let Some(scalar) = Scalar::new(value) else { return false };
        let Some(Place(id)) = reacton.cell(self.store) else { return false };
        let announced = announced || self.store.is_reported(reacton.reacton_ref().id());
        self.store.graph().install_scalar(id, scalar, announced).is_some()
    }

    /// Calls the observers of what was installed.
    ///
    /// # Panics
    /// With the first panic of an observer.
    #[inline]
    pub fn flush_observers(self) {
        self.store.flush_observers();
    }

    /// As [`install`](Self::install), for a transaction of several values: each step of [`Prepared`] is taken for all of them
    /// before the next step.
    #[track_caller]
    pub fn prepare<T: 'static, M>(
        self,
        reacton: &Reacton<T, M>,
        value: Incoming<T>,
    ) -> Box<dyn Prepared> {
        let cell = reacton.cell(self.store).map_or(CellId::NONE, |Place(cell)| cell);
        Box::new(Preparation::new(cell, reacton.reacton_ref().id(), value))
    }

    /// The store.
    #[must_use]
    pub fn store(self) -> &'s ReactonStore {
        self.store
    }

    /// Whether `reacton` finds the two equal; `None` where every write is a change.
    #[must_use]
    pub fn same<T: 'static, M>(reacton: &Reacton<T, M>, a: &T, b: &T) -> Option<bool> {
        reacton.site().compare(a, b)
    }

    /// Makes a reacton that only the layer writes; `gone` is what is read when it is no more.
    pub fn read_only<T: PartialEq + 'static>(self, value: T, gone: fn() -> T) -> ReadOnly<T> {
        ReadOnly::new(self.store, value, gone)
    }

    /// Writes to a reacton of the layer's own; nothing if it is no more.
    pub fn write<T: PartialEq + 'static>(self, reacton: ReadOnly<T>, value: T) {
        if reacton.is_in(self.store) {
            self.store.set(&reacton.writer(), value);
        }
    }

    /// Edits a reacton of the layer's own in place, and returns what `f` returns; the default if it is no more.
    pub fn edit<T: Clone + 'static, U: Default>(
        self,
        reacton: ReadOnly<T>,
        f: impl FnOnce(&mut T) -> U,
    ) -> U {
        if reacton.is_in(self.store) {
            self.store.update(&reacton.writer(), f)
        } else {
            U::default()
        }
    }

    /// Ends a reacton of the layer's own, after its observers were called with its last value. A later read
    /// returns its final value.
    pub fn end<T: PartialEq + 'static>(self, reacton: ReadOnly<T>) {
        if let Some(Place(cell)) = reacton.cell(self.store) {
            self.store.end_cell(cell);
        }
    }

    /// The id of a reacton that was declared as a static.
    #[must_use]
    #[track_caller]
    pub fn id_of(self, reacton: &impl Readable) -> Option<RefId> {
        // Panics if a local does not belong to this store or was removed.
        let _ = reacton.found(self.store);
        reacton.id().filter(|_| !self.store.is_ended())
    }

    /// Whether the store was disposed, from here or from the other end of its link.
    #[must_use]
    pub fn is_stopped(self) -> bool {
        self.store.is_stopped()
    }

    /// The inbox of the store.
    #[must_use]
    pub fn inbox(self) -> &'s Inbox {
        self.store.inbox()
    }

    /// Whether something waits for the next turn.
    #[must_use]
    pub fn has_arrivals(self) -> bool {
        !self.store.inbox().is_empty()
    }

    /// From now on the store is to end as soon as it asks for more and nothing is left.
    pub fn drain(self) {
        self.store.turn_state().set_draining();
        self.store.inbox().wake_tasks();
    }

    /// The store's thread asks for another turn: it has finished the work of the transactions before.
    pub fn ask(self) {
        self.store.ask();
    }

    /// Whether the store's thread has asked for another turn since the last transaction was applied, and nothing is
    /// queued or expected from pending work (`Mailbox::pending_work`).
    #[must_use]
    pub fn has_nothing_left(self) -> bool {
        self.store.has_nothing_left()
    }

    /// An async worker begins to run on the store, or ends.
    pub fn set_driven(self, driven: bool) {
        self.store.turn_state().set_driven(driven);
    }

    /// Whether an async worker has asked for a turn after a future or a stream had said that the store is over.
    #[must_use]
    pub fn was_asked_again(self) -> bool {
        self.store.turn_state().was_asked_again()
    }

    /// How many items wait for the next turn.
    #[must_use]
    pub fn arrivals(self) -> usize {
        self.store.inbox().len()
    }

    /// Takes in the first item of the inbox, if there is one and a turn may be taken now.
    ///
    /// # Panics
    /// As [`pump`](ReactonStore::pump) does.
    pub fn take_one(self) {
        self.store.pump_one();
    }

    /// Whether the store itself was disposed, on its own thread.
    #[must_use]
    pub fn is_ended(self) -> bool {
        self.store.is_ended()
    }

    /// Whether nothing can arrive any more: no mailbox is left that keeps a wait open.
    #[must_use]
    pub fn is_disconnected(self) -> bool {
        self.store.inbox().is_disconnected()
    }

    /// From now on the store waits among these peers; with `None` on its thread.
    pub fn set_peers(self, peers: Option<Arc<dyn Peers>>) {
        self.store.set_peers(peers);
    }

    /// The peers among which the store waits.
    #[must_use]
    pub fn peers(self) -> Option<Arc<dyn Peers>> {
        self.store.peers()
    }

    /// The present time, by which the store waits.
    #[must_use]
    pub fn now(self) -> Instant {
        self.store.now()
    }

    /// The number of the store.
    #[must_use]
    pub fn number(self) -> u64 {
        self.store.number()
    }

    /// Whether the two are handles of one store.
    #[must_use]
    pub fn is(self, other: &ReactonStore) -> bool {
        self.store.number() == other.number()
    }

    /// Whether the store is in the middle of a batch, a computed, an observer or a turn.
    #[must_use]
    pub fn is_busy(self) -> bool {
        self.store.phase().is_busy()
    }

    /// Whether a batch is open.
    #[must_use]
    pub fn is_in_batch(self) -> bool {
        self.store.phase().is_open()
    }
}

#[cfg(test)]
mod tests;
