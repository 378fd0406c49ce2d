//! N4 at the ends of a road: messages that would never end.

mod beginning;

use std::io::IoSlice;
use std::sync::Mutex;
use std::sync::mpsc::SyncSender;

use super::*;
use crate::Delivery;
use crate::link::RoadSender;
use crate::wire::change::{Change, Version};
use crate::wire::frame::Batch;
use crate::wire::message::{Introduction, PROTOCOL};
use crate::wire::value::{Encoded, Payload};
use crate::worker::carrier::Ending;
use reacton_core::RefId;

/// A main that has sent these bytes, and then ends.
struct Said {
    bytes: Vec<u8>,
    sender: Arc<Answers>,
}

/// Takes everything that the worker sends, and says when the first of it comes, if somebody waits for that.
#[derive(Default)]
struct Answers(Mutex<Option<SyncSender<()>>>);

impl RoadSender for Answers {
    fn try_send(&self, bytes: &[IoSlice<'_>]) -> io::Result<usize> {
        let answers = self.0.lock().expect("nothing panics").take();
        if let Some(answers) = answers {
            answers.send(()).expect("the road waits");
        }
        Ok(bytes.iter().map(|slice| slice.len()).sum())
    }

    fn send(&self, bytes: &[IoSlice<'_>]) -> io::Result<usize> {
        self.try_send(bytes)
    }

    fn end(&self) {}
}

impl Road for Said {
    fn sender(&self) -> Arc<dyn RoadSender> {
        Arc::<Answers>::clone(&self.sender)
    }

    fn receive(&mut self, buffer: Option<&mut Vec<u8>>, _: Option<Instant>) -> Received {
        let Some(buffer) = buffer.filter(|_| !self.bytes.is_empty()) else {
            return Received::Ended;
        };
        let count = self.bytes.len().min(buffer.capacity() - buffer.len());
        buffer.extend(self.bytes.drain(..count));
        Received::Bytes
    }

    fn end(self: Box<Self>, _: Duration) -> Ending {
        Ending::default()
    }
}

/// Whether a worker that shares nothing reads the first message of a main that introduces so many reactons.
fn reads(count: u64) -> bool {
    let mut batch = Batch::default();
    batch.hello(&Hello { version: FRAMES, path: String::from("worker"), ..Hello::default() });
    batch.message(&IsolateMessage::HandshakeInit {
        protocol: PROTOCOL,
        site: 9,
        counts_as: 9,
        clock: 9,
        reactons: (0..count).map(Introduction::of_number).collect(),
    });
    let bytes = batch.pieces().flatten().copied().collect();
    let served = Served::new(
        "worker",
        "worker",
        || SharedSet::from([]),
        Vec::new,
        |_| Ok(Box::new(|_| Ok(()))),
    );
    let road = Box::new(Said { bytes, sender: Arc::default() });
    let guest = Guest::greet(road, Some(Terms::default()), None);
    guest.and_then(|guest| guest.run(&|_| Ok(served.clone()), None)).is_ok()
}

#[test]
fn n4_a_main_introduces_no_more_than_its_worker_can_share() {
    // The worker says what differs.
    assert!(reads(0) && reads(3));
    assert!(!reads(20_000));
}

/// Whether main reads a transaction with so many changes, of a worker that shares nothing.
fn hears(count: u64) -> bool {
    let change = |number| Change {
        id: RefId::from_u64(number),
        version: Version::NEVER,
        announced: false,
        payload: Payload::Bytes(Encoded::from(&[1][..])),
    };
    let changes = (0..count).map(change).collect::<Vec<_>>().into();
    let mut batch = Batch::default();
    batch.message(&IsolateMessage::ReactonValueChanged { clock: 9, changes });
    let bytes: Vec<_> = batch.pieces().flatten().copied().collect();
    crate::fuzzing::hear_worker(&bytes, 10_000, Delivery::Every)
}

#[test]
fn n4_a_worker_changes_no_more_than_it_can_share() {
    assert!(hears(3) && !hears(20_000));
}
