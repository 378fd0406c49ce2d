//! Slots of what is saved: values cross as bytes whatever the mode of their reacton is, and each reacton has a name for the file.

use reacton_core::lists::Message;
use reacton_core::{
    Copied, Family, Loaded, Merge, Merged, MergedByCount, Reacton, Version, ZeroCopy,
};
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::SharedSlot;
use super::crossing::{Across, Crossing, Serialized};
use super::families::{ByMember, InBytes as InBytesOfMembers};
use super::listed::{Borrowing, TypedEntry};
use super::merging::{ByEntry, InBytes};
use super::probe::SerializedShared;
use crate::wire::value::{Encoded, Payload};

/// A value that can be written to a file and read again.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be saved: it is not serializable",
    label = "this reacton holds `{Self}`, which lacks `serde::Serialize`, `serde::Deserialize` or both",
    note = "add `#[derive(serde::Serialize, serde::Deserialize)]` to `{Self}` and to what it holds, or remove this reacton from `saved!`"
)]
pub trait Storable: Serialize + DeserializeOwned {}

#[diagnostic::do_not_recommend]
impl<T: Serialize + DeserializeOwned> Storable for T {}

/// A key that can be written to a file and read again.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be a key of what is saved: it is not serializable",
    label = "the keys of this reacton are saved, and `{Self}` lacks `serde::Serialize`, `serde::Deserialize` or both",
    note = "add `#[derive(serde::Serialize, serde::Deserialize)]` to `{Self}` and to what it holds, or remove this reacton from `saved!`"
)]
pub trait StorableKey: Serialize + DeserializeOwned {}

#[diagnostic::do_not_recommend]
impl<K: Serialize + DeserializeOwned> StorableKey for K {}

/// The mode of a reacton, as far as its values can be saved: in all but that of a computed.
#[diagnostic::on_unimplemented(
    message = "a computed cannot be saved: it follows from other reactons",
    label = "this is a computed",
    note = "save the reactons that it reads"
)]
pub trait Stores<T: 'static>: 'static {
    #[doc(hidden)]
    const STORED: &'static dyn Crossing;
}

impl<T: Storable + Send + 'static> Stores<T> for Copied {
    const STORED: &'static dyn Crossing = &Across::<T, Self, Serialized>::NEW;
}

impl<T: Storable + Send + Sync + 'static> Stores<T> for ZeroCopy {
    const STORED: &'static dyn Crossing = &Across::<T, Self, SerializedShared>::NEW;
}

/// A value whose entries are saved one by one.
pub trait StorableEntries: Merge<Key: StorableKey + Send, Item: Storable + Send> {}

impl<T: Merge<Key: StorableKey + Send, Item: Storable + Send>> StorableEntries for T {}

impl<T: StorableEntries> Stores<T> for Merged {
    const STORED: &'static dyn Crossing = &ByEntry::<T, Self, InBytes>::NEW;
}

impl<T: StorableEntries> Stores<T> for MergedByCount {
    const STORED: &'static dyn Crossing = &ByEntry::<T, Self, InBytes>::NEW;
}

/// A value that can be made of bytes without borrowing from them: no reference is one.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be saved: it borrows",
    label = "this reacton holds `{Self}`, and what is read from a file is a value of its own",
    note = "hold what owns its data: a `String` or a `Cow<'static, str>` for `&'static str`, a `Vec` for a slice"
)]
#[doc(hidden)]
pub trait StorableOwned {}

impl<T: StorableOwned + 'static> Stores<T> for Borrowing {
    const STORED: &'static dyn Crossing = unreachable!();
}

/// What can be saved.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be saved: it is no `Reacton`",
    label = "this is no `Reacton`",
    note = "a `Reacton` is what `#[reacton] static NAME: T = value;` declares",
    note = "of a `Family`, the family is saved, not one member: write `NAME`, not `NAME.of(key)`",
    note = "a local reacton, which `store.reacton(..)` makes, belongs to one store",
    note = "a `Group` is spread: `..GROUP`"
)]
#[doc(hidden)]
pub trait Saves {
    const STORED: &'static dyn Crossing;
}

impl<T: 'static, M: Stores<T>> Saves for Reacton<T, M> {
    const STORED: &'static dyn Crossing = M::STORED;
}

impl<K, T> Saves for Family<K, T>
where
    K: StorableKey + Clone + Send + 'static,
    T: Storable + Send + 'static,
{
    const STORED: &'static dyn Crossing = &ByMember::<K, T, InBytesOfMembers>::NEW;
}

/// Entries that were read from a file.
#[derive(Debug)]
pub struct LoadedEntries {
    /// Those to apply.
    pub entries: Vec<(Encoded, Option<Encoded>)>,
    /// Whether they are others than those that were read.
    pub how: Loaded,
    /// The places of those that do not decode, and why not.
    pub failed: Vec<(usize, String)>,
}

impl Default for LoadedEntries {
    fn default() -> Self {
        Self { entries: Vec::new(), how: Loaded::AsTheyAre, failed: Vec::new() }
    }
}

impl SharedSlot {
    /// The slot of an entry of `saved!`.
    #[doc(hidden)]
    #[must_use]
    pub const fn stored<R: Saves>(entry: TypedEntry<R>) -> Self {
        entry.slot(R::STORED)
    }

    /// Fails the evaluation of a constant if the reacton of the slot at `at` has no name for a file. `names` are the elements of the list.
    ///
    /// # Panics
    /// While the program is compiled, with a message that names it.
    #[doc(hidden)]
    #[track_caller]
    pub const fn require_id(slots: &[Self], at: usize, names: &[&str]) {
        if slots[at].id.is_none() {
            let message = Message::of("`").and(names[at]).and(
                "` cannot be saved without a name: write `#[reacton(id = \"..\")]` at its declaration; \
                 its path would be another one as soon as it is moved or renamed, and the file would not be read any more",
            );
            panic!("{}", message.text());
        }
    }

    /// As [`require_id`](Self::require_id), for all slots of a list with groups.
    ///
    /// # Panics
    /// While the program is compiled, with a message that names the reacton.
    #[doc(hidden)]
    #[track_caller]
    pub const fn require_ids(slots: &[Self]) {
        let mut at = 0;
        while at < slots.len() {
            if slots[at].id.is_none() {
                Self::require_id(&[slots[at]], 0, &[slots[at].rref.name()]);
            }
            at += 1;
        }
    }

    /// The `id = ".."` of its reacton.
    #[must_use]
    pub const fn id(&self) -> Option<&'static str> {
        self.id
    }

    /// Whether these bytes are a value of it, or why not. This runs user code.
    ///
    /// # Errors
    /// If they do not decode.
    #[doc(hidden)]
    pub fn check(&self, bytes: &Encoded) -> Result<(), String> {
        self.crossing.check(&Payload::Bytes(bytes.clone()))
    }

    /// The keys of the entries that end with this one: what was edited of an item of a list apart from it. This runs no code of the
    /// program.
    #[doc(hidden)]
    pub fn ended_with(&self, key: &Encoded) -> Vec<Encoded> {
        self.entry_crossing().map_or_else(Vec::new, |crossing| crossing.ended_with(key))
    }

    /// Decodes entries that were read from a file, and makes of them those that are to be joined. This runs user code. `None` if its value
    /// is not made of entries.
    #[doc(hidden)]
    pub fn load(&self, rows: &[(Encoded, Encoded)], version: Version) -> Option<LoadedEntries> {
        Some(self.entry_crossing()?.load(rows, version))
    }
}
