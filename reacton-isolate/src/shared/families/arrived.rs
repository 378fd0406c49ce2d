//! Members that have arrived: decoded, then compared, then installed, so that no user code runs between two installs.

use reacton_core::panics::guarded;
use reacton_core::wiring::{Incoming, PreparedMember, Wiring};
use reacton_core::{Family, FirstPanic, Version, panic_message};

use super::{MemberForm, MemberKey};
use crate::error::LinkError;
use crate::shared::merging::{Joined, Joining, at_key};
use crate::wire::codec;
use crate::wire::edits::{Edits, Record, RecordBody};

/// The members of one change, as far as they could be decoded.
pub(super) struct ArrivedMembers<K: MemberKey, T: 'static, E: MemberForm<T>> {
    family: &'static Family<K, T>,
    members: Vec<Option<Arrived<K, T>>>,
    /// Those that cannot be installed, because user code has panicked.
    failed: Vec<(usize, String)>,
    form: std::marker::PhantomData<fn() -> E>,
}

struct Arrived<K, T: 'static> {
    version: Version,
    /// Its observers are called even if it is equal.
    announced: bool,
    value: Stage<K, T>,
}

enum Stage<K, T: 'static> {
    /// Without a value if the member was removed.
    Decoded(K, Option<Incoming<T>>),
    /// `None` if it cannot be installed: a panic has come in between, or the store is disposed.
    Compared(Option<PreparedMember<T>>),
}

impl<K: MemberKey, T: 'static, E: MemberForm<T>> ArrivedMembers<K, T, E> {
    pub(super) fn new(family: &'static Family<K, T>) -> Self {
        let (members, failed) = (Vec::new(), Vec::new());
        Self { family, members, failed, form: std::marker::PhantomData }
    }

    pub(super) fn decode(&mut self, edits: &Edits) -> Vec<LinkError> {
        let mut errors = Vec::new();
        self.members.reserve(edits.records.len());
        for Record { key, version, announced, body } in &edits.records {
            // The drop of a key is user code, too.
            let decoded = codec::guarded(|| {
                let key = codec::decode::<K>(key)?;
                let value = match body {
                    RecordBody::Removed => None,
                    body => Some(E::unpack(body)?),
                };
                let value = Stage::Decoded(key, value);
                Ok(Arrived { version: *version, announced: *announced, value })
            });
            let decoded = decoded.map_err(|reason| {
                let reacton = self.family.name().into();
                errors.push(at_key(LinkError::Decode { reacton, reason }, key));
            });
            self.members.push(decoded.ok());
        }
        errors
    }

    /// Makes the members of a store that begins.
    pub(super) fn fill(self, wiring: Wiring<'_>, panics: &mut FirstPanic) {
        for Arrived { version, value, .. } in self.members.into_iter().flatten() {
            let Stage::Decoded(key, value) = value else { continue };
            let mut within = FirstPanic::default();
            panics.guard(|| wiring.fill_member(self.family, key, value, version, &mut within));
            panics.keep(within.take());
        }
    }
}

impl<K: MemberKey, T: 'static, E: MemberForm<T>> Joining for ArrivedMembers<K, T, E> {
    fn compare(&mut self, wiring: Wiring<'_>, announced: bool, panics: &mut FirstPanic) {
        for (at, arrived) in self.members.iter_mut().enumerate() {
            let Some(arrived) = arrived else { continue };
            let stage = std::mem::replace(&mut arrived.value, Stage::Compared(None));
            let Stage::Decoded(key, value) = stage else { continue };
            let announced = announced || arrived.announced;
            let mut within = FirstPanic::default();
            let prepare = || wiring.prepare_member(self.family, key, value, announced, &mut within);
            let prepared = guarded(prepare).unwrap_or_else(|payload| {
                self.failed.push((at, panic_message(&*payload)));
                panics.keep(Some(payload));
                None
            });
            arrived.value = Stage::Compared(prepared);
            panics.keep(within.take());
        }
    }

    fn join(
        self: Box<Self>,
        wiring: Wiring<'_>,
        restamp: Option<Version>,
        _: bool,
        _: &mut FirstPanic,
    ) -> Joined {
        let mut joined = Joined { failed: self.failed, ..Joined::default() };
        for (at, arrived) in self.members.into_iter().enumerate() {
            let mut won = false;
            if let Some(Arrived { version, value: Stage::Compared(Some(mut member)), .. }) = arrived
            {
                let version = restamp.unwrap_or(version);
                won = version > member.version(wiring);
                if won {
                    member.install(wiring, version);
                }
                joined.displaced.push(member.displaced());
            }
            if !won {
                joined.lost.push(at);
            }
        }
        joined
    }
}
