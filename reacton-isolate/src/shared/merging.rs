//! How collections are sent over a link: one record for each entry that was written.

mod decoded;
mod forms;
mod loaded;
mod packer;
mod queued;

use std::any::{Any, type_name};
use std::fmt;
use std::marker::PhantomData;

use reacton_core::panics::contained;
use reacton_core::wiring::{Moment, Prepared, Role, Wiring, Written};
use reacton_core::{Edit, FirstPanic, Merge, Reacton, Version, Which};

use self::decoded::DecodedEdits;
pub(super) use self::forms::{ByCount, InBytes, ItemForm};
use self::loaded::load;
use self::packer::Packer;
pub(crate) use self::packer::at_key;
pub(crate) use self::queued::{Known, Preview};
use super::Portable;
use super::crossing::{Crossing, Form, wrong_form};
#[cfg(feature = "process")]
use super::probe::bytes_crossing;
use super::stored::LoadedEntries;
use crate::error::LinkError;
use crate::wire::codec;
use crate::wire::edits::{Edits, Record, RecordBody};
use crate::wire::value::{Encoded, Payload};

/// The operations of the hub on a collection.
#[doc(hidden)]
pub trait EntryCrossing: Sync {
    /// Sets the version of all entries that the committed transaction has written, and packs them. An entry that does
    /// not encode is returned as an error, and loses its version. `written` are all writes of the transaction; a family
    /// finds those of its members there.
    fn seal(
        &self,
        reacton: &'static dyn Any,
        wiring: Wiring<'_>,
        written: &[Written],
        version: Version,
    ) -> Sealed;

    /// Packs the present entries of these keys, and the version of the last reset. A key without an entry and a
    /// tombstone is packed as removed in the version `swept`, if that is set.
    fn show(
        &self,
        reacton: &'static dyn Any,
        wiring: Wiring<'_>,
        keys: &[Encoded],
        swept: Option<Version>,
    ) -> Sealed;

    /// Decodes records, to be joined. A record that does not decode is returned as an error, and is not joined.
    fn decode(&self, reacton: &'static dyn Any, edits: &Edits) -> Decoded;

    /// Decodes records and joins them, if the transaction writes nothing else. As [`decode`](Self::decode), and then
    /// [`Joining`].
    fn take_in(
        &self,
        (reacton, wiring): (&'static dyn Any, Wiring<'_>),
        edits: &Edits,
        restamp: Option<Version>,
        announced: bool,
        panics: &mut FirstPanic,
    ) -> Option<(Joined, Vec<LinkError>)> {
        let Decoded { edits: mut joining, errors } =
            panics.guard(|| self.decode(reacton, edits))?;
        joining.compare(wiring, announced, panics);
        Some((joining.join(wiring, restamp, announced, panics), errors))
    }

    /// Entries that were read from a file, in this version.
    fn load(&self, rows: &[(Encoded, Encoded)], version: Version) -> LoadedEntries;

    /// The keys of the entries that the removal of this one ends. This runs no code of the program.
    fn ended_with(&self, key: &Encoded) -> Vec<Encoded>;

    /// Returns the same records in the form of this crossing. The value has the same entries.
    fn convert(&self, reacton: &'static dyn Any, wiring: Wiring<'_>, edits: &Edits) -> Sealed;

    /// What the store has of the entry of this name: one for each key. None if `name` is of another type, or does not encode.
    fn known(&self, reacton: &'static dyn Any, wiring: Wiring<'_>, name: &dyn Any) -> Vec<Known>;

    /// Begins a preview: of a collection as a whole, of a family of the member of this name.
    fn preview(
        &self,
        reacton: &'static dyn Any,
        wiring: Wiring<'_>,
        name: Option<&dyn Any>,
    ) -> Option<Preview>;

    /// Joins edits to a preview, in their own versions or in `restamp`. What does not decode is left out: the turn reports it.
    fn join_to_preview(
        &self,
        reacton: &'static dyn Any,
        preview: &mut Preview,
        edits: &Edits,
        restamp: Option<Version>,
        panics: &mut FirstPanic,
    );

    /// Sweeps removals. Returns how many are left.
    fn sweep(&self, reacton: &'static dyn Any, wiring: Wiring<'_>, clock: u64) -> usize;

    /// The number of tombstones, and the number of entries.
    fn counts(&self, reacton: &'static dyn Any, wiring: Wiring<'_>) -> (usize, usize);

    /// The largest clock of all versions in the committed value.
    fn newest_clock(&self, reacton: &'static dyn Any, wiring: Wiring<'_>) -> u64;
}

/// Packed edits, and the entries that could not be packed.
#[derive(Debug, Default)]
pub struct Sealed {
    pub(crate) edits: Edits,
    pub(crate) errors: Vec<LinkError>,
}

/// Decoded edits, and the records that could not be decoded.
pub struct Decoded {
    pub(crate) edits: Box<dyn Joining>,
    pub(crate) errors: Vec<LinkError>,
}

impl fmt::Debug for Decoded {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Decoded").field("errors", &self.errors).finish_non_exhaustive()
    }
}

