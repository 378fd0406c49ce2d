use std::rc::Rc;

use reacton::persist::{Persist, saved};
use reacton::prelude::*;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

#[derive(Clone, PartialEq, Debug)]
struct Theme(Rc<String>);

impl Serialize for Theme {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Theme {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer).map(|name| Self(Rc::new(name)))
    }
}

#[reacton(id = "theme")]
static THEME: Theme = Theme(Rc::new(String::new()));

fn main() {
    let _ = Persist::new(saved![THEME]);
}
