//! What is in the channel of an inbox: boxed, or as it is where boxing would cost more than all else.

use std::any::Any;
use std::fmt;
use std::sync::Arc;

use super::Contents;
use crate::reacton::access::sealed::Place;
use crate::store::ReactonStore;

/// Something that another thread has sent to a store.
pub trait Arrival: Send {
    /// Takes it in. Gives the number of transactions that it was: one, or none for what only steers.
    fn take_in(self: Box<Self>, store: &ReactonStore) -> usize;

    /// Lists the reactons that it writes.
    fn list(&self, contents: &mut Contents) {
        let _ = contents;
    }

    /// The value of a change that it has listed with this index.
    fn payload(&self, index: usize) -> Option<Box<dyn Any>> {
        let _ = index;
        None
    }

    /// The value that it writes to the reacton with this cell in `store`, if it has that value already.
    fn written(&self, store: &ReactonStore, cell: Option<&Place>) -> Option<&dyn Any> {
        let _ = (store, cell);
        None
    }
}

/// The numbers of a [`Note`].
pub type Words = [u64; 7];

/// An arrival that takes no memory of its own: a few numbers, and who can read them. What is allocated on one thread and
/// freed on another costs more than all else of a short message.
#[derive(Clone, Copy)]
pub struct Note {
    /// What it says.
    pub words: Words,
    /// Who can read it.
    pub reader: &'static dyn ReadNote,
}

impl fmt::Debug for Note {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Note").field(&self.words).finish()
    }
}

/// Reads notes of one kind; as [`Arrival`] for what is boxed.
pub trait ReadNote: Sync {
    /// As [`Arrival::take_in`].
    fn take_in(&self, words: Words, store: &ReactonStore) -> usize;

    /// As [`Arrival::list`].
    fn list(&self, words: Words, contents: &mut Contents) {
        let _ = (words, contents);
    }

    /// The value of its one change, if it has listed one.
    fn payload(&self, words: Words) -> Option<Box<dyn Any>> {
        let _ = words;
        None
    }
}

/// A value that is handed over by reference count, with fewer numbers: it takes no memory but its own.
pub struct Handover {
    /// What it says.
    pub words: HandoverWords,
    /// What is handed over.
    pub value: Arc<dyn Any + Send + Sync>,
    /// Who can take it.
    pub reader: &'static dyn ReadHandover,
}

/// The numbers of a [`Handover`]: so many that it is no larger than a [`Note`].
pub type HandoverWords = [u64; 4];

impl fmt::Debug for Handover {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Handover").field(&self.words).finish()
    }
}

/// Takes what is handed over in one way; as [`Arrival`] for what is boxed.
pub trait ReadHandover: Sync {
    /// As [`Arrival::take_in`].
    fn take_in(
        &self,
        words: HandoverWords,
        value: Arc<dyn Any + Send + Sync>,
        store: &ReactonStore,
    ) -> usize;

    /// As [`Arrival::list`].
    fn list(&self, words: HandoverWords, contents: &mut Contents);

    /// The value of its one change.
    fn payload(&self, value: &Arc<dyn Any + Send + Sync>) -> Option<Box<dyn Any>>;
}

/// What is in the channel. In two steps, because so a parcel takes no more room than a note.
pub(crate) enum Parcel {
    Note(Note),
    Other(Other),
}

pub(crate) enum Other {
    Boxed(Box<dyn Arrival>),
    Handover(Handover),
}

impl Parcel {
    pub(super) fn boxed(arrival: impl Arrival + 'static) -> Self {
        Self::Other(Other::Boxed(Box::new(arrival)))
    }

    pub(super) fn handover(handover: Handover) -> Self {
        Self::Other(Other::Handover(handover))
    }

    pub(crate) fn take_in(self, store: &ReactonStore) -> usize {
        match self {
            Self::Note(Note { words, reader }) => reader.take_in(words, store),
            Self::Other(Other::Boxed(arrival)) => arrival.take_in(store),
            Self::Other(Other::Handover(Handover { words, value, reader })) => {
                reader.take_in(words, value, store)
            }
        }
    }

    pub(super) fn list(&self, contents: &mut Contents) {
        match self {
            Self::Note(Note { words, reader }) => reader.list(*words, contents),
            Self::Other(Other::Boxed(arrival)) => arrival.list(contents),
            Self::Other(Other::Handover(Handover { words, reader, .. })) => {
                reader.list(*words, contents);
            }
        }
    }

    pub(super) fn payload(&self, index: usize) -> Option<Box<dyn Any>> {
        match self {
            Self::Note(Note { words, reader }) => reader.payload(*words),
            Self::Other(Other::Boxed(arrival)) => arrival.payload(index),
            Self::Other(Other::Handover(Handover { value, reader, .. })) => reader.payload(value),
        }
    }

    pub(super) fn written(&self, store: &ReactonStore, cell: Option<&Place>) -> Option<&dyn Any> {
        match self {
            Self::Other(Other::Boxed(arrival)) => arrival.written(store, cell),
            Self::Note(_) | Self::Other(Other::Handover(_)) => None,
        }
    }
}
