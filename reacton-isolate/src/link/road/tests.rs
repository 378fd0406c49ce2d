//! The sending end of a road that takes a few bytes at a time.

use std::io::{self, IoSlice};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use reacton_core::RefId;

use smallvec::smallvec;

use super::{RoadSender, Sender};
use crate::link::{Delivery, SendCounter};
use crate::wire::change::{Change, Version};
use crate::wire::edits::{Edits, Record, RecordBody};
use crate::wire::frame::{Frame, FrameReader};
use crate::wire::message::IsolateMessage;
use crate::wire::value::{Encoded, Payload};

/// Takes at most this many bytes at once, and stores them.
struct Narrow {
    room: usize,
    taken: Mutex<Vec<u8>>,
}

impl RoadSender for Narrow {
    fn try_send(&self, bytes: &[IoSlice<'_>]) -> io::Result<usize> {
        let all = bytes.iter().flat_map(|slice| slice.iter().copied());
        let taken: Vec<u8> = all.take(self.room).collect();
        self.taken.lock().expect("the mutex is not poisoned").extend_from_slice(&taken);
        Ok(taken.len())
    }

    fn send(&self, bytes: &[IoSlice<'_>]) -> io::Result<usize> {
        self.try_send(bytes)
    }

    fn end(&self) {}
}

/// A road that takes one write of this many bytes, and then nothing until the writer runs.
struct Once(Narrow, Mutex<bool>);

impl RoadSender for Once {
    fn try_send(&self, bytes: &[IoSlice<'_>]) -> io::Result<usize> {
        let may = std::mem::replace(&mut *self.1.lock().expect("the mutex is not poisoned"), false);
        if may { self.0.try_send(bytes) } else { Ok(0) }
    }

    fn send(&self, bytes: &[IoSlice<'_>]) -> io::Result<usize> {
        self.0.try_send(bytes)
    }

    fn end(&self) {}
}

/// A road whose other end takes nothing any more, though it may still send.
#[derive(Default)]
struct Refusing(Mutex<bool>);

impl RoadSender for Refusing {
    fn try_send(&self, _: &[IoSlice<'_>]) -> io::Result<usize> {
        Err(io::ErrorKind::BrokenPipe.into())
    }

    fn send(&self, bytes: &[IoSlice<'_>]) -> io::Result<usize> {
        self.try_send(bytes)
    }

    fn end(&self) {
        *self.0.lock().expect("the mutex is not poisoned") = true;
    }
}

#[test]
fn a_road_that_takes_nothing_any_more_is_ended_when_its_sender_is() {
    let road = Arc::new(Refusing::default());
    let sender = Sender::new(Delivery::Every, SendCounter::default());
    assert!(sender.attach(road.clone()));
    sender.send(message(1));
    assert!(sender.has_ended());
    assert!(!*road.0.lock().expect("the mutex is not poisoned"), "what has arrived can be read");
    sender.end();
    assert!(*road.0.lock().expect("the mutex is not poisoned"), "its receiver waits for ever");
}

fn message(len: usize) -> IsolateMessage {
    let payload = Payload::Bytes(Encoded::from(vec![7; len]));
    let version = Version { clock: 1, site: 1 };
    let changes = vec![Change { id: RefId::of("a"), version, announced: false, payload }].into();
    IsolateMessage::ReactonValueChanged { clock: 1, changes }
}

#[test]
fn n6_a_long_value_that_was_replaced_before_the_limit_is_known_counts_no_more() {
    const MAX: u64 = 100_000;
    let sender = Sender::new(Delivery::Latest, SendCounter::default());
    let send = |len: usize| {
        sender.admit(RefId::of("a"), len).expect("there is no limit");
        sender.send(message(len));
    };
    send(200_000);
    send(10);
    assert_eq!(sender.limit_waiting(MAX), None);
    assert!(sender.admit(RefId::of("a"), 200_000).is_err());
}

#[test]
fn n6_rows_that_were_merged_are_no_longer_than_each_of_them() {
    const MAX: u64 = 100_000;
    let road = Arc::new(Once(Narrow { room: 50_000, taken: Mutex::default() }, Mutex::new(false)));
    let sender = Arc::new(Sender::new(Delivery::Latest, SendCounter::default()));
    sender.limit(MAX);
    assert!(sender.attach(road.clone()));
    let row = |key: u8| {
        let version = Version { clock: 1, site: 1 };
        let body = RecordBody::Bytes(Encoded::from(vec![key; 60_000]));
        let records = smallvec![Record::new(Encoded::from(&[key][..]), version, body)];
        let payload = Payload::Edits(Arc::new(Edits { records, ..Edits::default() }));
        let changes = vec![Change { id: RefId::of("a"), version, announced: false, payload }];
        IsolateMessage::ReactonValueChanged { clock: 1, changes: changes.into() }
    };
    for key in 0..20 {
        sender.send(row(key % 5));
    }
    let writer = Arc::clone(&sender);
    let writer = thread::spawn(move || writer.write_until_ended());
    sender.flush(Duration::from_secs(30));
    sender.end();
    writer.join().expect("the thread does not panic");
    let mut reader = FrameReader::default();
    reader.set_max_value(MAX);
    let arrived: Vec<_> = frames_by(reader, &road.0)
        .into_iter()
        .flat_map(|frame| match frame {
            Frame::Message(IsolateMessage::ReactonValueChanged { changes, .. }) => changes,
            frame => panic!("{frame:?}"),
        })
        .collect();
    // The first was written before the road had refused anything; the others were merged.
    let rows = arrived.iter().map(|change| match &change.payload {
        Payload::Edits(edits) => edits.keys().map(|key| key[0]).collect::<Vec<_>>(),
        payload => panic!("{payload:?}"),
    });
    assert_eq!(rows.collect::<Vec<_>>(), [vec![0], vec![0, 1, 2, 3, 4]]);
}

#[test]
fn an_acknowledgement_is_not_written_into_a_frame_that_was_sent_in_part() {
    for len in [10, 20_000, 100_000] {
        for room in [3, 30, 15_000, 50_000] {
            let taken = Mutex::default();
            let road = Arc::new(Once(Narrow { room, taken }, Mutex::new(true)));
            let sender = Arc::new(Sender::new(Delivery::Every, SendCounter::default()));
            assert!(sender.attach(road.clone()));
            sender.send(message(len));
            // Part of the frame was sent. A message was applied here meanwhile.
            let received = SendCounter::default().receiving();
            received.set_received(3);
            sender.report_received(&received);
            sender.send(message(1));
            let writer = Arc::clone(&sender);
            let writer = thread::spawn(move || writer.write_until_ended());
            sender.flush(Duration::from_secs(30));
            sender.end();
            writer.join().expect("the thread does not panic");
            let mut lens = Vec::new();
            for frame in frames(&road.0) {
                match frame {
                    Frame::Message(IsolateMessage::ReactonValueChanged { changes, .. }) => {
                        lens.push(changes[0].payload.len());
                    }
                    other => assert!(matches!(other, Frame::Taken(3)), "{other:?}"),
                }
            }
            assert_eq!(lens, [len, 1], "a road with room for {room}");
        }
    }
}

/// A road whose writes of the store's thread take as long as the test wants. What the writer sends is said to the test.
struct Held {
    begun: SyncSender<()>,
    go_on: Mutex<Receiver<()>>,
    by_the_writer: SyncSender<()>,
}

impl RoadSender for Held {
    fn try_send(&self, bytes: &[IoSlice<'_>]) -> io::Result<usize> {
        self.begun.send(()).expect("the channel is open");
        self.go_on
            .lock()
            .expect("the mutex is not poisoned")
            .recv()
            .expect("the test sends a signal");
        Ok(bytes.iter().map(|slice| slice.len()).sum())
    }

    fn send(&self, bytes: &[IoSlice<'_>]) -> io::Result<usize> {
        // The test may have seen enough.
        let _ = self.by_the_writer.try_send(());
        Ok(bytes.iter().map(|slice| slice.len()).sum())
    }

    fn end(&self) {}
}

/// Rule 33: a flush at the other end waits for this.
#[test]
fn what_is_applied_while_another_thread_writes_is_acknowledged() {
    for yields in 0..40 {
        let (begun, has_begun) = sync_channel(1);
        let (may_go_on, go_on) = sync_channel(1);
        let (by_the_writer, acknowledged) = sync_channel(1);
        let sender = Arc::new(Sender::new(Delivery::Every, SendCounter::default()));
        let road = Held { begun, go_on: Mutex::new(go_on), by_the_writer };
        assert!(sender.attach(Arc::new(road)));
        let both = [0, 1].map(|_| Arc::clone(&sender));
        let [writer, store] = both;
        let writer = thread::spawn(move || writer.write_until_ended());
        let store = thread::spawn(move || store.send(message(1)));
        has_begun.recv().expect("the first write begins");
        let received = SendCounter::default().receiving();
        received.set_received(1);
        sender.report_received(&received);
        // The writer may look in the middle of the other's write, or not before its end.
        (0..yields).for_each(|_| thread::yield_now());
        may_go_on.send(()).expect("the channel is open");
        store.join().expect("the thread does not panic");
        let said = acknowledged.recv_timeout(Duration::from_secs(10));
        sender.end();
        writer.join().expect("the thread does not panic");
        assert!(said.is_ok(), "nothing was acknowledged after {yields} yields");
    }
}

/// The frames that a road has taken.
fn frames(road: &Narrow) -> Vec<Frame> {
    frames_by(FrameReader::default(), road)
}

fn frames_by(mut reader: FrameReader, road: &Narrow) -> Vec<Frame> {
    let bytes = road.taken.lock().expect("nothing panics").clone();
    let mut rest = &bytes[..];
    let mut frames = Vec::new();
    loop {
        while let Some(frame) = reader.next().expect("the bytes are frames") {
            frames.push(frame);
        }
        if rest.is_empty() {
            return frames;
        }
        let count = rest.len().min(1000);
        let filled = reader.fill(|buffer| {
            buffer.extend_from_slice(&rest[..count]);
            Ok::<_, ()>(count)
        });
        rest = &rest[filled.expect("the reader reads")..];
    }
}

#[test]
fn what_is_sent_before_the_worker_may_begin_waits_behind_the_frame_that_says_so() {
    for delivery in [Delivery::Every, Delivery::Latest] {
        let road = Arc::new(Narrow { room: 1 << 20, taken: Mutex::default() });
        let sender = Sender::new(delivery, SendCounter::default());
        sender.send(message(1));
        let mut first = crate::wire::frame::Batch::default();
        first.message(&IsolateMessage::Drain);
        assert!(sender.attach_held(road.clone(), first));
        sender.send(message(2));
        sender.write_some();
        sender.write_some();
        let before = frames(&road);
        assert!(matches!(&before[..], [Frame::Message(IsolateMessage::Drain)]), "{before:?}");
        sender.release();
        sender.write_some();
        sender.write_some();
        let all = frames(&road);
        assert!(matches!(all[1], Frame::Start), "{all:?}");
        let messages = all.len() - 2;
        assert_eq!(messages, if delivery == Delivery::Every { 2 } else { 1 });
    }
}

#[test]
fn an_acknowledgement_that_was_overtaken_changes_nothing() {
    let sent = SendCounter::default();
    for _ in 0..9 {
        sent.count_sent();
    }
    let received = sent.receiving();
    received.set_received(5);
    received.set_received(3);
    assert_eq!(sent.queued(), 4);
}
