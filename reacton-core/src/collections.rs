//! Collections: values of reactons whose entries change, are told and merge one by one.

pub(crate) mod at;
pub(crate) mod cell;
mod changes;
pub(crate) mod counter;
pub(crate) mod declare;
pub(crate) mod diffs;
pub(crate) mod fold;
mod keyed;
mod log;
pub(crate) mod map;
pub(crate) mod observe;
#[allow(dead_code, unreachable_pub, reason = "lists and views, which are made of it, come next")]
mod patch;
mod pending;
pub(crate) mod set;
mod tree;
pub(crate) mod view;

#[cfg(test)]
mod tests;
