//! How a family is sent over a link: each member is an entry, with the same records as the entries of a collection. A
//! removed member has its initial value in each store, so its record has none.

mod arrived;
mod forms;

use std::any::{Any, type_name};
use std::marker::PhantomData;
use std::sync::Arc;

use reacton_core::wiring::{Incoming, Moment, Prepared, Role, SharedMember, Wiring, Written};
use reacton_core::{Family, FirstPanic, Version};
use serde::Serialize;
use serde::de::DeserializeOwned;

use self::arrived::ArrivedMembers;
pub(super) use self::forms::{Counted, InBytes, MemberForm};
use super::crossing::{Crossing, Form, wrong_form};
use super::merging::{Decoded, EntryCrossing, Known, Preview, Sealed, at_key};
use super::stored::LoadedEntries;
use crate::error::LinkError;
use crate::wire::codec;
use crate::wire::edits::{Edits, Record, RecordBody};
use crate::wire::value::{Encoded, Payload};

/// A key that can be encoded and decoded.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be the key of a family that is shared: it is not serializable",
    label = "the keys of this family cross as bytes, and `{Self}` lacks `serde::Serialize`, `serde::Deserialize` or both",
    note = "add `#[derive(serde::Serialize, serde::Deserialize)]` to `{Self}` and to what it holds, or remove this family from `shared`"
)]
pub trait SerializableKey: Serialize + DeserializeOwned {}

#[diagnostic::do_not_recommend]
impl<K: Serialize + DeserializeOwned> SerializableKey for K {}

/// The requirements for the key of a shared family.
pub trait MemberKey: SerializableKey + Clone + Send + 'static {}

impl<K: SerializableKey + Clone + Send + 'static> MemberKey for K {}

/// How the members of a `Family<K, T>` are sent in the form `E`.
pub(super) struct ByMember<K, T, E> {
    of: PhantomData<fn() -> (K, T)>,
    form: PhantomData<fn() -> E>,
}

impl<K, T, E> ByMember<K, T, E> {
    pub(super) const NEW: Self = Self { of: PhantomData, form: PhantomData };
}

fn typed<K: 'static, T: 'static>(reacton: &'static dyn Any) -> &'static Family<K, T> {
    reacton.downcast_ref().expect("a slot keeps its family beside what knows its type")
}

fn named<K, T>(family: &Family<K, T>, reason: String) -> LinkError {
    LinkError::Encode { reacton: family.name().into(), reason }
}

/// Encodes a key. In debug builds a key that serde changes is refused, because it would be a different member in other
/// stores.
fn encode_key<K: MemberKey, T: 'static>(
    family: &Family<K, T>,
    key: &K,
) -> Result<Encoded, LinkError> {
    let encoded = codec::encode(key).map_err(|reason| named(family, format!("a key: {reason}")))?;
    if cfg!(debug_assertions) {
        let back = codec::decode::<K>(&encoded).map_err(|reason| LinkError::Decode {
            reacton: family.name().into(),
            reason: format!("a key: {reason}"),
        })?;
        let is_other = codec::guarded(|| Ok(!family.__is_same_key(key, &back)));
        if is_other == Ok(true) {
            return Err(LinkError::Lossy {
                reacton: family.name().into(),
                type_name: type_name::<K>().into(),
                remedy: codec::wide_number_remedy(&encoded),
            });
        }
    }
    Ok(encoded)
}

impl<K: MemberKey, T: 'static, E: MemberForm<T>> ByMember<K, T, E> {
    /// As [`record`](Self::record). The checks drop what they decode, which is user code: a panic there is an error, too.
    fn guarded_record(
        family: &Family<K, T>,
        wiring: Wiring<'_>,
        member: &SharedMember<K, T>,
        version: Version,
    ) -> Result<Record, LinkError> {
        codec::guarded(|| Ok(Self::record(family, wiring, member, version)))
            .unwrap_or_else(|reason| Err(named(family, reason)))
    }

    /// The value of the member that a record brings, if it decodes.
    fn read(family: &Family<K, T>, record: &Record) -> Option<T> {
        match &record.body {
            RecordBody::Removed => Some(family.__initial(&codec::decode(&record.key).ok()?)),
            body => match E::unpack(body).ok()? {
                Incoming::Owned(value) => Some(value),
                Incoming::Shared(value) => E::copy(&value),
            },
        }
    }

    /// The record of the committed value of a member, with this version.
    fn record(
        family: &Family<K, T>,
        wiring: Wiring<'_>,
        member: &SharedMember<K, T>,
        version: Version,
    ) -> Result<Record, LinkError> {
        let key = encode_key(family, member.key())?;
        let body = match member.committed() {
            _ if member.is_removed() => Ok(RecordBody::Removed),
            Some(held) => E::pack(family, wiring, member, held),
            None => Err(LinkError::uncommitted(family.name())),
        };
        match body {
            Ok(body) => Ok(Record::new(key, version, body)),
            Err(error) => Err(at_key(error, &key)),
        }
    }
}

