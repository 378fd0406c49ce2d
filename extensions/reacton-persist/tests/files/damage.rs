//! Damaged files, full disks, folders that cannot be written to, and a file that is open already.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use reacton::persist::{
    JsonFile, OpenError, Persist, Problem, Redb, SaveStatus, Saved, Storage, saved,
};
use reacton::prelude::*;
use rustix::mount::{MountFlags, UnmountFlags, mount, mount_remount, unmount};

use crate::settings::{COUNT, LONG, ROWS, SETTINGS, folder, is_failing, until};

fn open(store: &ReactonStore, storage: impl Storage + 'static) -> Result<Saved, OpenError> {
    Persist::new(saved![SETTINGS, COUNT, ROWS])
        .every(Duration::from_millis(10))
        .open(store, storage)
}

/// Numbers that look random, and are the same in each run.
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, limit: usize) -> usize {
        self.0 =
            self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as usize % limit
    }
}

/// A file with a value and a few hundred rows.
fn written(path: &Path) -> Vec<u8> {
    let store = ReactonStore::new();
    let saved = open(&store, Redb::at(path)).expect("the file opens");
    for round in 0..5 {
        store.batch(|store| {
            store.set(&COUNT, round);
            store.update(&ROWS, |rows| {
                (0..100).for_each(|key| drop(rows.insert(key, format!("row {key} of {round}"))));
            });
        });
        saved.flush(LONG).expect("all is written");
    }
    drop(saved);
    fs::read(path).expect("the file is there")
}

#[test]
fn d3_a_damaged_file_is_kept_aside_as_it_was_and_reported() {
    let folder = folder();
    let path = folder.path().join("state.redb");
    let whole = written(&path);
    let seed = std::env::var("REACTON_SEED").map_or(21, |seed| seed.parse().expect("a number"));
    println!("REACTON_SEED={seed}");
    let rounds =
        std::env::var("REACTON_ROUNDS").map_or(60, |rounds| rounds.parse().expect("a number"));
    let mut numbers = Numbers(seed);
    let (mut kept, mut harmless) = (0, 0);
    for round in 0..rounds {
        let mut bytes = whole.clone();
        if round % 2 == 0 {
            bytes.truncate(numbers.below(bytes.len()));
        } else {
            for _ in 0..=numbers.below(8) {
                let at = numbers.below(bytes.len());
                bytes[at] ^= 1 << numbers.below(8);
            }
        }
        fs::write(&path, &bytes).expect("the file is written");
        let store = ReactonStore::new();
        let saved = open(&store, Redb::at(&path)).expect("the file opens");
        let problems = store.get(saved.problems());
        if let [Problem::Damaged { kept_at, bytes: size }] = &problems[..] {
            assert_eq!(*size, bytes.len() as u64);
            assert!(fs::read(kept_at).expect("the file is kept") == bytes, "the file is as it was");
            assert_eq!((store.get(&COUNT), store.with(&ROWS, ReactonMap::len)), (0, 0));
            store.set(&COUNT, 50);
            saved.flush(LONG).expect("the new file is written");
            drop(saved);
            fs::remove_file(kept_at).expect("the file is there");
            kept += 1;
        } else {
            // Bytes that nothing reads, or the end of a file of which nothing was cut off that is in use.
            assert_eq!(problems, [], "round {round}");
            let count = store.get(&COUNT);
            assert!(bytes.is_empty() || count == 4 || count == 3, "round {round}: {count}");
            if !bytes.is_empty() {
                let expected = format!("row 7 of {count}");
                assert_eq!(store.with(&ROWS, |rows| rows.get(&7).cloned()), Some(expected));
            }
            harmless += 1;
        }
    }
    println!("{kept} damaged files were kept aside, {harmless} could be read");
    assert!(kept > rounds / 4, "{kept} of {rounds}");
}

#[test]
fn d3_what_was_kept_aside_earlier_stays() {
    let folder = folder();
    let path = folder.path().join("state.redb");
    let texts = ["the first letter", "the second letter", "the third letter"];
    for text in texts {
        fs::write(&path, text).expect("the file is written");
        let store = ReactonStore::new();
        let _saved = open(&store, Redb::at(&path)).expect("the file opens");
    }
    for (number, text) in (1..).zip(texts) {
        let kept = folder.path().join(format!("state.redb.damaged-{number}"));
        assert_eq!(fs::read_to_string(kept).expect("the file is kept"), text);
    }
    // Of JSON, no text is damaged: `open` refuses it. A storage that wraps it may think otherwise.
    let path = folder.path().join("settings.json");
    for (number, text) in (1..).zip(texts) {
        fs::write(&path, text).expect("the file is written");
        let kept = JsonFile::at(&path).keep_aside().expect("the file is renamed");
        let expected = folder.path().join(format!("settings.json.damaged-{number}"));
        assert_eq!((kept.kept_at, kept.bytes), (expected, text.len() as u64));
    }
}

