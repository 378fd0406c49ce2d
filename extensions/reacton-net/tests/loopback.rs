//! Workers on hosts, over real sockets on this machine. Each test is named after the promise that it checks.

#[path = "loopback/basics.rs"]
mod basics;
#[path = "loopback/deaths.rs"]
mod deaths;
#[path = "loopback/endpoints.rs"]
mod endpoints;
#[path = "loopback/hostile.rs"]
mod hostile;
#[path = "loopback/hosts.rs"]
mod hosts;
#[path = "loopback/jobs.rs"]
mod jobs;
#[path = "loopback/limits.rs"]
mod limits;
#[path = "loopback/places.rs"]
mod places;
#[path = "loopback/processes.rs"]
mod processes;
#[path = "loopback/promises.rs"]
mod promises;
#[path = "loopback/refusals.rs"]
mod refusals;
#[path = "loopback/roads.rs"]
mod roads;
#[path = "loopback/sharing.rs"]
mod sharing;
#[path = "loopback/skew.rs"]
mod skew;
#[path = "loopback/workers.rs"]
mod workers;
