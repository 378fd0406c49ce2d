//! Workers of a simulation on hosts: other machines, which are lost, and whose network is cut.

use std::cell::RefCell;
use std::rc::Rc;
use std::time::Duration;

use reacton::Refusal;
use reacton::prelude::*;
use reacton::testing::{SimulatedHost, Simulation};
use reacton_support::{TIMEOUT, restart_always};

#[reacton]
static ASKED: u32 = 0;

#[reacton]
static ANSWERED: u32 = 0;

/// Answers each number with the same number.
fn echo(store: &ReactonStore) {
    store.watch(&ASKED, |store, asked| store.set(&ANSWERED, *asked));
}

fn spawn(
    simulation: &Simulation,
    hosts: &[SimulatedHost],
    store: &ReactonStore,
    restart: Restart,
) -> Result<IsolateStore, SpawnError> {
    let builder = IsolateStore::builder().shared(shared![ASKED, ANSWERED]).restart(restart);
    simulation.at(hosts, || builder.spawn(store, echo))
}

/// A worker without a restart, on the only host.
struct Lone {
    simulation: Simulation,
    store: ReactonStore,
    host: SimulatedHost,
    worker: IsolateStore,
}

fn lone(seed: u64) -> Lone {
    let simulation = Simulation::new(seed);
    let (store, host) = (ReactonStore::new(), simulation.host(1));
    let worker = spawn(&simulation, std::slice::from_ref(&host), &store, Restart::Never)
        .expect("the worker starts");
    Lone { simulation, store, host, worker }
}

/// Writes down each answer that arrives in `store`.
fn heard_by(store: &ReactonStore) -> Rc<RefCell<Vec<u32>>> {
    let heard = Rc::<RefCell<Vec<_>>>::default();
    let log = Rc::clone(&heard);
    store.subscribe(&ANSWERED, move |_, answer| log.borrow_mut().push(*answer));
    heard
}

const CUT: Duration = Duration::from_secs(20);

#[test]
fn n2_a_cut_that_is_shorter_than_the_patience_loses_nothing_and_is_shown() {
    for seed in 0..300 {
        let Lone { simulation, store, host, worker } = lone(seed);
        let shown = Rc::<RefCell<Vec<_>>>::default();
        let log = Rc::clone(&shown);
        store.subscribe(worker.status(), move |_, status| log.borrow_mut().push(status.clone()));
        simulation.settle();
        let heard = heard_by(&store);
        for number in 1..=30 {
            store.set(&ASKED, number);
            if number == 10 {
                host.cut(CUT);
            }
            for _ in 0..simulation.pick(4) {
                simulation.step();
            }
        }
        simulation.settle();
        assert_eq!(*heard.borrow(), (1..=30).collect::<Vec<_>>(), "seed {seed}");
        let statuses = [IsolateStatus::Disconnected, IsolateStatus::Running];
        assert_eq!(*shown.borrow(), statuses, "seed {seed}");
        assert!(simulation.elapsed() >= CUT, "seed {seed}");
    }
}

#[test]
fn n2_a_silence_of_two_seconds_is_not_shown() {
    for seed in 0..100 {
        let Lone { simulation, store, host, worker } = lone(seed);
        store.subscribe(worker.status(), |_, status| {
            assert_ne!(*status, IsolateStatus::Disconnected);
        });
        host.cut(Duration::from_secs(2));
        store.set(&ASKED, 1);
        simulation.advance(Duration::from_secs(10));
        assert_eq!(store.get(&ANSWERED), 1, "seed {seed}");
    }
}

#[test]
fn n2_a_worker_of_a_lost_host_is_followed_by_one_elsewhere_and_main_hears_only_that() {
    let mut overlapped = 0;
    for seed in 0..300 {
        let simulation = Simulation::new(seed);
        let (store, hosts) = (ReactonStore::new(), [1, 1].map(|most| simulation.host(most)));
        let worker =
            spawn(&simulation, &hosts, &store, restart_always()).expect("the worker starts");
        simulation.settle();
        let first = simulation.host_of(&worker).expect("the worker runs");
        // Longer than any patience.
        hosts[first].cut(Duration::from_secs(100));
        let heard = heard_by(&store);
        for number in 1..=50 {
            store.set(&ASKED, number);
            simulation.advance(Duration::from_secs(1));
            if simulation.workers().len() > 1 {
                overlapped += 1;
            }
        }
        let second = simulation.host_of(&worker);
        assert_eq!((second, worker.stats().restarts), (Some(1 - first), 1), "seed {seed}");
        simulation.settle();
        assert!(heard.borrow().is_sorted() && store.get(&ANSWERED) == 50, "seed {seed}");
        let left = hosts.each_ref().map(SimulatedHost::running).into_iter().sum::<usize>();
        assert_eq!(
            (left, simulation.roads(), simulation.workers().len()),
            (1, 1, 1),
            "seed {seed}"
        );
    }
    assert!(overlapped > 100, "two workers ran at a time for {overlapped} s");
}

#[test]
fn n2_without_a_restart_the_worker_of_a_lost_host_is_lost_and_main_keeps_its_values() {
    for seed in 0..100 {
        let Lone { simulation, store, host, worker } = lone(seed);
        store.set(&ASKED, 1);
        simulation.settle();
        host.lose();
        assert_eq!(simulation.workers().len(), 0, "seed {seed}");
        simulation.settle();
        assert_eq!(store.get(worker.status()), IsolateStatus::Lost, "seed {seed}");
        assert_eq!((store.get(&ANSWERED), simulation.roads()), (1, 0), "seed {seed}");
    }
}

