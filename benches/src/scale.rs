//! How costs grow: one operation at n, 2n and 4n, each in a separate process, and the exponent between the first and
//! the last.
//!
//! If the cost of an operation depends only on what changes, its exponent is 0, whatever else the program has.

mod pools;
mod queues;
mod rows;
mod sharing;
mod state;

use std::time::{Duration, Instant};

use rows::{Row, Unit};

use crate::figures::time;
use crate::options::Options;
use crate::process::{self, Ending};

/// A measurement that takes longer counts as one that does not end.
const PATIENCE: Duration = Duration::from_secs(60);

/// Measures every row, and prints one table with the exponents.
pub(crate) fn table(args: impl Iterator<Item = String>) -> Result<(), String> {
    let Options { only, rounds } = Options::parse(args)?;
    let rows = rows::all();
    if let Some(only) = &only {
        row(&rows, only)?;
    }
    println!(
        "| operation | n | 2n | 4n | exponent | to reach |\n| --- | --- | --- | --- | --- | --- |"
    );
    for row in rows.iter().filter(|row| only.as_ref().is_none_or(|only| only == row.name)) {
        let mut figures = Vec::new();
        for size in row.sizes {
            let mut best = None;
            for _ in 0..rounds {
                let figure = in_child(row, size)?;
                best = match (best, figure) {
                    (Some(best), Some(figure)) => Some(f64::min(best, figure)),
                    (best, figure) => best.or(figure),
                };
            }
            figures.push(best);
        }
        println!("{}", line(row, &figures));
    }
    Ok(())
}

fn row<'a>(rows: &'a [Row], name: &str) -> Result<&'a Row, String> {
    rows.iter().find(|row| row.name == name).ok_or_else(|| {
        let names: Vec<_> = rows.iter().map(|row| row.name).collect();
        format!("no row `{name}`; there are {}", names.join(", "))
    })
}

/// Returns the cost of one operation, or `None` if the measurement did not end.
fn in_child(row: &Row, size: usize) -> Result<Option<f64>, String> {
    let program = match row.unit {
        Unit::Bytes => process::sibling("weigh")?,
        Unit::Time | Unit::Times => process::myself()?,
    };
    let args = ["one-scale".to_owned(), row.name.to_owned(), size.to_string()];
    match process::child(&program, &args, PATIENCE)? {
        Ending::Died => Err(format!("`{}` at {size} has panicked", row.name)),
        Ending::CutOff => Ok(None),
        Ending::Said(line) => match line.trim().parse() {
            Ok(figure) => Ok(Some(figure)),
            Err(error) => Err(format!("a child said {line:?}: {error}")),
        },
    }
}

fn line(row: &Row, figures: &[Option<f64>]) -> String {
    let show = |figure: &Option<f64>| match (figure, row.unit) {
        (None, _) => "did not end".to_owned(),
        (Some(figure), Unit::Time) => time(*figure),
        (Some(figure), Unit::Bytes) => format!("{:.2} MB", figure / 1e6),
        (Some(figure), Unit::Times) => format!("{figure:.2} times"),
    };
    let cells: Vec<_> =
        row.sizes.iter().zip(figures).map(|(n, figure)| format!("{n}: {}", show(figure))).collect();
    let growth = match (figures.first(), figures.last()) {
        (Some(Some(first)), Some(Some(last))) if *first > 0.0 && *last > 0.0 => {
            format!("{:.2}", exponent(&row.sizes, *first, *last))
        }
        _ => "-".to_owned(),
    };
    format!("| {} | {} | {growth} | {} |", row.title, cells.join(" | "), row.to_reach)
}

/// Returns x, if the cost of one operation grows as n to the power of x.
#[expect(clippy::cast_precision_loss, reason = "far fewer than 2^52")]
fn exponent(sizes: &[usize; 3], first: f64, last: f64) -> f64 {
    (last / first).log2() / (sizes[2] as f64 / sizes[0] as f64).log2()
}

/// Measures one row at one size in this process, and prints one number. `live` returns how many bytes are allocated.
pub(crate) fn one(
    mut args: impl Iterator<Item = String>,
    live: &dyn Fn() -> usize,
) -> Result<(), String> {
    let rows = rows::all();
    let row = row(&rows, &args.next().unwrap_or_default())?;
    let size = args.next().unwrap_or_default();
    let size = size.parse().map_err(|error| format!("the size `{size}`: {error}"))?;
    println!("{}", (row.measure)(size, live));
    Ok(())
}

/// Returns how long `f` takes.
fn timed(f: impl FnOnce()) -> Duration {
    let begin = Instant::now();
    f();
    begin.elapsed()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_exponent_of_a_square_is_two() {
        let exponent = exponent(&[10, 20, 40], 3.0, 48.0);
        assert!((exponent - 2.0).abs() < 1e-9, "{exponent}");
    }

    #[test]
    fn every_row_has_a_name_of_its_own_and_doubles_its_sizes() {
        let rows = rows::all();
        for (index, row) in rows.iter().enumerate() {
            let [n, double, four] = row.sizes;
            assert_eq!((double, four), (2 * n, 4 * n), "{}", row.name);
            assert!(rows[..index].iter().all(|other| other.name != row.name), "{}", row.name);
        }
    }
}
