//! A document that main and two workers edit at once is the same in all three, in whatever order the edits arrive.

use document::Document;
use reacton::prelude::*;
use reacton::testing::Simulation;

#[reacton(merge)]
static TEXT: Document = Document::new();

#[reacton]
static HELD: ReactonMap<u32, String> = ReactonMap::new();

#[reacton]
static GO: u32 = 0;

#[worker(shared = [TEXT, HELD, GO])]
fn editor(store: &ReactonStore, number: u32) {
    store.subscribe(&GO, move |store, round| {
        store.batch(|store| {
            store.update(&TEXT, |text| text.insert(round + number, &format!("<{number}:{round}>")));
            store.update(&TEXT, |text| text.remove(number * 3, 1));
        });
    });
    store.watch(&TEXT, move |store, text| {
        let text = text.text();
        store.update(&HELD, |held| drop(held.insert(number, text)));
    });
}

fn play(seed: u64) {
    let simulation = Simulation::new(seed);
    let store = ReactonStore::new();
    store.update(&TEXT, |text| text.insert(0, "begin"));
    let first = editor::spawn(&store, 1).expect("the worker starts");
    for round in 1..4 {
        store.set(&GO, round);
        store.update(&TEXT, |text| text.insert(2, "[main]"));
        if round == 2 {
            first.pause(&TEXT);
        }
    }
    // One worker starts when there is a text already, and one was paused meanwhile.
    let second = editor::spawn(&store, 2).expect("the worker starts");
    store.set(&GO, 9);
    simulation.settle();
    first.resume(&TEXT);
    simulation.settle();
    let text = store.with(&TEXT, Document::text);
    assert!(text.len() > 20 && text.contains("main"), "seed {seed}: {text}");
    store.with(&HELD, |held| {
        assert!(
            held.len() == 2 && held.values().all(|held| *held == text),
            "seed {seed}: {text} {held:?}"
        );
    });
    drop((first, second));
}

#[test]
fn main_and_two_workers_end_with_one_text() {
    (0..100).for_each(play);
}