#[test]
fn d3_a_file_of_something_else_is_kept_aside() {
    let folder = folder();
    let path = folder.path().join("state.redb");
    fs::write(&path, "a letter to a friend").expect("the file is written");
    let store = ReactonStore::new();
    let saved = open(&store, Redb::at(&path)).expect("the file opens");
    let problems = store.get(saved.problems());
    let [Problem::Damaged { kept_at, .. }] = &problems[..] else { panic!("{problems:?}") };
    assert_eq!(fs::read(kept_at).expect("the file is kept"), b"a letter to a friend");
}

#[test]
fn d3_a_damaged_text_is_refused_and_stays() {
    let folder = folder();
    let path = folder.path().join("settings.json");
    {
        let store = ReactonStore::new();
        let _saved = open(&store, JsonFile::at(&path)).expect("the file opens");
        store.update(&ROWS, |rows| (0..50).for_each(|key| drop(rows.insert(key, "x".into()))));
    }
    let whole = fs::read(&path).expect("the file is there");
    let mut numbers = Numbers(7);
    for _ in 0..200 {
        let mut bytes = whole.clone();
        bytes.truncate(1 + numbers.below(whole.len() - 3));
        fs::write(&path, &bytes).expect("the file is written");
        let store = ReactonStore::new();
        assert!(open(&store, JsonFile::at(&path)).is_err());
        assert_eq!(fs::read(&path).expect("the file is there"), bytes);
    }
    for _ in 0..200 {
        let mut bytes = whole.clone();
        bytes[numbers.below(whole.len())] ^= 1 << numbers.below(8);
        fs::write(&path, &bytes).expect("the file is written");
        let store = ReactonStore::new();
        drop(open(&store, JsonFile::at(&path)));
        assert_eq!(fs::read(&path).expect("the file is there"), bytes, "nothing was written over");
    }
}

#[test]
fn d5_a_file_that_is_open_is_refused_by_name() {
    let folder = folder();
    let path = folder.path().join("state.redb");
    let store = ReactonStore::new();
    let saved = open(&store, Redb::at(&path)).expect("the file opens");
    for round in 0..2 {
        let second = open(&ReactonStore::new(), Redb::at(&path)).map(drop);
        assert!(
            matches!(&second, Err(OpenError::InUse { path: named }) if *named == path),
            "round {round}: {second:?}"
        );
        store.set(&COUNT, 1);
        saved.flush(LONG).expect("all is written");
    }
    drop(saved);
    assert!(open(&store, Redb::at(&path)).is_ok());
}

/// A small disk, which is gone with this.
struct Disk(PathBuf);

impl Disk {
    /// `None` if this process may not mount one.
    fn new(folder: &Path, size: &str) -> Option<Self> {
        let at = folder.join("disk");
        fs::create_dir(&at).expect("the folder can be made");
        let options = std::ffi::CString::new(format!("size={size}")).expect("the options are text");
        match mount("tmpfs", &at, "tmpfs", MountFlags::empty(), Some(&*options)) {
            Ok(()) => Some(Self(at)),
            Err(error) => {
                println!("SKIPPED: no disk can be mounted here ({error}), so it cannot be full");
                None
            }
        }
    }

    fn set_read_only(&self, read_only: bool) {
        let flags = if read_only { MountFlags::RDONLY } else { MountFlags::empty() };
        mount_remount(&self.0, flags, "").expect("the folder can be mounted again");
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        unmount(&self.0, UnmountFlags::DETACH).expect("the folder can be unmounted");
    }
}

fn storages(at: &Path) -> [Box<dyn Fn() -> Box<dyn Storage>>; 2] {
    let (redb, json) = (at.join("state.redb"), at.join("state.json"));
    [Box::new(move || Box::new(Redb::at(&redb))), Box::new(move || Box::new(JsonFile::at(&json)))]
}

/// A storage in a box.
struct Boxed(Box<dyn Storage>);

impl Storage for Boxed {
    fn load(&mut self) -> Result<Vec<reacton::persist::Row>, reacton::persist::StorageError> {
        self.0.load()
    }

    fn commit(
        &mut self,
        rows: &[reacton::persist::Row],
    ) -> Result<(), reacton::persist::StorageError> {
        self.0.commit(rows)
    }

