//! R1 and R2: the identity of a reacton, and what happens when two reactons have the same one.

use std::thread;

use reacton::prelude::*;
use reacton_support::panic_of;

#[reacton]
static A: u32 = 1;

#[reacton(id = "settings.volume")]
static NAMED: u32 = 2;

#[computed]
static DOUBLE: u32 = |cx| cx.get(&A) * 2;

#[computed(id = "settings.loudness")]
static LOUDNESS: u32 = |cx| cx.get(&NAMED) * 2;

mod inner {
    use reacton::prelude::*;

    #[reacton]
    pub(crate) static A: u32 = 3;
}

#[test]
fn r1_an_id_is_the_hash_of_crate_module_and_name() {
    assert_eq!(A.reacton_ref().id(), RefId::of(concat!(module_path!(), "::A")));
    assert_eq!(A.reacton_ref().id(), RefId::of("identity::A"));
    assert_eq!(inner::A.reacton_ref().id(), RefId::of("identity::inner::A"));
    assert_eq!(DOUBLE.reacton_ref().id(), RefId::of("identity::DOUBLE"));
}

#[test]
fn r1_the_name_is_the_path() {
    assert_eq!((A.name(), inner::A.name()), ("identity::A", "identity::inner::A"));
    assert_eq!(A.reacton_ref().to_string(), "identity::A");
    assert_eq!(A.reacton_ref().name(), A.name());
}

#[test]
fn r1_an_id_of_ones_own_takes_the_place_of_the_path() {
    assert_eq!(NAMED.reacton_ref().id(), RefId::of("settings.volume"));
    assert_eq!(LOUDNESS.reacton_ref().id(), RefId::of("settings.loudness"));
    assert_eq!(NAMED.name(), "identity::NAMED", "the id changes the name");
}

#[test]
fn r1_a_ref_is_the_same_in_another_thread() {
    let there = thread::spawn(|| (A.reacton_ref(), NAMED.reacton_ref()));
    let (a, named) = there.join().expect("the thread does not panic");
    assert_eq!((a, named), (A.reacton_ref(), NAMED.reacton_ref()));
}

#[test]
fn r1_an_id_never_changes_between_builds() {
    // A fixed number, because a store of another build, on another machine, must find the same reacton.
    assert_eq!(RefId::of("identity::A").as_u64(), 11_252_798_294_915_178_423);
}

#[test]
fn r1_the_same_name_in_two_modules_is_two_reactons() {
    let store = ReactonStore::new();
    store.set(&A, 10);
    assert_eq!((store.get(&A), store.get(&inner::A)), (10, 3));
}

#[test]
fn r1_refs_are_equal_ordered_and_hashed_by_id() {
    use std::collections::{BTreeSet, HashSet};
    let refs = [A.reacton_ref(), inner::A.reacton_ref(), A.reacton_ref()];
    assert_eq!(refs.iter().collect::<HashSet<_>>().len(), 2);
    assert_eq!(refs.iter().collect::<BTreeSet<_>>().len(), 2);
}

fn one(store: &ReactonStore) -> u32 {
    #[reacton]
    static TWIN: u32 = 1;
    store.get(&TWIN)
}

fn two(store: &ReactonStore) -> String {
    #[reacton]
    static TWIN: String = String::from("two");
    store.get(&TWIN)
}

#[test]
fn r2_two_reactons_with_one_id_are_refused_at_first_use_with_both_places() {
    let store = ReactonStore::new();
    assert_eq!(one(&store), 1);
    for _ in 0..2 {
        let words = panic_of(|| two(&store));
        assert_eq!(words.matches("identity::TWIN").count(), 2, "{words}");
        assert_eq!(words.matches("identity.rs:").count(), 2, "{words}");
    }
    assert_eq!(one(&store), 1, "the store is usable after the panic");
    assert_eq!(two(&ReactonStore::new()), "two", "another store is usable, too");
}

#[test]
fn r2_every_use_of_the_second_is_refused() {
    #[reacton]
    static FIRST: u32 = 1;
    #[reacton(id = "identity::FIRST")]
    static SECOND: u32 = 2;
    #[computed(id = "identity::FIRST")]
    static THIRD: u32 = |_| 3;
    let store = ReactonStore::new();
    store.batch(|store| {
        store.set(&FIRST, 5);
        for words in [
            panic_of(|| store.get(&SECOND)),
            panic_of(|| store.set(&SECOND, 3)),
            panic_of(|| store.update(&SECOND, |second| *second += 1)),
            panic_of(|| store.subscribe(&SECOND, |_, _| ())),
            panic_of(|| {
                store.effect(|cx| {
                    cx.get(&THIRD);
                })
            }),
            panic_of(|| store.remove(&THIRD)),
        ] {
            assert!(words.contains("FIRST") && words.contains("share one id"), "{words}");
        }
    });
    assert_eq!(store.get(&FIRST), 5);
    store.remove(&FIRST);
    assert_eq!(store.get(&SECOND), 2, "`FIRST` was removed, so `SECOND` may use the id");
    assert!(panic_of(|| store.get(&FIRST)).contains("SECOND"));
}

