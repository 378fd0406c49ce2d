//! The sending end of a road that takes a few bytes at a time.

use std::io::{self, IoSlice};
use std::sync::{Arc, Mutex};

use reacton_core::RefId;

use super::{RoadSender, Sender};
use crate::link::{Delivery, SendCounter};
use crate::wire::change::{Change, Version};
use crate::wire::frame::{Batch, Frame, FrameReader};
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
        self.taken.lock().expect("nothing panics").extend_from_slice(&taken);
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
        let may = std::mem::replace(&mut *self.1.lock().expect("nothing panics"), false);
        if may { self.0.try_send(bytes) } else { Ok(0) }
    }

    fn send(&self, bytes: &[IoSlice<'_>]) -> io::Result<usize> {
        self.0.try_send(bytes)
    }

    fn end(&self) {}
}

fn message(len: usize) -> IsolateMessage {
    let payload = Payload::Bytes(Encoded::from(vec![7; len]));
    let version = Version { clock: 1, site: 1 };
    let changes = vec![Change { id: RefId::of("a"), version, announced: false, payload }].into();
    IsolateMessage::ReactonValueChanged { clock: 1, changes }
}

#[test]
fn an_acknowledgement_does_not_come_in_the_middle_of_a_frame_of_which_a_part_has_gone() {
    for len in [10, 20_000, 100_000] {
        for room in [3, 30, 15_000, 50_000] {
            let taken = Mutex::default();
            let road = Arc::new(Once(Narrow { room, taken }, Mutex::new(true)));
            let sender = Arc::new(Sender::new(Delivery::Every, SendCounter::default()));
            assert!(sender.attach(road.clone(), Batch::default()));
            sender.send(message(len));
            // Part of the frame was sent. A message was applied here meanwhile.
            let received = SendCounter::default().receiving();
            received.set_received(3);
            sender.report_received(&received);
            sender.send(message(1));
            let writer = Arc::clone(&sender);
            let writer = std::thread::spawn(move || writer.write_until_ended());
            sender.flush(std::time::Duration::from_secs(30));
            sender.end();
            writer.join().expect("it ends");
            let bytes = road.0.taken.lock().expect("nothing panics").clone();
            let (mut reader, mut rest, mut lens) = (FrameReader::default(), &bytes[..], Vec::new());
            loop {
                while let Some(frame) = reader.next().expect("they are frames") {
                    match frame {
                        Frame::Message(IsolateMessage::ReactonValueChanged { changes, .. }) => {
                            lens.push(changes[0].payload.len());
                        }
                        other => assert!(matches!(other, Frame::Taken(3)), "{other:?}"),
                    }
                }
                if rest.is_empty() {
                    break;
                }
                let filled = reader.fill(|buffer| {
                    let count = rest.len().min(buffer.capacity() - buffer.len());
                    buffer.extend_from_slice(&rest[..count]);
                    Ok::<_, ()>(count)
                });
                rest = &rest[filled.expect("it reads")..];
            }
            assert_eq!(lens, [len, 1], "a road with room for {room}");
        }
    }
}
