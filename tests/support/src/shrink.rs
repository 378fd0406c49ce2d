//! Shrinks a list of choices that makes a test fail, as Hypothesis does (`MacIver` and Donaldson, "Test-Case Reduction
//! via Test-Case Generation: Insights from the Hypothesis Reducer", 2020). It removes blocks and lowers numbers, as
//! long as the test still fails.

/// Returns the shortest and lowest list of choices found, with at most `runs` calls of `fails`.
pub fn shrink(
    choices: Vec<usize>,
    mut runs: usize,
    mut fails: impl FnMut(&[usize]) -> bool,
) -> Vec<usize> {
    let mut best = choices;
    let mut accept = |best: &mut Vec<usize>, candidate: Vec<usize>| {
        if runs == 0 || candidate == *best {
            return false;
        }
        runs -= 1;
        let failed = fails(&candidate);
        if failed {
            *best = candidate;
        }
        failed
    };
    loop {
        let before = best.clone();
        while remove_blocks(&mut best, &mut accept) {}
        // These take many runs, so they come when removing long blocks does not help any more.
        if best.len() < SHORT_LIST {
            remove_short_blocks(&mut best, &mut accept);
        }
        lower_numbers(&mut best, &mut accept);
        if best == before {
            return best;
        }
    }
}

/// A list of this length is short enough to try all blocks of a few choices.
const SHORT_LIST: usize = 200;

/// Tries a candidate. If the test still fails, it becomes the best one. Returns whether it does.
type Accept<'a> = &'a mut dyn FnMut(&mut Vec<usize>, Vec<usize>) -> bool;

/// Removes blocks, the long ones first, from the end to the beginning. Returns whether it removed any.
fn remove_blocks(best: &mut Vec<usize>, accept: Accept<'_>) -> bool {
    let before = best.len();
    let mut length = best.len().next_power_of_two();
    while length > 0 {
        let mut end = best.len();
        while end > 0 {
            let start = end.saturating_sub(length);
            let candidate = [&best[..start], &best[end..]].concat();
            accept(best, candidate);
            end = start;
        }
        length /= 2;
    }
    best.len() < before
}

/// Removes blocks of any short length, at any place, because one step of a schedule is a few choices.
fn remove_short_blocks(best: &mut Vec<usize>, accept: Accept<'_>) {
    for length in (1..=8).rev() {
        let mut end = best.len();
        while end >= length {
            let start = end - length;
            let candidate = [&best[..start], &best[end..]].concat();
            end = if accept(best, candidate) { start } else { end - 1 };
        }
    }
}

/// Lowers each number: to 0, else by halves, else by one.
fn lower_numbers(best: &mut Vec<usize>, accept: Accept<'_>) {
    for at in (0..best.len()).rev() {
        while let Some(number) = best.get(at).copied().filter(|number| *number > 0) {
            let lower = |to: usize| {
                let mut candidate = best.clone();
                candidate[at] = to;
                candidate
            };
            let candidates = [0, number / 2, number - 1].map(lower);
            if !candidates.into_iter().any(|candidate| accept(best, candidate)) {
                break;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::shrink;

    #[test]
    fn shrinking_keeps_only_what_makes_the_test_fail() {
        let all: Vec<_> = (0..1000).collect();
        // A list fails if a number of at least 500 comes somewhere before one of at least 20.
        let fails = |choices: &[usize]| {
            let big = choices.iter().position(|choice| *choice >= 500);
            big.is_some_and(|at| choices[at + 1..].iter().any(|choice| *choice >= 20))
        };
        assert_eq!(shrink(all, 10_000, fails), [500, 20]);
    }

    #[test]
    fn the_runs_are_bounded_and_what_is_returned_fails() {
        let mut runs = 0;
        let shrunk = shrink(vec![9; 100], 50, |choices| {
            runs += 1;
            choices.iter().sum::<usize>() >= 100
        });
        assert_eq!(runs, 50);
        assert!(shrunk.iter().sum::<usize>() >= 100);
    }
}
