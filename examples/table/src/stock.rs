//! The rows, and the worker that writes a quarter of them.

use std::sync::Arc;
use std::time::{Duration, Instant};

use reacton::prelude::*;

/// An article in stock.
#[derive(Clone, PartialEq, Debug)]
pub(crate) struct Article {
    pub(crate) name: Arc<str>,
    /// In cents.
    pub(crate) price: usize,
    pub(crate) pieces: usize,
    /// How many times the article has changed.
    pub(crate) changes: usize,
}

/// The articles by number.
#[reacton(zero_copy)]
pub(crate) static ARTICLES: ReactonMap<u64, Article> = ReactonMap::new();

/// How many rows were written.
#[reacton]
pub(crate) static WRITTEN: Counter = Counter::new();

/// How many rows have to change in a second.
#[reacton]
pub(crate) static PACE: u32 = 20_000;

/// The quarter of the table that one worker writes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Part {
    /// The number of the first row. The others follow at intervals of [`WORKERS`].
    pub(crate) first: u64,
    /// How many rows there are in all.
    pub(crate) rows: u64,
}

/// How many workers there are.
pub(crate) const WORKERS: u32 = 4;

/// How many rows of a new table arrive at once.
const DELIVERY: usize = 500;

/// The time between two changes.
const BREAK: Duration = Duration::from_millis(10);

/// The maximum of a worker's transactions that wait for the window.
const WAITING: usize = 50;

/// How long the worker waits for the window if there are more.
const PATIENCE: Duration = Duration::from_secs(20);

const WORDS: [[&str; 8]; 2] = [
    ["red", "green", "blue", "small", "large", "round", "flat", "light"],
    ["lamp", "table", "chair", "shelf", "clock", "mirror", "basket", "carpet"],
];

/// Numbers in random order.
pub(crate) struct Dice(u64);

impl Dice {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// Returns a number below `end`, which is far below 2^32.
    pub(crate) fn below(&mut self, end: usize) -> usize {
        self.0 =
            self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 32).unwrap_or_default() % end.max(1)
    }
}

/// Returns a new article with this number.
pub(crate) fn article(number: u64, dice: &mut Dice) -> Article {
    let [color, thing] = WORDS.map(|words| words[dice.below(words.len())]);
    let (price, pieces) = (dice.below(100_000), dice.below(1000));
    Article { name: format!("{color} {thing} {number}").into(), price, pieces, changes: 0 }
}

/// Sells or buys something, and changes the price accordingly.
pub(crate) fn trade(article: &mut Article, dice: &mut Dice) {
    article.pieces = (article.pieces + dice.below(21)).saturating_sub(10);
    article.price = (article.price + dice.below(2001)).saturating_sub(1000);
    article.changes += 1;
}

/// Fills its part of the table, and then changes it until the window is closed.
#[worker(shared = [in PACE, ARTICLES, WRITTEN])]
pub(crate) fn stock(store: &ReactonStore, part: Part) {
    // The worker does not need what the other workers write.
    store.main().pause(&ARTICLES);
    let mut dice = Dice::new(part.first);
    let numbers: Vec<_> = (part.first..part.rows).step_by(WORKERS as usize).collect();
    for some in numbers.chunks(DELIVERY) {
        let articles = some.iter().map(|number| (*number, article(*number, &mut dice)));
        deliver(store, some.len(), |rows| rows.extend(articles));
    }
    // How many rows are due, with a fraction, and since when.
    let (mut due, mut since) = (0.0, Instant::now());
    while !store.is_disposed() && !numbers.is_empty() {
        store.wait(BREAK);
        due += since.elapsed().as_secs_f64() * f64::from(store.get(&PACE)) / f64::from(WORKERS);
        since = Instant::now();
        let mut changed = Vec::new();
        while due >= 1.0 {
            changed.push(numbers[dice.below(numbers.len())]);
            due -= 1.0;
        }
        deliver(store, changed.len(), |rows| {
            for number in &changed {
                rows.update(number, |article| trade(article, &mut dice));
            }
        });
        // Waits if the window is slow, so that the window is not flooded.
        if store.main().flush(WAITING).wait(PATIENCE).is_err() {
            return;
        }
    }
}

/// The rows and their number arrive together.
fn deliver(store: &ReactonStore, count: usize, edit: impl FnOnce(&mut ReactonMap<u64, Article>)) {
    if count > 0 {
        store.batch(|store| {
            store.update(&ARTICLES, edit);
            store.update(&WRITTEN, |written| written.add(count.try_into().unwrap_or(i64::MAX)));
        });
    }
}