#[test]
fn n1_a_spawn_is_refused_when_all_hosts_are_full() {
    for seed in 0..100 {
        let simulation = Simulation::new(seed);
        let (store, hosts) = (ReactonStore::new(), [1, 2].map(|most| simulation.host(most)));
        let spawn = || spawn(&simulation, &hosts, &store, Restart::Never);
        let workers = [(); 3].map(|()| spawn().expect("a host has room"));
        let refused = spawn().expect_err("no host has room");
        let SpawnError::Refused { why: Refusal::Full { running, capacity, .. }, .. } = refused
        else {
            panic!("seed {seed}: {refused:?}")
        };
        assert_eq!(running, capacity, "seed {seed}");
        drop(workers);
        simulation.settle();
        hosts[0].stop();
        let worker = spawn().expect("a host has room");
        assert_eq!(simulation.host_of(&worker), Some(1), "seed {seed}");
        hosts[1].occupy(9);
        let refused = spawn().expect_err("one is full, and one ends");
        assert!(matches!(refused, SpawnError::Refused { .. }), "seed {seed}: {refused:?}");
    }
}

#[test]
fn n1_a_spawn_at_a_host_that_is_gone_is_an_error_that_names_it() {
    for seed in 0..100 {
        let simulation = Simulation::new(seed);
        let (store, host) = (ReactonStore::new(), simulation.host(1));
        host.lose();
        let failed = spawn(&simulation, std::slice::from_ref(&host), &store, Restart::Never);
        let error = failed.expect_err("the host is lost");
        assert!(
            matches!(&error, SpawnError::Unreachable { host, .. } if host == "host 0"),
            "{error:?}"
        );
        assert_eq!(simulation.roads(), 0, "seed {seed}");
    }
}

#[test]
fn n3_a_host_that_stops_lets_its_workers_do_what_has_arrived() {
    for seed in 0..300 {
        let simulation = Simulation::new(seed);
        let (store, hosts) = (ReactonStore::new(), [1, 1].map(|most| simulation.host(most)));
        let worker =
            spawn(&simulation, &hosts, &store, restart_always()).expect("the worker starts");
        simulation.settle();
        let heard = heard_by(&store);
        (1..=20).for_each(|number| store.set(&ASKED, number));
        for _ in 0..simulation.pick(60) {
            simulation.step();
        }
        let first = simulation.host_of(&worker).expect("the worker runs");
        hosts[first].stop();
        simulation.settle();
        assert_eq!(simulation.host_of(&worker), Some(1 - first), "seed {seed}");
        assert_eq!((hosts[first].running(), worker.stats().restarts), (0, 1), "seed {seed}");
        let heard = heard.borrow();
        // The first worker has done some in order, and the second one begins with the last.
        let done = heard.windows(2).take_while(|two| two[1] == two[0] + 1).count();
        assert!(done + 2 >= heard.len(), "seed {seed}: {heard:?}");
        assert_eq!(heard.last(), Some(&20), "seed {seed}");
        assert_eq!(worker.shutdown(TIMEOUT), Ok(()), "seed {seed}");
        assert_eq!(simulation.roads(), 0, "seed {seed}");
    }
}

#[test]
fn n3_a_host_that_stops_during_a_handshake_keeps_no_worker() {
    for seed in 0..500 {
        let simulation = Simulation::new(seed);
        let (store, host) = (ReactonStore::new(), simulation.host(1));
        let restarts = Restart::on_panic(3);
        let worker = spawn(&simulation, std::slice::from_ref(&host), &store, restarts)
            .expect("the worker starts");
        simulation.settle();
        host.sever();
        while worker.stats().restarts == 0 {
            simulation.step();
        }
        for _ in 0..simulation.pick(30) {
            simulation.step();
        }
        host.stop();
        simulation.settle();
        assert_eq!((host.running(), simulation.roads()), (0, 0), "seed {seed}");
        assert_eq!(store.get(worker.status()), IsolateStatus::Lost, "seed {seed}");
    }
}

#[test]
fn n5_a_worker_starts_on_the_host_that_uses_the_least_of_its_capacity() {
    for seed in 0..100 {
        let simulation = Simulation::new(seed);
        let (store, hosts) = (ReactonStore::new(), [2, 4].map(|most| simulation.host(most)));
        let spawn = || spawn(&simulation, &hosts, &store, Restart::Never).expect("a host has room");
        let workers: Vec<_> = (0..6).map(|_| spawn()).collect();
        let order: Vec<_> = workers
            .iter()
            .map(|worker| simulation.host_of(worker).expect("the worker runs"))
            .collect();
        assert_eq!(order, [0, 1, 1, 0, 1, 1], "seed {seed}");
    }
}

#[test]
fn l1_a_worker_on_a_host_that_is_cut_off_ends_when_its_host_loses_patience() {
    for seed in 0..100 {
        let Lone { simulation, store, host, worker } = lone(seed);
        simulation.settle();
        host.cut(Duration::from_secs(100));
        let status = *worker.status();
        worker.dispose();
        assert_eq!(store.get(&status), IsolateStatus::Disposed, "seed {seed}");
        simulation.advance(Duration::from_secs(29));
        assert_eq!(simulation.workers().len(), 1, "seed {seed}");
        simulation.advance(Duration::from_secs(20));
        assert_eq!((simulation.workers().len(), host.running()), (0, 0), "seed {seed}");
    }
}
