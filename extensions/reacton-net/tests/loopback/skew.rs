//! A client and a host of different builds. Their types have the same path, as in two versions of one program, because
//! they are declared in constants without a name.

use reacton::prelude::*;
use reacton::process::Workers;
use reacton_net::{Host, Session, Skew};
use serde::{Deserialize, Serialize};

use super::places::{place, until};

/// A worker, as one build of the program has it.
struct Build {
    offers: fn() -> Workers,
    spawn: fn(&ReactonStore, &Session) -> Result<IsolateStore, SpawnError>,
    /// Writes the settings, and a row of the same type.
    write: fn(&ReactonStore, u32),
    /// Asks the worker to write the settings.
    ask: fn(&ReactonStore),
    shown: fn(&ReactonStore) -> String,
}

/// Names the type of a build.
trait HasSettings {
    type Settings;
}

struct Number<const N: usize>;

macro_rules! build {
    ($name:ident = $number:literal, $($settings:tt)*) => {
        const _: () = {
            #[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
            $($settings)*

            impl HasSettings for Number<$number> {
                type Settings = Settings;
            }
        };

        const $name: Build = {
            type Settings = <Number<$number> as HasSettings>::Settings;

            #[reacton(id = "skew/settings")]
            static SETTINGS: Settings = Settings::default();

            #[reacton(id = "skew/rows")]
            static ROWS: ReactonMap<u32, Settings> = ReactonMap::new();

            #[reacton(id = "skew/asked")]
            static ASKED: u32 = 0;

            #[worker(shared = [SETTINGS, ROWS, ASKED])]
            fn render(store: &ReactonStore) {
                store.subscribe(&ASKED, |store, _| {
                    store.update(&SETTINGS, |settings| settings.width += 1);
                });
            }

            Build {
                offers: || Workers::from(workers![render]),
                spawn: |store, session| render::builder().at(session, "tests").spawn(store),
                write: |store, width| {
                    store.update(&SETTINGS, |settings| {
                        settings.width = width.try_into().unwrap_or_default();
                    });
                    let settings = store.get(&SETTINGS);
                    store.update(&ROWS, |rows| {
                        rows.insert(width, settings);
                    });
                },
                ask: |store| store.update(&ASKED, |asked| *asked += 1),
                shown: |store| format!("{:?}", store.get(&SETTINGS)),
            }
        };
    };
}

build!(
    OLD = 0,
    struct Settings {
        width: u32,
    }
);
build!(
    NEW = 1,
    struct Settings {
        width: u32,
        #[serde(default)]
        height: u32,
    }
);
build!(
    STRICT = 2,
    struct Settings {
        width: u32,
        height: u32,
    }
);
build!(
    NARROW = 3,
    struct Settings {
        width: u8,
    }
);
build!(
    WIDE = 4,
    struct Settings {
        width: u64,
    }
);

fn host_of(build: &Build, skew: Skew) -> (Host, Session) {
    place(|host| host.offer("tests", (build.offers)()).skew(skew))
}

/// The texts of all differences.
#[track_caller]
fn mismatches(spawned: Result<IsolateStore, SpawnError>) -> Vec<String> {
    let Err(SpawnError::Mismatch { mismatches, .. }) = spawned else { panic!("{spawned:?}") };
    mismatches.iter().map(ToString::to_string).collect()
}

#[test]
fn n7_a_client_of_another_build_is_refused_with_a_list_of_all_differences() {
    let (host, session) = host_of(&OLD, Skew::default());
    let store = ReactonStore::new();
    let mut listed = mismatches((NEW.spawn)(&store, &session));
    listed.sort();
    let [rows, settings] = &listed[..] else { panic!("{listed:?}") };
    assert!(rows.contains("skew/rows") || rows.contains("ROWS"), "{rows}");
    assert!(settings.contains("SETTINGS") && settings.contains("height"), "{settings}");
    until(&store, |_| host.running() == 0);
}

#[test]
fn n7_a_client_of_the_same_build_is_no_difference() {
    for skew in [Skew::Refused, Skew::Decodes] {
        let (_host, session) = host_of(&NEW, skew);
        let store = ReactonStore::new();
        (NEW.write)(&store, 3);
        let _worker = (NEW.spawn)(&store, &session).expect("the worker starts");
        (NEW.ask)(&store);
        until(&store, |store| (NEW.shown)(store) == "Settings { width: 4, height: 0 }");
    }
}

#[test]
fn n7_builds_whose_values_decode_at_both_ends_work_together() {
    for (there, here, shown) in [
        (&OLD, &NEW, "Settings { width: 4, height: 0 }"),
        (&NEW, &OLD, "Settings { width: 4 }"),
        (&WIDE, &NARROW, "Settings { width: 4 }"),
    ] {
        let (_host, session) = host_of(there, Skew::Decodes);
        let store = ReactonStore::new();
        (here.write)(&store, 3);
        let worker = (here.spawn)(&store, &session).expect("the worker starts");
        (here.ask)(&store);
        until(&store, |store| (here.shown)(store) == shown);
        assert_eq!(store.get(worker.last_error()), None);
        until(&store, |_| worker.stats().queued == 0);
    }
}

#[test]
fn n7_a_first_value_that_does_not_decode_at_the_host_is_a_difference() {
    let (host, session) = host_of(&STRICT, Skew::Decodes);
    let store = ReactonStore::new();
    (OLD.write)(&store, 3);
    let listed = mismatches((OLD.spawn)(&store, &session));
    assert_eq!(listed.len(), 2, "{listed:?}");
    assert!(listed.iter().all(|text| text.contains("does not decode")), "{listed:?}");
    until(&store, |_| host.running() == 0);
}

#[test]
fn n7_a_first_value_that_does_not_decode_at_the_client_is_a_difference() {
    let (host, session) = host_of(&OLD, Skew::Decodes);
    let store = ReactonStore::new();
    (STRICT.write)(&store, 3);
    let listed = mismatches((STRICT.spawn)(&store, &session));
    assert_eq!(listed.len(), 2, "{listed:?}");
    assert!(listed.iter().all(|text| text.contains("does not decode")), "{listed:?}");
    until(&store, |_| host.running() == 0);
    assert_eq!((STRICT.shown)(&store), "Settings { width: 3, height: 0 }");
}

#[test]
fn n7_a_later_value_that_does_not_decode_is_reported_and_the_worker_goes_on() {
    let (_host, session) = host_of(&WIDE, Skew::Decodes);
    let store = ReactonStore::new();
    (NARROW.write)(&store, 255);
    let worker = (NARROW.spawn)(&store, &session).expect("the worker starts");
    (NARROW.ask)(&store);
    until(&store, |store| store.with(worker.last_error(), Option::is_some));
    let error = store.get(worker.last_error()).expect("there is an error");
    assert!(matches!(error, LinkError::Decode { .. }), "{error:?}");
    assert_eq!((NARROW.shown)(&store), "Settings { width: 255 }");
    (NARROW.write)(&store, 7);
    (NARROW.ask)(&store);
    until(&store, |store| (NARROW.shown)(store) == "Settings { width: 8 }");
    assert_eq!(store.get(worker.status()), IsolateStatus::Running);
}
