//! Calls beside channels with a reply channel for each question, and beside a round trip over reactons.

mod cases;
mod ours;
mod peers;

use std::env;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

pub(super) use self::cases::all;
use self::peers::{Answer, Service};
use super::Figures;
use super::cases::SPIN;
use super::cores::Cores;
use super::round_trip::trips;
use crate::figures::per_one;

/// The variable with the number of calls in a burst.
const VARIABLE: &str = "CALLS";

/// Returns the number of calls in a burst, by default a million.
fn burst() -> u64 {
    env::var(VARIABLE).map_or(1_000_000, |count| count.parse().expect("CALLS is set to a number"))
}

/// Returns the time of one of many calls: all are made, then all answers are awaited. The first tenth is not timed.
fn one_of_many<A>(ask: impl Fn(u64) -> A, mut wait: impl FnMut(A) -> u64) -> Figures {
    let mut go = |count| {
        let begin = Instant::now();
        let answers: Vec<_> = (0..count).map(&ask).collect();
        for (n, answer) in (0..count).zip(answers) {
            assert_eq!(wait(answer), n + 1);
        }
        per_one(begin.elapsed(), count)
    };
    let count = burst();
    go(count / 10 + 1);
    vec![go(count)]
}

/// One call after the other, to a service written by hand.
fn peer_trip<S: Service>(cores: Cores, spin: Duration) -> Figures {
    let (service, threads) = S::start(cores, 1, spin);
    let figures = trips(|value| assert_eq!(service.ask(value).hear(spin), value + 1));
    end(service, threads);
    figures
}

/// Many calls to two threads.
fn peer_burst<S: Service>(cores: Cores) -> Figures {
    let (service, threads) = S::start(cores, 2, SPIN);
    let figures = one_of_many(|n| service.ask(n), |answer| answer.hear(SPIN));
    end(service, threads);
    figures
}

fn end<S: Service>(service: S, threads: Vec<JoinHandle<()>>) {
    drop(service);
    for thread in threads {
        thread.join().expect("the thread does not panic");
    }
}
