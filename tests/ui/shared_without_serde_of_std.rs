use reacton::prelude::*;
use std::error::Error;
use std::time::Instant;

trait Tool: Send + Sync {}

#[reacton]
static STARTED: Option<Instant> = None;

#[reacton]
static TABLE: [f32; 64] = [0.0; 64];

#[reacton(eq = never)]
static TOOLS: Vec<Box<dyn Tool>> = Vec::new();

#[reacton(eq = never)]
static FAILED: Option<Box<dyn Error + Send + Sync>> = None;

#[worker(shared = [STARTED, TABLE, TOOLS, FAILED])]
fn worker(_: &ReactonStore) {}

fn main() {}
