//! The processor time of a worker that has little or nothing to do.

use std::fs;
use std::thread::sleep;
use std::time::Duration;

use reacton::prelude::*;

use super::Figures;
use super::cases::SPIN;
use super::cores::Cores;
use super::wire::{Ear, Flume, Mouth, Wire, other};

/// How long it is observed, after it has become idle.
const WATCHED: Duration = Duration::from_secs(1);
const REST: Duration = Duration::from_millis(100);

/// How many changes are made in that time, if any.
const CHANGES: u32 = 100;

#[reacton]
static NUMBER: u64 = 0;

/// Returns the processor time of all threads other than this one, in nanoseconds.
fn spent_by_others() -> f64 {
    let me = fs::read_link("/proc/thread-self").unwrap_or_default();
    let tasks = fs::read_dir("/proc/self/task").expect("the threads of the process are listed");
    tasks
        .flatten()
        .filter(|task| Some(task.file_name().as_os_str()) != me.file_name())
        .filter_map(|task| fs::read_to_string(task.path().join("schedstat")).ok())
        .filter_map(|stat| stat.split_whitespace().next()?.parse::<f64>().ok())
        .sum()
}

fn watch(change: Option<&mut dyn FnMut()>) -> Figures {
    sleep(REST);
    let before = spent_by_others();
    let count = match change {
        None => {
            sleep(WATCHED);
            1
        }
        Some(change) => {
            for _ in 0..CHANGES {
                change();
                sleep(WATCHED / CHANGES);
            }
            CHANGES
        }
    };
    vec![(spent_by_others() - before) / f64::from(count)]
}

pub(super) fn reacton(cores: Cores, spin: Duration, changes: bool) -> Figures {
    let store = ReactonStore::new();
    let entry = move |store: &ReactonStore| {
        cores.pin_other();
        store.subscribe(&NUMBER, |_, _| ());
    };
    let worker = IsolateStore::builder().spin(spin).shared(shared![NUMBER]);
    let _worker = worker.spawn(&store, entry).expect("the worker starts");
    let mut change = || {
        store.update(&NUMBER, |number| *number += 1);
    };
    watch(changes.then_some(&mut change))
}

pub(super) fn reacton_with_spin(cores: Cores, changes: bool) -> Figures {
    reacton(cores, SPIN, changes)
}

/// A thread that sleeps at a channel.
pub(super) fn flume(cores: Cores, changes: bool) -> Figures {
    let (mouth, mut ear) = Flume::new();
    let _thread = other(cores, move || while ear.hear(Duration::ZERO).is_some() {});
    watch(changes.then_some(&mut || mouth.say(1)))
}
