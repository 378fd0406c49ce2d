//! Random graphs and random operations, compared after each operation with a model that recomputes everything.
//!
//! `REACTON_GRAPHS=1000000 cargo test --release --test differential` runs more graphs. A failure prints its seed, and
//! `REACTON_SEED=<seed>` runs that graph alone.

#[path = "differential/formula.rs"]
mod formula;
#[path = "differential/graph.rs"]
mod graph;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::rc::{Rc, Weak};

use reacton_support::{Random, from_env};

use graph::Graph;

fn play(seed: u64) {
    let mut rng = Random::new(seed);
    let mut graph = Graph::new(&mut rng);
    graph.log.take();
    for _ in 0..rng.index(40) {
        if rng.chance(3) {
            let store = graph.store.clone();
            // A subscription to a computed that panics also panics in the code that wrote. That is S8, tested
            // elsewhere.
            let _ = catch_quietly(|| {
                store.batch(|_| {
                    for _ in 0..rng.index(6) {
                        graph.operate(&mut rng, true);
                    }
                });
            });
        } else {
            let _ = catch_quietly(|| graph.operate(&mut rng, false));
        }
        graph.settle();
        for node in 0..graph.nodes.len() {
            if rng.chance(4) {
                graph.check_one(node);
            }
        }
        graph.settle();
    }
    let (alive, everything) = (Rc::downgrade(&graph.alive), rng.chance(2));
    if everything {
        graph.store.dispose();
    }
    drop(graph);
    assert_eq!(Weak::strong_count(&alive), 0, "a closure or value was not dropped");
}

/// Catches the planned panics, and lets those of the comparison through.
fn catch_quietly(f: impl FnOnce()) -> Result<(), ()> {
    catch_unwind(AssertUnwindSafe(f)).map_err(|payload| {
        let words = payload.downcast_ref::<String>().map_or("", String::as_str);
        let words = payload.downcast_ref::<&str>().copied().unwrap_or(words);
        assert!(words.contains("broken on purpose"), "{words}");
    })
}

#[test]
fn random_graphs_do_what_a_model_does_that_recomputes_everything() {
    let hook = std::panic::take_hook();
    std::panic::set_hook(Box::new(|_| ()));
    let seeds = match from_env("REACTON_SEED") {
        Some(seed) => seed..seed + 1,
        None => 0..from_env("REACTON_GRAPHS").unwrap_or(1000),
    };
    let mut failed = None;
    for seed in seeds {
        if let Err(payload) = catch_unwind(|| play(seed)) {
            let words =
                payload.downcast::<String>().map_or_else(|_| String::from("?"), |words| *words);
            failed = Some((seed, words));
            break;
        }
    }
    std::panic::set_hook(hook);
    if let Some((seed, words)) = failed {
        panic!("REACTON_SEED={seed}: {words}");
    }
}
