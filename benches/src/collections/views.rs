//! A sorted and filtered view of a map, beside vectors whose changes go through a filter and a sort.

use std::hint::black_box;

use eyeball_im::ObservableVector;
use eyeball_im_util::vector::VectorObserverExt;
use futures_signals::signal_vec::{MutableVec, SignalVecExt};
use futures_util::StreamExt;
use reacton::collections::Rows;
use reacton::prelude::*;

use super::maps::Row;
use super::stores::{ROWS, drain, store_of};
use super::{Figures, Keys, Line, OPERATIONS, timed};

#[reacton]
static MODULUS: u64 = 2;

pub(super) const HEAD: &str = "\
| rows | one row is put, and the view is read | `ReactonMap` | `ObservableVector` | `MutableVec` |
| --- | --- | --- | --- | --- |";

pub(super) const LINES: [Line; 7] = [
    ("without a view", no_view),
    ("it stands elsewhere then", moves),
    ("it keeps its place", stays),
    ("it is in no view", hidden),
    ("it stands elsewhere, and a list follows", listed),
    ("it stands elsewhere, and 40 rows are read", windows),
    ("all rows are filtered anew, a row", anew),
];

/// What the others need grows with the rows, so that fewer are measured.
const FEW: u64 = 50;

/// How a row changes: what it is sorted by is at 1, and what it is filtered by at 2.
#[derive(Clone, Copy)]
enum Change {
    Moves,
    Stays,
    IsHidden,
}

impl Change {
    fn row(self, key: u64, number: &mut u64) -> Row {
        *number += 1;
        let anywhere = key.wrapping_mul(0x9e37_79b9_7f4a_7c15).wrapping_add(*number) >> 20;
        black_box(match self {
            Self::Moves => [key, anywhere.wrapping_mul(*number) % 1_000_003, 0, *number, 0, 0],
            Self::Stays => [key, key, 0, *number, 0, 0],
            Self::IsHidden => [key, key, 1, *number, 0, 0],
        })
    }
}

type Sorted = View<u64, Row, u64>;

fn sorted(store: &ReactonStore) -> Sorted {
    store
        .view(&ROWS)
        .filter_by(&MODULUS, |modulus, _, row| row[2] % modulus == 0)
        .sort_by_key(|_, row| row[1])
}

/// Writes of a store in which half of the rows are in no view.
fn writes(
    size: u64,
    change: Change,
    store: ReactonStore,
    mut read: impl FnMut(&ReactonStore),
) -> impl FnMut() -> f64 {
    let (mut keys, mut number) = (Keys::below(size), 0);
    move || {
        timed(OPERATIONS, || {
            for _ in 0..OPERATIONS {
                let key = keys.next() * 2;
                let row = change.row(key, &mut number);
                store.update(&ROWS, |rows| drop(rows.insert(key, row)));
                read(&store);
            }
        })
    }
}

fn viewed(size: u64, change: Change) -> impl FnMut() -> f64 {
    let store = store_of(size);
    let view = sorted(&store);
    writes(size, change, store, move |store| {
        black_box(store.with(&view, Rows::len));
    })
}

fn no_view(size: u64, figures: &mut Figures<'_>) {
    figures.add(writes(size, Change::Moves, store_of(size), |_| ()));
    (0..2).for_each(|_| figures.lacks());
}

/// The others: one row is set, and everything that follows from it is done.
fn beside(size: u64, change: Change, figures: &mut Figures<'_>) {
    figures.add(sorted_vector(size, change));
    figures.add(sorted_signals(size, change));
}

fn moves(size: u64, figures: &mut Figures<'_>) {
    figures.add(viewed(size, Change::Moves));
    beside(size, Change::Moves, figures);
}

fn stays(size: u64, figures: &mut Figures<'_>) {
    figures.add(viewed(size, Change::Stays));
    beside(size, Change::Stays, figures);
}

fn hidden(size: u64, figures: &mut Figures<'_>) {
    figures.add(viewed(size, Change::IsHidden));
    beside(size, Change::IsHidden, figures);
}

fn listed(size: u64, figures: &mut Figures<'_>) {
    let store = store_of(size);
    let view = sorted(&store);
    // That a `Vec` moves its items is not what is measured.
    store.subscribe_changes(&view, |_, diffs| {
        black_box(diffs.len());
    });
    figures.add(writes(size, Change::Moves, store, |_| ()));
    (0..2).for_each(|_| figures.lacks());
}

fn windows(size: u64, figures: &mut Figures<'_>) {
    let store = store_of(size);
    let view = sorted(&store);
    let middle = usize::try_from(size / 2).expect("the number fits");
    figures.add(writes(size, Change::Moves, store, move |store| {
        let window = store.with(&view, |rows| rows.range(middle..middle + 40));
        black_box(window.map(|(_, row)| row[1]).sum::<u64>());
    }));
    (0..2).for_each(|_| figures.lacks());
}

fn anew(size: u64, figures: &mut Figures<'_>) {
    let store = store_of(size);
    let view = sorted(&store);
    store.with(&view, |_| ());
    let mut modulus = 2;
    figures.add(move || {
        timed(size, || {
            modulus = 5 - modulus;
            store.set(&MODULUS, modulus);
            black_box(store.with(&view, Rows::len));
        })
    });
    (0..2).for_each(|_| figures.lacks());
}

fn rows(size: u64) -> impl Iterator<Item = Row> {
    (0..size).map(|key| Change::Stays.row(key * 2, &mut 0))
}

fn at(key: u64) -> usize {
    usize::try_from(key).expect("the number fits")
}

fn sorted_vector(size: u64, change: Change) -> impl FnMut() -> f64 {
    let mut vector = ObservableVector::new();
    vector.append(rows(size).collect());
    let subscriber = vector.subscribe().filter(|row| row[2] % 2 == 0);
    let (values, stream) = subscriber.sort_by(|one, two| (one[1], one[0]).cmp(&(two[1], two[0])));
    black_box(values);
    let mut stream = stream.boxed_local();
    let (mut keys, mut number) = (Keys::below(size), 0);
    move || {
        timed(FEW, || {
            for _ in 0..FEW {
                let key = keys.next();
                vector.set(at(key), change.row(key * 2, &mut number));
                drain(&mut stream, |diff| {
                    black_box(diff);
                });
            }
        })
    }
}

fn sorted_signals(size: u64, change: Change) -> impl FnMut() -> f64 {
    let vector = MutableVec::new_with_values(rows(size).collect());
    let filtered = vector.signal_vec_cloned().filter(|row| row[2] % 2 == 0);
    let sorted = filtered.sort_by_cloned(|one, two| (one[1], one[0]).cmp(&(two[1], two[0])));
    let mut stream = sorted.to_stream().boxed_local();
    drain(&mut stream, |diff| {
        black_box(diff);
    });
    let (mut keys, mut number) = (Keys::below(size), 0);
    move || {
        timed(FEW, || {
            for _ in 0..FEW {
                let key = keys.next();
                vector.lock_mut().set_cloned(at(key), change.row(key * 2, &mut number));
                drain(&mut stream, |diff| {
                    black_box(diff);
                });
            }
        })
    }
}
