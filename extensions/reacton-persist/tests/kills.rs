//! D1 and D2 under `kill -9`: a process that writes numbered transactions is killed at random moments, again and again. Each time the file
//! opens, and holds what the process had committed up to some transaction: no older than the last write that had returned.
//!
//! `REACTON_KILLS=1000 cargo test --release -p reacton-persist --test kills -- --nocapture` prints the count and the worst loss.

#[allow(dead_code, reason = "each test program uses a part of it")]
#[path = "support/settings.rs"]
mod settings;

use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use reacton::persist::{
    JsonFile, KeptAside, Persist, Problem, Redb, Row, Saved, Storage, StorageError, saved,
};
use reacton::prelude::*;

use crate::settings::{COUNT, DONE, ROWS, folder};

const EVERY: Duration = Duration::from_millis(5);

/// So many rows are written in turn.
const KEYS: u64 = 40;

fn now() -> u64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).expect("the time is after 1970");
    u64::try_from(now.as_micros()).expect("the time is a number")
}

fn say(line: &str) {
    let mut out = std::io::stdout().lock();
    writeln!(out, "{line}").expect("the line is read");
}

/// Says when a write has begun and when it has returned.
struct Timed<S>(S);

impl<S: Storage> Storage for Timed<S> {
    fn load(&mut self) -> Result<Vec<Row>, StorageError> {
        self.0.load()
    }

    fn commit(&mut self, rows: &[Row]) -> Result<(), StorageError> {
        let begun = now();
        say(&format!("writing {begun}"));
        self.0.commit(rows)?;
        let count =
            rows.iter().find(|row| row.reacton == "count").and_then(|row| row.value.clone());
        let count = count.map_or(0, |bytes| number(&bytes));
        say(&format!("written {count} {}", now() - begun));
        Ok(())
    }

    fn keep_aside(&mut self) -> Result<KeptAside, StorageError> {
        self.0.keep_aside()
    }
}

/// A number of `MessagePack`.
fn number(bytes: &[u8]) -> u64 {
    match bytes {
        [small] => u64::from(*small),
        [_, digits @ ..] => digits.iter().fold(0, |number, digit| number << 8 | u64::from(*digit)),
        [] => 0,
    }
}

fn open(store: &ReactonStore, path: &Path) -> Saved {
    let persist = Persist::new(saved![COUNT, ROWS, DONE]).every(EVERY);
    let saved = if path.extension().is_some_and(|extension| extension == "json") {
        persist.open(store, Timed(JsonFile::at(path)))
    } else {
        persist.open(store, Timed(Redb::at(path)))
    };
    saved.expect("the file opens")
}

/// What the process does that is killed. Not a test by itself.
#[test]
fn writes_until_it_is_killed() {
    let Some(path) = std::env::var_os("REACTON_KILLED").map(PathBuf::from) else { return };
    let store = ReactonStore::new();
    let _saved = open(&store, &path);
    say("opened");
    for number in store.get(&COUNT) + 1.. {
        store.batch(|store| {
            store.set(&COUNT, number);
            let key = u32::try_from(number % KEYS).expect("the number is small");
            store.update(&ROWS, |rows| drop(rows.insert(key, number.to_string())));
            store.update(&DONE, |done| done.add(1));
        });
        say(&format!("committed {number} {}", now()));
        // The load of a program that writes 5,000 times a second.
        std::thread::sleep(Duration::from_micros(200));
    }
}

/// What a killed process has said.
#[derive(Default)]
struct Said {
    opened: bool,
    /// The number of the last write that has returned.
    written: u64,
    writes: u64,
    /// The longest write, in microseconds.
    longest: u64,
    /// When the write began that has not returned.
    writing: Option<u64>,
    /// Number and moment of each transaction.
    committed: Vec<(u64, u64)>,
}

impl Said {
    fn hear(&mut self, line: &str) {
        let words: Vec<_> = line.split(' ').collect();
        let number = |word: &str| word.parse().ok();
        match words[..] {
            ["opened"] => self.opened = true,
            ["written", count, took] => {
                if let (Some(count), Some(took)) = (number(count), number(took)) {
                    self.written = self.written.max(count);
                    self.longest = self.longest.max(took);
                    (self.writing, self.writes) = (None, self.writes + 1);
                }
            }
            ["writing", at] => self.writing = number(at),
            ["committed", count, at] => {
                self.committed.extend(number(count).zip(number(at)));
            }
            // The harness, and a line that was cut off.
            _ => {}
        }
    }
}

