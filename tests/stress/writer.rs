//! The random operations of main and of each isolate.

use reacton::prelude::*;

use crate::state::{COARSE, COUNTS, HALF, KEY, LIMIT, LIMITED, SHEET, SMALL, TEXT, half};
use reacton_support::Random;

/// One of the writers: main or an isolate.
pub(crate) struct Writer {
    number: usize,
    rng: Random,
}

impl Writer {
    pub(crate) fn new(number: usize, seed: u64) -> Self {
        Self { number, rng: Random::new(seed) }
    }

    /// Does one operation, which is counted in the same transaction or in the next one. Then perhaps takes a turn.
    pub(crate) fn write(&mut self, store: &ReactonStore) {
        if self.rng.chance(2) {
            store.batch(|store| {
                self.operate(store);
                self.count(store);
            });
        } else {
            self.operate(store);
            self.count(store);
        }
        match self.rng.below(6) {
            0 => drop(store.pump()),
            1 => drop(store.pump_at_most(1)),
            // Lets the others write meanwhile if there are fewer cores than writers.
            2 => std::thread::yield_now(),
            _ => {}
        }
    }

    pub(crate) fn count(&self, store: &ReactonStore) {
        store.update(COUNTS[self.number], |count| *count += 1);
    }

    fn operate(&mut self, store: &ReactonStore) {
        let value = self.rng.below(1000);
        match self.rng.below(12) {
            0..3 => store.batch(|store| {
                store.set(&KEY, value);
                store.set(&HALF, half(value));
            }),
            3 => store.batch(|store| {
                store.touch(&HALF);
                store.touch(&KEY);
            }),
            4 => store.batch(|store| {
                store.remove(&KEY);
                store.remove(&HALF);
            }),
            5 => store.set(&SMALL, u8::try_from(half(value)).expect("the number fits")),
            6 => store.touch(&SMALL),
            7 => store.update(&TEXT, |text| {
                text.truncate(12);
                text.push(char::from(
                    b'a' + u8::try_from(value % 26).expect("the number is below 26"),
                ));
            }),
            8 => self.remove_one(store),
            9 => store.update(&SHEET, |sheet| {
                sheet.truncate(20);
                sheet.insert(0, value);
            }),
            10 => store.set(&LIMITED, u32::try_from(value % 200).expect("the number fits")),
            _ => store.set(&COARSE, u32::try_from(value % 40).expect("the number fits")),
        }
    }

    fn remove_one(&mut self, store: &ReactonStore) {
        match self.rng.below(4) {
            0 => store.remove(&SMALL),
            1 => store.remove(&TEXT),
            2 => store.remove(&SHEET),
            _ => store.remove(&COARSE),
        }
    }
}

/// Corrects values above the limit, from any writer.
pub(crate) fn limit(store: &ReactonStore) {
    store.subscribe(&LIMITED, |store, value| {
        if *value > LIMIT {
            store.set(&LIMITED, LIMIT);
        }
    });
}
