//! What a store of the simulation writes to the collections, and what it shows of them.

use reacton::collections::Merge;
use reacton::prelude::*;
use reacton::testing::removals as removed_members;

use super::newest::Written;
use super::{COUNTED, MARK, PAIRED, PAIRS, QUEUE, ROWS, TAGS, TITLE, TOTAL};

pub(super) fn edit(store: &ReactonStore, what: usize, key: u8, value: u16, written: &mut Written) {
    match what {
        0..3 => {
            store.update(&ROWS, |rows| rows.insert(key, value % 4));
            written.touch(key);
        }
        3 | 4 => {
            if store.update(&ROWS, |rows| rows.remove(&key)).is_some() {
                written.touch(key);
            }
        }
        5 if value.is_multiple_of(3) => {
            store.update(&ROWS, ReactonMap::clear);
            written.reset();
        }
        6 if value.is_multiple_of(3) => {
            store.set(&ROWS, [(key, value)].into());
            written.reset();
            written.touch(key);
        }
        7 => {
            store.update(&COUNTED, |rows| drop(rows.insert(key, value)));
            edit_mark(store, key, value);
        }
        8 => {
            store.update(&TAGS, |tags| tags.insert(key));
            store.update(&COUNTED, |rows| drop(rows.remove(&(key + 1))));
        }
        9 => {
            store.update(&TAGS, |tags| tags.remove(&key));
            edit_mark(store, key / 2, value);
        }
        10 if value.is_multiple_of(5) => store.update(&TOTAL, |total| total.set(i64::from(value))),
        10 => store.update(&TOTAL, |total| total.add(i64::from(value) - 500)),
        12..16 => store.update(&QUEUE, |queue| edit_queue(queue, what, key.into(), value)),
        _ => store.batch(|store| {
            store.update(&PAIRS, |pairs| drop(pairs.insert(0, value)));
            store.set(&MARK.of(PAIRED), value);
            store.set(&TITLE, value);
        }),
    }
}

/// Writes a member, its initial value too, or removes one.
fn edit_mark(store: &ReactonStore, key: u8, value: u16) {
    match value % 8 {
        0 => store.set(&MARK.of(key), u16::from(key)),
        1 | 2 => store.remove(&MARK.of(key)),
        3 => store.update(&MARK.of(key), |mark| *mark = mark.wrapping_add(1)),
        _ => store.set(&MARK.of(key), value % 3),
    }
}

fn edit_queue(queue: &mut ReactonList<u16>, what: usize, key: usize, value: u16) {
    let (len, other) = (queue.len(), usize::from(value));
    match what {
        12 => {
            queue.insert(key.min(len), value);
        }
        13 if len > 0 => {
            queue.move_to(key % len, other % len);
        }
        14 if len > 0 => {
            queue.set(key % len, value);
        }
        15 if len > 0 && value.is_multiple_of(2) => {
            queue.remove(key % len);
        }
        _ => {
            queue.push(value);
        }
    }
}

pub(super) fn shown(store: &ReactonStore) -> String {
    let (rows, counted) = (store.get(&ROWS), store.get(&COUNTED));
    let (tags, queue, total) = (store.get(&TAGS), store.get(&QUEUE), store.get(&TOTAL));
    let (pairs, title) = (store.get(&PAIRS), store.get(&TITLE));
    let mut marks = store.keys(&MARK);
    marks.sort_unstable();
    let marks: Vec<_> = marks.into_iter().map(|key| (key, store.get(&MARK.of(key)))).collect();
    format!("{rows:?} {counted:?} {tags:?} {queue:?} {total:?} {marks:?} {pairs:?} {title}")
}

/// How many removals a store remembers.
pub(super) fn removals(store: &ReactonStore) -> usize {
    store.with(&ROWS, Merge::removals)
        + store.with(&COUNTED, Merge::removals)
        + store.with(&TAGS, Merge::removals)
        + store.with(&QUEUE, Merge::removals)
        + removed_members(store, &MARK)
}
