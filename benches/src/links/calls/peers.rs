//! What calls are compared with: a question that contains the sender of a reply channel, as a program would write it by
//! hand.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use futures_lite::future::block_on;
use ractor::{Actor, ActorProcessingErr, ActorRef, RpcReplyPort};
use tokio::sync::{mpsc, oneshot};

use crate::links::cores::Cores;
use crate::links::wire::{other, spun};

/// Threads that answer each number with its successor.
pub(super) trait Service: Sized {
    type Answer: Answer;

    /// Starts so many threads, which spin before they sleep.
    fn start(cores: Cores, threads: usize, spin: Duration) -> (Self, Vec<JoinHandle<()>>);
    fn ask(&self, n: u64) -> Self::Answer;
}

/// The receiving end of one reply.
pub(super) trait Answer: Sized {
    /// Returns the answer if it has arrived.
    fn look(&mut self) -> Option<u64>;
    /// Sleeps until the answer arrives, and returns it.
    fn sleep(self) -> u64;

    fn hear(mut self, spin: Duration) -> u64 {
        let found = spun(spin, || self.look());
        found.unwrap_or_else(|| self.sleep())
    }
}

pub(super) struct Crossbeam(crossbeam_channel::Sender<(u64, crossbeam_channel::Sender<u64>)>);

impl Service for Crossbeam {
    type Answer = crossbeam_channel::Receiver<u64>;

    fn start(cores: Cores, threads: usize, spin: Duration) -> (Self, Vec<JoinHandle<()>>) {
        let (ask, questions) =
            crossbeam_channel::unbounded::<(u64, crossbeam_channel::Sender<u64>)>();
        let threads = (0..threads).map(|_| {
            let questions = questions.clone();
            let next =
                move || spun(spin, || questions.try_recv().ok()).or_else(|| questions.recv().ok());
            other(cores, move || {
                while let Some((n, reply)) = next() {
                    let _ = reply.send(n + 1);
                }
            })
        });
        (Self(ask), threads.collect())
    }

    fn ask(&self, n: u64) -> Self::Answer {
        let (reply, answer) = crossbeam_channel::bounded(1);
        self.0.send((n, reply)).expect("the channel is open");
        answer
    }
}

impl Answer for crossbeam_channel::Receiver<u64> {
    fn look(&mut self) -> Option<u64> {
        self.try_recv().ok()
    }

    fn sleep(self) -> u64 {
        self.recv().expect("the call is answered")
    }
}

pub(super) struct Flume(flume::Sender<(u64, flume::Sender<u64>)>);

impl Service for Flume {
    type Answer = flume::Receiver<u64>;

    fn start(cores: Cores, threads: usize, spin: Duration) -> (Self, Vec<JoinHandle<()>>) {
        let (ask, questions) = flume::unbounded::<(u64, flume::Sender<u64>)>();
        let threads = (0..threads).map(|_| {
            let questions = questions.clone();
            let next =
                move || spun(spin, || questions.try_recv().ok()).or_else(|| questions.recv().ok());
            other(cores, move || {
                while let Some((n, reply)) = next() {
                    let _ = reply.send(n + 1);
                }
            })
        });
        (Self(ask), threads.collect())
    }

    fn ask(&self, n: u64) -> Self::Answer {
        let (reply, answer) = flume::bounded(1);
        self.0.send((n, reply)).expect("the channel is open");
        answer
    }
}

impl Answer for flume::Receiver<u64> {
    fn look(&mut self) -> Option<u64> {
        self.try_recv().ok()
    }

    fn sleep(self) -> u64 {
        self.recv().expect("the call is answered")
    }
}

/// The threads are asked in turn, because a receiver of `mpsc` belongs to one thread.
pub(super) struct Tokio {
    asks: Vec<mpsc::UnboundedSender<(u64, oneshot::Sender<u64>)>>,
    asked: AtomicUsize,
}

impl Service for Tokio {
    type Answer = oneshot::Receiver<u64>;

    fn start(cores: Cores, threads: usize, spin: Duration) -> (Self, Vec<JoinHandle<()>>) {
        let started = (0..threads).map(|_| {
            let (ask, mut questions) = mpsc::unbounded_channel::<(u64, oneshot::Sender<u64>)>();
            let thread = other(cores, move || {
                while let Some((n, reply)) =
                    spun(spin, || questions.try_recv().ok()).or_else(|| questions.blocking_recv())
                {
                    let _ = reply.send(n + 1);
                }
            });
            (ask, thread)
        });
        let (asks, threads) = started.unzip();
        (Self { asks, asked: AtomicUsize::new(0) }, threads)
    }

    fn ask(&self, n: u64) -> Self::Answer {
        let (reply, answer) = oneshot::channel();
        let turn = self.asked.fetch_add(1, Ordering::Relaxed) % self.asks.len();
        self.asks[turn].send((n, reply)).expect("the channel is open");
        answer
    }
}

impl Answer for oneshot::Receiver<u64> {
    fn look(&mut self) -> Option<u64> {
        self.try_recv().ok()
    }

    fn sleep(self) -> u64 {
        block_on(self).expect("the call is answered")
    }
}

/// Actors, each on a runtime of one thread, which does not spin. They are asked in turn.
pub(super) struct Ractor {
    actors: Vec<ActorRef<Question>>,
    asked: AtomicUsize,
}

pub(super) struct Question(u64, RpcReplyPort<u64>);

struct Successor;

impl Actor for Successor {
    type Msg = Question;
    type State = ();
    type Arguments = ();

    async fn pre_start(&self, _: ActorRef<Question>, (): ()) -> Result<(), ActorProcessingErr> {
        Ok(())
    }

    async fn handle(
        &self,
        _: ActorRef<Question>,
        Question(n, reply): Question,
        (): &mut (),
    ) -> Result<(), ActorProcessingErr> {
        let _ = reply.send(n + 1);
        Ok(())
    }
}

impl Service for Ractor {
    type Answer = ractor::concurrency::OneshotReceiver<u64>;

    fn start(cores: Cores, threads: usize, _: Duration) -> (Self, Vec<JoinHandle<()>>) {
        let started = (0..threads).map(|_| {
            let (started, start) = oneshot::channel();
            let thread = other(cores, move || {
                let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build();
                runtime.expect("the runtime is built").block_on(async {
                    let (actor, handle) =
                        Actor::spawn(None, Successor, ()).await.expect("the worker starts");
                    let _ = started.send(actor);
                    handle.await.expect("the task does not panic");
                });
            });
            (start.blocking_recv().expect("the start signal arrives"), thread)
        });
        let (actors, threads) = started.unzip();
        (Self { actors, asked: AtomicUsize::new(0) }, threads)
    }

    /// Does what `call` does before it awaits.
    fn ask(&self, n: u64) -> Self::Answer {
        let (reply, answer) = ractor::concurrency::oneshot();
        let turn = self.asked.fetch_add(1, Ordering::Relaxed) % self.actors.len();
        self.actors[turn].cast(Question(n, reply.into())).expect("the actor is alive");
        answer
    }
}

impl Drop for Ractor {
    fn drop(&mut self) {
        self.actors.iter().for_each(|actor| actor.stop(None));
    }
}
