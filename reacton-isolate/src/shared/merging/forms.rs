//! The forms in which items are sent: serialized, or by reference count.

use std::any::type_name;
use std::sync::Arc;

use reacton_core::{Edit, Loaded, Merge, MergeByCount, ValueOf, Version, Which};

use super::Packer;
use crate::error::LinkError;
use crate::shared::Portable;
use crate::shared::crossing::{Form, wrong_form};
use crate::wire::codec;
use crate::wire::edits::{Record, RecordBody, Records};
use crate::wire::value::{Encoded, Payload};

/// A form in which the items of a `T` are sent.
pub(crate) trait ItemForm<T: Merge<Key: Portable>>: 'static {
    const FORM: Form;

    /// A decoded item.
    type Item: 'static;

    /// The shape of an item, if items are serialized.
    fn shape() -> Option<String>;

    /// Seals a value, and packs its edits.
    fn seal<M>(value: &mut T, version: Version, to: &mut Packer<'_, T, M>);

    /// Packs the entries of a value.
    fn show<M>(value: &T, which: Which<'_, T::Key>, to: &mut Packer<'_, T, M>);

    /// Packs all of a value.
    fn pack<M>(value: &T, to: &mut Packer<'_, T, M>) -> Result<Payload, LinkError>;

    /// Returns the value, if it was packed as a whole.
    fn whole(payload: &Payload) -> Option<T>;

    /// Returns the item in a record, or the reason why there is none.
    fn unpack(body: &RecordBody) -> Result<Self::Item, String>;

    /// Adds the same item in this form, or returns the reason why that is not possible. The value has the item, unless a newer edit has
    /// replaced or removed it.
    fn convert(value: &T, record: &Record, to: &mut Records) -> Result<(), String>;

    fn join(value: &mut T, key: T::Key, item: Self::Item, version: Version) -> bool;

    /// Replaces the value of a store that begins.
    fn begin_with(
        value: &mut T,
        reset: Option<Version>,
        entries: Vec<(T::Key, Version, Option<Self::Item>)>,
    );

    /// Makes of the entries of a file those that are to be joined, packed; none if they are joined as they are. They are bytes, so only
    /// the form of bytes does.
    fn loaded(
        _: Vec<(T::Key, Self::Item)>,
        _: Version,
    ) -> Result<(Loaded, Vec<(Encoded, Encoded)>), String> {
        Ok((Loaded::AsTheyAre, Vec::new()))
    }
}

/// Items are serialized.
pub(crate) enum InBytes {}

impl InBytes {
    fn body<T: Merge<Key: Portable, Item: Portable>, M>(
        item: &T::Item,
        to: &Packer<'_, T, M>,
    ) -> Result<RecordBody, LinkError> {
        let bytes = codec::encode(item).map_err(|reason| to.unencoded(reason))?;
        if cfg!(debug_assertions) {
            check_return(item, &bytes, to)?;
        }
        Ok(RecordBody::Bytes(bytes))
    }

    fn add<T: Merge<Key: Portable, Item: Portable>, M>(
        edit: &Edit<&T::Key, &T::Item>,
        version: Version,
        to: &mut Packer<'_, T, M>,
    ) {
        match edit {
            Edit::Reset => to.edits.reset = Some(version),
            Edit::Put(key, item) => to.add(key, version, |to| Self::body(*item, to)),
            Edit::Remove(key) => to.add(key, version, |_| Ok(RecordBody::Removed)),
        }
    }
}

/// Checks that an item is the same after encoding and decoding, as far as the reacton compares items.
fn check_return<T: Merge<Key: Portable, Item: Portable>, M>(
    item: &T::Item,
    bytes: &[u8],
    to: &Packer<'_, T, M>,
) -> Result<(), LinkError> {
    let reacton = || to.reacton.name().into();
    let back = codec::decode::<T::Item>(bytes)
        .map_err(|reason| LinkError::Decode { reacton: reacton(), reason })?;
    let (Some(item), Some(back)) = (T::__value_in(item), T::__value_in(&back)) else {
        return Ok(());
    };
    // If the comparison panics, the items count as equal.
    let is_other = || {
        Ok(to.wiring.same_entry(to.reacton, item, back) == Some(false)
            && to.wiring.same_entry(to.reacton, item, item) == Some(true))
    };
    if codec::guarded(is_other) != Ok(true) {
        return Ok(());
    }
    Err(LinkError::Lossy {
        reacton: reacton(),
        type_name: type_name::<ValueOf<T>>().into(),
        remedy: codec::wide_number_remedy(bytes),
    })
}

impl<T: Merge<Key: Portable, Item: Portable>> ItemForm<T> for InBytes {
    const FORM: Form = Form::Bytes;

    type Item = T::Item;

    fn shape() -> Option<String> {
        codec::shape::<T::Item>()
    }

    fn seal<M>(value: &mut T, version: Version, to: &mut Packer<'_, T, M>) {
        value.seal(version, &mut |edit| Self::add(&edit, version, to));
    }

    fn show<M>(value: &T, which: Which<'_, T::Key>, to: &mut Packer<'_, T, M>) {
        value.show(which, &mut |edit, version| Self::add(&edit, version, to));
    }

    fn pack<M>(value: &T, to: &mut Packer<'_, T, M>) -> Result<Payload, LinkError> {
        Self::show(value, Which::All, to);
        match to.errors.pop() {
            Some(error) => Err(error),
            None => Ok(Payload::Edits(Arc::new(std::mem::take(&mut to.edits)))),
        }
    }

    fn whole(_: &Payload) -> Option<T> {
        None
    }

    fn unpack(body: &RecordBody) -> Result<T::Item, String> {
        match body {
            RecordBody::Bytes(bytes) => codec::decode(bytes),
            RecordBody::Removed | RecordBody::Counted(_) => Err(wrong_form()),
        }
    }

    fn convert(_: &T, record: &Record, to: &mut Records) -> Result<(), String> {
        let body = match &record.body {
            RecordBody::Counted(item) => {
                let item = item.downcast_ref::<T::Item>().ok_or_else(wrong_form)?;
                RecordBody::Bytes(codec::encode(item)?)
            }
            body => body.clone(),
        };
        to.push(Record { body, ..record.clone() });
        Ok(())
    }

    fn join(value: &mut T, key: T::Key, item: T::Item, version: Version) -> bool {
        value.join(Edit::Put(key, item), version)
    }

    fn begin_with(
        value: &mut T,
        reset: Option<Version>,
        entries: Vec<(T::Key, Version, Option<T::Item>)>,
    ) {
        value.__begin_with(reset, entries);
    }

    fn loaded(
        mut rows: Vec<(T::Key, T::Item)>,
        version: Version,
    ) -> Result<(Loaded, Vec<(Encoded, Encoded)>), String> {
        let loaded = T::__loaded(&mut rows, version);
        if loaded == Loaded::AsTheyAre {
            return Ok((loaded, Vec::new()));
        }
        let pack =
            |(key, item): &(T::Key, T::Item)| Ok((codec::encode(key)?, codec::encode(item)?));
        let packed: Result<_, String> = rows.iter().map(pack).collect();
        Ok((loaded, packed?))
    }
}

/// Items are sent by reference count. A new store receives the whole value in this way; then each side copies the
/// entries that it writes.
pub(crate) enum ByCount {}

impl ByCount {
    fn put<T: MergeByCount<Key: Portable, Item: Send + Sync>, M>(
        key: &T::Key,
        item: Option<Arc<T::Item>>,
        version: Version,
        to: &mut Packer<'_, T, M>,
    ) {
        to.add(key, version, |to| match item {
            Some(item) => Ok(RecordBody::Counted(item)),
            None => Err(to.unencoded(String::from("there is no counted item"))),
        });
    }
}

impl<T> ItemForm<T> for ByCount
where
    T: MergeByCount<Key: Portable, Item: Send + Sync> + Send + Sync,
{
    const FORM: Form = Form::Counted;

    type Item = Arc<T::Item>;

    fn shape() -> Option<String> {
        None
    }

    fn seal<M>(value: &mut T, version: Version, to: &mut Packer<'_, T, M>) {
        value.__seal_counted(version, &mut |edit| match edit {
            Edit::Reset => to.edits.reset = Some(version),
            Edit::Put(key, item) => Self::put(key, item, version, to),
            Edit::Remove(key) => to.add(key, version, |_| Ok(RecordBody::Removed)),
        });
    }

    fn show<M>(value: &T, which: Which<'_, T::Key>, to: &mut Packer<'_, T, M>) {
        value.show(which, &mut |edit, version| match edit {
            Edit::Reset => to.edits.reset = Some(version),
            Edit::Put(key, _) => Self::put(key, value.counted(key), version, to),
            Edit::Remove(key) => to.add(key, version, |_| Ok(RecordBody::Removed)),
        });
    }

    fn pack<M>(value: &T, _: &mut Packer<'_, T, M>) -> Result<Payload, LinkError> {
        Ok(Payload::Counted(Arc::new(value.clone())))
    }

    fn whole(payload: &Payload) -> Option<T> {
        match payload {
            Payload::Counted(value) => value.downcast_ref().cloned(),
            Payload::Bytes(_) | Payload::Edits(_) => None,
        }
    }

    fn unpack(body: &RecordBody) -> Result<Arc<T::Item>, String> {
        match body {
            RecordBody::Counted(item) => Arc::clone(item).downcast().map_err(|_| wrong_form()),
            RecordBody::Removed | RecordBody::Bytes(_) => Err(wrong_form()),
        }
    }

    fn convert(value: &T, record: &Record, to: &mut Records) -> Result<(), String> {
        let RecordBody::Bytes(_) = &record.body else {
            to.push(record.clone());
            return Ok(());
        };
        // An item that came from a process was decoded when it was joined. What has replaced it since then has a record of its own, and an
        // item of a list whose parts were joined separately is several records (M6).
        let key = codec::decode(&record.key)?;
        let mut result = Ok(());
        value.show(Which::Keys(&[key]), &mut |edit, version| {
            let Edit::Put(key, _) = edit else { return };
            let Some(item) = value.counted(key).filter(|_| version != Version::NEVER) else {
                return;
            };
            match codec::encode(key) {
                Ok(key) => to.push(Record {
                    announced: record.announced,
                    ..Record::new(key, version, RecordBody::Counted(item))
                }),
                Err(reason) => result = Err(reason),
            }
        });
        result
    }

    fn join(value: &mut T, key: T::Key, item: Arc<T::Item>, version: Version) -> bool {
        value.join_counted(key, item, version)
    }

    /// Such a value is sent as a whole, so this is for edits that another form has packed.
    fn begin_with(
        value: &mut T,
        reset: Option<Version>,
        entries: Vec<(T::Key, Version, Option<Arc<T::Item>>)>,
    ) {
        value.blank();
        if let Some(reset) = reset {
            value.join(Edit::Reset, reset);
        }
        for (key, version, item) in entries {
            match item {
                Some(item) => value.join_counted(key, item, version),
                None => value.join(Edit::Remove(key), version),
            };
        }
    }
}
