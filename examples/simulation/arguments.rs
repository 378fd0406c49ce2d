//! Reads the command line: how large the field is, how long the program runs, and how fast.

use std::ffi::OsString;
use std::time::Duration;

use crate::life::TILE;

/// Printed if the command line is wrong.
const USAGE: &str = "usage: simulation [SIZE [SECONDS [STEPS_PER_SECOND]]]";

/// The contents of the command line.
pub(crate) struct Arguments {
    /// The number of cells on each side of the field.
    pub(crate) size: usize,
    pub(crate) time: Duration,
    /// How many steps become due in a second.
    pub(crate) rate: u32,
}

impl Arguments {
    /// Reads the command line, without the program's name.
    pub(crate) fn read(words: impl Iterator<Item = OsString>) -> Result<Self, String> {
        let words: Vec<String> = words.map(|word| word.to_string_lossy().into_owned()).collect();
        if words.len() > 3 {
            return Err(USAGE.into());
        }
        let word = |at: usize, default| words.get(at).map_or(default, String::as_str);
        Ok(Self {
            size: size(word(0, "1024"))?,
            time: time(word(1, "3"))?,
            rate: rate(word(2, "60"))?,
        })
    }
}

fn size(word: &str) -> Result<usize, String> {
    word.parse().ok().filter(|size| (TILE..=8192).contains(size) && size % TILE == 0).ok_or_else(
        || format!("SIZE must be a multiple of {TILE} up to 8192, not `{word}`; {USAGE}"),
    )
}

fn time(word: &str) -> Result<Duration, String> {
    word.parse()
        .ok()
        .filter(|seconds| (0.1..=3600.0).contains(seconds))
        .map(Duration::from_secs_f64)
        .ok_or_else(|| format!("SECONDS must lie between 0.1 and 3600, not `{word}`; {USAGE}"))
}

fn rate(word: &str) -> Result<u32, String> {
    word.parse().ok().filter(|rate| (1..=100_000).contains(rate)).ok_or_else(|| {
        format!("STEPS_PER_SECOND must lie between 1 and 100000, not `{word}`; {USAGE}")
    })
}
