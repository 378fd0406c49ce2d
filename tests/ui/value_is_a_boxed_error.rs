use reacton::prelude::*;
use std::error::Error;

#[reacton]
static FAILED: Option<Box<dyn Error + Send + Sync>> = None;

fn main() {}
