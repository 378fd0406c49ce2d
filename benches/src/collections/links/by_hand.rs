//! What a program would write by hand: maps on both sides, and a channel of changed rows; or one map as a value.

use std::collections::BTreeMap;
use std::mem::take;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, sleep};
use std::time::{Duration, Instant};

use reacton::prelude::*;

use super::Place;
use crate::figures::{middle, per_one};
use crate::links::cases::SPIN;
use crate::links::cores::Cores;
use crate::links::latest::{BUSY, Flood, flood};
use crate::links::rows::Row;
use crate::links::wire::{other, spun};

type Map<V> = BTreeMap<u64, V>;

/// How many rows one sample sends.
const BURST: u64 = 10_000;

const SAMPLED: Duration = Duration::from_millis(600);

/// A whole map is sent so many times.
const FEW: u64 = 5;

const SPAWNED: usize = 20;

#[reacton]
static WHOLE: Map<Row> = Map::new();

fn filled<V>(size: u64, value: impl Fn(Row) -> V) -> Map<V> {
    (0..size).map(|key| (key, value(Row([key; 6])))).collect()
}

/// Each row is put into a map and sent, and put into a map at the other end.
fn one_way<V: Clone + Send + 'static, S: Send + 'static>(
    Place { cores, size, .. }: Place<'_>,
    value: fn(Row) -> V,
    pack: fn(u64, &V) -> S,
    unpack: fn(S) -> (u64, V),
) -> [f64; 2] {
    cores.pin_main();
    let (send, receive) = flume::unbounded::<S>();
    let (tell, told) = flume::unbounded();
    let thread = other(cores, move || {
        let mut map = filled(size, value);
        let mut count = 0;
        while let Some(sent) =
            spun(SPIN, || receive.try_recv().ok()).or_else(|| receive.recv().ok())
        {
            for sent in [sent].into_iter().chain(receive.drain()) {
                let (key, row) = unpack(sent);
                map.insert(key, row);
                count += 1;
                if count % BURST == 0 {
                    let _ = tell.send(count);
                }
            }
        }
    });
    let mut map = filled(size, value);
    let (mut number, mut times, mut parts) = (0, Vec::new(), Vec::new());
    let begin = Instant::now();
    while times.len() < 5 || begin.elapsed() < SAMPLED {
        let begin = Instant::now();
        for _ in 0..BURST {
            number += 1;
            let (key, row) = (number * 7919 % size, value(Row([number; 6])));
            let packed = pack(key, &row);
            map.insert(key, row);
            send.send(packed).expect("the channel is open");
        }
        parts.push(per_one(begin.elapsed(), BURST));
        while told.recv().expect("a message arrives") != number {}
        times.push(per_one(begin.elapsed(), BURST));
    }
    drop(send);
    thread.join().expect("the thread does not panic");
    [middle(times), middle(parts)]
}

fn encoded(key: u64, row: &Row) -> Vec<u8> {
    rmp_serde::to_vec(&(key, row)).expect("a row encodes")
}

pub(super) fn bytes(place: Place<'_>) -> [f64; 2] {
    one_way(
        place,
        |row| row,
        encoded,
        |bytes: Vec<u8>| rmp_serde::from_slice(&bytes).expect("a row decodes"),
    )
}

pub(super) fn counted(place: Place<'_>) -> [f64; 2] {
    one_way(place, Arc::new, |key, row| (key, Arc::clone(row)), |sent| sent)
}

fn start_with_whole(cores: Option<Cores>, size: u64) -> (ReactonStore, IsolateStore, Told) {
    let store = ReactonStore::new();
    store.set(&WHOLE, filled(size, |row| row));
    let (tell, told) = flume::unbounded();
    let entry = move |store: &ReactonStore| {
        if let Some(cores) = cores {
            cores.pin_other();
        }
        let tell = tell.clone();
        store.subscribe(&WHOLE, move |_, map| {
            let _ = tell.send(map.first_key_value().map_or(0, |(_, row)| row.0[0]));
        });
    };
    let worker = IsolateStore::builder().spin(SPIN).shared(shared![WHOLE]);
    let worker = worker.spawn(&store, entry).expect("the worker starts");
    (store, worker, told)
}

type Told = flume::Receiver<u64>;

/// The whole map is sent for each row.
pub(super) fn whole(Place { cores, size, .. }: Place<'_>) -> f64 {
    cores.pin_main();
    let (store, worker, told) = start_with_whole(Some(cores), size);
    let times = (1..=FEW).map(|number| {
        let begin = Instant::now();
        store.update(&WHOLE, |map| map.insert(0, Row([number + size; 6])));
        while told.recv().expect("a message arrives") != number + size {}
        per_one(begin.elapsed(), 1)
    });
    let time = middle(times.collect());
    worker.shutdown(Duration::from_secs(10)).expect("the worker ends");
    time
}

/// A worker starts with the whole map as one value.
pub(super) fn spawn_whole(size: u64) -> f64 {
    let store = ReactonStore::new();
    store.set(&WHOLE, filled(size, |row| row));
    let times = (0..SPAWNED).map(|_| {
        let begin = Instant::now();
        let worker =
            IsolateStore::spawn(&store, shared![WHOLE], |_| ()).expect("the worker starts");
        let took = per_one(begin.elapsed(), 1);
        worker.shutdown(Duration::from_secs(10)).expect("the worker ends");
        took
    });
    middle(times.collect())
}

/// A thread that is sent all rows as bytes, and answers when it has them.
pub(super) fn spawn(size: u64) -> f64 {
    let map = filled(size, |row| row);
    let times = (0..SPAWNED).map(|_| {
        let begin = Instant::now();
        let (send, receive) = flume::bounded::<Vec<u8>>(1);
        let (tell, told) = flume::bounded(1);
        let thread = thread::spawn(move || {
            let bytes = receive.recv().expect("a message arrives");
            let map: Map<Row> = rmp_serde::from_slice(&bytes).expect("the rows decode");
            let _ = tell.send(map.len());
            map
        });
        let bytes = rmp_serde::to_vec(&map).expect("the rows encode");
        send.send(bytes).expect("the channel is open");
        assert_eq!(told.recv().expect("a message arrives"), map.len());
        let took = per_one(begin.elapsed(), 1);
        thread.join().expect("the thread does not panic");
        took
    });
    middle(times.collect())
}

/// The last bytes of each row that the receiver has not taken yet, behind a lock.
pub(super) fn latest(Place { cores, size, .. }: Place<'_>) -> Flood {
    cores.pin_main();
    let pending = Arc::new(Mutex::new(Map::<Vec<u8>>::new()));
    let (wake, woken) = flume::bounded::<()>(1);
    let taken = Arc::clone(&pending);
    let thread = other(cores, move || {
        let mut map = filled(size, |row| row);
        while woken.recv().is_ok() {
            let pending = take(&mut *taken.lock().unwrap_or_else(PoisonError::into_inner));
            map.extend(pending.into_values().map(|bytes| -> (u64, Row) {
                rmp_serde::from_slice(&bytes).expect("a row decodes")
            }));
            sleep(BUSY);
        }
    });
    let mut map = filled(size, |row| row);
    let flood = flood(|value| {
        let (key, row) = (value * 7919 % size, Row([value; 6]));
        let bytes = encoded(key, &row);
        map.insert(key, row);
        pending.lock().unwrap_or_else(PoisonError::into_inner).insert(key, bytes);
        // If it is full, the receiver is awake.
        let _ = wake.try_send(());
    });
    drop(wake);
    thread.join().expect("the thread does not panic");
    flood
}
