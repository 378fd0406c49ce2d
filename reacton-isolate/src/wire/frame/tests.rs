//! Frames there and back, cut at every byte; and bytes that are none.

mod long;

use std::sync::Arc;
use std::time::Duration;

use reacton_core::RefId;

use super::work::{FarError, Order, Report};
use super::*;
use crate::error::{LinkError, Mismatch};
use crate::host::random::Random;
use crate::wire::change::{Change, Version};
use crate::wire::edits::{Edits, Held, Record, RecordBody};
use crate::wire::message::{CloseReason, Introduction};
use crate::wire::ticket::CallRef;
use crate::wire::value::{Bytes, Encoded, Payload};

fn change(number: u64, value: &[u8]) -> Change {
    Change {
        id: RefId::from_u64(number),
        version: Version { clock: number, site: u64::MAX - number },
        announced: number % 2 == 1,
        payload: Payload::Bytes(Encoded::from(value)),
    }
}

fn changes(count: u64, len: usize) -> IsolateMessage {
    let changes: Vec<_> = (0..count).map(|number| change(number, &vec![7; len])).collect();
    IsolateMessage::ReactonValueChanged { clock: 300, changes: changes.into() }
}

fn key(len: usize) -> Encoded {
    Encoded::from(vec![3; len])
}

/// A transaction that has written entries, and a value beside them.
fn edits(count: u8) -> IsolateMessage {
    let record = |number: u8| Record {
        key: key(usize::from(number) + 1),
        version: Version { clock: u64::from(number / 2), site: 4 },
        announced: number.is_multiple_of(5),
        body: match number % 3 {
            0 => RecordBody::Removed,
            _ => RecordBody::Bytes(Encoded::from(vec![number; usize::from(number)])),
        },
    };
    let records = (0..count).map(record).collect();
    let reset = count.is_multiple_of(2).then_some(Version { clock: 1, site: 1 });
    let edits = Edits { answers: u64::from(count), reset, records };
    let payload = Payload::Edits(Arc::new(edits));
    let changes = vec![Change { payload, ..change(1, &[]) }, change(2, &[1])];
    IsolateMessage::ReactonValueChanged { clock: 300, changes: changes.into() }
}

/// One message of each kind.
fn messages() -> Vec<IsolateMessage> {
    let introduction = |number| Introduction {
        id: RefId::from_u64(number),
        name: format!("state::R{number}").into(),
        type_name: "u64".into(),
        shape: (number == 1).then(|| String::from("number")),
        version: Version { clock: number, site: 2 },
        payload: Payload::Bytes(Encoded::from(&[1, 2, 3][..])),
        subscribed: number % 2 == 0,
    };
    let malformed = LinkError::Malformed { reason: String::from("why") };
    let clock = LinkError::Clock { worker: String::from("w"), clock: 9, own: 3 };
    vec![
        IsolateMessage::HandshakeInit {
            protocol: 1,
            site: 9,
            counts_as: 7,
            clock: 1 << 40,
            reactons: (0..2).map(introduction).collect(),
        },
        IsolateMessage::HandshakeAck { mismatches: Vec::new() },
        IsolateMessage::HandshakeAck {
            mismatches: vec![
                Mismatch::Protocol { ours: 1, theirs: 2 },
                Mismatch::Missing { name: String::from("X") },
                Mismatch::Type {
                    name: String::from("X"),
                    ours: String::from("u8"),
                    theirs: String::from("u16"),
                },
                Mismatch::Value { error: clock.clone() },
            ],
        },
        changes(1, 3),
        changes(3, 40),
        changes(1, 100_000),
        IsolateMessage::ReactonSubscribe {
            held: vec![
                (RefId::from_u64(1), Held::Version(Version { clock: 2, site: 3 })),
                (RefId::from_u64(2), Held::Missed { serial: 7, keys: vec![key(1), key(60)] }),
                (RefId::from_u64(3), Held::Missed { serial: 1, keys: Vec::new() }),
            ],
        },
        edits(3),
        edits(200),
        IsolateMessage::Mark { clock: 5 },
        IsolateMessage::Marked { mark: 5, clock: 1 << 50, paused: vec![RefId::from_u64(9)] },
        IsolateMessage::Sweep { clock: 5, ids: (0..5000).map(RefId::from_u64).collect() },
        IsolateMessage::ReactonUnsubscribe { ids: vec![RefId::from_u64(5)] },
        IsolateMessage::ValueError { error: malformed },
        IsolateMessage::ValueError { error: clock },
        IsolateMessage::Drain,
        IsolateMessage::Closed { reason: CloseReason::Drained },
        IsolateMessage::Closed { reason: CloseReason::Disposed },
        IsolateMessage::Closed { reason: CloseReason::Failed { message: String::from("no") } },
        IsolateMessage::Closed {
            reason: CloseReason::Panicked {
                message: String::from("oh"),
                location: Some(String::from("a.rs:1:2")),
                after: Duration::from_millis(7),
                worked: true,
            },
        },
    ]
}

