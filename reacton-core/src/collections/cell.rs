//! The cell of a reacton whose values are made of entries: what the open transaction has changed, and who is to learn of it.

use std::any::Any;
use std::cell::{OnceCell, RefCell};
use std::fmt;
use std::rc::{Rc, Weak};

use super::pending::Pending;
use crate::graph::{CellId, SourceOps, SourceRef};
use crate::id::Head;
use crate::merge::{Compose, Merge, Writer};
use crate::panics::FirstPanic;
use crate::reacton::declare::{Merging, Site};
use crate::store::ReactonStore;
use crate::store::code::Merged;
use crate::value::{Same, Value};

/// What the `eq` of a reacton of this type compares.
pub type ValueOf<T> = <<T as Merge>::Changes as Compose>::Value;

/// How the entries of a reacton are compared.
#[doc(hidden)]
pub struct Entries<T: Merge> {
    same: Same<ValueOf<T>>,
}

impl<T: Merge> Entries<T> {
    #[must_use]
    pub const fn compared_by(same: Same<ValueOf<T>>) -> Self {
        Self { same }
    }
}

impl<T: Merge> fmt::Debug for Entries<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Entries")
    }
}

impl<T: Merge> Merging<T> for Entries<T> {
    fn source(&self, site: Site<T>) -> SourceRef {
        SourceRef::Own(Rc::new(MergedCell::new(site, self.same)))
    }
}

/// Those that learn which entries have changed before any observer is called: the cells of single entries.
pub(super) trait EntryCells<T: Merge>: Any {
    /// Writes the cells of entries that have changed, as a part of the open transaction.
    fn write(&self, store: &ReactonStore, value: &T, changes: &T::Changes, panics: &mut FirstPanic);
    /// Ends all of them.
    fn end(&self, store: &ReactonStore, panics: &mut FirstPanic);
}

/// The source of one reacton in one store.
pub(super) struct MergedCell<T: Merge> {
    pub(super) site: Site<T>,
    pub(super) same: Same<ValueOf<T>>,
    open: RefCell<Open<T::Changes>>,
    observers: RefCell<Vec<Weak<Pending<T::Changes>>>>,
    /// Made when the first entry is read as a reacton of its own.
    pub(super) entries: OnceCell<Box<dyn EntryCells<T>>>,
}

/// What the open transaction has changed.
struct Open<C> {
    /// What was handed to observers in the middle of it.
    earlier: Option<C>,
    /// Since then.
    now: Option<C>,
}

impl<C> Open<C> {
    const EMPTY: Self = Self { earlier: None, now: None };
}

/// Appends `later` to changes that there may be. Calls user code.
fn composed<C: Compose>(changes: Option<C>, later: C) -> C {
    match changes {
        Some(mut changes) => {
            changes.then(&later);
            changes
        }
        None => later,
    }
}

impl<T: Merge> MergedCell<T> {
    fn new(site: Site<T>, same: Same<ValueOf<T>>) -> Self {
        Self {
            site,
            same,
            open: RefCell::new(Open::EMPTY),
            observers: RefCell::default(),
            entries: OnceCell::new(),
        }
    }

    /// Finds the source of a cell that holds a `T`.
    pub(super) fn of(source: &SourceRef) -> Option<&Self> {
        source.merged()?.as_any().downcast_ref()
    }

    /// Removes the changes of what came out equal. A comparison that panics counts as a difference.
    pub(super) fn drop_equal(&self, changes: &mut T::Changes, panics: &mut FirstPanic) {
        let Some(same) = self.same else { return changes.drop_equal(&mut |_, _| false) };
        changes.drop_equal(&mut |old, new| panics.guard(|| same(old, new)).unwrap_or(false));
    }

    /// Adds an observer, which hears what changes from now on.
    pub(super) fn observe(&self) -> Rc<Pending<T::Changes>> {
        self.hand_over();
        let pending = Rc::new(Pending::default());
        let mut observers = self.observers.borrow_mut();
        if observers.len() == observers.capacity() {
            observers.retain(|observer| observer.strong_count() > 0);
        }
        observers.push(Rc::downgrade(&pending));
        pending
    }

    /// Hands what the open transaction has changed until now to the observers, because one of them looks in the middle of it.
    pub(super) fn hand_over(&self) {
        let Open { earlier, now } = self.take_open();
        let Some(now) = now else {
            self.open.borrow_mut().earlier = earlier;
            return;
        };
        self.tell(&now, false);
        let earlier = composed(earlier, now);
        self.open.borrow_mut().earlier = Some(earlier);
    }

