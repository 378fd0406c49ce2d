//! Collections, which are saved entry by entry.

use reacton::persist::{Persist, Redb, Row, SaveStatus, Storage, saved};
use reacton::prelude::*;

use crate::settings::{COUNT, DONE, LONG, NOTE, QUEUE, ROWS, TAGS, all, folder};

fn queue(store: &ReactonStore) -> Vec<String> {
    store.with(&QUEUE, |queue| queue.iter().cloned().collect())
}

#[test]
fn d2_collections_come_back_as_they_were() {
    let folder = folder();
    {
        let store = ReactonStore::new();
        let _saved = all(&store, &folder);
        store.batch(|store| {
            store.update(&ROWS, |rows| {
                for key in 0..100 {
                    rows.insert(key, key.to_string());
                }
            });
            store.update(&TAGS, |tags| tags.insert("a".into()));
            store.update(&QUEUE, |queue| queue.extend(["one", "two", "three"].map(String::from)));
            store.update(&DONE, |done| done.add(5));
        });
    }
    for round in 0..3_u32 {
        let store = ReactonStore::new();
        let saved = all(&store, &folder);
        assert_eq!(store.get(saved.status()), SaveStatus::Saved, "round {round}");
        assert_eq!(store.with(&ROWS, ReactonMap::len), 100 - round as usize);
        assert_eq!(store.with(&ROWS, |rows| rows.get(&99).cloned()), Some(String::from("99")));
        assert!(store.with(&TAGS, |tags| tags.contains("a")));
        let expected: &[&str] = match round {
            0 => &["one", "two", "three"],
            1 => &["three", "one", "TWO"],
            _ => &["one", "TWO", "four"],
        };
        assert_eq!(queue(&store), expected);
        assert_eq!(store.with(&DONE, Counter::value), 5 + i64::from(round) * 3);
        store.update(&ROWS, |rows| drop(rows.remove(&round)));
        store.update(&QUEUE, |queue| match round {
            0 => {
                queue.set(1, "TWO".into());
                queue.move_to(2, 0);
            }
            1 => {
                queue.remove(0);
                queue.push("four".into());
            }
            _ => queue.clear(),
        });
        store.update(&DONE, |done| done.add(3));
    }
    let store = ReactonStore::new();
    let _saved = all(&store, &folder);
    assert!(queue(&store).is_empty());
}

#[test]
fn d2_a_collection_that_is_set_or_cleared_loses_what_it_had() {
    let folder = folder();
    {
        let store = ReactonStore::new();
        let saved = all(&store, &folder);
        store.update(&ROWS, |rows| (0..10).for_each(|key| drop(rows.insert(key, "x".into()))));
        store.update(&DONE, |done| done.add(9));
        saved.flush(LONG).expect("all is written");
        store.set(&ROWS, ReactonMap::from([(5, String::from("y"))]));
        store.update(&DONE, |done| done.set(2));
    }
    {
        let store = ReactonStore::new();
        let _saved = all(&store, &folder);
        assert_eq!(store.get(&ROWS), ReactonMap::from([(5, String::from("y"))]));
        assert_eq!(store.with(&DONE, Counter::value), 2);
        store.update(&ROWS, ReactonMap::clear);
    }
    let store = ReactonStore::new();
    let _saved = all(&store, &folder);
    assert!(store.with(&ROWS, ReactonMap::is_empty));
}

#[reacton(id = "declared")]
static DECLARED: ReactonMap<u8, u8> = ReactonMap::from([(1, 1), (2, 2)]);

#[test]
fn d2_an_entry_of_the_declaration_that_was_removed_does_not_come_back() {
    let folder = folder();
    let open = |store: &ReactonStore| {
        Persist::new(saved![DECLARED])
            .open(store, Redb::at(folder.path().join("d.redb")))
            .expect("the file can be opened")
    };
    for expected in [&[(1, 1), (2, 2)][..], &[(2, 2)], &[], &[]] {
        let store = ReactonStore::new();
        let _saved = open(&store);
        let held =
            store.with(&DECLARED, |map| map.iter().map(|(k, v)| (*k, *v)).collect::<Vec<_>>());
        assert_eq!(held, expected);
        store.update(&DECLARED, |map| {
            let first = map.iter().next().map(|(key, _)| *key);
            first.map(|key| map.remove(&key));
        });
    }
}

#[test]
fn d2_entries_that_the_store_held_stay_beside_those_of_the_file() {
    let folder = folder();
    {
        let store = ReactonStore::new();
        let _saved = all(&store, &folder);
        store.update(&ROWS, |rows| drop(rows.insert(1, "file".into())));
        store.update(&QUEUE, |queue| queue.push("file".into()));
    }
    for _ in 0..2 {
        let store = ReactonStore::new();
        store.update(&ROWS, |rows| {
            rows.insert(1, "store".into());
            rows.insert(2, "store".into());
        });
        let _saved = all(&store, &folder);
        let expected = [(1, String::from("file")), (2, String::from("store"))];
        assert_eq!(store.get(&ROWS), ReactonMap::from(expected));
        assert_eq!(queue(&store), ["file"]);
    }
}