    fn keep_aside(
        &mut self,
    ) -> Result<reacton::persist::KeptAside, reacton::persist::StorageError> {
        self.0.keep_aside()
    }
}

#[test]
fn d4_a_full_disk_loses_nothing_is_reported_and_saved_once_there_is_room() {
    let folder = folder();
    let Some(disk) = Disk::new(folder.path(), "8m") else { return };
    for storage in storages(&disk.0) {
        let ballast = disk.0.join("ballast");
        let store = ReactonStore::new();
        let saved = open(&store, Boxed(storage())).expect("the file opens");
        store.set(&COUNT, 1);
        saved.flush(LONG).expect("there is room");
        // Whatever is written until nothing more is taken.
        let mut full = fs::File::create(&ballast).expect("the file can be made");
        while std::io::Write::write_all(&mut full, &[0; 4096]).is_ok() {}
        store.batch(|store| {
            store.set(&COUNT, 2);
            store.update(&ROWS, |rows| {
                (0..1000).for_each(|key| drop(rows.insert(key, "x".repeat(1000))));
            });
        });
        until(&store, &saved, is_failing);
        let SaveStatus::Failing { reason } = store.get(saved.status()) else { unreachable!() };
        assert!(reason.contains("o space") || reason.contains("os error 28"), "{reason}");
        let failed = saved.flush(LONG).expect_err("there is no room");
        assert!(failed.to_string().contains("not everything was written"), "{failed}");
        store.set(&COUNT, 3);
        assert_eq!(store.with(&ROWS, ReactonMap::len), 1000, "nothing is lost in memory");
        drop(full);
        fs::remove_file(&ballast).expect("the file is there");
        until(&store, &saved, |status| *status == SaveStatus::Saved);
        drop(saved);
        let store = ReactonStore::new();
        let _saved = open(&store, Boxed(storage())).expect("the file opens");
        assert_eq!((store.get(&COUNT), store.with(&ROWS, ReactonMap::len)), (3, 1000));
    }
}

#[test]
fn d4_what_cannot_be_written_to_is_read_reported_and_saved_once_it_can_be() {
    let folder = folder();
    let Some(disk) = Disk::new(folder.path(), "8m") else { return };
    for (round, storage) in storages(&disk.0).iter().enumerate() {
        // First where there is no file yet, then where there is one.
        for expected in [0, 5] {
            disk.set_read_only(true);
            let store = ReactonStore::new();
            let saved = open(&store, Boxed(storage())).expect("the file opens");
            assert_eq!(store.get(&COUNT), expected, "round {round}");
            store.set(&COUNT, expected + 5);
            until(&store, &saved, is_failing);
            disk.set_read_only(false);
            until(&store, &saved, |status| *status == SaveStatus::Saved);
            drop(saved);
            let store = ReactonStore::new();
            let _saved = open(&store, Boxed(storage())).expect("the file opens");
            assert_eq!(store.get(&COUNT), expected + 5, "round {round}");
        }
    }
}

#[test]
fn d5_two_processes_cannot_have_one_file_open() {
    let folder = folder();
    for name in ["state.redb", "state.json"] {
        let path = folder.path().join(name);
        let store = ReactonStore::new();
        let json = name.ends_with("json");
        let open = |store: &ReactonStore| {
            if json { open(store, JsonFile::at(&path)) } else { open(store, Redb::at(&path)) }
        };
        let saved = open(&store).expect("the file opens");
        let other = || {
            let program = std::env::current_exe().expect("there is one");
            let output = Command::new(program)
                .args(["damage::another_process", "--exact", "--nocapture"])
                .env("REACTON_PERSIST_PATH", &path)
                .output()
                .expect("the program runs");
            assert!(output.status.success(), "{output:?}");
            String::from_utf8_lossy(&output.stdout).into_owned()
        };
        assert!(other().contains("refused: in use"), "{name}");
        drop(saved);
        assert!(other().contains("opened"), "{name}");
    }
}

/// Not a test by itself: what the other process does.
#[test]
fn another_process() {
    let Some(path) = std::env::var_os("REACTON_PERSIST_PATH").map(PathBuf::from) else { return };
    let store = ReactonStore::new();
    let json = path.extension().is_some_and(|extension| extension == "json");
    let opened = if json { open(&store, JsonFile::at(path)) } else { open(&store, Redb::at(path)) };
    match opened {
        Ok(_saved) => println!("opened"),
        Err(OpenError::InUse { .. }) => println!("refused: in use"),
        Err(error) => panic!("{error:?}"),
    }
}
