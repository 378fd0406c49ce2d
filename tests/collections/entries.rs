//! C4: one entry is a reacton of its own.

use std::time::Duration;

use reacton::prelude::*;
use reacton_support::Log;

use crate::{CHOSEN, ROWS, Row, row};

#[test]
fn c4_an_observer_of_an_entry_is_called_for_that_entry_only() {
    let store = ReactonStore::new();
    let log = Log::new();
    for key in 0..50 {
        let heard = log.clone();
        store.subscribe(&ROWS.at(key), move |_, row: &Option<Row>| {
            heard.push((key, row.as_ref().map(|row| row.name.clone())));
        });
    }
    store.update(&ROWS, |rows| rows.insert(7, row("seven")));
    store.update(&ROWS, |rows| rows.insert(70, row("seventy")));
    store.update(&ROWS, |rows| rows.insert(7, row("seven")));
    store.update(&ROWS, |rows| rows.update(&7, |row| row.name.push('!')));
    store.batch(|store| {
        store.update(&ROWS, |rows| rows.insert(3, row("three")));
        store.update(&ROWS, |rows| rows.remove(&3));
        store.update(&ROWS, |rows| rows.remove(&7));
    });
    assert_eq!(log.take(), [(7, Some("seven".into())), (7, Some("seven!".into())), (7, None)]);
}

#[test]
fn c4_an_entry_is_read_in_all_the_ways_of_a_reacton() {
    let store = ReactonStore::new();
    store.update(&ROWS, |rows| rows.insert(1, row("one")));
    assert_eq!(store.get(&ROWS.at(1)), Some(row("one")));
    assert!(store.with(&ROWS.at(2), Option::is_none));
    let watched = Log::new();
    let (heard, seen) = (watched.clone(), watched.clone());
    store.watch(&ROWS.at(1), move |_, row| heard.push(row.clone().map(|row| row.name)));
    let name = store.computed(|cx| cx.get(&ROWS.at(1)).map_or(String::new(), |row| row.name));
    store.effect(move |cx| seen.push(Some(cx.get(&name))));
    store.update(&ROWS, |rows| rows.insert(1, row("uno")));
    store.update(&ROWS, |rows| rows.insert(2, row("dos")));
    let told = ["one", "one", "uno", "uno"].map(|name| Some(name.to_owned()));
    assert_eq!(watched.take(), told);
    store.update(&CHOSEN, |chosen| chosen.insert(4));
    assert_eq!((store.get(&CHOSEN.at(4)), store.get(&CHOSEN.at(5))), (true, false));
    assert_eq!(format!("{:?}", ROWS.at(3)), "collections::ROWS.at(3)");
}

#[test]
fn c4_an_effect_depends_on_the_entries_that_it_reads() {
    let store = ReactonStore::new();
    let chosen = store.reacton(1_u32);
    let log = Log::new();
    let seen = log.clone();
    store.effect(move |cx| {
        let key = cx.get(&chosen);
        seen.push(cx.get(&ROWS.at(key)).map(|row| row.name));
    });
    store.update(&ROWS, |rows| rows.extend([(1, row("one")), (2, row("two"))]));
    store.set(&chosen, 2);
    store.update(&ROWS, |rows| rows.insert(1, row("not read")));
    store.update(&ROWS, |rows| rows.insert(2, row("zwei")));
    let told = [None, Some("one"), Some("two"), Some("zwei")].map(|name| name.map(str::to_owned));
    assert_eq!(log.take(), told);
}

#[test]
fn c4_an_entry_that_nothing_observes_is_forgotten() {
    let store = ReactonStore::new();
    let position = store.reacton(0_u32);
    // A window that is scrolled through a long table.
    store.effect(move |cx| {
        let first = cx.get(&position);
        for key in first..first + 10 {
            cx.get(&ROWS.at(key));
        }
    });
    for first in 0..2000 {
        store.set(&position, first);
    }
    let log = Log::new();
    let heard = log.clone();
    store.subscribe(&ROWS.at(5), move |_, row| heard.push(row.is_some()));
    store.update(&ROWS, |rows| rows.extend((0..3000).map(|key| (key, row("row")))));
    assert_eq!(log.take(), [true]);
    assert!(store.get(&ROWS.at(2005)).is_some());
}

#[test]
fn c4_any_thread_reads_and_watches_an_entry() -> Result<(), Box<dyn std::error::Error>> {
    let store = ReactonStore::new();
    let handle = store.handle();
    let elsewhere = std::thread::spawn(move || {
        futures_lite::future::block_on(async {
            use futures_lite::StreamExt;
            let mut rows = handle.watch(&ROWS.at(1));
            let mut seen = vec![rows.next().await];
            handle.update(&ROWS, |rows| rows.insert(2, row("two"))).await?;
            handle.update(&ROWS, |rows| rows.insert(1, row("one"))).await?;
            seen.push(rows.next().await);
            assert_eq!(handle.get(&ROWS.at(2)).await?, Some(row("two")));
            Ok::<_, HandleError>(seen)
        })
    });
    let end = store.run_until(Duration::MAX, |_| false);
    assert_eq!(end, Err(RunError::Disconnected));
    let seen = elsewhere.join().map_err(|_| "it panicked")??;
    assert_eq!(seen, [Some(None), Some(Some(row("one")))]);
    Ok(())
}
