//! Files that another build has written.

use std::path::Path;

use reacton::persist::{Persist, Problem, Redb, Row, SaveStatus, Saved, Storage, saved};
use reacton::prelude::*;

use crate::settings::{LONG, folder};

/// Each module is a build: its types, under the same names in the file.
mod first {
    use super::*;

    #[derive(Clone, PartialEq, Debug, serde::Serialize, serde::Deserialize)]
    pub(super) struct Settings {
        pub(super) dark: bool,
    }

    #[reacton(id = "app/settings")]
    pub(super) static SETTINGS: Settings = Settings { dark: false };
    #[reacton(id = "app/sizes")]
    pub(super) static SIZES: ReactonMap<String, u32> = ReactonMap::new();
    #[reacton(id = "app/steps")]
    pub(super) static STEPS: ReactonList<u32> = ReactonList::new();
    #[reacton(id = "app/old")]
    pub(super) static OLD: u8 = 0;

    pub(super) fn open(store: &ReactonStore, path: &Path) -> Saved {
        Persist::new(saved![SETTINGS, SIZES, STEPS, OLD])
            .open(store, Redb::at(path))
            .expect("the file opens")
    }
}

mod second {
    use super::*;

    #[derive(Clone, PartialEq, Debug, serde::Serialize, serde::Deserialize)]
    pub(super) struct Settings {
        pub(super) theme: String,
    }

    #[reacton(id = "app/settings")]
    pub(super) static SETTINGS: Settings = Settings { theme: String::from("light") };
    #[reacton(id = "app/sizes")]
    pub(super) static SIZES: ReactonMap<String, f64> = ReactonMap::new();
    #[reacton(id = "app/steps")]
    pub(super) static STEPS: ReactonList<String> = ReactonList::new();

    #[expect(clippy::needless_pass_by_value, reason = "a step consumes the old value")]
    pub(super) fn of_first(old: first::Settings) -> Settings {
        Settings { theme: if old.dark { "dark" } else { "light" }.into() }
    }

    pub(super) fn open(store: &ReactonStore, path: &Path) -> Saved {
        Persist::new(saved![SETTINGS, SIZES, STEPS])
            .migrate(&SETTINGS, 2, of_first)
            .migrate(&SIZES, 2, |old: u32| f64::from(old) / 2.0)
            .migrate(&STEPS, 2, |old: u32| old.to_string())
            .open(store, Redb::at(path))
            .expect("the file opens")
    }
}

mod third {
    use super::*;

    #[derive(Clone, PartialEq, Debug, serde::Serialize, serde::Deserialize)]
    pub(super) struct Settings {
        pub(super) theme: String,
        pub(super) size: u8,
    }

    #[reacton(id = "app/settings")]
    pub(super) static SETTINGS: Settings = Settings { theme: String::from("light"), size: 10 };
    #[reacton(id = "app/sizes")]
    pub(super) static SIZES: ReactonMap<String, (f64, bool)> = ReactonMap::new();

    pub(super) fn open(store: &ReactonStore, path: &Path) -> Saved {
        Persist::new(saved![SETTINGS, SIZES])
            .migrate(&SETTINGS, 2, second::of_first)
            .migrate(&SETTINGS, 3, |old: second::Settings| Settings { theme: old.theme, size: 20 })
            .migrate(&SIZES, 2, |old: u32| f64::from(old) / 2.0)
            .migrate(&SIZES, 3, |old: f64| (old, old > 1.0))
            .open(store, Redb::at(path))
            .expect("the file opens")
    }
}

fn written_by_the_first(path: &Path) {
    let store = ReactonStore::new();
    let _saved = first::open(&store, path);
    store.batch(|store| {
        store.set(&first::SETTINGS, first::Settings { dark: true });
        store.update(&first::SIZES, |sizes| {
            sizes.insert("a".into(), 3);
            sizes.insert("b".into(), 1);
        });
        store.update(&first::STEPS, |steps| steps.extend([1, 2, 3]));
        store.set(&first::OLD, 7);
    });
}

#[test]
fn d6_values_and_items_go_through_the_steps_of_three_versions() {
    let folder = folder();
    let path = folder.path().join("state.redb");
    written_by_the_first(&path);
    {
        let store = ReactonStore::new();
        let saved = second::open(&store, &path);
        assert_eq!(store.get(&second::SETTINGS).theme, "dark");
        assert_eq!(store.with(&second::SIZES, |sizes| sizes.get("a").copied()), Some(1.5));
        let steps = store.with(&second::STEPS, |steps| steps.iter().cloned().collect::<Vec<_>>());
        assert_eq!(steps, ["1", "2", "3"]);
        assert_eq!(store.get(saved.problems()), [Problem::Unknown { name: "app/old".into() }]);
        assert_eq!(store.get(saved.status()), SaveStatus::Saved, "reading writes nothing");
        // One of the entries is of the second version now.
        store.update(&second::SIZES, |sizes| drop(sizes.insert("b".into(), 9.0)));
    }
    let store = ReactonStore::new();
    let _saved = third::open(&store, &path);
    assert_eq!(store.get(&third::SETTINGS), third::Settings { theme: "dark".into(), size: 20 });
    let sizes = store.get(&third::SIZES);
    assert_eq!((sizes.get("a"), sizes.get("b")), (Some(&(1.5, true)), Some(&(9.0, true))));
}

