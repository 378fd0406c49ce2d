//! Extensions of a store: each is called with the commits of what it watches, in a fixed order, before any observer.

use std::any::Any;
use std::rc::Rc;

use crate::graph::{Role, Written};
use crate::id::{ReactonRef, RefId};
use crate::panics::FirstPanic;
use crate::store::ReactonStore;
use crate::store::contents::ChangeStamp;

/// A layer above a store, which has at most one extension of each [`Role`]. Each call is guarded: a panic of one
/// extension does not prevent the calls of the others.
pub trait Extension: Any {
    /// Its role, which never changes.
    fn role(&self) -> Role;

    /// Called when a transaction of this store was committed, with everything that it wrote and the extension
    /// [watches](crate::wiring::Wiring::watch), in order of the first write. What the extension writes here belongs to
    /// the next transaction.
    fn committed(&self, store: &ReactonStore, written: &[Written]) {
        let _ = (store, written);
    }

    /// Called when values of another store were installed as one transaction; not for the role `Links`, which installs
    /// them.
    fn installed(&self, store: &ReactonStore, written: &[Written]) {
        let _ = (store, written);
    }

    /// Called when an outermost batch has ended, even if it wrote nothing.
    fn batch_ended(&self, store: &ReactonStore) {
        let _ = store;
    }

    /// Why the program may not write this reacton: see [`Wiring::refuse_writes`](crate::wiring::Wiring::refuse_writes).
    fn refusal(&self, reacton: ReactonRef) -> Option<String> {
        let _ = reacton;
        None
    }

    /// Called when a turn begins, or the store begins to wait for one. Only in builds with debug assertions.
    fn turn_begins(&self, store: &ReactonStore) {
        let _ = store;
    }

    /// Called with an item of the inbox that is [for this role](crate::wiring::Wiring::hand_over). Returns the number
    /// of transactions in it: one, or none for a control message.
    fn arrived(&self, store: &ReactonStore, item: Box<dyn Any + Send>) -> usize {
        let _ = (store, item);
        0
    }

    /// Whether the store is open but has nothing left to wait for.
    fn is_drained(&self, store: &ReactonStore) -> bool {
        let _ = store;
        false
    }

    /// Called when the store [drains](crate::wiring::Wiring::drain), asks for a turn, and its inbox is empty: what
    /// depends on the store can end. May be called several times.
    fn drained(&self, store: &ReactonStore) {
        let _ = store;
    }

    /// Called when the store has ended, or the extension was detached.
    fn disposed(&self) {}

    /// Whether a queued change of `id`, in this version and from this source, would be applied now. The number of a
    /// source belongs to one extension.
    fn accepts(&self, source: u64, id: RefId, stamp: ChangeStamp) -> bool {
        let _ = (source, id, stamp);
        false
    }

    /// The sources from which changes of `id` may come.
    fn sources(&self, id: RefId) -> Vec<u64> {
        let _ = id;
        Vec::new()
    }

    /// Whether a queued change would change the entry of this name in the collection or family `id`.
    fn brings_entry(&self, store: &ReactonStore, id: RefId, name: &dyn Any) -> bool {
        let _ = (store, id, name);
        false
    }

    /// The collection `id` as it would be with all queued changes; of a family, the value of the member of this name. `None` if it is
    /// neither, or nothing that is queued can be applied.
    fn with_queued(
        &self,
        store: &ReactonStore,
        id: RefId,
        name: Option<&dyn Any>,
    ) -> Option<Box<dyn Any>> {
        let _ = (store, id, name);
        None
    }

    /// The value of `id` in a payload from this source, as an [`Incoming`](crate::wiring::Incoming) of its type. `None`
    /// if the payload has none.
    fn decode(&self, source: u64, id: RefId, payload: &dyn Any) -> Option<Box<dyn Any>> {
        let _ = (source, id, payload);
        None
    }
}

/// Several extensions, in the order of their roles, behind one, so that a store with one extension calls it directly.
struct Several(Vec<Rc<dyn Extension>>);

impl Several {
    /// Calls `f` with each, even if another panics. It skips those that another has detached or disposed meanwhile.
    fn each(&self, store: &ReactonStore, f: impl Fn(&dyn Extension)) {
        let mut panics = FirstPanic::NONE;
        for extension in &self.0 {
            if store.has_extension(extension.role()) {
                panics.guard(|| f(&**extension));
            }
        }
        panics.resume();
    }

    /// Calls `f` with each extension and the part of `written` that it watches, if any of that has changed.
    fn report(
        &self,
        store: &ReactonStore,
        written: &[Written],
        f: impl Fn(&dyn Extension, &[Written]),
    ) {
        self.each(store, |extension| {
            let role = extension.role();
            let own: Vec<_> = written.iter().filter(|write| write.is_for(role)).copied().collect();
            if own.iter().any(|write| write.changed) {
                f(extension, &own);
            }
        });
    }
}

impl Extension for Several {
    fn role(&self) -> Role {
        self.0.first().map_or(Role::Links, |first| first.role())
    }

    fn committed(&self, store: &ReactonStore, written: &[Written]) {
        self.report(store, written, |extension, written| extension.committed(store, written));
    }