fn bytes(batch: &mut Batch) -> Vec<u8> {
    let mut bytes = Vec::new();
    while !batch.is_empty() {
        let (slices, count) = batch.slices();
        slices[..count].iter().for_each(|slice| bytes.extend_from_slice(slice));
        let gone = slices[..count].iter().map(|slice| slice.len()).sum();
        batch.advance(gone);
    }
    bytes
}

/// Everything that a reader makes of `bytes`, which arrive in pieces of at most `piece`.
fn read(bytes: &[u8], piece: usize) -> Result<Vec<Frame>, &'static str> {
    read_with(FrameReader::default(), bytes, piece)
}

fn read_with(
    mut reader: FrameReader,
    bytes: &[u8],
    piece: usize,
) -> Result<Vec<Frame>, &'static str> {
    let (mut rest, mut frames) = (bytes, Vec::new());
    loop {
        while let Some(frame) = reader.next().map_err(|malformed| malformed.0)? {
            frames.push(frame);
        }
        if rest.is_empty() {
            return Ok(frames);
        }
        let taken = reader.fill(|buffer| {
            let room = buffer.capacity() - buffer.len();
            let taken = rest.len().min(piece).min(room);
            buffer.extend_from_slice(&rest[..taken]);
            Ok::<_, ()>(taken)
        });
        rest = &rest[taken.unwrap_or_default()..];
    }
}

/// As text, with the values of changes in it.
fn shown(message: &IsolateMessage) -> String {
    let IsolateMessage::ReactonValueChanged { clock, changes } = message else {
        return format!("{message:?}");
    };
    let value = |change: &Change| match &change.payload {
        Payload::Bytes(bytes) => bytes[..bytes.len().min(50)].to_vec(),
        Payload::Counted(_) | Payload::Edits(_) => Vec::new(),
    };
    let changes: Vec<_> = changes.iter().map(|change| (change, value(change))).collect();
    format!("{clock} {changes:?}")
}

#[test]
fn every_message_comes_back_wherever_the_bytes_are_cut() {
    let messages = messages();
    let mut batch = Batch::default();
    for message in &messages {
        batch.message(message);
    }
    let bytes = bytes(&mut batch);
    let expected: Vec<_> = messages.iter().map(shown).collect();
    for piece in [1, 2, 3, 7, 100, 4096, 70_000, usize::MAX] {
        let frames = read(&bytes, piece).expect("the bytes are frames");
        let arrived: Vec<_> = frames
            .iter()
            .map(|frame| match frame {
                Frame::Message(message) => shown(message),
                other => format!("{other:?}"),
            })
            .collect();
        assert_eq!(arrived, expected, "in pieces of {piece}");
    }
}

