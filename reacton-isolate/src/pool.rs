//! The jobs of a pool: their queue, what the members share, and how a member takes one.

#[cfg(feature = "process")]
mod agent;
mod answer;
mod caller;
mod direct;
mod jobs;
mod log;
mod member;
mod queue;
#[cfg(feature = "process")]
mod remote;
mod report;
mod shared;
mod sleeper;

#[cfg(feature = "process")]
pub(crate) use self::agent::Agent;
#[cfg(feature = "process")]
pub(crate) use self::answer::answering;
pub(crate) use self::answer::fail_calls;
pub use self::caller::Caller;
pub(crate) use self::caller::Route;
#[cfg(feature = "process")]
pub(crate) use self::direct::post_call;
pub(crate) use self::direct::send_call;
pub use self::jobs::PoolStats;
pub(crate) use self::jobs::{AssignedJob, Callee, Ended, Jobs, Recovered};
#[cfg(feature = "process")]
pub(crate) use self::jobs::{Job, Work};
pub(crate) use self::log::{Event, Log};
#[cfg(feature = "process")]
pub(crate) use self::member::post_job;
pub(crate) use self::member::{Membership, wake};
pub(crate) use self::queue::Queue;
#[cfg(feature = "process")]
pub(crate) use self::remote::Remote;
pub use self::shared::LostJob;
pub(crate) use self::shared::{Lost, PoolShared};
