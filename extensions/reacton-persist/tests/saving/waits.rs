//! How long what was committed waits for its write.

use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender};
use std::time::{Duration, Instant};

use reacton::persist::{KeptAside, Persist, Row, Storage, StorageError, saved};
use reacton::prelude::*;

use crate::settings::{COUNT, LONG, ROWS};

const EVERY: Duration = Duration::from_secs(1);

/// Says when a write begins, and ends it when it is told to.
struct Held {
    begun: Sender<Instant>,
    end: Receiver<()>,
}

impl Storage for Held {
    fn load(&mut self) -> Result<Vec<Row>, StorageError> {
        Ok(Vec::new())
    }

    fn commit(&mut self, _: &[Row]) -> Result<(), StorageError> {
        let _ = self.begun.send(Instant::now());
        // An error if the test is over.
        let _ = self.end.recv();
        Ok(())
    }

    fn keep_aside(&mut self) -> Result<KeptAside, StorageError> {
        Err(StorageError::Other("nothing is damaged".into()))
    }
}

#[test]
fn d1_what_is_committed_during_a_write_has_waited_when_that_ends() {
    let (begun, writes) = mpsc::channel();
    let (go, end) = mpsc::channel();
    let store = ReactonStore::new();
    let storage = Held { begun, end };
    let saved =
        Persist::new(saved![COUNT]).every(EVERY).open(&store, storage).expect("the file opens");
    let set = Instant::now();
    store.set(&COUNT, 1);
    let first = writes.recv_timeout(LONG).expect("the first write begins");
    assert!(first - set >= EVERY, "others could join it for {:?}", first - set);
    store.set(&COUNT, 2);
    // The write takes longer than that.
    assert_eq!(writes.recv_timeout(EVERY), Err(RecvTimeoutError::Timeout));
    let ended = Instant::now();
    go.send(()).expect("the thread writes");
    let second = writes.recv_timeout(LONG).expect("the second write begins");
    // If it waited from now on, a kill would lose the wait and two writes.
    assert!(second - ended < EVERY, "it has waited for {:?} more", second - ended);
    drop(go);
    drop(saved);
}

/// Says how many rows each commit has.
struct Counted(Sender<usize>);

impl Storage for Counted {
    fn load(&mut self) -> Result<Vec<Row>, StorageError> {
        Ok(Vec::new())
    }

    fn commit(&mut self, rows: &[Row]) -> Result<(), StorageError> {
        let _ = self.0.send(rows.len());
        Ok(())
    }

    fn keep_aside(&mut self) -> Result<KeptAside, StorageError> {
        Err(StorageError::Other("nothing is damaged".into()))
    }
}

#[test]
fn d2_what_was_committed_together_is_one_commit_of_the_storage() {
    let (sender, commits) = mpsc::channel();
    let store = ReactonStore::new();
    let saved = Persist::new(saved![COUNT, ROWS]).open(&store, Counted(sender));
    let saved = saved.expect("the storage opens");
    store.batch(|store| {
        store.set(&COUNT, 1);
        store.update(&ROWS, |rows| (0..2).for_each(|key| drop(rows.insert(key, "x".into()))));
    });
    drop(saved);
    assert_eq!(commits.iter().collect::<Vec<_>>(), [3]);
}
