//! What a store of the simulation writes to the collections, and what it shows of them.

use reacton::collections::Merge;
use reacton::prelude::*;
use reacton::testing::removals as removed_members;

use super::newest::Written;
use super::{COUNTED, LINE, MARK, PAIRED, PAIRS, QUEUE, ROWS, TAGS, TITLE, TOTAL};

/// Keys that are written are smaller.
pub(super) const KEYS: u8 = 5;

/// How many kinds of edits there are.
pub(super) const EDITS: usize = 20;

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
            edit_mark(store, key, value, written);
        }
        8 => {
            store.update(&TAGS, |tags| tags.insert(key));
            store.update(&COUNTED, |rows| drop(rows.remove(&(key + 1))));
        }
        9 => {
            store.update(&TAGS, |tags| tags.remove(&key));
            edit_mark(store, key / 2, value, written);
        }
        10 if value.is_multiple_of(5) => store.update(&TOTAL, |total| total.set(i64::from(value))),
        10 => store.update(&TOTAL, |total| total.add(i64::from(value) - 500)),
        12..16 => store.update(&QUEUE, |queue| edit_list(queue, what - 12, key.into(), value)),
        16..20 => store.update(&LINE, |line| edit_list(line, what - 16, key.into(), value)),
        _ => store.batch(|store| {
            store.update(&PAIRS, |pairs| drop(pairs.insert(0, value)));
            store.set(&MARK.of(PAIRED), value);
            store.set(&TITLE, value);
        }),
    }
}

/// Writes a member, its initial value too, or removes one.
fn edit_mark(store: &ReactonStore, key: u8, value: u16, written: &mut Written) {
    match value % 8 {
        0 => store.set(&MARK.of(key), u16::from(key)),
        1 | 2 => {
            store.remove(&MARK.of(key));
            written.removes_member = true;
        }
        3 => store.update(&MARK.of(key), |mark| *mark = mark.wrapping_add(1)),
        _ => store.set(&MARK.of(key), value % 3),
    }
}

fn edit_list(list: &mut ReactonList<u16>, what: usize, key: usize, value: u16) {
    let (len, other) = (list.len(), usize::from(value));
    match what {
        0 => {
            let id = list.insert(key.min(len), value);
            // A new item that is moved or replaced in the same transaction.
            if value.is_multiple_of(3) {
                list.move_to(id, other % (len + 1));
            }
            if value.is_multiple_of(5) {
                list.set(id, value / 2);
            }
        }
        1 if len > 0 => {
            list.move_to(key % len, other % len);
        }
        2 if len > 0 => {
            list.set(key % len, value);
        }
        3 if len > 0 && value.is_multiple_of(2) => {
            list.remove(key % len);
        }
        3 if value.is_multiple_of(31) => list.clear(),
        3 if value.is_multiple_of(37) => {
            // The items are the same, and new ones.
            let mut items: Vec<_> = list.iter().copied().collect();
            items.rotate_left(key % len.max(1));
            *list = items.into_iter().collect();
        }
        _ => {
            list.push(value);
        }
    }
}

pub(super) fn shown(store: &ReactonStore) -> String {
    let (rows, counted) = (store.get(&ROWS), store.get(&COUNTED));
    let (tags, total) = (store.get(&TAGS), store.get(&TOTAL));
    let [queue, line] = [store.get(&QUEUE), store.get(&LINE)]
        .map(|list| list.ids().zip(list.iter().copied()).collect::<Vec<_>>());
    let (pairs, title) = (store.get(&PAIRS), store.get(&TITLE));
    let mut marks = store.keys(&MARK);
    marks.sort_unstable();
    let marks: Vec<_> = marks.into_iter().map(|key| (key, store.get(&MARK.of(key)))).collect();
    format!(
        "{rows:?} {counted:?} {tags:?} {queue:?} {line:?} {total:?} {marks:?} {pairs:?} {title}"
    )
}

/// How many removals a store remembers.
pub(super) fn removals(store: &ReactonStore) -> usize {
    store.with(&ROWS, Merge::removals)
        + store.with(&COUNTED, Merge::removals)
        + store.with(&TAGS, Merge::removals)
        + store.with(&QUEUE, Merge::removals)
        + store.with(&LINE, Merge::removals)
        + removed_members(store, &MARK)
}
