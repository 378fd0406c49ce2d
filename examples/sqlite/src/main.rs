//! A storage of a program's own: what a store holds, in a table of `SQLite`.
//!
//! ```sh
//! cargo run -p sqlite -- /tmp/notes.sqlite "buy milk"
//! cargo run -p sqlite -- /tmp/notes.sqlite "call home"
//! ```
//!
//! Each run adds a note and prints all of them. `sqlite3 /tmp/notes.sqlite 'SELECT name, count(*) FROM reacton'` shows the table.

use std::error::Error;
use std::time::Duration;

use reacton::persist::{Persist, saved};
use reacton::prelude::*;
use sqlite::Sqlite;

#[reacton(id = "notes")]
static NOTES: ReactonList<String> = ReactonList::new();

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let path = arguments.next().ok_or("usage: sqlite FILE [NOTE]")?;
    let store = ReactonStore::new();
    let saved = Persist::new(saved![NOTES]).open(&store, Sqlite::at(path))?;
    for problem in &store.get(saved.problems()) {
        eprintln!("{problem}");
    }
    if let Some(note) = arguments.next() {
        store.update(&NOTES, |notes| notes.push(note));
        saved.flush(Duration::from_secs(10))?;
    }
    store.with(&NOTES, |notes| {
        for (number, note) in notes.iter().enumerate() {
            println!("{}. {note}", number + 1);
        }
    });
    Ok(())
}
