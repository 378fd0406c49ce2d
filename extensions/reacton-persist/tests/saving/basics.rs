//! Values that are saved as a whole.

use std::time::Duration;

use reacton::persist::{OpenError, Persist, Redb, SaveStatus, saved};
use reacton::prelude::*;

use crate::settings::{COUNT, LONG, PICTURE, SETTINGS, Settings, all, folder, until};

fn dark() -> Settings {
    Settings { theme: String::from("dark"), size: 14.5 }
}

#[test]
fn d1_what_was_committed_is_there_when_the_program_starts_again() {
    let folder = folder();
    let store = ReactonStore::new();
    let saved = all(&store, &folder);
    store.batch(|store| {
        store.set(&SETTINGS, dark());
        store.set(&COUNT, 7);
        store.set(&PICTURE, vec![1, 2, 3]);
    });
    saved.flush(LONG).expect("all is written");
    assert_eq!(store.get(saved.status()), SaveStatus::Saved);
    drop(saved);

    let store = ReactonStore::new();
    let saved = all(&store, &folder);
    assert_eq!(store.get(&SETTINGS), dark());
    assert_eq!((store.get(&COUNT), store.get(&PICTURE)), (7, vec![1, 2, 3]));
    assert_eq!(store.get(saved.problems()), []);
    assert_eq!(store.get(saved.status()), SaveStatus::Saved, "nothing is written that was read");
}

#[test]
fn d1_dropping_the_handle_writes_what_was_committed() {
    let folder = folder();
    let store = ReactonStore::new();
    let saved = all(&store, &folder);
    store.set(&COUNT, 3);
    drop(saved);
    let store = ReactonStore::new();
    let _saved = all(&store, &folder);
    assert_eq!(store.get(&COUNT), 3);
}

#[test]
fn d1_disposing_the_store_writes_what_was_committed() {
    let folder = folder();
    let store = ReactonStore::new();
    let saved = all(&store, &folder);
    store.set(&COUNT, 3);
    store.dispose();
    saved.flush(LONG).expect("all is written");
    drop(saved);
    let store = ReactonStore::new();
    let _saved = all(&store, &folder);
    assert_eq!(store.get(&COUNT), 3);
}

#[test]
fn d1_what_the_store_held_before_and_the_file_has_not_stays_and_is_saved() {
    let folder = folder();
    {
        let store = ReactonStore::new();
        let _saved = all(&store, &folder);
        store.set(&COUNT, 5);
    }
    let store = ReactonStore::new();
    store.set(&COUNT, 1);
    store.set(&SETTINGS, dark());
    let saved = all(&store, &folder);
    assert_eq!((store.get(&COUNT), store.get(&SETTINGS)), (5, dark()));
    drop(saved);
    let store = ReactonStore::new();
    let _saved = all(&store, &folder);
    assert_eq!((store.get(&COUNT), store.get(&SETTINGS)), (5, dark()));
}

#[test]
fn d4_the_status_is_pending_from_the_commit_until_the_write() {
    let folder = folder();
    let store = ReactonStore::new();
    let saved = all(&store, &folder);
    let shown = std::rc::Rc::new(std::cell::RefCell::new(Vec::new()));
    let seen = std::rc::Rc::clone(&shown);
    let subscription =
        store.subscribe(saved.status(), move |_, status| seen.borrow_mut().push(status.clone()));
    store.set(&COUNT, 1);
    assert_eq!(store.get(saved.status()), SaveStatus::Pending);
    until(&store, &saved, |status| *status == SaveStatus::Saved);
    assert_eq!(*shown.borrow(), [SaveStatus::Pending, SaveStatus::Saved]);
    drop(subscription);
}

#[test]
fn d4_a_wait_of_a_store_ends_when_everything_is_saved() {
    let folder = folder();
    let store = ReactonStore::new();
    let saved = all(&store, &folder);
    assert!(store.run_until(LONG, |_| false).is_err(), "nothing can arrive");
    store.set(&COUNT, 1);
    until(&store, &saved, |status| *status == SaveStatus::Saved);
    assert!(store.run_until(LONG, |_| false).is_err(), "nothing can arrive any more");
}

#[test]
fn d2_what_is_loaded_is_one_transaction() {
    let folder = folder();
    {
        let store = ReactonStore::new();
        let _saved = all(&store, &folder);
        store.batch(|store| {
            store.set(&COUNT, 9);
            store.set(&PICTURE, vec![9]);
        });
    }
    let store = ReactonStore::new();
    let runs = std::rc::Rc::new(std::cell::RefCell::new(Vec::new()));
    let seen = std::rc::Rc::clone(&runs);
    store.effect(move |cx| seen.borrow_mut().push((cx.get(&COUNT), cx.get(&PICTURE).len())));
    let _saved = all(&store, &folder);
    assert_eq!(*runs.borrow(), [(0, 0), (9, 1)]);
}

