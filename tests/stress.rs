//! Four isolates and main write at random on real threads. In the end of every round all of them agree.
//!
//! `REACTON_ROUNDS=100000 cargo test --release --test stress` runs more rounds. A failure prints its seed.
//! `REACTON_SEED=<seed>` repeats the choices of that round again and again, because the threads meet differently each
//! time.
//!
//! Nothing sleeps: writers meet at turns, and a round ends with a shutdown.

#[path = "stress/checker.rs"]
mod checker;
#[path = "stress/isolate.rs"]
mod isolate;
#[path = "stress/restarts.rs"]
mod restarts;
#[path = "stress/round.rs"]
mod round;
#[path = "stress/state.rs"]
mod state;
#[path = "stress/wakeups.rs"]
mod wakeups;
#[path = "stress/writer.rs"]
mod writer;

use reacton_support::{Random, from_env};
use round::{Round, Shape};

/// How many operations each writer does in a round.
const OPERATIONS: u64 = 20;

/// Prints the seed of the current round if it fails.
struct Seed(u64);

impl Drop for Seed {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("REACTON_SEED={}", self.0);
        }
    }
}

fn in_every_round(play: impl Fn(Random)) {
    let rounds = from_env("REACTON_ROUNDS").unwrap_or(1000);
    let only = from_env("REACTON_SEED");
    for round in 0..rounds {
        let seed = Seed(only.unwrap_or(round));
        play(Random::new(seed.0));
    }
}

#[test]
fn i5_four_isolates_and_main_that_write_at_random_agree_in_every_round() {
    in_every_round(|rng| {
        let mut round = Round::begin(rng, Shape::Any);
        round.spawn_all();
        round.start();
        (0..OPERATIONS).for_each(|_| round.write());
        round.settle();
        round.check_traffic();
        round.end();
    });
}

#[test]
fn i6_whatever_is_paused_and_resumed_in_between_all_agree_once_all_is_resumed() {
    in_every_round(|rng| {
        let mut round = Round::begin(rng, Shape::Paused);
        round.spawn_all();
        round.start();
        for _ in 0..OPERATIONS {
            round.write();
            round.toggle_some();
        }
        round.resume_all();
        round.settle();
        round.end();
    });
}

#[test]
fn l1_l2_isolates_that_start_and_end_in_the_middle_leave_the_others_in_agreement() {
    in_every_round(|rng| {
        let mut round = Round::begin(rng, Shape::Any);
        round.spawn_all();
        round.start();
        for _ in 0..OPERATIONS {
            round.write();
            round.lose_some();
            round.replace_some();
        }
        round.settle();
        round.end();
    });
}

#[test]
fn l3_isolates_that_panic_at_random_and_are_restarted_agree_in_every_round() {
    in_every_round(restarts::play);
}

#[test]
fn l4_every_message_wakes_the_store_however_it_waits() {
    in_every_round(wakeups::play);
}
