//! The jobs of a pool: their queue, what the members share, and how a member takes one.

mod crew;
mod jobs;
mod log;
mod member;
mod report;

pub use self::crew::LostJob;
pub(crate) use self::crew::{Crew, Lost};
pub(crate) use self::jobs::Jobs;
pub use self::jobs::PoolStats;
pub(crate) use self::log::{Event, Log};
pub(crate) use self::member::{Membership, wake};