#[test]
fn nothing_is_opened_inside_a_batch_or_for_a_disposed_store() {
    let folder = folder();
    let store = ReactonStore::new();
    let open = |store: &ReactonStore| {
        Persist::new(saved![COUNT]).open(store, Redb::at(folder.path().join("a.redb"))).map(drop)
    };
    let nested = store.batch(|store| open(store));
    assert!(matches!(nested, Err(OpenError::Nested)), "{nested:?}");
    store.dispose();
    assert!(matches!(open(&store), Err(OpenError::Disposed)));
}

#[test]
fn d1_a_store_of_a_worker_saves_as_well_and_drains() {
    #[worker(shared = [COUNT])]
    fn keeper(store: &ReactonStore, path: std::path::PathBuf) -> Result<(), OpenError> {
        let saved = Persist::new(saved![COUNT]).open(store, Redb::at(path))?;
        store.subscribe(&COUNT, move |_, _| _ = &saved);
        Ok(())
    }
    let folder = folder();
    let path = folder.path().join("worker.redb");
    for round in 0..3 {
        let store = ReactonStore::new();
        let worker = keeper::spawn(&store, path.clone()).expect("the worker starts");
        store.run_until(LONG, |store| store.get(&COUNT) == round).expect("what was saved arrives");
        store.set(&COUNT, round + 1);
        worker.shutdown(LONG).expect("the worker drains");
    }
}

#[test]
fn d1_workers_that_are_there_and_workers_that_come_get_what_was_saved() {
    #[reacton]
    static SEEN: u64 = 0;
    #[worker(shared = [COUNT, SEEN])]
    fn reader(store: &ReactonStore) {
        store.watch(&COUNT, |store, count| store.set(&SEEN, count * 10));
    }
    let folder = folder();
    {
        let store = ReactonStore::new();
        let _saved = all(&store, &folder);
        store.set(&COUNT, 4);
    }
    for before in [true, false] {
        let store = ReactonStore::new();
        let spawn = || reader::spawn(&store).expect("the worker starts");
        let early = before.then(spawn);
        let saved = all(&store, &folder);
        let late = (!before).then(spawn);
        store.run_until(LONG, |store| store.get(&SEEN) == 40).expect("the worker was told");
        assert!(saved.flush(Duration::from_secs(60)).is_ok());
        drop((early, late));
    }
}

#[test]
fn d1_what_a_worker_writes_is_saved() {
    #[worker(shared = [COUNT])]
    fn writer(store: &ReactonStore) {
        store.set(&COUNT, 77);
    }
    let folder = folder();
    {
        let store = ReactonStore::new();
        let _saved = all(&store, &folder);
        let _worker = writer::spawn(&store).expect("the worker starts");
        store.run_until(LONG, |store| store.get(&COUNT) == 77).expect("the worker writes");
    }
    let store = ReactonStore::new();
    let _saved = all(&store, &folder);
    assert_eq!(store.get(&COUNT), 77);
}

/// Names that the expansion of `saved!` could use itself.
mod own {
    use reacton::prelude::*;

    #[reacton(id = "own-slots")]
    pub(super) static SLOTS: u32 = 0;
    #[reacton(id = "own-names")]
    pub(super) static NAMES: u32 = 0;
    #[reacton(id = "own-firsts")]
    pub(super) static FIRSTS: u32 = 0;
    #[reacton(id = "own-len")]
    pub(super) static LEN: u32 = 0;
    pub(super) const GROUPS: Group = group![LEN];
}

#[test]
fn a_reacton_may_have_any_name() {
    use own::{FIRSTS, GROUPS, LEN, NAMES, SLOTS};
    let folder = folder();
    for round in 0..3 {
        let set = if round == 0 {
            saved![NAMES, SLOTS, FIRSTS, LEN]
        } else {
            saved![NAMES, SLOTS, FIRSTS, ..GROUPS]
        };
        let store = ReactonStore::new();
        let saved = Persist::new(set).open(&store, Redb::at(folder.path().join("own.redb")));
        let _saved = saved.expect("the file opens");
        assert_eq!((store.get(&NAMES), store.get(&LEN)), (round, round));
        store.update(&NAMES, |names| *names += 1);
        store.update(&LEN, |len| *len += 1);
    }
}
