#![doc = include_str!("guide/links.md")]
#![doc = include_str!("../docs/guide.md")]

// `links.md` comes first, because the first of two definitions of a link counts. Here the links of the chapters lead to
// modules and items. In the files themselves they lead to files, for a reader in the repository. `cargo test --test
// house` compares both.

#[doc = include_str!("guide/links.md")]
#[doc = include_str!("../docs/getting_started.md")]
pub mod getting_started {}

#[doc = include_str!("guide/links.md")]
#[doc = include_str!("../docs/thinking_in_isolates.md")]
pub mod thinking_in_isolates {}

#[doc = include_str!("guide/links.md")]
#[doc = include_str!("../docs/reactons.md")]
pub mod reactons {}

#[doc = include_str!("guide/links.md")]
#[doc = include_str!("../docs/workers.md")]
pub mod workers {}

#[doc = include_str!("guide/links.md")]
#[doc = include_str!("../docs/store.md")]
pub mod store {}

#[doc = include_str!("guide/links.md")]
#[doc = include_str!("../docs/collections.md")]
pub mod collections {}

#[doc = include_str!("guide/links.md")]
#[doc = include_str!("../docs/sharing.md")]
pub mod sharing {}

#[doc = include_str!("guide/links.md")]
#[doc = include_str!("../docs/serde.md")]
pub mod serde {}

#[doc = include_str!("guide/links.md")]
#[doc = include_str!("../docs/delivery.md")]
pub mod delivery {}

#[doc = include_str!("guide/links.md")]
#[doc = include_str!("../docs/failures.md")]
pub mod failures {}

#[doc = include_str!("guide/links.md")]
#[doc = include_str!("../docs/jobs.md")]
pub mod jobs {}

#[doc = include_str!("guide/links.md")]
#[doc = include_str!("../docs/turns.md")]
pub mod turns {}

#[doc = include_str!("guide/links.md")]
#[doc = include_str!("../docs/async_programs.md")]
pub mod async_programs {}

#[doc = include_str!("guide/links.md")]
#[doc = include_str!("../docs/testing.md")]
pub mod testing {}

#[cfg(feature = "process")]
#[doc = include_str!("guide/links.md")]
#[doc = include_str!("../docs/processes.md")]
pub mod processes {}

#[doc = include_str!("guide/links.md")]
#[doc = include_str!("../docs/machines.md")]
pub mod machines {}

/// Workers in child processes. This chapter exists with the feature `process`.
#[cfg(not(feature = "process"))]
pub mod processes {}

#[doc = include_str!("guide/links.md")]
#[doc = include_str!("../docs/groups.md")]
pub mod groups {}

#[cfg(feature = "persist")]
#[doc = include_str!("guide/links.md")]
#[doc = include_str!("../docs/persistence.md")]
pub mod persistence {}

/// Values that outlive the program. This chapter exists with the feature `persist`.
#[cfg(not(feature = "persist"))]
pub mod persistence {}

#[doc = include_str!("guide/links.md")]
#[doc = include_str!("../docs/performance.md")]
pub mod performance {}

#[doc = include_str!("guide/links.md")]
#[doc = include_str!("../docs/from_dart.md")]
pub mod from_dart {}

#[doc = include_str!("guide/links.md")]
#[doc = include_str!("../docs/common_mistakes.md")]
pub mod common_mistakes {}

#[doc = include_str!("guide/links.md")]
#[doc = include_str!("../docs/contract.md")]
pub mod contract {}

#[doc = include_str!("guide/links.md")]
#[doc = include_str!("../docs/protocol.md")]
pub mod protocol {}
