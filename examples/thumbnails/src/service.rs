//! The state of the service: the call, the reactons, the workers that answer, and the thread of the store.

use std::collections::BTreeMap;
use std::error::Error;
use std::panic::resume_unwind;
use std::sync::mpsc::{Sender, channel};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use axum::body::Bytes;
use reacton::prelude::*;
use serde::{Deserialize, Serialize};

use crate::picture;

/// How long the workers may take to end.
const PATIENCE: Duration = Duration::from_secs(5);

/// The maximum of requests that the workers have at a time. Further requests are refused.
const IN_FLIGHT: usize = 256;

/// What one request asks for.
#[derive(Debug, Clone)]
pub(crate) struct Job {
    /// The number under which the progress of the job is shown.
    pub(crate) number: u64,
    pub(crate) picture: Bytes,
    pub(crate) width: u32,
}

/// The thumbnail as JPEG, or what is wrong with the picture.
pub(crate) type Made = Result<Vec<u8>, String>;

/// Makes a thumbnail. Picture and answer are handed over, not copied.
#[call(zero_copy)]
pub(crate) static THUMBNAIL: Call<Job, Made>;

/// The quality of the JPEGs, from 1 to 100: a setting of all workers.
#[reacton]
pub(crate) static QUALITY: u8 = 80;

/// A worker's report about its current job.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Step {
    /// How many percent of this job are done.
    Percent(u64, u8),
    /// The answer was not awaited any more, and the worker has stopped.
    Stopped,
}

#[reacton(eq = never)]
pub(crate) static STEP: Step = Step::Stopped;

/// The outcomes of all requests.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub(crate) struct Tally {
    pub(crate) made: u64,
    /// The picture could not be read.
    pub(crate) refused: u64,
    /// A worker panicked, or there was none.
    pub(crate) failed: u64,
    /// The client had gone before the answer.
    pub(crate) cancelled: u64,
    /// The cancelled ones that a worker had begun.
    pub(crate) stopped: u64,
}

#[reacton]
pub(crate) static TALLY: Tally = Tally::default();

/// The requests that wait or are being answered, with the percentage that is done.
#[reacton]
pub(crate) static RUNNING: BTreeMap<u64, u8> = BTreeMap::new();

/// Set when the service is to end.
#[reacton]
pub(crate) static STOPPING: bool = false;

/// Everything that a page shows.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(crate) struct View {
    quality: u8,
    running: BTreeMap<u64, u8>,
    #[serde(flatten)]
    tally: Tally,
}

#[computed]
pub(crate) static VIEW: View =
    |cx| View { quality: cx.get(&QUALITY), running: cx.get(&RUNNING), tally: cx.get(&TALLY) };

/// Makes thumbnails, one at a time.
#[worker(shared = [QUALITY, STEP], answers = [THUMBNAIL])]
fn thumbnails(store: &ReactonStore) {
    store.answer(&THUMBNAIL, |store, job: &Job, call: &Asked| {
        let picture = picture::decode(&job.picture)?;
        let mut shown = 0;
        let small = picture::small(&picture, job.width, |row, rows| {
            let percent = u8::try_from(100 * u64::from(row) / u64::from(rows)).unwrap_or(100);
            // Not at each row, because a page does not show such small changes.
            if percent >= shown + 10 {
                shown = percent;
                store.set(&STEP, Step::Percent(job.number, percent));
            }
            !call.is_cancelled()
        });
        let Some(small) = small else {
            store.set(&STEP, Step::Stopped);
            return Err("the client is gone".into());
        };
        picture::encode(&small, store.get(&QUALITY))
    });
}

fn pool(store: &ReactonStore) -> Result<Pool, SpawnError> {
    let members = thread::available_parallelism().map_or(2, usize::from);
    thumbnails::builder()
        .pool(members)
        .for_all(shared![QUALITY])
        // A picture that makes a worker panic costs its own request and a restart, and is not tried again.
        .restart(Restart::OnPanic {
            max: 1000,
            within: Duration::from_secs(60),
            backoff: Duration::from_millis(1),
        })
        .spawn(store)
}

/// The store, on its own thread.
pub(crate) struct Service {
    ends: Ends,
    thread: JoinHandle<Result<(), ShutdownError>>,
}

/// What other threads use to reach the store.
#[derive(Clone)]
pub(crate) struct Ends {
    pub(crate) handle: StoreHandle,
    pub(crate) caller: Caller<Job, Made>,
}

impl Service {
    pub(crate) fn start() -> Result<Self, Box<dyn Error>> {
        Self::start_with(pool)
    }

    /// Starts a service whose workers are started by `spawn`.
    pub(crate) fn start_with(
        spawn: fn(&ReactonStore) -> Result<Pool, SpawnError>,
    ) -> Result<Self, Box<dyn Error>> {
        let (give, given) = channel();
        let thread = thread::Builder::new().name("store".into()).spawn(move || {
            let store = ReactonStore::new();
            match spawn(&store) {
                Ok(pool) => live(&store, pool, &give),
                Err(error) => {
                    // The code that has started this thread waits for this message.
                    let _ = give.send(Err(error));
                    Ok(())
                }
            }
        })?;
        let ends = given.recv()??;
        Ok(Self { ends, thread })
    }

    pub(crate) fn ends(&self) -> Ends {
        self.ends.clone()
    }

    /// Ends the workers, the store, and everything that watches the store.
    pub(crate) fn stop(self) -> Result<(), ShutdownError> {
        self.ends.handle.set(&STOPPING, true);
        self.thread.join().unwrap_or_else(|panic| resume_unwind(panic))
    }
}

/// The thread of the store: takes turns until the service is to stop.
fn live(
    store: &ReactonStore,
    pool: Pool,
    give: &Sender<Result<Ends, SpawnError>>,
) -> Result<(), ShutdownError> {
    store.subscribe(&STEP, |store, step| match *step {
        Step::Percent(number, percent) => store.update_if(&RUNNING, |running| {
            // Ignored if the client of the request has gone.
            running.get_mut(&number).map(|shown| *shown = percent).is_some()
        }),
        Step::Stopped => store.update(&TALLY, |tally| tally.stopped += 1),
    });
    let caller = pool.caller(&THUMBNAIL).in_flight(IN_FLIGHT);
    let _ = give.send(Ok(Ends { handle: store.handle(), caller }));
    // Without a timeout. Also returns when no handle is left that could write `STOPPING`.
    let _ = store.run_until(Duration::MAX, |store| store.get(&STOPPING));
    pool.shutdown(PATIENCE)
}
