//! The computations of the computeds and effects in a random graph.

use reacton_support::Random;

/// Few values, so that writes are often equal and propagation often stops.
pub(crate) const VALUES: u64 = 4;

/// The result of a computed; `None` if it panics.
pub(crate) type Outcome = Option<i64>;

/// What a computed or an effect reads, and how it computes its result.
#[derive(Clone, Debug)]
pub(crate) enum Formula {
    Sum(Vec<usize>),
    /// Reads one of two nodes, chosen by the first.
    Switch(usize, usize, usize),
    /// Reads nodes until the sum is large enough.
    Until(Vec<usize>, i64),
    /// A result that rarely changes.
    Halved(usize),
    /// Panics at one value.
    Frail(Vec<usize>, i64),
    Repeated(usize, usize),
}

impl Formula {
    pub(crate) fn random(rng: &mut Random, nodes: usize, frail: bool) -> Self {
        let some = |rng: &mut Random| -> Vec<usize> {
            (0..=rng.index(4)).map(|_| rng.index(nodes)).collect()
        };
        match rng.index(if frail { 6 } else { 5 }) {
            0 => Self::Sum(some(rng)),
            1 => Self::Switch(rng.index(nodes), rng.index(nodes), rng.index(nodes)),
            2 => Self::Until(some(rng), value(rng)),
            3 => Self::Halved(rng.index(nodes)),
            4 => Self::Repeated(rng.index(nodes), rng.index(nodes)),
            _ => Self::Frail(some(rng), value(rng)),
        }
    }

    pub(crate) fn value(&self, mut read: impl FnMut(usize) -> Outcome) -> Outcome {
        let value = match self {
            Self::Sum(of) => of.iter().try_fold(0, |sum, node| Some(sum + read(*node)?))?,
            Self::Switch(by, odd, even) => {
                if read(*by)? % 2 == 1 {
                    read(*odd)?
                } else {
                    read(*even)?
                }
            }
            Self::Until(of, enough) => {
                let mut sum = 0;
                for node in of {
                    sum += read(*node)?;
                    if sum > *enough {
                        break;
                    }
                }
                sum
            }
            Self::Halved(of) => read(*of)? / 2,
            Self::Repeated(one, two) => read(*one)? + read(*two)? * read(*one)? + read(*two)?,
            Self::Frail(of, at) => {
                let sum = of.iter().try_fold(0, |sum, node| Some(sum + read(*node)?))?;
                if sum == *at {
                    return None;
                }
                sum
            }
        };
        Some(value % i64::try_from(VALUES).expect("the number fits"))
    }
}

/// Returns what an effect reads, and its result.
pub(crate) fn run(formula: &Formula, values: &[Outcome]) -> (Vec<(usize, Outcome)>, Outcome) {
    let mut seen = Vec::new();
    let outcome = formula.value(|of| {
        seen.push((of, values[of]));
        values[of]
    });
    (seen, outcome)
}

/// A random value of a source.
pub(crate) fn value(rng: &mut Random) -> i64 {
    i64::try_from(rng.below(VALUES)).expect("the number fits")
}
