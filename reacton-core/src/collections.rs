//! Collections: values of reactons whose entries change, are told and merge one by one.

pub(crate) mod at;
pub(crate) mod cell;
mod changes;
pub(crate) mod counter;
pub(crate) mod declare;
mod keyed;
pub(crate) mod map;
pub(crate) mod observe;
mod pending;
pub(crate) mod set;
mod tree;

#[cfg(test)]
mod tests;
