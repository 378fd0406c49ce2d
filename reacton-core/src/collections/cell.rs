//! The cell of a collection: the changes of the open transaction, and the observers that will receive them.

use std::any::Any;
use std::cell::{OnceCell, RefCell};
use std::fmt;
use std::rc::Rc;

use super::pending::{Observers, Pending};
use super::pieces::Pieces;

use super::recording::Recording;
use crate::graph::{CellId, SourceOps, SourceRef};
use crate::id::Head;
use crate::merge::{Compose, Merge, Writer};
use crate::panics::{FirstPanic, guarded};
use crate::reacton::declare::{Merging, Site};
use crate::store::ReactonStore;
use crate::store::code::{Merged, TouchedEntries};
use crate::value::{Same, Value};

/// The type that the `eq` of a reacton of this type compares.
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

/// The cells of single entries, which are written before any observer is called.
pub(super) trait EntryCells<T: Merge>: Any {
    /// Writes the cells of entries that have changed, as a part of the open transaction.
    fn write(&self, store: &ReactonStore, value: &T, changes: &T::Changes, panics: &mut FirstPanic);
    /// Writes the cells of all entries that are observed, because it is not known which have changed.
    fn write_all(&self, store: &ReactonStore, value: &T, panics: &mut FirstPanic);
    /// Ends all of these cells.
    fn end(&self, store: &ReactonStore, panics: &mut FirstPanic);
}

/// The source of one reacton in one store.
pub(crate) struct MergedCell<T: Merge> {
    pub(super) site: Site<T>,
    pub(crate) same: Same<ValueOf<T>>,
    open: RefCell<Open<T::Changes>>,
    edit: RefCell<Edit<T>>,
    observers: Observers<T::Changes>,
    recording: Recording<T>,
    /// Made when the first entry is read as a reacton of its own.
    pub(super) entries: OnceCell<Box<dyn EntryCells<T>>>,
}

/// An edit that has begun and not ended.
struct Edit<T> {
    /// Whether the edit is sent to other stores.
    shares: bool,
    noted_in: Option<usize>,
    /// The value before the edit. It is kept only for observers that must know the changes if the closure replaces the
    /// whole value. As long as it is kept, the edit copies nodes, so views and folds do without it.
    before: Option<T>,
}

impl<T> Edit<T> {
    const NONE: Self = Self { shares: false, noted_in: None, before: None };
}

/// The changes of the open transaction.
struct Open<C> {
    /// The changes that observers have received in the middle of it.
    earlier: Pieces<C>,
    /// The changes since then.
    now: Pieces<C>,
    /// A panic has hidden some changes, so the value counts as changed.
    is_unknown: bool,
}

impl<C> Open<C> {
    const EMPTY: Self = Self { earlier: Pieces::NONE, now: Pieces::NONE, is_unknown: false };

    /// Whether observers have received everything.
    fn is_handed_over(&self) -> bool {
        self.now.is_empty() && !self.is_unknown
    }

    /// Takes the changes if they are one piece, of which observers have received nothing. Most transactions are.
    fn take_only(&mut self) -> Option<C> {
        if self.is_unknown || !self.earlier.is_empty() { None } else { self.now.take_only() }
    }
}

impl<T: Merge> MergedCell<T> {
    fn new(site: Site<T>, same: Same<ValueOf<T>>) -> Self {
        Self {
            site,
            same,
            open: RefCell::new(Open::EMPTY),
            edit: RefCell::new(Edit::NONE),
            observers: Observers::default(),
            recording: Recording::default(),
            entries: OnceCell::new(),
        }
    }

    /// Finds the source of a cell that holds a `T`.
    pub(crate) fn of(source: &SourceRef) -> Option<&Self> {
        source.merged()?.as_any().downcast_ref()
    }

    /// Removes the changes of entries that are equal. A comparison that panics counts as a difference.
    pub(super) fn drop_equal(&self, changes: &mut T::Changes, panics: &mut FirstPanic) {
        let mut compared = FirstPanic::NONE;
        panics.guard(|| {
            changes.drop_equal(&mut |old, new| {
                self.same.is_some_and(|same| compared.guard(|| same(old, new)).unwrap_or(false))
            });
        });
        panics.keep(compared.take());
    }

