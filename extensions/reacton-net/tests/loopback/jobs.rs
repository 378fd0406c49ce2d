//! Calls to workers on hosts, and pools of them.

use reacton::prelude::*;

use super::places::{SOON, host, key, place, session, until};
use super::workers::*;

#[test]
fn k1_a_call_to_a_worker_on_a_host_is_answered() {
    let (_host, session) = place(|host| host.offer("tests", workers![doubler]));
    let store = ReactonStore::new();
    let worker = doubler::builder().at(&session, "tests").spawn(&store).expect("the worker starts");
    let answers: Vec<_> = (100..200).map(|number| worker.call(&DOUBLE, number)).collect();
    for (number, answer) in (100..200).zip(answers) {
        assert_eq!(answer.wait(&store, SOON).expect("the call is answered"), number * 2);
    }
}

#[test]
fn k3_a_call_that_panics_on_a_host_is_an_error_of_that_call() {
    let (_host, session) = place(|host| host.offer("tests", workers![doubler]));
    let store = ReactonStore::new();
    let builder = doubler::builder().restart(Restart::on_panic(50)).at(&session, "tests");
    let worker = builder.spawn(&store).expect("the worker starts");
    let error = worker.call(&DOUBLE, 13).wait(&store, SOON).expect_err("the call panics");
    assert!(matches!(error, CallError::Panicked { .. }), "{error:?}");
    assert_eq!(worker.call(&DOUBLE, 4).wait(&store, SOON).expect("the call is answered"), 8);
}

#[test]
fn n5_a_pool_is_spread_over_its_hosts_and_does_each_job_once() {
    let own = key();
    let hosts = [(), ()].map(|()| host(&[&own], |host| host.offer("tests", workers![doubler])));
    let session = session(own, &[&hosts[0], &hosts[1]]);
    let store = ReactonStore::new();
    let shown = session.hosts(&store);
    until(&store, |store| store.get(&shown).iter().all(|host| host.connected));
    let pool =
        doubler::builder().pool(4).at(&session, "tests").spawn(&store).expect("the pool starts");
    assert_eq!(hosts.each_ref().map(reacton_net::Host::running), [2, 2]);
    let answers: Vec<_> = (100..300).map(|number| pool.call(&DOUBLE, number)).collect();
    for (number, answer) in (100..300).zip(answers) {
        assert_eq!(answer.wait(&store, SOON).expect("the call is answered"), number * 2);
    }
    pool.shutdown(SOON).expect("the pool ends");
    until(&store, |_| hosts.iter().all(|host| host.running() == 0));
}

#[test]
fn n5_a_pool_goes_on_when_one_of_its_hosts_ends() {
    let own = key();
    let [first, second] =
        [(), ()].map(|()| host(&[&own], |host| host.offer("tests", workers![doubler])));
    let session = session(own, &[&first, &second]);
    let store = ReactonStore::new();
    let shown = session.hosts(&store);
    until(&store, |store| store.get(&shown).iter().all(|host| host.connected));
    let builder = doubler::builder().restart(Restart::on_panic(20)).retries(3);
    let pool = builder.pool(2).at(&session, "tests").spawn(&store).expect("the pool starts");
    let answers: Vec<_> = (100..600).map(|number| pool.call(&DOUBLE, number)).collect();
    drop(first);
    for (number, answer) in (100..600).zip(answers) {
        assert_eq!(answer.wait(&store, SOON).expect("the call is answered"), number * 2);
    }
    until(&store, |_| second.running() == 2);
}
