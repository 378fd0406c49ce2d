//! The thread that writes: it waits for the first change, lets others join it, and writes all of them in one transaction.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::mpsc::Receiver;
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use reacton_core::panic_message;
use reacton_isolate::sink::{SinkQueue, Taken};

use crate::book::Book;
use crate::progress::Progress;
use crate::storage::Storage;

/// The longest wait before another attempt.
const MAX_WAIT: Duration = Duration::from_secs(5);

/// The shortest wait before another attempt.
const MIN_WAIT: Duration = Duration::from_millis(50);

/// How often the last attempt is repeated, when the handle is dropped.
const LAST_ATTEMPTS: u32 = 3;

/// What the thread works with.
pub(crate) struct Work {
    pub(crate) book: Book,
    pub(crate) storage: Box<dyn Storage>,
}

/// Starts the thread. It begins when it receives its work, and ends at once if the other end is dropped.
pub(crate) fn start(
    queue: Arc<SinkQueue>,
    progress: Arc<Progress>,
    every: Duration,
    work: Receiver<Work>,
) -> std::io::Result<JoinHandle<()>> {
    thread::Builder::new().name(String::from("reacton-persist")).spawn(move || {
        if let Ok(Work { book, storage }) = work.recv() {
            let ended = Ended { queue: &queue, progress: &progress };
            let mut writer = Writer { book, storage, every, failures: 0 };
            writer.run(&queue, &progress);
            // The file is closed before the end is told.
            drop((writer, ended));
        }
    })
}

/// Tells the handle of the end of the thread, also after a panic.
struct Ended<'e> {
    queue: &'e SinkQueue,
    progress: &'e Progress,
}

impl Drop for Ended<'_> {
    fn drop(&mut self) {
        self.progress.end();
        self.queue.notify();
    }
}

/// How much is left of a wait. What was committed during a write has waited meanwhile: if the wait began only after the write, a kill
/// would lose the wait and two writes.
fn left(wait: Duration, waited: Duration) -> Duration {
    wait.saturating_sub(waited)
}

struct Writer {
    book: Book,
    storage: Box<dyn Storage>,
    every: Duration,
    /// How many attempts in a row have failed.
    failures: u32,
}

impl Writer {
    fn run(&mut self, queue: &SinkQueue, progress: &Progress) {
        let (mut answered, mut taken) = (0, None);
        loop {
            let begun = if !self.book.is_clean() {
                // The last attempt has failed.
                Instant::now()
            } else if let Some(taken) = taken.filter(|_| !queue.is_empty()) {
                taken
            } else {
                queue.wait(answered);
                Instant::now()
            };
            queue.rest(left(self.wait(), begun.elapsed()), answered);
            // Said before anything is taken: in between, nothing would be seen to wait.
            let forget = progress.begin();
            taken = Some(Instant::now());
            let Taken { changes, asked, closed } = queue.take();
            self.book.note(changes);
            if forget {
                self.book.forget_unknown();
            }
            let result = if closed { self.write_at_last() } else { self.write() };
            answered = asked;
            progress.finish(asked, result);
            queue.notify();
            if closed {
                return;
            }
        }
    }

    /// How long others may join what waits, from the time on when it was committed.
    fn wait(&self) -> Duration {
        if self.failures == 0 {
            return self.every;
        }
        let doubled = MIN_WAIT.max(self.every).saturating_mul(1 << self.failures.min(8));
        doubled.min(MAX_WAIT)
    }

    fn write(&mut self) -> Result<(), String> {
        if self.book.is_clean() {
            self.failures = 0;
            return Ok(());
        }
        let rows = self.book.take_unsaved();
        // A storage may be code of the program.
        let committed = catch_unwind(AssertUnwindSafe(|| self.storage.commit(&rows)));
        let reason = match committed {
            Ok(Ok(())) => {
                self.failures = 0;
                return Ok(());
            }
            Ok(Err(error)) => error.to_string(),
            Err(payload) => format!("the storage has panicked: {}", panic_message(&*payload)),
        };
        self.book.put_back(rows);
        self.failures = self.failures.saturating_add(1);
        tracing::warn!(%reason, "nothing was saved; it is tried again");
        Err(reason)
    }

    /// As [`write`](Self::write); nothing follows, so a failure is repeated at once.
    fn write_at_last(&mut self) -> Result<(), String> {
        let mut result = self.write();
        for _ in 1..LAST_ATTEMPTS {
            if result.is_ok() {
                break;
            }
            thread::sleep(MIN_WAIT);
            result = self.write();
        }
        if let Err(reason) = &result {
            tracing::error!(%reason, "the last changes were not saved");
        }
        result
    }
}
