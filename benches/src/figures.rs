//! Computes the figure of a table from many measured times.

use std::time::Duration;

/// Returns the nanoseconds of one, if `count` took so long.
#[expect(clippy::cast_precision_loss, reason = "far fewer than 2^52")]
pub(crate) fn per_one(took: Duration, count: u64) -> f64 {
    took.as_secs_f64() * 1e9 / count as f64
}

/// Returns the median.
pub(crate) fn middle(mut nanos: Vec<f64>) -> f64 {
    nanos.sort_by(f64::total_cmp);
    nanos[nanos.len() / 2]
}

/// Returns the median, and the value that 99 of 100 do not exceed.
pub(crate) fn middle_and_tail(mut nanos: Vec<f64>) -> [f64; 2] {
    nanos.sort_by(f64::total_cmp);
    [nanos[nanos.len() / 2], nanos[nanos.len() * 99 / 100]]
}

/// Formats a time with three digits and its unit.
pub(crate) fn time(nanos: f64) -> String {
    match nanos {
        ..10.0 => format!("{nanos:.1} ns"),
        10.0..1000.0 => format!("{nanos:.0} ns"),
        1000.0..10_000.0 => format!("{:.2} µs", nanos / 1e3),
        10_000.0..100_000.0 => format!("{:.1} µs", nanos / 1e3),
        _ => format!("{:.0} µs", nanos / 1e3),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_have_three_digits() {
        assert_eq!(
            [3.21, 45.6, 1234.0, 56_789.0].map(time),
            ["3.2 ns", "46 ns", "1.23 µs", "56.8 µs"]
        );
    }

    #[test]
    fn the_tail_is_the_99th_of_a_hundred() {
        let nanos = (1..=100_u32).rev().map(f64::from).collect();
        assert_eq!(middle_and_tail(nanos).map(f64::to_bits), [51.0, 100.0].map(f64::to_bits));
    }
}
