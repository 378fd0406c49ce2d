//! Changes in the order in which they happened, composed to one as far as the keys of the program allow.

use crate::merge::Compose;
use crate::panics::FirstPanic;

/// One piece, unless a comparison of keys has panicked: then what follows is kept beside it, and nothing is lost.
pub(crate) struct Pieces<C> {
    first: Option<C>,
    more: Vec<C>,
}

impl<C> Pieces<C> {
    pub(crate) const NONE: Self = Self { first: None, more: Vec::new() };

    pub(crate) fn is_empty(&self) -> bool {
        self.first.is_none()
    }

    /// Puts the first piece; returns it if there is one already.
    pub(crate) fn begin_with(&mut self, piece: C) -> Option<C> {
        if self.first.is_some() {
            return Some(piece);
        }
        self.first = Some(piece);
        None
    }

    /// Takes the piece if there is exactly one.
    pub(crate) fn take_only(&mut self) -> Option<C> {
        if self.more.is_empty() { self.first.take() } else { None }
    }
}

impl<C: Compose> Pieces<C> {
    /// Appends what has changed after them.
    pub(crate) fn append(&mut self, later: C, panics: &mut FirstPanic) {
        let Some(last) = self.more.last_mut().or(self.first.as_mut()) else {
            self.first = Some(later);
            return;
        };
        if panics.guard(|| last.then(&later)).is_none() {
            self.more.push(later);
        } else {
            panics.guard(|| drop(later));
        }
    }

    /// All of them as one. What did not compose is tried once more.
    ///
    /// # Errors
    /// If user code panics again: the pieces.
    pub(crate) fn composed(mut self, panics: &mut FirstPanic) -> Result<Option<C>, Self> {
        for piece in std::mem::take(&mut self.more) {
            self.append(piece, panics);
        }
        if self.more.is_empty() { Ok(self.first) } else { Err(self) }
    }
}

impl<C> IntoIterator for Pieces<C> {
    type Item = C;
    type IntoIter = std::iter::Chain<std::option::IntoIter<C>, std::vec::IntoIter<C>>;

    fn into_iter(self) -> Self::IntoIter {
        self.first.into_iter().chain(self.more)
    }
}
