//! The reactons that the stores share, all of them or some, and their values in one store.

use reacton::prelude::*;

use reacton_support::Random;

/// Main and four isolates.
pub(crate) const WRITERS: usize = 5;

#[reacton]
pub(crate) static KEY: u64 = 0;

/// Always written with KEY, as its [`half`]. Has few values, so that many writes of it are equal.
#[reacton]
pub(crate) static HALF: u64 = 0;

#[reacton]
pub(crate) static SMALL: u8 = 0;

/// Main corrects values above [`LIMIT`].
#[reacton]
pub(crate) static LIMITED: u32 = 0;

/// Two values with equal tens count as equal.
#[reacton(eq = same_ten)]
pub(crate) static COARSE: u32 = 0;

#[reacton]
pub(crate) static TEXT: String = String::new();

#[reacton(zero_copy)]
pub(crate) static SHEET: Vec<u64> = Vec::new();

/// The order of main to all isolates.
#[reacton]
pub(crate) static PHASE: u32 = 0;

/// Isolates that wait begin to write.
pub(crate) const WRITE: u32 = 1;

/// Isolates that are asked to do so count once more.
pub(crate) const ANSWER: u32 = 2;

#[reacton]
static COUNT_0: u64 = 0;
#[reacton]
static COUNT_1: u64 = 0;
#[reacton]
static COUNT_2: u64 = 0;
#[reacton]
static COUNT_3: u64 = 0;
#[reacton]
static COUNT_4: u64 = 0;

/// The number of operations of each writer, which alone writes it and counts up by one.
pub(crate) static COUNTS: [&Reacton<u64>; WRITERS] =
    [&COUNT_0, &COUNT_1, &COUNT_2, &COUNT_3, &COUNT_4];

pub(crate) const LIMIT: u32 = 100;

pub(crate) fn half(key: u64) -> u64 {
    key % 3
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "an `eq` is given references")]
fn same_ten(one: &u32, other: &u32) -> bool {
    one / 10 == other / 10
}

macro_rules! with_counts {
    ($($reacton:path),*) => {
        shared![$($reacton,)* PHASE, COUNT_0, COUNT_1, COUNT_2, COUNT_3, COUNT_4]
    };
}

pub(crate) fn everything() -> SharedSet {
    with_counts![KEY, HALF, SMALL, LIMITED, COARSE, TEXT, SHEET]
}

/// Returns all reactons or some of them.
pub(crate) fn something(rng: &mut Random) -> SharedSet {
    match rng.below(6) {
        0 => with_counts![KEY, HALF, TEXT],
        1 => with_counts![SHEET, HALF, KEY, SMALL, COARSE],
        2 => with_counts![LIMITED, SMALL, COARSE, TEXT],
        _ => everything(),
    }
}

/// The values of one store.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct State {
    pub(crate) pair: (u64, u64),
    pub(crate) small: u8,
    pub(crate) limited: u32,
    pub(crate) coarse: u32,
    pub(crate) text: String,
    pub(crate) sheet: Vec<u64>,
    pub(crate) counts: [u64; WRITERS],
}

impl State {
    pub(crate) fn read(cx: &Reader<'_>) -> Self {
        Self {
            pair: (cx.get(&KEY), cx.get(&HALF)),
            small: cx.get(&SMALL),
            limited: cx.get(&LIMITED),
            coarse: cx.get(&COARSE),
            text: cx.get(&TEXT),
            sheet: cx.get(&SHEET),
            counts: COUNTS.map(|count| cx.get(count)),
        }
    }

    pub(crate) fn of(store: &ReactonStore) -> Self {
        store.get(&store.computed(Self::read))
    }

    /// Returns the values as observers know them.
    pub(crate) fn told(self) -> Self {
        Self { coarse: self.coarse / 10, ..self }
    }

    /// Returns the values that are shared.
    pub(crate) fn only(&self, shared: &SharedSet) -> Self {
        let has = |reacton: ReactonRef| shared.refs().any(|rref| rref == reacton);
        let mut state = self.clone();
        if !has(KEY.reacton_ref()) {
            state.pair = (0, 0);
        }
        if !has(SMALL.reacton_ref()) {
            state.small = 0;
        }
        if !has(LIMITED.reacton_ref()) {
            state.limited = 0;
        }
        if !has(COARSE.reacton_ref()) {
            state.coarse = 0;
        }
        if !has(TEXT.reacton_ref()) {
            state.text.clear();
        }
        if !has(SHEET.reacton_ref()) {
            state.sheet.clear();
        }
        state
    }
}
