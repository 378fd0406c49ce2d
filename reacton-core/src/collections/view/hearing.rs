//! The receivers of the changes of a view: subscriptions, streams and folds.

use std::cell::RefCell;
use std::rc::Rc;

use super::diffs::ViewChanges;
use super::rows::{Edits, Rows};
use super::{View, stage::Stage};
use crate::collections::diffs::Diff;
use crate::collections::observe::{Changing, Follows, Hears, News};
use crate::collections::pending::{FEW, Pending};
use crate::graph::CellId;
use crate::merge::Compose;
use crate::panics::FirstPanic;
use crate::reacton::access::sealed::{Located, Place};
use crate::store::reader::Reader;
use crate::store::{ReactonStore, WeakStore};
use crate::value::Held;

/// A subscription or a stream that receives the changes of a view.
struct Observer<K, V: 'static, S> {
    store: WeakStore,
    cell: CellId,
    stage: Rc<Stage<K, V, S>>,
    pending: Rc<Pending<Edits<K, V, S>>>,
}

impl<K: Ord + Clone + 'static, V: 'static, S: Ord + Clone + 'static> Observer<K, V, S> {
    fn of(view: &View<K, V, S>, store: &ReactonStore) -> Option<Self> {
        let Place(cell) = view.cell(store)?;
        // Runs after this one report the later changes.
        store.freshen_if_marked(cell);
        let stage = view.find(store)?.stage.upgrade()?;
        let pending = stage.observers.add();
        Some(Self { store: store.downgrade(), cell, stage, pending })
    }

    /// The rows after the last run; `None` if that panicked.
    fn rows(&self) -> Option<Rows<K, V, S>> {
        let value = self.store.upgrade()?.graph_ref().cell(self.cell)?.value.clone()?;
        Held::<Rows<K, V, S>>::new(value).map(|rows| Rows::clone(&rows))
    }
}

impl<K: Ord + Clone + 'static, V: 'static, S: Ord + Clone + 'static> Hears<ViewChanges<K, V, S>>
    for Observer<K, V, S>
{
    fn hear(&self, panics: &mut FirstPanic) -> Option<ViewChanges<K, V, S>> {
        // While the view cannot be computed, its changes are kept.
        let rows = self.rows()?;
        let (edits, _) = self.pending.take()?;
        let mut changes = ViewChanges { edits, rows };
        self.drop_equal(&mut changes, panics);
        (!changes.is_empty()).then_some(changes)
    }

    fn everything(&self, _: &ReactonStore) -> Option<ViewChanges<K, V, S>> {
        let rows = self.rows()?;
        let _seen = self.pending.clear();
        (!rows.is_empty()).then(|| ViewChanges::of_all(rows))
    }

    fn drop_equal(&self, changes: &mut ViewChanges<K, V, S>, panics: &mut FirstPanic) {
        let same = self.stage.same();
        let mut compared = FirstPanic::NONE;
        panics.guard(|| {
            changes.drop_equal(&mut |old, new| {
                // A comparison that panics counts as a difference.
                compared.guard(|| old.is_as(new, same)).unwrap_or(false)
            });
        });
        panics.keep(compared.take());
    }

    fn give_back(&self, changes: ViewChanges<K, V, S>) {
        self.pending.give_back(changes.edits);
    }
}

/// A computed that follows a view.
struct Follower<K, V: 'static, S> {
    view: View<K, V, S>,
    observer: RefCell<Option<Rc<Observer<K, V, S>>>>,
}

impl<K: Ord + Clone + 'static, V: 'static, S: Ord + Clone + 'static> Follows<ViewChanges<K, V, S>>
    for Follower<K, V, S>
{
    fn news(&self, reader: &Reader<'_>) -> News<ViewChanges<K, V, S>> {
        reader.with(&self.view, |_| ());
        let observer = self.observer.borrow().clone();
        match observer.filter(|observer| !observer.pending.is_lost()) {
            Some(observer) => {
                let mut panics = FirstPanic::NONE;
                let changes = observer.hear(&mut panics);
                panics.forget();
                News::Changes(changes)
            }
            None => News::Everything,
        }
    }

    fn everything(&self, reader: &Reader<'_>) -> Option<ViewChanges<K, V, S>> {
        reader.with(&self.view, |_| ());
        let known = self.observer.borrow().clone();
        let observer = known.or_else(|| Observer::of(&self.view, reader.store()).map(Rc::new))?;
        let _former = self.observer.replace(Some(Rc::clone(&observer)));
        let everything = observer.everything(reader.store());
        observer.pending.keep(everything.as_ref().map_or(0, Compose::len).max(FEW));
        everything
    }
}

#[diagnostic::do_not_recommend]
impl<K, V, S> Changing for View<K, V, S>
where
    K: Ord + Clone + 'static,
    V: 'static,
    S: Ord + Clone + 'static,
{
    type Change = Diff<V>;
    type __Changes = ViewChanges<K, V, S>;

    #[track_caller]
    fn __observe(&self, store: &ReactonStore) -> Option<Box<dyn Hears<ViewChanges<K, V, S>>>> {
        Observer::of(self, store).map(|observer| Box::new(observer) as _)
    }

    fn __follow(&self) -> Box<dyn Follows<ViewChanges<K, V, S>>> {
        Box::new(Follower { view: self.clone(), observer: RefCell::default() })
    }
}
