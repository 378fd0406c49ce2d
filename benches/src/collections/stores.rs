//! A map in a store, whose observers receive each changed row, beside what other libraries have for this.

use std::collections::BTreeMap;
use std::hint::black_box;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::task::{Context, Poll, Waker};

use eyeball_im::{ObservableVector, VectorDiff};
use futures_signals::signal_map::{MutableBTreeMap, SignalMapExt};
use futures_util::StreamExt;
use futures_util::stream::LocalBoxStream;
use reacton::prelude::*;

use super::maps::{Map, Row};
use super::{COPIES, Figures, Keys, Line, OPERATIONS, filled, timed};

#[reacton]
pub(super) static ROWS: ReactonMap<u64, Row> = ReactonMap::new();

/// The same map as one ordinary value.
#[reacton]
static WHOLE: BTreeMap<u64, Row> = BTreeMap::new();

pub(super) const HEAD: &str = "\
| rows | one row is put, and | `ReactonMap` in a store | `BTreeMap` in a store | `BTreeMap` and a channel | \
`ObservableVector` | `MutableBTreeMap` |
| --- | --- | --- | --- | --- | --- | --- |";

pub(super) const LINES: [Line; 6] = [
    ("nobody observes", unobserved),
    ("a snapshot holds the map from before", while_held),
    ("one observer is called with the map", observed),
    ("one observer learns which row", changes),
    ("one of 1,000 observed rows", watched_rows),
    ("another than the 1,000 observed rows", beside_watched_rows),
];

/// Returns a function that measures one write.
fn writes(size: u64, mut write: impl FnMut(u64)) -> impl FnMut() -> f64 {
    let mut keys = Keys::below(size);
    move || {
        timed(OPERATIONS, || {
            for _ in 0..OPERATIONS {
                write(keys.next() * 2);
            }
        })
    }
}

pub(super) fn store_of(size: u64) -> ReactonStore {
    let store = ReactonStore::new();
    store.set(&ROWS, filled(size));
    store
}

fn store_of_whole(size: u64) -> ReactonStore {
    let store = ReactonStore::new();
    store.set(&WHOLE, filled(size));
    store
}

// Returns a row that differs from the last one, so that each write is a change.
fn row(key: u64, number: &mut u64) -> Row {
    *number += 1;
    black_box([key, *number, 0, 0, 0, 0])
}

fn put(store: ReactonStore) -> impl FnMut(u64) {
    let mut number = 0;
    move |key| {
        let row = row(key, &mut number);
        store.update(&ROWS, |rows| drop(rows.insert(key, row)));
    }
}

fn put_whole(store: ReactonStore) -> impl FnMut(u64) {
    let mut number = 0;
    move |key| {
        let row = row(key, &mut number);
        store.update(&WHOLE, |rows| rows.insert(key, row));
    }
}

fn unobserved(size: u64, figures: &mut Figures<'_>) {
    figures.add(writes(size, put(store_of(size))));
    figures.add(writes(size, put_whole(store_of_whole(size))));
    let (mut map, mut number) = (filled::<BTreeMap<u64, Row>>(size), 0);
    figures.add(writes(size, move |key| map.put(key, row(key, &mut number))));
    let (mut vector, mut number) = (vector(size), 0);
    figures.add(writes(size, move |key| {
        vector.set(at(key), row(key, &mut number));
    }));
    let (map, mut number) = (mutable(size), 0);
    figures.add(writes(size, move |key| {
        map.lock_mut().insert_cloned(key, row(key, &mut number));
    }));
}

fn while_held(size: u64, figures: &mut Figures<'_>) {
    let store = store_of(size);
    let (mut put, held) = (put(store.clone()), store);
    figures.add(writes(size, move |key| {
        let before = held.snapshot();
        put(key);
        drop(before);
    }));
    let store = store_of_whole(size);
    let (mut put, held) = (put_whole(store.clone()), store);
    let mut keys = Keys::below(size);
    figures.add(move || {
        timed(COPIES, || {
            for _ in 0..COPIES {
                let before = held.snapshot();
                put(keys.next() * 2);
                drop(before);
            }
        })
    });
    (0..3).for_each(|_| figures.lacks());
}

