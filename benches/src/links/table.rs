//! Makes one table in Markdown of the results of the child processes.

use super::cases::{Case, Target, Unit};
use super::cores::PLACEMENTS;
use crate::figures::time;

/// The result of a measurement, or the reason why there is none.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Number {
    Missing,
    Figures(Vec<f64>),
    Mark(&'static str),
}

/// One case on both placements.
pub(super) struct Row<'a> {
    pub(super) case: &'a Case,
    pub(super) numbers: [Vec<Number>; PLACEMENTS.len()],
}

impl Number {
    /// Reads the line that a child has printed.
    pub(super) fn parse(line: &str) -> Option<Self> {
        let figures: Option<Vec<f64>> =
            line.split_whitespace().map(|figure| figure.parse().ok()).collect();
        figures.filter(|figures| !figures.is_empty()).map(Self::Figures)
    }

    /// Takes the lower of two rounds, because the other one was disturbed. A fault counts even if it appears only once.
    pub(super) fn better(&mut self, other: Self) {
        match (&mut *self, other) {
            (Self::Figures(ours), Self::Figures(others)) => {
                for (one, other) in ours.iter_mut().zip(others) {
                    *one = one.min(other);
                }
            }
            (Self::Mark(_), _) => {}
            (_, other) => *self = other,
        }
    }

    fn first(&self) -> Option<f64> {
        match self {
            Self::Figures(figures) => figures.first().copied(),
            _ => None,
        }
    }

    fn text(&self, unit: Unit) -> String {
        match self {
            Self::Missing => "-".to_owned(),
            Self::Mark(mark) => (*mark).to_owned(),
            Self::Figures(figures) => {
                let texts: Vec<_> = figures.iter().map(|figure| unit.text(*figure)).collect();
                texts.join(", ")
            }
        }
    }
}

impl Unit {
    fn text(self, figure: f64) -> String {
        match self {
            Self::Time if figure == 0.0 => "0".to_owned(),
            Self::Time => time(figure),
            Self::Bytes if figure >= 10_000.0 => format!("{:.0} KB", figure / 1024.0),
            Self::Bytes => format!("{figure:.0} B"),
        }
    }
}

impl<'a> Row<'a> {
    /// A row without numbers yet.
    pub(super) fn of(case: &'a Case) -> Self {
        let none = || vec![Number::Missing; case.subjects.len()];
        Self { case, numbers: [none(), none()] }
    }

    fn print(&self) {
        let columns = self.numbers.iter().map(|numbers| self.columns(numbers));
        let columns: Vec<_> = columns.collect();
        println!("| {} | {} | {} |", self.case.title, columns.join(" | "), self.target());
    }

    /// Prints the row for the table of values: one column for each subject, with the ratio of ours to it.
    fn print_value(&self) {
        print!("| {} |", self.case.title);
        for numbers in &self.numbers {
            for number in numbers {
                print!(" {}{} |", number.text(self.case.unit), ratio(&numbers[0], number));
            }
        }
        println!(" {} |", self.target());
    }

    /// Returns the target, and whether it is reached.
    fn target(&self) -> String {
        let limit = match self.case.target {
            Target::Nothing => return "- | -".to_owned(),
            Target::Times(limit, of) => format!("{limit} times {}", self.case.subjects[of].name),
            Target::AtMost(limit) => self.case.unit.text(limit),
        };
        let reached: Vec<_> = self.numbers.iter().map(|numbers| self.reached(numbers)).collect();
        format!("{limit} | {}", reached.join(", "))
    }

    /// Returns our number, and those of the peers with the ratio of ours to each.
    fn columns(&self, numbers: &[Number]) -> String {
        let unit = self.case.unit;
        let ours = &numbers[0];
        let beside = self.case.subjects.iter().zip(numbers).skip(1).map(|(subject, number)| {
            let ratio = ours.first().zip(number.first()).filter(|(_, other)| *other > 0.0);
            let ratio =
                ratio.map_or(String::new(), |(our, other)| format!(" ({:.2})", our / other));
            format!("{}: {}{ratio}", subject.name, number.text(unit))
        });
        let beside: Vec<_> = beside.collect();
        format!("**{}** | {}", ours.text(unit), beside.join("<br>"))
    }

    fn reached(&self, numbers: &[Number]) -> &'static str {
        let limit = match self.case.target {
            Target::Nothing => return "-",
            Target::Times(limit, of) => numbers[of].first().map(|other| limit * other),
            Target::AtMost(limit) => Some(limit),
        };
        match (numbers[0].first(), limit) {
            (Some(ours), Some(limit)) if ours <= limit => "met",
            _ => "**not met**",
        }
    }
}

/// Returns our number divided by another.
fn ratio(ours: &Number, other: &Number) -> String {
    let both = ours.first().zip(other.first());
    let both = both.filter(|(_, figure)| *figure > 0.0 && !std::ptr::eq(ours, other));
    both.map_or(String::new(), |(our, other)| format!(" ({:.2})", our / other))
}

/// Prints the tables with their closing line.
pub(super) fn print(rows: &[Row<'_>]) {
    let (values, links): (Vec<_>, Vec<_>) = rows.iter().partition(|row| row.case.is_value);
    if !links.is_empty() {
        println!(
            "| what | two cores | beside it | one core | beside it | to reach | on two, on one |"
        );
        println!("| --- | --- | --- | --- | --- | --- | --- |");
        for row in links {
            row.print();
        }
        println!();
    }
    if let Some(first) = values.first() {
        let names: Vec<_> = first.case.subjects.iter().map(|subject| subject.name).collect();
        let columns =
            PLACEMENTS.map(|cores| format!("{cores}: {}", names.join(&format!(" | {cores}: "))));
        println!("| value | {} | to reach | on two, on one |", columns.join(" | "));
        println!("| --- |{}", " --- |".repeat(PLACEMENTS.len() * names.len() + 2));
        for row in values {
            row.print_value();
        }
        println!();
    }
    println!(
        "Medians, of several rounds the lowest; in brackets our time divided by the one beside it. Main runs on one core \
         and the workers on another, or all on one."
    );
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_child_says_is_read() {
        assert_eq!(Number::parse("12.5 80\n"), Some(Number::Figures(vec![12.5, 80.0])));
        assert_eq!(Number::parse(""), None);
        assert_eq!(Number::parse("panicked"), None);
    }

    #[test]
    fn the_lower_figure_of_two_rounds_is_kept() {
        let mut number = Number::Missing;
        number.better(Number::Figures(vec![2.0, 5.0]));
        number.better(Number::Figures(vec![3.0, 4.0]));
        assert_eq!(number, Number::Figures(vec![2.0, 4.0]));
        number.better(Number::Mark("panic"));
        number.better(Number::Figures(vec![1.0, 1.0]));
        assert_eq!(number, Number::Mark("panic"));
    }
}