    /// Adds an observer, which receives all later changes.
    pub(super) fn observe(&self, panics: &mut FirstPanic) -> Rc<Pending<T::Changes>> {
        self.hand_over(panics);
        self.observers.add()
    }

    /// Passes the changes of the open transaction so far to the observers, because one of them reads its changes in the
    /// middle of it.
    pub(super) fn hand_over(&self, panics: &mut FirstPanic) {
        if self.open.borrow().is_handed_over() {
            return;
        }
        let Open { mut earlier, now, mut is_unknown } = self.take_open();
        if is_unknown {
            self.observers.lose();
        }
        for piece in now {
            is_unknown |= !self.tell_and_keep(piece, &mut earlier, panics);
        }
        // User code may have written meanwhile.
        let displaced = {
            let mut open = self.open.borrow_mut();
            open.is_unknown |= is_unknown;
            std::mem::replace(&mut open.earlier, earlier)
        };
        drop(displaced);
    }

    /// Passes changes to the observers, and appends them to `earlier`. Returns `false`, and appends nothing, if the copy
    /// for that panics.
    fn tell_and_keep(
        &self,
        piece: T::Changes,
        earlier: &mut Pieces<T::Changes>,
        panics: &mut FirstPanic,
    ) -> bool {
        let copy = panics.guard(|| piece.clone());
        panics.guard(|| self.observers.tell(piece, false));
        let is_kept = copy.is_some();
        if let Some(copy) = copy {
            earlier.append(copy, panics);
        }
        is_kept
    }

    /// The closure has replaced the whole value: treats this as an edit that replaces it.
    fn take_over(
        &self,
        store: &ReactonStore,
        value: &mut T,
        (shares, before): (bool, Option<T>),
        panics: &mut FirstPanic,
    ) {
        let (new, writer) = (value.clone(), writer::<T>(store, shares));
        let Some(before) = before else {
            value.begin(writer);
            panics.guard(|| value.replace(new));
            self.lose();
            if let Some(entries) = self.entries.get() {
                entries.write_all(store, value, panics);
            }
            return;
        };
        let displaced = std::mem::replace(value, before);
        value.begin(writer);
        panics.guard(|| value.replace(new));
        panics.guard(|| drop(displaced));
    }

    /// Commits changes of which observers have received none yet. Returns whether all entries are equal.
    fn commit_at_once(&self, now: Pieces<T::Changes>, panics: &mut FirstPanic) -> bool {
        match now.composed(panics) {
            Ok(None) => true,
            Ok(Some(now)) => self.commit_piece(now, panics),
            // What cannot be compared counts as a change.
            Err(pieces) => {
                for piece in pieces {
                    panics.guard(|| self.observers.tell(piece, false));
                }
                false
            }
        }
    }

    /// As [`commit_at_once`](Self::commit_at_once), for one piece.
    fn commit_piece(&self, mut now: T::Changes, panics: &mut FirstPanic) -> bool {
        self.drop_equal(&mut now, panics);
        let is_same = now.is_empty();
        if !is_same && !self.observers.is_empty() {
            panics.guard(|| self.observers.tell(now, true));
        }
        is_same
    }

    /// As [`settle_edit`](Self::settle_edit). If the drop of a key or of a row panics there, the value counts as changed.
    fn settle_guarded(
        &self,
        store: &ReactonStore,
        value: &mut dyn Any,
        is_own: bool,
        panics: &mut FirstPanic,
    ) -> bool {
        let settled = guarded(|| self.settle_edit(store, value, is_own, panics));
        settled.unwrap_or_else(|payload| {
            panics.keep(Some(payload));
            self.lose();
            true
        })
    }