#[test]
fn d6_what_a_newer_build_has_written_is_kept_by_an_older_one() {
    let folder = folder();
    let path = folder.path().join("state.redb");
    written_by_the_first(&path);
    let newer = third::Settings { theme: "blue".into(), size: 30 };
    {
        let store = ReactonStore::new();
        let _saved = third::open(&store, &path);
        store.set(&third::SETTINGS, newer.clone());
        store.update(&third::SIZES, |sizes| drop(sizes.insert("a".into(), (0.5, true))));
    }
    {
        // Back: what it cannot read has its initial value, and the rest is as it was.
        let store = ReactonStore::new();
        let saved = first::open(&store, &path);
        assert_eq!(store.get(&first::SETTINGS), first::Settings { dark: false });
        let sizes = store.get(&first::SIZES);
        assert_eq!((sizes.get("a"), sizes.get("b")), (None, Some(&1)));
        assert_eq!(store.get(&first::OLD), 7, "a name that the newer build has not declared");
        let problems = store.get(saved.problems());
        let reasons: Vec<_> = problems
            .iter()
            .map(|problem| match problem {
                Problem::NotDecoded { reason, .. } => reason.as_str(),
                other => panic!("{other:?}"),
            })
            .collect();
        assert!(reasons.iter().all(|reason| reason.contains("newer build")), "{reasons:?}");
        assert!(reasons[1].contains("\"a\""), "{reasons:?}");
    }
    {
        // And forth: nothing was written by the older one, so nothing has changed.
        let store = ReactonStore::new();
        let saved = third::open(&store, &path);
        assert_eq!(store.get(&third::SETTINGS), newer);
        assert_eq!(store.with(&third::SIZES, |sizes| sizes.get("a").copied()), Some((0.5, true)));
        drop(saved);
    }
    {
        let store = ReactonStore::new();
        let _saved = first::open(&store, &path);
        store.set(&first::SETTINGS, first::Settings { dark: true });
        store.update(&first::SIZES, |sizes| drop(sizes.insert("a".into(), 5)));
    }
    let rows = Redb::at(&path).load().expect("the file can be read");
    let row = |name: &str| -> Vec<&Row> { rows.iter().filter(|row| row.reacton == name).collect() };
    assert_eq!(row("app/settings")[0].schema, 1);
    assert_eq!(row("app/settings#aside-1")[0].schema, 3, "moved aside by the first write");
    assert_eq!(row("app/sizes#aside-1").len(), 1);
    assert_eq!(row("app/sizes").len(), 2);
}

#[test]
fn d6_a_step_that_is_missing_or_panics_keeps_the_bytes() {
    let folder = folder();
    let path = folder.path().join("state.redb");
    written_by_the_first(&path);
    let open = |store: &ReactonStore, panics: bool| {
        let persist = Persist::new(saved![second::SETTINGS]);
        let step = move |old: first::Settings| {
            assert!(!panics, "this step does not work");
            second::of_first(old)
        };
        let to = if panics { 2 } else { 3 };
        persist
            .migrate(&second::SETTINGS, to, step)
            .open(store, Redb::at(&path))
            .expect("the file opens")
    };
    for panics in [true, false] {
        let store = ReactonStore::new();
        let saved = open(&store, panics);
        let problems = store.get(saved.problems());
        let text = problems.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n");
        let expected = if panics { "this step does not work" } else { "no step" };
        assert!(text.contains(expected), "{text}");
        assert!(text.contains("nothing reads `app/sizes`"), "{text}");
        assert_eq!(store.get(&second::SETTINGS).theme, "light");
    }
    let store = ReactonStore::new();
    let _saved = first::open(&store, &path);
    assert_eq!(store.get(&first::SETTINGS), first::Settings { dark: true });
}

#[test]
fn d6_names_that_are_not_declared_are_kept_until_they_are_forgotten() {
    let folder = folder();
    let path = folder.path().join("state.redb");
    written_by_the_first(&path);
    for forgets in [false, true, false] {
        let store = ReactonStore::new();
        let saved = second::open(&store, &path);
        if forgets {
            saved.forget_unknown();
            assert_eq!(store.get(saved.problems()), []);
            saved.flush(LONG).expect("all is written");
        }
    }
    let store = ReactonStore::new();
    let saved = second::open(&store, &path);
    assert_eq!(store.get(saved.problems()), []);
    assert_eq!(store.get(&second::SETTINGS).theme, "dark");
}
