//! Snapshots of chosen reactons and families, serialized.

use reacton::prelude::*;

#[reacton]
static LIST: Vec<u32> = vec![1];

#[reacton]
static ROWS: Family<(u8, u8), Vec<u32>> = |_| Vec::new();

/// A list, and the members of a family with their keys.
type Saved = (Vec<u32>, Vec<((u8, u8), Vec<u32>)>);

#[test]
fn a_snapshot_is_serialized_and_restored() -> Result<(), Box<dyn std::error::Error>> {
    let store = ReactonStore::new();
    store.set(&ROWS.of((1, 2)), vec![12]);
    store.set(&LIST, vec![5]);
    let text = serde_json::to_string(&store.snapshot_of((&LIST, &ROWS)))?;
    assert_eq!(text, "[[5],[[[1,2],[12]]]]");
    let (list, rows): Saved = serde_json::from_str(&text)?;
    let other = ReactonStore::new();
    other.batch(|other| {
        other.set(&LIST, list);
        for (key, row) in rows {
            other.set(&ROWS.of(key), row);
        }
    });
    assert_eq!((other.get(&LIST), other.get(&ROWS.of((1, 2)))), (vec![5], vec![12]));
    Ok(())
}
