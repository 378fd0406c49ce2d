//! Generic types, in declarations, in shared sets and as arguments of a worker.
use reacton::prelude::*;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::sync::Arc;

#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
struct Page<T, const N: usize> {
    items: Vec<T>,
}

impl<T, const N: usize> Page<T, N> {
    const fn empty() -> Self {
        Self { items: Vec::new() }
    }
}

#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
enum Tree<K: Ord> {
    Leaf,
    Branch(BTreeMap<K, Tree<K>>),
}

#[reacton]
static PAGE: Page<Option<String>, 20> = Page::empty();
#[reacton]
static TREE: Tree<(u8, char)> = Tree::Leaf;
#[reacton(zero_copy)]
static IMAGE: Option<Arc<[Page<u8, 3>]>> = None;
#[reacton]
static CALLBACK: Option<fn(&str) -> Box<dyn Iterator<Item = char> + '_>> = None;

#[computed]
static ITEMS: Vec<Option<String>> = |cx| cx.with(&PAGE, |page| page.items.clone());

type Callback = Box<dyn Fn(&str) -> Option<&str> + Send>;

#[worker(shared = [PAGE, TREE, IMAGE])]
fn loader(
    store: &ReactonStore,
    page: Page<Vec<u8>, { 2 + 2 }>,
    callback: Callback,
    label: &'static str,
    limits: [Option<(u8, std::ops::RangeInclusive<u32>)>; 2],
) {
    let found = callback(label).map(str::to_owned);
    let items = if limits[0].is_none() && page.items.is_empty() { vec![found] } else { vec![] };
    store.set(&PAGE, Page { items });
    store.set(&TREE, Tree::Branch(BTreeMap::from([((1, 'a'), Tree::Leaf)])));
}

fn read_any<R: Readable<Value = T>, T: Clone>(store: &ReactonStore, reacton: &R) -> T {
    store.get(reacton)
}

fn bump(store: &ReactonStore, reacton: &impl Writable<Value = u32>) {
    store.update(reacton, |n| *n += 1);
}

#[reacton]
static COUNT: u32 = 0;

fn main() -> Result<(), SpawnError> {
    let store = ReactonStore::new();
    loader(&store, Page::empty(), Box::new(|s| s.get(..2)), "label", [None, None]);
    assert_eq!(store.get(&ITEMS), [Some(String::from("la"))]);
    loader::spawn(&store, Page::empty(), Box::new(|s| Some(s)), "", [None, None])?.dispose();

    // References to references, and a list of reactons of one type.
    let local = store.reacton(1_u32);
    bump(&store, &COUNT);
    bump(&store, &&COUNT);
    bump(&store, &local);
    let all: [&'static Reacton<u32>; 2] = [&COUNT, &COUNT];
    for reacton in &all {
        assert_eq!(store.get(reacton), read_any(&store, *reacton));
    }
    assert_eq!(read_any(&store, &&&local), 2);
    assert!(read_any(&store, &CALLBACK).is_none() && store.get(&IMAGE).is_none());
    Ok(())
}
