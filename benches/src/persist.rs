//! What it costs to keep state in a file, beside redb used by hand and beside `serde_json` that writes everything.

use std::fs::{self, File};
use std::io::Write;
use std::path::Path;
use std::time::{Duration, Instant};

use reacton::persist::{JsonFile, Persist, Redb, Saved, Storage, saved};
use reacton::prelude::*;
use redb::{Database, ReadableDatabase, ReadableTable, TableDefinition};
use serde::{Deserialize, Serialize};
use tempfile::TempDir;

use crate::figures::{middle, per_one, time};

#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize)]
struct Settings {
    theme: String,
    font: String,
    size: f32,
    width: u32,
    height: u32,
    recent: Vec<String>,
    autosave: bool,
}

#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
struct Row {
    name: String,
    price: f64,
    stock: u32,
}

#[reacton(id = "settings")]
static SETTINGS: Settings = Settings::default();
#[reacton(id = "rows")]
static ROWS: ReactonMap<u32, Row> = ReactonMap::new();
#[reacton(id = "number")]
static NUMBER: u64 = 0;

/// How many rows there are.
const COUNT: u32 = 10_000;

/// How many writes of main are measured.
const WRITES: u64 = 1_000_000;

const TABLE: TableDefinition<'_, u32, &[u8]> = TableDefinition::new("rows");

const LONG: Duration = Duration::from_secs(60);

fn settings() -> Settings {
    let recent = (0..10).map(|number| format!("/home/somebody/documents/{number}.txt")).collect();
    Settings {
        theme: "dark".into(),
        font: "Mono".into(),
        size: 12.5,
        recent,
        ..Settings::default()
    }
}

fn row(key: u32) -> Row {
    Row { name: format!("article {key}"), price: f64::from(key) / 7.0, stock: key % 100 }
}

fn open(store: &ReactonStore, storage: impl Storage + 'static) -> Saved {
    Persist::new(saved![SETTINGS, ROWS, NUMBER]).open(store, storage).expect("the file opens")
}

fn fill(store: &ReactonStore) {
    store.batch(|store| {
        store.set(&SETTINGS, settings());
        store.update(&ROWS, |rows| (0..COUNT).for_each(|key| drop(rows.insert(key, row(key)))));
    });
}

/// The median time of `work`, which is called with the number of the round.
fn median(rounds: u32, mut work: impl FnMut(u32) -> Duration) -> f64 {
    middle((0..rounds).map(|round| per_one(work(round), 1)).collect())
}

fn timed<U>(work: impl FnOnce() -> U) -> (Duration, U) {
    let begin = Instant::now();
    let result = work();
    (begin.elapsed(), result)
}

/// As reacton does it: beside the old file, synced, and then in its place.
fn replace(path: &Path, bytes: &[u8]) {
    let folder = path.parent().expect("the file is in a folder");
    let mut file = tempfile::NamedTempFile::new_in(folder).expect("a file can be made");
    file.write_all(bytes).expect("the file is written");
    file.as_file().sync_all().expect("the file is synced");
    file.persist(path).expect("the file is renamed");
    File::open(folder).and_then(|folder| folder.sync_all()).expect("the folder is synced");
}

fn print(what: &str, own: f64, peer: &str, of_peer: f64) {
    println!("| {what} | {} | {peer}: {} ({:.2}) |", time(own), time(of_peer), own / of_peer);
}

/// Prints the table.
pub(crate) fn table() -> Result<(), String> {
    let folder = TempDir::new().map_err(|error| error.to_string())?;
    println!("| | reacton | by hand |\n|---|---|---|");
    opening(&folder);
    saving(&folder);
    writing(&folder);
    Ok(())
}

