//! A collection of rows that cannot be compared.

use reacton::prelude::*;

#[derive(Clone)]
struct Row;

#[reacton]
static ROWS: ReactonMap<u32, Row> = ReactonMap::new();

fn main() {}
