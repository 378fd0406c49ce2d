//! The jobs of a pool: their queue, what the members share, and how a member takes one.

mod jobs;
mod log;
mod member;
mod report;
mod shared;

pub(crate) use self::jobs::Jobs;
pub use self::jobs::PoolStats;
pub(crate) use self::log::{Event, Log};
pub(crate) use self::member::{Membership, wake};
pub use self::shared::LostJob;
pub(crate) use self::shared::{Lost, PoolShared};
