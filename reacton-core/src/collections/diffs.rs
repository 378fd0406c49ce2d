//! The changes of a list as steps by index.

use std::sync::Arc;

/// One step from a list to a later one.
///
/// Apply the steps of one call in their order, because each index is valid only after the steps before it: removals
/// from the back, then insertions and moves from the front, then replacements. Items are held by reference count.
///
/// # Examples
/// ```
/// # use reacton_core::Diff;
/// use std::sync::Arc;
///
/// let mut model = vec!["a", "b", "c"];
/// let diffs = [
///     Diff::Remove { index: 1, old: Arc::new("b") },
///     Diff::Insert { index: 0, new: Arc::new("d") },
///     Diff::Move { from: 1, to: 2 },
///     Diff::Set { index: 1, old: Arc::new("c"), new: Arc::new("C") },
/// ];
/// diffs.iter().for_each(|diff| diff.apply(&mut model));
/// assert_eq!(model, ["d", "C", "a"]);
/// ```
#[derive(Debug, PartialEq, Eq)]
pub enum Diff<T> {
    /// An item was inserted.
    Insert {
        /// The index of the new item. The index of every item from there on grows by one.
        index: usize,
        /// What it holds.
        new: Arc<T>,
    },
    /// An item was removed.
    Remove {
        /// The index that the item had. The index of every item behind it shrinks by one.
        index: usize,
        /// What it held.
        old: Arc<T>,
    },
    /// The value of an item was replaced.
    Set {
        /// The index of the item.
        index: usize,
        /// What it held.
        old: Arc<T>,
        /// What it holds now.
        new: Arc<T>,
    },
    /// An item was moved.
    Move {
        /// The index that the item had.
        from: usize,
        /// The new index of the item, after it was removed from the old one.
        to: usize,
    },
}

impl<T> Diff<T> {
    /// Applies the step to a `Vec`.
    ///
    /// # Panics
    /// If an index is beyond the end, because the `Vec` differs from the list before the step.
    pub fn apply(&self, list: &mut Vec<T>)
    where
        T: Clone,
    {
        self.apply_with(list, |new| T::clone(new));
    }

    /// Applies the step to a list of another type, such as the lines of a window. `make` is called with each inserted
    /// or replaced item.
    ///
    /// # Panics
    /// As [`apply`](Self::apply) does.
    ///
    /// # Examples
    /// ```
    /// # use reacton_core::Diff;
    /// use std::sync::Arc;
    ///
    /// let mut lines = vec!["1".to_owned()];
    /// Diff::Insert { index: 1, new: Arc::new(2) }.apply_with(&mut lines, |number| number.to_string());
    /// assert_eq!(lines, ["1", "2"]);
    /// ```
    pub fn apply_with<U>(&self, list: &mut Vec<U>, make: impl FnOnce(&Arc<T>) -> U) {
        match self {
            Self::Insert { index, new } => list.insert(*index, make(new)),
            Self::Remove { index, .. } => drop(list.remove(*index)),
            Self::Set { index, new, .. } => list[*index] = make(new),
            Self::Move { from, to } if from < to => list[*from..=*to].rotate_left(1),
            Self::Move { from, to } => list[*to..=*from].rotate_right(1),
        }
    }
}

impl<T> Clone for Diff<T> {
    fn clone(&self) -> Self {
        match self {
            Self::Insert { index, new } => Self::Insert { index: *index, new: Arc::clone(new) },
            Self::Remove { index, old } => Self::Remove { index: *index, old: Arc::clone(old) },
            Self::Set { index, old, new } => {
                Self::Set { index: *index, old: Arc::clone(old), new: Arc::clone(new) }
            }
            Self::Move { from, to } => Self::Move { from: *from, to: *to },
        }
    }
}
