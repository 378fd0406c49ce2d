//! G1: groups in lists.

use reacton::prelude::*;
use reacton_support::{TIMEOUT, wait_until};
use serde::{Deserialize, Serialize};

mod images {
    use super::*;

    #[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
    pub(super) enum Status {
        Idle,
        Done,
    }

    #[reacton]
    pub(super) static PATH: String = String::new();
    #[reacton(zero_copy)]
    pub(super) static PICTURE: Option<Vec<u8>> = None;
    #[reacton]
    pub(super) static STATUS: Status = Status::Idle;
    #[reacton]
    pub(super) static ROWS: ReactonMap<u32, String> = ReactonMap::new();

    pub(super) const OUTPUT: Group = group![PICTURE, STATUS, ROWS];
    pub(super) const IMAGES: Group = group![PATH, ..OUTPUT];
}

use images::{IMAGES, OUTPUT, PATH, PICTURE, ROWS, STATUS, Status};

#[reacton]
static THEME: u8 = 1;

/// Neither serde nor `Send`.
#[derive(Clone, PartialEq)]
struct Handle(std::rc::Rc<u8>);

#[reacton]
static HANDLE: Handle = Handle(std::rc::Rc::new(0));
#[reacton]
static NAME: &'static str = "none";
#[reacton]
static NOTE: Family<u32, String> = |_| String::new();

/// A group need not be shared.
const LOCAL: Group = group![HANDLE, NAME, NOTE, ..IMAGES, THEME];

#[worker(shared = [THEME, ..IMAGES])]
fn painter(store: &ReactonStore) {
    store.subscribe(&PATH, |store, path| {
        let (path, theme) = (path.clone(), store.get(&THEME));
        store.batch(|store| {
            store.update(&ROWS, |rows| rows.insert(1, path.clone()));
            store.set(&PICTURE, Some(vec![theme; 3]));
            store.set(&STATUS, Status::Done);
        });
    });
}

#[worker(shared = [in ..IMAGES, out THEME], delivery = latest)]
fn reader(store: &ReactonStore) {
    store.subscribe(&PATH, |store, path| {
        store.set(&THEME, u8::try_from(path.len()).unwrap_or_default());
    });
}

/// Its members cross one by one, as those of a family that is listed by its name.
const NOTES: Group = group![NOTE, PATH];

#[worker(shared = [..NOTES])]
fn noter(store: &ReactonStore) {
    store.subscribe(&PATH, |store, path| store.set(&NOTE.of(7), path.clone()));
}

#[worker(shared = [in PATH, out ..OUTPUT], zero_copy)]
fn counted(store: &ReactonStore) {
    store.subscribe(&PATH, |store, _| store.set(&STATUS, Status::Done));
}

fn names(refs: impl Iterator<Item = ReactonRef>) -> Vec<&'static str> {
    refs.map(|rref| rref.name().rsplit("::").next().unwrap_or_default()).collect()
}

#[test]
fn g1_a_group_is_a_list_in_its_order() {
    assert_eq!(names(IMAGES.refs()), ["PATH", "PICTURE", "STATUS", "ROWS"]);
    assert_eq!((IMAGES.len(), IMAGES.is_empty()), (4, false));
    assert_eq!(names(LOCAL.refs())[..3], ["HANDLE", "NAME", "NOTE"]);
    assert_eq!(LOCAL.len(), 8);
    let elsewhere = std::thread::spawn(|| IMAGES.len()).join();
    assert_eq!(elsewhere.ok(), Some(4));
}

#[test]
fn g1_a_worker_shares_what_a_group_lists() {
    assert_eq!(names(painter::shared().refs()), ["THEME", "PATH", "PICTURE", "STATUS", "ROWS"]);
    let store = ReactonStore::new();
    let worker = painter::spawn(&store).expect("the worker starts");
    store.set(&PATH, "a.png".into());
    wait_until(&store, |store| store.get(&STATUS) == Status::Done);
    assert_eq!(store.get(&PICTURE), Some(vec![1; 3]));
    assert_eq!(store.with(&ROWS, |rows| rows.get(&1).cloned()), Some("a.png".into()));
    worker.shutdown(TIMEOUT).expect("the worker ends");
}

#[test]
fn g1_a_family_of_a_group_is_shared() {
    let store = ReactonStore::new();
    let worker = noter::spawn(&store).expect("the worker starts");
    store.set(&PATH, "a.png".into());
    wait_until(&store, |store| store.get(&NOTE.of(7)) == "a.png");
    drop(worker);
}

#[test]
fn g1_the_macro_free_list_takes_groups() {
    assert_eq!(names(shared![..IMAGES].refs()), ["PATH", "PICTURE", "STATUS", "ROWS"]);
    assert_eq!(names(shared![..OUTPUT, THEME, PATH].refs())[3..], ["THEME", "PATH"]);
    let store = ReactonStore::new();
    let spawned = IsolateStore::spawn(&store, shared![..OUTPUT, PATH], |store| {
        store.subscribe(&PATH, |store, _| store.set(&STATUS, Status::Done));
    });
    store.set(&PATH, "b.png".into());
    wait_until(&store, |store| store.get(&STATUS) == Status::Done);
    drop(spawned);
}

#[test]
fn g1_a_direction_is_that_of_each_reacton_of_a_group() {
    let store = ReactonStore::new();
    let worker = reader::spawn(&store).expect("the worker starts");
    let direction = format!("{:?}", reader::shared());
    assert!(direction.contains("in ") && direction.contains("out "), "{direction}");
    store.set(&PATH, "four".into());
    wait_until(&store, |store| store.get(&THEME) == 4);
    let refused = reacton_support::panic_of(|| store.set(&THEME, 5));
    assert!(refused.contains("THEME"), "{refused}");
    drop(worker);
    let worker = counted::spawn(&store).expect("the worker starts");
    let refused = reacton_support::panic_of(|| store.set(&STATUS, Status::Idle));
    assert!(refused.contains("STATUS"), "{refused}");
    store.set(&PATH, "five5".into());
    wait_until(&store, |store| store.get(&STATUS) == Status::Done);
    drop(worker);
}