#[test]
fn a_transaction_of_many_changes_arrives_as_one() {
    for count in [899, 900, 901, 5000] {
        let mut batch = Batch::default();
        batch.message(&changes(count, 2));
        let frames = read(&bytes(&mut batch), 1000).expect("the bytes are frames");
        let [Frame::Message(IsolateMessage::ReactonValueChanged { clock: 300, changes })] =
            &frames[..]
        else {
            panic!("expected one message, got {}", frames.len())
        };
        assert_eq!(changes.len() as u64, count);
        assert!(changes.iter().zip(0..).all(|(change, number)| change.id.as_u64() == number));
    }
}

#[test]
fn what_is_said_beside_messages_comes_back() {
    let hello = Hello {
        version: FRAMES,
        path: String::from("app::work"),
        name: String::from("work"),
        args: vec![1, 2, 3],
        every: true,
        stack_size: Some(1 << 20),
        spin: Some(Duration::ZERO),
        grace: Duration::from_secs(2),
        limits: Limits { memory: Some(1 << 29), cpu: None, files: Some(64) },
        queue: Some(true),
        max_value: 1 << 28,
    };
    let terms = Terms { max_value: 1 << 20, types_differ: true };
    let call = Some(WorkKey { queued: true, number: 8 });
    let words = LastWords { message: String::from("oh"), location: None, call };
    let mut batch = Batch::default();
    batch.terms(terms);
    batch.hello(&hello);
    batch.start();
    batch.taken(u64::MAX);
    batch.last_words(&words);
    let frames = read(&bytes(&mut batch), 5).expect("the bytes are frames");
    let [
        Frame::Terms(allowed),
        Frame::Hello(arrived),
        Frame::Start,
        Frame::Taken(u64::MAX),
        Frame::LastWords(said),
    ] = &frames[..]
    else {
        panic!("{frames:?}")
    };
    assert_eq!((allowed, &**arrived, said), (&terms, &hello, &words));
}

#[test]
fn a_frame_is_moved_without_a_call() {
    let size = size_of::<Frame>();
    assert!(size <= 112, "a frame has {size} bytes");
}

#[test]
fn what_is_said_of_jobs_and_calls_comes_back() {
    let key = WorkKey { queued: true, number: 1 << 40 };
    let value = |len| Encoded::from(vec![3; len]);
    let call = CallRef { id: RefId::of("call"), name: "call" };
    let errors = [
        FarError::Panicked(String::from("oh")),
        FarError::NotAnswered,
        FarError::Encode(String::from("a")),
        FarError::Decode(String::from("b")),
        FarError::Cancelled,
    ];
    let mut reports = vec![
        Report::Ask { done: 0 },
        Report::Ask { done: 7 },
        Report::Begun(key),
        Report::Done(3),
        Report::Busy,
        Report::Leaving,
        Report::Resign,
        Report::Later(2),
        Report::Fault(WorkKey { queued: false, number: 4 }),
        Report::Answer(key, Ok(value(0))),
        Report::Answer(key, Ok(value(100_000))),
    ];
    reports.extend(errors.map(|error| Report::Answer(key, Err(error))));
    for piece in [1, 3, 1000, usize::MAX] {
        let mut batch = Batch::default();
        for report in &reports {
            batch.report(report);
        }
        batch.job(9);
        batch.call(key, true, call, &value(50_000));
        batch.cancel(key);
        batch.resigned();
        let frames = read(&bytes(&mut batch), piece).expect("the bytes are frames");
        let (said, ordered) = frames.split_at(reports.len());
        for (frame, report) in said.iter().zip(&reports) {
            let Frame::Report(arrived) = frame else { panic!("{frame:?}") };
            assert_eq!(format!("{arrived:?}"), format!("{report:?}"));
        }
        let [
            Frame::Order(Order::Job(9)),
            Frame::Order(Order::Call { key: asked, by_link: true, id, question }),
            Frame::Order(Order::Cancel(cancelled)),
            Frame::Order(Order::Resigned),
        ] = ordered
        else {
            panic!("{ordered:?}")
        };
        assert_eq!((*asked, *cancelled, *id), (key, key, call.id));
        assert_eq!(**question, *value(50_000));
    }
}

