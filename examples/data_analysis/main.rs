//! Rows of dynamic values go to a worker, and a struct of statistics comes back.
//!
//! ```text
//! $ cargo run --release --example data_analysis [-- FILE.csv [COLUMN]]
//! temp_max: 1461 numbers, 0 missing, 0 not numbers
//!   mean       16.439
//!   median     15.600
//!   quartiles  10.600 and 22.200 (linear between ranks)
//!   outliers   0 (below -6.800 or above 39.600)
//!   trend      +0.9279 per year (least squares over 1461 values)
//! ```
//!
//! Without arguments it analyses `temp_max`, the highest temperature of each day in Seattle, from
//! `examples/data/seattle-weather.csv`. The column `precipitation` has outliers. The trend is by date if there is a
//! column `date`, otherwise by row.
use std::collections::HashMap;
use std::env;
use std::error::Error;
use std::path::Path;
use std::process::ExitCode;
use std::time::Duration;

use reacton::prelude::*;
use serde_json::Value;

mod analysis;

use analysis::{Analysis, analyse};

/// A line of the file: the names of the columns, and the values in them.
type Row = HashMap<String, Value>;

/// Daily observations at the airport of Seattle, by NOAA; see `examples/data/README.md`.
const WEATHER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/examples/data/seattle-weather.csv");

#[reacton]
static ROWS: Vec<Row> = Vec::new();

#[reacton]
static COLUMN: String = String::new();

#[reacton]
static ANALYSIS: Option<Result<Analysis, String>> = None;

#[worker(shared = [ROWS, COLUMN, ANALYSIS])]
fn analyst(store: &ReactonStore) {
    store.subscribe(&ROWS, |store, rows| {
        let analysis = store.with(&COLUMN, |column| analyse(rows, column));
        store.set(&ANALYSIS, Some(analysis));
    });
}

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

fn run() -> Result<(), Box<dyn Error>> {
    let mut words = env::args_os().skip(1);
    let file = words.next().unwrap_or_else(|| WEATHER.into());
    let column =
        words.next().map_or_else(|| "temp_max".into(), |word| word.to_string_lossy().into_owned());
    if words.next().is_some() {
        return Err("usage: data_analysis [FILE.csv [COLUMN]]".into());
    }
    let rows = read(file.as_ref()).map_err(|error| format!("{}: {error}", file.display()))?;

    let store = ReactonStore::new();
    let worker = analyst::spawn(&store)?;
    store.batch(|store| {
        // One transaction, so that the worker never sees the rows without the column that is to be analysed.
        store.set(&COLUMN, column.clone());
        store.set(&ROWS, rows);
    });
    let answered = store.run_until(Duration::MAX, |store| {
        // An error also ends the wait: if the rows could not be sent, there will be no answer.
        store.with(&ANALYSIS, Option::is_some) || store.with(worker.last_error(), Option::is_some)
    });
    if let IsolateStatus::Failed { message, .. } = store.get(worker.status()) {
        return Err(format!("the worker failed: {message}").into());
    }
    if let Some(error) = store.get(worker.last_error()) {
        return Err(error.into());
    }
    answered?;
    let analysis = store.get(&ANALYSIS).ok_or("the worker gave no answer")?;
    let analysis = analysis.map_err(|message| format!("{}: {message}", file.display()))?;
    print!("{column}: {analysis}");
    Ok(worker.shutdown(Duration::from_secs(5))?)
}

/// Reads a CSV file with a header. A cell that reads as a number becomes one, an empty cell `null`, and the rest text.
fn read(file: &Path) -> Result<Vec<Row>, Box<dyn Error>> {
    let mut reader = csv::ReaderBuilder::new().trim(csv::Trim::All).from_path(file)?;
    let names = reader.headers()?.clone();
    if names.is_empty() {
        return Err("the file is empty: its first line must name the columns".into());
    }
    let mut rows = Vec::new();
    for record in reader.records() {
        rows.push(
            names.iter().zip(&record?).map(|(name, cell)| (name.to_owned(), value(cell))).collect(),
        );
    }
    if rows.is_empty() {
        return Err("the file has no rows below its header: there is nothing to analyse".into());
    }
    Ok(rows)
}

fn value(cell: &str) -> Value {
    match cell.parse::<f64>() {
        _ if cell.is_empty() => Value::Null,
        // NaN and the infinities can be read as floats, but JSON does not have them, and statistics cannot use them.
        Ok(number) if number.is_finite() => number.into(),
        _ => cell.into(),
    }
}
