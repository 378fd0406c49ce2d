//! Frames: what goes over a road, as bytes on a stream and back.
//!
//! A frame is the length of its head (four bytes, little endian), the head, and payloads. The head is one `MessagePack` array of
//! unsigned integers and at most 64 KiB long: the kind of the frame, the number of its payloads, their lengths, then the numbers
//! that the kind needs. Values and texts are payloads, raw behind the head, so that a large value is never copied into a frame.
//! A message with more entries than one head holds is several frames, all but the last of which say that more follow.
//! Edits of more than 64 KiB are several entries, so that the length of a payload can be limited, and that of edits not.

mod bounds;
mod decode;
mod encode;
mod head;
mod read;
#[cfg(test)]
mod tests;
pub(crate) mod work;

use std::time::Duration;

pub(crate) use self::encode::Batch;
pub(crate) use self::read::FrameReader;
use self::work::{Order, Report};
use crate::wire::message::IsolateMessage;
use crate::wire::ticket::WorkKey;

/// The version of the frames and their contents. Both ends of a road are the same program, so both have the same.
pub(crate) const FRAMES: u64 = 6;

/// The longest head.
pub(crate) const MAX_HEAD: usize = 64 * 1024;

/// The number of entries that fit into a head: an entry has at most four numbers and four lengths, of nine bytes each.
const ENTRIES: usize = 900;

/// In the flags of an entry: its value is the next piece of the edits, or of the keys, of the entry before it.
const CONTINUES: u64 = 1 << 3;

/// The content of one frame.
#[derive(Debug)]
pub(crate) enum Frame {
    /// From a host to a process of its own, in front of all that the client sends.
    Terms(Terms),
    /// From main, as the first frame: which worker to run, and how.
    /// In a box: it is the largest, and each frame of a burst is moved several times.
    Hello(Box<Hello>),
    /// From main: the acknowledgement was accepted, and the worker's function may be called.
    Start,
    /// From either side: a message of the link.
    Message(IsolateMessage),
    /// From the worker's side: the number of messages applied or merged.
    Taken(u64),
    /// From the worker's side: a panic happened. It is the reason of the end if nothing follows.
    LastWords(LastWords),
    /// From the worker's side, about jobs and calls.
    Report(Report),
    /// From main, about jobs and calls.
    Order(Order),
}

/// What a host allows its clients.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Terms {
    /// The longest value that it takes and sends, in bytes.
    pub max_value: u64,
    /// The types of shared reactons may differ, if the first value of each decodes at both ends.
    pub types_differ: bool,
}

impl Default for Terms {
    /// The terms between two ends that are one program.
    fn default() -> Self {
        Self { max_value: u64::MAX, types_differ: false }
    }
}

/// How a worker is to run.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Hello {
    pub(crate) version: u64,
    /// The path of the worker's function.
    pub(crate) path: String,
    /// Its name, and that of its thread.
    pub(crate) name: String,
    /// Its encoded arguments.
    pub(crate) args: Vec<u8>,
    /// Each transaction crosses by itself; otherwise consecutive ones are merged.
    pub(crate) every: bool,
    pub(crate) stack_size: Option<u64>,
    pub(crate) spin: Option<Duration>,
    /// How long the process may continue after its road has ended.
    pub(crate) grace: Duration,
    pub(crate) limits: Limits,
    /// Whether it takes jobs from a queue in main, and if so, whether it shares the queue with other members of a pool.
    pub(crate) queue: Option<bool>,
    /// The longest value that main takes, in bytes.
    pub(crate) max_value: u64,
}

/// What the process of a worker may use. It sets these limits itself, before any code of the program runs.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Limits {
    /// Bytes of address space.
    pub(crate) memory: Option<u64>,
    /// Seconds of processor time.
    pub(crate) cpu: Option<u64>,
    /// Open files.
    pub(crate) files: Option<u64>,
}

/// The message of a panic and its place.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct LastWords {
    pub(crate) message: String,
    pub(crate) location: Option<String>,
    /// The call that the worker's thread was answering.
    pub(crate) call: Option<WorkKey>,
}

/// The kinds of frames, by their number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Hello = 0,
    Init = 1,
    Ack = 2,
    Start = 3,
    Changes = 4,
    Subscribe = 5,
    Unsubscribe = 6,
    ValueError = 7,
    Drain = 8,
    Closed = 9,
    Taken = 10,
    LastWords = 11,
    Ask = 12,
    Job = 13,
    Begun = 14,
    Done = 15,
    Busy = 16,
    Leaving = 17,
    Resign = 18,
    Resigned = 19,
    Call = 20,
    Answer = 21,
    Later = 22,
    Fault = 23,
    Cancel = 24,
    Mark = 25,
    Marked = 26,
    Sweep = 27,
    Terms = 28,
}

impl Kind {
    const ALL: [Self; 29] = [
        Self::Hello,
        Self::Init,
        Self::Ack,
        Self::Start,
        Self::Changes,
        Self::Subscribe,
        Self::Unsubscribe,
        Self::ValueError,
        Self::Drain,
        Self::Closed,
        Self::Taken,
        Self::LastWords,
        Self::Ask,
        Self::Job,
        Self::Begun,
        Self::Done,
        Self::Busy,
        Self::Leaving,
        Self::Resign,
        Self::Resigned,
        Self::Call,
        Self::Answer,
        Self::Later,
        Self::Fault,
        Self::Cancel,
        Self::Mark,
        Self::Marked,
        Self::Sweep,
        Self::Terms,
    ];

    fn of(number: u64) -> Option<Self> {
        // Each frame asks for it, so no search.
        usize::try_from(number).ok().and_then(|number| Self::ALL.get(number)).copied()
    }
}

// Each kind stands at its number.
const _: () = {
    let mut at = 0;
    while at < Kind::ALL.len() {
        assert!(Kind::ALL[at] as usize == at);
        at += 1;
    }
};
