//! The jobs of a pool: their queue, what the members share, and how a member takes one.

mod answer;
mod caller;
mod direct;
mod jobs;
mod log;
mod member;
mod report;
mod shared;

pub use self::caller::Caller;
pub(crate) use self::caller::Route;
pub(crate) use self::direct::send_call;
pub use self::jobs::PoolStats;
pub(crate) use self::jobs::{AssignedJob, Callee, Ended, Jobs, Recovered};
pub(crate) use self::log::{Event, Log};
pub(crate) use self::member::{Membership, wake};
pub use self::shared::LostJob;
pub(crate) use self::shared::{Lost, PoolShared};