/// Decoded edits, to be joined to the value of a store.
pub(crate) trait Joining {
    /// Runs the user code that can run before anything of the transaction is installed.
    fn compare(&mut self, wiring: Wiring<'_>, announced: bool, panics: &mut FirstPanic) {
        let _ = (wiring, announced, panics);
    }

    /// Joins the edits. If `restamp` is set, all of them get this version.
    fn join(
        self: Box<Self>,
        wiring: Wiring<'_>,
        restamp: Option<Version>,
        announced: bool,
        panics: &mut FirstPanic,
    ) -> Joined;
}

/// The result of joining edits.
#[derive(Default)]
pub struct Joined {
    /// The sorted indices of the records that have lost.
    pub(crate) lost: Vec<usize>,
    pub(crate) reset_lost: bool,
    /// The records at which user code has panicked, with its message. It is not known whether they are joined.
    pub(crate) failed: Vec<(usize, String)>,
    /// To be released when all of the transaction is installed.
    pub(crate) displaced: Vec<Box<dyn Prepared>>,
}

impl fmt::Debug for Joined {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Joined").field("lost", &self.lost).finish_non_exhaustive()
    }
}

/// How the entries of a `Reacton<T, M>` cross in the form `E`.
pub(super) struct ByEntry<T, M, E> {
    of: PhantomData<fn() -> (T, M)>,
    form: PhantomData<fn() -> E>,
}

impl<T, M, E> ByEntry<T, M, E> {
    pub(super) const NEW: Self = Self { of: PhantomData, form: PhantomData };
}