#[test]
fn r2_a_snapshot_of_one_twin_is_not_put_into_the_other() {
    #[reacton]
    static MINE: u32 = 1;
    #[reacton(id = "identity::MINE")]
    static YOURS: String = String::from("yours");
    let (mine, yours) = (ReactonStore::new(), ReactonStore::new());
    mine.set(&MINE, 5);
    yours.set(&YOURS, "kept".into());
    yours.restore(&mine.snapshot());
    assert_eq!(yours.get(&YOURS), "kept");
}

#[test]
fn r2_a_snapshot_has_no_value_of_a_twin() {
    #[reacton]
    static MINE: u32 = 1;
    #[reacton(id = "identity::MINE")]
    static YOURS: u32 = 2;
    let (mine, yours) = (ReactonStore::new(), ReactonStore::new());
    mine.set(&MINE, 5);
    yours.set(&YOURS, 5);
    let (of_mine, of_yours) = (mine.snapshot(), yours.snapshot());
    assert_eq!((of_mine.get(&MINE), of_mine.get(&YOURS)), (Some(&5), None));
    assert_eq!((of_yours.get(&MINE), of_yours.get(&YOURS)), (None, Some(&5)));
    let different: Vec<_> = of_mine.diff(&of_yours).iter().map(ReactonRef::name).collect();
    assert_eq!(
        different,
        ["identity::MINE", "identity::YOURS"],
        "each snapshot lacks the reacton of the other"
    );
}

#[test]
fn r2_two_families_with_one_id_are_refused_at_first_use_with_both_places() {
    #[reacton]
    static FIRST: Family<u32, u32> = |_| 1;
    #[reacton(id = "identity::FIRST")]
    static SECOND: Family<u32, u32> = |_| 2;
    let store = ReactonStore::new();
    store.set(&FIRST.of(1), 5);
    for words in [
        panic_of(|| store.get(&SECOND.of(1))),
        panic_of(|| store.get(&SECOND.of(2))),
        panic_of(|| store.set(&SECOND.of(2), 3)),
        panic_of(|| store.has(&SECOND.of(2))),
        panic_of(|| store.subscribe(&SECOND.of(2), |_, _| ())),
        panic_of(|| store.remove(&SECOND.of(2))),
    ] {
        assert!(words.contains("identity::FIRST") && words.contains("identity::SECOND"), "{words}");
        assert_eq!(words.matches("identity.rs:").count(), 2, "{words}");
    }
    assert_eq!(store.get(&FIRST.of(1)), 5);
    store.remove(&FIRST.of(1));
    assert_eq!(store.get(&SECOND.of(2)), 2, "`FIRST` was removed, so `SECOND` may use the id");
}

#[test]
fn r2_a_family_and_a_reacton_with_one_id_are_refused() {
    #[reacton]
    static FIRST: u32 = 1;
    #[reacton(id = "identity::FIRST")]
    static SECOND: Family<u32, u32> = |_| 2;
    let (one, two) = (ReactonStore::new(), ReactonStore::new());
    one.set(&FIRST, 5);
    assert!(panic_of(|| one.set(&SECOND.of(1), 1)).contains("SECOND"));
    two.set(&SECOND.of(1), 5);
    assert!(panic_of(|| two.get(&FIRST)).contains("SECOND"));
    let (of_one, of_two) = (one.snapshot(), two.snapshot());
    assert_eq!((of_one.get(&SECOND.of(1)), of_two.get(&FIRST)), (None, None));
    two.restore(&of_one);
    one.restore(&of_two);
    // A reacton that is not in the snapshot gets its initial value.
    assert_eq!((one.get(&FIRST), two.get(&SECOND.of(1))), (1, 2));
}

#[test]
fn r2_the_message_says_how_two_reactons_came_to_have_one_id() {
    #[reacton]
    static FIRST: u32 = 1;
    #[reacton(id = "identity::FIRST")]
    static SECOND: u32 = 2;
    let store = ReactonStore::new();
    one(&store);
    let words = panic_of(|| two(&store));
    assert!(words.contains("in different functions or blocks: rename one of them"), "{words}");
    store.get(&FIRST);
    let words = panic_of(|| store.get(&SECOND));
    assert!(words.contains("give it an id of its own: `#[reacton(id = \"..\")]`"), "{words}");
}
