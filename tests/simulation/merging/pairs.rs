//! An entry, a value and a member of a family that are always written together, and whose subscription begins and ends while messages are on their way.

use reacton::prelude::*;
use reacton::testing::Simulation;
use reacton_support::from_env;

use super::{MARK, PAIRED, PAIRS, TITLE, TORN, watch};

fn write(store: &ReactonStore, value: u16) {
    store.batch(|store| {
        store.update(&PAIRS, |pairs| drop(pairs.insert(0, value)));
        store.set(&TITLE, value);
        store.set(&MARK.of(PAIRED), value);
    });
}

/// One store and one worker, which write and pause the pair. Returns the steps and what was seen, if a pair was torn.
fn run(simulation: &Simulation) -> Result<(), String> {
    TORN.take();
    let store = ReactonStore::new();
    watch(&store);
    let away = simulation.pick(2) == 1;
    let spawn = || {
        let builder = IsolateStore::builder().shared(shared![MARK, PAIRS, TITLE]);
        builder.delivery(Delivery::Latest).spawn(&store, watch)
    };
    let worker = if away { simulation.away(spawn) } else { spawn() }.expect("the worker starts");
    let there = simulation.store_of(&worker).expect("the worker was just spawned");
    let main = MainLink::of(&there);
    for value in 1..40 {
        match simulation.pick(8) {
            0 => store.batch(|_| {
                worker.pause(&PAIRS);
                worker.pause(&TITLE);
                worker.pause(&MARK);
            }),
            1 => store.batch(|_| {
                worker.resume(&PAIRS);
                worker.resume(&TITLE);
                worker.resume(&MARK);
            }),
            2 => there.batch(|_| {
                let Some(main) = &main else { return };
                main.pause(&PAIRS);
                main.pause(&TITLE);
                main.pause(&MARK);
            }),
            3 => there.batch(|_| {
                let Some(main) = &main else { return };
                main.resume(&PAIRS);
                main.resume(&TITLE);
                main.resume(&MARK);
            }),
            4 => write(&store, value),
            5 => write(&there, value),
            _ => {
                for _ in 0..=simulation.pick(3) {
                    simulation.step();
                }
            }
        }
        if let Some(torn) = TORN.get() {
            return Err(format!("away: {away}, after {value} steps: {torn:?}"));
        }
    }
    simulation.settle();
    TORN.get().map_or(Ok(()), |torn| Err(format!("away: {away}, at the end: {torn:?}")))
}

#[test]
fn c15_a_pair_stays_whole_though_its_subscription_begins_and_ends_on_the_way() {
    let begin = from_env("REACTON_SEED").unwrap_or(0);
    let seeds = from_env("REACTON_SEEDS").unwrap_or(1000);
    let torn: Vec<_> = (begin..begin + seeds)
        .filter_map(|seed| run(&Simulation::new(seed)).err().map(|torn| format!("{seed}: {torn}")))
        .collect();
    assert!(torn.is_empty(), "{} of {seeds} are torn, the first of them {}", torn.len(), torn[0]);
}
