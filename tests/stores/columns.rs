//! S7: a spreadsheet whose column of running totals is read at its end first. No order of reads and no earlier read is
//! needed.

use std::cell::Cell;
use std::rc::Rc;
use std::thread;
use std::time::Duration;

use reacton::prelude::*;

const ROWS: usize = 10_000;

/// A column of cells, and beside it a column of totals: each is the total above plus the cell of its row.
struct Sheet {
    cells: Vec<LocalReacton<usize>>,
    totals: Vec<LocalComputed<usize>>,
    /// How many totals have been computed.
    runs: Rc<Cell<usize>>,
}

impl Sheet {
    /// A sheet in which the cell of row `n` holds `n`.
    fn new(store: &ReactonStore) -> Self {
        let runs = Rc::new(Cell::new(0));
        let cells: Vec<_> = (0..ROWS).map(|row| store.reacton(row)).collect();
        let mut totals: Vec<LocalComputed<usize>> = Vec::new();
        for &cell in &cells {
            let (above, runs) = (totals.last().copied(), Rc::clone(&runs));
            totals.push(store.computed(move |cx| {
                runs.set(runs.get() + 1);
                above.map_or(0, |above| cx.get(&above)) + cx.get(&cell)
            }));
        }
        Self { cells, totals, runs }
    }

    fn last(&self, store: &ReactonStore) -> usize {
        store.get(&self.totals[ROWS - 1])
    }
}

/// The sum of the rows from 0 to `ROWS`.
const SUM: usize = ROWS * (ROWS - 1) / 2;

/// Reads the last total first, edits, and reads again. Returns the last total.
fn read_and_edit(store: &ReactonStore) -> usize {
    let sheet = Sheet::new(store);
    assert_eq!((sheet.last(store), sheet.runs.take()), (SUM, ROWS));
    store.set(&sheet.cells[0], 1);
    assert_eq!((sheet.last(store), sheet.runs.take()), (SUM + 1, ROWS));
    store.set(&sheet.cells[ROWS - 1], 0);
    assert_eq!((sheet.last(store), sheet.runs.take()), (SUM + 2 - ROWS, 1));
    store.set(&sheet.cells[ROWS / 2], 0);
    sheet.last(store);
    assert_eq!(
        sheet.runs.take(),
        ROWS / 2,
        "only the cells from the edited one to the last are computed"
    );
    sheet.last(store)
}

#[test]
fn s7_a_column_of_10_000_totals_is_read_at_its_end_first() {
    let last = read_and_edit(&ReactonStore::new());
    let on_a_thread = thread::spawn(|| read_and_edit(&ReactonStore::new()));
    assert_eq!(on_a_thread.join().expect("the thread does not panic"), last);
}

#[test]
fn s7_an_effect_that_shows_a_column_of_10_000_totals_from_its_end_is_called_once_an_edit() {
    let store = ReactonStore::new();
    let sheet = Sheet::new(&store);
    let (shown, calls) = (Rc::new(Cell::new(0)), Rc::new(Cell::new(0)));
    let (show, call) = (Rc::clone(&shown), Rc::clone(&calls));
    let totals = sheet.totals.clone();
    store.effect(move |cx| {
        show.set(totals.iter().rev().map(|total| cx.get(total)).max().unwrap_or_default());
        call.set(call.get() + 1);
    });
    assert_eq!((shown.get(), calls.get(), sheet.runs.take()), (SUM, 1, ROWS));
    store.set(&sheet.cells[0], 10);
    assert_eq!((shown.get(), calls.get(), sheet.runs.take()), (SUM + 10, 2, ROWS));
}

#[reacton]
static GO: bool = false;
#[reacton]
static LAST: usize = 0;

#[worker(shared = [GO, LAST])]
fn sheet(store: &ReactonStore) {
    store.subscribe(&GO, |store, _| store.set(&LAST, read_and_edit(&ReactonStore::new())));
}

#[test]
fn s7_a_column_of_10_000_totals_is_read_at_its_end_first_in_a_worker()
-> Result<(), Box<dyn std::error::Error>> {
    let store = ReactonStore::new();
    let worker = sheet::spawn(&store)?;
    store.set(&GO, true);
    store.run_until(Duration::from_secs(60), |store| store.get(&LAST) != 0)?;
    assert_eq!(store.get(&LAST), read_and_edit(&ReactonStore::new()));
    Ok(worker.shutdown(Duration::from_secs(60))?)
}
