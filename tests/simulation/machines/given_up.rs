//! A spawn that ends while the host begins the worker.

use std::time::Duration;

use reacton::prelude::*;
use reacton::testing::Simulation;

use super::NOTE;

/// So short that it often ends in the middle of the beginning.
const TIMEOUT: Duration = Duration::from_millis(5);

#[test]
fn n1_a_spawn_that_ends_while_its_host_begins_the_worker_leaves_none() {
    let mut given_up = 0;
    for seed in 0..2000 {
        let simulation = Simulation::new(seed);
        let (store, host) = (ReactonStore::new(), simulation.host(1));
        let builder = IsolateStore::builder().shared(shared![NOTE]).handshake_timeout(TIMEOUT);
        let spawn = || builder.spawn(&store, |_| ());
        match simulation.at(std::slice::from_ref(&host), spawn) {
            Ok(worker) => drop(worker),
            Err(SpawnError::Unreachable { .. } | SpawnError::TimedOut { .. }) => given_up += 1,
            Err(error) => panic!("seed {seed}: {error}"),
        }
        simulation.settle();
        let left = (simulation.roads(), simulation.workers().len(), host.running());
        assert_eq!(left, (0, 0, 0), "seed {seed}");
    }
    assert!(given_up > 200, "{given_up}");
}
