//! Makes one table in Markdown of the results of the child processes.

use super::LIBRARIES;
use super::workloads::Workload;
use crate::figures::time;

/// How many columns are ours.
const OURS: usize = 2;

/// One number of the table, or the reason why there is none.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Cell {
    /// `extra` is set if computeds ran more often than necessary.
    Number {
        value: f64,
        extra: bool,
    },
    Mark(&'static str),
    Absent,
}

/// One workload in every library.
pub(super) struct Row {
    pub(super) workload: Workload,
    title: &'static str,
    pub(super) cells: Vec<Cell>,
}

impl Cell {
    /// Reads the line that a child has printed.
    pub(super) fn parse(line: &str) -> Option<Self> {
        let (word, rest) = line.trim().split_once(' ').unwrap_or((line.trim(), ""));
        Some(match word {
            "time" | "bytes" => Self::Number { value: rest.parse().ok()?, extra: false },
            "extra" => Self::Number { value: rest.parse().ok()?, extra: true },
            "glitch" => Self::Mark("glitch"),
            "wrong" => Self::Mark("wrong"),
            "absent" => Self::Absent,
            _ => return None,
        })
    }

    /// Returns the faster of two rounds, because the other one was disturbed. A fault counts even if it appears only
    /// once.
    pub(super) fn better(self, other: Self) -> Self {
        match (self, other) {
            (Self::Absent, other) => other,
            (mark @ Self::Mark(_), _) | (_, mark @ Self::Mark(_)) => mark,
            (Self::Number { value: a, extra }, Self::Number { value: b, .. }) => {
                Self::Number { value: a.min(b), extra }
            }
            (one, Self::Absent) => one,
        }
    }

    /// Returns whether this is a reason why there is no number.
    pub(super) fn is_mark(&self) -> bool {
        matches!(self, Self::Mark(_))
    }

    fn number(&self) -> Option<f64> {
        match self {
            Self::Number { value, .. } => Some(*value),
            _ => None,
        }
    }
}

impl Row {
    /// A row without numbers yet.
    pub(super) fn of((workload, _, title, _): &(Workload, &str, &'static str, &str)) -> Self {
        Self { workload: *workload, title, cells: LIBRARIES.map(|_| Cell::Absent).to_vec() }
    }

    fn best_peer(&self) -> Option<f64> {
        self.cells[OURS..].iter().filter_map(Cell::number).min_by(f64::total_cmp)
    }

    fn print(&self) {
        print!("| {} |", self.title);
        for (column, cell) in self.cells.iter().enumerate() {
            let text = match cell {
                Cell::Absent => "-".to_owned(),
                Cell::Mark(mark) => (*mark).to_owned(),
                Cell::Number { value, extra } => {
                    let star = if *extra { "\\*" } else { "" };
                    let text = if self.workload.is_memory() {
                        format!("{value:.0}")
                    } else {
                        time(*value)
                    };
                    let ratio = self.best_peer().filter(|_| column < OURS);
                    let ratio =
                        ratio.map_or(String::new(), |best| format!(" (**{:.2}**)", value / best));
                    format!("{text}{star}{ratio}")
                }
            };
            print!(" {text} |");
        }
        println!();
    }
}

/// Prints the table with its closing lines.
pub(super) fn print(libraries: &[&str], rows: &[Row]) {
    println!("| workload | {} |", libraries.join(" | "));
    println!("| --- |{}", " --- |".repeat(libraries.len()));
    rows.iter().for_each(Row::print);
    let timed: Vec<_> = rows.iter().filter(|row| !row.workload.is_memory()).collect();
    if timed.len() > 1 {
        print_means(libraries, &timed);
    }
    println!(
        "\nMedian time of a write with everything that follows from it, or of one thing made or read; in brackets the ratio to \
         the fastest peer that is right. \
         **glitch**: an observer ran more often than once a write. **wrong**: a final value was wrong, or an observer \
         was not told. **did not end**: not within 10 s. \\*: right, but computeds ran more often than they had to. \
         -: the library has no such thing."
    );
}

fn print_means(libraries: &[&str], rows: &[&Row]) {
    let peers_and_us = |row: &&&Row| {
        row.cells.iter().enumerate().all(|(column, cell)| column == 1 || cell.number().is_some())
    };
    let common: Vec<_> = rows.iter().filter(peers_and_us).collect();
    print!("| **geometric mean** of the {} rows that all completed |", common.len());
    for column in 0..libraries.len() {
        let all: Option<Vec<_>> = common.iter().map(|row| row.cells[column].number()).collect();
        print!(" {} |", all.and_then(mean).map_or("-".to_owned(), time));
    }
    print!("\n| its time, if ours is 1, over the rows that it and we completed |");
    for column in 0..libraries.len() {
        let ratios = rows
            .iter()
            .filter_map(|row| Some(row.cells[column].number()? / row.cells[0].number()?));
        print!(" {} |", mean(ratios.collect()).map_or("-".to_owned(), |mean| format!("{mean:.2}")));
    }
    println!();
}

fn mean(values: Vec<f64>) -> Option<f64> {
    let count = u32::try_from(values.len()).ok().filter(|count| *count > 0)?;
    let logs: f64 = values.into_iter().map(f64::ln).sum();
    Some((logs / f64::from(count)).exp())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_child_says_is_read() {
        assert_eq!(Cell::parse("time 12.5\n"), Some(Cell::Number { value: 12.5, extra: false }));
        assert_eq!(Cell::parse("glitch write 1: 2 runs"), Some(Cell::Mark("glitch")));
        assert_eq!(Cell::parse("panicked"), None);
    }

    #[test]
    fn a_fault_is_kept_when_a_later_round_succeeds() {
        let good = Cell::Number { value: 1.0, extra: false };
        let both = Cell::Absent.better(good.clone()).better(Cell::Mark("wrong")).better(good);
        assert_eq!(both, Cell::Mark("wrong"));
    }
}