/// Starts the process, and kills it so long after it has opened the file, or after its start.
fn killed(path: &Path, after: Duration, from_start: bool) -> (Said, u64) {
    let mut child = Command::new(std::env::current_exe().expect("there is one"))
        .args(["writes_until_it_is_killed", "--exact", "--nocapture"])
        .env("REACTON_KILLED", path)
        .stdout(Stdio::piped())
        .spawn()
        .expect("the worker starts");
    let out = child.stdout.take().expect("the output is piped");
    let (opened, wait) = std::sync::mpsc::channel();
    let listener = std::thread::spawn(move || {
        let mut said = Said::default();
        for line in BufReader::new(out).lines().map_while(Result::ok) {
            let before = said.opened;
            said.hear(&line);
            if said.opened && !before {
                let _ = opened.send(());
            }
        }
        said
    });
    if !from_start {
        wait.recv_timeout(Duration::from_secs(60)).expect("the file opens");
    }
    // The random moment.
    std::thread::sleep(after);
    let at = now();
    child.kill().expect("the program runs");
    child.wait().expect("the process has ended");
    (listener.join().expect("the thread listens"), at)
}

/// Opens the file after a kill. Returns the number of the transaction whose state it holds.
fn state(path: &Path) -> u64 {
    let store = ReactonStore::new();
    let saved = open(&store, path);
    let problems = store.get(saved.problems());
    if let [Problem::Damaged { kept_at, .. }] = &problems[..] {
        let _ = std::fs::copy(kept_at, "/tmp/damaged.redb");
        panic!("{:?}", Redb::at(kept_at).load());
    }
    assert_eq!(problems, []);
    let count = store.get(&COUNT);
    assert_eq!(
        store.with(&DONE, Counter::value),
        i64::try_from(count).expect("the number is small")
    );
    let rows = store.get(&ROWS);
    for key in 0..KEYS {
        let newest = (count.saturating_sub(KEYS - 1)..=count).find(|number| number % KEYS == key);
        let expected = newest.filter(|number| *number > 0).map(|number| number.to_string());
        let held = rows.get(&u32::try_from(key).expect("the number is small"));
        assert_eq!(held, expected.as_ref(), "the row {key} of transaction {count}");
    }
    count
}

#[test]
fn d1_d2_killed_at_any_moment_the_file_holds_whole_transactions_no_older_than_one_write() {
    let setting = |name, default: u64| {
        std::env::var(name).map_or(default, |value| value.parse().expect("a number"))
    };
    let (kills, mut seed) = (setting("REACTON_KILLS", 24), setting("REACTON_SEED", 21));
    println!("REACTON_SEED={seed}");
    let mut below = move |limit: u64| {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (seed >> 33) % limit
    };
    let folder = folder();
    for name in ["state.redb", "state.json"] {
        let path = folder.path().join(name);
        let (mut worst, mut longest, mut writes, mut transactions) = (0, 0, 0, 0);
        let begun = Instant::now();
        let mut last = 0;
        for round in 0..kills / 2 {
            let after = Duration::from_micros(below(100_000));
            let (said, at) = killed(&path, after, round % 8 == 7);
            let held = state(&path);
            let most = said.committed.last().map_or(last, |(number, _)| *number);
            // The last line may be cut off, or may not have been said yet.
            assert!(held <= most + 1, "round {round}: {held} of {most}");
            let written = said.written.max(last);
            assert!(held >= written, "round {round}: {held}, and {written} was written");
            if let Some((_, committed)) = said.committed.iter().find(|(number, _)| *number > held) {
                worst = worst.max(at.saturating_sub(*committed));
            }
            let unfinished = said.writing.map_or(0, |begun| at.saturating_sub(begun));
            longest = longest.max(said.longest).max(unfinished);
            writes += said.writes;
            transactions += held - last;
            last = held;
        }
        println!(
            "{name}: killed {} times in {:.1?}, after {writes} writes; {transactions} transactions are there; the worst loss \
             was {} µs, with `every` at {} ms and a longest write of {} µs: at most {} µs were to be expected",
            kills / 2,
            begun.elapsed(),
            worst,
            EVERY.as_millis(),
            longest,
            // What is committed as a write begins waits for the end of it, and then for its own.
            u64::try_from(EVERY.as_micros()).expect("the time fits").max(longest) + longest,
        );
    }
}
