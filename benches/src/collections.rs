//! Maps of many rows: ours beside persistent maps of other libraries and the map of the standard library.
//!
//! All hold rows of 48 bytes with keys of 8 bytes. A put while the old map is held is what a batch with a reader, a
//! snapshot or an undo step costs.

mod links;
mod maps;
mod stores;
mod views;

use std::hint::black_box;
use std::time::{Duration, Instant};

use crate::figures::{per_one, time};
use crate::options::Options;
pub(crate) use links::one;
use maps::{Map, Persistent, Ranked, Row};

/// One figure is the mean of this many operations. Few, so that during some figures nothing else ran on the core.
const OPERATIONS: u64 = 4_000;
/// How many full copies of a map one figure is the mean of.
const COPIES: u64 = 2;
/// How many figures are measured. The table shows the best one.
const FIGURES: usize = 60;
/// If they take long, this many are enough.
const LEAST: usize = 3;
const PATIENCE: Duration = Duration::from_secs(1);

const SIZES: [u64; 4] = [1_000, 10_000, 100_000, 1_000_000];

/// One line of the table: its name, and what adds one figure for each map. The figure is `None` for a map without this
/// operation.
type Line = (&'static str, fn(u64, &mut Figures<'_>));

/// Receives the figures of a line.
struct Figures<'a>(&'a mut Vec<String>);

impl Figures<'_> {
    fn add(&mut self, mut measure: impl FnMut() -> f64) {
        let begin = Instant::now();
        let mut best = f64::MAX;
        for number in 1..=FIGURES {
            best = best.min(measure());
            if number >= LEAST && begin.elapsed() > PATIENCE {
                break;
            }
        }
        self.0.push(time(best));
    }

    fn lacks(&mut self) {
        self.0.push("-".into());
    }
}

/// Measures and prints the table for all sizes, or with `--only 100000` for one.
pub(crate) fn table(args: impl Iterator<Item = String>) -> Result<(), String> {
    let options = Options::parse(args)?;
    let lines: [Line; 8] = [
        ("put a row that is there", puts),
        ("the same while the map from before is held", puts_while_held),
        ("insert and remove", inserts),
        ("get", gets),
        ("nth", nths),
        ("rank", ranks),
        ("clone", clones),
        ("iterate, a row", iterations),
    ];
    println!(
        "| rows | operation | `ReactonMap` | `imbl::OrdMap` | `rpds::RedBlackTreeMapSync` | `BTreeMap` |"
    );
    println!("| --- | --- | --- | --- | --- | --- |");
    for size in SIZES {
        if options.only.as_ref().is_some_and(|only| *only != size.to_string()) {
            continue;
        }
        for (name, measure) in &lines {
            let mut cells = Vec::new();
            for _ in 0..options.rounds {
                cells.clear();
                measure(size, &mut Figures(&mut cells));
            }
            println!("| {size} | {name} | {} |", cells.join(" | "));
        }
    }
    for (head, lines) in [(stores::HEAD, stores::LINES.as_slice()), (views::HEAD, &views::LINES)] {
        println!("\n{head}");
        for size in SIZES {
            if options.only.as_ref().is_some_and(|only| *only != size.to_string()) {
                continue;
            }
            for (name, measure) in lines {
                let mut cells = Vec::new();
                measure(size, &mut Figures(&mut cells));
                println!("| {size} | {name} | {} |", cells.join(" | "));
            }
        }
    }
    links::table(&options)
}

/// Keys below `end`, in random order.
struct Keys {
    next: u64,
    end: u64,
}

impl Keys {
    fn below(end: u64) -> Self {
        Self { next: 1, end }
    }

    fn next(&mut self) -> u64 {
        self.next = self.next.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        (self.next >> 33) % self.end
    }
}

/// Returns a map with even keys, so that other keys fit between them. They are inserted in random order, so that the
/// nodes are as full as after ordinary writes.
fn filled<M: Map>(size: u64) -> M {
    let mut map = M::default();
    let mut keys = Keys::below(size);
    for _ in 0..size {
        let key = keys.next() * 2;
        map.put(key, [key; 6]);
    }
    for key in 0..size {
        map.put(key * 2, [key; 6]);
    }
    map
}

