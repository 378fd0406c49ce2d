//! Versions, clocks and subscriptions of one store, without a hub.

use super::*;

const X: RefId = RefId::of("x");
const Y: RefId = RefId::of("y");
const ONE: LinkId = LinkId(1);
const TWO: LinkId = LinkId(2);
const UP: LinkId = LinkId(3);

fn store(site: u64) -> Sync {
    let all = |id| (id, Interest { peer_subscribed: true, subscribed: true });
    let mut sync = Sync::new(site);
    sync.join(ONE, [X, Y].map(all).into_iter());
    sync.join(TWO, [X].map(all).into_iter());
    sync
}

#[test]
fn one_version_for_a_transaction() {
    let mut sync = store(1);
    let version = sync.commit([X, Y].into_iter());
    assert_eq!((sync.version(X), sync.version(Y)), (version, version));
    assert!(sync.commit([X].into_iter()) > version);
}

#[test]
fn the_larger_clock_wins_and_then_the_larger_site() {
    let mut sync = store(2);
    sync.commit([X].into_iter());
    let version = |clock, site| Version { clock, site };
    assert!(!sync.accepts(ONE, X, version(1, 1)));
    assert!(!sync.accepts(ONE, X, version(1, 2)), "an equal version is not newer");
    assert!(sync.accepts(ONE, X, version(1, 3)));
    assert!(sync.accepts(ONE, X, version(2, 1)));
}

#[test]
fn what_is_heard_moves_the_clock_even_if_it_loses() {
    let mut sync = store(1);
    assert_eq!(sync.raise(ONE, 41), Ok(()));
    assert_eq!(sync.raise(ONE, 7), Ok(()));
    assert_eq!(sync.clock(), 41);
    assert_eq!(sync.commit([X].into_iter()).clock, 42);
}

#[test]
fn a_clock_is_raised_by_less_than_2_to_the_40_and_below_2_to_the_63() {
    let mut sync = store(1);
    let at = |clock| Version { clock, site: 9 };
    let implausible = |clock, own| Err(ImplausibleClock { clock, own });
    assert_eq!(sync.raise(ONE, MAX_RAISE), implausible(MAX_RAISE, 0));
    assert!(!sync.accepts(ONE, X, at(MAX_RAISE)) && sync.accepts(ONE, X, at(MAX_RAISE - 1)));
    assert_eq!(sync.clock(), 0, "a refused version has raised the clock");
    assert_eq!(sync.raise(ONE, MAX_RAISE - 1), Ok(()));
    assert_eq!(sync.raise(ONE, MAX_RAISE), Ok(()), "the next message may raise the clock further");
    sync.begin(UP, 1, CLOCK_LIMIT - 2, std::iter::empty());
    assert_eq!(sync.raise(ONE, CLOCK_LIMIT - 1), Ok(()));
    assert_eq!(sync.raise(ONE, CLOCK_LIMIT), implausible(CLOCK_LIMIT, CLOCK_LIMIT - 1));
    assert!(!sync.accepts(ONE, X, at(CLOCK_LIMIT)));
}

#[test]
fn a_store_follows_the_one_that_spawned_it_to_any_clock_of_a_handshake() {
    let mut sync = store(1);
    sync.begin(UP, 1, 0, std::iter::empty());
    assert!(sync.raise(ONE, MAX_RAISE).is_err());
    assert_eq!(sync.raise(UP, SNAPSHOT_LIMIT - 1), Ok(()));
    assert!(sync.raise(UP, SNAPSHOT_LIMIT + MAX_RAISE).is_err());
}

#[test]
fn a_store_that_begins_with_the_largest_clock_of_a_handshake_still_sends_and_receives() {
    let mut sync = store(1);
    sync.begin(UP, 1, SNAPSHOT_LIMIT - 1, std::iter::empty());
    assert_eq!(sync.commit([X].into_iter()).clock, SNAPSHOT_LIMIT);
    assert_eq!(sync.raise(ONE, SNAPSHOT_LIMIT + MAX_RAISE - 1), Ok(()));
    assert_eq!(sync.commit([X].into_iter()).clock, SNAPSHOT_LIMIT + MAX_RAISE);
}

#[test]
fn nothing_is_sent_back_or_to_links_that_are_not_subscribed() {
    let mut sync = store(1);
    assert!(sync.sends(TWO, X, Some(ONE)) && !sync.sends(ONE, X, Some(ONE)));
    sync.peer_unsubscribed(ONE, &[X]);
    assert!(!sync.sends(ONE, X, None));
    assert_eq!(sync.peer_subscribed(ONE, &[(X, Version::NEVER)]), Vec::new());
    assert!(sync.sends(ONE, X, None));
}

#[test]
fn a_subscription_brings_what_is_newer() {
    let mut sync = store(1);
    let version = sync.commit([X].into_iter());
    assert_eq!(
        sync.peer_subscribed(ONE, &[(X, Version::NEVER), (Y, Version::NEVER)]),
        vec![(X, version)]
    );
    assert_eq!(sync.peer_subscribed(ONE, &[(X, version)]), Vec::new());
}

#[test]
fn changes_of_a_paused_reacton_are_refused() {
    let mut sync = store(1);
    assert!(sync.pause(ONE, X) && !sync.pause(ONE, X));
    assert!(!sync.accepts(ONE, X, Version { clock: 9, site: 9 }));
    assert!(sync.resume(ONE, X));
    assert!(sync.accepts(ONE, X, Version { clock: 9, site: 9 }));
}

#[test]
fn a_value_that_was_not_sent_is_replaced_by_any_other() {
    let mut sync = store(9);
    sync.commit([X].into_iter());
    sync.disown(X);
    assert!(sync.accepts(ONE, X, Version { clock: 1, site: 1 }));
}

#[test]
fn a_value_that_was_not_sent_is_replaced_by_what_it_replaced_but_by_nothing_older() {
    let mut sync = store(9);
    let (older, held) = (Version { clock: 5, site: 3 }, Version { clock: 6, site: 4 });
    assert_eq!(sync.raise(ONE, held.clock), Ok(()));
    sync.accept(X, held);
    for _ in 0..3 {
        // The others hold `held` and have dropped `older`, so this store must do the same.
        sync.commit([X].into_iter());
        sync.disown(X);
        assert!(!sync.accepts(ONE, X, older) && sync.accepts(ONE, X, held));
    }
    assert_eq!(
        sync.peer_subscribed(ONE, &[(X, held)]),
        Vec::new(),
        "a value that was not sent is not sent later"
    );
}

#[test]
fn the_memory_of_a_long_transaction_is_freed_and_that_of_a_short_one_is_kept() {
    let mut sync = store(1);
    sync.commit([X, Y].into_iter());
    sync.commit(std::iter::empty());
    assert!(sync.replaced.capacity() >= 2);
    sync.commit((0..=KEPT).map(|number| RefId::of(&number.to_string())));
    sync.commit([X].into_iter());
    assert!(sync.replaced.capacity() <= KEPT);
    sync.replaced = Vec::with_capacity(KEPT);
    sync.commit([X].into_iter());
    assert_eq!(sync.replaced.capacity(), KEPT);
}

#[test]
fn nothing_is_sent_to_a_closed_link_or_accepted_from_it() {
    let mut sync = store(1);
    sync.leave(ONE);
    let newer = Version { clock: 9, site: 9 };
    assert!(!sync.sends(ONE, X, None) && !sync.accepts(ONE, X, newer));
    assert!(sync.sends(TWO, X, None) && sync.accepts(TWO, X, newer));
}
