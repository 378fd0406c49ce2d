//! The four workers: what each shares with main, what it does, and the orders of main.

use std::collections::VecDeque;
use std::ops::Range;
use std::time::Duration;

use reacton::prelude::*;
use serde::{Deserialize, Serialize};

use crate::primes::Sieve;

/// An order of main. Only main writes it.
#[derive(Clone, Copy, PartialEq, Debug, Serialize, Deserialize)]
pub(crate) struct Order {
    pub(crate) runs: bool,
    /// A new number makes the worker begin from the start.
    pub(crate) round: u32,
    /// How many times the worker was ordered to crash.
    pub(crate) crashes: u32,
}

/// The progress of a worker. Only the worker writes it. If the worker panics, main keeps it.
#[derive(Clone, Copy, PartialEq, Debug, Serialize, Deserialize)]
pub(crate) struct Progress {
    round: u32,
    crashes: u32,
    /// The first number that was not examined.
    pub(crate) next: u64,
    pub(crate) found: u64,
}

/// How many numbers are examined between two reports.
const PIECE: u64 = 1 << 18;

/// A worker that panics is replaced, the first time after a second.
const RESTART: Restart =
    Restart::OnPanic { max: 3, within: Duration::from_secs(30), backoff: Duration::from_secs(1) };

/// Declares two reactons and a worker that shares them. Each of the four workers has separate statics: a static names
/// one value, and workers that share the same static share its value with each other.
macro_rules! worker {
    ($name:ident) => {
        mod $name {
            use super::*;

            #[reacton]
            static ORDER: Order = Order { runs: false, round: 0, crashes: 0 };

            #[reacton]
            static PROGRESS: Progress = Progress { round: 0, crashes: 0, next: 0, found: 0 };

            pub(super) const POST: Post =
                Post { name: stringify!($name), order: &ORDER, progress: &PROGRESS, spawn };

            fn spawn(
                store: &ReactonStore,
                numbers: Range<u64>,
            ) -> Result<IsolateStore, SpawnError> {
                IsolateStore::builder()
                    .name(stringify!($name))
                    .shared(shared![ORDER, PROGRESS])
                    .restart(RESTART)
                    .spawn(store, move |store: &ReactonStore| count(store, &POST, numbers))
            }
        }
    };
}

worker!(north);
worker!(east);
worker!(south);
worker!(west);

/// What differs between the workers.
struct Post {
    name: &'static str,
    order: &'static Reacton<Order>,
    progress: &'static Reacton<Progress>,
    spawn: fn(&ReactonStore, Range<u64>) -> Result<IsolateStore, SpawnError>,
}

/// The worker: counts the primes among `numbers`, and begins where main's record of its progress ends.
fn count(store: &ReactonStore, post: &'static Post, numbers: Range<u64>) {
    let mut sieve = Sieve::new(numbers.end);
    // Called with the present order, too, so a worker that replaces another one continues at once.
    store.watch(post.order, move |store, order| {
        let mut progress = store.get(post.progress);
        if progress.round != order.round {
            progress = Progress { round: order.round, next: numbers.start, found: 0, ..progress };
            store.set(post.progress, progress);
        }
        if progress.crashes < order.crashes {
            // Reported before the panic, so that the order does not make the next worker panic, too.
            store.set(post.progress, Progress { crashes: order.crashes, ..progress });
            panic!("crashed by order");
        }
        let is_wanted = || order.runs && !store.is_stale(post.order) && !store.is_disposed();
        while progress.next < numbers.end && is_wanted() {
            let end = numbers.end.min(progress.next + PIECE);
            progress.found += sieve.count(progress.next..end);
            progress.next = end;
            store.set(post.progress, progress);
        }
    });
}

/// One worker, as main sees it.
pub(crate) struct Member {
    post: Post,
    numbers: Range<u64>,
    /// `None` until the worker is started for the first time.
    isolate: Option<IsolateStore>,
    /// The number of transactions received until the last sample, and the rate of each sample before.
    received: u64,
    pub(crate) rates: VecDeque<u64>,
}

/// The state of a worker, for the screen.
#[derive(Clone, PartialEq, Debug)]
pub(crate) enum Mood {
    Absent,
    Waits,
    Counts,
    Done,
    Restarts { attempt: u32 },
    Failed { message: String },
}

