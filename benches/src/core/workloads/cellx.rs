//! Layers of four cells that read their neighbours in the layer above.

use super::writes;
use crate::core::measure::Prepared;
use crate::core::peer::Peer;
use crate::core::probe::{Runs, Sinks, derive, watch};

const LAYERS: usize = 1000;

/// Writes alternate between these two states.
const STATES: [[i64; 4]; 2] = [[1, 2, 3, 4], [4, 3, 2, 1]];

fn state(write: u64) -> [i64; 4] {
    STATES[usize::from(write % 2 == 1)]
}

pub(super) fn cellx<P: Peer>(world: &P) -> Prepared {
    let heads = STATES[0].map(|value| world.source(value));
    let sinks = Sinks::new(4 * LAYERS);
    let [a, b, c, d] = heads;
    let mut layer = [
        derive(world, move |reader| P::read(reader, b)),
        derive(world, move |reader| P::read(reader, a) - P::read(reader, c)),
        derive(world, move |reader| P::read(reader, b) + P::read(reader, d)),
        derive(world, move |reader| P::read(reader, c)),
    ];
    for depth in 0..LAYERS {
        for (effect, cell) in (4 * depth..).zip(layer) {
            watch(world, &sinks, effect, move |reader| P::read_computed(reader, cell));
        }
        if depth + 1 < LAYERS {
            layer = next(world, layer);
        }
    }
    let models = STATES.map(model);
    let runs = model_runs(&models);
    let world = world.clone();
    Prepared {
        run: writes(move |write| {
            world.batch(|| {
                for (head, value) in heads.into_iter().zip(state(write)) {
                    world.write(head, value);
                }
            });
        }),
        seen: Box::new(move || sinks.seen()),
        wanted: Box::new(move |write| models[usize::from(write % 2 == 1)].concat().split_off(4)),
        runs,
    }
}

fn next<P: Peer>(world: &P, [a, b, c, d]: [P::Computed<i64>; 4]) -> [P::Computed<i64>; 4] {
    [
        derive(world, move |reader| P::read_computed(reader, b)),
        derive(world, move |reader| P::read_computed(reader, a) - P::read_computed(reader, c)),
        derive(world, move |reader| P::read_computed(reader, b) + P::read_computed(reader, d)),
        derive(world, move |reader| P::read_computed(reader, c)),
    ]
}

/// Returns the values of all layers, the sources first.
fn model(sources: [i64; 4]) -> Vec<[i64; 4]> {
    let mut layers = vec![sources];
    for above in 0..LAYERS {
        let [a, b, c, d] = layers[above];
        layers.push([b, a - c, b + d, c]);
    }
    layers
}

/// Counts the computeds with a changed source, and the effects whose computed changed.
fn model_runs(models: &[Vec<[i64; 4]>; 2]) -> Runs {
    let mut runs = Runs { computeds: 0, effects: 0 };
    for (above, here) in (0..LAYERS).zip(1..) {
        let changed = |layer: usize, cell: usize| models[0][layer][cell] != models[1][layer][cell];
        let [a, b, c, d] = [0, 1, 2, 3].map(|cell| changed(above, cell));
        runs.computeds += [b, a || c, b || d, c].map(u64::from).iter().sum::<u64>();
        runs.effects += (0..4).map(|cell| u64::from(changed(here, cell))).sum::<u64>();
    }
    runs
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_model_has_the_values_of_the_original_suite() {
        let last = STATES.map(|sources| model(sources)[LAYERS]);
        assert_eq!(last, [[-3, -6, -2, 2], [-2, -4, 2, 3]]);
        assert_eq!(state(1), STATES[1]);
    }
}