impl<K: MemberKey, T: 'static, E: MemberForm<T>> EntryCrossing for ByMember<K, T, E> {
    fn seal(
        &self,
        family: &'static dyn Any,
        wiring: Wiring<'_>,
        written: &[Written],
        version: Version,
    ) -> Sealed {
        let family = typed::<K, T>(family);
        let mut sealed = Sealed::default();
        for written in written.iter().filter(|written| written.is_of_family()) {
            let Some(member) = wiring.written_member(family, written) else { continue };
            match Self::guarded_record(family, wiring, &member, version) {
                Ok(record) => {
                    wiring.set_version(&member, version);
                    let announced = written.announced;
                    sealed.edits.records.push(Record { announced, ..record });
                }
                // Rule 6, for one entry: any later write of another store replaces it.
                Err(error) => {
                    wiring.set_version(&member, member.version().just_below());
                    sealed.errors.push(error);
                }
            }
        }
        sealed
    }

    fn show(
        &self,
        family: &'static dyn Any,
        wiring: Wiring<'_>,
        keys: &[Encoded],
        swept: Option<Version>,
    ) -> Sealed {
        let family = typed::<K, T>(family);
        let mut sealed = Sealed::default();
        for encoded in keys {
            // Bytes that do not decode are not a key here.
            let find = || Ok(wiring.find_member(family, codec::decode::<K>(encoded)?));
            match codec::guarded(find) {
                Ok(Some(member)) => {
                    match Self::guarded_record(family, wiring, &member, member.version()) {
                        Ok(record) => sealed.edits.records.push(record),
                        Err(error) => sealed.errors.push(error),
                    }
                }
                Ok(None) => sealed.edits.records.extend(
                    swept.map(|version| Record::new(encoded.clone(), version, RecordBody::Removed)),
                ),
                Err(reason) => sealed.errors.push(at_key(named(family, reason), encoded)),
            }
        }
        sealed
    }

    fn decode(&self, family: &'static dyn Any, edits: &Edits) -> Decoded {
        let mut arrived = ArrivedMembers::<K, T, E>::new(typed::<K, T>(family));
        let errors = arrived.decode(edits);
        Decoded { edits: Box::new(arrived), errors }
    }

    /// Members are joined as they stand in a file.
    fn ended_with(&self, _: &Encoded) -> Vec<Encoded> {
        Vec::new()
    }

    fn load(&self, rows: &[(Encoded, Encoded)], _: Version) -> LoadedEntries {
        let mut loaded = LoadedEntries::default();
        for (at, (key, value)) in rows.iter().enumerate() {
            let read = codec::decode::<K>(key)
                .map_err(|reason| format!("a key: {reason}"))
                .and_then(|key| Ok((key, E::unpack(&RecordBody::Bytes(value.clone()))?)));
            // Both are dropped again, which may panic.
            match codec::guarded(|| read.map(drop)) {
                Ok(()) => loaded.entries.push((key.clone(), Some(value.clone()))),
                Err(reason) => loaded.failed.push((at, reason)),
            }
        }
        loaded
    }

    fn convert(&self, family: &'static dyn Any, wiring: Wiring<'_>, edits: &Edits) -> Sealed {
        let family = typed::<K, T>(family);
        let mut sealed = Sealed::default();
        (sealed.edits.answers, sealed.edits.reset) = (edits.answers, edits.reset);
        for record in &edits.records {
            let member = || Ok(wiring.find_member(family, codec::decode::<K>(&record.key)?));
            match codec::guarded(|| E::convert(family, wiring, &record.body, member)) {
                Ok(body) => sealed.edits.records.push(Record { body, ..record.clone() }),
                Err(reason) => sealed.errors.push(at_key(named(family, reason), &record.key)),
            }
        }
        sealed
    }

    fn known(&self, family: &'static dyn Any, wiring: Wiring<'_>, name: &dyn Any) -> Vec<Known> {
        let Some(key) = name.downcast_ref::<K>() else { return Vec::new() };
        let Ok(encoded) = codec::encode(key) else { return Vec::new() };
        let nothing = Known::nothing(encoded);
        vec![match wiring.find_member(typed::<K, T>(family), key.clone()) {
            Some(member) => {
                let (version, is_there) = (member.version(), !member.is_removed());
                Known { version, is_there, ..nothing }
            }
            None => nothing,
        }]
    }

    fn preview(
        &self,
        family: &'static dyn Any,
        wiring: Wiring<'_>,
        name: Option<&dyn Any>,
    ) -> Option<Preview> {
        let key = name?.downcast_ref::<K>()?;
        let encoded = codec::encode(key).ok()?;
        let held = wiring.find_member(typed::<K, T>(family), key.clone());
        let version = held.map_or(Version::NEVER, |member| member.version());
        Some(Preview { member: Some((encoded, version)), value: None })
    }

    fn join_to_preview(
        &self,
        family: &'static dyn Any,
        preview: &mut Preview,
        edits: &Edits,
        restamp: Option<Version>,
        panics: &mut FirstPanic,
    ) {
        let Preview { member: Some((key, newest)), value } = preview else { return };
        for record in edits.records.iter().filter(|record| record.key == *key) {
            let version = restamp.unwrap_or(record.version);
            let read = || Self::read(typed(family), record);
            if version > *newest
                && let Some(found) = panics.guard(read).flatten()
            {
                *newest = version;
                *value = Some(Box::new(found));
            }
        }
    }

    fn sweep(&self, family: &'static dyn Any, wiring: Wiring<'_>, clock: u64) -> usize {
        wiring.sweep_members(typed::<K, T>(family).reacton_ref().id(), clock)
    }

    fn counts(&self, family: &'static dyn Any, wiring: Wiring<'_>) -> (usize, usize) {
        wiring.count_members(typed::<K, T>(family).reacton_ref().id())
    }

    /// The versions of members are dropped with the last link, so none is ahead of the clock.
    fn newest_clock(&self, _: &'static dyn Any, _: Wiring<'_>) -> u64 {
        0
    }
}

