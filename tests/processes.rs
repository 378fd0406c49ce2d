//! Workers in child processes: they keep the promises of workers on threads, and main survives their deaths, which no
//! thread would survive.

#![cfg(unix)]
#![forbid(unsafe_code)]

#[macro_use]
#[path = "processes/place.rs"]
mod place;

#[path = "processes/call_deaths.rs"]
mod call_deaths;
#[path = "processes/calls.rs"]
mod calls;
#[path = "processes/collections.rs"]
mod collections;
#[path = "processes/deaths.rs"]
mod deaths;
#[path = "processes/ending.rs"]
mod ending;
#[path = "processes/job_deaths.rs"]
mod job_deaths;
#[path = "processes/jobs.rs"]
mod jobs;
#[path = "processes/members.rs"]
mod members;
#[path = "processes/places.rs"]
mod places;
#[path = "processes/sharing.rs"]
mod sharing;
#[path = "processes/starting.rs"]
mod starting;
#[path = "processes/workers.rs"]
mod workers;

reacton::process::test_workers![
    collections::keeper,
    collections::late_keeper,
    collections::reader,
    members::asked,
    members::gatherer,
    members::hand,
    members::keen,
    members::later,
    members::looping,
    workers::awaiting,
    workers::brittle,
    workers::considerate,
    workers::considerate_latest,
    workers::corrector,
    workers::counted,
    workers::doubler,
    workers::echo,
    workers::failing,
    workers::fused,
    workers::history,
    workers::impatient,
    workers::latest_echo,
    workers::pairs,
    workers::parent,
    workers::picker,
    workers::rival,
    workers::slow_reader,
];
