//! A host's end of a road without a client: whether the worker's function is called.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::Receiver;

use super::*;
use crate::worker::carrier::FirstFrames;

static WAS_CALLED: AtomicBool = AtomicBool::new(false);

/// A road over which these bytes arrive, the last of them when the worker has answered the handshake. Then it ends.
struct Short {
    first: Option<Vec<u8>>,
    last: Option<Vec<u8>>,
    answered: Receiver<()>,
    sender: Arc<Answers>,
}

impl Road for Short {
    fn sender(&self) -> Arc<dyn RoadSender> {
        Arc::clone(&self.sender) as Arc<dyn RoadSender>
    }

    fn receive(&mut self, buffer: Option<&mut Vec<u8>>, _: Option<Instant>) -> Received {
        let Some(buffer) = buffer else { return Received::Idle };
        let bytes = self.first.take().or_else(|| {
            self.answered.recv().ok()?;
            self.last.take()
        });
        let Some(bytes) = bytes else { return Received::Ended };
        buffer.extend_from_slice(&bytes);
        Received::Bytes
    }

    fn end(self: Box<Self>, _: Duration) -> Ending {
        Ending::default()
    }
}

/// Runs a worker at the end of a road whose last bytes are these. Returns whether its function was called.
fn is_called(last: Option<Vec<u8>>) -> bool {
    let entry = |_: &[u8]| -> Result<Entry, String> {
        Ok(Box::new(|_| {
            WAS_CALLED.store(true, Ordering::SeqCst);
            Ok(())
        }))
    };
    let worker = Served::new("tests::hosted", "hosted", || SharedSet::from([]), Vec::new, entry);
    let (version, path) = (FRAMES, worker.path().to_owned());
    let hello = Hello { version, path, every: true, max_value: u64::MAX, ..Hello::default() };
    let (protocol, site, counts_as, clock, reactons) = (PROTOCOL, 1, 1, 0, Vec::new());
    let init = IsolateMessage::HandshakeInit { protocol, site, counts_as, clock, reactons };
    let (answers, answered) = sync_channel(1);
    let sender = Arc::new(Answers(Mutex::new(Some(answers))));
    let first = FirstFrames::new(&hello, &init).early();
    let road = Box::new(Short { first, last, answered, sender });
    run_hosted(&[worker], road, Terms::default(), Duration::from_secs(30));
    WAS_CALLED.swap(false, Ordering::SeqCst)
}

/// Rule 35.
#[test]
fn n1_a_worker_whose_road_ends_after_its_answer_is_called_only_if_that_was_accepted() {
    assert!(!is_called(None), "its spawn has ended");
    let mut start = Batch::default();
    start.start();
    assert!(is_called(start.copied_within(100)), "it was accepted");
}