fn typed<T: 'static, M: 'static>(reacton: &'static dyn Any) -> &'static Reacton<T, M> {
    reacton.downcast_ref().expect("the slot was made for this type")
}

impl<T: Merge<Key: Portable>, M: 'static, E: ItemForm<T>> EntryCrossing for ByEntry<T, M, E> {
    fn seal(
        &self,
        reacton: &'static dyn Any,
        wiring: Wiring<'_>,
        _: &[Written],
        version: Version,
    ) -> Sealed {
        let reacton = typed::<T, M>(reacton);
        let mut packer = Packer::new(reacton, wiring);
        let sealed = codec::guarded(|| {
            wiring
                .amend(reacton, |value: &mut T| {
                    let sealed = codec::guarded(|| {
                        E::seal(value, version, &mut packer);
                        Ok(())
                    });
                    packer.failed.iter().for_each(|key| contained(|| value.disown(key)));
                    sealed
                })
                .unwrap_or(Ok(()))
        });
        let error = sealed.err().map(|reason| packer.unencoded(reason));
        packer.errors.extend(error);
        packer.sealed()
    }

    fn show(
        &self,
        reacton: &'static dyn Any,
        wiring: Wiring<'_>,
        keys: &[Encoded],
        swept: Option<Version>,
    ) -> Sealed {
        let reacton = typed::<T, M>(reacton);
        let mut packer = Packer::new(reacton, wiring);
        let Some(held) = wiring.held(reacton, Moment::Now) else { return packer.sealed() };
        for encoded in keys {
            let before = packer.edits.records.len() + packer.errors.len();
            let shown = codec::guarded(|| {
                let key = codec::decode::<T::Key>(encoded)?;
                E::show(&held, Which::Keys(std::slice::from_ref(&key)), &mut packer);
                Ok(())
            });
            if let Err(reason) = shown {
                let error = LinkError::Decode { reacton: reacton.name().into(), reason };
                packer.errors.push(at_key(error, encoded));
            }
            let is_unknown = packer.edits.records.len() + packer.errors.len() == before;
            if let Some(version) = swept.filter(|_| is_unknown) {
                let (key, body) = (encoded.clone(), RecordBody::Removed);
                packer.edits.records.push(Record::new(key, version, body));
            }
        }
        if keys.is_empty() {
            E::show(&held, Which::Keys(&[]), &mut packer);
        }
        packer.sealed()
    }

    fn decode(&self, reacton: &'static dyn Any, edits: &Edits) -> Decoded {
        let reacton = typed::<T, M>(reacton);
        let mut decoded = DecodedEdits::<T, M, E>::new(reacton, edits);
        let errors = decoded.decode(edits);
        Decoded { edits: Box::new(decoded), errors }
    }

    fn take_in(
        &self,
        (reacton, wiring): (&'static dyn Any, Wiring<'_>),
        edits: &Edits,
        restamp: Option<Version>,
        announced: bool,
        panics: &mut FirstPanic,
    ) -> Option<(Joined, Vec<LinkError>)> {
        let mut decoded = DecodedEdits::<T, M, E>::new(typed::<T, M>(reacton), edits);
        let errors = panics.guard(|| decoded.decode(edits))?;
        Some((decoded.join_in(wiring, restamp, announced, panics), errors))
    }

    fn load(&self, rows: &[(Encoded, Encoded)], version: Version) -> LoadedEntries {
        load::<T, E>(rows, version)
    }

    fn ended_with(&self, key: &Encoded) -> Vec<Encoded> {
        // The keys of a list are of this library.
        let key = if T::__HAS_PARTS { codec::decode::<T::Key>(key).ok() } else { None };
        let parts = key.map_or_else(Vec::new, |key| T::__ended_with(&key));
        parts.iter().filter_map(|part| codec::encode(part).ok()).collect()
    }

    fn convert(&self, reacton: &'static dyn Any, wiring: Wiring<'_>, edits: &Edits) -> Sealed {
        let reacton = typed::<T, M>(reacton);
        let mut sealed = Sealed::default();
        (sealed.edits.answers, sealed.edits.reset) = (edits.answers, edits.reset);
        let Some(held) = wiring.held(reacton, Moment::Now) else { return sealed };
        for record in &edits.records {
            let converted = codec::guarded(|| E::convert(&held, record, &mut sealed.edits.records));
            if let Err(reason) = converted {
                let error = LinkError::Encode { reacton: reacton.name().into(), reason };
                sealed.errors.push(at_key(error, &record.key));
            }
        }
        sealed
    }

    fn known(&self, reacton: &'static dyn Any, wiring: Wiring<'_>, name: &dyn Any) -> Vec<Known> {
        let held = wiring.held(typed::<T, M>(reacton), Moment::Now);
        let known = T::__keys_of(name).into_iter().filter_map(|key| {
            let mut known = Known::nothing(codec::encode(&key).ok()?);
            if let Some(value) = &held {
                // Its parts may be shown after it, and have versions of their own.
                let mut is_shown = false;
                value.show(Which::Keys(&[key]), &mut |edit, version| {
                    if !matches!(edit, Edit::Reset) && !std::mem::replace(&mut is_shown, true) {
                        (known.version, known.is_there) = (version, matches!(edit, Edit::Put(..)));
                    }
                });
            }
            Some(known)
        });
        known.collect()
    }

    fn preview(
        &self,
        reacton: &'static dyn Any,
        wiring: Wiring<'_>,
        _: Option<&dyn Any>,
    ) -> Option<Preview> {
        let held = wiring.held(typed::<T, M>(reacton), Moment::Now)?;
        Some(Preview { member: None, value: Some(Box::new(T::clone(&held))) })
    }

    fn join_to_preview(
        &self,
        reacton: &'static dyn Any,
        preview: &mut Preview,
        edits: &Edits,
        restamp: Option<Version>,
        panics: &mut FirstPanic,
    ) {
        let value = preview.value.as_mut().and_then(|value| value.downcast_mut::<T>());
        let Some(value) = value else { return };
        let mut decoded = DecodedEdits::<T, M, E>::new(typed::<T, M>(reacton), edits);
        decoded.decode(edits);
        decoded.join_to(value, restamp, panics);
    }

    fn sweep(&self, reacton: &'static dyn Any, wiring: Wiring<'_>, clock: u64) -> usize {
        let sweep = |value: &mut T| {
            value.sweep(clock);
            value.removals()
        };
        wiring.amend(typed::<T, M>(reacton), sweep).unwrap_or(0)
    }

    fn counts(&self, reacton: &'static dyn Any, wiring: Wiring<'_>) -> (usize, usize) {
        let held = wiring.held(typed::<T, M>(reacton), Moment::Now);
        held.map_or((0, 0), |value| (value.removals(), value.entries()))
    }

    fn newest_clock(&self, reacton: &'static dyn Any, wiring: Wiring<'_>) -> u64 {
        let held = wiring.held(typed::<T, M>(reacton), Moment::Committed);
        held.map_or(0, |value| value.newest_clock())
    }
}

