//! D1 to D4: what was committed is in the file, whole, and comes back.

#[allow(dead_code, reason = "each test program uses a part of it")]
#[path = "support/settings.rs"]
mod settings;

#[path = "saving/basics.rs"]
mod basics;
#[path = "saving/collections.rs"]
mod collections;
#[path = "saving/groups.rs"]
mod groups;
#[path = "saving/refused.rs"]
mod refused;
#[path = "saving/waits.rs"]
mod waits;
