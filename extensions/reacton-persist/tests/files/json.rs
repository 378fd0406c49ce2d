//! A file of JSON, as a person sees and edits it.

use std::fs;
use std::path::Path;
use std::time::Duration;

use reacton::persist::{
    JsonFile, OpenError, Persist, Problem, SaveStatus, Saved, StorageError, saved,
};
use reacton::prelude::*;

use crate::settings::{COUNT, DONE, LONG, PICTURE, QUEUE, ROWS, SETTINGS, Settings, TAGS, folder};

fn open(store: &ReactonStore, path: &Path) -> Result<Saved, OpenError> {
    Persist::new(saved![SETTINGS, COUNT, PICTURE, ROWS, TAGS, QUEUE, DONE])
        .every(Duration::from_millis(20))
        .open(store, JsonFile::at(path))
}

#[test]
fn d1_a_person_can_read_the_file() {
    let folder = folder();
    let path = folder.path().join("settings.json");
    {
        let store = ReactonStore::new();
        let _saved = open(&store, &path).expect("the file opens");
        assert!(!path.exists(), "nothing was written that the program has not written");
        store.set(&SETTINGS, Settings { theme: "dark".into(), size: 14.5 });
        store.update(&ROWS, |rows| drop(rows.insert(7, "seven".into())));
        store.set(&PICTURE, vec![0, 255]);
    }
    let text = fs::read_to_string(&path).expect("the file is there");
    let expected = r#"{
  "picture": {
    "messagepack": "c40200ff"
  },
  "rows": {
    "entries": [
      {
        "key": 7,
        "value": "seven"
      }
    ]
  },
  "settings": {
    "value": {
      "theme": "dark",
      "size": 14.5
    }
  }
}
"#;
    assert_eq!(text, expected);
}

#[test]
fn d1_everything_comes_back_from_json() {
    let folder = folder();
    let path = folder.path().join("deep/settings.json");
    let fill = |store: &ReactonStore| {
        store.batch(|store| {
            store.set(&SETTINGS, Settings { theme: "ä\"\n".into(), size: 0.1 });
            store.set(&COUNT, u64::MAX);
            store.set(&PICTURE, vec![1, 2]);
            store.update(&ROWS, |rows| (0..300).for_each(|key| drop(rows.insert(key, "x".into()))));
            store.update(&TAGS, |tags| tags.insert("tag".into()));
            store.update(&QUEUE, |queue| queue.extend(["a", "b"].map(String::from)));
            store.update(&DONE, |done| done.add(-3));
        });
    };
    let first = ReactonStore::new();
    let saved = open(&first, &path).expect("the file opens");
    fill(&first);
    drop(saved);
    let second = ReactonStore::new();
    let saved = open(&second, &path).expect("the file opens");
    assert_eq!(second.get(saved.problems()), []);
    assert_eq!(second.get(saved.status()), SaveStatus::Saved);
    assert_eq!(first.get(&SETTINGS), second.get(&SETTINGS));
    assert_eq!(first.get(&COUNT), second.get(&COUNT));
    assert_eq!(first.get(&PICTURE), second.get(&PICTURE));
    assert_eq!(first.get(&ROWS), second.get(&ROWS));
    assert_eq!(first.get(&TAGS), second.get(&TAGS));
    assert_eq!(first.get(&QUEUE), second.get(&QUEUE));
    assert_eq!(first.get(&DONE), second.get(&DONE));
}

#[test]
fn d1_a_value_that_json_cannot_hold_comes_back() {
    #[reacton(id = "odd")]
    static ODD: Vec<f64> = Vec::new();
    #[reacton(id = "keyed")]
    static KEYED: std::collections::BTreeMap<u8, u128> = std::collections::BTreeMap::new();
    let folder = folder();
    let path = folder.path().join("odd.json");
    let open = |store: &ReactonStore| {
        Persist::new(saved![ODD, KEYED]).open(store, JsonFile::at(&path)).expect("the file opens")
    };
    {
        let store = ReactonStore::new();
        let _saved = open(&store);
        store.set(&ODD, vec![f64::INFINITY, -0.0]);
        store.set(&KEYED, [(1, u128::MAX)].into());
    }
    let store = ReactonStore::new();
    let saved = open(&store);
    assert_eq!(store.get(saved.problems()), []);
    assert_eq!(store.get(&ODD), [f64::INFINITY, -0.0]);
    assert_eq!(store.get(&KEYED), [(1, u128::MAX)].into());
}

