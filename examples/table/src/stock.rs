//! The rows, and the worker that writes a quarter of them.

use std::sync::Arc;
use std::time::{Duration, Instant};

use reacton::prelude::*;
use serde::{Deserialize, Serialize};

/// An article in stock. Only workers write it.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub(crate) struct Article {
    /// The name that it came with.
    pub(crate) name: Arc<str>,
    /// The name that the person has given it, as in [`NAMES`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) label: Option<Arc<str>>,
    /// In cents.
    pub(crate) price: usize,
    pub(crate) pieces: usize,
    /// How many times the article has changed.
    pub(crate) changes: usize,
}

impl Article {
    /// The name that is shown.
    pub(crate) fn shown_name(&self) -> &Arc<str> {
        self.label.as_ref().unwrap_or(&self.name)
    }
}

/// The articles by number.
#[reacton(zero_copy, id = "articles")]
pub(crate) static ARTICLES: ReactonMap<u64, Article> = ReactonMap::new();

/// The names that the person has given to articles, by number. Only the window writes them.
///
/// The row of an article is replaced as a whole by each trade. If the person wrote rows, too, each would overwrite the
/// other's work, and undoing a name would take back trades.
#[reacton(id = "names")]
pub(crate) static NAMES: ReactonMap<u64, Arc<str>> = ReactonMap::new();

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
    let name = format!("{color} {thing} {number}").into();
    Article { name, label: None, price, pieces, changes: 0 }
}

/// Sells or buys something, and changes the price accordingly.
pub(crate) fn trade(article: &mut Article, dice: &mut Dice) {
    article.pieces = (article.pieces + dice.below(21)).saturating_sub(10);
    article.price = (article.price + dice.below(2001)).saturating_sub(1000);
    article.changes += 1;
}

/// Fills what is missing in its part of the table, and then changes it until the window is closed.
#[worker(shared = [in PACE, in NAMES, ARTICLES, WRITTEN])]
pub(crate) fn stock(store: &ReactonStore, part: Part) {
    // The worker does not need what the other workers write.
    store.main().pause(&ARTICLES);
    let mut dice = Dice::new(part.first);
    let numbers: Vec<_> = (part.first..part.rows).step_by(WORKERS as usize).collect();
    let missing = store.with(&ARTICLES, |rows| {
        numbers.iter().copied().filter(|number| !rows.contains_key(number)).collect::<Vec<_>>()
    });
    for some in missing.chunks(DELIVERY) {
        let articles = some.iter().map(|number| (*number, article(*number, &mut dice)));
        deliver(store, some.len(), |rows| rows.extend(articles));
    }
    // Also what was named when no worker ran.
    name(store, numbers.iter().copied());
    store.subscribe_changes(&NAMES, move |store, changes| {
        let of_part = |number: &u64| number % u64::from(WORKERS) == part.first;
        name(store, changes.iter().map(number).filter(of_part));
    });
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
        // Waits if the window is slow, so that the window is not flooded. What was not changed meanwhile is not due later.
        let slow = Instant::now();
        if store.main().flush(WAITING).wait(PATIENCE).is_err() {
            return;
        }
        since += slow.elapsed();
    }
}

/// Returns the number of the article whose name has changed.
fn number<V>(change: &Change<u64, V>) -> u64 {
    match change {
        Change::Added { key, .. } | Change::Replaced { key, .. } | Change::Removed { key, .. } => {
            *key
        }
    }
}

/// Writes the names that the person has given into the rows of these articles.
fn name(store: &ReactonStore, numbers: impl Iterator<Item = u64>) {
    let labels = store.get(&NAMES);
    let differ = store.with(&ARTICLES, |rows| {
        let label = |number| (number, labels.get(&number).cloned());
        let differs = |(number, label): &(u64, Option<Arc<str>>)| {
            rows.get(number).is_some_and(|article| article.label != *label)
        };
        numbers.map(label).filter(differs).collect::<Vec<_>>()
    });
    deliver(store, differ.len(), |rows| {
        for (number, label) in differ {
            rows.update(&number, |article| article.label = label);
        }
    });
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
