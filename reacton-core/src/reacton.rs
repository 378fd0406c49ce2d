//! Reactons: what the attributes declare, families, and reactons made at run time.

pub(crate) mod access;
pub(crate) mod declare;
mod duplicates;
pub(crate) mod family;
pub(crate) mod group;
pub mod lists;
pub(crate) mod local;
mod lookup;
pub(crate) mod watched;
