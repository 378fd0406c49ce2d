//! Attributes, documentation and visibility pass through, and what is made beside a worker has those of the worker.
#![deny(warnings, missing_docs, deprecated)]
use reacton::prelude::*;

/// Documentation in
/** several forms */
#[doc = "and as an attribute."]
#[reacton]
#[allow(non_upper_case_globals)]
pub static count: u32 = 0;

#[doc(hidden)]
#[deprecated = "count instead"]
#[reacton(zero_copy)]
pub static OLD: u32 = 0;

mod inner {
    use super::*;

    #[reacton]
    pub(super) static FOR_THE_PARENT: u32 = 1;
    #[reacton]
    pub(in crate::inner) static FOR_INNER: u32 = 2;

    /// Is started by the parent.
    #[inline(never)]
    #[track_caller]
    #[allow(clippy::needless_pass_by_value, reason = "a worker owns what it is given")]
    #[worker(shared = [FOR_THE_PARENT, FOR_INNER, count])]
    pub(super) fn for_the_parent(store: &ReactonStore, #[allow(unused_variables)] by: String) {
        store.set(&FOR_THE_PARENT, store.get(&FOR_INNER) + 1);
    }

    /// The compiler warns if its result is not used.
    #[must_use]
    #[worker(shared = [FOR_INNER])]
    pub fn fallible(store: &ReactonStore) -> Result<(), String> {
        store.touch(&FOR_INNER);
        Ok(())
    }

    /// Is hidden from the documentation, and cold.
    #[doc(hidden)]
    #[cold]
    #[deprecated(since = "1.0.0", note = "start another one")]
    #[worker(shared = [FOR_INNER, count])]
    pub fn out_of_date(store: &ReactonStore) {
        store.touch(&FOR_INNER);
    }
}

pub mod through {
    //! What is public is so under every path.
    pub use super::count;
    #[allow(deprecated)]
    pub use super::inner::{fallible, out_of_date};
}

fn main() -> Result<(), SpawnError> {
    let store = ReactonStore::new();
    inner::for_the_parent(&store, String::new());
    inner::for_the_parent::spawn(&store, String::new())?.dispose();
    assert_eq!(store.get(&inner::FOR_THE_PARENT), 3);
    assert_eq!(through::fallible(&store), Ok(()));
    through::fallible::spawn(&store)?.dispose();
    assert_eq!(inner::for_the_parent::shared().len(), 3);
    Ok(())
}
