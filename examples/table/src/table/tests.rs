//! Tests that use the table as its window does.

use std::time::Duration;

use reacton::testing::Simulation;

use super::{Column, Table};

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
