//! Child processes: how this program starts itself as a worker, and what runs there.

mod child;
mod program;
mod road;
mod socket;

pub(crate) use self::child::{is_child, run_as_child};
pub(crate) use self::program::{Launch, serve, served};
pub(crate) use self::road::Processes;