#[test]
fn d2_one_row_an_entry_is_written() {
    let folder = folder();
    let path = folder.path().join("state.redb");
    {
        let store = ReactonStore::new();
        let saved = all(&store, &folder);
        store.update(&ROWS, |rows| (0..50).for_each(|key| drop(rows.insert(key, "x".into()))));
        store.set(&COUNT, 1);
        saved.flush(LONG).expect("all is written");
        store.update(&ROWS, |rows| drop(rows.remove(&7)));
    }
    let mut rows = Redb::at(path).load().expect("the file can be read");
    rows.retain(|row: &Row| row.reacton == "rows");
    assert_eq!(rows.len(), 49);
    assert!(rows.iter().all(|row| row.schema == 1 && !row.key.is_empty()));
}

#[test]
fn d1_edits_of_several_workers_are_saved() {
    #[worker(shared = [ROWS, DONE])]
    fn filler(store: &ReactonStore, from: u32) {
        for key in from..from + 100 {
            store.batch(|store| {
                store.update(&ROWS, |rows| drop(rows.insert(key, key.to_string())));
                store.update(&DONE, |done| done.add(1));
            });
        }
    }
    let folder = folder();
    {
        let store = ReactonStore::new();
        let _saved = all(&store, &folder);
        let workers =
            [0, 100, 200].map(|from| filler::spawn(&store, from).expect("the worker starts"));
        store
            .run_until(LONG, |store| store.with(&ROWS, ReactonMap::len) == 300)
            .expect("the workers write");
        drop(workers);
    }
    let store = ReactonStore::new();
    let _saved = all(&store, &folder);
    assert_eq!(store.with(&ROWS, ReactonMap::len), 300);
    assert_eq!(store.with(&DONE, Counter::value), 300);
}

#[test]
fn d2_what_is_removed_and_put_many_times_does_not_fill_the_file() {
    let folder = folder();
    for _ in 0..4 {
        let store = ReactonStore::new();
        let saved = all(&store, &folder);
        for number in 0..30 {
            store.update(&QUEUE, |queue| {
                let id = queue.push(number.to_string());
                queue.push("other".into());
                queue.set(id, "changed".into());
                queue.move_to(id, 0);
            });
            saved.flush(LONG).expect("all is written");
            store.update(&QUEUE, |queue| {
                queue.remove(0);
                queue.remove(0);
            });
        }
    }
    {
        let store = ReactonStore::new();
        let _saved = all(&store, &folder);
    }
    let rows = Redb::at(folder.path().join("state.redb")).load().expect("the file can be read");
    assert!(rows.len() < 30, "{} rows", rows.len());
}

#[test]
fn d2_members_of_a_family_come_back_and_those_that_were_removed_do_not() {
    let folder = folder();
    for round in 0..3 {
        let store = ReactonStore::new();
        let saved = all(&store, &folder);
        assert_eq!(store.get(saved.status()), SaveStatus::Saved, "round {round}");
        let held = [1, 2, 3].map(|key| store.get(&NOTE.of(key)));
        let expected = match round {
            0 => ["item 1", "item 2", "item 3"],
            1 => ["one", "two", "item 3"],
            _ => ["item 1", "two", "three"],
        };
        assert_eq!(held, expected, "round {round}");
        match round {
            0 => store.batch(|store| {
                store.set(&NOTE.of(1), "one".into());
                store.set(&NOTE.of(2), "two".into());
            }),
            _ => store.batch(|store| {
                store.remove(&NOTE.of(1));
                store.set(&NOTE.of(3), "three".into());
            }),
        }
    }
}

#[test]
fn d2_a_removed_item_leaves_none_of_its_rows_in_the_file() {
    let folder = folder();
    let path = folder.path().join("state.redb");
    let rows = || {
        let mut rows = Redb::at(&path).load().expect("the file can be read");
        rows.retain(|row: &Row| row.reacton == "queue");
        rows.len()
    };
    let ids = {
        let store = ReactonStore::new();
        let saved = all(&store, &folder);
        let ids = ["a", "b", "c"].map(|item| store.update(&QUEUE, |queue| queue.push(item.into())));
        saved.flush(LONG).expect("the file is written");
        // Rows of their own.
        store.update(&QUEUE, |queue| {
            for id in ids {
                queue.set(id, "changed".into());
            }
            queue.move_to(ids[2], 0);
        });
        saved.flush(LONG).expect("the file is written");
        store.update(&QUEUE, |queue| queue.remove(ids[0]));
        ids
    };
    assert_eq!(rows(), 5, "of b its existence and its value, of c also its position");
    {
        // Also what an earlier run has written.
        let store = ReactonStore::new();
        let _saved = all(&store, &folder);
        assert_eq!(queue(&store), ["changed", "changed"]);
        store.update(&QUEUE, |queue| queue.remove(ids[2]));
    }
    assert_eq!(rows(), 2);
}
