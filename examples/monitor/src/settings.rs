//! What the monitor remembers: in a JSON file, which can be edited.

use std::env;
use std::path::PathBuf;

use reacton::persist::{JsonFile, OpenError, Persist, Saved, saved};
use reacton::prelude::*;
use serde::{Deserialize, Serialize};

/// The settings of a person.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Settings {
    /// The number below which primes are counted, if the command line names none.
    pub(crate) limit: u64,
    /// The worker that was selected last, from 0.
    pub(crate) selected: usize,
}

impl Default for Settings {
    fn default() -> Self {
        Self { limit: 100_000_000_000, selected: 0 }
    }
}

#[reacton(id = "settings")]
pub(crate) static SETTINGS: Settings = Settings::default();

/// Reads the settings, and saves them from now on: in the file that `MONITOR_SETTINGS` names, or in the folder for settings.
pub(crate) fn remember(store: &ReactonStore) -> Result<Saved, OpenError> {
    let named = env::var_os("MONITOR_SETTINGS").map(PathBuf::from);
    Persist::new(saved![SETTINGS]).open(store, JsonFile::at(named.unwrap_or_else(path)))
}

fn path() -> PathBuf {
    let home = || env::home_dir().unwrap_or_default().join(".config");
    let folder = env::var_os("XDG_CONFIG_HOME").filter(|folder| !folder.is_empty());
    let folder = folder.map_or_else(home, PathBuf::from);
    folder.join("reacton-monitor").join("settings.json")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_of_before_a_field_was_added_are_read() {
        let folder = tempfile::tempdir().expect("a folder can be made");
        let path = folder.path().join("settings.json");
        std::fs::write(&path, r#"{ "settings": { "value": { "limit": 20000 } } }"#)
            .expect("written");
        let store = ReactonStore::new();
        let saved = Persist::new(saved![SETTINGS])
            .open(&store, JsonFile::at(&path))
            .expect("the file opens");
        assert_eq!(store.get(saved.problems()), []);
        assert_eq!(store.get(&SETTINGS), Settings { limit: 20_000, selected: 0 });
        store.update(&SETTINGS, |settings| settings.selected = 3);
        drop(saved);
        let text = std::fs::read_to_string(&path).expect("the file is there");
        assert!(text.contains("\"selected\": 3"), "{text}");
    }
}
