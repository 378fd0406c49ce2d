use reacton::prelude::*;

#[reacton]
static WIDTH: usize = 10;

struct Row {
    cells: Vec<u8>,
}

#[computed]
static ROW: Row = |cx| Row {
    cells: vec![0; cx.get(&WIDTH)],
};

fn main() {
    let store = ReactonStore::new();
    println!("{}", store.with(&ROW, |row| row.cells.len()));
}
