//! A value whose decoding blocks a worker until a test lets it continue.

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::sync::mpsc::{Receiver, Sender, channel};

use reacton::prelude::*;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// If a test has called [`block_decode_in`] for the current thread, decoding reports that it has begun, and then waits
/// for the test.
#[derive(Clone, PartialEq, Debug)]
pub(crate) struct Blocking;

#[reacton]
pub(crate) static BLOCKING: Blocking = Blocking;

struct Block {
    report: Sender<()>,
    unblocked: Receiver<()>,
}

/// By the names of threads, because main decodes the value, too, to check that it can be decoded.
static BLOCKS: Mutex<BTreeMap<&'static str, Block>> = Mutex::new(BTreeMap::new());

/// Blocks the next worker of this name when it decodes the value. Returns a sender that lets the worker continue, and a
/// receiver that reports that it is blocked.
pub(crate) fn block_decode_in(worker: &'static str) -> (Sender<()>, Receiver<()>) {
    let (report, blocked) = channel();
    let (unblock, unblocked) = channel();
    BLOCKS.lock().expect("the mutex is not poisoned").insert(worker, Block { report, unblocked });
    (unblock, blocked)
}

impl Serialize for Blocking {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_unit()
    }
}

impl<'de> Deserialize<'de> for Blocking {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        <()>::deserialize(deserializer)?;
        let block = std::thread::current()
            .name()
            .and_then(|name| BLOCKS.lock().expect("the mutex is not poisoned").remove(name));
        if let Some(Block { report, unblocked }) = block {
            report.send(()).expect("the channel is open");
            unblocked.recv().expect("the test sends a signal");
        }
        Ok(Self)
    }
}