fn timed(count: u64, f: impl FnOnce()) -> f64 {
    let begin = Instant::now();
    f();
    per_one(begin.elapsed().max(Duration::from_nanos(1)), count)
}

fn each<M: Map>(size: u64, mut operation: impl FnMut(&mut M, u64)) -> impl FnMut() -> f64 {
    let mut map = filled::<M>(size);
    let mut keys = Keys::below(size);
    move || {
        timed(OPERATIONS, || {
            for _ in 0..OPERATIONS {
                operation(&mut map, keys.next() * 2);
            }
        })
    }
}

fn put<M: Map>(map: &mut M, key: u64) {
    map.put(key, black_box([key; 6]));
}

fn puts(size: u64, figures: &mut Figures<'_>) {
    figures.add(each::<maps::Ours>(size, put));
    figures.add(each::<maps::Imbl>(size, put));
    figures.add(each::<maps::Rpds>(size, put));
    figures.add(each::<maps::Std>(size, put));
}

fn put_while_held<M: Persistent>(map: &mut M, key: u64) {
    let before = map.clone();
    map.put(key, black_box([key; 6]));
    drop(before);
}

fn puts_while_held(size: u64, figures: &mut Figures<'_>) {
    figures.add(each::<maps::Ours>(size, put_while_held));
    figures.add(each::<maps::Imbl>(size, put_while_held));
    figures.add(each::<maps::Rpds>(size, put_while_held));
    let map = filled::<maps::Std>(size);
    figures.add(move || {
        timed(COPIES, || {
            for key in 0..COPIES {
                let mut copy = map.clone();
                copy.put(key, [key; 6]);
                black_box(copy);
            }
        })
    });
}

fn insert_and_remove<M: Map>(map: &mut M, key: u64) {
    map.put(key + 1, black_box([key; 6]));
    map.take(key + 1);
}

fn inserts(size: u64, figures: &mut Figures<'_>) {
    figures.add(each::<maps::Ours>(size, insert_and_remove));
    figures.add(each::<maps::Imbl>(size, insert_and_remove));
    figures.add(each::<maps::Rpds>(size, insert_and_remove));
    figures.add(each::<maps::Std>(size, insert_and_remove));
}

fn get<M: Map>(map: &mut M, key: u64) {
    black_box(map.row(key).map(|row: &Row| row[0]));
}

fn gets(size: u64, figures: &mut Figures<'_>) {
    figures.add(each::<maps::Ours>(size, get));
    figures.add(each::<maps::Imbl>(size, get));
    figures.add(each::<maps::Rpds>(size, get));
    figures.add(each::<maps::Std>(size, get));
}

fn nths(size: u64, figures: &mut Figures<'_>) {
    figures.add(each::<maps::Ours>(size, |map, key| {
        black_box(map.at(key / 2).map(|row| row[0]));
    }));
    (0..3).for_each(|_| figures.lacks());
}

fn ranks(size: u64, figures: &mut Figures<'_>) {
    figures.add(each::<maps::Ours>(size, |map, key| {
        black_box(map.position(key));
    }));
    (0..3).for_each(|_| figures.lacks());
}

fn copy<M: Persistent>(map: &mut M, _: u64) {
    black_box(map.clone());
}

fn clones(size: u64, figures: &mut Figures<'_>) {
    figures.add(each::<maps::Ours>(size, copy));
    figures.add(each::<maps::Imbl>(size, copy));
    figures.add(each::<maps::Rpds>(size, copy));
    let map = filled::<maps::Std>(size);
    figures.add(move || timed(COPIES, || (0..COPIES).for_each(|_| drop(black_box(map.clone())))));
}

fn iterate<M: Map>(size: u64) -> impl FnMut() -> f64 {
    let map = filled::<M>(size);
    move || {
        timed(size, || {
            black_box(map.sum());
        })
    }
}

fn iterations(size: u64, figures: &mut Figures<'_>) {
    figures.add(iterate::<maps::Ours>(size));
    figures.add(iterate::<maps::Imbl>(size));
    figures.add(iterate::<maps::Rpds>(size));
    figures.add(iterate::<maps::Std>(size));
}
