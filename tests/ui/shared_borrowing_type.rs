use reacton::prelude::*;
use serde::{Deserialize, Serialize};

#[derive(Clone, PartialEq, Serialize, Deserialize)]
struct Page<'a> {
    title: &'a str,
}

#[reacton]
static PAGE: Page<'static> = Page { title: "" };

#[worker(shared = [PAGE])]
fn worker(_: &ReactonStore) {}

fn main() {}