impl<K: MemberKey, T: 'static, E: MemberForm<T>> Crossing for ByMember<K, T, E> {
    fn form(&self) -> Form {
        E::FORM
    }

    fn type_name(&self) -> &'static str {
        type_name::<Family<K, T>>()
    }

    fn shape(&self) -> Option<String> {
        Some(format!("{} to {}", codec::shape::<K>()?, E::shape()?))
    }

    #[cfg(feature = "process")]
    fn bytes(&self, _: &'static dyn Any) -> Option<&'static dyn Crossing> {
        None
    }

    fn sync(&self, family: &'static dyn Any, wiring: Wiring<'_>) {
        wiring.watch_family(typed::<K, T>(family), Role::Links);
    }

    /// Packs all members, for a new store.
    fn pack(
        &self,
        family: &'static dyn Any,
        wiring: Wiring<'_>,
        _: Moment,
        _: &mut FirstPanic,
    ) -> Result<Payload, LinkError> {
        let family = typed::<K, T>(family);
        let members = wiring.shared_members(family);
        let records = members
            .iter()
            .map(|member| Self::record(family, wiring, member, member.version()))
            .collect::<Result<_, _>>()?;
        Ok(Payload::Edits(Arc::new(Edits { records, ..Edits::default() })))
    }

    fn install(
        &self,
        family: &'static dyn Any,
        wiring: Wiring<'_>,
        payload: &Payload,
        _: bool,
        panics: &mut FirstPanic,
    ) -> Result<(), LinkError> {
        let family = typed::<K, T>(family);
        let Payload::Edits(edits) = payload else {
            let reacton = family.name().into();
            return Err(LinkError::Decode { reacton, reason: wrong_form() });
        };
        let mut arrived = ArrivedMembers::<K, T, E>::new(family);
        if let Some(error) = arrived.decode(edits).into_iter().next() {
            return Err(error);
        }
        arrived.fill(wiring, panics);
        Ok(())
    }

    fn prepare(
        &self,
        family: &'static dyn Any,
        _: Wiring<'_>,
        _: &Payload,
    ) -> Result<Box<dyn Prepared>, LinkError> {
        let reacton = typed::<K, T>(family).name().into();
        Err(LinkError::Decode { reacton, reason: wrong_form() })
    }

    fn entries(&self) -> Option<&dyn EntryCrossing> {
        Some(self)
    }
}
