//! Families by closure and by function, with keys and values of many types, and each option that a family takes.
#![deny(warnings)]
use reacton::prelude::*;
use serde::Serialize;
use std::collections::BTreeMap;

#[derive(Clone, Debug, PartialEq, Serialize)]
enum Place {
    Shelf(u8, char),
    Floor { level: i32 },
}

struct Opaque(u32);

fn title(place: &Place) -> String {
    format!("at {place:?}")
}

fn same_length(a: &Vec<u8>, b: &Vec<u8>) -> bool {
    a.len() == b.len()
}

#[reacton]
static SCORE: Family<u32, i64> = |_| 0;
#[reacton(id = "app::title")]
static TITLE: Family<Place, String> = title;
#[reacton(eq = same_length)]
static BYTES: reacton::Family<(&'static str, [u8; 2]), Vec<u8>> =
    |(name, _)| name.as_bytes().to_vec();
#[reacton(eq = never)]
static OPAQUE: Family<Option<Box<str>>, Opaque> = |name: &Option<Box<str>>| -> Opaque {
    Opaque(name.as_ref().map_or(0, |name| name.len() as u32))
};
#[reacton(crate = ::reacton)]
static NESTED: Family<String, BTreeMap<String, Vec<Option<f32>>>> = |_| BTreeMap::new();

/// Keys and values have serde, or the values can be handed over by reference count.
#[reacton]
static PAGE: Family<Option<String>, Vec<String>> = |_| Vec::new();

#[worker(shared = [SCORE, in PAGE, NESTED])]
fn scorer(store: &ReactonStore) {
    bump(store, &SCORE.of(1));
}

#[worker(shared = [SCORE, out PAGE], zero_copy, delivery = latest)]
fn printer(store: &ReactonStore) {
    store.set(&PAGE.of(None), vec!["page".into()]);
}

#[computed]
static SUM: i64 = |cx| (0..3).map(|key| cx.get(&SCORE.of(key))).sum();

fn bump<K: Clone + 'static>(store: &ReactonStore, member: &Member<K, i64>) {
    store.update(member, |n| *n += 1);
}

fn main() {
    let store = ReactonStore::new();
    store.set(&SCORE.of(2), 5);
    bump(&store, &SCORE.of(1));
    assert_eq!(store.get(&SUM), 6);
    assert_eq!(store.get(&TITLE.of(Place::Shelf(1, 'a'))), "at Shelf(1, 'a')");
    assert_ne!(
        TITLE.of(Place::Floor { level: 1 }).reacton_ref(),
        TITLE.of(Place::Floor { level: 2 }).reacton_ref()
    );
    let seen = store.subscribe(&BYTES.of(("ab", [0, 1])), |_, _| {
        panic!("an observer was called for an equal value")
    });
    store.set(&BYTES.of(("ab", [0, 1])), vec![7, 7]);
    seen.unsubscribe();
    assert_eq!(store.with(&OPAQUE.of(Some("abc".into())), |opaque| opaque.0), 3);
    store.update(&NESTED.of("a".into()), |map| {
        map.insert("b".into(), vec![None]);
    });
    assert_eq!(store.keys(&NESTED), ["a"]);
    assert_eq!(shared![SCORE, out NESTED, in PAGE].len() + scorer::shared().len(), 6);
    assert_eq!(printer::shared().refs().next(), Some(SCORE.reacton_ref()));
    assert_eq!(TITLE.reacton_ref().id(), RefId::of("app::title"));
}
