#![doc = chapter_links!()]
#![doc = include_str!("../docs/guide.md")]

// What the chapters link to: the docs of a module are resolved where it is declared, which is here. Links between chapters name
// files, for a reader in the repository; `chapter_links` comes first and leads them to modules.
#[allow(unused_imports, reason = "rustdoc alone uses them")]
use crate::{
    PoolStats,
    prelude::*,
    run,
    testing::{Simulation, sleep},
};

#[doc = chapter_links!()]
#[doc = include_str!("../docs/getting_started.md")]
pub mod getting_started {}

#[doc = chapter_links!()]
#[doc = include_str!("../docs/thinking_in_isolates.md")]
pub mod thinking_in_isolates {}

#[doc = chapter_links!()]
#[doc = include_str!("../docs/reactons.md")]
pub mod reactons {}

#[doc = chapter_links!()]
#[doc = include_str!("../docs/workers.md")]
pub mod workers {}

#[doc = chapter_links!()]
#[doc = include_str!("../docs/store.md")]
pub mod store {}

#[doc = chapter_links!()]
#[doc = include_str!("../docs/sharing.md")]
pub mod sharing {}

#[doc = chapter_links!()]
#[doc = include_str!("../docs/serde.md")]
pub mod serde {}

#[doc = chapter_links!()]
#[doc = include_str!("../docs/delivery.md")]
pub mod delivery {}

#[doc = chapter_links!()]
#[doc = include_str!("../docs/failures.md")]
pub mod failures {}

#[doc = chapter_links!()]
#[doc = include_str!("../docs/jobs.md")]
pub mod jobs {}

#[doc = chapter_links!()]
#[doc = include_str!("../docs/turns.md")]
pub mod turns {}

#[doc = chapter_links!()]
#[doc = include_str!("../docs/async_programs.md")]
pub mod async_programs {}

#[doc = chapter_links!()]
#[doc = include_str!("../docs/testing.md")]
pub mod testing {}

#[cfg(feature = "process")]
#[doc = chapter_links!()]
#[doc = include_str!("../docs/processes.md")]
pub mod processes {}

/// Workers in processes of their own: this chapter is there with the feature `process`.
#[cfg(not(feature = "process"))]
pub mod processes {}

#[doc = chapter_links!()]
#[doc = include_str!("../docs/performance.md")]
pub mod performance {}

#[doc = chapter_links!()]
#[doc = include_str!("../docs/from_dart.md")]
pub mod from_dart {}

#[doc = chapter_links!()]
#[doc = include_str!("../docs/common_mistakes.md")]
pub mod common_mistakes {}

#[doc = chapter_links!()]
#[doc = include_str!("../docs/contract.md")]
pub mod contract {}

#[doc = chapter_links!()]
#[doc = include_str!("../docs/protocol.md")]
pub mod protocol {}
