//! Collections that are longer than a payload may be.

use smallvec::smallvec;

use super::*;
use crate::wire::edits::write_edits;
use crate::wire::frame::bounds::Bounds;

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

/// What a reader of a link that shares so much makes of a message.
fn read_where(
    message: &IsolateMessage,
    count: usize,
    has_entries: bool,
) -> Result<usize, &'static str> {
    let mut batch = Batch::default();
    batch.message(message);
    let mut reader = FrameReader::default();
    reader.set_shared(count, has_entries);
    read_with(reader, &bytes(&mut batch), 10_000).map(|frames| frames.len())
}

#[test]
fn n4_a_message_of_several_frames_is_about_no_more_than_the_link_shares() {
    let version = Held::Version(Version::NEVER);
    let many = [
        IsolateMessage::ReactonValueChanged {
            clock: 9,
            changes: (0..20_000).map(|number| change(number, &[1])).collect::<Vec<_>>().into(),
        },
        IsolateMessage::HandshakeInit {
            protocol: 1,
            site: 9,
            counts_as: 9,
            clock: 9,
            reactons: (0..20_000).map(Introduction::of_number).collect(),
        },
        IsolateMessage::ReactonSubscribe {
            held: (0..20_000).map(|number| (RefId::from_u64(number), version.clone())).collect(),
        },
    ];
    for (number, message) in many.iter().enumerate() {
        assert_eq!(read_where(message, 20_000, false), Ok(1));
        assert!(read_where(message, 3, true).is_err(), "message {number}");
        assert!(read_where(message, 3, false).is_err(), "message {number}");
    }
    // Entries have no bound, where there are any.
    for (number, message) in long_messages().iter().enumerate() {
        assert_eq!(read_where(message, 20, true), Ok(1));
        let goes_on = [true, false].map(|has_entries| Bounds::of(20, has_entries).allow(message));
        assert_eq!(goes_on, [true, false], "message {number}");
    }
    // Values of 256 MiB each, which are only announced.
    let values = |count| {
        let lens = std::iter::repeat_n(256 << 20, count);
        let mut numbers = vec![Kind::Changes as u64, count as u64];
        numbers.extend(lens);
        let head = rmp_serde::to_vec(&numbers).expect("numbers encode");
        let len = u32::try_from(head.len()).expect("the number is small").to_le_bytes();
        let mut reader = FrameReader::default();
        reader.set_shared(1, false);
        read_with(reader, &[&len[..], &head].concat(), 10_000).map(|frames| frames.len())
    };
    assert_eq!(values(100), Ok(0));
    assert!(values(1000).is_err());
}

/// A frame of edits and of an entry that is said to continue them, with these numbers.
fn with_second(id: u64, kinds: [u64; 2], value: &[u8]) -> Result<(), &'static str> {
    let record = Record::new(key(3), Version { clock: 1, site: 1 }, RecordBody::Removed);
    let edits = Edits { answers: 1, reset: None, records: smallvec![record] };
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
