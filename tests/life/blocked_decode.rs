//! A value that keeps the worker that takes it over waiting at its door.

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::sync::mpsc::{Receiver, Sender, channel};

use reacton::prelude::*;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Decoded on a thread that has a door, it knocks there, and waits until somebody opens.
#[derive(Clone, PartialEq, Debug)]
pub(crate) struct Guest;

#[reacton]
pub(crate) static GUEST: Guest = Guest;

struct Door {
    knock: Sender<()>,
    open: Receiver<()>,
}

/// By the names of threads: main decodes, too, to see whether the value comes back whole.
static DOORS: Mutex<BTreeMap<&'static str, Door>> = Mutex::new(BTreeMap::new());

/// Gives the next worker of this name a door: what opens it, and what is heard when it knocks.
pub(crate) fn hang_door(worker: &'static str) -> (Sender<()>, Receiver<()>) {
    let (knock, knocked) = channel();
    let (opener, open) = channel();
    DOORS.lock().expect("nobody panics").insert(worker, Door { knock, open });
    (opener, knocked)
}

impl Serialize for Guest {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_unit()
    }
}

impl<'de> Deserialize<'de> for Guest {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        <()>::deserialize(deserializer)?;
        let door = std::thread::current()
            .name()
            .and_then(|name| DOORS.lock().expect("nobody panics").remove(name));
        if let Some(Door { knock, open }) = door {
            knock.send(()).expect("the test listens");
            open.recv().expect("the test opens");
        }
        Ok(Self)
    }
}
