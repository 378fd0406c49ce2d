//! Collections: values of reactons whose entries change, are told and merge one by one.

pub(crate) mod at;
pub(crate) mod cell;
mod changes;
pub(crate) mod counter;
pub(crate) mod declare;
pub(crate) mod diffs;
pub(crate) mod fold;
mod keyed;
pub(crate) mod list;
mod log;
pub(crate) mod map;
pub(crate) mod observe;
mod patch;
mod pending;
mod position;
pub(crate) mod set;
mod tree;
pub(crate) mod view;

#[cfg(test)]
mod tests;