fn opening(folder: &TempDir) {
    let [json, redb, whole, hand] =
        ["s.json", "r.redb", "w.json", "h.redb"].map(|name| folder.path().join(name));
    {
        let store = ReactonStore::new();
        let saved = open(&store, JsonFile::at(&json));
        store.set(&SETTINGS, settings());
        drop(saved);
        let _saved = open(&store, Redb::at(&redb));
        fill(&store);
    }
    let opened = |storage: &dyn Fn() -> Box<dyn FnOnce(&ReactonStore) -> Saved>| {
        median(21, |_| {
            let store = ReactonStore::new();
            let open = storage();
            let (took, saved) = timed(|| open(&store));
            drop(saved);
            took
        })
    };
    let own = opened(&|| {
        let storage = JsonFile::at(&json);
        Box::new(move |store| open(store, storage))
    });
    fs::write(&whole, serde_json::to_vec_pretty(&settings()).expect("the value encodes"))
        .expect("written");
    let peer = median(21, |_| {
        let read = || fs::read(&whole).map(|text| serde_json::from_slice::<Settings>(&text));
        timed(|| read().expect("the file is read").expect("the value decodes")).0
    });
    print("opening a file of settings, JSON", own, "serde_json", peer);

    let own = opened(&|| {
        let storage = Redb::at(&redb);
        Box::new(move |store| open(store, storage))
    });
    let database = Database::create(&hand).expect("the file opens");
    put(&database, 0..COUNT);
    drop(database);
    let peer = median(21, |_| {
        let (took, _database) = timed(|| {
            let database = Database::create(&hand).expect("the file opens");
            let table = database
                .begin_read()
                .expect("the database reads")
                .open_table(TABLE)
                .expect("there");
            let rows: Vec<Row> = table
                .iter()
                .expect("the database reads")
                .map(|row| {
                    rmp_serde::from_slice(row.expect("the row is read").1.value())
                        .expect("the value decodes")
                })
                .collect();
            assert_eq!(rows.len(), COUNT as usize);
            database
        });
        took
    });
    print("opening 10,000 rows", own, "redb", peer);
}

fn put(database: &Database, keys: impl Iterator<Item = u32>) {
    let transaction = database.begin_write().expect("the database writes");
    let mut table = transaction.open_table(TABLE).expect("the database writes");
    for key in keys {
        let bytes = rmp_serde::to_vec_named(&row(key)).expect("the value encodes");
        table.insert(key, bytes.as_slice()).expect("the database writes");
    }
    drop(table);
    transaction.commit().expect("the transaction is committed");
}

/// Until one changed row of 10,000 is synced.
fn saving(folder: &TempDir) {
    let [redb, whole, hand] = ["r.redb", "all.json", "h.redb"].map(|name| folder.path().join(name));
    let store = ReactonStore::new();
    let saved = open(&store, Redb::at(redb));
    let own = median(101, |round| {
        timed(|| {
            let new = Row { stock: round + 1000, ..row(round) };
            store.update(&ROWS, |rows| drop(rows.insert(round, new)));
            saved.flush(LONG).expect("all is written");
        })
        .0
    });
    let database = Database::create(hand).expect("the file opens");
    let peer = median(101, |round| timed(|| put(&database, std::iter::once(round))).0);
    print("a changed row of 10,000, until it is synced", own, "redb", peer);
    let rows: Vec<Row> = (0..COUNT).map(row).collect();
    let peer = median(21, |_| {
        timed(|| replace(&whole, &serde_json::to_vec(&rows).expect("the value encodes"))).0
    });
    print("the same", own, "serde_json, all rows", peer);
}

/// What a write costs main.
fn writing(folder: &TempDir) {
    let mut number = 0;
    let mut burst = |store: &ReactonStore| {
        median(9, |_| {
            let (took, ()) = timed(|| {
                for _ in 0..WRITES {
                    number += 1;
                    store.set(&NUMBER, number);
                }
            });
            took
        }) / per_one(Duration::from_nanos(WRITES), 1)
    };
    let store = ReactonStore::new();
    let saved = open(&store, Redb::at(folder.path().join("b.redb")));
    let own = burst(&store);
    drop(saved);
    let store = ReactonStore::new();
    let worker = IsolateStore::builder().delivery(Delivery::Latest).shared(shared![NUMBER]);
    let worker = worker
        .spawn(&store, |store: &ReactonStore| {
            let busy = |_: &ReactonStore, _: &u64| std::thread::sleep(Duration::from_millis(250));
            store.subscribe(&NUMBER, busy);
        })
        .expect("the worker starts");
    let peer = burst(&store);
    drop(worker);
    print("a `set` of main, of a saved reacton", own, "of one shared with a `Latest` worker", peer);
}