fn observed(size: u64, figures: &mut Figures<'_>) {
    let store = store_of(size);
    store.subscribe(&ROWS, |_, rows| {
        black_box(rows.len());
    });
    figures.add(writes(size, put(store)));
    let store = store_of_whole(size);
    store.subscribe(&WHOLE, |_, rows| {
        black_box(rows.len());
    });
    figures.add(writes(size, put_whole(store)));
    (0..3).for_each(|_| figures.lacks());
}

fn changes(size: u64, figures: &mut Figures<'_>) {
    let store = store_of(size);
    store.subscribe_changes(&ROWS, |_, changes| {
        for change in changes {
            black_box(change.new().map(|row| row[1]));
        }
    });
    figures.add(writes(size, put(store)));
    figures.lacks();
    figures.add(writes(size, through_a_channel(size)));
    figures.add(writes(size, through_a_vector(size)));
    figures.add(writes(size, through_a_signal_map(size)));
}

fn through_a_channel(size: u64) -> impl FnMut(u64) {
    let (mut map, mut number) = (filled::<BTreeMap<u64, Row>>(size), 0);
    let (sender, receiver): (Sender<(u64, Row)>, Receiver<_>) = channel();
    move |key| {
        let row = row(key, &mut number);
        map.put(key, row);
        sender.send((key, row)).expect("the channel is open");
        for (_, row) in receiver.try_iter() {
            black_box(row[1]);
        }
    }
}

fn at(key: u64) -> usize {
    usize::try_from(key / 2).expect("the number fits")
}

fn vector(size: u64) -> ObservableVector<Row> {
    let mut vector = ObservableVector::new();
    vector.append((0..size).map(|key| [key; 6]).collect());
    vector
}

/// Takes what is ready from a stream.
pub(super) fn drain<T>(stream: &mut LocalBoxStream<'static, T>, mut each: impl FnMut(T)) {
    let mut context = Context::from_waker(Waker::noop());
    while let Poll::Ready(Some(item)) = stream.poll_next_unpin(&mut context) {
        each(item);
    }
}

fn through_a_vector(size: u64) -> impl FnMut(u64) {
    let (mut vector, mut number) = (vector(size), 0);
    let mut stream = vector.subscribe().into_stream().boxed_local();
    move |key| {
        vector.set(at(key), row(key, &mut number));
        drain(&mut stream, |diff| {
            if let VectorDiff::Set { value, .. } = diff {
                black_box(value[1]);
            }
        });
    }
}

fn mutable(size: u64) -> MutableBTreeMap<u64, Row> {
    MutableBTreeMap::with_values(filled(size))
}

fn through_a_signal_map(size: u64) -> impl FnMut(u64) {
    let (map, mut number) = (mutable(size), 0);
    let mut changes = Box::pin(map.signal_map_cloned());
    move |key| {
        map.lock_mut().insert_cloned(key, row(key, &mut number));
        let mut context = Context::from_waker(Waker::noop());
        while let Poll::Ready(Some(diff)) = changes.poll_map_change_unpin(&mut context) {
            black_box(diff);
        }
    }
}

fn observed_rows(size: u64) -> ReactonStore {
    let store = store_of(size);
    for key in 0..1000.min(size) {
        store.subscribe(&ROWS.at(key * 2), |_, row| {
            black_box(row.map(|row| row[1]));
        });
    }
    store
}

fn watched_rows(size: u64, figures: &mut Figures<'_>) {
    figures.add(writes(1000.min(size), put(observed_rows(size))));
    (0..4).for_each(|_| figures.lacks());
}

fn beside_watched_rows(size: u64, figures: &mut Figures<'_>) {
    let mut put = put(observed_rows(size));
    // Odd keys, none of which is observed.
    figures.add(writes(size, move |key| put(key + 1)));
    (0..4).for_each(|_| figures.lacks());
}
