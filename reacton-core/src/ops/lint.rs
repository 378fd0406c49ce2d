//! In debug builds: a warning, once for each reacton, about an `update` that leaves the value equal. Only values whose
//! copy and comparison run no user code are checked: numbers, texts, and short lists of them.

use std::any::Any;

use crate::graph::CellId;
use crate::store::ReactonStore;
use crate::value::Scalar;

/// Longer texts and lists are not copied.
const COPIED: usize = 256;

/// A copy of the value from before an edit.
pub(super) struct Before(Box<dyn Any>);

macro_rules! owned {
    ($($type:ty),* $(,)?) => {
        impl Before {
            /// `None` in release builds, and for a value that is not checked.
            pub(super) fn of<T: 'static>(value: &T) -> Option<Self> {
                if !cfg!(debug_assertions) {
                    return None;
                }
                if let Some(scalar) = Scalar::new(value) {
                    return Some(Self(Box::new(scalar)));
                }
                let value: &dyn Any = value;
                $(if let Some(value) = value.downcast_ref::<$type>() {
                    return (value.len() <= COPIED).then(|| Self(Box::new(value.clone())));
                })*
                None
            }

            pub(super) fn equals<T: 'static>(&self, value: &T) -> bool {
                if let Some(scalar) = self.0.downcast_ref::<Scalar>() {
                    return Scalar::new(value).is_some_and(|now| scalar.same(now));
                }
                let value: &dyn Any = value;
                $(if let Some(value) = value.downcast_ref::<$type>() {
                    return self.0.downcast_ref::<$type>() == Some(value);
                })*
                false
            }
        }
    };
}

owned! {
    String, Vec<String>, Vec<bool>, Vec<char>,
    Vec<u8>, Vec<u16>, Vec<u32>, Vec<u64>, Vec<usize>,
    Vec<i8>, Vec<i16>, Vec<i32>, Vec<i64>, Vec<isize>,
}

impl ReactonStore {
    /// Warns that an `update` has left the value of `id` equal, once for each reacton: through tracing, or on standard
    /// error if tracing has no subscriber.
    #[cold]
    pub(super) fn report_equal_update(&self, id: CellId) {
        let name = {
            let mut graph = self.graph();
            let is_compared = graph
                .cell(id)
                .and_then(|cell| cell.body.source())
                .is_some_and(|source| source.is_compared());
            let name = graph.name(id).into_owned();
            if !is_compared || !graph.reported.insert(name.clone()) {
                return;
            }
            name
        };
        let words = "an `update` has left the value equal, and counts as a change all the same: if its closure returns the new value, \
             assign it in place (`|value| *value += 1`); where the value may stay equal, use `set` or `update_if`; to announce it \
             again, use `touch`";
        if tracing::dispatcher::has_been_set() {
            tracing::warn!(reacton = name, "{words}");
        } else {
            eprintln!("warning: `{name}`: {words}");
        }
    }
}
