//! Collections: maps, sets, lists and counters as values of reactons, which are written, observed and merged entry by
//! entry.

pub(crate) mod at;
pub(crate) mod cell;
mod changes;
pub(crate) mod counter;
pub(crate) mod declare;
pub(crate) mod diffs;
mod few;
pub(crate) mod fold;
mod keyed;
pub(crate) mod list;
mod log;
pub(crate) mod map;
pub(crate) mod observe;
mod patch;
mod pending;
pub(crate) mod pieces;
pub(crate) mod position;
mod recording;
pub(crate) mod set;
mod tree;
pub(crate) mod view;

#[cfg(test)]
mod tests;