#[test]
fn d3_what_a_person_has_edited_is_read() {
    let folder = folder();
    let path = folder.path().join("settings.json");
    let text = r#"{ "settings": {"value": {"size": 9, "theme": "blue"}},
        "rows": {"entries": [{"key": 1, "value": "one"}]}, "tags": {"entries": [{"key": "t", "value": null}]} }"#;
    fs::write(&path, text).expect("the file is written");
    let store = ReactonStore::new();
    let saved = open(&store, &path).expect("the file opens");
    assert_eq!(store.get(saved.problems()), []);
    assert_eq!(store.get(&SETTINGS), Settings { theme: "blue".into(), size: 9.0 });
    assert_eq!(store.get(&ROWS), ReactonMap::from([(1, String::from("one"))]));
    assert!(store.with(&TAGS, |tags| tags.contains("t")));
    drop(saved);
    assert_eq!(
        fs::read_to_string(&path).expect("the file is there"),
        text,
        "the file is as the person left it"
    );
}

#[test]
fn d3_a_typing_error_names_line_and_column_and_the_file_stays() {
    let folder = folder();
    let path = folder.path().join("settings.json");
    let texts = [
        ("{\n  \"settings\": { \"value\": { \"theme\": \"dark\" \"size\": 1 } }\n}", 2, 44),
        ("{\n  \"settings\": {\n", 2, 0),
        ("{\n  \"settings\": { \"valeu\": 1 }\n}", 2, 0),
        ("[1]", 1, 0),
    ];
    for (text, expected, at) in texts {
        fs::write(&path, text).expect("the file is written");
        let store = ReactonStore::new();
        match open(&store, &path).map(drop) {
            Err(OpenError::Storage(StorageError::Syntax { line, column, .. })) => {
                assert!(line == expected || at == 0, "{text}: {line}");
                assert!(column == at || at == 0, "{text}: {column}");
            }
            other => panic!("{text}: {other:?}"),
        }
        assert_eq!(fs::read_to_string(&path).expect("the file is there"), text);
    }
}

#[test]
fn d3_an_edited_value_of_the_wrong_type_is_reported_and_moved_aside_by_the_first_write() {
    let folder = folder();
    let path = folder.path().join("settings.json");
    let text = r#"{"settings": {"value": {"theme": 5}}, "count": {"value": 8}}"#;
    fs::write(&path, text).expect("the file is written");
    {
        let store = ReactonStore::new();
        let saved = open(&store, &path).expect("the file opens");
        assert_eq!(store.get(&SETTINGS).theme, "light");
        assert_eq!(store.get(&COUNT), 8, "the other values are read");
        let problems = store.get(saved.problems());
        let [Problem::NotDecoded { name, reason, kept }] = &problems[..] else {
            panic!("{problems:?}")
        };
        assert_eq!((&name[..], &kept[..]), ("settings", "settings#aside-1"));
        assert!(reason.contains("string"), "{reason}");
        store.set(&COUNT, 9);
        saved.flush(LONG).expect("all is written");
        assert!(fs::read_to_string(&path).expect("the file is there").contains("\"theme\": 5"));
        store.update(&SETTINGS, |settings| settings.size = 1.0);
    }
    let text = fs::read_to_string(&path).expect("the file is there");
    let file: serde_json::Value = serde_json::from_str(&text).expect("the text is JSON");
    assert_eq!(file["settings#aside-1"]["value"]["theme"], 5);
    assert_eq!(file["settings"]["value"]["theme"], "light");
    let store = ReactonStore::new();
    let saved = open(&store, &path).expect("the file opens");
    assert_eq!(store.get(saved.problems()), []);
    saved.forget_unknown();
    drop(saved);
    assert!(!fs::read_to_string(&path).expect("the file is there").contains("aside"));
}

#[test]
fn d5_a_second_handle_is_refused_by_name() {
    let folder = folder();
    let path = folder.path().join("settings.json");
    let store = ReactonStore::new();
    let saved = open(&store, &path).expect("the file opens");
    let second = open(&ReactonStore::new(), &path).map(drop);
    assert!(
        matches!(&second, Err(OpenError::InUse { path: named }) if *named == path),
        "{second:?}"
    );
    drop(saved);
    assert!(open(&store, &path).is_ok());
}
