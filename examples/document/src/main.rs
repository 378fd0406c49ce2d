//! Three threads write one text at the same time, and all of them end with the same text.
//!
//! ```text
//! cargo run --release -p document
//! ```
//!
//! prints the result; the last two sentences may be in the other order:
//!
//! ```text
//! main: Reacton keeps typed state in step. It has collections. It has documents.
//! writer 1 and writer 2 hold the same text: true
//! ```

use std::time::Duration;

use document::Document;
use reacton::prelude::*;

#[reacton(merge)]
static TEXT: Document = Document::new();

/// The text that each writer holds when it has finished.
#[reacton]
static HELD: ReactonMap<u32, String> = ReactonMap::new();

#[worker(shared = [TEXT, HELD])]
fn writer(store: &ReactonStore, number: u32, words: Vec<String>) {
    for word in words {
        store.update(&TEXT, |text| text.insert(u32::MAX, &word));
    }
    // Called also when others have written.
    store.watch(&TEXT, move |store, text| {
        let text = text.text();
        store.update(&HELD, |held| drop(held.insert(number, text)));
    });
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let store = ReactonStore::new();
    store.update(&TEXT, |text| text.insert(0, "Reacton keeps state in step. "));
    let sentences = [["It has ", "collections", ". "], ["It has ", "documents", ". "]];
    let mut writers = Vec::new();
    for (number, words) in (1..).zip(sentences) {
        let words = words.into_iter().map(String::from).collect();
        writers.push(writer::spawn(&store, number, words)?);
    }
    store.update(&TEXT, |text| text.insert(14, "typed "));
    let expected = 35 + 20 + 18;
    let is_done = |store: &ReactonStore| {
        let text = store.with(&TEXT, Document::text);
        store.with(&HELD, |held| held.len() == 2 && held.values().all(|held| *held == text))
            && text.len() == expected
    };
    store.run_until(Duration::from_secs(10), is_done)?;
    println!("main: {}", store.with(&TEXT, Document::text));
    println!("writer 1 and writer 2 hold the same text: {}", is_done(&store));
    for writer in writers {
        writer.shutdown(Duration::from_secs(1))?;
    }
    Ok(())
}
