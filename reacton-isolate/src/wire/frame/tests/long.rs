//! Collections that are longer than a payload may be.

use super::*;
use crate::wire::edits::write_edits;

/// All keys of a message, one behind the other.
fn keys(message: &IsolateMessage) -> Vec<u8> {
    let edited = |payload: &Payload| match payload {
        Payload::Edits(edits) => edits.keys().cloned().collect(),
        _ => Vec::new(),
    };
    let keys: Vec<_> = match message {
        IsolateMessage::ReactonValueChanged { changes, .. } => {
            changes.iter().flat_map(|change| edited(&change.payload)).collect()
        }
        IsolateMessage::HandshakeInit { reactons, .. } => {
            reactons.iter().flat_map(|reacton| edited(&reacton.payload)).collect()
        }
        IsolateMessage::ReactonSubscribe { held } => {
            let keys = held.iter().filter_map(|(_, held)| match held {
                Held::Missed { keys, .. } => Some(keys),
                Held::Version(_) => None,
            });
            keys.flatten().cloned().collect()
        }
        _ => Vec::new(),
    };
    keys.iter().flat_map(|key| key.to_vec()).collect()
}

/// Edits, keys and first values of collections that are much longer than one payload may be.
fn long_messages() -> Vec<IsolateMessage> {
    let record = |number: u16| Record {
        key: Encoded::from(number.to_le_bytes().repeat(1 + usize::from(number % 9))),
        version: Version { clock: u64::from(number), site: u64::MAX },
        announced: false,
        body: RecordBody::Bytes(Encoded::from(vec![1; usize::from(number % 100)])),
    };
    let edits = |count| {
        let reset = Some(Version { clock: 1, site: 1 });
        let edits = Edits { answers: 7, reset, records: (0..count).map(record).collect() };
        Payload::Edits(Arc::new(edits))
    };
    let changes = [change(2, &[1]), Change { payload: edits(10_000), ..change(1, &[]) }];
    let alone = vec![changes[1].clone()];
    let among: Vec<_> = (0..3).flat_map(|_| changes.clone()).collect();
    let introduction = |number: u16| Introduction {
        id: RefId::from_u64(u64::from(number)),
        name: "state::ROWS".into(),
        type_name: "Rows".into(),
        shape: None,
        version: Version { clock: u64::from(number), site: 2 },
        payload: edits(number * 1000),
        subscribed: true,
    };
    let keys = || (0..10_000).map(|number| record(number).key).collect();
    let missed = |number| (RefId::from_u64(number), Held::Missed { serial: 1, keys: keys() });
    let version = Held::Version(Version { clock: 1, site: 1 });
    vec![
        IsolateMessage::ReactonValueChanged { clock: 9, changes: alone.into() },
        IsolateMessage::ReactonValueChanged { clock: 9, changes: among.into() },
        IsolateMessage::HandshakeInit {
            protocol: 1,
            site: 9,
            counts_as: 8,
            clock: 9,
            reactons: (0..20).map(introduction).collect(),
        },
        IsolateMessage::ReactonSubscribe {
            held: vec![missed(1), (RefId::from_u64(2), version), missed(3), missed(3)],
        },
    ]
}

#[test]
fn long_collections_cross_whole_where_only_short_values_are_allowed() {
    for message in long_messages() {
        let mut batch = Batch::default();
        batch.message(&message);
        let mut reader = FrameReader::default();
        // This allows 64 KiB, as any limit does.
        reader.set_max_value(1);
        let frames = read_with(reader, &bytes(&mut batch), 1000).expect("no payload is too long");
        let [Frame::Message(back)] = &frames[..] else { panic!("{} frames", frames.len()) };
        assert_eq!(format!("{back:?}"), format!("{message:?}"));
        assert_eq!(keys(back), keys(&message));
    }
}

/// A frame of edits and of an entry that is said to continue them, with these numbers.
fn with_second(id: u64, kinds: [u64; 2], value: &[u8]) -> Result<(), &'static str> {
    let record = Record::new(key(3), Version { clock: 1, site: 1 }, RecordBody::Removed);
    let edits = Edits { answers: 1, reset: None, records: vec![record] };
    let first = write_edits(&edits).next().expect("there is a piece");
    let [first_kind, kind] = kinds;
    let numbers = [0, 9, 1, 5, 5, first_kind, id, 5, 5, kind | CONTINUES];
    let payloads = [first, Encoded::from(value)].into_iter();
    decode::frame(Kind::Changes as u64, &numbers, payloads, None).map(drop)
}

#[test]
fn i9_a_piece_that_continues_nothing_is_malformed() {
    let (none, answer) = (&[0, 0][..], &[1, 0][..]);
    assert_eq!(with_second(1, [2, 2], none), Ok(()));
    for (id, kinds, value) in [(2, [2, 2], none), (1, [0, 0], none), (1, [2, 2], answer)] {
        assert!(with_second(id, kinds, value).is_err(), "{id} {kinds:?} {value:?}");
    }
    let first = [0, 9, 1, 5, 5, CONTINUES | 2];
    let alone =
        decode::frame(Kind::Changes as u64, &first, [Encoded::from(none)].into_iter(), None);
    assert!(alone.is_err(), "the first entry continues another one");
}
