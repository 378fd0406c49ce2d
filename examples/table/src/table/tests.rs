//! Tests that use the table as its window does.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use reacton::persist::OpenError;
use reacton::prelude::*;
use reacton::testing::Simulation;

use super::{Column, Table};
use crate::stock::{ARTICLES, Article};

/// The longest wait, also on a busy machine.
const LONG: Duration = Duration::from_secs(90);

/// Returns the numbers and names of the first rows that are shown.
fn first(table: &Table, count: usize) -> Vec<(u64, String)> {
    table.window(0..count).map(|(number, article)| (number, article.name.to_string())).collect()
}

#[test]
fn all_rows_arrive_and_are_sorted_and_filtered() {
    let mut table = Table::new();
    table.begin(4000, 0).expect("the workers start");
    table.store.run_until(LONG, |_| table.counts() == (4000, 4000)).expect("all rows arrive");
    assert_eq!(first(&table, 2).iter().map(|(number, _)| *number).collect::<Vec<_>>(), [0, 1]);
    table.sort(Column::Number);
    assert_eq!(first(&table, 1)[0].0, 3999);
    table.sort(Column::Price);
    let prices: Vec<_> = table.window(0..4000).map(|(_, article)| article.price).collect();
    assert!(prices.is_sorted() && prices.len() == 4000);
    table.search("lamp".into());
    let (all, shown) = table.counts();
    assert!(all == 4000 && shown > 100 && shown < 2000, "{shown}");
    assert!(first(&table, 4000).iter().all(|(_, name)| name.contains("lamp")));
    table.search("no such article".into());
    assert_eq!((table.counts(), first(&table, 10)), ((4000, 0), vec![]));
    assert_eq!(table.close(), Ok(()));
}

#[test]
fn in_every_schedule_the_window_is_in_step_with_the_table() {
    for seed in 0..20 {
        let simulation = Simulation::threaded(seed);
        let mut table = Table::new();
        table.begin(400, 5000).expect("the workers start");
        table.sort(Column::Pieces);
        for _ in 0..300 {
            simulation.step();
            table.take_turn();
            let pieces: Vec<_> = table.window(0..400).map(|(_, article)| article.pieces).collect();
            assert!(pieces.is_sorted(), "seed {seed}");
            let (all, shown) = table.counts();
            assert_eq!((all, shown), (pieces.len(), pieces.len()), "seed {seed}");
        }
        assert_eq!(table.close(), Ok(()));
    }
}

fn article(store: &ReactonStore, number: u64) -> Article {
    store.with(&ARTICLES, |rows| rows.get(&number).cloned()).expect("the row is there")
}

fn saved(path: &Path) -> Table {
    let mut table = Table::new();
    table.remember(path).expect("the file opens");
    assert_eq!(table.problems(), [""; 0]);
    table
}

/// Takes turns until an article has this name.
fn await_name(table: &Table, number: u64, name: &str) {
    let is_named = |store: &ReactonStore| **article(store, number).shown_name() == *name;
    table.store.run_until(LONG, is_named).expect("a worker writes the name into the row");
}

#[test]
fn the_second_start_shows_the_rows_and_the_names_of_the_first() {
    let folder = tempfile::tempdir().expect("a folder can be made");
    let path = folder.path().join("new/articles.redb");
    let mut table = saved(&path);
    table.begin(4000, 1000).expect("the workers start");
    table.store.run_until(LONG, |_| table.written() > 5000).expect("rows change");
    table.rename(7, " red herring ");
    await_name(&table, 7, "red herring");
    let given = article(&table.store, 8).name;
    table.rename(8, "undone");
    await_name(&table, 8, "undone");
    table.undo();
    await_name(&table, 8, &given);
    assert_eq!(table.close(), Ok(()));
    let rows = table.store.get(&ARTICLES);

    let mut table = saved(&path);
    // Before any worker runs.
    assert_eq!((table.counts(), table.edits()), ((4000, 4000), (false, false)));
    assert!(table.store.get(&ARTICLES) == rows);
    // Named when no worker runs.
    table.rename(8, "late");
    table.begin(4000, 0).expect("the workers start");
    await_name(&table, 8, "late");
    table.rename(9, "later");
    await_name(&table, 9, "later");
    assert_eq!(table.written(), 2, "the workers have written nothing but the two names");
    table.rename(7, "");
    await_name(&table, 7, &rows.get(&7).expect("the row is there").name);
    assert_eq!(table.close(), Ok(()));
}

#[test]
fn in_every_schedule_undo_and_redo_of_a_name_leave_what_the_workers_write() {
    for seed in 0..20 {
        let simulation = Simulation::threaded(seed);
        let mut table = Table::new();
        table.begin(40, 100_000).expect("the workers start");
        let until = |table: &Table, what: &str, is: &dyn Fn() -> bool| {
            for _ in 0..100_000 {
                if is() {
                    return;
                }
                simulation.step();
                table.take_turn();
            }
            panic!("seed {seed}: not {what}");
        };
        until(&table, "full", &|| table.counts().0 == 40);
        let of = |number| article(&table.store, number);
        let given = of(7);
        let traded = |before: &Article| until(&table, "traded", &|| of(7).changes > before.changes);
        let named = |name: &str| until(&table, name, &|| **of(7).shown_name() == *name);

        table.rename(7, "red herring");
        assert_eq!(table.edits(), (true, false), "seed {seed}");
        named("red herring");
        traded(&of(7));
        let before = of(7);
        table.undo();
        assert_eq!(table.edits(), (false, true), "seed {seed}");
        named(&given.name);
        assert!(of(7).changes >= before.changes, "seed {seed}: a trade was taken back");
        // A write of a worker does not end what can be done again.
        traded(&of(7));
        table.redo();
        assert_eq!(table.edits(), (true, false), "seed {seed}");
        named("red herring");
        assert!(of(7).changes > before.changes, "seed {seed}: a trade was taken back");
        assert_eq!(table.close(), Ok(()));
    }
}

#[test]
fn an_edit_that_changes_nothing_cannot_be_undone() {
    let mut table = Table::new();
    table.begin(40, 0).expect("the workers start");
    table.store.run_until(LONG, |_| table.counts().0 == 40).expect("all rows arrive");
    table.rename(7, &article(&table.store, 7).name);
    table.rename(7, "");
    table.rename(4000, "no such article");
    assert_eq!(table.edits(), (false, false));
    assert_eq!(table.close(), Ok(()));
}

#[test]
fn a_second_window_on_the_file_is_refused() {
    let folder = tempfile::tempdir().expect("a folder can be made");
    let path = folder.path().join("articles.redb");
    let mut table = saved(&path);
    let other = || {
        let output = Command::new(std::env::current_exe().expect("there is one"))
            .args(["table::tests::another_process", "--exact", "--nocapture"])
            .env("TABLE_FILE", &path)
            .output()
            .expect("the program runs");
        assert!(output.status.success(), "{output:?}");
        String::from_utf8_lossy(&output.stdout).into_owned()
    };
    let refused = other();
    assert!(refused.contains("articles.redb` is in use"), "{refused}");
    assert_eq!(table.close(), Ok(()));
    assert!(other().contains("opened"));
}

/// Not a test by itself: what the other process does.
#[test]
fn another_process() {
    let Some(path) = std::env::var_os("TABLE_FILE").map(PathBuf::from) else { return };
    match Table::new().remember(&path) {
        Ok(()) => println!("opened"),
        Err(error @ OpenError::InUse { .. }) => println!("{error}"),
        Err(error) => panic!("{error:?}"),
    }
}