    /// An edit has ended: one of this store, or one that joins entries of other stores.
    fn settle_edit(
        &self,
        store: &ReactonStore,
        value: &mut dyn Any,
        is_own: bool,
        panics: &mut FirstPanic,
    ) -> bool {
        let Some(value) = value.downcast_mut::<T>() else { return false };
        let Edit { shares, noted_in, before } = self.edit.replace(Edit::NONE);
        if value.__noted_in() != noted_in {
            self.take_over(store, value, (shares, before), panics);
        } else if before.is_some() {
            panics.guard(|| drop(before));
        }
        let changes = match panics.guard(|| value.settle()) {
            Some(Some(changes)) => changes,
            Some(None) => return self.open.borrow().is_unknown,
            None => {
                self.lose();
                return true;
            }
        };
        if is_own {
            self.recording.note(&changes, panics);
        }
        if let Some(entries) = self.entries.get() {
            entries.write(store, value, &changes, panics);
        }
        let Some(changes) = self.open.borrow_mut().now.begin_with(changes) else { return true };
        let Open { earlier, mut now, is_unknown } = self.take_open();
        now.append(changes, panics);
        drop(self.open.replace(Open { earlier, now, is_unknown }));
        true
    }

    /// Some changes of the open transaction are unknown.
    fn lose(&self) {
        self.open.borrow_mut().is_unknown = true;
        self.observers.lose();
    }

    fn take_open(&self) -> Open<T::Changes> {
        self.open.replace(Open::EMPTY)
    }
}

fn writer<T: Merge>(store: &ReactonStore, shares: bool) -> Writer {
    Writer { site: if T::__COUNTS { store.counts_as() } else { store.site() }, shares }
}

impl<T: Merge> Merged for MergedCell<T> {
    fn begin(&self, store: &ReactonStore, value: &mut dyn Any, shares: bool) {
        let Some(value) = value.downcast_mut::<T>() else { return };
        let before = self.observers.need_changes().then(|| value.clone());
        value.begin(writer::<T>(store, shares));
        drop(self.edit.replace(Edit { shares, noted_in: value.__noted_in(), before }));
    }

    fn settle(&self, store: &ReactonStore, value: &mut dyn Any, panics: &mut FirstPanic) -> bool {
        self.settle_guarded(store, value, true, panics)
    }

    fn settle_joined(
        &self,
        store: &ReactonStore,
        value: &mut dyn Any,
        panics: &mut FirstPanic,
    ) -> bool {
        self.settle_guarded(store, value, false, panics)
    }

    fn has_entries(&self) -> bool {
        T::__RECORDS_ENTRIES
    }

    fn record(&self, on: bool) {
        self.recording.turn(on && T::__RECORDS_ENTRIES);
    }

    fn take_touched(&self, panics: &mut FirstPanic) -> Option<Box<dyn TouchedEntries>> {
        self.recording.take(self.same, panics)
    }

    fn commit(&self, panics: &mut FirstPanic) -> bool {
        // A separate statement: comparing is user code, which may write.
        let only = self.open.borrow_mut().take_only();
        if let Some(now) = only {
            return self.commit_piece(now, panics);
        }
        let Open { mut earlier, now, mut is_unknown } = self.take_open();
        if earlier.is_empty() {
            return self.commit_at_once(now, panics) && !is_unknown;
        }
        for piece in now {
            is_unknown |= !self.tell_and_keep(piece, &mut earlier, panics);
        }
        let Ok(all) = earlier.composed(panics) else { return false };
        let is_same = all.is_none_or(|mut all| {
            self.drop_equal(&mut all, panics);
            all.is_empty()
        });
        is_same && !is_unknown
    }

    fn revert(&self, store: &ReactonStore, id: CellId) {
        self.recording.settle(self.same);
        store.amend_entries(id, T::revert);
    }

    fn forget_removals(&self, store: &ReactonStore, id: CellId) {
        store.amend_entries(id, |value: &mut T| value.sweep(u64::MAX));
    }

    fn replace(&self, store: &ReactonStore, id: CellId, new: &mut dyn Any) {
        let Some(new) = new.downcast_mut::<Option<T>>().and_then(Option::take) else { return };
        store.edit_entries(id, |value: &mut T| value.replace(new));
    }

    fn reset(&self, store: &ReactonStore, id: CellId) {
        let initial = self.site.initial();
        store.edit_entries(id, |value: &mut T| value.replace(initial));
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
    /// Whether all entries of the two are equal.
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