impl<T: Merge<Key: Portable>, M: 'static, E: ItemForm<T>> Crossing for ByEntry<T, M, E> {
    fn form(&self) -> Form {
        E::FORM
    }

    /// The name of the type of the whole reacton, because its mode is compared, too.
    fn type_name(&self) -> &'static str {
        type_name::<Reacton<T, M>>()
    }

    fn shape(&self) -> Option<String> {
        Some(format!("{} to {}", codec::shape::<T::Key>()?, E::shape()?))
    }

    #[cfg(feature = "process")]
    fn bytes(&self, reacton: &'static dyn Any) -> Option<&'static dyn Crossing> {
        bytes_crossing(typed::<T, M>(reacton))
    }

    fn sync(&self, reacton: &'static dyn Any, wiring: Wiring<'_>) {
        wiring.watch(typed::<T, M>(reacton), Role::Links);
    }

    /// Packs all entries, for a new store.
    fn pack(
        &self,
        reacton: &'static dyn Any,
        wiring: Wiring<'_>,
        moment: Moment,
        _: &mut FirstPanic,
    ) -> Result<Payload, LinkError> {
        let reacton = typed::<T, M>(reacton);
        let Some(held) = wiring.held(reacton, moment) else {
            return Err(LinkError::uncommitted(reacton.name()));
        };
        let mut packer = Packer::new(reacton, wiring);
        E::pack(&held, &mut packer)
    }

    fn install(
        &self,
        reacton: &'static dyn Any,
        wiring: Wiring<'_>,
        payload: &Payload,
        _: bool,
        panics: &mut FirstPanic,
    ) -> Result<(), LinkError> {
        let reacton = typed::<T, M>(reacton);
        let decode = |reason| LinkError::Decode { reacton: reacton.name().into(), reason };
        let Payload::Edits(edits) = payload else {
            let whole = E::whole(payload).ok_or_else(|| decode(wrong_form()))?;
            panics.guard(|| wiring.fill(reacton, |value| *value = whole));
            return Ok(());
        };
        let mut decoded = DecodedEdits::<T, M, E>::new(reacton, edits);
        let errors = decoded.decode(edits);
        if let Some(error) = errors.into_iter().next() {
            return Err(error);
        }
        panics.guard(|| wiring.fill(reacton, |value: &mut T| decoded.fill(value)));
        Ok(())
    }

    fn prepare(
        &self,
        reacton: &'static dyn Any,
        _: Wiring<'_>,
        _: &Payload,
    ) -> Result<Box<dyn Prepared>, LinkError> {
        let reacton = typed::<T, M>(reacton).name().into();
        Err(LinkError::Decode { reacton, reason: wrong_form() })
    }

    fn entries(&self) -> Option<&dyn EntryCrossing> {
        Some(self)
    }
}
