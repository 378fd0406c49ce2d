//! C7: changes as a stream, on the thread of the store and on any other.

use std::collections::BTreeMap;
use std::pin::Pin;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use futures_core::Stream;
use futures_lite::StreamExt;
use reacton::prelude::*;

use crate::{DONE, ROWS, row, told};

fn next<S: Stream + Unpin>(stream: &mut S) -> Poll<Option<S::Item>> {
    Pin::new(stream).poll_next(&mut Context::from_waker(Waker::noop()))
}

macro_rules! lines {
    ($changes:expr) => {
        next(&mut $changes)
            .map(|changes| changes.map(|changes| changes.iter().map(told).collect::<Vec<_>>()))
    };
}

fn ready(lines: &[&str]) -> Poll<Option<Vec<String>>> {
    Poll::Ready(Some(lines.iter().map(|line| (*line).to_owned()).collect()))
}

#[test]
fn c7_a_stream_returns_everything_first_and_then_what_changed() {
    let store = ReactonStore::new();
    store.update(&ROWS, |rows| rows.extend([(2, row("two")), (1, row("one"))]));
    let mut changes = store.stream_changes(&ROWS);
    assert_eq!(lines!(changes), ready(&["+1 one", "+2 two"]));
    assert_eq!(lines!(changes), Poll::Pending);
    store.update(&ROWS, |rows| rows.insert(2, row("II")));
    assert_eq!(lines!(changes), ready(&["2 two II"]));
    store.remove(&ROWS);
    assert_eq!(lines!(changes), Poll::Ready(None));
    let mut of_nothing = store.stream_changes(&DONE);
    assert_eq!(next(&mut of_nothing), Poll::Pending);
}

#[test]
fn c7_what_a_slow_reader_has_not_taken_is_composed() {
    let store = ReactonStore::new();
    let (mut here, handle) = (store.stream_changes(&ROWS), store.handle());
    let mut there = handle.stream_changes(&ROWS);
    store.pump();
    for n in 0..1000 {
        store.update(&ROWS, |rows| rows.insert(n % 3, row(&n.to_string())));
    }
    store.update(&ROWS, |rows| rows.remove(&1));
    let told = ["+0 999", "+2 998"];
    assert_eq!((lines!(here), lines!(there)), (ready(&told), ready(&told)));
    store.update(&ROWS, |rows| rows.insert(5, row("five")));
    store.update(&ROWS, |rows| rows.remove(&5));
    assert_eq!((lines!(here), lines!(there)), (Poll::Pending, Poll::Pending));
    // The entry is restored before the stream is read.
    store.update(&ROWS, |rows| rows.insert(0, row("other")));
    store.update(&ROWS, |rows| rows.insert(0, row("999")));
    assert_eq!((lines!(here), lines!(there)), (Poll::Pending, Poll::Pending));
    store.dispose();
    assert_eq!((lines!(here), lines!(there)), (Poll::Ready(None), Poll::Ready(None)));
}

#[test]
fn c7_a_stream_that_begins_in_a_batch_has_everything_once() {
    let store = ReactonStore::new();
    let mut changes = store.batch(|store| {
        store.update(&ROWS, |rows| rows.insert(1, row("one")));
        let changes = store.stream_changes(&ROWS);
        store.update(&ROWS, |rows| rows.insert(2, row("two")));
        changes
    });
    assert_eq!(lines!(changes), ready(&["+1 one", "+2 two"]));
}

#[test]
fn c7_any_thread_keeps_a_copy_in_step() -> Result<(), Box<dyn std::error::Error>> {
    let store = ReactonStore::new();
    store.update(&ROWS, |rows| rows.extend((0..100).map(|key| (key, row("first")))));
    let handle = store.handle();
    let elsewhere = std::thread::spawn(move || {
        futures_lite::future::block_on(async {
            let mut changes = handle.stream_changes(&ROWS);
            let mut copy = BTreeMap::new();
            for n in 0.. {
                handle.update(&ROWS, move |rows| {
                    rows.insert(n * 7 % 150, row(&n.to_string()));
                    rows.remove(&((n * 3 + 1) % 150));
                });
                for change in changes.next().await.unwrap_or_default() {
                    match change {
                        Change::Added { key, new } | Change::Replaced { key, new, .. } => {
                            copy.insert(key, new);
                        }
                        Change::Removed { key, .. } => drop(copy.remove(&key)),
                    }
                }
                if n == 300 {
                    break;
                }
            }
            let rows = handle.get(&ROWS).await?;
            // The last changes are on their way, in the order in which they happened.
            let last = Duration::from_secs(60);
            let begin = std::time::Instant::now();
            while !rows.iter().eq(copy.iter().map(|(key, row)| (key, &**row)))
                && begin.elapsed() < last
            {
                for change in changes.next().await.unwrap_or_default() {
                    match change.new() {
                        Some(new) => drop(copy.insert(*change.key(), new.clone())),
                        None => drop(copy.remove(change.key())),
                    }
                }
            }
            assert!(rows.iter().eq(copy.iter().map(|(key, row)| (key, &**row))));
            Ok::<_, HandleError>(())
        })
    });
    let end = store.run_until(Duration::MAX, |_| false);
    assert_eq!(end, Err(RunError::Disconnected));
    elsewhere.join().map_err(|_| "it panicked")??;
    Ok(())
}
