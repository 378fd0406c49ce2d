//! Folds: computeds that receive the changes since their last run.

use std::rc::Rc;

use super::observe::{ChangeOf, Changing, Follows, News};
use crate::id::Head;
use crate::merge::Compose;
use crate::reacton::local::{self, LocalComputed};
use crate::store::ReactonStore;
use crate::store::code::Derive;
use crate::store::reader::Reader;
use crate::value::Comparable;

struct Fold<C, A, F> {
    from: Box<dyn Follows<C>>,
    init: A,
    f: F,
}

impl<C, A, F> Derive for Fold<C, A, F>
where
    C: Compose,
    A: Comparable + Clone,
    F: Fn(A, &C::Change) -> A,
{
    fn head(&self) -> Option<&Head> {
        None
    }

    fn type_name(&self) -> &'static str {
        std::any::type_name::<F>()
    }

    fn compute(&self, reader: &Reader<'_>) -> bool {
        // After a panic there is no last result, and all entries are folded again.
        let last = reader.last_result::<A>().map(|last| A::clone(&last));
        let (last, changes) = match (last, self.from.news(reader)) {
            (Some(last), News::Changes(changes)) => (last, changes),
            _ => (self.init.clone(), self.from.everything(reader)),
        };
        let changes = changes.map_or_else(Vec::new, |changes| changes.list());
        let result = changes.iter().fold(last, |result, change| (self.f)(result, change));
        reader.store_result(result)
    }
}

impl ReactonStore {
    /// Makes a computed that is updated by the changes of a collection or of a view: a sum, a count, rows by group.
    ///
    /// `f` is called for each change since the last run, with the result so far and the change: an entry was added,
    /// replaced or removed. It returns the new result. This must be the same result as if `f` were called for `init`
    /// and for all entries as added. `f` is called in this way in the first run, after a run that panicked, and if more
    /// entries have changed than the collection has. As with any computed, it runs when the result is read.
    ///
    /// # Panics
    /// If the store is disposed.
    ///
    /// # Examples
    /// ```
    /// # use reacton_core::{Merged, Reacton, ReactonMap, ReactonStore};
    /// # type Prices = ReactonMap<u32, u64>;
    /// # static PRICES: Reacton<Prices, Merged> = Reacton::<Prices, Merged>::__new("doc::PRICES", ReactonMap::new);
    /// // #[reacton] static PRICES: ReactonMap<u32, u64> = ReactonMap::new();
    /// let store = ReactonStore::new();
    /// let total = store.fold(&PRICES, 0, |total, change| {
    ///     total + change.new().map_or(0, |price| **price) - change.old().map_or(0, |price| **price)
    /// });
    /// store.update(&PRICES, |prices| prices.extend([(1, 20), (2, 30)]));
    /// assert_eq!(store.get(&total), 50);
    /// store.update(&PRICES, |prices| prices.remove(&1));
    /// assert_eq!(store.get(&total), 30);
    /// ```
    #[track_caller]
    pub fn fold<R: Changing, A: PartialEq + Clone + 'static>(
        &self,
        reacton: &R,
        init: A,
        f: impl Fn(A, &ChangeOf<R>) -> A + 'static,
    ) -> LocalComputed<A> {
        if self.is_ended() {
            local::refuse((init, f));
        }
        self.local_computed(Rc::new(Fold { from: reacton.__follow(), init, f }))
    }
}