    fn installed(&self, store: &ReactonStore, written: &[Written]) {
        self.report(store, written, |extension, written| {
            if extension.role() != Role::Links {
                extension.installed(store, written);
            }
        });
    }

    fn batch_ended(&self, store: &ReactonStore) {
        self.each(store, |extension| extension.batch_ended(store));
    }

    fn refusal(&self, reacton: ReactonRef) -> Option<String> {
        self.0.iter().find_map(|extension| extension.refusal(reacton))
    }

    fn turn_begins(&self, store: &ReactonStore) {
        self.each(store, |extension| extension.turn_begins(store));
    }

    fn is_drained(&self, store: &ReactonStore) -> bool {
        self.0.iter().any(|extension| extension.is_drained(store))
    }

    fn drained(&self, store: &ReactonStore) {
        self.each(store, |extension| extension.drained(store));
    }

    fn disposed(&self) {
        let mut panics = FirstPanic::NONE;
        for extension in &self.0 {
            panics.guard(|| extension.disposed());
        }
        panics.resume();
    }

    fn accepts(&self, source: u64, id: RefId, stamp: ChangeStamp) -> bool {
        self.0.iter().any(|extension| extension.accepts(source, id, stamp))
    }

    fn sources(&self, id: RefId) -> Vec<u64> {
        self.0.iter().flat_map(|extension| extension.sources(id)).collect()
    }

    fn brings_entry(&self, store: &ReactonStore, id: RefId, name: &dyn Any) -> bool {
        self.0.iter().any(|extension| extension.brings_entry(store, id, name))
    }

    fn with_queued(
        &self,
        store: &ReactonStore,
        id: RefId,
        name: Option<&dyn Any>,
    ) -> Option<Box<dyn Any>> {
        self.0.iter().find_map(|extension| extension.with_queued(store, id, name))
    }

    fn decode(&self, source: u64, id: RefId, payload: &dyn Any) -> Option<Box<dyn Any>> {
        self.0.iter().find_map(|extension| extension.decode(source, id, payload))
    }
}

impl ReactonStore {
    /// The extension of the store; if there are several, the one that calls them all.
    #[inline]
    pub(crate) fn extension(&self) -> Option<Rc<dyn Extension>> {
        self.inner.extension.borrow().clone()
    }

    /// The extension of this type.
    #[inline]
    pub(crate) fn extension_of<E: Extension>(&self) -> Option<Rc<E>> {
        let found: Rc<dyn Any> = self.extension()?;
        found.downcast::<E>().or_else(among_several).ok()
    }

    fn has_extension(&self, role: Role) -> bool {
        let extension = self.inner.extension.borrow();
        let Some(extension) = extension.as_deref() else { return false };
        match (extension as &dyn Any).downcast_ref::<Several>() {
            Some(several) => several.0.iter().any(|extension| extension.role() == role),
            None => extension.role() == role,
        }
    }

    /// The extensions of the store, in the order in which they are called.
    fn extensions(&self) -> Vec<Rc<dyn Extension>> {
        let Some(found) = self.extension() else { return Vec::new() };
        let several: Rc<dyn Any> = Rc::clone(&found) as _;
        several.downcast_ref::<Several>().map_or_else(|| vec![found], |several| several.0.clone())
    }

    fn set_extensions(&self, mut extensions: Vec<Rc<dyn Extension>>) {
        let extension = match extensions.len() {
            0 | 1 => extensions.pop(),
            _ => {
                extensions.sort_by_key(|extension| extension.role());
                Some(Rc::new(Several(extensions)) as _)
            }
        };
        let displaced = self.inner.extension.replace(extension);
        drop(displaced);
    }

    /// The extension of this type, created on first use.
    ///
    /// # Panics
    /// If the store has another extension of its role.
    pub(crate) fn extend<E: Extension>(&self, make: impl FnOnce() -> E) -> Rc<E> {
        if let Some(extension) = self.extension_of() {
            return extension;
        }
        let extension = Rc::new(make());
        let (role, mut extensions) = (extension.role(), self.extensions());
        assert!(
            extensions.iter().all(|other| other.role() != role),
            "a store has one extension of the role `{role:?}`, and there is one"
        );
        extensions.push(Rc::clone(&extension) as _);
        self.set_extensions(extensions);
        extension
    }

    /// The extension of this role.
    pub(crate) fn extension_for(&self, role: Role) -> Option<Rc<dyn Extension>> {
        self.extensions().into_iter().find(|extension| extension.role() == role)
    }

    /// Detaches the extension of this role, which is no longer called. Returns whether there was one.
    pub(crate) fn detach(&self, role: Role) -> bool {
        let (own, others): (Vec<_>, Vec<_>) =
            self.extensions().into_iter().partition(|extension| extension.role() == role);
        let Some(extension) = own.first() else { return false };
        self.set_extensions(others);
        self.graph().forget_watcher(role);
        extension.disposed();
        true
    }
}

#[cold]
fn among_several<E: Extension>(found: Rc<dyn Any>) -> Result<Rc<E>, Rc<dyn Any>> {
    let several = found.downcast::<Several>()?;
    let mut extensions = several.0.iter().map(|extension| Rc::clone(extension) as Rc<dyn Any>);
    extensions.find_map(|extension| extension.downcast::<E>().ok()).ok_or(several)
}

#[cfg(test)]
mod tests;
