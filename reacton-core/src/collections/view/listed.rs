//! A list as the source of a view: its items in their order, with their ids as keys.

use std::cell::{Cell, RefCell};
use std::sync::Arc;

use super::origin::{Origin, Plan, TakeEdit, TakeRow, Viewable};
use super::rows::Placed;
use crate::collections::cell::MergedCell;
use crate::collections::declare::ByEntries;
use crate::collections::list::{ItemId, ReactonList, item::Place};
use crate::collections::position::Position;
use crate::collections::tree::Tree;
use crate::reacton::access::sealed::{Located, Place as CellPlace};
use crate::reacton::declare::{Reacton, Site};
use crate::store::reader::Reader;
use crate::value::Same;

#[diagnostic::do_not_recommend]
impl<T: 'static, M: ByEntries> Viewable for Reacton<ReactonList<T>, M> {
    type Key = ItemId;
    type Row = T;
    type Sort = Position;

    fn __plan(&self) -> Plan<ItemId, T, Position> {
        let origin = OfList { site: self.site(), last: RefCell::default(), same: Cell::new(None) };
        Plan { origin: Box::new(origin), sort: None, head: None }
    }
}

struct OfList<T: 'static> {
    site: Site<ReactonList<T>>,
    /// The items in the last run. Their ids are not in the changes of a list: two lists with equal items are equal, also if
    /// the ids differ. So the view compares the lists, and skips what both share.
    last: RefCell<Option<Tree<Place, Arc<T>>>>,
    same: Cell<Same<T>>,
}

impl<T: 'static> OfList<T> {
    /// The present list. The run depends on it.
    fn look(&self, reader: &Reader<'_>) -> ReactonList<T> {
        let (held, _) = reader.hold(&self.site);
        let list = ReactonList::clone(&held);
        drop(held);
        list
    }
}

fn placed<T>(place: &Place, item: &Arc<T>) -> Placed<T, Position> {
    Placed { row: Arc::clone(item), sort: place.position.clone() }
}

impl<T: 'static> Origin<ItemId, T, Position> for OfList<T> {
    fn news(&self, reader: &Reader<'_>, take: TakeEdit<'_, ItemId, T, Position>) -> bool {
        let list = self.look(reader);
        let Some(before) = self.last.borrow().clone() else { return false };
        for (place, old, new) in before.difference(list.order()) {
            match new {
                Some(new) if old.is_some_and(|old| Arc::ptr_eq(old, new)) => {}
                Some(new) => take(place.id, Some(placed(place, new))),
                // An item that was moved is passed on with its new place.
                None if list.contains(place.id) => {}
                None => take(place.id, None),
            }
        }
        let _former = self.last.replace(Some(list.order().clone()));
        true
    }

    fn everything(&self, reader: &Reader<'_>, take: TakeRow<'_, ItemId, T, Position>) {
        let list = self.look(reader);
        if let Some(CellPlace(cell)) = self.site.cell(reader.store()) {
            let source = reader.store().graph_ref().merged(cell);
            let cell = source.as_ref().and_then(MergedCell::<ReactonList<T>>::of);
            self.same.set(cell.and_then(|cell| cell.same));
        }
        for (place, item) in list.order().iter() {
            take(place.id, placed(place, item));
        }
        let _former = self.last.replace(Some(list.order().clone()));
    }

    fn same(&self) -> Same<T> {
        self.same.get()
    }
}
