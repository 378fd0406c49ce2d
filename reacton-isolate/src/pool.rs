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
pub(crate) use self::answer::{answering, fail_calls};
pub use self::caller::Caller;
pub(crate) use self::caller::Route;
pub(crate) use self::direct::{post_call, send_call};
pub use self::jobs::PoolStats;
pub(crate) use self::jobs::{AssignedJob, Callee, Ended, Job, Jobs, Recovered, Work};
pub(crate) use self::log::{Event, Log};
pub(crate) use self::member::{Membership, post_job, wake};
pub(crate) use self::queue::Queue;
#[cfg(feature = "process")]
pub(crate) use self::remote::Remote;
pub use self::shared::LostJob;
pub(crate) use self::shared::{Lost, PoolShared};