    fn take_open(&self) -> Open<T::Changes> {
        std::mem::replace(&mut *self.open.borrow_mut(), Open::EMPTY)
    }

    // Copying and comparing keys is user code: nothing is borrowed meanwhile.
    fn tell(&self, changes: &T::Changes, are_net: bool) {
        let observers: Vec<_> = {
            let mut observers = self.observers.borrow_mut();
            observers.retain(|observer| observer.strong_count() > 0);
            observers.iter().filter_map(Weak::upgrade).collect()
        };
        if observers.is_empty() {
            return;
        }
        let shared = Rc::new(changes.clone());
        for observer in observers {
            observer.add(Rc::clone(&shared), are_net);
        }
    }
}

impl<T: Merge> Merged for MergedCell<T> {
    fn begin(&self, store: &ReactonStore, value: &mut dyn Any) {
        if let Some(value) = value.downcast_mut::<T>() {
            value.begin(Writer { site: store.site(), shares: false });
        }
    }

    fn settle(&self, store: &ReactonStore, value: &mut dyn Any, panics: &mut FirstPanic) -> bool {
        let Some(value) = value.downcast_mut::<T>() else { return false };
        let Some(changes) = panics.guard(|| value.settle()).flatten() else { return false };
        if let Some(entries) = self.entries.get() {
            entries.write(store, value, &changes, panics);
        }
        let Open { earlier, now } = self.take_open();
        let now = composed(now, changes);
        *self.open.borrow_mut() = Open { earlier, now: Some(now) };
        true
    }

    fn commit(&self, panics: &mut FirstPanic) -> bool {
        let Open { earlier, now } = self.take_open();
        let Some(mut now) = now else {
            return earlier.is_none_or(|mut earlier| {
                self.drop_equal(&mut earlier, panics);
                earlier.is_empty()
            });
        };
        let Some(mut all) = earlier else {
            self.drop_equal(&mut now, panics);
            if !now.is_empty() {
                self.tell(&now, true);
            }
            return now.is_empty();
        };
        all.then(&now);
        self.tell(&now, false);
        self.drop_equal(&mut all, panics);
        all.is_empty()
    }

    fn replace(&self, store: &ReactonStore, id: CellId, new: &mut dyn Any) {
        let Some(new) = new.downcast_mut::<Option<T>>().and_then(Option::take) else { return };
        store.edit_entries(id, |value: &mut T| value.replace(new));
    }

    fn restore(&self, store: &ReactonStore, id: CellId, value: &Value) {
        let Some(held) = value.get::<T>() else { return };
        store.edit_entries(id, |value: &mut T| value.restore(held));
    }

    fn ended(&self, store: &ReactonStore, panics: &mut FirstPanic) {
        if let Some(entries) = self.entries.get() {
            entries.end(store, panics);
        }
    }

    fn fresh(&self) -> SourceRef {
        SourceRef::Own(Rc::new(Self::new(self.site, self.same)))
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}

impl<T: Merge> SourceOps for MergedCell<T> {
    fn head(&self) -> Option<&Head> {
        Some(self.site.head())
    }

    fn same(&self, old: &Value, new: &dyn Any) -> bool {
        match (old.get::<T>(), new.downcast_ref::<T>()) {
            (Some(old), Some(new)) => self.is_same(old, new),
            _ => false,
        }
    }

    fn same_held(&self, old: &Value, new: &Value) -> bool {
        match (old.get::<T>(), new.get::<T>()) {
            (Some(old), Some(new)) => self.is_same(old, new),
            _ => false,
        }
    }

    fn is_compared(&self) -> bool {
        self.same.is_some()
    }

    fn initial(&self) -> Option<Value> {
        SourceOps::initial(&self.site)
    }

    fn merged(&self) -> Option<&dyn Merged> {
        Some(self)
    }

    fn is_scalar(&self) -> bool {
        false
    }

    fn type_name(&self) -> &'static str {
        std::any::type_name::<T>()
    }
}

impl<T: Merge> MergedCell<T> {
    /// Whether no entry of the two differs.
    fn is_same(&self, old: &T, new: &T) -> bool {
        let mut edited = old.clone();
        edited.begin(Writer { site: 0, shares: false });
        edited.restore(new);
        edited.settle().is_none_or(|mut changes| {
            changes.drop_equal(&mut |old, new| self.same.is_some_and(|same| same(old, new)));
            changes.is_empty()
        })
    }
}