#[test]
fn a_head_with_too_large_a_length_causes_no_allocation() {
    let head =
        |head: &[u8]| [&u32::try_from(head.len()).unwrap_or(0).to_le_bytes()[..], head].concat();
    let long = [&[255, 255, 255, 255][..], &[0; 8]].concat();
    for bytes in [
        long,
        head(&[0xdc, 0xff, 0xff, 1, 1]),
        head(&[0xdd, 0xff, 0xff, 0xff, 0xff]),
        head(&[]),
        head(&[0x91, 4]),
        head(&[0x92, 4, 9]),
        head(&[0x92, 99, 0]),
        head(&[0x92, 8, 0, 0]),
        head(&[0x92, 8, 0xa1]),
    ] {
        assert!(read(&bytes, 1000).is_err(), "{bytes:?}");
    }
    // A payload that is said to be large, and does not come.
    let claims = head(&[0x93, 11, 1, 0xcf, 0x7f, 255, 255, 255, 255, 255, 255, 255]);
    assert!(read(&claims, 1000).is_ok_and(|frames| frames.is_empty()));
}

#[test]
fn i9_bytes_that_are_no_frames_are_an_error_or_wait_for_more() {
    let random = Random::new(18);
    let mut batch = Batch::default();
    for message in &messages() {
        batch.message(message);
    }
    let key = WorkKey { queued: true, number: 2 };
    batch.report(&Report::Answer(key, Err(FarError::NotAnswered)));
    batch.cancel(key);
    let good = bytes(&mut batch);
    let good = &good[..good.len().min(3000)];
    let executions = std::env::var("REACTON_FRAMES").ok().and_then(|text| text.parse().ok());
    for _ in 0..executions.unwrap_or(20_000_u64) {
        let mut bytes = good.to_vec();
        for _ in 0..=random.below(4) {
            let at = random.below(bytes.len());
            bytes[at] = u8::try_from(random.below(256)).unwrap_or_default();
        }
        bytes.truncate(random.below(bytes.len()));
        let _ = read(&bytes, 1 + random.below(500));
    }
}

#[test]
fn a_large_payload_is_read_into_the_memory_of_one_that_is_free_and_of_no_other() {
    let mut reader = FrameReader::default();
    let mut value = |byte: u8, len: usize| {
        let mut batch = Batch::default();
        batch.changes(1, &[change(1, &vec![byte; len])]);
        let bytes = bytes(&mut batch);
        let mut rest = &bytes[..];
        loop {
            if let Some(frame) = reader.next().expect("the bytes are a frame") {
                let Frame::Message(IsolateMessage::ReactonValueChanged { changes, .. }) = frame
                else {
                    panic!("{frame:?}");
                };
                let [Change { payload: Payload::Bytes(value), .. }] = &changes[..] else {
                    panic!("{changes:?}");
                };
                assert_eq!(**value, vec![byte; len]);
                return value.clone();
            }
            let filled = reader.fill(|buffer| {
                let count = rest.len().min(buffer.capacity() - buffer.len());
                buffer.extend_from_slice(&rest[..count]);
                Ok::<_, ()>(count)
            });
            rest = &rest[filled.expect("the pipe is readable")..];
        }
    };
    let first = value(1, 300_000);
    let second = value(2, 300_000);
    assert_ne!(first.as_ptr(), second.as_ptr(), "both values use one buffer");
    assert!(first.iter().all(|byte| *byte == 1));
    let room = |value: &Encoded| match &value.0 {
        Bytes::Whole(bytes) => bytes.capacity(),
        _ => panic!("{value:?}"),
    };
    let (place, had) = (second.as_ptr(), room(&second));
    drop(second);
    let third = value(3, 290_000);
    assert_eq!((third.as_ptr(), room(&third)), (place, had));
    drop(third);
    // It would hold much more than it needs.
    assert!(room(&value(4, 100_000)) < 200_000);
}
