//! D1 to D6 of the file itself: texts of JSON, damage, full disks, two processes, other builds.

#[allow(dead_code, reason = "each test program uses a part of it")]
#[path = "support/settings.rs"]
mod settings;

#[path = "files/builds.rs"]
mod builds;
#[path = "files/damage.rs"]
mod damage;
#[path = "files/json.rs"]
mod json;
