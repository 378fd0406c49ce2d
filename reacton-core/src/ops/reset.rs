//! Resets: the reactons of a group get their initial values back, as one transaction.

use crate::graph::CellId;
use crate::panics::FirstPanic;
use crate::reacton::group::Group;
use crate::store::ReactonStore;

impl ReactonStore {
    /// Sets every reacton of `group` to its initial value, as one transaction: observers are called once, and other stores receive it
    /// whole. What has its initial value already is no change. Of a family, each member that this store holds counts as never written
    /// afterwards.
    ///
    /// A collection is [set](Self::set): what other stores write without knowledge of the reset is gone, too. A reacton that this store
    /// must not write, because of its direction in a shared list, is skipped.
    ///
    /// # Panics
    /// As [`set`](Self::set) does. A value that cannot be compared, because its comparison panics, is reset and counts as changed. If
    /// an initial value panics, the others are reset.
    ///
    /// # Examples
    /// ```
    /// # use reacton_core::{Group, GroupMember, Reacton, ReactonStore};
    /// # static NAME: Reacton<String> = Reacton::<String>::__new("doc::reset::NAME", String::new);
    /// # static AGE: Reacton<u32> = Reacton::<u32>::__new("doc::reset::AGE", || 18);
    /// # const MEMBERS: &[GroupMember] = &[
    /// #     GroupMember::new(&NAME, NAME.reacton_ref(), ()),
    /// #     GroupMember::new(&AGE, AGE.reacton_ref(), ()),
    /// # ];
    /// # const PERSON: Group = Group::__of(MEMBERS);
    /// // const PERSON: Group = group![NAME, AGE];
    /// let store = ReactonStore::new();
    /// store.set(&NAME, "Ada".into());
    /// store.set(&AGE, 36);
    /// store.reset(PERSON);
    /// assert_eq!((store.get(&NAME), store.get(&AGE)), (String::new(), 18));
    /// ```
    #[track_caller]
    pub fn reset<S>(&self, group: Group<S>) {
        let places = group.places(self);
        self.batch(|store| {
            let mut panics = FirstPanic::NONE;
            for place in places {
                for cell in store.cells_at(place) {
                    store.reset_cell(cell, &mut panics);
                }
            }
            panics.resume();
        });
    }

    fn reset_cell(&self, cell: CellId, panics: &mut FirstPanic) {
        let source = {
            let graph = self.graph_ref();
            if graph.is_refused(cell) {
                return;
            }
            graph.cell(cell).and_then(|cell| cell.body.source()).cloned()
        };
        let Some(source) = source else { return };
        if let Some(merged) = source.merged() {
            panics.guard(|| merged.reset(self, cell));
        } else if let Some(initial) = panics.guard(|| source.initial()).flatten() {
            self.write_initial(cell, &*source, initial, panics);
        }
    }
}
