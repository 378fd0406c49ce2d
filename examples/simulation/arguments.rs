//! The command line: how large the field is, how long it runs, and how fast.

use std::ffi::OsString;
use std::time::Duration;

use crate::life::TILE;

/// What a wrong command line is answered with.
const USAGE: &str = "usage: simulation [SIZE [SECONDS [STEPS_PER_SECOND]]]";

/// What the command line asks for.
pub(crate) struct Arguments {
    /// Cells on each side of the field.
    pub(crate) size: usize,
    pub(crate) time: Duration,
    /// Steps that become due in a second.
    pub(crate) rate: u32,
}

impl Arguments {
    /// Reads the command line, the program's name left out.
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
