//! Messages that are lists of entries, in frames of as many entries as one head holds. Long edits are several entries,
//! each of which continues the one before.

use std::borrow::Cow;

use reacton_core::RefId;

use super::super::{CONTINUES, ENTRIES, Kind};
use super::head::Short;
use super::{Batch, Part};
use crate::wire::change::{Change, Version};
use crate::wire::edits::{Held, write_edits, write_missed};
use crate::wire::message::Introduction;
use crate::wire::value::{Encoded, Payload};

/// An entry of a message: its numbers, the last of which are its flags, and its payloads.
struct Entry<'m> {
    numbers: [u64; 4],
    texts: Option<[&'m str; 3]>,
    value: Option<Cow<'m, Encoded>>,
}

impl Entry<'_> {
    fn parts(&self) -> impl Iterator<Item = Part<'_>> {
        let texts = self.texts.into_iter().flatten().map(Part::Text);
        texts.chain(self.value.as_deref().map(Part::Value))
    }
}

impl Batch {
    /// Adds a transaction.
    pub(crate) fn changes(&mut self, clock: u64, changes: &[Change]) {
        if let [change] = changes {
            if let Payload::Bytes(value) = &change.payload {
                return self.change(clock, change, value);
            }
            let mut values = values(&change.payload);
            if let (Some(value), None) = (values.next(), values.next()) {
                return self.change(clock, change, &value);
            }
        }
        let entries = changes.iter().flat_map(|change| {
            let numbers = numbers_of(change);
            pieces(numbers, values(&change.payload))
        });
        let entries: Vec<_> = entries.collect();
        if !entries.is_empty() {
            self.entries(Kind::Changes, [clock], &entries);
        }
    }

    /// Adds a transaction of one change, which needs no list.
    fn change(&mut self, clock: u64, change: &Change, value: &Encoded) {
        let [id, written, site, flags] = numbers_of(change);
        let len = value.len() as u64;
        let numbers = [Kind::Changes as u64, 1, len, 0, clock, id, written, site, flags];
        self.short_frame(&Short::new(numbers), value);
    }

    pub(super) fn init(&mut self, before: [u64; 4], reactons: &[Introduction]) {
        let entries = reactons.iter().flat_map(|reacton| {
            let Introduction { id, name, type_name, shape, version, payload, subscribed } = reacton;
            let flags = u64::from(*subscribed)
                | u64::from(shape.is_some()) << 1
                | u64::from(payload.is_edits()) << 2;
            let numbers = [id.as_u64(), version.clock, version.site, flags];
            let mut texts = Some([&**name, &**type_name, shape.as_deref().unwrap_or_default()]);
            pieces(numbers, values(payload))
                .map(move |piece| Entry { texts: texts.take(), ..piece })
        });
        let entries: Vec<_> = entries.collect();
        self.entries(Kind::Init, before, &entries);
    }

    pub(super) fn subscribe(&mut self, held: &[(RefId, Held)]) {
        let entries = held.iter().flat_map(|(id, held)| {
            let (numbers, keys) = match held {
                Held::Version(Version { clock, site }) => ([id.as_u64(), *clock, *site, 0], None),
                Held::Missed { serial, keys } => ([id.as_u64(), *serial, 0, 1], Some(keys)),
            };
            let whole = keys.is_none().then_some(Entry { numbers, texts: None, value: None });
            let missed = keys.into_iter().flat_map(|keys| write_missed(keys));
            whole.into_iter().chain(pieces(numbers, missed.map(Cow::Owned)))
        });
        let entries: Vec<_> = entries.collect();
        // Also none: the other end looks whether it is waited for.
        self.entries(Kind::Subscribe, [], &entries);
    }

    /// Adds a message, in at least one frame. `before` stands before the entries of each.
    fn entries<const N: usize>(&mut self, kind: Kind, before: [u64; N], entries: &[Entry<'_>]) {
        let mut rest = entries;
        loop {
            let (now, later) = rest.split_at(rest.len().min(ENTRIES));
            let more = u64::from(!later.is_empty());
            let numbers = now.iter().flat_map(|entry| entry.numbers);
            let numbers = std::iter::once(more).chain(before).chain(numbers);
            let parts: Vec<_> = now.iter().flat_map(Entry::parts).collect();
            self.frame(kind, Sized(numbers, 1 + N + 4 * now.len()), parts.into_iter());
            if later.is_empty() {
                return;
            }
            rest = later;
        }
    }
}

/// The bytes of a value: one payload, or several of one that is made of entries.
fn values(payload: &Payload) -> impl Iterator<Item = Cow<'_, Encoded>> {
    let (whole, edits) = match payload {
        Payload::Bytes(value) => (Some(Cow::Borrowed(value)), None),
        Payload::Edits(edits) => (None, Some(edits)),
        // A road carries no references: a shared set that goes over one has none.
        Payload::Counted(_) => (Some(Cow::Owned(Encoded::from(&[][..]))), None),
    };
    let pieces = edits.into_iter().flat_map(|edits| write_edits(edits)).map(Cow::Owned);
    whole.into_iter().chain(pieces)
}

/// An entry for each of these values.
fn pieces<'m>(
    numbers: [u64; 4],
    values: impl Iterator<Item = Cow<'m, Encoded>>,
) -> impl Iterator<Item = Entry<'m>> {
    let [id, clock, site, flags] = numbers;
    values.enumerate().map(move |(at, value)| {
        let flags = if at == 0 { flags } else { flags | CONTINUES };
        Entry { numbers: [id, clock, site, flags], texts: None, value: Some(value) }
    })
}

fn numbers_of(change: &Change) -> [u64; 4] {
    let Version { clock, site } = change.version;
    let flags = u64::from(change.announced) | u64::from(change.payload.is_edits()) << 1;
    [change.id.as_u64(), clock, site, flags]
}

/// An iterator whose length is known to its maker.
struct Sized<I>(I, usize);

impl<I: Iterator<Item = u64>> Iterator for Sized<I> {
    type Item = u64;

    #[inline]
    fn next(&mut self) -> Option<u64> {
        self.0.next()
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (self.1, Some(self.1))
    }
}

impl<I: Iterator<Item = u64>> ExactSizeIterator for Sized<I> {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_change_is_the_same_bytes_as_in_a_list() {
        let numbers = (0..64).flat_map(|bit| [(1_u64 << bit) - 1, 1 << bit]).chain([u64::MAX]);
        for number in numbers {
            for len in [0, 1, 30, 127, 128, 300, 16 * 1024, 70_000] {
                let value = Encoded::from(vec![7; len]);
                let change = Change {
                    id: RefId::from_u64(number.rotate_left(7)),
                    version: Version { clock: number, site: number.rotate_left(19) },
                    announced: number % 2 == 1,
                    payload: Payload::Bytes(value.clone()),
                };
                let [mut alone, mut listed] = [Batch::default(), Batch::default()];
                alone.changes(number, std::slice::from_ref(&change));
                let numbers = numbers_of(&change);
                let entry = Entry { numbers, texts: None, value: Some(Cow::Owned(value)) };
                listed.entries(Kind::Changes, [number], &[entry]);
                let [alone, listed] = [alone, listed].map(|batch| batch.copied_within(1 << 20));
                assert_eq!(alone, listed, "{number} and {len} bytes");
            }
        }
    }
}
