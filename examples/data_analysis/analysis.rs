//! From rows to statistics: what the worker computes. Uses no store.

use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::Row;

/// The mean length of a year in the Gregorian calendar, in days.
const YEAR: f64 = 365.2425;

/// The statistics of one column.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub(crate) struct Analysis {
    /// How many numbers the column has.
    count: usize,
    /// How many cells of the column are empty.
    missing: usize,
    /// How many cells of the column contain something other than a number.
    not_numbers: usize,
    mean: f64,
    median: f64,
    /// The first and the third quartile.
    quartiles: (f64, f64),
    /// 1.5 interquartile ranges outside of the quartiles. A value beyond them is an outlier.
    fences: (f64, f64),
    /// The outliers with the names of their rows, the most extreme first.
    outliers: Vec<(String, f64)>,
    /// `None` if there are fewer than two days, or rows, through which to draw a line.
    trend: Option<Trend>,
}

/// The straight line whose distances to the values have the smallest sum of squares.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
struct Trend {
    slope: f64,
    per: Span,
    /// How many values the line is computed from. Rows with an unreadable date are left out.
    count: usize,
}

/// The unit along which a slope is measured: years if the rows have dates.
#[derive(Clone, Copy, PartialEq, Debug, Serialize, Deserialize)]
enum Span {
    Year,
    Row,
}

/// Computes the statistics of one column. Returns the reason if there are none.
pub(crate) fn analyse(rows: &[Row], column: &str) -> Result<Analysis, String> {
    if !rows.iter().any(|row| row.contains_key(column)) {
        let mut names: Vec<&str> = rows.iter().flat_map(Row::keys).map(String::as_str).collect();
        names.sort_unstable();
        names.dedup();
        return Err(format!("there is no column `{column}`: choose one of {}", names.join(", ")));
    }
    let numbers: Vec<(usize, f64)> = rows
        .iter()
        .enumerate()
        .filter_map(|(at, row)| Some((at, row.get(column)?.as_f64()?)))
        .collect();
    if numbers.is_empty() {
        return Err(format!("the column `{column}` holds no numbers: choose another"));
    }
    let missing = rows.iter().filter(|row| row.get(column).is_none_or(Value::is_null)).count();
    let mut sorted: Vec<f64> = numbers.iter().map(|&(_, number)| number).collect();
    sorted.sort_unstable_by(f64::total_cmp);
    let (first, third) = (quartile(&sorted, 1), quartile(&sorted, 3));
    let reach = 1.5 * (third - first);
    let fences = (first - reach, third + reach);
    Ok(Analysis {
        count: numbers.len(),
        missing,
        not_numbers: rows.len() - missing - numbers.len(),
        mean: mean(sorted.iter().copied()),
        median: quartile(&sorted, 2),
        quartiles: (first, third),
        fences,
        outliers: outliers(rows, &numbers, fences),
        trend: trend(rows, &numbers),
    })
}

fn mean(numbers: impl ExactSizeIterator<Item = f64>) -> f64 {
    let count = to_f64(numbers.len());
    numbers.sum::<f64>() / count
}

/// Returns the quartile with this number, interpolated linearly between the two nearest values: type 7 of Hyndman and
/// Fan, the default of R and of numpy.
fn quartile(sorted: &[f64], quarters: usize) -> f64 {
    let steps = (sorted.len() - 1) * quarters;
    let (below, above) = (sorted[steps / 4], sorted[steps.div_ceil(4)]);
    below + (above - below) * to_f64(steps % 4) / 4.0
}

fn outliers(rows: &[Row], numbers: &[(usize, f64)], (low, high): (f64, f64)) -> Vec<(String, f64)> {
    let beyond = |number: f64| (low - number).max(number - high);
    let mut outliers: Vec<(usize, f64)> =
        numbers.iter().copied().filter(|&(_, number)| beyond(number) > 0.0).collect();
    outliers.sort_by(|(_, a), (_, b)| beyond(*b).total_cmp(&beyond(*a)));
    let name = |at: usize| date(&rows[at]).map_or_else(|| format!("row {}", at + 1), str::to_owned);
    outliers.into_iter().map(|(at, number)| (name(at), number)).collect()
}

fn trend(rows: &[Row], numbers: &[(usize, f64)]) -> Option<Trend> {
    let dated: Vec<(f64, f64)> = numbers
        .iter()
        .filter_map(|&(at, number)| Some((f64::from(days(date(&rows[at])?)?) / YEAR, number)))
        .collect();
    let (per, points) = if dated.is_empty() {
        (Span::Row, numbers.iter().map(|&(at, number)| (to_f64(at), number)).collect())
    } else {
        (Span::Year, dated)
    };
    let slope = slope(&points)?;
    Some(Trend { slope, per, count: points.len() })
}

/// Returns the slope of the least-squares line; `None` if all points are above one another.
fn slope(points: &[(f64, f64)]) -> Option<f64> {
    let middle = (mean(points.iter().map(|p| p.0)), mean(points.iter().map(|p| p.1)));
    let spread: f64 = points.iter().map(|(x, _)| (x - middle.0).powi(2)).sum();
    let together: f64 = points.iter().map(|(x, y)| (x - middle.0) * (y - middle.1)).sum();
    (spread > 0.0).then(|| together / spread)
}

fn date(row: &Row) -> Option<&str> {
    row.iter().find(|(name, _)| name.eq_ignore_ascii_case("date"))?.1.as_str()
}

/// Returns how many days `2012/01/31` or `2012-01-31` is after the first of March of the year 0 (Howard Hinnant,
/// `days_from_civil`: a year that begins in March has its leap day at the end).
fn days(date: &str) -> Option<i32> {
    let mut parts = date.split(['/', '-']);
    let (year, month, day): (i32, i32, i32) =
        (parts.next()?.parse().ok()?, parts.next()?.parse().ok()?, parts.next()?.parse().ok()?);
    if parts.next().is_some() || !(0..=9999).contains(&year) {
        return None;
    }
    if !(1..=12).contains(&month) || !(1..=31).contains(&day) {
        return None;
    }
    let (year, month) = if month > 2 { (year, month - 3) } else { (year - 1, month + 9) };
    let leap_days = year.div_euclid(4) - year.div_euclid(100) + year.div_euclid(400);
    Some(year * 365 + leap_days + (153 * month + 2) / 5 + day - 1)
}

#[expect(clippy::cast_precision_loss, reason = "rows are fewer than 2 to the power of 52")]
fn to_f64(count: usize) -> f64 {
    count as f64
}

impl fmt::Display for Analysis {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { count, missing, not_numbers, mean, median, quartiles, fences, outliers, trend } =
            self;
        writeln!(f, "{count} numbers, {missing} missing, {not_numbers} not numbers")?;
        writeln!(f, "  mean       {mean:.3}")?;
        writeln!(f, "  median     {median:.3}")?;
        writeln!(
            f,
            "  quartiles  {:.3} and {:.3} (linear between ranks)",
            quartiles.0, quartiles.1
        )?;
        writeln!(
            f,
            "  outliers   {} (below {:.3} or above {:.3})",
            outliers.len(),
            fences.0,
            fences.1
        )?;
        for (row, number) in outliers.iter().take(5) {
            writeln!(f, "             {row}: {number}")?;
        }
        match trend {
            Some(Trend { slope, per, count }) => {
                let per = match per {
                    Span::Year => "year",
                    Span::Row => "row",
                };
                writeln!(
                    f,
                    "  trend      {slope:+.4} per {per} (least squares over {count} values)"
                )
            }
            None => writeln!(f, "  trend      none: it takes values of two days, or of two rows"),
        }
    }
}