impl Member {
    pub(crate) fn name(&self) -> &'static str {
        self.post.name
    }

    pub(crate) fn progress(&self, store: &ReactonStore) -> Progress {
        store.get(self.post.progress)
    }

    /// Returns how much of the work is done, from 0 to 1.
    #[expect(clippy::cast_precision_loss, reason = "it is shown in percent")]
    pub(crate) fn share(&self, store: &ReactonStore) -> f64 {
        let done = self.progress(store).next.saturating_sub(self.numbers.start);
        done as f64 / (self.numbers.end - self.numbers.start) as f64
    }

    pub(crate) fn is_done(&self, store: &ReactonStore) -> bool {
        self.progress(store).next == self.numbers.end
    }

    pub(crate) fn mood(&self, store: &ReactonStore) -> Mood {
        let status = self.isolate.as_ref().map(|isolate| store.get(isolate.status()));
        match status {
            None | Some(IsolateStatus::Disposed) => Mood::Absent,
            Some(IsolateStatus::Restarting { attempt, .. }) => Mood::Restarts { attempt },
            Some(IsolateStatus::Failed { message, .. }) => Mood::Failed { message },
            Some(_) if self.is_done(store) => Mood::Done,
            Some(_) if store.get(self.post.order).runs => Mood::Counts,
            Some(_) => Mood::Waits,
        }
    }

    pub(crate) fn stats(&self) -> LinkStats {
        self.isolate.as_ref().map(IsolateStore::stats).unwrap_or_default()
    }

    /// Lets the worker count from where it is. A worker that has ended is replaced.
    pub(crate) fn start(&mut self, store: &ReactonStore) -> Result<(), SpawnError> {
        if matches!(self.mood(store), Mood::Absent | Mood::Failed { .. }) {
            self.isolate = Some((self.post.spawn)(store, self.numbers.clone())?);
        }
        self.order(store, |order| {
            order.runs = true;
            order.round = order.round.max(1);
        });
        Ok(())
    }

    /// Writes another order. An equal order is not written, because the worker would drop its work for it.
    fn order(&self, store: &ReactonStore, change: impl FnOnce(&mut Order)) {
        let mut order = store.get(self.post.order);
        change(&mut order);
        store.set(self.post.order, order);
    }

    /// Stops the worker. Its results stay.
    pub(crate) fn cancel(&self, store: &ReactonStore) {
        self.order(store, |order| order.runs = false);
    }

    /// Makes the worker panic.
    pub(crate) fn crash(&self, store: &ReactonStore) {
        if !matches!(self.mood(store), Mood::Absent | Mood::Failed { .. }) {
            self.order(store, |order| order.crashes += 1);
        }
    }

    /// Starts a new worker, which does all of the work again.
    pub(crate) fn restart(&mut self, store: &ReactonStore) -> Result<(), SpawnError> {
        // Dropping the handle disposes the old worker.
        self.isolate = None;
        self.order(store, |order| order.round += 1);
        self.start(store)
    }

    /// Records what arrived since the last sample, `each` ago.
    fn sample(&mut self, each: Duration) {
        let received = self.stats().transactions_received;
        // A new worker counts from 0.
        let new = received.checked_sub(self.received).unwrap_or(received);
        let each = u64::try_from(each.as_millis()).unwrap_or(u64::MAX).max(1);
        self.received = received;
        self.rates.push_back(new.saturating_mul(1000) / each);
        if self.rates.len() > 200 {
            self.rates.pop_front();
        }
    }
}

/// The four workers, and the store that they share with.
pub(crate) struct Workers {
    pub(crate) store: ReactonStore,
    pub(crate) limit: u64,
    pub(crate) members: Vec<Member>,
}

impl Workers {
    /// Returns workers for the numbers below `limit`, a quarter each, in a store of their own. None of them is started.
    #[cfg(test)]
    pub(crate) fn new(limit: u64) -> Self {
        Self::of(ReactonStore::new(), limit)
    }

    /// The same, in this store.
    pub(crate) fn of(store: ReactonStore, limit: u64) -> Self {
        let quarter = limit / 4;
        let posts = [north::POST, east::POST, south::POST, west::POST];
        let members = (0..).zip(posts).map(|(at, post)| Member {
            numbers: at * quarter..if at == 3 { limit } else { (at + 1) * quarter },
            post,
            isolate: None,
            received: 0,
            rates: VecDeque::new(),
        });
        Self { store, limit, members: members.collect() }
    }

    /// Returns the number of primes found so far, and whether that is all of them.
    pub(crate) fn total(&self) -> (u64, bool) {
        let found = self.members.iter().map(|member| member.progress(&self.store).found).sum();
        (found, self.members.iter().all(|member| member.is_done(&self.store)))
    }

    pub(crate) fn sample(&mut self, each: Duration) {
        self.members.iter_mut().for_each(|member| member.sample(each));
    }

    /// Ends all workers, even in the middle of their work, and waits until their threads have ended.
    pub(crate) fn close(self) -> Result<(), ShutdownError> {
        self.members.iter().for_each(|member| member.cancel(&self.store));
        for member in self.members {
            let is_alive =
                matches!(member.mood(&self.store), Mood::Waits | Mood::Counts | Mood::Done);
            // A failed worker was shown already, and one that waits for its restart has nothing to finish.
            if let Some(isolate) = member.isolate.filter(|_| is_alive) {
                isolate.shutdown(Duration::from_secs(5))?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
